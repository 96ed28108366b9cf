/**
 * How detect_noise and peer_review come to a panel of reviewers: a seeded sample of pairs becomes features, reviewers
 * are cross-fitted on it several times and weighed, and all pairs are scored.
 */
import { Type } from '@sinclair/typebox'
import { styleAgainst, wordsAgainst, worstParts } from '../../models/against.ts'
import { fitNeighbours, neighbourProbability, type Neighbours } from '../../models/neighbours.ts'
import { FOLDS, panelJudge, panelOf, type Panel, type PanelMargins } from '../../models/panel.ts'
import { foldOf } from '../../models/random.ts'
import { concatRows } from '../../models/rows.ts'
import { tournament } from '../../models/standings.ts'
import { choice, type Batch, type Context, type Round } from '../../engine/contract/define.ts'
import { answersOf } from './comparisons.ts'
import { columnsRead, createInputs, rowsOf, type ReviewInputOptions } from './inputs.ts'
import {
  aboutRows,
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
      description: 'share of labels that are wrong, where it is known; what the margins leave possible otherwise',
    }),
  ),
  share_by: choice(['probability', 'noise_rate'], {
    default: 'probability',
    description:
      'what is found wrong. probability: labels that are more likely wrong than right; noise_rate: the lowest margins, as many as labels are taken to be wrong, for a queue of a fixed size',
  }),
  min_auroc: Type.Number({
    minimum: 0.53,
    maximum: 1,
    default: 0.6,
    description:
      'nothing is dropped unless a label that is turned round is told from the others with an AUROC whose lower 95 % end is above this',
  }),
  exchange: Type.Boolean({
    default: false,
    description:
      'each reviewer that is trained learns a second time, every label counted by how far all others trust it (after the peer review of arXiv 2505.10597)',
  }),
}

