/** What an earlier run left is used again only where it still says what it said: of the same rows, files and stages. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from './helpers.ts'

interface Entry {
  readonly id: string
  readonly use: string
  readonly from?: string | readonly string[]
  readonly with?: Readonly<Record<string, unknown>>
}
const graphOf = (path: string, ...stages: readonly Entry[]) => ({
  version: 1 as const,
  name: 'g',
  partition_rows: 20,
  stages: [{ id: 'pairs', use: path.endsWith('.mjs') ? path : 'read_jsonl', with: { path } }, ...stages],
})
const dpo = { id: 'dpo', use: 'write_arrow' }
/** Every third row is there twice. */
const rows = pairs(40).flatMap((row, i) => (i % 3 === 0 ? [row, { ...row, id: `${row.id}b` }] : [row]))

/** The second graph after the first gives what it gives from scratch. */
async function same(first: object, second: object, between: () => void = () => undefined, options: object = {}) {
  const at = folder(),
    again = join(at, 'again')
  await run(first as never, { output: again, workers: 1 })
  between()
  const { folder: made } = await run(second as never, { output: again, workers: 2, ...options }),
    { folder: fresh } = await run(second as never, { output: join(at, 'fresh'), workers: 1 })
  expect(fingerprint(made)).toEqual(fingerprint(fresh))
  return rowsOf(join(made, 'ledger'))
}

it('a stage that is put before others, or taken away, leaves each row its own reason', async () => {
  const path = writeJsonl(join(folder(), 'in.jsonl'), rows)
  const unique = { id: 'unique', use: 'drop_duplicates' },
    short = { id: 'short', use: 'drop_length', from: 'pairs', with: { max_words: 9 } }
  const ratio = { id: 'ratio', use: 'drop_length_ratio', from: 'unique' },
    out = { id: 'u', use: 'write_arrow' }
  const few = graphOf(path, unique, short, { ...dpo, from: 'short' }, { ...out, from: 'unique' })
  const more = graphOf(path, unique, ratio, short, { ...dpo, from: 'short' }, { ...out, from: 'ratio' })
  const ledger = await same(few, more)
  expect(new Set(ledger.map(row => row.reason))).toEqual(new Set([null, 'too_long', 'duplicate']))
  await same(more, few)
})

it('files that come before others do not change what rows are said to yield to', async () => {
  const at = folder(),
    path = join(at, 'in')
  const of = (name: string, some: readonly object[]) => writeJsonl(join(path, name), some)
  mkdirSync(path)
  of('c.jsonl', rows)
  const graph = graphOf(path, { id: 'unique', use: 'drop_duplicates' }, dpo)
  const ledger = await same(graph, graph, () => of('a.jsonl', pairs(5, 100)))
  expect(ledger.filter(row => String(row.detail).includes('c.jsonl'))).toHaveLength(14)
  const replies = (name: string, from: number) =>
    of(
      name,
      Array.from({ length: 12 }, (_, i) => ({
        id: `${from + i}`,
        prompt: `q${from + (i >> 1)}`,
        response: `${from + i}`,
        rank: i % 2,
      })),
    )
  for (const name of readdirSync(path)) rmSync(join(path, name))
  replies('b.jsonl', 0)
  await same(graphOf(path, dpo), graphOf(path, dpo), () => replies('a.jsonl', 50))
})

it('what a stage learned of fewer rows is not used of more', async () => {
  const at = folder(),
    path = join(at, 'in.jsonl')
  writeFileSync(
    join(at, 'some.mjs'),
    `import { defineStage, round, Type } from 'sluice-data'
    export default defineStage({
      name: 'some', version: 1, summary: 'Keeps about ten rows.', options: Type.Object({}), reads: { id: 'text' },
      writes: {}, rows: 'subset', reasons: { surplus: { kind: 'configured', about: 'more' } }, examples: [],
      fit: () => round({
        collect() {
          let rows = 0
          return { batch: batch => { rows += batch.rows }, part: () => rows }
        },
        merge: parts => [...parts].reduce((sum, rows) => sum + rows, 0),
      }),
      open: (_, { state: rows }) => ({
        batch(batch, verdict) {
          for (let r = 0; r < batch.rows; r++) {
            if (Number(batch.text('id').text(r).slice(1)) % rows > 10) verdict.drop(r, 'surplus')
          }
        },
      }),
    })`,
  )
  writeJsonl(path, pairs(40))
  const graph = graphOf(join(at, '*.jsonl'), { id: 'some', use: join(at, 'some.mjs') }, dpo)
  await same(graph, graph, () => writeJsonl(join(at, 'more.jsonl'), pairs(40, 40)))
})

