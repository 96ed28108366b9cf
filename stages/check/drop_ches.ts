/** Drops pairs whose sides are so alike to the model that training on them can lower the likelihood of both. */
import { defineStage, Type, type Batch } from '../../engine/contract/define.ts'
import { atRanks } from './ranks.ts'

const UNSCORED = {
  no_vector: 'a side has no vector, an empty one, or one with a null in it: no score, and the pair is kept',
  unlike_widths: 'the vectors of the two sides are not equally long: no score, and the pair is kept',
  no_tokens: 'a side has no number of tokens, or less than 1: no score, and the pair is kept',
  not_finite: 'a vector holds NaN or infinity, or its products do not fit in a float32: no score, and the pair is kept',
} as const
type Unscored = keyof typeof UNSCORED

interface Sides {
  readonly chosen: string
  readonly rejected: string
}
interface Columns {
  readonly hidden_columns: Sides
  readonly tokens_columns?: Sides
}
interface Part {
  readonly rows: number
  readonly scores: Float32Array
  readonly widths: readonly number[]
}
interface Fitted {
  readonly rows: number
  readonly scored: number
  readonly widths: readonly number[]
  readonly highest: number
  readonly quantiles: readonly number[]
}

/** Scores rows of a batch, or says why one has no score. */
function scorer(
  batch: Batch,
  { hidden_columns: hidden, tokens_columns: tokens }: Columns,
): (row: number) => number | Unscored {
  const ours = batch.vectors(hidden.chosen),
    theirs = batch.vectors(hidden.rejected)
  const ourTokens = tokens && batch.numbers(tokens.chosen).values,
    theirTokens = tokens && batch.numbers(tokens.rejected).values
  return row => {
    const width = ours.width(row),
      a = ours.start(row),
      b = theirs.start(row)
    if (width === 0 || theirs.width(row) === 0) return 'no_vector'
    if (width !== theirs.width(row)) return 'unlike_widths'
    const [long, other] = ourTokens && theirTokens ? [ourTokens[row], theirTokens[row]] : [1, 1]
    if (!(long >= 1 && other >= 1)) return 'no_tokens'
    let shared = 0,
      own = 0
    for (let c = 0; c < width; c++) {
      shared += ours.values[a + c] * theirs.values[b + c]
      own += ours.values[a + c] * ours.values[a + c]
    }
    const score = shared / (long * other) - own / (long * long)
    return Number.isFinite(Math.fround(score)) ? score : 'not_finite'
  }
}

const sides = (description: string, usual?: Sides) =>
  Type.Object(
    { chosen: Type.String({ minLength: 1 }), rejected: Type.String({ minLength: 1 }) },
    { additionalProperties: false, description, ...(usual ? { default: usual } : {}) },
  )
const SHOWN = [0.05, 0.5, 0.95]

export default defineStage({
  name: 'drop_ches',
  version: 1,
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
  rows: 'subset',
  keeps: ({ keep_share, max_score }) => keep_share === 1 && max_score === undefined,
  reasons: {
    above_share: { kind: 'configured', about: 'the score, which is not among the lowest `keep_share`' },
    above_max: { kind: 'configured', limit: 'max_score', about: 'the score' },
    ...Object.fromEntries(
      Object.entries(UNSCORED).map(([reason, about]) => [reason, { kind: 'configured' as const, about }]),
    ),
  },
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
  fit: [
    {
      collect(options) {
        const scores: number[] = [],
          widths = new Set<number>()
        let rows = 0
        return {
          batch(batch) {
            const scoreOf = scorer(batch, options),
              { width } = batch.vectors(options.hidden_columns.chosen)
            for (let row = 0; row < batch.rows; row++) {
              const score = scoreOf(row)
              if (typeof score !== 'number') continue
              scores.push(score)
              widths.add(width(row))
            }
            rows += batch.rows
          },
          partial: (): Part => ({ rows, scores: Float32Array.from(scores), widths: ends([...widths]) }),
        }
      },
      merge({ keep_share }, _context, partials): Fitted {
        let rows = 0,
          scored = 0,
          widths: number[] = []
        for (const part of partials as Iterable<Part>) {
          rows += part.rows
          scored += part.scores.length
          widths = ends([...widths, ...part.widths])
        }
        const scores = {
          *[Symbol.iterator]() {
            for (const part of partials as Iterable<Part>) yield part.scores
          },
        }
        // a product such as 0.1 * 30 may lie a little above the whole number that is meant
        const [highest, ...quantiles] = atRanks(scores, [
          Math.ceil(keep_share * scored - 1e-9) - 1,
          ...SHOWN.map(share => Math.floor(share * (scored - 1))),
        ])
        return { rows, scored, widths, highest, quantiles }
      },
    },
  ],
  report({ keep_share }, [fitted]) {
    const { rows, scored, widths, highest, quantiles } = fitted as Fitted,
      lines: string[] = []
    if (scored === 0) lines.push(`none of ${rows.toLocaleString('en-US')} pairs has a score`)
    else {
      lines.push(
        `${scored.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} pairs have a score: ${SHOWN.map((share, i) => `${100 * share} % up to ${quantiles[i].toPrecision(4)}`).join(', ')}${keep_share < 1 ? `; the lowest ${100 * keep_share} % end at ${highest.toPrecision(4)}` : ''}`,
      )
    }
    if (widths.length > 1) {
      lines.push(
        `the vectors are ${widths[0]} to ${widths[1]} long: they are not of one model, and their scores do not compare`,
      )
    }
    return {
      lines,
      numbers: {
        rows,
        scored,
        quantiles: scored ? Object.fromEntries(SHOWN.map((share, i) => [share, quantiles[i]])) : {},
        ...(keep_share < 1 && scored ? { highest_kept: highest } : {}),
      },
    }
  },
  open(options, context) {
    const { highest } = context.states[0] as Fitted
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

/** The least and the greatest of some numbers; one where they are the same, none of none. */
const ends = (values: readonly number[]): number[] =>
  values.length === 0 ? [] : [...new Set([Math.min(...values), Math.max(...values)])]
