/** Where in conversations that hold the prompt the answers begin. */
import { messagesColumn } from '../arrow/columns.ts'
import { saidBeside } from './further_fields.ts'
import type { Task } from './task.ts'
import type { Turns } from './turns.ts'

/** Of each row, how many messages at the beginning of both sides are the prompt. */
export function findCuts(
  { plan, rows, mask, refuse }: Task,
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
  const isAnswer = (x: typeof a, row: number) =>
    x.offsets[row] === x.offsets[row + 1] || x.roles[x.roleOffsets[x.offsets[row]]] === 0x61
  const isText = plan.prompt?.form === 'text'
  for (let row = 0; row < rows; row++) {
    if (mask[row]) continue
    // sides that begin with the assistant are answers and nothing else
    if (p && isAnswer(a, row) && isAnswer(b, row)) continue
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
    if (p && !isText) {
      const size = p.offsets[row + 1] - p.offsets[row]
      let q = 0
      while (q < size && q < k && isSame(p, p.offsets[row] + q, a, from + q)) q++
      // the prompt says where the sides begin, even if the answers begin alike
      if (q < size || size >= count || size >= otherCount) refuse(row, 'prompt_differs')
      else cuts[row] = size
      continue
    }
    if (k === 0) {
      refuse(row, p ? 'prompt_differs' : 'no_common_prompt')
      continue
    }
    if (k === count && k === otherCount) k--
    else if (k === count || k === otherCount) {
      refuse(row, 'one_continues')
      continue
    }
    if (p && !holds(a, from, k, p, p.offsets[row + 1] - 1)) refuse(row, 'prompt_differs')
    else if (k === 0) refuse(row, 'no_common_prompt')
    else cuts[row] = k
  }
  return cuts
}

/** Whether one of `count` messages says just what message n of the other column says. */
function holds(
  x: ReturnType<typeof messagesColumn>,
  from: number,
  count: number,
  y: ReturnType<typeof messagesColumn>,
  n: number,
): boolean {
  for (let m = from; m < from + count; m++) {
    if (
      sameBytes(
        x.bytes,
        x.contentOffsets[m],
        x.contentOffsets[m + 1],
        y.bytes,
        y.contentOffsets[n],
        y.contentOffsets[n + 1],
      )
    ) {
      return true
    }
  }
  return false
}

function sameBytes(a: Uint8Array, start: number, end: number, b: Uint8Array, from: number, to: number): boolean {
  if (end - start !== to - from) return false
  for (let i = start, k = from; i < end; i++, k++) if (a[i] !== b[k]) return false
  return true
}
