/** Files in odd but valid forms, of kinds that testers found: read right, or asked with a line that gives the pairs. */
import { describe, expect, it } from 'vitest'
import { propose } from '../../engine/map/propose.ts'
import { presetNamed } from '../../engine/map/presets.ts'
import { assistant, table, user, type Row } from '../sources/helpers.ts'
import { failure, prompts, readMapped, sides } from './helpers.ts'

const q = (i: number) => `What is thing number ${i}?`
const better = (i: number) => `Better: it is the thing with number ${i}.`
const worse = (i: number) => `Worse: no idea about number ${i}${i % 4 === 0 ? ', and none of what it is for' : ''}.`
const rows = (make: (i: number) => Row, count = 12): Row[] => Array.from({ length: count }, (_, i) => make(i))
/** In turns the first and the second is the better one. */
const two = (i: number): [string, string] => (i % 2 ? [worse(i), better(i)] : [better(i), worse(i)])
const ab = (i: number) => ({ prompt: q(i), response_a: two(i)[0], response_b: two(i)[1] })
const proposed = (some: readonly Row[]) => {
  const batch = table(some)
  return propose(batch.schema, [batch])
}
const isRight = (pairs: [string, string][], count: number) =>
  pairs.length === count && pairs.every(([a, b]) => a.startsWith('Better') && b.startsWith('Worse'))

describe('are asked, and the line that is proposed gives the pairs', () => {
  it.each<[string, Row[], number]>([
    ['chosen and rejected that are letters', rows(i => ({ ...ab(i), chosen: 'AB'[i % 2], rejected: 'BA'[i % 2] })), 12],
    [
      'chosen and rejected that are numbers as text',
      rows(i => ({
        ...{ prompt: q(i), output_1: two(i)[0], output_2: two(i)[1] },
        ...{ chosen: '12'[i % 2], rejected: '21'[i % 2] },
      })),
      12,
    ],
    [
      'a topic as prompt of whole conversations',
      rows(i => ({
        prompt: `topic ${i % 3}`,
        ...{ chosen: [user(q(i)), assistant(better(i))], rejected: [user(q(i)), assistant(worse(i))] },
      })),
      12,
    ],
    [
      'messages of another name before answers alone',
      rows(i => ({
        context_messages: [user('Hello.'), assistant('Hi.'), user(q(i))],
        ...{ chosen: [assistant(better(i))], rejected: [assistant(worse(i))] },
      })),
      12,
    ],
    [
      'a list of worse answers',
      rows(i => ({ prompt: q(i), chosen: better(i), rejected: [worse(i), `${worse(i)}!`] })),
      24,
    ],
    ['a label of one row', [{ ...ab(0), winner: 'a' }], 1],
    ['a label of one value', rows(i => ({ prompt: q(i), response_A: better(i), response_B: worse(i), winner: 'model_A' })), 12], // prettier-ignore
    ['scores out of ten', rows(i => ({ ...ab(i), score_a: ['8/10', '3/10'][i % 2], score_b: ['4/10', '9.5/10'][i % 2] })), 12], // prettier-ignore
    [
      'answers within JSON text',
      rows(i => ({
        inputs: JSON.stringify({ question: q(i) }),
        ...{ outputs_1: JSON.stringify({ answer: two(i)[0] }), outputs_2: JSON.stringify({ answer: two(i)[1] }) },
        ...{ points_1: 1 - (i % 2), points_2: i % 2 },
      })),
      12,
    ],
    [
      'lists of a text and its reward',
      rows(i => ({ prompt: q(i), samples: JSON.stringify(two(i).map(text => [text, text.startsWith('Better') ? 2.5 : -1])) })), // prettier-ignore
      12,
    ],
    [
      'several answers of which a count says no place',
      rows(i => ({
        ...{ problem: q(i), generations: two(i), correctness_count: 1 },
        ...{ correctness_verified: two(i).map(text => text.startsWith('Better')) },
        messages: [user(q(i)), assistant(two(i)[0])],
      })),
      12,
    ],
    ['an answer and a rejected one of its name', rows(i => ({ question: q(i), output: better(i), rejected_output: worse(i) })), 12], // prettier-ignore
  ])('%s', async (_, some, count) => {
    expect(await failure(readMapped(some))).toContain('how its pairs lie is not certain, and is not guessed')
    const [{ map, asks: more }] = proposed(some).proposals
    expect(more.join()).not.toContain('messages belong to the prompt')
    expect(isRight(sides(await readMapped(some, map)), count)).toBe(true)
  })

  it.each<[string, (i: number) => [string, string]]>([
    ['stars in words', () => ['5 stars', '1 star']],
    ['drawn stars', () => ['★★★★☆', '★★☆☆☆']],
    ['shares', i => [`${80 + (i % 3)}%`, '20%']],
    ['words', () => ['high', 'low']],
  ])('one answer a row, rated by %s', (_, of) => {
    const some = rows(i => ({ prompt: q(i >> 1), response: i % 2 ? worse(i) : better(i), rating: of(i)[i % 2] }), 24),
      { map } = proposed(some).proposals[0]
    expect(map).toMatchObject(of(0)[0] === 'high' ? { labels: { good: 'high', bad: 'low' } } : { score: 'rating' })
  })

  it('stars, shares of a whole and points are numbers', async () => {
    const some = rows(i => ({ prompt: q(i), list: two(i), marks: two(i).map(text => (text.startsWith('B') ? '4 / 5' : '2 out of 5')) })) // prettier-ignore
    expect(isRight(sides(await readMapped(some, { prompt: 'prompt', list: 'list[]', score: 'marks[]' })), 12)).toBe(
      true,
    )
  })
})

