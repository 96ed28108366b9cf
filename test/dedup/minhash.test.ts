/** Shingles, sketches and band keys: exact where they are exact, and as close to their theory as statistics allow. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mix32 } from '../../engine/arrow/hash.ts'
import {
  beginKey,
  chooseBands,
  endKey,
  feedKey,
  jaccard,
  recall,
  SHINGLE,
  shingles,
  sketch,
  tokenize,
} from '../../stages/dedup/minhash.ts'

const encoder = new TextEncoder()

/** Shingle set of texts said one after the other. */
function setOf(texts: readonly string[]): Uint32Array {
  let count = 0
  for (const text of texts) {
    const bytes = encoder.encode(text)
    count = tokenize(bytes, 0, bytes.length, count)
  }
  const set = new Uint32Array(count + 3)
  return set.slice(2, shingles(count, set, 2))
}

/** The same as strings: words, and characters where there are no spaces between words. */
function slowSet(text: string): Set<string> {
  const tokens = text
    .toLowerCase()
    .replace(/[，。]/gu, ' ')
    .replace(/\p{Script=Han}/gu, ' $& ')
    .split(' ')
    .filter(word => word !== '')
  if (tokens.length === 0) return new Set()
  if (tokens.length < SHINGLE) return new Set([tokens.join(' ')])
  return new Set(tokens.slice(SHINGLE - 1).map((_, i) => tokens.slice(i, i + SHINGLE).join(' ')))
}
function slowJaccard<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): number {
  const shared = [...a].filter(value => b.has(value)).length
  return a.size + b.size === 0 ? 1 : shared / (a.size + b.size - shared)
}

function sketchOf(set: Uint32Array, bins: number): Uint32Array {
  const out = new Uint32Array(bins + 2).fill(77)
  sketch(set, 0, set.length, out, 1, bins)
  expect([out[0], out[bins + 1]]).toEqual([77, 77])
  return out.slice(1, bins + 1)
}
function keysOf(entries: Uint32Array, { bands, rows }: { bands: number; rows: number }): string[] {
  const out = new Uint32Array(2)
  return Array.from({ length: bands }, (_, band) => {
    beginKey(band)
    feedKey(entries, band * rows, rows)
    endKey(out, 0)
    return out.join()
  })
}
/** Two sets with this many values of their own and in common, different for each trial. */
function twoSets(trial: number, shared: number, own: number): [Uint32Array, Uint32Array] {
  const value = (i: number) => mix32(trial * 1_000_003 + i)
  const values = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => value(from + i))
  const common = values(0, shared)
  return [
    Uint32Array.from([...common, ...values(shared, shared + own)]).sort(),
    Uint32Array.from([...common, ...values(shared + own, shared + 2 * own)]).sort(),
  ]
}
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const word = fc.constantFrom('one', 'Two', 'three', 'four', 'FIVE', 'six', '水', '火', '你好，世界。', 'x')
const text = fc.array(word, { maxLength: 30 }).map(words => words.join(' '))

describe('shingles', () => {
  it('are the set that strings would give', () =>
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(setOf([a]).length).toBe(slowSet(a).size)
        expect(jaccard(setOf([a]), setOf([b]))).toBe(slowJaccard(slowSet(a), slowSet(b)))
      }),
      { numRuns: 1000 },
    ))

  it('ascend without repeats', () =>
    fc.assert(
      fc.property(text, value => {
        const set = setOf([value])
        for (let i = 1; i < set.length; i++) expect(set[i]).toBeGreaterThan(set[i - 1])
      }),
    ))

  it('run on from text to text', () => {
    expect(setOf(['a b c', 'd e f'])).toEqual(setOf(['a b c d e f']))
  })

  it('keep short texts apart', () => {
    const short = [
      'yes',
      'no',
      'Yes!',
      'not at all',
      'at all',
      'all',
      '是',
      '不是',
      '',
      'one two three four',
      'one two three five',
      'yes yes',
      'yes yes yes',
    ]
    for (const a of short) for (const b of short) expect(jaccard(setOf([a]), setOf([b]))).toBe(a === b ? 1 : 0)
    expect(jaccard(setOf(['YES']), setOf([' yes\n']))).toBe(1)
  })

  it('take characters for words where there are no spaces', () => {
    const a = '今天天气很好我们一起去公园散步吧',
      b = '今天天气很好我们一起去公园跑步吧'
    expect(setOf([a]).length).toBe([...a].length - SHINGLE + 1)
    expect(jaccard(setOf([a]), setOf([b]))).toBe(9 / 15)
    expect(jaccard(setOf([a]), setOf([`${a.slice(0, 6)}，${a.slice(6)}。`]))).toBe(1)
  })
})

describe('jaccard', () => {
  const set = fc.uniqueArray(
    fc.integer({ min: 0, max: 40 }).map(i => (i * 0x6000000) >>> 0),
    { maxLength: 30 },
  )
  it('is that of sets', () =>
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(jaccard(Uint32Array.from(a).sort(), Uint32Array.from(b).sort())).toBe(
          slowJaccard(new Set(a), new Set(b)),
        )
      }),
      { numRuns: 1000 },
    ))
})

