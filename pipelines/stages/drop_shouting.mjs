/** Drops pairs whose chosen side is written mostly in capitals. */
import { defineStage, Type } from 'sluice-data'

export default defineStage({
  name: 'drop_shouting',
  version: 1, // raise it when the output changes
  summary: 'Drop pairs whose chosen side is written mostly in capitals.',
  options: Type.Object({
    max_capitals: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.5,
      description: 'largest share of the letters that may be capitals',
    }),
  }),
  reads: { chosen: 'messages' },
  writes: { capitals: 'float64' }, // the column <id>_capitals; NaN is null
  rows: 'subset',
  reasons: { shouting: { kind: 'configured', limit: 'max_capitals', about: 'capitals / letters of the chosen side' } },
  examples: [
    {
      title: 'capitals throughout, and a name',
      rows: [
        { prompt: 'Is it far?', chosen: 'IT IS NOT FAR AT ALL!', rejected: 'Who knows.' },
        { prompt: 'Is it far?', chosen: 'No, ask Ada.', rejected: 'Who knows.' },
      ],
      kept: [1],
      dropped: { 0: 'shouting' },
    },
  ],
  open: ({ max_capitals }) => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen'),
        capitals = new Float64Array(batch.rows)
      for (let row = 0; row < batch.rows; row++) {
        const text = chosen.text(row),
          letters = text.match(/\p{Lu}|\p{Ll}/gu)?.length ?? 0
        capitals[row] = (text.match(/\p{Lu}/gu)?.length ?? 0) / letters
        if (capitals[row] > max_capitals) verdict.drop(row, 'shouting', capitals[row])
      }
      return { columns: { capitals } }
    },
  }),
})
