/** Bytes of a file behind http(s), on the Hub or in a bucket, by range requests: no more is fetched than is read. */
import pRetry, { AbortError } from 'p-retry'
import { ChangedInputError, DataError, IoError, NoInputError } from '../errors.ts'
import type { ByteSource } from '../parquet/byte_source.ts'
import { bucket } from './bucket.ts'
import type { FarPlace } from './far_files.ts'
import { hub } from './hub.ts'

const TRIES = 4,
  FIRST_WAIT_MS = 200,
  TIMEOUT_MS = 60_000

/** The place whose address it is; of paths and URLs there is none. */
export const farPlaceOf = (path: string): FarPlace | undefined => [hub, bucket].find(place => place.isOf(path))
export const isUrl = (path: string): boolean => /^https?:\/\//i.test(path) || farPlaceOf(path) !== undefined
/** A URL as it may be written down: a query may be a key. */
export const bareUrl = (url: string): string => (farPlaceOf(url) ? url : url.replace(/[?#].*$/s, ''))

/**
 * Opens a URL as a ByteSource. `identity` is what the server says of the content, its ETag (or Last-Modified) and size;
 * with `expected` it must be that, and it must stay the same in every answer, or the file has changed. A server that is
 * busy, fails or breaks off is asked again, a few times. Rejects with a
 * SluiceError: of a file that changed, is not there or cannot be used, or an IoError as of a disk.
 */
export async function openHttpSource(
  url: string,
  expected?: string,
): Promise<ByteSource & { readonly identity: string }> {
  const read = async (start: number, end: number, known: string | undefined) => {
    const { bytes, identity, size } = await fetchRange(url, start, end)
    if (known !== undefined && identity !== known) {
      throw new ChangedInputError(
        `${bareUrl(url)}: changed while it was read (it was ${known}, it is ${identity}); nothing of it is kept, run again`,
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

const wrong = (url: string, message: string, Class: typeof DataError | typeof NoInputError): Error =>
  new AbortError(new Class(`${bareUrl(url)}: ${message}`))

/** Asks a few times. */
const again = <T>(once: () => Promise<T>): Promise<T> => pRetry(once, { retries: TRIES - 1, minTimeout: FIRST_WAIT_MS })

/** One answer of this status; throws what is to be done about any other. */
async function ask(
  url: string,
  wanted: 200 | 206,
  headers: Readonly<Record<string, string>>,
  place = farPlaceOf(url),
): Promise<Response> {
  const at = place?.isOf(url) ? place.urlOf(url) : url,
    own = await place?.headersFor(at)
  let response: Response
  try {
    response = await fetch(at, {
      headers: { ...headers, ...own },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    throw unreached(url, error)
  }
  const { status } = response
  if (status === wanted) return response
  await response.body?.cancel()
  if (status === 200) {
    throw wrong(url, 'the server does not give parts of a file (no Range); download it and read the copy', DataError)
  }
  if (status === 404 || status === 410) throw wrong(url, `is not there (${status})`, NoInputError)
  if (status === 416) throw wrong(url, 'is empty, or shorter than it was (416)', DataError)
  if (status === 429 || status === 408 || status >= 500) {
    throw failed(url, `the server answered ${status}, ${TRIES} times; try later`)
  }
  const advice = place?.refused ?? 'it may be private, or the URL out of date'
  throw wrong(url, `the server answered ${status}; ${advice}`, NoInputError)
}

/** The JSON of an answer of a place, and the URL of the page behind it. */
export const fetchPage = (url: string, of: FarPlace): Promise<{ value: unknown; next?: string }> =>
  again(async () => {
    const response = await ask(url, 200, { accept: 'application/json' }, of),
      next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    try {
      return { value: await response.json(), ...(next === undefined ? {} : { next: new URL(next, response.url).href }) }
    } catch (error) {
      throw unreached(url, error)
    }
  })

/** The text of an answer of a place. */
export const fetchText = (url: string, of: FarPlace): Promise<string> =>
  again(async () => {
    const response = await ask(url, 200, {}, of)
    return response.text().catch((error: unknown) => {
      throw unreached(url, error)
    })
  })

const fetchRange = (
  url: string,
  start: number,
  end: number,
): Promise<{ bytes: ArrayBuffer; identity: string; size: number }> =>
  again(async () => {
    const response = await ask(url, 206, { range: `bytes=${start}-${end - 1}`, 'accept-encoding': 'identity' }),
      { headers } = response
    const size = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1],
      version = headers.get('etag') ?? headers.get('last-modified')
    if (size === undefined || version === null) {
      await response.body?.cancel()
      throw wrong(
        url,
        `the server does not say ${size === undefined ? 'how large the file is' : 'which version of the file it gives (ETag or Last-Modified)'}; download it and read the copy`,
        DataError,
      )
    }
    const bytes = await response.arrayBuffer().catch((error: unknown) => {
      throw unreached(url, error)
    })
    if (bytes.byteLength !== end - start) {
      throw failed(
        url,
        `the server gave ${bytes.byteLength} of ${end - start} bytes from ${start} on, ${TRIES} times; try later`,
      )
    }
    return { bytes, identity: `${version} ${size}`, size: Number(size) }
  })

const failed = (url: string, message: string, cause?: unknown): IoError =>
  new IoError(`${bareUrl(url)}: ${message}`, { cause })

function unreached(url: string, error: unknown): IoError {
  const { message, cause } = error as Error,
    why = cause instanceof Error ? cause.message : message
  return failed(url, `the server cannot be reached (${why}), after ${TRIES} tries`, error)
}
