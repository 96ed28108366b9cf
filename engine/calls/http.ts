/** One HTTP request with a JSON answer, and what kind of failure it was when there is none. */
import { isUtf8 } from 'node:buffer'
import { holdsKey, tellsOfKey, wordsOf } from './secret.ts'

/**
 * later: the server cannot now (down, busy, loading, slow). unusable: an answer came and is none. refused: it does not
 * take this item. fatal: it takes nothing that is asked in this way, until somebody changes something.
 */
export type Kind = 'later' | 'unusable' | 'refused' | 'fatal'

export class CallError extends Error {
  readonly kind: Kind
  readonly status: number | undefined
  /** How long the server asked to be left alone. */
  readonly waitMs: number
  constructor(kind: Kind, message: string, status?: number, waitMs = 0) {
    super(message)
    this.kind = kind
    this.status = status
    this.waitMs = waitMs
  }
}

const LATER = new Set([408, 409, 425, 429])
const FATAL = new Set([401, 402, 403, 404, 405])
/**
 * Bytes of an answer that are read, unpacked: so many, or so many for each that was sent. A pooling answer has a number
 * for each token, of 25 characters; a chat answer with log-probabilities is smaller than the first. Of what comes with
 * another status than 200 the reason alone is wanted.
 */
const MOST_BYTES = 16 << 20,
  MOST_FOR_EACH = 32,
  MOST_OF_ERROR = 64 << 10
/** No answer takes so many tokens. */
const MOST_TOKENS = 1e9
const LONGEST_MS = 1e12

/** Seconds or a date, as milliseconds from now. */
export function retryAfter(header: string | null, now = Date.now()): number {
  if (header === null || header.trim() === '') return 0
  const seconds = Number(header),
    at = Number.isNaN(seconds) ? Date.parse(header) : now + seconds * 1000
  return Number.isNaN(at) ? 0 : Math.min(LONGEST_MS, Math.max(0, at - now))
}

/** What the server says of an error. */
function reasonIn(text: string): string {
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>
    const said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail
    return typeof said === 'string' ? said : JSON.stringify(said ?? '')
  } catch {
    return text
  }
}

/**
 * Tokens as the server counts them, for a request or, as SGLang does, for each of its texts. `wrong` is a count that is
 * none; both are undefined where it does not count.
 */
export function tokensSaid(answer: unknown): { readonly tokens?: number; readonly wrong?: unknown } {
  type One = { meta_info?: { prompt_tokens?: unknown } | null; usage?: { total_tokens?: unknown } | null } | null
  const said = Array.isArray(answer)
    ? (answer as One[]).map(one => one?.meta_info?.prompt_tokens)
    : [(answer as One)?.usage?.total_tokens]
  const wrong = said.find(
    count =>
      count !== undefined &&
      count !== null &&
      !(Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MOST_TOKENS),
  )
  if (wrong !== undefined) return { wrong }
  return said.length === 0 || said.some(count => typeof count !== 'number')
    ? {}
    : { tokens: (said as number[]).reduce((sum, count) => sum + count, 0) }
}

export interface Sent {
  readonly url: string
  readonly body?: unknown
  readonly key?: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/**
 * Sends a POST with a body, a GET without. Throws a CallError and nothing else; the key is in none of them, nor in an
 * answer.
 */
export async function send({ url, body, key, timeoutMs, signal }: Sent): Promise<unknown> {
  // by hand: listeners of AbortSignal.any stay on a signal that lives as long as the run
  const abort = new AbortController(),
    end = () => {
      abort.abort()
    }
  let late = false
  const timer = setTimeout(() => {
    late = true
    end()
  }, timeoutMs)
  signal.addEventListener('abort', end)
  const sent = body === undefined ? undefined : JSON.stringify(body)
  let response: Response, bytes: Buffer
  const most = Math.max(MOST_BYTES, MOST_FOR_EACH * (sent?.length ?? 0))
  try {
    response = await fetch(url, {
      method: sent === undefined ? 'GET' : 'POST',
      body: sent,
      signal: abort.signal,
      headers: {
        accept: 'application/json',
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key ? { authorization: `Bearer ${key}` } : {}),
      },
      // a key goes to the server that was named, and to no other
      redirect: 'manual',
    })
    bytes = await readBody(response, response.status === 200 ? most : MOST_OF_ERROR)
  } catch (error) {
    if (late) throw new CallError('later', `no answer within ${timeoutMs / 1000} s`)
    const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
    throw new CallError('later', wordsOf([message, cause?.code ?? cause?.message].filter(Boolean).join(': '), key))
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    end()
  }
  const { status, headers } = response
  if (status !== 200) {
    const kind: Kind =
      LATER.has(status) || (status >= 500 && status !== 501)
        ? 'later'
        : FATAL.has(status) || status === 501 || status < 400
          ? 'fatal'
          : 'refused'
    const waitMs = retryAfter(headers.get('retry-after')),
      text = bytes.toString()
    // the whole of it, as the key may begin in the reason and end elsewhere
    const reason = tellsOfKey(key ? text.replaceAll(key, '') : text, key) ? text : reasonIn(text)
    throw new CallError(
      kind,
      `${status} ${wordsOf(reason, key)}`.trim() + (waitMs > 0 ? `; not again for ${Math.ceil(waitMs / 1000)} s` : ''),
      status,
      waitMs,
    )
  }
  if (bytes.length > most) {
    throw new CallError(
      'unusable',
      `the answer is longer than ${most.toLocaleString('en-US')} bytes, which no answer to this request is; the rest was not read`,
    )
  }
  // bytes that are no UTF-8 would be other text, and nobody would know
  if (!isUtf8(bytes)) throw new CallError('unusable', 'the answer is not UTF-8')
  const text = bytes.toString().replace(/^\ufeff/, '')
  if (holdsKey(text, key)) {
    throw new CallError(
      'unusable',
      'the answer holds the key that the server was sent, so nothing of it is used; is this the server that the key is for?',
    )
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new CallError(
      'unusable',
      `the answer is not JSON: ${wordsOf(text.length > 80 ? `${text.slice(0, 40)} … ${text.slice(-40)}` : text, key)}`,
    )
  }
}

/** The bytes of a body, at most a chunk more than `most`: what comes after is not read. */
async function readBody({ body }: Response, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk as Uint8Array)
    size += (chunk as Uint8Array).length
    if (size > most) break
  }
  return Buffer.concat(chunks)
}
