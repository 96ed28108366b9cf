/**
 * What the metadata of an Arrow IPC message or footer must be before Arrow JS is asked to read it: that library follows
 * every offset and believes every length of the flatbuffer, and makes objects until memory ends. A walk over the bytes
 * which makes nothing of them.
 */
import { DataType, type Field, type Schema } from 'apache-arrow'
import { decoder } from './columns.ts'

/**
 * What is in a slot of a table: bytes of a number, text, a table, or a vector of structs (by their bytes), of tables or
 * of text.
 */
type Slot =
  number | 'text' | { readonly table: () => Table } | { readonly structs: number } | { readonly tables: () => Table }
interface Table {
  readonly name: string
  readonly slots: readonly (Slot | undefined)[]
}

/** Bounds far beyond what any writer of rows needs. */
const MOST_BYTES = 256 << 20,
  MOST_TABLES = 1 << 20,
  MOST_DEPTH = 128

// as in Schema.fbs, Message.fbs and File.fbs
const KEY_VALUE: Table = { name: 'metadata', slots: ['text', 'text'] }
const METADATA: Slot = { tables: () => KEY_VALUE }
/**
 * Of all types at once: numbers, but for the time zone of a timestamp and the ids of a union, which have the second
 * slot and are looked at by themselves.
 */
const TYPE: Table = { name: 'type', slots: [] }
const TIMESTAMP: Table = { name: 'timestamp', slots: [2, 'text'] }
const UNION: Table = { name: 'union', slots: [2, { structs: 4 }] }
const ENCODING: Table = { name: 'dictionary', slots: [8, { table: () => TYPE }, 1] }
const FIELD: Table = {
  name: 'field',
  slots: ['text', 1, 1, undefined, { table: () => ENCODING }, { tables: () => FIELD }, METADATA],
}
const SCHEMA: Table = { name: 'schema', slots: [2, { tables: () => FIELD }, METADATA, { structs: 8 }] }
const BATCH: Table = {
  name: 'record batch',
  slots: [8, { structs: 16 }, { structs: 16 }, { table: () => TYPE }, { structs: 8 }],
}
const DICTIONARY: Table = { name: 'dictionary batch', slots: [8, { table: () => BATCH }, 1] }
const MESSAGE: Table = { name: 'message', slots: [2, 1, undefined, 8, METADATA] }
const FOOTER: Table = {
  name: 'footer',
  slots: [2, { table: () => SCHEMA }, { structs: 24 }, { structs: 24 }, METADATA],
}
const HEADERS: Readonly<Record<number, Table>> = { 1: SCHEMA, 2: DICTIONARY, 3: BATCH }
/** Rows of a file are numbered in 32 bits. */
const MOST_ROWS = 2 ** 32 - 1
const INT_TYPE = 2,
  UNION_TYPE = 14,
  TIMESTAMP_TYPE = 10
/** Types that Arrow has and Arrow JS has not, and what to make of them. */
const LACKING: Readonly<Record<number, readonly [string, string]>> = {
  22: ['run-end encoded', 'its plain values'],
  25: ['list view', 'list'],
  26: ['large list view', 'list'],
}
/** Of these bits are integers that can be read. */
const INT_BITS = [8, 16, 32, 64]

/** What is wrong with a file that is whole, and has a type that Arrow JS has not. */
export class LackingType extends Error {}

/**
 * Throws one line, without the path, for what can be no message. `bytes`: its metadata alone, without the length before
 * it.
 */
export const checkMessage = (bytes: Uint8Array): void => check(bytes, MESSAGE)
/** The same of the footer of a file. */
export const checkFooter = (bytes: Uint8Array): void => check(bytes, FOOTER)

/**
 * Holds the lengths of a batch's columns against its rows: Arrow JS fills up what is short with nulls. `nodes`: of all
 * columns and what is in them, in their order.
 */
export function checkColumns({ fields }: Schema, nodes: readonly { readonly length: number }[], rows: number): void {
  let at = 0
  const walk = ({ name, type }: Field, wanted?: number): void => {
    const node = nodes[at++]
    if (!node || (wanted !== undefined && node.length !== wanted)) {
      throw new Error(
        `column ${name} has ${node?.length ?? 'no'} values in a record batch of ${rows} rows: it is damaged`,
      )
    }
    if (!DataType.isDictionary(type)) for (const child of (type as DataType).children ?? []) walk(child)
  }
  for (const field of fields) walk(field, rows)
}

