/** How detect_noise and peer_review come to a panel of reviewers: a seeded sample of pairs becomes features, reviewers are cross-fitted on it, and all pairs are scored. */
import { Type } from '@sinclair/typebox'
import { hash32 } from '../../engine/arrow/hash.ts'
import { createFeaturiser } from '../../models/features.ts'
import { crossMargins } from '../../models/head.ts'
import { fitPanel, meanMargins, probabilityOf, type Panel, type Rule } from '../../models/panel.ts'
import { combine32, foldOf, hashString } from '../../models/random.ts'
import { concatRows, type Rows } from '../../models/rows.ts'
import { createPairText, type PairText } from '../../models/tokens.ts'
import type { Batch, Context, FitRound, StageReport } from '../define.ts'

const FOLDS = 5
const whole = { max_rows: 1 << 30, max_values: 1 << 30 }
/** Feature values that one partition may add to the sample, so that long texts cannot grow it without bound. */
const PARTITION_VALUES = 16e6

export const panelOptions = {
  reviewers: Type.Array(Type.Unsafe<'words' | 'style'>({ type: 'string', enum: ['words', 'style'] }), {
    minItems: 1, maxItems: 2, uniqueItems: true, default: ['words', 'style'], description: 'words: hashed words and pairs of words, what is said. style: length, punctuation, layout, kinds of words, how it is said.',
  }),
  sample_rows: Type.Integer({ minimum: 100, maximum: 200_000, default: 40_000, description: 'pairs that reviewers are trained on, a seeded sample; all pairs are scored' }),
  noise_rate: Type.Optional(Type.Number({ minimum: 0, exclusiveMaximum: 0.5, description: 'share of labels that are wrong, where it is known; estimated otherwise' })),
  min_auroc: Type.Number({ minimum: 0.5, maximum: 1, default: 0.6, description: 'nothing is dropped unless planted flips are found with an AUROC whose lower 95 % bound is above this' }),
}

export interface PanelStageOptions { reviewers: readonly string[], sample_rows: number, noise_rate?: number, min_auroc: number }

/** What a partition adds to the sample: feature rows by reviewer, and each row's fold. */
interface Partial { samples: Rows[], folds: Uint8Array }

