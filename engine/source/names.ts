/** Names of a file's columns: what the user calls them, what folders add, and what cannot be. */
import { sep } from 'node:path'
import { DataType, type Field } from 'apache-arrow'
import { nearest } from '../graph/messages.ts'

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

/** Throws when a column to carry is not there. */
export function checkCarried(carry: readonly string[] | undefined, names: readonly string[]): void {
  const missing = carry?.filter(name => !names.includes(name)) ?? []
  if (missing.length > 0) {
    throw new Error(`option 'columns' names ${missing.join(', ')}, which is not there; there are ${names.join(', ')}`)
  }
}

/** New names by the old ones, of `{ new: old }`. Throws one error for all that cannot be. */
export function renamedColumns(
  rename: Readonly<Record<string, string>> = {},
  names: readonly string[],
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>(),
    faults: string[] = [],
    leaving = new Set(Object.values(rename))
  for (const [now, old] of Object.entries(rename)) {
    const near = names.includes(old) ? undefined : nearest(old, names)
    if (!names.includes(old)) {
      faults.push(`${now} from '${old}', which is not there${near === undefined ? '' : ` (did you mean '${near}'?)`}`)
    } else if (renamed.has(old)) {
      faults.push(`${now} from '${old}', which is ${renamed.get(old)} already; a column has one name`)
    } else if (names.includes(now) && !leaving.has(now)) {
      faults.push(`${now} from '${old}', and a column ${now} is there; give that another name too, or leave this out`)
    } else renamed.set(old, now)
  }
  if (faults.length === 0) return renamed
  throw new Error(`option 'rename' takes ${faults.join('; ')}; there are ${names.join(', ')}`)
}
