/**
 * Drops pairs whose two completions differ too much in length: a reward model that only counts words would rank them.
 */
import { countWords } from '../../engine/arrow/text.ts'
import { countTokens } from '../../engine/arrow/tokens.ts'
import { choice, defineStage, Type } from '../../engine/contract/define.ts'

export default defineStage({
  name: 'drop_length_ratio',
  version: 1,
  category: 'check and deduplicate',
  summary: 'Drop pairs whose two completions differ too much in length.',
  options: Type.Object({
    max_ratio: Type.Number({
      exclusiveMinimum: 1,
      default: 10,
      description: 'words of the longer completion divided by those of the shorter one',
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
  ],
  open: ({ max_ratio, unspaced }) => {
    const count = unspaced === 'spaces' ? countWords : countTokens
    return {
      batch(batch, verdict) {
        const chosen = batch.messages('chosen'),
          rejected = batch.messages('rejected')
        for (let row = 0; row < batch.rows; row++) {
          const a = count(chosen.bytes, chosen.start(row), chosen.end(row))
          const b = count(rejected.bytes, rejected.start(row), rejected.end(row))
          const ratio = Math.max(a, b) / Math.max(1, Math.min(a, b))
          if (ratio > max_ratio) verdict.drop(row, 'length_ratio', ratio)
        }
      },
    }
  },
})
