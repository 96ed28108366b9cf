/** Which files an input names. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { ChangedInputError, DataError, EXIT, IoError, isIoFault, NoInputError, SluiceError } from '../errors.ts'
import { deltaFiles, isDelta } from './delta.ts'
import { farPlaceOf, isUrl } from './http_source.ts'
import { bucket } from './bucket.ts'
import { bucketFiles } from './bucket_files.ts'
import { hub } from './hub.ts'
import { hubFiles } from './hub_files.ts'
import { packedCopies, splitsOf, tableOf } from './kept.ts'
import { isRun } from './published.ts'
import { filesBelow, filesMatching, kindAt, placeOf, SearchError, type Search } from './search.ts'

/** Endings of data that are looked for beside those that are read, and files of saved data sets that hold no rows. */
const DATA =
  /\.(parquet|pq|jsonl|jsonlines|ndjson|json|arrow|ipc|feather|csv|tsv|orc|avro)(\.(gz|zst|bz2|xz|lz4|zip))?$/i
/** Whether a name ends as data does that somebody reads. */
export const isData = (name: string): boolean => DATA.test(name)
const NO_DATA = new Set(['state.json', 'dataset_info.json', 'dataset_infos.json', 'dataset_dict.json'])
/** Names in one message, and characters of one. */
const SHOWN = 5,
  LONGEST = 300

/**
 * The files of paths, folders and globs, each once whatever links lead to it, absolute, sorted by the bytes of their
 * paths. Of a folder all files with one of the extensions, but none whose name or folder begins with `.` or `_`; of a
 * saved data set those that it says it has, of a Delta Lake table those of its latest version. `warn` hears what is
 * left unread there, and of files that have two names.
 * Throws a NoInputError that names every path that gives no file, and what should be read and cannot; an IoError where
 * a disk fails; a ChangedInputError where a second look finds other files.
 */
