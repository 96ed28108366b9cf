/**
 * Reads preference pairs from Arrow IPC: the shards that Sluice and `datasets` write, and Sluice's own dropped rows.
 */
import { Schema, type RecordBatch } from 'apache-arrow'
import { take } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { defineSource, Type, type InputFile } from '../../engine/contract/define.ts'
import { layoutReasons, openConverter } from './convert.ts'
import { findFiles } from '../../engine/files/find.ts'
import { checkCarried, checkNames, inputOptions, openAll, type InputOptions } from './files.ts'
import { groupKeys, groupStarts, wholeGroups } from './groups.ts'
import { indexIpc, ipcSchema, readIpc, type IpcIndex } from './ipc_index.ts'
import { pickRows, rowsAt } from './pick.ts'
import { detectLayout, isTextPlan, pairFacts } from './layouts.ts'
import { usedColumns, type Mapping } from './mapping.ts'

const SAMPLE_ROWS = 1000
const BATCH_ROWS = 1000

interface ArrowPlan {
  readonly pairs: Mapping
  readonly index: IpcIndex
}

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

/** The columns that a plan and the user want. */
const pickSchema = (schema: Schema, plan: Mapping, carry: readonly string[] | undefined): Schema =>
  carry
    ? new Schema(schema.fields.filter(({ name }) => carry.includes(name) || usedColumns(plan).includes(name)))
    : schema

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

async function openFile(path: string, { layout, answer, pairing, columns: carry }: InputOptions): Promise<InputFile> {
  const index = indexIpc(path)
  const full = ipcSchema(index)
  checkNames(full.fields)
  checkCarried(carry, full.names.map(String))
  const sample = [...readIpc(path, index, full, { start: 0, end: Math.min(SAMPLE_ROWS, index.rows) })].map(
    ({ batch, first }) => rowsOf(batch, full, 0, Math.min(batch.numRows, SAMPLE_ROWS - first)),
  )
  const pairs = detectLayout(full, sample, layout === 'auto' ? undefined : layout, answer)
  const plan: ArrowPlan = { pairs, index }
  const starts = await groupStarts(pairs, startsOf(index), range => readRange(path, index, full, range))
  return {
    path,
    rows: index.rows,
    bytes: index.bytes,
    starts,
    layout: pairs.layout,
    isText: isTextPlan(pairs),
    schema: openConverter(pairs, pickSchema(full, pairs, carry), { carry, pairing }).schema,
    plan,
    canPick: !pairs.completions?.isFlat,
    facts: {
      rows: index.rows,
      batches: index.batches.length,
      format: index.format,
      end_of_stream: index.isClosed ? 'present' : 'missing',
      ...pairFacts(pairs, full),
    },
  }
}

const extensions = ['.arrow', '.feather']

export default defineSource({
  name: 'read_arrow',
  version: 6,
  extensions,
  summary: 'Read preference pairs from Arrow IPC files (stream or file format), folders or globs.',
  details: [
    'Dictionary, large and view types become plain ones. Columns of rows that Sluice dropped (`dropped_…`, `source_…`) are carried like all others.',
    'A stream that ends between two batches without its end mark is read, and the run warns of it: it may have been cut.',
    'Of a folder that `datasets` or Sluice saved (it has a `state.json`) the files that `state.json` names are read, and no caches that `datasets` put beside them. The file format is read by its footer;',
    'where that contradicts the file, or a second stream lies behind the first, it is refused. Compressed buffers are refused.',
    'Layouts are those of `read_parquet`.',
  ].join('\n'),
  options: Type.Object(inputOptions),
  reasons: layoutReasons,
  async inputs(options, base, warn) {
    const paths = await findFiles('read_arrow', options, base, extensions, warn)
    return openAll('read_arrow', paths, path => openFile(path, options), warn)
  },
  async *read({ columns: carry, pairing }, { path, plan }, range) {
    const { pairs, index } = plan as ArrowPlan
    const schema = pickSchema(ipcSchema(index), pairs, carry)
    const converter = openConverter(pairs, schema, { carry, pairing })
    let at = 0
    for await (const raw of wholeGroups(
      pairs,
      pickRows(range, startsOf(index), part => readRange(path, index, schema, part)),
    )) {
      yield converter.convert(raw, rowsAt(range, at, raw.numRows))
      at += raw.numRows
    }
  },
  async groups(_, { path, plan }, range) {
    const { pairs, index } = plan as ArrowPlan
    return groupKeys(pairs, readRange(path, index, ipcSchema(index), range))
  },
})
