/** What may be dropped by margins alone: formulas, gates, and margins whose share of wrong labels is known. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { betaQuantile } from '../../engine/beta.ts'
import {
  agreementAt,
  chanceWrong,
  contradiction,
  decide,
  expectedOf,
  isDoubtful,
  limitAt,
  noiseRateOf,
  probabilityAt,
} from '../../models/decision.ts'
import { Random } from '../../models/random.ts'

/** Margins of reviewers that see, out of fold: a share of the labels wrong. Their log-odds are right as they come. */
function margins(rows: number, wrong: number, strength = 4, seed = 1): { margins: Float64Array; flips: Uint8Array } {
  const random = new Random(seed),
    flips = new Uint8Array(rows)
  const out = Float64Array.from({ length: rows }, (_, i) => {
    const margin = strength * random.normal(),
      right = random.float() < 1 / (1 + Math.exp(-margin)) ? margin : -margin
    flips[i] = random.float() < wrong ? 1 : 0
    return flips[i] ? -right : right
  })
  return { margins: out, flips }
}
const options = { min_auroc: 0.6 }

describe('formulas', () => {
  test.each([
    [0.02, 0.96],
    [0.05, 0.9],
    [0.1, 0.82],
    [0.2, 0.68],
    [0.25, 0.63],
  ])('where %d of the labels are wrong, reviewers must contradict %d', (rate, limit) => {
    expect(Math.abs(limitAt(rate) - limit)).toBeLessThan(0.0051)
    // there a label is as likely wrong as right
    expect(chanceWrong(limitAt(rate), rate)).toBeCloseTo(0.5, 9)
  })

  test('the chance of a wrong label rises with contradiction and with the rate, from 0 to 1', () => {
    expect([chanceWrong(0.5, 0), chanceWrong(1, 0.1), chanceWrong(1, 0), chanceWrong(0.02, 0.1)]).toEqual([0, 1, 0, 0])
    // a coin's opinion leaves the rate as it is
    expect(chanceWrong(0.5, 0.2)).toBeCloseTo(0.2, 12)
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.double({ min: 0.01, max: 0.48, noNaN: true }),
        (c, rate) => {
          const chance = chanceWrong(c, rate)
          expect(chance >= 0 && chance <= 1).toBe(true)
          expect(chanceWrong(Math.min(1, c + 0.01), rate)).toBeGreaterThanOrEqual(chance)
          if (c > 0.5) expect(chanceWrong(c, rate + 0.01)).toBeGreaterThanOrEqual(chance)
        },
      ),
    )
    expect(limitAt(0)).toBeGreaterThan(0.99)
    expect(limitAt(0.7)).toBe(limitAt(0.499))
  })

  test('the curve is a share: half of the labels where the margin says nothing', () => {
    const curve = { eta: 0.1, temperature: 2 }
    expect(contradiction(curve, 0)).toBeCloseTo(0.5, 12)
    expect([contradiction(curve, 1e6), contradiction(curve, -1e6)]).toEqual([
      expect.closeTo(0.1, 9),
      expect.closeTo(0.9, 9),
    ])
    expect(contradiction({ eta: 0, temperature: Infinity }, -3)).toBe(0.5)
  })

  test('tails: 100, 200, … and all rows; the least of each', () => {
    // 150 rows: of the surest 100 four contradict, of all 30
    const some = Float64Array.from({ length: 150 }, (_, i) => (i < 100 ? (i < 4 ? -9 : 9) : i < 126 ? -1 : 1))
    expect(noiseRateOf(some, 0)).toEqual({
      value: betaQuantile(0.5, 5, 96),
      high: betaQuantile(1 - 0.05 / 2, 5, 96),
      how: 'bounded',
    })
    // the curve's plateau where a small tail was lucky, and never above the upper end
    expect(noiseRateOf(some, 0.08).value).toBe(0.08)
    expect(noiseRateOf(some, 0.3).value).toBe(noiseRateOf(some, 0.3).high)
    // below 100 rows there is one level
    expect(noiseRateOf(some.subarray(50, 140), 0).high).toBe(betaQuantile(0.95, 27, 64))
    // a margin of 0 counts a half; the order of the rows counts nothing
    expect(noiseRateOf(new Float64Array(80), 0).value).toBeCloseTo(0.5, 2)
    expect(noiseRateOf(some.slice().reverse(), 0)).toEqual(noiseRateOf(some, 0))
  })
})

