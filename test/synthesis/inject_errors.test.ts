/** The stage inject_errors: pairs of solutions and of steps, limits, shares. */
import { Field, Schema, Utf8 } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { makeMessages, makeText, messagesColumn, messagesType, type Message } from '../../engine/arrow/columns.ts'
import { Batch } from '../../engine/arrow/flow.ts'
import type { Output } from '../../engine/contract/define.ts'
import injectErrors from '../../stages/synthesis/inject_errors.ts'
import { startWeights } from '../../stages/synthesis/edits.ts'
import type { TellOptions } from '../../stages/synthesis/tell.ts'
import { holds } from './checker.ts'

interface Row {
  prompt: string
  chosen: Message[]
  check?: string
}
const answer = (content: string): Message[] => [{ role: 'assistant', content }]

async function run(rows: readonly Row[], given: Partial<TellOptions> = {}, seed = 17, editable = 1) {
  const options: TellOptions = {
    types: ['result_number', 'operand_number', 'operator'],
    max_per_row: 1,
    pairs: 'solutions',
    quotas: {},
    max_share: 1,
    tell_rows: 0,
    min_edit_share: 0,
    max_edit_share: 1,
    ...given,
  }
  const schema = new Schema([
    new Field('id', new Utf8(), false),
    ...['prompt', 'chosen', 'rejected'].map(name => new Field(name, messagesType, false)),
    ...(rows.some(row => row.check) ? [new Field('check', new Utf8(), true)] : []),
  ])
  const columns = [
    makeText(rows.map((_, i) => `row-${i}`)),
    makeMessages(rows.map(row => [{ role: 'user', content: row.prompt }])),
    makeMessages(rows.map(row => row.chosen)),
    makeMessages(rows.map(() => answer('no'))),
    ...(rows.some(row => row.check) ? [makeText(rows.map(row => row.check ?? null))] : []),
  ]
  const batch = new Batch({
    schema,
    columns,
    rows: rows.length,
    row: Uint32Array.from(rows.keys()),
    copy: new Uint32Array(rows.length),
  })
  const notes: Record<number, string> = {}
  const never = () => {
    throw new Error('a derive stage gives no verdicts')
  }
  const instance = injectErrors.open!(options as never, {
    id: 'hard',
    seed,
    state: { mix: { weights: startWeights(options.types), rows: 0 }, editable },
    file: () => new Uint8Array(),
    ask: () => Promise.resolve([]),
  })
  const out = (await instance.batch(
    batch,
    {
      drop: never,
      error: never,
      decided: never,
      note: (row, reason) => {
        notes[row] = reason
      },
    },
    {},
  )) as Output
  const made = out.columns!
  const side = (name: string) => messagesColumn(made[name] as ReturnType<typeof makeMessages>)
  const rejected = side('rejected')
  return {
    notes,
    made: Array.from(out.parents!, (parent, i) => ({
      parent,
      messages: rejected.messages(i),
      ...(made.prompt ? { prompt: side('prompt').messages(i), right: side('chosen').messages(i) } : {}),
      difficulty: (made.difficulty as Float64Array)[i],
      type: (made.type as string[])[i],
      proof: (made.proof as string[])[i],
      step: (made.step as Int32Array)[i],
      start: (made.start as Int32Array)[i],
      end: (made.end as Int32Array)[i],
      answer_changed: (made.answer_changed as Uint8Array)[i] === 1,
      size: (made.size as Float64Array)[i],
    })),
  }
}

test('the examples of the stage', async () => {
  for (const example of injectErrors.examples) {
    for (const seed of [0, 1, 17]) {
      const rows = example.rows.map(row => ({
        prompt: String(row.prompt),
        chosen: answer(String(row.chosen)),
        ...(row.check ? { check: String(row.check) } : {}),
      }))
      const { made, notes } = await run(rows, example.options, seed)
      expect(
        made.map(({ parent, messages, prompt, right, ...one }) => ({
          ...one,
          prompt: prompt?.[0].content ?? rows[parent].prompt,
          chosen: (right ?? rows[parent].chosen)[0].content,
          rejected: messages[0].content,
        })),
      ).toMatchObject(example.made as object[])
      expect(made).toHaveLength(example.made!.length)
      expect(notes).toEqual(example.noted ?? {})
    }
  }
})

