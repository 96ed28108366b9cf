/** Keeps as many pairs as can be so that sources, languages or other values of a column have given shares. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { idHash, least } from '../kit/least.ts'

/** How many of each are kept: as many as the scarcest of them allows. */
export function shares(weights: readonly number[], counts: readonly number[]): number[] {
  const whole = Math.min(...counts.map((count, i) => count / weights[i]))
  // the scarcest are kept whole, whatever a division does to them
  return counts.map((count, i) => Math.min(count, Math.floor(weights[i] * whole + 1e-6)))
}

const n = (rows: number) => rows.toLocaleString('en-US')

export default defineStage({
  name: 'sample_mix',
  version: 1,
  category: 'weigh and balance',
  summary: 'Keep as many pairs as can be so that the values of a column have given shares.',
  details:
    'With `by: source` and `weights: { chat: 3, maths: 1 }` three of four kept pairs are of `chat`. All pairs of the scarcest value are kept, measured by its weight, and of the others those whose ids have the smallest hashes, with the seed of the graph and the id of this stage. ' +
    'A pair whose value has no weight is dropped. A value with a weight that no pair has would leave nothing: such a run is not published.\n\n' +
    'Which source of a graph a pair is of stands in no column, unless the files have one: where they have none, a `sample_rows` behind each source does the same.',
  options: Type.Object({
    by: Type.String({ minLength: 1, description: 'text column whose values are mixed' }),
    weights: Type.Record(Type.String({ minLength: 1 }), Type.Number({ exclusiveMinimum: 0 }), {
      minProperties: 1,
      description: 'values, and how much of what is kept each of them is, in relation to the others',
    }),
  }),
  reads: ({ by = 'source' }) => ({ id: 'text', [by]: 'text' }),
  writes: {},
  rows: 'subset',
  reasons: {
    beyond_share: { kind: 'configured', about: 'its value has enough pairs without it', isAsked: true },
    no_weight: { kind: 'configured', about: 'its value has no weight' },
  },
  examples: [
    {
      title: 'twice as much chat as maths, and nothing else',
      options: { by: 'source', weights: { chat: 2, maths: 1 } },
      rows: [
        { id: 'a', prompt: 'Hello?', chosen: 'Hi.', rejected: 'No.', source: 'chat' },
        { id: 'b', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', source: 'maths' },
        { id: 'c', prompt: 'How are you?', chosen: 'Well.', rejected: 'No.', source: 'chat' },
        { id: 'd', prompt: 'And now?', chosen: 'Fine.', rejected: 'No.', source: 'chat' },
        { id: 'e', prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.', source: 'maps' },
      ],
      kept: [0, 1, 3],
      dropped: { 2: 'beyond_share', 4: 'no_weight' },
    },
  ],
  fit: ({ by, weights }) => {
    const names = Object.keys(weights)
    return least(
      names.length,
      batch => {
        const value = batch.text(by)
        return row => names.indexOf(value.text(row))
      },
      counts => shares(Object.values(weights), counts),
    )
  },
  open({ by, weights }, context) {
    const limits = new Map(Object.keys(weights).map((name, i) => [name, context.state.limits[i]]))
    return {
      batch(batch, verdict) {
        const hash = idHash(batch as never, context),
          value = batch.text(by as never)
        for (let row = 0; row < batch.rows; row++) {
          const limit = limits.get(value.text(row))
          if (limit === undefined) verdict.drop(row, 'no_weight')
          else if (hash(row) >= limit) verdict.drop(row, 'beyond_share')
        }
      },
    }
  },
  report({ by, weights }, { state: { counts } }) {
    const names = Object.keys(weights),
      taken = shares(Object.values(weights), counts),
      none = names.filter((_, i) => counts[i] === 0)
    return {
      lines: names.map((name, i) => `${name}: ${n(taken[i])} of ${n(counts[i])} pairs`),
      numbers: { taken: Object.fromEntries(names.map((name, i) => [name, taken[i]])) },
      refuse: none.map(
        name =>
          `no pair has the value '${name}' in the column '${by}', so no mixture with it has a pair: look at its spelling, or take it out of 'weights'`,
      ),
    }
  },
})
