/** `--input`: which source reads what is named there, and what is refused. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Table, TimeMicrosecond, Utf8, vectorFromArray } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { graph, run, writeArrow } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from './helpers.ts'

const clean = () =>
  graph({
    version: 1,
    name: 'g',
    stages: [
      { id: 'pairs', use: 'read_parquet', with: { path: 'nothing.parquet' } },
      { id: 'dpo', use: 'write_arrow' },
      { id: 'people', use: 'write_parquet', from: 'pairs' },
    ],
  })

describe('--input', () => {
  it('is read by the source of its ending: a file, a folder, a glob', async () => {
    const at = folder(),
      rows = pairs(5),
      output = join(at, 'out')
    mkdirSync(join(at, 'in'))
    const lines = writeJsonl(join(at, 'in', 'a.jsonl'), rows)
    const first = await run(clean(), { input: [lines], output, workers: 1 })
    expect(first.manifest.graph.stages[0]).toMatchObject({ id: 'pairs', use: 'read_jsonl' })
    expect(rowsOf(join(first.folder, 'dpo')).map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
    for (const [input, use] of [
      [join(at, 'in'), 'read_jsonl'],
      [join(at, '*', '*.jsonl'), 'read_jsonl'],
      [join(first.folder, 'dpo'), 'read_arrow'],
      [join(first.folder, 'people', 'data.parquet'), 'read_parquet'],
    ]) {
      const { manifest } = await run(clean(), { input: [input], output: join(at, 'again'), workers: 1 })
      expect([manifest.graph.stages[0].use, manifest.rows.read]).toEqual([use, 5])
    }
  })

  it('of two files ends with 65 where float64, which the one has, would round an integer of the other', async () => {
    const at = folder(),
      input = [
        writeJsonl(join(at, 'a.jsonl'), [{ ...pairs(1)[0], user: 2 ** 53 + 2 }]),
        writeJsonl(join(at, 'b.jsonl'), [{ ...pairs(2)[1], user: 0.5 }]),
      ]
    expect((await run(clean(), { input, output: join(at, 'out'), workers: 1 })).manifest.rows.kept).toBe(2)
    writeFileSync(input[0], readFileSync(input[0], 'utf8').replace(String(2 ** 53 + 2), '9007199254740993'))
    await expect(run(clean(), { input, output: join(at, 'out'), workers: 1 })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^read_jsonl: .*a\.jsonl: column 'user' holds 9007199254740993, and is float64 elsewhere/,
      ) as string,
      exit: 65,
    })
  })

  it('of the main job may have columns that the queue for people cannot hold as they are', async () => {
    const at = folder(),
      rows = pairs(30),
      text = (name: 'id' | 'prompt' | 'chosen' | 'rejected') =>
        vectorFromArray(
          rows.map(row => row[name]),
          new Utf8(),
        )
    const batch = new Table({
      id: text('id'),
      prompt: text('prompt'),
      chosen: text('chosen'),
      rejected: text('rejected'),
      at: vectorFromArray(
        rows.map((_, i) => BigInt(i)),
        new TimeMicrosecond(),
      ),
    }).batches[0]
    await writeArrow(join(at, 'in'), [batch as never])
    const { folder: out, manifest } = await run('pipelines/clean.yaml', {
      input: [join(at, 'in')],
      output: join(at, 'out'),
    })
    expect(manifest.sinks.humans.columns).toContain('at')
    expect(rowsOf(join(out, 'dpo'))[7].at).toBe(7)
  })

  it('as a folder of several kinds is what the graph would read of it', async () => {
    const { manifest } = await run(clean(), { input: ['data/sample'], output: join(folder(), 'out'), workers: 1 })
    expect([manifest.graph.stages[0].use, manifest.inputs.length]).toEqual(['read_parquet', 3])
  })

  it("of two kinds is refused with a file of each; an ending that no source knows is left to the graph's own", async () => {
    const at = folder(),
      output = join(at, 'out'),
      lines = writeJsonl(join(at, 'a.jsonl'), pairs(5))
    const { folder: out } = await run(clean(), { input: [lines], output, workers: 1 })
    const parquet = join(out, 'people', 'data.parquet')
    await expect(run(clean(), { input: [lines, parquet], output: join(at, 'two'), workers: 1 })).rejects.toMatchObject({
      exit: 64,
      message: expect.stringContaining(`1 for read_jsonl, as ${lines}; 1 for read_parquet, as ${parquet}`),
    })
    renameSync(parquet, join(at, 'pairs.data'))
    expect(
      (await run(clean(), { input: [join(at, 'pairs.data')], output: join(at, 'data'), workers: 1 })).manifest.graph
        .stages[0].use,
    ).toBe('read_parquet')
    renameSync(join(at, 'a.jsonl'), join(at, 'lines.txt'))
    await expect(
      run(clean(), { input: [join(at, 'lines.txt')], output: join(at, 'text'), workers: 1 }),
    ).rejects.toMatchObject({
      exit: 65,
      message: expect.stringContaining('lines.txt: is not a Parquet file'),
    })
  })
})
