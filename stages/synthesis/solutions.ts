import type { Message } from '../../engine/arrow/columns.ts'
import { hash32 } from '../../engine/arrow/hash.ts'
import type { Batch } from '../define.ts'
import { Solution } from './solution.ts'

const EQUALS = 0x3d

/** A row whose answer may hold equations: its messages, its last one read as a solution, and a seed that depends on the row's content alone. */
export interface Worked { readonly messages: readonly Message[], readonly solution: Solution, readonly seed: number }

/** A function from a row of a batch to its worked solution; undefined where the last message of the chosen side has no equals sign: most chat is never decoded. */
export function workedRows(batch: Batch, contextSeed: number): (row: number) => Worked | undefined {
  const prompt = batch.messages('prompt'), chosen = batch.messages('chosen')
  return (row) => {
    const last = chosen.offsets[row + 1] - 1
    if (last < chosen.offsets[row]) return undefined
    const start = chosen.contentOffsets[last], end = chosen.contentOffsets[last + 1]
    if (!hasEquals(chosen.bytes, start, end)) return undefined
    const messages = chosen.messages(row)
    const problem = [...prompt.messages(row), ...messages.slice(0, -1)].map((message) => message.content).join('\n')
    const seed = hash32(chosen.bytes, start, end, hash32(prompt.bytes, prompt.start(row), prompt.end(row), contextSeed))
    return { messages, solution: new Solution(messages[messages.length - 1].content, problem), seed }
  }
}

function hasEquals(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    // U+FF1D, the wide equals sign, is EF BC 9D
    if (bytes[i] === EQUALS || (bytes[i] === 0xef && bytes[i + 1] === 0xbc && bytes[i + 2] === 0x9d)) return true
  }
  return false
}
