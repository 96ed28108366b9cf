/** Hashes as they are published elsewhere, and random numbers that are even. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hash32, mix32 } from '../../engine/arrow/hash.ts'
import { foldOf, hashString, Random, shuffle } from '../../models/random.ts'

test('hash32 is MurmurHash3 x86 32', () => {
  expect(hashString('', 1)).toBe(0x514e28b7)
  expect(hashString('hello', 0)).toBe(0x248bfa47)
  expect(hashString('The quick brown fox jumps over the lazy dog', 0x9747b28c)).toBe(0x2fa826cd)
})

test('hash32 sees its range and nothing around it', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (before, text, after) => {
      const all = Uint8Array.from([...before, ...text, ...after])
      expect(hash32(all, before.length, before.length + text.length, 7)).toBe(hash32(text, 0, text.length, 7))
    }),
  )
})

test('mix32 keeps different integers apart', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (a, b) => {
      expect(mix32(a) === mix32(b)).toBe(a === b)
    }),
  )
})

test('folds are even, and of another seed different', () => {
  const counts = new Uint32Array(5)
  let same = 0
  for (let i = 0; i < 10_000; i++) {
    counts[foldOf(i, 5, 1)]++
    if (foldOf(i, 5, 1) === foldOf(i, 5, 2)) same++
  }
  for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  expect(Math.abs(same - 2000)).toBeLessThan(200)
})

test('random numbers repeat by seed, are uniform, and their normals have mean 0 and variance 1', () => {
  const draw = (seed: number) =>
    Array.from(
      { length: 5 },
      (
        random => () =>
          random.uint32()
      )(new Random(seed)),
    )
  expect(draw(3)).toEqual(draw(3))
  expect(draw(3)).not.toEqual(draw(4))
  const random = new Random(11)
  let uniform = 0,
    mean = 0,
    square = 0
  for (let i = 0; i < 20_000; i++) {
    uniform += random.float() / 20_000
    const z = random.normal()
    mean += z / 20_000
    square += (z * z) / 20_000
  }
  expect(uniform).toBeCloseTo(0.5, 1.7)
  expect(Math.abs(mean)).toBeLessThan(0.03)
  expect(Math.abs(square - 1)).toBeLessThan(0.05)
})

test('shuffle permutes', () => {
  fc.assert(
    fc.property(fc.uint32Array(), fc.integer(), (items, seed) => {
      const shuffled = shuffle(items.slice(), new Random(seed))
      expect(shuffled.sort()).toEqual(items.slice().sort())
    }),
  )
})
