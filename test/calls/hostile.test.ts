/**
 * Servers that mean harm, or are broken as if they did: bounded in time and memory, and nothing of what they say gets
 * where it should not.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readChat } from '../../engine/calls/chat.ts'
import { retryAfter, send, tokensSaid } from '../../engine/calls/http.ts'
import { holdsKey, tellsOfKey, wordsOf } from '../../engine/calls/secret.ts'
import { readScores } from '../../stages/served/reward_apis.ts'
import { folder } from '../engine/helpers.ts'
import { graphOf, outcomeOf, PAIRS, scored } from './helpers.ts'
import { startServer, type Misbehave, type Request } from './server.ts'

const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers) close()
})

/** A server that answers everything in one way. */
async function serve(answer: Parameters<typeof createServer>[1] & object): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const ask = (url: string, more: Partial<Parameters<typeof send>[0]> = {}) =>
  send({ url, body: { input: ['a'] }, timeoutMs: 5000, signal: new AbortController().signal, ...more })

describe('an answer is read up to a size, and for a time', () => {
  it('without end: no more than 16 MiB and what is on its way', async () => {
    let sent = 0
    const url = await serve((_, response) => {
      const chunk = Buffer.alloc(1 << 20, 0x20)
      const push = () => {
        while (!response.destroyed && sent < 400 << 20) {
          sent += chunk.length
          if (!response.write(chunk)) return void response.once('drain', push)
        }
        response.end()
      }
      push()
    })
    await expect(ask(url)).rejects.toMatchObject({
      kind: 'unusable',
      message: 'the answer is longer than 16,777,216 bytes, which no answer to this request is; the rest was not read',
    })
    expect(sent).toBeLessThan(64 << 20)
  })
  it('small on the wire, large unpacked', async () => {
    const packed = gzipSync(Buffer.alloc(20 << 20, 0x20))
    const url = await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed))
    await expect(ask(url)).rejects.toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(/longer than 16,777,216 bytes/) as string,
    })
  })
  it('of an error the beginning', async () => {
    const url = await serve((_, response) => response.writeHead(400).end(`too long: ${'x'.repeat(1 << 20)}`))
    await expect(ask(url)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^400 too long: x{290}$/) as string,
    })
  })
  it('a byte now and then', async () => {
    const url = await serve((_, response) => {
      response.write('{')
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => {
        clearInterval(timer)
      })
    })
    const began = Date.now()
    await expect(ask(url, { timeoutMs: 300 })).rejects.toMatchObject({
      kind: 'later',
      message: 'no answer within 0.3 s',
    })
    expect(Date.now() - began).toBeLessThan(3000)
  })
  it('a header without end', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'x-long': 'x'.repeat(1 << 20) }).end('[]')
    })
    await expect(ask(url)).rejects.toMatchObject({
      kind: 'later',
      message: expect.stringMatching(/HEADERS_OVERFLOW/) as string,
    })
  })
  it('nested without end', async () => {
    const deep = '['.repeat(30_000)
    const url = await serve((_, response) => response.writeHead(400).end(`{"detail":${deep}${']'.repeat(30_000)}}`))
    await expect(ask(url)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^400 \{"detail":\[\[/) as string,
    })
  })
  it('and a run ends with what was wrong', async () => {
    const server = await startServer((_, response) => response.end(Buffer.alloc(17 << 20, 0x20)) && true)
    const { error } = await scored(server)
    expect(error).toMatchObject({
      exit: 78,
      message: expect.stringMatching(/^scored: http:.*the answer is longer than 16,777,216 bytes/) as string,
    })
  })
})

