/** Which files an input names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Type } from '@sinclair/typebox'
import { EXIT, SluiceError } from '../../engine/errors.ts'
import { HttpError, isUrl } from '../../engine/parquet/http_source.ts'
import { choice } from '../define.ts'
import { layoutNames } from './layouts.ts'

/** Options that all sources have. */
export const inputOptions = {
  path: Type.String({ minLength: 1, description: 'a file, a folder (read with its subfolders) or a glob, relative to the working directory; for Parquet also the http(s) URL of a file' }),
  more_paths: Type.Array(Type.String({ minLength: 1 }), { default: [], description: 'further files, folders or globs' }),
  layout: choice(['auto', ...layoutNames], { default: 'auto', description: 'how pairs lie in the files; auto finds it on the first 1,000 rows of each' }),
  answer: Type.String({ minLength: 1, default: 'answer', description: 'the column that holds the one good answer; for layout answers' }),
  pairing: choice(['adjacent', 'best_worst'], {
    default: 'adjacent', description: 'of scored completions: each level of scores against the next lower one, or the highest against the lowest alone',
  }),
  columns: Type.Optional(Type.Array(Type.String(), { description: 'columns to carry beside the pair; all when left out' })),
}

/** What `inputOptions` becomes. */
export interface InputOptions {
  readonly path: string
  readonly more_paths: readonly string[]
  readonly layout: 'auto' | typeof layoutNames[number]
  readonly answer: string
  readonly pairing: 'adjacent' | 'best_worst'
  readonly columns?: readonly string[]
}

/**
 * The files of paths, folders and globs, each once whatever links lead to it, absolute, sorted by the bytes of their paths. Of a folder all files with one of the
 * extensions, but none whose name or folder begins with `.` or `_`; of a saved data set those that it says it has. Throws an Error with `code: 'NO_INPUT'` that names every path that gives no file.
 */
export async function findFiles(stage: string, { path, more_paths: more }: Pick<InputOptions, 'path' | 'more_paths'>, base: string, extensions: readonly string[]): Promise<string[]> {
  // by the place that links lead to: a file of two names is one file
  const found = new Map<string, string>()
  const missing: string[] = []
  for (const pattern of [path, ...more]) {
    const files = await filesOf(pattern, base, extensions)
    if (typeof files === 'string') { missing.push(`'${pattern}' ${files}`); continue }
    const named = existsSync(resolve(base, pattern)) ? resolve(base, pattern) : resolve(base, pattern.replace(/[*?[\]{}()!].*$/s, ''))
    for (const file of files) {
      refusePublished(stage, file, named)
      // a link to nothing is told where it is opened
      const place = isUrl(file) ? file : await realpath(file).catch(() => file), other = found.get(place)
      if (other === undefined || compareBytes(file, other) < 0) found.set(place, file)
    }
  }
  if (missing.length > 0) throw noInput(`${stage}: no input: ${missing.join('; ')} (looked in ${base})`)
  const files: string[] = [], saved = new Map<string, ReadonlySet<string> | undefined>()
  for (const file of [...found.values()].sort(compareBytes)) {
    const folder = dirname(file)
    if (file.endsWith('.arrow') && !saved.has(folder)) saved.set(folder, savedFiles(folder))
    if (saved.get(folder)?.has(file) ?? true) files.push(file)
  }
  if (files.length > 0) return files
  const sets = [...saved.keys()].join(', ')
  throw noInput(`${stage}: no input: ${sets} hold saved data sets, and none of their files is named; name the folder, or move the files that you mean`)
}

/**
 * The files of a data set that `datasets` or Sluice saved in a folder, by the state.json there; undefined where there is none. What
 * else lies in the folder are caches of `datasets`, with other rows or the same ones again. Throws an Error with `code: 'BAD_INPUT'`
 * where a file is missing.
 */
function savedFiles(folder: string): ReadonlySet<string> | undefined {
  const path = join(folder, 'state.json')
  const bad = (what: string) => Object.assign(new Error(`${path} ${what}`), { code: 'BAD_INPUT' })
  let state: { readonly _data_files?: unknown, readonly _indices_data_files?: unknown } | null
  try { state = JSON.parse(readFileSync(path, 'utf8')) as typeof state } catch (error) {
    if (!existsSync(path)) return undefined
    throw bad(`cannot be read (${(error as Error).message}); save the data set again, or remove state.json to read what is there`)
  }
  if (!Array.isArray(state?._data_files)) return undefined
  const named = state._data_files as ({ readonly filename?: unknown } | null)[]
  const files = named.map(file => resolve(folder, String(file?.filename)))
  const missing = files.filter(file => !existsSync(file))
  if (missing.length > 0) {
    throw bad(`names ${missing.length} files that are not there, as ${missing[0]}; save or fetch the data set again, or remove state.json to read what is there`)
  }
  if (Array.isArray(state._indices_data_files) && state._indices_data_files.length > 0) {
    throw bad('names a selection of rows (_indices_data_files), as old versions of datasets did; load the data set and save it again')
  }
  return new Set(files)
}

