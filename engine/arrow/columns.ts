/**
 * Arrow columns by their buffers. Every `Data` inside the engine is compact: offset 0, exact buffers, Int32 offsets
 * that begin at 0, and a validity bitmap only where there are nulls. Readers hand over such data; everything here keeps
 * it so. Arrow JS's own `slice` and `Vector.get` are not used.
 */
import {
  Bool,
  DataType,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  Precision,
  Struct,
  Type as Id,
  Utf8,
  type Data,
  type Float,
} from 'apache-arrow'

/** list<struct<role: utf8, content: utf8>>, none of it null: a prompt or one side of a pair. */
export const messagesType = new List(
  new Field('item', new Struct([new Field('role', new Utf8(), false), new Field('content', new Utf8(), false)]), false),
)

export const encoder = new TextEncoder()
// a byte order mark is text like any other
export const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A utf8 column by its bytes. Row i is `bytes[offsets[i] .. offsets[i + 1])`; a null row is empty there. */
export interface TextColumn {
  readonly rows: number
  readonly bytes: Uint8Array
  readonly offsets: Int32Array
  isNull(row: number): boolean
  /** The text of a row as a string ('' for null): for the few rows that need one. */
  text(row: number): string
}

/**
 * A messages column by its bytes. Row i holds messages `offsets[i] .. offsets[i + 1]`; message m is
 * `bytes[contentOffsets[m] .. contentOffsets[m + 1])`, said by `roles[roleOffsets[m] .. roleOffsets[m + 1])`. The
 * contents of a row lie side by side: `bytes[start(i) .. end(i))` is all of its text without separators.
 */
export interface MessagesColumn {
  readonly rows: number
  readonly offsets: Int32Array
  readonly bytes: Uint8Array
  readonly contentOffsets: Int32Array
  readonly roles: Uint8Array
  readonly roleOffsets: Int32Array
  start(row: number): number
  end(row: number): number
  /** All contents of a row as one string: for the few rows that need one. */
  text(row: number): string
  /** The messages of a row as objects: for the few rows that need them. */
  messages(row: number): Message[]
}

export interface Message {
  role: string
  content: string
}

/** A numeric column as float64; null and NaN are both NaN. */
export interface NumberColumn {
  readonly rows: number
  readonly values: Float64Array
}

/**
 * A column of lists of numbers: row r is values[start(r)] to values[end(r) - 1]. A row that is null, or has a null in
 * it, is empty.
 */
export interface ListColumn {
  readonly rows: number
  readonly values: Float32Array | Float64Array | Int32Array
  start(row: number): number
  end(row: number): number
}

/** Whether a column can be read as vectors. */
export const isVector = (type: DataType): boolean =>
  (DataType.isList(type) || DataType.isFixedSizeList(type)) &&
  DataType.isFloat(type.children[0].type) &&
  type.children[0].type.precision !== Precision.HALF

const none = (): boolean => false

/** Tests bits of a validity bitmap; a column without nulls costs nothing. */
export const nullTest = (data: Data): ((row: number) => boolean) => {
  if (data.nullCount === 0 || !data.nullBitmap?.length) return none
  const bits = data.nullBitmap
  return row => (bits[row >> 3] & (1 << (row & 7))) === 0
}

export function listColumn(data: Data): ListColumn {
  const [item] = data.children as Data[],
    type: DataType = data.type,
    offsets = data.valueOffsets as Int32Array
  const isNull = nullTest(data),
    isItemNull = nullTest(item)
  const start = DataType.isFixedSizeList(type) ? (row: number) => row * type.listSize : (row: number) => offsets[row]
  return {
    rows: data.length,
    values: item.values as ListColumn['values'],
    start,
    end(row) {
      const from = start(row),
        to = start(row + 1)
      if (isNull(row)) return from
      if (item.nullCount > 0) for (let at = from; at < to; at++) if (isItemNull(at)) return from
      return to
    },
  }
}

export function textColumn(data: Data): TextColumn {
  const { values: bytes, valueOffsets: offsets } = data as unknown as { values: Uint8Array; valueOffsets: Int32Array }
  return {
    rows: data.length,
    bytes,
    offsets,
    isNull: nullTest(data),
    text: row => decoder.decode(bytes.subarray(offsets[row], offsets[row + 1])),
  }
}

