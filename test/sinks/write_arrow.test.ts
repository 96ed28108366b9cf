/** `order_by` of write_arrow. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
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
  })
})
