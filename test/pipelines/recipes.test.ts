/** The recipes, run on the bundled sample: of a reward model on loopback, or of columns that are written here. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readdirSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { graph, run, readParquet } from '../../index.mjs'
import { startServer } from '../calls/server.ts'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { pipelines, sample } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })
const recipes = join(pipelines, 'recipes')
const chat = join(sample, 'pairs-chat.parquet')
type Row = Readonly<Record<string, unknown>>

async function ran(name: string, input: string, set: readonly string[] = []) {
  const { folder: out, manifest } = await run(graph(pathToFileURL(join(recipes, name))), {
    output: join(folder(), 'out'),
    answers: join(folder(), 'answers'),
    input: [input],
    workers: 1,
    set,
  })
  const rows = (path: string) => rowsOf(join(out, path)) as Row[]
  return { kept: rows('dpo'), ledger: rows('ledger'), manifest }
}
const dropped = (ledger: readonly Row[], stage: string) =>
  ledger.filter(row => row.outcome === 'dropped' && row.stage === stage).map(({ id }) => id)

it('are these', () => {
  expect(readdirSync(recipes).sort()).toEqual(['fdpo.yaml', 'rpo.yaml'])
})

it('rpo.yaml drops pairs whose chosen side is in the lowest quarter of all sides', async () => {
  const { url } = await startServer()
  const { kept, ledger } = await ran('rpo.yaml', chat, [`quality.url=${url}`, 'quality.model=reward'])
  // one limit for all: a quantile
  const limits = kept.map(row => (row.quality_chosen_score as number) - (row.above_chosen_score as number))
  for (const limit of limits) expect(limit).toBeCloseTo(limits[0], 9)
  const scores = kept.map(row => row.quality_chosen_score as number),
    lowest = Math.min(...scores)
  expect(kept.length).toBeGreaterThan(20)
  expect(dropped(ledger, 'good').length).toBeGreaterThan(2)
  for (const row of kept) {
    expect(row.above_chosen_score).toBeGreaterThanOrEqual(0)
  }
  const rejected = kept.map(row => row.quality_rejected_score as number)
  expect(rejected.some(score => score < lowest)).toBe(true)
})

it('fdpo.yaml drops pairs that the policy answers better, and keeps those of which it cannot tell', async () => {
  const scored: Row[] = []
  for await (const batch of readParquet(chat)) {
    for (const row of batch.toArray() as { toJSON(): Row }[]) {
      const i = scored.length
      scored.push({ ...row.toJSON(), chosen_score: i % 5, policy_score: i % 7 === 6 ? null : 2 })
    }
  }
  const { kept, ledger, manifest } = await ran('fdpo.yaml', writeJsonl(join(folder(), 'scored.jsonl'), scored))
  const poor = scored.filter(row => row.policy_score !== null && (row.chosen_score as number) < 2).map(({ id }) => id)
  const gone = dropped(ledger, 'good')
  expect(gone.length).toBeGreaterThan(10)
  expect(poor).toEqual(expect.arrayContaining(gone))
  expect(kept.map(({ id }) => id).filter(id => poor.includes(id))).toEqual([])
  expect(manifest.stages.good.notes).toMatchObject({ cannot_tell: expect.any(Number) as number })
})
