import { fitCalibration, type Calibration } from './calibration.ts'
import { crossFit, crossMargins, type CrossFit, type CrossFitOptions } from './head.ts'
import type { Rows } from './rows.ts'

/** A fitted reviewer: cross-fitted heads on one kind of features and what their margins mean. A plain object: it survives structured clone. */
export interface Reviewer {
  kind: string
  fit: CrossFit
  calibration: Calibration
}

/** Fits a reviewer to a training sample: heads, then calibration on their out-of-fold margins. The same rows, folds and options give the same bytes. */
export function fitReviewer(kind: string, rows: Rows, folds: Uint8Array, options: CrossFitOptions): Reviewer {
  const fit = crossFit(rows, folds, options)
  const margins = crossMargins(fit, rows, folds)
  if (options.signs !== undefined) for (let i = 0; i < margins.length; i++) margins[i] *= options.signs[i]
  return { kind, fit, calibration: fitCalibration(margins) }
}
