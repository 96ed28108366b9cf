// Turns the pairs round that say so.
import { defineStage, Type } from 'sluice-data'

export default defineStage({
  name: 'turns',
  version: 1,
  summary: 'Turn pairs round.',
  options: Type.Object({}),
  reads: { turn: 'number' },
  writes: { chosen: 'messages', rejected: 'messages' },
  rows: 'subset',
  reasons: {},
  examples: [],
  open: () => ({
    batch: batch => ({ turned: { rows: Uint8Array.from(batch.numbers('turn').values), beside: [['good', 'bad']] } }),
  }),
})
