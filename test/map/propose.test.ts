/** Files of which nothing is known: what is asked, and that the line to paste gives the wanted pairs. */
import { describe, expect, it } from 'vitest'
import { propose } from '../../engine/map/propose.ts'
import { table, user, assistant, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped, sides } from './helpers.ts'

const q = (i: number) => `What is thing number ${i}?`
const better = (i: number) => `Better: it is the thing with number ${i}.`
/** Some are the longer one. */
const worse = (i: number) => `Worse: no idea about number ${i}${i % 4 === 0 ? ', and none of what it is for' : ''}.`
const rows = (make: (i: number, first: string, second: string, isFirst: boolean) => Row, count = 24): Row[] =>
  Array.from({ length: count }, (_, i) => {
    const isFirst = i % 3 !== 0
    return make(i, isFirst ? better(i) : worse(i), isFirst ? worse(i) : better(i), isFirst)
  })

/** Proposes, holds that a run asks, and reads by the first line to paste. */
async function pasted(some: readonly Row[]) {
  const batch = table(some),
    [proposal] = propose(batch.schema, [batch]).proposals,
    said = await failure(readMapped(some))
  expect(said).toContain('how its pairs lie is not certain')
  expect(said).toContain(proposal.what)
  for (const ask of proposal.asks) expect(said).toContain(`? ${ask}`)
  return { proposal, read: await readMapped(some, proposal.map) }
}

const isRight = (pairs: [string, string][]) => pairs.every(([a, b]) => a.startsWith('Better') && b.startsWith('Worse'))