/** The options of the reviewers that are not as usual; those that name columns aside, which change sides too. */
export const changedOptions = (options: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(panelOptions).flatMap(([name, schema]) =>
    /_columns$/.test(name) || JSON.stringify(options[name]) === JSON.stringify(schema.default) ? [] : [name],
  )

/** Old values of options. */
export const panelReplaces = [
  {
    option: 'share_by',
    value: 'evidence',
    by: 'share_by: probability, which drops labels that are more likely wrong than right, without a trial',
  },
]

export interface PanelStageOptions extends SampleOptions {
  noise_rate?: number
  share_by: 'probability' | 'noise_rate'
  min_auroc: number
  exchange: boolean
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

/** Of a pair: words and style of answers of some hundred words (`npm run bench` has what it takes). */
const SECONDS = 2e-3

/** The fit rounds of a panel stage: what is sampled, then the panel. */
export const panelRounds = (
  options: PanelStageOptions,
  stage: string,
): readonly [ReturnType<typeof limitRound>, Round<Part, FittedPanel, Limit>] => [
  limitRound(options),
  {
    collect: context => sampler(options, stage, context),
    seconds: rows => SECONDS * Math.min(rows, options.sample_rows) * (options.exchange ? 2 : 1),
    merge(parts, context) {
      const sample = gather(options, stage, context.state, parts),
        { samples } = sample,
        prompts = aboutRows(sample, 'prompt')
      const specs = createInputs(options, stage, { max_rows: 0, max_values: 0 }).map(({ spec }) => spec)
      const compared = options.reviewers.includes('standings')
        ? {
            graph: tournament(sample.comparisons),
            rows: { chosen: aboutRows(sample, 'chosen'), rejected: aboutRows(sample, 'rejected') },
          }
        : undefined
      const { panel } = panelOf(
        { specs, samples, prompts, ...(compared ? { compared } : {}) },
        { ...options, seed: seedOf(context), progress: context.progress },
      )
      // style tells alike from unlike better than words do
      const of = ['embeddings', 'style', 'words', 'chars']
        .map(name => specs.findIndex(spec => spec.name === name))
        .find(m => m >= 0)
      return options.neighbours && of !== undefined
        ? { ...panel, neighbours: { of, among: fitNeighbours(samples[of], foldsOf(panel, prompts)) } }
        : panel
    },
  },
]

/** Neighbours are of other prompts: they go by the folds of the first fit. */
const foldsOf = ({ fits }: Panel, prompts: Uint32Array): Uint8Array =>
  Uint8Array.from(prompts, prompt => foldOf(prompt, FOLDS, fits[0].seed))

/**
 * Of each row of a batch: the reviewers' mean margins, out of fold (of a missing score 0, `shown` NaN), the stack's,
 * and P(the label is right) by neighbours where they were asked for.
 */
export interface Scores extends PanelMargins {
  shown: Float64Array[]
  neighbours?: Float64Array
  /** What speaks most against a row's label, in words; of rows of this batch, until the next one. */
  against(row: number): string
}

/** Features that are named of a row: words, and measures of style. */
const WORDS = 6
const STYLES = 3

/** Scores one batch after another. */
export function panelScorer(
  panel: FittedPanel,
  options: ReviewInputOptions,
  stage: string,
  context: Context,
): (batch: Batch) => Scores {
  const reader = new Reader(seedOf(context)),
    judge = panelJudge(panel)
  const inputs = createInputs(
    options,
    stage,
    whole,
    panel.reviewers.find(({ name }) => name === 'embeddings')?.heads?.columns,
  )
  const answers = answersOf()
  return batch => {
    const prompts = new Uint32Array(batch.rows),
      known = rowsOf(batch),
      fresh = inputs.filter(({ spec, isOfTexts }) => !(isOfTexts && known.has(spec.name)))
    reader.open(batch)
    for (const input of fresh) input.open(batch)
    for (let row = 0; row < batch.rows; row++) {
      reader.read(row)
      prompts[row] = reader.promptHash
      answers.add(reader.chosenHash, reader.rejectedHash)
      if (fresh.length === 0) continue
      const pair = reader.texts(row)
      for (const input of fresh) input.append(row, pair)
    }
    for (const { spec, isOfTexts, view } of fresh) if (isOfTexts) known.set(spec.name, concatRows([view()]))
    const rows = inputs.map(({ spec, isOfTexts, view }) => (isOfTexts ? known.get(spec.name)! : view()))
    const { margins, stacked } = judge(rows, prompts, answers.take())
    const near = panel.neighbours && rows[panel.neighbours.of]
    const neighbours =
      near &&
      Float64Array.from(foldsOf(panel, prompts), (fold, row) =>
        neighbourProbability(panel.neighbours!.among, near, row, fold),
      )
    for (const input of fresh) input.clear()
    const shown = margins.map((some, m) => {
      const { name } = panel.reviewers[m],
        scores = options.score_columns.find(score => score.name === name)
      if (name === 'standings') return some.map(margin => (margin === 0 ? NaN : margin))
      if (scores === undefined) return some
      const ours = batch.numbers(scores.chosen).values,
        theirs = batch.numbers(scores.rejected).values
      return some.map((_, row) => ours[row] - theirs[row])
    })
    const chosen = batch.messages('chosen'),
      rejected = batch.messages('rejected')
    /** What a reviewer that speaks against the row goes by. */
    const said = (row: number) => (m: number) => {
      const { name, heads } = panel.reviewers[m],
        isWords = name === 'words'
      if (!heads || !(isWords || name === 'style')) return name
      const at = panel.fits.map(({ seed }) => foldOf(prompts[row], FOLDS, seed)),
        parts = worstParts(heads, rows[m], row, at, isWords ? WORDS : STYLES)
      const text = isWords
        ? wordsAgainst(parts, chosen.text(row), rejected.text(row), heads.columns)
        : styleAgainst(parts)
      return text === '' ? name : `${name}: ${text}`
    }
    const against = (row: number) =>
      [...panel.reviewers.keys()]
        .filter(m => panel.sees[m] && margins[m][row] < 0)
        .map(said(row))
        .join(' | ')
    return { margins, shown, stacked, against, ...(neighbours ? { neighbours } : {}) }
  }
}
