/** Reading a published run again: why a row went, and whether the files still are what was published. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { RecordBatchReader, type RecordBatch } from 'apache-arrow'
import { textColumn } from '../arrow/columns.ts'
import { DataError, EXIT, SluiceError } from '../errors.ts'
import { isData } from '../files/find.ts'
import { HASH_SHOWN, WHOLE_RUN_NAME } from '../files/published.ts'
import { inLine } from '../terminal.ts'
import { pathsBelow } from './files.ts'
import { parseManifest, type Manifest } from './manifest.ts'

export interface LedgerRow {
  id: string
  file: string
  row: number
  outcome: string
  stage: string | null
  reason: string | null
  numbers: { name: string; value: number | null; limit: number | null }[]
  detail: string | null
  sinks: string[]
  /** Of runs that were published before there was one it is left out. */
  decision?: string | null
}

/** Record batches of an Arrow IPC stream file, one at a time. */
export async function* readStream(path: string): AsyncGenerator<RecordBatch> {
  const reader = await RecordBatchReader.from(createReadStream(path, { highWaterMark: 1 << 20 }))
  await reader.open()
  for await (const batch of reader as AsyncIterable<RecordBatch>) yield batch
}

const manifestOf = (folder: string): ReturnType<typeof parseManifest> => {
  const file = join(folder, 'manifest.json')
  if (!existsSync(file)) {
    throw new SluiceError(
      `no manifest.json in ${folder}: the run is unfinished or the folder is not a run; give the output folder with --output`,
      EXIT.noInput,
    )
  }
  try {
    return parseManifest(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new SluiceError(
      `${file} is damaged: ${(error as Error).message}; publish again by running the same graph`,
      EXIT.data,
      { cause: error },
    )
  }
}

/**
 * The published Arrow files of a folder. What lies beside them is not Sluice's: `datasets` puts its caches into the
 * folder that it loads.
 */
const arrowsOf = ({ files }: Manifest, folder: string): string[] =>
  Object.keys(files)
    .filter(file => file.startsWith(`${folder}/`) && file.endsWith('.arrow'))
    .sort()

/** What is wrong with a file of a run, as its manifest says. */
async function damageOf(run: string, { files }: Manifest, file: string): Promise<string[]> {
  const path = join(run, file),
    { bytes, sha256 } = files[file],
    { size } = statSync(path, { throwIfNoEntry: false }) ?? {}
  if (size === undefined) return [`${file} is missing`]
  if (sha256 === undefined) return []
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) hash.update(chunk as Buffer)
  return [
    ...(size === bytes ? [] : [`${file} has ${size} bytes, published were ${bytes}`]),
    ...(hash.digest('hex') === sha256 ? [] : [`${file} is not what was published (its sha256 differs)`]),
  ]
}

/** The files of a run's ledger, all of them as they were published; else an error that ends with 65. */
async function wholeLedger(run: string): Promise<string[]> {
  const manifest = readManifest(run),
    files = arrowsOf(manifest, 'ledger')
  const problems = (await Promise.all(files.map(file => damageOf(run, manifest, file)))).flat()
  if (files.length === 0) problems.push('manifest.json names no ledger')
  if (problems.length === 0) return files
  throw new DataError(
    `${run}: ${problems.join('; ')}; nothing can be said of its rows: publish again by running the same graph`,
  )
}

/**
 * All ledger rows of an id, or those of `file:row`: the one of a file that is named as in the ledger, else those of all
 * files whose paths end so, from a slash on.
 */
