/** Reviewers that judge together: several cross-fits, their mean margins, and what may be dropped by these. */
import { confidentThreshold, fitCalibration, support, type Calibration } from './calibration.ts'
import { curveOf, decide, expectedOf, type Expected } from './decision.ts'
import type { CrossFit } from './head.ts'
import { headJudge, packHeads, type Heads } from './heads.ts'
import { judge, type Judgements, type Question, type Strengths } from './judge.ts'
import { spearman } from './metrics.ts'
import { fitMixture, type Mixture } from './mixture.ts'
import { tablesOf, type PanelTables } from './panel_tables.ts'
import { combine32, foldOf } from './random.ts'
import type { ReviewerSpec } from './reviewer.ts'
import type { Rows } from './rows.ts'
import { foundWrong, lowest, type Judges, type Rule } from './rule.ts'
import { countBefore } from './sorted.ts'
import { stackMargins } from './stack.ts'
import { standingMargins, type Comparisons, type Standings } from './standings.ts'

/** Cross-fits that differ in their seeds: what one fold decides by chance, five do not. */
export const FITS = 5
export const FOLDS = 5

/** What a panel is asked: folds are made here, of a hash of each row's prompt. */
export interface PanelQuestion extends Omit<Question, 'folds'> {
  readonly prompts: Uint32Array
}

export interface PanelOptions {
  readonly seed: number
  /** Share of the labels that are wrong, in [0, 0.5); absent: bounded by the margins. */
  readonly noise_rate?: number
  /** Nothing is dropped unless a label that is turned round is told from the others with an AUROC surely above this. */
  readonly min_auroc: number
  /** What is dropped. probability: labels that are more likely wrong than right; noise_rate: as many as are wrong. */
  readonly share_by: 'probability' | 'noise_rate'
  /** Each learned reviewer learns again from what the others trust. */
  readonly exchange: boolean
}

/** One of the reviewers. */
export interface PanelReviewer extends ReviewerSpec {
  /** The heads of all fits; standings have none. */
  heads?: Heads
  /** The first fit's regularisation, and what it was chosen from. */
  l2: number
  tried: CrossFit['tried']
  /** Of its mean margins. */
  calibration: Calibration
  /** Its weight in the stack of all rows, on average over the fits. */
  weight: number
}

/** Reviewers that judge together. A plain object: it survives structured clone. */
export interface Panel extends Judges {
  /** The learned and the given ones, then `standings` if asked for. */
  reviewers: PanelReviewer[]
  /** By fit: what decides its folds, and by fold the reviewers' weights. */
  fits: { seed: number; weights: Float64Array[] }[]
  /** By fit. */
  standings?: Standings[]
  /** Calibration of the stack's mean margin. */
  joint: Calibration
  /** By rule: what is to be expected of the rows of the sample that it drops. */
  expected: Record<Rule, Expected>
  /** Quantiles of the sample's stack margins, evenly spread, ascending. */
  quantiles: Float64Array
  /**
   * Confident learning flags a label if the chance of the opposite one, 1 - `support`, reaches this; NaN if nothing is
   * to be flagged.
   */
  confident: number
  /** Stack margins as two normal bells. */
  mixture: Mixture
  /** Of the two reviewers that see and are most alike. */
  correlation?: Alike
  exchange: boolean
  rows: number
  /** What people look at of its sample. */
  tables: PanelTables
}

/**
 * How alike two reviewers are: the rank correlation (Spearman) of their margins, above 0.95 one reviewer asked twice,
 * and Cohen's kappa of which labels they speak against.
 */
export interface Alike {
  first: string
  second: string
  correlation: number
  kappa: number
  near_copy: boolean
}

/** Mean margins of rows: by reviewer, and the stack's. Positive supports the label as given. */
export interface PanelMargins {
  margins: Float64Array[]
  stacked: Float64Array
}

const QUANTILES = 1000
/** A reviewer sees if its margins gain this much on a coin (nats, over all rows): one in twelve of the blind passes. */
const LEAST_GAIN = 1
/** What stops a head; for ranking rows a tighter one gives the same (docs/decisions.md). */
const TOLERANCE = 1e-3

/**
 * Fits every reviewer several times on the same sample, each time with other folds (by prompt), weighs them, and
 * decides by the mean of their margins. Beside the panel, these margins and by rule the rows that are found wrong.
 */
