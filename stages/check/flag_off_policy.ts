/** Flags pairs whose rejected side the policy would hardly write: to push it further down teaches little, and costs. */
import { defineStage, round, Type, type Batch } from '../../engine/contract/define.ts'
import { idHash } from '../kit/least.ts'
import { addNumbers, cutNumbers, leastNumbers, mergeNumbers, type LeastNumbers } from '../kit/least_numbers.ts'

const sides = (description: string) =>
  Type.Object(
    { chosen: Type.String({ minLength: 1 }), rejected: Type.String({ minLength: 1 }) },
    { additionalProperties: false, description },
  )

/** Pairs that the summary's quantiles are of: all where there are no more. */
const MOST_ROWS = 100_000
const SHOWN = [0.05, 0.5, 0.95]

interface Columns {
  readonly logprob_columns: { readonly chosen: string; readonly rejected: string }
  readonly tokens_columns?: { readonly chosen: string; readonly rejected: string }
}

/** Nats a token of a side, by row; NaN where there is none: missing, infinite, above 0, or of no token. */
function nats(batch: Batch, side: 'chosen' | 'rejected', { logprob_columns, tokens_columns }: Columns): Float64Array {
  const tokens = tokens_columns && batch.numbers(tokens_columns[side]).values
  return batch.numbers(logprob_columns[side]).values.map((logprob, row) => {
    const count = tokens ? tokens[row] : 1
    return count >= 1 && logprob <= 0 && Number.isFinite(logprob / count) ? logprob / count : NaN
  })
}

