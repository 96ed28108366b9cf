/**
 * Reads preference pairs from Parquet: any layout of the table in layouts.ts, any codec, files, folders, hive folders
 * and globs.
 */
import { Schema, Utf8, type RecordBatch } from 'apache-arrow'
import { makeText, sizeOf } from '../../engine/arrow/columns.ts'
import { field, toRecordBatch } from '../../engine/arrow/flow.ts'
import { decodedBytes, openParquet, readRows, type ParquetFile } from '../../engine/parquet/file.ts'
import { defineSource, Type, type InputFile } from '../../engine/contract/define.ts'
import { layoutReasons, openConverter } from './convert.ts'
import { findFiles } from '../../engine/files/find.ts'
import { checkCarried, checkNames, hiveColumns, inputOptions, openAll, type InputOptions } from './files.ts'
import { groupKeys, groupStarts, wholeGroups } from './groups.ts'
import { pickRows, rowsAt } from './pick.ts'
import { detectLayout, isTextPlan, layouts, pairFacts, sampleColumns } from './layouts.ts'
import { usedColumns, type Mapping } from './mapping.ts'

const SAMPLE_ROWS = 1000
const SAMPLE_BYTES = 64 << 20

/**
 * What a worker needs to read a file again. `hive`: text columns that the path gives. `columns`: those to read, all
 * when undefined.
 */
interface ParquetPlan {
  readonly pairs: Mapping
  readonly identity?: string
  readonly hive: Readonly<Record<string, string | null>>
  readonly columns?: readonly string[]
}

const withHive = (schema: Schema, hive: ParquetPlan['hive']): Schema =>
  new Schema([...schema.fields, ...Object.keys(hive).map(name => field(name, new Utf8()))], schema.metadata)

/** The columns of the file to read, in its order. */
const pickSchema = ({ schema }: ParquetFile, columns: ParquetPlan['columns']): Schema =>
  columns ? new Schema(schema.fields.filter(({ name }) => columns.includes(name))) : schema

async function sampleOf(file: ParquetFile, columns: readonly string[]): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = []
  let bytes = 0
  if (columns.length === 0) return batches
  for await (const batch of readRows(
    file,
    { start: 0, end: Math.min(SAMPLE_ROWS, file.rows) },
    { columns, batchBytes: SAMPLE_BYTES },
  )) {
    batches.push(batch)
    bytes += batch.data.children.reduce((n, column) => n + sizeOf(column), 0)
    // of huge rows a few are enough to judge by
    if (bytes >= SAMPLE_BYTES) break
  }
  return batches
}

/** Where row groups begin. */
function startsOf({ rows, rowGroups }: ParquetFile): number[] {
  const starts = new Set([0])
  let before = 0
  for (const group of rowGroups) {
    if (before < rows) starts.add(before)
    before += group.rows
  }
  return [...starts]
}

/** Rows of a range, of the columns that the layout needs. */
const readUsed = (file: ParquetFile, pairs: Mapping, range: { start: number; end: number }) =>
  readRows(file, range, { columns: usedColumns(pairs).filter(name => file.schema.names.includes(name)) })

async function openFile(path: string, { layout, answer, pairing, columns: carry }: InputOptions): Promise<InputFile> {
  const file = await openParquet(path)
  checkNames(file.schema.fields)
  const hive = Object.fromEntries(
    Object.entries(hiveColumns(path)).filter(([name]) => !file.schema.names.includes(name)),
  )
  const full = withHive(file.schema, hive)
  checkCarried(carry, full.names.map(String))
  const pairs = detectLayout(
    full,
    await sampleOf(file, sampleColumns(file.schema, answer)),
    layout === 'auto' ? undefined : layout,
    answer,
  )
  const columns =
    carry && file.schema.names.map(String).filter(name => carry.includes(name) || usedColumns(pairs).includes(name))
  const plan: ParquetPlan = { pairs, identity: file.identity, hive, columns }
  const { schema } = openConverter(pairs, withHive(pickSchema(file, columns), hive), { carry, pairing })
  const starts = await groupStarts(pairs, startsOf(file), range => readUsed(file, pairs, range))
  return {
    path,
    ...(file.identity === undefined ? {} : { stamp: file.identity }),
    rows: file.rows,
    bytes: file.bytes,
    starts,
    layout: pairs.layout,
    isText: isTextPlan(pairs),
    schema,
    plan,
    fromPath: hive,
    canPick: !pairs.completions?.isFlat,
    facts: {
      rows: file.rows,
      row_groups: file.rowGroups.length,
      codecs: file.codecs.join(', '),
      checksums: file.checksums ? 'crc32' : 'none',
      decoded_bytes: decodedBytes(file, columns),
      ...pairFacts(pairs, full),
    },
  }
}

const extensions = ['.parquet']

export default defineSource({
  name: 'read_parquet',
  version: 5,
  extensions,
  summary: 'Read preference pairs from Parquet files, folders, hive folders or globs.',
  details: [
    'A URL is read by range requests, nothing but what is needed; its ETag (or Last-Modified) and size stand for its content: where they change, it is another file.',
    'A hive folder `key=value` becomes a text column, unless the file has a column of that name. Columns that become the pair are not carried',
    'beside it; all others are, untouched.',
    'Further fields of a message become JSON in `source_<side>_fields`, in the form in which `write_jsonl` writes a column of their type; those that are null are left out.',
    'Layouts, in the order in which they are tried:',
    '',
    ...layouts.map(({ name, rule, example }) => `- **${name}**: ${rule}.\n  \`${example.replaceAll('\n', '`, `')}\``),
  ].join('\n'),
  options: Type.Object(inputOptions),
  reasons: layoutReasons,
  async inputs(options, base, warn) {
    const paths = await findFiles('read_parquet', options, base, extensions, warn)
    return openAll('read_parquet', paths, path => openFile(path, options), warn)
  },
  async *read({ columns: carry, pairing }, { path, plan }, range) {
    const { pairs, identity, hive, columns } = plan as ParquetPlan
    const file = await openParquet(path, identity)
    const schema = withHive(pickSchema(file, columns), hive)
    const converter = openConverter(pairs, schema, { carry, pairing })
    const raws = async function* () {
      for await (const batch of pickRows(range, startsOf(file), part => readRows(file, part, { columns }))) {
        const constants = Object.values(hive).map(value =>
          makeText(new Array<string | null>(batch.numRows).fill(value)),
        )
        yield constants.length > 0
          ? toRecordBatch(schema, [...batch.data.children, ...constants], batch.numRows)
          : batch
      }
    }
    let at = 0
    for await (const raw of wholeGroups(pairs, raws())) {
      yield converter.convert(raw, rowsAt(range, at, raw.numRows))
      at += raw.numRows
    }
  },
  async groups(_, { path, plan }, range) {
    const { pairs, identity } = plan as ParquetPlan
    return groupKeys(pairs, readUsed(await openParquet(path, identity), pairs, range))
  },
})
