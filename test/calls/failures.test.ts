/** Servers that misbehave, each in one way: what is lost is said, and nothing else is. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { retryAfter } from '../../engine/calls/http.ts'
import { folder } from '../engine/helpers.ts'
import { startSluice, stateOf } from '../failures/helpers.ts'
import { graphOf, outcomeOf, output, PAIRS, scored, type Outcome } from './helpers.ts'
import { startServer, type Misbehave, type Request } from './server.ts'

const template = '{role}: {content}\n'
const batched = { template, texts_per_request: 8 }
const clean = scored(await startServer(), batched)

/** Whether a request has the text of row 7's chosen side. */
const hasSeven = ({ body }: Request) => JSON.stringify(body).includes('answer 7:')
/** An answer of vLLM by its text: its numbers need not be JSON. */
const data = (count: number, value: (i: number) => string) =>
  `{"data":[${Array.from({ length: count }, (_, i) => `{"index":${i},"probs":[${value(i)}]}`).join()}]}`
const toAll = ({ body }: Request, value: (i: number) => string) =>
  data((body.input as string[] | undefined)?.length ?? 1, value)

async function expectClean(outcome: Outcome): Promise<void> {
  expect(outcome.error).toBeUndefined()
  expect(outcome.rows).toEqual((await clean).rows)
}

/** All rows but the seventh, which is set aside with this message. */
async function expectSevenErrored({ error, rows, ledger }: Outcome, message: RegExp): Promise<void> {
  expect(error).toBeUndefined()
  expect(rows).toEqual((await clean).rows.filter(({ id }) => id !== 'r7'))
  const seven = ledger.find(({ id }) => id === 'r7')!
  expect(seven).toMatchObject({ outcome: 'errored', stage: 'scored' })
  expect(JSON.stringify(seven)).toMatch(message)
}

describe('a server that misbehaves for a while is asked again', () => {
  const passing: Record<string, Misbehave> = {
    'answers in any order': ({ body }, response) => {
      const texts = body.input as string[] | undefined
      if (!texts) return
      const end = response.end.bind(response)
      response.end = ((text: string) =>
        end(JSON.stringify({ data: (JSON.parse(text) as { data: unknown[] }).data.reverse() }))) as never
    },
    'loads (503) and is busy (429, 408, 409)': ({ number }, response) =>
      [5, 6, 7, 8].includes(number) &&
      response.writeHead([503, 429, 408, 409][number - 5]).end('{"message":"later"}') &&
      true,
    'fails once inside (500)': ({ number }, response) => number === 6 && response.writeHead(500).end('oops') && true,
    'cuts its JSON off': ({ number }, response) => number === 6 && response.end('{"data":[{"index":0,"pro') && true,
    'answers something else': ({ number }, response) => number === 6 && response.end('null') && true,
    'gives one score too few': (request, response) => request.number === 6 && response.end(data(7, String)) && true,
    'gives NaN and Infinity as Python writes them': (request, response) =>
      request.number === 6 && response.end(toAll(request, i => (i % 2 ? 'NaN' : '-Infinity'))) && true,
    'hangs up without an answer': ({ number }, response) => {
      if (number !== 6) return
      response.destroy()
      return true
    },
    'hangs up in the middle of one': ({ number }, response) => {
      if (number !== 6) return
      response.writeHead(200, { 'content-length': 900 })
      response.write('{"data":')
      setTimeout(() => response.destroy(), 20)
      return true
    },
  }
  it.each(Object.entries(passing))('%s', async (_, misbehave) => {
    const server = await startServer(misbehave)
    await expectClean(await scored(server, batched))
  })

  it('is slow: the answer counts when it comes in time, and is asked for again when not', async () => {
    let slow = 0
    const server = await startServer(async ({ number }) => {
      if (number === 3) {
        slow++
        await sleep(1500)
      }
    })
    await expectClean(await scored(server, { ...batched, timeout_secs: 0.5 }))
    expect(slow).toBe(1)
  })

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2000).toUTCString()],
  ])('is left alone as long as it asks for, in %s', async (_, header) => {
    let until = 0
    const early: number[] = []
    const server = await startServer(({ number }, response) => {
      if (number === 4) {
        until = Date.now() + 900
        response.writeHead(429, { 'retry-after': header() }).end()
        return true
      }
      if (until > 0) {
        if (Date.now() < until) early.push(number)
      }
    })
    await expectClean(await scored(server, { ...batched, concurrent_requests: 1 }))
    expect(until).toBeGreaterThan(0)
    expect(early).toEqual([])
  })
})