export default defineStage({
  name: 'flag_off_policy',
  version: 1,
  category: 'check and deduplicate',
  status: { is: 'as published' },
  summary: 'Flag pairs whose rejected side the policy would hardly write.',
  details: `DPO lowers the likelihood of rejected answers drastically, says the paper, and can take what was never trained on along; on pairs sampled from the policy itself it is steadier. A rejected answer that the policy would never give is far from such a pair. How likely the policy finds a side is the mean log-probability of its tokens given the prompt: publish, run your model over the pairs, add
the two columns, and read the result with a graph that has this stage. They are means over tokens (nats), or sums where \`tokens_columns\` is given; \`gap\` is that of the chosen side minus that of the rejected one. A mean favours long answers less than a sum, but says of a text that copies or repeats itself that it is likely.

Nothing is dropped, and nothing noted unless \`min_logprob\` says so: choose it by the quantiles in the summary. \`<id>.off_policy\` has the pairs below it; \`drop_by_column\` with \`where: "<id>_rejected_logprob < -3.0"\` drops them.

Not measured: no open data that we have has these columns. The limit, and to flag single pairs, are ours.`,
  paper: {
    title: '3D-Properties: Identifying Challenges in DPO and Charting a Path Forward',
    arxiv: '2406.07327',
    form: 'after',
  },
  options: Type.Object({
    logprob_columns: Type.Object(
      { chosen: Type.String({ minLength: 1 }), rejected: Type.String({ minLength: 1 }) },
      {
        additionalProperties: false,
        description:
          'columns of a side’s log-probability under the policy, given the prompt: the mean a token, in nats',
        default: { chosen: 'chosen_logprob', rejected: 'rejected_logprob' },
      },
    ),
    tokens_columns: Type.Optional(sides('columns of a side’s number of tokens, where the log-probabilities are sums')),
    min_logprob: Type.Optional(
      Type.Number({
        maximum: 0,
        description: 'least log-probability of the rejected side, nats a token; nothing is noted when left out',
      }),
    ),
  }),
  reads: ({ logprob_columns: logprobs, tokens_columns: tokens }) => ({
    id: 'text',
    [logprobs.chosen]: 'number',
    [logprobs.rejected]: 'number',
    ...(tokens ? { [tokens.chosen]: 'number', [tokens.rejected]: 'number' } : {}),
  }),
  writes: { chosen_logprob: 'float64', rejected_logprob: 'float64', gap: 'float64' },
  rows: 'same',
  notes: {
    off_policy: 'the policy gives the tokens of the rejected side less than `min_logprob` in the mean',
    no_logprob: 'the rejected side has no log-probability: missing, infinite, above 0, or of no token',
  },
  examples: [
    {
      title: 'sums over tokens: the second rejected side has 6 nats a token',
      options: {
        tokens_columns: { chosen: 'chosen_tokens', rejected: 'rejected_tokens' },
        min_logprob: -4,
      },
      rows: [
        { id: 'a', chosen_logprob: -3, rejected_logprob: -8 },
        { id: 'b', chosen_logprob: -3, rejected_logprob: -24 },
        { id: 'c', chosen_logprob: -3, rejected_logprob: null },
        { id: 'd', chosen_logprob: null, rejected_logprob: -8 },
        { id: 'e', chosen_logprob: -3, rejected_logprob: 0.5 },
      ].map(row => ({
        prompt: 'Name a prime.',
        chosen: 'Seven.',
        rejected: 'The number nine is one.',
        ...{ chosen_tokens: 2, rejected_tokens: 4 },
        ...row,
      })),
      kept: [0, 1, 2, 3, 4],
      noted: { 1: 'off_policy', 2: 'no_logprob', 4: 'no_logprob' },
      columns: {
        chosen_logprob: [-1.5, -1.5, -1.5, null, -1.5],
        rejected_logprob: [-2, -6, null, -2, null],
        gap: [0.5, 4.5, null, null, null],
      },
    },
  ],
  tally: options =>
    round({
      collect(context) {
        const part = { pairs: 0, below: 0, sample: leastNumbers(MOST_ROWS, 1) }
        return {
          batch(batch) {
            const rejected = nats(batch, 'rejected', options),
              hash = idHash(batch, context)
            for (let row = 0; row < batch.rows; row++) {
              if (!Number.isNaN(rejected[row])) addNumbers(part.sample, hash(row), [rejected[row]])
              if (rejected[row] < (options.min_logprob ?? -Infinity)) part.below++
            }
            part.pairs += batch.rows
          },
          part() {
            cutNumbers(part.sample)
            return part
          },
        }
      },
      merge(parts: Iterable<{ pairs: number; below: number; sample: LeastNumbers }>) {
        const sum = { pairs: 0, below: 0, sample: leastNumbers(MOST_ROWS, 1) }
        for (const { pairs, below, sample } of parts) {
          sum.pairs += pairs
          sum.below += below
          mergeNumbers(sum.sample, sample)
        }
        cutNumbers(sum.sample)
        const sorted = Float64Array.from(sum.sample.values).sort()
        return {
          pairs: sum.pairs,
          below: sum.below,
          quantiles: sorted.length > 0 ? SHOWN.map(share => sorted[Math.floor(share * (sorted.length - 1))]) : [],
        }
      },
    }),
  report({ min_logprob }, { tally: { pairs, below, quantiles } }) {
    const n = (count: number) => count.toLocaleString('en-US')
    return {
      lines: [
        quantiles.length > 0
          ? `nats a token of rejected sides: ${SHOWN.map((share, i) => `${100 * share} % up to ${quantiles[i].toFixed(2)}`).join(', ')}`
          : `none of ${n(pairs)} rejected sides has a log-probability`,
        ...(min_logprob === undefined
          ? []
          : [`${n(below)} of ${n(pairs)} are below ${min_logprob}: the policy would hardly write them`]),
      ],
      numbers: {
        pairs,
        ...(min_logprob === undefined ? {} : { below }),
        quantiles: Object.fromEntries(quantiles.map((value, i) => [SHOWN[i], value])),
      },
    }
  },
  open: options => ({
    batch(batch, verdict) {
      const chosen = nats(batch, 'chosen', options),
        rejected = nats(batch, 'rejected', options)
      for (let row = 0; row < batch.rows; row++) {
        if (Number.isNaN(rejected[row])) verdict.note(row, 'no_logprob')
        else if (rejected[row] < (options.min_logprob ?? -Infinity)) verdict.note(row, 'off_policy')
      }
      return {
        columns: {
          chosen_logprob: chosen,
          rejected_logprob: rejected,
          gap: chosen.map((logprob, row) => logprob - rejected[row]),
        },
      }
    },
  }),
})
