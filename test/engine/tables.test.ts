/** Further inputs of a stage: tables whose rows come along with groups, and those that a round looks at. */
import { createHash } from 'node:crypto'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const head = `import { defineStage, round, Type } from 'sluice-data'\n`
/** Drops pairs whose chosen side holds a word of a table, which a round learns. */
const banned = (more = '') => `${head}export default defineStage({
  name: 'banned', version: 1, summary: 'x', options: Type.Object({}), examples: [], reads: { chosen: 'messages' },
  writes: { words: 'int32' }, rows: 'subset', reasons: { banned: { kind: 'configured', about: 'a word of the table' } },
  tables: { words: { word: 'text' } },
  fit: () => round({
    of: 'words',
    collect() {
      const all = []
      return { batch(batch) { const word = batch.text('word'); for (let i = 0; i < batch.rows; i++) all.push(word.text(i)) }, part: () => all }
    },
    merge: parts => [...parts].flat(),
  }).next({
    collect(context) {
      const found = new Set()
      return {
        batch(batch) {
          const chosen = batch.messages('chosen')
          for (let i = 0; i < batch.rows; i++) for (const w of context.state) if (chosen.text(i).includes(w)) found.add(w)
        },
        part: () => [...found],
      }
    },
    merge: (parts, { state }) => state.filter(w => [...parts].flat().includes(w)),
  }),
  open: (_, { state }) => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen'), words = new Int32Array(batch.rows).fill(state.length)
      for (let i = 0; i < batch.rows; i++) if (state.some(w => chosen.text(i).includes(w))) verdict.drop(i, 'banned')
      return { columns: { words } }
    },
  }), ${more}
})\n`

function made(stages: (at: string) => object[], files: Record<string, readonly object[]> = {}) {
  const at = folder()
  writeFileSync(join(at, 'banned.mjs'), banned())
  writeJsonl(join(at, 'a.jsonl'), pairs(40))
  writeJsonl(join(at, 'b.jsonl'), pairs(25, 40))
  const votes = Array.from({ length: 90 }, (_, i) => ({
    item: `r${(i * 7) % 60}`,
    vote: i % 3 === 0 ? 'rejected' : i % 11 === 0 ? null : 'chosen',
    voter: `w${i % 4}`,
  }))
  writeJsonl(join(at, 'votes-0.jsonl'), votes.slice(0, 50))
  writeJsonl(join(at, 'votes-1.jsonl'), votes.slice(50))
  writeJsonl(join(at, 'words.jsonl'), [{ word: 'river' }, { word: 'never there' }, { word: 'lamp' }])
  for (const [name, rows] of Object.entries(files)) writeJsonl(join(at, name), rows)
  const graph = {
    version: 1 as const,
    name: 'g',
    partition_rows: 11,
    stages: [{ id: 'pairs', use: 'read_jsonl', with: { path: join(at, '[ab].jsonl') } }, ...stages(at)],
  }
  return { at, graph: graph as never, output: join(at, 'out'), votes }
}
const people = (at: string) => ({
  id: 'people',
  use: 'read_jsonl',
  with: { path: join(at, 'votes-*.jsonl'), rename: { id: 'item' } },
})
const voted = [
  { id: 'voted', use: 'add_votes', from: { rows: 'pairs', votes: 'people' } },
  { id: 'dpo', use: 'write_arrow' },
]
const filesOf = (at: string) =>
  Object.fromEntries(
    readdirSync(at, { recursive: true })
      .map(String)
      .filter(name => name.endsWith('.arrow'))
      .sort()
      .map(name => [
        name,
        createHash('sha256')
          .update(readFileSync(join(at, name)))
          .digest('hex'),
      ]),
  )

