/** Trees of messages, a row each: paths as prompts, siblings that are rated; and what is wrong with some. */
import { describe, expect, it } from 'vitest'
import { propose } from '../../engine/map/propose.ts'
import type { MapSpec } from '../../engine/map/spec.ts'
import { table, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped } from './helpers.ts'

const map: MapSpec = {
  tree: { id: 'message_id', parent: 'parent_id', role: 'role' },
  prompt: 'text',
  answer: 'text',
  score: { rank: -1 },
}
const message = (message_id: string, parent_id: string | null, role: string, text: string, rank?: number) => ({
  ...{ message_id, parent_id, role, text },
  rank: rank ?? null,
})
const forest: Row[] = [
  message('a', null, 'prompter', 'Name a prime.'),
  message('a2', 'a', 'assistant', 'Nine.', 1),
  message('a1', 'a', 'assistant', 'Seven.', 0),
  message('a3', 'a1', 'prompter', 'And another?', 0),
  message('a5', 'a3', 'assistant', 'Eleven.', 0),
  message('a4', 'a3', 'assistant', 'Ten.', 1),
]

describe('trees of messages', () => {
  it('are asked, with the line that reads them, by ranks or by words', async () => {
    const batch = table(forest)
    expect(await failure(readMapped(forest))).toContain('a row is a message (text) of a tree')
    const [{ map: proposed, asks }] = propose(batch.schema, [batch]).proposals
    expect([proposed, asks]).toEqual([map, [expect.stringContaining('is the lowest rank the best?')]])
    const chat = forest.map(row => ({
      messageId: row.message_id,
      parentMessageId: row.parent_id ?? '00000000-0000-0000-0000-000000000000',
      ...{ text: row.text, isCreatedByUser: row.role === 'prompter' },
      feedback: { rating: row.rank === null || row.role === 'prompter' ? null : ['thumbsUp', 'thumbsDown'][row.rank as number] }, // prettier-ignore
    }))
    const other = table(chat),
      [{ map: labelled }] = propose(other.schema, [other]).proposals
    expect(labelled).toEqual({
      tree: { id: 'messageId', parent: 'parentMessageId', role: 'isCreatedByUser' },
      ...{ prompt: 'text', answer: 'text' },
      labels: { by: 'feedback.rating', good: 'thumbsUp', bad: 'thumbsDown' },
    })
    expect(prompts(await readMapped(chat, labelled))).toEqual(prompts(await readMapped(forest, map)))
    const none = table(forest.map(({ rank: _, ...row }) => row))
    expect(propose(none.schema, [none]).none).toContain('none of its columns rates the replies')
  })

  it('have what is said above an answer as its prompt, whatever the order of rows, and the parent as its group', async () => {
    for (const rows of [forest, forest.toReversed()]) {
      const { pairs, refused, how } = await readMapped(rows, map),
        of = (id: string) => pairs.find(pair => pair.id === id)!
      expect(of('a4').prompt).toEqual([
        { role: 'user', content: 'Name a prime.' },
        { role: 'assistant', content: 'Seven.' },
        { role: 'user', content: 'And another?' },
      ])
      expect(of('a1')).toMatchObject({ rank: 0, group: 'a' })
      expect(Object.values(refused)).toEqual(['no_answer', 'no_answer'])
      expect(how.pairs.scored).toEqual({ column: 'rank', lowFirst: true, by: 'group' })
    }
  })

  it('tell what is not there, and circles', async () => {
    const rows = [
      message('x', 'gone', 'assistant', 'Orphan.', 0),
      message('y', 'z', 'assistant', 'In a circle.', 0),
      message('z', 'y', 'prompter', 'In a circle too.'),
      message('w', null, 'assistant', 'Out of nothing.', 0),
      message('v', 'w', 'narrator', 'Says nobody knows who.', 0),
    ]
    const { refused, errors } = await readMapped([...rows, ...forest], map)
    expect([0, 1, 2, 3, 4].map(row => refused[row])).toEqual(['unreadable_prompt', 'unreadable_prompt', 'no_answer', 'missing_prompt', 'no_answer']) // prettier-ignore
    expect([errors[0], errors[1], errors[4]]).toEqual([
      "the message 'gone' above it is not in the file",
      expect.stringContaining('circle'),
      'role: narrator',
    ])
  })

  it.each<[MapSpec, string]>([
    [{ ...map, group: 'role' }, 'leave out group'],
    [{ ...map, prompt: ['text', 'role'] }, 'of a tree it is one column'],
    [{ ...map, tree: { id: 'message_id', parent: 'parent', role: 'role' } }, "'parent' is not there"],
    [{ tree: map.tree, prompt: 'text', chosen: 'text', rejected: 'role' }, 'tree counts for nothing without answer'],
  ])('refuse what makes no sense: %j', async (wrong, why) => {
    expect(await failure(readMapped(forest, wrong))).toContain(why)
  })
})
