/** Drops pairs whose sides are so alike to the model that training on them can lower the likelihood of both. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { chesFit, chesReport, scorer, UNSCORED, type Sides } from './ches.ts'

const sides = (description: string, usual?: Sides) =>
  Type.Object(
    { chosen: Type.String({ minLength: 1 }), rejected: Type.String({ minLength: 1 }) },
    { additionalProperties: false, description, ...(usual ? { default: usual } : {}) },
  )

export default defineStage({
  name: 'drop_ches',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary:
    'Drop pairs whose sides have so similar hidden states that training on them can lower the likelihood of both.',
  details: `The score is the length-normalised CHES (centered hidden embedding similarity) of the paper: with S the sum of the hidden states of a side's tokens and n their number, ⟨S⁺, S⁻⟩ / (n⁺ n⁻) − ‖S⁺‖² / (n⁺)². The higher,
the more alike the sides are to the model, and the more training on the pair lowers the likelihood of the chosen one. The states are those of the last layer at the positions that predict a token of the side, from the last token of the prompt to
the last but one of the side, of the model that is to be trained. Sluice computes none: publish, run your model over the pairs, add the two columns (list of float32 or float64, fixed size or not), and read the result with a graph that
has this stage. That holds for pairs of \`inject_errors\` too, which are alike on purpose: \`min_edit_share\` bounds them by their text, and this stage by what the model makes of it.

The columns are means over tokens, or sums where \`tokens_columns\` is given. Vectors of another model, or pooled in another way, are a proxy that the paper does not try; call the stage \`ches_proxy\` then, so that its column says so.

Nothing is dropped unless \`keep_share\` or \`max_score\` says so. The paper kept the lowest 5 % to 15 % of some 370 pairs of one kind (refusals) and got their refusals back; that it helps on other data was not tried. The share is exact, however many rows there are, for scores as float32: equal ones stay together. Pairs without a score
are kept, are not counted in the share, and are listed in notes/.`,
  paper: {
    title: 'Unintentional Unalignment: Likelihood Displacement in Direct Preference Optimization',
    arxiv: '2410.08847',
    form: 'as in',
  },
  options: Type.Object({
    hidden_columns: sides(
      "columns of vectors: the mean of a side's hidden states, or their sum where tokens_columns is given",
      { chosen: 'chosen_hidden', rejected: 'rejected_hidden' },
    ),
    tokens_columns: Type.Optional(sides("columns of a side's number of tokens, where the vectors are sums")),
    keep_share: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
      description: 'share of the pairs with a score to keep, those with the lowest',
    }),
    max_score: Type.Optional(
      Type.Number({
        description: "highest score to keep; no bound when left out. Its scale is that of the model's hidden states",
      }),
    ),
  }),
  reads: ({ hidden_columns: hidden, tokens_columns: tokens }) => ({
    [hidden.chosen]: 'vector',
    [hidden.rejected]: 'vector',
    ...(tokens ? { [tokens.chosen]: 'number', [tokens.rejected]: 'number' } : {}),
  }),
  writes: { score: 'float64' },
  rows: ({ keep_share, max_score }) => (keep_share === 1 && max_score === undefined ? 'same' : 'subset'),
  reasons: {
    above_share: {
      kind: 'configured',
      option: 'keep_share',
      about: 'the score, which is not among the lowest `keep_share`',
    },
    above_max: { kind: 'configured', limit: 'max_score', about: 'the score' },
  },
  notes: UNSCORED,
  examples: [
    {
      title: 'means: the lower half is kept',
      options: { keep_share: 0.5 },
      rows: [
        {
          prompt: 'Name a prime.',
          chosen: 'Seven.',
          rejected: 'Nine.',
          chosen_hidden: [1, 2],
          rejected_hidden: [2, 2],
        },
        {
          prompt: 'Name a bird.',
          chosen: 'A heron.',
          rejected: 'A stone, as far as I know.',
          chosen_hidden: [1, 2],
          rejected_hidden: [-1, 0.5],
        },
      ],
      kept: [1],
      dropped: { 0: 'above_share' },
      columns: { score: [-5] },
    },
    {
      title: 'sums, with the numbers of tokens; a bound; and rows that have no score',
      options: {
        hidden_columns: { chosen: 'chosen_sum', rejected: 'rejected_sum' },
        tokens_columns: { chosen: 'chosen_tokens', rejected: 'rejected_tokens' },
        max_score: 0,
      },
      rows: [
        { chosen_sum: [2, 4], rejected_sum: [12, 12], chosen_tokens: 2, rejected_tokens: 6 },
        { chosen_sum: [2, 4], rejected_sum: [-6, 3], chosen_tokens: 2, rejected_tokens: 6 },
        { chosen_sum: null, rejected_sum: [1, 1], chosen_tokens: 2, rejected_tokens: 6 },
        { chosen_sum: [2, 4], rejected_sum: [1, 1, 1], chosen_tokens: 2, rejected_tokens: 6 },
        { chosen_sum: [2, 4], rejected_sum: [1, 1], chosen_tokens: 0, rejected_tokens: 6 },
        { chosen_sum: [1e300, 4], rejected_sum: [1, 1], chosen_tokens: 2, rejected_tokens: 6 },
      ].map(numbers => ({ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', ...numbers })),
      kept: [1, 2, 3, 4, 5],
      dropped: { 0: 'above_max' },
      noted: { 2: 'no_vector', 3: 'unlike_widths', 4: 'no_tokens', 5: 'not_finite' },
    },
  ],
  fit: chesFit,
  report: (options, { state }) => chesReport(options, state),
  open(options, { state: { highest } }) {
    return {
      batch(batch, verdict) {
        const scoreOf = scorer(batch, options),
          scores = new Float64Array(batch.rows).fill(NaN)
        for (let row = 0; row < batch.rows; row++) {
          const score = scoreOf(row)
          if (typeof score !== 'number') {
            verdict.note(row, score)
            continue
          }
          scores[row] = score
          if (options.max_score !== undefined && score > options.max_score) verdict.drop(row, 'above_max', score)
          else if (options.keep_share < 1 && Math.fround(score) > highest) verdict.drop(row, 'above_share', score)
        }
        return { columns: { score: scores } }
      },
    }
  },
})
