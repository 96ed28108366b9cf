/** What a file does not say is asked, and never filled in. */
import { expect, it } from 'vitest'
import { propose } from '../../engine/map/propose.ts'
import { assistant, table, user, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped, sides } from './helpers.ts'

const q = (i: number) => `What is thing number ${i}?`
const better = (i: number) => `Better: it is the thing with number ${i}.`
/** Some are the longer one. */
const worse = (i: number) => `Worse: no idea about number ${i}${i % 4 === 0 ? ', and none of what it is for' : ''}.`
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
  const [{ isCertain, asks }, ...more] = proposed(some).proposals
  expect([isCertain, asks, more]).toEqual([
    undefined,
    ['label is for the longer answer in 40 of 40 rows: does it say which is better, or which is longer?'],
    [],
  ])
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

it('a column that says which answer is longer is no label, and lengths are no scores', () => {
  const some = rows(i => {
    const [a, b] = two(i)
    return {
      prompt: q(i),
      reply_a: a,
      reply_b: b,
      longer: a.length > b.length ? 'a' : 'b',
      score_a: a.length,
      score_b: b.length,
    }
  }, 40)
  expect(first(some).map.prefer).toEqual({ by: 'LABEL', first: 'FIRST', second: 'SECOND' })
  expect(first(some.map((row, i) => ({ ...row, verdict: i % 3 === 1 ? 'b' : 'a' }))).map.prefer).toEqual({
    by: 'verdict',
    first: 'a',
    second: 'b',
  })
})

it('of several labels it is asked which of them counts', () => {
  const some = rows(i => ({ prompt: q(i), reply_A: two(i)[0], reply_B: two(i)[1], more_helpful: i % 2 ? 'A' : 'B', more_harmless: 'AB'[i % 3 >> 1] })) // prettier-ignore
  for (const { asks } of proposed(some).proposals) {
    expect(asks[0]).toBe('which of more_helpful, more_harmless counts? each is a line of its own')
  }
})

it.each<[string, Row[], object, string[]]>([
  [
    'fields of an object, with dots in their names',
    rows(i => ({ prompt: q(i), outputs: { 'gpt-4.1': two(i)[0], llama: two(i)[1] }, better: ['gpt-4.1', 'llama'][Number(i % 3 === 1)] })),
    { answers: ['outputs.gpt-4.1', 'outputs.llama'], prefer: { by: 'better', first: 'gpt-4.1', second: 'llama' } },
    [],
  ],
  [
    'columns of their names with a tie and what names none',
    rows(i => ({ prompt: q(i), 'response_gpt-4': two(i)[0], response_llama: two(i)[1], winner: i === 9 ? 'tie' : i === 11 ? 'claude' : ['gpt-4', 'llama'][Number(i % 3 === 1)] })),
    { answers: ['response_gpt-4', 'response_llama'], prefer: { by: 'winner', first: 'gpt-4', second: 'llama', tie: 'tie' } },
    ["what does winner 'claude' mean? no column is called so"],
  ],
  [
    'the loser',
    rows(i => ({ prompt: q(i), alpha: two(i)[0], beta: two(i)[1], rejected_model: ['beta', 'alpha'][Number(i % 3 === 1)] })),
    { answers: ['alpha', 'beta'], prefer: { by: 'rejected_model', first: 'beta', second: 'alpha' } },
    [],
  ],
  [
    'three of them, one of which never wins',
    rows(i => ({ prompt: q(i), out_m1: two(i)[0], out_m2: two(i)[1], out_bad: `Worse again ${i}.`, best: ['m1', 'm2'][Number(i % 3 === 1)] })),
    { list: ['out_m1', 'out_m2', 'out_bad'], index: { by: 'best', names: ['m1', 'm2', 'bad'] } },
    [],
  ],
])('columns keyed by models, and a label that names one: %s', async (_, some, map, asks) => {
  const proposal = first(some)
  expect([proposal.map, proposal.asks]).toEqual([{ prompt: 'prompt', ...map }, asks])
  if ('answers' in map) expect(isRight(sides(await readMapped(some, proposal.map)))).toBe(true)
  else expect((await readMapped(some, proposal.map)).pairs.length).toBe(24)
}) // prettier-ignore

it("LLaMA-Factory's old form, a list of two answers, is asked", async () => {
  const some = rows(i => ({ instruction: q(i), input: `In ${i}`, output: [better(i), worse(i)] })),
    { map, asks } = first(some)
  expect([map, asks]).toEqual([
    { prompt: 'instruction', chosen: 'output[0]', rejected: 'output[1]' },
    ['is output[0] the better one? if not, exchange chosen and rejected'],
  ])
  expect(await failure(readMapped(some))).toContain("LLaMA-Factory's form of before 2024")
  const read = await readMapped(some, map)
  expect([isRight(sides(read)), read.pairs.length, prompts(read)[0]]).toEqual([true, 12, `${q(0)}\nIn 0`])
  expect(proposed(rows(i => ({ instruction: q(i), output: [better(i), worse(i), 'x'] }))).proposals).toEqual([])
})

