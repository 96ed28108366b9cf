/** Arrow data from outside as the engine wants it (compact, plain types), and single values of it as JavaScript. */
import {
  Binary,
  BinaryView,
  DataType,
  Field,
  Float32,
  List,
  makeData,
  Struct,
  Utf8,
  Vector,
  type Data,
  type Dictionary,
  type FixedSizeList,
} from 'apache-arrow'
import { concat, decoder, nulls, nullTest, runsOfRows, take } from './columns.ts'

/**
 * The type that `plain` gives: text of every kind is Utf8, bytes Binary, dictionaries their values, large and map lists
 * List, float16 Float32. Throws for unions.
 */
export function plainType(type: DataType): DataType {
  if (DataType.isDictionary(type)) return plainType(type.dictionary)
  if (DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) return new Utf8()
  if (DataType.isLargeBinary(type) || DataType.isBinaryView(type)) return new Binary()
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    const [child] = type.children
    return new List(new Field('item', plainType(child.type), child.nullable))
  }
  if (DataType.isStruct(type)) return new Struct(type.children.map(plainField))
  if (DataType.isFloat(type) && type.precision === 0) return new Float32()
  if (DataType.isUnion(type)) throw new Error(`a column of type ${type} cannot be read; cast it to text or a struct`)
  return type
}

export const plainField = (field: Field): Field => new Field(field.name, plainType(field.type), field.nullable)

/**
 * A column as Arrow JS reads it from an IPC message, made compact: exact buffers, Int32 offsets from 0, empty null
 * rows, a bitmap only where there are nulls.
 */
export function plain(data: Data): Data {
  const { length } = data
  checkBuffers(data)
  const type: DataType = data.type
  if (DataType.isNull(type)) return data
  if (DataType.isDictionary(type)) return plainDictionary(data as Data<Dictionary>)
  // as bytes: made JavaScript text, what is not UTF-8 would be another
  if (DataType.isUtf8View(type)) return fromBytes(data.clone(new BinaryView()), new Utf8())
  if (DataType.isBinaryView(type)) return fromBytes(data, new Binary())
  const base = { type: plainType(type), length, ...plainValidity(data) }
  if (DataType.isUtf8(type) || DataType.isBinary(type) || DataType.isLargeUtf8(type) || DataType.isLargeBinary(type)) {
    const { offsets, first } = plainOffsets(data.valueOffsets, length)
    const made = makeData({
      ...base,
      valueOffsets: offsets,
      data: (data.values as Uint8Array).subarray(first, first + offsets[length]),
    } as never) as Data
    return emptyNulls(made)
  }
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isMap(type)) {
    const { offsets, first } = plainOffsets(data.valueOffsets, length)
    const child = plain(data.children[0])
    const exact =
      first === 0 && child.length === offsets[length] ? child : take(child, [first, first + offsets[length]])
    return emptyNulls(makeData({ ...base, valueOffsets: offsets, child: exact } as never) as Data)
  }
  if (DataType.isStruct(type)) {
    const children = data.children.map(child => cut(plain(child), length))
    return makeData({ ...base, children: base.nullCount === 0 ? children : emptyBelow(children, data) } as never)
  }
  if (DataType.isFixedSizeList(type)) {
    return makeData({
      ...base,
      child: cut(plain(data.children[0]), length * (type as FixedSizeList).listSize),
    } as never)
  }
  if (DataType.isBool(type)) {
    return makeData({ ...base, data: (data.values as Uint8Array).subarray(0, (length + 7) >> 3) } as never)
  }
  if (DataType.isFloat(type) && type.precision === 0) {
    return makeData({
      ...base,
      data: Float32Array.from(new Vector([data]) as Iterable<number | null>, value => value ?? 0),
    } as never)
  }
  return makeData({ ...base, data: (data.values as Uint8Array).subarray(0, length * data.stride) } as never)
}

const cut = (data: Data, length: number): Data => (data.length === length ? data : take(data, [0, length]))

