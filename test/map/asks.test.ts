/** What a file does not say is asked, and never filled in. */
import { expect, it } from 'vitest'
import { propose } from '../../engine/map/propose.ts'
import { assistant, table, user, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped, sides } from './helpers.ts'

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
  const scored = rows(i => ({ prompt: q(i), replies: [worse(i), better(i), worse(i)], rating: [2, 9, 3] }))
  expect(first(scored).map.score).toBe('rating[]')
  const ranked = rows(i => ({
    prompt: q(i),
    replies: [worse(i), better(i), worse(i)],
    rank: [2, 1, 3].map(n => n * 2),
  }))
  expect(first(ranked)).toMatchObject({
    map: { score: { 'rank[]': -1 } },
    asks: [expect.stringContaining('is the lowest rank the best?')],
  })
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

it.each<[string, Row[], Row, string]>([
  [
    'right and hallucinated',
    rows(i => ({ question: q(i), right_answer: better(i), hallucinated_answer: worse(i) })),
    { chosen: 'right_answer', rejected: 'hallucinated_answer' },
    'is right_answer the better one?',
  ],
  [
    'w and l',
    rows(i => ({ prompt: q(i), reply_w: better(i), reply_l: worse(i) })),
    { chosen: 'reply_w', rejected: 'reply_l' },
    'is reply_w the better one?',
  ],
  [
    'j and k',
    rows(i => ({ question: q(i), response_j: better(i), response_k: worse(i) })),
    { chosen: 'response_j', rejected: 'response_k' },
    'is response_j the better one?',
  ],
  [
    'lists of right and wrong ones',
    rows(i => ({
      question: q(i),
      best_answer: better(i),
      correct_answers: [better(i), better(i + 50)],
      incorrect_answers: [worse(i)],
    })),
    { chosen: 'correct_answers[]', rejected: 'incorrect_answers[]' },
    'is correct_answers[] the better one?',
  ],
  [
    'a text and a list',
    rows(i => ({ question: q(i), best_answer: better(i), incorrect_answers: [worse(i)] })),
    { chosen: 'best_answer', rejected: 'incorrect_answers[]' },
    'is best_answer the better one?',
  ],
  [
    'people and a model',
    rows(i => ({ id: `${i}`, question: q(i), human_answers: [better(i)], chatgpt_answers: [worse(i)] })),
    { chosen: 'human_answers[]', rejected: 'chatgpt_answers[]' },
    'is human_answers[] the better one?',
  ],
  [
    'lists with labels',
    rows(i => ({
      question: q(i),
      mc1: { choices: [better(i), worse(i)], labels: [1, 0] },
      mc2: { choices: [better(i), worse(i)], labels: [1, 0] },
    })),
    { list: 'mc1.choices[]', labels: { by: 'mc1.labels[]', good: 1, bad: 0 } },
    'does mc1.labels[] 1 mean a right answer?',
  ],
  [
    'lists with bools',
    rows(i => ({ input: q(i), targets: { texts: [worse(i), better(i)], is_correct: [false, true] } })),
    { list: 'targets.texts[]', labels: { by: 'targets.is_correct[]', good: true, bad: false } },
    'does targets.is_correct[] true mean',
  ],
  [
    'other marks',
    rows(i => ({ question: q(i), a1: two(i)[0], a2: two(i)[1], winner: ['A', 'B', 'tie'][i % 3] })),
    { prefer: { by: 'winner', first: 'A', second: 'B', tie: 'tie' } },
    'does winner A mean that a1 is the better one?',
  ],
  [
    'less is better',
    rows(i => ({ prompt: q(i), reply_a: better(i), reply_b: worse(i), toxicity_a: 0.1, toxicity_b: 0.5 + i / 100 })),
    { prefer: { lower: ['toxicity_a', 'toxicity_b'] } },
    'is the answer with the lower toxicity the better one?',
  ],
  [
    'labels of one preset’s columns',
    rows(i => ({
      model_a: 'm',
      model_b: 'n',
      winner: i % 3 === 1 ? 'B' : 'A',
      conversation_a: [user(q(i)), assistant(two(i)[0])],
      conversation_b: [user(q(i)), assistant(two(i)[1])],
    })),
    { prompt: 'shared', prefer: { by: 'winner', first: 'A', second: 'B' } },
    '',
  ],
])('%s are proposed and asked', async (_, some, map, ask) => {
  const said = await failure(readMapped(some)),
    proposal = first(some)
  expect(said).toContain('how its pairs lie is not certain')
  expect(said).not.toContain('unpaired')
  expect(proposal.map).toMatchObject(map)
  expect(proposal.asks.join()).toContain(ask)
  expect(isRight(sides(await readMapped(some, proposal.map)))).toBe(true)
})