export function panelOf(
  { prompts, ...asked }: PanelQuestion,
  options: PanelOptions,
): PanelMargins & { panel: Panel; wrong: Record<Rule, Uint8Array> } {
  const seeds = Array.from({ length: FITS }, (_, k) => combine32(options.seed, 0x666f6c64 + k))
  const judged: Judgements[] = [],
    folds = seeds.map(seed => foldsOf(prompts, seed))
  let strengths: Strengths | undefined
  for (const [k, seed] of seeds.entries()) {
    judged.push(
      judge(
        { ...asked, folds: folds[k] },
        { folds: FOLDS, seed, tolerance: TOLERANCE, coarse: true, strengths, exchange: options.exchange },
      ),
    )
    ;({ strengths } = judged[0])
  }
  const margins = judged[0].margins.map((_, m) => meanOf(judged.map(each => each.margins[m]))),
    stacked = meanOf(judged.map(each => each.stacked)),
    joint = fitCalibration(stacked)
  const specs: ReviewerSpec[] = asked.compared ? [...asked.specs, STANDINGS] : [...asked.specs]
  const reviewers = specs.map((spec, m): PanelReviewer => {
    const fits = judged.map(each => each.fits.at(m)).filter(fit => fit !== undefined)
    return {
      ...spec,
      ...(fits.length > 0 ? { heads: packHeads(fits) } : {}),
      l2: fits.at(0)?.l2 ?? 0,
      tried: fits.at(0)?.tried ?? [],
      calibration: fitCalibration(margins[m]),
      weight: judged.reduce((sum, { stack }) => sum + stack.overall[m], 0) / FITS,
    }
  })
  const decision = decide(stacked, { ...options, prompts }, joint),
    rate = decision.noise.value
  const judges: Judges = {
    decision,
    sees: reviewers.map(({ calibration }) => calibration.plain_gain >= LEAST_GAIN),
    curves: reviewers.map(({ calibration }) => curveOf(calibration)),
    ...(options.share_by === 'noise_rate'
      ? { lowest: { stack: lowest(stacked, rate), reviewers: margins.map(some => lowest(some, rate)) } }
      : {}),
  }
  const wrong = foundWrong(judges, margins, stacked),
    expected = (rule: Rule) => expectedOf(decision, stacked, wrong[rule])
  const panel: Panel = {
    ...judges,
    reviewers,
    fits: judged.map(({ stack }, k) => ({ seed: seeds[k], weights: stack.weights })),
    ...(asked.compared ? { standings: judged.map(({ standings }) => standings!) } : {}),
    joint,
    expected: { stack: expected('stack'), both: expected('both'), either: expected('either') },
    quantiles: quantilesOf(stacked),
    confident: confidentThreshold(stacked.map(margin => support(joint, margin))),
    mixture: fitMixture(stacked),
    ...correlate(reviewers, judges.sees, margins),
    exchange: options.exchange,
    rows: prompts.length,
    tables: tablesOf(decision, margins, stacked, wrong, voicesOf(reviewers, judges.sees)),
  }
  return { panel, margins, stacked, wrong }
}

/** The reviewers that see, those with the most weight first. */
const voicesOf = (reviewers: readonly PanelReviewer[], sees: readonly boolean[]): number[] =>
  [...reviewers.keys()].filter(m => sees[m]).sort((a, b) => reviewers[b].weight - reviewers[a].weight || a - b)

const STANDINGS = { name: 'standings', from: 'given' as const }
const foldsOf = (prompts: Uint32Array, seed: number): Uint8Array =>
  Uint8Array.from(prompts, prompt => foldOf(prompt, FOLDS, seed))

/** Means by row, added in order. */
function meanOf(all: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(all[0].length)
  for (const some of all) for (let i = 0; i < out.length; i++) out[i] += some[i]
  return out.map(sum => sum / all.length)
}

/**
 * Judges any rows: `rows[m]` those of reviewer m, `prompts` as when the panel was fitted. Each row is judged by heads
 * that did not see its prompt, one of each fit.
 */
export function panelJudge(
  panel: Panel,
): (rows: readonly Rows[], prompts: Uint32Array, compared: Comparisons) => PanelMargins {
  const judges = panel.reviewers.flatMap(({ heads }) => (heads ? [headJudge(heads)] : []))
  return (rows, prompts, compared) => {
    const folds = panel.fits.map(({ seed }) => foldsOf(prompts, seed))
    const byFit = judges.map((judge, m) => judge(rows[m], folds))
    if (panel.standings) byFit.push(panel.standings.map(standings => standingMargins(standings, compared)))
    return {
      margins: byFit.map(meanOf),
      stacked: meanOf(
        panel.fits.map((stack, k) =>
          stackMargins(
            stack,
            byFit.map(some => some[k]),
            folds[k],
          ),
        ),
      ),
    }
  }
}

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

/** The two reviewers that see whose ranks agree most. */
function correlate(
  reviewers: readonly ReviewerSpec[],
  sees: readonly boolean[],
  margins: readonly Float64Array[],
): Pick<Panel, 'correlation'> {
  let best: Alike | undefined
  for (let a = 0; a < reviewers.length; a++) {
    for (let b = a + 1; b < reviewers.length; b++) {
      if (!sees[a] || !sees[b]) continue
      const correlation = spearman(margins[a], margins[b])
      if (best !== undefined && correlation <= best.correlation) continue
      best = {
        first: reviewers[a].name,
        second: reviewers[b].name,
        correlation,
        kappa: kappaOf(margins[a], margins[b]),
        near_copy: correlation > 0.95,
      }
    }
  }
  return best ? { correlation: best } : {}
}

/** Cohen's kappa of which labels two reviewers speak against, over the rows on which both have a say; else 0. */
function kappaOf(a: Float64Array, b: Float64Array): number {
  let n = 0,
    same = 0,
    first = 0,
    second = 0
  for (let i = 0; i < a.length; i++) {
    if (a[i] === 0 || b[i] === 0) continue
    n++
    same += Number(a[i] < 0 === b[i] < 0)
    first += Number(a[i] < 0)
    second += Number(b[i] < 0)
  }
  const chance = (first * second + (n - first) * (n - second)) / (n * n)
  return chance < 1 ? (same / n - chance) / (1 - chance) : 0
}
