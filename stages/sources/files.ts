/** What all sources share: their options, names of columns, and how their files are opened. */
import { sep } from 'node:path'
import { Type } from '@sinclair/typebox'
import { DataType, type Field } from 'apache-arrow'
import { choice, type InputFile } from '../../engine/contract/define.ts'
import type { Warn } from '../../engine/files/find.ts'
import { isUrl } from '../../engine/parquet/http_source.ts'
import { isReadFault, readFault } from '../../engine/parquet/source.ts'
import { stampOf } from '../../engine/run/files.ts'
import { layoutNames } from './layouts.ts'
import { DataError, SluiceError } from '../../engine/errors.ts'

/** Options that all sources have. */
export const inputOptions = {
  path: Type.String({
    minLength: 1,
    description:
      'a file, a folder (read with its subfolders) or a glob, relative to the working directory; for Parquet also the http(s) URL of a file',
  }),
  more_paths: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'further files, folders or globs',
  }),
  layout: choice(['auto', ...layoutNames], {
    default: 'auto',
    description: 'how pairs lie in the files; auto finds it on the first 1,000 rows of each',
  }),
  answer: Type.String({
    minLength: 1,
    default: 'answer',
    description: 'the column that holds the one good answer; for layout answers',
  }),
  pairing: choice(['adjacent', 'best_worst'], {
    default: 'adjacent',
    description:
      'of scored completions: each level of scores against the next lower one, or the highest against the lowest alone; those between are told as `left_out`',
  }),
  columns: Type.Optional(
    Type.Array(Type.String(), { description: 'columns to carry beside the pair; all when left out' }),
  ),
}

/** What `inputOptions` becomes. */
export interface InputOptions {
  readonly path: string
  readonly more_paths: readonly string[]
  readonly layout: 'auto' | (typeof layoutNames)[number]
  readonly answer: string
  readonly pairing: 'adjacent' | 'best_worst'
  readonly columns?: readonly string[]
}

/** Throws where two columns, or two fields of an object, have one name: nobody can say which is meant. */
export function checkNames(fields: readonly Field[], above = ''): void {
  const seen = new Set<string>()
  for (const { name, type } of fields) {
    const path = `${above}${name}`
    if (seen.has(name)) {
      throw new Error(`has two ${above === '' ? 'columns' : 'fields'} of the name '${path}'; rename or remove one`)
    }
    seen.add(name)
    checkInner(type as DataType, path)
  }
}

function checkInner(type: DataType, path: string): void {
  if (DataType.isStruct(type)) checkNames(type.children, `${path}.`)
  else for (const child of (type.children ?? []) as Field[]) checkInner(child.type as DataType, path)
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
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * Opens all files; what cannot be read is named in one error, a line a file, and the table of layouts once where one
 * needs it. `warn` hears of columns that seem to belong to the prompt and stay beside it.
 */
export async function openAll(
  stage: string,
  paths: readonly string[],
  open: (path: string) => Promise<InputFile>,
  warn: Warn = () => undefined,
): Promise<InputFile[]> {
  const opened: InputFile[] = []
  const problems: string[] = [],
    classes = new Set<typeof DataError>()
  let table = ''
  for (const path of paths) {
    try {
      // before it is looked at: another file may take its place while others are
      const stamp = isUrl(path) ? undefined : stampOf(path)
      opened.push({ ...(await open(path)), opened: stamp })
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
    const [{ path, layout }, ...more] = opened.filter(file => file.facts.beside_prompt === columns)
    const where = more.length > 0 ? `${path} and ${more.length.toLocaleString('en-US')} more` : path
    warn(
      `${stage}: ${String(columns)} in ${where} looks like a part of the prompt, and is none in layout ${layout}: it stays a column beside the pair`,
    )
  }
  return opened
}

/** Throws when a column to carry is not there. */
export function checkCarried(carry: readonly string[] | undefined, names: readonly string[]): void {
  const missing = carry?.filter(name => !names.includes(name)) ?? []
  if (missing.length > 0) {
    throw new Error(`option 'columns' names ${missing.join(', ')}, which is not there; there are ${names.join(', ')}`)
  }
}
