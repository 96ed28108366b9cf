/** Reviewers that judge together, and what they can see by their own test. */
import {
  confidentThreshold,
  fitCalibration,
  fitNoiseRate,
  flagConfident,
  MAX_ETA_WIDTH,
  posterior,
  support,
  type Calibration,
} from './calibration.ts'
import { chooseShare, type Evidence } from './evidence.ts'
import type { CrossFitOptions } from './head.ts'
import { judge, type Question } from './judge.ts'
import { auroc, flippedAuroc, share, spearman, type Estimate } from './metrics.ts'
import { fitMixture, type Mixture } from './mixture.ts'
import { combine32, Random, shuffle } from './random.ts'
import { fitHeads, type Reviewer } from './reviewer.ts'
import type { Rows } from './rows.ts'
import { foundWrong, lowest, thresholdsOf, type Rule } from './rule.ts'
import { countBefore } from './sorted.ts'
import type { Stack } from './stack.ts'
import type { Standings } from './standings.ts'

export interface PanelOptions extends CrossFitOptions {
  rule: Rule
  /** Share of the labels that are wrong, in [0, 0.5); absent: estimated. */
  noise_rate?: number
  /**
   * The panel is able if the lower end of the self-test's `auroc_corrected` is above this; it tells a little if that is
   * above 0.53.
   */
  min_auroc: number
  /**
   * What decides the share to drop. `evidence`: what helps a fresh head, which may be none; `noise_rate`: as many as
   * are taken to be wrong, without a trial.
   */
  share_by: 'evidence' | 'noise_rate'
  /** Share of the sample whose sides are swapped in secret for the self-test. */
  flip_share: number
}

/** What a panel found when it looked for flips in its own sample, with 95 % intervals. A plain object. */
export interface SelfTest {
  rows: number
  /** Labels that were flipped in secret before all reviewers were trained afresh; for precision and recall. */
  planted: number
  /**
   * Chance that a flipped label has a lower stack margin than another row, each label flipped in turn: out of fold,
   * where no reviewer has seen it, that only changes its margin's sign. Before reviewers learn from each other.
   */
  auroc: Estimate
  /**
   * The same for a wrong label against a right one: (auroc - e) / (1 - 2 e), as a share e of the flips made a wrong
   * label right and e of the others are wrong. Its lower end takes the lowest e that is not ruled out, so that noise
   * which may not be there excuses nothing.
   */
  auroc_corrected: Estimate
  /** Rows found wrong by the rule that were planted; the others may be wrong labels of the data's own. */
  precision: Estimate
  /** Planted flips that the rule found wrong. */
  recall: Estimate
}

/** Reviewers that judge together. A plain object: it survives structured clone. */
export interface Panel {
  /** The learned and the given ones, then `standings` if asked for. */
  reviewers: Reviewer[]
  standings?: Standings
  stack: Stack
  /** Calibration of the stack's margin. */
  joint: Calibration
  /**
   * Share of labels taken to be wrong: given; fitted beside the temperature, the interval covering what is found before
   * and after flips are planted, with their share taken off again, and what is found without each fold; or, where that
   * interval is too wide, the share that confident learning flags.
   */
  noise_rate: Estimate & { how: 'given' | 'fitted' | 'confident' }
  /**
   * A reviewer speaks against a pair whose margin is at or below this: its own lowest share, and never a margin that
   * supports the label. The share is `evidence.share`, or the noise rate if that is 0.
   */
  thresholds: number[]
  stack_threshold: number
  /** Quantiles of the sample's stack margins, evenly spread, ascending. */
  quantiles: Float64Array
  /**
   * Confident learning flags a label if the chance of the opposite one, 1 - `support`, reaches this; NaN if nothing is
   * to be flagged.
   */
  confident: number
  /** Stack margins as two normal bells. */
  mixture: Mixture
  self_test: SelfTest
  /**
   * The lower end of the self-test's corrected AUROC is above `min_auroc`. If not, nothing may be dropped on this
   * panel's word alone: only where that helps a fresh head beyond chance.
   */
  able: boolean
  /** It is above 0.53. If not, nothing may be dropped at all. */
  tells: boolean
  share_by: 'evidence' | 'noise_rate'
  /**
   * What dropping does to a fresh head; absent when the panel does not tell right labels from wrong ones, and when it
   * was not asked for.
   */
  evidence?: Evidence
  /**
   * Rank correlation (Spearman) of the two reviewers that see and are most alike; above 0.95 they are one reviewer
   * asked twice.
   */
  correlation?: { first: string; second: string; correlation: number; near_copy: boolean }
  /** What the exchange did to the AUROC of finding planted flips; absent when it was not tried. */
  exchange?: { before: number; after: number; helps: boolean }
  rows: number
}

/** Below this share of wrong labels the exchange is not tried: there is little to gain by it. */
const LEAST_NOISE = 0.25
/** Flips are to be found with an AUROC of more than this, whatever a trial says. */
const LEAST_AUROC = 0.53
const QUANTILES = 1000

