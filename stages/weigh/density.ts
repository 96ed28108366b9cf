/** How much likelier a prompt is among desirable rows than among undesirable ones: BCO's weight of a row. */
import { auroc, type Estimate } from '../../models/metrics.ts'

/** Rows of vectors, one after another, of this width, and which of them are desirable. */
export interface Sample {
  readonly width: number
  readonly values: ArrayLike<number>
  readonly desirable: Uint8Array
  readonly folds: Uint8Array
}
/** Of each dimension its coefficient, and the intercept last. */
type Coefficients = Float64Array

const STEPS = 100
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))
/** log(1 + e^z) without overflow. */
const softplus = (z: number) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))

/** w·x + b of the vector that begins at `at`. */
export function logOdds(coefficients: Coefficients, values: ArrayLike<number>, at: number): number {
  const width = coefficients.length - 1
  let sum = coefficients[width]
  for (let i = 0; i < width; i++) sum += coefficients[i] * values[at + i]
  return sum
}

/**
 * Logistic regression as scikit-learn has it by default, but for balanced classes: half of |w|² plus the losses of rows
 * times n / (2 rows of their class), the intercept free. By Newton's method with conjugate gradients, to the optimum.
 * `leave` is the fold that is not learnt from, -1 for none; both classes must be there.
 */
export function fitClasses({ width, values, desirable, folds }: Sample, leave: number): Coefficients {
  const rows = [...desirable.keys()].filter(row => folds[row] !== leave),
    good = rows.reduce((n, row) => n + desirable[row], 0)
  const weight = rows.map(row => rows.length / 2 / (desirable[row] ? good : rows.length - good)),
    size = width + 1
  const at = (coefficients: Coefficients) => rows.map(row => logOdds(coefficients, values, row * width))
  /** Adds `factor(i)` times the vector of each row, with 1 for the intercept. */
  const addRows = (to: Float64Array, factor: (i: number) => number) => {
    rows.forEach((row, i) => {
      const by = factor(i)
      for (let c = 0; c < width; c++) to[c] += by * values[row * width + c]
      to[width] += by
    })
    return to
  }
  const lossOf = (coefficients: Coefficients, odds: readonly number[]) =>
    coefficients.subarray(0, width).reduce((sum, w) => sum + (w * w) / 2, 0) +
    rows.reduce((sum, row, i) => sum + weight[i] * softplus(desirable[row] ? -odds[i] : odds[i]), 0)
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i], 0)
  let best: Coefficients = new Float64Array(size),
    odds = at(best),
    loss = lossOf(best, odds)
  for (let step = 0; step < STEPS; step++) {
    const p = odds.map(sigmoid),
      gradient = best.slice()
    gradient[width] = 0
    addRows(gradient, i => weight[i] * (p[i] - desirable[rows[i]]))
    if (Math.sqrt(dot(gradient, gradient)) < 1e-9 * rows.length) break
    // solves Hessian · move = -gradient
    const move = new Float64Array(size),
      rest = gradient.map(value => -value),
      way = rest.slice()
    for (let k = 0, squares = dot(rest, rest); k < 2 * size && squares > 1e-24; k++) {
      const curved = way.slice()
      curved[width] = 0
      addRows(curved, i => weight[i] * p[i] * (1 - p[i]) * logOdds(way, values, rows[i] * width))
      const length = squares / dot(way, curved)
      if (!Number.isFinite(length)) break
      for (let c = 0; c < size; c++) {
        move[c] += length * way[c]
        rest[c] -= length * curved[c]
      }
      const next = dot(rest, rest)
      for (let c = 0; c < size; c++) way[c] = rest[c] + (next / squares) * way[c]
      squares = next
    }
    // shorter until it is lower
    let factor = 1
    for (; factor > 1e-8; factor /= 2) {
      const next = best.map((value, c) => value + factor * move[c]),
        nextOdds = at(next),
        nextLoss = lossOf(next, nextOdds)
      if (!(nextLoss < loss)) continue
      ;[best, odds, loss] = [next, nextOdds, nextLoss]
      break
    }
    if (factor <= 1e-8) break
  }
  return best
}

/** TRL's weight of an undesirable row whose prompt is desirable with this probability. */
export const densityWeight = (probability: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, probability / (1 - probability + 1e-8)))
export const probabilityOf = (odds: number): number => sigmoid(odds)

/** A regression without each fold, and how well they tell the classes of their folds apart. */
export interface Told {
  readonly coefficients: readonly Coefficients[]
  readonly auroc: Estimate
}
/** Undefined where a class is missing without one of the folds. */
export function tellApart(sample: Sample, folds: number): Told | undefined {
  const inFold = (leave: number, label: number) =>
    sample.desirable.some((is, row) => is === label && sample.folds[row] !== leave)
  for (let fold = 0; fold < folds; fold++) if (!inFold(fold, 0) || !inFold(fold, 1)) return undefined
  const coefficients = Array.from({ length: folds }, (_, fold) => fitClasses(sample, fold))
  const odds = Float64Array.from(sample.desirable, (_, row) =>
    logOdds(coefficients[sample.folds[row]], sample.values, row * sample.width),
  )
  return { coefficients, auroc: auroc(odds, sample.desirable) }
}
