/**
 * How detect_noise and peer_review come to a panel of reviewers: a seeded sample of pairs becomes features, reviewers
 * are cross-fitted on it and weighed, and all pairs are scored.
 */
import { Type } from '@sinclair/typebox'
import { crossMargins } from '../../models/head.ts'
import { fitNeighbours, neighbourProbability, type Neighbours } from '../../models/neighbours.ts'
import { fitPanel, probabilityOf, type Panel } from '../../models/panel.ts'
import { type Rule } from '../../models/rule.ts'
import { concatRows } from '../../models/rows.ts'
import { stackMargins } from '../../models/stack.ts'
import { standingMargins, tournament } from '../../models/standings.ts'
import { choice, type Batch, type Context, type Round } from '../../engine/contract/define.ts'
import { answersOf } from './comparisons.ts'
import { columnsRead, createInputs, ofText, rowsOf, type ReviewInputOptions } from './inputs.ts'
import {
  aboutRows,
  FOLDS,
  gather,
  limitRound,
  Reader,
  sampler,
  seedOf,
  type Limit,
  type Part,
  type SampleOptions,
} from './sample.ts'

const whole = { max_rows: 1 << 30, max_values: 1 << 30 }
const column = (description: string) => Type.String({ minLength: 1, description })

export const panelOptions = {
  reviewers: Type.Array(
    Type.Unsafe<'words' | 'style' | 'chars' | 'standings'>({
      type: 'string',
      enum: ['words', 'style', 'chars', 'standings'],
    }),
    {
      maxItems: 4,
      uniqueItems: true,
      default: ['words', 'style', 'standings'],
      description:
        'reviewers that are trained here, on texts. words: hashed words and pairs of words, what is said. style: length, punctuation, layout, kinds of words, how it is said. chars: hashed runs of 3 to 5 characters, for spelling, notation and languages without spaces; several times slower. standings: how the two answers fared against other answers to their prompt, in all pairs but this one; it says nothing of answers that occur in one pair only.',
    },
  ),
  score_columns: Type.Array(
    Type.Object(
      {
        name: Type.String({ pattern: '^[a-z][a-z0-9_]*$', description: 'the reviewer’s name' }),
        chosen: column('column of the chosen side’s scores'),
        rejected: column('column of the rejected side’s scores'),
      },
      { additionalProperties: false },
    ),
    {
      default: [],
      description:
        'reviewers that the data carries: for each a name, the numeric column of the chosen side’s scores and that of the rejected side’s (of a reward model, say, that was not trained on these labels). Higher is better; a missing score says nothing.',
    },
  ),
  embedding_columns: Type.Optional(
    Type.Object(
      {
        chosen: column('column of the chosen side’s vectors'),
        rejected: column('column of the rejected side’s vectors'),
      },
      {
        additionalProperties: false,
        description:
          'a reviewer that is trained here on vectors that the data carries, lists of float32 or float64, one for each side',
      },
    ),
  ),
  sample_rows: Type.Integer({
    minimum: 100,
    maximum: 200_000,
    default: 40_000,
    description:
      'pairs that reviewers are trained on, those with the smallest hashes of their content; all pairs are scored',
  }),
  noise_rate: Type.Optional(
    Type.Number({
      minimum: 0,
      exclusiveMaximum: 0.5,
      description: 'share of labels that are wrong, where it is known; estimated otherwise',
    }),
  ),
  share_by: choice(['evidence', 'noise_rate'], {
    default: 'evidence',
    description:
      'what decides the share to drop. evidence: what makes a fresh head judge held-out labels better, nothing if that is none; noise_rate: as many as are taken to be wrong, without a trial, to send doubtful pairs to people, say',
  }),
  min_auroc: Type.Number({
    minimum: 0.53,
    maximum: 1,
    default: 0.6,
    description:
      'the reviewers are able if flipped labels are told from the others with an AUROC whose lower 95 % bound is above this (corrected for the noise that is surely there). Able ones may drop what is likely to help; others only what helps a fresh head beyond chance, and nothing by share_by: noise_rate. At 0.53 or less nothing is dropped at all',
  }),
}

export interface PanelStageOptions extends SampleOptions {
  noise_rate?: number
  share_by: 'evidence' | 'noise_rate'
  min_auroc: number
  action: 'annotate' | 'drop' | 'weight' | 'flip'
  neighbours?: boolean
}

/**
 * What is fitted: the panel, and where it was asked for the pairs to look for neighbours among, by the rows of reviewer
 * `of`.
 */
export interface FittedPanel extends Panel {
  neighbours?: { of: number; among: Neighbours }
}

/** Columns that a panel stage reads. */
export const panelReads = (options: ReviewInputOptions) => ({
  prompt: 'messages' as const,
  chosen: 'messages' as const,
  rejected: 'messages' as const,
  ...columnsRead(options),
})

