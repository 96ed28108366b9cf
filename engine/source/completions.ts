/** Several completions of one prompt with scores or ranks: which columns hold them, and the pairs that they make. */
import { DataType, type Data, type Field, type Schema } from 'apache-arrow'
import { nullTest, numberColumn } from '../arrow/columns.ts'
import { hasExtras, typeForm } from './forms.ts'
import { LISTS, SCORE_LISTS, SCORES } from './layout_table.ts'
import { pairCandidates, type PairingOptions } from './pairing.ts'
import { type Form } from './turns.ts'

const TEXTS = ['completion', 'response', 'generation', 'content', 'text', 'output', 'answer']

/**
 * Where the completions and their scores are: fields of one list of structs, or two lists side by side. `lowFirst`:
 * ranks, of which the smallest is best.
 */
export interface CompletionsAt {
  readonly list: string
  readonly text: string | null
  readonly form: Form
  /** Whether messages of the completions may have more than a role and a text. */
  readonly extras: boolean
  readonly scores: string | null
  readonly score: string | null
  readonly lowFirst: boolean
  /** Whether there are two levels, of which each answer meets each: good and bad ones. */
  readonly isEach?: boolean
}

const isNumber = (type: DataType): boolean => DataType.isInt(type) || DataType.isFloat(type)

export function findCompletions(schema: Schema): CompletionsAt | undefined {
  for (const field of schema.fields) {
    if (!LISTS.includes(field.name) || !DataType.isList(field.type)) continue
    const item: DataType = field.type.children[0].type
    if (DataType.isStruct(item)) {
      const has = (names: readonly string[], fits: (type: DataType) => boolean) =>
        names.find(name => item.children.some(child => child.name === name && fits(child.type)))
      const text = has(TEXTS, type => typeForm(type) !== undefined),
        score = has(SCORES, isNumber)
      if (text && score) {
        const { type } = item.children.find(child => child.name === text)!
        const form = typeForm(type)!
        return {
          list: field.name,
          text,
          form,
          extras: hasExtras(form, type),
          scores: null,
          score,
          lowFirst: score === 'rank',
        }
      }
    }
    const form = typeForm(item)
    const isScores = (name: string) =>
      schema.fields.some(
        ({ name: other, type }) => other === name && DataType.isList(type) && isNumber(type.children[0].type),
      )
    const scores = SCORE_LISTS.find(isScores)
    if (form && scores) {
      return {
        list: field.name,
        text: null,
        form,
        extras: hasExtras(form, item),
        scores,
        score: null,
        lowFirst: scores === 'ranks',
      }
    }
  }
  return undefined
}

/** What a list's completions have beside text and score, by its place in their struct. */
export function otherFields({ list, text, score }: CompletionsAt, { fields }: Schema): { field: Field; at: number }[] {
  const item = fields.find(({ name }) => name === list)!.type as DataType
  if (text === null || !DataType.isList(item)) return []
  const { children } = item.children[0].type as DataType
  return children.flatMap((field: Field, at) => (field.name === text || field.name === score ? [] : [{ field, at }]))
}

/** Of one answer a row, the column that scores it; `lowFirst`: ranks, of which the smallest is best. */
export interface Scoring {
  readonly column: string
  readonly lowFirst: boolean
  /** The column whose equal values are answers to one prompt; the prompt itself when left out. */
  readonly by?: string
}

/** The columns of a file with one completion a row. */
export function findReplies(schema: Schema): { text: string; form: Form; scored: Scoring } | undefined {
  const find = (names: readonly string[], fits: (type: DataType) => boolean) =>
    names.map(name => schema.fields.find(field => field.name === name && fits(field.type))).find(Boolean)
  const text = find([...TEXTS, 'reply'], type => typeForm(type) !== undefined),
    score = find(SCORES, isNumber)
  if (!text || !score) return undefined
  const scored = { column: score.name, lowFirst: score.name === 'rank' }
  return { text: text.name, form: typeForm(text.type)!, scored }
}

/** Scores as float64 (NaN: none), and where the column has integers of 64 bits also those. */
interface Scores {
  readonly scores: Float64Array
  readonly whole?: BigInt64Array | BigUint64Array
}

export function scoresIn(data: Data): Scores {
  const values = data.values as unknown
  const isLong = values instanceof BigInt64Array || values instanceof BigUint64Array
  return { scores: numberColumn(data).values, ...(isLong ? { whole: values } : {}) }
}

