/** The trainer lint: drops pairs that a preference trainer would corrupt, drop in silence, or learn nothing from. */
import { countCodePoints, isBlank } from '../../engine/arrow/text.ts'
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { encoder, textColumn, type TextColumn } from '../../engine/arrow/columns.ts'
import { defineStage, Type, type Batch } from '../define.ts'

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
type Fault =
  | 'unknown_role'
  | 'misplaced_system'
  | 'repeated_role'
  | 'prompt_ends_with_assistant'
  | 'side_not_assistant'
  | 'last_role_not_assistant'

/** What is wrong with the order of who speaks in a row of a column. */
function orderFault(column: MessagesColumn, row: number, part: number): Fault | undefined {
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
  const [s, f] = [skipBlank(a.bytes, start, end), skipBlank(b.bytes, from, to)]
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

function skipBlank(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const size = bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : 3
    if (!isBlank(bytes, at, Math.min(end, at + size))) return at
    at += size
  }
  return end
}

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

const fieldsOf = (batch: Batch): TextColumn[] =>
  ['prompt', 'chosen', 'rejected']
    .map(side => `source_${side}_fields`)
    .filter(name => batch.has(name))
    .map(name => textColumn(batch.column(name)))

const q = 'Name a prime.',
  a = 'Seven is prime.',
  b = 'Nine is prime.'
const asked = { role: 'user', content: q },
  said = { role: 'assistant', content: a }
const pair = { prompt: q, chosen: a, rejected: b }

