/** Opens the files of an input: which they are, how pairs lie in each, and what is wrong with any of them. */
import { statSync } from 'node:fs'
import { Schema, type DataType, type RecordBatch } from 'apache-arrow'
import { runsOf, sizeOf, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { schemaBytes } from '../arrow/ipc.ts'
import { plainField } from '../arrow/plain.ts'
import type { AnySource, RawFile } from '../contract/define.ts'
import { DataError, SluiceError } from '../errors.ts'
import { readingOnly } from '../files/chunks.ts'
import { changedSearch, findFiles, type Warn } from '../files/find.ts'
import { isUrl } from '../files/http_source.ts'
import { isReadFault, readFault } from '../parquet/source.ts'
import { stampOf } from '../run/files.ts'
import { headsOf, mapSaid } from '../map/said.ts'
import { openMapped } from './convert.ts'
import type { InputFile } from './input.ts'
import { givenMap, howPairsLie, layoutThatFits, type How } from './how.ts'
import { isSampled, pairFacts } from './layouts.ts'
import { isTextPlan, usedColumns, type Sample } from './mapping.ts'
import { checkCarried, checkNames, hiveColumns, renamedColumns } from './names.ts'
import type { SourceOptions } from './options.ts'
import { noticesIn } from './notices.ts'
import { carryOf, readPairs } from './pairs.ts'
import { findSideScores } from './side_scores.ts'
import { areJsonLists, mayBeJson } from './json_lists.ts'
import { rawRows, rawSchema, type RawPlan } from './raw.ts'

/** What a layout is judged by: so many rows, and of huge ones so many bytes. */
const SAMPLE_ROWS = 1000
const SAMPLE_BYTES = 64 << 20
/** Rows of which is said what a person should look at: as many as show it, and no start waits for. */
const NOTICED_ROWS = 300

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
  // a name that is none is told once, and not of each file
  givenMap(options)
  const paths = await findFiles(source.name, options, base, source.extensions, warn)
  const schemas = new Map<string, Uint8Array>()
  /** Files of one kind have one schema, which then is sent to a worker once. */
  const once = (schema: Schema): Uint8Array => {
    const bytes = schemaBytes(schema),
      key = Buffer.from(bytes).toString('latin1')
    if (!schemas.has(key)) schemas.set(key, bytes)
    return schemas.get(key)!
  }
  const open = async (path: string) => {
    const file = await openFile(source, options, path, once)
    // one file of many stands for all of them
    if (path === paths[0]) {
      for (const text of await noticesOf(source, options, file)) warn(`${source.name}: ${path}: ${text}`)
    }
    return file
  }
  return openAll(source.name, paths, open, warn)
}

/** What the first rows of a file show that a person should look at; the same for a run and for who looks before it. */
async function noticesOf(source: AnySource, options: SourceOptions, file: InputFile): Promise<string[]> {
  const range = { start: 0, end: Math.min(NOTICED_ROWS, file.rows) }
  for await (const { pairs, raw, refused } of readPairs(source, options, file, range)) {
    const unread = refused.filter(({ reason }) => reason === 'unreadable_line'),
      [first] = unread as ((typeof unread)[number] | undefined)[]
    return [
      ...(first
        ? [`${unread.length} of the first ${raw.numRows} rows cannot be read, as row ${first.row}: ${first.error}`]
        : []),
      ...noticesIn(pairs, [raw], file.plan.map !== undefined),
    ]
  }
  return []
}

/** Columns beside the prompt that by their names belong to it. */
const besideSaid = (columns: string, layout: string | undefined, where = ''): string =>
  `${columns}${where} looks like a part of the prompt, and is none in layout ${layout}: it stays a column beside the pair`

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

/** A file before it is known how its pairs lie. */
interface Opened {
  readonly file: RawFile
  readonly raw: RawPlan
  /** Of its columns, without those that tell of rows that cannot be read. */
  readonly schema: Schema
  readonly sample: Sample
}

