/** Rows that people decided on, found among those of a partition as they are read or made. */
import type { Data } from 'apache-arrow'
import { runsOf, textColumn, type TextColumn } from '../arrow/columns.ts'
import { isMade, takeFlow, withColumns, type Flow } from '../arrow/flow.ts'
import { APPLIED, CHANGED, decisionWords, KEPT, SEEN, type Found, type Settled } from './decisions.ts'
import { hasher } from './row_hash.ts'
import { swapped } from './swap.ts'

/** Pairs that a decision was applied to, by row and copy; `word` numbers the decision. */
export interface Decided {
  readonly row: Uint32Array
  readonly copy: Uint32Array
  readonly word: Uint8Array
}
const [KEEP, DROP, FLIP] = decisionWords.map((_, word) => word)

const idsOf = ({ schema, columns }: Flow): TextColumn =>
  textColumn(columns[schema.fields.findIndex(({ name }) => name === 'id')])

/** A decision and its place among all. */
export type DecisionAt = Settled & { readonly at: number }

/** A block of a source once decisions are applied. */
export interface Applied {
  readonly flow: Flow
  /** Source rows of the pairs that are dropped, one each. */
  readonly dropped: readonly number[]
  /** Source rows that are kept whatever is made of them. */
  readonly kept: readonly number[]
  /** Columns of one side that stayed, and how many pairs were swapped. */
  readonly left: readonly string[]
  readonly flipped: number
}

/** Decisions by id: of one, or one for each content. */
export type DecisionsById = ReadonlyMap<string, readonly DecisionAt[]>

/**
 * What a pass finds of the decisions; `keep`: ids that are kept otherwise, `before`: what the earlier passes of the
 * partition found.
 */
export function openDecided(
  decisions: DecisionsById,
  keep: Pick<ReadonlySet<string>, 'has'>,
  before: readonly Decided[],
) {
  const found = new Map<number, number>(),
    words = new Map<number, Map<number, number>>(),
    own: { row: number; copy: number; word: number }[] = []
  const note = (at: number, bits: number) => found.set(at, (found.get(at) ?? 0) | bits)
  const mark = (row: number, copy: number, word: number) => {
    if (!words.has(row)) words.set(row, new Map())
    words.get(row)!.set(copy, word)
  }
  const apply = (row: number, copy: number, word: number) => {
    mark(row, copy, word)
    own.push({ row, copy, word })
  }
  for (const { row, copy, word } of before) row.forEach((of, i) => mark(of, copy[i], word[i]))
  return {
    /** Rows as a source gives them: `ids` are those of its rows, which are numbered by `rows`. */
    read(source: string, flow: Flow, ids: Data, rows: Uint32Array): Applied {
      const none = { flow, dropped: [], kept: [], left: [], flipped: 0 }
      if (decisions.size === 0) return none
      const rowIds = textColumn(ids),
        pairIds = idsOf(flow),
        hash = hasher(flow),
        dropped: number[] = [],
        kept: number[] = [],
        out = new Uint8Array(flow.rows),
        swap = new Uint8Array(flow.rows)
      // a row that is no pair has been seen, too
      const ofRows = new Map<number, readonly DecisionAt[]>(),
        keptRows = new Set<number>()
      for (let i = 0; i < rowIds.rows; i++) {
        const id = rowIds.text(i),
          some = decisions.get(id)
        if (keep.has(id)) keptRows.add(rows[i])
        if (!some) continue
        for (const { at } of some) note(at, SEEN)
        ofRows.set(rows[i], some)
      }
      for (let i = 0; i < flow.rows; i++) {
        const row = flow.row[i],
          copy = flow.copy[i],
          id = pairIds.text(i),
          // what is said of a pair counts for more than what is said of the row that it is one of
          some = decisions.get(id) ?? ofRows.get(row) ?? []
        for (const { at, hash: wanted, decision } of some) {
          const word = decisionWords.indexOf(decision)
          note(at, SEEN)
          // an answer is no pair yet: what was decided of a pair is looked at where one is made
          if (!hash && (word === FLIP || wanted !== undefined)) continue
          if (hash && wanted !== undefined && wanted !== hash(i)) {
            note(at, CHANGED)
            continue
          }
          if (word === DROP && (keep.has(id) || keptRows.has(row))) {
            note(at, KEPT)
            continue
          }
          note(at, APPLIED)
          apply(row, copy, word)
          if (word === DROP) {
            out[i] = 1
            dropped.push(row)
          } else if (word === FLIP) swap[i] = 1
          else if (some === ofRows.get(row)) kept.push(row)
        }
      }
      if (!swap.includes(1) && dropped.length === 0) return { ...none, kept }
      // the sides before the drops: their places are those of the block
      const { columns, left } = swap.includes(1)
          ? swapped(`${source} (flip of --decisions)`, flow, { rows: swap })
          : { columns: new Map<string, Data>(), left: [] },
        whole = columns.size === 0 ? flow : withColumns(flow, flow.schema, columns)
      return {
        flow: dropped.length === 0 ? whole : takeFlow(whole, runsOf(out, 0)),
        dropped,
        kept,
        left,
        flipped: swap.reduce((sum, one) => sum + one, 0),
      }
    },
    /** Rows that a stage made: they can be kept. */
    made(flow: Flow): void {
      if (decisions.size === 0 || flow.rows === 0) return
      const ids = idsOf(flow),
        hash = hasher(flow)
      for (let i = 0; i < flow.rows; i++) {
        for (const { at, hash: wanted, decision } of decisions.get(ids.text(i)) ?? []) {
          note(at, SEEN)
          if (decision !== decisionWords[KEEP]) continue
          if (wanted !== undefined && wanted !== hash?.(i)) {
            note(at, CHANGED)
            continue
          }
          note(at, APPLIED)
          apply(flow.row[i], flow.copy[i], KEEP)
        }
      }
    },
    /** Whether a pair was decided to be kept. */
    isKept: (row: number, copy: number): boolean => words.get(row)?.get(copy) === KEEP,
    /** Whether people said that a pair's label is what it is: it was kept, or flipped to that. */
    isDecided: (row: number, copy: number): boolean => words.get(row)?.has(copy) === true,
    /** What this pass found, beside what was known before it. */
    end(): { decided: Decided; found: Found } {
      const places = [...found].sort(([a], [b]) => a - b)
      return {
        decided: {
          row: Uint32Array.from(own, ({ row }) => row),
          copy: Uint32Array.from(own, ({ copy }) => copy),
          word: Uint8Array.from(own, ({ word }) => word),
        },
        found: { of: Uint32Array.from(places, ([at]) => at), found: Uint8Array.from(places, ([, bits]) => bits) },
      }
    },
  }
}

/** Words for what was decided of each row of a partition: of several of its pairs all, of rows that were made none. */
export function decidedWords(parts: readonly Decided[]): ReadonlyMap<number, string> {
  const bits = new Map<number, number>()
  for (const { row, copy, word } of parts) {
    row.forEach((of, i) => {
      if (!isMade(copy[i])) bits.set(of, (bits.get(of) ?? 0) | (1 << word[i]))
    })
  }
  return new Map(
    [...bits].map(([row, some]) => [row, decisionWords.filter((_, word) => (some & (1 << word)) !== 0).join(', ')]),
  )
}
