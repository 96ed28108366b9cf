/**
 * What a footer, a page header or a page index must be before hyparquet is asked to read it: that library believes
 * every length, nests as deep as the bytes say and takes fields of any type. A walk over the bytes of Thrift's compact
 * protocol, which makes nothing of them.
 */

const BOOL = 1,
  I8 = 3,
  I16 = 4,
  I32 = 5,
  I64 = 6,
  DOUBLE = 7,
  BINARY = 8,
  LIST = 9,
  STRUCT = 12
const NAMES: Readonly<Record<number, string>> = {
  [BOOL]: 'bool',
  [I8]: 'i8',
  [I16]: 'i16',
  [I32]: 'i32',
  [I64]: 'i64',
  [DOUBLE]: 'double',
  [BINARY]: 'binary',
  [LIST]: 'list',
  [STRUCT]: 'struct',
}

/**
 * A field: its name (with `!` where it must be there), its type, and of a list or struct what is in it. Fields that a
 * shape does not name may be of any type.
 */
type Field = readonly [name: string, type: number, inner?: Shape | number]
type Shape = Readonly<Record<number, Field>>

const ANY: Shape = {}

/** Deeper than anything in the format (7), with room for fields to come. */
const MOST_DEPTH = 32
/** Values in one footer: those of some 300,000 column chunks; hyparquet takes about 100 bytes for each. */
const MOST_VALUES = 1 << 23
/** Fields of one struct; the format's largest has 17. */
const MOST_FIELDS = 256

// as in parquet.thrift; statistics are named as far as they are used
const STATISTICS: Shape = {
  1: ['max', BINARY],
  2: ['min', BINARY],
  3: ['null_count', I64],
  4: ['distinct_count', I64],
  5: ['max_value', BINARY],
  6: ['min_value', BINARY],
}
const KEY_VALUE: Shape = { 1: ['key!', BINARY], 2: ['value', BINARY] }
const TIME: Shape = {
  1: ['isAdjustedToUTC!', BOOL],
  2: ['unit!', STRUCT, { 1: ['MILLIS', STRUCT], 2: ['MICROS', STRUCT], 3: ['NANOS', STRUCT] }],
}
const LOGICAL: Shape = {
  5: ['DECIMAL', STRUCT, { 1: ['scale!', I32], 2: ['precision!', I32] }],
  7: ['TIME', STRUCT, TIME],
  8: ['TIMESTAMP', STRUCT, TIME],
  10: ['INTEGER', STRUCT, { 1: ['bitWidth!', I8], 2: ['isSigned!', BOOL] }],
  17: ['GEOMETRY', STRUCT, { 1: ['crs', BINARY] }],
  18: ['GEOGRAPHY', STRUCT, { 1: ['crs', BINARY], 2: ['algorithm', I32] }],
}
const SCHEMA_ELEMENT: Shape = {
  1: ['type', I32],
  2: ['type_length', I32],
  3: ['repetition_type', I32],
  4: ['name!', BINARY],
  5: ['num_children', I32],
  6: ['converted_type', I32],
  7: ['scale', I32],
  8: ['precision', I32],
  9: ['field_id', I32],
  10: ['logicalType', STRUCT, LOGICAL],
}
const COLUMN_META: Shape = {
  1: ['type!', I32],
  2: ['encodings', LIST, I32],
  3: ['path_in_schema!', LIST, BINARY],
  4: ['codec!', I32],
  5: ['num_values!', I64],
  6: ['total_uncompressed_size!', I64],
  7: ['total_compressed_size!', I64],
  8: ['key_value_metadata', LIST, KEY_VALUE],
  9: ['data_page_offset!', I64],
  10: ['index_page_offset', I64],
  11: ['dictionary_page_offset', I64],
  12: ['statistics', STRUCT, STATISTICS],
  13: ['encoding_stats', LIST, {}],
  16: ['size_statistics', STRUCT, { 1: ['unencoded_byte_array_data_bytes', I64] }],
}
const COLUMN_CHUNK: Shape = {
  1: ['file_path', BINARY],
  2: ['file_offset', I64],
  3: ['meta_data', STRUCT, COLUMN_META],
  4: ['offset_index_offset', I64],
  5: ['offset_index_length', I32],
}
const ROW_GROUP: Shape = {
  1: ['columns!', LIST, COLUMN_CHUNK],
  2: ['total_byte_size', I64],
  3: ['num_rows!', I64],
  4: ['sorting_columns', LIST, {}],
  5: ['file_offset', I64],
  6: ['total_compressed_size', I64],
  7: ['ordinal', I16],
}
export const FOOTER: Shape = {
  1: ['version', I32],
  2: ['schema!', LIST, SCHEMA_ELEMENT],
  3: ['num_rows!', I64],
  4: ['row_groups!', LIST, ROW_GROUP],
  5: ['key_value_metadata', LIST, KEY_VALUE],
  6: ['created_by', BINARY],
}
export const PAGE_HEADER: Shape = {
  1: ['type!', I32],
  2: ['uncompressed_page_size!', I32],
  3: ['compressed_page_size!', I32],
  4: ['crc', I32],
  5: [
    'data_page_header',
    STRUCT,
    {
      1: ['num_values!', I32],
      2: ['encoding!', I32],
      3: ['definition_level_encoding!', I32],
      4: ['repetition_level_encoding!', I32],
      5: ['statistics', STRUCT, STATISTICS],
    },
  ],
  7: ['dictionary_page_header', STRUCT, { 1: ['num_values!', I32], 2: ['encoding!', I32] }],
  8: [
    'data_page_header_v2',
    STRUCT,
    {
      1: ['num_values!', I32],
      2: ['num_nulls!', I32],
      3: ['num_rows!', I32],
      4: ['encoding!', I32],
      5: ['definition_levels_byte_length!', I32],
      6: ['repetition_levels_byte_length!', I32],
      7: ['is_compressed', BOOL],
      8: ['statistics', STRUCT, STATISTICS],
    },
  ],
}
export const OFFSET_INDEX: Shape = {
  1: [
    'page_locations!',
    LIST,
    { 1: ['offset!', I64], 2: ['compressed_page_size!', I32], 3: ['first_row_index!', I64] },
  ],
}

