/** `--sample`: which rows are taken, and that what becomes of them is what a full run makes of them. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { sampleRows } from '../../engine/run/sample.ts'
import { summaryText } from '../../engine/run/summary.ts'
import { main, run } from '../../index.mjs'
import { settings } from '../properties/settings.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl, type Row } from './helpers.ts'

const sizes = fc.array(fc.nat(80), { minLength: 1, maxLength: 5 }).filter(list => list.some(rows => rows > 1))
const filesOf = (list: readonly number[]) => list.map(rows => ({ rows }))
/** A sample as `file:row`, in order. */
const places = (sample: readonly Uint32Array[]) =>
  sample.flatMap((rows, file) => [...rows].map(row => `${file}:${row}`))

describe('the rows of a sample', () => {
  it('are as many as wanted, ascending, and all in every larger sample', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(1000), (list, seed, n) => {
        const all = list.reduce((a, b) => a + b),
          contents = list.map(String),
          of = (count: number) => sampleRows(filesOf(list), contents, seed, count)
        let smaller: string[] = []
        for (let count = 1 + (n % Math.min(9, all - 1)); count < all; count += 7) {
          const sample = of(count),
            now = places(sample)
          expect(new Set(now).size).toBe(count)
          sample.forEach((rows, file) => {
            expect([...rows]).toEqual([...rows].sort((a, b) => a - b).filter(row => row < list[file]))
          })
          expect(now).toEqual(expect.arrayContaining(smaller))
          smaller = now
        }
      }),
      settings(60),
    )
  })

  it('depend on content, not on names, order or what else there is, but that other files take places', () => {
    const list = [300, 200, 0, 500],
      contents = ['a', 'b', 'none', 'c'],
      sample = sampleRows(filesOf(list), contents, 17, 100)
    expect(sampleRows(filesOf(list.toReversed()), contents.toReversed(), 17, 100)).toEqual(sample.toReversed())
    const more = sampleRows(filesOf([...list, 400]), [...contents, 'd'], 17, 100)
    expect(more[4].length).toBeGreaterThan(10)
    expect(places(sample)).toEqual(expect.arrayContaining(places(more.slice(0, 4))))
    expect(places(sampleRows(filesOf(list), contents, 18, 100))).not.toEqual(places(sample))
  })

  it('of files with equal content are drawn for each', () => {
    const [a, b] = sampleRows(filesOf([1000, 1000]), ['a', 'a'], 17, 200),
      both = [...a].filter(row => b.includes(row))
    expect(a.length).toBeGreaterThan(70)
    expect(b.length).toBeGreaterThan(70)
    expect(both.length).toBeLessThan(25)
  })

  it('are spread evenly, and by chance, over files and rows', () => {
    const list = [700, 50, 250],
      all = 1000,
      seeds = 400,
      share = 0.1,
      times = new Float64Array(all)
    let neighbours = 0
    for (let seed = 0; seed < seeds; seed++) {
      let first = 0
      sampleRows(filesOf(list), ['a', 'b', 'c'], seed, all * share).forEach((rows, file) => {
        for (const row of rows) times[first + row]++
        neighbours += rows.filter((row, i) => row === rows[i - 1] + 1).length
        first += list[file]
      })
    }
    const expected = seeds * share,
      chi2 = times.reduce((sum, n) => sum + (n - expected) ** 2 / (expected * (1 - share)), 0)
    // 999 degrees of freedom: four standard deviations
    expect(Math.abs(chi2 - 999)).toBeLessThan(4 * Math.sqrt(2 * 999))
    expect(neighbours / (seeds * share ** 2 * (all - 3))).toBeCloseTo(1, 1)
  })

  it('are found among many in the memory of the sample', () => {
    const before = process.memoryUsage().arrayBuffers,
      sample = sampleRows([{ rows: 5e6 }], ['a'], 17, 1000)
    expect(sample[0].length).toBe(1000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5e6)
  })
})

