/** Rows of one prompt that lie together in a file: where such groups begin, and batches that hold them whole. */
import type { Data, RecordBatch } from 'apache-arrow'
import { concat, nullTest, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { rawHash } from './ids.ts'
import { columnOf, type Mapping } from './mapping.ts'

/** Rows of a group at most; more replies to one prompt are taken in turns of so many, which bounds the memory. */
const GROUP_ROWS = 1000

/** What the rows of a group have in common, one text a row. */
function promptKeys(
  { prompt, parts }: Pick<Mapping, 'prompt' | 'parts'>,
  column: (name: string) => Data | undefined,
  rows: number,
): string[] {
  const columns = [prompt!.column, ...Object.values(parts)].flatMap(name => column(name) ?? [])
  return Array.from({ length: rows }, (_, row) => Buffer.from(rawHash(columns, row)).toString('latin1'))
}

/** The same of batches, of a layout of one reply a row; '' for a row without a prompt. */
export async function groupKeys(
  plan: Mapping,
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of batches) {
    const isNull = nullTest(columnOf(batch, plan.prompt!.column)!)
    const some = promptKeys(plan, name => columnOf(batch, name), batch.numRows)
    keys.push(...some.map((key, row) => (isNull(row) ? '' : key)))
  }
  return keys
}

/** Offsets of the groups of a batch that begins where a group does, as a list column has them. */
export function groupOffsets(plan: Mapping, column: (name: string) => Data, rows: number): Int32Array {
  const keys = promptKeys(plan, column, rows),
    offsets = [0]
  for (let row = 1; row < rows; row++) {
    if (keys[row] !== keys[row - 1] || row - offsets[offsets.length - 1] === GROUP_ROWS) offsets.push(row)
  }
  if (rows > 0) offsets.push(rows)
  return Int32Array.from(offsets)
}

/**
 * For a layout of one reply a row the same rows in batches that end where a group does, the first of which begins where
 * one does; for others as they are.
 */
export async function* wholeGroups(
  plan: Mapping,
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): AsyncGenerator<RecordBatch> {
  if (!plan.completions?.isFlat) return yield* batches
  let pending: RecordBatch | undefined
  for await (const batch of batches) {
    const whole: RecordBatch = pending ? joined(pending, batch) : batch
    const offsets = groupOffsets(plan, name => columnOf(whole, name)!, whole.numRows)
    // the last group may go on, unless it is as large as one can be
    const end =
      offsets.length < 2 || whole.numRows - offsets[offsets.length - 2] === GROUP_ROWS
        ? whole.numRows
        : offsets[offsets.length - 2]
    if (end > 0) yield cut(whole, 0, end)
    pending = end < whole.numRows ? cut(whole, end, whole.numRows) : undefined
  }
  if (pending) yield pending
}

/**
 * Of the rows at which reading can begin those where a group begins too: so no group is read in two parts, however a
 * file is cut. `rowsOf` reads a range of the file.
 */
export async function groupStarts(
  plan: Mapping,
  starts: readonly number[],
  rowsOf: (range: { start: number; end: number }) => AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): Promise<readonly number[]> {
  if (!plan.completions?.isFlat) return starts
  const kept: number[] = []
  for (const start of starts) {
    const keys: string[] = []
    if (start > 0) {
      for await (const batch of rowsOf({ start: start - 1, end: start + 1 })) {
        keys.push(...promptKeys(plan, name => columnOf(batch, name), batch.numRows))
      }
    }
    if (start === 0 || keys[0] !== keys[1]) kept.push(start)
  }
  return kept
}

/** Whether two rows of the sample that lie together have one prompt. */
export const hasGroups = (plan: Pick<Mapping, 'prompt' | 'parts'>, samples: readonly RecordBatch[]): boolean =>
  samples.some(sample => {
    const keys = promptKeys(plan, name => columnOf(sample, name), sample.numRows)
    return keys.some((key, row) => row > 0 && key === keys[row - 1])
  })

const joined = (a: RecordBatch, b: RecordBatch): RecordBatch =>
  toRecordBatch(
    a.schema,
    a.data.children.map((column, i) => concat([column, b.data.children[i]])),
    a.numRows + b.numRows,
  )

const cut = (batch: RecordBatch, start: number, end: number): RecordBatch =>
  start === 0 && end === batch.numRows
    ? batch
    : toRecordBatch(
        batch.schema,
        batch.data.children.map(column => take(column, [start, end])),
        end - start,
      )
