/** rename_columns and select_columns: whatever comes before and after them, and what they refuse. */
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const at = folder(),
  rows = pairs(40).map((row, i) => ({ ...row, number: i % 5, lang: i % 3 === 0 ? null : `l${i}`, note: `n${i}` })),
  input = writeJsonl(join(at, 'a.jsonl'), rows)
const graphOf = (...stages: object[]) => ({
  version: 1 as const,
  name: 'g',
  partition_rows: 9,
  stages: [{ id: 'pairs', use: 'read_jsonl', with: { path: input } }, ...stages, { id: 'dpo', use: 'write_jsonl' }] as {
    id: string
    use: string
  }[],
})
const rename = (id: string, rename: object) => ({ id, use: 'rename_columns', with: { rename } })

it('columns have their new names wherever rows were spooled before, and those that go are gone', async () => {
  const graph = graphOf(
    { id: 'unique', use: 'drop_duplicates' },
    rename('swapped', { lang: 'note', note: 'lang' }),
    { id: 'some', use: 'sample_rows', with: { rows: 30 } },
    rename('scored', { score: 'number' }),
    { id: 'near', use: 'drop_near_duplicates' },
    { id: 'good', use: 'drop_by_column', with: { where: 'score < 2 || note == null' } },
    { id: 'slim', use: 'select_columns', with: { drop: ['note'] } },
    { id: 'dup', use: 'drop_duplicates' },
  )
  const written = {
    ...graph,
    stages: graph.stages.map(stage => (stage.id === 'dpo' ? { ...stage, use: 'write_arrow' } : stage)),
  }
  const [one, three] = await Promise.all(
    [1, 3].map(workers => run(written, { output: join(at, `w${workers}`), workers })),
  )
  expect(fingerprint(one.folder)).toEqual(fingerprint(three.folder))
  const kept = rowsOf(join(one.folder, 'dpo'))
  expect(kept.length).toBeGreaterThan(5)
  for (const { id, score, lang, ...more } of kept) {
    const row = rows.find(row => row.id === id)!
    expect({ score, lang }).toEqual({ score: row.number, lang: row.note })
    expect(row.number >= 2 && row.lang !== null).toBe(true)
    expect(more).not.toHaveProperty('note')
    expect(more).not.toHaveProperty('number')
  }
})

it('what cannot be is told before a row is read', async () => {
  for (const [stage, why] of [
    [rename('x', { score: 'numbr' }), /reads a column that nothing upstream writes.*numbr.*did you mean number/],
    [rename('x', { better: 'chosen' }), /'chosen' is of the pair itself/],
    [rename('x', { prompt: 'note' }), /'prompt' is of the pair itself/],
    [rename('x', { lang: 'note' }), /there is a column 'lang' already/],
    [rename('x', { a: 'note', b: 'note' }), /'note' would have two names/],
    [{ id: 'x', use: 'select_columns' }, /give either 'keep' or 'drop', and not neither/],
    [{ id: 'x', use: 'select_columns', with: { keep: ['note'], drop: ['lang'] } }, /and not both/],
    [{ id: 'x', use: 'select_columns', with: { drop: ['id'] } }, /'id' is of the pair itself/],
    [{ id: 'x', use: 'select_columns', with: { keep: ['nose'] } }, /nose.*did you mean note/],
  ] as const) {
    await expect(run(graphOf(stage), { output: join(at, 'no') })).rejects.toThrow(why)
  }
})
