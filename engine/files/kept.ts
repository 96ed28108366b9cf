/** What a folder of data files says of them beyond their names: tables that keep deleted rows, copies, and splits. */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

/**
 * Formats of tables that leave outdated files where they are, what tells them, seen from the folder of a file, and what
 * to do.
 */
const TABLES: readonly (readonly [string, (folder: string) => boolean, string])[] = [
  [
    'a Delta Lake table',
    folder => hasName(join(folder, '_delta_log'), /^\d{20}\.json$/),
    'name its folder alone, which is read by its log',
  ],
  [
    'an Iceberg table',
    folder => basename(folder) === 'data' && hasName(join(folder, '..', 'metadata'), /\.metadata\.json$/),
    "write the table out first, as by pyiceberg's table.scan().to_arrow()",
  ],
  [
    'a Hudi table',
    folder => existsSync(join(folder, '.hoodie')),
    "write the table out first, as by Spark's read.format('hudi')",
  ],
]

/** Whether a folder is there that has such a name. */
function hasName(folder: string, wanted: RegExp): boolean {
  try {
    return readdirSync(folder).some(name => wanted.test(name))
  } catch {
    return false
  }
}

/**
 * What is wrong with reading these files, which folders or patterns stand for, as data: they are of a table whose rows
 * its own log tells. Undefined where nothing is.
 */
export function tableOf(files: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (const file of files) {
    // partitions lie below, in folders of their own
    for (let at = dirname(file), last = ''; at !== last && !seen.has(at); last = at, at = dirname(at)) {
      seen.add(at)
      const found = TABLES.find(([, is]) => is(at))
      if (!found) continue
      const [what, , advice] = found
      return `${file} is of ${what} (${at}), whose files also hold rows that were deleted or changed since; ${advice}, or name each file to read it as it is`
    }
  }
  return undefined
}

/** Of files those that are packed and lie beside the unpacked ones, where a folder or a pattern stands for them. */
export function packedCopies(files: readonly string[], unnamed: readonly string[]): ReadonlySet<string> {
  const all = new Set(files)
  return new Set(unnamed.filter(file => /\.(gz|zst)$/i.test(file) && all.has(file.replace(/\.\w+$/, ''))))
}

const SPLITS: Readonly<Record<string, string>> = {
  train: 'train',
  training: 'train',
  test: 'test',
  testing: 'test',
  eval: 'test',
  evaluation: 'test',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
}

/** The split that a path names, the file before its folders. */
const splitOf = (path: string): string | undefined =>
  path
    .split(/[\\/]/)
    .reverse()
    .map(part => part.split(/[^a-z]+/i).find(word => Object.hasOwn(SPLITS, word.toLowerCase())))
    .find(word => word !== undefined)
    ?.toLowerCase()

/** Says which splits of a data set files are of, where they are of more than one. */
export function splitsOf(files: readonly string[]): string | undefined {
  const [first] = files
  if (files.length < 2) return undefined
  let top = dirname(first)
  while (!files.every(file => !relative(top, file).startsWith('..'))) top = dirname(top)
  const splits = new Map<string, string[]>()
  for (const file of files) {
    const word = splitOf(relative(top, file))
    if (word === undefined) continue
    splits.set(SPLITS[word], [...(splits.get(SPLITS[word]) ?? []), file])
  }
  if (splits.size < 2) return undefined
  const said = [...splits].map(
    ([name, all]) =>
      `${name} (${all.length === 1 ? all[0] : `${all.length.toLocaleString('en-US')} files, as ${all[0]}`})`,
  )
  return `reads ${said.join(' and ')} as one: rows that are kept for testing become rows to train on; name the files of one split, as by a pattern, unless that is meant`
}
