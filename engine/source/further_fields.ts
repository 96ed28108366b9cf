/** What belongs to a pair beside its texts, and tells equal texts apart: tool calls, reasoning, pictures, tools. */
import { DataType, type Data } from 'apache-arrow'
import { encoder, nullTest, textColumn } from '../arrow/columns.ts'
import { hash64 } from '../arrow/hash.ts'
import type { Batch } from '../arrow/flow.ts'
import { PART_NAMES } from './part_names.ts'

const MEDIA = ['images', 'image', 'videos', 'video', 'audios', 'audio']
/** Fields of a message that say something, by the names that servers and trainers use. */
const SAID = ['tool_calls', 'function_call', 'reasoning_content', 'reasoning', 'thinking', ...MEDIA, 'refusal']
const MAY_SAY = new RegExp(`"(${SAID.join('|')})"`)

/** Whether a column is of what messages had beside role and content, which their source split off. */
export const isFurther = (name: string): boolean => /^source_(prompt|chosen|rejected)_fields$/.test(name)

/** Columns that belong to the prompt: what the question is about, or what the answer may call. */
export const CONTEXT: readonly string[] = ['tools', 'documents', ...MEDIA, ...PART_NAMES]

/**
 * What the JSON of a message's further fields, or of a list of them, says beside the text: calls without their ids,
 * which each run draws anew. Empty where it says nothing.
 */
export function saidBeside(json: string | null): string {
  if (json === null || !MAY_SAY.test(json)) return ''
  const fields = parsed(json)
  // a user's column of that name that is no JSON is what it says
  if (typeof fields === 'string') return fields
  const said = (Array.isArray(fields) ? fields : [fields]).map(saidIn)
  return said.some(Boolean) ? JSON.stringify(said) : ''
}

function saidIn(fields: unknown): Record<string, unknown> | null {
  if (typeof fields !== 'object' || fields === null) return null
  const said = SAID.flatMap(name => {
    const value = parsed((fields as Record<string, unknown>)[name])
    const isNone = value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
    return isNone ? [] : [[name, name === 'tool_calls' ? withoutIds(value) : value] as const]
  })
  return said.length === 0 ? null : Object.fromEntries(said)
}

/** Lists of calls are also written as JSON text. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}

const withoutIds = (calls: unknown): unknown =>
  Array.isArray(calls)
    ? calls.map(call =>
        typeof call === 'object' && call !== null ? { ...(call as object), id: undefined, index: undefined } : call,
      )
    : calls

/** What a side's messages, or the prompt's, say beside their texts, a row each: see `saidBeside`. */
export function besideTexts(batch: Batch, side: 'prompt' | 'chosen' | 'rejected'): (row: number) => string {
  const name = `source_${side}_fields`
  if (!batch.has(name) || !DataType.isUtf8(batch.column(name).type)) return () => ''
  const fields = textColumn(batch.column(name))
  return row => (fields.isNull(row) ? '' : saidBeside(fields.text(row)))
}

/** Chains what `besideTexts` says of a row into `state`; nothing where it says nothing. */
export function hashBeside(batch: Batch, side: 'prompt' | 'chosen' | 'rejected') {
  const beside = besideTexts(batch, side)
  const isBoth = (name: string) => name.startsWith('source_both_'),
    names = [...CONTEXT.filter(name => batch.has(name)), ...batch.schema.names.map(String).filter(isBoth)],
    context = side === 'prompt' ? names.map(name => batch.column(name)) : []
  return (row: number, state: Uint32Array): void => {
    const said = beside(row)
    if (said !== '') hashBytes(encoder.encode(said), state)
    for (const column of context) hashValue(column, row, state)
  }
}

const hashBytes = (bytes: Uint8Array, state: Uint32Array): void => hash64(bytes, 0, bytes.length, state)

/** Chains a value of any type into `state`: nothing for null, else its bytes, or those of all that it holds. */
function hashValue(data: Data, row: number, state: Uint32Array): void {
  if (DataType.isNull(data.type) || nullTest(data)(row)) return
  const type = data.type as DataType,
    { valueOffsets: offsets, values, stride } = data as Data & { values: Uint8Array }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) hash64(values, offsets[row], offsets[row + 1], state)
  else if (DataType.isList(type) || DataType.isMap(type)) {
    hashBytes(Uint8Array.of(offsets[row + 1] - offsets[row]), state)
    for (let i = offsets[row]; i < offsets[row + 1]; i++) hashValue(data.children[0], i, state)
  } else if (DataType.isFixedSizeList(type)) {
    for (let i = row * type.listSize; i < (row + 1) * type.listSize; i++) hashValue(data.children[0], i, state)
  } else if (DataType.isStruct(type)) {
    data.children.forEach((child, c) => {
      // of two fields one may be null
      hashBytes(Uint8Array.of(c), state)
      hashValue(child, row, state)
    })
  } else if (DataType.isBool(type)) hashBytes(Uint8Array.of((values[row >> 3] >> (row & 7)) & 1), state)
  else {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    const size = stride * values.BYTES_PER_ELEMENT
    hash64(bytes, row * size, (row + 1) * size, state)
  }
}
