/** Lines of a text file by number, without reading what is before them. */
import { open } from 'node:fs/promises'
import { readBytes } from '../../engine/files/blocks.ts'

/** Every this many lines the place of one is kept. */
export const BLOCK_LINES = 20_000
const CHUNK = 1 << 20
/** Chunks end at multiples of their size. */
const chunkEnd = (at: number, size: number): number => Math.min(size, at - (at % CHUNK) + CHUNK)
/** A byte order mark. */
const MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** A line is one text in memory, half as long as a text can be. */
const MOST_LINE = 1 << 28

/**
 * `offsets[k]` is where line k * BLOCK_LINES begins. A last line without a line end counts, an empty one does not;
 * `isEnded`: the last line has one.
 */
export interface LineIndex {
  readonly lines: number
  readonly bytes: number
  readonly offsets: readonly number[]
  readonly isEnded: boolean
}

/** Reads a file once for its line ends. A byte order mark at its beginning is no part of the first line. */
export async function indexLines(path: string): Promise<LineIndex> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const opened = { path, bytes: size, handle: file },
      head = await readBytes(opened, 0, Math.min(3, size))
    const begin = head.equals(MARK) ? MARK.length : 0
    const offsets = [begin]
    let ends = 0,
      last = begin
    const fit = (end: number): void => {
      if (end - last <= MOST_LINE) return
      throw new Error(
        `line ${ends + 1}, which begins at byte ${last}, has more than ${MOST_LINE} bytes, the most that are read; is it JSON Lines, one object a line?`,
      )
    }
    for (let at = begin; at < size;) {
      const bytes = await readBytes(opened, at, chunkEnd(at, size))
      for (let i = bytes.indexOf(10); i >= 0; i = bytes.indexOf(10, i + 1)) {
        fit(at + i)
        last = at + i + 1
        if (++ends % BLOCK_LINES === 0) offsets.push(last)
      }
      at += bytes.length
      fit(at)
    }
    const lines = ends + (last < size ? 1 : 0)
    if (lines > 0 && lines % BLOCK_LINES === 0) offsets.pop()
    return { lines, bytes: size, offsets, isEnded: last >= size }
  } finally {
    await file.close()
  }
}

/** The lines [start, end) as bytes without their line ends, each valid until the next. */
export async function* readLines(
  path: string,
  { offsets }: Pick<LineIndex, 'offsets'>,
  { start, end }: { start: number; end: number },
): AsyncGenerator<Buffer> {
  if (start >= end) return
  const block = Math.floor(start / BLOCK_LINES)
  const file = await open(path, 'r')
  try {
    let line = block * BLOCK_LINES,
      at = offsets[block]
    let parts: Buffer[] = []
    const { size } = await file.stat()
    while (line < end) {
      const chunk =
        at < size ? await readBytes({ path, bytes: size, handle: file }, at, chunkEnd(at, size)) : Buffer.alloc(0)
      at += chunk.length
      let from = 0
      for (let i = chunk.indexOf(10); i >= 0 && line < end; i = chunk.indexOf(10, from)) {
        if (line++ >= start) yield whole(parts, chunk.subarray(from, i))
        parts = []
        from = i + 1
      }
      if (chunk.length === 0) {
        if (line++ >= start) yield whole(parts, chunk)
        if (line < end) {
          throw new Error(`read_jsonl: ${path}: ends at line ${line}, ${end} expected: it changed while it was read`)
        }
      } else if (line < end) {
        parts.push(chunk.subarray(from))
      }
    }
  } finally {
    await file.close()
  }
}

const whole = (parts: readonly Buffer[], last: Buffer): Buffer =>
  parts.length === 0 ? last : Buffer.concat([...parts, last])
