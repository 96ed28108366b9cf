/** Which versions of packages a user's stage runs with. */
import { existsSync, readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Files of packages that are imported, and what `versionsOf` said of them. */
export interface Packages {
  readonly files: readonly string[]
  readonly versions: readonly string[]
}
export const packagesOf = (files: Iterable<string>): Packages => {
  const all = [...new Set(files)].sort(),
    versions = new Set<string>()
  for (const file of all) versionsOf(file, versions)
  return { files: all, versions: [...versions].sort() }
}
/** Whether what was imported since is of the versions that were there. */
export const areAsBefore = ({ files, versions }: Packages): boolean =>
  packagesOf(files).versions.join('\n') === versions.join('\n')

type Needs = 'dependencies' | 'optionalDependencies' | 'peerDependencies'

/**
 * Names and versions of the package that a file belongs to and of those that it needs, wherever they lie; of one that
 * says neither, a hash of the file.
 */
function versionsOf(file: string, seen = new Set<string>()): Set<string> {
  for (let folder = dirname(file); basename(folder) !== 'node_modules'; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (!existsSync(path)) continue
    const { name, version, dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(path, 'utf8'),
    ) as Partial<Record<'name' | 'version', string> & Record<Needs, Record<string, string>>>
    if (!name || !version) continue
    const before = seen.size
    seen.add(`${name} ${version}`)
    for (const needed of seen.size > before
      ? Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
      : []) {
      const there = above(folder)
        .map(one => join(one, 'node_modules', needed, 'package.json'))
        .find(one => existsSync(one))
      if (there) versionsOf(there, seen)
    }
    return seen
  }
  return seen.add(`${basename(file)} ${hashOf(readFileSync(file))}`)
}

/** A folder and all above it. */
const above = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))]
