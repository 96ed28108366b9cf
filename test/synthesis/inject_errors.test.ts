import { Field, Schema, Utf8 } from 'apache-arrow'
import { expect, test } from 'vitest'
import { makeMessages, makeText, messagesColumn, messagesType, type Message } from '../../engine/arrow/columns.ts'
import { Batch } from '../../engine/arrow/flow.ts'
import type { Output } from '../../stages/define.ts'
import injectErrors from '../../stages/synthesis/inject_errors.ts'
import { startWeights } from '../../stages/synthesis/edits.ts'
import type { EditType } from '../../stages/synthesis/operators/all.ts'
import { holds } from './checker.ts'

interface Row { prompt: string, chosen: Message[] }
const answer = (content: string): Message[] => [{ role: 'assistant', content }]

async function run(rows: readonly Row[], options: { types?: EditType[], max_per_row?: number } = {}, seed = 17) {
  const schema = new Schema([new Field('id', new Utf8(), false), ...['prompt', 'chosen', 'rejected'].map(name => new Field(name, messagesType, false))])
  const columns = [
    makeText(rows.map((_, i) => `row-${i}`)), makeMessages(rows.map(row => [{ role: 'user', content: row.prompt }])),
    makeMessages(rows.map(row => row.chosen)), makeMessages(rows.map(() => answer('no'))),
  ]
  const batch = new Batch({ schema, columns, rows: rows.length, row: Uint32Array.from(rows.keys()), copy: new Uint32Array(rows.length) })
  const notes: Record<number, string> = {}
  const never = () => { throw new Error('a derive stage gives no verdicts') }
  const instance = injectErrors.open!({ types: options.types ?? ['result_number', 'operand_number', 'operator'], max_per_row: options.max_per_row ?? 1, tell_rows: 0 },
    { id: 'hard', seed, expectedRows: rows.length, states: [{ mix: { weights: startWeights(options.types ?? ['result_number', 'operand_number', 'operator']), rows: 0 } }] })
  const out = await instance.batch(batch, { drop: never, error: never, note: (row, reason) => { notes[row] = reason } }) as Output
  const given = out.columns!
  const rejected = messagesColumn(given.rejected as ReturnType<typeof makeMessages>)
  return {
    notes,
    made: Array.from(out.parents!, (parent, i) => ({
      parent, messages: rejected.messages(i), type: (given.type as string[])[i], proof: (given.proof as string[])[i],
      step: (given.step as Int32Array)[i], start: (given.start as Int32Array)[i], end: (given.end as Int32Array)[i],
      answer_changed: (given.answer_changed as Uint8Array)[i] === 1, size: (given.size as Float64Array)[i],
    })),
  }
}

test('the examples of the stage', async () => {
  for (const example of injectErrors.examples) {
    for (const seed of [0, 1, 17]) {
      const rows = example.rows.map(row => ({ prompt: String(row.prompt), chosen: answer(String(row.chosen)) }))
      const { made, notes } = await run(rows, example.options, seed)
      expect(made.map(({ parent, messages, ...one }) => ({ ...one, chosen: rows[parent].chosen[0].content, rejected: messages[0].content })))
        .toMatchObject(example.derived as object[])
      expect(made).toHaveLength(example.derived!.length)
      expect(notes).toEqual(example.noted ?? {})
    }
  }
})

test('every reason that is noted is declared', async () => {
  const { notes } = await run(['', 'x', '2(3) = 6', '2 + 2 = 5', '5 - 0 = 5'].map(text => ({ prompt: 'q', chosen: answer(text) })), { types: ['operator'] })
  expect(notes).toEqual({ 0: 'no_equation', 1: 'no_equation', 2: 'unclear_equation', 3: 'no_true_equation', 4: 'still_true' })
  for (const reason of Object.values(notes)) expect(injectErrors.reasons).toHaveProperty(reason)
})

test('only the last message of a conversation is edited, and offsets are of that message', async () => {
  const chosen = [{ role: 'assistant', content: '1 + 1 = 2?' }, { role: 'user', content: 'yes' }, { role: 'assistant', content: '🍎 12 * 4 = <<12*4=48>>48' }]
  const { made: [one] } = await run([{ prompt: 'q', chosen }])
  expect(one.messages.slice(0, 2)).toEqual(chosen.slice(0, 2))
  const text = [...one.messages[2].content]
  expect(text.slice(0, one.start).join('')).toBe([...chosen[2].content].slice(0, one.start).join(''))
  expect(text.slice(one.start, one.end).join('')).toMatch(/<<.*>>/)
  expect(holds(one.proof)).toBe(true)
})

test('max_per_row gives different pairs, ascending parents, fewer where there are no more', async () => {
  const rows = [{ prompt: 'q', chosen: answer('12 * 4 = 48') }, { prompt: 'q', chosen: answer('none') }, { prompt: 'q', chosen: answer('2 + 2 = 4') }]
  const many = await run(rows, { max_per_row: 3 })
  expect(many.made.filter(one => one.parent === 0)).toHaveLength(3)
  expect(new Set(many.made.map(one => `${one.parent} ${one.messages[0].content}`)).size).toBe(many.made.length)
  expect(many.made.map(one => one.parent)).toEqual(many.made.map(one => one.parent).sort())
  const few = await run([rows[2]], { max_per_row: 4, types: ['operator'] })
  expect(few.made.map(one => one.messages[0].content)).toEqual(['2 - 2 = 4'])
})

test('what is made of a row depends on its content and the seed, not on its place', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => ({ prompt: `q${i}`, chosen: answer(`It is ${100 + i} + 277 = ${377 + i} in all.`) }))
  const strip = (made: { messages: Message[] }[]) => made.map(one => one.messages[0].content)
  const all = strip((await run(rows)).made)
  const halves = [...strip((await run(rows.slice(0, 7))).made), ...strip((await run(rows.slice(7))).made)]
  expect(halves).toEqual(all)
  expect(strip((await run(rows, {}, 18)).made)).not.toEqual(all)
})
