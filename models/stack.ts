import { lossOf, sigmoid } from './head.ts'

/** How much each reviewer's margin counts. A plain object: it survives structured clone. */
export interface Stack {
  /** By fold, then reviewer: weights of the raw margins, from the rows of the other folds. */
  weights: Float64Array[]
  /** By reviewer: weights from all rows, for reading, not for judging the sample. */
  overall: Float64Array
  /** By reviewer: log-likelihood of held-out labels (nats, over all rows) that is lost without it; 0 for one that was left out. */
  gains: number[]
}

/** A reviewer that adds less to the held-out log-likelihood than this (half the 95 % point of chi-square with one degree of freedom) is left out. */
export const LEAST_GAIN = 1.920729410347062

const RIDGE = 1e-3
const MOST_STEPS = 25

/**
 * Weighs reviewers by what they can see (stacking, after Wolpert 1992 and, for weights that are not negative, Breiman 1996): a logistic regression of the labels on the reviewers' out-of-fold margins, without intercept.
 * `margins[m][row]` must come from a head that did not see the row's fold; the weights of a fold come from the rows of the others. Reviewers are left out
 * one by one, the weakest first, while the held-out likelihood does not miss them: a blind one weighs exactly nothing. Every label is "the chosen side is better".
 */
export function fitStack(margins: readonly Float64Array[], folds: Uint8Array, count: number): Stack {
  const scales = margins.map(scaleOf)
  const scaled = margins.map((some, m) => some.map(margin => margin * scales[m]))
  const active = scales.map((_, m) => m).filter(m => scales[m] > 0)
  const gains = margins.map(() => 0)
  let fits = fitFolds(scaled, active, folds, count)
  while (active.length > 0) {
    const without = active.map((_, a) => fitFolds(scaled, active.filter((_, b) => b !== a), folds, count))
    let weakest = 0
    for (let a = 1; a < active.length; a++) if (without[a].likelihood > without[weakest].likelihood) weakest = a
    active.forEach((m, a) => { gains[m] = fits.likelihood - without[a].likelihood })
    if (gains[active[weakest]] >= LEAST_GAIN) break
    gains[active[weakest]] = 0
    fits = without[weakest]
    active.splice(weakest, 1)
  }
  const unscale = (weights: Float64Array) => weights.map((weight, m) => weight * scales[m])
  return { weights: fits.weights.map(unscale), overall: unscale(fitWeights(scaled, active, folds, -1)), gains }
}

/** The stack's margin of each row, from the weights of its fold: log-odds for the label as given. */
export function stackMargins({ weights }: Stack, margins: readonly Float64Array[], folds: Uint8Array): Float64Array {
  const out = new Float64Array(folds.length)
  margins.forEach((some, m) => {
    for (let i = 0; i < out.length; i++) out[i] += weights[folds[i]][m] * some[i]
  })
  return out
}

/** 1 / root mean square; 0 for margins that are all 0. */
function scaleOf(margins: Float64Array): number {
  let squares = 0
  for (let i = 0; i < margins.length; i++) squares += margins[i] * margins[i]
  return squares > 0 ? 1 / Math.sqrt(squares / margins.length) : 0
}

/** Weights for every fold and the held-out log-likelihood, above that of a coin, of them all. */
function fitFolds(margins: readonly Float64Array[], active: readonly number[], folds: Uint8Array, count: number): { weights: Float64Array[], likelihood: number } {
  const weights = Array.from({ length: count }, (_, fold) => fitWeights(margins, active, folds, fold))
  let likelihood = 0
  for (let i = 0; i < folds.length; i++) {
    let z = 0
    for (const m of active) z += weights[folds[i]][m] * margins[m][i]
    likelihood += Math.LN2 - lossOf(z)
  }
  return { weights, likelihood }
}

/** Newton's method on the rows outside `fold`, each step a least-squares problem solved by coordinate descent over weights of at least 0. */
function fitWeights(margins: readonly Float64Array[], active: readonly number[], folds: Uint8Array, fold: number): Float64Array {
  const out = new Float64Array(margins.length)
  const size = active.length
  const columns = active.map(m => margins[m])
  let weights = new Float64Array(size)
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
      gradient[a] -= RIDGE * weights[a]
      hessian[a * size + a] += RIDGE
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
  active.forEach((m, a) => { out[m] = weights[a] })
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
  for (let a = 0; a < weights.length; a++) loss += RIDGE / 2 * weights[a] * weights[a]
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
