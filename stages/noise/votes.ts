/**
 * Votes of several people, and ratings of both sides, where the data carries them: how far they stand behind the label.
 */
import { Type } from '@sinclair/typebox'
import { fitVoters, labelProbabilities, UNKNOWN_VOTER } from '../../models/votes.ts'
import { combine32, hashString } from '../../models/random.ts'
import type { Batch, ReadType } from '../../engine/contract/define.ts'
import { checkWords, readVoteLists, voteListOptions, type VoteListOptions } from './vote_lists.ts'

/**
 * Rows of different votes from which it is learned how often each voter is right: of more, every second one goes, by a
 * hash, until so many are left.
 */
const LEARNED_ROWS = 100_000
/** Voters of whom each is told of; of more, how they are spread. */
const TOLD_VOTERS = 12
/** Votes of one from whom on a share below one half is worth a word. */
const MANY_VOTES = 20

const column = (description: string) => Type.String({ minLength: 1, description })

export const voteOptions = {
  vote_columns: Type.Array(column('a person’s or a judge’s numeric column'), {
    default: [],
    maxItems: 12,
    uniqueItems: true,
    description:
      'votes of several people or judges on the pair, a numeric column each: above 0 for the chosen side, below 0 for the rejected one; 0 and missing are no vote',
  }),
  vote_lists: Type.Optional(voteListOptions),
  rating_columns: Type.Optional(
    Type.Object(
      {
        chosen: column('column of the chosen side’s rating'),
        rejected: column('column of the rejected side’s rating'),
      },
      { additionalProperties: false, description: 'ratings of both sides, to be held against the label' },
    ),
  ),
}
export interface VoteOptions {
  readonly vote_columns: readonly string[]
  readonly vote_lists?: VoteListOptions
  readonly rating_columns?: { readonly chosen: string; readonly rejected: string }
}

/**
 * What is known of the voters and of the ratings, over all rows. `accuracy`: how often each voter is right, by name;
 * `cast`: the votes that this was learned from.
 */
export interface FittedVotes {
  accuracy: Map<string, number>
  cast: Map<string, number>
  voted: number
  agree: number
  tie: number
  reverse: number
}

/** What the options name, as columns to be read. */
export const voteReads = ({ vote_columns, vote_lists, rating_columns }: VoteOptions): Record<string, ReadType> => ({
  ...Object.fromEntries(
    [...vote_columns, ...(rating_columns ? [rating_columns.chosen, rating_columns.rejected] : [])].map(name => [
      name,
      'number' as const,
    ]),
  ),
  ...Object.fromEntries(
    [vote_lists?.votes, vote_lists?.voters].flatMap(name => (name === undefined ? [] : [[name, 'list' as const]])),
  ),
  ...(vote_lists?.chosen === undefined ? {} : { [vote_lists.chosen]: 'text' as const }),
})

const hasVotes = ({ vote_columns, vote_lists }: VoteOptions): boolean =>
  vote_columns.length > 0 || vote_lists !== undefined

/** What they add. */
export const voteWrites = (options: VoteOptions) => ({
  votes: hasVotes(options) ? ('float64' as const) : undefined,
  ratings: options.rating_columns ? ('float64' as const) : undefined,
})

/** A partition's: rows by what was voted (see `patternsOf`), the words that voted, and whether the ratings agree. */
interface Partial {
  patterns: Map<string, number>
  words: Set<string>
  agree: number
  tie: number
  reverse: number
}

export function collectVotes(options: VoteOptions): { batch(batch: Batch): void; partial(): Partial } {
  const partial: Partial = { patterns: new Map(), words: new Set(), agree: 0, tie: 0, reverse: 0 }
  return {
    batch(batch) {
      for (const pattern of patternsOf(batch, options, partial.words)) {
        if (pattern !== '') partial.patterns.set(pattern, (partial.patterns.get(pattern) ?? 0) + 1)
      }
      for (const agrees of options.rating_columns ? ratingsOf(batch, options.rating_columns) : []) {
        if (agrees > 0) partial.agree++
        else if (agrees < 0) partial.reverse++
        else if (agrees === 0) partial.tie++
      }
    },
    partial: () => partial,
  }
}

/** Adds partitions up, and learns how often each voter is right. */
export function voteMerger(options: VoteOptions): { add(partial: Partial): void; fitted(): FittedVotes } {
  const patterns = new Map<string, number>(),
    words = new Set<string>(),
    sums = { voted: 0, agree: 0, tie: 0, reverse: 0 }
  let every = 1
  const isKept = (pattern: string) => combine32(hashString(pattern), 0x701e) % every === 0
  return {
    add(partial) {
      for (const word of partial.words) words.add(word)
      if (options.vote_lists) checkWords(options.vote_lists, words)
      for (const key of ['agree', 'tie', 'reverse'] as const) sums[key] += partial[key]
      for (const [pattern, times] of partial.patterns) {
        sums.voted += times
        if (isKept(pattern)) patterns.set(pattern, (patterns.get(pattern) ?? 0) + times)
      }
      while (patterns.size > LEARNED_ROWS) {
        every *= 2
        for (const pattern of patterns.keys()) if (!isKept(pattern)) patterns.delete(pattern)
      }
    },
    fitted() {
      // by name: the order in which partitions came to their patterns must not show in the last digit
      const rows = [...patterns.keys()].sort(),
        times = Float64Array.from(rows, pattern => patterns.get(pattern)!)
      const names = [
          ...new Set([
            ...options.vote_columns,
            ...rows.flatMap(pattern => votesIn(pattern).map(([name]) => name)).sort(),
          ]),
        ],
        places = new Map(names.map((name, v) => [name, v]))
      const votes = votesOf(rows, places),
        accuracy = fitVoters({ ...votes, times }, rows.length, names.length),
        cast = new Float64Array(names.length)
      votes.voter.forEach((voter, i) => {
        cast[voter] += times[votes.row[i]]
      })
      return {
        accuracy: new Map(names.map((name, v) => [name, accuracy[v]])),
        cast: new Map(names.map((name, v) => [name, cast[v]])),
        ...sums,
      }
    },
  }
}

