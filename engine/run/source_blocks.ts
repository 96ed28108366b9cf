/** What a source reads, cut at the borders of partitions. */
import type { RecordBatch } from 'apache-arrow'
import type { AnySource } from '../contract/define.ts'
import { take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { isReadFault, readFault } from '../parquet/source.ts'
import type { SourceBatch } from '../source/input.ts'
import type { SourceOptions } from '../source/options.ts'
import { readPairs } from '../source/pairs.ts'
import { changedInput, stampOf } from './files.ts'
import type { FileSetup, Partition } from './messages.ts'
import type { WorkerNode, World } from './world.ts'
import { DataError, SluiceError } from '../errors.ts'

/** Blocks of the source, each within one partition, in order. */
export async function* sourceBlocks(
  world: World,
  node: WorkerNode,
  partitions: readonly Partition[],
): AsyncGenerator<{ partition: Partition; batch: SourceBatch }> {
  const file = world.setup.files[partitions[0].file]
  const { start } = partitions[0],
    { end } = partitions[partitions.length - 1]
  const rows = partitions[0].rows && Uint32Array.from(partitions.flatMap(partition => [...partition.rows!]))
  let p = 0
  try {
    const options = node.options as unknown as SourceOptions
    for await (let batch of readPairs(node.stage as AnySource, options, file, { start, end, rows })) {
      for (;;) {
        while (batch.rows[0] >= partitions[p].end) p++
        if (batch.rows[batch.rows.length - 1] < partitions[p].end) {
          yield { partition: partitions[p], batch }
          break
        }
        const [head, tail] = splitSource(batch, partitions[p].end)
        yield { partition: partitions[p], batch: head }
        batch = tail
      }
    }
  } catch (error) {
    if (hasChanged(file)) throw changedInput(file.path)
    if (isReadFault(error)) throw readFault(file.path, error as Error)
    // what a source says of a file is about the data
    if (!(error instanceof Error) || error instanceof SluiceError || isOfSystem(error)) throw error
    throw new DataError(
      error.message.includes(file.path) ? error.message : `${node.use}: ${file.path}: ${error.message}`,
      {
        cause: error,
      },
    )
  }
}

/**
 * Whether an error says by its code what it is about. What Node says of a value that it cannot take
 * (ERR_STRING_TOO_LONG …) comes of the data.
 */
const isOfSystem = (error: Error): boolean => 'code' in error && !String(error.code).startsWith('ERR_')

export function hasChanged({ path, stamp }: Pick<FileSetup, 'path' | 'stamp'>): boolean {
  if (stamp === undefined) return false
  try {
    return stampOf(path) !== stamp
  } catch {
    return true
  }
}

/** A source batch cut before a row of the file. */
function splitSource(batch: SourceBatch, boundary: number): [SourceBatch, SourceBatch] {
  const before = (rows: Uint32Array) => {
    const at = rows.findIndex(row => row >= boundary)
    return at < 0 ? rows.length : at
  }
  const pairs = before(batch.row),
    raw = before(batch.rows)
  const part = (
    from: number,
    to: number,
    rawFrom: number,
    rawTo: number,
    isIn: (of: { row: number }) => boolean,
  ): SourceBatch => ({
    pairs: takeBatch(batch.pairs, from, to),
    row: batch.row.slice(from, to),
    raw: takeBatch(batch.raw, rawFrom, rawTo),
    rows: batch.rows.slice(rawFrom, rawTo),
    ids: take(batch.ids, [rawFrom, rawTo]),
    refused: batch.refused.filter(isIn),
    ...(batch.noted ? { noted: batch.noted.filter(isIn) } : {}),
  })
  const head = part(0, pairs, 0, raw, ({ row }) => row < boundary)
  return [head, part(pairs, batch.row.length, raw, batch.raw.numRows, ({ row }) => row >= boundary)]
}

const takeBatch = (batch: RecordBatch, start: number, end: number): RecordBatch =>
  toRecordBatch(
    batch.schema,
    batch.data.children.map(column => take(column, [start, end])),
    end - start,
  )

/** Which number of a source row's pairs each pair is. */
export function copies(row: Uint32Array): Uint32Array {
  const out = new Uint32Array(row.length)
  for (let i = 1; i < row.length; i++) if (row[i] === row[i - 1]) out[i] = out[i - 1] + 1
  return out
}
