/** What a stage says of the rows of groups, kept by partition until it is brought back to them. */
import { Field } from 'apache-arrow'
import { serialize } from 'node:v8'
import { Bytes, packer } from '../arrow/rows.ts'
import { addedFields } from '../graph/columns.ts'
import { openSealed } from '../sealed.ts'
import { ERRORED, type Section } from '../run/messages.ts'
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
  readonly written?: { readonly row: Uint32Array; readonly ends: Uint32Array; readonly bytes: Uint8Array }
}
/** Edges between rows, numbered over all partitions, and rows whose group failed. */
export interface FoundEdges {
  readonly a: Float64Array
  readonly b: Float64Array
  readonly value: Float64Array
  readonly errors: readonly (readonly [row: number, message: string])[]
}

/** The columns that a stage writes, as the graph names them. */
export const writtenFields = (node: WorkerNode): readonly Field[] =>
  addedFields({ ...node, from: [], index: 0 }).map(({ name, type }) => new Field(name, type, true))

/** What is said of rows, by partition, as it grows. */
export class FoundRows {
  readonly #fields: readonly Field[]
  readonly #parts = new Map<number, Growing>()
  constructor(fields: readonly Field[]) {
    this.#fields = fields
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
    }
    this.#parts.set(partition, made)
    return made
  }

  /** All that a stage said of a block. */
  take({ all, said }: Through, entries: readonly number[], rows: Entries, numbered: (entry: number) => number): void {
    const at = this.#fields.map(({ name }) => all.schema.fields.findIndex(field => field.name === name)),
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
      if (this.#fields.length > 0) {
        pack(i, part.written.bytes)
        part.written.row.push(row)
        part.written.ends.push(part.written.bytes.length)
      }
    })
    for (const { row, reason } of said.notes) {
      this.of(rows.partition(entries[row])).notes.push([rows.number(entries[row]), reason])
    }
  }

  *sections(): Iterable<readonly [number, Found]> {
    for (const [partition, part] of [...this.#parts].sort(([a], [b]) => a - b)) {
      const { row, ends, bytes } = part.written
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
          ...(this.#fields.length > 0
            ? {
                written: {
                  row: Uint32Array.from(row),
                  ends: Uint32Array.from(ends),
                  bytes: bytes.bytes.slice(0, bytes.length),
                },
              }
            : {}),
        },
      ]
    }
  }
}
interface Growing {
  readonly row: number[]
  readonly kind: number[]
  readonly reason: number[]
  readonly value: number[]
  readonly survivor: number[]
  readonly messages: Map<number, string>
  readonly notes: [number, string][]
  readonly written: { readonly row: number[]; readonly ends: number[]; readonly bytes: Bytes }
}

/** Writes sections one after the other; gives where each lies. */
export function saveSections(path: string, sections: Iterable<readonly [partition: number, found: Found]>): Section[] {
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