/** True if pairs may be dropped: dropping helps, or where that was not asked the panel is able. */
export const mayDrop = ({ able, share_by, evidence }: Panel): boolean =>
  share_by === 'noise_rate' ? able : evidence?.helps === true

/**
 * Fits every reviewer on the same sample and folds (by prompt), weighs them, tests what they can see with flipped
 * labels, and looks whether a fresh head on `fresh` rows gains by what would be dropped.
 */
export function fitPanel(question: Question, fresh: Rows, options: PanelOptions): Panel {
  const { specs, folds } = question
  let judged = judge(question, { ...options, exchange: false })
  let joint = fitCalibration(judged.stacked)
  const found = flippedAuroc(judged.stacked, question.prompts),
    rate = options.noise_rate ?? joint.eta.value,
    plainL2s = judged.fits.map(({ l2 }) => l2)
  // a plateau of contradicted labels is what wrong ones leave; opinions of a minority grow fewer as the margin rises
  const noisy = options.noise_rate !== undefined || joint.eta.low > 0
  let planted = plant(question, plainL2s, rate, false, options)
  let exchange: Panel['exchange']
  if (options.rule === 'exchange' && likelyNoise(joint, judged.stacked, options.noise_rate) >= LEAST_NOISE) {
    const other = plant(question, plainL2s, rate, true, options),
      before = planted.auroc,
      after = other.auroc
    exchange = { before, after, helps: after > before }
    if (exchange.helps) {
      planted = other
      judged = judge(question, { ...options, l2s: plainL2s, exchange: true })
      joint = fitCalibration(judged.stacked)
    }
  }
  const { margins, stack, stacked, standings } = judged
  const eta = coverAll(joint, [planted.noise, spreadOverFolds(stacked, folds, options.folds, joint.eta.value)])
  const noise_rate = noiseRate(joint, eta, stacked, options.noise_rate)
  const self_test = {
    ...planted.test,
    auroc: found,
    auroc_corrected: corrected(found, noise_rate.how === 'given' ? noise_rate : eta),
  }
  const { low } = self_test.auroc_corrected,
    able = low > options.min_auroc,
    tells = low > LEAST_AUROC
  const evidence =
    options.share_by === 'evidence' && tells
      ? chooseShare({
          question,
          fresh,
          rule: options.rule,
          noise_rate: noise_rate.value,
          is_given: noise_rate.how === 'given',
          able,
          noisy,
          l2s: plainL2s,
          exchange: exchange?.helps ?? false,
          options,
        })
      : undefined
  const dropped = evidence?.helps ? evidence.share : noise_rate.value
  const fits = standings
    ? [
        ...judged.fits,
        fitHeads(GIVEN, { layout: 'dense', columns: 1, length: 0, values: new Float32Array(0) }, folds, options),
      ]
    : judged.fits
  const reviewers = [...specs, GIVEN]
    .slice(0, fits.length)
    .map((spec, m) => ({ ...spec, fit: fits[m], calibration: fitCalibration(margins[m]) }))
  return {
    reviewers,
    ...(standings ? { standings } : {}),
    stack,
    joint,
    noise_rate,
    thresholds: thresholdsOf(stack, margins, dropped),
    stack_threshold: lowest(stacked, dropped),
    quantiles: quantilesOf(stacked),
    confident: confidentThreshold(stacked.map(margin => support(joint, margin))),
    mixture: fitMixture(stacked),
    self_test,
    able,
    tells,
    share_by: options.share_by,
    ...(evidence ? { evidence } : {}),
    ...correlate(reviewers, stack.sees, margins),
    ...(exchange ? { exchange } : {}),
    rows: folds.length,
  }
}

const GIVEN = { name: 'standings', from: 'given' as const }

/** Where a pair stands on the way from easy (0) to hard (1): the share of the sample whose margin is higher. */
export function curriculumRank({ quantiles }: Panel, margin: number): number {
  const count = quantiles.length
  return count > 0 ? 1 - countBefore(count, i => quantiles[i] <= margin) / count : 0.5
}

function quantilesOf(margins: Float64Array): Float64Array {
  const sorted = margins.slice().sort(),
    count = Math.min(QUANTILES, sorted.length)
  return Float64Array.from({ length: count }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / count)])
}

/**
 * P(the label is right) of stack margins: the posterior where the noise rate is identified, else P(a fresh label of the
 * same source would agree).
 */
export const probabilityOf = ({ joint, noise_rate }: Panel, margin: number): number =>
  noise_rate.how === 'fitted' ? posterior(joint, margin) : support(joint, margin)

const corrected = (found: Estimate, eta: Estimate): Estimate => {
  const at = (value: number, e: number) => Math.min(1, Math.max(0, (value - e) / (1 - 2 * e)))
  return {
    value: at(found.value, eta.value),
    low: at(found.low, eta.low),
    high: at(found.high, Math.min(eta.high, 0.495)),
  }
}

