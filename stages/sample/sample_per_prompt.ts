/** Keeps some of the pairs of each prompt, so that no prompt weighs more than others. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { idHash } from '../kit/least.ts'
import { promptHash } from '../kit/pair_hash.ts'

export default defineStage({
  name: 'sample_per_prompt',
  version: 1,
  category: 'weigh and balance',
  summary: 'Keep some pairs of each prompt, drawn by a hash or the first by a column.',
  details:
    'Prompts are the same as for `drop_duplicates`: after lower-casing and with every run of white space taken for one space, and with the same pictures and documents beside them. ' +
    'Without `order_by` the pairs whose ids have the smallest hashes are kept, with the seed of the graph and the id of this stage; with it those that come first by that column, and of equal ones those with the smallest hashes. A pair that has no number there comes last.',
  options: Type.Object({
    rows: Type.Integer({ minimum: 1, default: 1, description: 'pairs of one prompt that are kept at most' }),
    order_by: Type.Optional(
      Type.String({ minLength: 1, description: 'column of numbers: the pairs with the least are kept' }),
    ),
    descending: Type.Boolean({ default: false, description: 'with order_by: those with the greatest are kept' }),
  }),
  reads: ({ order_by }) => ({
    id: 'text',
    prompt: 'messages',
    ...(order_by === undefined ? {} : { [order_by]: 'number' as const }),
  }),
  writes: {},
  rows: 'subset',
  check: ({ order_by, descending }) =>
    descending && order_by === undefined
      ? [{ option: 'descending', why: "counts for nothing without 'order_by', the column to go by" }]
      : [],
  reasons: {
    more_of_prompt: {
      kind: 'configured',
      limit: 'rows',
      about: 'its place among the pairs of its prompt',
      isAsked: true,
    },
  },
  by: ['asked'],
  carries: { asked: 'float64', order: 'float64', hash: 'float64' },
  examples: [
    {
      title: 'the two best rated of a prompt; who is not rated comes last',
      options: { rows: 2, order_by: 'rating', descending: true },
      rows: [
        { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', rating: 3 },
        { prompt: 'name a  prime.', chosen: 'Two.', rejected: 'Four.', rating: 5 },
        { prompt: 'Name a prime.', chosen: 'Three.', rejected: 'Six.', rating: 4 },
        { prompt: 'Name a prime.', chosen: 'Five.', rejected: 'Ten.', rating: null },
        { prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.', rating: null },
      ],
      kept: [1, 2, 4],
      dropped: { 0: 'more_of_prompt', 3: 'more_of_prompt' },
    },
  ],
  carry:
    ({ order_by, descending }, context) =>
    batch => {
      const prompt = promptHash(batch),
        id = idHash(batch, context),
        numbers = order_by === undefined ? undefined : batch.numbers(order_by as 'id').values
      return {
        asked: Float64Array.from({ length: batch.rows }, (_, row) => prompt(row)),
        order: Float64Array.from({ length: batch.rows }, (_, row) => (descending ? -1 : 1) * (numbers?.[row] ?? 0)),
        hash: Float64Array.from({ length: batch.rows }, (_, row) => id(row)),
      }
    },
  open: ({ rows: most }) => ({
    batch(batch, verdict) {
      const order = batch.numbers('order').values.map(value => (Number.isNaN(value) ? Infinity : value)),
        hash = batch.numbers('hash').values
      for (let g = 0; g + 1 < batch.groups.length; g++) {
        const [from, to] = [batch.groups[g], batch.groups[g + 1]]
        if (to - from <= most) continue
        Array.from({ length: to - from }, (_, i) => from + i)
          // infinities are equal, and their difference is no number
          .sort((a, b) => (order[a] < order[b] ? -1 : order[a] > order[b] ? 1 : hash[a] - hash[b] || a - b))
          .forEach((row, place) => {
            if (place >= most) verdict.drop(row, 'more_of_prompt', place + 1)
          })
      }
    },
  }),
})
