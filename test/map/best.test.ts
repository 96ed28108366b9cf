/** Which of several answers is the best one: its place, a letter, what it is called; and what is proposed for each. */
import { Utf8 } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import type { MapSpec } from '../../engine/map/spec.ts'
import { propose } from '../../engine/map/propose.ts'
import { settled, typeOf } from '../../stages/sources/jsonl_types.ts'
import { assistant, table, user, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped, sides } from './helpers.ts'

const q = (i: number) => `What is thing number ${i}?`
const better = (i: number) => `Better: it is the thing with number ${i}.`
const worse = (i: number) => `Worse: no idea about number ${i}.`
/** Rows whose best answer is now the first, now the second. */
const rows = (make: (i: number, answers: [string, string], best: 0 | 1) => Row, count = 24): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const best = i % 3 === 1 ? 1 : 0
    return make(i, best ? [worse(i), better(i)] : [better(i), worse(i)], best)
  })
const first = (some: readonly Row[]) => {
  const batch = table(some)
  return propose(batch.schema, [batch]).proposals[0]
}
/** Whether each better answer is chosen; of three answers two worse ones may be a pair too. */
const areRight = (pairs: readonly [string, string][]) =>
  pairs.some(([a]) => a.startsWith('Better')) && pairs.every(([, b]) => b.startsWith('Worse'))

const q1 = 'Q?'
const list = { prompt: 'q', list: 'l[].t' }
const l = ['A', 'B', 'C'].map((t, i) => ({ t, id: `r${i}` }))
const pairsOf = async (row: Row, map: Omit<MapSpec, 'prompt' | 'list'>) =>
  sides(await readMapped([{ q: q1, l, ...row }], { ...list, ...map }))

describe('index', () => {
  const second = [['B', 'A'], ['B', 'C']] // prettier-ignore
  it.each<[Row, MapSpec['index']]>([
    [{ b: 1 }, 'b'],
    [{ b: 2 }, { by: 'b', from: 1 }],
    [{ b: '2' }, { by: 'b', from: 1 }],
    [{ b: 'B' }, { by: 'b', from: 'A' }],
    [{ b: ' b' }, { by: 'b', from: 'A' }],
    [{ b: 'r1' }, { by: 'b', names: 'l[].id' }],
    [{ b: ['r1'] }, { by: 'b[]', names: 'l[].id' }],
    [{ b: 'B' }, { by: 'b', names: 'l[].t' }],
    [{ b: 'y' }, { by: 'b', names: ['x', 'y', 'z'] }],
  ])('%j by %j', async (row, index) => {
    expect(await pairsOf(row, { index })).toEqual(second)
  })

  it('of several that are named each meets each of the others', async () => {
    expect(await pairsOf({ b: ['r0', 'r2'] }, { index: { by: 'b[]', names: 'l[].id' } })).toEqual([['A', 'B'], ['C', 'B']]) // prettier-ignore
  })

  it.each<[Row, MapSpec['index']]>([
    [{ b: 0 }, { by: 'b', from: 1 }],
    [{ b: 4 }, { by: 'b', from: 1 }],
    [{ b: 1.5 }, 'b'],
    [{ b: '' }, 'b'],
    [{ b: 'AB' }, { by: 'b', from: 'A' }],
    [{ b: 'r9' }, { by: 'b', names: 'l[].id' }],
    [{ b: ['r1', 'r9'] }, { by: 'b[]', names: 'l[].id' }],
    [{ b: 'x' }, { by: 'b', names: ['x', 'x', 'z'] }],
  ])('names none: %j by %j', async (row, index) => {
    const read = await readMapped([{ q: q1, l, b: typeof row.b === 'number' ? 0 : row.b }, { q: q1, l, ...row }], { ...list, index }) // prettier-ignore
    expect(read.refused[1]).toBe('too_few_completions')
  })

  it('says what is wrong', async () => {
    expect(await failure(pairsOf({ b: 1 }, { index: { by: 'b', from: 1, names: 'l[].id' } }))).toContain('index: give from or names') // prettier-ignore
    expect(await failure(pairsOf({ b: [1] }, { index: 'b' }))).toContain('put [] behind a list')
    expect(await failure(pairsOf({ b: 'x', n: 'x' }, { index: { by: 'b', names: 'n' } }))).toContain('name the items of a list, with []') // prettier-ignore
  })
})

