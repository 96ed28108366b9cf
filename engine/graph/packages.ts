/** What is in the packages that a user's stage runs with. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { stampOf } from '../run/files.ts'

/** Packages that a stage runs with: those that it imports and all that they need. */
export interface Packages {
  /** The files that are imported. */
  readonly files: readonly string[]
  /** Name and version of each, to be told. */
  readonly versions: readonly string[]
  /** Of each a hash of all its files: one that is edited in its place keeps its version. */
  readonly contents: readonly string[]
  /** Of each a hash of what the disk says of its files, which is known without reading them. */
  readonly stamps: readonly string[]
}

export function packagesOf(imported: Iterable<string>): Packages {
  const files = [...new Set(imported)].sort(),
    found = foundOf(files)
  const each = (of: (one: Found) => string) => found.map(of).sort()
  return {
    files,
    versions: each(({ name }) => name),
    contents: each(({ name, paths }) => `${name} ${hashOf(paths, path => readFileSync(path))}`),
    stamps: stampsOf(found),
  }
}

/** Whether what was imported since is what was there. */
export const areAsBefore = ({ files, stamps }: Packages): boolean =>
  stampsOf(foundOf(files)).join('\n') === stamps.join('\n')

interface Found {
  readonly folder: string
  /** Name and version, or that of a file that belongs to no package. */
  readonly name: string
  /** Its files, from `folder`. */
  readonly paths: readonly [name: string, path: string][]
}

const stampsOf = (found: readonly Found[]): string[] =>
  found.map(({ folder, paths }) => `${folder} ${hashOf(paths, stampOf)}`).sort()

function hashOf(paths: Found['paths'], of: (path: string) => string | Uint8Array): string {
  const hash = createHash('sha256')
  for (const [name, path] of paths) {
    const said = of(path)
    hash.update(`${name}\0${said.length}\0`).update(said)
  }
  return hash.digest('hex')
}

type Needs = 'dependencies' | 'optionalDependencies' | 'peerDependencies'

/** The packages that files belong to and those that they need, wherever they lie. */
function foundOf(files: readonly string[]): Found[] {
  const found = new Map<string, Found>()
  for (const file of files) add(file, found)
  return [...found.values()]
}

function add(file: string, found: Map<string, Found>): void {
  for (let folder = dirname(file); basename(folder) !== 'node_modules'; folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (!existsSync(path)) continue
    const { name, version, dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(path, 'utf8'),
    ) as Partial<Record<'name' | 'version', string> & Record<Needs, Record<string, string>>>
    if (!name || !version) continue
    // of this package the code is in all keys
    if (name === 'sluice-data') return
    if (found.has(folder)) return
    found.set(folder, { folder, name: `${name} ${version}`, paths: [...filesOf(folder)] })
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const there = above(folder)
        .map(one => join(one, 'node_modules', needed, 'package.json'))
        .find(one => existsSync(one))
      if (there) add(there, found)
    }
    return
  }
  found.set(file, { folder: file, name: basename(file), paths: [[basename(file), file]] })
}

/** The files of a package without those of the packages within it, in the order of their names. */
function* filesOf(folder: string, within = ''): Iterable<[string, string]> {
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort(byName)) {
    const path = join(folder, entry.name),
      name = `${within}${entry.name}`
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* filesOf(path, `${name}/`)
    else if (entry.isFile()) yield [name, path]
  }
}

/** A folder and all above it. */
const above = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))]
