// A stage of a user's own, for the tests: drops what a marker says, fails on another, and counts letters.
import { defineStage, Type } from 'sluice-data'

export default defineStage({
  name: 'shouty',
  version: 1,
  summary: 'Drop pairs whose prompt holds a word; fail on another.',
  options: Type.Object({
    word: Type.String({ default: 'lamp', description: 'word to drop' }),
    fail: Type.String({ default: '', description: 'word to fail on; none when empty' }),
  }),
  reads: { prompt: 'messages' },
  writes: { letters: 'int32' },
  rows: 'subset',
  reasons: { has_word: { kind: 'quality', about: 'letters in the prompt' } },
  examples: [
    {
      title: 'a lamp',
      rows: [
        { prompt: 'a lamp', chosen: 'b', rejected: 'c' },
        { prompt: 'a tree', chosen: 'b', rejected: 'c' },
      ],
      kept: [1],
      dropped: { 0: 'has_word' },
    },
  ],
  open: options => ({
    batch(batch, verdict) {
      const prompt = batch.messages('prompt')
      const letters = new Int32Array(batch.rows)
      for (let row = 0; row < batch.rows; row++) {
        const text = prompt.text(row)
        letters[row] = text.length
        if (options.fail && text.includes(options.fail)) throw new Error(`cannot bear '${options.fail}'`)
        if (text.includes(options.word)) verdict.drop(row, 'has_word', text.length)
      }
      return { columns: { letters } }
    },
  }),
})
