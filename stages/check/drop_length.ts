/** Drops pairs with a completion that is too short to say anything, or longer than a trainer would keep. */
import { countWords } from '../../engine/arrow/text.ts'
import { countTokens } from '../../engine/arrow/tokens.ts'
import { choice, defineStage, Type } from '../../engine/contract/define.ts'

export default defineStage({
  name: 'drop_length',
  version: 1,
  category: 'check and deduplicate',
  summary: 'Drop pairs with a completion of too few or too many words.',
  details:
    'Words are runs between Unicode white space. Where writing puts no spaces between words (Chinese, Japanese, Thai), every character counts as a word, ' +
    'unless `unspaced` is `spaces`: then such a text is one word or few, and most of it would be dropped as too short.',
  options: Type.Object({
    min_words: Type.Integer({ minimum: 0, default: 3, description: 'fewest words that each completion may have' }),
    max_words: Type.Integer({ minimum: 1, default: 2000, description: 'most words that each completion may have' }),
    unspaced: choice(['characters', 'spaces'], {
      default: 'characters',
      description: 'how writing without spaces between words is counted: each character as a word, or by spaces alone',
    }),
  }),
  reads: { chosen: 'messages', rejected: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: {
    too_short: { kind: 'configured', limit: 'min_words', about: 'words of the shorter completion' },
    too_long: { kind: 'configured', limit: 'max_words', about: 'words of the longer completion' },
  },
  examples: [
    {
      title: 'one word is too little, nine are too many; a Chinese answer of six characters is neither',
      options: { min_words: 2, max_words: 8 },
      rows: [
        { prompt: 'Is 7 a prime?', chosen: 'Yes, it is.', rejected: 'No.' },
        {
          prompt: 'Is 9 a prime?',
          chosen: 'No: three times three is nine.',
          rejected: 'Yes, because nine is odd and so a prime.',
        },
        { prompt: '水的化学式是什么？', chosen: '水是氢和氧。', rejected: '我完全不知道。' },
      ],
      kept: [2],
      dropped: { 0: 'too_short', 1: 'too_long' },
    },
  ],
  open: ({ min_words, max_words, unspaced }) => {
    const count = unspaced === 'spaces' ? countWords : countTokens
    return {
      batch(batch, verdict) {
        const chosen = batch.messages('chosen'),
          rejected = batch.messages('rejected')
        for (let row = 0; row < batch.rows; row++) {
          const a = count(chosen.bytes, chosen.start(row), chosen.end(row))
          const b = count(rejected.bytes, rejected.start(row), rejected.end(row))
          if (Math.min(a, b) < min_words) verdict.drop(row, 'too_short', Math.min(a, b))
          else if (Math.max(a, b) > max_words) verdict.drop(row, 'too_long', Math.max(a, b))
        }
      },
    }
  },
})