/** A column of lists of texts. A null row is empty, a null in a list is ''. */
export function textsColumn(data: Data): { readonly rows: number; texts(row: number): string[] } {
  const item = textColumn((data.children as Data[])[0]),
    offsets = data.valueOffsets as Int32Array,
    isNull = nullTest(data)
  return {
    rows: data.length,
    texts: row =>
      isNull(row) ? [] : Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => item.text(offsets[row] + i)),
  }
}

export function messagesColumn(data: Data): MessagesColumn {
  const offsets = data.valueOffsets as Int32Array
  const [role, content] = data.children[0].children
  const roles = role.values as Uint8Array,
    roleOffsets = role.valueOffsets as Int32Array
  const bytes = content.values as Uint8Array,
    contentOffsets = content.valueOffsets as Int32Array
  const start = (row: number) => contentOffsets[offsets[row]]
  const end = (row: number) => contentOffsets[offsets[row + 1]]
  return {
    rows: data.length,
    offsets,
    bytes,
    contentOffsets,
    roles,
    roleOffsets,
    start,
    end,
    text: row => decoder.decode(bytes.subarray(start(row), end(row))),
    messages: row => {
      const all: Message[] = []
      for (let m = offsets[row]; m < offsets[row + 1]; m++) {
        all.push({
          role: decoder.decode(roles.subarray(roleOffsets[m], roleOffsets[m + 1])),
          content: decoder.decode(bytes.subarray(contentOffsets[m], contentOffsets[m + 1])),
        })
      }
      return all
    },
  }
}

export function numberColumn(data: Data): NumberColumn {
  const values = data.values as ArrayLike<number | bigint>
  const isNull = nullTest(data)
  if (data.typeId === Id.Float && values instanceof Float64Array && data.nullCount === 0) {
    return { rows: data.length, values }
  }
  const out = new Float64Array(data.length)
  if (data.typeId === Id.Bool) {
    const bits = data.values as Uint8Array
    for (let i = 0; i < out.length; i++) out[i] = isNull(i) ? NaN : (bits[i >> 3] >> (i & 7)) & 1
  } else {
    for (let i = 0; i < out.length; i++) out[i] = isNull(i) ? NaN : Number(values[i])
  }
  return { rows: data.length, values: out }
}

/** The first integer of a column that float64 cannot hold: two that differ would be one number. */
export function inexactIn(data: Data): bigint | undefined {
  const values = data.values as unknown,
    isLong = values instanceof BigInt64Array || values instanceof BigUint64Array
  if (data.typeId !== Id.Int || !isLong) return undefined
  const isNull = nullTest(data)
  for (let i = 0; i < data.length; i++) {
    const value = values[i],
      number = Number(value)
    if (!Number.isSafeInteger(number) && BigInt(number) !== value && !isNull(i)) return value
  }
  return undefined
}

/** A bitmap of `length` bits and its count of zeros, from a test of "is null"; undefined bitmap when there is none. */
export function validity(
  length: number,
  isNull: (row: number) => boolean,
): { nullCount: number; nullBitmap?: Uint8Array } {
  let nullCount = 0
  const nullBitmap = new Uint8Array((length + 7) >> 3)
  for (let i = 0; i < length; i++) {
    if (isNull(i)) nullCount++
    else nullBitmap[i >> 3] |= 1 << (i & 7)
  }
  return nullCount === 0 ? { nullCount } : { nullCount, nullBitmap }
}

/**
 * A utf8 column of strings; null stays null. Halves of characters become U+FFFD: `halfIn` finds them in what a stage
 * gives.
 */
export function makeText(values: readonly (string | null)[]): Data<Utf8> {
  const encoded = values.map(value => (value === null ? null : encoder.encode(value)))
  const valueOffsets = new Int32Array(values.length + 1)
  encoded.forEach((bytes, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + (bytes?.length ?? 0)
  })
  const data = new Uint8Array(valueOffsets[values.length])
  encoded.forEach((bytes, i) => bytes && data.set(bytes, valueOffsets[i]))
  return makeData({
    type: new Utf8(),
    length: values.length,
    valueOffsets,
    data,
    ...validity(values.length, i => values[i] === null),
  })
}