/** The completions of all rows as one column, their scores, and where those of each row lie. */
export interface Scored extends Scores {
  readonly texts: Data
  readonly offsets: Int32Array
  readonly scoreOffsets: Int32Array
}

export function readScored(at: CompletionsAt, column: (name: string) => Data): Scored {
  const list = column(at.list),
    [item] = list.children
  const child = (name: string) =>
    item.children[(item.type as DataType).children.findIndex(field => field.name === name)]
  const scores = at.scores === null ? child(at.score!) : column(at.scores).children[0]
  return {
    texts: at.text === null ? item : child(at.text),
    ...scoresIn(scores),
    offsets: list.valueOffsets as Int32Array,
    scoreOffsets:
      at.scores === null ? (list.valueOffsets as Int32Array) : (column(at.scores).valueOffsets as Int32Array),
  }
}

/**
 * Pairs as numbers of completions (as in `Scored`), a row's own side by side from best to worst; `refuse` says why a
 * row makes none. `noted`: rows that make some, and have completions that take no part.
 */
export interface Pairs {
  readonly parents: number[]
  readonly chosen: number[]
  readonly rejected: number[]
  readonly noted: { readonly row: number; readonly reason: 'unused_completion' | 'left_out' }[]
}

/** What the rule of pairs may want to know of a completion, by its number. */
export interface Looks {
  chars(completion: number): number
  draw(completion: number): number
}

/**
 * Pairs of each row's completions by `pairCandidates`. Completions without text or score take no part, nor do those
 * that are `unread`. A row with a score that float64 would round is refused: it might tie with another, or change its
 * place.
 */
export function pairUp(
  scored: Scored,
  lowFirst: boolean,
  options: PairingOptions,
  looks: Looks,
  skip: Uint8Array,
  unread: Uint8Array | undefined,
  refuse: (
    row: number,
    reason: 'too_few_completions' | 'tied_scores' | 'unequal_lists' | 'inexact_score' | 'below_min_score' | 'small_gap',
    value?: number,
    error?: string,
  ) => void,
): Pairs {
  const { texts, scores, whole, offsets, scoreOffsets } = scored
  const isNull = nullTest(texts)
  const pairs: Pairs = { parents: [], chosen: [], rejected: [], noted: [] }
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (skip[row]) continue
    const first = offsets[row],
      count = offsets[row + 1] - first,
      shift = scoreOffsets[row] - first
    if (scoreOffsets[row + 1] - scoreOffsets[row] !== count) {
      refuse(row, 'unequal_lists', scoreOffsets[row + 1] - scoreOffsets[row] - count)
      continue
    }
    const own = scores.slice(first + shift, first + shift + count)
    let rounded: bigint | undefined
    for (let i = 0; i < count; i++) {
      if (isNull(first + i) || unread?.[first + i]) own[i] = NaN
      else if (whole && isRounded(own[i], whole[first + shift + i])) rounded = whole[first + shift + i]
    }
    if (rounded !== undefined) {
      const error = `the score ${rounded} is an integer that float64 rounds; make the scores smaller, or give ranks`
      refuse(row, 'inexact_score', undefined, error)
      continue
    }
    const of = (look: (completion: number) => number) => Float64Array.from(own, (_, i) => look(first + i))
    const found = pairCandidates(
      {
        scores: own,
        lowFirst,
        ...(options.length_penalty === 0 ? {} : { chars: of(looks.chars) }),
        ...(options.pairing === 'best_lower' ? { draws: of(looks.draw) } : {}),
      },
      options,
    )
    if (found.none) {
      const { why, value } = found.none
      refuse(row, why === 'too_few_candidates' ? 'too_few_completions' : why, value)
      continue
    }
    if (found.scored < count) pairs.noted.push({ row, reason: 'unused_completion' })
    if (found.left.some(({ why }) => why !== 'no_score')) pairs.noted.push({ row, reason: 'left_out' })
    for (const { better, worse } of found.pairs) {
      pairs.parents.push(row)
      pairs.chosen.push(first + better)
      pairs.rejected.push(first + worse)
    }
  }
  return pairs
}

/** Whether a score is not the integer that the file has; false where there is none. */
export const isRounded = (score: number, whole: bigint): boolean =>
  Math.abs(score) > Number.MAX_SAFE_INTEGER && BigInt(score) !== whole
