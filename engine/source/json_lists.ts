/**
 * Lists of JSON objects, as `datasets` writes messages and tools of its type Json: each such list is one JSON text, and
 * so has the form of messages in JSON text.
 */
import { DataType, type Data } from 'apache-arrow'
import { makeText, nullTest, textColumn } from '../arrow/columns.ts'

/** Whether all items of a column's first rows are objects, and there is one. */
export function areJsonLists(columns: readonly Data[]): boolean {
  let count = 0
  for (const { children, type } of columns) {
    if (!DataType.isList(type as DataType)) return false
    const items = textColumn((children as Data[])[0])
    for (let i = 0; i < items.rows; i++) {
      if (items.isNull(i)) continue
      if (!isObject(items.text(i))) return false
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

/** A column of lists of texts as one of JSON text: objects as they are, other texts as strings. */
export function joinLists(data: Data): Data {
  const isNull = nullTest(data),
    offsets = data.valueOffsets as Int32Array,
    items = textColumn((data.children as Data[])[0])
  const itemOf = (i: number): string => {
    if (items.isNull(i)) return 'null'
    const text = items.text(i)
    return isObject(text) ? text : JSON.stringify(text)
  }
  return makeText(
    Array.from({ length: data.length }, (_, row) => {
      if (isNull(row)) return null
      const all = Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => itemOf(offsets[row] + i))
      return `[${all.join(',')}]`
    }),
  )
}
