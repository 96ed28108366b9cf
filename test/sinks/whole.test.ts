/** All rows reach the file that a sink writes, or the run fails. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Field, Int32, Schema, Utf8 } from 'apache-arrow'
import parquet from 'parquetjs-lite'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { makeInt32 } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { IpcWriter } from '../../engine/arrow/ipc.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { readAll } from '../sources/files.ts'

/** Through a spool, two partitions and a sink. */
const through = (input: string, sink: string, use = 'read_jsonl') =>
  run(
    {
      version: 1,
      name: 'test',
      partition_rows: 40,
      stages: [
        { id: 'pairs', use, with: { path: input } },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'out', use: sink },
      ],
    },
    { output: join(folder(), 'out'), workers: 1 },
  )

describe('all rows that come to a sink are written, whatever the names of their columns', () => {
  // those of the keys of spools and of what every object inherits are among them
  const names = [
    '',
    'a.b',
    'a,b',
    'a/b',
    'a\u0000b',
    '灯 é',
    'x'.repeat(3000),
    'constructor',
    'toString',
    '1',
    '#row',
    '#copy',
    '#at',
    '"q"',
  ]
  const more = Object.fromEntries(names.map((name, i) => [name, i]))
  const own = (row: Record<string, unknown>) => Object.fromEntries(names.map(name => [name, row[name]]))

  it.each(['write_arrow', 'write_jsonl', 'write_parquet'])('%s', async sink => {
    const { manifest, folder: at } = await through(
      writeJsonl(
        join(folder(), 'in.jsonl'),
        pairs(60).map(row => ({ ...row, ...more })),
      ),
      sink,
    )
    expect(manifest.sinks.out.rows).toBe(60)
    expect([...manifest.sinks.out.columns].sort()).toEqual(
      ['id', 'prompt', 'chosen', 'rejected', 'number', ...names].sort(),
    )
    const rows =
      sink === 'write_arrow'
        ? rowsOf(join(at, 'out'))
        : sink === 'write_parquet'
          ? (await readAll(readParquet, at, join(at, 'out'))).pairs
          : readFileSync(join(at, 'out', 'data.jsonl'), 'utf8')
              .trimEnd()
              .split('\n')
              .map(line => JSON.parse(line) as Record<string, unknown>)
    expect(rows.map(({ id }) => id)).toEqual(pairs(60).map(({ id }) => id))
    for (const row of rows) expect(own(row)).toEqual(more)
  })

  it('a column without a name in a Parquet file', async () => {
    const at = folder(),
      path = join(at, 'in.parquet')
    const utf8 = () => ({ type: 'UTF8' as const })
    const writer = await parquet.ParquetWriter.openFile(
      new parquet.ParquetSchema({
        id: utf8(),
        prompt: utf8(),
        chosen: utf8(),
        rejected: utf8(),
        '': { type: 'INT32' },
      }),
      path,
      {},
    )
    for (const [i, { id, prompt, chosen, rejected }] of pairs(60).entries()) {
      await writer.appendRow({ id, prompt, chosen, rejected, '': i })
    }
    await writer.close()
    const { manifest, folder: out } = await through(path, 'write_arrow', 'read_parquet')
    expect(manifest.sinks.out.rows).toBe(60)
    expect(rowsOf(join(out, 'out')).map(row => row[''])).toEqual(Array.from({ length: 60 }, (_, i) => i))
  })

  it.each(['__proto__', 'prompt,list'])('a name that the writer of Parquet would lose is refused: %s', async name => {
    const line = (row: object) => JSON.stringify(row).replace('"number"', JSON.stringify(name))
    const path = join(folder(), 'in.jsonl')
    writeFileSync(
      path,
      pairs(60)
        .map(row => line({ ...row, number: 0 }))
        .join('\n'),
    )
    await expect(through(path, 'write_parquet')).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining(`would lose the column '${name}'`) as unknown,
    })
    expect((await through(path, 'write_arrow')).manifest.sinks.out.rows).toBe(60)
  })
})

describe('a run fails where', () => {
  it('a batch is of another schema than its stream', () => {
    const path = join(folder(), 'a.arrow'),
      batch = (name: string) =>
        toRecordBatch(new Schema([new Field(name, new Int32())]), [makeInt32(Int32Array.of(1, 2))], 2)
    const writer = new IpcWriter(path, batch('a').schema)
    writer.write(batch('a'))
    expect(() => {
      writer.write(batch('b'))
    }).toThrow(/a batch of 2 rows was not written: its columns are .*b: Int32.* those of the file .*a: Int32/)
    writer.close()
    expect(() => {
      new IpcWriter(path, new Schema([new Field('a', new Utf8())])).write(batch('a'))
    }).toThrow('was not written')
  })

  it.each([
    ['fewer', '59'],
    ['none', 'undefined'],
  ])('a sink says that it wrote %s', async (_, said) => {
    const at = folder(),
      output = join(at, 'out')
    writeFileSync(
      join(at, 'own.mjs'),
      `import { defineSink, Type } from ${JSON.stringify(new URL('../../index.mjs', import.meta.url).href)}
      export default defineSink({ name: 'own', version: 1, summary: 'Lose a row.', options: Type.Object({}), reads: {}, reasons: {},
        schema: (_, schema) => ({ schema, renamed: {} }), convert: (_, batch) => batch, publish: () => ${said} })`,
    )
    const one = graph('test', { base: at })
      .add({ id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), pairs(60)) } })
      .add({ id: 'mine', use: './own.mjs' })
    await expect(run(one, { output, workers: 1 })).rejects.toThrow(
      `mine (./own.mjs): 60 rows were to be written, publish() says that it wrote ${said}; nothing is published`,
    )
    expect(existsSync(join(output, 'latest'))).toBe(false)
  })
})
