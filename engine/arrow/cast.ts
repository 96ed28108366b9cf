/** One type for a column that several files or inputs bring, and narrower columns read as that type. */
import {
  Field,
  Float64,
  Int64,
  List,
  makeData,
  Precision,
  Struct,
  Type as Id,
  type Data,
  type DataType,
  type Decimal,
  type Float,
  type Int,
  type Null,
} from 'apache-arrow'
import { nulls, nullTest } from './columns.ts'
import { DataError } from '../errors.ts'

/** A value that the wider type does not hold. Its message goes behind the name of the column. */
export class CastError extends DataError {}

const isInt = (type: DataType): type is Int => type.typeId === Id.Int
const isFloat = (type: DataType): type is Float =>
  type.typeId === Id.Float && (type as Float).precision !== Precision.HALF
const isNull = (type: DataType): type is Null => type.typeId === Id.Null

/** Equal in values: names and nullability of list items do not matter. */
export const sameType = (a: DataType, b: DataType): boolean =>
  a === b || (String(a) === String(b) && widthsOf(a) === widthsOf(b))
/** What a type's name leaves out: decimals of 128 and of 256 bits are called the same. */
const widthsOf = (type: DataType): string =>
  type.typeId === Id.Decimal
    ? String((type as Decimal).bitWidth)
    : (type.children ?? []).map(({ type }) => widthsOf(type as DataType)).join()

/**
 * The narrowest type that holds both: equal types stay, null joins anything, ints of different width become int64,
 * floats float64, an int and a float float64 (`castTo` refuses what it would round); lists and structs of the same
 * fields by their parts. Undefined where there is none, as of text and numbers.
 */
export function unify(a: DataType, b: DataType): DataType | undefined {
  if (a === b) return a
  if (isNull(a)) return b
  if (isNull(b)) return a
  if (a.typeId === Id.List && b.typeId === Id.List) {
    const item = unifyFields(a.children[0], b.children[0])
    return item && (item === a.children[0] ? a : new List(item))
  }
  if (a.typeId === Id.Struct && b.typeId === Id.Struct) {
    if (a.children.length !== b.children.length || a.children.some((child, i) => child.name !== b.children[i].name)) {
      return undefined
    }
    const fields = a.children.map((child, i) => unifyFields(child, b.children[i]))
    if (fields.some(field => !field)) return undefined
    return fields.every((field, i) => field === a.children[i]) ? a : new Struct(fields as Field[])
  }
  if (sameType(a, b)) return a
  if (isInt(a) && isInt(b)) return new Int64()
  return (isInt(a) || isFloat(a)) && (isInt(b) || isFloat(b)) ? new Float64() : undefined
}

/**
 * The field that holds both, by the name of the first: nullable when one is, or when one has only nulls. The first
 * itself when it holds both already.
 */
export function unifyFields(a: Field, b: Field): Field | undefined {
  const type = unify(a.type, b.type)
  if (!type) return undefined
  const nullable = a.nullable || b.nullable || isNull(a.type) || isNull(b.type)
  return type === a.type && nullable === a.nullable ? a : new Field(a.name, type, nullable)
}

/**
 * A column as the wider type that `unify` chose. Shares validity, offsets and whatever has the type already; equal
 * types give the same object. Throws when the type does not hold the column's, and a CastError for a uint64 above
 * the range of int64 and an integer that float64 would round.
 */
export function castTo(data: Data, type: DataType): Data {
  const from: DataType = data.type
  if (sameType(from, type)) return data
  if (isNull(from)) return nulls(type, data.length)
  const base = {
    type,
    length: data.length,
    nullCount: data.nullCount,
    ...(data.nullCount ? { nullBitmap: data.nullBitmap } : {}),
  }
  if (isInt(from) && isInt(type) && type.bitWidth === 64 && type.isSigned) {
    return makeData({ ...base, data: toInt64(data) } as never)
  }
  if ((isInt(from) || isFloat(from)) && isFloat(type) && type.precision === Precision.DOUBLE) {
    return makeData({ ...base, data: toFloat64(data) } as never)
  }
  if (from.typeId === Id.List && type.typeId === Id.List) {
    return makeData({
      ...base,
      valueOffsets: data.valueOffsets,
      child: castTo(data.children[0], type.children[0].type),
    } as never)
  }
  if (from.typeId === Id.Struct && type.typeId === Id.Struct && from.children.length === type.children.length) {
    return makeData({
      ...base,
      children: data.children.map((child, i) => castTo(child, type.children[i].type)),
    } as never)
  }
  throw new Error(`cast: a column of type ${from} cannot be read as ${type}`)
}

function toFloat64(data: Data): Float64Array {
  const values = data.values as Float32Array | Int32Array | BigInt64Array
  if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) return Float64Array.from(values)
  const out = new Float64Array(data.length),
    isNull = nullTest(data)
  for (let i = 0; i < out.length; i++) {
    out[i] = Number(values[i])
    // what lies below a null is nothing
    if (Math.abs(out[i]) > Number.MAX_SAFE_INTEGER && BigInt(out[i]) !== values[i] && !isNull(i)) {
      throw new CastError(
        `holds ${values[i]}, and is float64 elsewhere, which would make ${BigInt(out[i])} of it; write the column as text in all files, or as int64 in all`,
      )
    }
  }
  return out
}

const largest = 0x7fff_ffff_ffff_ffffn

function toInt64(data: Data): BigInt64Array {
  const values = data.values as Int32Array | BigUint64Array
  const out = new BigInt64Array(data.length)
  if (!(values instanceof BigUint64Array)) {
    for (let i = 0; i < out.length; i++) out[i] = BigInt(values[i])
    return out
  }
  const isNull = nullTest(data)
  for (let i = 0; i < out.length; i++) {
    if (values[i] > largest && !isNull(i)) {
      throw new CastError(
        `holds ${values[i]}, and is of another type elsewhere: int64, which would hold both, ends at ${largest}; write the column as text in all files, or as uint64 in all`,
      )
    }
    out[i] = values[i]
  }
  return out
}
