/** A folder that has grown, or lost a file: what a run makes of it, and how much of the run before it takes over. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { settings } from '../properties/settings.ts'
import { fingerprint, folder, madeSince, pairs, passesOf, rowsOf, writeJsonl } from './helpers.ts'

interface Entry {
  readonly id: string
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>>
}
const graphOf = (path: string, ...stages: readonly Entry[]) => ({
  version: 1 as const,
  name: 'grown',
  partition_rows: 20,
  stages: [{ id: 'pairs', use: 'read_jsonl', with: { path } }, ...stages, { id: 'dpo', use: 'write_arrow' }],
})
const unique = { id: 'unique', use: 'drop_duplicates' },
  long = { id: 'long', use: 'drop_length', with: { min_words: 20 } },
  near = { id: 'distinct', use: 'drop_near_duplicates' }

/** A file of 50 rows, three partitions, with every fourth pair twice; no other has its words. */
const rowsOfFile = (file: string) =>
  pairs(40).flatMap((row, i) => {
    const own = { ...row, id: `${file}${i}`, chosen: row.chosen.replaceAll(/\w+/g, word => `${word}${file}`) }
    return i % 4 === 0 ? [own, { ...own, id: `${file}${i}b` }] : [own]
  })
const put = (at: string, file: string, rows: readonly object[] = rowsOfFile(file)) =>
  writeJsonl(join(at, `${file}.jsonl`), rows)
/** A folder of files. */
function filesOf(...files: readonly string[]): string {
  const at = join(folder(), 'in')
  mkdirSync(at)
  for (const file of files) put(at, file)
  return at
}

/** Runs a graph before and after something changes: all is as from scratch. Gives what was made the second time. */
async function second(graph: object, change: () => void): Promise<string[]> {
  const at = folder(),
    output = join(at, 'again')
  await run(graph as never, { output, workers: 1 })
  const before = passesOf(output)
  change()
  const { folder: again } = await run(graph as never, { output, workers: 2 }),
    { folder: fresh } = await run(graph as never, { output: join(at, 'fresh'), workers: 1 })
  expect(rowsOf(join(again, 'ledger')).length).toBeGreaterThan(0)
  expect(fingerprint(again)).toEqual(fingerprint(fresh))
  return madeSince(before, output)
}

it('of three files and a fourth the fourth alone is worked on, wherever it stands', async () => {
  for (const file of ['d', '0']) {
    const at = filesOf('a', 'b', 'c')
    expect(await second(graphOf(at, unique, long, near), () => put(at, file))).toEqual([
      '3 of 12',
      '3 of 12',
      '3 of 12',
    ])
  }
})

it('of a file that is taken away nothing is left, and nothing else is worked on', async () => {
  const at = filesOf('a', 'b', 'c')
  expect(await second(graphOf(at, unique, near), () => rmSync(join(at, 'a.jsonl')))).toEqual([
    '0 of 6',
    '0 of 6',
    '0 of 6',
  ])
})

it('partitions whose verdicts changed are worked on from there', async () => {
  const at = filesOf('a', 'b', 'c'),
    graph = graphOf(at, unique, long)
  // two partitions of b yield to rows that come first now
  const copies = rowsOfFile('b')
    .slice(0, 30)
    .map(row => ({ ...row, id: `${row.id}x` }))
  expect(await second(graph, () => put(at, '0', copies))).toEqual(['2 of 11', '4 of 11'])
  // and stand for themselves again
  expect(await second(graph, () => rmSync(join(at, '0.jsonl')))).toEqual(['0 of 9', '2 of 9'])
})

it('where only what is said of rows changed, and not the rows that go on, later passes are used as they were', async () => {
  const at = filesOf('a', 'b', 'c')
  // two of three equal rows lie in one partition, and yield to the first of now three
  const copy = rowsOfFile('b').slice(0, 1)
  expect(await second(graphOf(at, unique, long, near), () => put(at, 'd', copy))).toEqual([
    '1 of 10',
    '2 of 10',
    '1 of 10',
  ])
})

