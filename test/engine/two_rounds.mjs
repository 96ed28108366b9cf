// A stage that must see all rows twice, and may not change a pair.
import { defineStage, Type } from 'sluice-data'

const round = { collect: () => ({ batch() {}, partial: () => 0 }), merge: () => 0 }

export default defineStage({
  name: 'two_rounds',
  version: 1,
  summary: 'Looks at all rows twice.',
  options: Type.Object({ change: Type.Boolean({ default: false, description: 'change it all the same' }) }),
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'same',
  reasons: {},
  examples: [],
  fit: [round, round],
  open: ({ change }) => ({ batch: batch => (change ? { columns: { chosen: batch.column('rejected') } } : undefined) }),
})
