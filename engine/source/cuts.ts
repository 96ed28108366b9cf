/** Where in conversations that hold the prompt the answers begin. */
import { encoder, messagesColumn, nullTest, type MessagesColumn } from '../arrow/columns.ts'
import { trimStart } from '../arrow/text.ts'
import { saidBeside } from './further_fields.ts'
import type { Task } from './task.ts'
import { trimEnd } from './transcripts.ts'
import type { Turns } from './turns.ts'

const ASSISTANT = encoder.encode('assistant')
/** Roles of who asks. */
const ASKING = ['user', 'system', 'human', 'developer'].map(role => encoder.encode(role))

/** Of each row, how many messages at the beginning of both sides are the prompt. */
export function findCuts(
  { plan, rows, column, mask, refuse }: Task,
  prompt: Turns | null,
  chosen: Turns,
  rejected: Turns,
): Int32Array {
  const cuts = new Int32Array(rows)
  const a = messagesColumn(chosen.data),
    b = messagesColumn(rejected.data),
    p = prompt && messagesColumn(prompt.data)
  // a tool call says something too
  const says = (said: Turns | null, m: number) => saidBeside(said?.extras?.[m] ?? null)
  const isSame = (x: typeof a, m: number, y: typeof a, n: number) =>
    sameBytes(x.roles, x.roleOffsets[m], x.roleOffsets[m + 1], y.roles, y.roleOffsets[n], y.roleOffsets[n + 1]) &&
    sameBytes(
      x.bytes,
      x.contentOffsets[m],
      x.contentOffsets[m + 1],
      y.bytes,
      y.contentOffsets[n],
      y.contentOffsets[n + 1],
    )
  const roleAt = (x: typeof a, m: number) => x.roles.subarray(x.roleOffsets[m], x.roleOffsets[m + 1])
  const isAnswer = (x: typeof a, row: number) =>
    x.offsets[row] === x.offsets[row + 1] || Buffer.compare(roleAt(x, x.offsets[row]), ASSISTANT) === 0
  /** Whether nobody asks in it: answers under a role of another name, as model. */
  const asksNothing = (x: typeof a, row: number) => {
    for (let m = x.offsets[row]; m < x.offsets[row + 1]; m++) {
      if (ASKING.some(role => Buffer.compare(roleAt(x, m), role) === 0)) return false
    }
    return true
  }
  const lacksPrompt = plan.prompt ? nullTest(column(plan.prompt.column)) : () => false
  const isText = plan.prompt?.form === 'text'
  for (let row = 0; row < rows; row++) {
    if (mask[row]) continue
    const own = lacksPrompt(row) ? null : p
    // sides that begin with the assistant are answers and nothing else
    if (own && isAnswer(a, row) && isAnswer(b, row)) continue
    if (p && !own && (isAnswer(a, row) || isAnswer(b, row))) {
      refuse(row, 'missing_prompt')
      continue
    }
    const [from, count, other, otherCount] = [
      a.offsets[row],
      a.offsets[row + 1] - a.offsets[row],
      b.offsets[row],
      b.offsets[row + 1] - b.offsets[row],
    ]
    let k = 0
    while (
      k < count &&
      k < otherCount &&
      isSame(a, from + k, b, other + k) &&
      says(chosen, from + k) === says(rejected, other + k)
    ) {
      k++
    }
    if (own && k === 0 && asksNothing(a, row) && asksNothing(b, row)) continue
    if (own && !isText) {
      const size = own.offsets[row + 1] - own.offsets[row]
      let q = 0
      while (q < size && q < k && isAlike(own, own.offsets[row] + q, a, from + q)) q++
      // the prompt says where the sides begin, even if the answers begin alike
      if (q < size || size >= count || size >= otherCount) refuse(row, 'prompt_differs')
      else cuts[row] = size
      continue
    }
    if (k === 0) {
      refuse(row, own ? 'prompt_differs' : 'no_common_prompt')
      continue
    }
    if (k === count && k === otherCount) k--
    else if (k === count || k === otherCount) {
      refuse(row, 'one_continues')
      continue
    }
    if (own && !holds(a, from, k, own, own.offsets[row + 1] - 1)) refuse(row, 'prompt_differs')
    else if (k === 0) refuse(row, 'no_common_prompt')
    else cuts[row] = k
  }
  return cuts
}

/** Whether one of `count` messages says what message n of the other column says. */
function holds(x: MessagesColumn, from: number, count: number, y: MessagesColumn, n: number): boolean {
  for (let m = from; m < from + count; m++) if (saysAlike(x, m, y, n)) return true
  return false
}

export const isAssistant = ({ roles, roleOffsets }: MessagesColumn, m: number): boolean =>
  Buffer.compare(roles.subarray(roleOffsets[m], roleOffsets[m + 1]), ASSISTANT) === 0

/** Whether two messages are of one role, and say the same but for white space at the ends. */
const isAlike = (x: MessagesColumn, m: number, y: MessagesColumn, n: number): boolean =>
  sameBytes(x.roles, x.roleOffsets[m], x.roleOffsets[m + 1], y.roles, y.roleOffsets[n], y.roleOffsets[n + 1]) &&
  saysAlike(x, m, y, n)

export function saysAlike(x: MessagesColumn, m: number, y: MessagesColumn, n: number): boolean {
  const [start, end] = trimmed(x.bytes, x.contentOffsets[m], x.contentOffsets[m + 1]),
    [from, to] = trimmed(y.bytes, y.contentOffsets[n], y.contentOffsets[n + 1])
  return sameBytes(x.bytes, start, end, y.bytes, from, to)
}

function trimmed(bytes: Uint8Array, start: number, end: number): [number, number] {
  const from = trimStart(bytes, start, end)
  return [from, trimEnd(bytes, from, end)]
}

function sameBytes(a: Uint8Array, start: number, end: number, b: Uint8Array, from: number, to: number): boolean {
  if (end - start !== to - from) return false
  for (let i = start, k = from; i < end; i++, k++) if (a[i] !== b[k]) return false
  return true
}
