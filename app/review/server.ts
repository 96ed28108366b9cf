/** Serves one page of a list to one browser on this machine, and takes its decisions. */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { IoError } from '../../engine/errors.ts'
import { packageRoot } from '../../engine/root.ts'
import { cardHtml } from '../../engine/report/cards.ts'
import { lowerShare } from '../../engine/beta.ts'
import { decisionWords, type DecisionWord } from '../../engine/run/decisions.ts'
import { isOn, type Decided, type DecisionsFile } from './file.ts'
import type { Listed } from './list.ts'

export interface Review {
  readonly pairs: readonly Listed[]
  readonly file: DecisionsFile
  readonly by: string
  readonly port: number
  /** What to do with the decisions, shown where all are made. */
  readonly next: string
}

export interface Serving {
  /** Where the page is; the token in it is all that lets anybody in. */
  readonly url: string
  /** The page said that it is done. */
  readonly done: Promise<void>
  close(): Promise<void>
}

const assets: Readonly<Record<string, string>> = {
  '': 'text/html; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
}
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types cards",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
}
/** Bytes of a request's body, and letters of a note. */
const MOST_BODY = 16_384,
  MOST_NOTE = 2_000

/** What a request asks of the review, as the page's script reads it. */
export interface Counts {
  /** Pairs of the list. */
  total: number
  decided: number
  /** Of these, those whose label was wrong: drop or flip. */
  wrong: number
  /** The share that was wrong and where it lies with 95 %, in percent; absent before the first decision. */
  share?: { value: number; low: number; high: number }
  /** The first pair without a decision from the place on that was asked about, or from the first; -1: there is none. */
  open: number
  next: string
}

export async function serve({ pairs, file, by, port, next }: Review): Promise<Serving> {
  const token = randomBytes(16).toString('hex'),
    placesOf = new Map<string, number[]>()
  pairs.forEach(({ id }, at) => {
    if (!placesOf.has(id)) placesOf.set(id, [])
    placesOf.get(id)!.push(at)
  })
  let finish: () => void
  const done = new Promise<void>(resolve => {
    finish = resolve
  })

  const isOpen = (pair: Listed) => file.decisionOn(pair) === undefined
  const placeOf = (line: Decided) => placesOf.get(line.id)?.find(at => isOn(line, pairs[at]))
  const counts = (from: number): Counts => {
    const decisions = pairs.flatMap(pair => file.decisionOn(pair)?.decision ?? []),
      wrong = decisions.filter(word => word !== 'keep').length,
      decided = decisions.length
    const later = pairs.findIndex((pair, at) => at >= from && isOpen(pair))
    return {
      total: pairs.length,
      decided,
      wrong,
      ...(decided > 0 ? { share: shareOf(wrong, decided) } : {}),
      open: later >= 0 ? later : pairs.findIndex(isOpen),
      next,
    }
  }

  const answers: Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => unknown>> = {
    'GET counts': () => counts(0),
    'GET pair': ({ at }) => {
      const pair = pairs[numbered(at)],
        decided = file.decisionOn(pair)
      return { html: cardHtml(pair), decision: decided?.decision ?? null, note: decided?.note ?? '' }
    },
    'POST decide': ({ at, decision, note }) => {
      const place = numbered(at),
        pair = pairs[place],
        { id, content } = pair
      if (!decisionWords.some(word => word === decision)) throw new BadRequest(`no decision '${String(decision)}'`)
      const text = typeof note === 'string' ? note.trim().slice(0, MOST_NOTE) : ''
      file.put(pair, {
        id,
        decision: decision as DecisionWord,
        ...(content === undefined ? {} : { content_hash: content }),
        by,
        at: new Date().toISOString(),
        ...(text === '' ? {} : { note: text }),
      })
      return counts(place)
    },
    // of the pairs that are on this list the one that was decided last
    'POST undo': () => {
      const last = file.lines.findLast(line => placeOf(line) !== undefined)
      if (last === undefined) return { ...counts(0), at: -1 }
      const at = placeOf(last)!
      file.remove(pairs[at])
      return { ...counts(at), at }
    },
    'POST done': () => {
      setImmediate(finish)
      return counts(0)
    },
  }
  function numbered(at: unknown): number {
    const place = Number(at)
    if (Number.isInteger(place) && place >= 0 && place < pairs.length) return place
    throw new BadRequest(`no pair at ${String(at)}`)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost'),
      [, given, ...rest] = pathname.split('/'),
      what = rest.join('/')
    if (!isOurs(request, address.port) || !isToken(given, token)) return send(response, 404)
    if (request.method === 'GET' && Object.hasOwn(assets, what)) {
      const text = readFileSync(join(packageRoot, 'app', 'review', what === '' ? 'page.html' : what), 'utf8')
      return send(response, 200, text, assets[what])
    }
    const name = `${request.method} ${what}`
    if (!Object.hasOwn(answers, name)) return send(response, 404)
    try {
      const body = request.method === 'GET' ? Object.fromEntries(searchParams) : await bodyOf(request)
      send(response, 200, JSON.stringify(answers[name](body)), 'application/json')
    } catch (error) {
      // where a decision cannot be written the page says so, and does not go on
      const status = error instanceof BadRequest ? 400 : 500
      send(response, status, JSON.stringify({ error: (error as Error).message }), 'application/json')
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    const onError = (error: Error & { code?: string }) => {
      const isTaken = error.code === 'EADDRINUSE' || error.code === 'EACCES'
      reject(
        isTaken
          ? new IoError(`sluice review: port ${port} cannot be had (${error.code}); take another, or leave --port out`)
          : error,
      )
    }
    server.once('error', onError).listen(port, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}/${token}/`,
    done,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

class BadRequest extends Error {}

/** A page elsewhere may have its name lead here: what a browser asked for stands in the request. */
function isOurs({ headers }: IncomingMessage, port: number): boolean {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`],
    isHere = hosts.includes(headers.host ?? '')
  return isHere && (headers.origin === undefined || headers.origin === `http://${headers.host}`)
}

function isToken(given: string | undefined, token: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MOST_BODY) throw new BadRequest(`more than ${MOST_BODY} bytes`)
    chunks.push(chunk)
  }
  try {
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as unknown
    if (typeof body === 'object' && body !== null) return body as Readonly<Record<string, unknown>>
  } catch {
    /* told below */
  }
  throw new BadRequest('the body is no JSON object')
}

function send(response: ServerResponse, status: number, text = '', type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type }).end(text)
}

/** In percent; Clopper and Pearson. */
const shareOf = (wrong: number, decided: number): NonNullable<Counts['share']> => ({
  value: (100 * wrong) / decided,
  low: 100 * lowerShare(wrong, decided, 0.025),
  high: 100 * (1 - lowerShare(decided - wrong, decided, 0.025)),
})