export default defineStage({
  name: 'check_pairs',
  version: 1,
  summary: 'Drop pairs that a preference trainer would corrupt or learn nothing from.',
  details: [
    'Of several faults the first of the list of reasons counts. The sides are compared by what they say; what their messages have beside role and content',
    '(`source_<side>_fields`) is not published as part of a side, so two sides that differ only there are identical, and a side that is only a tool call is empty.',
    'It does not tokenise: pairs that become identical when they are cut to a length in tokens are not seen here.',
  ].join('\n'),
  options: Type.Object({
    max_chars: Type.Integer({ minimum: 1, default: 1_000_000, description: 'characters of one message' }),
    max_replacement_share: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.01,
      description: 'share of U+FFFD among the characters of the prompt or of a side',
    }),
    allow_prefix: Type.Boolean({
      default: false,
      description: 'keep pairs of which one side is the beginning of the other',
    }),
  }),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    too_long: { kind: 'configured', limit: 'max_chars', about: 'characters of the longest message' },
    empty_prompt: {
      kind: 'broken',
      about: 'nobody asks anything: no message of a user or a tool, or nothing but white space',
    },
    empty_side: { kind: 'broken', about: 'a side has no message or nothing but white space' },
    identical: { kind: 'broken', about: 'both sides say the same' },
    identical_trimmed: { kind: 'broken', about: 'both sides say the same but for white space at their ends' },
    unknown_role: {
      kind: 'broken',
      about: 'a role other than system, developer, user, assistant and tool, which chat templates refuse',
    },
    misplaced_system: { kind: 'broken', about: 'a system message that is not at the beginning' },
    repeated_role: { kind: 'broken', about: 'two messages of the user or of the assistant one after the other' },
    prompt_ends_with_assistant: { kind: 'broken', about: 'the prompt ends with an answer: there is nothing to answer' },
    side_not_assistant: {
      kind: 'broken',
      about: 'a side does not begin with the assistant, or has a message of a user or the system',
    },
    last_role_not_assistant: { kind: 'broken', about: 'a side does not end with the assistant' },
    tool_arguments: { kind: 'broken', about: 'the arguments of a tool call are not JSON' },
    prefix: { kind: 'quality', about: 'one side is the beginning of the other: the pair teaches only when to stop' },
    replacement_characters: {
      kind: 'quality',
      limit: 'max_replacement_share',
      about: 'share of U+FFFD in the prompt or a side: the text was decoded wrongly',
    },
  },
  examples: [
    {
      title: 'sides that are the same, nearly the same, or blank',
      rows: [
        pair,
        { ...pair, rejected: a },
        { ...pair, rejected: ` ${a}\n` },
        { ...pair, rejected: 'Seven' },
        { ...pair, chosen: '' },
        { ...pair, rejected: ' \u3000\n' },
        { ...pair, prompt: ' ' },
        { ...pair, rejected: [] },
        { ...pair, prompt: [] },
      ],
      kept: [0],
      dropped: {
        1: 'identical',
        2: 'identical_trimmed',
        3: 'prefix',
        4: 'empty_side',
        5: 'empty_side',
        6: 'empty_prompt',
        7: 'empty_side',
        8: 'empty_prompt',
      },
    },
    {
      title: 'one side goes on where the other ends, on purpose',
      options: { allow_prefix: true },
      rows: [
        { ...pair, rejected: 'Seven' },
        { ...pair, rejected: `${a} ` },
      ],
      kept: [0],
      dropped: { 1: 'identical_trimmed' },
    },
    {
      title: 'who speaks in the prompt',
      rows: [
        {
          ...pair,
          prompt: [{ role: 'system', content: 'Be brief.' }, asked, said, { role: 'user', content: 'Another?' }],
        },
        { ...pair, prompt: [asked, { ...said, role: 'narrator' }, asked] },
        { ...pair, prompt: [asked, { role: 'system', content: 'Be brief.' }] },
        { ...pair, prompt: [asked, asked] },
        { ...pair, prompt: [asked, said] },
        { ...pair, prompt: [{ role: 'system', content: 'Be brief.' }] },
        { ...pair, prompt: [asked, said, { role: 'tool', content: '7' }] },
      ],
      kept: [0, 6],
      dropped: {
        1: 'unknown_role',
        2: 'misplaced_system',
        3: 'repeated_role',
        4: 'prompt_ends_with_assistant',
        5: 'empty_prompt',
      },
    },
    {
      title: 'who speaks in a side',
      rows: [
        { ...pair, chosen: [said, { role: 'tool', content: '7' }, said] },
        { ...pair, chosen: [asked, said] },
        { ...pair, chosen: [said, { role: 'tool', content: '7' }] },
        { ...pair, chosen: [said, said] },
        { ...pair, rejected: [{ role: 'gpt', content: b }] },
      ],
      kept: [0],
      dropped: { 1: 'side_not_assistant', 2: 'last_role_not_assistant', 3: 'repeated_role', 4: 'unknown_role' },
    },
    {
      title: 'tool calls whose arguments are no JSON',
      rows: [
        {
          ...pair,
          source_chosen_fields: '[{"tool_calls": [{"function": {"name": "add", "arguments": "{\\"a\\": 1}"}}]}]',
        },
        { ...pair, source_chosen_fields: '[{"tool_calls": [{"function": {"name": "add", "arguments": "{a: 1"}}]}]' },
        { ...pair, source_chosen_fields: null },
      ],
      kept: [0, 2],
      dropped: { 1: 'tool_arguments' },
    },
    {
      title: 'very long messages and texts that were decoded wrongly',
      options: { max_chars: 20, max_replacement_share: 0.1 },
      rows: [
        { ...pair, chosen: 'Sieben ist eine Primzahl.' },
        { ...pair, chosen: '7\ufffdis\ufffdprime' },
        { ...pair, chosen: 'Seven is\ufffdprime.' },
        { ...pair, chosen: '七是质数，九不是，因为三三得九。' },
      ],
      kept: [2, 3],
      dropped: { 0: 'too_long', 1: 'replacement_characters' },
    },
  ],
  open: ({ max_chars: maxChars, max_replacement_share: maxShare, allow_prefix: allowPrefix }) => ({
    batch(batch, verdict) {
      const prompt = batch.messages('prompt'),
        chosen = batch.messages('chosen'),
        rejected = batch.messages('rejected')
      const all = [prompt, chosen, rejected]
      const marred = all.filter(hasReplacement)
      const fields = fieldsOf(batch)
      for (let row = 0; row < batch.rows; row++) {
        const length = Math.max(
          longest(prompt, row, maxChars),
          longest(chosen, row, maxChars),
          longest(rejected, row, maxChars),
        )
        if (length > 0) {
          verdict.drop(row, 'too_long', length)
          continue
        }
        if (isEmptyPrompt(prompt, row)) {
          verdict.drop(row, 'empty_prompt')
          continue
        }
        if (
          isBlank(chosen.bytes, chosen.start(row), chosen.end(row)) ||
          isBlank(rejected.bytes, rejected.start(row), rejected.end(row))
        ) {
          verdict.drop(row, 'empty_side')
          continue
        }
        const like = likeness(chosen, rejected, row)
        if (like && like !== 'prefix') {
          verdict.drop(row, like)
          continue
        }
        const fault =
          orderFault(prompt, row, PROMPT) ?? orderFault(chosen, row, SIDE) ?? orderFault(rejected, row, SIDE)
        if (fault) {
          verdict.drop(row, fault)
          continue
        }
        if (fields.some(column => hasBadArguments(column, row))) {
          verdict.drop(row, 'tool_arguments')
          continue
        }
        if (like && !allowPrefix) {
          verdict.drop(row, 'prefix')
          continue
        }
        let share = 0
        for (const column of marred) share = Math.max(share, replacementShare(column, row))
        if (share > maxShare) verdict.drop(row, 'replacement_characters', share)
      }
    },
  }),
})
