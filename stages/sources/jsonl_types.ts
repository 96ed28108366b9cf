/**
 * Types of lists and objects in JSON. Where a field of a message beside its role and text has objects, or values that
 * disagree, the field alone is JSON text: only role and text need a type, and a type of objects has the keys of all. So
 * are the tools of an object.
 */
import { Bool, DataType, Field, Float64, List, Null, Struct, Utf8 } from 'apache-arrow'
import { isJsonText, jsonTextField } from '../../engine/arrow/json.ts'
import { MESSAGE_NAMES } from '../../engine/parquet/schema.ts'

/** Names of role and text where fields are those of a message. */
const messageOf = (has: (name: string) => boolean): readonly string[] | undefined =>
  MESSAGE_NAMES.find(names => names.every(has))

/** The type of one JSON value; undefined where values in it disagree. */
export function typeOf(value: unknown): DataType | undefined {
  if (value === null || value === undefined) return new Null()
  if (typeof value === 'string') return new Utf8()
  if (typeof value === 'number') return new Float64()
  if (typeof value === 'boolean') return new Bool()
  if (Array.isArray(value)) {
    const item = value.map(typeOf).reduce(joinTypes, new Null())
    return item && new List(new Field('item', item, true))
  }
  const message = messageOf(name => Object.hasOwn(value as object, name)),
    fields: Field[] = []
  for (const [name, inner] of Object.entries(value as object)) {
    const field = fieldOf(name, typeOf(inner), message)
    if (!field) return undefined
    fields.push(field)
  }
  return new Struct(fields)
}

function fieldOf(name: string, type: DataType | undefined, message: readonly string[] | undefined): Field | undefined {
  // schemas of tools as one type would have the parameters of all, as nulls that chat templates write
  const isFurther = name === 'tools' || (message !== undefined && !message.includes(name))
  if (isFurther && (!type || hasObjects(type))) return jsonTextField(name)
  return type && new Field(name, type, true)
}

const hasObjects = (type: DataType): boolean =>
  DataType.isStruct(type) || (DataType.isList(type) && hasObjects(type.children[0].type as DataType))

/** The type that holds the values of both; undefined where there is none. The first itself where it holds them. */
export function joinTypes(a: DataType | undefined, b: DataType | undefined): DataType | undefined {
  if (!a || !b) return undefined
  if (DataType.isNull(a)) return b
  if (DataType.isNull(b) || a === b) return a
  if (DataType.isList(a) && DataType.isList(b)) {
    const item = joinTypes(a.children[0].type, b.children[0].type)
    return item && (item === a.children[0].type ? a : new List(new Field('item', item, true)))
  }
  if (DataType.isStruct(a) && DataType.isStruct(b)) return joinStructs(a, b)
  return a.typeId === b.typeId ? a : undefined
}

function joinStructs(a: Struct, b: Struct): Struct | undefined {
  const fields = new Map<string, Field>(a.children.map(field => [field.name, field]))
  const message = messageOf(name => fields.has(name) || b.children.some(field => field.name === name))
  let isSame = true
  for (const field of b.children) {
    const known = fields.get(field.name)
    if (known && isJsonText(known)) continue
    const type = known && !isJsonText(field) ? joinTypes(known.type, field.type as DataType) : undefined
    if (type !== undefined && type === known?.type) continue
    const joined = known ? fieldOf(field.name, type, message) : field
    if (!joined) return undefined
    fields.set(field.name, joined)
    isSame = false
  }
  return isSame ? a : new Struct([...fields.values()])
}

/**
 * What has only been null so far is taken for text; undefined for an object without fields, which no column can hold.
 */
export function settled(type: DataType): DataType | undefined {
  if (DataType.isNull(type)) return new Utf8()
  if (DataType.isList(type)) {
    const item = settled(type.children[0].type)
    return item && new List(new Field('item', item, true))
  }
  if (!DataType.isStruct(type)) return type
  const message = messageOf(name => type.children.some(field => field.name === name)),
    fields = type.children.map(field =>
      isJsonText(field) ? field : fieldOf(field.name, settled(field.type as DataType), message),
    )
  return fields.length === 0 || fields.some(field => !field) ? undefined : new Struct(fields as Field[])
}

export const countFields = (type: DataType): number =>
  (type.children ?? []).reduce((sum, field) => sum + countFields(field.type as DataType), 1)

/** Whether some field of a type is JSON text. */
export const hasJsonText = (type: DataType): boolean =>
  ((type.children ?? []) as Field[]).some(field => isJsonText(field) || hasJsonText(field.type as DataType))

/** A value of such a type, with the JSON of the fields that are text. */
export function withJsonText(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return value
  if (DataType.isList(type)) return (value as unknown[]).map(item => withJsonText(item, type.children[0].type))
  if (!DataType.isStruct(type)) return value
  const fields = new Map(type.children.map(field => [field.name, field]))
  return Object.fromEntries(
    Object.entries(value as object).map(([name, inner]) => {
      const field = fields.get(name)!
      if (isJsonText(field)) return [name, inner === null ? null : JSON.stringify(inner)]
      return [name, withJsonText(inner, field.type as DataType)]
    }),
  )
}
