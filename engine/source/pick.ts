/** Reading of single rows of a file: where they lie, and what is read of it. */
import type { RecordBatch } from 'apache-arrow'
import { runsOfRows, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import type { RowRange } from '../contract/define.ts'

/** The file's rows of the next `count` raw rows, `at` of which have been read. */
export const rowsAt = ({ start, rows }: RowRange, at: number, count: number): Uint32Array =>
  rows ? rows.subarray(at, at + count) : Uint32Array.from({ length: count }, (_, i) => start + at + i)

/** Ranges with all rows to read, and with nothing of what lies between two `starts` and has none of them. */
export function rangesOf({ start, end, rows }: RowRange, starts: readonly number[]): RowRange[] {
  if (!rows) return [{ start, end }]
  const ranges: { start: number; end: number }[] = []
  let part = 0,
    last = -2
  for (const row of rows) {
    while (starts[part + 1] <= row) part++
    if (part > last + 1) ranges.push({ start: row, end: row + 1 })
    else ranges[ranges.length - 1].end = row + 1
    last = part
  }
  return ranges
}

/** The rows to read, in batches; `read` gives those of a range. */
export async function* pickRows(
  range: RowRange,
  starts: readonly number[],
  read: (range: RowRange) => AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): AsyncGenerator<RecordBatch> {
  const { rows } = range
  let next = 0
  for (const part of rangesOf(range, starts)) {
    let { start } = part
    for await (const batch of read(part)) {
      if (!rows) {
        yield batch
        continue
      }
      const from = next,
        first = start
      start += batch.numRows
      while (next < rows.length && rows[next] < start) next++
      if (next === from) continue
      const runs = runsOfRows(Array.from(rows.subarray(from, next), row => row - first))
      yield toRecordBatch(
        batch.schema,
        batch.data.children.map(column => take(column, runs)),
        next - from,
      )
    }
  }
}
