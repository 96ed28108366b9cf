import { spearman } from './metrics.ts'

/** Which reviewers must speak against a pair for it to be `reversed`; `mean` asks their mean probability. */
export type AgreementRule = 'both' | 'either' | 'mean'

export const AGREED = 0
export const AMBIGUOUS = 1
export const REVERSED = 2

/** Names of the classes, by number. */
export const AGREEMENT_CLASSES = ['agreed', 'ambiguous', 'reversed'] as const

export interface AgreementOptions {
  rule: AgreementRule
  /** A reviewer speaks against a pair if its P(label right) is below this; 0.5 unless given. */
  against_below?: number
  /** A reviewer speaks for a pair from this on; 0.5 unless given, and at least `against_below`. Between the two it is unsure. */
  for_from?: number
}

/**
 * Joins two reviewers' P(label right) into a class for each row (`AGREED`, `AMBIGUOUS`, `REVERSED`).
 *
 * both: reversed if both are against; either: if at least one is; mean: if the mean is. A pair is agreed if both are for (mean: if the mean
 * is) and it is not reversed; everything else is ambiguous. `both` trades recall for precision, `either` the reverse. NaN (a reviewer with
 * nothing to say) is neither for nor against, and makes a mean ambiguous.
 */
export function agree(first: Float64Array, second: Float64Array, options: AgreementOptions): Uint8Array {
  const { rule, against_below = 0.5, for_from = 0.5 } = options
  if (for_from < against_below) throw new Error(`models: for_from is ${for_from}, must be at least against_below ${against_below}`)
  const classes = new Uint8Array(first.length)
  for (let i = 0; i < classes.length; i++) {
    const mean = (first[i] + second[i]) / 2
    const a = rule === 'mean' ? mean : first[i]
    const b = rule === 'mean' ? mean : second[i]
    const against = rule === 'either' ? a < against_below || b < against_below : a < against_below && b < against_below
    classes[i] = against ? REVERSED : a >= for_from && b >= for_from ? AGREED : AMBIGUOUS
  }
  return classes
}

/** Two reviewers whose margins rank alike above this are one reviewer asked twice. */
export const MAX_INDEPENDENT_CORRELATION = 0.95

/** Rank correlation (Spearman) of two reviewers' margins, and whether it is too high for their agreement to mean anything. */
export function compareReviewers(first: Float64Array, second: Float64Array): { correlation: number; near_copy: boolean } {
  const correlation = spearman(first, second)
  return { correlation, near_copy: correlation > MAX_INDEPENDENT_CORRELATION }
}
