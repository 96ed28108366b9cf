/**
 * The files of a Delta Lake table at its latest version, by its log: JSON commits behind the last checkpoint. As in the
 * protocol of Delta (github.com/delta-io/delta, PROTOCOL.md), of which that part is read where files are whole.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { jsonValueOf } from '../arrow/plain.ts'
import { DataError } from '../errors.ts'
import { openParquet, readRows } from '../parquet/file.ts'
import { hiveColumns } from '../source/names.ts'

const LOG = '_delta_log'
const COMMIT = /^(\d{20})\.json$/,
  CHECKPOINT = /^(\d{20})\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet$/
/** What a table may need of its readers, and needs nothing more of this one: the others change what rows are. */
const READ = ['timestampNtz', 'columnMapping', 'deletionVectors', 'v2Checkpoint', 'vacuumProtocolCheck']
const OUT = "write the table out first, as by deltalake's DeltaTable(…).to_pyarrow_table()"

interface Added {
  readonly path: string
  readonly partitionValues?: unknown
  readonly deletionVector?: object | null
}
/** A line of a commit, or a row of a checkpoint: one of these. */
interface Action {
  readonly add?: Added | null
  readonly remove?: { readonly path: string } | null
  readonly metaData?: { readonly configuration?: unknown; readonly format?: { readonly provider?: string } } | null
  readonly protocol?: { readonly minReaderVersion?: number; readonly readerFeatures?: readonly string[] | null } | null
  readonly sidecar?: object | null
}

/** Whether a folder holds a table. */
export const isDelta = (folder: string): boolean => {
  try {
    return readdirSync(join(folder, LOG)).some(name => COMMIT.test(name) || CHECKPOINT.test(name))
  } catch {
    return false
  }
}

/**
 * The paths of a table's files, absolute. Throws a DataError for what cannot be read as it is: deleted rows that are
 * marked within files, mapped columns, a log that is not whole, files that are not there.
 */
export async function deltaFiles(folder: string): Promise<string[]> {
  const refuse = (what: string) => new DataError(`${folder} is a Delta Lake table ${what}`)
  const files = new Map<string, Added>()
  let metaData: Action['metaData'], protocol: Action['protocol']
  for await (const action of actionsOf(join(folder, LOG), refuse)) {
    if (action.sidecar) throw refuse(`whose checkpoint has parts of their own (sidecar); ${OUT}`)
    if (action.add) files.set(action.add.path, action.add)
    if (action.remove) files.delete(action.remove.path)
    metaData = action.metaData ?? metaData
    protocol = action.protocol ?? protocol
  }
  const mode = entriesOf(metaData?.configuration).get('delta.columnMapping.mode') ?? 'none',
    provider = metaData?.format?.provider ?? 'parquet',
    unknown = (protocol?.readerFeatures ?? []).filter(feature => !READ.includes(feature))
  if (mode !== 'none') throw refuse(`whose columns have other names in its files (column mapping by ${mode}); ${OUT}`)
  if (provider !== 'parquet') throw refuse(`whose files are ${provider}, and Parquet is read; ${OUT}`)
  if (unknown.length > 0 || (protocol?.minReaderVersion ?? 1) > 3) {
    throw refuse(
      `that asks of readers what is not known here (${unknown.join(', ') || `version ${protocol!.minReaderVersion}`}); ${OUT}`,
    )
  }
  const marked = [...files.values()].filter(({ deletionVector }) => deletionVector)
  if (marked.length > 0) {
    throw refuse(
      `with deletion vectors: rows of ${marked.length} of its ${files.size} files are deleted, as of ${marked[0].path}, and stand there still; rewrite these files, as by REORG TABLE … APPLY (PURGE), or ${OUT}`,
    )
  }
  const paths = [...files.values()].map(added => placeOf(folder, added, refuse)),
    missing = paths.filter(path => !existsSync(path))
  if (missing.length > 0) {
    throw refuse(`that names ${missing.length} files which are not there, as ${missing[0]}; fetch it whole`)
  }
  return paths
}

/** Where a file lies, whose values of partitions stand in its path. */
function placeOf(folder: string, { path, partitionValues }: Added, refuse: (what: string) => Error): string {
  const isFar = /^[a-z][a-z\d+.-]*:/i.test(path)
  if (isFar && !path.startsWith('file:')) throw refuse(`with a file elsewhere, ${path}; ${OUT}`)
  const place = isFar ? fileURLToPath(path) : resolve(folder, decodeURIComponent(path)),
    inPath = hiveColumns(place)
  for (const [name, value] of entriesOf(partitionValues)) {
    if ((inPath[name] ?? null) !== (value === '' ? null : value)) {
      throw refuse(`whose partition ${name} (${value}) does not stand in the path of its file ${path}; ${OUT}`)
    }
  }
  return place
}

/** A map, which is an object in JSON and a list of keys and values in Parquet. */
function entriesOf(value: unknown): Map<string, string | null> {
  const pairs = Array.isArray(value)
    ? (value as { key: string; value: string | null }[]).map(one => [one.key, one.value] as const)
    : Object.entries((value ?? {}) as Record<string, string | null>)
  return new Map(pairs)
}

/** All actions in their order: those of the last checkpoint, and of all commits behind it. */
async function* actionsOf(log: string, refuse: (what: string) => Error): AsyncGenerator<Action> {
  const names = readdirSync(log).sort(),
    parts = new Map<number, string[]>()
  for (const name of names) {
    const [, version, count = 1] = CHECKPOINT.exec(name) ?? []
    if (version === undefined) continue
    const own = [...(parts.get(Number(version)) ?? []), name].filter(
      part => Number(CHECKPOINT.exec(part)![2] ?? 1) === Number(count),
    )
    parts.set(Number(version), own)
  }
  const isWhole = (own: readonly string[]) => own.length === Number(CHECKPOINT.exec(own[0])![2] ?? 1),
    last = Math.max(-1, ...[...parts].filter(([, own]) => isWhole(own)).map(([version]) => version)),
    commits = names.filter(name => Number(COMMIT.exec(name)?.[1] ?? -1) > last)
  for (const [i, name] of commits.entries()) {
    if (Number(COMMIT.exec(name)![1]) !== last + 1 + i) {
      throw refuse(
        `whose log lacks version ${last + 1 + i}: there is ${name}, and no checkpoint before it that is read; ${OUT}`,
      )
    }
  }
  for (const name of parts.get(last) ?? []) yield* rowsOf(join(log, name))
  for (const name of commits) {
    for (const line of readFileSync(join(log, name), 'utf8').split('\n')) {
      if (line.trim() !== '') yield parsed(line, name, refuse)
    }
  }
}

function parsed(line: string, name: string, refuse: (what: string) => Error): Action {
  try {
    return JSON.parse(line) as Action
  } catch (error) {
    throw refuse(`whose log is damaged: ${name} holds a line that is no JSON (${(error as Error).message})`)
  }
}

async function* rowsOf(path: string): AsyncGenerator<Action> {
  const file = await openParquet(path),
    wanted = ['add', 'remove', 'metaData', 'protocol', 'sidecar'],
    columns = file.schema.names.map(String).filter(name => wanted.includes(name))
  for await (const batch of readRows(file, { start: 0, end: file.rows }, { columns })) {
    for (let row = 0; row < batch.numRows; row++) {
      yield Object.fromEntries(
        batch.schema.fields.map(({ name }, c) => [name, jsonValueOf(batch.data.children[c], row)]),
      )
    }
  }
}
