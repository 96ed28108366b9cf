/** Rows of a file as they lie, with the names that the user gave its columns, and with those of its folders. */
import { Schema, Table, tableFromIPC, tableToIPC, Utf8, type Data, type Field, type RecordBatch } from 'apache-arrow'
import { sameType } from '../arrow/cast.ts'
import { makeText, take, textColumn } from '../arrow/columns.ts'
import { field, toRecordBatch } from '../arrow/flow.ts'
import { schemaFromBytes } from '../arrow/ipc.ts'
import { plain } from '../arrow/plain.ts'
import type { AnySource, RawFile, RowRange } from '../contract/define.ts'
import type { MapSpec } from '../map/spec.ts'
import { joinLists } from './json_lists.ts'
import type { Mapping } from './mapping.ts'
import { pickRows } from './pick.ts'

/** What is needed to read a file again, whatever its format; survives structured clone. */
export interface RawPlan {
  /** Its columns as they lie, as the bytes that an Arrow stream begins with. */
  readonly schema: Uint8Array
  /** New names by the old ones. */
  readonly renamed: ReadonlyMap<string, string>
  /** Text that all rows have from the folders above the file, by its (new) name. */
  readonly hive: Readonly<Record<string, string | null>>
  readonly unread?: RawFile['unread']
  /** Columns, by their new names, whose lists of JSON objects are one JSON text: see json_lists.ts. */
  readonly joined: ReadonlySet<string>
  /** Rows at which reading can begin; not of a source that seeks. */
  readonly starts: readonly number[]
  /** That the format counts in the file. */
  readonly rows: number
  /** The format's own. */
  readonly plan: unknown
}

/** The same where pairs are made of its rows. `columns`: those needed, by their new names; all if undefined. */
export interface FilePlan {
  readonly raw: RawPlan
  /** What makes of its columns those that `pairs` is of; without it they are the file's own. */
  readonly map?: MapSpec
  readonly pairs: Mapping
  readonly columns?: readonly string[]
}

/** Rows of a batch at most, however many a format gives at once. */
const BATCH_ROWS = 1000

/** The columns to read for these (new) names; those that tell of rows that cannot be read always are. */
const fieldsFor = ({ renamed, unread }: RawPlan, schema: Schema, wanted?: readonly string[]): Field[] =>
  schema.fields.filter(
    ({ name }) =>
      name === unread?.text || name === unread?.why || (wanted?.includes(renamed.get(name) ?? name) ?? true),
  )

/** What these columns are called in raw batches, with those of the folders behind them. */
const namedFields = ({ renamed, hive, unread, joined }: RawPlan, fields: readonly Field[]): Schema =>
  new Schema([
    ...fields
      .filter(({ name }) => name !== unread?.why)
      .map(one => (renamed.has(one.name) ? one.clone({ name: renamed.get(one.name)! }) : one))
      .map(one => (joined.has(one.name) ? field(one.name, new Utf8(), one.nullable) : one)),
    ...Object.keys(hive).map(name => field(name, new Utf8())),
  ])

/** The schema of the raw batches of a file; `wanted` as in `rawRows`. */
export const rawSchema = (raw: RawPlan, wanted?: readonly string[]): Schema =>
  namedFields(raw, fieldsFor(raw, schemaFromBytes(raw.schema), wanted))

/**
 * Raw rows of a range in batches of at most 1,000, of the columns that are wanted (by their new names) or of all.
 * `faults` takes why rows cannot be read, by the file's row.
 */
