/**
 * Messages whose content is a list of parts, text and pictures and others: their texts joined, the others as JSON.
 * A part says its type, or is known by its field alone, as those of Gemini and Bedrock.
 */
import { DataType, type Data } from 'apache-arrow'
import { makeText, nullTest } from '../arrow/columns.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { stringifyDigits } from './json_digits.ts'

/** Whether a column holds lists of parts: objects with a text. */
export const isParts = (type: DataType): boolean =>
  DataType.isList(type) &&
  DataType.isStruct(type.children[0].type as DataType) &&
  (type.children[0].type as DataType).children.some(
    (field: { name: string; type: DataType }) => field.name === 'text' && DataType.isUtf8(field.type),
  )

/**
 * The texts of a list of parts, one behind the other as chat templates put them, and the other parts; undefined where
 * it is no list of parts.
 */
export function joinParts(value: unknown): { text: string; others: readonly unknown[] } | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  let text = ''
  const others: unknown[] = []
  for (const part of value as unknown[]) {
    if (typeof part !== 'object' || part === null) return undefined
    const fields = Object.entries(part).filter(([, value]) => value !== null),
      { type, text: said } = Object.fromEntries(fields) as { readonly type?: unknown; readonly text?: unknown },
      isText = type === 'text' || (type === undefined && fields.length === 1)
    if (isText && typeof said === 'string') text += said
    else if (
      type === undefined ? said === undefined && fields.length > 0 : typeof type === 'string' && type !== 'text'
    ) {
      others.push(Object.fromEntries(fields))
    } else return undefined
  }
  return { text, others }
}

/** A column of parts as text, and of each message the JSON of its other parts, null where it has none. */
export function readParts(data: Data): { texts: Data; others: (string | null)[] } {
  const isNull = nullTest(data)
  const all = Array.from({ length: data.length }, (_, m) => (isNull(m) ? undefined : joinParts(jsonValueOf(data, m))))
  return {
    texts: makeText(all.map(one => one?.text ?? null)),
    others: all.map(one => (one && one.others.length > 0 ? stringifyDigits(one.others) : null)),
  }
}