export async function findFiles(
  stage: string,
  { path, more_paths: more }: { readonly path: string; readonly more_paths: readonly string[] },
  base: string,
  extensions: readonly string[],
  warn: Warn = () => undefined,
): Promise<string[]> {
  // by what the file is: one of two names is one file
  const found = new Map<string, string>(),
    skipped = new Set<string>(),
    left: Left = { others: new Set(), hidden: new Set(), alike: new Map() },
    twice: string[] = [],
    unnamed: string[] = []
  const missing: string[] = [],
    patterns = [...new Set([path, ...more])],
    seen = new Set<string>()
  let hasFault = false
  for (const pattern of patterns) {
    try {
      const search = await searchFor(pattern, base, extensions, left)
      missing.push(...search.broken.map(({ path, why }) => `${path} ${why}`))
      hasFault ||= search.broken.some(({ code }) => isIoFault(code))
      for (const what of search.skipped) skipped.add(what)
      if (search.files.length + search.broken.length === 0) {
        throw new SearchError(`matches no file${search.skipped.length > 0 ? `, but ${listed(search.skipped)}` : ''}`)
      }
      const named = existsSync(resolve(base, pattern))
        ? resolve(base, pattern)
        : resolve(base, pattern.replace(/[*?[\]{}()!].*$/s, ''))
      for (const file of search.files) {
        seen.add(file.path)
        refusePublished(stage, file.path, named)
        if (file.path !== named && !search.isTable) unnamed.push(file.path)
        const same = identityOf(file.place),
          other = found.get(same)
        if (other !== undefined && other !== file.path) twice.push(`${file.path} is ${other}`)
        if (other === undefined || compareBytes(file.path, other) < 0) found.set(same, file.path)
      }
    } catch (error) {
      if (!(error instanceof SearchError)) throw error
      missing.push(`'${pattern.length > LONGEST ? `${pattern.slice(0, LONGEST)}…` : pattern}' ${error.message}`)
    }
  }
  if (missing.length > 0) {
    const what = `${stage}: no input: ${listed(missing, '; ', MOST_MISSING)} (looked in ${base})`
    throw hasFault ? new IoError(what) : new NoInputError(what)
  }
  const table = tableOf(unnamed.filter(path => !isUrl(path)))
  if (table !== undefined) throw new DataError(`${stage}: ${table}`)
  await lookAgain(stage, seen, patterns, base, extensions)
  const tell = (what: readonly string[], one: string, many: string) => {
    if (what.length > 0) {
      warn(`${stage}: ${what.length.toLocaleString('en-US')} ${what.length === 1 ? one : many}: ${listed(what)}`)
    }
  }
  tell([...skipped], 'name that matches is no file and is left out', 'names that match are no files and are left out')
  // by another name of the input it may be read all the same
  const isLeft = left.others.size + left.hidden.size + left.alike.size > 0
  const known = new Set(isLeft ? [...found.values()].flatMap(withFolders) : [])
  const unread = (names: ReadonlySet<string>) => [...names].filter(name => !known.has(name))
  tell(unread(left.others), 'file of another kind is left unread', 'files of other kinds are left unread')
  tell(
    unread(left.hidden),
    'name is left unread, as it begins with . or _',
    'names are left unread, as they begin with . or _',
  )
  for (const [pattern, alike] of left.alike) {
    const names = unread(new Set(alike))
    const what = `${names.length.toLocaleString('en-US')} ${names.length === 1 ? 'other' : 'others'}`
    if (names.length > 0) {
      warn(
        `${stage}: '${pattern}' is there by that very name, and is read alone; as a pattern it stands for ${what}, left unread: ${listed(names)}; to read all that it stands for write '{${pattern},}', or rename the one`,
      )
    }
  }
  tell(twice, 'file has two names and is read once', 'files have two names and are read once')
  const all = [...found.values()].sort(compareBytes),
    copies = packedCopies(all, unnamed),
    files = all.filter(file => !copies.has(file))
  const packed = 'is left unread, as it lies beside a file of its name that is not packed'
  tell([...copies], `packed file ${packed}`, 'packed files are left unread, as they lie beside those of their names')
  const saved = new Map(
    [...new Set(files.filter(file => /\.arrow$/i.test(file)).map(file => dirname(file)))].map(folder => [
      folder,
      savedFiles(folder),
    ]),
  )
  const isRead = (file: string) => saved.get(dirname(file))?.has(file) ?? true
  const beside = files.filter(file => !isRead(file)),
    read = files.filter(isRead)
  const one = 'file beside those of a saved data set is left unread, for its state.json does not name it'
  tell(beside, one, 'files beside those of saved data sets are left unread, for state.json does not name them')
  const splits = splitsOf(read.filter(path => !isUrl(path) || farPlaceOf(path)))
  if (splits !== undefined) warn(`${stage}: ${splits}`)
  if (read.length > 0) return read
  const why = `${listed([...saved.keys()])} hold saved data sets, and none of their files is named; name the folder, or move the files that you mean`
  throw new NoInputError(`${stage}: no input: ${why}`)
}

/**
 * Refuses files that a second look does not find, or finds beside the first: what is moved from a folder that is not
 * looked through yet to one that is would be in neither.
 */
async function lookAgain(
  stage: string,
  first: ReadonlySet<string>,
  patterns: readonly string[],
  base: string,
  extensions: readonly string[],
): Promise<void> {
  const second = new Set<string>()
  for (const pattern of patterns) {
    const { files } = await searchFor(pattern, base, extensions).catch((error: unknown) => {
      if (error instanceof SearchError) return none
      throw error
    })
    for (const file of files) second.add(file.path)
  }
  const gone = [...first].find(path => !second.has(path)),
    changed = gone ?? [...second].find(path => !first.has(path))
  if (changed !== undefined) throw changedSearch(stage, changed, gone !== undefined)
}

/** What is thrown where a second look finds another file, or one less. */
export const changedSearch = (stage: string, path: string, isGone: boolean): ChangedInputError =>
  new ChangedInputError(
    `${stage}: ${basename(path)} ${isGone ? 'went from' : 'came into'} ${dirname(path)} while files were searched for: the input is changing; run again when nothing is moved there`,
  )

