/** Columns beside the prompt that belong to it, and what pairs say beside their texts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { Batch } from '../../engine/arrow/flow.ts'
import { hashBeside, saidBeside } from '../../engine/source/further_fields.ts'
import { layouts } from '../../engine/source/layout_table.ts'
import { openInputs } from '../../engine/source/open.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import { assistant, read, system, table, user, type Row } from './helpers.ts'

const [q, a, b] = ['Name a prime.', 'Seven.', 'Nine.']
const pair = { prompt: q, chosen: a, rejected: b }
const promptOf = (row: Row) => read(table([row])).pairs[0].prompt

const folder = mkdtempSync(join(tmpdir(), 'sluice-parts-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})
function write(name: string, rows: readonly Row[]): string {
  const path = join(folder, name)
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return path
}

describe('system', () => {
  for (const { name, example } of layouts) {
    it(`begins the prompt in layout ${name}, unless it is null or empty`, () => {
      const rows = example.split('\n').map(line => JSON.parse(line) as Row)
      const layout = name === 'answers' ? name : undefined
      for (const column of ['system', 'system_prompt', 'system_message', 'system_instruction']) {
        const got = read(table(rows.map(row => ({ ...row, system: undefined, [column]: 'Be brief.' }))), { layout })
        expect(got.pairs[0].prompt[0]).toEqual(system('Be brief.'))
        expect(got.pairs[0]).not.toHaveProperty(column)
        expect(got.pairs[0].prompt.at(-1)!.role).toBe('user')
      }
      for (const none of [null, '']) {
        expect(read(table(rows.map(row => ({ ...row, system: none }))), { layout }).pairs[0].prompt[0].role).toBe(
          'user',
        )
      }
    })
  }

  it('is not said twice: messages may begin with their own, and a text with the same', () => {
    const own = { ...pair, prompt: [system('Be kind.'), user(q)], system: 'Be brief.' }
    expect(promptOf(own)).toEqual([system('Be kind.'), user(q)])
    expect(promptOf({ ...pair, prompt: `Be brief.\n\n${q}`, system: 'Be brief.' })).toEqual([user(`Be brief.\n\n${q}`)])
    expect(promptOf({ ...pair, prompt: 'Be brief. Please.', system: 'Be brief.' })[0]).toEqual(system('Be brief.'))
  })

  it('leaves what messages have beside their texts at its place', () => {
    const row = {
      prompt: [user(q), { ...assistant(''), tool_calls: '[7]' }, user('And?')],
      chosen: [assistant(a)],
      rejected: [assistant(b)],
      system: 'Be brief.',
    }
    expect(read(table([row, { ...row, system: null }])).pairs.map(one => one.source_prompt_fields)).toEqual([
      '[null,null,{"tool_calls":"[7]"},null]',
      '[null,{"tool_calls":"[7]"},null]',
    ])
  })
})

describe('history', () => {
  const turns = [user('Hello'), assistant('Hi'), user('Ready?'), assistant('Yes')]
  it('comes before the prompt, after the system message: lists of two texts, or messages', () => {
    const lists = [
      ['Hello', 'Hi'],
      ['Ready?', 'Yes'],
    ]
    for (const history of [lists, turns]) {
      const rows = [
        { instruction: q, chosen: a, rejected: b, history, system: 'Be brief.' },
        { instruction: q, chosen: b, rejected: a, history: [], system: null },
        { instruction: q, chosen: b, rejected: a, history: null, system: null },
        { instruction: q, chosen: b, rejected: a, history, system: null },
      ]
      const all = [...turns, user(q)]
      expect(read(table(rows)).pairs.map(one => one.prompt)).toEqual([
        [system('Be brief.'), ...all],
        [user(q)],
        [user(q)],
        all,
      ])
    }
  })

  it('that is no list of two texts makes the row unreadable, and no other row', () => {
    const rows = [[['Hello', 'Hi']], [['Hello']], [['Hello', 'Hi']], [['Hello', null]], [['Hello', 'Hi']]]
    const got = read(table(rows.map(history => ({ ...pair, history }))))
    expect(got.refused).toEqual({ 1: 'unreadable_prompt', 3: 'unreadable_prompt' })
    expect(got.pairs.map(one => one.prompt)).toEqual(got.rows.map(() => [...turns.slice(0, 2), user(q)]))
  })
})

describe('context and input', () => {
  it('stand above and below a text, unless they stand in it already', () => {
    const both = { ...pair, context: 'Primes are odd.', input: 'Below ten.' }
    expect(promptOf(both)).toEqual([user(`Primes are odd.\n\n${q}\nBelow ten.`)])
    expect(promptOf({ ...both, prompt: `Primes are odd.\n${q}`, input: null })).toEqual([user(`Primes are odd.\n${q}`)])
    expect(promptOf({ ...both, context: '', input: q })).toEqual([user(q)])
    // five characters of a word are not the input
    expect(promptOf({ ...pair, input: 'prime' })).toEqual([user(`${q}\nprime`)])
  })

  it('make rows of one question the replies to several prompts', () => {
    const rows = ['one', 'two'].flatMap(input =>
      [1, 2].map(rank => ({ instruction: 'Sum up.', input, response: `${input} ${rank}`, rank })),
    )
    const got = read(table(rows))
    expect(got.layout).toBe('ranked')
    expect(got.pairs.map(({ prompt, chosen }) => [prompt, chosen].map(([{ content }]) => content))).toEqual(
      ['one', 'two'].flatMap(input => [1, 2].map(rank => [`Sum up.\n${input}`, `${input} ${rank}`])),
    )
  })
})

it('what looks like a part of the prompt and is none is told, once for all files that have it', async () => {
  const whole = { prompt: [user(q)], chosen: [assistant(a)], rejected: [assistant(b)] }
  const first = write('a.jsonl', [{ ...whole, context: 'Primes are odd.' }])
  write('b.jsonl', [{ ...whole, context: 'Primes are odd.' }])
  const said: string[] = []
  const files = await openInputs(
    readJsonl,
    { path: folder, more_paths: [], layout: 'auto', answer: 'answer', pairing: 'adjacent' } as never,
    folder,
    text => said.push(text),
  )
  expect(said).toEqual([
    `read_jsonl: context in ${first} and 1 more looks like a part of the prompt, and is none in layout messages: it stays a column beside the pair`,
  ])
  expect(files[0].facts).toMatchObject({ beside_prompt: 'context' })
})

describe('what messages say beside their texts', () => {
  const call = (city: string, id = 'c1') => [
    { id, type: 'function', function: { name: 'weather', arguments: `{"city": "${city}"}` } },
  ]

  it('are calls without their ids, reasoning and pictures; a name or a weight says nothing', () => {
    const of = (value: unknown) => saidBeside(JSON.stringify(value))
    expect(of([{ name: 'Ada', weight: 1 }, null])).toBe('')
    expect(saidBeside(null)).toBe('')
    // a column of one's own
    expect(saidBeside('see "images"')).toBe('see "images"')
    expect(of([{ tool_calls: [] }, { reasoning_content: '' }, { tool_calls: null }])).toBe('')
    expect(of([{ tool_calls: call('Rome', 'x') }])).toBe(of([{ tool_calls: call('Rome', 'y') }]))
    expect(of([{ tool_calls: call('Rome') }])).toBe(of([{ tool_calls: JSON.stringify(call('Rome')) }]))
    expect(of([{ tool_calls: call('Rome') }])).not.toBe(of([{ tool_calls: call('Oslo') }]))
    expect(of([null, { reasoning: 'x' }])).not.toBe(of([{ reasoning: 'x' }, null]))
  })

  it('ends what two conversations share, where their calls differ', () => {
    const turns = (city: string, answer: string) => [
      user(q),
      { ...assistant(''), tool_calls: JSON.stringify(call(city)) },
      { role: 'tool', content: '7', tool_calls: null },
      assistant(answer),
    ]
    const got = read(
      table([
        { chosen: turns('Rome', a), rejected: turns('Rome', b) },
        { chosen: turns('Rome', a), rejected: turns('Oslo', b) },
      ]),
    )
    expect(got.pairs.map(one => one.prompt.length)).toEqual([3, 1])
    expect(got.pairs.map(one => one.source_prompt_fields !== null)).toEqual([true, false])
  })

  it('is counted and told by a run, and makes pairs differ', async () => {
    const row = (i: number, city: string) => ({
      prompt: [user(`${q} ${Math.floor(i / 2)}`)],
      chosen: [{ ...assistant(a), tool_calls: call(city) }],
      rejected: [assistant(b)],
    })
    const path = write(
      'calls.jsonl',
      Array.from({ length: 40 }, (_, i) => row(i, i % 2 === 0 ? 'Rome' : 'Oslo')),
    )
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'once', use: 'drop_duplicates' },
      { id: 'near', use: 'drop_near_duplicates' },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const { manifest } = await run({ version: 1, name: 'g', stages }, { output: join(folder, 'out') })
    expect(manifest.rows).toMatchObject({ read: 40, kept: 40 })
    expect(manifest.warnings).toEqual([
      'pairs: messages have fields beside role and content, as tool calls or reasoning, and those of dpo have none: they lie as JSON in source_chosen_fields of 40 pairs; for trainers write them by write_arrow with format: whole',
    ])
  })
})

it('tools and pictures with a field of which nothing is known say nothing by it, and end no run', () => {
  const hashes = ['x', 'x', 'y'].map(name => {
    const { schema, data } = table([{ tools: [{ name, strict: null }] }])
    const batch = new Batch({
      schema,
      columns: data.children,
      rows: 1,
      row: new Uint32Array(1),
      copy: new Uint32Array(1),
    })
    const state = new Uint32Array(2)
    hashBeside(batch, 'prompt')(0, state)
    return [...state]
  })
  expect(hashes[1]).toEqual(hashes[0])
  expect(hashes[2]).not.toEqual(hashes[0])
})
