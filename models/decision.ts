/**
 * Which labels to drop, by margins alone: how many labels are wrong at most, how likely each of them is, and whether
 * the reviewers see enough for anything to be dropped.
 */
import { betaQuantile, lowerShare } from '../engine/beta.ts'
import { fitCalibration, type Calibration } from './calibration.ts'
import { sigmoid } from './head.ts'
import { flippedAuroc, type Estimate } from './metrics.ts'

/** How margins become a share of contradicted labels: 1 - eta - (1 - 2 eta) s(m / T). */
export interface Curve {
  readonly eta: number
  readonly temperature: number
}

/**
 * The share of wrong labels. Margins bound it from above alone: `high` is that bound, `value` is the share if the
 * reviewers are right where they are surest, and 0 is never ruled out. Given, both are what was given.
 */
export interface NoiseRate {
  readonly value: number
  readonly high: number
  readonly how: 'given' | 'bounded'
}

/**
 * Why nothing may be dropped. rows: too few pairs; blind: no margin says anything; auroc: a label that is turned round
 * is hardly told from the others; agreement: reviewers who are surest agree with too few labels. open: some may be.
 */
export type Gate = 'open' | 'rows' | 'blind' | 'auroc' | 'agreement'

/** A plain object: it survives structured clone. */
export interface Decision {
  readonly rows: number
  readonly curve: Curve
  readonly noise: NoiseRate
  /** The share that is acted on, half way from `noise.value` to its upper end. */
  readonly acted: number
  /** A label with a negative margin is dropped if its share of contradiction is at least this. */
  readonly limit: number
  /** Chance that a label that is turned round has a lower margin than another, each in turn; prompts go together. */
  readonly auroc: Estimate
  readonly min_auroc: number
  /** Labels agreed with among all rows as sure as the least sure one to be dropped; absent where there is none. */
  readonly agreement?: { readonly rows: number; readonly share: number; readonly low: number }
  readonly gate: Gate
}

export interface DecisionOptions {
  /** Share of the labels that are wrong, in [0, 0.5); absent: bounded by the margins. */
  readonly noise_rate?: number
  /** Nothing is dropped unless the lower end of the AUROC is above this. */
  readonly min_auroc: number
  /** A hash of each row's prompt; without them no two rows have the same. */
  readonly prompts?: Uint32Array
}

/** Of labels that are dropped reviewers contradict 3 of 5 at least: less is a coin's opinion. */
export const FLOOR = 0.6
/** Pairs below which nothing is dropped. */
export const LEAST_ROWS = 50
/** Rows of the smallest tail. */
const TAIL = 100
const LEAST_RATE = 1e-4
const MOST_RATE = 0.499

export const curveOf = ({ eta, temperature }: Calibration): Curve => ({ eta: eta.value, temperature })

/**
 * c: how often labels are contradicted by reviewers who are as sure as at this margin. It speaks of all pairs with that
 * margin, and is not the chance that a second label of this pair would differ.
 */
export const contradiction = ({ eta, temperature }: Curve, margin: number): number =>
  1 - eta - (1 - 2 * eta) * sigmoid(margin / temperature)

/** w: the chance that a label is wrong whose share of contradiction is `c`, where a share `rate` of all labels is. */
export function chanceWrong(c: number, rate: number): number {
  if (!(rate > 0)) return 0
  if (c >= 1) return 1
  const chance = (rate / (1 - 2 * rate)) * (((1 - rate) * c) / (1 - c) - rate)
  return Math.min(1, Math.max(0, chance))
}

const inRange = (rate: number) => Math.min(MOST_RATE, Math.max(LEAST_RATE, rate))

/** The share of contradiction from which on a label is as likely wrong as right. */
export function limitAt(rate: number): number {
  const p = inRange(rate),
    odds = (p + (1 - 2 * p) / (2 * p)) / (1 - p)
  return odds / (1 + odds)
}

/**
 * The share of wrong labels by the tails of the margins: of the 100, 200, 400, … rows whose margins are largest, and of
 * all, the fewest that contradict their labels. `value` is the least median of these shares, or the curve's eta where
 * that is more (a small tail may have been lucky); `high` their least upper end, with 95 % for all together.
 */
