/** peer_review on real data: it drops nothing where it cannot see, and wrong labels where it can. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { Random } from '../../models/random.ts'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'

const gold_arguments = new URL('../../../shared/data/ukpconvarg1/all.parquet', import.meta.url)
const stages = [
  { id: 'checked', use: 'check_pairs' },
  { id: 'agreed', use: 'peer_review' },
  { id: 'dpo', use: 'write_arrow' },
]
const choices = fileURLToPath(new URL('../../../shared/data/hh-rlhf/harmless-base-test.parquet', import.meta.url))

interface Said {
  gate: string
  noise_rate: { high: number }
  expected: { stack: { rows: number; precision: { low: number; high: number } } }
}

it('drops nothing of what people chose, where reviewers hardly see why', { timeout: 120_000 }, async () => {
  // helpful answers are liked for what harmless ones are not
  const built = graph(
    {
      version: 1,
      name: 'real',
      stages: [
        { id: 'pairs', use: 'read_parquet', with: { path: choices.replace(/[^/]*$/, 'h*-test.parquet') } },
        ...stages,
      ],
    },
    { base: import.meta.url },
  )
  const {
    manifest: {
      stages: { agreed },
    },
  } = await run(built, { output: join(folder(), 'out'), workers: 2 })
  expect(agreed.dropped).toBe(0)
  expect(agreed.report!.lines.at(-1)).toMatch(/^nothing is dropped: /)
})

/** Gold labels, a share of them flipped, and what peer_review drops of them. */
async function dropOf(flipped: number) {
  const gold = (
    await parquetReadObjects({
      file: new Uint8Array(readFileSync(gold_arguments)).buffer,
      compressors,
      columns: ['prompt', 'response_a', 'response_b', 'strict_gold'],
    })
  ).filter((row, i) => (row.strict_gold === 'a' || row.strict_gold === 'b') && i % 2 === 0)
  const random = new Random(5),
    home = folder()
  const rows = gold.map((row, i) => {
    const wrong = random.float() < flipped,
      [chosen, rejected] =
        (row.strict_gold === 'a') === wrong ? [row.response_b, row.response_a] : [row.response_a, row.response_b]
    return {
      id: `${i}${wrong ? '-wrong' : ''}`,
      prompt: row.prompt as string,
      chosen: chosen as string,
      rejected: rejected as string,
    }
  })
  const built = graph(
    {
      version: 1,
      name: 'real',
      stages: [{ id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(home, 'in.jsonl'), rows) } }, ...stages],
    },
    { base: import.meta.url },
  )
  const { manifest } = await run(built, { output: join(home, 'out'), workers: 2 })
  const dropped = rowsOf(join(home, 'out', 'latest', 'dropped', 'agreed'))
  return {
    rows: rows.length,
    wrong: rows.filter(({ id }) => id.endsWith('-wrong')).length,
    dropped: dropped.length,
    hits: dropped.filter(({ id }) => String(id).endsWith('-wrong')).length,
    said: manifest.stages.agreed.report!.numbers as unknown as Said,
  }
}

it('finds wrong labels among gold ones, as many as it says', { timeout: 120_000 }, async () => {
  const { rows, wrong, dropped, hits, said } = await dropOf(0.2),
    { precision } = said.expected.stack
  expect(said.noise_rate.high).toBeGreaterThan(wrong / rows)
  // a few pairs are there twice, and in the sample once
  expect(Math.abs(said.expected.stack.rows - dropped)).toBeLessThan(6)
  expect(hits / wrong).toBeGreaterThan(0.5)
  expect(hits / dropped).toBeGreaterThan(0.65)
  expect(hits / dropped).toBeGreaterThan(precision.low)
  expect(hits / dropped).toBeLessThan(precision.high)
})

it('drops nothing where four in ten are wrong: that looks like weak reviewers', { timeout: 120_000 }, async () => {
  const { dropped, said } = await dropOf(0.4)
  expect([dropped, said.gate]).toEqual([0, 'auroc'])
})