it('what was learned again and came out equal is used as it was; else all that reads it is made', async () => {
  const at = filesOf('a', 'b', 'c'),
    use = join(at, '..', 'some.mjs')
  writeFileSync(
    use,
    `import { defineStage, round, Type } from 'sluice-data'
    export default defineStage({
      name: 'some', version: 1, summary: 'Counts.', options: Type.Object({ per: Type.Integer() }), reads: {}, writes: {},
      rows: 'subset', reasons: { late: { kind: 'configured', about: 'of many' } }, examples: [],
      fit: ({ per }) => round({
        collect() {
          let rows = 0
          return { batch: batch => { rows += batch.rows }, part: () => ({ rows }) }
        },
        merge: parts => Math.floor([...parts].reduce((sum, { rows }) => sum + rows, 0) / per),
      }),
      open: (_, { state: groups }) => ({ batch: (batch, verdict) => { if (groups > 9) verdict.drop(0, 'late') } }),
    })`,
  )
  const counts = (per: number) => [{ id: 'some', use, with: { per } }, unique]
  expect(await second(graphOf(at, ...counts(1000)), () => put(at, 'd'))).toEqual(['3 of 12', '3 of 12', '3 of 12'])
  expect(await second(graphOf(at, ...counts(1)), () => put(at, 'e'))).toEqual(['3 of 15', '15 of 15', '3 of 15'])
})

it('a helper that changes makes anew what depends on it', async () => {
  const at = filesOf('a', 'b'),
    home = join(at, '..'),
    use = join(home, 'own.mjs')
  const helper = (word: string) => writeFileSync(join(home, 'helper.mjs'), `export const word = '${word}'\n`)
  helper('river')
  writeFileSync(
    use,
    `import { defineStage, Type } from 'sluice-data'
    import { word } from './helper.mjs'
    export default defineStage({
      name: 'own', version: 1, summary: 'Drops a word.', options: Type.Object({}), reads: { chosen: 'messages' },
      writes: {}, rows: 'subset', reasons: { has: { kind: 'configured', about: 'the word' } }, examples: [],
      open: () => ({
        batch(batch, verdict) {
          const chosen = batch.messages('chosen')
          for (let row = 0; row < batch.rows; row++) if (chosen.text(row).includes(word)) verdict.drop(row, 'has')
        },
      }),
    })`,
  )
  const own = { id: 'own', use }
  expect(await second(graphOf(at, unique, own, near), () => helper('lamp'))).toEqual(['0 of 6', '6 of 6', '6 of 6'])
})

it(
  'of any files, put anywhere or taken away, a run makes what it makes from scratch',
  { timeout: 600_000 },
  async () => {
    // few different rows, so that they meet over files
    const rows = fc.array(fc.nat(25), { minLength: 1, maxLength: 45 })
    const names = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { minLength: 3, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.array(rows, { minLength: 5, maxLength: 5 }),
        fc.boolean(),
        async (files, all, taken) => {
          const at = join(folder(), 'in')
          mkdirSync(at)
          const write = (i: number) =>
            put(
              at,
              files[i],
              all[i].map((n, row) => ({ ...pairs(1, n)[0], id: `${files[i]}${row}` })),
            )
          files.slice(taken ? 0 : 1).forEach((_, i) => write(taken ? i : i + 1))
          const graph = graphOf(at, unique, long, near),
            partitions = (i: number) => Math.ceil(all[i].length / 20)
          const [first] = await second(graph, () => {
            if (taken) rmSync(join(at, `${files[0]}.jsonl`))
            else write(0)
          })
          const others = files.slice(1).reduce((n, _, i) => n + partitions(i + 1), 0)
          expect(first).toBe(taken ? `0 of ${others}` : `${partitions(0)} of ${others + partitions(0)}`)
        },
      ),
      settings(5),
    )
  },
)
