import { fitCalibration, flagConfident, MAX_ETA_WIDTH, posterior, support, type Calibration } from './calibration.ts'
import { crossFit, crossMargins, type CrossFitOptions } from './head.ts'
import { auroc, share, spearman, type Estimate } from './metrics.ts'
import { combine32, Random, shuffle } from './random.ts'
import { fitReviewer, type Reviewer } from './reviewer.ts'
import type { Rows } from './rows.ts'

/** Which reviewers must speak against a pair for it to be found wrong; `mean` asks their mean margin. */
export type Rule = 'both' | 'either' | 'mean'

export interface PanelOptions extends CrossFitOptions {
  rule: Rule
  /** Share of the labels that are wrong, in [0, 0.5); absent: estimated. */
  noise_rate?: number
  /** The panel may be acted on if the lower end of the 95 % interval of the planted flips' AUROC is above this. */
  min_auroc: number
  /** Share of the sample whose sides are swapped in secret for the self-test. */
  flip_share: number
}

/** What a panel found when it looked for flips that were planted in its own sample, with 95 % intervals. A plain object. */
export interface SelfTest {
  rows: number
  planted: number
  /** Chance that a planted flip has a lower mean margin than another row. */
  auroc: Estimate
  /** Rows found wrong by the rule that were planted; the others may be wrong labels of the data's own. */
  precision: Estimate
  /** Planted flips that the rule found wrong. */
  recall: Estimate
}

/** Reviewers that judge together. A plain object: it survives structured clone. */
export interface Panel {
  reviewers: Reviewer[]
  /** Calibration of the mean margin. */
  joint: Calibration
  /**
   * Share of labels taken to be wrong: given; fitted beside the temperature, the interval covering what is found before and after flips are planted, with
   * their share taken off again; or, where that interval is too wide, the share that confident learning flags.
   */
  noise_rate: Estimate & { how: 'given' | 'fitted' | 'confident' }
  /** A reviewer speaks against a pair whose margin is at or below this: its own lowest `noise_rate`, and never a margin that supports the label. */
  thresholds: number[]
  joint_threshold: number
  self_test: SelfTest
  /** The self-test's lower bound is above the limit. If not, nothing may be dropped on this panel's word. */
  able: boolean
  /** Rank correlation (Spearman) of the first two reviewers' margins; above 0.95 they are one reviewer asked twice. */
  correlation?: { correlation: number, near_copy: boolean }
  rows: number
}

/** Fits every reviewer on the same sample and folds (by prompt), joins them, and tests what they can see with flips planted in the sample. `samples[m]` are the rows of `kinds[m]`. */
export function fitPanel(kinds: readonly string[], samples: readonly Rows[], folds: Uint8Array, options: PanelOptions): Panel {
  const reviewers = kinds.map((kind, m) => fitReviewer(kind, samples[m], folds, options))
  const margins = reviewers.map((reviewer, m) => crossMargins(reviewer.fit, samples[m], folds))
  const mean = meanMargins(reviewers, margins)
  const joint = fitCalibration(mean)
  const { self_test, noise } = plant(reviewers, samples, folds, options.noise_rate ?? joint.eta.value, options)
  const noise_rate = noiseRate(joint, noise, mean, options.noise_rate)
  return {
    reviewers, joint, noise_rate, thresholds: margins.map(some => lowest(some, noise_rate.value)), joint_threshold: lowest(mean, noise_rate.value), self_test,
    able: self_test.auroc.low > options.min_auroc, ...(margins.length > 1 ? { correlation: correlate(margins[0], margins[1]) } : {}), rows: folds.length,
  }
}

const correlate = (first: Float64Array, second: Float64Array) => {
  const correlation = spearman(first, second)
  return { correlation, near_copy: correlation > 0.95 }
}

/** Mean of the reviewers' log-odds d / T, so that no scale outweighs another; a reviewer that says nothing (T infinite) adds 0. */
export function meanMargins(reviewers: readonly Reviewer[], margins: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(margins[0].length)
  reviewers.forEach(({ calibration }, m) => {
    const scale = 1 / (calibration.plain_temperature * reviewers.length)
    for (let i = 0; i < out.length; i++) out[i] += margins[m][i] * scale
  })
  return out
}

/** P(the label is right) of mean margins: the posterior where the noise rate is identified, else P(a fresh label of the same source would agree). */
export const probabilityOf = ({ joint, noise_rate }: Panel, margin: number): number => noise_rate.how === 'fitted' ? posterior(joint, margin) : support(joint, margin)

