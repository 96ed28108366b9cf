/** What is in the packages that a user's stage runs with. */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { createHash } from 'node:crypto'
import Module from 'node:module'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { Plugin } from 'esbuild'
import { ChangedInputError } from '../errors.ts'
import { packageRoot } from '../root.ts'
import { stampOf } from '../run/files.ts'
import { unwatched } from './watch.ts'

/** Packages that a stage runs with: those that it imports and all that they need. */
export interface Packages {
  /** Name and version of each, to be told. */
  readonly versions: readonly string[]
  /** A hash of all their files, each by its place, and of what they ask for and do not find. */
  readonly content: string
  /** Their files, and a hash of what the disk says of them, which is known without reading them. */
  readonly files: readonly string[]
  /** The folders that are held as a whole, but for packages within them. */
  readonly folders: readonly string[]
  readonly stamp: string
  /** What of them is not known, in words. */
  readonly unknown: readonly string[]
}

/** Options of Node that decide where an import leads. */
const deciding = /^(?:-C|--(?:conditions|loader|experimental-.*|preserve-symlinks.*|no-addons))(?:=|$)/

/** Options that this process was started with, each with its value. */
function nodeOptions(): [name: string, value: string][] {
  const more = (process.env.NODE_OPTIONS ?? '').match(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g) ?? [],
    words = [...more.map(word => word.replace(/"|\\(.)/g, '$1')), ...process.execArgv]
  return words.flatMap((word, i) => {
    if (!deciding.test(word)) return []
    const [name, ...value] = word.split('='),
      next = words[i + 1] ?? ''
    return [[name, value.length > 0 || next.startsWith('-') ? value.join('=') : next]]
  })
}

/** Conditions of `exports` and `imports` in package.json that hold beside those of Node itself. */
export const conditions = (): string[] =>
  nodeOptions().flatMap(([name, value]) => (name === '-C' || name === '--conditions' ? [value] : []))

/** What decides which of a package's code runs, and is in no file. */
export const packageSurroundings = (): unknown => [
  nodeOptions(),
  process.env.NODE_PATH ?? '',
  process.env.NODE_ENV ?? '',
]

/** Folders that Node looks for packages in when there is no node_modules that has them: NODE_PATH, and of the home. */
const globalPaths = (Module as unknown as { globalPaths: readonly string[] }).globalPaths.map(path => resolve(path))

/** The packages of files that are imported, which are real paths. `output`: where the run writes, a real path. */
export async function packagesOf(imported: Iterable<string>, output: string): Promise<Packages> {
  const entries = [...new Set(imported)].sort(),
    { reached, absent, unseen } = await reachedFrom(entries)
  return unwatched(() => packagesIn(reached, absent, unseen, output))
}

function packagesIn(
  reached: readonly string[],
  absent: readonly string[],
  unseen: readonly string[],
  output: string,
): Packages {
  const found: Found = { output, folders: new Map(), files: new Map(), unread: [] }
  for (const file of reached) addPackage(file, found)
  const all = [...found.files.keys()].sort(),
    stamp = stampsOf(all)
  return {
    versions: [...new Set(found.folders.values())].sort(),
    content: hashOf([
      ...all.map((path): Said => [found.files.get(path)!, readFileSync(path)]),
      ...absent.map((name): Said => [name, '']),
      ...conditions().map((name): Said => [`condition ${name}`, '']),
    ]),
    files: all,
    folders: [...found.folders.keys()],
    stamp,
    unknown: [...unseen, ...found.unread],
  }
}

/**
 * Throws where a package is not what it was when the run began. What is imported late may be of another version, so
 * this is asked again before anything that came of it gets its name.
 */
export function holdPackages(nodes: readonly { id: string; use: string; own?: { packages: Packages } }[]): void {
  for (const { id, use, own } of nodes) {
    const packages = own?.packages
    if (!packages || stampsOf(packages.files) === packages.stamp) continue
    throw new ChangedInputError(
      `run: a package that ${id} (${use}) imports was replaced when the run had begun (${packages.versions.join(', ')}); nothing of it is kept, run again`,
    )
  }
}

const stampsOf = (files: readonly string[]): string =>
  unwatched(() => hashOf(files.map(path => [path, existsSync(path) ? stampOf(path) : ''])))

type Said = readonly [name: string, said: string | Uint8Array]
function hashOf(all: readonly Said[]): string {
  const hash = createHash('sha256')
  for (const [name, said] of all) hash.update(`${name}\0${said.length}\0`).update(said)
  return hash.digest('hex')
}

const MODULES = `${sep}node_modules${sep}`
/** Of a package that is linked from elsewhere: whose folder may be one of work, with anything in it. */
const MOST_FILES = 20_000
const MOST_BYTES = 256 << 20

/** What is not seen when it is used (see watch.ts): modules that read by themselves, and names of run time. */
const OPEN = 'unsupported-dynamic-import'
const blind = /^(?:node:)?(?:inspector|sqlite|wasi)\b/
/** All files that imports lead to, with those that packages do not declare, and the names that lead nowhere. */
async function reachedFrom(
  entries: readonly string[],
): Promise<{ reached: string[]; absent: string[]; unseen: string[] }> {
  if (entries.length === 0) return { reached: [], absent: [], unseen: [] }
  const { build } = await import('esbuild'),
    absent = new Set<string>(),
    reached = new Set<string>(),
    unseen = new Set<string>()
  const plugin: Plugin = {
    name: 'sluice',
    setup(it) {
      it.onResolve({ filter: /.*/ }, async ({ path, kind, importer, resolveDir, pluginData, with: attributes }) => {
        if (kind === 'entry-point') return { path: entries[Number(path)] }
        if (pluginData === 'inner') return undefined
        if (blind.test(path)) unseen.add(`imports ${shown(importer)}, which imports ${path}`)
        const found = await it.resolve(path, { kind, importer, resolveDir, pluginData: 'inner', with: attributes })
        if (found.errors.length === 0) return found
        absent.add(`${path} absent`)
        return { path, external: true }
      })
      it.onLoad({ filter: /.*/, namespace: 'file' }, ({ path }) => {
        reached.add(path)
        // code alone leads on
        return /\.(?:[cm]?[jt]s|[jt]sx|json)$/.test(path) ? undefined : { contents: '', loader: 'empty' }
      })
    },
  }
  try {
    const { warnings } = await build({
      // by their numbers: in a path * would be a pattern
      entryPoints: entries.map((_, i) => String(i)),
      absWorkingDir: sep,
      bundle: true,
      write: false,
      outdir: sep,
      format: 'esm',
      platform: 'node',
      // as Node finds them
      conditions: conditions(),
      nodePaths: globalPaths,
      mainFields: ['main'],
      logLevel: 'silent',
      logOverride: { [OPEN]: 'warning' },
      plugins: [plugin],
    })
    for (const { id, location } of warnings) {
      if (id === OPEN && location) {
        unseen.add(`imports ${shown(join(sep, location.file))}, which imports what its text does not name`)
      }
    }
    return { reached: [...reached].sort(), absent: [...absent].sort(), unseen: [...unseen].sort() }
  } catch {
    const why = 'imports packages of which it cannot be said what they import'
    return { reached: [...entries], absent: [], unseen: [why] }
  }
}

interface Found {
  readonly output: string
  /** Folders of packages, with name and version. */
  readonly folders: Map<string, string>
  /** Files, each with a name that says nothing of where packages lie. */
  readonly files: Map<string, string>
  readonly unread: string[]
}

type Needs = 'dependencies' | 'optionalDependencies' | 'peerDependencies'

type Manifest = Partial<Record<'name' | 'version', string> & Record<Needs, Record<string, string>>>
const manifestIn = (folder: string): Manifest => {
  const path = join(folder, 'package.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Manifest) : {}
}

/** The folder of NODE_PATH or of the home that a file lies below; '' where there is none. */
const placeOf = (file: string): string =>
  globalPaths
    .filter(path => existsSync(path))
    .map(path => realpathSync(path) + sep)
    .find(path => file.startsWith(path)) ?? ''

/** The folder of the package that a file belongs to. One that is linked from elsewhere begins where it has its name. */
function folderOf(file: string): string | undefined {
  const at = file.lastIndexOf(MODULES),
    from = at < 0 ? placeOf(file).length : at + MODULES.length
  if (from === 0) return above(dirname(file)).find(folder => manifestIn(folder).name !== undefined)
  const [scope, name] = file.slice(from).split(sep)
  return file.slice(0, from) + (scope.startsWith('@') ? join(scope, name) : scope)
}

/** A file by its place among packages, or in the folder of its own, wherever these lie. */
const nameOf = (path: string, folder = dirname(path)): string => {
  const at = path.indexOf(MODULES)
  return at < 0 ? relative(dirname(folder), path) : path.slice(at)
}

const shown = (path: string): string => nameOf(path).slice(nameOf(path).startsWith(MODULES) ? MODULES.length : 0)

/** The whole package that a file belongs to, and those that it says it needs. */
function addPackage(file: string, found: Found): void {
  const { folders, files, unread } = found,
    folder = folderOf(file)
  // of this package the code is in all keys
  if (folder !== undefined && (folder === packageRoot || folder.endsWith(`${MODULES}sluice-data`))) return
  files.set(file, nameOf(file, folder))
  if (folder === undefined || folders.has(folder)) return
  const said = manifestIn(folder)
  folders.set(folder, `${said.name ?? basename(folder)} ${said.version ?? 'without a version'}`)
  let all = new Set<string>()
  const isLinked = !folder.includes(MODULES) && placeOf(folder) === ''
  addFiles(folder, all, new Set(), isLinked ? MOST_FILES : Infinity)
  const why = isLinked ? whyUnread(folder, all, found.output) : undefined
  if (why) {
    unread.push(`imports a package in ${folder}, which ${why}: what it reads there is in no key`)
    all = new Set([join(folder, 'package.json')])
  }
  for (const one of all) files.set(one, nameOf(one, folder))
  for (const needed of Object.keys({ ...said.dependencies, ...said.optionalDependencies, ...said.peerDependencies })) {
    const there = above(folder)
      .map(one => join(one, 'node_modules', needed, 'package.json'))
      .find(one => existsSync(one))
    if (there) addPackage(realpathSync(there), found)
  }
}

/** Why the folder of a linked package cannot be held as a whole. */
function whyUnread(folder: string, files: ReadonlySet<string>, output: string): string | undefined {
  if (`${output}${sep}`.startsWith(folder + sep)) return 'the output lies in'
  if (files.size > MOST_FILES) return `has more than ${MOST_FILES.toLocaleString('en-US')} files`
  const bytes = [...files].reduce((n, file) => n + statSync(file).size, 0)
  return bytes > MOST_BYTES ? `has more than ${MOST_BYTES >> 20} MiB` : undefined
}

/** The files of a package without those of the packages within it; one more than `most` where there are more. */
function addFiles(path: string, files: Set<string>, seen: Set<string>, most: number): void {
  const real = realpathSync(path),
    stats = statSync(real)
  if (stats.isFile()) return void files.add(real)
  if (seen.has(real) || !stats.isDirectory()) return
  seen.add(real)
  for (const name of readdirSync(real)) {
    if (files.size > most) return
    const isOther = name === 'node_modules' || name === '.git'
    if (!isOther && existsSync(join(real, name))) addFiles(join(real, name), files, seen, most)
  }
}

/** A folder and all above it. */
const above = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))]