describe('a body that is no answer', () => {
  const bodies: [string, string | Buffer][] = [
    ['null', 'null'],
    ['an empty list', '[]'],
    ['empty text', '""'],
    ['nothing', ''],
    ['a number', '7'],
    ['HTML', '<!doctype html><html>'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['scores that are text', '{"data":[{"index":0,"probs":["1"]}]}'],
    ['null', '{"data":[{"index":0,"probs":[null]}]}'],
    ['a bool', '{"data":[{"index":0,"probs":[true]}]}'],
    ['beyond 1e308', '{"data":[{"index":0,"probs":[1e309]}]}'],
    ['NaN', '{"data":[{"index":0,"probs":[NaN]}]}'],
    ['an index as text', '{"data":[{"index":"0","probs":[1]}]}'],
    ['no index', '{"data":[{"probs":[1]}]}'],
    ['null in the list', '{"data":[null]}'],
    ['an object for the list', '{"data":{"0":1}}'],
  ]
  it('costs its row, and no other', async () => {
    const server = await startServer(({ body }, response) => {
      const row = Number(/answer (\d+):/.exec(JSON.stringify(body))?.[1] ?? NaN)
      return row < bodies.length && response.end(bodies[row][1]) && true
    })
    const { error, rows, ledger } = await scored(server)
    expect(error).toBeUndefined()
    expect(rows).toHaveLength(PAIRS - bodies.length)
    for (const [row, [what]] of bodies.entries()) {
      expect(
        ledger.find(({ id }) => id === `r${row}`),
        what,
      ).toMatchObject({
        outcome: 'errored',
        detail: expect.stringMatching(/^reward has no score for the chosen side: /) as string,
      })
    }
  })
  it('is said in words, whatever the API', () => {
    for (const api of [
      'vllm_classify',
      'vllm_pooling',
      'sglang_classify',
      'vllm_score',
      'rerank',
      'tei_rerank',
    ] as const) {
      for (const answer of [
        null,
        [],
        '',
        7,
        true,
        {},
        [null],
        { data: [null], results: [null] },
        { data: [1, 1], results: [1, 1] },
      ]) {
        expect(() => readScores(api, answer, 1), `${api} ${JSON.stringify(answer)}`).toThrow(
          /^(the answer|[02] scores came|the score of text 0 is missing)/,
        )
      }
    }
    const twice = [
      { index: 0, probs: [1] },
      { index: 0, probs: [2] },
    ]
    expect(() => readScores('vllm_classify', { data: twice }, 2)).toThrow("the answer's indexes are 0, 0, not 0 to 1")
  })
  it('of a chat model: text and probabilities are what they must be', () => {
    const chat = (message: unknown, first: unknown = []) =>
      readChat({ choices: [{ finish_reason: 'stop', message, logprobs: { content: [{ top_logprobs: first }] } }] })
    expect(chat({ content: 'A' }, [{ token: 'A', logprob: 0 }])).toEqual({
      text: 'A',
      first: [{ token: 'A', logprob: 0 }],
    })
    for (const content of [7, ['A'], { a: 1 }]) {
      expect(() => chat({ content })).toThrow(/^the model's text is .*, not text$/)
    }
    for (const one of [
      { token: 'A', logprob: '-0.1' },
      { token: 'A', logprob: null },
      { token: 'A', logprob: 700 },
      { logprob: -1 },
      null,
    ]) {
      expect(() => chat({ content: 'A' }, [one])).toThrow(/is no token with the logarithm/)
    }
    for (const answer of [null, [], '', 7, { choices: null }, { choices: [null] }]) {
      expect(() => readChat(answer)).toThrow('the answer has no choices')
    }
  })
})

describe('tokens', () => {
  it('are counted where the server counts them, and nothing else is', () => {
    const of = (total_tokens: unknown) => tokensSaid({ usage: { total_tokens } })
    expect([
      of(10),
      of(0),
      of(undefined),
      of(null),
      tokensSaid(null),
      tokensSaid([]),
      tokensSaid({ usage: null }),
    ]).toEqual([{ tokens: 10 }, { tokens: 0 }, {}, {}, {}, {}, {}])
    for (const wrong of [-1, 0.5, Infinity, 1e300, '10', true, [10], {}]) expect(of(wrong)).toEqual({ wrong })
    expect(tokensSaid([{ meta_info: { prompt_tokens: 3 } }, { meta_info: { prompt_tokens: 4 } }])).toEqual({
      tokens: 7,
    })
    expect(tokensSaid([{ meta_info: { prompt_tokens: 3 } }, { meta_info: { prompt_tokens: -4 } }])).toEqual({
      wrong: -4,
    })
    expect(tokensSaid([{ meta_info: { prompt_tokens: 3 } }, null])).toEqual({})
  })
  it.each(['1e400', '-5', '"many"'])('%s: the estimate is spent in their place, and it is told once', async count => {
    const misbehave: Misbehave = (_, response) => {
      const end = response.end.bind(response)
      response.end = ((text: string) => end(text.replace('"total_tokens":10', `"total_tokens":${count}`))) as never
    }
    const warnings: string[] = [],
      { result, error } = await scored(
        await startServer(misbehave),
        { max_tokens: 1e6, usd_per_million_tokens: 1 },
        { onWarning: text => warnings.push(text) },
      )
    expect(error).toBeUndefined()
    expect(result!.calls.scored.tokens).toBeGreaterThan(1000)
    expect(result!.calls.scored.tokens).toBeLessThan(100_000)
    expect(warnings).toEqual([
      expect.stringMatching(
        /^scored: http:.* says that a request took .* tokens, which is no number of tokens; the estimate is counted in its place/,
      ),
    ])
  })
})

describe('a wait that is longer than retry_secs', () => {
  const day = {
    seconds: () => '86400',
    'a date': () => new Date(Date.now() + 864e5).toUTCString(),
    'more than there are': () => '9'.repeat(400),
  }
  it.each(Object.entries(day))('in the middle of a run is told at once, in %s', async (_, header) => {
    const server = await startServer(
        ({ number }, response) =>
          number >= 30 && response.writeHead(429, { 'retry-after': header() }).end('{"message":"tomorrow"}') && true,
      ),
      began = Date.now()
    const { error } = await scored(server, { retry_secs: 5 })
    expect(error).toMatchObject({
      exit: 69,
      message: expect.stringMatching(
        /not again for \d+ s \(retry_secs is 5\); all answers so far are kept, run the same command again when that time is over, or with a larger retry_secs/,
      ) as string,
    })
    expect(Date.now() - began).toBeLessThan(10_000)
  })
  it('is read of seconds and dates, and of nothing else', () => {
    expect(['-5', 'soon', '', '1e9999', 'Infinity'].map(header => retryAfter(header, 0))).toEqual([0, 0, 0, 1e12, 1e12])
  })
})

describe('a key', () => {
  const key = 'sk-Test_4f9A/Q+w7Zx=81bC',
    encoded = Buffer.from(key).toString('base64')
  const forms: Record<string, string> = {
    'as it is': key,
    'in a header': `Authorization: Bearer ${key}`,
    'in base64': encoded,
    'in base64 behind other text': Buffer.from(`Bearer ${key}!`).toString('base64'),
    'in base64 for URLs': Buffer.from(`x${key}`).toString('base64url'),
    'in a URL': encodeURIComponent(key),
    'percent by percent': Buffer.from(key).toString('hex').replace(/../g, '%$&'),
    'in JSON in JSON': JSON.stringify(JSON.stringify(key)),
    'in escapes': [...key].map(letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    'in HTML': [...key].map(letter => `&#${letter.charCodeAt(0)};`).join(''),
    'in hexadecimal': Buffer.from(key).toString('hex'),
    'in capitals': Buffer.from(key).toString('hex').toUpperCase(),
    backwards: [...key].reverse().join(''),
    'over several lines': key.replace(/.{5}/g, '$&\n'),
    'over lines of JSON': JSON.stringify(key.replace(/.{5}/g, '$&\n')),
    'letter by letter': [...key].join(' '),
  }
  it.each(Object.entries(forms))('is seen %s', (_, form) => {
    expect(holdsKey(`{"error": "not this: ${form} "}`, key)).toBe(true)
    expect(tellsOfKey(`{"error": "not this: ${form.slice(0, form.length * 0.7)}`, key)).toBe(true)
  })
  it('is not seen where it is not, nor where it is a placeholder', () => {
    expect(tellsOfKey('{"error":"maximum context length is 4096 tokens"}', key)).toBe(false)
    expect(holdsKey('{"data":"EMPTY"}', 'EMPTY')).toBe(false)
    expect(tellsOfKey('{"data":"EMPTY"}', 'EMPTY')).toBe(false)
    expect(wordsOf(`not\n for ${key}`, key)).toBe('not for ***')
    expect(tellsOfKey('anything', undefined)).toBe(false)
  })

  /** All files below a folder, as text. */
  const textsIn = (at: string): string =>
    readdirSync(at, { recursive: true })
      .map(String)
      .filter(file => statSync(join(at, file)).isFile())
      .map(file => readFileSync(join(at, file), 'latin1'))
      .join('\n')
  const authorised: (request: Request) => string = ({ headers }) => headers.authorization!
  it.each<[string, Misbehave]>([
    [
      'an error',
      (request, response) =>
        response.writeHead(400).end(JSON.stringify({ error: { message: `no: ${authorised(request)}` } })) && true,
    ],
    [
      'a score',
      (request, response) =>
        response.end(JSON.stringify({ data: [{ index: 0, probs: [authorised(request)] }] })) && true,
    ],
    [
      'an answer that is one but for that',
      (request, response) =>
        response.end(
          JSON.stringify({ data: [{ index: 0, probs: [request.number] }], debug: { headers: request.headers } }),
        ) && true,
    ],
    ['HTML', (request, response) => response.end(`<pre>${authorised(request).slice(0, 20)}`) && true],
  ])('that comes back in %s is in no error, no warning and no file', async (_, misbehave) => {
    process.env.SLUICE_TEST_KEY = key
    const server = await startServer((request, response) =>
        request.number < 10 ? undefined : misbehave(request, response),
      ),
      at = folder(),
      heard: string[] = []
    const { error } = await outcomeOf(graphOf(server.url, { key_variable: 'SLUICE_TEST_KEY', retry_secs: 1 }), {
      output: join(at, 'out'),
      onWarning: text => heard.push(text),
      onPlan: lines => heard.push(...lines),
    })
    expect(server.requests[0].headers.authorization).toBe(`Bearer ${key}`)
    const all = [error?.message, error?.stack, ...heard, textsIn(at)].join('\n')
    expect(all).not.toContain(key)
    expect(all).not.toContain(key.slice(0, 12))
  })
  it('goes to no other server', async () => {
    process.env.SLUICE_TEST_KEY = key
    const other = await startServer(),
      server = await startServer(
        (_, response) => response.writeHead(307, { location: `${other.url}/classify` }).end() && true,
      )
    expect((await scored(server, { key_variable: 'SLUICE_TEST_KEY' })).error).toMatchObject({ exit: 78 })
    expect(other.requests).toEqual([])
  })
  it('that no header can hold is told before anything is sent, without its value', async () => {
    process.env.SLUICE_TEST_KEY = 'two\nlines-of-secret'
    const server = await startServer(),
      { error } = await scored(server, { key_variable: 'SLUICE_TEST_KEY' })
    expect(error).toMatchObject({
      exit: 78,
      message: expect.stringMatching(/a key has no spaces, line ends/) as string,
    })
    expect(error!.message).not.toContain('lines-of-secret')
    // a line end behind it is the file's that it came from
    process.env.SLUICE_TEST_KEY = `${key}\n`
    await scored(server, { key_variable: 'SLUICE_TEST_KEY' })
    expect(server.requests[0].headers.authorization).toBe(`Bearer ${key}`)
  })
})
