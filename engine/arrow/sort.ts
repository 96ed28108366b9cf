/**
 * Rows in another order than they came in: an external merge sort, so that memory stays bounded whatever their number.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import { nullTest, numberColumn, runsOfRows, textColumn } from './columns.ts'
import { concatFlows, flowBytes, takeFlow, toRecordBatch, type Flow } from './flow.ts'
import { IpcFile, IpcWriter, schemaBytes, type StreamAt } from './ipc.ts'
import { Rebatcher } from './rebatch.ts'

/**
 * Rows are sorted in memory up to `runBytes` at a time; of so many runs, `mergeRuns` are joined at once, each with one
 * batch of about `batchBytes` in memory.
 */
export interface SortLimits {
  readonly runBytes: number
  readonly mergeRuns: number
  readonly batchBytes: number
}
const LIMITS: SortLimits = { runBytes: 64 << 20, mergeRuns: 16, batchBytes: 1 << 20 }

/** What rows are ordered by: null for null and NaN. */
export type Keys = readonly (number | bigint | string | null)[]

export function keysOf(data: Data): Keys {
  const isNull = nullTest(data)
  const text = DataType.isUtf8(data.type) ? textColumn(data) : undefined
  const values = text
    ? undefined
    : DataType.isBool(data.type)
      ? numberColumn(data).values
      : (data.values as ArrayLike<number | bigint>)
  return Array.from({ length: data.length }, (_, row) => {
    if (isNull(row)) return null
    const value = text ? text.text(row) : values![row]
    return Number.isNaN(value) ? null : value
  })
}

/**
 * Below 0 when a comes first. Nulls come last, whichever way; equal keys are 0, and then the order in which the rows
 * came decides.
 */
export function compareKeys(a: Keys[number], b: Keys[number], sign: 1 | -1): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  return a < b ? -sign : a > b ? sign : 0
}

// keys of the engine that nobody reads here
const flowOf = (batch: RecordBatch): Flow => ({
  schema: batch.schema,
  columns: batch.data.children,
  rows: batch.numRows,
  row: new Uint32Array(batch.numRows),
  copy: new Uint32Array(batch.numRows),
})

/**
 * The rows of `batches`, which have `schema`, sorted by one of its columns (numbers, bool, text, dates or timestamps)
 * into one stream file `<folder>/sorted-<n>.arrow`, with batches of 1,000 rows or 64 MB. Stable; the result does not
 * depend on the limits. Needs room for the rows on the disk twice.
 */
export function sortRows(
  folder: string,
  schema: Schema,
  batches: Iterable<RecordBatch>,
  column: string,
  descending: boolean,
  limits: SortLimits = LIMITS,
): StreamAt {
  const key = schema.fields.findIndex(({ name }) => name === column)
  const sign = descending ? -1 : 1,
    header = schemaBytes(schema).length
  let files = 0
  const write = (isLast: boolean, fill: (push: (flow: Flow) => void) => void): StreamAt => {
    const writer = new IpcWriter(join(folder, `sorted-${files++}.arrow`), schema)
    const rebatcher = new Rebatcher(
      flow => {
        writer.write(toRecordBatch(schema, flow.columns, flow.rows))
      },
      isLast ? undefined : limits.batchBytes,
    )
    fill(flow => {
      rebatcher.push(flow)
    })
    rebatcher.end()
    writer.close()
    return { path: writer.path, header, rows: writer.rows, batches: writer.batches }
  }
  const merge = (runs: readonly StreamAt[], isLast: boolean) => {
    const merged = write(isLast, push => {
      mergeRuns(runs, key, sign, push)
    })
    for (const { path } of runs) rmSync(path)
    return merged
  }

  let runs: StreamAt[] = [],
    pending: Flow[] = [],
    bytes = 0
  const sortPending = () => {
    if (pending.length === 0) return
    const rows = concatFlows(pending),
      keys = keysOf(rows.columns[key])
    const order = Uint32Array.from(keys, (_, i) => i).sort((a, b) => compareKeys(keys[a], keys[b], sign) || a - b)
    runs.push(
      write(false, push => {
        push(takeFlow(rows, runsOfRows(order)))
      }),
    )
    pending = []
    bytes = 0
  }
  for (const batch of batches) {
    pending.push(flowOf(batch))
    bytes += flowBytes(pending[pending.length - 1])
    if (bytes >= limits.runBytes) sortPending()
  }
  sortPending()
  while (runs.length > limits.mergeRuns) {
    const next: StreamAt[] = []
    for (let at = 0; at < runs.length; at += limits.mergeRuns) {
      next.push(merge(runs.slice(at, at + limits.mergeRuns), false))
    }
    runs = next
  }
  return merge(runs, true)
}

/** Joins sorted runs; of equal keys the earlier run's come first. */
function mergeRuns(runs: readonly StreamAt[], key: number, sign: 1 | -1, push: (flow: Flow) => void): void {
  const heads = runs.map(run => ({
    file: new IpcFile(run.path, run.header),
    batches: run.batches,
    next: 0,
    flow: undefined as Flow | undefined,
    keys: [] as Keys,
    from: 0,
    at: 0,
  }))
  /** Loads the next batch of a run; false at its end. */
  const load = (head: (typeof heads)[number]): boolean => {
    head.flow = undefined
    if (head.next === head.batches.length) return false
    head.flow = flowOf(head.file.batch(head.batches[head.next++]))
    head.keys = keysOf(head.flow.columns[key])
    head.from = head.at = 0
    return true
  }
  let open = heads.filter(load)
  while (open.length > 0) {
    // until one batch is used up, rows come from these batches alone, and from each in its own order
    const picked: number[] = []
    let used: (typeof open)[number] | undefined
    while (!used) {
      let first = 0
      for (let h = 1; h < open.length; h++) {
        if (compareKeys(open[h].keys[open[h].at], open[first].keys[open[first].at], sign) < 0) first = h
      }
      picked.push(first)
      if (++open[first].at === open[first].flow!.rows) used = open[first]
    }
    const next = open.map(() => 0)
    open.reduce((base, { from, at }, h) => {
      next[h] = base
      return base + at - from
    }, 0)
    push(
      takeFlow(
        concatFlows(open.map(({ flow, from, at }) => takeFlow(flow!, [from, at]))),
        runsOfRows(picked.map(h => next[h]++)),
      ),
    )
    for (const head of open) head.from = head.at
    if (!load(used)) open = open.filter(head => head !== used)
  }
  for (const { file } of heads) file.close()
}
