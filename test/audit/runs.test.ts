/** Audits in whole runs: they report what there is, cost no other work, and can refuse a run. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { summaryObject, summaryText, warningLines } from '../../engine/run/summary.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { graphOf, inputs, ownAudit, spoolsIn, type Entry } from './helpers.ts'

const short = { id: 'short', use: 'drop_length', with: { max_words: 12 } },
  unique = { id: 'unique', use: 'drop_duplicates' },
  dpo = { id: 'dpo', use: 'write_arrow', from: 'unique' }
const audit = (use: string, options = {}): Entry => ({
  id: 'seen',
  use,
  with: options,
  // what is dropped in two levels is one input
  from: { kept: 'unique', dropped: ['short.dropped', 'unique.dropped'] },
})
const reportOf = ({ manifest }: Awaited<ReturnType<typeof run>>, id = 'seen') => manifest.stages[id].report!

describe('what an audit reports', () => {
  it('is that of the rows there are, whatever the partitions, blocks and workers', async () => {
    const at = folder(),
      own = ownAudit(at),
      source = inputs(at)
    const sizes: [number, number, number][] = [
      [1000, 1000, 1],
      [5, 3, 2],
      [7, 1, 1],
      [2, 1000, 3],
    ]
    const found = await Promise.all(
      sizes.map(async ([partition, blockRows, workers], i) => {
        const graph = graphOf(partition, source, short, unique, audit(own), dpo)
        const result = await run(graph, { output: join(at, `out-${i}`), workers, blockRows })
        const { report, in: rows } = result.manifest.stages.seen
        return { report, rows, page: readFileSync(join(result.folder, 'report.html'), 'utf8'), result }
      }),
    )
    for (const { report, rows } of found) {
      expect({ report, rows }).toEqual({ report: found[0].report, rows: found[0].rows })
    }
    const { manifest, folder: made } = found[0].result,
      { numbers } = found[0].report!
    // the same as the run's own count
    expect(numbers.ids).toBe(
      rowsOf(join(made, 'dpo'))
        .map(({ id }) => String(id))
        .join(' '),
    )
    const { short: dropped, unique: twice } = manifest.stages
    expect([numbers.kept, numbers.dropped]).toEqual([manifest.sinks.dpo.rows, dropped.dropped + twice.dropped])
    expect(dropped.dropped * twice.dropped).toBeGreaterThan(0)
    expect(found[0].rows).toBe(manifest.rows.read)
  })

  it('stands in the summary, the manifest, --json and the page, where charts are drawn', async () => {
    const at = folder(),
      own = ownAudit(at)
    const result = await run(graphOf(1000, inputs(at), short, unique, audit(own), dpo), {
      output: join(at, 'out'),
      workers: 1,
    })
    const kept = Number(reportOf(result).numbers.kept)
    expect(summaryText(result)).toContain(`\n  seen: ${kept} kept\n  warning: seen: only a trial\n`)
    expect(warningLines(result.manifest)).toContain('warning: seen: only a trial')
    expect(summaryObject(result).stages.seen.report?.numbers).toMatchObject({ kept })
    const { graph, stages } = result.manifest
    expect(graph.stages.find(({ id }) => id === 'seen')?.from).toEqual({
      kept: ['unique'],
      dropped: ['short.dropped', 'unique.dropped'],
    })
    expect(Object.keys(stages.seen.report!)).toEqual(['lines', 'numbers'])
    const page = readFileSync(join(result.folder, 'report.html'), 'utf8')
    expect(page.match(/<title>at: /g)).toHaveLength(kept)
    expect(page).toContain('<th scope="col">id</th><th scope="col" class="n">at</th>')
    expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
  })

  it('is of the inputs that the graph gives: others are left out', async () => {
    const at = folder()
    const result = await run(
      graphOf(
        5,
        inputs(at),
        { id: 'seen', use: ownAudit(at), from: { kept: 'pairs' } },
        { id: 'dpo', use: 'write_arrow' },
      ),
      { output: join(at, 'out'), workers: 1 },
    )
    expect(Object.keys(reportOf(result).numbers)).toEqual(['kept', 'ids'])
    // the sink stands behind the audit and takes what is above it
    expect(result.manifest.sinks.dpo.rows).toBe(result.manifest.rows.read)
  })

  it('and a graph of sources and audits alone keeps what nothing drops', async () => {
    const at = folder(),
      output = join(at, 'out'),
      graph = graphOf(5, inputs(at), short, { ...audit(ownAudit(at)), from: { kept: 'short' } })
    const { manifest, status } = await run(graph, { output, workers: 1 })
    expect(status).toBe('published')
    expect(manifest.rows.kept).toBe(manifest.stages.seen.report!.numbers.kept)
    expect(manifest.rows.dropped).toBe(manifest.stages.short.dropped)
    expect((await run(graph, { output, workers: 1 })).status).toBe('nothing_new')
  })
})

describe('a run of which nothing is left', () => {
  const none = { id: 'short', use: 'drop_length', with: { max_words: 1 } }
  it('is empty where there should be rows to train on, audits or not', async () => {
    const at = folder(),
      output = join(at, 'out')
    const sink = { id: 'dpo', use: 'write_arrow', from: 'short' }
    const seen = { id: 'seen', use: ownAudit(at), from: { kept: 'short' } }
    expect((await run(graphOf(5, inputs(at), none, seen, sink), { output, workers: 1 })).status).toBe('empty')
    expect(existsSync(join(output, 'latest'))).toBe(false)
    // nothing for people to look at is good news
    const queue = { ...sink, with: { for: 'review' } }
    expect((await run(graphOf(5, inputs(at), none, seen, queue), { output, workers: 1 })).status).toBe('published')
  })
})

describe('a report that refuses', () => {
  it('publishes nothing and leaves what was, and the next run goes on from kept work', async () => {
    const at = folder(),
      output = join(at, 'out'),
      source = inputs(at),
      own = ownAudit(at)
    const graph = (most_rows: number) => graphOf(5, source, short, unique, audit(own, { most_rows }), dpo)
    await expect(run(graph(3), { output, workers: 1 })).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(
        /^run: not published, as the reports refuse it:\n {2}seen: \d+ are kept, most_rows is 3\nno run is published yet; .*what is finished is kept$/s,
      ) as string,
    })
    expect(existsSync(join(output, 'latest'))).toBe(false)
    expect(readdirSync(join(output, 'runs'))).toEqual([])
    const kept = spoolsIn(output),
      times = kept.map(name => statSync(join(output, '.sluice', 'spools', name)).mtimeMs)
    const { folder: made, status } = await run(graph(1000), { output, workers: 1 })
    expect(status).toBe('published')
    expect(spoolsIn(output)).toEqual(kept)
    expect(kept.map(name => statSync(join(output, '.sluice', 'spools', name)).mtimeMs)).toEqual(times)
    const latest = readlinkSync(join(output, 'latest')),
      before = fingerprint(made)
    await expect(run(graph(3), { output, workers: 1 })).rejects.toThrow(
      `${join(output, 'latest')} still is the run before`,
    )
    expect([readlinkSync(join(output, 'latest')), readdirSync(join(output, 'runs')).length]).toEqual([latest, 1])
    expect(fingerprint(made)).toEqual(before)
  })
})

describe('the run before', () => {
  it('is told to the audit, and named, if it had the audit as it is', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(10)),
      source = { id: 'pairs', use: 'read_jsonl', with: { path } }
    const next = (version: number, options = {}) =>
      run(
        graphOf(
          1000,
          source,
          { id: 'seen', use: ownAudit(at, version), with: options, from: { kept: 'pairs' } },
          { ...dpo, from: 'pairs' },
        ),
        { output, workers: 1 },
      )
    const first = await next(1)
    expect(first.manifest.stages.seen.previous).toBeUndefined()
    writeJsonl(path, pairs(12))
    const second = await next(1)
    expect(second.manifest.stages.seen).toMatchObject({
      report: { lines: ['12 kept, 10 before', 'warning: only a trial'] },
      previous: { run: first.folder.split('/').at(-1), numbers: { kept: 10 } },
    })
    expect(second.manifest.stages.seen.previous!.numbers).not.toHaveProperty('ids')
    expect((await next(1)).status).toBe('nothing_new')
    // the same again does not tell of itself
    const again = await run(
      graphOf(1000, source, { id: 'seen', use: ownAudit(at), from: { kept: 'pairs' } }, { ...dpo, from: 'pairs' }),
      { output, workers: 1, anew: true },
    )
    expect(fingerprint(again.folder)).toEqual(fingerprint(second.folder))
    expect((await next(1, { most_rows: 99 })).manifest.stages.seen.previous).toBeUndefined()
    expect((await next(2, { most_rows: 99 })).manifest.stages.seen.previous).toBeUndefined()
  })
})

describe('kept work', () => {
  it('an audit that is added, changed or taken away changes no spool, and nothing stale is told', async () => {
    const at = folder(),
      output = join(at, 'out'),
      source = inputs(at),
      use = ownAudit(at),
      without = graphOf(5, source, short, unique, dpo)
    await run(without, { output, workers: 2 })
    const spools = spoolsIn(output),
      timesOf = () => spools.map(name => statSync(join(output, '.sluice', 'spools', name)).mtimeMs),
      times = timesOf()
    const inputsOf = (from: Entry['from']) => graphOf(5, source, short, unique, { id: 'seen', use, from }, dpo)
    let i = 0
    for (const graph of [
      inputsOf({ kept: 'unique' }),
      inputsOf({ kept: 'unique', dropped: ['short.dropped', 'unique.dropped'] }),
      inputsOf({ kept: 'short', dropped: 'unique.duplicate' }),
      inputsOf({ kept: ['short', 'short.dropped'] }),
    ]) {
      const made = await run(graph, { output, workers: 2 }),
        fresh = await run(graph, { output: join(at, `fresh-${i++}`), workers: 1 })
      expect({ ...made.manifest.stages.seen.report!.numbers }).toEqual({
        ...fresh.manifest.stages.seen.report!.numbers,
      })
      expect(spoolsIn(output)).toEqual(spools)
      expect(timesOf()).toEqual(times)
    }
    const last = await run(without, { output, workers: 2 }),
      fresh = await run(without, { output: join(at, 'fresh'), workers: 2 })
    expect(fingerprint(last.folder)).toEqual(fingerprint(fresh.folder))
    expect(timesOf()).toEqual(times)
    expect(readdirSync(join(output, '.sluice', 'spools')).filter(name => name.includes('.tall'))).toEqual([])
  })

  it('a part of a tally that is damaged is made anew, and told of', async () => {
    const at = folder(),
      output = join(at, 'out'),
      graph = graphOf(5, inputs(at), short, unique, audit(ownAudit(at)), dpo)
    const first = await run(graph, { output, workers: 1 }),
      spools = join(output, '.sluice', 'spools')
    for (const name of readdirSync(spools)
      .filter(name => name.includes('.tall'))
      .slice(0, 4)) {
      const file = statSync(join(spools, name)).isDirectory() ? join(spools, name, 'tally.bin') : join(spools, name)
      writeFileSync(file, 'x')
    }
    writeFileSync(join(first.folder, 'report.json'), 'x')
    const told: string[] = []
    const { folder: made } = await run(graph, { output, workers: 1, onWarning: text => told.push(text) })
    expect(told.join('\n')).toContain('what it held is worked out anew')
    expect(fingerprint(made)).toEqual({ ...fingerprint(first.folder), ...fingerprint(made) })
    expect(JSON.parse(readFileSync(join(made, 'manifest.json'), 'utf8'))).toEqual(
      JSON.parse(readFileSync(join(first.folder, 'manifest.json'), 'utf8')),
    )
  })
})

describe("a stage's own tally", () => {
  const stage = (at: string) => {
    const path = join(at, 'halves.mjs')
    writeFileSync(
      path,
      `import { defineStage, round, Type } from 'sluice-data'
      export default defineStage({
        name: 'halves', version: 1, summary: 'Drops every other row.', options: Type.Object({}),
        reads: { number: 'number' }, writes: { twice: 'float64' }, rows: 'subset',
        reasons: { odd: { kind: 'configured', about: 'the number' } }, examples: [],
        open: () => ({
          batch(batch, verdict) {
            const { values } = batch.numbers('number')
            for (let r = 0; r < batch.rows; r++) if (values[r] % 2 === 1) verdict.drop(r, 'odd', values[r])
            return { columns: { twice: values.map(value => 2 * value) } }
          },
        }),
        tally: () => round({
          collect() {
            const sum = { rows: 0, twice: 0, columns: '' }
            return {
              batch(batch) {
                sum.rows += batch.rows
                for (const value of batch.numbers('halves_twice').values) sum.twice += value
                sum.columns = batch.schema.fields.map(({ name }) => name).join()
              },
              part: () => sum,
            }
          },
          merge(parts) {
            const all = { rows: 0, twice: 0, columns: '' }
            for (const part of parts) {
              all.rows += part.rows
              all.twice += part.twice
              all.columns ||= part.columns
            }
            return all
          },
        }),
        report: (_, { state, tally }) => ({ lines: [tally.rows + ' seen'], numbers: { ...tally, fitted: state !== undefined } }),
      })`,
    )
    return path
  }

  it('goes over rows as it leaves them, dropped ones too, and adds no level', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(23))
    for (const partition of [1000, 4]) {
      const result = await run(
        graphOf(
          partition,
          { id: 'pairs', use: 'read_jsonl', with: { path } },
          { id: 'halves', use: stage(at) },
          { id: 'dpo', use: 'write_arrow' },
        ),
        { output: join(at, `out-${partition}`), workers: 2 },
      )
      expect(reportOf(result, 'halves')).toEqual({
        lines: ['23 seen'],
        numbers: {
          rows: 23,
          twice: 2 * pairs(23).reduce((n, { number }) => n + Number(number), 0),
          columns: 'number,halves_twice',
          fitted: false,
        },
      })
      expect(result.manifest.stages.halves.dropped).toBeGreaterThan(0)
    }
  })
})

it('says whose report, table or chart is wrong', async () => {
  const at = folder(),
    path = join(at, 'wrong.mjs')
  const fails = async (report: string, why: RegExp) => {
    writeFileSync(
      path,
      `import { defineAudit, round, Type } from 'sluice-data'
      export default defineAudit({
        name: 'wrong', version: 1, summary: 'X.', options: Type.Object({}), inputs: { rows: {} }, examples: [],
        tally: () => round({ collect: () => ({ batch() {}, part: () => 1 }), merge: parts => [...parts].length }),
        report: () => (${report}),
      })`,
    )
    const graph = graphOf(1000, inputs(at), { id: 'seen', use: path }, { ...dpo, from: 'pairs' })
    await expect(run(graph, { output: join(at, 'out'), workers: 1 }), report).rejects.toThrow(why)
  }
  const table = "lines: [], numbers: {}, tables: { ages: [{ name: 'a', age: 1 }] }"
  const chart = (table: string, x: string, y: string) =>
    `charts: [{ title: 'T', table: '${table}', mark: 'bar', encoding: { x: '${x}', y: '${y}' } }]`
  await fails('{ numbers: {} }', /^seen \(.*wrong\.mjs\), in its report: 'lines' is undefined, not a list of texts/)
  await fails('{ lines: [], numbers: 3 }', /'numbers' is 3, not an object of numbers by name/)
  await fails(
    '{ lines: [], numbers: {}, tables: { a: [{ x: NaN }] } }',
    /the table 'a' has null in row 0, column 'x'; a cell is/,
  )
  await fails(
    `{ ${table}, ${chart('age', 'name', 'age')} }`,
    /chart 'T' draws the table 'age', .*did you mean 'ages'\?/,
  )
  await fails(
    `{ ${table}, ${chart('ages', 'nam', 'age')} }`,
    /draws the column 'nam' of 'ages', .*did you mean 'name'\?/,
  )
  await fails(`{ ${table}, ${chart('ages', 'name', 'name')} }`, /names on both axes \(name, name\)/)
  await fails('{ get lines() { throw new Error("broken") } }', /in its report: broken/)
})
