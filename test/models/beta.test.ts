/** The beta distribution, held against values that are known. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { betaBelow, betaQuantile, lowerShare } from '../../engine/beta.ts'

test('is what closed forms say', () => {
  expect(betaBelow(0.5, 2, 3)).toBeCloseTo(0.6875, 12)
  expect(betaBelow(0.3, 1, 5)).toBeCloseTo(1 - 0.7 ** 5, 12)
  expect(betaBelow(0.3, 5, 1)).toBeCloseTo(0.3 ** 5, 12)
  // the arcsine law
  expect(betaBelow(0.2, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(0.2)), 12)
  expect([betaBelow(0, 2, 3), betaBelow(1, 2, 3)]).toEqual([0, 1])
  // among many rows: a normal law's tail of 1.96 deviations on each side, as far as that is near
  expect(betaBelow(0.5, 20_000, 20_000)).toBeCloseTo(0.5, 9)
  expect(betaBelow(0.5 + 1.959964 * Math.sqrt(0.25 / 40_001), 20_000, 20_000)).toBeCloseTo(0.975, 4)
})

test('quantiles: of no hits, of all, and those that tables have', () => {
  expect(betaQuantile(0.95, 1, 100)).toBeCloseTo(1 - 0.05 ** (1 / 100), 12)
  expect(betaQuantile(0.5, 1, 1)).toBeCloseTo(0.5, 12)
  expect([betaQuantile(0.5, 0, 3), betaQuantile(0.5, 3, 0)]).toEqual([0, 1])
  // Clopper and Pearson, 5 of 10 and 0 of 10 at 95 %
  expect(lowerShare(5, 10, 0.025)).toBeCloseTo(0.1871, 4)
  expect(betaQuantile(0.975, 6, 5)).toBeCloseTo(0.8129, 4)
  expect(lowerShare(0, 10, 0.025)).toBe(0)
  expect(betaQuantile(0.975, 1, 10)).toBeCloseTo(0.3085, 4)
  expect(lowerShare(10, 10, 0.025)).toBeCloseTo(0.025 ** 0.1, 9)
})

test('rises, mirrors, and is undone by its quantile', () => {
  const shape = fc.integer({ min: 1, max: 4000 }).map(n => n / 2)
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 0.001, max: 0.999, noNaN: true }), (a, b, at) => {
      const x = betaQuantile(at, a, b)
      expect(betaBelow(x, a, b)).toBeCloseTo(at, 6)
      expect(betaBelow(x, a, b) + betaBelow(1 - x, b, a)).toBeCloseTo(1, 9)
    }),
    { numRuns: 60 },
  )
})