test('every reason that is noted is declared', async () => {
  const { notes } = await run(
    ['', 'x', '2(3) = 6', '2 + 2 = 5', '5 - 0 = 5'].map(text => ({ prompt: 'q', chosen: answer(text) })),
    { types: ['operator'] },
  )
  expect(notes).toEqual({
    0: 'no_equation',
    1: 'no_equation',
    2: 'unclear_equation',
    3: 'no_true_equation',
    4: 'still_true',
  })
  for (const reason of Object.values(notes)) expect(injectErrors.notes).toHaveProperty(reason)
})

test('only the last message of a conversation is edited, and offsets are of that message', async () => {
  const chosen = [
    { role: 'assistant', content: '1 + 1 = 2?' },
    { role: 'user', content: 'yes' },
    { role: 'assistant', content: '🍎 12 * 4 = <<12*4=48>>48' },
  ]
  const {
    made: [one],
  } = await run([{ prompt: 'q', chosen }])
  expect(one.messages.slice(0, 2)).toEqual(chosen.slice(0, 2))
  const text = [...one.messages[2].content]
  expect(text.slice(0, one.start).join('')).toBe([...chosen[2].content].slice(0, one.start).join(''))
  expect(text.slice(one.start, one.end).join('')).toMatch(/<<.*>>/)
  expect(holds(one.proof)).toBe(true)
})

test('max_per_row gives different pairs, ascending parents, fewer where there are no more', async () => {
  const rows = [
    { prompt: 'q', chosen: answer('12 * 4 = 48') },
    { prompt: 'q', chosen: answer('none') },
    { prompt: 'q', chosen: answer('2 + 2 = 4') },
  ]
  const many = await run(rows, { max_per_row: 3 })
  expect(many.made.filter(one => one.parent === 0)).toHaveLength(3)
  expect(new Set(many.made.map(one => `${one.parent} ${one.messages[0].content}`)).size).toBe(many.made.length)
  expect(many.made.map(one => one.parent)).toEqual(many.made.map(one => one.parent).sort())
  const few = await run([rows[2]], { max_per_row: 4, types: ['operator'] })
  expect(few.made.map(one => one.messages[0].content)).toEqual(['2 - 2 = 4'])
})

test('what is made of a row depends on its content and the seed, not on its place', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => ({
    prompt: `q${i}`,
    chosen: answer(`It is ${100 + i} + 277 = ${377 + i} in all.`),
  }))
  const strip = (made: { messages: Message[] }[]) => made.map(one => one.messages[0].content)
  const all = strip((await run(rows)).made)
  const halves = [...strip((await run(rows.slice(0, 7))).made), ...strip((await run(rows.slice(7))).made)]
  expect(halves).toEqual(all)
  expect(strip((await run(rows, {}, 18)).made)).not.toEqual(all)
})

