/**
 * Arrow columns as parquetjs-lite takes them: the field of its schema, values by row, and which values it cannot hold.
 */
import {
  DataType,
  Precision,
  TimeUnit,
  type Data,
  type Field,
  type FixedSizeBinary,
  type FixedSizeList,
} from 'apache-arrow'
import type { ParquetField } from 'parquetjs-lite'
import { nullTest } from '../../engine/arrow/columns.ts'
import { Bytes, jsonWriter } from '../../engine/arrow/json.ts'

export type Compression = 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY'

/**
 * The Parquet field of an Arrow type; undefined where parquetjs-lite has none (decimals, durations, times finer than
 * milliseconds, structs without fields).
 */
export function parquetField(type: DataType, nullable: boolean, compression: Compression): ParquetField | undefined {
  const leaf = (name: ParquetField['type'], optional = nullable): ParquetField => ({
    type: name,
    optional,
    compression,
    statistics: false,
  })
  if (DataType.isNull(type)) return leaf('UTF8', true)
  if (DataType.isUtf8(type)) return leaf('UTF8')
  if (DataType.isBinary(type) || DataType.isFixedSizeBinary(type)) return leaf('BYTE_ARRAY')
  if (DataType.isBool(type)) return leaf('BOOLEAN')
  if (DataType.isInt(type)) return leaf(ints[`${type.isSigned ? '' : 'u'}${type.bitWidth}`])
  // NaN becomes null
  if (DataType.isFloat(type)) return leaf(type.precision === Precision.DOUBLE ? 'DOUBLE' : 'FLOAT', true)
  if (DataType.isDate(type)) return leaf('DATE')
  if (DataType.isTime(type)) return type.unit <= TimeUnit.MILLISECOND ? leaf('TIME_MILLIS') : undefined
  if (DataType.isTimestamp(type)) {
    return leaf(type.unit <= TimeUnit.MILLISECOND ? 'TIMESTAMP_MILLIS' : 'TIMESTAMP_MICROS')
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const element = parquetField(type.children[0].type, type.children[0].nullable, compression)
    return element && { type: 'LIST', optional: nullable, fields: { list: { repeated: true, fields: { element } } } }
  }
  if (DataType.isStruct(type) && type.children.length > 0) {
    const fields = type.children.map(
      child => [child.name, parquetField(child.type, child.nullable, compression)] as const,
    )
    return fields.some(([, field]) => !field)
      ? undefined
      : { optional: nullable, fields: Object.fromEntries(fields) as Record<string, ParquetField> }
  }
  return undefined
}
// its 32-bit unsigned writer ends at 2^31
const ints: Readonly<Record<string, ParquetField['type']>> = {
  8: 'INT_8',
  16: 'INT_16',
  32: 'INT32',
  64: 'INT64',
  u8: 'UINT_8',
  u16: 'UINT_16',
  u32: 'INT64',
  u64: 'UINT_64',
}

/**
 * The first column, or field of one, that parquetjs-lite would lose: it keeps columns in an object, by the names on the
 * way to each with commas between.
 */
export function lostName(fields: readonly Field[]): string | undefined {
  const seen = new Set<string>()
  const lost = (name: string, type: DataType, above: string): string | undefined => {
    const path = `${above}${name}`
    if (name === '__proto__' || seen.has(path)) return path
    seen.add(path)
    const isList = DataType.isList(type) || DataType.isFixedSizeList(type)
    if (isList) seen.add(`${path},list`)
    const children: readonly Field[] = type.children ?? []
    return children
      .map(child => (isList ? lost('element', child.type, `${path},list,`) : lost(child.name, child.type, `${path},`)))
      .find(name => name !== undefined)
  }
  return fields.map(({ name, type }) => lost(name, type, '')).find(name => name !== undefined)
}

/**
 * Reads values of a column by row as `parquetField` describes them; null is undefined. Texts and bytes are views of the
 * column.
 */
export function parquetReader(data: Data): (row: number) => unknown {
  const read = plainReader(data)
  if (data.nullCount === 0) return read
  const isNull = nullTest(data)
  return row => (isNull(row) ? undefined : read(row))
}