type Stage = { id: string; use: string; with?: Record<string, unknown>; from?: string | string[] }
/** 60 rows of one file and 30 of another, of which some are dropped. */
function inputs() {
  const at = folder(),
    data = join(at, 'data'),
    rows = pairs(90).map((row, i): Row => ({ ...row, ...(i % 8 === 0 && { rejected: row.chosen }) }))
  mkdirSync(data)
  writeJsonl(join(data, 'a.jsonl'), rows.slice(0, 60))
  writeJsonl(join(data, 'b.jsonl'), rows.slice(60))
  return { at, data, rows }
}
const graphOf = (path: string, more: readonly Stage[] = [], partition_rows = 20) => ({
  version: 1 as const,
  name: 'test',
  partition_rows,
  stages: [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'checked', use: 'check_pairs' },
    ...more,
    { id: 'dpo', use: 'write_arrow' },
  ],
})
/** Stages that relate rows, learn, and make new ones. */
const thorough: readonly Stage[] = [
  { id: 'unique', use: 'drop_duplicates' },
  { id: 'noise', use: 'detect_noise', with: { sample_rows: 100 } },
]
interface Led {
  id: string
  file: string
  row: number
  outcome: string
}
const ledger = (run: string) => rowsOf(join(run, 'ledger')) as unknown as Led[]

