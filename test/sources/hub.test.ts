/** Parquet on the Hugging Face Hub: a server on loopback answers as the Hub does, and sends on to another host. */
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { findFiles } from '../../engine/files/find.ts'
import { hubAddress } from '../../engine/files/hub.ts'
import { hubFiles } from '../../engine/files/hub_files.ts'
import { folder, rowsOf } from '../engine/helpers.ts'

const bytes = readFileSync('data/sample/pairs-en.parquet'),
  TOKEN = 'hf_secret'
/** What was asked, with the token that came with it. */
let asked: [string, string | undefined][] = [],
  etag = '"one"',
  isGated = false
const files: Record<string, readonly string[]> = {
  main: ['README.md', 'data/train-0.parquet', 'data/test-0.parquet', 'data/.cache/a.parquet', 'more/b.csv'],
  'refs/convert/parquet': ['default/train/0000.parquet'],
}

const store = createServer((request, response) => {
  asked.push(['store', request.headers.authorization])
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!.map(Number),
    part = bytes.subarray(start, end + 1)
  response
    .writeHead(206, { etag, 'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}` })
    .end(part)
})
const hub = createServer((request, response) => {
  const url = new URL(request.url!, at(hub))
  asked.push([decodeURIComponent(url.pathname), request.headers.authorization])
  const [, kind, rest] = /^\/(api\/)?datasets\/own\/set\/(.*)$/.exec(url.pathname) ?? []
  if (rest === undefined || (isGated && !request.headers.authorization)) return void response.writeHead(401).end()
  if (!kind) {
    const [, revision, path] = /^resolve\/([^/]+)\/(.*)$/.exec(rest)!.map(decodeURIComponent)
    if (!files[revision]?.includes(path)) return void response.writeHead(404).end()
    return void response.writeHead(302, { location: `${at(store)}/${path}?signed=1` }).end()
  }
  const [, revision, path = ''] = /^tree\/([^/]+)(?:\/(.*))?$/
      .exec(rest)!
      .map(part => part && decodeURIComponent(part)),
    below = (files[revision] ?? []).filter(file => path === '' || file.startsWith(`${path}/`)),
    page = Number(url.searchParams.get('page') ?? 0)
  if (!(revision in files)) return void response.writeHead(404).end()
  url.searchParams.set('page', String(page + 1))
  response
    .writeHead(200, page < below.length ? { link: `<${url.href}>; rel="next"` } : {})
    .end(JSON.stringify([{ type: 'directory', path: 'data' }, ...below.slice(page, page + 1).map(path => ({ type: 'file', path }))])) // prettier-ignore
})
const at = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

beforeAll(async () => {
  for (const server of [store, hub]) await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('HF_ENDPOINT', `${at(hub)}/`)
})
beforeEach(() => {
  vi.stubEnv('HF_TOKEN', TOKEN)
  asked = []
  isGated = false
})
afterAll(() => {
  vi.unstubAllEnvs()
  for (const server of [store, hub]) {
    server.closeAllConnections()
    server.close()
  }
})

const graphOf = (path: string, use = 'read_parquet') => ({
  version: 1 as const,
  name: 'g',
  stages: [
    { id: 'pairs', use, with: { path } },
    { id: 'dpo', use: 'write_arrow' },
  ],
})
const file = 'hf://datasets/own/set/data/train-0.parquet'

it('a file is read as from the disk; the token goes to the Hub alone, and is written nowhere', async () => {
  isGated = true
  const output = folder(),
    local = await run(graphOf('data/sample/pairs-en.parquet'), { output: folder() }),
    far = await run(graphOf(file), { output, workers: 2 })
  expect(rowsOf(join(far.folder, 'dpo'))).toEqual(rowsOf(join(local.folder, 'dpo')))
  expect(far.manifest.inputs[0].path).toBe(file)
  expect(asked.filter(([what]) => what === 'store').every(([, token]) => token === undefined)).toBe(true)
  expect(asked.filter(([what]) => what !== 'store').every(([, token]) => token === `Bearer ${TOKEN}`)).toBe(true)
  for (const name of readdirSync(output, { recursive: true, withFileTypes: true })) {
    if (name.isFile()) expect(readFileSync(join(name.parentPath, name.name), 'latin1')).not.toContain(TOKEN)
  }
  expect((await run(graphOf(file), { output })).status).toBe('nothing_new')
  etag = '"two"'
  expect((await run(graphOf(file), { output })).status).toBe('published')
})

it('a data set, a folder, a pattern and a revision stand for their Parquet files, over all pages of the list', async () => {
  const train = 'data/train-0.parquet',
    test = 'data/test-0.parquet'
  const of = async (address: string) =>
    (await hubFiles(address, ['.parquet'])).map(one => one.replace('hf://datasets/own/set', ''))
  expect(await of('hf://datasets/own/set')).toEqual([`/${test}`, `/${train}`])
  expect(await of('hf://datasets/own/set/data/')).toEqual([`/${test}`, `/${train}`])
  expect(await of('hf://datasets/own/set/data/train-*.parquet')).toEqual([`/${train}`])
  expect(await of('hf://datasets/own/set/**/{test,none}-?.parquet')).toEqual([`/${test}`])
  expect(await of('hf://datasets/own/set@main/*/train-[0-9].parquet')).toEqual([`@main/${train}`])
  expect(await of('hf://datasets/own/set@~parquet')).toEqual(['@~parquet/default/train/0000.parquet'])
  expect(await of('hf://datasets/own/set@refs%2Fconvert%2Fparquet/default')).toEqual(['@refs%2Fconvert%2Fparquet/default/train/0000.parquet']) // prettier-ignore
  expect(asked.some(([what]) => what === '/api/datasets/own/set/tree/main/data')).toBe(true)
  expect(hubAddress('hf://datasets/own/set@v1.0/a.parquet')).toEqual({ repo: 'own/set', revision: 'v1.0', path: 'a.parquet' }) // prettier-ignore
})

it('splits that are read as one are told', async () => {
  const told: string[] = [],
    path = 'hf://datasets/own/set'
  const found = await findFiles('read_parquet', { path, more_paths: [] }, '.', ['.parquet'], text => told.push(text))
  expect(found).toEqual([`${path}/data/test-0.parquet`, `${path}/data/train-0.parquet`])
  expect(told.join()).toContain(`reads test (${found[0]}) and train (${found[1]}) as one`)
})

it.each([
  ['hf://datasets/own/set/data/none.parquet', 'read_parquet', 'data/none.parquet: is not there (404)'],
  ['hf://datasets/own/set@v9', 'read_parquet', "'hf://datasets/own/set@v9' cannot be listed:"],
  ['hf://datasets/own/other', 'read_parquet', 'put a token that may read it into HF_TOKEN'],
  [
    'hf://datasets/own/set/more',
    'read_parquet',
    'has no file *.parquet below it; the Hub has data sets as Parquet at the revision ~parquet',
  ],
  ['hf://datasets/own/set/*.parquet', 'read_parquet', 'matches no file'],
  ['hf://own/set', 'read_parquet', 'is no address of a data set: hf://datasets/<owner>/<name>[@<revision>]/<path>'],
  // the bytes that the server gives for it are Parquet
  ['hf://datasets/own/set/more/b.csv', 'read_csv', 'b.csv: is a Parquet file; read it by read_parquet'],
  ['hf://datasets/own/set/more/b.csv', 'read_arrow', 'Parquet, JSON Lines and CSV are read from one; download it'],
])('%s by %s is told: %s', async (path, use, why) => {
  await expect(run(graphOf(path, use), { output: folder() })).rejects.toThrow(why)
})