/** A utf8 column of a few different texts: row i is `texts[which[i]]`, null where `which[i]` is negative. */
export function makeRepeated(texts: readonly string[], which: Int32Array): Data<Utf8> {
  const encoded = texts.map(text => encoder.encode(text)),
    valueOffsets = new Int32Array(which.length + 1)
  for (let i = 0; i < which.length; i++) {
    valueOffsets[i + 1] = valueOffsets[i] + (which[i] < 0 ? 0 : encoded[which[i]].length)
  }
  const data = new Uint8Array(valueOffsets[which.length])
  for (let i = 0; i < which.length; i++) if (which[i] >= 0) data.set(encoded[which[i]], valueOffsets[i])
  return makeData({
    type: new Utf8(),
    length: which.length,
    valueOffsets,
    data,
    ...validity(which.length, i => which[i] < 0),
  })
}

/**
 * A messages column from its buffers (each owned by the result). `offsets` has rows + 1 entries, the others messages +
 * 1.
 */
export function messagesFromBuffers(
  offsets: Int32Array,
  roles: Uint8Array,
  roleOffsets: Int32Array,
  bytes: Uint8Array,
  contentOffsets: Int32Array,
): Data<List> {
  const length = roleOffsets.length - 1
  const role = makeData({ type: new Utf8(), length, valueOffsets: roleOffsets, data: roles, nullCount: 0 })
  const content = makeData({ type: new Utf8(), length, valueOffsets: contentOffsets, data: bytes, nullCount: 0 })
  const item = makeData({ type: messagesType.children[0].type, length, nullCount: 0, children: [role, content] })
  return makeData({
    type: messagesType,
    length: offsets.length - 1,
    nullCount: 0,
    valueOffsets: offsets,
    child: item,
  }) as Data<List>
}

/** A messages column of objects: for examples, tests and the few rows made one by one. */
export function makeMessages(rows: readonly (readonly Message[])[]): Data<List> {
  const offsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => {
    offsets[i + 1] = offsets[i] + row.length
  })
  const all = rows.flat()
  const role = makeText(all.map(message => message.role)),
    content = makeText(all.map(message => message.content))
  return messagesFromBuffers(offsets, role.values, role.valueOffsets, content.values, content.valueOffsets)
}

/** float64; NaN becomes null. */
export const makeFloat64 = (values: Float64Array): Data<Float64> =>
  makeData({
    type: new Float64(),
    length: values.length,
    data: values,
    ...validity(values.length, i => Number.isNaN(values[i])),
  })

export const makeInt32 = (values: Int32Array, isNull: (row: number) => boolean = none): Data<Int32> =>
  makeData({ type: new Int32(), length: values.length, data: values, ...validity(values.length, isNull) })

/** Lists of int32 by their buffers: row i is values[offsets[i]] to values[offsets[i + 1] - 1]. */
export const makeInt32Lists = (offsets: Int32Array, values: Int32Array): Data =>
  makeData({
    type: new List(new Field('item', new Int32())),
    length: offsets.length - 1,
    nullCount: 0,
    valueOffsets: offsets,
    // without a look at each of them for nulls
    child: makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values }),
  })

/** int64 from whole numbers below 2^53. */
export function makeInt64(values: ArrayLike<number>): Data<Int64> {
  const data = new BigInt64Array(values.length)
  for (let i = 0; i < data.length; i++) data[i] = BigInt(values[i])
  return makeData({ type: new Int64(), length: data.length, nullCount: 0, data })
}

/** bool from one byte a row (0 or 1). */
export function makeBool(values: Uint8Array, isNull: (row: number) => boolean = none): Data<Bool> {
  const data = new Uint8Array((values.length + 7) >> 3)
  for (let i = 0; i < values.length; i++) if (values[i]) data[i >> 3] |= 1 << (i & 7)
  return makeData({ type: new Bool(), length: values.length, data, ...validity(values.length, isNull) })
}

