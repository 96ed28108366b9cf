/** Weighs undesirable rows by how much likelier their prompt is among desirable ones. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { densityWeight, logOdds, probabilityOf } from './density.ts'
import { densityFit, densityReport, foldOf, isTold, vectorsOf, weightTally } from './density_fit.ts'

const row = (id: string, thumb: boolean, vector: readonly number[] | null) => ({
  ...{ id, prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
  thumb,
  vector,
})
const side = (thumb: boolean) => Array.from({ length: 20 }, (_, i) => row(`${thumb}${i}`, thumb, [i % 5, i * i]))

export default defineStage({
  name: 'weigh_density',
  version: 1,
  category: 'weigh and balance',
  status: { is: 'as published' },
  summary: 'Weigh undesirable rows by how much likelier their prompt is among desirable ones.',
  details: `Of rows with a thumb up or down BCO assumes that both come from the same prompts. Where they do not, as where thumbs of two sources are put together, it weighs each undesirable row by P / (1 - P), within \`min_weight\` and \`max_weight\`: P is the probability, by a logistic regression over the prompts' vectors with balanced classes, that a prompt is a desirable row's. \`<id>_weight\` is that; of desirable rows it is 1.

TRL's BCO (gone since 1.14) fits on the rows that it weighs, and draws them with replacement. Here a row's P is of a regression without its fifth of the prompts, and those with the smallest hashes are looked at, so that the sample is one for any order of files; equal prompts are in one fold. Without a sample and folds the weights are TRL's. Where its interval says that the classes cannot be told apart (AUROC of 0.5), or a class is
missing in a fold, all weights are 1: so it is on pairs taken apart, whose prompts are the same twice.

No trainer reads the column: TRL's KTO has one weight for each class, which \`write_unpaired\` says. It is for a loss of your own, or to sample by. There is no column for BCO's shift of rewards: it is a running mean of the model in training, and DPO's \`bco_pair\` has none any more.

Not measured: no open data has this column. No shared set has vectors of prompts with thumbs of two sources. With counts of hashed words (32 buckets) as vectors, 500 prompts of hh's harmless-base taken for desirable and 500 of helpful-base for undesirable are told apart with AUROC 0.58 [0.55, 0.62], with weights from 0.50 to 10.00, and the prompts of pairs taken apart have weight 1 (\`npx vitest run test/weigh\`).`,
  paper: {
    title: 'Binary Classifier Optimization for Large Language Model Alignment',
    arxiv: '2404.04656',
    form: 'after',
  },
  options: Type.Object({
    vector_column: Type.String({ minLength: 1, default: 'vector', description: 'column of the prompts’ embeddings' }),
    label_column: Type.String({
      minLength: 1,
      default: 'label',
      description: 'bool column: whether a row is desirable',
    }),
    min_weight: Type.Number({ minimum: 0, maximum: 1, default: 0.5, description: 'least weight' }),
    max_weight: Type.Number({ minimum: 1, default: 10, description: 'largest weight' }),
    sample_rows: Type.Integer({
      minimum: 10,
      default: 1024,
      description: 'rows of a class that are looked at, at most',
    }),
    folds: Type.Integer({ minimum: 2, maximum: 20, default: 5, description: 'parts of the prompts' }),
  }),
  reads: ({ vector_column = 'vector', label_column = 'label' }) => ({
    id: 'text' as const,
    [vector_column]: 'vector' as const,
    [label_column]: 'bool' as const,
  }),
  writes: { weight: 'float64' },
  rows: 'same',
  notes: { no_weight: 'the vector is missing, empty or has what is no finite number, or the label is missing' },
  examples: [
    {
      title: 'the same prompts in both classes, and a row without a vector',
      options: { label_column: 'thumb' },
      rows: [...side(true), ...side(false), row('y', false, null)],
      kept: Array.from({ length: 41 }, (_, i) => i),
      noted: { 40: 'no_weight' },
      columns: { weight: [...Array<number>(40).fill(1), null] },
    },
  ],
  fit: options => densityFit(options),
  tally: options => weightTally(options),
  report: (_options, { state, tally }) => densityReport(state, tally),
  open: (options, { state, seed }) => ({
    batch(batch, verdict) {
      const vector = vectorsOf(batch as never, options.vector_column, seed),
        labels = batch.numbers(options.label_column as never).values,
        weight = new Float64Array(batch.rows).fill(1)
      for (let row = 0; row < batch.rows; row++) {
        const found = Number.isNaN(labels[row]) ? undefined : vector(row)
        if (!found) {
          weight[row] = NaN
          verdict.note(row, 'no_weight')
        } else if (labels[row] === 0 && isTold(state)) {
          const odds = logOdds(state.told.coefficients[foldOf(found, options.folds)], found.values, 0)
          weight[row] = densityWeight(probabilityOf(odds), options.min_weight, options.max_weight)
        }
      }
      return { columns: { weight } }
    },
  }),
})
