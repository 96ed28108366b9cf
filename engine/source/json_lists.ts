/**
 * Lists of JSON objects, as `datasets` writes messages and tools of its type Json, and lists of maps, as Spark and
 * DuckDB write messages: each such list is one JSON text, and so has the form of messages in JSON text.
 */
import { DataType, type Data } from 'apache-arrow'
import { makeText, nullTest, textColumn } from '../arrow/columns.ts'
import { MESSAGE_NAMES } from '../parquet/schema.ts'
import { isTexts } from './turn_lists.ts'

/** Whether a column may hold such lists. */
export const mayBeJson = (type: DataType): boolean => isTexts(type) || isMaps(type)

/** A list of maps of texts. */
const isMaps = (type: DataType): boolean => {
  if (!DataType.isList(type) || !DataType.isList(type.children[0].type)) return false
  const entry = (type.children[0].type as DataType).children[0].type as DataType
  return (
    DataType.isStruct(entry) &&
    entry.children.map(({ name }) => name).join() === 'key,value' &&
    entry.children.every(child => DataType.isUtf8(child.type))
  )
}

/** Whether all items of a column's first rows are objects, those of maps messages, and there is one. */
export function areJsonLists(columns: readonly Data[]): boolean {
  let count = 0
  for (const column of columns) {
    const itemOf = itemsOf(column)
    for (let i = 0; i < (column.children[0] as Data).length; i++) {
      const item = itemOf(i)
      if (item === null) continue
      if (!isObject(item) || (isMaps(column.type as DataType) && !isMessage(item))) return false
      count++
    }
  }
  return count > 0
}

function isObject(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const isMessage = (text: string): boolean => {
  const object = JSON.parse(text) as object
  return MESSAGE_NAMES.some(names => names.every(name => Object.hasOwn(object, name)))
}

/** The text of each item of all lists, of a map as JSON. */
function itemsOf({ type, children: [items] }: Data): (i: number) => string | null {
  if (!isMaps(type as DataType)) {
    const texts = textColumn(items)
    return i => (texts.isNull(i) ? null : texts.text(i))
  }
  const isNull = nullTest(items),
    offsets = items.valueOffsets as Int32Array,
    [keys, values] = (items.children[0] as Data).children.map(column => textColumn(column as Data))
  return i =>
    isNull(i)
      ? null
      : JSON.stringify(
          Object.fromEntries(
            Array.from({ length: offsets[i + 1] - offsets[i] }, (_, k) => {
              const at = offsets[i] + k
              return [keys.text(at), values.isNull(at) ? null : values.text(at)]
            }),
          ),
        )
}

/** A column of such lists as one of JSON text: objects as they are, other texts as strings. */
export function joinLists(data: Data): Data {
  const isNull = nullTest(data),
    offsets = data.valueOffsets as Int32Array,
    itemOf = itemsOf(data)
  const jsonOf = (i: number): string => {
    const text = itemOf(i)
    return text === null ? 'null' : isObject(text) ? text : JSON.stringify(text)
  }
  return makeText(
    Array.from({ length: data.length }, (_, row) => {
      if (isNull(row)) return null
      const all = Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => jsonOf(offsets[row] + i))
      return `[${all.join(',')}]`
    }),
  )
}
