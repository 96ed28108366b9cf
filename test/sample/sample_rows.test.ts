/** sample_rows: as many rows as it says, and the same ones whatever the order of files and the number of workers. */
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const at = folder(),
  first = writeJsonl(join(at, 'a.jsonl'), pairs(180)),
  second = writeJsonl(join(at, 'b.jsonl'), pairs(120, 180))
const sample = async (options: Record<string, unknown>, paths = [first, second], workers = 2) => {
  const graph = {
    version: 1 as const,
    name: 'g',
    partition_rows: 50,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: paths[0], more_paths: paths.slice(1) } },
      { id: 'some', use: 'sample_rows', with: options },
      { id: 'dpo', use: 'write_arrow' },
    ],
  }
  const { folder: made, manifest } = await run(graph, {
    output: join(at, JSON.stringify([options, paths.length, workers])),
    workers,
  })
  const ids = rowsOf(join(made, 'dpo')).map(({ id }) => String(id))
  return { ids, folder: made, manifest }
}

it('keeps exactly so many rows, nested in those of a larger sample, for any order of files and workers', async () => {
  const forty = await sample({ rows: 40 })
  expect(forty.ids).toHaveLength(40)
  expect(forty.manifest.stages.some.reasons).toEqual({ left_out: 260 })
  expect(forty.manifest.warnings ?? []).toEqual([])
  const turned = await sample({ rows: 40 }, [second, first], 1)
  expect([...turned.ids].sort()).toEqual([...forty.ids].sort())
  expect(fingerprint((await sample({ rows: 40 }, [first, second], 1)).folder)).toEqual(fingerprint(forty.folder))
  const seven = await sample({ rows: 7 }),
    all = await sample({ rows: 300 })
  expect(seven.ids).toHaveLength(7)
  expect(forty.ids).toEqual(expect.arrayContaining(seven.ids))
  expect(all.ids).toHaveLength(300)
})

it('keeps a share within chance, of each pair the same whatever else is there', async () => {
  const both = await sample({ share: 0.3 }),
    one = await sample({ share: 0.3 }, [first])
  expect(both.ids.length / 300).toBeGreaterThan(0.2)
  expect(both.ids.length / 300).toBeLessThan(0.4)
  expect(both.ids.filter(id => Number(id.slice(1)) < 180)).toEqual(one.ids)
})

it('keeps pairs of one id together, and never more than it says', async () => {
  const twice = await sample({ rows: 41 }, [first, writeJsonl(join(at, 'again.jsonl'), pairs(180))])
  expect(twice.ids).toHaveLength(40)
  expect(new Set(twice.ids).size).toBe(20)
})

it('refuses neither and both', async () => {
  await expect(sample({})).rejects.toThrow(/give either 'rows' or 'share', and not neither/)
  await expect(sample({ rows: 3, share: 0.5 })).rejects.toThrow(/and not both/)
})