/** A column of lists; null is null. */
function makeList(type: List, values: readonly (ArrayLike<unknown> | null)[]): Data {
  const valueOffsets = new Int32Array(values.length + 1)
  values.forEach((list, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + (list?.length ?? 0)
  })
  const items: unknown[] = []
  for (const list of values) for (let i = 0; i < (list?.length ?? 0); i++) items.push(list![i])
  return makeData({
    type,
    length: values.length,
    valueOffsets,
    child: makeColumn(type.children[0].type, items),
    ...validity(values.length, i => values[i] === null),
  })
}

const isNumber = (value: unknown): boolean => typeof value === 'number'
/** What a plain value of a column must be. */
const tests: readonly [(type: DataType) => boolean, (value: unknown) => boolean, string][] = [
  [DataType.isUtf8, value => typeof value === 'string', 'text'],
  [DataType.isFloat, isNumber, 'a number'],
  [DataType.isInt, value => value === Math.trunc(value as number) && value === (value as number) >> 0, 'an int32'],
  [DataType.isBool, value => typeof value === 'boolean', 'true or false'],
  [DataType.isList, value => Array.isArray(value) || ArrayBuffer.isView(value), 'a list'],
]

/**
 * A column of plain values: texts, numbers, booleans, lists of them, messages; null is null. Throws a TypeError that
 * says which value is of another type.
 */
export function makeColumn(type: DataType, values: readonly unknown[]): Data {
  if (String(type) === String(messagesType)) {
    const isMessage = (one: unknown) =>
      typeof (one as Message | null)?.role === 'string' && typeof (one as Message).content === 'string'
    const wrong = values.findIndex(row => !Array.isArray(row) || !row.every(isMessage))
    if (wrong >= 0) {
      throw new TypeError(
        `value ${wrong} is ${JSON.stringify(values[wrong])}, not a list of messages { role, content }, both texts`,
      )
    }
    return makeMessages(values as (readonly Message[])[])
  }
  const [, isRight, what] = tests.find(([is]) => is(type))!
  const wrong = values.findIndex(value => value !== null && !isRight(value))
  if (wrong >= 0) throw new TypeError(`value ${wrong} is ${JSON.stringify(values[wrong])}, not ${what}`)
  if (DataType.isUtf8(type)) return makeText(values as (string | null)[])
  if (DataType.isList(type)) return makeList(type, values as (ArrayLike<unknown> | null)[])
  const isNull = (row: number) => values[row] === null
  if (DataType.isBool(type)) {
    return makeBool(
      Uint8Array.from(values, value => (value ? 1 : 0)),
      isNull,
    )
  }
  if (DataType.isInt(type)) return makeInt32(Int32Array.from(values as number[]), isNull)
  const numbers = (values as (number | null)[]).map(value => value ?? NaN)
  return (type as Float).precision === Precision.SINGLE
    ? makeData({ type: new Float32(), length: values.length, nullCount: 0, data: Float32Array.from(numbers) })
    : makeFloat64(Float64Array.from(numbers))
}

/** Row ranges [start, end) one after the other: what `take` copies. A row may come twice. */
export type Runs = readonly number[]

/** The runs of the rows whose mask byte is `wanted`. */
export function runsOf(mask: Uint8Array, wanted: 0 | 1): number[] {
  const runs: number[] = []
  for (let i = 0; i < mask.length;) {
    if (mask[i] !== wanted) {
      i++
      continue
    }
    const start = i
    while (i < mask.length && mask[i] === wanted) i++
    runs.push(start, i)
  }
  return runs
}

/** The runs of these rows, in this order. */
export function runsOfRows(rows: ArrayLike<number>): number[] {
  const runs: number[] = []
  for (let i = 0; i < rows.length; i++) {
    if (i > 0 && runs[runs.length - 1] === rows[i]) runs[runs.length - 1]++
    else runs.push(rows[i], rows[i] + 1)
  }
  return runs
}

export function countRows(runs: Runs): number {
  let n = 0
  for (let r = 0; r < runs.length; r += 2) n += runs[r + 1] - runs[r]
  return n
}

type Typed = Uint8Array | Int32Array | Float64Array | BigInt64Array

