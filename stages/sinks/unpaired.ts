/** Pairs, or answers with a label, as rows of a prompt, a completion and a label: in which order, and which ones. */
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import {
  concat,
  makeBool,
  makeMessages,
  makeText,
  messagesColumn,
  numberColumn,
  runsOfRows,
  take,
  textColumn,
} from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { hash64 } from '../../engine/arrow/hash.ts'
import type { SinkInput } from '../../engine/contract/define.ts'

/** Pairs of a block, chosen sides first, then rejected ones. The last block has up to twice as many, less one. */
export const BLOCK = 1000

/** What was written. `both`: completions that have both labels. `beside`: rows behind one of the same prompt. */
export interface Unpaired {
  desirable: number
  undesirable: number
  copies: number
  both: number
  beside: number
}
export interface UnpairedOptions {
  readonly label_column?: string
  readonly control: 'none' | 'label' | 'score'
  readonly score_columns?: { readonly chosen: string; readonly rejected?: string }
  readonly template?: string
}
type Side = 'chosen' | 'rejected'
/** A row to write: of which side of which row of the block. */
interface Place {
  readonly row: number
  readonly side: Side
  readonly label: boolean
}

/** To two digits, halves to the even one, as Python rounds. */
function round2(x: number): number {
  // only eighths lie halfway between two such numbers
  const isHalf = Number.isInteger(x * 8) && !Number.isInteger(x * 4)
  return isHalf ? (2 * Math.round((100 * x) / 2)) / 100 : Number(x.toFixed(2))
}

/**
 * The weights that TRL's KTO takes for balanced, each with the other as given: desirable × weight is to be 1 to 4/3 of
 * undesirable × weight. `warns`: it would say that neither is. Of equal counts there are no ranges.
 */
export function balance(
  desirable: number,
  undesirable: number,
  desirableWeight = 1,
  undesirableWeight = 1,
): { warns: boolean; desirable?: number[]; undesirable?: number[] } {
  // its own counts: none of a class is one, which the other class then lacks
  const d = Math.max(desirable, 1),
    u = Math.max(desirable + undesirable - d, 1)
  if (d === u) return { warns: false }
  const [good, bad] = [(u * undesirableWeight) / d, (d * desirableWeight) / u]
  const ranges = { desirable: [good, good * 1.33].map(round2), undesirable: [bad / 1.33, bad].map(round2) }
  const isIn = ([low, high]: number[], weight: number) => low <= weight && weight <= high
  return {
    ...ranges,
    warns: !isIn(ranges.desirable, desirableWeight) && !isIn(ranges.undesirable, undesirableWeight),
  }
}

/** Which labels a key of 106 bits has had: a map takes 2^24 entries at most, so there are several. */
function seenKeys(): (key: Uint32Array, label: boolean) => 'new' | 'copy' | 'both' {
  const maps = Array.from({ length: 64 }, () => new Map<number, number>())
  return (key, label) => {
    // 53 bits find an entry, and 28 more of it tell whether it is the same: where they differ nothing is left out
    const map = maps[key[2] & 63],
      at = (key[0] >>> 11) * 2 ** 32 + key[1],
      check = key[3] >>> 4,
      bit = label ? 1 : 2,
      known = map.get(at)
    if (known !== undefined && known >> 2 !== check) return 'new'
    map.set(at, ((known ?? check << 2) | bit) >>> 0)
    if (known === undefined) return 'new'
    return known & bit ? 'copy' : 'both'
  }
}

/** Chains a row of a column of text or messages into a hash. */
function hasher(column: Data): (row: number, state: Uint32Array) => void {
  if (DataType.isUtf8(column.type)) {
    const { bytes, offsets } = textColumn(column)
    return (row, state) => hash64(bytes, offsets[row], offsets[row + 1], state)
  }
  const { offsets, roles, roleOffsets, bytes, contentOffsets } = messagesColumn(column)
  return (row, state) => {
    for (let m = offsets[row]; m < offsets[row + 1]; m++) {
      hash64(roles, roleOffsets[m], roleOffsets[m + 1], state)
      hash64(bytes, contentOffsets[m], contentOffsets[m + 1], state)
    }
    hash64(bytes, 0, 0, state)
  }
}

/** Blocks of the rows of a sink: the same ones however its batches are cut. */
function* blocks(input: SinkInput): Generator<Data[]> {
  let waiting: Data[][] = [],
    rows = 0,
    left = input.rows
  const joined = () => waiting[0].map((_, c) => concat(waiting.map(batch => batch[c])))
  for (const batch of input.batches()) {
    waiting.push(batch.data.children)
    rows += batch.numRows
    // what is left behind a block is a block too, or stays with it
    while (rows >= BLOCK && left >= 2 * BLOCK) {
      const all = joined()
      yield all.map(column => take(column, [0, BLOCK]))
      waiting = [all.map(column => take(column, [BLOCK, rows]))]
      rows -= BLOCK
      left -= BLOCK
    }
  }
  if (rows > 0) yield joined()
}

