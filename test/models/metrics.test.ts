/** Measures against counting by hand, and intervals that hold as often as they say. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { auroc, calibrationError, flippedAuroc, midranks, pearson, share, spearman } from '../../models/metrics.ts'
import { Random } from '../../models/random.ts'

const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.boolean()), { minLength: 2, maxLength: 40 })

test('auroc counts the pairs that are in order, ties half', () => {
  fc.assert(
    fc.property(scored, rows => {
      const up = rows.filter(([, positive]) => positive).map(([score]) => score)
      const down = rows.filter(([, positive]) => !positive).map(([score]) => score)
      let wins = 0
      for (const a of up) for (const b of down) wins += a > b ? 1 : a === b ? 0.5 : 0
      const { value, low, high } = auroc(
        rows.map(([score]) => score),
        rows.map(([, positive]) => (positive ? 1 : 0)),
      )
      if (up.length === 0 || down.length === 0) {
        expect(value).toBeNaN()
        return
      }
      expect(value).toBeCloseTo(wins / up.length / down.length, 10)
      expect(low).toBeLessThanOrEqual(value + 1e-12)
      expect(high).toBeGreaterThanOrEqual(value - 1e-12)
    }),
  )
})

test("DeLong's interval holds the truth about 95 times in 100", () => {
  const random = new Random(5)
  const truth = 0.7602 // Phi(1 / sqrt 2)
  let held = 0
  for (let trial = 0; trial < 400; trial++) {
    const positive = Uint8Array.from({ length: 150 }, (_, i) => (i < 50 ? 1 : 0))
    const { low, high } = auroc(
      Array.from(positive, p => random.normal() + p),
      positive,
    )
    if (low <= truth && truth <= high) held++
  }
  expect(held).toBeGreaterThan(365)
  expect(held).toBeLessThan(397)
})

test('flipping each row in turn counts the pairs whose margins sum to more than 0, ties half', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 2, maxLength: 40 }), margins => {
      let wins = 0
      for (let i = 0; i < margins.length; i++) {
        for (let j = 0; j < i; j++) wins += margins[i] + margins[j] > 0 ? 1 : margins[i] + margins[j] === 0 ? 0.5 : 0
      }
      const { value, low, high } = flippedAuroc(Float64Array.from(margins))
      expect(value).toBeCloseTo((2 * wins) / margins.length / (margins.length - 1), 10)
      expect(low).toBeLessThanOrEqual(value + 1e-12)
      expect(high).toBeGreaterThanOrEqual(value - 1e-12)
    }),
  )
  expect(flippedAuroc(Float64Array.of(1)).value).toBeNaN()
})

test('its interval holds the truth about 95 times in 100, and is far narrower than that of a tenth that is planted', () => {
  const random = new Random(6),
    truth = 0.64 // Phi(0.2535 · sqrt 2)
  let held = 0,
    width = 0,
    planted = 0
  for (let trial = 0; trial < 400; trial++) {
    const margins = Float64Array.from({ length: 300 }, () => random.normal() + 0.2535),
      { low, high } = flippedAuroc(margins)
    if (low <= truth && truth <= high) held++
    const few = auroc(
      margins.map((margin, i) => (i < 30 ? margin : -margin)),
      margins.map((_, i) => (i < 30 ? 1 : 0)),
    )
    width += high - low
    planted += few.high - few.low
  }
  expect(held).toBeGreaterThan(365)
  expect(held).toBeLessThan(397)
  expect(width / planted).toBeLessThan(0.65)
})

test('rows of one group that go together make it wider, and groups of one row do not', () => {
  const random = new Random(8),
    groups = Uint32Array.from({ length: 300 }, (_, i) => i % 20),
    shared = Float64Array.from({ length: 20 }, () => random.normal())
  const margins = Float64Array.from({ length: 300 }, (_, i) => shared[groups[i]] + random.normal()),
    alone = flippedAuroc(margins),
    together = flippedAuroc(margins, groups)
  expect(together.value).toBe(alone.value)
  expect(together.high - together.low).toBeGreaterThan(2 * (alone.high - alone.low))
  expect(flippedAuroc(margins, Uint32Array.from(margins.keys())).low).toBeCloseTo(alone.low, 12)
})

test('share gives the Wilson interval', () => {
  const { value, low, high } = share(8, 10)
  expect(value).toBe(0.8)
  expect(low).toBeCloseTo(0.4902, 4)
  expect(high).toBeCloseTo(0.9433, 4)
  expect(share(0, 0)).toEqual({ value: NaN, low: 0, high: 1 })
})

test('ranks and correlations', () => {
  expect([...midranks([30, 10, 20, 10])]).toEqual([4, 1.5, 3, 1.5])
  expect(pearson([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12)
  expect(pearson([1, 1, 1], [2, 4, 6])).toBe(0)
  expect(spearman([1, 2, 3, 4], [1, 8, 27, 64])).toBeCloseTo(1, 12)
  expect(spearman([1, 2, 3, 4], [9, 7, 5, 1])).toBeCloseTo(-1, 12)
})

test('calibration error is 0 for honest probabilities of labels that are all `chosen`, and the gap for the rest', () => {
  // of 10 pairs that favour one side with 0.8, 8 are labelled that way: p = 0.8 eight times and 0.2 twice
  const honest = [0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.2, 0.2]
  expect(calibrationError(honest)).toBeCloseTo(0, 12)
  expect(calibrationError(honest.map(p => (p > 0.5 ? 0.95 : 0.05)))).toBeCloseTo(0.15, 12)
})
