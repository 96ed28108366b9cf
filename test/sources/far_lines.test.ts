/** JSON Lines and CSV behind a URL: the same rows as of a copy, by ranges, and known again by what the server says. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { folder } from '../engine/helpers.ts'
import { inProcess } from '../failures/helpers.ts'
import { jsonLines } from '../sinks/helpers.ts'

const row = (i: number) => ({
  id: `r${i}`,
  prompt: `Q "${i}", é?`,
  chosen: `A ${'x'.repeat(4000)}`,
  rejected: `B\n${i}`,
})
// more than one piece of 8 MB
const rows = Array.from({ length: 2_200 }, (_, i) => row(i))
const lines = rows.map(one => JSON.stringify(one)).join('\n'),
  quoted = (text: string) => `"${text.replaceAll('"', '""')}"`,
  csv = ['id,prompt,chosen,rejected', ...rows.slice(0, 50).map(one => Object.values(one).map(quoted).join())].join('\n')
const files: Record<string, Buffer> = {
  '/a.jsonl': Buffer.from(lines),
  '/a.jsonl.gz': gzipSync(lines.split('\n').slice(0, 50).join('\n')),
  '/a.csv': Buffer.from(csv),
}
let etag = '"one"',
  asked = 0
const server = createServer((request, response) => {
  const bytes = files[new URL(request.url!, 'http://x').pathname],
    [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!.map(Number)
  asked++
  const part = bytes.subarray(start, end + 1)
  response
    .writeHead(206, { etag, 'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}` })
    .end(part)
})
let at = ''
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const graphOf = (use: string, path: string) => ({
  version: 1 as const,
  name: 'far',
  stages: [
    { id: 'pairs', use, with: { path } },
    { id: 'out', use: 'write_jsonl' },
  ],
})

it.each([
  ['read_jsonl', '/a.jsonl', 2_200],
  ['read_jsonl', '/a.jsonl.gz', 50],
  ['read_csv', '/a.csv', 50],
])('%s of %s', async (use, name, count) => {
  const output = join(folder(), 'out'),
    graph = graphOf(use, `${at}${name}?key=secret`)
  etag = '"one"'
  const first = await run(graph, { output, workers: 1 })
  expect(jsonLines(join(first.folder, 'out'))).toEqual(rows.slice(0, count))
  expect(first.manifest.inputs[0].path).toBe(`${at}${name}`)
  if (name !== '/a.csv') return
  expect((await run(graph, { output, workers: 1 })).status).toBe('nothing_new')
  etag = '"two"'
  expect((await run(graph, { output, workers: 1 })).status).toBe('published')
})

it('the ending of a URL says who reads it, whatever its query; Arrow is told to be downloaded', async () => {
  asked = 0
  const { code, stdout } = await inProcess('look', `${at}/a.csv?key=a.parquet`)
  expect([code, stdout.includes('use: read_csv'), asked > 0]).toEqual([0, true, true])
  const graph = join(folder(), 'g.json')
  writeFileSync(graph, JSON.stringify(graphOf('read_arrow', `${at}/a.arrow`)))
  const { stderr } = await inProcess('run', graph, '--output', join(folder(), 'out'))
  expect(stderr).toContain('is a URL, and Parquet, JSON Lines and CSV are read from one; download it')
})
