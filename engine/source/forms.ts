/** How the text of a prompt or a side lies in a column, and each of those ways as a messages column. */
import { isUtf8 } from 'node:buffer'
import { DataType, type Data, type Field, type List } from 'apache-arrow'
import {
  concat,
  decoder,
  encoder,
  makeMessages,
  makeText,
  messagesColumn,
  messagesFromBuffers,
  nullTest,
  take,
  textColumn,
  type Message,
  type TextColumn,
} from '../arrow/columns.ts'
import { Bytes, fieldWriter, notJson } from '../arrow/json.ts'
import { MESSAGE_NAMES } from '../parquet/schema.ts'
import { textFromBytes } from './ids.ts'
import { whatIsLost, mostKeys, MOST_NESTING, parseDigits, stringifyDigits } from './json_digits.ts'
import { mayHaveNan, withoutNan } from './json_nan.ts'
import { isParts, joinParts, readParts } from './parts.ts'
import type { Form, Turns } from './turns.ts'
import { mayBeTagged, readTagged, templateOf } from './tagged.ts'
import { readTranscripts } from './transcripts.ts'
import { isTexts, isTextsJson, readTurnLists } from './turn_lists.ts'

/** Roles of messages that are no {role, content} by the names of trainers; others stay as they are. */
const ROLES = new Map([
  ['human', 'user'],
  ['prompter', 'user'],
  ['gpt', 'assistant'],
  ['model', 'assistant'],
  ['bot', 'assistant'],
  ['observation', 'tool'],
  ['function_call', 'assistant'],
])

/** The names under which a struct has a message's role and text, if it is a message. */
export function messageNames(type: DataType): readonly [string, string] | undefined {
  if (!DataType.isStruct(type)) return undefined
  const has = (name: string, fits: (type: DataType) => boolean) =>
    type.children.some(field => field.name === name && fits(field.type as DataType))
  // messages that all call a tool have no content, and writers no type of it
  const isSaid = (one: DataType) =>
    DataType.isUtf8(one) || isParts(one) || (DataType.isNull(one) && type.children.length > 2)
  return MESSAGE_NAMES.find(([role, content]) => has(role, DataType.isUtf8) && has(content, isSaid))
}

/**
 * The form of a column by its type alone, undefined when it holds nothing that is said. Text may turn out as json or
 * transcript: see `contentForm`.
 */
export function typeForm(type: DataType): Form | undefined {
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return 'text'
  if (DataType.isList(type) && messageNames(type.children[0].type)) return 'messages'
  return messageNames(type) ? 'message' : undefined
}

/** Whether messages of this column may have more than a role and a text. Of JSON nobody knows before the last row. */
export function hasExtras(form: Form, type: DataType): boolean {
  if (form === 'json') return true
  const message: DataType = form === 'messages' ? type.children[0].type : type
  return (
    (form === 'messages' || form === 'message') &&
    (message.children.length > 2 || message.children.some(({ type }) => isParts(type as DataType)))
  )
}

const MOST = 0.9
/** Roles that templates of chats know. */
export const SPEAKERS = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function'])

/** What text columns of the sample hold: another form when nine tenths of the rows that are not null have it. */
export function contentForm(samples: readonly Data[]): Form {
  let rows = 0,
    json = 0,
    turns = 0,
    transcripts = 0
  for (const data of samples) {
    const column = textColumn(data)
    for (let row = 0; row < column.rows; row++) {
      if (column.isNull(row)) continue
      rows++
      const first = firstByte(column.bytes, column.offsets[row], column.offsets[row + 1])
      if (first === 0x5b || first === 0x7b) {
        const text = column.text(row)
        const messages = parseMessages(text)?.messages
        // an object of such keys may be an answer in JSON
        if (messages && (first === 0x5b || SPEAKERS.has(messages[0].role))) json++
        else if (isTextsJson(text)) turns++
        else if (templateOf(text)) transcripts++
      } else if (mayBeTagged(first)) transcripts += templateOf(column.text(row)) ? 1 : 0
      else if (first === 0x48) transcripts += column.text(row).trimStart().startsWith('Human:') ? 1 : 0
    }
  }
  if (rows === 0) return 'text'
  const most = ([['json', json], ['turns', turns], ['transcript', transcripts]] as const).find(([, count]) => count >= MOST * rows) // prettier-ignore
  return most?.[0] ?? 'text'
}