function takeBits(bits: Uint8Array, runs: Runs, length: number): { bits: Uint8Array; zeros: number } {
  const out = new Uint8Array((length + 7) >> 3)
  let at = 0,
    ones = 0
  for (let r = 0; r < runs.length; r += 2) {
    for (let i = runs[r]; i < runs[r + 1]; i++, at++) {
      if (bits[i >> 3] & (1 << (i & 7))) {
        out[at >> 3] |= 1 << (at & 7)
        ones++
      }
    }
  }
  return { bits: out, zeros: length - ones }
}

function takeValidity(data: Data, runs: Runs, length: number) {
  if (data.nullCount === 0 || !data.nullBitmap?.length) return { nullCount: 0 }
  const { bits, zeros } = takeBits(data.nullBitmap, runs, length)
  return zeros === 0 ? { nullCount: 0 } : { nullCount: zeros, nullBitmap: bits }
}

/** Offsets of the taken rows, and the runs of their elements in the child. */
function takeOffsets(
  offsets: Int32Array,
  runs: Runs,
  length: number,
): { valueOffsets: Int32Array; childRuns: number[] } {
  const valueOffsets = new Int32Array(length + 1)
  const childRuns: number[] = []
  let at = 0
  for (let r = 0; r < runs.length; r += 2) {
    const shift = valueOffsets[at] - offsets[runs[r]]
    for (let i = runs[r] + 1; i <= runs[r + 1]; i++) valueOffsets[++at] = offsets[i] + shift
    childRuns.push(offsets[runs[r]], offsets[runs[r + 1]])
  }
  return { valueOffsets, childRuns }
}

function takeFixed(values: Typed, runs: Runs, length: number, stride: number): Typed {
  const out = new (values.constructor as new (n: number) => Typed)(length * stride)
  let at = 0
  for (let r = 0; r < runs.length; r += 2) {
    ;(out as Uint8Array).set((values as Uint8Array).subarray(runs[r] * stride, runs[r + 1] * stride), at)
    at += (runs[r + 1] - runs[r]) * stride
  }
  return out
}

/**
 * Copies rows out of a column, in the order of `runs`. Any type but dictionaries and unions, which no reader hands
 * over.
 */
export function take(data: Data, runs: Runs): Data {
  const length = countRows(runs)
  const type: DataType = data.type
  const base = { type, length, ...takeValidity(data, runs, length) }
  if (DataType.isNull(type)) return makeData({ type, length } as never)
  if (DataType.isBool(type)) return makeData({ ...base, data: takeBits(data.values, runs, length).bits } as never)
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const { valueOffsets, childRuns } = takeOffsets(data.valueOffsets, runs, length)
    return makeData({
      ...base,
      valueOffsets,
      data: takeFixed(data.values, childRuns, valueOffsets[length], 1),
    } as never)
  }
  if (DataType.isList(type)) {
    const { valueOffsets, childRuns } = takeOffsets(data.valueOffsets, runs, length)
    return makeData({ ...base, valueOffsets, child: take(data.children[0], childRuns) } as never)
  }
  if (DataType.isFixedSizeList(type)) {
    return makeData({
      ...base,
      child: take(
        data.children[0],
        runs.map(row => row * type.listSize),
      ),
    } as never)
  }
  if (DataType.isStruct(type)) {
    return makeData({ ...base, children: data.children.map(child => take(child, runs)) } as never)
  }
  const stride = data.values ? data.stride : NaN
  if (Number.isNaN(stride) || DataType.isDictionary(type)) {
    throw new Error(
      `columns: rows of type ${type} cannot be copied; cast the column to utf8 or a number before it is read`,
    )
  }
  return makeData({ ...base, data: takeFixed(data.values as Typed, runs, length, stride) } as never)
}

