/**
 * Drops pairs with a completion that is mostly symbols, or that says the same over and over: output of a model that got
 * stuck.
 */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { repetitionShare } from '../../engine/arrow/repetition.ts'
import { specialShare } from '../../engine/arrow/text.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'

const special = (column: MessagesColumn, row: number) => specialShare(column.bytes, column.start(row), column.end(row))
const repetition = (column: MessagesColumn, row: number, n: number) =>
  repetitionShare(column.bytes, column.start(row), column.end(row), n)

export default defineStage({
  name: 'drop_repetition',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary: 'Drop pairs with a completion that repeats itself or is mostly not letters.',
  details:
    'Repetition is measured in words between white space, so a text of a script without spaces never has any. White space is no letter: ordinary English prose ' +
    'has a `special` share of 0.18 to 0.25, worked sums and tables 0.4 to 0.6.',
  paper: {
    title: 'Data-Juicer: A One-Stop Data Processing System for Large Language Models',
    arxiv: '2309.02033',
    form: 'after',
  },
  options: Type.Object({
    words: Type.Integer({ minimum: 1, default: 10, description: 'words of the sequences that are counted' }),
    max_repetition: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.5,
      description: 'largest share of those sequences that may occur more than once',
    }),
    max_special: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.8,
      description: 'largest share of characters that may be neither letters nor marks',
    }),
  }),
  reads: { chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    special: {
      kind: 'quality',
      limit: 'max_special',
      about: 'characters that are no letters / all characters, of the worse completion',
    },
    repetition: {
      kind: 'quality',
      limit: 'max_repetition',
      about: 'word sequences that occur more than once / all of them, of the worse completion',
    },
  },
  examples: [
    {
      title: 'a loop and a wall of symbols',
      options: { words: 3 },
      rows: [
        {
          prompt: 'Count your blessings.',
          chosen: 'My health, my friends and a warm bed.',
          rejected: 'I am happy, I am happy, I am happy, I am happy.',
        },
        {
          prompt: 'Draw a fence.',
          chosen: 'A row of posts with two rails across.',
          rejected: '|=|=|=|=|=|=|=|=|=|=|=| fence',
        },
        { prompt: 'What is rain?', chosen: 'Water that falls from clouds.', rejected: 'The sea turned upside down.' },
      ],
      kept: [2],
      dropped: { 0: 'repetition', 1: 'special' },
    },
  ],
  open: ({ words, max_repetition, max_special }) => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen'),
        rejected = batch.messages('rejected')
      for (let row = 0; row < batch.rows; row++) {
        const symbols = Math.max(special(chosen, row), special(rejected, row))
        if (symbols > max_special) {
          verdict.drop(row, 'special', symbols)
          continue
        }
        const repeated = Math.max(repetition(chosen, row, words), repetition(rejected, row, words))
        if (repeated > max_repetition) verdict.drop(row, 'repetition', repeated)
      }
    },
  }),
})
