/** Arrow values as JSON, bytes to bytes: text is escaped where it lies and never becomes a JavaScript string. */
import { isUtf8 } from 'node:buffer'
import {
  DataType,
  Field,
  TimeUnit,
  Type,
  Utf8,
  type Data,
  type Decimal,
  type FixedSizeBinary,
  type FixedSizeList,
  type Timestamp,
} from 'apache-arrow'
import { encoder, nullTest } from './columns.ts'
import { DataError } from '../errors.ts'

/** Bytes that grow at the end. `at` may be set back to 0 to begin anew. */
export class Bytes {
  data = new Uint8Array(1 << 20)
  at = 0

  /** Makes room for `n` more bytes. */
  room(n: number): void {
    if (this.at + n <= this.data.length) return
    const bigger = new Uint8Array(Math.max(this.at + n, this.data.length * 2))
    bigger.set(this.data.subarray(0, this.at))
    this.data = bigger
  }

  push(bytes: Uint8Array): void {
    this.room(bytes.length)
    this.data.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Appends ASCII as it is. */
  ascii(text: string): void {
    this.room(text.length)
    for (let i = 0; i < text.length; i++) this.data[this.at++] = text.charCodeAt(i)
  }

  /** Appends UTF-8 as a JSON string, quotes included. */
  text(from: Uint8Array, start: number, end: number): void {
    let extra = 2
    for (let i = start; i < end; i++) extra += grows[from[i]]
    this.room(end - start + extra)
    const { data } = this
    let at = this.at
    data[at++] = 0x22
    if (extra === 2 && end - start > 32) {
      data.set(from.subarray(start, end), at)
      at += end - start
    } else {
      for (let i = start; i < end; i++) {
        const byte = from[i]
        if (grows[byte] === 0) {
          data[at++] = byte
          continue
        }
        const escape = escapes[byte]
        for (let k = 0; k < escape.length; k++) data[at++] = escape[k]
      }
    }
    data[at++] = 0x22
    this.at = at
  }
}

/** What JSON writes for the bytes that it cannot hold as they are, and by how many bytes it is longer. */
const escapes = Array.from({ length: 256 }, (_, byte) =>
  encoder.encode(byte < 128 ? JSON.stringify(String.fromCharCode(byte)).slice(1, -1) : ''),
)
const grows = Uint8Array.from(escapes, (escape, byte) => (byte < 128 ? escape.length - 1 : 0))

/**
 * The parts of a type that JSON has no form for here (intervals, unions, dictionaries, maps: no reader hands them
 * over).
 */
export function notJson(type: DataType): DataType | undefined {
  if (
    DataType.isDictionary(type) ||
    DataType.isUnion(type) ||
    DataType.isMap(type) ||
    DataType.isInterval(type) ||
    !supported.has(type.typeId)
  ) {
    return type
  }
  for (const child of type.children ?? []) {
    const bad = notJson(child.type)
    if (bad) return bad
  }
  return undefined
}
const supported = new Set([
  Type.Null,
  Type.Int,
  Type.Float,
  Type.Binary,
  Type.Utf8,
  Type.Bool,
  Type.Decimal,
  Type.Date,
  Type.Time,
  Type.Timestamp,
  Type.Duration,
  Type.List,
  Type.Struct,
  Type.FixedSizeBinary,
  Type.FixedSizeList,
])

/**
 * Writes values of a column, by row, to `out`: numbers as digits (64-bit integers exactly; NaN and infinities as null,
 * JSON has none), text, bool, dates and times in ISO 8601 with all their digits (an instant with a zone in UTC with Z,
 * one without a zone without), decimals as strings of digits, bytes as base64, durations as integers of their unit,
 * lists as arrays, structs as objects, null as null. An instant that no calendar of JavaScript holds is its integer as
 * a string. `isLean`: objects have no key whose value is null, as of structs nobody can tell it from one that was not
 * there.
 */
export function jsonWriter(data: Data, out: Bytes, isLean = false): (row: number) => void {
  const write = plainWriter(data, out, isLean)
  if (data.nullCount === 0) return write
  const isNull = nullTest(data)
  return row => {
    if (isNull(row)) out.ascii('null')
    else write(row)
  }
}

const JSON_TEXT = new Map([['sluice', 'json']])

/** A text field whose values are JSON. */
export const jsonTextField = (name: string): Field => new Field(name, new Utf8(), true, JSON_TEXT)
export const isJsonText = ({ metadata }: Field): boolean =>
  metadata.get('sluice') === 'json' || metadata.get('ARROW:extension:name') === 'arrow.json'

/** Writes values of a field of an object: those of JSON text as they are, others as `jsonWriter` does. */
export function fieldWriter(field: Field, data: Data, out: Bytes, isLean = false): (row: number) => void {
  if (!isJsonText(field)) return jsonWriter(data, out, isLean)
  const offsets = data.valueOffsets as Int32Array
  return row => out.push((data.values as Uint8Array).subarray(offsets[row], offsets[row + 1]))
}

function plainWriter(data: Data, out: Bytes, isLean: boolean): (row: number) => void {
  const type: DataType = data.type
  const { values } = data
  if (DataType.isNull(type)) return () => out.ascii('null')
  if (DataType.isUtf8(type)) {
    const offsets = data.valueOffsets as Int32Array
    if (!isUtf8((values as Uint8Array).subarray(offsets[0], offsets[data.length]))) throw new NotText()
    return row => out.text(values as Uint8Array, offsets[row], offsets[row + 1])
  }
  if (DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array
    return row => base64(out, values as Uint8Array, offsets[row], offsets[row + 1])
  }
  if (DataType.isFixedSizeBinary(type)) {
    const width = (type as FixedSizeBinary).byteWidth
    return row => base64(out, values as Uint8Array, row * width, (row + 1) * width)
  }
  if (DataType.isBool(type)) {
    return row => out.ascii((values as Uint8Array)[row >> 3] & (1 << (row & 7)) ? 'true' : 'false')
  }
  if (DataType.isInt(type) || DataType.isDuration(type)) {
    return row => out.ascii(String((values as Int32Array | BigInt64Array)[row]))
  }
  if (DataType.isFloat(type)) {
    return row => {
      const value = (values as Float64Array)[row]
      out.ascii(Number.isFinite(value) ? String(value) : 'null')
    }
  }
  if (DataType.isDecimal(type)) return row => out.ascii(`"${decimalText(data as Data<Decimal>, row)}"`)
  if (DataType.isDate(type)) return row => out.ascii(`"${dateText(data, row)}"`)
  if (DataType.isTime(type)) {
    return row => out.ascii(`"${clock(BigInt((values as Int32Array | BigInt64Array)[row]), type.unit)}"`)
  }
  if (DataType.isTimestamp(type)) return row => out.ascii(`"${instantText((values as BigInt64Array)[row], type)}"`)
  if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array,
      item = fieldWriter(type.children[0], data.children[0], out, isLean)
    return row => list(out, item, offsets[row], offsets[row + 1])
  }
  if (DataType.isFixedSizeList(type)) {
    const size = (type as FixedSizeList).listSize,
      item = jsonWriter(data.children[0], out, isLean)
    return row => list(out, item, row * size, (row + 1) * size)
  }
  if (DataType.isStruct(type)) {
    return objectWriter(
      type.children.map(({ name }) => name),
      data.children,
      out,
      isLean,
    )
  }
  throw new Error(`json: a value of type ${type} has no form in JSON`)
}