describe('two answers and a label', () => {
  it.each<[string, Row[], string[]]>([
    [
      'names of models',
      rows((i, x, y, is) => ({
        question: q(i),
        response_a: x,
        response_b: y,
        winner: i % 6 === 5 ? 'tie' : is ? 'model_a' : 'model_b',
      })),
      [],
    ],
    [
      'left and right',
      rows((i, x, y, is) => ({ prompt: q(i), left_text: x, right_text: y, verdict: is ? 'left' : 'right' })),
      [],
    ],
    ['letters', rows((i, x, y, is) => ({ instruction: q(i), outputA: x, outputB: y, label: is ? 'A' : 'B' })), []],
    [
      'A is better',
      rows((i, x, y, is) => ({ query: q(i), answer_A: x, answer_B: y, preferred: is ? 'A>B' : 'B>A' })),
      [],
    ],
    [
      'judges in brackets',
      rows((i, x, y, is) => ({ question: q(i), assistant_a: x, assistant_b: y, judgement: is ? '[[A]]' : '[[B]]' })),
      [],
    ],
    [
      'numbers of the columns',
      rows((i, x, y, is) => ({ prompt: q(i), response_1: x, response_2: y, choice: is ? 1 : 2 })),
      ['does choice = 1 mean that response_1 is the better one'],
    ],
    [
      'one or nought',
      rows((i, x, y, is) => ({ prompt: q(i), summary_a: x, summary_b: y, label: is ? 1 : 0 })),
      ['does label = 1 mean that summary_a is the better one'],
    ],
    [
      'signed',
      rows((i, x, y, is) => ({ prompt: q(i), completion_a: x, completion_b: y, preference: is ? -2 : 1 })),
      ['does preference < 0 mean'],
    ],
    [
      'a scale',
      rows((i, x, y, is) => ({ prompt: q(i), reply1: x, reply2: y, preference: is ? 1 + (i % 2) : 7 - (i % 2) })),
      ['does preference < 4 mean'],
    ],
    [
      'a bool',
      rows((i, x, y, is) => ({ prompt: q(i), reply1: x, reply2: y, first_preferred: is })),
      ['does first_preferred = true mean'],
    ],
    [
      'the name of the worse column',
      rows((i, x, y, is) => ({ prompt: q(i), reply_a: x, reply_b: y, rejected: is ? 'reply_b' : 'reply_a' })),
      [],
    ],
  ])('%s', async (_, some, asks) => {
    const { proposal, read } = await pasted(some)
    expect(proposal.asks.map(ask => asks.some(part => ask.includes(part)))).toEqual(asks.map(() => true))
    expect(isRight(sides(read))).toBe(true)
    expect(read.pairs.length + Object.keys(read.refused).length).toBe(24)
    expect(new Set(Object.values(read.refused))).toEqual(
      new Set(Object.keys(read.refused).length > 0 ? ['tied_label'] : []),
    )
    expect(prompts(read)[0]).toBe(q(0))
  })

  it.each<[string, (is: boolean) => string]>([
    ['A is better than B', is => (is ? 'A is better than B' : 'B is better than A')],
    ['model_a > model_b', is => (is ? 'model_a > model_b' : 'model_b > model_a')],
    ['a smaller sign', is => (is ? 'B<A' : 'A < B')],
    ['A over B', is => (is ? 'A over B' : 'B over A')],
    ['Response A wins.', is => (is ? 'Response A wins.' : 'Response B wins.')],
  ])('comparisons in words: %s', async (_, say) => {
    const { proposal, read } = await pasted(
      rows((i, x, y, is) => ({ prompt: q(i), response_a: x, response_b: y, verdict: say(is) })),
    )
    expect([proposal.asks, isRight(sides(read)), read.pairs.length]).toEqual([[], true, 24])
  })

  it('what names a side and denies it is asked', async () => {
    const some = rows((i, x, y, is) => ({
      prompt: q(i),
      response_a: x,
      response_b: y,
      verdict: is ? 'not B' : 'not A',
    }))
    expect(await failure(readMapped(some))).toMatch(/what does verdict not [AB] \(\d+\), not [AB] \(\d+\) mean\?/)
  })

  it('nought and one are no names of a first and a second column', async () => {
    const some = rows((i, x, y, is) => ({ prompt: q(i), response_1: x, response_2: y, label: is ? 1 : 0 }))
    const { proposal, read } = await pasted(some)
    expect(proposal.map.prefer).toEqual({ by: 'label', first: 1, second: 0 })
    expect([isRight(sides(read)), read.pairs.length]).toEqual([true, 24])
  })

  it('of a label of the worse one the question is of the worse one', async () => {
    const some = rows((i, x, y, is) => ({ prompt: q(i), response_0: x, response_1: y, worse_id: is ? 1 : 0 }))
    const { proposal, read } = await pasted(some)
    expect([proposal.asks, isRight(sides(read))]).toEqual([
      ['does worse_id = 0 mean that response_0 is the worse one? if not, exchange first and second'],
      true,
    ])
  })

  it('a column of each side that says whether it wins', async () => {
    const some = rows((i, x, y, is) => ({
      prompt: q(i),
      response_a: x,
      response_b: y,
      winner_a: is && i !== 1 ? 1 : 0,
      winner_b: is ? 0 : 1,
      winner_tie: i === 1 ? 1 : 0,
    }))
    const { proposal, read } = await pasted(some)
    expect(proposal.map.prefer).toEqual({ higher: ['winner_a', 'winner_b'] })
    expect([isRight(sides(read)), read.refused]).toEqual([true, { 1: 'tied_label' }])
  })

  it('a prompt that holds the answers is what a judge was asked, and never the prompt', async () => {
    const some = rows((i, x, y, is) => ({
      instruction: `Which is better? ${x} or ${y}`,
      orig_instruction: q(i),
      response_a: x,
      response_b: y,
      choice: is ? 'a' : 'b',
    }))
    const { proposal } = await pasted(some)
    expect(proposal.map.prompt).toBe('orig_instruction')
  })

  it('what else may belong to the prompt is asked, and then nothing is taken unasked', async () => {
    const some = rows((i, x, y, is) => ({
      question: q(i),
      passage: `A passage about ${i}.`,
      post_a: x,
      post_b: y,
      votes_a: is ? 9 : 1,
      votes_b: 5,
      label: is ? 1 : 0,
    }))
    const { proposal } = await pasted(some)
    expect(proposal.asks).toEqual(['does passage belong to the prompt? if so, prompt: [passage, question]'])
  })

  it('names of models are no answers, and one value no label', async () => {
    const some = rows((i, _x, _y, is) => ({
      prompt: q(i),
      model_1: `first-model-${i}`,
      model_2: `other-model-${i}`,
      winner: is ? 1 : 2,
    }))
    expect(await failure(readMapped(some))).toContain('no pairs are found in it')
    const one = rows((i, x, y, is) => ({ prompt: q(i), reply_1: x, reply_2: y, annotator: 2, better: is ? 1 : 2 }))
    expect((await pasted(one)).proposal.map.prefer).toMatchObject({ by: 'better' })
  })

  it('conversations say themselves what was asked', async () => {
    const { read } = await pasted(
      rows((i, x, y, is) => ({
        chat_a: [user(q(i)), assistant(x)],
        chat_b: [user(q(i)), assistant(y)],
        winner: is ? 'a' : 'b',
      })),
    )
    expect([isRight(sides(read)), prompts(read)[3]]).toEqual([true, q(3)])
  })

  it('votes of three, and columns of both sides', async () => {
    const { proposal, read } = await pasted(
      rows((i, x, y, is) => ({
        instruction: q(i),
        response1: x,
        response2: y,
        model1: 'm',
        model2: 'n',
        annotator1: is ? 1 : 2,
        annotator2: is ? 1 : 2,
        annotator3: 0,
      })),
    )
    expect(proposal.map).toMatchObject({
      prefer: { by: ['annotator1', 'annotator2', 'annotator3'] },
      by_side: { model: ['model1', 'model2'] },
    })
    expect(isRight(sides(read))).toBe(true)
  })

  it('a label that is the name of a model', async () => {
    const { proposal, read } = await pasted(
      rows((i, x, y, is) => {
        const [model_a, model_b] = [`model-${i % 7}`, `model-${7 + (i % 5)}`]
        return { prompt: q(i), model_a, model_b, response_a: x, response_b: y, winner: i === 5 ? 'tie' : is ? model_a : model_b } // prettier-ignore
      }),
    )
    expect(proposal.map.prefer).toEqual({ by: 'winner', names: ['model_a', 'model_b'], tie: 'tie' })
    expect([isRight(sides(read)), read.refused]).toEqual([true, { 5: 'tied_label' }])
  })

  it('several labels are all shown, and none is taken', async () => {
    const some = rows((i, x, y, is) => ({
      prompt: q(i),
      answer_a: x,
      answer_b: y,
      better: is ? 'a' : 'b',
      safer: i % 2 ? 'a' : 'b',
    }))
    const said = await failure(readMapped(some))
    expect(said).toContain('by: better')
    expect(said).toContain('by: safer')
  })

  it('a value that nobody can read is asked for', async () => {
    const { proposal, read } = await pasted(
      rows((i, x, y, is) => ({ prompt: q(i), answer_a: x, answer_b: y, winner: i === 0 ? 'unclear' : is ? 'a' : 'b' })),
    )
    expect(proposal.asks).toEqual(["what does winner 'unclear' (1) mean? add it to first, second or tie"])
    expect(read.refused).toEqual({ 0: 'unreadable_label' })
  })

  it('a label with which the scores of both sides agree is taken, and said; in 98 of 100 rows it is asked', async () => {
    const agreeing = (wrong: number) =>
      rows(
        (i, x, y, is) => ({
          prompt: q(i),
          post_a: x,
          post_b: y,
          votes_a: is !== i < wrong ? 9 : 1,
          votes_b: 5,
          label: is ? 1 : 0,
        }),
        100,
      )
    const read = await readMapped(agreeing(1))
    expect(read.how.found).toContain('the higher votes (99 of 100 rows) agrees')
    expect(isRight(sides(read))).toBe(true)
    expect(await failure(readMapped(agreeing(2)))).toContain('how its pairs lie is not certain')
  })

  it('scores alone, and none at all', async () => {
    const { proposal, read } = await pasted(
      rows((i, x, y, is) => ({ prompt: q(i), answer_0: x, answer_1: y, score_0: is ? 4 : 1, score_1: 2 })),
    )
    expect([proposal.asks, isRight(sides(read))]).toEqual([
      ['is the answer with the higher score the better one? if not, say lower'],
      true,
    ])
    expect(await failure(readMapped(rows((i, x, y) => ({ prompt: q(i), answer_0: x, answer_1: y }))))).toContain(
      'no column says which is better',
    )
  })

  it('sides that are called otherwise than chosen and rejected are asked too', async () => {
    const { proposal, read } = await pasted(
      rows((i, x, y, is) => ({ prompt: q(i), better_answer: is ? x : y, worse_answer: is ? y : x })),
    )
    expect([proposal.map, isRight(sides(read))]).toEqual([
      { prompt: 'prompt', chosen: 'better_answer', rejected: 'worse_answer' },
      true,
    ])
  })

  it('sides that only name other columns are no answers', async () => {
    const { read } = await pasted(
      rows((i, x, y, is) => ({
        prompt: q(i),
        text_a: x,
        text_b: y,
        chosen: is ? 'text_a' : 'text_b',
        rejected: is ? 'text_b' : 'text_a',
      })),
    )
    expect(isRight(sides(read))).toBe(true)
  })
})