/** `isPart`: whether a column may become part of pairs, by its name; only such are read in all their depth. */
async function openRaw(
  source: AnySource,
  options: SourceOptions,
  path: string,
  bytesOf: (schema: Schema) => Uint8Array,
  isPart: (column: string) => boolean,
): Promise<Opened> {
  const { rename } = options
  const called = new Map(Object.entries(rename ?? {}).map(([now, old]) => [old, now]))
  const file = await source.open({ ...options } as never, path, column => isPart(called.get(column) ?? column))
  checkNames(file.schema.fields)
  const asItLies = rawPlan(source, file, path, rename, bytesOf)
  const rowsOf =
    (raw: RawPlan) =>
    (range: { start: number; end: number }, wanted: readonly string[], faults?: Map<number, string>) =>
      rawRows(source, { ...options }, { path, raw }, range, wanted, faults)
  const lists = rawSchema(asItLies).fields.flatMap(({ name, type }) => (mayBeJson(type as DataType) ? [name] : [])),
    first = await sampleOf(file.rows, lists, rowsOf(asItLies)),
    joined = new Set(lists.filter(name => areJsonLists(first.map(batch => batch.getChild(name)!.data[0])))),
    raw = { ...asItLies, joined },
    rows = rowsOf(raw)
  return {
    file,
    raw,
    schema: new Schema(rawSchema(raw).fields.filter(({ name }) => name !== raw.unread?.text)),
    sample: columns => sampleOf(file.rows, columns, rows),
  }
}

/** Opens a file, and finds out how its pairs lie, at once or when it is asked. */
async function openHow(
  source: AnySource,
  options: SourceOptions,
  path: string,
  bytesOf: (schema: Schema) => Uint8Array,
): Promise<Opened & { how(): Promise<How> }> {
  const map = givenMap(options),
    heads = map && new Set(headsOf(map)),
    open = (isPart: (name: string) => boolean) => openRaw(source, options, path, bytesOf, isPart)
  const opened = await open(name => isSampled(name) || name === options.answer || (heads?.has(name) ?? false)),
    fits = await layoutThatFits(opened.schema, options, opened.sample)
  if (fits) return { ...opened, how: () => Promise.resolve(fits) }
  // any column may be part of a preset, or of what is proposed
  const all = map || options.layout !== 'auto' ? opened : await open(() => true)
  return { ...all, how: () => howPairsLie(all.schema, options, all.sample) }
}

/**
 * Looks for the files of sources again once all are found. Throws a ChangedInputError where there are others: a file
 * that is moved from the folder of one that is not searched yet to that of one that was would be in neither.
 */
export async function holdFiles(
  found: readonly { source: AnySource; options: SourceOptions; files: readonly { readonly path: string }[] }[],
  base: string,
): Promise<void> {
  for (const { source, options, files } of found) {
    const now = new Set(await findFiles(source.name, options, base, source.extensions)),
      gone = files.find(({ path }) => !now.delete(path))?.path,
      changed = gone ?? [...now][0]
    if (changed !== undefined) throw changedSearch(source.name, changed, gone !== undefined)
  }
}

/** What is seen of a file and its first rows, for who looks before a run. `how` throws where nobody can tell. */
export interface Looked {
  readonly path: string
  readonly rows: number
  readonly schema: Schema
  /** Its first rows, all columns. */
  samples(): Promise<readonly RecordBatch[]>
  how(): Promise<How>
  /** What a run would say of it. */
  notices(): Promise<readonly string[]>
}

/** Looks at the files of an input, as a run would open them. */
export async function lookAtInputs(
  source: AnySource,
  options: SourceOptions,
  base: string,
  warn: Warn = () => undefined,
): Promise<Looked[]> {
  const paths = await findFiles(source.name, options, base, source.extensions, warn)
  return openAll(source.name, paths, async path => {
    const { file, schema, sample, how } = await openHow(source, options, path, schemaBytes)
    const notices = async () => {
      const opened = await openFile(source, options, path, schemaBytes),
        { layout, facts } = opened,
        beside = facts.beside_prompt === undefined ? [] : [besideSaid(String(facts.beside_prompt), layout)]
      return [...(await noticesOf(source, options, opened)), ...beside]
    }
    return { path, rows: file.rows, schema, samples: () => sample(schema.names.map(String)), facts: {}, how, notices }
  })
}