class NotText extends DataError {
  constructor() {
    super(
      'is declared as text and holds bytes that are not UTF-8, which JSON must be; ' +
        'convert them, or leave the column out by the option `columns` of its source',
    )
  }
}

/** Writes rows of several columns as objects with these keys, in this order. */
export function objectWriter(
  names: readonly string[],
  columns: readonly Data[],
  out: Bytes,
  isLean = false,
): (row: number) => void {
  const keys = names.map((name, i) => encoder.encode(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`))
  const writers = columns.map((column, i) => {
    try {
      return jsonWriter(column, out, isLean)
    } catch (error) {
      if (!(error instanceof NotText)) throw error
      throw new DataError(`column ${names[i]} ${error.message}`)
    }
  })
  if (isLean) {
    const nulls = columns.map(nullTest)
    return row => {
      const start = out.at
      for (let i = 0; i < writers.length; i++) {
        if (nulls[i](row)) continue
        out.push(keys[i])
        // the first that is there opens the object
        out.data[start] = 0x7b
        writers[i](row)
      }
      if (out.at === start) out.ascii('{')
      out.ascii('}')
    }
  }
  return row => {
    if (keys.length === 0) out.ascii('{')
    for (let i = 0; i < writers.length; i++) {
      out.push(keys[i])
      writers[i](row)
    }
    out.ascii('}')
  }
}

function list(out: Bytes, item: (row: number) => void, from: number, to: number): void {
  out.ascii('[')
  for (let i = from; i < to; i++) {
    if (i > from) out.ascii(',')
    item(i)
  }
  out.ascii(']')
}

function base64(out: Bytes, bytes: Uint8Array, from: number, to: number): void {
  out.ascii(`"${Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('base64')}"`)
}

const perSecond: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
}

/** `HH:MM:SS` with the fraction that the unit has. */
function clock(value: bigint, unit: TimeUnit): string {
  const seconds = Number(value / perSecond[unit])
  const two = (n: number): string => String(n).padStart(2, '0')
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${fraction(value % perSecond[unit], unit)}`
}

const fraction = (rest: bigint, unit: TimeUnit): string =>
  unit === TimeUnit.SECOND ? '' : `.${String(rest).padStart(unit * 3, '0')}`

function instantText(value: bigint, { unit, timezone }: Timestamp): string {
  const rest = ((value % perSecond[unit]) + perSecond[unit]) % perSecond[unit]
  const date = new Date(Number((value - rest) / perSecond[unit]) * 1000)
  return Number.isNaN(date.getTime())
    ? String(value)
    : `${date.toISOString().slice(0, -5)}${fraction(rest, unit)}${timezone ? 'Z' : ''}`
}

function dateText({ values }: Data, row: number): string {
  const date = new Date(
    values instanceof Int32Array ? values[row] * 86_400_000 : Number((values as BigInt64Array)[row]),
  )
  return Number.isNaN(date.getTime()) ? String((values as Int32Array)[row]) : date.toISOString().slice(0, -14)
}

/** A decimal's digits, from little-endian two's complement words of 32 bits. */
export function decimalText({ values, type, stride }: Data<Decimal>, row: number): string {
  const words = values as Uint32Array
  let value = 0n
  for (let word = stride - 1; word >= 0; word--) value = (value << 32n) | BigInt(words[row * stride + word])
  value = BigInt.asIntN(stride * 32, value)
  const digits = String(value < 0n ? -value : value).padStart(type.scale + 1, '0')
  return `${value < 0n ? '-' : ''}${type.scale > 0 ? `${digits.slice(0, -type.scale)}.${digits.slice(-type.scale)}` : digits}`
}
