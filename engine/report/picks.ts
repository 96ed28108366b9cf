/**
 * Rows to read by what became of them, picked while they pass: those with the smallest hashes of (seed, id), or with
 * the lowest numbers in a column. What partitions pick is merged into what one look at all rows would have picked.
 */
import type { Data } from 'apache-arrow'
import { textColumn } from '../arrow/columns.ts'
import type { Flow } from '../arrow/flow.ts'
import { hash32 } from '../arrow/hash.ts'
import { partsOf } from './parts.ts'
import type { ShownRow } from './shape.ts'
import { textReader } from './texts.ts'

/** Rows of a name at most. */
export const PICKED = 24

/** What is to be told of a row beside its texts. */
export interface Told extends Pick<ShownRow, 'numbers' | 'made'> {
  /** The row that it yields to, by its file's label; its id is looked up when all is read. */
  readonly yields?: { readonly file: string; readonly row: number; readonly similarity: number | null }
}

export interface Picked extends Told {
  /** What orders rows: their hash, or the number in a column; then the hash, and the place. */
  readonly key: number
  readonly hash: number
  readonly copy: number
  readonly row: Omit<ShownRow, 'numbers' | 'made' | 'partner' | 'part'>
  /** Its values by columns that parts may be made of. */
  readonly parts: Readonly<Record<string, string>>
  /** Of a sink with a limit, the row's place among those that the sink may take. */
  readonly at?: number
}
/** Rows of one name, and how many there were in all. */
export interface PickedRows {
  readonly count: number
  readonly rows: readonly Picked[]
}
export type Picks = ReadonlyMap<string, PickedRows>

/** A block of rows that may be picked. */
export interface Block {
  readonly flow: Flow
  readonly ids: Data
  /** Of (seed, id), 32 bits: the smaller, the earlier a row is shown. */
  readonly hashes: Uint32Array
  readonly tell: (row: number) => Told
}

/** `rows`: those that may be picked; all unless given. `ids`: where they are no column of the block. */
export function blockOf(
  flow: Flow,
  seed: number,
  tell: Block['tell'],
  rows?: readonly number[],
  ids = idsIn(flow),
): Block {
  const { bytes, offsets } = textColumn(ids),
    hashes = new Uint32Array(flow.rows),
    read = (row: number) => void (hashes[row] = hash32(bytes, offsets[row], offsets[row + 1], seed))
  if (rows) rows.forEach(read)
  else for (let row = 0; row < flow.rows; row++) read(row)
  return { flow, ids, hashes, tell }
}
const idsIn = ({ schema, columns }: Flow): Data => columns[schema.fields.findIndex(({ name }) => name === 'id')]

function before(a: Picked, b: Picked): number {
  if (a.key !== b.key) return a.key - b.key
  if (a.hash !== b.hash) return a.hash - b.hash
  if (a.row.file !== b.row.file) return a.row.file < b.row.file ? -1 : 1
  return a.row.row - b.row.row || a.copy - b.copy
}

/** The first of these, each row once. */
const firstOf = (rows: readonly Picked[], most: number): Picked[] =>
  [...rows]
    .sort(before)
    .filter((one, i, all) => i === 0 || before(all[i - 1], one) !== 0)
    .slice(0, most)

/** The rows that one partition's pass picks. */
export class Picker {
  readonly #label: string
  readonly #names = new Map<string, { count: number; rows: Picked[] }>()
  /** `label` names the partition's file. */
  constructor(label: string) {
    this.#label = label
  }

  /** Rows of a block (all unless given) for a name; `keys` order them in place of their hashes, and NaN is none. */
  offer(name: string, block: Block, rows?: readonly number[], keys: ArrayLike<number> = block.hashes): void {
    const some = this.#of(name)
    let found: number[] = [],
      bound = some.rows.length < PICKED ? Infinity : some.rows[PICKED - 1].key
    const look = (row: number) => {
      if (Number.isNaN(keys[row])) return
      some.count++
      if (keys[row] <= bound) found.push(row)
    }
    if (rows) for (const row of rows) look(row)
    else for (let row = 0; row < block.flow.rows; row++) look(row)
    if (found.length === 0) return
    if (found.length > PICKED) {
      // of a first block nearly all would have their texts read for nothing
      bound = [...found].map(row => keys[row]).sort((a, b) => a - b)[PICKED - 1]
      found = found.filter(row => keys[row] <= bound)
    }
    some.rows = firstOf([...some.rows, ...this.read(block, found, keys)], PICKED)
  }

  /** Those rows of a block whose hashes lie below a limit, with their places in it: which count is known later. */
  hold(name: string, block: Block, rows: readonly number[], limit: number): void {
    const found = rows.filter(row => block.hashes[row] < limit)
    this.#of(name).rows.push(...this.read(block, found).map((one, i) => ({ ...one, at: found[i] })))
  }

  #of(name: string) {
    if (!this.#names.has(name)) this.#names.set(name, { count: 0, rows: [] })
    return this.#names.get(name)!
  }

  read({ flow, ids, hashes, tell }: Block, rows: readonly number[], keys: ArrayLike<number> = hashes): Picked[] {
    const { text } = textColumn(ids),
      texts = textReader(flow)
    return rows.map(row => ({
      key: keys[row],
      hash: hashes[row],
      copy: flow.copy[row],
      row: { id: text(row), file: this.#label, row: flow.row[row], ...texts(row) },
      parts: partsOf(flow, row),
      ...tell(row),
    }))
  }

  picks(): Picks {
    return this.#names
  }
}

/** Adds what a partition picked to what others did. */
export function addPicks(to: Map<string, PickedRows>, from: Picks): void {
  for (const [name, { count, rows }] of from) {
    const known = to.get(name) ?? { count: 0, rows: [] }
    to.set(name, { count: known.count + count, rows: firstOf([...known.rows, ...rows], PICKED) })
  }
}
