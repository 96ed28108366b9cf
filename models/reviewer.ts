/** One reviewer: its heads, and what their margins mean. */
import { fitCalibration, type Calibration } from './calibration.ts'
import { crossFit, crossMargins, type CrossFit, type CrossFitOptions } from './head.ts'
import type { Rows } from './rows.ts'

/**
 * `learned`: a head trained here on the rows. `given`: the rows are margins already (one dense column), from scores
 * that the data carries; nothing is trained.
 */
export interface ReviewerSpec {
  name: string
  from: 'learned' | 'given'
}

/**
 * A fitted reviewer: cross-fitted heads on one kind of features and what their margins mean. A plain object: it
 * survives structured clone.
 */
export interface Reviewer extends ReviewerSpec {
  fit: CrossFit
  calibration: Calibration
}

/**
 * Fits a reviewer to a training sample: heads, then calibration on their out-of-fold margins. The same rows, folds and
 * options give the same bytes.
 */
export function fitReviewer(spec: ReviewerSpec, rows: Rows, folds: Uint8Array, options: CrossFitOptions): Reviewer {
  const fit = fitHeads(spec, rows, folds, options)
  return { ...spec, fit, calibration: fitCalibration(crossMargins(fit, rows, folds)) }
}

/** The heads of a reviewer, without their calibration. */
export const fitHeads = ({ from }: ReviewerSpec, rows: Rows, folds: Uint8Array, options: CrossFitOptions): CrossFit =>
  from === 'given' ? asGiven(rows, options) : crossFit(rows, folds, options)

/** "Heads" that pass a column on: what was not trained on these labels needs no folds. */
function asGiven(rows: Rows, { folds }: CrossFitOptions): CrossFit {
  if (rows.layout !== 'dense' || rows.columns !== 1) {
    throw new Error(`models: given margins are one dense column, not ${rows.layout} rows of ${rows.columns}`)
  }
  return {
    folds,
    columns: 1,
    l2: 0,
    tried: [],
    weights: Array.from({ length: folds }, () => Float32Array.of(1)),
    trained: Array.from({ length: folds }, () => 0),
    converged: true,
  }
}
