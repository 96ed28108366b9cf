/** What every sink can be told: in which order, how many rows, and what for. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { whyRows } from '../../app/answers/why.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

const graphOf = (path: string, dpo: Record<string, unknown>, partition_rows = 7) => ({
  version: 1 as const,
  name: 'order',
  partition_rows,
  stages: [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'hard', use: 'inject_errors' },
    { id: 'dpo', use: 'write_arrow', from: ['pairs', 'hard'], with: dpo },
  ],
})

describe('order_by', () => {
  const rows = pairs(60).map((row, i) => ({
    ...row,
    chosen: i % 3 === 0 ? `It costs 3 + ${i} = ${i + 3}.` : row.chosen,
    margin: i % 5 === 4 ? null : (i * 17) % 23,
    hard: i % 2 === 0,
    // what every object of JavaScript has
    toString: i,
  }))

  it('gives the same rows in the order of a column: nulls last, ties and new pairs in order of the input, the same bytes for any partitions and workers', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), rows)
    const plain = await run(graph(graphOf(path, {})), { output: join(at, 'plain') })
    const expected = rowsOf(join(plain.folder, 'dpo')),
      names = expected.map(({ id }) => id)
    expect(names).toContain('r3~hard')
    for (const descending of [false, true]) {
      const { folder: out, manifest } = await run(graph(graphOf(path, { order_by: 'margin', descending })), {
        output: join(at, `by-${descending}`),
        workers: 1,
      })
      const sign = descending ? -1 : 1,
        key = (row: Record<string, unknown>) =>
          row.meta_margin === null ? Infinity : sign * (row.meta_margin as number)
      const got = rowsOf(join(out, 'dpo'))
      expect(got).toEqual([...expected].sort((a, b) => key(a) - key(b) || names.indexOf(a.id) - names.indexOf(b.id)))
      expect(got.findIndex(({ id }) => id === 'r3~hard')).toBe(got.findIndex(({ id }) => id === 'r3') + 1)
      expect(manifest.sinks.dpo.facts.order).toBe(`margin ${descending ? 'descending' : 'ascending'}`)
      const other = await run(graph(graphOf(path, { order_by: 'margin', descending }, 25)), {
        output: join(at, `other-${descending}`),
        workers: 2,
        blockRows: 3,
      })
      expect(fingerprint(join(other.folder, 'dpo'))).toEqual(fingerprint(join(out, 'dpo')))
    }
  })

  it('by a column that is not there, or has no order, is told at its place in the graph before a row is read', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), rows),
      file = join(at, 'g.yaml')
    const problem = async (column: string) => {
      writeFileSync(
        file,
        `version: 1\nname: g\nstages:\n  - { id: pairs, use: read_jsonl, with: { path: '${path}' } }\n  - { id: dpo, use: write_arrow, with: { order_by: ${column} } }\n`,
      )
      return run(file, { output: join(at, 'out') }).then(
        () => undefined,
        (error: { problems: unknown[]; exit: number }) => ({ exit: error.exit, problems: error.problems }),
      )
    }
    expect(await problem('margn')).toMatchObject({
      exit: 78,
      problems: [{ code: 'unknown_column', file, line: 5, column: 52, value: 'margn', suggestion: 'margin' }],
    })
    expect(await problem('prompt')).toMatchObject({
      exit: 78,
      problems: [
        {
          code: 'column_type',
          file,
          line: 5,
          column: 52,
          value: 'messages',
          expected: 'numbers, bool, text, dates or timestamps',
        },
      ],
    })
    expect(await problem('hard')).toBe(undefined)
    expect(await problem('toString')).toBe(undefined)
    // `descending` alone, beside a limit or not, would leave the rows as they came
    writeFileSync(file, readFileSync(file, 'utf8').replace(/order_by: \w+/, 'limit: 2, descending: true'))
    await expect(run(file, { output: join(at, 'out') })).rejects.toMatchObject({
      exit: 78,
      problems: [{ code: 'invalid_value', file, line: 5, column: 64, value: true }],
    })
  })
})

describe('limit', () => {
  const rows = pairs(60).map((row, i) => ({ ...row, doubt: i % 6 === 5 ? null : (i * 17) % 23 }))
  const run3 = async (options: Record<string, unknown>, partition_rows: number, more: object = {}) => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), rows)
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'all', use: 'write_arrow' },
      { id: 'few', use: 'write_jsonl', from: 'pairs', with: options },
      { id: 'packed', use: 'write_parquet', from: 'pairs', with: options },
    ]
    return run(graph({ version: 1, name: 'g', partition_rows, stages }), { output: join(at, 'out'), ...more })
  }
  const lines = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { id: string }).id)

  it('takes the first rows of an order, whatever the partitions, blocks and workers, in every sink', async () => {
    const key = ({ doubt }: { doubt: number | null }, sign: number) => (doubt === null ? Infinity : sign * doubt)
    for (const [options, wanted] of [
      [{ limit: 7 }, rows.slice(0, 7)],
      [
        { limit: 9, order_by: 'doubt', descending: true },
        rows
          .map((row, i) => ({ row, i }))
          .sort((a, b) => key(a.row, -1) - key(b.row, -1) || a.i - b.i)
          .slice(0, 9)
          .map(({ row }) => row),
      ],
      [{ limit: 1000, order_by: 'doubt' }, [...rows].sort((a, b) => key(a, 1) - key(b, 1))],
    ] as const) {
      let bytes: unknown
      for (const [partition_rows, more] of [
        [7, { workers: 1 }],
        [25, { workers: 2, blockRows: 3 }],
        [1000, {}],
      ] as const) {
        const { folder: out, manifest } = await run3(options, partition_rows, more)
        expect(lines(join(out, 'few/data.jsonl'))).toEqual(wanted.map(({ id }) => id))
        expect(manifest.sinks.packed.rows).toBe(wanted.length)
        expect(manifest.stages.few).toMatchObject({ in: 60, out: wanted.length })
        expect(manifest.rows).toMatchObject({ read: 60, kept: 60 })
        const print = [fingerprint(join(out, 'few')), fingerprint(join(out, 'packed'))]
        expect((bytes ??= print)).toEqual(print)
      }
    }
  })
})

describe('for: review', () => {
  const rows = pairs(20)
  /** How many rows ended how, in which sinks and why. */
  const counts = (out: string) => {
    const seen: Record<string, number> = {}
    for (const row of rowsOf(join(out, 'ledger'))) {
      const { outcome, sinks, reason } = row as { outcome: string; sinks: string[]; reason: string | null }
      const what = [outcome, sinks.join('+'), reason].join(' ')
      seen[what] = (seen[what] ?? 0) + 1
    }
    return seen
  }
  const runOf = async (sinks: readonly object[]) => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), [...rows, { ...rows[3], id: 'again' }])
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'unique', use: 'drop_duplicates' },
      ...sinks,
    ]
    const result = await run({ version: 1, name: 'g', stages: stages as never }, { output: join(at, 'out') })
    const [again] = (await whyRows(result.folder, 'again')).rows
    return { counts: counts(result.folder), rows: result.manifest.rows, again: again.said }
  }

  it('keeps no row: one that is dropped is dropped, and in the ledger of that sink', async () => {
    const dpo = { id: 'dpo', use: 'write_arrow', from: 'unique' }
    const people = { id: 'people', use: 'write_jsonl', from: 'unique.duplicate' }
    const review = await runOf([dpo, { ...people, with: { for: 'review' } }])
    expect(review.counts).toEqual({ 'kept dpo ': 20, 'dropped people duplicate': 1 })
    expect(review.rows).toMatchObject({ read: 21, kept: 20, dropped: 1 })
    expect(review.again).toBe('set aside by unique, waits in people: repeats (unique.duplicate)')
    const both = await runOf([dpo, people])
    expect(both.rows).toMatchObject({ kept: 21, dropped: 0 })
  })

  it('alone in a graph: what nothing drops is kept; with a limit the rest of a training sink is not', async () => {
    const look = { id: 'look', use: 'write_jsonl', from: 'unique', with: { for: 'review', limit: 5 } }
    const alone = await runOf([look])
    expect(alone.counts).toEqual({ 'kept look ': 5, 'kept  ': 15, 'dropped  duplicate': 1 })
    const few = await runOf([{ id: 'dpo', use: 'write_arrow', from: 'unique', with: { limit: 5 } }])
    expect(few.counts).toEqual({ 'kept dpo ': 5, 'dropped  unused': 15, 'dropped  duplicate': 1 })
    const seen = await runOf([
      { id: 'dpo', use: 'write_arrow', from: 'unique', with: { limit: 5 } },
      { ...look, with: { for: 'review', limit: 6 } },
    ])
    expect(seen.counts).toEqual({
      'kept dpo+look ': 5,
      'dropped look unused': 1,
      'dropped  unused': 14,
      'dropped  duplicate': 1,
    })
  })
})
