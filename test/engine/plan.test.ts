/** Which passes a graph is run in, and how much disk is expected of it. */
import { Schema } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkGraph } from '../../engine/graph/build.ts'
import { inputBytes, timesOnDisk } from '../../engine/run/disk.ts'
import { cutPartitions } from '../../engine/run/partitions.ts'
import { makePlan, type Plan } from '../../engine/run/plan.ts'
import { registry } from '../../stages/registry.ts'
import { graph, run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from './helpers.ts'

interface Stage {
  id: string
  use: string
  with?: Record<string, unknown>
  from?: string
}
const source = { id: 'pairs', use: 'read_jsonl', with: { path: 'absent.jsonl' } }

async function planOf(...stages: Stage[]): Promise<Plan> {
  const { graph: checked, problems } = await checkGraph(
    graph({ version: 1, name: 'test', stages: [source, ...stages] }, { base: import.meta.url }),
    { overrides: [], registry, userFolder: folder() },
  )
  if (!checked) throw new Error(JSON.stringify(problems))
  return makePlan(checked)
}
/** The ops of each level, a word each. */
async function levelsOf(...stages: Stage[]): Promise<string[][]> {
  return (await planOf(...stages, { id: 'dpo', use: 'write_arrow' })).levels.map(ops =>
    ops.map(
      op =>
        `${op.kind} ${'node' in op ? op.node : op.port}${op.kind === 'collect' ? ` ${op.round} of ${op.spool}` : ''}`,
    ),
  )
}
const noise = { id: 'noise', use: 'detect_noise' },
  agreed = { id: 'agreed', use: 'peer_review' }

describe('plan', () => {
  it('fits a stage beside the one before it, where that one only annotates', async () => {
    expect(await levelsOf(noise, agreed)).toEqual([
      ['source pairs', 'gather noise', 'collect noise 0 of noise#in', 'collect agreed 0 of noise#in'],
      ['load noise#in', 'collect noise 1 of noise#in', 'collect agreed 1 of noise#in'],
      ['load noise#in', 'stage noise', 'stage agreed', 'sink dpo'],
    ])
  })

  it('fits one panel for both stages, where the later one reads what the first says', async () => {
    expect(await levelsOf(noise, { ...agreed, with: { panel: 'noise' } })).toEqual([
      ['source pairs', 'gather noise', 'collect noise 0 of noise#in'],
      ['load noise#in', 'collect noise 1 of noise#in'],
      ['load noise#in', 'stage noise', 'stage agreed', 'sink dpo'],
    ])
  })

  it('also along a chain, and where the later one has more rounds', async () => {
    const ches = { id: 'ches', use: 'drop_ches' },
      again = { id: 'again', use: 'drop_ches' }
    expect(await levelsOf(ches, again, { id: 'twice', use: './two_rounds.mjs' })).toEqual([
      [
        'source pairs',
        'gather ches',
        'collect ches 0 of ches#in',
        'collect again 0 of ches#in',
        'collect twice 0 of ches#in',
      ],
      ['load ches#in', 'stage ches', 'stage again', 'collect twice 1 of ches#in', 'save again'],
      ['load again', 'stage twice', 'sink dpo'],
    ])
  })

  it('and so a fitted stage that says it keeps its rows may not change pairs', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(20))
    const changes = graph(
      {
        version: 1,
        name: 'test',
        stages: [
          { ...source, with: { path } },
          { id: 'twice', use: './two_rounds.mjs', with: { change: true } },
          { id: 'dpo', use: 'write_arrow' },
        ],
      },
      { base: import.meta.url },
    )
    await expect(run(changes, { output: join(at, 'out'), workers: 1 })).rejects.toThrow(
      "twice: the stage changes 'chosen' and is fitted: it must say rows: 'subset', not 'same'",
    )
  })

  it('nor swap their sides', async () => {
    const at = folder(),
      path = writeJsonl(
        join(at, 'in.jsonl'),
        pairs(20).map(row => ({ ...row, swap: 1 })),
      )
    writeFileSync(
      join(at, 'swaps.mjs'),
      readFileSync(new URL('swaps.mjs', import.meta.url), 'utf8')
        .replace("rows: 'subset'", "rows: 'same'")
        .replace(
          'examples: [],',
          'examples: [], fit: () => round({ collect: () => ({ batch() {}, part: () => 0 }), merge: () => 0 }),',
        )
        .replace('{ defineStage,', '{ defineStage, round,'),
    )
    const swaps = {
      version: 1,
      name: 'g',
      stages: [
        { ...source, with: { path } },
        { id: 'swaps', use: join(at, 'swaps.mjs') },
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    await expect(run(swaps as never, { output: join(at, 'out'), workers: 1 })).rejects.toThrow(
      "swaps: the stage swaps sides and is fitted: it must say rows: 'subset', not 'same'",
    )
  })

  it('nor write a side that it reads', async () => {
    const at = folder()
    const stage = (name: string, more: string) =>
      writeFileSync(
        join(at, `${name}.mjs`),
        `import { defineStage, round, Type } from 'sluice-data'
const fit = () => round({ collect: () => ({ batch() {}, part: () => 0 }), merge: () => 0 })
export default defineStage({ name: '${name}', version: 1, summary: 'x', options: Type.Object({}), examples: [],
  reads: { chosen: 'messages' }, writes: {}, rows: 'same', open: () => ({ batch() {} }), ${more} })`,
      )
    stage('rewrites', "writes: { chosen: 'messages' }, by: ['prompt'],")
    stage('learns', 'fit,')
    const levels = await levelsOf(
      { id: 'rewrites', use: join(at, 'rewrites.mjs') },
      { id: 'learns', use: join(at, 'learns.mjs') },
    )
    expect(levels.flat()).toContain('gather learns')
  })

  it('but not behind one that flips labels', async () => {
    expect((await levelsOf({ ...agreed, with: { action: 'flip' } }, noise)).flat()).toContain('gather noise')
    expect((await levelsOf({ ...agreed, with: { action: 'weight' } }, noise)).flat()).not.toContain('gather noise')
  })

  it('and not behind one that drops, or that writes what it reads, in the midst of a chain too', async () => {
    const waits = [
      ['source pairs', 'gather noise', 'collect noise 0 of noise#in'],
      ['load noise#in', 'collect noise 1 of noise#in'],
      ['load noise#in', 'stage noise', 'gather agreed', 'collect agreed 0 of agreed#in'],
      ['load agreed#in', 'collect agreed 1 of agreed#in'],
      ['load agreed#in', 'stage agreed', 'sink dpo'],
    ]
    expect(await levelsOf({ ...agreed, id: 'noise' }, agreed)).toEqual(waits)
    const reads = {
      ...agreed,
      with: { score_columns: [{ name: 'p', chosen: 'noise_probability', rejected: 'noise_probability' }] },
    }
    expect(await levelsOf(noise, reads)).toEqual(waits)
    expect((await levelsOf(noise, { id: 'between', use: 'detect_noise' }, reads)).flat()).toContain('gather agreed')
    expect((await levelsOf({ id: 'unique', use: 'drop_duplicates' }, agreed)).flat()).toContain('gather agreed')
  })

  it('says how often the rows lie on the disk: spools, what is learned and what is sorted', async () => {
    const dpo = { id: 'dpo', use: 'write_arrow' },
      sorted = { ...dpo, with: { order_by: 'id' } }
    expect(timesOnDisk(await planOf(dpo))).toBe(2.25)
    expect(timesOnDisk(await planOf(sorted))).toBe(3.25)
    expect(timesOnDisk(await planOf(noise, sorted))).toBe(timesOnDisk(await planOf(noise, dpo)) + 1)
    expect(timesOnDisk(await planOf(noise, agreed, sorted))).toBe(2.25 + 1 + 2 / 2 + 1)
  })

  it('takes rows for as large as their source says, else as their file, and only those that are read', () => {
    const file = (rows: number, bytes: number, facts = {}) => ({
      path: '',
      rows,
      bytes,
      starts: [0],
      layout: '',
      isText: true,
      schema: new Schema([]),
      facts,
      plan: null,
    })
    const files = [file(100, 1000, { decoded_bytes: 5000 }), file(10, 700)]
    const partitions = (limit?: number) => cutPartitions(files, 40, limit).flat()
    expect([
      inputBytes(files, partitions()),
      inputBytes(files, partitions(105)),
      inputBytes(files, partitions(50)),
    ]).toEqual([5700, 5350, 2500])
  })
})