describe('sketch', () => {
  it('depends on the set alone and leaves no bin out', () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 0xffffffff }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 200 }),
        (values, bins) => {
          const once = sketchOf(Uint32Array.from(values), bins)
          expect(sketchOf(Uint32Array.from(values).reverse(), bins)).toEqual(once)
          expect(once.filter(entry => entry === 0).length).toBe(0)
        },
      ),
    ))

  // [values in common, values of each side's own]: from one single shingle to long texts
  it.each([
    [1, 0],
    [1, 1],
    [3, 1],
    [2, 9],
    [20, 5],
    [40, 5],
    [100, 100],
    [600, 40],
  ])('agrees in as many bins as the sets are similar: %i shared, %i own', (shared, own) => {
    const bins = 64,
      trials = 300,
      truth = shared / (shared + 2 * own)
    const estimates = Array.from({ length: trials }, (_, trial) => {
      const [a, b] = twoSets(trial, shared, own).map(set => sketchOf(set, bins))
      return a.filter((entry, i) => entry === b[i]).length / bins
    })
    const spread = Math.sqrt((truth * (1 - truth)) / bins) // of one estimate, were the bins independent
    expect(Math.abs(mean(estimates) - truth)).toBeLessThanOrEqual((4.5 * spread) / Math.sqrt(trials) + 1e-9)
    expect(mean(estimates.map(estimate => (estimate - truth) ** 2))).toBeLessThanOrEqual(1.4 * spread ** 2 + 1e-9)
  })
})

describe('bands', () => {
  it.each([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1])('find what is a little more similar than %d', similarity => {
    for (const bins of [64, 128]) {
      const bands = chooseBands(similarity, bins)
      expect(bands.bands * bands.rows).toBeLessThanOrEqual(bins)
      expect(recall(Math.min(similarity + 0.05, (1 + similarity) / 2), bands)).toBeGreaterThanOrEqual(0.95)
    }
    expect(recall(similarity - 0.3, chooseBands(similarity, 128))).toBeLessThan(0.15)
  })

  it('refuses a similarity that so few bins cannot find', () => {
    expect(() => chooseBands(0.05, 16)).toThrow(
      /16 bins cannot find 95 % of the pairs of similarity 0.1; raise the similarity of 0.05/,
    )
  })

  it('share every key for identical texts and none for unlike ones', () => {
    const bands = chooseBands(0.8, 128),
      keys = (value: string) => keysOf(sketchOf(setOf([value]), 128), bands)
    const a = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' '),
      b = Array.from({ length: 60 }, (_, i) => `other${i}`).join(' ')
    expect(keys(a)).toEqual(keys(a.toUpperCase()))
    expect(new Set(keys(a)).size).toBe(bands.bands)
    expect(keys(a).filter(key => keys(b).includes(key))).toEqual([])
    expect(keys('yes').filter(key => keys('no').includes(key))).toEqual([])
  })

  // at the least similarity that is promised, and for short sets as for long ones
  it.each([
    [17, 1.5],
    [34, 3],
    [170, 15],
  ])('reach the promised recall: %i shared, %d own', (shared, own) => {
    const bands = chooseBands(0.8, 128),
      trials = 400
    let found = 0
    for (let trial = 0; trial < trials; trial++) {
      const more = Math.ceil(own),
        [a, b] = twoSets(trial, shared, more)
      // 1.5 values of their own: two on one side and one on the other
      const [x, y] = [
        a,
        own === more ? b : b.filter(value => a.includes(value) || value !== b.find(other => !a.includes(other))),
      ].map(set => keysOf(sketchOf(set, 128), bands))
      if (x.some((key, band) => key === y[band])) found++
    }
    const expected = recall(shared / (shared + 2 * own), bands)
    expect(expected).toBeGreaterThan(0.95)
    expect(found / trials).toBeGreaterThan(expected - 4 * Math.sqrt((expected * (1 - expected)) / trials))
  })

  it('find texts with a few edits', () => {
    const bands = chooseBands(0.7, 128),
      trials = 200
    let found = 0,
      expected = 0
    for (let trial = 0; trial < trials; trial++) {
      const words = Array.from({ length: 120 }, (_, i) => `w${mix32(trial * 211 + i) % 900}`),
        edited = [...words]
      edited[mix32(trial) % 120] = 'changed'
      edited.splice(mix32(trial + 7) % 100, 1)
      const a = setOf([words.join(' ')]),
        b = setOf([edited.join(' ')])
      expected += recall(jaccard(a, b), bands)
      const x = keysOf(sketchOf(a, 128), bands),
        y = keysOf(sketchOf(b, 128), bands)
      if (x.some((key, band) => key === y[band])) found++
    }
    expect(expected / trials).toBeGreaterThan(0.98)
    expect(found).toBeGreaterThan(expected - 4 * Math.sqrt(trials * 0.02))
  })
})