export async function* rawRows(
  source: AnySource,
  options: Readonly<Record<string, unknown>>,
  { path, raw }: { readonly path: string; readonly raw: RawPlan },
  range: RowRange,
  wanted?: readonly string[],
  faults = new Map<number, string>(),
): AsyncGenerator<RecordBatch> {
  const schema = schemaFromBytes(raw.schema),
    fields = fieldsFor(raw, schema, wanted),
    named = namedFields(raw, fields),
    why = fields.findIndex(({ name }) => name === raw.unread?.why)
  const file = { path, plan: raw.plan, schema },
    columns = fields.map(({ name }) => name),
    columnsOf = columnPicker(source, fields)
  const read = (part: RowRange) => source.read(options as never, file, { ...part, columns })
  const given = source.seeks ? read(range) : pickRows(range, raw.starts, part => between(source, raw, part, read))
  const { start, end, rows } = range
  let at = 0
  for await (const one of given) {
    const batch = whole(one),
      all = columnsOf(batch)
    for (let from = 0; from < batch.numRows; from += BATCH_ROWS) {
      const to = Math.min(batch.numRows, from + BATCH_ROWS),
        data = to - from === batch.numRows ? all : all.map(column => take(column, [from, to]))
      if (why >= 0) tellFaults(data[why], row => rows?.[at + row] ?? start + at + row, faults)
      const constants = Object.values(raw.hive).map(value => makeText(new Array<string | null>(to - from).fill(value)))
      const kept = data
        .filter((_, c) => c !== why)
        .map((column, c) => (raw.joined.has(named.fields[c].name) ? joinLists(column) : column))
      yield toRecordBatch(named, [...kept, ...constants], to - from)
      at += to - from
    }
  }
  const expected = rows?.length ?? end - start
  if (at !== expected) {
    throw new Error(
      `gave ${at} of the ${expected} rows from row ${start} on: it changed while it was read, or read() of ${source.name} gives other rows than open() counts`,
    )
  }
}

/** Rows [start, end) out of what a source gives from the last place on at which it can begin. */
async function* between(
  { name }: AnySource,
  { starts, rows }: RawPlan,
  { start, end }: RowRange,
  read: (range: RowRange) => AsyncIterable<RecordBatch>,
): AsyncGenerator<RecordBatch> {
  let at = starts.findLast(row => row <= start) ?? 0
  for await (const given of read({ start: at, end })) {
    const batch = whole(given)
    const from = Math.max(0, start - at),
      to = Math.min(batch.numRows, end - at)
    at += batch.numRows
    // nobody would ever ask for these
    if (end === rows && at > rows) {
      throw new Error(
        `gave more than its ${rows} rows: it changed while it was read, or read() of ${name} gives other rows than open() counts`,
      )
    }
    if (from >= to) continue
    const columns = batch.data.children.map(plain)
    const fields = batch.schema.fields.map(({ name, nullable }, c) => field(name, columns[c].type, nullable))
    // copied in any case: the source may fill its own room again before this is written
    yield toRecordBatch(
      new Schema(fields),
      columns.map(column => take(column, [from, to])),
      to - from,
    )
    if (at >= end && end < rows) return
  }
}

/** A batch whose columns begin where their buffers do; one that was cut out of another is written and read again. */
function whole(batch: RecordBatch): RecordBatch {
  const isSlice = (data: Data): boolean => data.offset !== 0 || (data.children as Data[]).some(isSlice)
  return isSlice(batch.data) ? tableFromIPC(tableToIPC(new Table(batch))).batches[0] : batch
}

/** The columns of a batch that are these, held against what was said of the file when it was opened. */
function columnPicker({ name: source }: AnySource, fields: readonly Field[]): (batch: RecordBatch) => Data[] {
  return ({ schema, data }) =>
    fields.map(({ name, type }) => {
      const at = schema.fields.findIndex(other => other.name === name)
      if (at < 0) {
        throw new Error(
          `read() of ${source} gives no column '${name}', which open() has; it gives ${schema.names.join(', ')}`,
        )
      }
      const column = data.children[at]
      if (!sameType(column.type as Field['type'], type)) {
        throw new Error(`read() of ${source} gives '${name}' as ${column.type}, and open() has it as ${type}`)
      }
      return column
    })
}

function tellFaults(column: Data, rowAt: (row: number) => number, faults: Map<number, string>): void {
  if (column.nullCount === column.length) return
  const { offsets, text } = textColumn(column)
  for (let row = 0; row < column.length; row++) if (offsets[row + 1] > offsets[row]) faults.set(rowAt(row), text(row))
}