/** Mean and standard deviation (n - 1) of the scores of all rows, those that are numbers. */
export function scoresOf(input: SinkInput, schema: Schema, columns: readonly string[]): { mean: number; sd: number } {
  const scores: number[] = []
  for (const batch of input.batches()) {
    for (const name of columns) {
      const at = schema.fields.findIndex(field => field.name === name)
      for (const score of numberColumn(batch.data.children[at]).values) if (Number.isFinite(score)) scores.push(score)
    }
  }
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length
  return { mean, sd: Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / (scores.length - 1)) }
}

/** A column of prompts, each with what a template makes of it and the value of its row. */
function controlled(prompt: Data, template: string, values: readonly string[]): Data {
  const fill = (text: string, row: number) =>
    template.replace(/\{prompt\}|\{value\}/g, what => (what === '{prompt}' ? text : values[row]))
  if (DataType.isUtf8(prompt.type)) {
    const { text } = textColumn(prompt)
    return makeText(values.map((_, row) => fill(text(row), row)))
  }
  const { messages } = messagesColumn(prompt)
  return makeMessages(
    values.map((_, row) => {
      const all = messages(row),
        last = all.map(({ role }) => role).lastIndexOf('user')
      return all.map((message, m) => (m === last ? { ...message, content: fill(message.content, row) } : message))
    }),
  )
}

/**
 * Rows as they are written: prompt, completion, label, then all other columns; `schema` is that of the input. Adds to
 * `counts`. Of scores `scale` is the mean and the standard deviation.
 */
export function* unpaired(
  input: SinkInput,
  schema: Schema,
  written: Schema,
  options: UnpairedOptions,
  scale: { readonly mean: number; readonly sd: number } | undefined,
  counts: Unpaired,
): Generator<RecordBatch> {
  const placeOf = (name: string | undefined) => schema.fields.findIndex(field => field.name === name)
  const seen = seenKeys(),
    key = new Uint32Array(4)
  let before: string | undefined
  for (const block of blocks(input)) {
    const column = (name: string | undefined) => block[placeOf(name)] as Data | undefined
    const rows = block[0].length,
      labels = options.label_column === undefined ? undefined : numberColumn(column(options.label_column)!).values,
      all = Array.from({ length: rows }, (_, row) => row)
    const places: Place[] = labels
      ? all.map(row => ({ row, side: 'chosen', label: labels[row] === 1 }))
      : (['chosen', 'rejected'] as const).flatMap(side => all.map(row => ({ row, side, label: side === 'chosen' })))
    const hash = Object.fromEntries(
      ['prompt', 'chosen', 'rejected'].flatMap(side => {
        const of = [column(side), column(`source_${side}_fields`)].flatMap(data => (data ? [hasher(data)] : []))
        return [[side, (row: number, state: Uint32Array) => of.forEach(chain => chain(row, state))]]
      }),
    )
    const kept = places.filter(({ row, side, label }) => {
      for (const [half, seed] of [0, 0x5bd1e995].entries()) {
        const state = key.subarray(2 * half, 2 * half + 2).fill(seed)
        hash.prompt(row, state)
        hash[side](row, state)
      }
      const found = seen(key, label)
      if (found === 'copy') counts.copies++
      if (found === 'both') counts.both++
      return found !== 'copy'
    })
    for (const { row, label } of kept) {
      const state = new Uint32Array(2)
      hash.prompt(row, state)
      const prompt = state.join()
      if (prompt === before) counts.beside++
      before = prompt
      counts[label ? 'desirable' : 'undesirable']++
    }
    // chosen sides come first, whatever of them is left
    const runs = runsOfRows(kept.map(({ row }) => row)),
      runsOf = (side: Side) => runsOfRows(kept.filter(place => place.side === side).map(({ row }) => row))
    const prompt = take(column('prompt')!, runs),
      valueOf = ({ row, side, label }: Place): string => {
        if (options.control === 'label') return label ? 'good' : 'bad'
        const score = numberColumn(column(options.score_columns![side])!).values[row]
        // one score, or equal ones, have no spread
        return ((score - scale!.mean) / (scale!.sd || 1)).toFixed(2)
      }
    const made: Record<string, Data> = {
      prompt: options.control === 'none' ? prompt : controlled(prompt, options.template!, kept.map(valueOf)),
      completion: concat([
        take(column('chosen')!, runsOf('chosen')),
        ...(labels ? [] : [take(column('rejected')!, runsOf('rejected'))]),
      ]),
      label: makeBool(Uint8Array.from(kept, ({ label }) => (label ? 1 : 0))),
    }
    yield toRecordBatch(
      written,
      written.fields.map(({ name }) => made[name] ?? take(column(name)!, runs)),
      kept.length,
    )
  }
}
