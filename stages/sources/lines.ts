/** Lines of a text file by number, without reading what is before them. */
import { farChunk } from '../../engine/files/chunks.ts'
import { packingOf, unpack, type Packing } from '../../engine/files/packed.ts'
import type { ByteSource } from '../../engine/parquet/byte_source.ts'
import { openSource } from '../../engine/parquet/source.ts'

/** Every this many lines the place of one is kept. */
export const BLOCK_LINES = 20_000
const CHUNK = 1 << 20
/** A byte order mark. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** Bytes that tell what a file is. */
const MOST_MAGIC = 8
/** A line is one text in memory, half as long as a text can be. */
const MOST_LINE = 1 << 28

/**
 * `offsets[k]` is where line k * BLOCK_LINES begins; of a packed file the first alone is known, in what it stands for.
 * A last line without a line end counts, an empty one does not; `isEnded`: the last line has one. `bytes`: of the file.
 * `identity`: of a URL what its server says of the content.
 */
export interface LineIndex {
  readonly lines: number
  readonly bytes: number
  readonly offsets: readonly number[]
  readonly isEnded: boolean
  readonly packing?: Packing
  readonly identity?: string
}
/** What is needed to read lines again. */
export type LinePlaces = Pick<LineIndex, 'offsets' | 'packing' | 'identity'>

async function* chunksOf(path: string, file: ByteSource, from: number): AsyncGenerator<Buffer> {
  const size = farChunk(path) ?? CHUNK
  // chunks end at multiples of their size
  for (let at = from, end: number; at < file.byteLength; at = end) {
    end = Math.min(file.byteLength, at - (at % size) + size)
    yield Buffer.from(await file.slice(at, end))
  }
}

/** The text of a file from a byte on, a piece at a time; of a packed one what it stands for. */
async function* textFrom(
  path: string,
  file: ByteSource,
  packing: Packing | undefined,
  from: number,
): AsyncGenerator<Buffer> {
  if (!packing) return yield* chunksOf(path, file, from)
  let before = from
  for await (const piece of unpack(packing, chunksOf(path, file, 0))) {
    if (before < piece.length) yield piece.subarray(before)
    before = Math.max(0, before - piece.length)
  }
}

/**
 * Reads a file once for its line ends. A byte order mark at its beginning is no part of the first line. Throws one line
 * for what is no text.
 */
export async function indexLines(path: string): Promise<LineIndex> {
  const file = await openSource(path)
  try {
    const { byteLength: size, identity } = file,
      packing = packingOf(new Uint8Array(await file.slice(0, Math.min(MOST_MAGIC, size))))
    const offsets = [0]
    let ends = 0,
      last = 0,
      at = 0
    const fit = (end: number): void => {
      if (end - last <= MOST_LINE) return
      throw new Error(
        `line ${ends + 1}, which begins at byte ${last}, has more than ${MOST_LINE} bytes, the most that are read; is it JSON Lines, one object a line?`,
      )
    }
    for await (const bytes of textFrom(path, file, packing, 0)) {
      if (at === 0) {
        if (packing) packingOf(bytes)
        if (bytes.subarray(0, MARK.length).equals(MARK)) last = offsets[0] = MARK.length
      }
      for (let i = bytes.indexOf(10, Math.max(0, last - at)); i >= 0; i = bytes.indexOf(10, i + 1)) {
        fit(at + i)
        last = at + i + 1
        if (++ends % BLOCK_LINES === 0 && !packing) offsets.push(last)
      }
      at += bytes.length
      fit(at)
    }
    const lines = ends + (last < at ? 1 : 0)
    if (lines > 0 && lines % BLOCK_LINES === 0 && !packing) offsets.pop()
    const known = { ...(packing ? { packing } : {}), ...(identity === undefined ? {} : { identity }) }
    return { lines, bytes: size, offsets, isEnded: last >= at, ...known }
  } finally {
    await file.close()
  }
}

/** The lines [start, end) as bytes without their line ends, each valid until the next. */
export async function* readLines(
  path: string,
  { offsets, packing, identity }: LinePlaces,
  { start, end }: { start: number; end: number },
): AsyncGenerator<Buffer> {
  if (start >= end) return
  const block = packing ? 0 : Math.floor(start / BLOCK_LINES)
  const file = await openSource(path, identity)
  try {
    let line = block * BLOCK_LINES,
      parts: Buffer[] = []
    for await (const chunk of textFrom(path, file, packing, offsets[block])) {
      let from = 0
      for (let i = chunk.indexOf(10); i >= 0 && line < end; i = chunk.indexOf(10, from)) {
        if (line++ >= start) yield whole(parts, chunk.subarray(from, i))
        parts = []
        from = i + 1
      }
      if (line >= end) return
      parts.push(chunk.subarray(from))
    }
    if (line++ >= start) yield whole(parts, Buffer.alloc(0))
    if (line < end) {
      throw new Error(`read_jsonl: ${path}: ends at line ${line}, ${end} expected: it changed while it was read`)
    }
  } finally {
    await file.close()
  }
}

const whole = (parts: readonly Buffer[], last: Buffer): Buffer =>
  parts.length === 0 ? last : Buffer.concat([...parts, last])