/** Arrow files beside these that the state.json of their folder does not name: nobody reads them. */
export function unreadBeside(files: readonly string[]): string[] {
  return [...new Set(files.filter(file => file.endsWith('.arrow')).map(file => dirname(file)))].flatMap(folder => {
    const saved = savedFiles(folder)
    if (!saved) return []
    const arrows = readdirSync(folder).filter(name => name.endsWith('.arrow')).map(name => join(folder, name))
    return arrows.filter(file => !saved.has(file)).sort(compareBytes)
  })
}

const noInput = (message: string): Error => Object.assign(new Error(message), { code: 'NO_INPUT' })

/** Refuses what a run published where only a folder above its output was named: the next run would read the result of another. */
function refusePublished(stage: string, file: string, named: string): void {
  const at = file.indexOf(`${sep}runs${sep}`, named.length), output = file.slice(0, at)
  if (at < 0 || isUrl(file) || !existsSync(join(output, '.sluice'))) return
  throw new SluiceError(`${stage}: the input ${file} lies in the output folder ${output}: a run would read what another one wrote; choose an --output outside of the input, or name the files to read`, EXIT.usage)
}

const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

async function filesOf(pattern: string, base: string, extensions: readonly string[]): Promise<string[] | string> {
  if (isUrl(pattern)) return extensions.includes('.parquet') ? [pattern] : 'is a URL, and only Parquet is read from one; download it'
  const path = resolve(base, pattern)
  // a name that exists is that file, whatever characters it has
  const kind = await stat(path).catch(() => undefined)
  if (kind?.isDirectory()) {
    const names = await readdir(path, { recursive: true })
    const files = names.filter(name => extensions.some(end => name.endsWith(end)) && !name.split(sep).some(part => /^[._]/.test(part)))
    return files.length > 0 ? files.map(name => join(path, name)) : `is a folder without a file ${extensions.map(end => `*${end}`).join(' or ')}`
  }
  if (kind) return [path]
  if (!/[*?[\]{}()!]/.test(pattern)) return 'does not exist'
  const { glob } = await import('zx')
  const files = await glob(pattern, { cwd: base, absolute: true, onlyFiles: true, expandDirectories: false })
  return files.length > 0 ? files.map(file => resolve(file)) : 'matches no file'
}

/** Columns that the folders above a file name, `key=value`, outermost first; `__HIVE_DEFAULT_PARTITION__` is null. */
export function hiveColumns(path: string): Record<string, string | null> {
  const folders = path.split(sep).slice(0, -1)
  const pairs: [string, string | null][] = []
  for (let part = folders.pop(); part !== undefined; part = folders.pop()) {
    const at = part.indexOf('=')
    if (at < 1) break
    const value = part.slice(at + 1)
    pairs.unshift([unescape(part.slice(0, at)), value === '__HIVE_DEFAULT_PARTITION__' ? null : unescape(value)])
  }
  return Object.fromEntries(pairs)
}

function unescape(text: string): string {
  try { return decodeURIComponent(text) } catch { return text }
}

/** Opens all files; what cannot be read is named in one error, a line a file, and the table of layouts once where one needs it. */
export async function openAll<T>(stage: string, paths: readonly string[], open: (path: string) => Promise<T>): Promise<T[]> {
  const opened: T[] = []
  const problems: string[] = [], codes = new Set<string | undefined>()
  let table = ''
  for (const path of paths) {
    try {
      opened.push(await open(path))
    } catch (error) {
      codes.add(error instanceof HttpError ? error.code : undefined)
      const [first, ...rest] = (error instanceof Error ? error.message : String(error)).split('\n')
      const message = first.startsWith(`${stage}: `) ? first.slice(stage.length + 2) : first
      problems.push(message.startsWith(path) ? message : `${path}: ${message}`)
      if (rest.length > 0) table = `\n${rest.join('\n')}`
    }
  }
  const [code] = codes, fault = (message: string) => Object.assign(new Error(message), codes.size === 1 && code !== undefined ? { code } : {})
  if (problems.length === 1) throw fault(`${stage}: ${problems[0]}${table}`)
  if (problems.length > 0) throw fault(`${stage}: ${problems.length} of ${paths.length} files cannot be read:\n  ${problems.join('\n  ')}${table}`)
  return opened
}

/** Throws when a column to carry is not there. */
export function checkCarried(carry: readonly string[] | undefined, names: readonly string[]): void {
  const missing = carry?.filter(name => !names.includes(name)) ?? []
  if (missing.length > 0) throw new Error(`option 'columns' names ${missing.join(', ')}, which is not there; there are ${names.join(', ')}`)
}