it('verdicts on a group are not those on other rows, where a pass before it came out otherwise', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), rows)
  // as a server that answers now and then
  writeFileSync(
    join(at, 'luck.mjs'),
    `import { defineStage, Type } from 'sluice-data'
    export default defineStage({
      name: 'luck', version: 1, summary: 'Drops rows by luck.', options: Type.Object({}), reads: {}, writes: {},
      rows: 'subset', reasons: { unlucky: { kind: 'configured', about: 'by luck' } }, examples: [],
      open: () => ({
        batch(batch, verdict) {
          for (let r = 0; r < batch.rows; r++) if (Math.random() < 0.5) verdict.drop(r, 'unlucky')
        },
      }),
    })`,
  )
  const graph = (words: number) =>
    graphOf(
      path,
      { id: 'luck', use: join(at, 'luck.mjs') },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'length', use: 'drop_length', with: { min_words: words } },
      dpo,
    )
  await run(graph(1), { output: join(at, 'out'), workers: 1 })
  // what it left lies elsewhere now, and is made anew
  renameSync(join(at, 'out'), join(at, 'moved'))
  const { folder: made } = await run(graph(2), { output: join(at, 'moved'), workers: 1 })
  const ledger = rowsOf(join(made, 'ledger')),
    lucky = ledger.filter(row => row.reason !== 'unlucky')
  const textOf = (row: Record<string, unknown>) => String(row.id).replace('b', '')
  for (const text of new Set(lucky.map(textOf))) {
    const [first, ...others] = lucky.filter(row => textOf(row) === text)
    expect([first.outcome, ...others.map(row => row.reason)]).toEqual(['kept', ...others.map(() => 'duplicate')])
  }
})

it('the size of a bucket has no influence, also where what a group came to is gone', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), rows)
  const graph = graphOf(path, { id: 'unique', use: 'drop_duplicates' }, dpo),
    output = join(at, 'out')
  const first = await run(graph, { output, workers: 1 }),
    before = fingerprint(first.folder)
  for (const name of ['runs', 'latest']) rmSync(join(output, name), { recursive: true })
  const spools = join(output, '.sluice', 'spools')
  for (const name of readdirSync(spools)) if (name.endsWith('.group')) rmSync(join(spools, name), { recursive: true })
  const { folder: made } = await run(graph, { output, workers: 1, bucketBytes: 16 })
  expect(fingerprint(made)).toEqual(before)
})

it('rows in a spool are found by the numbers of its blocks, where another graph left the same rows in others', async () => {
  const words = 'river stone lamp winter garden copper silent window paper harbour yellow engine'.split(' ')
  const long = (i: number) => words.map((word, k) => word + ((i * 7 + k * k) % 13)).join(' ')
  // of the first rows all pairs are dropped, one or three of each; those behind them lie in other blocks
  const completions = (texts: readonly string[]) => texts.map((text, score) => ({ text, score }))
  const path = writeJsonl(join(folder(), 'in.jsonl'), [
    ...Array.from({ length: 1000 }, (_, i) => ({
      id: `a${i}`,
      prompt: `short ${i}?`,
      completions: completions([`yes ${i}`, `no ${i}`, `hm ${i}`]),
    })),
    ...Array.from({ length: 100 }, (_, i) => ({
      id: `b${i}`,
      prompt: `long ${i}?`,
      completions: completions([long(2 * i), long(2 * i + 1)]),
    })),
  ])
  const graph = (pairing: string, similarity: number, sink: object) => ({
    version: 1 as const,
    name: 'g',
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path, pairing } },
      { id: 'long', use: 'drop_length', with: { min_words: 8 } },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'distinct', use: 'drop_near_duplicates', with: { similarity } },
      { id: 'dpo', use: 'write_arrow', with: sink },
    ],
  })
  await same(graph('best_worst', 0.9, {}), graph('all', 0.9, { order_by: 'id' }))
  await same(graph('best_worst', 0.9, {}), graph('all', 0.8, {}))
})