/** Arrow JS takes the rows that a message claims for granted, whatever its buffers hold. */
function checkBuffers({
  type,
  length,
  nullCount,
  nullBitmap,
  valueOffsets: offsets,
  values,
  children,
  stride,
}: Data): void {
  const need = (what: string, found: number, wanted: number): void => {
    if (found < wanted) {
      throw new Error(
        `a column of ${type} with ${length} values has ${found} ${what}, ${wanted} are needed: its buffers are damaged`,
      )
    }
  }
  if (DataType.isNull(type) || length === 0) return
  if (nullCount > 0) need('bytes of validity', nullBitmap?.length ?? 0, (length + 7) >> 3)
  const hasOffsets =
    DataType.isUtf8(type) ||
    DataType.isBinary(type) ||
    DataType.isList(type) ||
    DataType.isMap(type) ||
    DataType.isLargeUtf8(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isLargeList(type)
  if (hasOffsets) {
    need('offsets', offsets.length, length + 1)
    let last = offsets[0] < 0 ? Infinity : offsets[0]
    for (let i = 1; i <= length; i++) {
      if (offsets[i] < last) {
        throw new Error(
          `a column of ${type} has the offset ${offsets[i]} after ${offsets[i - 1]}, at value ${i - 1}: its buffers are damaged`,
        )
      }
      last = offsets[i]
    }
    need('items', children.length > 0 ? children[0].length : (values?.length ?? 0), Number(last))
  } else if (DataType.isStruct(type)) {
    for (const child of children) need('values in a field', child.length, length)
  } else if (DataType.isFixedSizeList(type)) {
    need('items', children[0].length, length * (type as FixedSizeList).listSize)
  } else if (DataType.isBool(type)) {
    need('bytes', values.length, (length + 7) >> 3)
  } else if (!DataType.isUnion(type)) {
    need('values', values.length, length * stride)
  }
}

function plainValidity(data: Data): { nullCount: number; nullBitmap?: Uint8Array } {
  if (data.nullCount === 0 || !data.nullBitmap?.length) return { nullCount: 0 }
  return { nullCount: data.nullCount, nullBitmap: data.nullBitmap.subarray(0, (data.length + 7) >> 3) }
}

function plainOffsets(raw: Int32Array | BigInt64Array, length: number): { offsets: Int32Array; first: number } {
  // a writer may leave out the offsets of a column without rows
  if (length === 0) return { offsets: new Int32Array(1), first: 0 }
  const first = Number(raw[0])
  if (raw instanceof Int32Array && first === 0) return { offsets: raw.subarray(0, length + 1), first }
  const offsets = new Int32Array(length + 1)
  for (let i = 1; i <= length; i++) offsets[i] = Number(raw[i]) - first
  return { offsets, first }
}

/** Arrow lets a null row have bytes; the engine does not. */
export function emptyNulls(data: Data): Data {
  if (data.nullCount === 0) return data
  const isNull = nullTest(data)
  const { valueOffsets: offsets, length } = data
  const kept: number[] = []
  let hidden = false
  for (let i = 0; i < length; i++) {
    if (isNull(i)) hidden ||= offsets[i] < offsets[i + 1]
    else kept.push(i)
  }
  if (!hidden) return data
  return withoutRows(data, isNull)
}

/** A column that is null, and holds nothing, where `isNull` says so. */
const withoutRows = (data: Data, isNull: (row: number) => boolean): Data =>
  take(
    concat([data, nulls(data.type, 1)]),
    runsOfRows(Array.from({ length: data.length }, (_, i) => (isNull(i) ? data.length : i))),
  )

/** Arrow lets a null struct have fields that are not null; who reads a field does not ask the struct. */
function emptyBelow(children: readonly Data[], struct: Data): Data[] {
  const isNull = nullTest(struct)
  return children.map(child => {
    const { length } = child,
      isEmpty = nullTest(child)
    let hidden = false
    for (let i = 0; i < length && !hidden; i++) hidden = isNull(i) && !isEmpty(i)
    if (!hidden || DataType.isNull(child.type)) return child
    return withoutRows(child, isNull)
  })
}

/** The values of dictionaries, with a null row behind them: one dictionary serves many batches. */
const dictionaries = new WeakMap<Vector, Data>()

function dictionaryOf(data: Data<Dictionary>): Data {
  const known = dictionaries.get(data.dictionary!)
  if (known) return known
  const chunks = data.dictionary!.data.map(plain)
  const values = chunks.length > 0 ? concat(chunks) : nulls(plainType(data.type.dictionary), 0)
  const withNull = concat([values, nulls(values.type, 1)])
  dictionaries.set(data.dictionary!, withNull)
  return withNull
}

function plainDictionary(data: Data<Dictionary>): Data {
  const withNull = dictionaryOf(data),
    count = withNull.length - 1
  const isNull = nullTest(data as Data)
  const indices = data.values as ArrayLike<number | bigint>
  const at = (i: number): number => {
    const index = Number(indices[i])
    if (!(index >= 0 && index < count)) {
      throw new Error(`index ${index} in a dictionary of ${count} values: its buffers are damaged`)
    }
    return index
  }
  return take(withNull, runsOfRows(Array.from({ length: data.length }, (_, i) => (isNull(i) ? count : at(i)))))
}

function fromBytes(views: Data, type: Utf8 | Binary): Data {
  const values = Array.from(new Vector([views]) as Iterable<Uint8Array | null>),
    { length } = values
  const valueOffsets = new Int32Array(length + 1)
  const nullBitmap = new Uint8Array((length + 7) >> 3)
  let nullCount = 0
  values.forEach((value, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + (value?.length ?? 0)
    if (value) nullBitmap[i >> 3] |= 1 << (i & 7)
    else nullCount++
  })
  const data = new Uint8Array(valueOffsets[length])
  values.forEach((value, i) => value && data.set(value, valueOffsets[i]))
  return makeData({ type, length, valueOffsets, data, nullCount, ...(nullCount ? { nullBitmap } : {}) } as never)
}

/**
 * One value of a compact column as JSON can hold it: integers beyond 2^53 and types without a JSON form are text, null
 * fields of structs are left out.
 */
export function jsonValueOf(data: Data, row: number): unknown {
  if (nullTest(data)(row)) return null
  const type: DataType = data.type
  if (DataType.isNull(type)) return null
  if (DataType.isUtf8(type)) {
    return decoder.decode(data.values.subarray(data.valueOffsets[row], data.valueOffsets[row + 1]))
  }
  if (DataType.isBinary(type)) {
    return Buffer.from(data.values.subarray(data.valueOffsets[row], data.valueOffsets[row + 1])).toString('base64')
  }
  if (DataType.isList(type)) {
    const [child] = data.children
    const out: unknown[] = []
    for (let i = data.valueOffsets[row]; i < data.valueOffsets[row + 1]; i++) out.push(jsonValueOf(child, i))
    return out
  }
  if (DataType.isStruct(type)) {
    return Object.fromEntries(
      type.children
        .map((field, c) => [field.name, jsonValueOf(data.children[c], row)])
        .filter(([, value]) => value !== null),
    )
  }
  if (DataType.isBool(type)) return (data.values[row >> 3] & (1 << (row & 7))) !== 0
  if (DataType.isInt(type) || DataType.isFloat(type)) {
    const value = (data.values as ArrayLike<number | bigint>)[row]
    return typeof value === 'number' ? value : Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  }
  return String(new Vector([data]).get(row))
}
