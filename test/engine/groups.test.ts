/** Stages that look at groups of rows, in whole runs, as users write them. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { folder, rowsOf, writeJsonl } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const head = `import { defineStage, round, Type } from 'sluice-data'\n`
/** Ranks pairs of a prompt by a score; the fit gives what all are above. */
const rank = (more = 'scores[row] - least') => `${head}export default defineStage({
  name: 'rank', version: 1, summary: 'x', options: Type.Object({}), examples: [],
  reads: { score: 'number', chosen: 'messages' }, writes: { rank: 'int32', above: 'float64', best: 'text' },
  rows: 'subset', reasons: { last: { kind: 'quality', about: 'rank' } }, notes: { alone: 'no other pair of its prompt' },
  by: ['prompt'],
  fit: () => round({
    collect() {
      let least = Infinity
      return {
        batch(batch) { for (const score of batch.numbers('score').values) least = Math.min(least, score) },
        part: () => least,
      }
    },
    merge: parts => Math.min(...parts),
  }),
  open: (_, { state: least }) => ({
    batch(batch, verdict) {
      const scores = batch.numbers('score').values, chosen = batch.messages('chosen')
      const rank = new Int32Array(batch.rows), above = new Float64Array(batch.rows), best = []
      for (let g = 0; g + 1 < batch.groups.length; g++) {
        const rows = Array.from({ length: batch.groups[g + 1] - batch.groups[g] }, (_, i) => batch.groups[g] + i)
        const order = [...rows].sort((a, b) => scores[b] - scores[a] || a - b)
        if (rows.some(row => scores[row] === 13)) throw new Error('thirteen')
        for (const row of rows) {
          rank[row] = 1 + order.indexOf(row)
          above[row] = ${more}
          best.push(chosen.text(order[0]))
          if (rows.length === 1) verdict.note(row, 'alone')
          if (rows.length > 3 && order.at(-1) === row) verdict.drop(row, 'last', rank[row], order[0])
        }
      }
      return { columns: { rank, above, best } }
    },
  }),
})\n`

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, k) => {
    const i = from + k
    return {
      id: `r${i}`,
      prompt: `question ${i % 11 === 10 ? `alone ${i}` : i % 5}?`,
      chosen: `answer ${i}`,
      rejected: `no ${i}`,
      score: (i * 7) % 12,
    }
  })

function graphOf(stage: string, data: readonly object[][] = [rows(0, 30), rows(30, 50)]) {
  const at = folder()
  writeFileSync(join(at, 'rank.mjs'), stage)
  data.forEach((some, f) => writeJsonl(join(at, `${f}.jsonl`), some))
  const graph = {
    version: 1 as const,
    name: 'g',
    partition_rows: 7,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: join(at, '*.jsonl') } },
      { id: 'rank', use: join(at, 'rank.mjs') },
      { id: 'dpo', use: 'write_arrow', from: 'rank' },
      { id: 'people', use: 'write_arrow', from: ['rank.last', 'rank.alone'], with: { for: 'review' } },
    ],
  }
  return { at, graph: graph as never, output: join(at, 'out') }
}
const filesOf = (at: string) =>
  Object.fromEntries(
    readdirSync(at, { recursive: true })
      .map(String)
      .filter(name => /\.(arrow|json)$/.test(name) && !/manifest|timings|report/.test(name))
      .sort()
      .map(name => [
        name,
        createHash('sha256')
          .update(readFileSync(join(at, name)))
          .digest('hex'),
      ]),
  )

