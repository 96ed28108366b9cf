/** Folders that `datasets` saved are what their state.json says. */
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import parquet from 'parquetjs-lite'
import { beforeAll, describe, expect, it } from 'vitest'
import { main, run } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { copyGraph, sluice } from '../failures/helpers.ts'

const shard = 'data-00000-of-00001.arrow'

describe('a data set that was saved to a folder is what its state.json says', () => {
  const at = folder(),
    first = join(at, 'first')
  const graph = copyGraph(join(at, 'g.json'), 'nothing', 'read_arrow')
  /** The published set as `datasets` leaves it after map and filter: caches lie beside it. */
  const used = (): string => {
    const output = join(folder(), 'out'),
      dpo = join(output, 'latest', 'dpo')
    cpSync(first, output, { recursive: true, verbatimSymlinks: true })
    for (const cache of ['cache-37108a5a9980be07.arrow', 'cache-d0c6fbaf20dbda5d.arrow']) {
      cpSync(join(dpo, shard), join(dpo, cache))
    }
    return output
  }
  const read = (...inputs: string[]) =>
    sluice('run', graph, '--output', join(folder(), 'out'), '--quiet', ...inputs.flatMap(path => ['--input', path]))
  beforeAll(async () => {
    await run(copyGraph(join(at, 'first.json'), writeJsonl(join(at, 'in.jsonl'), pairs(60)), 'read_jsonl'), {
      output: first,
      workers: 1,
    })
  })

  it('verify and why go by what was published', async () => {
    const output = used()
    writeFileSync(join(output, 'latest', 'ledger', 'notes.txt'), 'none of ours')
    const verified = await sluice('verify', '--output', output, '--quiet')
    expect(verified.code).toBe(0)
    expect(verified.stderr).toContain(
      'that the run did not publish: dpo/cache-37108a5a9980be07.arrow, dpo/cache-d0c6fbaf20dbda5d.arrow, ledger/notes.txt; what reads the whole folder reads that too',
    )
    expect(await main(['why', 'r3', '--output', output])).toBe(0)
    expect(
      (await run(copyGraph(join(at, 'first.json'), join(at, 'in.jsonl'), 'read_jsonl'), { output, workers: 1 })).status,
    ).toBe('nothing_new')
    rmSync(join(output, 'latest', 'dpo', shard))
    expect((await sluice('verify', '--output', output)).stderr).toContain(`dpo/${shard} is missing`)
  })

  it.each([
    ['the folder', ''],
    ['a pattern', '*.arrow'],
    ['a folder above it', '..'],
  ])('by %s: caches are counted and left unread', async (_, pattern) => {
    const output = used(),
      own = folder(),
      run = join(own, 'run')
    // alone: the ledger of a run is no pairs
    mkdirSync(run)
    renameSync(join(output, 'latest', 'dpo'), join(run, 'dpo'))
    const target = join(folder(), 'out')
    const { code, stderr } = await sluice(
      'run',
      graph,
      '--output',
      target,
      '--quiet',
      '--input',
      pattern === '..' ? run : join(run, 'dpo', pattern),
    )
    expect(code, stderr).toBe(0)
    expect(stderr).toContain(
      `read_arrow: 2 files beside those of saved data sets are left unread, for state.json does not name them: ${join(run, 'dpo', 'cache-37108a5a9980be07.arrow')}, `,
    )
    expect(rowsOf(join(target, 'latest', 'dpo')).map(({ id }) => id)).toEqual(pairs(60).map(({ id }) => id))
  })

  it('what is missing of it, or cannot be told, ends the run', async () => {
    const dpo = join(used(), 'latest', 'dpo'),
      state = join(dpo, 'state.json'),
      text = readFileSync(state, 'utf8')
    const cache = await read(join(dpo, 'cache-37108a5a9980be07.arrow'))
    expect([cache.code, cache.stderr]).toEqual([66, expect.stringContaining('none of their files is named')])
    writeFileSync(state, text.slice(0, 30))
    expect(await read(dpo)).toMatchObject({
      code: 65,
      stderr: expect.stringContaining(`${state} cannot be read`) as unknown,
    })
    writeFileSync(
      state,
      text.replace('"_fingerprint"', '"_indices_data_files": [{ "filename": "indices.arrow" }], "_fingerprint"'),
    )
    expect(await read(dpo)).toMatchObject({
      code: 65,
      stderr: expect.stringContaining('names a selection of rows') as unknown,
    })
    writeFileSync(state, text)
    rmSync(join(dpo, shard))
    expect(await read(dpo)).toMatchObject({
      code: 65,
      stderr: expect.stringContaining(`${state} names 1 files that are not there, as ${join(dpo, shard)}`) as unknown,
    })
  })
})

describe('a file without a row is named, also under --quiet', () => {
  it.each(['read_parquet', 'read_arrow'])('%s', async use => {
    const at = folder(),
      output = join(at, 'out'),
      empty = join(at, 'in', 'none'),
      end = use === 'read_arrow' ? 'arrow' : 'parquet'
    mkdirSync(join(at, 'in'))
    const { folder: some } = await run(
      {
        version: 1,
        name: 't',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'a.jsonl'), pairs(3)) } },
          { id: 'dpo', use: use.replace('read', 'write') },
        ],
      },
      { output: join(at, 'some'), workers: 1 },
    )
    cpSync(join(some, 'dpo', use === 'read_arrow' ? shard : 'data.parquet'), join(at, 'in', `some.${end}`))
    for (const name of ['a', 'b', 'c', 'd']) {
      if (use === 'read_arrow') {
        // the schema and the end of a stream
        const bytes = readFileSync(join(some, 'dpo', shard)),
          head = 8 + bytes.readInt32LE(4)
        writeFileSync(`${empty}-${name}.arrow`, Buffer.concat([bytes.subarray(0, head), bytes.subarray(-8)]))
      } else {
        const text = () => ({ type: 'UTF8' as const })
        await (
          await parquet.ParquetWriter.openFile(
            new parquet.ParquetSchema({ prompt: text(), chosen: text(), rejected: text() }),
            `${empty}-${name}.parquet`,
            {},
          )
        ).close()
      }
    }
    const graph = copyGraph(join(at, 'g.json'), join(at, 'in'), use)
    for (const expected of ['published', 'nothing new']) {
      const { code, stderr } = await sluice('run', graph, '--output', output, '--quiet')
      expect([expected, code]).toEqual([expected, 0])
      expect(stderr).toBe(
        `input: 4 of 5 files have no row: ${empty}-a.${end}, ${empty}-b.${end}, ${empty}-c.${end} and 1 more\n`,
      )
    }
    expect((await sluice('check', graph)).stderr).toContain('input: 4 of 5 files have no row')
  })

  it('a stream that may have been cut', async () => {
    const at = folder(),
      { folder: some } = await run(
        copyGraph(join(at, 'a.json'), writeJsonl(join(at, 'a.jsonl'), pairs(3)), 'read_jsonl'),
        { output: join(at, 'some'), workers: 1 },
      )
    writeFileSync(join(at, 'open.arrow'), readFileSync(join(some, 'dpo', shard)).subarray(0, -8))
    const { stderr } = await sluice(
      'run',
      copyGraph(join(at, 'g.json'), join(at, 'open.arrow'), 'read_arrow'),
      '--output',
      join(at, 'out'),
      '--quiet',
    )
    expect(stderr).toBe(
      `input: 1 of 1 files are Arrow streams without an end, and may have been cut: ${join(at, 'open.arrow')}\n`,
    )
  })
})