it('a map goes into a list within JSON text, and not into lists within it', async () => {
  const payload = JSON.stringify({ prompt: 'Why?', responses: [{ text: 'So.', all: [1] }, { text: 'No.' }] }),
    map = { prompt: 'payload.prompt', index: 'best' },
    rows = [{ payload, best: 0 }, { payload: '{"prompt": "How?", "responses": 7}', best: 0 }] // prettier-ignore
  const read = await readMapped(rows, { ...map, list: 'payload.responses[].text' })
  expect([sides(read), prompts(read), read.refused]).toEqual([[['So.', 'No.']], ['Why?'], { 1: 'too_few_completions' }])
  expect(await failure(readMapped(rows, { ...map, list: 'payload.responses[].all[]' }))).toContain(
    "'payload.responses[].all[]': lists within lists of JSON text are not read",
  )
  for (const path of ['payload.replies[].text', 'payload.responses[].said']) {
    expect(await failure(readMapped(rows, { ...map, list: path }))).toContain(
      `map: '${path}' is null in all of the first rows`,
    )
  }
})

describe('is proposed', () => {
  it.each<[string, Row[], Partial<MapSpec>, string]>([
    ['letters', rows((i, choices, best) => ({ question: q(i), choices, answer: 'AB'[best] })), { list: 'choices[]', index: { by: 'answer', from: 'A' } }, 'the letter of the best answer'],
    ['places from 0', rows((i, replies, best) => ({ prompt: q(i), replies, best })), { list: 'replies[]', index: 'best' }, 'counted from 0'],
    ['places from 1', rows((i, replies, best) => ({ prompt: q(i), replies, best: best + 1 })), { list: 'replies[]', index: { by: 'best', from: 1 } }, 'counted from 1'],
    ['names', rows((i, [a, b], best) => ({ prompt: q(i), completions: [{ id: 'x', text: a }, { id: 'y', text: b }], best: 'xy'[best] })), { list: 'completions[].text', index: { by: 'best', names: 'completions[].id' } }, ''],
    ['lists of names', rows((i, [a, b], best) => ({ text: q(i), options: [{ id: 'x', text: a }, { id: 'y', text: b }], accept: ['xy'[best]] })), { prompt: 'text', index: { by: 'accept[]', names: 'options[].id' } }, ''],
    ['the answer itself', rows((i, choices, best) => ({ question: q(i), choices, correct_answer: choices[best] })), { index: { by: 'correct_answer', names: 'choices[]' } }, ''],
    ['a list in JSON text', rows((i, [a, b], best) => ({ prompt: q(i), candidates: JSON.stringify([{ text: a, score: 1 - best }, { text: b, score: best }]) })), { list: 'candidates[].text', score: 'candidates[].score' }, 'is a higher score better'],
    ['replies of a tree', rows((i, [a, b], best) => ({ prompt: { text: q(i), role: 'prompter', replies: JSON.stringify([{ text: a, role: 'assistant', rank: best }, { text: b, role: 'assistant', rank: 1 - best }]) } })), { prompt: 'prompt', list: 'prompt.replies[].text', score: { 'prompt.replies[].rank': -1 } }, 'is the lowest rank the best'],
    ['messages of parts', rows((i, [a, b], best) => ({ contents: [{ role: 'user', parts: [{ text: q(i) }] }], completions: [a, b].map((text, side) => ({ score: side === best ? 1 : 0, completion: { role: 'model', parts: [{ text }] } })) })), { prompt: 'contents', list: 'completions[].completion' }, 'is a higher score better'],
    ['messages of speakers', rows(i => ({ dialogue: [{ speaker: 'human', text: q(i) }], good: { speaker: 'bot', text: better(i) }, bad: { speaker: 'bot', text: worse(i) } })), { prompt: 'dialogue', chosen: 'good', rejected: 'bad' }, ''],
    ['words of single answers', rows(i => ({ user_message: q(i >> 1), reply: i % 2 ? better(i) : worse(i), feedback: i % 2 ? 'thumbs_up' : 'thumbs_down' })), { answer: 'reply', labels: { by: 'feedback', good: 'thumbs_up', bad: 'thumbs_down' } }, ''],
    ['bools that are text', rows(i => ({ prompt: q(i >> 1), reply: i % 2 ? better(i) : worse(i), correct: i % 2 ? 'True' : 'False' })), { answer: 'reply', score: 'correct' }, 'does correct true mean'],
    ['edits', rows(i => ({ prompt: q(i), original_reply: worse(i), edited_reply: better(i) })), { chosen: 'edited_reply', rejected: 'original_reply' }, 'is edited_reply the better one'],
    ['numbers of columns', rows((i, [a, b], best) => ({ prompt: q(i), reply_1: a, reply_2: b, reply_3: `${worse(i)}.`, elo_1: 9 - best, elo_2: 8 + best, elo_3: 1 })), { score: ['elo_1', 'elo_2', 'elo_3'] }, 'is a higher elo_1 better'],
    ['shares between 1 and 2', rows((i, [a, b], best) => ({ prompt: q(i), output_1: a, output_2: b, preference: 1.01 + 0.9 * best + i / 1000 })), { prefer: { by: 'preference', first: '< 1.5', second: '> 1.5' } }, 'does preference < 1.5 mean'],
    ['overall', rows((i, [a, b], best) => ({ prompt: q(i), reply_1: a, reply_2: b, overall_reply: best + 1 })), { prefer: { by: 'overall_reply', first: 1, second: 2 } }, 'does overall_reply = 1 mean'],
  ])('%s', async (_, some, map, ask) => {
    const proposal = first(some)
    expect(proposal.map).toMatchObject(map)
    expect(proposal.asks.join('; ')).toContain(ask)
    const read = await readMapped(some, proposal.map)
    expect(read.refused).toEqual({})
    expect(prompts(read)[0]).toBe(q(0))
    if ('answer' in map) {
      expect(read.pairs.every(({ chosen, score }) => (score === 1) === chosen[0].content.startsWith('Better'))).toBe(true)
    } else expect(areRight(sides(read))).toBe(true)
  })
}) // prettier-ignore

