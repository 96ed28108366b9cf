/** One score of several: sums, the least, the log-probability that all are good; and margins under other weights. */
import { lossOf } from '../../models/head.ts'

export const METHODS = ['log_sigmoid', 'sum', 'z_sum', 'least'] as const
export type Method = (typeof METHODS)[number]
export const REFERENCES = ['none', 'median', 'mean', 'quantile', 'parametric'] as const
export type Reference = (typeof REFERENCES)[number]

/** log s(x) = -log(1 + e^-x), finite for every finite x. */
export const logSigmoid = (x: number): number => -lossOf(x)

/** The 85 % quantile of a normal distribution, in standard deviations. */
const Z85 = 1.0364334

/** What the scores of all sides come to: a reference, and the scale of `z_sum`. */
export interface Scale {
  readonly reference: number
  readonly mean: number
  /** Population standard deviation; 1 where all scores are the same. */
  readonly deviation: number
}

/** The value below which a share of sorted numbers is, linear between two of them; NaN of none. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1),
    below = Math.floor(place),
    value = sorted[below] ?? NaN
  return below + 1 < sorted.length ? value + (place - below) * (sorted[below + 1] - value) : value
}

/** NaN of no scores, but for `none`. */
export function scaleOf(scores: Float64Array, of: Reference, share: number): Scale {
  // sorted, so that sums are the same whatever the order of rows
  const sorted = scores.toSorted(),
    mean = sorted.reduce((sum, score) => sum + score, 0) / sorted.length,
    deviation = Math.sqrt(sorted.reduce((sum, score) => sum + (score - mean) ** 2, 0) / sorted.length)
  const reference = {
    none: () => 0,
    mean: () => mean,
    median: () => quantile(sorted, 0.5),
    quantile: () => quantile(sorted, share),
    parametric: () => mean + Z85 * deviation,
  }[of]()
  return { reference, mean, deviation: deviation === 0 ? 1 : deviation }
}

/** The score of one side; its scores, and the references, weights and scales of these. */
export function combine(
  method: Method,
  scores: ArrayLike<number>,
  references: ArrayLike<number>,
  weights: readonly number[],
  scales: readonly Scale[],
): number {
  let sum = 0,
    least = Infinity
  for (let m = 0; m < weights.length; m++) {
    const above = scores[m] - references[m]
    if (method === 'least') least = Math.min(least, above)
    else if (method === 'log_sigmoid') sum += weights[m] * logSigmoid(above)
    else if (method === 'sum') sum += weights[m] * scores[m]
    else sum += (weights[m] * (scores[m] - scales[m].mean)) / scales[m].deviation
  }
  return method === 'least' ? least : sum
}

/**
 * The least margin under all weights of length 1 within an angle of `weights`, in degrees: |D| cos(min(180°, angle(D,
 * weights) + degrees)), of the differences D of the scores. NaN where all differences are 0; 0 where it is that but
 * for rounding.
 */
export function coneMargin(differences: readonly number[], weights: readonly number[], degrees: number): number {
  const length = Math.hypot(...differences)
  if (length === 0) return NaN
  const unit = weights.map(weight => weight / Math.hypot(...weights)),
    along = differences.reduce((sum, difference, m) => sum + difference * unit[m], 0),
    across = Math.hypot(...differences.map((difference, m) => difference - along * unit[m])),
    // the arc cosine of nearly 1 is worth half of its digits
    angle = Math.atan2(across, along) + (degrees * Math.PI) / 180,
    margin = length * Math.cos(Math.min(Math.PI, angle))
  return Math.abs(margin) < 1e-12 * length ? 0 : margin
}
