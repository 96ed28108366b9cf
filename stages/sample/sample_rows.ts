/** Keeps a sample of the pairs: a number of them, or a share. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { HASHES, idHash, least } from '../kit/least.ts'

export default defineStage({
  name: 'sample_rows',
  version: 1,
  category: 'weigh and balance',
  summary: 'Keep a sample of the pairs, by a number or a share.',
  details:
    'Kept are the pairs whose ids have the smallest hashes, with the seed of the graph and the id of this stage: the same ones for any order of files and number of workers, and a larger sample has those of a smaller one. ' +
    'By `share` each pair is decided on by itself: it stays what it is when files are added, and the share is met within chance. By `rows` the pairs are looked at twice before the first is decided on. ' +
    'Pairs with one id are kept together or not at all. What is left out is the output `<id>.left_out`.',
  options: Type.Object({
    rows: Type.Optional(Type.Integer({ minimum: 1, description: 'pairs that are kept; all where there are fewer' })),
    share: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: 'share of the pairs that is kept' }),
    ),
  }),
  reads: { id: 'text' },
  writes: {},
  rows: 'subset',
  check({ rows, share }) {
    if ((rows === undefined) !== (share === undefined)) return []
    const why = `give either 'rows' or 'share', and not ${rows === undefined ? 'neither' : 'both'}`
    return [{ option: 'rows', why }]
  },
  reasons: { left_out: { kind: 'configured', about: 'not in the sample', isAsked: true } },
  examples: [
    {
      title: 'two of four',
      options: { rows: 2 },
      rows: [
        { id: 'a', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
        { id: 'b', prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.' },
        { id: 'c', prompt: 'Name a lake.', chosen: 'Como.', rejected: 'Rome.' },
        { id: 'd', prompt: 'Name a city.', chosen: 'Rome.', rejected: 'Como.' },
      ],
      kept: [0, 2],
      dropped: { 1: 'left_out', 3: 'left_out' },
    },
  ],
  fit: ({ rows }) =>
    rows === undefined
      ? undefined
      : least(
          1,
          () => () => 0,
          ([count]) => [Math.min(count, rows)],
        ),
  open({ share = 1 }, context) {
    const limit = context.state ? context.state.limits[0] : share * HASHES
    return {
      batch(batch, verdict) {
        const hash = idHash(batch, context)
        for (let row = 0; row < batch.rows; row++) if (hash(row) >= limit) verdict.drop(row, 'left_out')
      },
    }
  },
})
