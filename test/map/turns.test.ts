/** Lists of texts as turns: who speaks is told by the place alone, and where it cannot be told the row is no pair. */
import { describe, expect, it } from 'vitest'
import type { MapSpec } from '../../engine/map/spec.ts'
import { assistant, read, table, user, type Row } from '../sources/helpers.ts'
import { prompts, readMapped, sides } from './helpers.ts'

const sidesMap = { prompt: 'q', chosen: 'x', rejected: 'y' }
const asJson = ({ q, x, y }: Row): Row => ({ q: JSON.stringify(q), x: JSON.stringify(x), y: JSON.stringify(y) })

describe('lists of texts', () => {
  it.each([
    ['native', (row: Row) => row],
    ['as JSON text', asJson],
  ] as const)(
    '%s: as many of a side as of the prompt take turns, and the prompt is what both begin with',
    async (_, of) => {
      const rows = [
        { q: ['One?', 'Two?'], x: ['1.', '2.'], y: ['1.', '3.'] },
        { q: ['One?', 'Two?'], x: ['1.', '2.'], y: ['4.', '3.'] },
        { q: ['One?'], x: ['1.'], y: ['2.'] },
      ]
      const { pairs, refused } = await readMapped(rows.map(of), sidesMap)
      expect(refused).toEqual({})
      expect(pairs.map(({ prompt, chosen, rejected }) => [prompt, chosen, rejected])).toEqual([
      [[user('One?'), assistant('1.'), user('Two?')], [assistant('2.')], [assistant('3.')]],
      [[user('One?')], [assistant('1.'), user('Two?'), assistant('2.')], [assistant('4.'), user('Two?'), assistant('3.')]],
      [[user('One?')], [assistant('1.')], [assistant('2.')]],
    ]) // prettier-ignore
    },
  )

  it('a prompt alternates by itself before a single answer', async () => {
    const q = ['Hello.', 'Hi.', 'Name a prime.'],
      whole = [user('Hello.'), assistant('Hi.'), user('Name a prime.')]
    for (const [x, y] of [
      ['7.', '9.'],
      [['7.'], ['9.']],
    ] as const) {
      const { pairs } = await readMapped([{ q, x, y }], sidesMap)
      expect(pairs[0]).toMatchObject({ prompt: whole, chosen: [assistant('7.')], rejected: [assistant('9.')] })
      const listed = await readMapped([{ q, l: [{ t: y, s: 1 }, { t: x, s: 2 }] }], { prompt: 'q', list: 'l[].t', score: 'l[].s' }) // prettier-ignore
      expect(listed.pairs[0]).toMatchObject({ prompt: whole, chosen: [assistant('7.')], rejected: [assistant('9.')] })
    }
  })

  it('what cannot alternate is no pair, and says why; it never becomes JSON text', async () => {
    const rows = [
      { q: ['One?', 'Two?'], x: ['1.'], y: ['2.'] },
      { q: ['One?', 'Two?'], x: ['1.', null], y: ['1.', '3.'] },
      { q: ['A?', 'B.', 'C?'], x: ['1.', '2.', '3.'], y: ['1.'] },
      { q: ['One?'], x: ['1.'], y: ['2.'] },
    ]
    const { refused, errors, pairs } = await readMapped(rows, sidesMap)
    expect(refused).toEqual({ 0: 'unreadable_side', 1: 'unreadable_side', 2: 'unreadable_side' })
    expect(errors).toMatchObject({
      0: 'chosen: 1 texts cannot take turns with the 2 of the prompt',
      2: 'with the prompt the sides are 6 and 4 turns',
    })
    expect(pairs).toHaveLength(1)
    const even = await readMapped([{ q: ['One?', 'Two?'], x: '1.', y: '2.' }], sidesMap)
    expect(even.errors).toEqual({ 0: 'prompt: 2 texts cannot alternate and end with the user, as they begin' })
  })

  it('under the names of pairs they are turns unasked where the prompt is one; layout: text keeps JSON as text', () => {
    const row = { prompt: '["One?", "Two?"]', chosen: '["1.", "2."]', rejected: '["3.", "4."]' }
    const { layout, pairs } = read(table([row]))
    expect([layout, pairs[0].prompt]).toEqual(['turns', [user('One?')]])
    expect(read(table([row]), { layout: 'text' }).pairs[0].chosen).toEqual([assistant(row.chosen)])
    expect(() => read(table([{ ...row, prompt: 'One?' }]))).toThrow('how its pairs lie is not certain')
  })
})