export function noiseRateOf(margins: Float64Array, eta: number): NoiseRate {
  const n = margins.length
  // equal sizes of both signs: those that contradict first, so that the order of the rows decides nothing
  const sorted = margins.slice().sort((a, b) => Math.abs(b) - Math.abs(a) || a - b)
  const ends: number[] = []
  for (let k = TAIL; k < n; k *= 2) ends.push(k)
  ends.push(n)
  let against = 0,
    row = 0,
    anchor = 1,
    high = 1
  for (const k of ends) {
    for (; row < k; row++) against += sorted[row] < 0 ? 1 : sorted[row] === 0 ? 0.5 : 0
    anchor = Math.min(anchor, betaQuantile(0.5, against + 1, k - against))
    high = Math.min(high, betaQuantile(1 - 0.05 / ends.length, against + 1, k - against))
  }
  const most = Math.min(0.5, high)
  return { value: Math.min(most, Math.max(anchor, eta)), high: most, how: 'bounded' }
}

/** The rule, of margins that are out of fold. `calibration` is theirs, where it is there already. */
export function decide(margins: Float64Array, options: DecisionOptions, calibration?: Calibration): Decision {
  const { noise_rate, min_auroc, prompts } = options,
    curve = curveOf(calibration ?? fitCalibration(margins))
  const noise: NoiseRate =
    noise_rate === undefined ? noiseRateOf(margins, curve.eta) : { value: noise_rate, high: noise_rate, how: 'given' }
  const acted = inRange((noise.value + noise.high) / 2),
    limit = Math.max(FLOOR, limitAt(acted)),
    auroc = flippedAuroc(margins, prompts)
  const made = { rows: margins.length, curve, noise, acted, limit, auroc, min_auroc }
  const agreement = agreementOf(margins, made)
  const gate: Gate =
    margins.length < LEAST_ROWS
      ? 'rows'
      : !margins.some(margin => margin !== 0)
        ? 'blind'
        : !(auroc.low > min_auroc)
          ? 'auroc'
          : agreement && agreement.low < FLOOR
            ? 'agreement'
            : 'open'
  return { ...made, ...(agreement ? { agreement } : {}), gate }
}

/** Of all rows that are as sure as the least sure candidate, how many labels are agreed with. */
function agreementOf(margins: Float64Array, made: Pick<Decision, 'curve' | 'limit' | 'acted'>): Decision['agreement'] {
  let least = Infinity
  for (const margin of margins) if (isDoubtful(made, margin)) least = Math.min(least, -margin)
  if (least === Infinity) return undefined
  let rows = 0,
    agreed = 0
  for (const margin of margins) {
    if (Math.abs(margin) < least) continue
    rows++
    if (margin > 0) agreed++
  }
  return { rows, share: agreed / rows, low: lowerShare(agreed, rows, 0.01) }
}

/** True of a margin by which the label is more likely wrong than right, whether or not a gate is shut. */
export function isDoubtful(
  { curve, limit, acted }: Pick<Decision, 'curve' | 'limit' | 'acted'>,
  margin: number,
  own: Curve = curve,
): boolean {
  if (!(margin < 0)) return false
  const c = contradiction(own, margin)
  return c >= limit && chanceWrong(c, acted) >= 0.5
}

/** P(the label is right) of a margin, at the share of wrong labels that is acted on; `own`: by a reviewer's curve. */
export const probabilityAt = ({ curve, acted }: Decision, margin: number, own: Curve = curve): number =>
  1 - chanceWrong(contradiction(own, margin), acted)

/** The share of labels that agree with reviewers who are this sure: 1 - c. */
export const agreementAt = ({ curve }: Decision, margin: number, own: Curve = curve): number =>
  1 - contradiction(own, margin)

/** What is to be expected of rows that are dropped. */
export interface Expected {
  readonly rows: number
  /** Share of labels that agree with reviewers as sure as they are of these, on average. */
  readonly agreement: number
  /**
   * Share of them that is wrong: at `noise.value`; low at half of it, which lets half of the contradictions at the
   * surest margins be the reviewers' own mistakes; high at `noise.high`.
   */
  readonly precision: Estimate
}

/** What is to be expected of the rows whose flag is 1. */
export function expectedOf({ curve, noise }: Decision, margins: Float64Array, flags: Uint8Array): Expected {
  let rows = 0,
    contradicted = 0,
    low = 0,
    value = 0,
    high = 0
  for (let i = 0; i < margins.length; i++) {
    if (flags[i] === 0) continue
    const c = contradiction(curve, margins[i])
    rows++
    contradicted += c
    low += chanceWrong(c, Math.min(MOST_RATE, noise.value / 2))
    value += chanceWrong(c, Math.min(MOST_RATE, noise.value))
    high += chanceWrong(c, Math.min(MOST_RATE, noise.high))
  }
  return {
    rows,
    agreement: rows > 0 ? 1 - contradicted / rows : NaN,
    precision:
      rows > 0 ? { low: low / rows, value: value / rows, high: high / rows } : { low: NaN, value: NaN, high: NaN },
  }
}
