/** Named outputs: rows that a stage dropped or noted something of, with what it wrote of them and why. */
import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { folder, rowsOf, writeJsonl } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Drops odd numbers, notes those below 3 twice, fails on 7, and writes twice the number. */
const mine = (more = '') => `import { defineStage, Type } from 'sluice-data'
export default defineStage({
  name: 'mine', version: 1, summary: 'x', options: Type.Object({}), reads: { number: 'number' },
  writes: { twice: 'float64' }, rows: 'subset',
  reasons: { odd: { kind: 'quality', about: 'x' }, none: { kind: 'quality', about: 'never' } },
  notes: { small: 'below 3' }, examples: [], ${more}
  open: () => ({ batch(batch, verdict) {
    const { values } = batch.numbers('number')
    for (let row = 0; row < batch.rows; row++) {
      if (values[row] === 7) throw new Error('seven')
      for (let i = 0; i < 2; i++) if (values[row] < 3) verdict.note(row, 'small')
      if (values[row] % 2) verdict.drop(row, 'odd', values[row])
    }
    return { columns: { twice: values.map(value => 2 * value) } }
  } }) })\n`

const rows = Array.from({ length: 9 }, (_, number) => ({
  id: `r${number}`,
  prompt: `What is ${number}?`,
  chosen: `It is ${number}.`,
  rejected: `Not ${number}.`,
  number,
}))

function graphOf(stage: string, more: readonly object[]) {
  const at = folder()
  writeFileSync(join(at, 'mine.mjs'), stage)
  const path = writeJsonl(join(at, 'in.jsonl'), rows)
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'mine', use: join(at, 'mine.mjs') },
    { id: 'dpo', use: 'write_arrow', from: 'mine' },
    ...more,
  ]
  return { graph: { version: 1 as const, name: 'g', stages: stages as never }, output: join(at, 'out') }
}
const brief = (path: string) =>
  rowsOf(path).map(({ id, mine_twice, mine_reason, mine_score }) => [id, mine_twice, mine_reason, mine_score])

describe('named outputs', () => {
  it('carry what the stage wrote, and why: null of a noted row that goes on', async () => {
    const sink = (id: string, from: string) => ({ id, use: 'write_arrow', from })
    const { graph, output } = graphOf(mine(), [
      sink('odd', 'mine.odd'),
      sink('none', 'mine.none'),
      sink('dropped_rows', 'mine.dropped'),
      sink('small', 'mine.small'),
      // behind a stage that waits for all rows, so that they are spooled
      { id: 'once', use: 'drop_duplicates', from: 'mine.dropped' },
      sink('later', 'once'),
    ])
    const { folder: out, manifest } = await run(graph, { output, workers: 1 })
    const odd = [1, 3, 5].map(n => [`r${n}`, 2 * n, 'odd', undefined]),
      dropped = [...odd, ['r7', null, 'error', undefined]]
    expect(brief(join(out, 'odd'))).toEqual(odd)
    expect(brief(join(out, 'none'))).toEqual([])
    expect(brief(join(out, 'dropped_rows'))).toEqual(dropped)
    expect(brief(join(out, 'later'))).toEqual(dropped)
    expect(brief(join(out, 'small'))).toEqual([
      ['r0', 0, null, undefined],
      ['r1', 2, 'odd', undefined],
      ['r2', 4, null, undefined],
    ])
    expect(rowsOf(join(out, 'dropped/mine')).map(row => [row.id, row.mine_twice, row.dropped_reason])).toEqual(
      dropped.map(([id, twice, why]) => [id, twice, why]),
    )
    expect(manifest.stages.mine).toMatchObject({ in: 9, out: 5, dropped: 3, errored: 1, notes: { small: 3 } })
    // a note that is said twice is one
    expect(rowsOf(join(out, 'notes/mine')).map(({ id }) => id)).toEqual(['r0', 'r1', 'r2'])
    expect(rowsOf(join(out, 'dpo')).map(row => Object.keys(row).includes('mine_reason'))).toEqual(Array(5).fill(false))
  })

  it('of a stage that makes new rows are those of which it made none', async () => {
    const { graph, output } = graphOf(mine(), [
      { id: 'hard', use: 'inject_errors', from: 'pairs' },
      { id: 'new', use: 'write_arrow', from: 'hard' },
      { id: 'declined', use: 'write_arrow', from: 'hard.no_equation' },
    ])
    const { folder: out } = await run(graph, { output, workers: 1 })
    expect(rowsOf(join(out, 'declined')).map(({ id, hard_reason }) => [id, hard_reason])).toEqual(
      rows.map(({ id }) => [id, null]),
    )
  })

  it('are no result for themselves: without a row to train on `latest` stays', async () => {
    const { graph, output } = graphOf(mine(), [
      { id: 'humans', use: 'write_arrow', from: 'mine.odd', with: { for: 'review' } },
    ])
    const first = await run(graph, { output, workers: 1 })
    expect(first.status).toBe('published')
    writeFileSync(join(output, '..', 'mine.mjs'), mine().replace('values[row] % 2', 'values[row] >= 0'))
    const { status, manifest } = await run(graph, { output, workers: 1 })
    expect([status, manifest.sinks.dpo.rows, manifest.sinks.humans.rows]).toEqual(['empty', 0, 8])
    expect(realpathSync(join(output, 'latest'))).toBe(realpathSync(first.folder))
  })

  it('are there for what a stage may say with its options', async () => {
    const { graph, output } = graphOf(mine(), [
      { id: 'noise', use: 'peer_review', with: { action: 'annotate' }, from: 'pairs' },
      { id: 'wrong', use: 'write_arrow', from: 'noise.reversed' },
      { id: 'also', use: 'write_arrow', from: ['mine', 'mine.small'] },
    ])
    await expect(run(graph, { output, workers: 1 })).rejects.toThrow(
      /\/stages\/4\/from .*with these options 'noise' drops no rows/,
    )
  })
})

describe('a stage that does otherwise than it says', () => {
  it('drops a row though all go on, or names parents in any order: the run ends', async () => {
    const same = graphOf(mine().replace("rows: 'subset'", "rows: 'same'"), [])
    await expect(run(same.graph, { output: same.output, workers: 1 })).rejects.toThrow(
      "mine: the stage drops a row as 'odd' and says rows: 'same'; say 'subset' where it may drop one",
    )
    const derive = (parents: string) =>
      graphOf(
        `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'mine', version: 1, summary: 'x', options: Type.Object({}), reads: {}, writes: {},
  rows: 'derive', examples: [], open: () => ({ batch: () => ({ parents: ${parents} }) }) })\n`,
        [],
      )
    for (const [parents, said] of [
      ['[1, 0]', 'parents[1] is 0'],
      ['[99]', 'parents[0] is 99'],
      ['[0.5]', 'parents[0] is 0.5'],
    ]) {
      const { graph, output } = derive(parents)
      await expect(run(graph, { output, workers: 1 })).rejects.toThrow(`mine: ${said}; parents are rows of the batch`)
    }
  })
})
