/** Scored replies of one prompt in several rows, and the pairs that are made of them. */
import { createRequire } from 'node:module'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Float64, Int64, Table, tableToIPC } from 'apache-arrow'
import fc from 'fast-check'
import type * as Wasm from 'parquet-wasm/node'
import { afterAll, describe, expect, it } from 'vitest'
import { run, writeArrow } from '../../index.mjs'
import { rowsOf } from '../engine/helpers.ts'
import readArrow from '../../stages/sources/read_arrow.ts'
import readJsonl from '../../stages/sources/read_jsonl.ts'
import readParquetFiles from '../../stages/sources/read_parquet.ts'
import { groupStarts, wholeGroups } from '../../engine/source/groups.ts'
import { detectLayout } from '../../engine/source/layouts.ts'
import { readAll } from './files.ts'
import { cut, read, table, type Row } from './helpers.ts'

const { Table: Written, writeParquet } = createRequire(import.meta.url)('parquet-wasm/node') as typeof Wasm
const folder = mkdtempSync(join(tmpdir(), 'sluice-ranked-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const replies = (prompt: string, ...scores: readonly (number | null)[]): Row[] =>
  scores.map((score, i) => ({ id: `${prompt}${i}`, prompt, response: `${prompt} says ${i}`, score, tree: prompt }))
const said = (pairs: ReturnType<typeof read>['pairs']) =>
  pairs.map(({ id, source_rejected_id, source_chosen_score, source_rejected_score }) => [
    id,
    source_rejected_id,
    source_chosen_score,
    source_rejected_score,
  ])

describe('replies of one prompt', () => {
  it('that lie together become pairs of neighbouring scores, each the row of its chosen reply', () => {
    const got = read(table(replies('a', 1, 3, 2)))
    expect(got.layout).toBe('ranked')
    expect(said(got.pairs)).toEqual([
      ['a1', 'a2', 3, 2],
      ['a2', 'a0', 2, 1],
    ])
    expect([got.rows, got.refused, got.within]).toEqual([[1, 2], {}, { 0: 2 }])
    expect(got.pairs[0]).toMatchObject({
      prompt: [{ role: 'user', content: 'a' }],
      chosen: [{ role: 'assistant', content: 'a says 1' }],
      rejected: [{ role: 'assistant', content: 'a says 2' }],
      tree: 'a',
    })
    expect(got.pairs[0]).not.toHaveProperty('response')
  })

  it('with ranks: the least is best; best_worst: the highest against the lowest', () => {
    const ranked = replies('a', 1, 0, 2).map(({ score, ...row }) => ({ ...row, rank: score }))
    expect(said(read(table(ranked)).pairs)).toEqual([
      ['a0', 'a2', 1, 2],
      ['a1', 'a0', 0, 1],
    ])
    const got = read(table(ranked), { pairing: 'best_worst' })
    expect(said(got.pairs)).toEqual([['a1', 'a2', 0, 2]])
    expect([got.refused, got.within]).toEqual([{ 0: 'left_out' }, { 2: 1 }])
  })

  it('ties are never pairs, and every row without a pair of its own is told why', () => {
    const rows = [
      ...replies('a', 2, 2),
      ...replies('b', 1),
      ...replies('c', 5, null, 4),
      ...replies('d', 3, 3, 1, 1, 1),
      { ...replies('x', 1)[0], prompt: null },
      { ...replies('y', 2)[0], prompt: null },
    ]
    const got = read(table(rows))
    expect(said(got.pairs)).toEqual([
      ['c0', 'c2', 5, 4],
      ['d0', 'd2', 3, 1],
      ['d0-1', 'd4', 3, 1],
      ['d1', 'd3', 3, 1],
    ])
    expect(got.refused).toEqual({
      0: 'tied_scores',
      1: 'tied_scores',
      2: 'too_few_completions',
      4: 'missing_reply',
      11: 'missing_prompt',
      12: 'missing_prompt',
    })
    expect(got.within).toEqual({ 5: 3, 8: 6, 9: 7, 10: 6 })
  })

  it('a score that float64 would round refuses all replies to its prompt, and no other', () => {
    const big = 2n ** 53n
    const rows = [...replies('a', 0, 1), ...replies('b', 3, 4), ...replies('c', 0, 1)]
    const scores = [big, big + 1n, 3n, 4n, -big, -big + 1n]
    const raw = table(
      rows.map((row, i) => ({ ...row, score: scores[i] })),
      { score: new Int64() },
    )
    const got = read(raw)
    expect(said(got.pairs)).toEqual([
      ['b1', 'b0', 4, 3],
      ['c1', 'c0', Number(-big + 1n), Number(-big)],
    ])
    expect(got.refused).toEqual({ 0: 'inexact_score', 1: 'inexact_score' })
  })

  it('a file in which no two rows that lie together have one prompt is something else, unless it is named so', () => {
    const apart = [...replies('a', 1), ...replies('b', 2), ...replies('a', 3)]
    expect(() => read(table(apart))).toThrow(/no known layout/)
    expect(read(table(apart), { layout: 'ranked' }).refused).toEqual({
      0: 'too_few_completions',
      1: 'too_few_completions',
      2: 'too_few_completions',
    })
    expect(read(table(replies('a', 1, 2).map(row => ({ ...row, chosen: 'x', rejected: 'y' })))).layout).toBe('text')
  })
})

describe('borders', () => {
  const groups = fc
    .array(
      fc.tuple(
        fc.constantFrom('a', 'b', 'c'),
        fc.array(fc.option(fc.integer({ min: 0, max: 3 })), { minLength: 1, maxLength: 5 }),
      ),
      { minLength: 1, maxLength: 8 },
    )
    .map(list =>
      list.flatMap(([prompt, scores]) => replies(prompt, ...scores)).map((row, i): Row => ({ ...row, id: `r${i}` })),
    )

  it('of batches have no influence', async () => {
    await fc.assert(
      fc.asyncProperty(groups, fc.array(fc.nat(40), { maxLength: 6 }), async (rows, at) => {
        const whole = table(rows, { score: new Float64() }),
          plan = detectLayout(whole.schema, [whole], 'ranked')
        const edges = [
          0,
          ...[...new Set(at.filter(edge => edge > 0 && edge < rows.length))].sort((a, b) => a - b),
          rows.length,
        ]
        const chunks: number[] = []
        for await (const batch of wholeGroups(
          plan,
          edges.slice(1).map((end, i) => cut(whole, edges[i], end)),
        )) {
          chunks.push(batch.numRows)
        }
        const cuts = chunks.slice(0, -1).map((_, i) => chunks.slice(0, i + 1).reduce((n, rows) => n + rows, 0))
        expect(read(whole, { layout: 'ranked', cuts })).toEqual(read(whole, { layout: 'ranked' }))
        // reading can begin where the prompt changes, and nowhere else
        const starts = await groupStarts(plan, edges.slice(0, -1), ({ start, end }) => [cut(whole, start, end)])
        expect(starts).toEqual(edges.slice(0, -1).filter(row => row === 0 || rows[row].prompt !== rows[row - 1].prompt))
      }),
      { numRuns: 150 },
    )
  })

  it('of partitions, batches of a file and workers have none, for any kind of file: the same rows, the same ledger', async () => {
    const rows = Array.from({ length: 300 }, (_, i) =>
      replies(`p${i}`, ...Array.from({ length: 1 + (i % 7) }, (_, k) => (k * 5 + i) % 4)),
    ).flat()
    const lines = join(folder, 'ranked.jsonl'),
      arrow = join(folder, 'ranked'),
      whole = table(rows)
    writeFileSync(lines, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
    await writeArrow(
      arrow,
      [0, 100, 101, 350, 900].map((start, i, edges) => cut(whole, start, edges[i + 1] ?? rows.length)),
    )
    for (const [use, path] of [
      ['read_jsonl', lines],
      ['read_arrow', arrow],
    ] as const) {
      const made: unknown[] = []
      for (const [partition_rows, workers] of [
        [20_000, 1],
        [7, 2],
      ] as const) {
        const stages = [
          { id: 'pairs', use, with: { path } },
          { id: 'dpo', use: 'write_arrow' },
        ]
        const { folder: out, manifest } = await run(
          { version: 1, name: 'g', partition_rows, stages },
          { output: join(folder, `${use}-${partition_rows}`), workers },
        )
        expect(manifest.rows.read).toBe(rows.length)
        made.push([rowsOf(join(out, 'dpo')), rowsOf(join(out, 'ledger')), manifest.stages.pairs.reasons])
      }
      expect(made[0]).toEqual(made[1])
    }
    expect((await readAll(readArrow, folder, arrow)).pairs.map(({ id }) => id)).toEqual(
      (await readAll(readJsonl, folder, lines)).pairs.map(({ id }) => id),
    )
  })

  it('a prompt with more replies than memory should hold is taken a thousand at a time', async () => {
    const whole = table(replies('a', ...Array.from({ length: 2500 }, (_, i) => i))),
      plan = detectLayout(whole.schema, [whole])
    const sizes: number[] = []
    for await (const batch of wholeGroups(plan, [cut(whole, 0, 900), cut(whole, 900, 1700), cut(whole, 1700, 2500)])) {
      sizes.push(batch.numRows)
    }
    expect(sizes.slice(0, -1).reduce((n, rows) => n + rows, 0) % 1000).toBe(0)
    expect(read(whole).pairs.length).toBe(999 + 999 + 499)
  })
})

describe('replies of one prompt that are cut', () => {
  const kinds = { read_jsonl: 'jsonl', read_arrow: 'arrow', read_parquet: 'parquet' } as const
  const write = (use: keyof typeof kinds, name: string, rows: Row[]) => {
    const path = join(folder, `${use}-${name}.${kinds[use]}`)
    if (use === 'read_jsonl') writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
    else {
      const stream = tableToIPC(new Table([table(rows)]), 'stream')
      writeFileSync(path, use === 'read_arrow' ? stream : writeParquet(Written.fromIPCStream(stream)))
    }
    return path
  }
  const runOn = async (use: keyof typeof kinds, [path, ...more_paths]: string[], limit?: number) => {
    const warnings: string[] = []
    const stages = [
      { id: 'pairs', use, with: { path, more_paths } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const { folder: out, manifest } = await run(
      { version: 1, name: 'g', stages },
      { output: mkdtempSync(join(folder, 'out-')), limit, onWarning: text => warnings.push(text) },
    )
    return { warnings, manifest, ids: rowsOf(join(out, 'dpo')).map(({ id }) => id) }
  }
  const rows = [...replies('a', 1, 2), ...replies('b', 1, 2, 3, 4), ...replies('c', 1, 2)]

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    'between two files of %s are told with the names of both, and where no prompt goes on, nothing is',
    async use => {
      const nothing = { ...replies('n', 1)[0], prompt: null }
      const parts = [
        rows.slice(0, 4),
        rows.slice(4),
        [...replies('d', 1, 2), nothing],
        [nothing, ...replies('d', 3, 4)],
      ]
      const paths = parts.map((part, i) => write(use, String(i), part))
      const { warnings } = await runOn(use, paths)
      const [one, two] = paths.map(path => path.replace(`${process.cwd()}/`, ''))
      expect(warnings).toEqual([
        `input: replies to one prompt lie at the end of a file and at the beginning of the next, and no pair is made across files: ${one} and ${two}; put all replies to a prompt in one file`,
      ])
    },
  )

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])('by a limit, in a file of %s, are read whole', async use => {
    const path = write(use, 'limit-1', rows),
      next = write(use, 'limit-2', replies('d', 1, 2))
    const cut = await runOn(use, [path], 4)
    expect(cut.warnings).toEqual([
      'input: --limit 4 ends among the replies to one prompt, so the other 2 of them that follow are read too',
    ])
    expect([cut.manifest.rows.read, cut.manifest.limit, cut.ids]).toEqual([6, 4, ['a1', 'b1', 'b2', 'b3']])
    const last = await runOn(use, [path], 7)
    expect([last.manifest.rows.read, last.warnings.length]).toEqual([8, 1])
    for (const limit of [6, 8, 100]) {
      const { manifest, warnings } = await runOn(use, [path, next], limit)
      expect([manifest.rows.read, warnings]).toEqual([Math.min(limit, 10), []])
    }
  })
})

const data = fileURLToPath(new URL('../../../shared/data/oasst-100/', import.meta.url))
describe.runIf(existsSync(data))('real ranked replies', () => {
  it('give the pairs that were made of them by hand', async () => {
    const {
      pairs,
      files: [file],
    } = await readAll(readParquetFiles, data, 'ranked-replies.parquet')
    const byHand = (await readAll(readParquetFiles, data, 'pairs.parquet')).pairs
    expect(file.layout).toBe('ranked')
    const bare = ({ prompt, chosen, rejected }: (typeof pairs)[number], id: string) => ({
      id,
      prompt,
      chosen,
      rejected,
    })
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    expect(pairs.map(pair => bare(pair, `${pair.id}-${String(pair.source_rejected_id)}`)).sort(byId)).toEqual(
      byHand.map(pair => bare(pair, pair.id)).sort(byId),
    )
  })
})
