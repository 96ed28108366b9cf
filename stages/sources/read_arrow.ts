/**
 * Reads preference pairs from Arrow IPC: the shards that Sluice and `datasets` write, and Sluice's own dropped rows.
 */
import { Schema, type RecordBatch } from 'apache-arrow'
import { take } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { defineSource, Type } from '../../engine/contract/define.ts'
import { pickRows } from '../../engine/source/pick.ts'
import { indexIpc, ipcSchema, readIpc, type IpcIndex } from './ipc_index.ts'

const BATCH_ROWS = 1000

/** Rows [start, end) of a batch, of the schema's columns. */
function rowsOf(batch: RecordBatch, schema: Schema, start: number, end: number): RecordBatch {
  const at = new Map(batch.schema.fields.map((field, i) => [field.name, batch.data.children[i]]))
  const columns = schema.fields.map(field => at.get(field.name)!)
  return toRecordBatch(
    schema,
    start === 0 && end === batch.numRows ? columns : columns.map(column => take(column, [start, end])),
    end - start,
  )
}

/** Rows of a range, in batches of at most BATCH_ROWS. */
function* readRange(
  path: string,
  index: IpcIndex,
  schema: Schema,
  range: { start: number; end: number },
): Generator<RecordBatch> {
  for (const { batch, first } of readIpc(path, index, ipcSchema(index), range)) {
    const end = Math.min(batch.numRows, range.end - first)
    for (let at = Math.max(0, range.start - first); at < end; at += BATCH_ROWS) {
      yield rowsOf(batch, schema, at, Math.min(end, at + BATCH_ROWS))
    }
  }
}

/** Where record batches begin. */
const startsOf = ({ batches }: IpcIndex): number[] => [
  ...new Set([0, ...batches.filter(({ rows }) => rows > 0).map(({ first }) => first)]),
]

export default defineSource({
  name: 'read_arrow',
  version: 12,
  extensions: ['.arrow', '.feather'],
  seeks: true,
  summary: 'Read preference pairs from Arrow IPC files (stream or file format), folders or globs.',
  details: [
    'Dictionary, large and view types become plain ones, and UUIDs text, as bytes do in `id`, `prompt`, `chosen` and `rejected`, and as role and content of messages. Buffers may be compressed (lz4, zstd). Columns of rows that Sluice dropped (`dropped_…`, `source_…`) are carried like all others.',
    'A stream that ends between two batches without its end mark is read, and the run warns of it: it may have been cut.',
    'Of a folder that `datasets` or Sluice saved (it has a `state.json`) the files that `state.json` names are read, and no caches that `datasets` put beside them. The file format is read by its footer;',
    'where that contradicts the file, or a second stream lies behind the first, it is refused.',
    'Layouts are those of `read_parquet`.',
  ].join('\n'),
  options: Type.Object({}),
  open(_, path) {
    const index = indexIpc(path),
      { rows, bytes, batches, format, isClosed } = index
    return Promise.resolve({
      schema: ipcSchema(index),
      rows,
      bytes,
      starts: startsOf(index),
      facts: { batches: batches.length, format, end_of_stream: isClosed ? 'present' : 'missing' },
      plan: index,
    })
  },
  read(_, { path, plan, schema }, { columns, ...range }) {
    const wanted = new Schema(schema.fields.filter(({ name }) => columns.includes(name)))
    return pickRows(range, startsOf(plan), part => readRange(path, plan, wanted, part))
  },
})
