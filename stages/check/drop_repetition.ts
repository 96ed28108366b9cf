/**
 * Drops pairs with a chosen completion that is mostly symbols, or that says the same over and over: output of a model
 * that got stuck. As the rejected side such an answer is what a model should learn to avoid.
 */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { repetitionShare } from '../../engine/arrow/repetition.ts'
import { specialShare } from '../../engine/arrow/text.ts'
import { choice, defineStage, Type } from '../../engine/contract/define.ts'

const special = (column: MessagesColumn, row: number) => specialShare(column.bytes, column.start(row), column.end(row))
const repetition = (column: MessagesColumn, row: number, n: number) =>
  repetitionShare(column.bytes, column.start(row), column.end(row), n)

export default defineStage({
  name: 'drop_repetition',
  version: 2,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary: 'Drop pairs whose chosen completion repeats itself or is mostly symbols.',
  details:
    'Repetition is measured in words between white space, so a text of a script without spaces never has any. White space is neither letter nor number: ' +
    'ordinary English prose has a `special` share of 0.18 to 0.25, worked sums and tables 0.3 to 0.6. The paper counts digits as special too, which drops answers that are numbers.',
  paper: {
    title: 'Data-Juicer: A One-Stop Data Processing System for Large Language Models',
    arxiv: '2309.02033',
    form: 'after',
  },
  options: Type.Object({
    side: choice(['chosen', 'either'], {
      default: 'chosen',
      description:
        'whose text counts: that of the chosen side, as a rejected one that loops is a fine example of what to avoid; or that of the worse of both',
    }),
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
      description: 'largest share of characters that may be neither letters, marks nor numbers',
    }),
  }),
  reads: { chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    special: {
      kind: 'quality',
      limit: 'max_special',
      about:
        'characters that are neither letters nor numbers / all characters, of the completion, of either the worse one',
    },
    repetition: {
      kind: 'quality',
      limit: 'max_repetition',
      about: 'word sequences that occur more than once / all of them, of the completion, of either the worse one',
    },
  },
  examples: [
    {
      title: 'a loop and a wall of symbols, on either side',
      options: { side: 'either', words: 3 },
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
    {
      title: 'only the chosen side counts, unless asked for: a rejected one that loops is worth learning from',
      options: { words: 3 },
      rows: [
        {
          prompt: 'Count your blessings.',
          chosen: 'My health, my friends and a warm bed.',
          rejected: 'I am happy, I am happy, I am happy, I am happy.',
        },
        {
          prompt: 'Count your blessings.',
          chosen: 'I am happy, I am happy, I am happy, I am happy.',
          rejected: 'My health, my friends and a warm bed.',
        },
      ],
      kept: [0],
      dropped: { 1: 'repetition' },
    },
  ],
  open: ({ side, words, max_repetition, max_special }) => ({
    batch(batch, verdict) {
      const columns = (side === 'either' ? (['chosen', 'rejected'] as const) : (['chosen'] as const)).map(name =>
        batch.messages(name),
      )
      for (let row = 0; row < batch.rows; row++) {
        const symbols = Math.max(...columns.map(column => special(column, row)))
        if (symbols > max_special) {
          verdict.drop(row, 'special', symbols)
          continue
        }
        const repeated = Math.max(...columns.map(column => repetition(column, row, words)))
        if (repeated > max_repetition) verdict.drop(row, 'repetition', repeated)
      }
    },
  }),
})
