/** The rows of a sink as it gets them: all in order of the input, or sorted, or the first of them. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordBatch } from 'apache-arrow'
import type { SinkInput } from '../contract/define.ts'
import { runsOfRows, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { IpcFile, IpcWriter, schemaBytes, schemaFromBytes, streamOf, type StreamAt } from '../arrow/ipc.ts'
import { sortRows } from '../arrow/sort.ts'
import type { SinkTask } from './messages.ts'

function* batchesOf(streams: readonly StreamAt[], picks?: readonly (readonly number[])[]): Generator<RecordBatch> {
  for (const [s, stream] of streams.entries()) {
    const file = new IpcFile(stream.path, stream.header),
      picked = picks?.[s]
    let from = 0,
      next = 0
    try {
      for (const at of stream.batches) {
        const batch = file.batch(at)
        if (!picked) {
          yield batch
          continue
        }
        const rows: number[] = []
        for (; next < picked.length && picked[next] < from + batch.numRows; next++) rows.push(picked[next] - from)
        from += batch.numRows
        if (rows.length > 0) {
          yield toRecordBatch(
            batch.schema,
            batch.data.children.map(column => take(column, runsOfRows(rows))),
            rows.length,
          )
        }
      }
    } finally {
      file.close()
    }
  }
}

/** Has `work` done with a sink's rows; what is sorted or picked lies beside the result until then. */
export async function withRows<T>(task: SinkTask, work: (input: SinkInput) => T | Promise<T>): Promise<T> {
  const { streams, picks, order } = task
  const inputOf = (from: readonly StreamAt[]): SinkInput => ({
    rows: from.reduce((n, { rows }) => n + rows, 0),
    streams: from,
    batches: () => batchesOf(from),
  })
  if (!picks && !order) return work(inputOf(streams))
  const spill = join(task.folder, '.sort'),
    schema = schemaFromBytes(task.schema)
  mkdirSync(spill)
  try {
    if (order) {
      return await work(inputOf([sortRows(spill, schema, batchesOf(streams, picks), order.column, order.descending)]))
    }
    const writer = new IpcWriter(join(spill, 'first.arrow'), schema)
    for (const batch of batchesOf(streams, picks)) writer.write(batch)
    writer.close()
    return await work(inputOf([streamOf(writer, schemaBytes(schema).length)]))
  } finally {
    rmSync(spill, { recursive: true, force: true })
  }
}
