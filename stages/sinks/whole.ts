/**
 * Messages with all that they had: role and content, and what their source split off into `source_<side>_fields`, as
 * tool calls and reasoning. Each message is JSON: as structs of Arrow each call would have the arguments of all others,
 * as nulls that chat templates write.
 */
import { DataType, Field, List, makeData, Utf8, type Data, type RecordBatch } from 'apache-arrow'
import { encoder, messagesColumn, textColumn, type Message } from '../../engine/arrow/columns.ts'
import { Bytes } from '../../engine/arrow/json.ts'
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import { DataError } from '../../engine/errors.ts'
import { parseDigits, stringifyDigits } from '../../engine/source/json_digits.ts'

/** Lists of JSON, as `datasets` 4.7 and later read and write them. */
export const wholeType = new List(
  new Field(
    'item',
    new Utf8(),
    false,
    new Map([
      ['ARROW:extension:name', 'arrow.json'],
      ['ARROW:extension:metadata', ''],
    ]),
  ),
)
export const isWhole = (type: DataType): boolean =>
  DataType.isList(type) && type.children[0].metadata.get('ARROW:extension:name') === 'arrow.json'

/**
 * A side, or the prompt, of whole messages. Throws `<stage>: …` where what lies beside the messages of a row is of more
 * or fewer of them: a stage changed one and not the other.
 */
export function wholeMessages(stage: string, column: Data, batch: RecordBatch, side: string): Data {
  const messages = messagesColumn(column),
    { offsets, bytes, contentOffsets, roles, roleOffsets } = messages,
    beside = batch.getChild(`source_${side}_fields`)?.data[0],
    further = beside && textColumn(beside),
    calledIn = textCalls(batch),
    out = new Bytes(),
    ends = new Int32Array(offsets[column.length] + 1)
  for (let row = 0; row < column.length; row++) {
    const fields = further && !further.isNull(row) ? (parseDigits(further.text(row)) as (object | null)[]) : undefined,
      count = offsets[row + 1] - offsets[row]
    if (fields && fields.length !== count) {
      throw new DataError(
        `${stage}: ${side} of row '${batch.getChild('id')?.get(row)}' has ${count} messages, and source_${side}_fields are of ${fields.length}; a stage changed one of them alone: set format: conversational`,
      )
    }
    const said = (fields ?? calledIn) && messages.messages(row)
    for (let m = offsets[row]; m < offsets[row + 1]; m++) {
      const more = fields?.[m - offsets[row]],
        called = more ? undefined : calledIn?.(row, said![m - offsets[row]])
      if (called) {
        out.push(encoder.encode(stringifyDigits({ role: 'assistant', content: '', tool_calls: called })))
        ends[m + 1] = out.at
        continue
      }
      if (more) out.push(encoder.encode(stringifyDigits(withFields(said![m - offsets[row]], more))))
      else {
        out.ascii('{"role":')
        out.text(roles, roleOffsets[m], roleOffsets[m + 1])
        out.ascii(',"content":')
        out.text(bytes, contentOffsets[m], contentOffsets[m + 1])
        out.ascii('}')
      }
      ends[m + 1] = out.at
    }
  }
  const child = makeData({
    type: new Utf8(),
    length: ends.length - 1,
    nullCount: 0,
    valueOffsets: ends,
    data: out.data.slice(0, out.at),
  })
  return makeData({
    type: wholeType,
    length: column.length,
    nullCount: 0,
    valueOffsets: offsets.slice(0, column.length + 1),
    child,
  })
}

/**
 * The calls that the text of an assistant's message is, as LLaMA-Factory writes them: `{name, arguments}` alone, or a
 * list of these, of tools that the row has. Undefined where rows have no tools.
 */
function textCalls(batch: RecordBatch) {
  const tools = batch.getChild('tools')?.data[0]
  if (!tools) return undefined
  const namesIn = (row: number) =>
    [unpacked(jsonValueOf(tools, row)) ?? []].flat().map(tool => {
      const { name, function: own } = (unpacked(tool) ?? {}) as { name?: unknown; function?: { name?: unknown } }
      return name ?? own?.name
    })
  return (row: number, { role, content }: Message): object[] | undefined => {
    const said = role === 'assistant' ? unpacked(content) : content,
      calls = typeof said === 'string' ? [] : ([said].flat() as object[]),
      names = calls.length > 0 ? namesIn(row) : []
    const isCall = (one: unknown) =>
      typeof one === 'object' &&
      one !== null &&
      Object.keys(one).sort().join() === 'arguments,name' &&
      names.includes((one as { name: unknown }).name)
    return calls.length > 0 && calls.every(isCall)
      ? (callsOf(calls.map(call => ({ type: 'function', function: call }))) as object[])
      : undefined
  }
}

/**
 * A message as TRL takes it: calls are objects, and so are their arguments; the one call of OpenAI's old form is a list
 * of one; pictures stand before the text.
 */
function withFields({ role, content }: { role: string; content: string }, more: object): object {
  const { parts, function_call: old, tool_calls: own, ...others } = more as Readonly<Record<string, unknown>>,
    calls = own ?? (old === undefined ? undefined : [{ type: 'function', function: unpacked(old) }]),
    text = content === '' ? [] : [{ type: 'text', text: content }]
  return {
    role,
    content: Array.isArray(parts) ? [...(parts as unknown[]), ...text] : content,
    ...others,
    ...(own === undefined || old === undefined ? {} : { function_call: old }),
    ...(calls === undefined ? {} : { tool_calls: callsOf(calls) }),
  }
}

function callsOf(calls: unknown): unknown {
  const list = unpacked(calls)
  return Array.isArray(list)
    ? list.map(one => {
        const call = unpacked(one) as { readonly function?: { readonly arguments?: unknown } } | null
        const said = call?.function?.arguments
        return typeof said === 'string' ? { ...call, function: { ...call!.function, arguments: unpacked(said) } } : call
      })
    : calls
}

/** What JSON text of an object or a list says; others are as they are. */
function unpacked(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  try {
    return parseDigits(value)
  } catch {
    return value
  }
}
