/** Samples by the smallest hashes of content. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { smallestOf } from '../../stages/kit/sample.ts'

test('values are made from the smallest hash on, and those that cannot be made leave their place to others', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200), { maxLength: 300 }),
      fc.nat(20),
      fc.integer({ min: 1, max: 5 }),
      (list, most, share) => {
        const smallest = smallestOf<number>(most),
          opened = new Set<number>()
        for (const hash of list) {
          smallest.offer(hash, () => {
            opened.add(hash)
            return hash % share === 0 ? hash : undefined
          })
        }
        const lowest = [...new Set(list.filter(hash => hash % share === 0))].sort((a, b) => a - b).slice(0, most)
        expect(smallest.values()).toEqual(lowest)
        expect(smallest.hashes()).toEqual(lowest)
        if (most > 0 && list.length < 2 * most && lowest.length === most) {
          expect(Math.max(...opened)).toBe(lowest.at(-1))
        }
      },
    ),
  )
})

test('of equal hashes the first that can be made is there, in one part or in several', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 60 }),
      (list, most, cut) => {
        const sampleOf = (some: readonly (readonly [number, boolean])[], from: number) => {
          const smallest = smallestOf<readonly [number, number]>(most)
          some.forEach(([hash, isThere], i) => {
            smallest.offer(hash, () => (isThere ? [hash, from + i] : undefined))
          })
          return smallest.values()
        }
        const joined = smallestOf<readonly [number, number]>(most)
        for (const part of [sampleOf(list.slice(0, cut), 0), sampleOf(list.slice(cut), cut)]) {
          for (const one of part) joined.offer(one[0], () => one)
        }
        expect(joined.values()).toEqual(sampleOf(list, 0))
      },
    ),
  )
})