it.each([
  ['User: ', '\nAssistant: ', 'User:'],
  ['<|customer|>\n', '\n<|agent|>\n', '<|customer|>'],
  ['### Question: ', '\n### Answer: ', '### Question:'],
  ['System: Be kind.\n\nHuman: ', '\n\nAssistant: ', 'System:'],
])('sides that are whole texts with marks ask for no column that is not there: %s', (asks, answers, mark) => {
  const whole = (i: number, said: string) => `${asks}${q(i)}${answers}${said}`,
    [proposal] = proposed(rows(i => ({ chosen: whole(i, better(i)), rejected: whole(i, worse(i)) }))).proposals
  expect(proposal.asks[0]).toContain(`whole conversations with marks (${mark}) that Sluice does not read`)
  expect(proposal.map).toEqual({ prompt: 'shared', chosen: 'chosen', rejected: 'rejected' })
})

it('numbers that are text are labels by a name that says so, and scores', async () => {
  const labelled = rows(i => ({
    ...{ prompt: q(i), answer_a: two(i)[0], answer_b: two(i)[1] },
    ...{ label: i % 3 === 1 ? '1' : '0', group: i % 2 ? 'x' : 'y', turn: i % 2 ? '1' : '2' },
  }))
  const { proposals } = proposed(labelled)
  expect(proposals.map(({ map }) => map.prefer?.by)).toEqual(['label'])
  expect(proposals[0].asks[0]).toContain('does label = 1 mean that answer_a is the better one?')
  const scored = rows(i => ({ prompt: q(i), answer_a: better(i), answer_b: worse(i), score_a: '0.5', score_b: '0.25' }))
  expect(first(scored).map.prefer).toEqual({ higher: ['score_a', 'score_b'] })
  expect(isRight(sides(await readMapped(scored, first(scored).map)))).toBe(true)
})

it('a score that only says which answer is longer is no second witness of a label', () => {
  const texts = (i: number) => [`${'x '.repeat(3 + ((i * 7) % 31))}a`, `${'x '.repeat(4 + ((i * 11) % 29))}b`]
  const some = rows(i => {
    const [a, b] = texts(i)
    return { prompt: q(i), reply_a: a, reply_b: b, label: a.length > b.length ? 'a' : 'b', score_a: a.length, score_b: b.length } // prettier-ignore
  }, 40)
  expect(proposed(some).proposals.map(({ isCertain }) => isCertain)).toEqual([undefined, undefined])
})

it('who annotated is no label, and a comparison of left and right is', () => {
  const some = rows(i => ({ prompt: q(i), answer1: two(i)[0], answer2: two(i)[1], annotator: 1 + (i % 2), comparison: i % 3 === 1 ? 'right' : 'left' })) // prettier-ignore
  expect(first(some).map.prefer).toEqual({ by: 'comparison', first: 'left', second: 'right' })
})

it('columns of letters and of ranks are answers with what rates them, numbers as text too', async () => {
  const lettered = rows(i => ({ question: q(i), A: worse(i), B: better(i), C: `${worse(i)}.`, answer: 'B' }), 24),
    { map } = first(lettered)
  expect(map).toMatchObject({ list: ['A', 'B', 'C'], index: { by: 'answer' } })
  expect(sides(await readMapped(lettered, map)).every(([a]) => a.startsWith('Better'))).toBe(true)
  const ranked = rows(i => ({ prompt: q(i), reply_1: worse(i), reply_2: better(i), reply_3: `${worse(i)}.`, rank_1: '2', rank_2: '1', rank_3: '3' })) // prettier-ignore
  expect(first(ranked).map.score).toEqual({ rank_1: -1, rank_2: -1, rank_3: -1 })
  expect(first(ranked).asks).toEqual([expect.stringContaining('is the lowest rank_1 the best?')])
  expect(sides(await readMapped(ranked, first(ranked).map))[0][0]).toBe(better(0))
})

it.each<[string, Row[], string]>([
  ['steps', rows(i => ({ question: q(i), steps: [{ text: 'First of all.', rating: 1 }, { text: 'Then on.', rating: -1 }] })), 'are steps of one answer with their ratings'],
  ['a tree of ChatGPT', rows(i => ({ title: q(i), current_node: 'a', mapping: { a: { message: better(i) } } })), 'mapping is a tree of messages'],
  ['whole conversations', rows(i => ({ messages: [user(q(i)), assistant(better(i))], feedback: i % 2 ? 'up' : 'down' })), 'it is unpaired: a whole conversation a row (messages) with a label of its answer (feedback)'],
  ['one number for all', rows(i => ({ prompt: q(i), states: [{ text: worse(i), offset: 0 }, { text: better(i), offset: 0 }] })), 'and no answers'],
])('%s are no pairs', (_, some, why) => {
  expect(proposed(some)).toEqual({ proposals: [], none: expect.stringContaining(why) as string })
}) // prettier-ignore

it('sides of one list, of which each would meet each, are refused', async () => {
  const map = { prompt: 'q', chosen: 'pairs[].a', rejected: 'pairs[].b' }
  expect(await failure(readMapped([{ q: 'Q?', pairs: [{ a: 'A', b: 'B' }] }], map))).toContain('lie in one list')
})