function firstByte(bytes: Uint8Array, start: number, end: number): number {
  let i = start
  while (i < end && bytes[i] <= 32) i++
  return i < end ? bytes[i] : 0
}

/**
 * Reads a column in a form. Null rows give a row that nobody should look at. `role` is who says plain text. Text and
 * exact messages share the column's buffers.
 */
export function readForm(form: Form, data: Data, role: 'user' | 'assistant'): Turns {
  switch (form) {
    case 'text':
      return { data: textMessages(asText(data), role) }
    case 'json':
      return readJson(asText(data))
    case 'transcript':
      return readTagged(asText(data)) ?? readTranscripts(asText(data))
    case 'messages':
      return readMessages(data.children[0], data.valueOffsets as Int32Array)
    case 'message':
      return readMessages(data, counting(data.length))
    case 'turns':
      return readTurnLists(data, role)
  }
}

/** Throws where the text of a column, or of what it holds, is not UTF-8: made UTF-8 it would be another text. */
export function checkText(name: string, data: Data): void {
  if (!isText(data)) throw new Error(`column '${name}': its bytes are not UTF-8; convert them`)
}

function isText(data: Data): boolean {
  if (!DataType.isUtf8(data.type as DataType) && !DataType.isBinary(data.type as DataType)) {
    // bytes beside a text, as a picture, are no text
    const isBytes = (child: Data) => DataType.isStruct(data.type) && DataType.isBinary(child.type as DataType)
    return (data.children as Data[]).every(child => isBytes(child) || isText(child))
  }
  if (isWhole(data)) return true
  // what lies below a null is nothing
  const column = textColumn(data)
  for (let row = 0; row < column.rows; row++) {
    if (!column.isNull(row) && !isUtf8(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]))) {
      return false
    }
  }
  return true
}

/** Whether all bytes of a text column are UTF-8, those below its nulls too. */
function isWhole({ values, valueOffsets: offsets, length }: Data): boolean {
  const bytes = values as Uint8Array
  let whole = isUtf8(bytes)
  // valid end to end may still be cut inside a character
  for (let i = 0; whole && i < length; i++) whole = (bytes[offsets[i]] & 0xc0) !== 0x80 || offsets[i] === bytes.length
  return whole
}

/** Text as it came, or without what lies below its nulls where that is not UTF-8: see `checkText`. */
function asText(data: Data): Data {
  if (isWhole(data)) return data
  const column = textColumn(data)
  return makeText(Array.from({ length: data.length }, (_, row) => (column.isNull(row) ? null : column.text(row))))
}

export function counting(length: number, step = 1): Int32Array {
  const out = new Int32Array(length + 1)
  for (let i = 1; i <= length; i++) out[i] = i * step
  return out
}

/** One message a row, whose contents are the column's own bytes. */
export function textMessages(data: Data, role: string): Data<List> {
  const { length } = data
  const name = encoder.encode(role)
  const roles = new Uint8Array(length * name.length)
  for (let at = 0; at < roles.length; at += name.length) roles.set(name, at)
  return messagesFromBuffers(
    counting(length),
    roles,
    counting(length, name.length),
    data.values as Uint8Array,
    data.valueOffsets as Int32Array,
  )
}

/** A side that is not there: no message in any row. */
export const noMessages = (rows: number): Data<List> =>
  messagesFromBuffers(new Int32Array(rows + 1), new Uint8Array(0), counting(0), new Uint8Array(0), counting(0))

function readMessages(structs: Data, offsets: Int32Array): Turns {
  const type: DataType = structs.type
  const [roleName, contentName] = messageNames(type)!
  const at = (name: string) => type.children.findIndex(field => field.name === name)
  const role = structs.children[at(roleName)] as Data,
    said = structs.children[at(contentName)] as Data,
    parts = isParts(said.type as DataType) ? readParts(said) : undefined,
    content = DataType.isNull(said.type)
      ? makeText(new Array<null>(structs.length).fill(null))
      : (parts?.texts ?? asText(said))
  const data = fromTexts(offsets, contentName === 'content' ? asText(role) : renameRoles(role), content)
  const others = type.children.flatMap((field, c) => (field.name === roleName || field.name === contentName ? [] : [c]))
  if (others.length === 0 && !parts) return { data }
  const extras = extraFields(structs, others)
  return { data, extras: parts ? withParts(extras, parts.others) : extras }
}

