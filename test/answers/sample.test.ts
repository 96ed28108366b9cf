/** Answers about the bundled sample, in wide and narrow terminals. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import stringWidth from 'string-width'
import { showLines } from '../../app/answers/show_lines.ts'
import { shownRows } from '../../app/answers/show.ts'
import { whyLines } from '../../app/answers/why_lines.ts'
import { whyRows } from '../../app/answers/why.ts'
import { main, run } from '../../index.mjs'
import { folder } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

it('of near-duplicates: rows to read, why of one, and what another limit comes to, which the ledger cannot say', async () => {
  const at = folder(),
    output = join(at, 'out'),
    file = join(at, 'g.json')
  const graph = {
    version: 1 as const,
    name: 'g',
    stages: [
      { id: 'pairs', use: 'read_parquet', with: { path: 'data/sample/*.parquet' } },
      { id: 'checked', use: 'check_pairs' },
      { id: 'ratio', use: 'drop_length_ratio', with: { max_ratio: 20 } },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'distinct', use: 'drop_near_duplicates' },
      { id: 'dpo', use: 'write_arrow' },
    ],
  }
  writeFileSync(file, JSON.stringify(graph))
  const { folder: out } = await run(graph, { output, workers: 1 })
  const shown = await shownRows(out, { reason: 'distinct.near_duplicate', between: '0.9,1', count: 20 }),
    told = await whyRows(out, 'chat-0009')
  expect([shown.count, told.rows[0].said]).toEqual([6, 'left out by distinct: repeats (distinct.near_duplicate)'])
  for (const columns of [100, 40]) {
    const screen = { columns, isColoured: false, widthOf: stringWidth }
    for (const line of [...showLines(screen, shown), ...whyLines(screen, told)]) {
      if (!/printf|npx/.test(line)) expect(stringWidth(line), line).toBeLessThanOrEqual(columns)
    }
  }
  // six are 0.9 like another row, and a run at 0.9 drops five
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  const code = await main(['sweep', file, 'distinct.similarity=0.8,0.9', '--output', output, '--quiet', '--json']),
    [[text]] = log.mock.calls as string[][]
  log.mockRestore()
  expect(code).toBe(0)
  const { tries } = JSON.parse(text) as { tries: { dropped: Record<string, number> }[] }
  expect(tries.map(({ dropped }) => dropped['distinct.near_duplicate'])).toEqual([10, 5])
})
