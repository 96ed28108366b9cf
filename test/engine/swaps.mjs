// Swaps the sides of pairs that say so.
import { defineStage, Type } from 'sluice-data'

export default defineStage({
  name: 'swaps',
  version: 1,
  summary: 'Swap the sides of pairs.',
  options: Type.Object({}),
  reads: { swap: 'number' },
  writes: { chosen: 'messages', rejected: 'messages' },
  rows: 'subset',
  examples: [],
  open: () => ({
    batch: batch => ({ swapped: { rows: Uint8Array.from(batch.numbers('swap').values), also: [['good', 'bad']] } }),
  }),
})
