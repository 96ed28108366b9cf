import { fitCalibration, posterior, support, type Calibration } from './calibration.ts'
import { crossFit, crossMargins, type CrossFit, type CrossFitOptions } from './head.ts'
import type { Rows } from './rows.ts'

/** A fitted reviewer: cross-fitted heads on one kind of features and what their margins mean. A plain object: it survives structured clone. */
export interface Reviewer {
  kind: string
  fit: CrossFit
  calibration: Calibration
}

/** What a reviewer says of rows, in their order. */
export interface Review {
  /** Out-of-fold margins; positive supports the label as given. */
  margins: Float64Array
  /** P(a fresh label from the same source would agree). */
  support: Float64Array
  /** P(the label as given is right); only to be acted on if the calibration's eta is identified. */
  posterior: Float64Array
}

/** Fits a reviewer to a training sample: heads, then calibration on their out-of-fold margins. The same rows, folds and options give the same bytes. */
export function fitReviewer(kind: string, rows: Rows, folds: Uint8Array, options: CrossFitOptions): Reviewer {
  const fit = crossFit(rows, folds, options)
  const margins = crossMargins(fit, rows, folds)
  if (options.signs !== undefined) for (let i = 0; i < margins.length; i++) margins[i] *= options.signs[i]
  return { kind, fit, calibration: fitCalibration(margins) }
}

/** Reviews any rows of the same features, of the training sample or not; each is judged by the head that never saw its fold. */
export function review(reviewer: Reviewer, rows: Rows, folds: Uint8Array): Review {
  const margins = crossMargins(reviewer.fit, rows, folds)
  return {
    margins,
    support: margins.map((margin) => support(reviewer.calibration, margin)),
    posterior: margins.map((margin) => posterior(reviewer.calibration, margin)),
  }
}
