/** Dropping helps where wrong labels go, and not where chance decides. */
import { expect, test } from 'vitest'
import { chooseShare, isWorth } from '../../models/evidence.ts'
import { Random } from '../../models/random.ts'
import type { ReviewerSpec } from '../../models/reviewer.ts'
import type { DenseRows } from '../../models/rows.ts'
import { foldsInTurn, planted } from './helpers.ts'

const ROWS = 1200
const folds = foldsInTurn(ROWS, 5)

/**
 * Rows whose first 20 columns carry the truth, a share of the labels wrong; 400 more are there to be learned by heart.
 * `clear`: only the first.
 */
function rowsWith(eta: number): { clear: DenseRows; all: DenseRows } {
  const { rows: clear } = planted({ rows: ROWS, columns: 20, strength: 8, eta, seed: 21 })
  const random = new Random(22)
  const values = Float32Array.from({ length: ROWS * 420 }, (_, k) =>
    k % 420 < 20 ? clear.values[Math.floor(k / 420) * 20 + (k % 420)] : random.normal(),
  )
  return { clear, all: { layout: 'dense', columns: 420, length: ROWS, values } }
}

/** Evidence on what the reviewers would drop, or what random scores would. */
function evidence(
  noise_rate: number,
  how: { is_given?: boolean; at_random?: boolean; able?: boolean; noisy?: boolean } = {},
) {
  const { clear, all } = rowsWith(0.25)
  const sample = how.at_random ? planted({ rows: ROWS, columns: 1, strength: 0, eta: 0.5, seed: 5 }).rows : clear
  const specs: ReviewerSpec[] = [{ name: 'one', from: how.at_random ? 'given' : 'learned' }]
  return chooseShare({
    question: { specs, samples: [sample], folds },
    fresh: all,
    rule: 'either',
    noise_rate,
    is_given: how.is_given ?? false,
    able: how.able ?? true,
    noisy: how.noisy ?? true,
    l2s: [0.01],
    exchange: false,
    options: { folds: 5, seed: 3 },
  })
}

test('dropping wrong labels helps a head that learns by heart, and of shares that help alike the smallest is taken, or the noise rate where labels are surely wrong', () => {
  const { share, helps, trials, held_out } = evidence(0.25, { noisy: false })
  expect(helps).toBe(true)
  expect(trials.map(trial => trial.share)).toEqual([0.125, 0.25, 0.375])
  const best = trials.find(trial => trial.share === share)!
  for (const { memorising, tuned, dropped_share, share: tried } of trials) {
    for (const { value, low, high } of [memorising, tuned]) expect(low < value && value < high).toBe(true)
    expect(dropped_share).toBeLessThanOrEqual(tried)
    const error = (memorising.high - memorising.value) / 1.96
    expect(memorising.value + tuned.value).toBeLessThanOrEqual(best.memorising.value + best.tuned.value + error)
    if (tried < share) expect(memorising.value + tuned.value).toBeLessThan(best.memorising.value + best.tuned.value)
  }
  expect(best.memorising.low).toBeGreaterThan(0)
  expect(held_out).toBe(ROWS)
  // half of 0.4 helps about as much as all of it
  expect([evidence(0.4, { noisy: false }).share, evidence(0.4).share]).toEqual([0.2, 0.4])
})

test('dropping what random scores speak against does not help', () => {
  const { share, helps, trials } = evidence(0.25, { at_random: true, able: false })
  expect({ share, helps }).toEqual({ share: 0, helps: false })
  for (const { memorising } of trials) expect(memorising.low).toBeLessThanOrEqual(0)
})

test('a rate that is given is the only one tried; a rate of 0 leaves nothing to try', () => {
  expect(evidence(0.2, { is_given: true }).trials.map(({ share }) => share)).toEqual([0.2])
  expect(evidence(0)).toMatchObject({ share: 0, helps: false, trials: [] })
})

test('how much must be gained, and what the tuned model may lose, goes by what is known', () => {
  const around = (value: number, error: number) => ({ value, low: value - 1.96 * error, high: value + 1.96 * error })
  const trial = (gain: number, tuned = 0, accuracy = 0) => ({
    share: 0.2,
    dropped_share: 0.2,
    memorising: around(gain, 1),
    tuned: around(tuned, 0.1),
    tuned_accuracy: around(accuracy, 0.1),
  })
  const worth = (able: boolean, noisy: boolean, ...of: [number, number?, number?]) =>
    isWorth(trial(...of), { able, noisy })
  // a likely gain will do where the reviewers are able; else it must be beyond chance
  expect([worth(true, true, 1.1), worth(true, true, 0.9), worth(false, true, 2), worth(false, true, 2.3)]).toEqual([
    true,
    false,
    false,
    true,
  ])
  // among labels that are known to be wrong the tuned model may lose by chance, else not at all
  expect([
    worth(true, true, 3, -0.5, -0.1),
    worth(true, true, 3, -0.5, -0.3),
    worth(true, false, 3, -0.01, 0),
    worth(true, false, 3, 0, -0.01),
    worth(true, false, 3),
  ]).toEqual([true, false, false, false, true])
  // never for less than the tuned model loses
  expect(worth(true, true, 3, -4, 0)).toBe(false)
})