/** Joins columns of one type end to end. */
export function concat(parts: readonly Data[]): Data {
  if (parts.length === 1) return parts[0]
  const [first] = parts
  const type: DataType = first.type
  const length = parts.reduce((n, part) => n + part.length, 0)
  if (DataType.isNull(type)) return makeData({ type, length } as never)
  const nullCount = parts.reduce((n, part) => n + part.nullCount, 0)
  const base = {
    type,
    length,
    nullCount,
    ...(nullCount
      ? { nullBitmap: concatBits(parts, length, part => (part.nullCount ? part.nullBitmap : undefined)) }
      : {}),
  }
  if (DataType.isBool(type)) {
    return makeData({ ...base, data: concatBits(parts, length, part => part.values as Uint8Array) } as never)
  }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    return makeData({
      ...base,
      valueOffsets: concatOffsets(parts, length),
      data: concatFixed(parts, 1, textBytes),
    } as never)
  }
  if (DataType.isList(type)) {
    return makeData({
      ...base,
      valueOffsets: concatOffsets(parts, length),
      child: concat(parts.map(part => part.children[0])),
    } as never)
  }
  if (DataType.isFixedSizeList(type)) {
    return makeData({ ...base, child: concat(parts.map(part => part.children[0])) } as never)
  }
  if (DataType.isStruct(type)) {
    return makeData({
      ...base,
      children: first.children.map((_, c) => concat(parts.map(part => part.children[c]))),
    } as never)
  }
  return makeData({ ...base, data: concatFixed(parts, first.stride, part => part.length) } as never)
}

const textBytes = (part: Data) => part.valueOffsets[part.length]

function concatBits(
  parts: readonly Data[],
  length: number,
  bitsOf: (part: Data) => Uint8Array | undefined,
): Uint8Array {
  const out = new Uint8Array((length + 7) >> 3)
  let at = 0
  for (const part of parts) {
    const bits = bitsOf(part)
    for (let i = 0; i < part.length; i++, at++) {
      if (!bits || bits[i >> 3] & (1 << (i & 7))) out[at >> 3] |= 1 << (at & 7)
    }
  }
  return out
}

function concatOffsets(parts: readonly Data[], length: number): Int32Array {
  const out = new Int32Array(length + 1)
  let at = 0
  for (const { valueOffsets, length: rows } of parts) {
    const shift = out[at]
    for (let i = 1; i <= rows; i++) out[++at] = valueOffsets[i] + shift
  }
  return out
}

function concatFixed(parts: readonly Data[], stride: number, count: (part: Data) => number): Typed {
  const out = new ((parts[0].values as Typed).constructor as new (n: number) => Typed)(
    parts.reduce((n, part) => n + count(part) * stride, 0),
  )
  let at = 0
  for (const part of parts) {
    const values = (part.values as Uint8Array).subarray(0, count(part) * stride)
    ;(out as Uint8Array).set(values, at)
    at += values.length
  }
  return out
}

/** A column of `length` nulls; for a messages column, which has no nulls, empty lists. */
export function nulls(type: DataType, length: number): Data {
  if (DataType.isNull(type)) return makeData({ type, length } as never)
  const base = { type, length, nullCount: length, nullBitmap: new Uint8Array((length + 7) >> 3) }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    return makeData({ ...base, valueOffsets: new Int32Array(length + 1), data: new Uint8Array(0) } as never)
  }
  if (DataType.isList(type)) {
    return makeData({
      ...base,
      valueOffsets: new Int32Array(length + 1),
      child: nulls(type.children[0].type, 0),
    } as never)
  }
  if (DataType.isFixedSizeList(type)) {
    return makeData({ ...base, child: nulls(type.children[0].type, length * type.listSize) } as never)
  }
  if (DataType.isStruct(type)) {
    return makeData({ ...base, children: type.children.map(child => nulls(child.type, length)) } as never)
  }
  if (DataType.isBool(type)) return makeData({ ...base, data: new Uint8Array((length + 7) >> 3) } as never)
  const probe = makeData({ type, length: 0 } as never) as Data
  return makeData({ ...base, data: new (type.ArrayType as new (n: number) => Typed)(length * probe.stride) } as never)
}

/** Bytes of text and values in a column: what a batch of it costs. */
export function sizeOf(data: Data): number {
  let bytes = 0
  if (data.values) bytes += (data.values as Uint8Array).byteLength
  if (data.valueOffsets) bytes += (data.valueOffsets as Int32Array).byteLength
  for (const child of data.children) bytes += sizeOf(child)
  return bytes
}
