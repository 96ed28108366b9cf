/** Files that a server tells apart by nothing but their address, and those whose source gives a stamp of its own. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { root } from '../failures/helpers.ts'
import { folder, pairs, rowsOf, writeJsonl } from './helpers.ts'

const files = new Map<string, Buffer>()
// as nginx makes an ETag: of size and time, which two files have alike that are written in one second
const server = createServer(({ url, headers: { range } }, response) => {
  const bytes = files.get(url!)!,
    [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')!.map(Number),
    part = bytes.subarray(start, end + 1)
  response
    .writeHead(206, {
      etag: '"6929f1c0-9f2"',
      'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}`,
      'content-length': part.length,
    })
    .end(part)
})
let origin = ''
const at = folder()
const names = ['/mon.parquet', '/tue.parquet', '/dump.parquet?part=a', '/dump.parquet?part=b'],
  tables = { '/words-mon.parquet': 'heron', '/words-tue.parquet': 'stork' }
const wanted = (i: number) => pairs(6, 10 * (i + 1)).map(({ id }) => id)

async function parquetOf(rows: readonly object[]): Promise<Buffer> {
  const home = folder(),
    path = writeJsonl(join(home, 'rows.jsonl'), rows)
  const { folder: made } = await run(
    {
      version: 1,
      name: 'made',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'file', use: 'write_parquet' },
      ],
    },
    { output: join(home, 'out'), workers: 1 },
  )
  return readFileSync(join(made, 'file', 'data.parquet'))
}
/** The same file, with nothing between its data and its footer made longer. */
function padded(bytes: Buffer, length: number): Buffer {
  const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
  return Buffer.concat([bytes.subarray(0, footer), Buffer.alloc(length - bytes.length), bytes.subarray(footer)])
}

beforeAll(async () => {
  for (const [i, name] of names.entries()) files.set(name, padded(await parquetOf(pairs(6, 10 * (i + 1))), 20_000))
  for (const [name, word] of Object.entries(tables)) {
    files.set(name, padded(await parquetOf([{ ...pairs(1)[0], word }]), 20_000))
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const graphOf = (path: string, more_paths?: string[]) => ({
  version: 1 as const,
  name: 'g',
  stages: [
    { id: 'pairs', use: 'read_parquet', with: { path, ...(more_paths ? { more_paths } : {}) } },
    { id: 'dpo', use: 'write_arrow' },
  ],
})
const idsOf = (run: string) => rowsOf(join(run, 'dpo')).map(({ id }) => id)

it.each([
  ['another path', 0, 1],
  ['another query', 2, 3],
])('%s is another file: between two runs, and within one', async (_, one, two) => {
  const output = folder(),
    [a, b] = [`${origin}${names[one]}`, `${origin}${names[two]}`]
  expect(idsOf((await run(graphOf(a), { output, workers: 1 })).folder)).toEqual(wanted(one))
  const second = await run(graphOf(b), { output, workers: 1 })
  expect([second.status, idsOf(second.folder)]).toEqual(['published', wanted(two)])
  const both = await run(graphOf(a, [b]), { output, workers: 2 })
  expect(idsOf(both.folder).sort()).toEqual([...wanted(one), ...wanted(two)].sort())
  expect((await run(graphOf(a, [b]), { output, workers: 2 })).status).toBe('nothing_new')
})

it('another path is another table', async () => {
  const output = folder(),
    use = join(at, 'worded.mjs'),
    path = writeJsonl(join(at, 'rows.jsonl'), pairs(4))
  writeFileSync(
    use,
    `import { defineStage, round, Type } from 'sluice-data'
export default defineStage({
  name: 'worded', version: 1, summary: 'x', options: Type.Object({}), examples: [], reads: {},
  writes: { words: 'text' }, rows: 'same', tables: { words: { word: 'text' } },
  fit: () => round({
    of: 'words',
    collect() {
      const all = []
      return { batch(batch) { for (let i = 0; i < batch.rows; i++) all.push(batch.text('word').text(i)) }, part: () => all }
    },
    merge: parts => [...parts].flat(),
  }),
  open: (_, { state }) => ({ batch: batch => ({ columns: { words: Array(batch.rows).fill(state.join()) } }) }),
})`,
  )
  const wordsBy = async (...addresses: string[]) => {
    const [first, ...more_paths] = addresses.map(name => `${origin}${name}`)
    const { folder: made } = await run(
      {
        version: 1,
        name: 'g',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path } },
          { id: 'table', use: 'read_parquet', with: { path: first, ...(more_paths.length > 0 ? { more_paths } : {}) } },
          { id: 'worded', use, from: { rows: 'pairs', words: 'table' } },
          { id: 'dpo', use: 'write_arrow', from: 'worded' },
        ],
      },
      { output, workers: 1 },
    )
    return rowsOf(join(made, 'dpo'))[0].worded_words
  }
  const [mon, tue] = Object.keys(tables)
  expect(await wordsBy(mon)).toBe('heron')
  expect(await wordsBy(tue)).toBe('stork')
  expect(await wordsBy(mon, tue)).toBe('heron,stork')
})

it("a source of one's own may give a stamp for a local file: a change of it makes the file anew", async () => {
  const home = folder(),
    use = join(home, 'template.mjs'),
    output = join(home, 'out')
  const write = (stamp: string) => {
    const text = readFileSync(join(import.meta.dirname, 'template.mjs'), 'utf8')
    writeFileSync(use, text.replace('starts: [0],', `starts: [0], stamp: '${stamp}',`))
  }
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'))
  writeFileSync(join(home, 'a.template'), 'x'.repeat(1000))
  const stages = [
    { id: 'pairs', use, with: { path: join(home, 'a.template') } },
    { id: 'dpo', use: 'write_arrow' },
  ]
  const once = async () => (await run({ version: 1, name: 'g', stages }, { output, workers: 1 })).status
  write('one')
  expect([await once(), await once()]).toEqual(['published', 'nothing_new'])
  write('two')
  expect(await once()).toBe('published')
})