/** The two reviewers that see whose ranks agree most. */
function correlate(
  reviewers: readonly Reviewer[],
  sees: readonly boolean[],
  margins: readonly Float64Array[],
): Pick<Panel, 'correlation'> {
  let best: Panel['correlation']
  for (let a = 0; a < reviewers.length; a++) {
    for (let b = a + 1; b < reviewers.length; b++) {
      if (!sees[a] || !sees[b]) continue
      const correlation = spearman(margins[a], margins[b])
      if (best === undefined || correlation > best.correlation) {
        best = { first: reviewers[a].name, second: reviewers[b].name, correlation, near_copy: correlation > 0.95 }
      }
    }
  }
  return best ? { correlation: best } : {}
}

/**
 * `looks` are other looks at the same quantity, with other chances in them; each interval is honest about some only, so
 * the answer covers them all.
 */
function coverAll(joint: Calibration, looks: readonly [Estimate, Estimate]): Estimate {
  const all = [joint.eta, ...looks]
  return {
    value: (joint.eta.value + looks[0].value) / 2,
    low: Math.min(...all.map(({ low }) => low)),
    high: Math.max(...all.map(({ high }) => high)),
  }
}

function noiseRate(
  joint: Calibration,
  eta: Estimate,
  stacked: Float64Array,
  given: number | undefined,
): Panel['noise_rate'] {
  if (given !== undefined) return { value: given, low: given, high: given, how: 'given' }
  if (joint.identified && eta.high - eta.low <= MAX_ETA_WIDTH) return { ...eta, how: 'fitted' }
  return { ...flaggedShare(joint, stacked), how: 'confident' }
}

/** The share that confident learning flags. */
function flaggedShare(joint: Calibration, stacked: Float64Array): Estimate {
  const flags = flagConfident(stacked.map(margin => support(joint, margin)))
  return share(
    flags.reduce((n, flag) => n + flag, 0),
    flags.length,
  )
}

const likelyNoise = (joint: Calibration, stacked: Float64Array, given: number | undefined) =>
  given ?? (joint.identified ? joint.eta.value : flaggedShare(joint, stacked).value)

// 97.5 % point of Student's t with 4 degrees of freedom: five folds
const T4_95 = 2.776

/** Delete-a-fold jackknife of eta: folds are whole prompts, so rows of one prompt do not count as independent here. */
function spreadOverFolds(stacked: Float64Array, folds: Uint8Array, count: number, value: number): Estimate {
  const etas: number[] = []
  for (let fold = 0; fold < count; fold++) {
    const others = stacked.filter((_, i) => folds[i] !== fold)
    if (others.length > 0 && others.length < stacked.length) etas.push(fitNoiseRate(others))
  }
  const mean = etas.reduce((sum, eta) => sum + eta, 0) / etas.length
  const error =
    T4_95 * Math.sqrt(((etas.length - 1) / etas.length) * etas.reduce((sum, eta) => sum + (eta - mean) ** 2, 0))
  return etas.length < 2
    ? { value, low: 0, high: 0.5 }
    : { value, low: Math.max(0, value - error), high: Math.min(0.5, value + error) }
}

/**
 * Swaps the sides of a random share of the sample in secret, trains every reviewer afresh with its own regularisation,
 * weighs them afresh, and looks for the flips by the rule. The labels' own noise counts as clean here and a planted
 * flip of a wrong label makes it right, so the figures are lower than those against the truth.
 */
function plant(
  question: Question,
  l2s: readonly number[],
  rate: number,
  exchange: boolean,
  options: PanelOptions,
): { test: Pick<SelfTest, 'rows' | 'planted' | 'precision' | 'recall'>; auroc: number; noise: Estimate } {
  const n = question.folds.length,
    { flip_share } = options
  const order = shuffle(
    Uint32Array.from({ length: n }, (_, i) => i),
    new Random(combine32(options.seed, 0x706c616e)),
  )
  const planted = new Uint8Array(n),
    signs = new Int8Array(n).fill(1)
  for (const row of order.subarray(0, Math.round(n * flip_share))) {
    planted[row] = 1
    signs[row] = -1
  }
  const { margins, stack, stacked } = judge(question, { ...options, signs, l2s, exchange })
  // the flips come on top of the noise that is there
  const total = rate * (1 - flip_share) + (1 - rate) * flip_share
  const found = foundWrong(
    options.rule,
    stack,
    margins,
    stacked,
    thresholdsOf(stack, margins, total),
    lowest(stacked, total),
  )
  let flagged = 0,
    hits = 0,
    count = 0
  for (let i = 0; i < n; i++) {
    flagged += found[i]
    hits += found[i] & planted[i]
    count += planted[i]
  }
  const { eta } = fitCalibration(stacked)
  const without = (found: number) => Math.min(0.5, Math.max(0, (found - flip_share) / (1 - 2 * flip_share)))
  return {
    test: { rows: n, planted: count, precision: share(hits, flagged), recall: share(hits, count) },
    auroc: auroc(
      stacked.map(margin => -margin),
      planted,
    ).value,
    noise: { value: without(eta.value), low: without(eta.low), high: without(eta.high) },
  }
}
