/**
 * Drops pairs that are there already, and pairs whose label is contradicted by an equal pair with the sides swapped.
 */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { hash64 } from '../../engine/arrow/hash.ts'
import { foldedHash } from '../../engine/arrow/text.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'
import { hashBeside } from '../../engine/source/further_fields.ts'

/** Chains the messages of a row into `state`: who says each, then what, folded. */
function hashMessages(column: MessagesColumn, row: number, state: Uint32Array): void {
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    hash64(column.roles, column.roleOffsets[m], column.roleOffsets[m + 1], state)
    foldedHash(column.bytes, column.contentOffsets[m], column.contentOffsets[m + 1], state)
  }
}

/**
 * Whether the chosen side comes first in the order of the two sides' hashes: what two contradictory pairs differ in.
 */
const FIRST = Uint8Array.of(1),
  SECOND = Uint8Array.of(0)

export default defineStage({
  name: 'drop_duplicates',
  version: 2,
  summary: 'Drop pairs that repeat an earlier pair, and pairs that contradict one.',
  details:
    'Two pairs are equal when prompt and both completions are, after lower-casing and with every run of white space taken for one space, and what lies beside the texts is the same: tool calls and reasoning in `source_<side>_fields`, and the ' +
    'columns `tools`, `documents`, `images`, `videos`, `audios` (also in the singular) and those of a prompt that are no part of its text. Of equal pairs the ' +
    'first in order of file and row stays. Where equal pairs prefer opposite sides, the side that more of them prefer stays, once; if as many prefer either, none stays: ' +
    'nothing says which is right. Texts are compared by a 64-bit hash: among a million different pairs, two are mistaken for equal with a probability of 3 in 100 million.',
  options: Type.Object({}),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    duplicate: { kind: 'quality', about: 'equal pairs in the input, this one included' },
    contradictory: { kind: 'quality', about: 'equal pairs that prefer the other side' },
  },
  examples: [
    {
      title: 'case and white space make no difference',
      rows: [
        { prompt: 'What is 2 + 2?', chosen: 'It is four.', rejected: 'It is five.' },
        { prompt: 'What is 2 + 2?', chosen: 'It is\n four. ', rejected: 'it is FIVE.' },
        { prompt: 'What is 2 + 3?', chosen: 'It is four.', rejected: 'It is five.' },
      ],
      kept: [0, 2],
      dropped: { 1: 'duplicate' },
    },
    {
      title: 'the same words about another picture, or with another call, are another pair',
      rows: [
        { prompt: 'Is it a dog?', chosen: 'Yes.', rejected: 'No.', image: '1.png' },
        { prompt: 'Is it a dog?', chosen: 'No.', rejected: 'Yes.', image: '2.png' },
        { prompt: 'Is it a dog?', chosen: 'Yes.', rejected: 'No.', image: '1.png' },
        {
          prompt: 'Is it a dog?',
          chosen: 'Yes.',
          rejected: 'No.',
          image: '1.png',
          source_chosen_fields: '[{"tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": "{}"}}]}]',
        },
      ],
      kept: [0, 1, 3],
      dropped: { 2: 'duplicate' },
    },
    {
      title: 'two against one stand, one against one fall',
      rows: [
        { prompt: 'Tea or coffee?', chosen: 'Coffee.', rejected: 'Tea.' },
        { prompt: 'Tea or coffee?', chosen: 'Tea.', rejected: 'Coffee.' },
        { prompt: 'Tea or coffee?', chosen: 'Tea.', rejected: 'Coffee.' },
        { prompt: 'Cats or dogs?', chosen: 'Cats.', rejected: 'Dogs.' },
        { prompt: 'Cats or dogs?', chosen: 'Dogs.', rejected: 'Cats.' },
      ],
      kept: [1],
      dropped: { 0: 'contradictory', 2: 'duplicate', 3: 'contradictory', 4: 'contradictory' },
    },
  ],
  group: {
    keysPerRow: () => 1,
    open: () => {
      const sides = new Uint32Array(4),
        chosenHash = sides.subarray(0, 2),
        rejectedHash = sides.subarray(2),
        state = new Uint32Array(2)
      const ordered = new Uint32Array(4),
        bytes = new Uint8Array(ordered.buffer)
      let isFirst = new Uint8Array(0)
      return {
        keys(batch, out) {
          const prompt = batch.messages('prompt'),
            chosen = batch.messages('chosen'),
            rejected = batch.messages('rejected')
          const [besidePrompt, besideChosen, besideRejected] = (['prompt', 'chosen', 'rejected'] as const).map(side =>
            hashBeside(batch, side),
          )
          const words = new Uint32Array(out.buffer, out.byteOffset, 2 * out.length)
          isFirst = new Uint8Array(batch.rows)
          for (let row = 0; row < batch.rows; row++) {
            sides.fill(0)
            hashMessages(chosen, row, chosenHash)
            besideChosen(row, chosenHash)
            hashMessages(rejected, row, rejectedHash)
            besideRejected(row, rejectedHash)
            isFirst[row] = sides[0] < sides[2] || (sides[0] === sides[2] && sides[1] <= sides[3]) ? 1 : 0
            ordered.set(isFirst[row] ? chosenHash : rejectedHash, 0)
            ordered.set(isFirst[row] ? rejectedHash : chosenHash, 2)
            state.fill(0)
            hashMessages(prompt, row, state)
            besidePrompt(row, state)
            hash64(bytes, 0, 16, state)
            words[2 * row] = state[0]
            words[2 * row + 1] = state[1] === 0 && state[0] === 0 ? 1 : state[1]
          }
        },
        payload: (_, row) => (isFirst[row] ? FIRST : SECOND),
      }
    },
    each(group, verdict) {
      const firsts: number[] = [],
        seconds: number[] = []
      for (let member = 0; member < group.size; member++) {
        ;(group.payload(member)[0] === 1 ? firsts : seconds).push(member)
      }
      const [more, fewer] = firsts.length >= seconds.length ? [firsts, seconds] : [seconds, firsts]
      const isTie = more.length === fewer.length
      for (const member of fewer) verdict.drop(member, 'contradictory', more.length, isTie ? undefined : more[0])
      for (const member of isTie ? more : []) verdict.drop(member, 'contradictory', fewer.length)
      for (const member of isTie ? [] : more.slice(1)) verdict.drop(member, 'duplicate', more.length, more[0])
    },
  },
})