class Reader {
  readonly #pair: PairText = createPairText()
  readonly #seed: number
  constructor(seed: number) { this.#seed = seed }

  /** Sets the texts of a row; returns them, the row's fold (the same for all rows of a prompt) and a hash of its content in [0, 1). */
  read(batch: Batch, row: number): { pair: PairText, fold: number, draw: number } {
    const prompt = batch.messages('prompt'), chosen = batch.messages('chosen'), rejected = batch.messages('rejected')
    const promptHash = hash32(prompt.bytes, prompt.start(row), prompt.end(row), 0)
    this.#pair.prompt.read(prompt.bytes, prompt.start(row), prompt.end(row))
    this.#pair.chosen.read(chosen.bytes, chosen.start(row), chosen.end(row))
    this.#pair.rejected.read(rejected.bytes, rejected.start(row), rejected.end(row))
    const content = combine32(hash32(chosen.bytes, chosen.start(row), chosen.end(row), promptHash), hash32(rejected.bytes, rejected.start(row), rejected.end(row), promptHash))
    return { pair: this.#pair, fold: foldOf(promptHash, FOLDS, this.#seed), draw: combine32(content, this.#seed ^ 0x5a11) / 2 ** 32 }
  }
}

/** The seed of a use of a stage. */
export const seedOf = (context: Context): number => combine32(context.seed, hashString(context.id))

/** The fit round of a panel stage; `ruleOf` gives the rule that the self-test is held to. */
export const panelRound = <O extends PanelStageOptions>(ruleOf: (options: O) => Rule): FitRound<O> => ({
  collect(options: O, context: Context) {
    const rate = options.sample_rows / Math.max(1, context.expectedRows)
    const featurisers = options.reviewers.map(kind => createFeaturiser(kind, { max_rows: whole.max_rows, max_values: PARTITION_VALUES }))
    const folds: number[] = [], reader = new Reader(seedOf(context))
    return {
      batch(batch: Batch) {
        for (let row = 0; row < batch.rows; row++) {
          const { pair, fold, draw } = reader.read(batch, row)
          if (draw >= rate) continue
          // when one is full all stop, so that rows of all reviewers stay side by side
          if (!featurisers.every(featuriser => featuriser.append(pair))) continue
          folds.push(fold)
        }
      },
      partial: (): Partial => ({ samples: featurisers.map(featuriser => concatRows([featuriser.view()])), folds: Uint8Array.from(folds) }),
    }
  },
  merge(options: O, context: Context, partials: Iterable<unknown>): Panel {
    const parts = [...partials as Iterable<Partial>]
    const empty = options.reviewers.map(kind => concatRows([createFeaturiser(kind, { max_rows: 0, max_values: 0 }).view()]))
    const samples = options.reviewers.map((_, m) => concatRows([empty[m], ...parts.map(part => part.samples[m])]))
    const folds = new Uint8Array(parts.reduce((n, part) => n + part.folds.length, 0))
    let at = 0
    for (const part of parts) { folds.set(part.folds, at); at += part.folds.length }
    return fitPanel(options.reviewers, samples, folds, { rule: ruleOf(options), noise_rate: options.noise_rate, min_auroc: options.min_auroc, flip_share: 0.1, folds: FOLDS, seed: seedOf(context) })
  },
})

/** Scores a batch: each reviewer's out-of-fold margins, their mean, and P(the label is right). */
export function panelScorer(panel: Panel, context: Context): (batch: Batch) => { margins: Float64Array[], mean: Float64Array, probability: Float64Array } {
  const reader = new Reader(seedOf(context))
  const featurisers = panel.reviewers.map(({ kind }) => createFeaturiser(kind, whole))
  return batch => {
    const folds = new Uint8Array(batch.rows)
    for (let row = 0; row < batch.rows; row++) {
      const { pair, fold } = reader.read(batch, row)
      folds[row] = fold
      for (const featuriser of featurisers) featuriser.append(pair)
    }
    const margins = panel.reviewers.map(({ fit }, m) => crossMargins(fit, featurisers[m].view(), folds))
    for (const featuriser of featurisers) featuriser.clear()
    const mean = meanMargins(panel.reviewers, margins)
    return { margins, mean, probability: mean.map(margin => probabilityOf(panel, margin)) }
  }
}

const percent = (value: number) => `${(100 * value).toFixed(0)} %`

/** What a panel says of its own power, for the summary. `acts`: whether the stage would drop rows at all. */
export function panelReport(panel: Panel, acts: boolean): StageReport {
  const { self_test: test, noise_rate: noise, able, joint } = panel
  const interval = (e: { value: number, low: number, high: number }, digits = 2) => `${e.value.toFixed(digits)} [${e.low.toFixed(digits)}, ${e.high.toFixed(digits)}]`
  const lines = [
    `reviewers ${panel.reviewers.map(({ kind }) => kind).join(' and ')}, trained on ${panel.rows.toLocaleString('en-US')} pairs; of ${test.planted} labels flipped in secret ${percent(test.recall.value)} were found (AUROC ${interval(test.auroc)}, precision ${percent(test.precision.value)})`,
    noise.how === 'given' ? `noise rate ${percent(noise.value)}, as given` : noise.how === 'fitted' ? `estimated share of wrong labels ${interval(noise)}`
      : `the share of wrong labels cannot be told apart from the reviewers' weakness; confident learning flags ${percent(noise.value)}, and probabilities say how likely another label would agree`,
  ]
  if (panel.correlation?.near_copy) lines.push(`the two reviewers rank pairs alike (correlation ${panel.correlation.correlation.toFixed(2)}): their agreement is not evidence`)
  if (!able) lines.push(`the reviewers cannot tell right labels from wrong ones well enough here (lower bound ${test.auroc.low.toFixed(2)}), so nothing ${acts ? 'was' : 'would be'} dropped for noise`)
  return {
    lines,
    numbers: {
      rows: panel.rows, able, noise_rate: noise, self_test: test, calibration: { ...joint }, ...(panel.correlation ? { correlation: panel.correlation } : {}),
      reviewers: panel.reviewers.map(({ kind, fit, calibration }) => ({ kind, l2: fit.l2, tried: fit.tried, temperature: calibration.plain_temperature })),
    },
  }
}
