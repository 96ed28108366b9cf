/** Noise rate and temperature of margins: found where they can be, and said to be unknown where not. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  confidentThreshold,
  fitCalibration,
  flagConfident,
  support,
  type Calibration,
} from '../../models/calibration.ts'
import { chanceWrong, contradiction, curveOf } from '../../models/decision.ts'
import { Random } from '../../models/random.ts'

/**
 * Margins of rows whose true side is drawn from s(strength z), reported on another scale, a share eta of the labels
 * flipped.
 */
function margins(options: { rows: number; strength: number; eta: number; scale: number; seed: number }): {
  margins: Float64Array
  flipped: Uint8Array
} {
  const random = new Random(options.seed)
  const flipped = new Uint8Array(options.rows)
  const result = new Float64Array(options.rows)
  for (let row = 0; row < options.rows; row++) {
    const logit = options.strength * random.normal()
    const right = random.float() < 1 / (1 + Math.exp(-logit))
    flipped[row] = random.float() < options.eta ? 1 : 0
    result[row] = (right === (flipped[row] === 0) ? logit : -logit) * options.scale
  }
  return { margins: result, flipped }
}

test.each([
  [0, 1],
  [0.1, 0.2],
  [0.2, 5],
  [0.3, 1],
  [0.4, 1],
])('strong margins: eta %d is found within 0.05, and the scale %d', (eta, scale) => {
  const found = fitCalibration(margins({ rows: 20_000, strength: 5, eta, scale, seed: 1 }).margins)
  expect(Math.abs(found.eta.value - eta)).toBeLessThan(0.05)
  expect(found.temperature / scale).toBeGreaterThan(0.75)
  expect(found.temperature / scale).toBeLessThan(1.33)
  expect(found.identified).toBe(true)
  expect(found.eta.low).toBeLessThanOrEqual(found.eta.value)
  expect(found.eta.high).toBeGreaterThanOrEqual(found.eta.value)
  expect(found.error_after).toBeLessThan(0.02)
})

test('the interval holds the true eta about 95 times in 100', () => {
  let held = 0
  for (let seed = 0; seed < 40; seed++) {
    const { eta } = fitCalibration(margins({ rows: 1500, strength: 4, eta: 0.2, scale: 1, seed }).margins)
    if (eta.low <= 0.2 && 0.2 <= eta.high) held++
  }
  expect(held).toBeGreaterThanOrEqual(33)
})

test('blind, weak and absent margins leave eta unidentified', () => {
  const random = new Random(2)
  const blind = fitCalibration(Float64Array.from({ length: 5000 }, () => random.normal()))
  expect(blind.identified).toBe(false)
  expect(support(blind, 1)).toBeCloseTo(0.5, 1)
  expect(fitCalibration(margins({ rows: 3000, strength: 0.5, eta: 0.2, scale: 1, seed: 3 }).margins).identified).toBe(
    false,
  )
  for (const none of [new Float64Array(0), new Float64Array(50)]) {
    const calibration = fitCalibration(none)
    expect(calibration.identified).toBe(false)
    expect([
      support(calibration, 0),
      support(calibration, 3),
      posterior({ ...calibration, eta: { value: 0.2, low: 0, high: 0.5 } }, 3),
    ]).toEqual([0.5, 0.5, expect.closeTo(0.8, 10)])
  }
})

/** P(the label is right) at a margin, where the curve's eta is the share of wrong labels. */
const posterior = (calibration: Calibration, margin: number) =>
  1 - chanceWrong(contradiction(curveOf(calibration), margin), calibration.eta.value)

test('the posterior is the share of right labels at its margin, and rises with the margin', () => {
  const sample = margins({ rows: 40_000, strength: 4, eta: 0.2, scale: 1, seed: 4 })
  const calibration = fitCalibration(sample.margins)
  for (const [low, high] of [
    [-6, -2],
    [-2, 0],
    [0, 2],
  ]) {
    let count = 0,
      right = 0,
      expected = 0
    for (let row = 0; row < sample.margins.length; row++) {
      if (sample.margins[row] < low || sample.margins[row] >= high) continue
      count++
      right += 1 - sample.flipped[row]
      expected += posterior(calibration, sample.margins[row])
    }
    expect(Math.abs(right - expected) / count).toBeLessThan(0.04)
  }
  fc.assert(
    fc.property(
      fc.double({ min: -50, max: 50, noNaN: true }),
      fc.double({ min: 0, max: 9, noNaN: true }),
      (margin, more) => {
        expect(posterior(calibration, margin + more)).toBeGreaterThanOrEqual(posterior(calibration, margin))
        expect(support(calibration, margin) + support(calibration, -margin)).toBeCloseTo(1, 10)
      },
    ),
  )
})

test('a wrong scale is mended', () => {
  const { error_before, error_after, plain_temperature } = fitCalibration(
    margins({ rows: 10_000, strength: 2, eta: 0, scale: 5, seed: 5 }).margins,
  )
  expect(error_before).toBeGreaterThan(0.1)
  expect(error_after).toBeLessThan(0.02)
  expect(plain_temperature).toBeCloseTo(5, 0)
})

test('the fit does not depend on the order of the rows', () => {
  const { margins: sample } = margins({ rows: 3000, strength: 3, eta: 0.2, scale: 1, seed: 6 })
  const { error_before, error_after, ...fitted } = fitCalibration(sample)
  const turned = fitCalibration(sample.slice().reverse())
  expect(turned).toMatchObject(fitted)
  expect(turned.error_before).toBeCloseTo(error_before, 10)
  expect(turned.error_after).toBeCloseTo(error_after, 10)
})

test('confident learning flags what is against the label by the mean of what is for it, and nothing when blind', () => {
  const sample = Float64Array.of(0.9, 0.9, 0.8, 0.6, 0.3, 0.1)
  expect(confidentThreshold(sample)).toBeCloseTo(0.6, 12)
  expect([...flagConfident(sample)]).toEqual([0, 0, 0, 0, 1, 1])
  expect([...flagConfident(Float64Array.of(0.5, 0.4, 0.5))]).toEqual([0, 0, 0])
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), list => {
      const flags = flagConfident(Float64Array.from(list))
      list.forEach((p, row) => expect(flags[row] === 1 && p >= 0.5).toBe(false))
    }),
  )
})
