/** Weighs the tokens of both sides by what two models, or one model's ranks, say of them. */
import { choice, defineStage, Type, type WrittenType } from '../../engine/contract/define.ts'
import { listsOf } from '../noise/vote_lists.ts'
import { tokenReport, tokenTally } from './token_report.ts'
import { tokensPage } from './tokens_page.ts'
import { METHODS, runsOf, sidesOf, weigher } from './tokens.ts'

const column = Type.Optional(Type.String({ minLength: 1 }))
const ofSides = (description: string) =>
  Type.Object({ chosen: column, rejected: column }, { additionalProperties: false, minProperties: 1, description })

const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }
const ln = (...probabilities: number[]) => probabilities.map(Math.log)

/** What each method writes of a side. */
const WRITES = {
  advantage: { mean: 'float64', sum: 'float64', share: 'float64', weights: 'list_float32' },
  contrast: { mean: 'float64', sum: 'float64', share: 'float64', weights: 'list_float32' },
  judgment: { share: 'float64', spans: 'text', mask: 'list_int32' },
  rank: { share: 'float64', first: 'int32', mask: 'list_int32' },
} as const satisfies Record<string, Record<string, WrittenType>>

export default defineStage({
  name: 'weigh_tokens',
  version: 1,
  category: 'weigh and balance',
  status: { is: 'as published' },
  summary: 'Weigh the tokens of both sides by log-probabilities, or ranks, that the data has.',
  details: tokensPage,
  paper: {
    title: 'Advantage-Guided Distillation for Preference Alignment in Small Language Models',
    arxiv: '2502.17927',
    form: 'after',
  },
  options: Type.Object({
    method: choice([...METHODS], {
      default: 'advantage',
      description: 'what the numbers are, and what is made of them',
    }),
    columns: ofSides('list columns, of one side or both: log-probabilities of its tokens, or with `rank` their ranks'),
    reference_columns: Type.Optional(
      ofSides('list columns of the same sides: log-probabilities of the same tokens by the other model'),
    ),
    token_columns: Type.Optional(ofSides('list columns of the tokens’ texts, of both sides; with `rank` alone')),
    limit: Type.Optional(
      Type.Number({ description: 'value above which a token is marked, of ranks from which on; as in the table' }),
    ),
    floor: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1e-7,
      description: 'least probability: what is below counts as it',
    }),
    beta: Type.Number({ exclusiveMinimum: 0, default: 0.1, description: 'factor of `contrast`: the beta of DPO' }),
    min_run_tokens: Type.Integer({
      minimum: 1,
      default: 1,
      description: 'with `judgment`, tokens in a row that are blamed, at least',
    }),
  }),
  reads: ({ columns, reference_columns, token_columns }) => ({
    id: 'text' as const,
    ...Object.fromEntries(
      [columns, reference_columns, token_columns].flatMap(of => sidesOf(of).map(side => [of![side]!, 'list' as const])),
    ),
  }),
  writes: ({ method = 'advantage', columns = { chosen: '', rejected: '' } }) =>
    Object.fromEntries(
      sidesOf(columns).flatMap(side =>
        Object.entries(WRITES[method]).map(([name, type]): [string, WrittenType] => [`${side}_${name}`, type]),
      ),
    ),
  rows: 'same',
  check({ method, columns, reference_columns: reference, token_columns: tokens }) {
    const [ours, theirs] = [sidesOf(columns).join(' and '), sidesOf(reference).join(' and ')]
    const wrong: { option: string; why: string }[] = []
    const say = (option: string, why: string) => wrong.push({ option, why })
    if (method === 'rank' && reference) {
      say('reference_columns', 'ranks have none: take it out, or choose another method')
    }
    if (method !== 'rank' && ours !== theirs) {
      say(
        'reference_columns',
        `it is of ${theirs || 'no side'}, and 'columns' of ${ours}: name columns of the same sides`,
      )
    }
    if (tokens && (method !== 'rank' || ours + sidesOf(tokens).join(' and ') !== 'chosen and rejected'.repeat(2))) {
      say('token_columns', 'it takes method: rank, and both sides here and in `columns`')
    }
    return wrong
  },
  notes: {
    no_tokens: 'a list is missing, empty, or has what is no log-probability, or no rank',
    lengths_differ: 'two lists of one side differ in length: they are not of the same tokens',
    style_only: 'with `token_columns`: both sides are equal but for shifted tokens',
  },
  examples: [
    {
      title: 'advantage of the rejected side',
      options: { columns: { rejected: 'dpo' }, reference_columns: { rejected: 'ref' } },
      rows: [
        { ...pair, dpo: ln(0.5, 0.25), ref: ln(0.25, 0.25) },
        { ...pair, dpo: ln(0.5, 0.25), ref: ln(0.25) },
        { ...pair, dpo: null, ref: null },
      ].map((row, i) => ({ id: `row ${i}`, ...row })),
      kept: [0, 1, 2],
      noted: { 1: 'lengths_differ', 2: 'no_tokens' },
      columns: { rejected_sum: [Math.LN2, null, null], rejected_mean: [Math.LN2 / 2, null, null] },
    },
    {
      title: 'judgment: a ratio of 1.1 is not above it',
      options: { method: 'judgment', columns: { rejected: 'judged' }, reference_columns: { rejected: 'plain' } },
      rows: [{ id: 'a', ...pair, judged: ln(0.55, 0.6, 0.9, 0.1), plain: ln(0.5, 0.5, 0.3, 0.5) }],
      kept: [0],
      columns: { rejected_share: [0.5], rejected_spans: ['[[1,3]]'], rejected_mask: [[0, 1, 1, 0]] },
    },
    {
      title: 'rank: only the first token is another one, and it is shifted',
      options: {
        method: 'rank',
        columns: { chosen: 'good', rejected: 'bad' },
        token_columns: { chosen: 'good_tokens', rejected: 'bad_tokens' },
      },
      rows: [
        {
          ...{ id: 'a', ...pair, good: [5, 0, 1], bad: [3, 0, 0] },
          ...{ good_tokens: ['Sure', ' it is', ' 7'], bad_tokens: ['Well', ' it is', ' 7'] },
        },
      ],
      kept: [0],
      noted: { 0: 'style_only' },
      columns: { chosen_share: [1 / 3], chosen_first: [0], rejected_mask: [[1, 0, 0]] },
    },
  ],
  tally: options => tokenTally(options),
  report: (options, { tally }) => tokenReport(options, tally),
  open: options => ({
    batch(batch, verdict) {
      const sides = sidesOf(options.columns),
        names = Object.keys(WRITES[options.method])
      const columns = Object.fromEntries(
        sides.flatMap(side => names.map(name => [`${side}_${name}`, Array<unknown>(batch.rows).fill(null)])),
      )
      const weigh = sides.map(side => weigher(batch, options, side)),
        texts = options.token_columns && sides.map(side => listsOf(batch, options.token_columns![side]!))
      for (let row = 0; row < batch.rows; row++) {
        const plain: unknown[] = []
        weigh.forEach((of, s) => {
          const weighed = of(row)
          if (typeof weighed === 'string') return verdict.note(row, weighed)
          const { values, marked, sum } = weighed,
            tokens = texts?.[s](row)
          const said: Record<string, unknown> = {
            mean: sum / values.length,
            sum,
            share: marked.reduce((count, one) => count + one, 0) / marked.length,
            weights: values,
            mask: marked,
            spans: JSON.stringify(runsOf(marked)),
            first: marked.includes(1) ? marked.indexOf(1) : null,
          }
          for (const name of names) columns[`${sides[s]}_${name}`][row] = said[name]
          if (!tokens) return
          if (tokens.length !== marked.length) verdict.note(row, 'lengths_differ')
          else plain.push(JSON.stringify(tokens.filter((_, i) => !marked[i])))
        })
        if (plain.length === 2 && plain[0] === plain[1] && plain[0] !== '[]') verdict.note(row, 'style_only')
      }
      return { columns: columns as never }
    },
  }),
})