describe('the decision', () => {
  test.each([0.05, 0.1, 0.2])('bounds the share of wrong labels, %d, and drops what is likely wrong', wrong => {
    const { margins: some, flips } = margins(6000, wrong, 8),
      decision = decide(some, options)
    expect(decision.noise.high).toBeGreaterThan(wrong)
    expect(Math.abs(decision.noise.value - wrong)).toBeLessThan(0.03)
    expect(decision.acted).toBe((decision.noise.value + decision.noise.high) / 2)
    expect(decision.gate).toBe('open')
    const dropped = Uint8Array.from(some, margin => Number(isDoubtful(decision, margin))),
      count = dropped.reduce((n, flag) => n + flag, 0),
      hits = dropped.reduce((n, flag, i) => n + (flag & flips[i]), 0)
    expect(count).toBeGreaterThan(0.5 * wrong * 6000)
    const expected = expectedOf(decision, some, dropped)
    expect(expected.rows).toBe(count)
    // what is said of their precision holds
    expect(hits / count).toBeGreaterThan(expected.precision.low)
    expect(hits / count).toBeLessThan(expected.precision.high + 0.02)
    expect(Math.abs(hits / count - expected.precision.value)).toBeLessThan(0.1)
    expect(expected.agreement).toBeLessThan(0.4)
  })

  test('of right labels nearly nothing', () => {
    const { margins: some } = margins(6000, 0, 8),
      decision = decide(some, options)
    expect(decision.noise.high).toBeLessThan(0.01)
    // the lower end of what is known is 0, the upper one never
    expect(decision.noise.high).toBeGreaterThan(3 / 6000)
    expect(some.filter(margin => isDoubtful(decision, margin)).length).toBeLessThan(12)
  })

  test('a row that is dropped is at most 0.5 by its own column, and agreed with by 2 of 5 at most', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.45, noNaN: true }),
        fc.double({ min: 0.5, max: 12, noNaN: true }),
        fc.integer({ min: 60, max: 900 }),
        fc.option(fc.double({ min: 0, max: 0.49, noNaN: true }), { nil: undefined }),
        (wrong, strength, rows, noise_rate) => {
          const { margins: some } = margins(rows, wrong, strength, rows),
            decision = decide(some, { ...options, noise_rate })
          expect(decision.noise.high).toBeGreaterThanOrEqual(decision.noise.value)
          expect(decision.noise.high).toBeLessThanOrEqual(0.5)
          for (const margin of some) {
            const probability = probabilityAt(decision, margin)
            expect(probability >= 0 && probability <= 1).toBe(true)
            if (!isDoubtful(decision, margin)) continue
            expect(margin).toBeLessThan(0)
            expect(probability).toBeLessThanOrEqual(0.5)
            expect(agreementAt(decision, margin)).toBeLessThanOrEqual(0.4)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a rate that is given is the rate and its bound', () => {
    const { margins: some } = margins(2000, 0.1, 8)
    const at = (noise_rate: number) => decide(some, { ...options, noise_rate })
    expect(at(0.2)).toMatchObject({ noise: { value: 0.2, high: 0.2, how: 'given' }, acted: 0.2, limit: limitAt(0.2) })
    const count = (noise_rate: number) => {
      const decision = at(noise_rate)
      return some.filter(margin => isDoubtful(decision, margin)).length
    }
    expect(count(0.3)).toBeGreaterThan(count(0.1))
    // of none nothing can be wrong, and the floor is 3 of 5 where many are
    expect(count(0)).toBeLessThan(12)
    expect(at(0.4).limit).toBe(0.6)
    expect(probabilityAt(at(0), 0)).toBeGreaterThan(0.999)
  })
})

describe('gates', () => {
  test('fewer than 50 rows, and margins that say nothing', () => {
    expect(decide(margins(49, 0.1, 8).margins, options).gate).toBe('rows')
    expect(decide(margins(50, 0.1, 8).margins, options).gate).not.toBe('rows')
    expect(decide(new Float64Array(0), options).gate).toBe('rows')
    const blind = decide(new Float64Array(200), options)
    expect(blind.gate).toBe('blind')
    expect(probabilityAt(blind, 0)).toBeCloseTo(0.5, 1)
  })

  test('reviewers that hardly tell a label that is turned round', () => {
    const { margins: some } = margins(2000, 0.3, 0.4)
    const weak = decide(some, options)
    expect([weak.gate, weak.auroc.low < 0.6]).toEqual(['auroc', true])
    // rows of one prompt go together: what few prompts say is not sure
    const { margins: clear } = margins(400, 0.3, 4, 5)
    const { low } = decide(clear, options).auroc,
      inFew = decide(clear, { ...options, prompts: Uint32Array.from(clear, margin => (margin > 0 ? 1 : 2)) })
    expect(inFew.auroc.low).toBeLessThan(low)
  })

  test('reviewers who are surest agree with too few labels', () => {
    // one row in three against, however sure they are: with so few rows 3 of 5 are not certain
    const some = Float64Array.from({ length: 90 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (5 + i / 90))
    const decision = decide(some, { ...options, min_auroc: 0.5, noise_rate: 0.45 })
    expect(decision.agreement === undefined || decision.gate !== 'open').toBe(true)
    const many = margins(3000, 0.42, 6)
    const noisy = decide(many.margins, { ...options, min_auroc: 0.5, noise_rate: 0.42 })
    expect(noisy.gate).toBe(noisy.agreement && noisy.agreement.low < 0.6 ? 'agreement' : 'open')
  })
})
