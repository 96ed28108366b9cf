/** What a file does not say is asked, and never filled in. */
import { expect, it } from 'vitest'
import { propose } from '../../engine/map/propose.ts'
import { assistant, table, user, type Row } from '../sources/helpers.ts'
import { prompts, readMapped, sides } from './helpers.ts'

const q = (i: number) => `What is thing number ${i}?`
const better = (i: number) => `Better: it is the thing with number ${i}.`
const worse = (i: number) => `Worse: no idea about number ${i}.`
const rows = (make: (i: number) => Row, count = 12): Row[] => Array.from({ length: count }, (_, i) => make(i))
/** Two answers, of which in turns the first, the second and none is the better one. */
const two = (i: number) => (i % 3 === 1 ? [worse(i), better(i)] : [better(i), worse(i)])
const proposed = (some: readonly Row[]) => {
  const batch = table(some)
  return propose(batch.schema, [batch])
}
const first = (some: readonly Row[]) => proposed(some).proposals[0]
const isRight = (pairs: [string, string][]) =>
  pairs.length > 0 && pairs.every(([a, b]) => a.startsWith('Better') && b.startsWith('Worse'))

it('labels 0, 1 and 2 are all asked, with their counts', async () => {
  const some = rows(i => ({ prompt: q(i), reply_a: two(i)[0], reply_b: two(i)[1], label: i % 3 })),
    { map, asks } = first(some)
  expect(map.prefer).toEqual({ by: 'label', first: 'FIRST', second: 'SECOND', tie: 'TIE' })
  expect(asks.join()).toContain('what does label 0 (4), 1 (4), 2 (4) mean?')
  const read = await readMapped(some, { ...map, prefer: { by: 'label', first: 0, second: 1, tie: 2 } })
  expect([isRight(sides(read)), read.pairs.length]).toEqual([true, 8])
})

it.each<[string, number[], string]>([
  ['a sign', [-1, 1, 0], 'is label = 0 a tie?'],
  ['a half', [1, 2, 1.5], 'is label = 1.5 a tie?'],
])('the tie of %s is asked', async (_, values, ask) => {
  const some = rows(i => ({ prompt: q(i), reply_1: two(i)[0], reply_2: two(i)[1], label: values[i % 3] })),
    { map, asks } = first(some)
  expect(asks).toHaveLength(2)
  expect(asks[1]).toContain(ask)
  const read = await readMapped(some, map)
  expect([isRight(sides(read)), read.pairs.length]).toEqual([true, 8])
})

it.each([-1, '-1'])('a tie that is in no row is not filled in: %s', low => {
  const some = rows(i => ({ prompt: q(i), reply_1: better(i), reply_2: worse(i), label: i % 2 ? low : typeof low === 'string' ? '1' : 1 })) // prettier-ignore
  expect(first(some).map.prefer).toEqual({ by: 'label', first: '< 0', second: '> 0' })
})

it('a list of 1 to K is asked to be ranks or places, before it is read', async () => {
  const some = rows(i => ({ prompt: q(i), replies: [worse(i), better(i), `${worse(i)}.`], ranking: [2, 1, 3] })),
    { map, asks } = first(some)
  expect(map.score).toEqual({ 'ranking[]': -1 })
  expect(asks[0]).toContain('the rank of each answer')
  expect(asks[1]).toContain('the places of the answers, the best first? no map reads that')
  expect(sides(await readMapped(some, map))[0][0]).toBe(better(0))
  const scored = rows(i => ({ prompt: q(i), replies: [worse(i), better(i), worse(i)], ranking: [2, 9, 3] }))
  expect(first(scored).map.score).toBe('ranking[]')
})

it('a column that is empty or an id is no prompt; a body stands below its title', async () => {
  const some = rows(i => ({
      ...{ question_id: `q${i}`, document: '', title: q(i), selftext: `The body of ${i}.` },
      ...{ replies: [better(i), worse(i)], votes: [9, i % 3] },
    })),
    { map, asks } = first(some)
  expect(map.prompt).toBe('title')
  expect(asks.at(-1)).toBe('does selftext belong to the prompt? if so, prompt: [title, selftext]')
  const read = await readMapped(some, { ...map, prompt: ['title', 'selftext'] })
  expect(prompts(read)[0]).toBe(`${q(0)}\n\nThe body of 0.`)
})

it('all texts that may belong to a prompt are one question, in order', () => {
  const some = rows(i => ({
    ...{ passage: `A passage about ${i}.`, question: q(i), body: `The body of ${i}.`, context_text: '' },
    ...{ better_reply: better(i), worse_reply: worse(i) },
  }))
  expect(first(some).asks.at(-1)).toBe(
    'do passage and body belong to the prompt? if so, prompt: [passage, question, body]',
  )
})

it('conversations that begin alike say themselves what was asked', () => {
  const some = rows(i => ({
    question_id: `q${i}`,
    messages_a: [user(q(i)), assistant(better(i))],
    messages_b: [user(q(i)), assistant(worse(i))],
    winner: i % 2 ? 'model_a' : 'model_b',
  }))
  expect(first(some).map.prompt).toBe('shared')
})
