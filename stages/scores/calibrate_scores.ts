/** Says how far margins of scores can be taken for log-odds of the label, and makes them so by a temperature. */
import { choice, defineStage, round, Type, type ReadType } from '../../engine/contract/define.ts'
import { probabilityAt } from './calibration.ts'
import { calibrationReport, curveOf, fitGroups } from './calibration_report.ts'
import { collectMargins, marginsOf, mergeMargins, namer, type Seen } from './margins.ts'

export default defineStage({
  name: 'calibrate_scores',
  version: 1,
  category: 'weigh and balance',
  status: { is: 'proven here', shown: 'docs/benchmarks/scores.md' },
  summary: 'Turn margins of scores into probabilities of the label, and say how well calibrated they are.',
  details: `A margin d, the chosen side's score minus the rejected one's, is taken for log-odds wherever it goes into s(d) = 1 / (1 + e^-d), as in a trainer's soft label. Reward models are too sure or not sure enough, and one model differently on two sources: \`by\` looks at each apart. \`probability\` is s(d / T), at the temperature T
that makes the labels likeliest: above 1 the scores were too sure. With \`temperature_and_noise\` it is η + (1 - 2 η) s(d / T), with a share η of labels that are wrong whatever the scores; where its interval is wide the two cannot be told apart.

On pairs that T was not fitted to, NLL fell from 0.655 to 0.602 for a model that was too sure (base_dpo on hh), and rose by 0.001 or 0.002 where scores were right already (\`npx vitest run test/scores\`).

There is a T only where the mean margin is above 0 and some margin is below 0; without one \`probability\` is s(d), and the summary says why. A value of \`by\` with fewer than 200 margins goes by the T of all rows. Missing and infinite margins are counted, and have no probability.

ECE, ACE and MCE, as in the paper’s code, are the mean error of the probabilities over all labels, over the bins that hold a label, and of the worst bin, where each pair also counts flipped, with 1 - p and a label of 0: without that every label would be 1. So the bins must be even in number: a middle one cancels itself, and with the 5 bins of the
paper’s code they hide all |d| < 0.405. NLL is the mean of -log p. ECE may rise while NLL falls: a temperature, which is not of the paper, can only stretch.

Everything is held against the labels as given: wrong labels look like scores that are too sure. Looked at are all of 100,000 margins, and of each value all of 20,000; of more those whose ids have the smallest hashes. Of more than 256 values of \`by\` some are left out, by a hash of the value, and go by the T of all rows.`,
  paper: {
    title: 'On Diversified Preferences of Large Language Model Alignment',
    arxiv: '2312.07401',
    form: 'as in',
  },
  options: Type.Object({
    score_columns: Type.Optional(
      Type.Object(
        {
          chosen: Type.String({ minLength: 1, description: 'column of the chosen side’s scores' }),
          rejected: Type.String({ minLength: 1, description: 'column of the rejected side’s scores' }),
        },
        { additionalProperties: false, description: 'columns of the scores of both sides; higher is better' },
      ),
    ),
    margin_column: Type.Optional(
      Type.String({ minLength: 1, description: 'column of the difference, in place of both: above 0 for the label' }),
    ),
    by: Type.Optional(
      Type.String({ minLength: 1, description: 'text column; each of its values has a temperature of its own' }),
    ),
    fit: choice(['temperature', 'temperature_and_noise', 'none'], {
      default: 'temperature',
      description: 'what is fitted to the labels; with none, margins are taken as they are',
    }),
    bins: Type.Integer({
      minimum: 2,
      maximum: 100,
      multipleOf: 2,
      default: 20,
      description: 'equal bins of probability, an even number',
    }),
  }),
  reads: ({ score_columns: scores, margin_column: margin, by }): Readonly<Record<string, ReadType>> => ({
    id: 'text',
    ...(scores ? { [scores.chosen]: 'number', [scores.rejected]: 'number' } : {}),
    ...(margin === undefined ? {} : { [margin]: 'number' }),
    ...(by === undefined ? {} : { [by]: 'text' }),
  }),
  writes: { margin: 'float64', probability: 'float64' },
  rows: 'same',
  check({ score_columns, margin_column }) {
    if ((score_columns === undefined) !== (margin_column === undefined)) return []
    const why = `give either 'score_columns' or 'margin_column', and not ${score_columns ? 'both' : 'neither'}`
    return [{ option: 'score_columns', why }]
  },
  examples: [
    {
      title: 'scores that are a little too sure: T is 1.04',
      options: { score_columns: { chosen: 'good', rejected: 'bad' } },
      rows: [
        { good: 3, bad: 1 },
        { good: 2, bad: 1 },
        { good: 0.5, bad: 0 },
        { good: 0, bad: 1 },
        { good: null, bad: 1 },
      ].map((row, i) => ({ id: `row ${i}`, prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', ...row })),
      kept: [0, 1, 2, 3, 4],
      columns: {
        margin: [2, 1, 0.5, -1, null],
        probability: [0.8722875595474785, 0.7232557262726858, 0.6178268567193431, 0.2767442737273143, null],
      },
    },
    {
      title: 'margins that never speak against a label have no temperature',
      options: { margin_column: 'gap' },
      rows: [
        { id: 'a', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', gap: 0 },
        { id: 'b', prompt: 'Name a river.', chosen: 'The Po.', rejected: 'The Alps.', gap: 40 },
      ],
      kept: [0, 1],
      columns: { margin: [0, 40], probability: [0.5, 1] },
    },
  ],
  fit: ({ score_columns, margin_column, by, fit, bins }) =>
    round({
      collect: context => collectMargins({ score_columns, margin_column, by }, context),
      merge: (parts: Iterable<Seen>) => fitGroups(mergeMargins(parts), fit, bins),
    }),
  report: ({ by }, { state }) => calibrationReport(state, by),
  open: (options, { state }) => ({
    batch(batch) {
      const margin = marginsOf(batch, options),
        name = options.by === undefined ? undefined : namer(batch, options.by)
      return {
        columns: { margin, probability: margin.map((d, row) => probabilityAt(curveOf(state, name?.(row)), d)) },
      }
    },
  }),
})