describe('step pairs', () => {
  const text =
    'They bake 6 * 13 = 78 rolls. 🍞 With the old ones it is 78 + 22 = 100.\nThen 100 - 40 = 60 are left.\n#### 60'
  const rows = [{ prompt: 'How many rolls?', chosen: answer(text) }]

  test('one step against its edited self; the steps before it follow the question, and the offsets are of the step', async () => {
    const seen = new Set<number>()
    for (let seed = 0; seed < 40; seed++) {
      const {
        made: [one],
      } = await run(rows, { pairs: 'steps' }, seed)
      const [asked] = one.prompt!,
        [right] = one.right!,
        [wrong] = one.messages
      expect(asked.content.startsWith('How many rolls?')).toBe(true)
      const before = asked.content.slice('How many rolls?'.length).replace(/^\n\n/, '')
      expect(text.startsWith(before + right.content)).toBe(true)
      expect(one.prompt).toHaveLength(1)
      expect(right.content).not.toContain('\n')
      expect(holds(one.proof)).toBe(true)
      expect([...wrong.content].slice(0, one.start)).toEqual([...right.content].slice(0, one.start))
      expect([...wrong.content].slice(one.end).join('')).toBe(
        [...right.content].slice([...right.content].length - ([...wrong.content].length - one.end)).join(''),
      )
      seen.add(one.step)
    }
    expect([...seen].sort()).toEqual([0, 1, 2])
  })

  test('the first step leaves the question as it is; a step that says something else by itself is left alone', async () => {
    const first = (await run([{ prompt: 'q', chosen: answer('12 * 4 = 48 pens.\nDone.') }], { pairs: 'steps' })).made[0]
    expect([first.prompt, first.right, first.step]).toEqual([
      [{ role: 'user', content: 'q' }],
      answer('12 * 4 = 48 pens.'),
      0,
    ])
    // by itself the line would be read as an equation
    expect((await run([{ prompt: 'q', chosen: answer('```\n12 * 4 = 48\n```') }], { pairs: 'steps' })).notes).toEqual({
      0: 'unclear_equation',
    })
    expect(
      (await run([{ prompt: 'q', chosen: answer('```\n12 * 4 = 48\n```\n2 + 3 = 5') }], { pairs: 'steps' })).made[0]
        .right,
    ).toEqual(answer('2 + 3 = 5'))
  })
})

describe('limits', () => {
  const row = (content: string) => [{ prompt: 'q', chosen: answer(content) }]

  test('no pair whose sides are equal within max_chars, counted in code points', async () => {
    const text = '🍎🍎 12 * 4 = 48, and 30 + 14 = 44.'
    for (let seed = 0; seed < 30; seed++) {
      const {
        made: [one],
      } = await run(row(text), { max_chars: 13 }, seed)
      expect([...one.messages[0].content].slice(0, 13).join('')).not.toBe([...text].slice(0, 13).join(''))
    }
    expect((await run(row(text), { max_chars: 3 })).notes).toEqual({ 0: 'cut_off' })
  })

  test('sizes are held', async () => {
    const text = `${'Some words. '.repeat(20)}12 * 4 = 48.`
    expect((await run(row(text), { min_edit_share: 0.1 })).notes).toEqual({ 0: 'too_alike' })
    expect((await run(row('2 + 2 = 4'), { max_edit_share: 0.05 })).notes).toEqual({ 0: 'too_different' })
    expect((await run(row(text), { min_edit_share: 0.001, max_edit_share: 0.1 })).made).toHaveLength(1)
  })

  test('difficulty: late and small errors are harder', async () => {
    const hardest = async (text: string) =>
      Math.max(
        ...(await Promise.all(
          Array.from(
            { length: 20 },
            async (_, seed) => (await run(row(text), { types: ['result_number'] }, seed)).made[0].difficulty,
          ),
        )),
      )
    const early = await hardest(`400 + 600 = 1000. ${'Some words. '.repeat(20)}`),
      late = await hardest(`${'Some words. '.repeat(20)}400 + 600 = 1000.`)
    expect(late).toBeGreaterThan(early + 0.3)
    for (const value of [early, late]) expect(value >= 0 && value <= 1).toBe(true)
    expect(await hardest('1 + 1 = 2 in all of it')).toBeLessThan(await hardest('7777 + 1 = 7778 in all'))
  })

  test('new pairs stay below their share, by the content of rows', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => ({
      prompt: `q${i}`,
      chosen: answer(`It is ${100 + i} + 277 = ${377 + i} in all.`),
    }))
    const { made, notes } = await run(rows, { max_share: 0.25 })
    expect(made.length / (rows.length + made.length)).toBeLessThan(0.28)
    expect(made.length / (rows.length + made.length)).toBeGreaterThan(0.22)
    expect(new Set(Object.values(notes))).toEqual(new Set(['over_share']))
    expect((await run(rows, { max_share: 0.25 }, 17, 0.5)).made.length).toBeGreaterThan(1.6 * made.length)
  })
})