function check(bytes: Uint8Array, root: Table): void {
  if (bytes.length > MOST_BYTES) {
    throw new Error(`has metadata of ${bytes.length} bytes, at most ${MOST_BYTES} are read`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let tables = 0
  /** bytes of the body of a message */
  let body = 0n
  const inside = (at: number, size: number, what: string): number => {
    if (!(at >= 0 && at + size <= bytes.length)) {
      throw new Error(`its metadata is damaged: a ${what} at byte ${at} of ${bytes.length}`)
    }
    return at
  }
  const follow = (at: number, what: string): number => at + view.getUint32(inside(at, 4, what), true)
  const vector = (at: number, size: number, what: string): { from: number; length: number } => {
    const start = follow(at, what),
      length = view.getUint32(inside(start, 4, what), true)
    inside(start + 4, length * size, `${what} of ${length} items`)
    return { from: start + 4, length }
  }
  /** of structs of two numbers; no more than there are bytes for */
  function* pairsAt(place: number): Generator<readonly [bigint, bigint]> {
    if (place === 0) return
    const { from, length } = vector(place, 16, 'vector')
    for (let i = 0; i < length; i++) {
      yield [view.getBigInt64(from + 16 * i, true), view.getBigInt64(from + 16 * i + 8, true)]
    }
  }
  const textAt = (place: number): string => {
    if (place === 0) return "''"
    const { from, length } = vector(place, 1, 'text')
    return decoder.decode(bytes.subarray(from, from + length))
  }
  /** of the table of an integer type, whose first slot has its bits */
  const lackingInt = (at: number): readonly [string, string] | undefined => {
    const vtable = at - view.getInt32(at, true),
      offset = view.getUint16(vtable, true) > 4 ? view.getUint16(vtable + 4, true) : 0,
      bits = offset === 0 ? 0 : view.getInt32(inside(at + offset, 4, 'type'), true)
    return INT_BITS.includes(bits) ? undefined : [`integers of ${bits} bits`, 'int64, or to text']
  }
  const table = (at: number, { name, slots }: Table, depth: number): void => {
    if (++tables > MOST_TABLES) {
      throw new Error(`its metadata has more than ${MOST_TABLES} parts, the most that are read`)
    }
    if (depth > MOST_DEPTH) {
      throw new Error(`its metadata is nested deeper than ${MOST_DEPTH} levels, the most that are read`)
    }
    const vtable = inside(at - view.getInt32(inside(at, 4, name), true), 4, name),
      size = view.getUint16(vtable, true)
    inside(vtable, size, name)
    /** where the value of a slot is, 0 where there is none */
    const place = (slot: number): number => {
      const offset = 4 + 2 * slot + 2 <= size ? view.getUint16(vtable + 4 + 2 * slot, true) : 0
      return offset === 0 ? 0 : at + offset
    }
    const one = (start: number, slot: Slot): void => {
      if (typeof slot === 'number') inside(start, slot, name)
      else if (slot === 'text') vector(start, 1, name)
      else if ('structs' in slot) vector(start, slot.structs, name)
      else if ('table' in slot) table(follow(start, name), slot.table(), depth + 1)
      else {
        const { from, length } = vector(start, 4, name)
        for (let i = 0; i < length; i++) table(follow(from + 4 * i, name), slot.tables(), depth + 1)
      }
    }
    if (name === 'message') {
      if (place(3) > 0) body = view.getBigInt64(inside(place(3), 8, name), true)
      if (body < 0n) throw new Error(`its metadata is damaged: a message with ${body} bytes after it`)
    }
    for (const [i, slot] of slots.entries()) if (slot !== undefined && place(i) > 0) one(place(i), slot)
    const kind = (slot: number): number => (place(slot) > 0 ? view.getUint8(place(slot)) : 0)
    if (name === 'message') {
      const header = HEADERS[kind(1)]
      if (!header || place(2) === 0) throw new Error(`its metadata is damaged: a message of kind ${kind(1)}`)
      one(place(2), { table: () => header })
    } else if (name === 'field' && place(3) > 0) {
      one(place(3), { table: () => (kind(2) === UNION_TYPE ? UNION : kind(2) === TIMESTAMP_TYPE ? TIMESTAMP : TYPE) })
      const lacking = kind(2) === INT_TYPE ? lackingInt(follow(place(3), name)) : LACKING[kind(2)]
      if (lacking) {
        throw new LackingType(
          `column ${textAt(place(0))} has a type (${lacking[0]}) that cannot be read here; cast it to ${lacking[1]}`,
        )
      }
    } else if (name === 'record batch') {
      const rows = place(0) > 0 ? view.getBigInt64(place(0), true) : 0n
      if (rows < 0n || rows > MOST_ROWS) {
        throw new Error(`has a record batch of ${rows} rows, at most ${MOST_ROWS} are read from one file`)
      }
      for (const [length, nulls] of pairsAt(place(1))) {
        if (length < 0n || nulls < 0n || nulls > length) {
          throw new Error(`its metadata is damaged: ${nulls} nulls in ${length} values`)
        }
      }
      for (const [start, length] of pairsAt(place(2))) {
        if (start < 0n || length < 0n || start + length > body) {
          throw new Error(`its metadata is damaged: a buffer of ${length} bytes at byte ${start} of a body of ${body}`)
        }
      }
    }
  }
  table(follow(0, root.name), root, 0)
}
