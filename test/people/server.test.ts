/** The server of the review page: what it answers, to whom, and what it writes. */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openDecisions, type DecisionsFile } from '../../app/review/file.ts'
import { serve, type Counts, type Serving } from '../../app/review/server.ts'
import { folder } from '../engine/helpers.ts'

const pairs = ['a', 'b', 'c'].map((id, i) => ({
  id,
  prompt: `Question ${id}?`,
  chosen: `The answer is ${i}.`,
  rejected: `The answer is ${i + 1}.`,
  facts: [id],
  ...(id === 'b' ? { content: 'b'.repeat(32) } : {}),
}))

let open: { serving: Serving; file: DecisionsFile } | undefined
afterEach(async () => {
  await open?.serving.close()
  open?.file.close()
  open = undefined
})

async function start() {
  const path = join(folder(), 'decisions.jsonl'),
    file = openDecisions(path),
    serving = await serve({ pairs, file, by: 'ann', port: 0, next: 'run again' })
  open = { serving, file }
  const { url } = serving
  const post = async (what: string, body: unknown) => {
    const response = await fetch(`${url}${what}`, { method: 'POST', body: JSON.stringify(body) })
    return { status: response.status, body: (await response.json()) as Counts & { at?: number; error?: string } }
  }
  const lines = () => readFileSync(path, 'utf8').trim().split('\n')
  return { url, path, post, lines, serving }
}

/** What a request gives whose headers a browser would not let a page set. */
const raw = (url: string, headers: Record<string, string>, method = 'GET') =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    request(url, { headers, method }, response => {
      let body = ''
      response
        .on('data', chunk => (body += String(chunk)))
        .on('end', () => resolve({ status: response.statusCode!, body }))
    })
      .on('error', reject)
      .end()
  })

describe('serve', () => {
  it('writes each decision before it answers, and counts', async () => {
    const { post, lines } = await start()
    const first = await post('decide', { at: 0, decision: 'keep' })
    expect(first.body).toMatchObject({ total: 3, decided: 1, wrong: 0, open: 1, next: 'run again' })
    expect(lines()).toHaveLength(1)
    const second = await post('decide', { at: 1, decision: 'flip', note: ' looks swapped ' })
    expect(second.body).toMatchObject({ decided: 2, wrong: 1, open: 2, share: { value: 50 } })
    expect(second.body.share!.low).toBeCloseTo(1.26, 2)
    expect(second.body.share!.high).toBeCloseTo(98.74, 2)
    expect(JSON.parse(lines()[1])).toMatchObject({
      id: 'b',
      decision: 'flip',
      content_hash: 'b'.repeat(32),
      by: 'ann',
      note: 'looks swapped',
    })
    const last = await post('decide', { at: 2, decision: 'drop' })
    expect(last.body).toMatchObject({ decided: 3, wrong: 2, open: -1 })
  })

  it('takes back the last decision, and then the one before', async () => {
    const { post } = await start()
    await post('decide', { at: 0, decision: 'keep' })
    await post('decide', { at: 2, decision: 'drop' })
    expect((await post('undo', {})).body).toMatchObject({ at: 2, decided: 1 })
    expect((await post('undo', {})).body).toMatchObject({ at: 0, decided: 0 })
    expect((await post('undo', {})).body).toMatchObject({ at: -1 })
  })

  it('gives a pair as a card with its decision', async () => {
    const { url, post } = await start()
    await post('decide', { at: 1, decision: 'drop', note: 'why' })
    const pair = (await (await fetch(`${url}pair?at=1`)).json()) as Record<string, unknown>
    expect(pair).toMatchObject({ decision: 'drop', note: 'why' })
    expect(pair.html).toContain('The answer is <mark>1</mark>.')
  })

  it.each([
    ['a place beyond the list', 'decide', { at: 3, decision: 'keep' }, 'no pair at 3'],
    ['another word', 'decide', { at: 0, decision: 'maybe' }, "no decision 'maybe'"],
    ['a body too long', 'decide', { at: 0, decision: 'keep', note: 'x'.repeat(20_000) }, 'more than 16384 bytes'],
  ])('refuses %s, and writes nothing', async (_, what, body, message) => {
    const { post, url } = await start()
    const answer = await post(what, body)
    expect(answer).toMatchObject({ status: 400, body: { error: message } })
    expect(await (await fetch(`${url}counts`)).json()).toMatchObject({ decided: 0 })
  })

  it('answers nobody without the token, under another host or from another origin', async () => {
    const { url } = await start(),
      { host, port, origin } = new URL(url)
    expect((await raw(`${origin}/`, {})).status).toBe(404)
    expect((await raw(`${origin}/${'0'.repeat(32)}/`, {})).status).toBe(404)
    expect(await raw(url, { host: `evil.example:${port}` })).toEqual({ status: 404, body: '' })
    expect(await raw(`${url}done`, { origin: 'http://evil.example' }, 'POST')).toEqual({ status: 404, body: '' })
    expect((await raw(`${url}../package.json`, {})).status).toBe(404)
    expect((await raw(`${url}file.ts`, {})).status).toBe(404)
    expect((await raw(url, { host })).status).toBe(200)
  })

  it('says by its headers that a page may load its own files alone', async () => {
    const { url } = await start(),
      { headers } = await fetch(url)
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none';.*require-trusted-types-for 'script'/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  it('hears that the page is done', async () => {
    const { post, serving } = await start()
    await post('done', {})
    await serving.done
  })
})
