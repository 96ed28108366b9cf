/** Says how far two score lists of a row agree on the order of its candidates. */
import { choice, defineStage, round, Type, type Batch } from '../../engine/contract/define.ts'
import { addHistogram, below, count, meanOf, valueAt, type Histogram } from '../kit/histogram.ts'
import { rankAgreement, type RankAgreement } from './ranks.ts'
import { listsOf } from './vote_lists.ts'

const list = (description: string) => Type.String({ minLength: 1, description })
interface Lists {
  readonly current: string
  readonly previous: string
}

/** How the two lists of each row agree. What is no number is no score. */
function agreements(batch: Batch, { current, previous }: Lists): (row: number) => RankAgreement | undefined {
  const [ours, theirs] = [current, previous].map(name => {
    const lists = listsOf(batch, name)
    return (row: number) => lists(row)?.map(score => (typeof score === 'number' ? score : NaN)) ?? []
  })
  return row => rankAgreement(ours(row), theirs(row))
}

const sumOf = (parts: Iterable<Histogram>): Histogram => {
  const all: Histogram = new Map()
  for (const part of parts) addHistogram(all, part)
  return all
}
const row = (current: unknown, previous: unknown) => ({
  prompt: 'Name a prime.',
  chosen: 'Seven.',
  rejected: 'Nine.',
  current,
  previous,
})
const lists = { current: 'current', previous: 'previous' }