describe('a table', () => {
  it('comes along with the groups, whatever the workers, blocks, buckets and partitions', async () => {
    const { at, graph, output, votes } = made(at => [people(at), ...voted])
    const { folder: first, manifest } = await run(graph, { output, workers: 1 })
    const rows = rowsOf(join(first, 'dpo'))
    expect(rows.length).toBe(65)
    for (const row of rows) {
      const mine = votes.filter(({ item, vote }) => item === row.id && vote !== null)
      expect([row.voted_votes, row.voted_voters, row.voted_for, row.voted_against]).toEqual([
        mine.map(({ vote }) => vote),
        mine.map(({ voter }) => voter),
        mine.filter(({ vote }) => vote === 'chosen').length,
        mine.filter(({ vote }) => vote === 'rejected').length,
      ])
    }
    expect(manifest.inputs.map(({ source, layout, rows }) => [source, layout, rows])).toEqual([
      ['pairs', 'text', 40],
      ['pairs', 'text', 25],
      ['people', 'table', 50],
      ['people', 'table', 40],
    ])
    expect(manifest.rows.read).toBe(65)
    for (const [i, size] of [{ workers: 2 }, { blockRows: 1 }, { bucketBytes: 16 }, { blockRows: 3 }].entries()) {
      const again = await run(graph, { workers: 1, output: join(at, `out-${i}`), ...size })
      expect(filesOf(again.folder)).toEqual(filesOf(first))
    }
  })

  it('may have files of the same content', async () => {
    const { at, graph, output } = made(at => [people(at), ...voted])
    const twins = Array.from({ length: 8 }, (_, i) => join(at, `votes-${i}.jsonl`))
    for (const path of twins.slice(1)) copyFileSync(twins[0], path)
    const { folder: first } = await run(graph, { output, workers: 4 })
    const votes = rowsOf(join(first, 'dpo')).map(row => (row.voted_votes as unknown[]).length)
    expect(votes.every(count => count % 8 === 0)).toBe(true)
    expect(Math.max(...votes)).toBeGreaterThan(0)
    const again = await run(graph, { output: join(at, 'again'), workers: 1 })
    expect(filesOf(again.folder)).toEqual(filesOf(first))
  })

  it('is read whole beside a sample of the rows', async () => {
    const { graph, output, votes } = made(at => [people(at), ...voted])
    const { folder: out, manifest } = await run(graph, { output, sample: 20, workers: 1 })
    expect(manifest.rows.read).toBe(20)
    const rows = rowsOf(join(out, 'dpo'))
    expect(rows).toHaveLength(20)
    for (const { id, voted_votes } of rows) {
      expect(voted_votes).toEqual(votes.flatMap(({ item, vote }) => (item === id && vote !== null ? [vote] : [])))
    }
  })

  it('that changes makes anew what depends on it; nothing is new where it does not', async () => {
    const { at, graph, output, votes } = made(at => [people(at), ...voted])
    await run(graph, { output, workers: 1 })
    expect((await run(graph, { output, workers: 1 })).status).toBe('nothing_new')
    writeJsonl(join(at, 'votes-1.jsonl'), [...votes.slice(50), { item: 'r61', vote: 'chosen', voter: 'late' }])
    const after = await run(graph, { output, workers: 1 }),
      anew = await run(graph, { output: join(at, 'anew'), workers: 1 })
    expect(after.status).toBe('published')
    expect(filesOf(after.folder)).toEqual(filesOf(anew.folder))
    expect(rowsOf(join(after.folder, 'dpo')).find(({ id }) => id === 'r61')).toMatchObject({ voted_voters: ['late'] })
    writeJsonl(join(at, 'votes-1.jsonl'), votes.slice(50))
    const back = await run(graph, { output, workers: 1 })
    expect(rowsOf(join(back.folder, 'dpo')).find(({ id }) => id === 'r61')).toMatchObject({ voted_voters: [] })
  })

  it('is looked at by a round, before the rows are', async () => {
    const { at, graph, output } = made(at => [
      { id: 'list', use: 'read_jsonl', with: { path: join(at, 'words.jsonl') } },
      { id: 'banned', use: join(at, 'banned.mjs'), from: { rows: 'pairs', words: 'list' } },
      { id: 'dpo', use: 'write_arrow' },
    ])
    const has = (word: string) =>
      pairs(65)
        .filter(({ chosen }) => chosen.includes(word))
        .map(({ id }) => id)
    const { folder: out, manifest } = await run(graph, { output, workers: 2 })
    const dropped = new Set([...has('river'), ...has('lamp')])
    expect(manifest.stages.banned.dropped).toBe(dropped.size)
    expect(dropped.size).toBeGreaterThan(0)
    expect(rowsOf(join(out, 'dpo')).every(({ banned_words: words }) => words === 2)).toBe(true)
    writeJsonl(join(at, 'words.jsonl'), [{ word: 'stone' }])
    const after = await run(graph, { output, workers: 1 }),
      anew = await run(graph, { output: join(at, 'anew'), workers: 1 })
    expect(after.manifest.stages.banned.dropped).toBe(new Set(has('stone')).size)
    expect(filesOf(after.folder)).toEqual(filesOf(anew.folder))
  })

  it('of which a row cannot be read ends the run: it is in no ledger', async () => {
    const { at, graph, output } = made(at => [people(at), ...voted])
    writeFileSync(
      join(at, 'votes-1.jsonl'),
      '{"item": "r1", "vote": "chosen", "voter": "a"}\n{"item": \n{"item": "r2", "vote": "chosen", "voter": "a"}\n',
    )
    await expect(run(graph, { output, workers: 1 })).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(/row 1 of the table \S+votes-1\.jsonl cannot be read/) as string,
    })
  })

  it.each<[string, (at: string) => object[], RegExp]>([
    [
      'is missing',
      () => [{ ...voted[0], from: 'pairs' }, voted[1]],
      /needs a table beside its rows.*rows: …, votes: …/,
    ],
    [
      'is called otherwise',
      at => [people(at), { ...voted[0], from: { rows: 'pairs', vots: 'people' } }, voted[1]],
      /no such input.*vots.*did you mean votes/,
    ],
    [
      'has no rows beside it',
      at => [people(at), { ...voted[0], from: { votes: 'people' } }, voted[1]],
      /'voted' needs the input `rows`/,
    ],
    [
      'is no source',
      at => [
        people(at),
        { id: 'unique', use: 'drop_duplicates', from: 'pairs' },
        { ...voted[0], from: { rows: 'pairs', votes: 'unique' } },
        voted[1],
      ],
      /must be a source/,
    ],
    [
      'is read as pairs too',
      at => [people(at), ...voted.slice(0, 1), { id: 'dpo', use: 'write_arrow', from: ['voted', 'people'] }],
      /'people' is read as a table and as pairs/,
    ],
    [
      'lacks the column of the groups',
      at => [{ ...people(at), with: { path: join(at, 'votes-*.jsonl') } }, ...voted],
      /'voted' reads a column that its table 'votes' does not have.*id/,
    ],
    [
      'lacks a column that is read',
      at => [people(at), { ...voted[0], with: { voter: 'judge' } }, voted[1]],
      /a column that its table 'votes' does not have.*judge/,
    ],
    [
      'has another type there',
      at => [{ ...people(at), with: { path: join(at, 'n.jsonl') } }, ...voted],
      /column 'id' has the wrong type for 'voted'.*expected text, as in its rows/,
    ],
  ])('is refused before a row is read where it %s', async (_, stages, message) => {
    const { graph, output } = made(stages, { 'n.jsonl': [{ id: 7, vote: 'chosen', voter: 'a' }] })
    await expect(run(graph, { output, workers: 1 })).rejects.toThrow(message)
  })

  it('of votes counts none for a side that nobody named, nor for a person', async () => {
    const at = folder(),
      side = (i: number) => (i % 4 === 0 ? 'rejected' : 'chosen')
    const rows = pairs(80).map((row, i) => ({ ...row, label: i === 7 ? null : 'chosen' }))
    // the second and third vote have no name
    const votes = rows.map((_, i) => [
      { vote: side(i), voter: 'Ann' },
      { vote: i % 2 ? 'rejected' : 'chosen', voter: null },
      { vote: 'rejected', voter: null },
    ])
    const path = writeJsonl(join(at, 'rows.jsonl'), rows),
      table = votes.flatMap((some, i) => some.map(vote => ({ id: rows[i].id, ...vote }))),
      lists = rows.map((row, i) => ({
        ...row,
        v_votes: votes[i].map(({ vote }) => (i === 7 ? null : vote)),
        v_voters: votes[i].map(({ voter }) => voter),
      }))
    const noise = {
      id: 'noise',
      use: 'detect_noise',
      with: { action: 'annotate', vote_lists: { votes: 'v_votes', voters: 'v_voters' } },
    }
    const joined = {
      version: 1 as const,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'votes', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'votes.jsonl'), table) } },
        { id: 'v', use: 'add_votes', from: { rows: 'pairs', votes: 'votes' }, with: { chosen: 'label' } },
        noise,
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    const own = {
      version: 1 as const,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'lists.jsonl'), lists) } },
        noise,
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    const byTable = rowsOf(join((await run(joined as never, { output: join(at, 'table'), workers: 1 })).folder, 'dpo')),
      byLists = rowsOf(join((await run(own as never, { output: join(at, 'lists'), workers: 1 })).folder, 'dpo'))
    expect(byTable[7]).toMatchObject({ v_votes: [null, null, null], v_for: 0, v_against: 0 })
    expect(byTable[8]).toMatchObject({ v_voters: ['Ann', null, null], v_for: 1, v_against: 2 })
    const said = (some: Record<string, unknown>[]) => some.map(({ id, noise_votes: votes }) => [id, votes])
    expect(said(byTable)).toEqual(said(byLists))
    expect(byTable.some(({ noise_votes: votes }) => votes !== null)).toBe(true)
  })

  it('of llmbar’s judges says of each pair what they said, and detect_noise reads them as voters', async () => {
    const data = new URL('../../../shared/data/', import.meta.url).pathname,
      output = join(folder(), 'out')
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_parquet', with: { path: join(data, 'llmbar/*.parquet') } },
        {
          id: 'judges',
          use: 'read_parquet',
          with: { path: join(data, 'llmbar-judges/*.parquet'), rename: { id: 'item_id' } },
        },
        {
          id: 'voted',
          use: 'add_votes',
          from: { rows: 'pairs', votes: 'judges' },
          with: { vote: 'winner', voter: 'judge', chosen: 'label' },
        },
        {
          id: 'noise',
          use: 'detect_noise',
          with: { action: 'annotate', vote_lists: { votes: 'voted_votes', voters: 'voted_voters' } },
        },
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    const { folder: out, manifest } = await run(graph as never, { output, workers: 1 })
    const rows = rowsOf(join(out, 'dpo'))
    expect([rows.length, manifest.rows.read]).toEqual([1200, 1200])
    const sum = (name: string) => rows.reduce((n, row) => n + Number(row[name]), 0)
    const votes = rows.reduce((n, row) => n + (row.voted_votes as string[]).length, 0)
    expect(sum('voted_for') + sum('voted_against')).toBe(votes)
    expect(votes).toBeGreaterThan(80_000)
    // the judges are right more often than not
    expect(sum('voted_for') / votes).toBeGreaterThan(0.55)
    expect(rows.every(({ noise_votes: votes }) => votes !== undefined)).toBe(true)
  })

  it('comes to groups by a key that rows are made to carry', async () => {
    const asked = `${head}export default defineStage({
  name: 'asked', version: 1, summary: 'x', options: Type.Object({}), examples: [], reads: { prompt: 'messages' },
  writes: { stars: 'float64' }, rows: 'same', by: ['question'], carries: { question: 'text' },
  tables: { raters: { stars: 'number' } },
  carry: () => batch => {
    const prompt = batch.messages('prompt')
    return { question: Array.from({ length: batch.rows }, (_, row) => prompt.text(row)) }
  },
  open: () => ({ batch({ rows, groups }, _, { raters }) {
    const stars = new Float64Array(rows)
    for (let g = 0; g + 1 < groups.length; g++) {
      const some = raters.numbers('stars').values.subarray(raters.groups[g], raters.groups[g + 1])
      stars.fill(some.length ? some.reduce((a, b) => a + b) / some.length : NaN, groups[g], groups[g + 1])
    }
    return { columns: { stars } }
  } }),
})\n`
    const { at, graph, output } = made(at => [
      { id: 'people', use: 'read_jsonl', with: { path: join(at, 'stars.jsonl'), rename: { question: 'prompt' } } },
      { id: 'asked', use: join(at, 'asked.mjs'), from: { rows: 'pairs', raters: 'people' } },
      { id: 'dpo', use: 'write_arrow' },
    ])
    writeFileSync(join(at, 'asked.mjs'), asked)
    const [first, second] = pairs(2)
    writeJsonl(
      join(at, 'stars.jsonl'),
      [3, 5].map(stars => ({ prompt: second.prompt, stars })),
    )
    const found = rowsOf(join((await run(graph, { output, workers: 1 })).folder, 'dpo'))
    const starsOf = (id: string) => found.find(row => row.id === id)!.asked_stars
    expect([starsOf(first.id), starsOf(second.id)]).toEqual([null, 4])
  })
})
