/** What the first rows show that a person should look at. */
import { describe, expect, it } from 'vitest'
import { noticesIn } from '../../engine/source/notices.ts'
import { openMapped } from '../../engine/source/convert.ts'
import { findLayout } from '../../engine/source/layouts.ts'
import { rowsFrom, table, user, type Row } from '../sources/helpers.ts'

const noticesOf = (make: (i: number) => Row, count = 24): string[] => {
  const raw = table(
    Array.from({ length: count }, (_, i) => ({
      prompt: `Question ${i}`,
      chosen: `Good ${i}`,
      rejected: `Bad ${i}`,
      ...make(i),
    })),
  )
  const plan = findLayout(raw.schema, [raw])!
  return noticesIn(openMapped(undefined, plan, raw.schema).convert(raw, rowsFrom(0, count)).pairs, [raw], false)
}

describe('notices', () => {
  it('plain pairs have none', () => {
    expect(noticesOf(() => ({}))).toEqual([])
    expect(noticesOf(i => ({ score: i, source: 'web', prompt: [user(`Say Human: ${i}`)] }))).toEqual([])
  })

  it.each<[string, (i: number) => Row, string]>([
    [
      'a side of few values',
      () => ({ chosen: 'yes' }),
      'chosen has one value in the first 24 rows: a label, perhaps, and no answer',
    ],
    [
      'JSON text',
      i => ({ rejected: JSON.stringify({ text: `Bad ${i}` }) }),
      'rejected is JSON text in 24 of the first 24 rows',
    ],
    [
      'transcripts in a message',
      i => (i < 3 ? { prompt: `\n\nHuman: ${i}\n\nAssistant:` } : {}),
      'prompt holds Human: and Assistant: in 3 of the first 24 rows',
    ],
    [
      'messages as JSON text in some rows',
      i => (i % 2 ? { chosen: JSON.stringify([{ role: 'assistant', content: `Good ${i}` }]) } : {}),
      'chosen is messages as JSON text in 12 of the first 24 rows',
    ],
    ['None for an answer', i => (i % 3 ? {} : { rejected: 'None' }), "rejected is 'None' in 8 of the first 24 rows"],
    ['ChatML', i => ({ chosen: `${i}<|im_end|>` }), 'chosen holds <|im_start|> in 24 of the first 24 rows'],
    ['marks of Nemotron', i => ({ prompt: `${i}\n<extra_id_1>Assistant` }), 'prompt holds <extra_id_1> in 24 of'],
    [
      'the prompt twice',
      i => ({ chosen: `Question ${i}, a long one\n\nGood`, prompt: `Question ${i}, a long one` }),
      'chosen begins with the text of its prompt in 24 of the first 24 rows',
    ],
    [
      'a schema',
      i => ({ schema: `CREATE TABLE t${i} (a INT, b INT)` }),
      'schema lies beside the pair, and no trainer sees it',
    ],
    [
      'earlier turns of another name',
      () => ({ conversation_history: [user('Hello.')] }),
      'conversation_history lies beside the pair',
    ],
    [
      'a system message of another name',
      i => ({ system_text: `Be brief, number ${i}.` }),
      'system_text lies beside the pair',
    ],
    [
      'lists as Python prints them',
      i => ({ chosen: `[{'role': 'assistant', 'content': 'Good ${i}'}]` }),
      'chosen is JSON text in 24',
    ],
    ['names of models', i => ({ rejected: `model-${i % 11}-chat` }), 'rejected has 11 values in the first 24 rows'],
    [
      'names where the answers lie beside',
      i => ({
        response_a: `A long answer, the one with number ${i}, at its full length`,
        response_b: `Another long answer, that of number ${i}, as long`,
      }),
      'chosen is short, and response_a and response_b beside it are not',
    ],
    [
      'a label of ties',
      i => ({ status: i < 5 ? 'tie' : 'done' }),
      "status is 'tie' in 5 of the first 24 rows, which are pairs all the same",
    ],
    [
      'scores of sides without a name',
      i => ({ score_A: i % 2, score_B: 0.5 }),
      'score_A is lower than score_B in 12 of the first 24 rows, and higher in 12',
    ],
  ])('%s', (_, make, said) => {
    expect(noticesOf(make)).toEqual([expect.stringContaining(said)])
  })

  it('ties that make no pair are no pairs, and a few quotes of a chat format no marks', () => {
    const ties = (i: number) => (i < 5 ? { verdict: 'tie', chosen: null, rejected: null } : { verdict: 'a' })
    expect(noticesOf(ties)).toEqual([])
    expect(noticesOf(i => (i === 0 ? { prompt: '\n\nHuman: x\n\nAssistant:' } : {}), 100)).toEqual([])
  })

  it('of few rows, few values say nothing', () => {
    expect(noticesOf(() => ({ chosen: 'yes' }), 23)).toEqual([])
  })
})

it('calls of tools that are a role of their own are told to stay text', () => {
  const of = (from: string) =>
    noticesOf(() => ({
      ...{
        prompt: undefined,
        conversations: [
          { from: 'human', value: 'Q?' },
          { from, value: '{"name": "look"}' },
        ],
      },
      ...{ chosen: { from: 'gpt', value: 'A' }, rejected: { from: 'gpt', value: 'B' } },
    }))
  expect(of('function_call').join()).toContain('conversations has messages of function_call, which stay text')
  expect(of('gpt').join()).not.toContain('function_call')
})
