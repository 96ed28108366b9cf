// A stage that must see all rows twice, and may not change a pair.
import { defineStage, round, Type } from 'sluice-data'

const look = { collect: () => ({ batch() {}, part: () => 0 }), merge: () => 0 }

export default defineStage({
  name: 'two_rounds',
  version: 1,
  summary: 'Looks at all rows twice.',
  options: Type.Object({ change: Type.Boolean({ default: false, description: 'change it all the same' }) }),
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'same',
  examples: [],
  fit: () => round(look).next(look),
  open: ({ change }) => ({ batch: batch => (change ? { columns: { chosen: batch.column('rejected') } } : undefined) }),
})
