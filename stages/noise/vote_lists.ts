/**
 * Votes of named people in a list of each row: `[{worker, vote}, …]`, or a list of votes beside one of names; as Arrow
 * lists, or as the JSON text of them.
 */
import { Type } from '@sinclair/typebox'
import { DataType, type Data } from 'apache-arrow'
import type { Batch } from '../../engine/contract/define.ts'
import { jsonValueOf } from '../../engine/arrow/plain.ts'
import { DataError } from '../../engine/errors.ts'

const WHO = ['worker', 'annotator', 'name', 'id'],
  SAID = ['vote', 'label']

const column = (description: string) => Type.String({ minLength: 1, description })

export const voteListOptions = Type.Object(
  {
    votes: column(
      `list column with the votes on the pair: numbers (above 0 for the chosen side, below 0 for the rejected one) or words, or structs of a name (${WHO.join(', ')}) and a vote (${SAID.join(', ')})`,
    ),
    voters: Type.Optional(
      column('list column with the name of each vote’s voter; left out where the votes have names of their own'),
    ),
    chosen: Type.Optional(
      column(
        'text column with the word by which votes mean the chosen side, `a` for instance where that is answer a of a and b; left out where they say chosen and rejected',
      ),
    ),
    ties: Type.Array(Type.String({ minLength: 1 }), { default: ['tie'], description: 'words that are no vote' }),
  },
  {
    additionalProperties: false,
    description:
      'votes of any number of named people or judges, in lists of each row. `votes`: the column with the votes (numbers: above 0 for the chosen side, below 0 for the rejected one; or words; or structs of worker and vote); `voters`: the column with their names, where the votes have none; `chosen`: the column with the word that means the chosen side, where they do not say chosen and rejected; `ties`: words that are no vote. Nor are 0 and null. Votes in a file of their own, one a row, are joined to their pairs by `add_votes`',
  },
)
export interface VoteListOptions {
  readonly votes: string
  readonly voters?: string
  readonly chosen?: string
  readonly ties: readonly string[]
}

/** One person's vote: 1 for the chosen side, -1 for the rejected one. */
export type NamedVote = readonly [name: string, vote: number]

/** A mistake in the data or of the option: it stops the run. */
export const wrongVotes = (text: string): Error => new DataError(text)

/**
 * Words that votes may say: both sides by name, or, where a column says which word means the chosen one, any two.
 * `words` are those met so far.
 */
export function checkWords(
  { votes, chosen }: Pick<VoteListOptions, 'votes' | 'chosen'>,
  words: ReadonlySet<string>,
): void {
  if (chosen !== undefined && words.size > 2) {
    throw wrongVotes(
      `the votes in '${votes}' say ${[...words]
        .sort()
        .map(word => `'${word}'`)
        .join(', ')}; they must be two words, one for each side: name in ties those that are no vote`,
    )
  }
}

/**
 * Reads single votes: 1 for the chosen side, -1 for the rejected one, 0 for a tie, NaN where nothing is said or nobody
 * knows of whom; undefined for what is no vote. Without `rejected`, the column of the other side's word, votes say two
 * words at most, which `words` gathers.
 */
export function voteReader(
  batch: Batch,
  options: Pick<VoteListOptions, 'votes' | 'chosen' | 'ties'> & { readonly rejected?: string },
  words: Set<string>,
): (said: unknown, row: number) => number | undefined {
  const { chosen, rejected, ties } = options,
    mine = chosen === undefined ? undefined : wordsOf(batch, chosen),
    theirs = rejected === undefined ? undefined : wordsOf(batch, rejected)
  return (said, row) => {
    if (said === null || said === undefined) return NaN
    if (typeof said === 'number') return Math.sign(said)
    if (typeof said === 'boolean') return said ? 1 : -1
    if (typeof said !== 'string') return undefined
    if (ties.includes(said)) return 0
    if (mine === undefined) return said === 'chosen' ? 1 : said === 'rejected' ? -1 : undefined
    const word = mine(row)
    if (word === null) return NaN
    if (theirs) return said === word ? 1 : said === theirs(row) ? -1 : undefined
    words.add(said).add(word)
    checkWords(options, words)
    return said === word ? 1 : -1
  }
}

