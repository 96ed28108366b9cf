/**
 * Names that are given by data, files and graphs, and are also those of something else: of another column, or of what
 * every object of JavaScript has.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  Field,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  tableFromIPC,
  Utf8,
  type Data,
  type RecordBatch,
} from 'apache-arrow'
import type * as Wasm from 'parquet-wasm/node'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { makeText } from '../../engine/arrow/columns.ts'
import { keyTwice } from '../../engine/source/json_digits.ts'
import { openInputs } from '../../engine/source/open.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { sluice, writeGraph } from '../failures/helpers.ts'
import { optionsOf, readAll } from './files.ts'
import { fromValues } from '../../engine/source/values.ts'

const { Table: Written, writeParquet } = createRequire(import.meta.url)('parquet-wasm/node') as typeof Wasm
const INHERITED = [
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__proto__',
  '__defineGetter__',
  'isPrototypeOf',
  'prototype',
  'toJSON',
  'length',
]

/** A stream of text columns, whatever their names. */
async function streamOf(
  columns: readonly (readonly [string, readonly string[]])[],
  more: readonly (readonly [Field, Data])[] = [],
): Promise<Uint8Array> {
  const fields = [...columns.map(([name]) => new Field(name, new Utf8(), true)), ...more.map(([field]) => field)]
  const batch = toRecordBatch(
    new Schema(fields),
    [...columns.map(([, values]) => makeText([...values])), ...more.map(([, data]) => data)],
    columns[0][1].length,
  )
  const writer = new RecordBatchStreamWriter()
  writer.reset(undefined, batch.schema)
  writer.write(batch as RecordBatch)
  writer.close()
  return writer.toUint8Array()
}
const three = [
  ['prompt', ['why?', 'who?']],
  ['chosen', ['yes', 'me']],
  ['rejected', ['no', 'you']],
] as const

describe('two of one name', () => {
  const at = folder()
  const twoColumns = streamOf([...three, ['chosen', ['no', 'you']]])
  const note = new Struct([new Field('a', new Utf8()), new Field('a', new Utf8())]),
    twoFields = streamOf(three, [[new Field('note', note, true), fromValues(note, [{ a: 'x' }, { a: 'y' }])]])
  it('columns or fields of Arrow are refused', async () => {
    writeFileSync(join(at, 'two.arrow'), await twoColumns)
    writeFileSync(join(at, 'fields.arrow'), await twoFields)
    await expect(openInputs(readArrow, optionsOf('two.arrow'), at)).rejects.toThrow(
      /two\.arrow: has two columns of the name 'chosen'; rename or remove one/,
    )
    await expect(openInputs(readArrow, optionsOf('fields.arrow'), at)).rejects.toThrow(
      /fields\.arrow: has two fields of the name 'note\.a'/,
    )
  })
  it('columns of Parquet are refused, with 65', async () => {
    writeFileSync(join(at, 'two.parquet'), writeParquet(Written.fromIPCStream(await twoColumns)))
    await expect(openInputs(readParquet, optionsOf('two.parquet'), at)).rejects.toThrow(
      /two\.parquet: has two columns of the name 'chosen'; rename or remove one/,
    )
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_parquet', with: { path: join(at, 'two.parquet') } },
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    await expect(run(graph, { output: join(at, 'out') })).rejects.toMatchObject({ exit: 65 })
  })
  it('keys of a JSON object make the line unreadable, wherever they are', async () => {
    const [good, late] = pairs(3000)
      .map(row => JSON.stringify(row))
      .reduce<[string[], string[]]>(
        ([a, b], line, i) => {
          ;(i < 2000 ? a : b).push(line)
          return [a, b]
        },
        [[], []],
      )
    const twice = [
      '{"id":"t1","prompt":"why?","chosen":"yes","rejected":"no","chosen":"no"}',
      '{"id":"t2","prompt":"why?","chosen":"yes","rejected":"no","\\u0063hosen":"no"}',
      '{"id":"t3","prompt":"why?","chosen":"yes","rejected":"no","note":{"a":1,"b":[{"c":1,"c":2}]}}',
      '{"id":"t4","prompt":"why?","chosen":"yes","rejected":"no","new":1,"new":1}',
    ]
    const once = [
      '{"id":"o1","prompt":"\\"a\\":1,\\"a\\":2","chosen":"{\\"a\\":1,\\"a\\":2}","rejected":"a"}',
      '{"id":"o2","prompt":"a","chosen":"b","rejected":"c","note":[{"a":1},{"a":1,"b":{"a":1}}]}',
    ]
    // among the first thousand, which make the columns, and long after
    for (const [name, lines] of [
      ['early', [...twice, ...once, ...good]],
      ['late', [...good, ...late, ...once, ...twice]],
    ] as const) {
      writeFileSync(join(at, `${name}.jsonl`), `${lines.join('\n')}\n`)
      const { refused, errors, rows, pairs: read } = await readAll(readJsonl, at, `${name}.jsonl`)
      expect(rows).toBe(lines.length)
      expect([...refused.values()]).toEqual([
        'unreadable_line',
        'unreadable_line',
        'unreadable_line',
        'unreadable_line',
      ])
      expect([...errors.values()]).toEqual(
        ['chosen', 'chosen', 'c', 'new'].map(key => `the key '${key}' is there twice in one object`),
      )
      expect(read.map(({ id }) => id)).toEqual(expect.arrayContaining(['o1', 'o2']))
    }
    expect([...twice, ...once].map(keyTwice)).toEqual(['chosen', 'chosen', 'c', 'new', undefined, undefined])
  })
})

