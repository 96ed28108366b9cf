/** Numbers for the prompt and the answers of a pair, by which equal ones are found wherever they lie. */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import type { Batch } from '../../engine/arrow/flow.ts'
import { hash64 } from '../../engine/arrow/hash.ts'
import { foldedHash } from '../../engine/arrow/text.ts'
import { hashBeside } from '../../engine/source/further_fields.ts'

/** Chains the messages of a row into `state`: who says each, then what, folded. */
function hashMessages(column: MessagesColumn, row: number, state: Uint32Array): void {
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    hash64(column.roles, column.roleOffsets[m], column.roleOffsets[m + 1], state)
    foldedHash(column.bytes, column.contentOffsets[m], column.contentOffsets[m + 1], state)
  }
}

/** 53 bits of a hash, which a number holds whole. */
const numberOf = (hash: Uint32Array): number => (hash[0] >>> 11) * 2 ** 32 + hash[1]

/** Chains what the prompt of a row is, and where it ends: a turn of it is none of the answer. */
function prompts(batch: Batch<'prompt'>): (row: number, state: Uint32Array) => void {
  const messages = batch.messages('prompt'),
    beside = hashBeside(batch, 'prompt')
  return (row, state) => {
    state.fill(0)
    hashMessages(messages, row, state)
    beside(row, state)
    hash64(messages.bytes, 0, 0, state)
  }
}

/** A 53-bit hash of a row's prompt, with what is beside it: that of `pairHash`. */
export function promptHash(batch: Batch<'prompt'>): (row: number) => number {
  const read = prompts(batch),
    state = new Uint32Array(2)
  return row => {
    read(row, state)
    return numberOf(state)
  }
}

/**
 * `read` takes a row; then `prompt`, `chosen` and `rejected` are 53-bit hashes, of the answers to their prompt: equal
 * where the texts are after lower-casing and with every run of white space taken for one space, and what the batch
 * has beside them (tool calls, pictures) is the same.
 */
export function pairHash(batch: Batch<'prompt' | 'chosen' | 'rejected'>) {
  const prompt = prompts(batch),
    [chosen, rejected] = (['chosen', 'rejected'] as const).map(side => ({
      messages: batch.messages(side),
      beside: hashBeside(batch, side),
    }))
  const one = new Uint32Array(2),
    other = new Uint32Array(2)
  const hash = {
    prompt: 0,
    chosen: 0,
    rejected: 0,
    read(row: number): void {
      prompt(row, one)
      hash.prompt = numberOf(one)
      other.set(one)
      hashMessages(chosen.messages, row, one)
      chosen.beside(row, one)
      hash.chosen = numberOf(one)
      hashMessages(rejected.messages, row, other)
      rejected.beside(row, other)
      hash.rejected = numberOf(other)
    },
  }
  return hash
}