/** What a file is whatever its name, where links were followed: its place, or of several hard links their inode. */
export function identityOf(place: string): string {
  try {
    const seen = statSync(place, { bigint: true })
    return seen.isFile() && seen.nlink > 1n ? `${seen.dev}:${seen.ino}` : place
  } catch {
    // a URL, or what will be told when it is opened
    return place
  }
}

/**
 * The files of a data set that `datasets` or Sluice saved in a folder, by the state.json there; undefined where there
 * is none. What else lies in the folder are caches of `datasets`, with other rows or the same ones again. Throws a
 * DataError where a file is missing.
 */
function savedFiles(folder: string): ReadonlySet<string> | undefined {
  const path = join(folder, 'state.json')
  const bad = (what: string) => new DataError(`${path} ${what}`)
  let state: { readonly _data_files?: unknown; readonly _indices_data_files?: unknown } | null
  try {
    state = JSON.parse(readFileSync(path, 'utf8')) as typeof state
  } catch (error) {
    if (!existsSync(path)) return undefined
    throw bad(
      `cannot be read (${(error as Error).message}); save the data set again, or remove state.json to read what is there`,
    )
  }
  if (!Array.isArray(state?._data_files)) return undefined
  const named = state._data_files as ({ readonly filename?: unknown } | null)[]
  const files = named.map(file => resolve(folder, String(file?.filename)))
  const missing = files.filter(file => !existsSync(file))
  if (missing.length > 0) {
    throw bad(
      `names ${missing.length} files that are not there, as ${missing[0]}; save or fetch the data set again, or remove state.json to read what is there`,
    )
  }
  if (Array.isArray(state._indices_data_files) && state._indices_data_files.length > 0) {
    throw bad(
      'names a selection of rows (_indices_data_files), as old versions of datasets did; load the data set and save it again',
    )
  }
  return new Set(files)
}

/** A path and the folders above it, each with a slash behind it. */
function withFolders(path: string): string[] {
  const names = [path]
  for (let at = path.indexOf(sep); at >= 0; at = path.indexOf(sep, at + 1)) names.push(path.slice(0, at + 1))
  return names
}

/**
 * Refuses what a run published where only a folder above its output was named: the next run would read the result of
 * another.
 */
function refusePublished(stage: string, file: string, named: string): void {
  if (isUrl(file)) return
  const runs = `${sep}runs${sep}`
  for (let at = file.indexOf(runs, named.length); at >= 0; at = file.indexOf(runs, at + 1)) {
    const output = file.slice(0, at),
      [id] = file.slice(at + runs.length).split(sep)
    if (!existsSync(join(output, '.sluice')) && !isRun(join(output, 'runs', id))) continue
    throw new SluiceError(
      `${stage}: the input ${file} lies in the output folder ${output}: a run would read what another one wrote; choose an --output outside of the input, or name the files to read`,
      EXIT.usage,
    )
  }
}

export type Warn = (text: string) => void

const MOST_MISSING = 20
const listed = (names: readonly string[], by = ', ', most = SHOWN): string =>
  names.slice(0, most).join(by) +
  (names.length > most ? `${by}and ${(names.length - most).toLocaleString('en-US')} more` : '')

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/**
 * What may be data and is not read. Of a folder: files of other kinds, or without an ending; those that are hidden by
 * their name or their folder's. `alike`: of a name that exists what else it stands for as a pattern.
 */
interface Left {
  readonly others: Set<string>
  readonly hidden: Set<string>
  readonly alike: Map<string, readonly string[]>
}

/** Which files an address names, of places that can be listed. */
const lists = new Map([
  [hub, hubFiles],
  [bucket, bucketFiles],
])

