/** Linear heads that learn which side is better, and their training across folds. */
import { combine32, Random, shuffle } from './random.ts'
import type { Rows } from './rows.ts'

/** How one linear head is trained. */
export interface TrainOptions {
  /** Seeds the order in which rows are visited; the optimum does not depend on it. */
  seed: number
  /** Stop when an epoch moves the rows' dual values, which are probabilities, by less than this on average. */
  tolerance?: number
  max_epochs?: number
  /** Hears of each head how many rows it was trained on, or would have been. */
  onTrained?: (rows: number) => void
}

/** One trained head; `weights` apply to raw features. */
export interface Head {
  weights: Float32Array
  /** Dual value of each training row, in the order of `train`: at the optimum the head's P(label wrong). */
  duals: Float64Array
  epochs: number
  converged: boolean
}

/**
 * Trains a Bradley-Terry head without intercept: minimises mean over `train` of log(1 + exp(-w·x)) + l2/2 |w|².
 *
 * Dual coordinate descent for logistic regression (Yu, Huang and Lin 2011), one row at a time in a seeded order; each
 * step solves its one-dimensional problem exactly. `train` lists row numbers; with none the weights are zero. `start`
 * are the duals of an earlier fit on the same `train` (a neighbouring l2), to start from.
 */
export function trainHead(
  rows: Rows,
  train: Uint32Array,
  l2: number,
  options: TrainOptions,
  start?: Float64Array,
): Head {
  const { seed, tolerance = 1e-4, max_epochs = 200 } = options
  const n = train.length
  const inverse = n > 0 ? 1 / (l2 * n) : 0
  const weights = new Float32Array(rows.columns)
  const duals = new Float64Array(n)
  const squares = new Float64Array(n)
  for (let i = 0; i < n; i++) squares[i] = squaredNorm(rows, train[i]) * inverse
  if (start !== undefined) {
    for (let i = 0; i < n; i++) {
      duals[i] = start[i]
      addRow(rows, train[i], weights, duals[i] * inverse)
    }
  }
  const random = new Random(seed)
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  let epochs = 0
  let converged = n === 0
  while (!converged && epochs < max_epochs) {
    shuffle(order, random)
    let moved = 0
    for (let k = 0; k < n; k++) {
      const i = order[k]
      const row = train[i]
      const dual = solveStep(dotRow(rows, row, weights), duals[i], squares[i])
      const change = dual - duals[i]
      if (change === 0) continue
      duals[i] = dual
      moved += Math.abs(change)
      addRow(rows, row, weights, change * inverse)
    }
    epochs++
    converged = moved / n < tolerance
  }
  options.onTrained?.(n)
  return { weights, duals, epochs, converged }
}

/**
 * The dual value a' with a' = s(-u), u = margin + (a' - a) q: the row's own optimum, the others fixed. The left side
 * minus the right rises in u with a slope of at least 1, so Newton inside a shrinking bracket cannot miss.
 */
function solveStep(margin: number, dual: number, q: number): number {
  let low = margin - dual * q
  let high = low + q
  let u = margin
  for (let step = 0; step < 30; step++) {
    const wrong = 1 / (1 + Math.exp(u))
    const gap = u - margin - (wrong - dual) * q
    if (gap > 0) high = u
    else low = u
    const next = u - gap / (1 + wrong * (1 - wrong) * q)
    const moved = Math.abs(next - u)
    u = next > low && next < high ? next : (low + high) / 2
    if (moved < 1e-6) break
  }
  return 1 / (1 + Math.exp(u))
}

/** w·x of one row. */
export function dotRow(rows: Rows, row: number, weights: Float32Array): number {
  const { values } = rows
  let sum = 0
  if (rows.layout === 'sparse') {
    const { indices, indptr } = rows
    for (let k = indptr[row], end = indptr[row + 1]; k < end; k++) sum += values[k] * weights[indices[k]]
    return sum
  }
  const at = row * rows.columns
  for (let c = 0; c < weights.length; c++) sum += values[at + c] * weights[c]
  return sum
}

