/** The reasons for which a pair is no training pair, each with an example and none by chance. */
import fc from 'fast-check'
import { Schema, type Data } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { makeMessages, makeText, messagesType, take, type Message } from '../../engine/arrow/columns.ts'
import { Batch, field, type Flow } from '../../engine/arrow/flow.ts'
import checkPairs from '../../stages/check/check_pairs.ts'
import type { Context, ExampleRow } from '../../engine/contract/define.ts'

const defaults = { max_chars: 1_000_000, max_replacement_share: 0.01, allow_prefix: false, allow_beside_text: false }
const context: Context = {
  id: 'check',
  seed: 1,
  state: undefined,
  file: () => new Uint8Array(),
  ask: () => Promise.resolve([]),
}
const sides = ['prompt', 'chosen', 'rejected'] as const
const messagesOf = (value: unknown, side: string): readonly Message[] =>
  typeof value === 'string'
    ? [{ role: side === 'prompt' ? 'user' : 'assistant', content: value }]
    : (value as Message[])

function flowOf(rows: readonly ExampleRow[]): Flow {
  const columns: Data[] = sides.map(side => makeMessages(rows.map(row => messagesOf(row[side], side))))
  const others = [...new Set(rows.flatMap(Object.keys))].filter(name => !sides.includes(name as never))
  const texts = others.map(name => makeText(rows.map(row => (row[name] as string | null) ?? null)))
  const schema = new Schema([
    ...sides.map(side => field(side, messagesType, false)),
    ...texts.map((text, i) => field(others[i], text.type)),
  ])
  const key = new Uint32Array(rows.length)
  return { schema, columns: [...columns, ...texts], rows: rows.length, row: key, copy: key }
}

/** Reasons by row. */
function check(flow: Flow, options: Partial<typeof defaults> = {}): Record<number, string> {
  const dropped: Record<number, string> = {}
  void checkPairs.open!({ ...defaults, ...options }, context).batch(
    new Batch(flow),
    {
      drop(row, reason) {
        expect(checkPairs.reasons).toHaveProperty(reason)
        dropped[row] ??= reason
      },
      error() {
        throw new Error('no row may fail')
      },
      decided: () => false,
      note() {
        throw new Error('nothing to note')
      },
    },
    {},
  )
  return dropped
}

const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }

describe('check_pairs', () => {
  for (const example of checkPairs.examples) {
    it(example.title, () => {
      expect(check(flowOf(example.rows), example.options)).toEqual(example.dropped)
      const kept = example.rows.flatMap((_, row) => (row in example.dropped! ? [] : [row]))
      expect(kept).toEqual(example.kept)
    })
  }

  it('has an example for each reason', () => {
    const shown = new Set(checkPairs.examples.flatMap(example => Object.values(example.dropped ?? {})))
    expect(shown).toEqual(new Set(Object.keys(checkPairs.reasons)))
  })

  it('the cases that trainers corrupt have each a reason of their own', () => {
    const cases = [
      { ...pair, chosen: 'The sky', rejected: 'The sky is blue' },
      { ...pair, chosen: 'Paris ', rejected: 'Paris' },
      { ...pair, chosen: 'Paris', rejected: 'Paris' },
      { ...pair, chosen: '' },
      { ...pair, chosen: 'x\u3000', rejected: 'x\u3001' },
    ]
    expect(check(flowOf(cases))).toEqual({
      0: 'prefix',
      1: 'identical_trimmed',
      2: 'identical',
      3: 'empty_side',
      4: 'prefix',
    })
    expect(
      check(
        flowOf([
          { ...pair, chosen: 'Paris ', rejected: 'London' },
          { ...pair, chosen: ' blue.', rejected: ' green.' },
        ]),
      ),
    ).toEqual({})
  })

  it('one text of 20 MB is dropped, with its length, and the row beside it is not', () => {
    expect(check(flowOf([pair, { ...pair, chosen: 'x'.repeat(20_000_000) }, pair]))).toEqual({ 1: 'too_long' })
  })

  it('characters are counted, not bytes', () => {
    expect(
      check(
        flowOf([
          { ...pair, chosen: '七'.repeat(10) },
          { ...pair, chosen: '七'.repeat(11) },
        ]),
        { max_chars: 13 },
      ),
    ).toEqual({})
    expect(check(flowOf([{ ...pair, chosen: '七'.repeat(14) }]), { max_chars: 13 })).toEqual({ 0: 'too_long' })
  })

  it('says the same of a row wherever it stands, and of a pair with its sides swapped', () => {
    const text = fc.oneof(
      fc.constantFrom('', ' ', 'a', 'a ', 'ab', ' a', '\u3000a', '\ufffd', 'é'),
      fc.string({ unit: 'grapheme', maxLength: 4 }),
    )
    const message = fc.record({
      role: fc.constantFrom('user', 'assistant', 'assistant', 'system', 'tool', 'x'),
      content: text,
    })
    const said = fc.oneof(text, fc.array(message, { maxLength: 3 }))
    fc.assert(
      fc.property(
        fc.array(fc.record({ prompt: said, chosen: said, rejected: said }), { minLength: 1, maxLength: 8 }),
        rows => {
          const flow = flowOf(rows),
            all = check(flow)
          for (let row = 0; row < rows.length; row++) {
            const one = { ...flow, columns: flow.columns.map(column => take(column, [row, row + 1])), rows: 1 }
            expect(check(one)[0]).toBe(all[row])
          }
          const swapped = check(
            flowOf(rows.map(({ prompt, chosen, rejected }) => ({ prompt, chosen: rejected, rejected: chosen }))),
          )
          expect(Object.keys(swapped)).toEqual(Object.keys(all))
        },
      ),
    )
  })
})