/** How many reviewers speak against each row. */
export function against(thresholds: readonly number[], margins: readonly Float64Array[]): Uint8Array {
  const out = new Uint8Array(margins[0].length)
  margins.forEach((some, m) => { for (let i = 0; i < out.length; i++) if (some[i] <= thresholds[m]) out[i]++ })
  return out
}

/** 1 where the rule finds the label wrong. */
export function foundWrong(rule: Rule, reviewers: readonly Reviewer[], margins: readonly Float64Array[], thresholds: readonly number[], joint_threshold: number): Uint8Array {
  if (rule === 'mean') return Uint8Array.from(meanMargins(reviewers, margins), margin => margin <= joint_threshold ? 1 : 0)
  const needed = rule === 'both' ? margins.length : 1
  return against(thresholds, margins).map(count => count >= needed ? 1 : 0)
}

/** `again`: the noise rate as fitted with flips planted, which is another look at the same quantity with other folds' chance in it. */
function noiseRate(joint: Calibration, again: Estimate, mean: Float64Array, given: number | undefined): Panel['noise_rate'] {
  if (given !== undefined) return { value: given, low: given, high: given, how: 'given' }
  const both = { value: (joint.eta.value + again.value) / 2, low: Math.min(joint.eta.low, again.low), high: Math.max(joint.eta.high, again.high) }
  if (joint.identified && both.high - both.low <= MAX_ETA_WIDTH) return { ...both, how: 'fitted' }
  const flags = flagConfident(mean.map(margin => support(joint, margin)))
  return { ...share(flags.reduce((n, flag) => n + flag, 0), flags.length), how: 'confident' }
}

/** The margin below or at which the lowest `rate` of these lie; -Infinity when that is none of them, and below 0 always: no margin that supports a label speaks against it. */
function lowest(margins: Float64Array, rate: number): number {
  const sorted = margins.slice().sort()
  const count = Math.floor(rate * sorted.length)
  return !(count >= 1) ? -Infinity : Math.min(sorted[count - 1], -Number.MIN_VALUE)
}

/**
 * Swaps the sides of a random share of the sample in secret, trains every reviewer afresh with its own regularisation, and looks for them by the rule. The labels' own noise
 * counts as clean here and a planted flip of a wrong label makes it right, so the figures are lower than those against the truth: conservative.
 */
function plant(reviewers: readonly Reviewer[], samples: readonly Rows[], folds: Uint8Array, rate: number, options: PanelOptions): { self_test: SelfTest, noise: Estimate } {
  const n = folds.length, { flip_share } = options
  const order = shuffle(Uint32Array.from({ length: n }, (_, i) => i), new Random(combine32(options.seed, 0x706c616e)))
  const planted = new Uint8Array(n), signs = new Int8Array(n).fill(1)
  for (const row of order.subarray(0, Math.round(n * flip_share))) { planted[row] = 1; signs[row] = -1 }
  const refitted: Reviewer[] = [], margins: Float64Array[] = []
  reviewers.forEach((reviewer, m) => {
    const fit = crossFit(samples[m], folds, { ...options, l2: reviewer.fit.l2, signs })
    const some = crossMargins(fit, samples[m], folds)
    for (let i = 0; i < n; i++) some[i] *= signs[i]
    margins.push(some)
    refitted.push({ kind: reviewer.kind, fit, calibration: fitCalibration(some) })
  })
  const mean = meanMargins(refitted, margins)
  // the flips come on top of the noise that is there
  const total = rate * (1 - flip_share) + (1 - rate) * flip_share
  const found = foundWrong(options.rule, refitted, margins, margins.map(some => lowest(some, total)), lowest(mean, total))
  let flagged = 0, hits = 0, count = 0
  for (let i = 0; i < n; i++) { flagged += found[i]; hits += found[i] & planted[i]; count += planted[i] }
  const { eta } = fitCalibration(mean)
  const without = (found: number) => Math.min(0.5, Math.max(0, (found - flip_share) / (1 - 2 * flip_share)))
  return {
    self_test: { rows: n, planted: count, auroc: auroc(mean.map(margin => -margin), planted), precision: share(hits, flagged), recall: share(hits, count) },
    noise: { value: without(eta.value), low: without(eta.low), high: without(eta.high) },
  }
}