/**
 * The columns of a batch: P(the label is right) by the votes, NaN where nobody voted; 1, 0 or -1 where the ratings
 * agree with the label, tie or reverse it.
 */
export function voteColumns(batch: Batch, options: VoteOptions, { accuracy }: FittedVotes) {
  const ratings = options.rating_columns && ratingsOf(batch, options.rating_columns)
  if (!hasVotes(options)) return { votes: undefined, ratings }
  const patterns = patternsOf(batch, options, new Set()),
    names = new Map<string, number>()
  for (const pattern of patterns) {
    for (const [name] of votesIn(pattern)) if (!names.has(name)) names.set(name, names.size)
  }
  // of whom nothing was learned, as much is expected as of anybody
  const right = labelProbabilities(
    votesOf(patterns, names),
    Float64Array.from(names.keys(), name => accuracy.get(name) ?? UNKNOWN_VOTER),
    batch.rows,
  )
  return { ratings, votes: right.map((p, row) => (patterns[row] === '' ? NaN : p)) }
}

/** Lines for the summary. */
export function voteLines(options: VoteOptions, { accuracy, cast, voted, agree, tie, reverse }: FittedVotes): string[] {
  const all = Math.max(1, agree + tie + reverse),
    percent = (share: number) => `${(100 * share).toFixed(0)} %`,
    n = (count: number) => count.toLocaleString('en-US')
  const { voters, median, doubtful } = numbersOf({ accuracy, cast })
  const told =
    voters <= TOLD_VOTERS
      ? [...accuracy].map(([name, share]) => `${name} ${percent(share)}`).join(', ')
      : `half of ${n(voters)} voters at least ${percent(median)}; below 50 % of those with ${MANY_VOTES} votes or more: ${[n(doubtful.length), ...doubtful.slice(0, 3).map(name => `${name} ${percent(accuracy.get(name)!)}`)].join(', ')}`
  return [
    ...(hasVotes(options) ? [`${n(voted)} pairs have votes; right as often as the others make likely: ${told}`] : []),
    ...(options.rating_columns
      ? [
          `of ${n(agree + tie + reverse)} rated pairs the ratings agree with ${percent(agree / all)} of the labels, tie on ${percent(tie / all)} and reverse ${percent(reverse / all)}`,
        ]
      : []),
  ]
}

/** How the voters are spread. `doubtful`: those of many votes who are wrong more often than right, the worst first. */
function numbersOf({ accuracy, cast }: Pick<FittedVotes, 'accuracy' | 'cast'>): {
  voters: number
  median: number
  doubtful: string[]
} {
  const shares = [...accuracy.values()].sort((a, b) => b - a)
  const doubtful = [...accuracy]
    .filter(([name, share]) => share < 0.5 && cast.get(name)! >= MANY_VOTES)
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => name)
  return { voters: shares.length, median: shares[Math.ceil(shares.length / 2) - 1] ?? NaN, doubtful }
}

/** For the manifest: each voter where they are few. */
export function voteNumbers({ accuracy, cast, ...sums }: FittedVotes): Readonly<Record<string, unknown>> {
  const { voters, median, doubtful } = numbersOf({ accuracy, cast })
  return {
    ...sums,
    ...(voters <= TOLD_VOTERS
      ? { accuracy: Object.fromEntries(accuracy) }
      : { voters, median_accuracy: median, doubtful: doubtful.slice(0, 100) }),
  }
}

/**
 * Of each row what was voted, as one text, equal for equal votes: names in order, each with + or - before it and a zero
 * byte between; empty where nobody voted.
 */
function patternsOf(batch: Batch, { vote_columns, vote_lists }: VoteOptions, words: Set<string>): string[] {
  const values = vote_columns.map(name => batch.numbers(name).values),
    lists = vote_lists && readVoteLists(batch, vote_lists, words)
  return Array.from({ length: batch.rows }, (_, row) => {
    const columns = vote_columns.flatMap((name, v) =>
      values[v][row] > 0 ? [`+${name}`] : values[v][row] < 0 ? [`-${name}`] : [],
    )
    return [...columns, ...(lists?.[row] ?? []).map(([name, vote]) => `${vote > 0 ? '+' : '-'}${name}`).sort()].join(
      '\0',
    )
  })
}

const votesIn = (pattern: string): [name: string, vote: 1 | -1][] =>
  pattern === '' ? [] : pattern.split('\0').map(part => [part.slice(1), part[0] === '+' ? 1 : -1])

function votesOf(
  patterns: readonly string[],
  places: ReadonlyMap<string, number>,
): { row: Uint32Array; voter: Uint32Array; vote: Int8Array } {
  const row: number[] = [],
    voter: number[] = [],
    vote: number[] = []
  patterns.forEach((pattern, i) => {
    for (const [name, said] of votesIn(pattern)) {
      row.push(i)
      voter.push(places.get(name)!)
      vote.push(said)
    }
  })
  return { row: Uint32Array.from(row), voter: Uint32Array.from(voter), vote: Int8Array.from(vote) }
}

const ratingsOf = (batch: Batch, { chosen, rejected }: { chosen: string; rejected: string }): Float64Array => {
  const ours = batch.numbers(chosen).values,
    theirs = batch.numbers(rejected).values
  return Float64Array.from({ length: batch.rows }, (_, row) => Math.sign(ours[row] - theirs[row]))
}
