import { fitCalibration, flagConfident, support } from './calibration.ts'
import { crossFit, crossMargins, type CrossFitOptions } from './head.ts'
import { auroc, share, type Estimate } from './metrics.ts'
import { combine32, Random, shuffle } from './random.ts'
import type { Rows } from './rows.ts'

/** How the self-test is run. `l2` is the reviewer's own: the test must not be given a better one. */
export interface PlantedOptions extends CrossFitOptions {
  l2: number
  /** Share of the rows whose sides are swapped in secret; 0.1 unless given. */
  flip_share?: number
  /** The reviewer is able if the lower end of the AUROC's interval is above this; 0.6 unless given. */
  min_auroc?: number
  /** Which rows are flagged, given out-of-fold margins of the labels as trained on; confident learning unless given. */
  flag?: (margins: Float64Array) => Uint8Array
}

/** What the self-test found, with 95 % intervals. A plain object. */
export interface PlantedResult {
  rows: number
  planted: number
  flagged: number
  /** Chance that a planted flip has a lower margin than another row. */
  auroc: Estimate
  /** Flagged rows that were planted; the others may be flips of the data's own. */
  precision: Estimate
  /** Planted flips that were flagged. */
  recall: Estimate
  able: boolean
}

/**
 * Can the reviewer find wrong labels in this data? Swaps the sides of a random share of the rows, trains afresh with the same settings and
 * looks for them by out-of-fold margins.
 *
 * It needs no assumption on the data's own noise and no gold labels, but it answers for flips at random: mistakes that people make on
 * purpose, in one direction or on hard pairs only are not tested. The data's own wrong labels count as clean here, and a planted flip of
 * one makes it right; so AUROC and precision are lower than those against the truth: conservative. The plants also add to the noise that
 * the heads are trained on. Precision depends on the share planted; recall and AUROC hardly.
 */
export function plantFlips(rows: Rows, folds: Uint8Array, options: PlantedOptions): PlantedResult {
  const { flip_share = 0.1, min_auroc = 0.6, flag = flagBySupport } = options
  const n = rows.length
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  shuffle(order, new Random(combine32(options.seed, 0x706c616e)))
  const planted = new Uint8Array(n)
  const signs = new Int8Array(n).fill(1)
  const count = Math.round(n * flip_share)
  for (let i = 0; i < count; i++) {
    planted[order[i]] = 1
    signs[order[i]] = options.signs === undefined ? -1 : -options.signs[order[i]]
  }
  if (options.signs !== undefined) for (let i = count; i < n; i++) signs[order[i]] = options.signs[order[i]]
  const margins = crossMargins(crossFit(rows, folds, { ...options, signs }), rows, folds)
  for (let i = 0; i < n; i++) margins[i] *= signs[i]
  const flags = flag(margins)
  let flagged = 0
  let found = 0
  for (let i = 0; i < n; i++) {
    flagged += flags[i]
    found += flags[i] & planted[i]
  }
  const separation = auroc(margins.map((margin) => -margin), planted)
  return {
    rows: n, planted: count, flagged, auroc: separation, precision: share(found, flagged), recall: share(found, count),
    able: separation.low > min_auroc,
  }
}

/** Flags by confident learning on calibrated support: the decision that needs no noise rate. */
export function flagBySupport(margins: Float64Array): Uint8Array {
  const calibration = fitCalibration(margins)
  return flagConfident(margins.map((margin) => support(calibration, margin)))
}