function plainReader(data: Data): (row: number) => unknown {
  const type: DataType = data.type
  const { values } = data
  if (DataType.isNull(type)) return () => undefined
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    const offsets = data.valueOffsets as Int32Array
    return row => (values as Uint8Array).subarray(offsets[row], offsets[row + 1])
  }
  if (DataType.isFixedSizeBinary(type)) {
    const width = (type as FixedSizeBinary).byteWidth
    return row => (values as Uint8Array).subarray(row * width, (row + 1) * width)
  }
  if (DataType.isBool(type)) return row => ((values as Uint8Array)[row >> 3] & (1 << (row & 7))) !== 0
  if (DataType.isInt(type)) return row => Number((values as Int32Array)[row])
  if (DataType.isFloat(type)) {
    return row => {
      const value = (values as Float64Array)[row]
      return Number.isNaN(value) ? undefined : value
    }
  }
  if (DataType.isDate(type)) return row => dateOf(data, row)
  if (DataType.isTime(type)) {
    const scale = type.unit === TimeUnit.SECOND ? 1000 : 1
    return row => (values as Int32Array)[row] * scale
  }
  if (DataType.isTimestamp(type)) return row => instant((values as BigInt64Array)[row], type.unit)
  if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array,
      item = parquetReader(data.children[0])
    return row => list(item, offsets[row], offsets[row + 1])
  }
  if (DataType.isFixedSizeList(type)) {
    const size = (type as FixedSizeList).listSize,
      item = parquetReader(data.children[0])
    return row => list(item, row * size, (row + 1) * size)
  }
  const names = type.children.map(({ name }) => name),
    readers = data.children.map(parquetReader)
  return row => {
    const value: Record<string, unknown> = {}
    for (let i = 0; i < names.length; i++) value[names[i]] = readers[i](row)
    return value
  }
}

function list(item: (row: number) => unknown, from: number, to: number): { list: { element: unknown }[] } {
  const elements: { element: unknown }[] = []
  for (let i = from; i < to; i++) elements.push({ element: item(i) })
  return { list: elements }
}

const dateOf = ({ values }: Data, row: number): Date =>
  new Date(values instanceof Int32Array ? values[row] * 86_400_000 : Number((values as BigInt64Array)[row]))

/**
 * A Date for milliseconds, and for microseconds before 1970, which the library takes in no other form; else
 * microseconds.
 */
function instant(value: bigint, unit: TimeUnit): Date | bigint {
  if (unit === TimeUnit.SECOND) return new Date(Number(value) * 1000)
  if (unit === TimeUnit.MILLISECOND) return new Date(Number(value))
  const micros = unit === TimeUnit.NANOSECOND ? value / 1000n : value
  return micros < 0n ? new Date(Number(micros / 1000n)) : micros
}

/** The column as JSON texts, one a row; null is undefined. */
export function jsonReader(data: Data): (row: number) => Uint8Array | undefined {
  const out = new Bytes(),
    write = jsonWriter(data, out),
    isNull = nullTest(data)
  return row => {
    if (isNull(row)) return undefined
    out.at = 0
    write(row)
    return out.data.slice(0, out.at)
  }
}

/**
 * A value that `parquetReader` cannot give unchanged: its place in the column (undefined inside lists and structs) and
 * how to name it.
 */
export interface Misfit {
  readonly row?: number
  readonly value: string
}

/**
 * The first value of a column that parquetjs-lite cannot hold: integers beyond 2^53, nanoseconds, microseconds before
 * 1970, dates beyond what JavaScript knows. Looks at integers, dates and timestamps only; the column's type has a
 * Parquet field.
 */
export function misfit(data: Data): Misfit | undefined {
  const type: DataType = data.type
  const { values, length } = data
  const isNull = nullTest(data)
  if (DataType.isInt(type) && type.bitWidth === 64) {
    const whole = values as BigInt64Array
    for (let i = 0; i < length; i++) {
      if ((whole[i] > MOST || whole[i] < -MOST) && !isNull(i)) {
        return { row: i, value: `the integer ${whole[i]}, beyond 2^53` }
      }
    }
  } else if (DataType.isTimestamp(type)) {
    const whole = values as BigInt64Array
    for (let i = 0; i < length; i++) {
      const form = instant(whole[i], type.unit)
      const fits =
        form instanceof Date
          ? BigInt(form.getTime() || 0) * scales[type.unit][0] === whole[i] * scales[type.unit][1]
          : type.unit !== TimeUnit.NANOSECOND || whole[i] % 1000n === 0n
      if (!fits && !isNull(i)) {
        return {
          row: i,
          value: `the timestamp ${whole[i]} (${TimeUnit[type.unit].toLowerCase()}s since 1970), finer or further than it can hold`,
        }
      }
    }
  } else if (DataType.isDate(type)) {
    for (let i = 0; i < length; i++) {
      if (!isNull(i) && Number.isNaN(dateOf(data, i).getTime())) {
        return { row: i, value: `the date ${(values as Int32Array)[i]} (days since 1970), beyond the calendar` }
      }
    }
  }
  for (const child of data.children) {
    const found = misfit(child)
    if (found) return { value: found.value }
  }
  return undefined
}
const MOST = BigInt(Number.MAX_SAFE_INTEGER)
/** How many of the unit a millisecond has, and how many milliseconds the unit has. */
const scales: Readonly<Record<TimeUnit, readonly [bigint, bigint]>> = {
  [TimeUnit.SECOND]: [1n, 1000n],
  [TimeUnit.MILLISECOND]: [1n, 1n],
  [TimeUnit.MICROSECOND]: [1000n, 1n],
  [TimeUnit.NANOSECOND]: [1_000_000n, 1n],
}