describe('other shapes', () => {
  const hot = (is: boolean) => ({ winner_model_x: is ? 1 : 0, winner_model_y: is ? 0 : 1, winner_tie: 0 })
  it.each<[string, Row[], string]>([
    [
      'turns as JSON text and one-hot labels',
      rows((i, x, y, is) => ({
        prompt: JSON.stringify([q(i)]),
        reply_x: JSON.stringify([x]),
        reply_y: JSON.stringify([y]),
        ...hot(is),
      })),
      'higher winner_model',
    ],
    [
      'a list of two scores',
      rows((i, x, y, is) => ({ query: q(i), reply_1: x, reply_2: y, scores: is ? [9, 2] : [2, 9] })),
      'is a higher scores[] better',
    ],
    [
      'three columns and a list of scores',
      rows((i, x, y, is) => ({ query: q(i), reply_1: x, reply_2: y, reply_3: y, grades: is ? [9, 2, 2] : [2, 9, 9] })),
      'is a higher grades[] better',
    ],
    [
      'three columns with a score each',
      rows((i, x, y, is) => ({
        ...{ query: q(i), reply_a: x, reply_b: y, reply_c: y },
        ...{ rating_a: is ? 9 : 2, rating_b: is ? 2 : 9, rating_c: is ? 2 : 9 },
      })),
      'is a higher rating_a better',
    ],
    [
      'lists of chosen and rejected answers',
      rows(i => ({ prompt: q(i), chosen: [better(i)], rejected: [worse(i), `${worse(i)} Indeed.`] })),
      'are the texts of chosen answers of their own',
    ],
    [
      'a conversation beside a rejected answer',
      rows(i => ({ conversation: [user(q(i)), assistant(better(i))], rejected_answer: worse(i) })),
      'is the last answer of conversation the better one',
    ],
    [
      'labels of annotators',
      rows((i, x, y, is) => ({
        data: { prompt: q(i), answer1: x, answer2: y },
        annotations: [{ result: [{ value: { choices: [is ? 'answer1' : 'answer2'] } }] }],
      })),
      '',
    ],
    [
      'likert',
      rows((i, x, y, is) => ({
        prompt: q(i),
        answer_a: x,
        answer_b: y,
        preference: `${is ? 'A' : 'B'} is ${['', 'much ', 'slightly '][i % 3]}better`,
      })),
      '',
    ],
    [
      'likert names',
      rows((i, x, y, is) => ({
        prompt: q(i),
        response_1: x,
        response_2: y,
        preference: `Response ${is ? 1 : 2} is significantly better`,
      })),
      '',
    ],
  ])('%s', async (_, some, ask) => {
    const { proposal, read } = await pasted(some)
    expect(proposal.asks.join()).toContain(ask)
    expect(ask === '' ? proposal.asks : []).toEqual([])
    expect([read.refused, isRight(sides(read)), prompts(read)[0]]).toEqual([{}, true, q(0)])
  })
})