function addRow(rows: Rows, row: number, weights: Float32Array, factor: number): void {
  const { values } = rows
  if (rows.layout === 'sparse') {
    const { indices, indptr } = rows
    for (let k = indptr[row], end = indptr[row + 1]; k < end; k++) weights[indices[k]] += factor * values[k]
    return
  }
  const at = row * rows.columns
  for (let c = 0; c < weights.length; c++) weights[c] += factor * values[at + c]
}

function squaredNorm(rows: Rows, row: number): number {
  const { values } = rows
  const from = rows.layout === 'sparse' ? rows.indptr[row] : row * rows.columns
  const to = rows.layout === 'sparse' ? rows.indptr[row + 1] : from + rows.columns
  let sum = 0
  for (let k = from; k < to; k++) sum += values[k] * values[k]
  return sum
}

/** Bradley-Terry loss of a margin, log(1 + exp(-margin)), without overflow. */
export function lossOf(margin: number): number {
  return margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin
}

/** s(z) = 1 / (1 + e^-z). */
export function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z))
}

/** How heads are cross-fitted. */
export interface CrossFitOptions extends TrainOptions {
  folds: number
  /** Regularisation to use; absent: chosen by held-out loss. */
  l2?: number
  /** Where it is chosen: among strengths a factor of 4 apart instead of 2, on two folds at most. */
  coarse?: boolean
}

/** K heads, head k trained without fold k. A plain object: it survives structured clone. */
export interface CrossFit {
  folds: number
  columns: number
  l2: number
  /**
   * What l2 was chosen from, in the order tried: mean held-out loss; log 2 = 0.693 is a blind head's. Empty if l2 was
   * given.
   */
  tried: { l2: number; loss: number }[]
  weights: Float32Array[]
  /** Rows each head was trained on. */
  trained: number[]
  converged: boolean
}

/**
 * Trains one head for each fold on the rows of the other folds, so that the margin of any row, of the training rows or
 * not, can come from a head that never saw its fold (its prompt, when folds are by prompt). `folds[row]` is below
 * `options.folds`. An empty fold's head sees all rows; a fold that holds all rows gets a head of zeros.
 *
 * Dense columns are divided by their root mean square first and the weights are scaled back: without a mean to
 * subtract, rows stay antisymmetric.
 */
export function crossFit(rows: Rows, folds: Uint8Array, options: CrossFitOptions): CrossFit {
  if (folds.length < rows.length) {
    throw new Error(`models: ${folds.length} folds for ${rows.length} rows; give one for each row`)
  }
  for (let row = 0; row < rows.length; row++) {
    if (folds[row] >= options.folds) {
      throw new Error(`models: fold ${folds[row]} at row ${row}; must be below ${options.folds}`)
    }
  }
  const scales = columnScales(rows)
  const design = scaleColumns(rows, scales)
  const { l2, tried } = options.l2 === undefined ? chooseL2(design, folds, options) : { l2: options.l2, tried: [] }
  const fit: CrossFit = {
    folds: options.folds,
    columns: rows.columns,
    l2,
    tried,
    weights: [],
    trained: [],
    converged: true,
  }
  for (let fold = 0; fold < options.folds; fold++) {
    const train = rowsOf(folds, rows.length, fold, false)
    const head = trainHead(design, train, l2, { ...options, seed: combine32(options.seed, fold) })
    if (scales !== undefined) for (let c = 0; c < scales.length; c++) head.weights[c] *= scales[c]
    fit.weights.push(head.weights)
    fit.trained.push(train.length)
    fit.converged &&= head.converged
  }
  return fit
}

/** Margins w·x of rows, each from the head of its fold; positive supports the label as given. Order of the rows. */
export function crossMargins(fit: CrossFit, rows: Rows, folds: Uint8Array): Float64Array {
  if (rows.columns !== fit.columns) {
    throw new Error(`models: rows of ${rows.columns} columns for heads of ${fit.columns}; use the features of the fit`)
  }
  const margins = new Float64Array(rows.length)
  for (let row = 0; row < rows.length; row++) margins[row] = dotRow(rows, row, fit.weights[folds[row]])
  return margins
}