async function openFile(
  source: AnySource,
  options: SourceOptions,
  path: string,
  bytesOf: (schema: Schema) => Uint8Array,
): Promise<InputFile> {
  const { file, raw, schema: said, how } = await openHow(source, options, path, bytesOf),
    names = said.names.map(String)
  checkCarried(options.columns, names)
  const { pairs, map, mapped, layout, found } = await how()
  const scores = pairs.rejected ? findSideScores(mapped?.schema ?? said) : undefined
  if (!scores && (options.ties === 'drop' || options.opposed === 'drop')) {
    throw new DataError(
      `options 'ties' and 'opposed' are of scores of both sides, and no two columns of numbers are called as chosen_score and rejected_score; there are ${names.join(', ')}`,
    )
  }
  const used = new Set<string>(mapped?.reads),
    made = new Set(mapped?.own)
  for (const name of [...usedColumns(pairs), pairs.scored?.column, scores?.chosen, scores?.rejected]) {
    if (name !== undefined && !made.has(name)) used.add(name)
  }
  const columns = options.columns && names.filter(name => options.columns!.includes(name) || used.has(name))
  const schema = rawSchema(raw, columns)
  return {
    path,
    ...(file.stamp === undefined ? {} : { stamp: file.stamp }),
    rows: file.rows,
    bytes: file.bytes ?? statSync(path).size,
    starts: file.starts,
    layout,
    isText: isTextPlan(pairs),
    schema: openMapped(map, pairs, schema, carryOf(raw, schema.names, options)).schema,
    plan: { raw, ...(map ? { map } : {}), pairs, columns },
    fromPath: raw.hive,
    ...(pairs.scored ? { scored: pairs.scored } : {}),
    facts: {
      rows: file.rows,
      ...file.facts,
      ...(file.decodedBytes ? { decoded_bytes: file.decodedBytes(namesInFile(file, raw, columns)) } : {}),
      ...(raw.renamed.size > 0
        ? { renamed: [...raw.renamed].map(([old, now]) => `${now} from '${old}'`).join(', ') }
        : {}),
      ...pairFacts(pairs, mapped?.schema ?? said),
      ...(map ? { pair: mapSaid(map) } : {}),
      ...(found === undefined ? {} : { taken_for: found }),
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
    joined: new Set(),
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
 * Opens all files; what cannot be read is named in one error, a line a file, and once what several of them lack.
 * `warn` hears of columns that seem to belong to the prompt and stay beside it.
 */
async function openAll<File extends { readonly path: string; readonly facts: InputFile['facts'] }>(
  stage: string,
  paths: readonly string[],
  open: (path: string) => Promise<File>,
  warn: Warn = () => undefined,
): Promise<File[]> {
  const opened: File[] = []
  const problems: string[] = [],
    classes = new Set<typeof DataError>()
  const told = new Set<string>()
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
      const message = first.startsWith(`${stage}: `) ? first.slice(stage.length + 2) : first,
        more = rest.join('\n')
      const isNew = more !== '' && !told.has(more)
      told.add(more)
      problems.push(`${message.startsWith(path) ? message : `${path}: ${message}`}${isNew ? `\n${more}` : ''}`)
    }
  }
  const [first] = classes,
    fault = (message: string) => new (classes.size === 1 ? first : DataError)(message)
  if (problems.length === 1) throw fault(`${stage}: ${problems[0]}`)
  if (problems.length > 0) {
    throw fault(`${stage}: ${problems.length} of ${paths.length} files cannot be read:\n  ${problems.join('\n  ')}`)
  }
  for (const columns of new Set(opened.map(file => file.facts.beside_prompt))) {
    if (columns === undefined) continue
    const [{ path, layout }, ...more] = opened.filter(file => file.facts.beside_prompt === columns) as (File & {
      readonly layout?: string
    })[]
    const where = more.length > 0 ? `${path} and ${more.length.toLocaleString('en-US')} more` : path
    warn(`${stage}: ${besideSaid(String(columns), layout, ` in ${where}`)}`)
  }
  return opened
}
