/** Columns of plain Arrow types out of JavaScript values, and the types that fit values. */
import { Bool, DataType, Field, Float64, List, makeData, Null, Struct, Utf8, type Data } from 'apache-arrow'
import { makeText } from '../arrow/columns.ts'

/**
 * The type that holds all values seen: Utf8, Float64, Bool, List or Struct (fields of all objects, in the order seen);
 * Null for nothing but null. Undefined where values disagree: then only JSON text holds them all.
 */
export function unifyJson(a: DataType | undefined, b: DataType | undefined): DataType | undefined {
  if (!a || !b) return undefined
  if (DataType.isNull(a)) return b
  if (DataType.isNull(b) || a === b || (a.typeId === b.typeId && a.children === null)) return a
  if (DataType.isList(a) && DataType.isList(b)) {
    const item = unifyJson(a.children[0].type, b.children[0].type)
    return item && new List(new Field('item', item, true))
  }
  if (DataType.isStruct(a) && DataType.isStruct(b)) return unifyStructs(a, b)
  return a.typeId === b.typeId ? a : undefined
}

function unifyStructs(a: Struct, b: Struct): Struct | undefined {
  const fields = new Map(a.children.map(field => [field.name, field.type as DataType]))
  for (const { name, type } of b.children) {
    const both = fields.has(name) ? unifyJson(fields.get(name), type as DataType) : (type as DataType)
    if (!both) return undefined
    fields.set(name, both)
  }
  return new Struct([...fields].map(([name, type]) => new Field(name, type, true)))
}

/** What an object has itself under a name, whatever all objects have. */
export const own = (object: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined

/** The type of one JSON value; undefined where a list or object holds values that disagree. */
export function typeOfValue(value: unknown): DataType | undefined {
  if (value === null || value === undefined) return new Null()
  if (typeof value === 'string') return new Utf8()
  if (typeof value === 'number') return new Float64()
  if (typeof value === 'boolean') return new Bool()
  if (Array.isArray(value)) {
    const item = value.map(typeOfValue).reduce(unifyJson, new Null())
    return item && new List(new Field('item', item, true))
  }
  const fields = Object.entries(value as object).map(([name, inner]) => [name, typeOfValue(inner)] as const)
  return fields.some(([, type]) => !type)
    ? undefined
    : new Struct(fields.map(([name, type]) => new Field(name, type!, true)))
}

/**
 * A compact column of these values, null and undefined both null. The values must fit the type, one of those that
 * `typeOfValue` gives, or int64.
 */
export function fromValues(type: DataType, values: readonly unknown[]): Data {
  const { length } = values
  if (DataType.isNull(type)) return makeData({ type: new Null(), length })
  if (DataType.isUtf8(type)) return makeText(values.map(value => (value ?? null) as string | null))
  const nullBitmap = new Uint8Array((length + 7) >> 3)
  let nullCount = 0
  values.forEach((value, i) => {
    if (value === null || value === undefined) nullCount++
    else nullBitmap[i >> 3] |= 1 << (i & 7)
  })
  const base = { type, length, nullCount, ...(nullCount ? { nullBitmap } : {}) }
  if (DataType.isFloat(type)) {
    return makeData({ ...base, data: Float64Array.from(values, value => Number(value ?? 0)) } as never)
  }
  if (DataType.isInt(type)) {
    return makeData({
      ...base,
      data: BigInt64Array.from(values as (number | bigint | null)[], value => BigInt(value ?? 0)),
    } as never)
  }
  if (DataType.isBool(type)) {
    const data = new Uint8Array((length + 7) >> 3)
    values.forEach((value, i) => {
      if (value) data[i >> 3] |= 1 << (i & 7)
    })
    return makeData({ ...base, data } as never)
  }
  if (DataType.isList(type)) {
    const valueOffsets = new Int32Array(length + 1)
    const lists = values as readonly (readonly unknown[] | null | undefined)[]
    lists.forEach((list, i) => {
      valueOffsets[i + 1] = valueOffsets[i] + (list?.length ?? 0)
    })
    return makeData({
      ...base,
      valueOffsets,
      child: fromValues(
        type.children[0].type,
        lists.flatMap(list => list ?? []),
      ),
    } as never)
  }
  if (DataType.isStruct(type)) {
    const objects = values as readonly (Record<string, unknown> | null | undefined)[]
    return makeData({
      ...base,
      children: type.children.map(field =>
        fromValues(
          field.type,
          objects.map(object => (object ? own(object, field.name) : undefined)),
        ),
      ),
    } as never)
  }
  throw new Error(`a column of ${type} cannot be made of JavaScript values`)
}
