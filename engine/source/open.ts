/** Opens the files of an input: which they are, how pairs lie in each, and what is wrong with any of them. */
import { statSync } from 'node:fs'
import { Schema, type RecordBatch } from 'apache-arrow'
import { runsOf, sizeOf, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { schemaBytes } from '../arrow/ipc.ts'
import { plainField } from '../arrow/plain.ts'
import type { AnySource, RawFile } from '../contract/define.ts'
import { DataError, SluiceError } from '../errors.ts'
import { readingOnly } from '../files/chunks.ts'
import { findFiles, type Warn } from '../files/find.ts'
import { isUrl } from '../parquet/http_source.ts'
import { isReadFault, readFault } from '../parquet/source.ts'
import { stampOf } from '../run/files.ts'
import { openConverter } from './convert.ts'
import type { InputFile } from './input.ts'
import { detectLayout, isSampled, isTextPlan, pairFacts, sampleColumns } from './layouts.ts'
import { usedColumns } from './mapping.ts'
import { checkCarried, checkNames, hiveColumns, renamedColumns } from './names.ts'
import type { SourceOptions } from './options.ts'
import { carryOf } from './pairs.ts'
import { rawRows, rawSchema, type RawPlan } from './raw.ts'

/** What a layout is judged by: so many rows, and of huge ones so many bytes. */
const SAMPLE_ROWS = 1000
const SAMPLE_BYTES = 64 << 20

/**
 * Finds and opens the input of a source: paths are relative to `base`, and `warn` hears what is left unread. Throws one
 * error that names every file that cannot be read.
 */
export async function openInputs(
  source: AnySource,
  options: SourceOptions,
  base: string,
  warn: Warn = () => undefined,
): Promise<InputFile[]> {
  const paths = await findFiles(source.name, options, base, source.extensions, warn)
  const schemas = new Map<string, Uint8Array>()
  /** Files of one kind have one schema, which then is sent to a worker once. */
  const once = (schema: Schema): Uint8Array => {
    const bytes = schemaBytes(schema),
      key = Buffer.from(bytes).toString('latin1')
    if (!schemas.has(key)) schemas.set(key, bytes)
    return schemas.get(key)!
  }
  return openAll(source.name, paths, path => openFile(source, options, path, once), warn)
}

/** One file of a table, as the main thread sees it before the run. */
export interface TableFile extends Omit<InputFile, 'layout' | 'isText' | 'plan' | 'scored'> {
  readonly plan: { readonly raw: RawPlan }
}

/** Finds and opens the files of a table: rows as they lie, with the names that `rename` gives. */
export async function openTables(
  source: AnySource,
  options: SourceOptions,
  base: string,
  warn: Warn = () => undefined,
): Promise<TableFile[]> {
  const paths = await findFiles(source.name, options, base, source.extensions, warn)
  return openAll(source.name, paths, async (path): Promise<TableFile> => {
    const file = await source.open({ ...options } as never, path, () => true)
    checkNames(file.schema.fields)
    const raw = rawPlan(source, file, path, options.rename, schemaBytes)
    return {
      path,
      ...(file.stamp === undefined ? {} : { stamp: file.stamp }),
      rows: file.rows,
      bytes: file.bytes ?? statSync(path).size,
      starts: file.starts,
      schema: rawSchema(raw),
      plan: { raw },
      fromPath: raw.hive,
      facts: { rows: file.rows, ...file.facts },
    }
  })
}

async function openFile(
  source: AnySource,
  options: SourceOptions,
  path: string,
  bytesOf: (schema: Schema) => Uint8Array,
): Promise<InputFile> {
  const { rename, answer, layout } = options
  const called = new Map(Object.entries(rename ?? {}).map(([now, old]) => [old, now]))
  const mayBePair = (column: string): boolean => {
    const name = called.get(column) ?? column
    return isSampled(name) || name === answer
  }
  const file = await source.open({ ...options } as never, path, mayBePair)
  checkNames(file.schema.fields)
  const raw = rawPlan(source, file, path, rename, bytesOf)
  const { unread } = raw,
    full = rawSchema(raw),
    names = full.names.map(String).filter(name => name !== unread?.text)
  checkCarried(options.columns, names)
  const rows = (range: { start: number; end: number }, wanted: readonly string[], faults?: Map<number, string>) =>
    rawRows(source, { ...options }, { path, raw }, range, wanted, faults)
  const said = new Schema(full.fields.filter(({ name }) => name !== unread?.text))
  const samples = await sampleOf(file.rows, sampleColumns(said, answer), rows)
  const pairs = detectLayout(said, samples, layout === 'auto' ? undefined : layout, answer),
    used = [...usedColumns(pairs), pairs.scored?.column]
  const columns = options.columns && names.filter(name => options.columns!.includes(name) || used.includes(name))
  const schema = rawSchema(raw, columns)
  return {
    path,
    ...(file.stamp === undefined ? {} : { stamp: file.stamp }),
    rows: file.rows,
    bytes: file.bytes ?? statSync(path).size,
    starts: file.starts,
    layout: pairs.layout,
    isText: isTextPlan(pairs),
    schema: openConverter(pairs, schema, carryOf(raw, schema.names, options)).schema,
    plan: { raw, pairs, columns },
    fromPath: raw.hive,
    ...(pairs.scored ? { scored: pairs.scored } : {}),
    facts: {
      rows: file.rows,
      ...file.facts,
      ...(file.decodedBytes ? { decoded_bytes: file.decodedBytes(namesInFile(file, raw, columns)) } : {}),
      ...(raw.renamed.size > 0
        ? { renamed: [...raw.renamed].map(([old, now]) => `${now} from '${old}'`).join(', ') }
        : {}),
      ...pairFacts(pairs, said),
    },
  }
}

/** The columns of these new names, or all, as the file calls them. */
const namesInFile = ({ schema }: RawFile, { renamed }: RawPlan, columns?: readonly string[]): string[] =>
  schema.names.map(String).filter(name => columns?.includes(renamed.get(name) ?? name) ?? true)

function rawPlan(
  source: AnySource,
  { schema, rows, starts, unread, plan }: RawFile,
  path: string,
  rename: SourceOptions['rename'],
  bytesOf: (schema: Schema) => Uint8Array,
): RawPlan {
  // a column that is in the file says more than its folder
  const hive = Object.entries(hiveColumns(path)).filter(([name]) => !schema.names.includes(name))
  const own = schema.names.map(String).filter(name => name !== unread?.text && name !== unread?.why)
  const renamed = renamedColumns(rename, [...own, ...hive.map(([name]) => name)])
  const taken = [...renamed.values(), ...Object.keys(hiveColumns(path))].find(
    name => name === unread?.text || name === unread?.why,
  )
  if (taken !== undefined) {
    throw new Error(
      `a column cannot be called '${taken}': ${source.name} tells by that name of rows that it cannot read; give it another by \`rename\``,
    )
  }
  return {
    schema: bytesOf(new Schema(source.seeks ? schema.fields : schema.fields.map(plainField))),
    renamed,
    hive: Object.fromEntries(hive.map(([name, value]) => [renamed.get(name) ?? name, value])),
    unread,
    starts: source.seeks ? [] : starts,
    rows,
    plan,
  }
}

/** The first rows of a file that can be read. */
async function sampleOf(
  count: number,
  columns: readonly string[],
  read: (
    range: { start: number; end: number },
    wanted: readonly string[],
    faults: Map<number, string>,
  ) => AsyncIterable<RecordBatch>,
): Promise<RecordBatch[]> {
  const samples: RecordBatch[] = [],
    faults = new Map<number, string>()
  let bytes = 0,
    at = 0
  if (columns.length === 0) return samples
  for await (const batch of read({ start: 0, end: Math.min(SAMPLE_ROWS, count) }, columns, faults)) {
    const first = at
    at += batch.numRows
    samples.push(faults.size === 0 ? batch : without(batch, row => faults.has(first + row)))
    bytes += batch.data.children.reduce((n, column) => n + sizeOf(column), 0)
    if (bytes >= SAMPLE_BYTES) break
  }
  return samples
}

function without({ schema, data, numRows }: RecordBatch, isOut: (row: number) => boolean): RecordBatch {
  const mask = Uint8Array.from({ length: numRows }, (_, row) => Number(isOut(row))),
    runs = runsOf(mask, 0)
  return toRecordBatch(
    schema,
    data.children.map(column => take(column, runs)),
    mask.filter(out => out === 0).length,
  )
}

/**
 * Opens all files; what cannot be read is named in one error, a line a file, and the table of layouts once where one
 * needs it. `warn` hears of columns that seem to belong to the prompt and stay beside it.
 */
async function openAll<File extends TableFile | InputFile>(
  stage: string,
  paths: readonly string[],
  open: (path: string) => Promise<File>,
  warn: Warn = () => undefined,
): Promise<File[]> {
  const opened: File[] = []
  const problems: string[] = [],
    classes = new Set<typeof DataError>()
  let table = ''
  for (const path of paths) {
    try {
      // before it is looked at: another file may take its place while others are
      const stamp = isUrl(path) ? undefined : stampOf(path)
      opened.push({ ...(await readingOnly(path, () => open(path))), opened: stamp })
    } catch (error) {
      const fault = isReadFault(error) ? readFault(path, error as Error) : error,
        said = fault instanceof Error ? fault.message : String(fault)
      classes.add(fault instanceof SluiceError ? (fault.constructor as typeof DataError) : DataError)
      const [first, ...rest] = said.split('\n')
      const message = first.startsWith(`${stage}: `) ? first.slice(stage.length + 2) : first
      problems.push(message.startsWith(path) ? message : `${path}: ${message}`)
      if (rest.length > 0) table = `\n${rest.join('\n')}`
    }
  }
  const [first] = classes,
    fault = (message: string) => new (classes.size === 1 ? first : DataError)(message)
  if (problems.length === 1) throw fault(`${stage}: ${problems[0]}${table}`)
  if (problems.length > 0) {
    throw fault(
      `${stage}: ${problems.length} of ${paths.length} files cannot be read:\n  ${problems.join('\n  ')}${table}`,
    )
  }
  for (const columns of new Set(opened.map(file => file.facts.beside_prompt))) {
    if (columns === undefined) continue
    const [{ path, layout }, ...more] = opened.filter(file => file.facts.beside_prompt === columns) as InputFile[]
    const where = more.length > 0 ? `${path} and ${more.length.toLocaleString('en-US')} more` : path
    warn(
      `${stage}: ${String(columns)} in ${where} looks like a part of the prompt, and is none in layout ${layout}: it stays a column beside the pair`,
    )
  }
  return opened
}
