/** What can be wrong with the messages of a pair, each fault in a function of its own, and which counts first. */
import { countCodePoints, isBlank, trimStart } from '../../engine/arrow/text.ts'
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { encoder, textColumn, type TextColumn } from '../../engine/arrow/columns.ts'
import type { Batch } from '../../engine/contract/define.ts'
import { besideTexts } from '../../engine/source/further_fields.ts'

const SYSTEM = 1,
  USER = 2,
  ASSISTANT = 3,
  TOOL = 4
const NAMES = ['system', 'user', 'assistant', 'tool', 'developer'].map(name => encoder.encode(name))
const CODES = [SYSTEM, USER, ASSISTANT, TOOL, SYSTEM]

/** The role of message m; 0 for one that chat templates do not know. */
function roleOf({ roles, roleOffsets }: MessagesColumn, m: number): number {
  const start = roleOffsets[m],
    size = roleOffsets[m + 1] - start
  for (let n = 0; n < NAMES.length; n++) {
    const name = NAMES[n]
    if (name.length !== size) continue
    let i = 0
    while (i < size && roles[start + i] === name[i]) i++
    if (i === size) return CODES[n]
  }
  return 0
}

const PROMPT = 0,
  SIDE = 1
type OrderFault =
  | 'unknown_role'
  | 'misplaced_system'
  | 'repeated_role'
  | 'prompt_ends_with_assistant'
  | 'side_not_assistant'
  | 'last_role_not_assistant'
type Likeness = 'identical' | 'identical_trimmed' | 'prefix'
export type Fault =
  | OrderFault
  | Likeness
  | 'too_long'
  | 'empty_prompt'
  | 'empty_side'
  | 'only_beside_text'
  | 'tool_arguments'
  | 'replacement_characters'

/** What is wrong with the order of who speaks in a row of a column. */
function orderFault(column: MessagesColumn, row: number, part: number): OrderFault | undefined {
  let before = 0
  for (let m = column.offsets[row], first = m; m < column.offsets[row + 1]; m++) {
    const role = roleOf(column, m)
    if (role === 0) return 'unknown_role'
    if (part === SIDE && (role === USER || role === SYSTEM || (m === first && role !== ASSISTANT))) {
      return 'side_not_assistant'
    }
    if (role === SYSTEM && m > first && before !== SYSTEM) return 'misplaced_system'
    if (role === before && (role === USER || role === ASSISTANT)) return 'repeated_role'
    before = role
  }
  if (part === SIDE) return before === ASSISTANT ? undefined : 'last_role_not_assistant'
  return before === ASSISTANT ? 'prompt_ends_with_assistant' : undefined
}

/** Whether no user or tool says anything but white space. */
function isEmptyPrompt(column: MessagesColumn, row: number): boolean {
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    if (
      !isBlank(column.bytes, column.contentOffsets[m], column.contentOffsets[m + 1]) &&
      roleOf(column, m) !== SYSTEM
    ) {
      return false
    }
  }
  return true
}

/** Bytes that two ranges have in common from their beginning. */
function sharedBytes(a: Uint8Array, start: number, end: number, b: Uint8Array, from: number, to: number): number {
  const size = Math.min(end - start, to - from)
  let i = 0
  while (i < size && a[start + i] === b[from + i]) i++
  return i
}

/**
 * How near the sides of a row are to being the same text; white space at their ends does not count but between
 * `identical` and `identical_trimmed`.
 */
function likeness(
  a: MessagesColumn,
  b: MessagesColumn,
  row: number,
): 'identical' | 'identical_trimmed' | 'prefix' | undefined {
  const [start, end, from, to] = [a.start(row), a.end(row), b.start(row), b.end(row)]
  const shared = sharedBytes(a.bytes, start, end, b.bytes, from, to)
  if (shared === end - start && shared === to - from) return 'identical'
  // answers nearly always part within a few bytes, so the rest is rarely looked at
  const [s, f] = [trimStart(a.bytes, start, end), trimStart(b.bytes, from, to)]
  let same = s === start && f === from ? shared : sharedBytes(a.bytes, s, end, b.bytes, f, to)
  // back to where the character begins in which they part
  while (
    same > 0 &&
    ((s + same < end && isInside(a.bytes[s + same])) || (f + same < to && isInside(b.bytes[f + same])))
  ) {
    same--
  }
  const aEnds = isBlank(a.bytes, s + same, end),
    bEnds = isBlank(b.bytes, f + same, to)
  return aEnds && bEnds ? 'identical_trimmed' : aEnds || bEnds ? 'prefix' : undefined
}

