/** Bytes of a file behind http(s), by range requests: nothing is fetched but what is read. */
import pRetry, { AbortError } from 'p-retry'
import type { ByteSource } from './byte_source.ts'

const TRIES = 4,
  FIRST_WAIT_MS = 200,
  TIMEOUT_MS = 60_000

export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path)
/** A URL as it may be written down: a query may be a key. */
export const bareUrl = (url: string): string => url.replace(/[?#].*$/s, '')

/**
 * What went wrong with a server or its file, not with the bytes. `code`: INPUT_CHANGED, NO_INPUT, BAD_INPUT or EIO, as
 * of a disk.
 */
export class HttpError extends Error {
  readonly code: string
  constructor(url: string, message: string, code: string) {
    super(`${bareUrl(url)}: ${message}`)
    this.code = code
  }
}

/**
 * Opens a URL as a ByteSource. `identity` is what the server says of the content, its ETag (or Last-Modified) and size;
 * with `expected` it must be that, and it must stay the same in every answer, or the file has changed. A server that is
 * busy, fails or breaks off is asked again, a few times. Rejects with an HttpError.
 */
export async function openHttpSource(
  url: string,
  expected?: string,
): Promise<ByteSource & { readonly identity: string }> {
  const read = async (start: number, end: number, known: string | undefined) => {
    const { bytes, identity, size } = await fetchRange(url, start, end)
    if (known !== undefined && identity !== known) {
      throw new HttpError(
        url,
        `changed while it was read (it was ${known}, it is ${identity}); nothing of it is kept, run again`,
        'INPUT_CHANGED',
      )
    }
    return { bytes, identity, size }
  }
  const { identity, size } = await read(0, 1, expected)
  return {
    identity,
    byteLength: size,
    slice: async (start, end) => (end > start ? (await read(start, end, identity)).bytes : new ArrayBuffer(0)),
    close: () => Promise.resolve(),
  }
}

function fetchRange(
  url: string,
  start: number,
  end: number,
): Promise<{ bytes: ArrayBuffer; identity: string; size: number }> {
  const wrong = (message: string, code: string): Error => new AbortError(new HttpError(url, message, code))
  const once = async () => {
    let response: Response
    try {
      response = await fetch(url, {
        headers: { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (error) {
      throw failed(url, error)
    }
    const { status, headers } = response
    if (status !== 206) {
      await response.body?.cancel()
      if (status === 200) {
        throw wrong('the server does not give parts of a file (no Range); download it and read the copy', 'BAD_INPUT')
      }
      if (status === 404 || status === 410) throw wrong(`is not there (${status})`, 'NO_INPUT')
      if (status === 416) throw wrong('is empty, or shorter than it was (416)', 'BAD_INPUT')
      if (status === 429 || status === 408 || status >= 500) {
        throw new HttpError(url, `the server answered ${status}, ${TRIES} times; try later`, 'EIO')
      }
      throw wrong(`the server answered ${status}; it may be private, or the URL out of date`, 'NO_INPUT')
    }
    const size = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1],
      version = headers.get('etag') ?? headers.get('last-modified')
    if (size === undefined || version === null) {
      await response.body?.cancel()
      throw wrong(
        `the server does not say ${size === undefined ? 'how large the file is' : 'which version of the file it gives (ETag or Last-Modified)'}; download it and read the copy`,
        'BAD_INPUT',
      )
    }
    const bytes = await response.arrayBuffer().catch((error: unknown) => {
      throw failed(url, error)
    })
    if (bytes.byteLength !== end - start) {
      throw new HttpError(
        url,
        `the server gave ${bytes.byteLength} of ${end - start} bytes from ${start} on, ${TRIES} times; try later`,
        'EIO',
      )
    }
    return { bytes, identity: `${version} ${size}`, size: Number(size) }
  }
  return pRetry(once, { retries: TRIES - 1, minTimeout: FIRST_WAIT_MS })
}

const failed = (url: string, error: unknown): HttpError => {
  const { message, cause } = error as Error
  return new HttpError(
    url,
    `the server cannot be reached (${cause instanceof Error ? cause.message : message}), after ${TRIES} tries`,
    'EIO',
  )
}