it.each<[string, Row[], object, string[]]>([
  [
    'Chinese, numbered answers and a label of numbers',
    rows(i => ({ 编号: `${i}`, 问题: q(i), 回答一: two(i)[0], 回答二: two(i)[1], 偏好: ['1', '2', '0'][i % 3 === 1 ? 1 : i === 3 ? 2 : 0] }), 24),
    { prompt: '问题', answers: ['回答一', '回答二'], prefer: { by: '偏好', first: 1, second: 2, tie: 0 } },
    ['is 问题 the prompt?', 'does 偏好 say which answer is better?', 'does 偏好 = 1 mean that 回答一 is the better one?'],
  ],
  [
    'German, scores with a comma',
    rows(i => ({ frage: q(i), antwort_1: two(i)[0], antwort_2: two(i)[1], note_1: i % 3 === 1 ? '1,5' : '4,25', note_2: i % 3 === 1 ? '4,5' : '2,5' }), 24),
    { prompt: 'frage', answers: ['antwort_1', 'antwort_2'], prefer: { higher: ['note_1', 'note_2'] } },
    ['is frage the prompt?', 'is the answer with the higher note the better one?'],
  ],
  [
    'a prompt of another name beside edits',
    rows(i => ({ ticket: `${i}`, customer_message: q(i), draft_reply: worse(i), edited_reply: better(i) })),
    { prompt: 'customer_message', chosen: 'edited_reply', rejected: 'draft_reply' },
    ['is customer_message the prompt?', 'is edited_reply the better one?'],
  ],
  [
    'a margin',
    rows(i => ({ user: q(i), A: two(i)[0], B: two(i)[1], margin: i % 3 === 1 ? -1.5 : 2.25 })),
    { prompt: 'user', answers: ['A', 'B'], prefer: { by: 'margin', first: '> 0', second: '< 0' } },
    ['is user the prompt?', 'does margin > 0 mean that A is the better one?'],
  ],
])('names that say nothing are asked with a line that works: %s', async (_, some, map, asks) => {
  const proposal = first(some),
    read = await readMapped(some, proposal.map)
  expect(proposal.map).toMatchObject(map)
  asks.forEach((ask, i) => expect(proposal.asks[i]).toContain(ask))
  expect([isRight(sides(read)), prompts(read)[0]]).toEqual([true, q(0)])
}) // prettier-ignore

it('columns of which no name says anything are listed, with the line to fill in', () => {
  const some = rows(i => ({ 问题: q(i), 优: better(i), 劣: worse(i), 标签: i % 2 ? '好' : '差', 时间: '2024-01-01' })),
    [sided, labelled] = proposed(some).proposals
  expect(sided.asks).toEqual([
    'which of 问题, 优, 劣 is the prompt, and which the better and the worse answer? put their names in these places',
  ])
  expect(sided.map).toEqual({ prompt: 'PROMPT', chosen: 'BETTER', rejected: 'WORSE' })
  expect(labelled.what).toBe('or one of 标签 (好: 6, 差: 6) says which of two answers is better')
})

it('several columns may be the prompt: all are named', () => {
  const some = rows(i => ({ asked_text: q(i), note_text: `Note: ${q(i)}`, good_one: better(i), bad_one: worse(i) }))
  expect(first(some).asks[0]).toContain('put its name in place of PROMPT: asked_text, note_text')
})

it.each<[string, string[], object]>([
  ['a label', ['3 - A is slightly better', '5 - B is much better', '4 - About the same'], { first: '3 - A is slightly better', second: '5 - B is much better', tie: '4 - About the same' }],
  ['with a colon', ['1: Response A is better', '2: Response B is better', '0: tie'], { first: '1: Response A is better', second: '2: Response B is better', tie: '0: tie' }],
])('words behind a place on a scale are read: %s', async (_, [a, b, tie], prefer) => {
  const some = rows(i => ({ prompt: q(i), reply_a: two(i)[0], reply_b: two(i)[1], verdict: [a, b, tie][i % 3] })),
    { map } = first(some)
  expect(map.prefer).toEqual({ by: 'verdict', ...prefer })
  expect(isRight(sides(await readMapped(some, map)))).toBe(true)
}) // prettier-ignore

it('scores may be places on a scale, answers that begin with numbers are none', async () => {
  const some = rows(i => ({ prompt: q(i), reply_a: two(i)[0], reply_b: two(i)[1], rating_a: i % 3 === 1 ? '2 - poor' : '5 - good', rating_b: i % 3 === 1 ? '5 - good' : '2 - poor' })),
    { map } = first(some)
  expect(map.prefer).toEqual({ higher: ['rating_a', 'rating_b'] })
  expect(isRight(sides(await readMapped(some, map)))).toBe(true)
  const lists = rows(i => ({ prompt: q(i), reply_a: `1. First ${i}`, reply_b: `2. Then ${i}` }), 24)
  expect(JSON.stringify(proposed(lists).proposals)).not.toContain('higher')
}) // prettier-ignore

it('right answers are no rivals of each other', () => {
  const some = rows(i => ({ question: q(i), best_answer: `Right ${i}`, correct_answers: [`Right ${i}`, `Fine ${i}`], incorrect_answers: [`No ${i}`] }))
  expect(proposed(some).proposals.map(({ map }) => map.chosen)).toEqual(['correct_answers[]'])
}) // prettier-ignore

it('lists of pairs, and rows that alternate, are told what to become', () => {
  const none = (some: Row[]) => proposed(some).none!
  expect(none(rows(i => ({ prompt: q(i), pairs: [{ chosen: better(i), rejected: worse(i) }] })))).toContain(
    "make a row of each, as by jq -c '.pairs[] as $pair | del(.pairs) + $pair'",
  )
  expect(none(rows(i => ({ text: `<extra_id_1>User\n${q(i)}\n<extra_id_1>Assistant\nX` })))).toContain('make one row of them')
}) // prettier-ignore