// strengths l2 · n / mean |x|², strongest first: each fit starts from the one before
const STRENGTHS = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1, 0.5, 0.25, 0.125]
const ENOUGH_HELD_OUT = 4_000
const coarse = STRENGTHS.filter((_, s) => s % 2 === 0),
  COARSE_FOLDS = 2
/** Heads that a coarse search trains at most. */
export const COARSE_HEADS = coarse.length * COARSE_FOLDS

/**
 * Chooses l2 by the mean loss on held-out folds: as many folds as it takes to hold out 4,000 rows, from the strongest
 * of 13 strengths (factor 2) downwards, until the loss has risen twice. `coarse`: every second strength, on two folds
 * at most. The strength is relative to the rows' mean squared norm, so scale does not matter.
 */
function chooseL2(
  rows: Rows,
  folds: Uint8Array,
  options: CrossFitOptions,
): { l2: number; tried: { l2: number; loss: number }[] } {
  const held: Uint32Array[] = []
  const train: Uint32Array[] = []
  let heldRows = 0
  const most = options.coarse ? COARSE_FOLDS : options.folds,
    strengths = options.coarse ? coarse : STRENGTHS
  for (let fold = 0; fold < options.folds && held.length < most && heldRows < ENOUGH_HELD_OUT; fold++) {
    const out = rowsOf(folds, rows.length, fold, true)
    if (out.length === 0 || out.length === rows.length) continue
    held.push(out)
    train.push(rowsOf(folds, rows.length, fold, false))
    heldRows += out.length
  }
  let squares = 0
  for (let row = 0; row < rows.length; row++) squares += squaredNorm(rows, row)
  const unit = squares > 0 ? squares / rows.length / rows.length : 1
  const tried: { l2: number; loss: number }[] = []
  let best = { l2: unit, loss: Infinity }
  const starts: (Float64Array | undefined)[] = held.map(() => undefined)
  for (let s = 0, risen = 0; s < strengths.length && risen < 2 && heldRows > 0; s++) {
    const l2 = strengths[s] * unit
    let loss = 0
    for (let h = 0; h < held.length; h++) {
      const head = trainHead(
        rows,
        train[h],
        l2,
        { ...options, tolerance: 1e-3, seed: combine32(options.seed, h) },
        starts[h],
      )
      starts[h] = head.duals
      for (const row of held[h]) {
        loss += lossOf(dotRow(rows, row, head.weights))
      }
    }
    tried.push({ l2, loss: loss / heldRows })
    risen = loss / heldRows < best.loss ? 0 : risen + 1
    if (risen === 0) best = tried[tried.length - 1]
  }
  const spared = strengths.length * most - tried.length * held.length
  options.onTrained?.((spared * rows.length * (options.folds - 1)) / options.folds)
  return { l2: best.l2, tried }
}

function rowsOf(folds: Uint8Array, length: number, fold: number, inside: boolean): Uint32Array {
  let count = 0
  for (let row = 0; row < length; row++) if ((folds[row] === fold) === inside) count++
  const picked = new Uint32Array(count)
  for (let row = 0, at = 0; row < length; row++) if ((folds[row] === fold) === inside) picked[at++] = row
  return picked
}

function columnScales(rows: Rows): Float64Array | undefined {
  if (rows.layout === 'sparse') return undefined
  const scales = new Float64Array(rows.columns)
  for (let k = 0; k < rows.values.length; k++) scales[k % rows.columns] += rows.values[k] * rows.values[k]
  for (let c = 0; c < scales.length; c++) scales[c] = scales[c] > 0 ? 1 / Math.sqrt(scales[c] / rows.length) : 0
  return scales
}

function scaleColumns(rows: Rows, scales: Float64Array | undefined): Rows {
  if (scales === undefined || rows.layout === 'sparse') return rows
  const values = new Float32Array(rows.values.length)
  for (let k = 0; k < values.length; k++) values[k] = rows.values[k] * scales[k % rows.columns]
  return { ...rows, values }
}