/** The fit rounds of a panel stage: what is sampled, then the panel, whose self-test is held to `rule`. */
export const panelRounds = (
  options: PanelStageOptions,
  stage: string,
  rule: Rule,
): readonly [ReturnType<typeof limitRound>, Round<Part, FittedPanel, Limit>] => [
  limitRound(options),
  {
    collect: context => sampler(options, stage, context),
    merge(parts, context) {
      const sample = gather(options, stage, context.state, parts),
        { samples } = sample,
        folds = Uint8Array.from(aboutRows(sample, 'fold'))
      const specs = createInputs(options, stage, { max_rows: 0, max_values: 0 }).map(({ spec }) => spec)
      const words = ofText(options).indexOf('words'),
        fresh = samples[words < 0 ? specs.length : words]
      const compared = options.reviewers.includes('standings')
        ? {
            graph: tournament(sample.comparisons),
            rows: { chosen: aboutRows(sample, 'chosen'), rejected: aboutRows(sample, 'rejected') },
          }
        : undefined
      const panel = fitPanel(
        {
          specs,
          samples: samples.slice(0, specs.length),
          folds,
          prompts: aboutRows(sample, 'prompt'),
          ...(compared ? { compared } : {}),
        },
        fresh,
        // where nothing is done about it, whether dropping would help need not be tried
        {
          rule,
          noise_rate: options.noise_rate,
          min_auroc: options.min_auroc,
          share_by: options.action === 'drop' || options.action === 'flip' ? options.share_by : 'noise_rate',
          flip_share: 0.1,
          folds: FOLDS,
          seed: seedOf(context),
        },
      )
      // style tells alike from unlike better than words do
      const of = ['embeddings', 'style', 'words', 'chars']
        .map(name => specs.findIndex(spec => spec.name === name))
        .find(m => m >= 0)
      return options.neighbours && of !== undefined
        ? { ...panel, neighbours: { of, among: fitNeighbours(samples[of], folds) } }
        : panel
    },
  },
]

/**
 * Of each row of a batch: the reviewers' out-of-fold margins (of a missing score 0, `shown` NaN), the stack's, P(the
 * label is right), and the same by neighbours where they were asked for.
 */
export interface Scores {
  margins: Float64Array[]
  shown: Float64Array[]
  stacked: Float64Array
  probability: Float64Array
  neighbours?: Float64Array
}

/** Scores one batch after another. */
export function panelScorer(
  panel: FittedPanel,
  options: ReviewInputOptions,
  stage: string,
  context: Context,
): (batch: Batch) => Scores {
  const reader = new Reader(seedOf(context))
  const inputs = createInputs(
    options,
    stage,
    whole,
    panel.reviewers.find(({ name }) => name === 'embeddings')?.fit.columns,
  )
  const answers = answersOf()
  return batch => {
    const folds = new Uint8Array(batch.rows),
      known = rowsOf(batch),
      fresh = inputs.filter(({ spec, isOfTexts }) => !(isOfTexts && known.has(spec.name)))
    reader.open(batch)
    for (const input of fresh) input.open(batch)
    for (let row = 0; row < batch.rows; row++) {
      folds[row] = reader.fold(row)
      answers.add(reader.chosenHash, reader.rejectedHash)
      if (fresh.length === 0) continue
      const pair = reader.texts(row)
      for (const input of fresh) input.append(row, pair)
    }
    for (const { spec, isOfTexts, view } of fresh) if (isOfTexts) known.set(spec.name, concatRows([view()]))
    const rows = inputs.map(({ spec, isOfTexts, view }) => (isOfTexts ? known.get(spec.name)! : view()))
    const margins = rows.map((some, m) => crossMargins(panel.reviewers[m].fit, some, folds))
    const near = panel.neighbours && rows[panel.neighbours.of]
    const neighbours =
      near && Float64Array.from(folds, (fold, row) => neighbourProbability(panel.neighbours!.among, near, row, fold))
    for (const input of fresh) input.clear()
    const compared = answers.take()
    if (panel.standings) margins.push(standingMargins(panel.standings, compared))
    const shown = margins.map((some, m) => {
      const { name } = panel.reviewers[m],
        scores = options.score_columns.find(score => score.name === name)
      if (name === 'standings') return some.map(margin => (margin === 0 ? NaN : margin))
      if (scores === undefined) return some
      const ours = batch.numbers(scores.chosen).values,
        theirs = batch.numbers(scores.rejected).values
      return some.map((_, row) => ours[row] - theirs[row])
    })
    const stacked = stackMargins(panel.stack, margins, folds)
    return {
      margins,
      shown,
      stacked,
      probability: stacked.map(margin => probabilityOf(panel, margin)),
      ...(neighbours ? { neighbours } : {}),
    }
  }
}
