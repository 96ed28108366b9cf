/** Joins a table of votes to the pairs that they are on. */
import { defineStage, Type } from '../../engine/contract/define.ts'
import { wordsOf } from './vote_lists.ts'

export default defineStage({
  name: 'add_votes',
  version: 2,
  category: 'find wrong labels',
  summary: 'Join the votes of a table to the pairs that they are on.',
  details:
    'Each row of the table is one vote on one pair: who voted, and for what. A pair gets all votes whose `by` is equal to its own, in the order of the table, as two lists of one length, and the counts of those for the chosen ' +
    'and for the rejected side. In the list of votes a vote for a side is `chosen` or `rejected`, whatever its word in the table; any other word (a tie) stays as it is, and counts for neither. A vote that is null or empty is none. ' +
    'Where `chosen` names a column that is null for a pair, nobody knows which word is for its chosen side: a vote on it is null in the list, and counts for neither. ' +
    'A vote whose voter is null or empty is nobody’s: its name is null in the list. ' +
    'Who votes twice is there twice. Give the table’s column the name of the rows’ by `rename` of its source.\n\n' +
    'The lists are what `vote_lists` of `detect_noise` reads: `vote_lists: { votes: <id>_votes, voters: <id>_voters }`.',
  options: Type.Object({
    by: Type.String({
      minLength: 1,
      default: 'id',
      description: 'column of rows and table that says which pair a vote is on',
    }),
    vote: Type.String({ minLength: 1, default: 'vote', description: 'text column of the table: the vote' }),
    voter: Type.String({ minLength: 1, default: 'voter', description: 'text column of the table: who voted' }),
    chosen: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'column of the rows (text or whole numbers) with the word that is a vote for the chosen side; `chosen` for all rows when left out',
      }),
    ),
    rejected: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'the same for the rejected side; when left out `rejected`, and where `chosen` is given any other word',
      }),
    ),
  }),
  reads: ({ chosen, rejected }) => ({
    ...(chosen === undefined ? {} : { [chosen]: 'sortable' as const }),
    ...(rejected === undefined ? {} : { [rejected]: 'sortable' as const }),
  }),
  tables: ({ vote, voter }) => ({ votes: { [vote]: 'text' as const, [voter]: 'text' as const } }),
  writes: { votes: 'list_text', voters: 'list_text', for: 'int32', against: 'int32' },
  rows: 'same',
  notes: { no_vote: 'the table has no vote on the pair' },
  by: ({ by }) => [by],
  examples: [
    {
      title: 'two votes on one pair, none on the other; a tie is for neither side',
      rows: [
        { id: 'a', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
        { id: 'b', prompt: 'Name a river.', chosen: 'Po.', rejected: 'Alps.' },
        { id: 'c', prompt: 'Name a lake.', chosen: 'Como.', rejected: 'Garda.' },
      ],
      tables: {
        votes: [
          { id: 'a', vote: 'chosen', voter: 'Ann' },
          { id: 'c', vote: 'tie', voter: 'Ann' },
          { id: 'a', vote: 'rejected', voter: 'Bo' },
          { id: 'c', vote: null, voter: 'Bo' },
          { id: 'nowhere', vote: 'chosen', voter: 'Ann' },
        ],
      },
      kept: [0, 1, 2],
      columns: {
        votes: [['chosen', 'rejected'], [], ['tie']],
        voters: [['Ann', 'Bo'], [], ['Ann']],
        for: [1, 0, 0],
        against: [1, 0, 0],
      },
      noted: { 1: 'no_vote' },
    },
    {
      title: 'votes that name an answer, and a column that says which of them is the chosen one',
      options: { chosen: 'label', vote: 'winner', voter: 'judge' },
      rows: [
        { id: 'a', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', label: 1 },
        { id: 'b', prompt: 'Name a river.', chosen: 'Po.', rejected: 'Alps.', label: 2 },
      ],
      tables: {
        votes: [
          { id: 'b', winner: '2', judge: 'm1' },
          { id: 'b', winner: '1', judge: 'm2' },
          { id: 'a', winner: '1', judge: 'm1' },
        ],
      },
      kept: [0, 1],
      columns: {
        votes: [['chosen'], ['chosen', 'rejected']],
        for: [1, 1],
        against: [0, 1],
        voters: [['m1'], ['m1', 'm2']],
      },
    },
    {
      title: 'a pair of which nobody knows which word is for its chosen side, and a vote of nobody',
      options: { chosen: 'label' },
      rows: [
        { id: 'a', prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.', label: 'x' },
        { id: 'b', prompt: 'Name a river.', chosen: 'Po.', rejected: 'Alps.', label: null },
      ],
      tables: {
        votes: [
          { id: 'b', vote: 'x', voter: 'Ann' },
          { id: 'b', vote: 'null', voter: 'Bo' },
          { id: 'a', vote: 'y', voter: null },
        ],
      },
      kept: [0, 1],
      columns: {
        votes: [['rejected'], [null, null]],
        for: [0, 0],
        against: [1, 0],
        voters: [[null], ['Ann', 'Bo']],
      },
    },
  ],
  open: ({ vote, voter, chosen, rejected }) => ({
    batch(batch, verdict, { votes }) {
      const cast = votes.text(vote),
        who = votes.text(voter)
      const wordOf = (column: string | undefined, usual: string | undefined) => {
        return column === undefined ? () => usual : wordsOf(batch, column)
      }
      const good = wordOf(chosen, 'chosen'),
        bad = wordOf(rejected, chosen === undefined ? 'rejected' : undefined)
      const written = {
        votes: [] as (string | null)[][],
        voters: [] as (string | null)[][],
        for: new Int32Array(batch.rows),
        against: new Int32Array(batch.rows),
      }
      for (let g = 0; g + 1 < batch.groups.length; g++) {
        const on: number[] = []
        for (let i = votes.groups[g]; i < votes.groups[g + 1]; i++) if (cast.text(i) !== '') on.push(i)
        const words = on.map(i => cast.text(i)),
          voters = on.map(i => who.text(i) || null)
        for (let row = batch.groups[g]; row < batch.groups[g + 1]; row++) {
          const [forIt, againstIt] = [good(row), bad(row)]
          const said = words.map(word => {
            if (word === forIt) return 'chosen'
            if (word === againstIt || (againstIt === undefined && forIt !== null)) return 'rejected'
            return forIt === null ? null : word
          })
          written.votes.push(said)
          written.voters.push(voters)
          written.for[row] = said.filter(word => word === 'chosen').length
          written.against[row] = said.filter(word => word === 'rejected').length
          if (words.length === 0) verdict.note(row, 'no_vote')
        }
      }
      return { columns: written }
    },
  }),
})
