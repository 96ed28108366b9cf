/** Votes of several people, and ratings of both sides, where the data carries them: how far they stand behind the label. */
import { Type } from '@sinclair/typebox'
import { fitVoters, labelProbabilities } from '../../models/votes.ts'
import type { Batch, ColumnType } from '../define.ts'

const column = (description: string) => Type.String({ minLength: 1, description })

export const voteOptions = {
  vote_columns: Type.Array(column('a person’s or a judge’s numeric column'), {
    default: [], maxItems: 12, uniqueItems: true, description: 'votes of several people or judges on the pair, a numeric column each: above 0 for the chosen side, below 0 for the rejected one; 0 and missing are no vote',
  }),
  rating_columns: Type.Optional(Type.Object({ chosen: column('column of the chosen side’s rating'), rejected: column('column of the rejected side’s rating') }, { additionalProperties: false, description: 'ratings of both sides, to be held against the label' })),
}
export interface VoteOptions { readonly vote_columns: readonly string[], readonly rating_columns?: { readonly chosen: string, readonly rejected: string } }

/** What is known of the voters and of the ratings, over all rows. */
export interface FittedVotes { accuracy: Float64Array, voted: number, agree: number, tie: number, reverse: number }

/** What the options name, as columns to be read. */
export const voteReads = ({ vote_columns, rating_columns }: VoteOptions): Record<string, ColumnType> =>
  Object.fromEntries([...vote_columns, ...rating_columns ? [rating_columns.chosen, rating_columns.rejected] : []].map(name => [name, 'number' as const]))

/** What they add. */
export const voteWrites = ({ vote_columns, rating_columns }: VoteOptions): Record<string, ColumnType> =>
  ({ ...(vote_columns.length > 0 ? { votes: 'float64' as const } : {}), ...(rating_columns ? { ratings: 'float64' as const } : {}) })

/** A partition's: rows by what was voted (a character a voter: +, - or 0), and by whether the ratings agree. */
interface Partial { patterns: Map<string, number>, agree: number, tie: number, reverse: number }

export function collectVotes(options: VoteOptions): { batch(batch: Batch): void, partial(): Partial } {
  const partial: Partial = { patterns: new Map(), agree: 0, tie: 0, reverse: 0 }
  return {
    batch(batch) {
      if (options.vote_columns.length > 0) for (const pattern of patternsOf(batch, options.vote_columns)) partial.patterns.set(pattern, (partial.patterns.get(pattern) ?? 0) + 1)
      for (const agrees of options.rating_columns ? ratingsOf(batch, options.rating_columns) : []) {
        if (agrees > 0) partial.agree++
        else if (agrees < 0) partial.reverse++
        else if (agrees === 0) partial.tie++
      }
    },
    partial: () => partial,
  }
}

export function mergeVotes(options: VoteOptions, partials: readonly Partial[]): FittedVotes {
  const patterns = new Map<string, number>()
  for (const partial of partials) for (const [pattern, times] of partial.patterns) patterns.set(pattern, (patterns.get(pattern) ?? 0) + times)
  // by name: the order in which partitions came to their patterns must not show in the last digit
  const rows = [...patterns.keys()].filter(pattern => /[+-]/.test(pattern)).sort(), voters = options.vote_columns.length
  const accuracy = fitVoters({ ...votesOf(rows), times: Float64Array.from(rows, pattern => patterns.get(pattern)!) }, rows.length, voters)
  const sum = (key: 'agree' | 'tie' | 'reverse') => partials.reduce((n, partial) => n + partial[key], 0)
  return { accuracy, voted: rows.reduce((n, pattern) => n + patterns.get(pattern)!, 0), agree: sum('agree'), tie: sum('tie'), reverse: sum('reverse') }
}

/** The columns of a batch: P(the label is right) by the votes, NaN where nobody voted; 1, 0 or -1 where the ratings agree with the label, tie or reverse it. */
export function voteColumns(batch: Batch, options: VoteOptions, { accuracy }: FittedVotes): Record<string, Float64Array> {
  const { vote_columns, rating_columns } = options, patterns = vote_columns.length > 0 ? patternsOf(batch, vote_columns) : []
  return {
    ...(vote_columns.length > 0 ? { votes: labelProbabilities(votesOf(patterns), accuracy, batch.rows).map((p, row) => /[+-]/.test(patterns[row]) ? p : NaN) } : {}),
    ...(rating_columns ? { ratings: ratingsOf(batch, rating_columns) } : {}),
  }
}

/** Lines for the summary. */
export function voteLines(options: VoteOptions, { accuracy, voted, agree, tie, reverse }: FittedVotes): string[] {
  const all = Math.max(1, agree + tie + reverse), percent = (share: number) => `${(100 * share).toFixed(0)} %`
  return [
    ...options.vote_columns.length > 0 ? [`${voted.toLocaleString('en-US')} pairs have votes; right as often as the others make likely: ${options.vote_columns.map((name, v) => `${name} ${percent(accuracy[v])}`).join(', ')}`] : [],
    ...options.rating_columns ? [`of ${(agree + tie + reverse).toLocaleString('en-US')} rated pairs the ratings agree with ${percent(agree / all)} of the labels, tie on ${percent(tie / all)} and reverse ${percent(reverse / all)}`] : [],
  ]
}

function patternsOf(batch: Batch, columns: readonly string[]): string[] {
  const values = columns.map(name => batch.numbers(name).values)
  return Array.from({ length: batch.rows }, (_, row) => values.map(some => some[row] > 0 ? '+' : some[row] < 0 ? '-' : '0').join(''))
}

function votesOf(patterns: readonly string[]): { row: Uint32Array, voter: Uint32Array, vote: Int8Array } {
  const row: number[] = [], voter: number[] = [], vote: number[] = []
  patterns.forEach((pattern, i) => {
    for (let v = 0; v < pattern.length; v++) if (pattern[v] !== '0') { row.push(i); voter.push(v); vote.push(pattern[v] === '+' ? 1 : -1) }
  })
  return { row: Uint32Array.from(row), voter: Uint32Array.from(voter), vote: Int8Array.from(vote) }
}

const ratingsOf = (batch: Batch, { chosen, rejected }: { chosen: string, rejected: string }): Float64Array => {
  const ours = batch.numbers(chosen).values, theirs = batch.numbers(rejected).values
  return Float64Array.from({ length: batch.rows }, (_, row) => Math.sign(ours[row] - theirs[row]))
}