/** The files of a path or pattern; `left` takes what a folder has beside. `isTable`: a log told them. */
async function searchFor(
  pattern: string,
  base: string,
  extensions: readonly string[],
  left?: Left,
): Promise<Search & { readonly isTable?: true }> {
  if (isUrl(pattern)) {
    if (!FAR.some(end => extensions.includes(end))) {
      throw new SearchError('is a URL, and Parquet, JSON Lines and CSV are read from one; download it')
    }
    const far = farPlaceOf(pattern),
      list = far && lists.get(far),
      files = list ? await list(pattern, extensions) : [pattern]
    return { ...none, files: files.map(path => ({ path, place: path })) }
  }
  const path = resolve(base, pattern)
  // a name that exists is that file, whatever characters it has
  const kind = await kindAt(path)
  // so many are names that a shell put for a pattern
  if (left && kind !== undefined && PATTERN.test(pattern) && left.alike.size < MOST_ALIKE) {
    left.alike.set(pattern, await alikeOf(pattern, base, path))
  }
  if (kind === 'folder' && extensions.includes('.parquet') && isDelta(path)) {
    const files = (await deltaFiles(path)).map(async file => ({ path: file, place: await placeOf(file) }))
    return { ...none, files: await Promise.all(files), isTable: true }
  }
  if (kind === 'folder') {
    const { search, beside } = await searchFolder(path, extensions, left)
    if (search.files.length + search.broken.length > 0) return search
    throw new SearchError(`is ${lacking(extensions)}${beside.length > 0 ? `; it has ${listed(beside)}` : ''}`)
  }
  if (kind === 'file') return { ...none, files: [{ path, place: await placeOf(path) }] }
  if (kind !== undefined) {
    if ('skip' in kind) throw new SearchError(`is ${kind.skip}, no file`)
    return { ...none, broken: [{ path: `'${pattern}'`, why: kind.broken, code: kind.code }] }
  }
  if (!PATTERN.test(pattern)) throw new SearchError('does not exist')
  const matching = await filesMatching(pattern, base)
  for (const folder of matching.folders) {
    const { search } = await searchFolder(folder, extensions, left)
    matching.files.push(...search.files)
    matching.skipped.push(...search.skipped)
    matching.broken.push(...search.broken)
    if (search.files.length + search.broken.length === 0) matching.skipped.push(`${folder} (${lacking(extensions)})`)
  }
  return matching
}

/** Of sources that read URLs. */
const FAR = ['.parquet', '.jsonl', '.csv']
const MOST_ALIKE = 100
const PATTERN = /[*?[\]{}()!]/

/** What a pattern stands for beside the path that has its very name. */
async function alikeOf(pattern: string, base: string, path: string): Promise<string[]> {
  try {
    const { files, folders } = await filesMatching(pattern, base)
    return [...files.map(file => file.path), ...folders.map(folder => join(folder, sep))].filter(
      name => name !== path && name !== join(path, sep),
    )
  } catch (error) {
    // a name such as `a(1)+(2)` that is no pattern
    if (error instanceof SearchError) return []
    throw error
  }
}

const lacking = (extensions: readonly string[]): string =>
  `a folder without a file ${extensions.map(end => `*${end}`).join(' or ')}`

/** The files of a folder with one of the extensions; `beside`: what else it has. `left` takes what may be data. */
async function searchFolder(
  path: string,
  extensions: readonly string[],
  left?: Left,
): Promise<{ search: Search; beside: string[] }> {
  const mayBeData = (name: string) => (DATA.test(name) && !NO_DATA.has(name)) || /^part-[^.]*$/i.test(name)
  const search = await filesBelow(path, /^[._]/, name => mayBeData(name) || isOf(name, extensions))
  const isRead = (file: { path: string }) => isOf(file.path, extensions)
  const files = search.files.filter(isRead),
    isOther = (file: { path: string }) => !isRead(file) && DATA.test(file.path),
    others = [...search.files.filter(file => !isRead(file)), ...search.broken.filter(isOther)].map(file => file.path),
    broken = search.broken.filter(file => !isOther(file))
  const hidden = search.hidden.filter(name =>
    name.endsWith(sep) ? basename(name).startsWith('_') : mayBeData(basename(name)),
  )
  for (const file of others) left?.others.add(file)
  for (const name of hidden) left?.hidden.add(name)
  return { search: { ...search, files, broken }, beside: [...search.skipped, ...others, ...hidden] }
}

const none: Search = { files: [], folders: [], skipped: [], broken: [], hidden: [] }

const isOf = (name: string, extensions: readonly string[]): boolean =>
  extensions.some(end => name.toLowerCase().endsWith(end))