describe('names that every object has', () => {
  it('are columns like all others, in some rows or in all, through every source and sink', async () => {
    const at = folder(),
      stages = (use: string, path: string) => ({
        version: 1 as const,
        name: 'g',
        stages: [
          { id: 'pairs', use, with: { path } },
          { id: 'checked', use: 'check_pairs' },
          { id: 'unique', use: 'drop_duplicates' },
          { id: 'dpo', use: 'write_arrow' },
          { id: 'lines', use: 'write_jsonl', from: 'unique' },
        ],
      })
    const rows = pairs(30).map((row, i) =>
      Object.fromEntries([
        ...Object.entries(row),
        ...(i % 3 === 0 ? INHERITED.map(key => [key, `${key} ${i}`]) : []),
        ...INHERITED.map(key => [`all_${key}`, 'x']),
      ]),
    ) as Record<string, unknown>[]
    // what a row inherits is none of its own
    const ownOf = (row: Record<string, unknown>, keys: readonly string[]) =>
      Object.fromEntries(keys.map(key => [key, Object.hasOwn(row, key) ? row[key] : null]))
    const holds = (output: string, keys: readonly string[]) => {
      const lines = readFileSync(join(output, 'latest', 'lines', 'data.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line) as Record<string, unknown>)
      expect(
        lines.map(line => ownOf(line, keys)),
        output,
      ).toEqual(rows.map(row => ownOf(row, keys)))
      // of Arrow columns are asked by their place: its rows find what objects inherit
      const table = tableFromIPC(readFileSync(join(output, 'latest', 'dpo', 'data-00000-of-00001.arrow')))
      for (const key of keys) {
        expect(
          [...table.getChildAt(table.schema.fields.findIndex(({ name }) => name === key))!] as unknown[],
          key,
        ).toEqual(rows.map(row => ownOf(row, [key])[key]))
      }
    }
    await run(stages('read_jsonl', writeJsonl(join(at, 'in.jsonl'), rows)), { output: join(at, 'one'), workers: 1 })
    holds(join(at, 'one'), INHERITED)
    await run(stages('read_arrow', join(at, 'one', 'latest', 'dpo')), { output: join(at, 'two'), workers: 1 })
    holds(join(at, 'two'), INHERITED)
    // parquetjs keeps columns by name in an object
    const parquet = stages('read_arrow', join(at, 'one', 'latest', 'dpo')),
      people = { id: 'people', use: 'write_parquet', from: 'unique' }
    await expect(
      run({ ...parquet, stages: [...parquet.stages, people] }, { output: join(at, 'no') }),
    ).rejects.toMatchObject({ exit: 65, message: expect.stringContaining('__proto__') as string })
    const others = INHERITED.filter(key => key !== '__proto__'),
      columns = ['number', ...others]
    const { folder: out } = await run(
      {
        ...parquet,
        stages: [
          { ...parquet.stages[0], with: { path: join(at, 'one', 'latest', 'dpo'), columns } },
          ...parquet.stages.slice(1),
          people,
        ],
      },
      { output: join(at, 'three'), workers: 1 },
    )
    await run(stages('read_parquet', join(out, 'people', 'data.parquet')), { output: join(at, 'four'), workers: 1 })
    holds(join(at, 'four'), others)
  }, 60_000)

  it('are roles of messages like any other', async () => {
    const at = folder(),
      messages = (role: string) => [{ from: role, value: 'why?' }]
    const rows = INHERITED.map(role => ({
      prompt: messages(role),
      chosen: [{ from: 'gpt', value: 'a' }],
      rejected: [{ from: 'gpt', value: 'b' }],
    }))
    writeJsonl(join(at, 'list.jsonl'), rows)
    writeJsonl(
      join(at, 'text.jsonl'),
      rows.map(({ prompt, chosen, rejected }) => ({
        prompt: JSON.stringify(prompt),
        chosen: JSON.stringify(chosen),
        rejected: JSON.stringify(rejected),
      })),
    )
    for (const name of ['list', 'text']) {
      expect(
        (await readAll(readJsonl, at, `${name}.jsonl`)).pairs.map(({ prompt }) => prompt[0].role),
        name,
      ).toEqual(INHERITED)
    }
  })

  it('are refused as ids of stages, and are reasons and notes like any other', async () => {
    const at = folder(),
      input = writeJsonl(join(at, 'in.jsonl'), pairs(30)),
      output = join(at, 'out')
    for (const id of INHERITED) {
      const graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path: input } },
        { id, use: 'check_pairs' },
        { id: 'dpo', use: 'write_arrow' },
      ])
      if (['prototype', 'length'].includes(id)) continue
      await expect(run(graph, { output }), id).rejects.toMatchObject({ exit: 78 })
    }
    const known = writeGraph(join(at, 'h.json'), [
      { id: 'prototype', use: 'read_jsonl', with: { path: input } },
      { id: 'length', use: 'check_pairs' },
      { id: 'dpo', use: 'write_arrow', from: 'length' },
    ])
    expect((await run(known, { output: join(at, 'known') })).status).toBe('published')
    for (const argv of [
      ['--set', 'constructor.x=1'],
      ['--set', 'pairs.constructor=1'],
      ['--set', 'pairs.__proto__=1'],
    ]) {
      const graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path: input } },
        { id: 'dpo', use: 'write_arrow' },
      ])
      expect((await sluice('run', graph, '--output', output, ...argv)).code, argv.join(' ')).toBe(78)
    }
    mkdirSync(join(at, 'node_modules'))
    symlinkSync(process.cwd(), join(at, 'node_modules', 'sluice-data'))
    const reasons = INHERITED.filter(name => name !== '__proto__')
    const all = (value: unknown) => JSON.stringify(Object.fromEntries(reasons.map(name => [name, value])))
    for (const [name, declared, say] of [
      ['odd', `reasons: ${all({ kind: 'configured', about: 'x' })}`, 'if (row < 9) verdict.drop(row, names[row])'],
      ['told', `notes: ${all('x')}`, 'verdict.note(row, names[row % 9])'],
    ]) {
      writeFileSync(
        join(at, `${name}.mjs`),
        `import { defineStage, Type } from 'sluice-data'
const names = ${JSON.stringify(reasons)}
export default defineStage({ name: '${name}', version: 1, summary: 's', options: Type.Object({}), reads: {}, writes: {},
  rows: 'subset', examples: [], ${declared},
  open: () => ({ batch(batch, verdict) { for (let row = 0; row < batch.rows; row++) { ${say} } } }) })`,
      )
    }
    const { manifest } = await run(
      {
        version: 1,
        name: 'g',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path: input } },
          { id: 'told', use: join(at, 'told.mjs') },
          { id: 'odd', use: join(at, 'odd.mjs') },
          { id: 'dpo', use: 'write_arrow' },
        ],
      },
      { output, workers: 1 },
    )
    expect(manifest.rows).toMatchObject({ read: 30, kept: 21, dropped: 9 })
    expect(Object.entries(manifest.stages.odd.reasons).sort()).toEqual(reasons.map(name => [name, 1]).sort())
    expect(Object.values(manifest.stages.told.notes).reduce((sum, n) => sum + n, 0)).toBe(30)
    expect(Object.values(manifest.stages.told.notes).every(n => typeof n === 'number')).toBe(true)
  }, 60_000)

  it('are files like any other', async () => {
    const at = folder(),
      paths = INHERITED.map((name, i) => writeJsonl(join(at, name), pairs(10, 10 * i)))
    const { manifest } = await run(
      {
        version: 1,
        name: 'g',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path: paths[0], more_paths: paths.slice(1) } },
          { id: 'dpo', use: 'write_arrow' },
        ],
      },
      { output: join(at, 'out'), workers: 1 },
    )
    expect(manifest.rows).toMatchObject({ read: 100, kept: 100 })
    expect(manifest.inputs.map(({ rows }) => rows)).toEqual(paths.map(() => 10))
  })
})