describe('a text that the server cannot take costs its row, and no other one', () => {
  it.each<[string, Misbehave, RegExp]>([
    [
      'too long (400)',
      (request, response) =>
        hasSeven(request) &&
        response.writeHead(400).end('{"error":{"message":"maximum context length is 4096 tokens"}}') &&
        true,
      /no score for the chosen side: 400 maximum context length is 4096/,
    ],
    ['NaN', (request, response) => hasSeven(request) && response.end(toAll(request, () => 'NaN')) && true, /not JSON/],
    [
      'null',
      (request, response) => hasSeven(request) && response.end(toAll(request, () => 'null')) && true,
      /score of text 0 is null/,
    ],
    [
      'too many scores',
      (request, response) => hasSeven(request) && response.end(data(9, () => '1')) && true,
      /9 scores came for 1 texts/,
    ],
    [
      'always 500',
      (request, response) => hasSeven(request) && response.writeHead(500).end('CUDA assert') && true,
      /500 CUDA assert/,
    ],
  ])('%s', async (_, misbehave, message) => {
    const server = await startServer(misbehave)
    const outcome = await scored(server, batched)
    await expectSevenErrored(outcome, message)
    expect(outcome.result!.calls.scored.failed).toBe(1)
  })

  it('always slow', async () => {
    const server = await startServer(async request => {
      if (hasSeven(request)) await sleep(1500)
    })
    await expectSevenErrored(
      await scored(server, { template, texts_per_request: 1, timeout_secs: 0.3, retry_secs: 1 }),
      /no answer within 0.3 s/,
    )
  }, 30_000)

  it('nor when the others are answered already, and those that it cannot take are all that is asked', async () => {
    const server = await startServer(
      ({ body }, response) =>
        /answer \d*[13579]:/.test(JSON.stringify(body)) &&
        response.writeHead(400).end('{"error":{"message":"too long"}}') &&
        true,
    )
    const answers = folder()
    for (let i = 0; i < 2; i++) expect((await scored(server, {}, { answers })).rows).toHaveLength(PAIRS / 2)
    // beside both probes: all, then those that were refused
    expect(server.requests).toHaveLength(2 * 4 + 2 * PAIRS + PAIRS / 2)
  })

  it('but when most are refused the run stops, and keeps what it has', async () => {
    const server = await startServer(
      ({ number }, response) => number > 3 && response.writeHead(422).end('{"detail":"no"}') && true,
    )
    const { error } = await scored(server)
    expect(error).toMatchObject({ exit: 69 })
    expect(error!.message).toMatch(
      /25 requests failed and 0 were answered, the last with .*: 422 no; the server is not set up for this, or broken, or these rows are too much for it: .*\(drop_length\)/,
    )
  })
})

