/** Bytes of Arrow columns that are text in preference data, as read_parquet takes them: ids, sides, messages, UUIDs. */
import { DataType, Field, List, makeData, Struct, Utf8, type Data } from 'apache-arrow'
import { expandUuids } from '../parquet/convert.ts'
import { MESSAGE_NAMES, TEXT_COLUMNS } from '../parquet/schema.ts'
import { emptyNulls, plainField } from './plain.ts'

/** A field as `plain` makes it, with text in the place of such bytes. `field`: as it lies in the file. */
export function textField(field: Field): Field {
  const plain = plainField(field)
  return new Field(plain.name, textType(plain.type, field, TEXT_COLUMNS.has(field.name)), plain.nullable)
}

function textType(type: DataType, field: Field, isInside: boolean): DataType {
  if (isUuid(field)) return new Utf8()
  if (DataType.isBinary(type) && isInside) return new Utf8()
  // of a dictionary the fields are those of its values
  const inner = DataType.isDictionary(field.type) ? field.type.dictionary.children : (field.type as DataType).children
  const below = (child: Field, i: number, isText = isInside) =>
    new Field(
      child.name,
      textType(child.type as DataType, (inner?.[i] as Field | undefined) ?? child, isText),
      child.nullable,
    )
  if (DataType.isList(type)) return new List(below(type.children[0], 0))
  if (!DataType.isStruct(type)) return type
  const message = MESSAGE_NAMES.find(names =>
    names.every(name => type.children.some(child => child.name === name && DataType.isBinary(child.type))),
  )
  return new Struct(type.children.map((child, i) => below(child, i, isInside || message?.includes(child.name))))
}

export const isUuid = ({ type, metadata }: Field): boolean =>
  metadata.get('ARROW:extension:name') === 'arrow.uuid' && DataType.isFixedSizeBinary(type) && type.byteWidth === 16

/** A plain column as the type that `textField` gives it. */
export function asText(data: Data, type: DataType): Data {
  const { length, nullCount, nullBitmap } = data,
    base = { type, length, nullCount, ...(nullCount > 0 ? { nullBitmap } : {}) }
  if (DataType.isUtf8(type)) {
    if (DataType.isBinary(data.type)) {
      return makeData({ ...base, valueOffsets: data.valueOffsets, data: data.values as Uint8Array } as never)
    }
    return DataType.isFixedSizeBinary(data.type)
      ? emptyNulls(makeData({ ...base, ...expandUuids(data.values as Uint8Array) } as never))
      : data
  }
  if (DataType.isList(type)) {
    const child = asText(data.children[0], type.children[0].type)
    return child === data.children[0] ? data : makeData({ ...base, valueOffsets: data.valueOffsets, child } as never)
  }
  if (!DataType.isStruct(type)) return data
  const children = data.children.map((child, i) => asText(child, type.children[i].type as DataType))
  return children.every((child, i) => child === data.children[i]) ? data : makeData({ ...base, children } as never)
}
