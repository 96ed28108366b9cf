/** Several completions of one prompt with scores or ranks: which columns hold them, and the pairs that they make. */
import { DataType, type Data, type Field, type Schema } from 'apache-arrow'
import { nullTest, numberColumn } from '../arrow/columns.ts'
import { hasExtras, typeForm } from './forms.ts'
import { LISTS, SCORE_LISTS, SCORES } from './layout_table.ts'
import { type Form } from './turns.ts'

const TEXTS = ['completion', 'response', 'generation', 'content', 'text', 'output', 'answer']

/**
 * Where the completions and their scores are: fields of one list of structs, or two lists side by side; with `isFlat`
 * two columns, one completion a row. `lowFirst`: ranks, of which the smallest is best.
 */
export interface CompletionsAt {
  readonly isFlat?: boolean
  readonly list: string
  readonly text: string | null
  readonly form: Form
  /** Whether messages of the completions may have more than a role and a text. */
  readonly extras: boolean
  readonly scores: string | null
  readonly score: string | null
  readonly lowFirst: boolean
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

/** The columns of a file with one completion a row. */
export function findReplies(schema: Schema): CompletionsAt | undefined {
  const find = (names: readonly string[], fits: (type: DataType) => boolean) =>
    names.map(name => schema.fields.find(field => field.name === name && fits(field.type))).find(Boolean)
  const text = find([...TEXTS, 'reply'], type => typeForm(type) !== undefined),
    score = find(SCORES, isNumber)
  if (!text || !score) return undefined
  const form = typeForm(text.type)!
  return {
    isFlat: true,
    list: text.name,
    text: null,
    form,
    extras: hasExtras(form, text.type),
    scores: score.name,
    score: null,
    lowFirst: score.name === 'rank',
  }
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

/**
 * Completions of one score form a level. `adjacent`: each level against the next lower one; `best_worst`: the highest
 * against the lowest. Between two levels the i-th of one meets the i-th of the other, the shorter one begins again, so
 * that each completion is used and none often. Ties are never paired. Completions without text or score take no part. A
 * row with a score that float64 would round is refused: it might tie with another, or change its place.
 */
export function pairUp(
  scored: Scored,
  lowFirst: boolean,
  pairing: 'adjacent' | 'best_worst',
  skip: Uint8Array,
  refuse: (
    row: number,
    reason: 'too_few_completions' | 'tied_scores' | 'unequal_lists' | 'inexact_score',
    value?: number,
    error?: string,
  ) => void,
): Pairs {
  const { texts, scores, whole, offsets, scoreOffsets } = scored
  const isNull = nullTest(texts)
  const pairs: Pairs = { parents: [], chosen: [], rejected: [], noted: [] }
  const join = (row: number, high: readonly number[], low: readonly number[]) => {
    for (let i = 0; i < Math.max(high.length, low.length); i++) {
      pairs.parents.push(row)
      pairs.chosen.push(high[i % high.length])
      pairs.rejected.push(low[i % low.length])
    }
  }
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (skip[row]) continue
    const first = offsets[row],
      count = offsets[row + 1] - first,
      shift = scoreOffsets[row] - first
    if (scoreOffsets[row + 1] - scoreOffsets[row] !== count) {
      refuse(row, 'unequal_lists', scoreOffsets[row + 1] - scoreOffsets[row] - count)
      continue
    }
    const levels = new Map<number, number[]>()
    let usable = 0,
      rounded: bigint | undefined
    for (let c = first; c < first + count; c++) {
      const score = scores[c + shift]
      if (Number.isNaN(score) || isNull(c)) continue
      usable++
      if (whole && Math.abs(score) > Number.MAX_SAFE_INTEGER && BigInt(score) !== whole[c + shift]) {
        rounded = whole[c + shift]
      }
      const level = levels.get(score)
      if (level) level.push(c)
      else levels.set(score, [c])
    }
    if (rounded !== undefined) {
      const error = `the score ${rounded} is an integer that float64 rounds; make the scores smaller, or give ranks`
      refuse(row, 'inexact_score', undefined, error)
      continue
    }
    if (usable < 2) {
      refuse(row, 'too_few_completions', usable)
      continue
    }
    const order = [...levels.keys()].sort((a, b) => (lowFirst ? a - b : b - a))
    if (order.length < 2) {
      refuse(row, 'tied_scores', order[0])
      continue
    }
    if (usable < count) pairs.noted.push({ row, reason: 'unused_completion' })
    if (pairing === 'best_worst' && order.length > 2) pairs.noted.push({ row, reason: 'left_out' })
    if (pairing === 'best_worst') join(row, levels.get(order[0])!, levels.get(order[order.length - 1])!)
    else for (let k = 1; k < order.length; k++) join(row, levels.get(order[k - 1])!, levels.get(order[k])!)
  }
  return pairs
}