const required = new Map<Shape, readonly number[]>()

/** The fields of a shape that must be there. */
function requiredOf(shape: Shape): readonly number[] {
  let found = required.get(shape)
  if (!found) {
    required.set(
      shape,
      (found = Object.keys(shape)
        .map(Number)
        .filter(id => shape[id][0].endsWith('!'))),
    )
  }
  return found
}

/** The bytes end before the struct does: there may be more of it. */
const CUT = Symbol('cut')

/**
 * Where the struct of this shape that begins at byte `from` ends; undefined when the bytes end before it does. Throws
 * one line for what can be no such struct.
 */
export function endOfStruct(bytes: Uint8Array, from: number, shape: Shape): number | undefined {
  let at = from,
    values = 0
  const byte = (): number => {
    if (at >= bytes.length) throw CUT
    return bytes[at++]
  }
  const number = (): number => {
    let value = 0,
      scale = 1
    for (let i = 0; i < 10; i++, scale *= 128) {
      const part = byte()
      value += (part & 127) * scale
      if (part < 128) return value
    }
    throw new Error(`the number at byte ${at - 10 - from} is longer than ten bytes`)
  }
  const skip = (size: number): void => {
    if (size > bytes.length - at) throw CUT
    at += size
  }
  /** names of fields and places in lists on the way to where the walk is */
  const path: (string | number)[] = []
  const here = (...more: readonly string[]): string =>
    [...path, ...more]
      .reduce<string>(
        (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}${text ? '.' : ''}${step}`),
        '',
      )
      .replaceAll('!', '') || 'it'
  const value = (type: number, inner: Field[2]): void => {
    if (++values > MOST_VALUES) throw new Error(`more than ${MOST_VALUES} values, the most that are read`)
    if (path.length > MOST_DEPTH) throw new Error(`nested deeper than ${MOST_DEPTH} levels`)
    switch (type) {
      case BOOL:
      case I8:
        return skip(1)
      case I16:
      case I32:
      case I64:
        number()
        return
      case DOUBLE:
        return skip(8)
      case BINARY:
        return skip(number())
      case LIST:
        return list(inner)
      case STRUCT:
        return struct(typeof inner === 'object' ? inner : ANY)
      default:
        throw new Error(`${here()} is of type ${type}, which the format does not use`)
    }
  }
  const list = (inner: Field[2]): void => {
    const head = byte(),
      type = (head & 15) === 2 ? BOOL : head & 15
    const size = head >> 4 === 15 ? number() : head >> 4
    const wanted = typeof inner === 'object' ? STRUCT : inner
    // an empty list may say anything of what it does not hold
    if (size > 0 && wanted !== undefined && type !== wanted) {
      throw new Error(`${here()} holds ${NAMES[type] ?? type}, not ${NAMES[wanted]}`)
    }
    if (values + size > MOST_VALUES) {
      throw new Error(`${here()} has ${size} items, and ${MOST_VALUES} values are the most that are read`)
    }
    // each takes a byte at least
    if (size > bytes.length - at) throw CUT
    for (let i = 0; i < size; i++) {
      path.push(i)
      value(type, inner)
      path.pop()
    }
  }
  const struct = (fields: Shape): void => {
    // the fields seen, a bit each: those of the format are below 32
    let seen = 0,
      count = 0
    for (let id = 0; ;) {
      const head = byte(),
        type = (head & 15) === 2 ? BOOL : head & 15
      if (type === 0) break
      if (head >> 4) id += head >> 4
      else {
        const zigzag = number()
        id = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
      }
      const field = fields[id] as Field | undefined,
        name = field?.[0] ?? `field ${id}`
      if (++count > MOST_FIELDS) throw new Error(`${here()} has more than ${MOST_FIELDS} fields`)
      if (field) {
        if (type !== field[1]) throw new Error(`${here(name)} is ${NAMES[type] ?? type}, not ${NAMES[field[1]]}`)
        if (seen & (1 << id)) throw new Error(`${here(name)} is there twice`)
        seen |= 1 << id
      }
      // the value of a bool field is in its head
      if (type === BOOL) continue
      path.push(name)
      value(type, field?.[2])
      path.pop()
    }
    for (const id of requiredOf(fields)) if (!(seen & (1 << id))) throw new Error(`${here(fields[id][0])} is missing`)
  }
  try {
    struct(shape)
    return at
  } catch (error) {
    if (error === CUT) return undefined
    throw error
  }
}