it('rows that lie in a spool are those of the stage that they come from, where another graph feeds it otherwise', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), rows)
  writeFileSync(
    join(at, 'loud.mjs'),
    `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'loud', version: 1, summary: 'Write chosen sides in capitals.', options: Type.Object({}),
  reads: { chosen: 'messages' }, writes: { chosen: 'messages' }, rows: 'subset', examples: [],
  open: () => ({ batch: batch => { const chosen = batch.messages('chosen')
    const loud = ({ role, content }) => ({ role, content: content.toUpperCase() })
    return { columns: { chosen: Array.from({ length: batch.rows }, (_, row) => chosen.messages(row).map(loud)) } } } }) })`,
  )
  writeFileSync(
    join(at, 'mean.mjs'),
    `import { defineStage, round, Type } from 'sluice-data'
export default defineStage({ name: 'mean', version: 1, summary: 'Say a number of all prompts.', options: Type.Object({}),
  reads: { prompt: 'messages' }, writes: { rows: 'float64' }, rows: 'same', examples: [],
  fit: () => round({ collect() { const sum = { rows: 0 }; return { batch(batch) { sum.rows += batch.rows }, part: () => sum } },
    merge(parts) { let rows = 0; for (const part of parts) rows += part.rows; return { rows } } }),
  open: (_, { state }) => ({ batch: batch => ({ columns: { rows: new Float64Array(batch.rows).fill(state.rows) } }) }) })`,
  )
  const review = { for: 'review' }
  const graph = (from: string) =>
    graphOf(
      path,
      { id: 'sized', use: 'drop_length', with: { min_words: 2 } },
      { id: 'loud', use: join(at, 'loud.mjs') },
      { id: 'unique', use: 'drop_duplicates', from: 'sized.too_short' },
      { id: 'ratio', use: 'drop_length_ratio', with: { max_ratio: 50, longer: 'either' }, from: [from, 'unique'] },
      { id: 'mean', use: join(at, 'mean.mjs') },
      dpo,
      { id: 'plain', use: 'write_jsonl', from: ['sized', 'unique'], with: review },
      { id: 'shouted', use: 'write_jsonl', from: ['loud', 'unique'], with: review },
    )
  await same(graph('sized'), graph('loud'))
})

it('rows that are kept by their ids are those of these ids, where ids come from another column', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), [
      { id: 'a', uid: 'x', note: '1', prompt: 'q', chosen: 'good', rejected: 'bad' },
      { id: 'k', uid: 'y', note: '2', prompt: 'q', chosen: 'good', rejected: 'bad' },
      { id: 'c', uid: 'k', note: '3', prompt: 'q', chosen: 'good', rejected: 'bad' },
    ])
  // names rows by their content, so that what the first pass leaves says nothing of their ids
  writeFileSync(
    join(at, 'named.mjs'),
    `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'named', version: 1, summary: 'Name rows.', options: Type.Object({}),
  reads: { note: 'text' }, writes: { id: 'text' }, rows: 'subset', examples: [],
  open: () => ({ batch: batch => ({ columns: { id: Array.from({ length: batch.rows }, (_, r) => batch.text('note').text(r)) } }) }) })`,
  )
  const graph = (more: object) => ({
    version: 1 as const,
    name: 'g',
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path, columns: ['note'], ...more } },
      { id: 'named', use: join(at, 'named.mjs') },
      { id: 'unique', use: 'drop_duplicates' },
      dpo,
    ],
  })
  const output = join(at, 'out'),
    options = { output, workers: 1, keepIds: ['k'] }
  const noteOf = async (more: object) =>
    rowsOf(join((await run(graph(more), options)).folder, 'dpo')).map(({ id }) => id)
  expect(await noteOf({})).toEqual(['1', '2'])
  expect(await noteOf({ rename: { id: 'uid', old: 'id' } })).toEqual(['1', '3'])
})