describe('are told for what they are', () => {
  it.each<[string, Row[], string]>([
    [
      'what a judge was asked and said, without the answers',
      rows(i => ({ question_id: i, g1_user_prompt: `A: ${better(i)}`, g2_user_prompt: `A: ${worse(i)}`, g1_judgment: 'A', g2_judgment: 'B' })), // prettier-ignore
      'no answers',
    ],
    [
      'prompts with answers of their own in a list',
      rows(i => ({ turns: [{ prompt: q(i), responses: [{ id: 'a', text: better(i) }, { id: 'b', text: worse(i) }], best: 'a' }] })), // prettier-ignore
      "as by jq -c '.turns[] as $one | del(.turns) + $one'",
    ],
    [
      'ratings of several annotators, lists within lists',
      rows(i => ({ prompt: q(i), responses: two(i), ratings: [[5, 4], [2, 1]] })), // prettier-ignore
      'ratings is a list of lists: write one number for each answer',
    ],
  ])('%s', (_, some, why) => {
    const { proposals, none } = proposed(some)
    expect(proposals).toEqual([])
    expect(none).toContain(why)
  })
})

describe('are read right unasked', () => {
  it('a conversation that ends with the answer of a side is its prompt without that', async () => {
    const talk = (i: number, answer: string) => [user(q(i)), assistant(answer)]
    for (const answer of [better, worse]) {
      const read = await readMapped(
        rows(i => ({ messages: talk(i, answer(i)), chosen: better(i), rejected: worse(i) })),
      )
      expect(prompts(read)).toEqual(rows(i => ({ q: q(i) })).map(({ q }) => q))
      expect(isRight(sides(read), 12)).toBe(true)
    }
    // another answer before is what was said
    const other = await readMapped(rows(i => ({ messages: talk(i, 'Go on.'), chosen: better(i), rejected: worse(i) })))
    expect(prompts(other)[0]).toBe(`${q(0)}|Go on.`)
  })

  it('a call of a tool that a prompt ends with is no copy of a side that calls another, or of one that says as much', async () => {
    const calls = (name: string, content: string) => ({
      ...assistant(content),
      tool_calls: [{ name, arguments: '{}' }],
    })
    for (const text of ['', 'Let me look.']) {
      const read = await readMapped(
        rows(i => ({
          prompt: [user(q(i)), calls('find', text)],
          chosen: [calls('read', text)],
          rejected: [{ ...assistant(worse(i)), tool_calls: null }],
        })),
      )
      expect(prompts(read)[0]).toBe(`${q(0)}|${text}`)
    }
  })

  it('steps of a solution stand below what is asked, before the step that is chosen', async () => {
    const read = await readMapped(
      rows(i => ({ prompt: q(i), initial_reason_steps: `Step 1: take ${i}.`, chosen: better(i), rejected: worse(i) })),
    )
    expect(prompts(read)[3]).toBe(`${q(3)}\nStep 1: take 3.`)
  })

  it('the form of ms-swift with a query', async () => {
    const some = rows(i => ({ query: q(i), response: better(i), rejected_response: worse(i), history: [['Hello.', 'Hi.']] })), // prettier-ignore
      read = await readMapped(some)
    expect([read.how.layout, prompts(read)[0]]).toEqual(['ms_swift_query', `Hello.|Hi.|${q(0)}`])
    expect(isRight(sides(read), 12)).toBe(true)
    expect(presetNamed('ms_swift_query').notes).toContain('response')
  })
})
