/** Parquet files behind a URL, and servers that misbehave. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readParquet, run } from '../../index.mjs'
import { openHttpSource } from '../../engine/files/http_source.ts'
import { folder, rowsOf } from '../engine/helpers.ts'

const bytes = readFileSync('data/sample/pairs-en.parquet')
let asked: string[] = [],
  etag = '"one"'
/** What the server does instead of answering well: asked before each answer. */
let trick: (request: IncomingMessage, response: ServerResponse, nth: number) => boolean = () => false

const server = createServer((request, response) => {
  asked.push(request.headers.range ?? 'all')
  if (trick(request, response, asked.length)) return
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')!.map(Number),
    part = bytes.subarray(start, end + 1)
  response
    .writeHead(206, {
      etag,
      'content-range': `bytes ${start}-${start + part.length - 1}/${bytes.length}`,
      'content-length': part.length,
    })
    .end(part)
})
let url = ''
beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pairs.parquet?key=secret`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const answer =
  (status: number, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, headers).end('no')
    return true
  }
function serve(does: typeof trick = () => false): void {
  trick = does
  asked = []
  etag = '"one"'
}

const graphOf = (path: string) => ({
  version: 1 as const,
  name: 'g',
  partition_rows: 100,
  stages: [
    { id: 'pairs', use: 'read_parquet', with: { path } },
    { id: 'dpo', use: 'write_arrow' },
  ],
})

describe('a Parquet file behind a URL', () => {
  it('gives the rows of the file, known again by its ETag: nothing new, and anew when that changes; the key in the URL is published nowhere', async () => {
    serve()
    const at = folder(),
      local = await run(graphOf('data/sample/pairs-en.parquet'), { output: join(at, 'local') })
    const far = await run(graphOf(url), { output: join(at, 'far'), workers: 2 })
    expect(rowsOf(join(far.folder, 'dpo'))).toEqual(rowsOf(join(local.folder, 'dpo')))
    expect(asked.every(range => /^bytes=\d+-\d+$/.test(range))).toBe(true)
    expect(far.manifest.inputs[0].path).toBe(url.replace('?key=secret', ''))
    for (const file of ['manifest.json', 'report.html', 'ledger/data-00000-of-00001.arrow']) {
      expect(readFileSync(join(far.folder, file), 'latin1')).not.toContain('secret')
    }
    expect((await run(graphOf(url), { output: join(at, 'far') })).status).toBe('nothing_new')
    etag = '"two"'
    expect((await run(graphOf(url), { output: join(at, 'far') })).status).toBe('published')
  })

  it('reads the columns that are asked for and no others', async () => {
    serve()
    const source = await openHttpSource(url)
    expect([source.byteLength, source.identity]).toEqual([bytes.length, `"one" ${bytes.length}`])
    expect(Buffer.from(await source.slice(100, 250))).toEqual(bytes.subarray(100, 250))
    let rows = 0
    for await (const batch of readParquet(url, { columns: ['id'] })) rows += batch.numRows
    expect(rows).toBe(336)
  })

  it('goes on where the server is busy, breaks off, or gives too little, once each', async () => {
    const at = folder(),
      good = await run(graphOf('data/sample/pairs-en.parquet'), { output: join(at, 'local') })
    serve((_, response, nth) => {
      if (nth === 2) {
        response.writeHead(503).end()
        return true
      }
      if (nth === 4) {
        response
          .writeHead(206, { etag, 'content-range': `bytes 0-99/${bytes.length}`, 'content-length': 100 })
          .write('half')
        setTimeout(() => response.destroy(), 20)
        return true
      }
      if (nth === 6) {
        response.writeHead(206, { etag, 'content-range': `bytes 0-2/${bytes.length}`, 'content-length': 3 }).end('abc')
        return true
      }
      if (nth === 8) {
        response.destroy()
        return true
      }
      return false
    })
    const { folder: out } = await run(graphOf(url), { output: join(at, 'out'), workers: 1 })
    expect(rowsOf(join(out, 'dpo'))).toEqual(rowsOf(join(good.folder, 'dpo')))
    expect(asked.length).toBeGreaterThan(8)
  })

  it.each([
    ['gives no parts', answer(200, { etag: '"one"' }), 65, /does not give parts of a file \(no Range\); download it/],
    ['is not there', answer(404), 66, /is not there \(404\)/],
    ['is private', answer(403), 66, /answered 403; it may be private/],
    [
      'says no version',
      (_: IncomingMessage, response: ServerResponse) => {
        response.writeHead(206, { 'content-range': `bytes 0-0/${bytes.length}` }).end('P')
        return true
      },
      65,
      /which version of the file it gives/,
    ],
    ['stays busy', answer(503), 74, /answered 503, 4 times; try later/],
    [
      'is down',
      (_: IncomingMessage, response: ServerResponse) => {
        response.destroy()
        return true
      },
      74,
      /cannot be reached/,
    ],
  ])('that %s is refused, with what to do', async (_, does, exit, message) => {
    serve(does)
    const error = await run(graphOf(url), { output: join(folder(), 'out') }).then(
      () => undefined,
      (error: Error & { exit: number }) => error,
    )
    expect(error).toMatchObject({ exit, message: expect.stringMatching(message) as unknown })
    expect(error!.message).toContain('/pairs.parquet')
  })

  it('that changes midway is not mixed: 75, and nothing is published', async () => {
    const output = join(folder(), 'out')
    serve((_, _response, nth) => {
      if (nth === 8) etag = '"two"'
      return false
    })
    await expect(run(graphOf(url), { output, workers: 1 })).rejects.toMatchObject({
      exit: 75,
      message: expect.stringContaining('changed while it was read (it was "one"') as unknown,
    })
    expect(asked.length).toBeGreaterThanOrEqual(8)
  })

  it('of Arrow is not read from a URL', async () => {
    serve()
    const graph = {
      ...graphOf(url),
      stages: [
        { id: 'pairs', use: 'read_arrow', with: { path: url } },
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    await expect(run(graph, { output: join(folder(), 'out') })).rejects.toMatchObject({
      exit: 66,
      message: expect.stringContaining('download') as unknown,
    })
  })
})
