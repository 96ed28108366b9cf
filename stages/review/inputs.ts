/** Where reviewers get their rows from: the texts, score columns, or vectors that the data carries. */
import type { Data } from 'apache-arrow'
import type { NumberColumn } from '../../engine/arrow/columns.ts'
import { createFeaturiser } from '../../models/features.ts'
import type { ReviewerSpec } from '../../models/reviewer.ts'
import { DenseBuilder, type Capacity, type Rows } from '../../models/rows.ts'
import type { PairText } from '../../models/tokens.ts'
import type { Batch, ReadType } from '../../engine/contract/define.ts'

export interface ScoreColumns {
  readonly name: string
  readonly chosen: string
  readonly rejected: string
}
export interface ReviewInputOptions {
  readonly reviewers: readonly string[]
  readonly score_columns: readonly ScoreColumns[]
  readonly embedding_columns?: { readonly chosen: string; readonly rejected: string }
}

/**
 * Rows of one reviewer, in the making. `open` a batch, then `append` rows of it; `pair` holds that row's texts. False,
 * with nothing stored, when full.
 */
export interface Input {
  readonly spec: ReviewerSpec
  /** Its rows follow from the texts alone. */
  readonly isOfTexts: boolean
  open(batch: Batch): void
  append(row: number, pair: PairText): boolean
  view(): Rows
  clear(): void
}

/** Columns that the options name, with their types. */
export const columnsRead = ({ score_columns, embedding_columns }: ReviewInputOptions): Record<string, ReadType> =>
  Object.fromEntries([
    ...score_columns.flatMap(({ chosen, rejected }) => [
      [chosen, 'number'],
      [rejected, 'number'],
    ]),
    ...(embedding_columns
      ? [
          [embedding_columns.chosen, 'vector'],
          [embedding_columns.rejected, 'vector'],
        ]
      : []),
  ]) as Record<string, ReadType>

export const ofText = ({ reviewers }: ReviewInputOptions) => reviewers.filter(name => name !== 'standings')

/** The reviewers' names, in order: those that have rows, and the standings, which have none. */
export const namesOf = (options: ReviewInputOptions): string[] => [
  ...ofText(options),
  ...options.score_columns.map(({ name }) => name),
  ...(options.embedding_columns ? ['embeddings'] : []),
  ...options.reviewers.filter(name => name === 'standings'),
]

/**
 * An input for every reviewer that has rows, in the order of `namesOf`. Throws when two have one name, or when there is
 * none. `width`: how long vectors are, where that is known; the first that is seen decides otherwise.
 */
export function createInputs(options: ReviewInputOptions, stage: string, capacity: Capacity, width?: number): Input[] {
  const names = namesOf(options)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new Error(`${stage}: two reviewers are named '${twice}'; give score_columns names of their own`)
  }
  if (names.length === 0) {
    throw new Error(`${stage}: there is no reviewer; name some in reviewers, score_columns or embedding_columns`)
  }
  return [
    ...ofText(options).map(kind => ofTexts(kind, capacity)),
    ...options.score_columns.map(columns => ofScores(columns, capacity)),
    ...(options.embedding_columns ? [ofVectors(options.embedding_columns, capacity, width)] : []),
  ]
}

export function ofTexts(kind: string, capacity: Capacity): Input {
  const featuriser = createFeaturiser(kind, capacity)
  return {
    spec: { name: kind, from: 'learned' },
    isOfTexts: true,
    open: () => {},
    append: (_row, pair) => featuriser.append(pair),
    view: () => featuriser.view(),
    clear: () => featuriser.clear(),
  }
}

/** How long the first vector of a batch is; 0 where it has none. */
export function widthIn({ embedding_columns: columns }: ReviewInputOptions, batch: Batch): number {
  if (!columns) return 0
  const { start, end } = batch.lists(columns.chosen)
  for (let row = 0; row < batch.rows; row++) if (end(row) > start(row)) return end(row) - start(row)
  return 0
}

const known = new WeakMap<Data, { prompt: Data; rejected: Data; rows: Map<string, Rows> }>()

/**
 * Rows that inputs of texts gave for a block, by reviewer, kept while the block is: stages that look at it one after
 * the other (detect_noise, peer_review) need them once.
 */
export function rowsOf(batch: Batch): Map<string, Rows> {
  const prompt = batch.column('prompt'),
    chosen = batch.column('chosen'),
    rejected = batch.column('rejected')
  let entry = known.get(chosen)
  if (entry?.prompt !== prompt || entry.rejected !== rejected) {
    known.set(chosen, (entry = { prompt, rejected, rows: new Map() }))
  }
  return entry.rows
}

/**
 * Margins as they are: score of the chosen side minus that of the rejected. Where one is missing or not finite the
 * margin is 0, which says nothing.
 */
function ofScores({ name, chosen, rejected }: ScoreColumns, capacity: Capacity): Input {
  const builder = new DenseBuilder(1, capacity),
    margin = new Float64Array(1)
  let ours: NumberColumn['values'] = margin,
    theirs = ours
  return {
    spec: { name, from: 'given' },
    isOfTexts: false,
    open(batch) {
      ours = batch.numbers(chosen).values
      theirs = batch.numbers(rejected).values
    },
    append(row) {
      margin[0] = ours[row] - theirs[row]
      if (!Number.isFinite(Math.fround(margin[0]))) margin[0] = 0
      return builder.append(margin)
    },
    view: () => builder.view(),
    clear: () => builder.clear(),
  }
}

/**
 * Difference of two vectors, list<float> or fixed-size list<float>, each of length 1. A row that lacks one, or one of
 * another length than the first seen, is all 0.
 */
function ofVectors(columns: { chosen: string; rejected: string }, capacity: Capacity, known?: number): Input {
  let difference = new Float64Array(0),
    ours: Vectors | undefined,
    theirs: Vectors | undefined
  const ready = (width: number) => {
    difference = new Float64Array(width)
    return new DenseBuilder(width, {
      ...capacity,
      max_rows: Math.min(capacity.max_rows, Math.floor(capacity.max_values / Math.max(1, width))),
    })
  }
  let builder = known === undefined ? undefined : ready(known)
  return {
    spec: { name: 'embeddings', from: 'learned' },
    isOfTexts: false,
    open(batch) {
      ours = vectorsOf(batch, columns.chosen)
      theirs = vectorsOf(batch, columns.rejected)
      if (builder === undefined) {
        for (let row = 0; row < batch.rows && builder === undefined; row++) {
          if (ours.width(row) > 0) builder = ready(ours.width(row))
        }
      }
    },
    append(row) {
      builder ??= ready(0)
      difference.fill(0)
      if (ours!.width(row) === difference.length && theirs!.width(row) === difference.length) {
        ours!.add(row, difference, 1)
        theirs!.add(row, difference, -1)
      }
      return builder.append(difference)
    },
    view: () => (builder ??= ready(0)).view(),
    clear: () => builder?.clear(),
  }
}

interface Vectors {
  width(row: number): number
  add(row: number, to: Float64Array, sign: number): void
}

function vectorsOf(batch: Batch, column: string): Vectors {
  const { values, start, end } = batch.lists(column)
  return {
    width: row => end(row) - start(row),
    add(row, to, sign) {
      const at = start(row)
      let squares = 0
      for (let c = 0; c < to.length; c++) squares += values[at + c] * values[at + c]
      const scale = squares > 0 && Number.isFinite(squares) ? sign / Math.sqrt(squares) : 0
      if (scale !== 0) for (let c = 0; c < to.length; c++) to[c] += values[at + c] * scale
    },
  }
}