describe('conversations beside one answer', () => {
  it('the conversation that ends with the good answer holds the prompt of the other one too', async () => {
    const messages = [user('Name a prime.'), assistant('Seven.')]
    for (const rejected_response of ['Nine.', assistant('Nine.')]) {
      const got = await readMapped([{ messages, rejected_response }], { prompt: 'shared', chosen: 'messages', rejected: 'rejected_response' }) // prettier-ignore
      expect([sides(got), prompts(got)]).toEqual([[['Seven.', 'Nine.']], ['Name a prime.']])
    }
  })

  it('lists of conversations are cut where each pair parts', async () => {
    const l = ['Seven.', 'Nine.'].map(a => [{ role: 'user', content: 'Q?' }, assistant(a)]) // prettier-ignore
    const got = await readMapped([{ l, s: [2, 1] }], { prompt: 'shared', list: 'l[]', score: 's[]' })
    expect([sides(got), prompts(got)]).toEqual([[['Seven.', 'Nine.']], ['Q?']])
    const other = await readMapped([{ q: 'Other?', l, s: [2, 1] }], { prompt: 'q', list: 'l[]', score: 's[]' })
    expect(other.refused).toEqual({ 0: 'prompt_differs' })
  })

  it('shared needs conversations', async () => {
    await expect(readMapped([{ l: ['a', 'b'], s: [1, 2] }], { prompt: 'shared', list: 'l[]', score: 's[]' })).rejects.toThrow('prompt: shared is of conversations') // prettier-ignore
  })
})

describe('turns before a prompt', () => {
  const before = ['Hello?', 'Hi.'],
    asked = [user('Hello?'), assistant('Hi.'), user('Q?')]
  it.each<[string, Row, MapSpec | undefined]>([
    ['history of texts', { prompt: 'Q?', history: before, chosen: 'A', rejected: 'B' }, undefined],
    [
      'context of messages beside lone answers',
      {
        prompt: 'Q?',
        context: [user('Hello?'), assistant('Hi.')],
        chosen: [assistant('A')],
        rejected: [assistant('B')],
      },
      undefined,
    ],
    [
      'history of texts beside lone answers',
      { prompt: 'Q?', history: before, chosen: [assistant('A')], rejected: [assistant('B')] },
      undefined,
    ],
    [
      'turns of a map',
      { q: 'Q?', past: before, x: 'A', y: 'B' },
      { prompt: [{ turns: 'past' }, 'q'], chosen: 'x', rejected: 'y' },
    ],
    [
      'a column before the last of a map',
      { q: 'Q?', past: before, x: 'A', y: 'B' },
      { prompt: ['past', 'q'], chosen: 'x', rejected: 'y' },
    ],
  ])('%s', async (_, row, map) => {
    const { pairs, refused } = await readMapped([row], map)
    expect([pairs[0]?.prompt, refused]).toEqual([asked, {}])
    expect(pairs[0].chosen).toEqual([assistant('A')])
  })

  it('none where the list is empty or null; an odd number is told, and no pair', async () => {
    const row = { prompt: 'Q?', chosen: 'A', rejected: 'B' }
    const { pairs, refused, errors } = await readMapped([{ ...row, history: before }, { ...row, history: [] }, { ...row, history: null }, { ...row, history: ['Hello?'] }]) // prettier-ignore
    expect(pairs.map(({ prompt }) => prompt)).toEqual([asked, [user('Q?')], [user('Q?')]])
    expect(refused).toEqual({ 3: 'unreadable_prompt' })
    expect(errors[3]).toContain("1 texts before the prompt do not end with the assistant's")
  })

  it('text above a prompt beside lone answers enters it, and conversations that hold their prompt keep it beside', async () => {
    const lone = { prompt: 'Q?', context: 'Above.', chosen: [assistant('A')], rejected: [assistant('B')] }
    expect((await readMapped([lone])).pairs[0]).toMatchObject({ prompt: [user('Above.\n\nQ?')], context: 'Above.' })
    const whole = { ...lone, chosen: [user('Q?'), assistant('A')], rejected: [user('Q?'), assistant('B')] }
    expect((await readMapped([whole])).pairs[0]).toMatchObject({ prompt: [user('Q?')], context: 'Above.' })
  })
})