it('roles of speakers, of parts and of trees are those of trainers; others and {role, content} stay', async () => {
  const rolesOf = async (prompt: unknown) =>
    (await readMapped([{ prompt, chosen: 'A', rejected: 'B' }] as Row[])).pairs[0].prompt.map(({ role }) => role)
  expect(await rolesOf([{ speaker: 'human', text: 'a' }, { speaker: 'bot', text: 'b' }, { speaker: 'Ann', text: 'c' }])).toEqual(['user', 'assistant', 'Ann']) // prettier-ignore
  expect(await rolesOf([{ role: 'user', parts: [{ text: 'a' }] }, { role: 'model', parts: [{ text: 'b' }] }])).toEqual(['user', 'assistant']) // prettier-ignore
  expect(await rolesOf([{ role: 'prompter', text: 'a' }])).toEqual(['user'])
  expect(await rolesOf([{ role: 'model', content: 'a' }])).toEqual(['model'])
  expect(await rolesOf(JSON.stringify([{ role: 'model', parts: [{ text: 'a' }, { inlineData: { data: 'x' } }] }]))).toEqual(['assistant']) // prettier-ignore
})

it('the tools of an object are those of the pair, and their schemas stay apart', async () => {
  const tool = (name: string) => ({ type: 'function', function: { name, parameters: { properties: { [name]: {} } } } })
  const text = JSON.stringify([tool('time')]),
    input = (tools: unknown) => ({ messages: [user('Q?')], tools }),
    row = { preferred_output: [assistant('A')], non_preferred_output: [assistant('B')] }
  const { how, pairs } = await readMapped([{ input: input(text), ...row }])
  expect([how.layout, pairs[0].tools]).toEqual(['openai_dpo', text])
  expect(settled(typeOf({ tools: [tool('time'), tool('place')] })!)!.children[0].type).toEqual(new Utf8())
  const bare = await readMapped([{ input: { messages: [user('Q?')] }, ...row }])
  expect(sides(bare)).toEqual([['A', 'B']])
})