describe('lists, and an answer a row', () => {
  it.each<[string, Row[]]>([
    [
      'two lists',
      rows((i, x, y, is) => ({ question: q(i), candidates_text: [x, y], judge_scores: is ? [0.9, 0.1] : [0.1, 0.9] })),
    ],
    [
      'objects',
      rows((i, x, y, is) => ({
        question: q(i),
        replies: [
          { body: x, text: x, upvotes: is ? 9 : 1 },
          { body: y, text: y, upvotes: is ? 1 : 9 },
        ],
      })),
    ],
    [
      'scores as text',
      rows((i, x, y, is) => ({ question: q(i), outputs: [x, y], grades: is ? ['5', '2'] : ['N/A', '4'] }), 24).map(
        (row, i) => (i % 3 ? row : { ...row, grades: ['1', '4'] }),
      ),
    ],
    [
      'the place of the best',
      rows((i, x, y, is) => ({ article: q(i), summaries: [{ text: x }, { text: y }], best: is ? 0 : 1 })),
    ],
  ])('%s', async (_, some) => {
    const { read } = await pasted(some)
    expect([read.refused, read.pairs.length, isRight(sides(read))]).toEqual([{}, 24, true])
  })

  it('one answer a row with a bool, of prompts that come again', async () => {
    const some = rows((i, x, y, is) => ({ question: q(i >> 1), solution: i % 2 ? x : y, solved: (i % 2 === 1) === is }))
    const { proposal, read } = await pasted(some)
    expect(proposal).toMatchObject({ map: { prompt: 'question', answer: 'solution', score: 'solved' } })
    expect(read.how.pairs.scored).toEqual({ column: 'score', lowFirst: false })
  })
})

