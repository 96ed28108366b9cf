/**
 * Drops pairs that are there already, and pairs whose label is contradicted by an equal pair with the sides swapped.
 */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { pairHash } from '../kit/pair_hash.ts'

export default defineStage({
  name: 'drop_duplicates',
  version: 3,
  category: 'check and deduplicate',
  summary: 'Drop pairs that repeat an earlier pair, and pairs that contradict one.',
  details:
    'Two pairs are equal when prompt and both completions are, after lower-casing and with every run of white space taken for one space, and what lies beside the texts is the same: tool calls and reasoning in `source_<side>_fields`, and the ' +
    'columns `tools`, `documents`, `images`, `videos`, `audios` (also in the singular) and those of a prompt that are no part of its text. Of equal pairs the ' +
    'first in order of file and row stays. Where equal pairs prefer opposite sides, the side that more of them prefer stays, once; if as many prefer either, none stays: ' +
    'nothing says which is right. Texts are compared by a 53-bit hash of each answer to its prompt: among a million different pairs, two are mistaken for equal with a probability below 1 in 10^19.',
  options: Type.Object({}),
  reads: { prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    duplicate: { kind: 'quality', family: 'repeats', about: 'equal pairs in the input, this one included' },
    contradictory: { kind: 'quality', family: 'both_ways', about: 'equal pairs that prefer the other side' },
  },
  by: ['low', 'high'],
  carries: { low: 'float64', high: 'float64', isSwapped: 'bool' },
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
  carry: () => batch => {
    const hash = pairHash(batch),
      low = new Float64Array(batch.rows),
      high = new Float64Array(batch.rows),
      isSwapped = new Uint8Array(batch.rows)
    for (let row = 0; row < batch.rows; row++) {
      hash.read(row)
      const { chosen, rejected } = hash
      low[row] = Math.min(chosen, rejected)
      high[row] = Math.max(chosen, rejected)
      isSwapped[row] = chosen > rejected ? 1 : 0
    }
    return { low, high, isSwapped }
  },
  open: () => ({
    batch(batch, verdict) {
      const isSwapped = batch.numbers('isSwapped').values,
        { groups } = batch
      for (let g = 0; g + 1 < groups.length; g++) {
        if (groups[g + 1] === groups[g] + 1) continue
        const sides: [number[], number[]] = [[], []]
        for (let row = groups[g]; row < groups[g + 1]; row++) sides[isSwapped[row]].push(row)
        const [more, fewer] = sides[0].length >= sides[1].length ? sides : sides.reverse(),
          isTie = more.length === fewer.length
        for (const row of fewer) verdict.drop(row, 'contradictory', more.length, isTie ? undefined : more[0])
        for (const row of isTie ? more : []) verdict.drop(row, 'contradictory', fewer.length)
        for (const row of isTie ? [] : more.slice(1)) verdict.drop(row, 'duplicate', more.length, more[0])
      }
    },
  }),
})
