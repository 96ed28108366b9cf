// A stage that must see all rows twice.
import { defineStage, Type } from 'sluice'

const round = { collect: () => ({ batch() {}, partial: () => 0 }), merge: () => 0 }

export default defineStage({
  name: 'two_rounds', version: 1, summary: 'Looks at all rows twice.',
  options: Type.Object({}), reads: { chosen: 'messages' }, writes: {}, rows: 'same', reasons: {}, examples: [],
  fit: [round, round],
})
