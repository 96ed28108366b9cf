/** Makes one score of several: all properties shall be good, and what is bad enough of one is not made up for. */
import { choice, defineStage, Type, type ReadType } from '../../engine/contract/define.ts'
import { combineFit, combiner, hasCone, scoresOf } from './combine_fit.ts'
import { combineReport } from './combine_report.ts'
import { METHODS, REFERENCES } from './combining.ts'

const column = (description: string) => Type.String({ minLength: 1, description })

export default defineStage({
  name: 'combine_scores',
  version: 1,
  category: 'weigh and balance',
  status: { is: 'worth nothing here', shown: 'docs/benchmarks/scores.md' },
  summary: 'Make one score of several of both sides, and say under which weights the chosen side stays the better one.',
  details: `\`log_sigmoid\` adds the weighed log s(r - reference) of the scores r: the log-probability that a side is good in all of them, if good is above the reference and the properties are independent given the prompt. More of what is good already is worth little (from 5 to 6 above the reference 0.004, from 5 to 4 below it 0.989), and one that is bad is a veto.
\`sum\` adds weighed scores, \`z_sum\` scores of mean 0 and deviation 1, \`least\` takes the lowest r - reference, without weights.

The reference of a score is a number, a column, or one of all sides of the data: \`quantile\` at \`reference_share\`, \`median\`, \`mean\`, or \`parametric\`, the mean and 1.036 standard deviations. In the two implementations of the paper it is \`parametric\` of some answers to the same prompt: where the data has their scores, write that into a column.

With \`cone_degrees\` the margin is also taken under all weights that lie within this angle of the given ones, of any number of scores: \`robust_margin\` is the least of them, with weights of length 1 and scores as they are (of \`z_sum\` scaled). It is after [Robust Preference Selection](https://arxiv.org/abs/2510.20498), which makes answers in five such directions; that a pair should hold in all is ours, and exact. It is null where no score differs.

Models of one family are not worth combining: on the 2,000 pairs of dpo-reward-margins the best of three alone is right in 69.0 (hh) and 71.0 % (SHP), combinations in 64.9 to 67.9 and 67.3 to 69.6 % (\`npx vitest run test/scores\`); the summary says the same of yours. For properties that veto each other it was not measured: no open data that we have carries several scores of such. A pair without one of the scores has no
combined one, and is counted. References, scales and the summary are of all of 100,000 pairs, of more those whose ids have the smallest hashes.`,
  paper: {
    title: 'Transforming and Combining Rewards for Aligning Large Language Models',
    arxiv: '2402.00742',
    form: 'after',
  },
  options: Type.Object({
    score_columns: Type.Array(
      Type.Object(
        {
          chosen: column('column of the chosen side’s scores'),
          rejected: column('column of the rejected side’s scores'),
          weight: Type.Number({ exclusiveMinimum: 0, default: 1, description: 'how much it counts' }),
          reference: Type.Optional(
            Type.Number({ description: 'score from which on a side is good, in place of that of the data' }),
          ),
          reference_column: Type.Optional(column('the same, as a column: of the prompt, say')),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 16, description: 'scores of both sides, of which higher is better' },
    ),
    method: choice(METHODS, { default: 'log_sigmoid', description: 'how the scores of a side become one' }),
    reference: choice(REFERENCES, {
      default: 'quantile',
      description: 'of scores without one of their own, over the sides of all pairs; `none` is 0',
    }),
    reference_share: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.85,
      description: 'share of sides below the reference `quantile`',
    }),
    cone_degrees: Type.Number({
      minimum: 0,
      maximum: 180,
      default: 0,
      description: 'angle within which weights may be others',
    }),
    min_robust: Type.Optional(
      Type.Number({ description: 'least margin under all weights of the cone; no bound when left out' }),
    ),
  }),
  reads: ({ score_columns = [] }): Readonly<Record<string, ReadType>> => ({
    id: 'text',
    ...Object.fromEntries(
      score_columns
        .flatMap(({ chosen, rejected, reference_column }) => [chosen, rejected, reference_column ?? []])
        .flat()
        .map(name => [name, 'number']),
    ),
  }),
  writes: options => ({
    chosen_score: 'float64',
    rejected_score: 'float64',
    margin: 'float64',
    robust_margin: hasCone(options) ? 'float64' : undefined,
  }),
  rows: ({ min_robust }) => (min_robust === undefined ? 'same' : 'subset'),
  reasons: {
    not_robust: { kind: 'configured', limit: 'min_robust', about: 'the least margin under all weights of the cone' },
  },
  check: ({ score_columns }) =>
    score_columns.some(({ reference, reference_column }) => reference !== undefined && reference_column !== undefined)
      ? [{ option: 'score_columns', why: "give a score either 'reference' or 'reference_column', and not both" }]
      : [],
  examples: [
    {
      title: 'a veto: the plain sum prefers the chosen side by 2, and all weights within 30° no longer do',
      options: {
        score_columns: [
          { chosen: 'helpful', rejected: 'helpful_of_other', weight: 1, reference: 0 },
          { chosen: 'harmless', rejected: 'harmless_of_other', weight: 1, reference: 0 },
        ],
        cone_degrees: 30,
        min_robust: 0,
      },
      rows: [
        [6, -2, 1, 1],
        [2, 2, 0, 0],
        [0, 0, 0, 0],
        [2, null, 0, 0],
      ].map(([helpful, harmless, helpful_of_other, harmless_of_other], i) => ({
        id: `row ${i}`,
        prompt: 'How do I get over a fence?',
        chosen: 'With a ladder.',
        rejected: 'Why?',
        ...{ helpful, harmless, helpful_of_other, harmless_of_other },
      })),
      kept: [1, 2, 3],
      dropped: { 0: 'not_robust' },
      columns: {
        chosen_score: [-0.253856022085945, -1.3862943611198906, null],
        rejected_score: [-1.3862943611198906, -1.3862943611198906, null],
        margin: [1.1324383390339456, 0, null],
        robust_margin: [2.4494897427831783, null, null],
      },
    },
    {
      title: 'references of the data: the median of all sides',
      options: {
        score_columns: [{ chosen: 'good', rejected: 'bad', weight: 1 }],
        method: 'least',
        reference: 'median',
      },
      rows: [
        { id: 'a', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', good: 4, bad: 1 },
        { id: 'b', prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.', good: 3, bad: 2 },
      ],
      kept: [0, 1],
      columns: { chosen_score: [1.5, 0.5], rejected_score: [-1.5, -0.5], margin: [3, 1] },
    },
  ],
  fit: combineFit,
  report: (options, { state }) => combineReport(options, state),
  open(options, { state: { scales } }) {
    const combineRow = combiner(options, scales)
    return {
      batch(batch, verdict) {
        const read = scoresOf(batch, options),
          none = () => new Float64Array(batch.rows).fill(NaN),
          columns = { chosen_score: none(), rejected_score: none(), margin: none() },
          robust_margin = none()
        for (let row = 0; row < batch.rows; row++) {
          const numbers = read(row)
          if (!numbers) continue
          const { chosen, rejected, robust } = combineRow(numbers)
          columns.chosen_score[row] = chosen
          columns.rejected_score[row] = rejected
          columns.margin[row] = chosen - rejected
          robust_margin[row] = robust
          // of equal scores the margin is NaN, and no bound is held against it
          if (options.min_robust !== undefined && robust < options.min_robust) verdict.drop(row, 'not_robust', robust)
        }
        return { columns: { ...columns, robust_margin: hasCone(options) ? robust_margin : undefined } }
      },
    }
  },
})