/** The further fields of messages with the parts that are no text as one more, `parts`. */
const withParts = (extras: readonly (string | null)[], parts: readonly (string | null)[]): (string | null)[] =>
  extras.map((extra, m) => {
    if (parts[m] === null) return extra
    return extra === null ? `{"parts":${parts[m]}}` : `${extra.slice(0, -1)},"parts":${parts[m]}}`
  })

/** Each role by its trainers' name: the distinct ones are renamed once, then taken row by row. */
function renameRoles(role: Data): Data {
  const column = textColumn(role)
  const known = new Map<string, number>()
  const names: string[] = []
  const picks: number[] = []
  for (let m = 0; m < column.rows; m++) {
    const name = column.text(m)
    let k = known.get(name)
    if (k === undefined) {
      known.set(name, (k = names.length))
      names.push(ROLES.get(name) ?? name)
    }
    picks.push(k, k + 1)
  }
  return take(makeText(names), picks)
}

/** What each message has beside its text: its fields as `write_jsonl` writes columns, nulls left out at any depth. */
function extraFields(structs: Data, others: readonly number[]): (string | null)[] {
  const out = new Bytes()
  const fields = others
    .map(c => [(structs.type as DataType).children[c] as Field, structs.children[c]] as const)
    .filter(([, data]) => !DataType.isNull(data.type))
    .map(([field, data]) => ({
      key: encoder.encode(`,${JSON.stringify(field.name)}:`),
      isNull: nullTest(data),
      write: fieldWriter(field, data, out, true),
    }))
  return Array.from({ length: structs.length }, (_, m) => {
    out.at = 0
    for (const { key, isNull, write } of fields) {
      if (isNull(m)) continue
      out.push(key)
      write(m)
    }
    if (out.at === 0) return null
    // in place of the first comma
    out.data[0] = 0x7b
    out.ascii('}')
    return decoder.decode(out.data.subarray(0, out.at))
  })
}

/** Throws where messages of a column have a field that JSON has no form for. */
export function checkFields(name: string, type: DataType): void {
  const names = messageNames(type)
  for (const child of (type.children ?? []) as Field[]) {
    const bad = names && !names.includes(child.name) ? notJson(child.type) : undefined
    if (bad) {
      throw new Error(
        `column '${name}': the field '${child.name}' of its messages is ${bad}, which has no form in JSON; cast it`,
      )
    }
    if (!names) checkFields(name, child.type)
  }
}

interface Parsed {
  readonly messages: Message[]
  readonly extras: (string | null)[]
  /** Why the messages cannot be kept as they are, in words. */
  readonly fault?: string
}

/**
 * The messages of a JSON value: a list, one alone, or an object of the lists of their roles and texts, as `datasets`
 * writes them.
 */
function messagesIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const fields = value as Readonly<Record<string, unknown>>
  if (!MESSAGE_NAMES.some(([role, said]) => Array.isArray(fields[role]) && Array.isArray(fields[said]))) return [value]
  const lists = Object.entries(fields) as [string, unknown][],
    [[, first]] = lists
  // lists of other lengths are nobody's messages
  if (!lists.every(([, list]) => Array.isArray(list) && list.length === (first as unknown[]).length)) return undefined
  return (first as unknown[]).map((_, m) =>
    Object.fromEntries(lists.map(([name, list]) => [name, (list as unknown[])[m]])),
  )
}