const isInside = (byte: number): boolean => (byte & 0xc0) === 0x80

/** Code points of the longest message of a row that has more than `limit`; 0 when none has. */
function longest(column: MessagesColumn, row: number, limit: number): number {
  let most = 0
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    const start = column.contentOffsets[m],
      end = column.contentOffsets[m + 1]
    // a text has at most as many characters as bytes
    if (end - start > limit) most = Math.max(most, countCodePoints(column.bytes, start, end))
  }
  return most > limit ? most : 0
}

const REPLACEMENT = Buffer.from('\ufffd')

function hasReplacement({ bytes }: MessagesColumn): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(REPLACEMENT)
}

/** Share of U+FFFD among the characters of a row. */
function replacementShare(column: MessagesColumn, row: number): number {
  const { bytes } = column
  const start = column.start(row),
    end = column.end(row)
  let count = 0
  for (let i = start; i + 2 < end; i++) if (bytes[i] === 0xef && bytes[i + 1] === 0xbf && bytes[i + 2] === 0xbd) count++
  return count === 0 ? 0 : count / countCodePoints(bytes, start, end)
}

interface Call {
  readonly arguments?: unknown
  readonly function?: { readonly arguments?: unknown }
}

/** Whether the fields beside a row's messages have a tool call whose arguments are text that is no JSON. */
function hasBadArguments(fields: TextColumn, row: number): boolean {
  if (fields.isNull(row)) return false
  const text = fields.text(row)
  if (!text.includes('"tool_calls"')) return false
  try {
    const messages = JSON.parse(text) as ({ readonly tool_calls?: unknown } | null)[]
    const calls = messages.flatMap(message => {
      const list =
        typeof message?.tool_calls === 'string' ? (JSON.parse(message.tool_calls) as unknown) : message?.tool_calls
      return Array.isArray(list) ? (list as (Call | null)[]) : []
    })
    for (const call of calls) {
      const given = call?.function?.arguments ?? call?.arguments
      if (typeof given === 'string' && given !== '') JSON.parse(given)
    }
    return false
  } catch {
    return true
  }
}

interface Bounds {
  readonly max_chars: number
  readonly max_replacement_share: number
  readonly allow_prefix: boolean
  readonly allow_beside_text: boolean
}
const FIELDS = ['source_prompt_fields', 'source_chosen_fields', 'source_rejected_fields']

/** A function from a row of a batch to its first fault, with the value that it is dropped for where there is one. */
export function faultFinder(
  batch: Batch,
  {
    max_chars: maxChars,
    max_replacement_share: maxShare,
    allow_prefix: allowPrefix,
    allow_beside_text: allowBeside,
  }: Bounds,
): (row: number) => [fault: Fault, value?: number] | undefined {
  const prompt = batch.messages('prompt'),
    chosen = batch.messages('chosen'),
    rejected = batch.messages('rejected')
  const all = [prompt, chosen, rejected]
  const marred = all.filter(hasReplacement)
  const fields = FIELDS.filter(name => batch.has(name)).map(name => textColumn(batch.column(name)))
  const besideChosen = besideTexts(batch, 'chosen'),
    besideRejected = besideTexts(batch, 'rejected')
  const isEmpty = ({ bytes, start, end }: typeof chosen, row: number) => isBlank(bytes, start(row), end(row))
  return row => {
    const length = Math.max(
      longest(prompt, row, maxChars),
      longest(chosen, row, maxChars),
      longest(rejected, row, maxChars),
    )
    if (length > 0) return ['too_long', length]
    if (isEmptyPrompt(prompt, row)) return ['empty_prompt']
    const [noChosen, noRejected] = [isEmpty(chosen, row), isEmpty(rejected, row)]
    if ((noChosen && !besideChosen(row)) || (noRejected && !besideRejected(row))) return ['empty_side']
    if ((noChosen || noRejected) && !allowBeside) return ['only_beside_text']
    const differs = besideChosen(row) !== besideRejected(row),
      like = allowBeside && differs ? undefined : likeness(chosen, rejected, row)
    if (like && like !== 'prefix') return [differs ? 'only_beside_text' : like]
    const fault = orderFault(prompt, row, PROMPT) ?? orderFault(chosen, row, SIDE) ?? orderFault(rejected, row, SIDE)
    if (fault) return [fault]
    if (fields.some(column => hasBadArguments(column, row))) return ['tool_arguments']
    if (like && !allowPrefix) return ['prefix']
    let share = 0
    for (const column of marred) share = Math.max(share, replacementShare(column, row))
    return share > maxShare ? ['replacement_characters', share] : undefined
  }
}
