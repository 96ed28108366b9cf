/** One HTTP request with a JSON answer, and what kind of failure it was when there is none. */

/**
 * later: the server cannot now (down, busy, loading, slow). unusable: an answer came and is none. refused: it does not take this item. fatal: it takes nothing that is
 * asked in this way, until somebody changes something.
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
const SHOWN = 300

/** Seconds or a date, as milliseconds from now. */
export function retryAfter(header: string | null, now = Date.now()): number {
  if (header === null || header.trim() === '') return 0
  const seconds = Number(header), at = Number.isFinite(seconds) ? now + seconds * 1000 : Date.parse(header)
  return Number.isNaN(at) ? 0 : Math.max(0, at - now)
}

/** What the server says of an error, in one line. */
function reasonIn(text: string): string {
  let said: unknown
  try {
    const { error, message, detail } = JSON.parse(text) as Record<string, unknown>
    said = (error as { message?: unknown } | undefined)?.message ?? error ?? message ?? detail
  } catch { said = text }
  return (typeof said === 'string' ? said : JSON.stringify(said ?? '')).replace(/\s+/g, ' ').trim().slice(0, SHOWN)
}

export interface Sent { readonly url: string, readonly body?: unknown, readonly key?: string, readonly timeoutMs: number, readonly signal: AbortSignal }

/** Sends a POST with a body, a GET without. Throws a CallError and nothing else; the key is in none of them. */
export async function send({ url, body, key, timeoutMs, signal }: Sent): Promise<unknown> {
  const hide = (text: string) => key ? text.replaceAll(key, '***') : text
  // by hand: listeners of AbortSignal.any stay on a signal that lives as long as the run
  const abort = new AbortController(), end = () => { abort.abort() }
  let late = false
  const timer = setTimeout(() => { late = true; end() }, timeoutMs)
  signal.addEventListener('abort', end)
  let response: Response, text: string
  try {
    response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST', body: body === undefined ? undefined : JSON.stringify(body), signal: abort.signal,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(key ? { authorization: `Bearer ${key}` } : {}) },
      // a key goes to the server that was named, and to no other
      redirect: 'manual',
    })
    text = await response.text()
  } catch (error) {
    if (late) throw new CallError('later', `no answer within ${timeoutMs / 1000} s`)
    const { message, cause } = error as Error & { cause?: { code?: string, message?: string } }
    throw new CallError('later', hide([message, cause?.code ?? cause?.message].filter(Boolean).join(': ')))
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
  const { status, headers } = response
  if (status !== 200) {
    const kind: Kind = LATER.has(status) || status >= 500 && status !== 501 ? 'later' : FATAL.has(status) || status === 501 || status < 400 ? 'fatal' : 'refused'
    const waitMs = retryAfter(headers.get('retry-after'))
    throw new CallError(kind, hide(`${status} ${reasonIn(text)}`.trim()) + (waitMs > 0 ? `; not again for ${Math.ceil(waitMs / 1000)} s` : ''), status, waitMs)
  }
  try { return JSON.parse(text) } catch { throw new CallError('unusable', hide(`the answer is not JSON: ${text.length > 80 ? `${text.slice(0, 40)} … ${text.slice(-40)}` : text}`)) }
}