export async function why(run: string, what: string): Promise<LedgerRow[]> {
  const ledger = await wholeLedger(run)
  const place = /^(.+):(\d+)$/.exec(what)
  const found: LedgerRow[] = []
  for (const file of ledger) {
    for await (const batch of readStream(join(run, file))) {
      // a vector would take a byte order mark away
      const ids = textColumn(batch.getChild('id')!.data[0]),
        files = batch.getChild('file')!,
        rows = batch.getChild('row')!
      for (let i = 0; i < batch.numRows; i++) {
        const isPlace =
          place !== null &&
          Number(rows.get(i)) === Number(place[2]) &&
          `/${files.get(i) as string}`.endsWith(place[1].startsWith('/') ? place[1] : `/${place[1]}`)
        if (ids.text(i) !== what && !isPlace) continue
        const row = batch.get(i)!.toJSON() as Record<string, unknown> & {
          numbers: Iterable<{ toJSON(): LedgerRow['numbers'][number] }>
          sinks: Iterable<string>
        }
        found.push({
          ...row,
          id: ids.text(i),
          row: Number(row.row),
          numbers: [...row.numbers].map(number => number.toJSON()),
          sinks: [...row.sinks],
        } as unknown as LedgerRow)
      }
    }
  }
  const exact = found.filter(({ file }) => file === place?.[1])
  return exact.length > 0 ? found.filter(({ id, file }) => id === what || file === place?.[1]) : found
}

/** One row of the ledger in words. */
export function explain(told: LedgerRow, manifest?: Manifest): string {
  const row = {
    ...told,
    id: inLine(told.id),
    file: inLine(told.file),
    detail: told.detail === null ? null : inLine(told.detail),
  }
  const use = row.stage && manifest?.stages[row.stage]?.use
  const numbers = row.numbers
    .map(({ value, limit }) => ` ${round(value)}${limit === null ? '' : ` against a limit of ${round(limit)}`}`)
    .join(',')
  const isRow = row.reason !== 'error' && /:\d+$/.test(row.detail ?? '')
  const detail =
    row.detail === null || row.detail === 'spared'
      ? ''
      : `; ${isRow ? 'yields to ' : ''}${row.detail === `${row.file}:${row.row}` ? 'another of its own pairs' : row.detail}`
  const decided = row.decision ? `; people decided: ${row.decision}` : ''
  const byNone =
    row.stage === null && row.outcome === 'dropped' ? BY_NONE[row.reason!]?.(row.detail, row.sinks) : undefined
  if (byNone !== undefined) return `${row.id} (${row.file}:${row.row}) ${byNone}${decided}`
  const because =
    row.reason === null
      ? ''
      : `${row.stage ? ` by ${row.stage}${use ? ` (${use})` : ''}` : ''}: ${row.reason}${numbers}${detail}`
  const where = `${row.id} (${row.file}:${row.row})`
  const also = row.sinks.length > 0 ? `; it is in ${row.sinks.join(', ')}, for review` : ''
  if (row.outcome !== 'kept') return `${where} was ${row.outcome}${because}${also}${decided}`
  return `${where} was kept${row.sinks.length > 0 ? `, in ${row.sinks.join(', ')}` : ': nothing dropped it'}${because ? `; ${row.detail === 'spared' ? `but for ${row.decision ? '--decisions' : '--keep-ids'} it would have been` : 'another of its pairs, or it on another way through the graph, was'} dropped${because}` : ''}${decided}`
}
/** What the ledger says of rows that no stage dropped. */
const BY_NONE: Readonly<Record<string, (detail: string | null, sinks: readonly string[]) => string>> = {
  parent: detail => `is in no output itself (dropped): it is the parent of pairs in ${detail}`,
  rejected_side: detail => `is in no output (dropped): it is the rejected side of a pair of ${detail}`,
  unused: (_, sinks) =>
    sinks.length > 0
      ? `was dropped: unused, it is in ${sinks.join(', ')} alone, for review`
      : 'was dropped: unused, no output took it',
}
const round = (value: number | null): string =>
  value === null ? 'null' : Number.isInteger(value) ? String(value) : value.toPrecision(4)

/** The manifest of a run; throws where it is not there, or not what was published. */
export function readManifest(folder: string): Manifest {
  const { manifest, isWhole } = manifestOf(folder)
  if (isWhole) return manifest
  throw new DataError(
    `${join(folder, 'manifest.json')} is not what was published (its sha256 differs); publish again by running the same graph`,
  )
}

