/** What is in the packages that a user's stage runs with. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { basename, dirname, join, sep } from 'node:path'
import type { Plugin } from 'esbuild'
import { ChangedInputError } from '../errors.ts'
import { stampOf } from '../run/files.ts'

/** Packages that a stage runs with: those that it imports and all that they need. */
export interface Packages {
  /** Name and version of each, to be told. */
  readonly versions: readonly string[]
  /** A hash of all their files, each by its place, and of what they ask for and do not find. */
  readonly content: string
  /** Their files, and a hash of what the disk says of them, which is known without reading them. */
  readonly files: readonly string[]
  readonly stamp: string
  /** What they import could not be found out. */
  readonly isUnknown: boolean
}

/** The packages of files that are imported, which are real paths. */
export async function packagesOf(imported: Iterable<string>): Promise<Packages> {
  const entries = [...new Set(imported)].sort(),
    { reached, absent, isUnknown } = await reachedFrom(entries)
  const folders = new Map<string, string>(),
    files = new Set<string>()
  for (const file of reached) addPackage(file, folders, files)
  const all = [...files].sort(),
    stamp = stampsOf(all)
  return {
    versions: [...new Set(folders.values())].sort(),
    content: hashOf([
      ...all.map((path): Said => [nameOf(path), readFileSync(path)]),
      ...absent.map((name): Said => [name, '']),
    ]),
    files: all,
    stamp,
    isUnknown,
  }
}

/**
 * Throws where a package is not what it was when the run began. What is imported late may be of another version, so
 * this is asked again before anything that came of it gets its name.
 */
export function holdPackages(nodes: readonly { id: string; use: string; packages?: Packages }[]): void {
  for (const { id, use, packages } of nodes) {
    if (!packages || stampsOf(packages.files) === packages.stamp) continue
    throw new ChangedInputError(
      `run: a package that ${id} (${use}) imports was replaced when the run had begun (${packages.versions.join(', ')}); nothing of it is kept, run again`,
    )
  }
}

const stampsOf = (files: readonly string[]): string =>
  hashOf(files.map(path => [path, existsSync(path) ? stampOf(path) : '']))

type Said = readonly [name: string, said: string | Uint8Array]
function hashOf(all: readonly Said[]): string {
  const hash = createHash('sha256')
  for (const [name, said] of all) hash.update(`${name}\0${said.length}\0`).update(said)
  return hash.digest('hex')
}

const MODULES = `${sep}node_modules${sep}`
/** A file by its place in a folder of packages, wherever that lies. */
const nameOf = (path: string): string => {
  const at = path.indexOf(MODULES)
  return at < 0 ? basename(path) : path.slice(at)
}

/** All files that imports lead to, with those that packages do not declare, and the names that lead nowhere. */
async function reachedFrom(
  entries: readonly string[],
): Promise<{ reached: string[]; absent: string[]; isUnknown: boolean }> {
  if (entries.length === 0) return { reached: [], absent: [], isUnknown: false }
  const { build } = await import('esbuild'),
    absent = new Set<string>()
  const plugin: Plugin = {
    name: 'sluice',
    setup(it) {
      it.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
        if (kind === 'entry-point' || pluginData === 'inner') return undefined
        const found = await it.resolve(path, { kind, importer, resolveDir, pluginData: 'inner', with: attributes })
        if (found.errors.length === 0) return found
        absent.add(`${path} absent`)
        return { path, external: true }
      })
      // code alone leads on
      it.onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) =>
        /\.(?:[cm]?[jt]s|[jt]sx|json)$/.test(path) ? undefined : { contents: '', loader: 'empty' },
      )
    },
  }
  try {
    const { metafile } = await build({
      entryPoints: [...entries],
      absWorkingDir: sep,
      bundle: true,
      write: false,
      metafile: true,
      outdir: sep,
      format: 'esm',
      platform: 'node',
      // as Node finds them
      conditions: [],
      mainFields: ['main'],
      logLevel: 'silent',
      plugins: [plugin],
    })
    const reached = Object.keys(metafile.inputs).filter(path => !/^[a-z-]+:/.test(path))
    return { reached: reached.map(path => sep + path), absent: [...absent].sort(), isUnknown: false }
  } catch {
    return { reached: [...entries], absent: [], isUnknown: true }
  }
}

type Needs = 'dependencies' | 'optionalDependencies' | 'peerDependencies'

/** The whole package that a file belongs to, and those that it says it needs; of one that lies elsewhere the file. */
function addPackage(file: string, folders: Map<string, string>, files: Set<string>): void {
  const at = file.lastIndexOf(MODULES)
  if (at < 0) {
    files.add(file)
    const near = above(dirname(file))
      .map(folder => join(folder, 'package.json'))
      .find(path => existsSync(path))
    if (near) files.add(near)
    return
  }
  const from = at + MODULES.length,
    [scope, name] = file.slice(from).split(sep),
    folder = file.slice(0, from) + (scope.startsWith('@') ? join(scope, name) : scope)
  // of this package the code is in all keys
  if (folders.has(folder) || scope === 'sluice-data') return
  const path = join(folder, 'package.json'),
    said = (
      existsSync(path) && statSync(folder).isDirectory() ? JSON.parse(readFileSync(path, 'utf8')) : {}
    ) as Partial<Record<'name' | 'version', string> & Record<Needs, Record<string, string>>>
  folders.set(folder, `${said.name ?? basename(folder)} ${said.version ?? 'without a version'}`)
  addFiles(folder, files, new Set())
  for (const needed of Object.keys({ ...said.dependencies, ...said.optionalDependencies, ...said.peerDependencies })) {
    const there = above(folder)
      .map(one => join(one, 'node_modules', needed, 'package.json'))
      .find(one => existsSync(one))
    if (there) addPackage(realpathSync(there), folders, files)
  }
}

/** The files of a package without those of the packages within it. */
function addFiles(path: string, files: Set<string>, seen: Set<string>): void {
  const real = realpathSync(path)
  if (!statSync(real).isDirectory()) return void files.add(real)
  if (seen.has(real)) return
  seen.add(real)
  for (const name of readdirSync(real)) {
    if (name !== 'node_modules' && existsSync(join(real, name))) addFiles(join(real, name), files, seen)
  }
}

/** A folder and all above it. */
const above = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))]
