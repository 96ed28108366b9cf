/** Weighs groups of pairs, as languages or categories, so that the large ones do not drown the small; or caps them. */
import { choice, defineStage, Type, type Batch, type Verdict } from '../../engine/contract/define.ts'
import { idHash } from '../kit/least.ts'
import { difficulty } from './balance.ts'
import { balanceRounds, measures, namer, places, weightsOf } from './balance_fit.ts'
import { balanceReport } from './balance_report.ts'

const pair = (lang: string | null, i = 0) => ({
  id: `${lang}${i}`,
  prompt: 'A prime?',
  chosen: '7',
  rejected: '9',
  lang,
})

export default defineStage({
  name: 'balance_groups',
  version: 1,
  category: 'weigh and balance',
  status: { is: 'as published' },
  summary: 'Give the pairs of small groups, as languages or categories, larger weights; or cap the large groups.',
  details: `With \`method: weigh\` all pairs stay, and \`weight\` has a mean of 1. \`weights: power\` makes a group's share its number of pairs to \`power\`: 0 makes all groups alike, 1 leaves them. \`effective_number\` goes by 1 - beta over 1 - beta^n. \`targets\` goes by a table with the columns \`group\` and \`share\`, in relation to each other; a group that it lacks has the weight 0.
With \`method: cap\` no group has more than \`max_share\` of what stays, nor more than \`max_rows\`; those with the smallest hashes of their ids stay. Where that cannot be, as with fewer than 1 / \`max_share\` groups, only \`max_rows\` counts, and the summary says so.

Values with fewer than \`min_rows\` pairs are one group, or a handful of pairs would weigh as much as thousands; a null is a group of its own. Of more than 1,000 values some are left out, with the weight 1. \`names\` knows SORRY-Bench's categories by id and by their names, long and short. The effective sample (Kish) says what weights cost: how many pairs of one weight tell as much.

\`difficulty\` multiplies weights by DR-IRL's: s(1 - similarity of the sides) and s(mean reward gap of the group), each beside that of the means. It is second-hand, its mean is not 1, and it has no bound: a similarity in 0 to 1 stays within 0.68 and 1.46. A pair without the number has that of the mean.

Not measured: whether a model trained with such weights is better on small groups. TRL's DPO reads no weights. Drop rows before this stage, not behind it: the graph's check warns.`,
  paper: { title: 'Class-Balanced Loss Based on Effective Number of Samples', arxiv: '1901.05555', form: 'after' },
  options: Type.Object({
    by: Type.String({ minLength: 1, description: 'text column whose values are the groups' }),
    method: choice(['weigh', 'cap'], { default: 'weigh', description: 'write weights, or drop what is too many' }),
    weights: choice(['power', 'effective_number', 'targets'], {
      default: 'power',
      description: 'what weights go by; targets needs the table of that name',
    }),
    power: Type.Number({ minimum: 0, maximum: 1, default: 0.3, description: '0: groups alike; 1: as they are' }),
    beta: Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0.999, description: 'of effective_number' }),
    max_share: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 0.5, description: 'of a group, to cap' }),
    max_rows: Type.Optional(Type.Integer({ minimum: 1, description: 'pairs of a group, to cap' })),
    min_rows: Type.Integer({ minimum: 1, default: 20, description: 'pairs that make a group; others are one' }),
    names: choice(['as_they_are', 'sorry_v1', 'sorry_202503'], {
      default: 'as_they_are',
      description: 'whose categories the values are, by id or name',
    }),
    difficulty: Type.Optional(
      Type.Object(
        { similarity: Type.String({ minLength: 1 }), gap: Type.String({ minLength: 1 }) },
        { additionalProperties: false, description: 'columns: similarity of both sides, 0 to 1; gap of their rewards' },
      ),
    ),
  }),
  reads: ({ by = 'source', difficulty: of }) => ({
    id: 'text',
    [by]: 'text',
    ...(of ? { [of.similarity]: 'number', [of.gap]: 'number' } : {}),
  }),
  tables: ({ method, weights }) =>
    ({
      ...(method === 'weigh' && weights === 'targets' ? { targets: { group: 'text', share: 'number' } } : {}),
    }) as { targets: { group: 'text'; share: 'number' } },
  writes: ({ method }) => ({ weight: method === 'weigh' ? ('float64' as const) : undefined }),
  ofAllRows: ({ method }) => (method === 'weigh' ? 'its weights' : 'its shares'),
  rows: ({ method }) => (method === 'weigh' ? 'same' : 'subset'),
  reasons: { over_share: { kind: 'configured', about: 'its group has enough pairs without it', isAsked: true } },
  examples: [
    {
      title: 'four pairs and one: all groups alike',
      options: { by: 'lang', power: 0, min_rows: 1 },
      rows: [pair('en'), pair('en', 1), pair('en', 2), pair('en', 3), pair('zh')],
      kept: [0, 1, 2, 3, 4],
      columns: { weight: [0.625, 0.625, 0.625, 0.625, 2.5] },
    },
    {
      title: 'shares of a table',
      options: { by: 'lang', weights: 'targets', min_rows: 1 },
      rows: [pair('en'), pair('en', 1), pair('zh'), pair(null)],
      tables: {
        targets: [
          { group: 'en', share: 1 },
          { group: 'zh', share: 3 },
        ],
      },
      kept: [0, 1, 2, 3],
      columns: { weight: [0.5, 0.5, 3, 0] },
    },
    {
      title: 'no group has more than half',
      options: { by: 'lang', method: 'cap', min_rows: 1 },
      rows: [pair('en'), pair('en', 1), pair('en', 2), pair('zh')],
      kept: [1, 3],
      dropped: { 0: 'over_share', 2: 'over_share' },
    },
  ],
  fit: balanceRounds,
  open(options, context) {
    const { state } = context,
      place = places(state),
      weights = weightsOf(state, options)
    return {
      batch(batch: Batch, verdict: Verdict<'over_share'>) {
        const name = namer(batch, options),
          at = Int32Array.from({ length: batch.rows }, (_, row) => place(name(row)))
        if (state.limits) {
          const hash = idHash(batch, context)
          at.forEach((group, row) => {
            if (group >= 0 && hash(row) >= state.limits![group]) verdict.drop(row, 'over_share')
          })
          return { columns: { weight: undefined } }
        }
        const known = measures(batch, options.difficulty)
        const weight = Float64Array.from(at, (group, row) => {
          if (group < 0) return 1
          if (!known) return weights[group]
          const unlike = Number.isFinite(known.unlike[row]) ? known.unlike[row] : state.unlike
          return weights[group] * difficulty(unlike, state.unlike, state.groups[group].gap, state.gap)
        })
        return { columns: { weight } }
      },
    } as never
  },
  report: (options, { state }) => balanceReport(options, state),
})
