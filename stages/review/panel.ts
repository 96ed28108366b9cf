/**
 * How detect_noise and peer_review come to a panel of reviewers: a seeded sample of pairs becomes features, reviewers
 * are cross-fitted on it and weighed, and all pairs are scored.
 */
import { Type } from '@sinclair/typebox'
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { hash32 } from '../../engine/arrow/hash.ts'
import { crossMargins } from '../../models/head.ts'
import { fitNeighbours, neighbourProbability, type Neighbours } from '../../models/neighbours.ts'
import { fitPanel, probabilityOf, type Panel } from '../../models/panel.ts'
import { type Rule } from '../../models/rule.ts'
import { combine32, foldOf, hashString } from '../../models/random.ts'
import { concatRows, takeRows, type Rows } from '../../models/rows.ts'
import { stackMargins } from '../../models/stack.ts'
import { standingMargins, tournament } from '../../models/standings.ts'
import { createPairText, type PairText, type TextSide } from '../../models/tokens.ts'
import { choice, type Batch, type Context, type Round } from '../../engine/contract/define.ts'
import { hashBeside } from '../further_fields.ts'
import { answersOf, ComparisonBuilder, joinComparisons, type PromptComparisons } from './comparisons.ts'
import { columnsRead, createInputs, ofTexts, rowsOf, type Input, type ReviewInputOptions } from './inputs.ts'

const FOLDS = 5
const whole = { max_rows: 1 << 30, max_values: 1 << 30 }
/**
 * Feature values (8 bytes each at most) of one reviewer: those that a partition may add to the sample, and those of the
 * sample. Long texts cannot grow it without bound.
 */
const PARTITION_VALUES = 16e6
const SAMPLE_VALUES = 48e6

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
    description: 'pairs that reviewers are trained on, a seeded sample; all pairs are scored',
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

export interface PanelStageOptions extends ReviewInputOptions {
  sample_rows: number
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

/**
 * What a partition adds to the sample: rows by input, each row's fold and the hashes of its prompt and answers; and all
 * comparisons there are, for standings.
 */
interface Partial {
  samples: Rows[]
  folds: Uint8Array
  prompts: Uint32Array
  chosen: Uint32Array
  rejected: Uint32Array
  comparisons: PromptComparisons
}

/** Reads the pairs of one batch after another. */
class Reader {
  readonly #pair: PairText = createPairText()
  readonly #seed: number
  #prompt?: MessagesColumn
  #chosen?: MessagesColumn
  #rejected?: MessagesColumn
  #beside?: ReturnType<typeof hashBeside>
  readonly #about = new Uint32Array(2)
  promptHash = 0
  chosenHash = 0
  rejectedHash = 0
  constructor(seed: number) {
    this.#seed = seed
  }

  open(batch: Batch): void {
    this.#prompt = batch.messages('prompt')
    this.#chosen = batch.messages('chosen')
    this.#rejected = batch.messages('rejected')
    this.#beside = hashBeside(batch, 'prompt')
  }