describe('a stage that looks at groups', () => {
  it('gives every member its columns, whatever the workers, blocks, buckets and partitions', async () => {
    const all = [...rows(0, 30), ...rows(30, 50)],
      least = Math.min(...all.map(({ score }) => score))
    const { at, graph, output } = graphOf(rank())
    const { folder: first, manifest } = await run(graph, { output, workers: 1 })
    const groupOf = (prompt: string) => all.filter(row => row.prompt === prompt)
    const rankOf = (row: (typeof all)[number]) =>
      1 +
      groupOf(row.prompt).filter(o => o.score > row.score || (o.score === row.score && o.id < row.id && false)).length
    for (const { id, rank_rank, rank_above, rank_best } of rowsOf(join(first, 'dpo'))) {
      const row = all.find(row => row.id === id)!
      const members = groupOf(row.prompt),
        top = members.reduce((a, b) => (b.score > a.score ? b : a))
      expect(rank_rank).toBeGreaterThanOrEqual(rankOf(row))
      expect([rank_above, rank_best]).toEqual([row.score - least, top.chosen])
    }
    expect(manifest.stages.rank).toMatchObject({ in: 50, dropped: 5, notes: { alone: 4 } })
    const sizes = [{ workers: 2 }, { blockRows: 1 }, { bucketBytes: 16, workers: 3 }, { blockRows: 3 }]
    for (const [i, size] of sizes.entries()) {
      const again = await run(graph, { workers: 1, output: join(at, `out-${i}`), ...size })
      expect(filesOf(again.folder)).toEqual(filesOf(first))
    }
  })

  it('sets the members of a group that fails aside, and no other', async () => {
    const some = rows(0, 20).map(row => (row.id === 'r7' ? { ...row, score: 13 } : row))
    const { graph, output } = graphOf(rank(), [some])
    const { folder: out, manifest } = await run(graph, { output, workers: 1 })
    const failed = some.filter(({ prompt }) => prompt === some[7].prompt).length
    expect(manifest.stages.rank).toMatchObject({ in: 20, errored: failed })
    expect(rowsOf(join(out, 'dropped/rank')).filter(row => row.dropped_reason === 'error').length).toBe(failed)
    expect(rowsOf(join(out, 'dpo')).length + rowsOf(join(out, 'dropped/rank')).length).toBe(20)
  })

  it('leaves what it writes of a group that fails null, though the input has columns of those names', async () => {
    const stage = `${head}export default defineStage({
      name: 'rank', version: 1, summary: 'x', options: Type.Object({}), examples: [], reads: { score: 'number' },
      writes: { score: 'float64', kind: 'int32' }, rows: 'subset', reasons: { last: { kind: 'quality', about: '' } },
      notes: { alone: '' }, by: ['prompt'],
      open: () => ({ batch(batch) {
        const { values } = batch.numbers('score')
        if (values.includes(7)) throw new Error('seven')
        return { columns: { score: values.map(score => score / 10), kind: new Int32Array(batch.rows).fill(1) } }
      } }) })`
    const some = rows(0, 20).map(row => ({ ...row, kind: 'image' }))
    const { graph, output } = graphOf(stage, [some])
    const { folder: out } = await run(graph, { output, workers: 1 }),
      failed = rowsOf(join(out, 'dropped/rank')),
      kept = rowsOf(join(out, 'dpo'))
    expect(failed.length).toBeGreaterThan(0)
    expect(kept.length + failed.length).toBe(20)
    for (const row of failed) expect(row).toMatchObject({ rank_score: null, rank_kind: null, kind: 'image' })
    for (const row of kept) expect(row).toMatchObject({ rank_score: Number(row.score) / 10, rank_kind: 1 })
  })

  it('is asked again where its state, its code or its rows changed, and not otherwise', async () => {
    const { at, graph, output } = graphOf(rank())
    await run(graph, { output, workers: 1 })
    const changed = async (step: () => void) => {
      step()
      const { folder: after } = await run(graph, { output, workers: 1 }),
        { folder: anew } = await run(graph, { output: join(folder(), 'out'), workers: 1 })
      expect(filesOf(after)).toEqual(filesOf(anew))
      return filesOf(after)
    }
    const before = await changed(() => {})
    const other = await changed(() => writeFileSync(join(at, 'rank.mjs'), rank('least - scores[row]')))
    expect(other).not.toEqual(before)
    // the least of all scores is another: no group of the rows before has changed but by the state
    const lower = await changed(() => {
      writeJsonl(join(at, '2.jsonl'), [{ id: 'x', prompt: 'new?', chosen: 'a', rejected: 'b', score: -5 }])
    })
    expect(lower).not.toEqual(other)
  })

  it('leaves a row that is set aside as it was, and yields to none of them', async () => {
    const stage = `${head}export default defineStage({
      name: 'rank', version: 1, summary: 'x', options: Type.Object({}), reads: { score: 'number' }, examples: [],
      writes: { chosen: 'messages' }, rows: 'subset', reasons: { last: { kind: 'quality', about: '' } },
      notes: { alone: '' }, by: ['prompt'],
      open: () => ({ batch(batch) {
        if ([...batch.numbers('score').values].includes(7)) throw new Error('seven')
        return { columns: { chosen: Array.from({ length: batch.rows }, () => [{ role: 'assistant', content: 'new' }]) } }
      } }) })`
    const { graph, output } = graphOf(stage, [rows(0, 20)])
    const { folder: out } = await run(graph, { output, workers: 1 })
    const failed = rowsOf(join(out, 'dropped/rank'))
    expect(failed.length).toBeGreaterThan(0)
    for (const row of failed) {
      expect(JSON.stringify(row.chosen)).toContain(`answer ${String(row.id).slice(1)}`)
    }
    expect(rowsOf(join(out, 'dpo')).every(({ chosen }) => JSON.stringify(chosen).includes('new'))).toBe(true)
    const near = `${head}export default defineStage({
      name: 'rank', version: 1, summary: 'x', options: Type.Object({}), reads: { score: 'number' }, writes: {},
      rows: 'cluster', reasons: { last: { kind: 'quality', about: '' } }, examples: [], by: ['keys'],
      carries: { keys: 'list_int32', score: 'float64' },
      carry: () => batch => ({ keys: [...batch.numbers('score').values].map(n => [n % 2, 10 + n]), score: batch.numbers('score').values }),
      open: () => ({ batch(batch) {
        if (batch.numbers('score').values.every(score => score === 0)) throw new Error('zero')
        const a = [], b = [], value = []
        for (let g = 0; g + 1 < batch.groups.length; g++) {
          for (let row = batch.groups[g] + 1; row < batch.groups[g + 1]; row++) {
            a.push(batch.groups[g]); b.push(row); value.push(1)
          }
        }
        return { a, b, value }
      } }) })`
    const some = [0, 0, 2, 4].map((score, i) => ({ ...rows(i, i + 1)[0], score }))
    const cluster = graphOf(near, [some])
    ;(cluster.graph as { stages: unknown[] }).stages.pop()
    const { manifest, folder: kept } = await run(cluster.graph, { output: cluster.output, blockRows: 1, workers: 1 })
    // r0 and r1 share a group that fails; r2 stays, and r3 yields to it and to no row that is set aside
    expect(manifest.stages.rank).toMatchObject({ in: 4, out: 1, dropped: 1, errored: 2 })
    expect(rowsOf(join(kept, 'dpo')).map(({ id }) => id)).toEqual(['r2'])
  })

  it.each([
    ['swaps sides', `return { swapped: { rows: new Uint8Array(batch.rows) } }`, '', /a stage with 'by' swaps no sides/],
    [
      'gives no column that it carries',
      '',
      `carries: { a: 'text' }, carry: () => () => ({}),`,
      /carry\(\) gives no column 'a'/,
    ],
    [
      'gives messages that are none',
      `return { columns: { chosen: Array.from({ length: batch.rows }, () => [{ role: 'user', text: 'x' }]) } }`,
      `writes: { chosen: 'messages' },`,
      /value 0 is .*not a list of messages \{ role, content \}, both texts/,
    ],
    [
      'gives a part of a longer column',
      `return { columns: { a: batch.column('score').slice(1, batch.rows - 1) } }`,
      `reads: { score: 'number' }, writes: { a: 'float64' }, by: undefined,`,
      /is a slice of a longer column|has \d+ values for/,
    ],
  ])('ends the run where it %s', async (_, body, more, message) => {
    const stage = `${head}export default defineStage({ name: 'rank', version: 1, summary: 'x', options: Type.Object({}),
      reads: {}, writes: {}, rows: 'subset', reasons: { last: { kind: 'quality', about: '' } }, by: ['prompt'],
      examples: [], open: () => ({ batch(batch) { ${body} } }), ${more} })`
    const { graph, output } = graphOf(stage, [rows(0, 30).map(row => ({ ...row, score: row.score + 0.5 }))])
    ;(graph as { stages: unknown[] }).stages.pop()
    await expect(run(graph, { output, workers: 1 })).rejects.toThrow(message)
  })

  it('is another where a group may have fewer bytes', async () => {
    const { graph, output } = graphOf(rank())
    await run(graph, { output, workers: 1 })
    expect((await run(graph, { output, groupBytes: 1 << 20, workers: 1 })).status).toBe('published')
  })

  it('names the row that a dropped one yields to, in the ledger', async () => {
    const { graph, output } = graphOf(rank())
    const { folder: out } = await run(graph, { output, workers: 1 })
    const ledger = rowsOf(join(out, 'ledger')).filter(({ reason }) => reason === 'last')
    expect(ledger.length).toBe(5)
    for (const row of ledger) {
      const [, file, place] = /(\d)\.jsonl:(\d+)$/.exec(String(row.detail))!
      const best = [rows(0, 30), rows(30, 50)][Number(file)][Number(place)]
      expect(best.prompt).toBe([...rows(0, 50)].find(({ id }) => id === row.id)!.prompt)
    }
  })

  it('ends the run at a group that is too large for the memory, with its key and its size', async () => {
    const { graph, output } = graphOf(rank())
    await expect(run(graph, { output, groupBytes: 300, workers: 1 })).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(
        /^rank \(.*rank\.mjs\): the group of prompt \[\{"role":"user","content":"question .*"\}\] has \d+ rows, and [\d,]+ bytes of them travel; a group may have 300 bytes: let the stage carry less/,
      ) as string,
    })
  })

  it.each([
    [`by: ['promt'],`, /'rank' reads a column that nothing upstream writes.*promt.*did you mean prompt/],
    [`by: [],`, /'by' names no column/],
    [`by: ['prompt'], carries: { a: 'text' },`, /'carries' and 'carry' go together/],
    [`carries: { a: 'text' }, carry: () => () => ({ a: [] }),`, /it has no 'by'/],
    [`rows: 'cluster',`, /needs 'by', a list column that the stage carries/],
    [`rows: 'derive', by: ['prompt'],`, /it has 'by' and derives rows/],
    [`rows: 'cluster', by: ['prompt'],`, /takes one column in 'by', a list_int32 or list_text that the stage carries/],
    [`group: {},`, /the stage says 'group', which is 'by', 'carries', 'carry' and 'open' now/],
  ])('is refused before a row is read: %s', async (more, message) => {
    const stage = `${head}export default defineStage({ name: 'rank', version: 1, summary: 'x', options: Type.Object({}),
      reads: {}, writes: {}, rows: 'subset', reasons: { last: { kind: 'quality', about: '' } }, examples: [],
      open: () => ({ batch() {} }), ${more} })`
    const { graph, output } = graphOf(stage)
    ;(graph as { stages: unknown[] }).stages.pop()
    const error: Error = await run(graph, { output, workers: 1 }).then(
      () => new Error('it ran'),
      (thrown: unknown) => thrown as Error,
    )
    expect(error.message).toMatch(message)
  })

  it('may not drop a row by itself where it clusters, nor give an edge between two groups', async () => {
    const stage = (body: string) => `${head}export default defineStage({ name: 'rank', version: 1, summary: 'x',
      options: Type.Object({}), reads: { number: 'number' }, writes: {}, rows: 'cluster', by: ['keys'], examples: [],
      reasons: { last: { kind: 'quality', about: '' }}, carries: { keys: 'list_int32' },
      carry: () => batch => ({ keys: [...batch.numbers('number').values].map(n => [n]) }),
      open: () => ({ batch(batch, verdict) { ${body} } }) })`
    const data = [Array.from({ length: 80 }, (_, i) => ({ ...rows(i, i + 1)[0], number: i >> 1 }))]
    const tried = (body: string) => {
      const { graph, output } = graphOf(stage(body), data)
      ;(graph as { stages: unknown[] }).stages.pop()
      return run(graph, { output, workers: 1 })
    }
    await expect(tried(`verdict.drop(0, 'last')`)).rejects.toThrow(/gives edges, and the engine drops all of a cluster/)
    await expect(tried(`return { a: [0], b: [batch.rows - 1], value: [1] }`)).rejects.toThrow(/two rows of one group/)
    await expect(tried(`return { a: [0] }`)).rejects.toThrow(/gives back \{ a, b, value \}, lists of one length/)
    const { manifest } = await tried(
      `const a = [...batch.groups.subarray(0, -1)]; return { a, b: a.map(row => row + 1), value: a }`,
    )
    expect(manifest.stages.rank).toMatchObject({ in: 80, out: 40, dropped: 40 })
  })
})
