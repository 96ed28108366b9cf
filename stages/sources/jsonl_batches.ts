/** The lines of a file as raw batches: so many lines, or bytes, at once. */
import { isUtf8 } from 'node:buffer'
import type { RecordBatch } from 'apache-arrow'
import type { RowRange } from '../../engine/contract/define.ts'
import type { LineReader } from './jsonl_columns.ts'
import { BLOCK_LINES, readLines, type LinePlaces } from './lines.ts'
import { rangesOf } from '../../engine/source/pick.ts'

const BATCH_ROWS = 1000
const NOT_UTF8 = 'the line is not UTF-8; of Latin-1 make it UTF-8, as by iconv -f windows-1252 -t utf-8'
/** What a batch holds at most, however few lines it is: huge lines do not fill the memory. */
export const BATCH_BYTES = 64 << 20

/** The lines of which the places are known. */
export const startsOf = (offsets: readonly number[]): number[] => offsets.map((_, k) => k * BLOCK_LINES)

/** Raw batches of a range of lines. */
export async function* readBatches(
  path: string,
  places: LinePlaces,
  range: RowRange,
  reader: LineReader,
): AsyncGenerator<RecordBatch> {
  let lines: string[] = [],
    unread = new Map<number, string>(),
    bytes = 0,
    read = 0
  const flush = () => {
    const raw = reader.batch(lines, unread)
    read += lines.length
    lines = []
    unread = new Map()
    bytes = 0
    return raw
  }
  for (const part of rangesOf(range, startsOf(places.offsets))) {
    let row = part.start
    for await (const line of readLines(path, places, part)) {
      if (range.rows && range.rows[read + lines.length] !== row++) continue
      // read as if it were, it would be other text
      if (!isUtf8(line)) unread.set(lines.length, NOT_UTF8)
      lines.push(line.toString())
      bytes += line.length
      if (lines.length === BATCH_ROWS || bytes >= BATCH_BYTES) yield flush()
    }
  }
  if (lines.length > 0) yield flush()
}