  /** The row's fold, the same for all rows of a prompt. Sets the hashes of the prompt and of the two answers to it. */
  fold(row: number): number {
    this.promptHash = hashOf(this.#prompt!, row, 0)
    // answers about two pictures are not compared, though the prompts read alike
    const about = this.#about.fill(0)
    this.#beside!(row, about)
    this.chosenHash = hashOf(this.#chosen!, row, this.promptHash ^ about[0])
    this.rejectedHash = hashOf(this.#rejected!, row, this.promptHash ^ about[0])
    return foldOf(this.promptHash, FOLDS, this.#seed)
  }

  /** A hash of the content of the row that `fold` was asked about, in [0, 1). */
  draw(): number {
    return combine32(combine32(this.chosenHash, this.rejectedHash), this.#seed ^ 0x5a11) / 2 ** 32
  }

  texts(row: number): PairText {
    readSide(this.#pair.prompt, this.#prompt!, row)
    readSide(this.#pair.chosen, this.#chosen!, row)
    readSide(this.#pair.rejected, this.#rejected!, row)
    return this.#pair
  }
}

const hashOf = ({ bytes, start, end }: MessagesColumn, row: number, seed: number) =>
  hash32(bytes, start(row), end(row), seed)
const readSide = (side: TextSide, { bytes, start, end }: MessagesColumn, row: number) =>
  side.read(bytes, start(row), end(row))

/** The seed of a use of a stage. */
export const seedOf = (context: Context): number => combine32(context.seed, hashString(context.id))

/**
 * Inputs of the reviewers, and of the fresh head that dropping is tried on: it reads words, so there is one more where
 * no reviewer does.
 */
function sampleInputs(options: ReviewInputOptions, stage: string): Input[] {
  const capacity = { max_rows: whole.max_rows, max_values: PARTITION_VALUES }
  const inputs = createInputs(options, stage, capacity)
  return options.reviewers.includes('words') ? inputs : [...inputs, ofTexts('words', capacity)]
}

/** The fit round of a panel stage; `ruleOf` gives the rule that the self-test is held to. */
export const panelRound = (
  options: PanelStageOptions,
  stage: string,
  rule: Rule,
): Round<Partial, FittedPanel, undefined> => ({
  collect(context) {
    const rate = options.sample_rows / Math.max(1, context.expectedRows)
    const inputs = sampleInputs(options, stage)
    const folds: number[] = [],
      prompts: number[] = [],
      chosen: number[] = [],
      rejected: number[] = [],
      reader = new Reader(seedOf(context))
    const comparisons = new ComparisonBuilder(),
      isCompared = options.reviewers.includes('standings')
    let full = false
    return {
      batch(batch: Batch) {
        reader.open(batch)
        for (const input of inputs) input.open(batch)
        for (let row = 0; row < batch.rows; row++) {
          const fold = reader.fold(row)
          if (isCompared) comparisons.add(reader.promptHash, reader.chosenHash, reader.rejectedHash)
          if (full || reader.draw() >= rate) continue
          const pair = reader.texts(row)
          for (const input of inputs) full = !input.append(row, pair) || full
          if (!full) {
            folds.push(fold)
            prompts.push(reader.promptHash)
            chosen.push(reader.chosenHash)
            rejected.push(reader.rejectedHash)
          }
        }
      },
      // when one is full all stop; the row that filled it is in some and not in others
      part: (): Partial => ({
        samples: inputs.map(input => firstRows(input.view(), folds.length)),
        folds: Uint8Array.from(folds),
        prompts: Uint32Array.from(prompts),
        chosen: Uint32Array.from(chosen),
        rejected: Uint32Array.from(rejected),
        comparisons: comparisons.take(),
      }),
    }
  },
  merge(partials, context) {
    const parts = gather(partials)
    const inputs = sampleInputs(options, stage),
      { reviewers } = options
    const samples = inputs.map((input, m) => {
      // a partition without a vector does not know how long they are
      const widest = Math.max(input.view().columns, ...parts.map(part => part.samples[m].columns))
      const some = parts
        .map(part => part.samples[m])
        .map(rows => (rows.columns === widest ? rows : padded(rows, widest)))
      return some.length > 0 ? concatRows(some) : concatRows([input.view()])
    })
    const folds = Uint8Array.from(parts.flatMap(part => [...part.folds]))
    const specs = createInputs(options, stage, { max_rows: 0, max_values: 0 }).map(({ spec }) => spec)
    const words = reviewers.filter(name => name !== 'standings').indexOf('words'),
      fresh = samples[words < 0 ? specs.length : words]
    const compared = reviewers.includes('standings')
      ? {
          graph: tournament(joinComparisons(parts.map(part => part.comparisons))),
          rows: {
            chosen: Uint32Array.from(parts.flatMap(part => [...part.chosen])),
            rejected: Uint32Array.from(parts.flatMap(part => [...part.rejected])),
          },
        }
      : undefined
    const panel = fitPanel(
      {
        specs,
        samples: samples.slice(0, specs.length),
        folds,
        prompts: Uint32Array.from(parts.flatMap(part => [...part.prompts])),
        ...(compared ? { compared } : {}),
      },
      fresh,
      // where nothing is done about it, whether dropping would help need not be tried
      {
        rule: rule,
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
})

const firstRows = (rows: Rows, count: number): Rows =>
  rows.length === count
    ? concatRows([rows])
    : takeRows(
        rows,
        Uint32Array.from({ length: count }, (_, i) => i),
      )
const padded = (rows: Rows, columns: number): Rows => {
  if (rows.layout !== 'dense' || rows.columns !== 0) {
    throw new Error(
      `models: vectors of ${rows.columns} and of ${columns} numbers in one column; all must be equally long`,
    )
  }
  return { layout: 'dense', columns, length: rows.length, values: new Float32Array(rows.length * columns) }
}

/** All partials in memory; whenever one reviewer's rows grow beyond `SAMPLE_VALUES`, every second row of all goes. */
function gather(partials: Iterable<Partial>): Partial[] {
  let parts: Partial[] = [],
    every = 1
  for (const part of partials) {
    parts.push(thinned(part, every))
    while (
      part.samples.some((_, m) => parts.reduce((n, { samples }) => n + samples[m].values.length, 0) > SAMPLE_VALUES) &&
      parts.some(({ folds }) => folds.length > 1)
    ) {
      every *= 2
      parts = parts.map(some => thinned(some, 2))
    }
  }
  return parts
}

function thinned(part: Partial, every: number): Partial {
  if (every === 1) return part
  const { samples, folds, prompts, chosen, rejected, comparisons } = part
  const picked = Uint32Array.from({ length: Math.ceil(folds.length / every) }, (_, i) => i * every)
  return {
    samples: samples.map(sample => takeRows(sample, picked)),
    folds: Uint8Array.from(picked, row => folds[row]),
    prompts: picked.map(row => prompts[row]),
    chosen: picked.map(row => chosen[row]),
    rejected: picked.map(row => rejected[row]),
    comparisons,
  }
}

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