/** The messages of a JSON text; undefined when it has not at least one message. NaN and Infinity are null. */
function parseMessages(text: string): Parsed | undefined {
  let list: unknown
  try {
    list = messagesIn(JSON.parse(text))
  } catch {
    const plain = mayHaveNan(text) ? withoutNan(text) : { text, count: 0 }
    return plain.count > 0 ? parseMessages(plain.text) : undefined
  }
  if (!Array.isArray(list) || list.length === 0) return undefined
  const messages: Message[] = [],
    further: [string, unknown][][] = []
  const seen: Seen = { keys: 0, isLarge: false, isDeep: false }
  let fault: string | undefined
  for (const item of list as unknown[]) {
    if (typeof item !== 'object' || item === null) return undefined
    const message = item as Record<string, unknown>
    // an edge of a graph has a `from` too; of messages only those that call a tool may have no content
    const isNamed = ([role, said]: (typeof MESSAGE_NAMES)[number]) =>
      typeof message[role] === 'string' && said in message
    const names = MESSAGE_NAMES.find(isNamed) ?? (typeof message.role === 'string' ? MESSAGE_NAMES[0] : undefined)
    if (!names) return undefined
    const { [names[0]]: role, [names[1]]: content = null, ...rest } = message
    const parts = joinParts(content),
      name = role as string,
      said = typeof content === 'string' ? content : (parts?.text ?? '')
    if (content !== null && typeof content !== 'string' && !parts) fault = `the ${names[1]} of a message is not text`
    // half a character, which UTF-8 cannot hold: it would be another text
    if (!said.isWellFormed() || !name.isWellFormed()) fault = 'a message is cut in the middle of a character'
    messages.push({ role: names[1] === 'content' ? name : (ROLES.get(name) ?? name), content: said })
    const others: [string, unknown][] = Object.entries(rest)
    seen.keys += Object.keys(message).length
    if (parts) look(content, seen, 2)
    for (const [, value] of others) look(value, seen, 2)
    const hasParts = parts !== undefined && parts.others.length > 0
    if (hasParts && 'parts' in rest) fault = 'a message has parts, and a field of that name'
    further.push([
      ...others.filter(([, value]) => value !== null),
      ...(hasParts ? [['parts', parts.others] as [string, unknown]] : []),
    ])
  }
  if (seen.isDeep) fault = `a message nests deeper than ${MOST_NESTING} levels, the most that are read`
  else if (seen.isLarge || mostKeys(text) > seen.keys) fault ??= whatIsLost(text, list)
  if (fault !== undefined) return { messages, extras: [], fault }
  if (!seen.isLarge) return { messages, extras: further.map(others => fieldsJson(others, JSON.stringify)) }
  const exact = messagesIn(parseDigits(text)) as Readonly<Record<string, unknown>>[]
  const exactly = (key: string, message: Readonly<Record<string, unknown>>) =>
    message[key] ?? joinParts(MESSAGE_NAMES.map(([, said]) => message[said]).find(Array.isArray))!.others
  const withDigits = (others: [string, unknown][], m: number) =>
    others.map(([key]) => [key, exactly(key, exact[m])] as const)
  return { messages, extras: further.map((others, m) => fieldsJson(withDigits(others, m), stringifyDigits)) }
}

const fieldsJson = (
  entries: readonly (readonly [string, unknown])[],
  stringify: (value: object) => string,
): string | null => (entries.length === 0 ? null : stringify(Object.fromEntries(entries)))

/** What the values of a JSON text have: keys, integers that may have lost digits, more levels than are read. */
interface Seen {
  keys: number
  isLarge: boolean
  isDeep: boolean
}

function look(value: unknown, seen: Seen, level: number): void {
  if (typeof value === 'number') seen.isLarge ||= Math.abs(value) > Number.MAX_SAFE_INTEGER
  if (typeof value !== 'object' || value === null) return
  if (level === MOST_NESTING) {
    seen.isDeep = true
    return
  }
  const inner = Object.values(value) as unknown[]
  if (!Array.isArray(value)) seen.keys += inner.length
  for (const one of inner) look(one, seen, level + 1)
}

function readJson(data: Data): Turns {
  const column = textColumn(data)
  const bad = new Uint8Array(column.rows),
    faults = new Map<number, string>()
  const rows: Message[][] = []
  const extras: (string | null)[] = []
  for (let row = 0; row < column.rows; row++) {
    const parsed = column.isNull(row) ? undefined : parseMessages(column.text(row))
    if (parsed?.fault !== undefined) faults.set(row, parsed.fault)
    const isKept = parsed !== undefined && parsed.fault === undefined
    if (!isKept) bad[row] = 1
    else for (const extra of parsed.extras) extras.push(extra)
    rows.push(isKept ? parsed.messages : [])
  }
  return { data: makeMessages(rows), bad, faults, extras }
}

/**
 * Prompts of several columns as one message of the user: context, a blank line, the prompt's text, and input on the
 * next line, as LLaMA-Factory has it. Left out are empty and null parts, and those that stand in the text already.
 */
