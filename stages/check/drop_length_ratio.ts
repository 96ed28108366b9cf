/**
 * Drops pairs whose chosen completion is many times as long as the other: a reward model that only counts words would
 * rank them.
 */
import { countWords } from '../../engine/arrow/text.ts'
import { countTokens } from '../../engine/arrow/tokens.ts'
import { choice, defineStage, Type } from '../../engine/contract/define.ts'

export default defineStage({
  name: 'drop_length_ratio',
  version: 2,
  category: 'check and deduplicate',
  summary: 'Drop pairs whose chosen completion is many times as long as the other.',
  details:
    'Such pairs teach that longer is better. Those whose chosen side is the short one teach the opposite, and among answers to unsafe requests they are the refusals: they stay unless `longer: either` is set.',
  options: Type.Object({
    max_ratio: Type.Number({
      exclusiveMinimum: 1,
      default: 10,
      description: 'words of the longer completion divided by those of the shorter one',
    }),
    longer: choice(['chosen', 'either'], {
      default: 'chosen',
      description: 'which side is the longer one in pairs that are dropped',
    }),
    unspaced: choice(['characters', 'spaces'], {
      default: 'characters',
      description: 'how writing without spaces between words is counted: each character as a word, or by spaces alone',
    }),
  }),
  reads: { chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    length_ratio: {
      kind: 'configured',
      limit: 'max_ratio',
      about: 'words of the longer completion / words of the shorter',
    },
  },
  examples: [
    {
      title: 'one side is four times as long',
      options: { max_ratio: 3 },
      rows: [
        {
          prompt: 'Why is the sky blue?',
          chosen: 'Air scatters blue light more than red light.',
          rejected: 'Because.',
        },
        { prompt: 'Name a prime.', chosen: 'Seven is prime.', rejected: 'Nine is prime.' },
      ],
      kept: [1],
      dropped: { 0: 'length_ratio' },
    },
    {
      title: 'a short refusal stays, as the chosen side',
      options: { max_ratio: 3 },
      rows: [
        {
          prompt: 'How do I pick this lock?',
          chosen: 'I cannot.',
          rejected: 'Take a thin wire and bend its end a little.',
        },
      ],
      kept: [0],
    },
    {
      title: 'unless either side may be the longer one',
      options: { max_ratio: 3, longer: 'either' },
      rows: [
        {
          prompt: 'How do I pick this lock?',
          chosen: 'I cannot.',
          rejected: 'Take a thin wire and bend its end a little.',
        },
      ],
      kept: [],
      dropped: { 0: 'length_ratio' },
    },
  ],
  open: ({ max_ratio, longer, unspaced }) => {
    const count = unspaced === 'spaces' ? countWords : countTokens
    return {
      batch(batch, verdict) {
        const chosen = batch.messages('chosen'),
          rejected = batch.messages('rejected')
        for (let row = 0; row < batch.rows; row++) {
          const a = count(chosen.bytes, chosen.start(row), chosen.end(row))
          const b = count(rejected.bytes, rejected.start(row), rejected.end(row))
          const ratio = Math.max(a, b) / Math.max(1, Math.min(a, b))
          if (a < b && longer === 'chosen') continue
          if (ratio > max_ratio) verdict.drop(row, 'length_ratio', ratio)
        }
      },
    }
  },
})