describe('a server that cannot be used stops the run before the first row', () => {
  const stops = async (
    server: { url: string; requests: Request[] },
    more: Record<string, unknown>,
    exit: number,
    message: RegExp,
    requests?: number,
  ) => {
    const { error } = await outcomeOf(graphOf(server.url, more))
    expect(error?.message).toMatch(message)
    expect(error!.exit).toBe(exit)
    if (requests !== undefined) expect(server.requests).toHaveLength(requests)
  }
  it('nobody there', async () => {
    const taken = createServer()
    const port = await new Promise<number>(resolve => {
      taken.listen(0, '127.0.0.1', () => {
        resolve((taken.address() as { port: number }).port)
      })
    })
    await new Promise(resolve => {
      taken.close(resolve)
    })
    await stops(
      { url: `http://127.0.0.1:${port}`, requests: [] },
      { retry_secs: 1 },
      69,
      /no answer from http:.*ECONNREFUSED.*retry_secs is 1.*run the same command again/,
    )
  })
  it('not yet there: the user hears what is waited for, once, and the run goes on with the first answer', async () => {
    const server = await startServer(({ number }, response) => {
        if (number > 5) return
        response.destroy()
        return true
      }),
      warnings: string[] = []
    const { rows } = await outcomeOf(graphOf(server.url, { retry_secs: 60 }), {
      onWarning: text => warnings.push(text),
    })
    expect(rows).toHaveLength(PAIRS)
    expect(warnings).toEqual([
      expect.stringMatching(/^\w+: http:.*: fetch failed.*; it is asked again for up to \d+ s \(retry_secs\)$/),
    ])
  })
  it('down in the middle: what is answered is kept', async () => {
    const server = await startServer(({ number }, response) => {
      if (number < 60) return
      response.destroy()
      return true
    })
    const at = { output: output() }
    await outcomeOf(graphOf(server.url, { retry_secs: 1 }), at).then(({ error }) => {
      expect(error).toMatchObject({ exit: 69 })
    })
    const before = server.requests.length
    server.misbehave = () => undefined
    const { rows } = await outcomeOf(graphOf(server.url), at)
    expect(rows).toHaveLength(PAIRS)
    // 56 of 120 were answered, beside the probe
    expect(server.requests.length - before).toBe(2 * PAIRS - 56 + 4)
  })
  it('a wait longer than retry_secs', async () => {
    const server = await startServer((_, response) => response.writeHead(429, { 'retry-after': '3600' }).end() && true)
    await stops(server, {}, 69, /429; not again for 3600 s \(retry_secs is 5\)/, 1)
  })
  it('an interrupt ends the waiting', async () => {
    const server = await startServer((_, response) => response.writeHead(503, { 'retry-after': '60' }).end() && true)
    const path = join(folder(), 'graph.json'),
      at = output()
    writeFileSync(path, JSON.stringify(graphOf(server.url, { retry_secs: 100 })))
    const started = startSluice(['run', path, '--output', at])
    while (server.requests.length === 0) await sleep(20)
    started.kill('SIGINT')
    expect((await started.ended).code).toBe(130)
    expect(stateOf(at)).toMatchObject({ runs: [], halves: [], locked: false })
  })
  it('the key is not accepted: not tried again', async () => {
    const server = await startServer((_, response) => response.writeHead(401).end('{"error":"who are you"}') && true)
    await stops(server, {}, 78, /401 who are you; name the environment variable that holds the key in key_variable/, 1)
  })
  it('no such path', async () => {
    const server = await startServer((_, response) => response.writeHead(404).end('{"detail":"Not Found"}') && true)
    await stops(server, {}, 78, /404 Not Found; is `url` the root/, 1)
  })
  it('sends elsewhere', async () => {
    const server = await startServer(
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end() && true,
    )
    await stops(server, {}, 78, /302/, 1)
  })
  it('another model is served', async () => {
    await stops(
      await startServer(() => undefined, { models: ['other', 'third'] }),
      {},
      78,
      /no model 'reward', it has other, third; set model/,
      0,
    )
  })
  it('a softmax over one class', async () => {
    await stops(
      await startServer((request, response) => response.end(toAll(request, () => '1.0')) && true),
      {},
      78,
      /every text gets the score 1: a softmax over one class/,
      4,
    )
  })
  it('a head without weights, as vLLM 0.32.0 serves it', async () => {
    let n = 0
    await stops(
      await startServer(
        (request, response) =>
          response.end(toAll(request, () => String([2.715454419401066e30, -2.866032174863166e30][n++ % 2]))) && true,
      ),
      {},
      78,
      /the scores of four texts are 2\.715e\+30, .*without weights for its head/,
      4,
    )
  })
  it('a sigmoid, unless the model is like that', async () => {
    let n = 0
    const server = await startServer(
      (request, response) => response.end(toAll(request, () => String((n = (n + 37) % 100) / 100))) && true,
    )
    await stops(
      server,
      batched,
      78,
      /scores of four texts lie between 0 and 1 \(0\.37, 0\.74, 0\.11, 0\.48\).*scale: unit/,
      1,
    )
    expect((await scored(server, { scale: 'unit' })).rows).toHaveLength(PAIRS)
  })
  it('options that do not go together, all at once, before the server is asked', async () => {
    const server = await startServer()
    await stops(
      { ...server, url: 'http://user:sesame@127.0.0.1' },
      { max_usd: 1, key_variable: 'SLUICE_NOT_SET' },
      78,
      /no such variable[^]*needs a price[^]*url holds no keys/,
      0,
    )
    await stops(server, { api: 'sglang_classify' }, 78, /set template/, 0)
    await stops(server, { template: '{content}' }, 78, /no \{role\}/, 0)
  })
})

describe('retryAfter', () => {
  it('reads seconds and dates, and nothing else', () => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    expect(
      [null, '', '3', '0.5', 'Thu, 01 Jan 2026 00:00:07 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', '-1'].map(
        header => retryAfter(header, now),
      ),
    ).toEqual([0, 0, 3000, 500, 7000, 0, 0, 0])
  })
})