export function joinPrompts(prompt: Data, context: Data | undefined, input: Data | undefined): Data<List> {
  const [main, above, below] = [prompt, context, input].map(part => part && textColumn(asText(part)))
  const joined = Array.from({ length: main!.rows }, (_, row) => {
    const text = bytesAt(main!, row)
    const part = (column: typeof main) => {
      const bytes = column && !column.isNull(row) ? bytesAt(column, row) : text
      return standsIn(bytes, text) ? [] : [bytes]
    }
    // nothing above, no line break
    const said = text.length > 0 ? [text] : []
    return joinBytes([joinBytes([...part(above), ...said], '\n\n'), ...part(below)], '\n')
  })
  return textMessages(textFromBytes(joined), 'user')
}

const bytesAt = ({ bytes, offsets }: TextColumn, row: number): Uint8Array =>
  bytes.subarray(offsets[row], offsets[row + 1])

function joinBytes(parts: readonly Uint8Array[], by: string): Uint8Array {
  const some = parts.filter(part => part.length > 0)
  return some.length === 1
    ? some[0]
    : Buffer.concat(some.flatMap((part, i) => (i > 0 ? [Buffer.from(by), part] : [part])))
}

/** Whether a text has another one in it, on lines of its own. */
function standsIn(part: Uint8Array, text: Uint8Array): boolean {
  const isEdge = (at: number) => at < 0 || at >= text.length || text[at] === 10
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  for (let at = bytes.indexOf(part); at >= 0 && part.length > 0; at = bytes.indexOf(part, at + 1)) {
    if (isEdge(at - 1) && isEdge(at + part.length)) return true
  }
  return part.length === 0
}

/** Whether a column has earlier turns as lists of question and answer. */
export const isTurns = (type: DataType): boolean =>
  DataType.isList(type) &&
  DataType.isList(type.children[0].type) &&
  DataType.isUtf8((type.children[0].type as DataType).children[0].type)

/**
 * Earlier turns before the messages of each row: messages as they are, lists of two texts as what the user and the
 * assistant said, lists of texts as turns that alternate up to the assistant's. A row is bad whose turns are not all
 * two texts, or whose texts do not begin with the user's.
 */
export function withHistory(said: Turns, history: Data): Turns {
  if (isTexts(history.type as DataType)) return withTexts(said, history)
  if (!isTurns(history.type as DataType)) return prepend(said, readForm('messages', history, 'user'), () => true)
  const [pairs] = history.children,
    [texts] = pairs.children
  const at = Int32Array.from(
    { length: history.length + 1 },
    (_, row) => pairs.valueOffsets[history.valueOffsets[row]] as number,
  )
  const isNull = nullTest(texts)
  const roles = new Array<string>(texts.length).fill('assistant')
  for (let pair = 0; pair < pairs.length; pair++) roles[pairs.valueOffsets[pair] as number] = 'user'
  const bad = Uint8Array.from({ length: history.length }, (_, row) => {
    for (let pair = history.valueOffsets[row]; pair < history.valueOffsets[row + 1]; pair++) {
      const first = pairs.valueOffsets[pair] as number
      if (pairs.valueOffsets[pair + 1] - first !== 2 || isNull(first) || isNull(first + 1)) return 1
    }
    return said.bad?.[row] ?? 0
  })
  return prepend({ ...said, bad }, { data: fromTexts(at, makeText(roles), asText(texts)) }, row => bad[row] === 0)
}

function withTexts(said: Turns, history: Data): Turns {
  const { data, bad: none, faults } = readTurnLists(history, 'assistant'),
    isNull = nullTest(history),
    whole = new Map([...(faults ?? []), ...(said.faults ?? [])])
  const bad = Uint8Array.from({ length: history.length }, (_, row) => {
    const count = isNull(row) ? 0 : (history.valueOffsets[row + 1] as number) - (history.valueOffsets[row] as number)
    if (count % 2 === 1) whole.set(row, `${count} texts before the prompt do not end with the assistant's`)
    return said.bad?.[row] || (count > 0 && (none![row] || count % 2 === 1)) ? 1 : 0
  })
  return prepend({ ...said, bad, faults: whole }, { data }, row => bad[row] === 0)
}

/**
 * A system message before the messages of each row that has such a text. Where they begin with one of their own that
 * is kept alone, as LLaMA-Factory does, and where the first one says the same already, it is not said twice.
 */