describe('a run of a sample', { timeout: 240_000 }, () => {
  it('has the rows of a full run that it picked, and no other anywhere', async () => {
    const { at, data } = inputs(),
      whole = await run(graphOf(data), { output: join(at, 'whole'), workers: 1 })
    const {
      manifest,
      folder: out,
      ...result
    } = await run(graphOf(data), { output: join(at, 'out'), workers: 1, sample: 25 })
    const led = ledger(out),
      picked = new Set(led.map(({ id }) => id))
    expect(manifest).toMatchObject({ sample: 25, rows: { read: 25 }, stages: { pairs: { in: 25, out: 25 } } })
    expect(manifest.rows.kept + manifest.rows.dropped).toBe(25)
    expect(manifest.rows.dropped).toBeGreaterThan(0)
    expect(led).toEqual(ledger(whole.folder).filter(({ id }) => picked.has(id)))
    expect(picked.size).toBe(25)
    expect(new Set(led.map(({ file }) => file)).size).toBe(2)
    expect(rowsOf(join(out, 'dpo'))).toEqual(
      rowsOf(join(whole.folder, 'dpo')).filter(({ id }) => picked.has(id as string)),
    )
    expect(rowsOf(join(out, 'dropped', 'checked'))).toEqual(
      rowsOf(join(whole.folder, 'dropped', 'checked')).filter(({ id }) => picked.has(id as string)),
    )
    expect(summaryText({ ...result, folder: out, manifest })).toMatch(
      /^read 25 rows \(sampled by seed 17 from 90 in 2 files, layout text\): kept/,
    )
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain(
      'Rows read: sampled by seed 17 from 90 in 2 files.',
    )
    const log = vi.spyOn(console, 'log')
    expect(await main(['verify', '--output', join(at, 'out'), '--quiet'])).toBe(0)
    expect(await main(['why', `${led[3].file}:${led[3].row}`, '--output', join(at, 'out')])).toBe(0)
    expect(log.mock.calls.flat()).toEqual([expect.stringMatching(new RegExp(`^${led[3].id}  `))])
    log.mockRestore()
    const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    expect(await main(['why', 'r9999', '--output', join(at, 'out')])).toBe(66)
    expect(error.mock.calls.flat()).toEqual([expect.stringContaining('which is of a sample; ids are')])
    error.mockRestore()
  })

  it('has equal bytes for any workers, blocks and buckets, and equal rows for any partitions and names', async () => {
    const { at, data } = inputs(),
      options = { sample: 40, workers: 1 }
    const one = await run(graphOf(data, thorough), { ...options, output: join(at, 'one') })
    for (const [i, more] of [
      { workers: 2, blockRows: 3 },
      { workers: 4, bucketBytes: 48 },
    ].entries()) {
      expect(
        fingerprint((await run(graphOf(data, thorough), { ...options, ...more, output: join(at, String(i)) })).folder),
      ).toEqual(fingerprint(one.folder))
    }
    const ids = ledger(one.folder).map(({ id }) => id)
    expect(
      ledger((await run(graphOf(data, [], 7), { ...options, output: join(at, 'cut') })).folder).map(({ id }) => id),
    ).toEqual(ids)
    mkdirSync(join(at, 'moved'))
    renameSync(join(data, 'a.jsonl'), join(at, 'moved', 'z.jsonl'))
    renameSync(join(data, 'b.jsonl'), join(at, 'moved', 'c.jsonl'))
    expect(
      ledger((await run(graphOf(join(at, 'moved')), { ...options, output: join(at, 'named') })).folder)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids.sort())
  })

  it('goes on where it was interrupted', async () => {
    const { at, data } = inputs(),
      graph = graphOf(data, thorough),
      clean = await run(graph, { output: join(at, 'clean'), workers: 2, sample: 40 })
    for (const phase of ['pass 1 of', 'pass 2 of', 'publish']) {
      const output = join(at, phase),
        abort = new AbortController()
      const stopped = run(graph, {
        output,
        workers: 1,
        sample: 40,
        signal: abort.signal,
        onProgress: progress => {
          if (progress.phase.startsWith(phase)) abort.abort(130)
        },
      })
      await expect(stopped).rejects.toThrow('interrupted')
      expect(fingerprint((await run(graph, { output, workers: 2, sample: 40 })).folder)).toEqual(
        fingerprint(clean.folder),
      )
    }
  })

  it('is all rows where there are no more, with the bytes of a full run, and is held apart from one', async () => {
    const { at, data } = inputs(),
      output = join(at, 'out'),
      statusOf = async (sample?: number) => await run(graphOf(data, thorough), { output, workers: 1, sample })
    const shards = (run: string) =>
      Object.entries(fingerprint(run)).filter(([file]) => !/manifest|report|README/.test(file))
    const whole = await statusOf(),
      all = await statusOf(1000)
    expect(all.status).toBe('published')
    expect(shards(all.folder)).toEqual(shards(whole.folder))
    expect(summaryText(all)).toContain('read 90 rows (all of them, a sample of 1,000 was asked for, layout')
    expect((await statusOf(1000)).status).toBe('nothing_new')
    expect((await statusOf(50)).manifest.rows.read).toBe(50)
    expect((await statusOf(50)).status).toBe('nothing_new')
    const again = await statusOf()
    expect([again.status, again.manifest.rows.read]).toEqual(['published', 90])
    expect(fingerprint(again.folder)).toEqual(fingerprint(whole.folder))
  })

  it('may take none of a file, and one of all', async () => {
    const { at, data } = inputs()
    const { manifest, folder: out } = await run(graphOf(data), {
      output: join(at, 'out'),
      workers: 2,
      sample: 1,
      seed: 4,
    })
    expect([manifest.rows.read, manifest.inputs.length, ledger(out).length]).toEqual([1, 2, 1])
  })

  it('may be of a file twice, in one source or in two', async () => {
    const { at, data } = inputs()
    copyFileSync(join(data, 'a.jsonl'), join(data, 'c.jsonl'))
    const graph = graphOf(data)
    graph.stages.splice(1, 0, { id: 'more', use: 'read_jsonl', with: { path: join(data, 'a.jsonl') } })
    graph.stages[2].from = ['pairs', 'more']
    const { manifest, folder: out } = await run(graph, { output: join(at, 'out'), workers: 2, sample: 120 })
    expect(manifest.rows.read).toBe(120)
    expect(ledger(out)).toHaveLength(120)
  })
})

describe('--sample', () => {
  it('is refused with a reason where it is wrong', async () => {
    const { at, data } = inputs(),
      file = join(at, 'g.json'),
      output = ['--output', join(at, 'out')]
    writeFileSync(file, JSON.stringify(graphOf(data)))
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const refused = async (...argv: string[]) => {
      said.mockClear()
      return [await main([...argv, ...output]), said.mock.calls.flat().at(-1) as unknown]
    }
    expect(await refused('run', file, '--sample', '5', '--limit', '5')).toEqual([
      64,
      'run: --sample and --limit both choose rows; give one of them',
    ])
    expect(await refused('check', file, '--sample', '5', '--limit', '5')).toEqual([
      64,
      expect.stringContaining('give one of them'),
    ])
    for (const wrong of ['0', '-5', '2.5', 'many']) {
      expect(await refused('run', file, `--sample=${wrong}`)).toEqual([64, expect.stringContaining(wrong)])
    }
    await expect(run(graphOf(data), { output: join(at, 'out'), sample: 0.5 })).rejects.toMatchObject({ exit: 64 })
    said.mockRestore()
  })
})
