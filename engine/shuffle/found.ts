/** What a stage says of the rows of groups, kept by partition until it is brought back to them. */
import { Field } from 'apache-arrow'
import { closeSync, openSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { Bytes, packer } from '../arrow/rows.ts'
import { addedFields, partnerFields } from '../graph/columns.ts'
import { effectOf } from '../graph/types.ts'
import { readAll } from '../io.ts'
import { openSealed } from '../sealed.ts'
import { ERRORED, type Section } from '../run/messages.ts'
import type { Pairs } from '../run/pairs.ts'
import type { Through } from '../run/verdicts.ts'
import type { WorkerNode } from '../run/world.ts'
import type { Entries } from './cut.ts'

/** What a range of buckets says of one partition's rows, by their numbers there; survivors are numbered over all. */
export interface Found {
  readonly row: Uint32Array
  readonly kind: Uint8Array
  readonly reason: Uint16Array
  readonly value: Float64Array
  readonly survivor: Float64Array
  /** Messages of errors, by entry. */
  readonly messages: ReadonlyMap<number, string>
  readonly notes: readonly (readonly [row: number, note: string])[]
  /** Of a stage that writes columns, those of each of its rows, as bytes. */
  readonly written?: Rows
  /** Pairs whose chosen side is here: its row, the other one numbered over all, and the pair's own columns. */
  readonly pairs?: Rows & { readonly partner: Float64Array }
  /** Rows that are the rejected side of a pair, and the chosen one's numbered over all. */
  readonly sides?: { readonly row: Uint32Array; readonly of: Float64Array }
  readonly clustered?: Clustered
}
/** Rows of the largest clusters, by size: which of them a row is in, and its place in it. */
export interface Clustered {
  readonly row: Uint32Array
  readonly cluster: Uint8Array
  readonly place: Uint8Array
  /** Of the whole cluster. */
  readonly size: Uint32Array
}
/** Columns of rows as bytes. */
interface Rows {
  readonly row: Uint32Array
  readonly ends: Uint32Array
  readonly bytes: Uint8Array
}
/** Edges between rows, numbered over all partitions, and rows whose group failed. */
export interface FoundEdges {
  readonly a: Float64Array
  readonly b: Float64Array
  readonly value: Float64Array
  readonly errors: readonly (readonly [row: number, message: string])[]
}

/** The columns that a stage writes, as the graph names them; of one that makes pairs first those of the partner. */
export const writtenFields = (node: WorkerNode): readonly Field[] =>
  [
    ...(effectOf(node) === 'pair' ? partnerFields(node.input).map(({ field }) => field) : []),
    ...addedFields({ ...node, from: [], index: 0 }),
  ].map(({ name, type }) => new Field(name, type, true))

/** What is said of rows, by partition, as it grows. */
export class FoundRows {
  readonly #fields: readonly Field[]
  readonly #ofPairs: boolean
  readonly #parts = new Map<number, Growing>()
  /** `fields`: what the stage writes, of its rows or `ofPairs`. */
  constructor(fields: readonly Field[], ofPairs: boolean) {
    this.#fields = fields
    this.#ofPairs = ofPairs
  }

  of(partition: number): Growing {
    const known = this.#parts.get(partition)
    if (known) return known
    const made: Growing = {
      row: [],
      kind: [],
      reason: [],
      value: [],
      survivor: [],
      messages: new Map(),
      notes: [],
      written: { row: [], ends: [], bytes: new Bytes() },
      pairs: { row: [], ends: [], bytes: new Bytes(), partner: [] },
      sides: { row: [], of: [] },
    }
    this.#parts.set(partition, made)
    return made
  }

  /** All that a stage said of a block. */
  take(
    { all, said, pairs }: Through,
    entries: readonly number[],
    rows: Entries,
    numbered: (entry: number) => number,
  ): void {
    const at = this.#ofPairs
        ? []
        : this.#fields.map(({ name }) => all.schema.fields.findIndex(field => field.name === name)),
      pack = packer(
        at.map(column => all.columns[column]),
        0,
      )
    entries.forEach((entry, i) => {
      const part = this.of(rows.partition(entry)),
        row = rows.number(entry)
      if (said.said[i]) {
        if (said.kind[i] === ERRORED) part.messages.set(part.row.length, said.messages.get(i)!)
        part.row.push(row)
        part.kind.push(said.kind[i])
        part.reason.push(said.reason[i])
        part.value.push(said.value[i])
        part.survivor.push(said.survivor[i] < 0 ? -1 : numbered(entries[said.survivor[i]]))
      }
      if (at.length > 0) {
        pack(i, part.written.bytes)
        part.written.row.push(row)
        part.written.ends.push(part.written.bytes.length)
      }
    })
    if (pairs) this.#takePairs(pairs, entries, rows, numbered)
    for (const { row, reason } of said.notes) {
      this.of(rows.partition(entries[row])).notes.push([rows.number(entries[row]), reason])
    }
  }

  #takePairs(
    { parents, partners, columns }: Pairs,
    entries: readonly number[],
    rows: Entries,
    numbered: (entry: number) => number,
  ): void {
    const pack = packer(columns, 0)
    parents.forEach((row, i) => {
      const [parent, partner] = [entries[row], entries[partners[i]]],
        { pairs } = this.of(rows.partition(parent)),
        { sides } = this.of(rows.partition(partner))
      pack(i, pairs.bytes)
      pairs.row.push(rows.number(parent))
      pairs.partner.push(numbered(partner))
      pairs.ends.push(pairs.bytes.length)
      sides.row.push(rows.number(partner))
      sides.of.push(numbered(parent))
    })
  }

  *sections(): Iterable<readonly [number, Found]> {
    for (const [partition, part] of [...this.#parts].sort(([a], [b]) => a - b)) {
      const { written, pairs, sides } = part
      yield [
        partition,
        {
          row: Uint32Array.from(part.row),
          kind: Uint8Array.from(part.kind),
          reason: Uint16Array.from(part.reason),
          value: Float64Array.from(part.value),
          survivor: Float64Array.from(part.survivor),
          messages: part.messages,
          notes: part.notes,
          ...(written.row.length > 0 ? { written: rowsIn(written) } : {}),
          ...(pairs.row.length > 0 ? { pairs: { ...rowsIn(pairs), partner: Float64Array.from(pairs.partner) } } : {}),
          ...(sides.row.length > 0
            ? { sides: { row: Uint32Array.from(sides.row), of: Float64Array.from(sides.of) } }
            : {}),
        },
      ]
    }
  }
}
interface GrowingRows {
  readonly row: number[]
  readonly ends: number[]
  readonly bytes: Bytes
}
const rowsIn = ({ row, ends, bytes }: GrowingRows): Rows => ({
  row: Uint32Array.from(row),
  ends: Uint32Array.from(ends),
  bytes: bytes.bytes.slice(0, bytes.length),
})
interface Growing {
  readonly row: number[]
  readonly kind: number[]
  readonly reason: number[]
  readonly value: number[]
  readonly survivor: number[]
  readonly messages: Map<number, string>
  readonly notes: [number, string][]
  readonly written: GrowingRows
  readonly pairs: GrowingRows & { readonly partner: number[] }
  readonly sides: { readonly row: number[]; readonly of: number[] }
}

/** Writes sections one after the other; gives where each lies. */
export function saveSections<T>(path: string, sections: Iterable<readonly [partition: number, found: T]>): Section[] {
  const out = openSealed(path)
  let at = 0
  const places: Section[] = []
  for (const [partition, found] of sections) {
    const bytes = serialize(found)
    out.write(bytes)
    places.push({ partition, at, bytes: bytes.length })
    at += bytes.length
  }
  out.close()
  return places
}

export function loadSection<T>(path: string, { at, bytes }: Pick<Section, 'at' | 'bytes'>): T {
  const fd = openSync(path, 'r'),
    into = Buffer.allocUnsafeSlow(bytes)
  try {
    readAll(fd, into, at, path)
  } finally {
    closeSync(fd)
  }
  return deserialize(into) as T
}