export function withSystem(said: Turns, system: Data): Turns {
  const texts = textColumn(asText(system)),
    { offsets, roles, roleOffsets, bytes, contentOffsets } = messagesColumn(said.data)
  const isOwn = (m: number) => Buffer.from(roles.subarray(roleOffsets[m], roleOffsets[m + 1])).equals(SYSTEM)
  return prepend(said, { data: textMessages(asText(system), 'system') }, row => {
    const m = offsets[row]
    return (
      !texts.isNull(row) &&
      !isOwn(m) &&
      !standsIn(bytesAt(texts, row), bytes.subarray(contentOffsets[m], contentOffsets[m + 1]))
    )
  })
}

/** The messages of `head` before those of `said`, in rows that have some and that `isAdded` names. */
function prepend({ data, extras, ...said }: Turns, head: Turns, isAdded: (row: number) => boolean): Turns {
  const [messages] = data.children,
    [heads] = head.data.children
  const out = new Int32Array(data.length + 1),
    runs: number[] = [],
    others: (string | null)[] = []
  for (let row = 0; row < data.length; row++) {
    const [from, to] = [data.valueOffsets[row], data.valueOffsets[row + 1]] as [number, number]
    const [first, end] =
      to > from && isAdded(row) ? [head.data.valueOffsets[row], head.data.valueOffsets[row + 1]] : [0, 0]
    if (end > first) runs.push(messages.length + first, messages.length + end)
    if (to > from) runs.push(from, to)
    out[row + 1] = out[row] + to - from + end - first
    for (let m = first; m < end; m++) others.push(head.extras?.[m] ?? null)
    for (let m = from; m < to; m++) others.push(extras?.[m] ?? null)
  }
  const {
    children: [role, content],
  } = take(concat([messages, heads]), runs)
  return { ...said, data: fromTexts(out, role, content), ...((extras ?? head.extras) ? { extras: others } : {}) }
}

const SYSTEM = Buffer.from('system')

/** Messages `from[row] .. to[row]` (absolute numbers of messages) of each row. */
export function cutMessages({ data, extras }: Turns, from: Int32Array, to: Int32Array): Turns {
  const rows = from.length
  const offsets = new Int32Array(rows + 1)
  const runs: number[] = []
  for (let row = 0; row < rows; row++) {
    offsets[row + 1] = offsets[row] + to[row] - from[row]
    if (to[row] === from[row]) continue
    if (runs[runs.length - 1] === from[row]) runs[runs.length - 1] = to[row]
    else runs.push(from[row], to[row])
  }
  const {
    children: [role, content],
  } = take(data.children[0], runs)
  const others: (string | null)[] = []
  for (let r = 0; extras && r < runs.length; r += 2) {
    for (let m = runs[r]; m < runs[r + 1]; m++) others.push(extras[m])
  }
  return { data: fromTexts(offsets, role, content), ...(extras ? { extras: others } : {}) }
}

const fromTexts = (offsets: Int32Array, role: Data, content: Data): Data<List> =>
  messagesFromBuffers(
    offsets,
    role.values as Uint8Array,
    role.valueOffsets as Int32Array,
    content.values as Uint8Array,
    content.valueOffsets as Int32Array,
  )

/** A row each: the JSON list of what its messages have beside role and content, null where none has anything. */
export const extrasColumn = ({ data, extras }: Turns): Data =>
  makeText(
    Array.from({ length: data.length }, (_, row) => {
      const own = extras?.slice(data.valueOffsets[row], data.valueOffsets[row + 1])
      return own?.some(extra => extra !== null) ? `[${own.map(extra => extra ?? 'null').join()}]` : null
    }),
  )

/** Row i of `first` where `pick[i]` is 0, of `second` where it is 1. */
export function chooseRows(first: Turns, second: Turns, pick: Uint8Array): Turns {
  const runs: number[] = []
  pick.forEach((second, row) => {
    const at = second ? row + first.data.length : row
    if (runs[runs.length - 1] === at) runs[runs.length - 1]++
    else runs.push(at, at + 1)
  })
  const data = take(concat([first.data, second.data]), runs) as Data<List>
  if (!first.extras && !second.extras) return { data }
  const extras = Array.from(pick, (isSecond, row) => {
    const said = isSecond ? second : first
    const [from, to] = [said.data.valueOffsets[row], said.data.valueOffsets[row + 1]] as [number, number]
    return said.extras?.slice(from, to) ?? new Array<null>(to - from).fill(null)
  })
  return { data, extras: extras.flat() }
}