it('bools that say nothing of the answer are not taken for its quality, nor is a score within an object missed', async () => {
  const said = await failure(readMapped(rows((i, x) => ({ prompt: q(i), output: x, parallel_tool_calls: true }))))
  expect(said).not.toContain('parallel_tool_calls)')
  const scored = rows((i, x) => ({ prompt: q(i >> 1), reply: x, axes: { overall: i % 2 } }))
  expect((await pasted(scored)).proposal.map).toMatchObject({ answer: 'reply', score: 'axes.overall' })
})

it('a score is of the answer, and may be text; what all answers to a prompt have is the prompt’s', async () => {
  const some = (rating: (i: number) => unknown) =>
    rows((i, x) => ({ prompt: q(i >> 1), reply: x, rating: rating(i), safe_prompt: i % 4 < 2 }))
  expect((await pasted(some(i => (i % 2 ? '4' : 'N/A')))).proposal.map.score).toBe('rating')
  expect(await failure(readMapped(some(() => 'good')))).toContain('no number, bool or label that rates it')
})

it('a few values that come again are labels, and no answers', async () => {
  const some = rows(
    i => ({ prompt: q(i), annotation_1: i % 2 ? '1_compliance' : '2_refusal', annotation_2: '1_compliance' }),
    30,
  )
  expect(await failure(readMapped(some))).toContain('no pairs are found in it')
})

describe('what is no pairs is named, and never advised into pairs', () => {
  it.each<[Row[], string]>([
    [
      rows((i, x, _, is) => ({ prompt: q(i), completion: x, label: is })),
      'it is unpaired: one answer a row (completion) with a bool (label)',
    ],
    [
      rows((i, x, y, is) => ({ prompt: q(i), completions: [x, y], labels: [is, !is] })),
      'completions and labels (bool) are steps of one answer with their ratings',
    ],
    [
      rows((i, x) => ({ message_id: `m${i}`, parent_id: `m${i - 1}`, text: x, role: 'assistant', rank: 0 })),
      'it is a tree of messages',
    ],
    [rows(i => ({ prompt: q(i), topic: 'x' })), 'it has a prompt (prompt) and no answers'],
    [rows(i => ({ id: `${i}`, kind: 'x' })), 'no column of it is a prompt'],
  ])('%#', async (some, why) => {
    const said = await failure(readMapped(some))
    expect(said).toContain(`no pairs are found in it: ${why}`)
    expect(said).not.toContain('map: {')
  })
})