/**
 * Data in the folders of a run's sinks, ledger and set aside rows that the run did not publish, as of another run: what
 * reads a folder reads it too. Not those that `datasets` makes where it loads shards, which it reads by their names
 * alone.
 */
export const strayIn = (run: string, manifest: Manifest): string[] =>
  [...Object.keys(manifest.sinks), 'ledger', 'dropped', 'notes']
    .filter(folder => existsSync(join(run, folder)))
    .flatMap(folder => pathsBelow(join(run, folder)).map(file => join(folder, file)))
    .filter(file => (isData(file) && !/^cache-.*\.arrow$/.test(basename(file))) || isLinkedFolder(join(run, file)))
    .filter(file => manifest.files[file] === undefined)
    .sort()

/** A search for inputs looks into it. */
const isLinkedFolder = (path: string): boolean =>
  lstatSync(path).isSymbolicLink() && (statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false)

/** What a run's folder has beside the manifest and the files that it names. */
const AROUND = new Set(['manifest.json', 'timings.json'])

/**
 * Holds every file of a run against its manifest. Returns what is wrong, one line each, and files that lie there and
 * are not the run's.
 */
export async function verify(
  run: string,
): Promise<{ problems: string[]; files: number; rows: number; beside: string[] }> {
  const { manifest, isWhole } = manifestOf(run)
  if (!isWhole) {
    const problem =
      'manifest.json is not what was published (its sha256 differs), so nothing can be held against it; publish again by running the same graph'
    return { problems: [problem], files: 0, rows: 0, beside: [] }
  }
  const problems: string[] = [],
    name = basename(realpathSync(run)),
    hash = manifest.hash.slice(0, HASH_SHOWN)
  if (WHOLE_RUN_NAME.test(name) && name.split('-')[1] !== hash) {
    problems.push(
      `the folder ${name} holds the run ${hash}, by its manifest: it was put in the place of another; give each folder its name again, or publish again by running the same graph`,
    )
  }
  for (const file of Object.keys(manifest.files)) problems.push(...(await damageOf(run, manifest, file)))
  const count = async (folder: string): Promise<number> => {
    let rows = 0
    for (const file of arrowsOf(manifest, folder)) {
      // one that is missing has been said
      if (!existsSync(join(run, file))) continue
      try {
        for await (const batch of readStream(join(run, file))) rows += batch.numRows
      } catch (error) {
        problems.push(`${file} cannot be read: ${(error as Error).message}`)
      }
    }
    return rows
  }
  const ledger = await count('ledger')
  if (ledger !== manifest.rows.read) problems.push(`the ledger has ${ledger} rows, ${manifest.rows.read} were read`)
  for (const [sink, { rows }] of Object.entries(manifest.sinks)) {
    if (!existsSync(join(run, sink))) {
      problems.push(`${sink} is missing, the folder of the ${rows} rows that it was given`)
    }
    if (arrowsOf(manifest, sink).length === 0) continue
    const have = await count(sink)
    if (have !== rows) problems.push(`${sink} has ${have} rows, published were ${rows}`)
  }
  const { read, kept, dropped, errored } = manifest.rows
  if (kept + dropped + errored !== read) {
    problems.push(`${kept} kept + ${dropped} dropped + ${errored} errored are not ${read} read`)
  }
  const stray = strayIn(realpathSync(run), manifest)
  for (const file of stray) {
    problems.push(`${file} was not published by this run, and what reads its folder reads it too; move it away`)
  }
  const beside = pathsBelow(realpathSync(run))
    .sort()
    .filter(file => manifest.files[file] === undefined && !AROUND.has(file) && !stray.includes(file))
  return { problems, beside, files: Object.keys(manifest.files).length, rows: manifest.rows.read }
}
