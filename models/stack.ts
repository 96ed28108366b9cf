/** How much each reviewer counts in the joint judgement. */
import { learnedSlope, plainFit } from './calibration.ts'
import { lossOf, sigmoid } from './head.ts'

/** How much each reviewer's margin counts. A plain object: it survives structured clone. */
export interface Stack {
  /** By fold, then reviewer: weights of the raw margins, from the rows of the other folds. */
  weights: Float64Array[]
  /** By reviewer: weights from all rows, for reading, not for judging the sample. */
  overall: Float64Array
  /**
   * By reviewer: log-likelihood of the labels (nats, over all rows) under its own out-of-fold margins, above that of a
   * coin.
   */
  gains: number[]
  /**
   * By reviewer: it sees, which is to say that its gain is at least 1; by chance one in twelve of the blind passes. A
   * blind one that was given weighs 0; one that was learned has margins near 0, as its regularisation was chosen blind.
   */
  sees: boolean[]
}

const LEAST_GAIN = 1
/**
 * Strength of the pull to the plain mean of log-odds, in Fisher information of one weight: strong for some hundred
 * noisy rows, nothing for ten thousand.
 */
const PULL = 30
const MOST_STEPS = 25

/**
 * Weighs reviewers by what they can see (stacking, after Wolpert 1992 and, for weights that are not negative, Breiman
 * 1996): a logistic regression of the labels on the reviewers' out-of-fold log-odds d / T, without intercept, pulled to
 * their plain mean: few or noisy rows do not say much about weights, and the mean of log-odds already says little where
 * a reviewer sees little. `margins[m][row]` must come from a head that did not see the row's fold; the weights of a
 * fold come from the rows of the others (T, where the pull leads to, from all). `learned`: these margins are log-odds
 * as they come, of a head whose regularisation was chosen by held-out likelihood, so T is near 1 unless the rows say
 * otherwise, and a weak one is not shut out by chance. Every label is "the chosen side is better".
 */
export function fitStack(
  margins: readonly Float64Array[],
  folds: Uint8Array,
  count: number,
  learned: readonly boolean[],
): Stack {
  const fits = margins.map(plainFit)
  const sees = fits.map(({ gain }) => gain >= LEAST_GAIN)
  const slopes = margins.map((some, m) => (learned[m] ? learnedSlope(some) : fits[m].slope))
  const active = fits.map((_, m) => m).filter(m => sees[m] || learned[m])
  const scaled = margins.map((some, m) => some.map(margin => margin * slopes[m]))
  const weigh = (fold: number) => fitWeights(scaled, active, folds, fold).map((weight, m) => weight * slopes[m])
  return {
    weights: Array.from({ length: count }, (_, fold) => weigh(fold)),
    overall: weigh(-1),
    gains: fits.map(({ gain }) => gain),
    sees,
  }
}

/** The stack's margin of each row, from the weights of its fold: log-odds for the label as given. */
export function stackMargins(
  { weights }: Pick<Stack, 'weights'>,
  margins: readonly Float64Array[],
  folds: Uint8Array,
): Float64Array {
  const out = new Float64Array(folds.length)
  margins.forEach((some, m) => {
    for (let i = 0; i < out.length; i++) out[i] += weights[folds[i]][m] * some[i]
  })
  return out
}

/**
 * Newton's method on the rows outside `fold`, each step a least-squares problem solved by coordinate descent over
 * weights of at least 0.
 */
function fitWeights(
  margins: readonly Float64Array[],
  active: readonly number[],
  folds: Uint8Array,
  fold: number,
): Float64Array {
  const out = new Float64Array(margins.length)
  const size = active.length
  const columns = active.map(m => margins[m])
  const mean = 1 / Math.max(1, size)
  let weights = new Float64Array(size).fill(mean)
  let loss = Infinity
  for (let step = 0; step < MOST_STEPS && size > 0; step++) {
    const gradient = new Float64Array(size)
    const hessian = new Float64Array(size * size)
    for (let i = 0; i < folds.length; i++) {
      if (folds[i] === fold) continue
      let z = 0
      for (let a = 0; a < size; a++) z += weights[a] * columns[a][i]
      const p = sigmoid(z)
      for (let a = 0; a < size; a++) {
        const x = columns[a][i]
        gradient[a] += (1 - p) * x
        for (let b = 0; b <= a; b++) hessian[a * size + b] += p * (1 - p) * x * columns[b][i]
      }
    }
    for (let a = 0; a < size; a++) {
      gradient[a] -= PULL * (weights[a] - mean)
      hessian[a * size + a] += PULL
      for (let b = 0; b < a; b++) hessian[b * size + a] = hessian[a * size + b]
    }
    const next = solve(weights, gradient, hessian)
    // halve a step that overshoots
    let after = lossAt(columns, folds, fold, next)
    for (let half = 0; half < 8 && !(after <= loss + 1e-9); half++) {
      for (let a = 0; a < size; a++) next[a] = (next[a] + weights[a]) / 2
      after = lossAt(columns, folds, fold, next)
    }
    const done = loss - after < 1e-7 * Math.max(1, Math.abs(after))
    weights = next
    loss = after
    if (done) break
  }
  active.forEach((m, a) => {
    out[m] = weights[a]
  })
  return out
}

function lossAt(columns: readonly Float64Array[], folds: Uint8Array, fold: number, weights: Float64Array): number {
  let loss = 0
  for (let i = 0; i < folds.length; i++) {
    if (folds[i] === fold) continue
    let z = 0
    for (let a = 0; a < weights.length; a++) z += weights[a] * columns[a][i]
    loss += lossOf(z)
  }
  for (let a = 0; a < weights.length; a++) loss += (PULL / 2) * (weights[a] - 1 / weights.length) ** 2
  return loss
}

/** The w of at least 0 that maximises gradient·(w - from) - (w - from)' hessian (w - from) / 2. */
function solve(from: Float64Array, gradient: Float64Array, hessian: Float64Array): Float64Array<ArrayBuffer> {
  const size = from.length
  const to = from.slice()
  for (let round = 0; round < 100; round++) {
    let moved = 0
    for (let a = 0; a < size; a++) {
      let slope = gradient[a]
      for (let b = 0; b < size; b++) slope -= hessian[a * size + b] * (to[b] - from[b])
      const next = Math.max(0, to[a] + slope / hessian[a * size + a])
      moved += Math.abs(next - to[a])
      to[a] = next
    }
    if (moved < 1e-9) break
  }
  return to
}