export default defineStage({
  name: 'rank_agreement',
  version: 1,
  category: 'find wrong labels',
  status: { is: 'as published' },
  summary: 'Say how far two score lists of the same candidates agree on their order.',
  details: `The consistency of CREAM: two models, or two rounds of one, scored the candidates of a prompt, and where they rank them alike a pair made of them is to be trusted. \`<id>_tau\` is Kendall's tau-b over the values, which takes ties into account; \`<id>_soft_label\` is (tau + 1) / 2, the label of CREAM's loss; \`<id>_best_agrees\` and \`<id>_worst_agrees\` say whether a candidate is
first, or last, in both lists. A candidate without a score in one list is left out of both. Nothing can be told of lists of different lengths, of fewer than two candidates, and where one list ties all of them: the columns are null, and the row is never dropped.

The authors' code breaks ties by position, so that a second model that gives all candidates one score agrees perfectly with a list that ascends, and it gives the values of later rows to earlier ones where a row is skipped. Here neither is so. With two candidates tau is 1 or -1 alone: that is the sign test of \`vote_pairs\`. CREAM uses the mean over all rows as the one label of each unless asked for more: it is in the summary and the manifest.
\`missing: mean\` gives that mean to rows of which nothing can be told, as CREAM does.

Not measured: no open data has this column. No shared set has two score lists of one prompt; the examples are made.`,
  paper: { title: 'CREAM: Consistency Regularized Self-Rewarding Language Models', arxiv: '2410.12735', form: 'after' },
  options: Type.Object({
    lists: Type.Object(
      {
        current: list('list column of the candidates’ scores by one model, or JSON text of lists'),
        previous: list('the same by the other model, or of the round before, in the same order'),
      },
      {
        additionalProperties: false,
        description: 'columns of the two lists, `current` and `previous`, with the candidates in one order',
      },
    ),
    min_consistency: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0,
      description: 'least soft label of a row that stays; at 0 every row does',
    }),
    missing: choice(['null', 'mean'], {
      default: 'null',
      description: 'soft label of a row of which nothing can be told: none, or the mean of the others',
    }),
  }),
  // its page is written without options
  reads: ({ lists = { current: 'current', previous: 'previous' } }) => ({
    id: 'text' as const,
    [lists.current]: 'list' as const,
    [lists.previous]: 'list' as const,
  }),
  writes: {
    tau: 'float64',
    soft_label: 'float64',
    best_agrees: 'bool',
    worst_agrees: 'bool',
    candidates: 'int32',
  },
  rows: ({ min_consistency }) => (min_consistency > 0 ? 'subset' : 'same'),
  reasons: {
    inconsistent: { kind: 'configured', limit: 'min_consistency', about: 'soft label of the two lists' },
  },
  examples: [
    {
      title: 'CREAM: five candidates in one order, with one swap, and reversed',
      options: { lists, min_consistency: 0.5 },
      rows: [
        row([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]),
        row([1, 2, 3, 4, 5], [1, 2, 3, 5, 4]),
        row([1, 2, 3, 4, 5], [5, 4, 3, 2, 1]),
      ],
      kept: [0, 1],
      dropped: { 2: 'inconsistent' },
      columns: {
        tau: [1, 0.8],
        soft_label: [1, 0.9],
        best_agrees: [true, false],
        worst_agrees: [true, true],
        candidates: [5, 5],
      },
    },
    {
      title: 'nothing can be told of one candidate, of lists of different lengths, and where one ties all',
      options: { lists, min_consistency: 1 },
      rows: [
        row([1, null, 3], [3, 2, null]),
        row([1, 2, 3], [1, 2]),
        row([1, 2, 3], [7, 7, 7]),
        row([1, null, 3], [1, 5, 3]),
      ],
      kept: [0, 1, 2, 3],
      columns: { soft_label: [null, null, null, 1], candidates: [null, null, null, 2] },
    },
    {
      title: 'the mean for a row of which nothing can be told',
      options: { lists, missing: 'mean' },
      rows: [row([1, 2], [3, 4]), row([1, 2], [4, 3]), row([1, 2], null)],
      kept: [0, 1, 2],
      columns: { soft_label: [1, 0, 0.5], tau: [1, -1, null] },
    },
  ],
  fit({ lists, missing }) {
    if (missing === 'null') return undefined
    return round({
      collect() {
        const labels: Histogram = new Map()
        return {
          batch(batch) {
            const agree = agreements(batch, lists)
            for (let row = 0; row < batch.rows; row++) count(labels, agree(row)?.soft_label ?? NaN)
          },
          part: () => labels,
        }
      },
      merge: (parts: Iterable<Histogram>) => ({ mean: meanOf(sumOf(parts)) }),
    })
  },
  tally: () =>
    round({
      collect({ id }) {
        const sum = { rows: 0, two: 0, labels: new Map() as Histogram }
        return {
          batch(batch) {
            const taus = batch.numbers(`${id}_tau`).values,
              candidates = batch.numbers(`${id}_candidates`).values
            sum.rows += batch.rows
            taus.forEach((tau, row) => {
              count(sum.labels, (tau + 1) / 2)
              if (candidates[row] === 2) sum.two++
            })
          },
          part: () => sum,
        }
      },
      merge(parts: Iterable<{ readonly rows: number; readonly two: number; readonly labels: Histogram }>) {
        const all = { rows: 0, two: 0, labels: new Map() as Histogram }
        for (const { rows, two, labels } of parts) {
          all.rows += rows
          all.two += two
          addHistogram(all.labels, labels)
        }
        return all
      },
    }),
  report(_, { tally: { rows, two, labels } }) {
    const { all, below: low } = below(labels, 0.5),
      n = (count: number) => count.toLocaleString('en-US'),
      percent = (part: number) => `${((100 * part) / all).toFixed(1)} %`,
      quartiles = [0.25, 0.5, 0.75].map(q => valueAt(labels, Math.floor(q * all)))
    if (all === 0) {
      return {
        lines: [`of none of ${n(rows)} rows can the order of both lists be compared`],
        numbers: { rows, told: 0 },
      }
    }
    const mean = meanOf(labels)
    return {
      lines: [
        `${n(all)} of ${n(rows)} rows have two lists to compare: soft label ${mean.toFixed(3)} on average, quartiles ${quartiles.map(q => q.toFixed(2)).join(', ')}; ${percent(low)} are below 0.5`,
        ...(two === 0 ? [] : [`${percent(two)} have two candidates, where the soft label is 0 or 1 alone`]),
      ],
      numbers: { rows, told: all, mean, quartiles, below_half: low, of_two: two },
    }
  },
  open({ lists, min_consistency }, { state }) {
    return {
      batch(batch, verdict) {
        const agree = agreements(batch, lists),
          told = Array.from({ length: batch.rows }, (_, row) => agree(row))
        told.forEach((found, row) => {
          if (found && found.soft_label < min_consistency) verdict.drop(row, 'inconsistent', found.soft_label)
        })
        return {
          columns: {
            tau: told.map(found => found?.tau ?? null),
            soft_label: told.map(found => found?.soft_label ?? state?.mean ?? null),
            best_agrees: told.map(found => found?.best_agrees ?? null),
            worst_agrees: told.map(found => found?.worst_agrees ?? null),
            candidates: told.map(found => found?.candidates ?? null),
          },
        }
      },
    }
  },
})
