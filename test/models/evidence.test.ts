import { expect, test } from 'vitest'
import { chooseShare } from '../../models/evidence.ts'
import { Random } from '../../models/random.ts'
import type { ReviewerSpec } from '../../models/reviewer.ts'
import type { DenseRows } from '../../models/rows.ts'
import { foldsInTurn, planted } from './helpers.ts'

const ROWS = 1200
const folds = foldsInTurn(ROWS, 5)

/** Rows whose first 20 columns carry the truth, a share of the labels wrong; 400 more are there to be learned by heart. `clear`: only the first. */
function rowsWith(eta: number): { clear: DenseRows, all: DenseRows } {
  const { rows: clear } = planted({ rows: ROWS, columns: 20, strength: 8, eta, seed: 21 })
  const random = new Random(22)
  const values = Float32Array.from({ length: ROWS * 420 }, (_, k) => k % 420 < 20 ? clear.values[Math.floor(k / 420) * 20 + k % 420] : random.normal())
  return { clear, all: { layout: 'dense', columns: 420, length: ROWS, values } }
}

/** Evidence on what the reviewers would drop, or what random scores would. */
function evidence(noise_rate: number, how: { is_given?: boolean, at_random?: boolean } = {}) {
  const { clear, all } = rowsWith(0.25)
  const sample = how.at_random ? planted({ rows: ROWS, columns: 1, strength: 0, eta: 0.5, seed: 5 }).rows : clear
  const specs: ReviewerSpec[] = [{ name: 'one', from: how.at_random ? 'given' : 'learned' }]
  return chooseShare({ question: { specs, samples: [sample], folds }, fresh: all, rule: 'either', noise_rate, is_given: how.is_given ?? false, l2s: [0.01], exchange: false, options: { folds: 5, seed: 3 } })
}

test('dropping wrong labels helps a head that learns by heart, and the share that helps most is taken', () => {
  const { share, helps, trials, held_out } = evidence(0.25)
  expect(helps).toBe(true)
  expect(trials.map(trial => trial.share)).toEqual([0.125, 0.25, 0.375])
  const best = trials.find(trial => trial.share === share)!
  for (const { memorising, tuned, dropped_share, share: tried } of trials) {
    for (const { value, low, high } of [memorising, tuned]) expect(low < value && value < high).toBe(true)
    expect(dropped_share).toBeLessThanOrEqual(tried)
    expect(memorising.value + tuned.value).toBeLessThanOrEqual(best.memorising.value + best.tuned.value)
  }
  expect(best.memorising.low).toBeGreaterThan(0)
  expect(held_out).toBe(ROWS)
})

test('dropping what random scores speak against does not help', () => {
  const { share, helps, trials } = evidence(0.25, { at_random: true })
  expect({ share, helps }).toEqual({ share: 0, helps: false })
  for (const { memorising } of trials) expect(memorising.low).toBeLessThanOrEqual(0)
})

test('a rate that is given is the only one tried; a rate of 0 leaves nothing to try', () => {
  expect(evidence(0.2, { is_given: true }).trials.map(({ share }) => share)).toEqual([0.2])
  expect(evidence(0)).toMatchObject({ share: 0, helps: false, trials: [] })
})