/** The word in a column of each row; numbers by their digits, null for null. */
export function wordsOf(batch: Batch, name: string): (row: number) => string | null {
  const data = batch.column(name)
  if (DataType.isUtf8(data.type as DataType)) {
    const texts = batch.text(name)
    return row => (texts.isNull(row) ? null : texts.text(row))
  }
  return row => {
    const word = jsonValueOf(data, row)
    return word === null ? null : String(word)
  }
}

/**
 * Reads the votes of each row of a batch; `words` gathers what they say. Throws where something is no vote. With `all`
 * those for neither side too (0, or NaN where nothing is said), and votes need no names.
 */
export function readVoteLists(batch: Batch, options: VoteListOptions, words: Set<string>, all?: 'all'): NamedVote[][] {
  const { votes, voters, chosen, ties } = options
  const lists = listsOf(batch, votes),
    names = voters === undefined ? undefined : listsOf(batch, voters),
    read = voteReader(batch, options, words),
    ids = batch.text('id')
  const signOf = (said: unknown, row: number): number => {
    const sign = read(said, row)
    if (sign !== undefined) return sign
    const worded = chosen !== undefined
    throw wrongVotes(
      `'${votes}' of row ${ids.text(row)} holds ${JSON.stringify(said)}, which is no vote: neither a number${worded ? '' : ', nor chosen or rejected'}, nor one of ties (${ties.join(', ')})${worded ? '' : '; where votes say something else, `chosen` names the column that tells which word means the chosen side'}`,
    )
  }
  return Array.from({ length: batch.rows }, (_, row) => {
    const said = lists(row),
      who = names?.(row) ?? said?.map(vote => (all && !isStruct(vote) ? '' : partOf(vote, WHO, votes))),
      found: NamedVote[] = []
    if (said === undefined) return found
    if (who?.length !== said.length) {
      throw wrongVotes(
        `row ${ids.text(row)} has ${said.length} votes in '${votes}' and ${who?.length ?? 0} names in '${voters}'`,
      )
    }
    said.forEach((vote, i) => {
      const sign = signOf(isStruct(vote) ? partOf(vote, SAID, votes) : vote, row),
        name = who[i]
      // nobody stands behind a vote without a name; of neither side are 0 and NaN
      if ((sign || all) && name !== null && name !== undefined) found.push([String(name), sign])
    })
    return found
  })
}

const isStruct = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A part of a vote, by the first of the names that it has. */
function partOf(vote: unknown, names: readonly string[], column: string): unknown {
  if (vote === null) return null
  if (!isStruct(vote)) {
    throw wrongVotes(
      `the votes in '${column}' have no names: give the column of names as voters, or votes as structs with one of ${names.join(', ')}`,
    )
  }
  return names.map(name => vote[name]).find(value => value !== undefined)
}

/** The list of each row; undefined for null. */
export function listsOf(batch: Batch, name: string): (row: number) => readonly unknown[] | undefined {
  const data = batch.column(name),
    type = data.type as DataType,
    item = (data.children as Data[])[0]?.type as DataType | undefined
  if (DataType.isList(type) && DataType.isStruct(item)) {
    const has = item.children.map(child => child.name),
      lacks = [WHO, SAID].filter(names => !names.some(one => has.includes(one)))
    if (lacks.length > 0) {
      throw wrongVotes(
        `the structs in '${name}' have ${has.join(', ')}, and none of ${lacks.map(names => names.join(', ')).join(' and none of ')}`,
      )
    }
  }
  return row => {
    const value = jsonValueOf(data, row)
    if (value === null) return undefined
    if (typeof value !== 'string') return value as unknown[]
    try {
      const list = JSON.parse(value) as unknown
      if (list === null) return undefined
      if (Array.isArray(list)) return list
    } catch {
      /* said below */
    }
    throw wrongVotes(
      `'${name}' of row ${batch.text('id').text(row)} is ${JSON.stringify(value.slice(0, 40))}, which is no JSON list`,
    )
  }
}
