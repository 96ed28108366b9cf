/**
 * A user's stage and all that it imports, as one JavaScript file: what its results follow from, and what nobody can
 * know.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BuildFailure, Loader, Plugin } from 'esbuild'
import { writeWhole } from '../run/files.ts'

export interface Bundle {
  /** The JavaScript file, named by its content. */
  readonly module: string
  /** Of the text of every file in it, and of the names and versions of packages. */
  readonly key: string
  /** What it may read that is in no key: a file and what is imported or called there, a line each. */
  readonly reads: readonly string[]
}

/** Modules of Node and well-known packages that read files, ask servers, or run what does. */
const readers = new Set([
  'fs',
  'fs/promises',
  'http',
  'https',
  'http2',
  'net',
  'tls',
  'dgram',
  'dns',
  'dns/promises',
  'child_process',
  'cluster',
  'worker_threads',
  'module',
  'process',
  'sqlite',
  'vm',
  'wasi',
  '@anthropic-ai/sdk',
  'axios',
  'better-sqlite3',
  'cross-fetch',
  'execa',
  'fs-extra',
  'globby',
  'got',
  'graceful-fs',
  'ioredis',
  'ky',
  'mongodb',
  'mysql2',
  'needle',
  'node-fetch',
  'ofetch',
  'openai',
  'pg',
  'postgres',
  'redis',
  'request',
  'superagent',
  'undici',
  'ws',
  'zx',
])
const globals = ['fetch', 'WebSocket', 'EventSource', 'process.binding', 'process.env']
/** Names that lead to them by other ways: a file that says one is taken to use it. */
const ways = ['getBuiltinModule', 'loadEnvFile']
/** An import of anything but one text, or what esbuild finds the files of, which begins with ./ or ../. */
const unnamed = /(?:\bimport|sluice\$require)\(\s*(?!\s|"(?:[^"\\]|\\.)*"\s*[,)]|["`]\.\.?\/)/
/** Of what this package exports, that reads as well. */
const ownReaders = /import\s*\{[^}]*\b(readParquet|run|main)\b[^}]*\}\s*from\s*['"]sluice-data['"]/

const textExtensions = /\.[cm]?[jt]s$/
const hashOf = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex')

/**
 * Bundles a .mjs, .js or .ts file. Packages of node_modules stay imports, by absolute path, and 'sluice-data' is
 * `sluice`, the URL of this package. Throws an Error with all that esbuild has against it.
 */
export async function bundle(path: string, folder: string, sluice: string): Promise<Bundle> {
  const { build, transform } = await import('esbuild')
  const home = dirname(path),
    files = new Map<string, string>(),
    packages = new Set<string>(),
    reads = new Set<string>()
  const says = (file: string, what: string) => {
    reads.add(`${relative(home, file)} ${what}`)
  }

  /** What only a look at the code tells: globals, and imports of what is known at run time alone. */
  async function look(file: string, text: string, loader: Loader): Promise<void> {
    const own = ownReaders.exec(text)
    if (own) says(file, `imports ${own[1]} of sluice-data`)
    for (const way of ways) if (new RegExp(`\\b${way}\\b`).test(text)) says(file, `calls ${way}`)
    if (!/\b(fetch|WebSocket|EventSource|binding|env|globalThis|global|require)\b|\bimport\s*\(/.test(text)) return
    const define = Object.fromEntries([
      ['require', 'sluice$require'],
      ...globals.flatMap((name, i) => ['', 'globalThis.', 'global.'].map(of => [of + name, `sluice$reads${i}`])),
    ])
    const { code } = await transform(text, { loader, define, logLevel: 'silent' }).catch(() => ({ code: '' }))
    globals.forEach((name, i) => {
      if (code.includes(`sluice$reads${i}`)) says(file, `${name === 'process.env' ? 'reads' : 'calls'} ${name}`)
    })
    if (/\bglobal(This)?\s*\[/.test(code)) says(file, 'looks a global up by name')
    if (unnamed.test(code)) says(file, 'imports what its text does not name')
    if (/(?<!typeof )sluice\$require\b(?!\(|\.resolve)/.test(code)) says(file, 'hands require on')
  }

  const plugin: Plugin = {
    name: 'sluice',
    setup(it) {
      it.onResolve({ filter: /.*/ }, async args => {
        const { path: name, kind, importer, pluginData } = args
        if (kind === 'entry-point' || pluginData === 'inner') return undefined
        if (name === 'sluice-data') return { path: sluice, external: true }
        // the registry's package of this name is another project
        if (name === 'sluice') return { errors: [{ text: "'sluice' is another package: import 'sluice-data'" }] }
        const bare = name.replace(/^node:/, '')
        const packageName = /^(@[^/]+\/)?[^/]+/.exec(bare)?.[0] ?? ''
        if (isBuiltin(name) ? readers.has(bare) : readers.has(packageName)) says(importer, `imports ${name}`)
        if (isBuiltin(name)) return { path: name, external: true }
        const { resolveDir, with: attributes } = args,
          how = { kind, importer, resolveDir, pluginData: 'inner', with: attributes }
        const found = await it.resolve(name.startsWith('file:') ? fileURLToPath(name) : name, how)
        // what is imported at run time may be absent on purpose
        if (found.errors.length > 0) {
          if (kind !== 'dynamic-import' && kind !== 'require-call') return { errors: found.errors }
          packages.add(`${name} absent`)
          return { path: name, external: true }
        }
        if (found.path === fileURLToPath(sluice)) return { path: sluice, external: true }
        // a package that is linked from elsewhere is source, which changes without its version
        if (found.external || /^[./]|^file:/.test(name) || !found.path.includes(`${sep}node_modules${sep}`)) {
          return { path: found.path, external: found.external, namespace: found.namespace }
        }
        for (const version of versionsOf(found.path)) packages.add(version)
        return { path: kind === 'require-call' ? found.path : pathToFileURL(found.path).href, external: true }
      })
      it.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path: file }) => {
        const bytes = readFileSync(file)
        files.set(relative(home, file), hashOf(bytes))
        if (!textExtensions.test(file)) return undefined
        const text = bytes.toString(),
          loader: Loader = /\.[cm]?ts$/.test(file) ? 'ts' : 'js'
        await look(file, text, loader)
        if (!/\bimport\.meta\b|__dirname|__filename/.test(text)) return { contents: text, loader }
        // each file keeps its own address, wherever the bundle lies
        const [url, folder, name] = [pathToFileURL(file).href, dirname(file), file].map(text => JSON.stringify(text))
        const define = {
          'import.meta.url': url,
          'import.meta.dirname': folder,
          'import.meta.filename': name,
          __dirname: folder,
          __filename: name,
        }
        const { code } = await transform(text, {
          loader,
          define,
          sourcemap: 'inline',
          sourcefile: basename(file),
          logLevel: 'silent',
        })
        if (/\bimport\.meta\b/.test(code)) {
          const why = "of import.meta a stage has url, dirname and filename; use new URL('…', import.meta.url)"
          return { errors: [{ text: why, location: { file: relative(home, file) } }] }
        }
        return { contents: code, loader: 'js' }
      })
    },
  }
  let code: string
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      absWorkingDir: home,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: true,
      sourceRoot: home,
      logLevel: 'silent',
      plugins: [plugin],
      // CommonJS among the helpers asks for Node's own modules and packages
      banner: {
        js: "import { createRequire as sluice$ } from 'node:module'; const require = sluice$(import.meta.url)",
      },
    })
    code = outputFiles[0].text
  } catch (error) {
    const { errors } = error as Partial<BuildFailure>
    if (!errors?.length) throw error
    throw new Error(
      errors
        .map(({ text, location }) =>
          location ? `${location.file}:${location.line}:${location.column + 1} ${text}` : text,
        )
        .join('; '),
    )
  }
  const module = join(folder, `${basename(path, extname(path))}-${hashOf(code).slice(0, 12)}.mjs`)
  if (!existsSync(module) || readFileSync(module, 'utf8') !== code) {
    mkdirSync(folder, { recursive: true })
    writeWhole(module, code)
  }
  // the code as well: which file an import leads to, and what tsconfig.json says of it, is in none of their texts
  const made = hashOf(withoutPlaces(code, [...files.keys()], home, sluice))
  const key = hashOf(JSON.stringify([[...files].sort(), [...packages].sort(), made]))
  return { module, key, reads: [...reads].sort() }
}

/** Code that is the same wherever the files (`files`: by their paths from `home`) and packages lie. */
function withoutPlaces(code: string, files: readonly string[], home: string, sluice: string): string {
  let text = code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '').replaceAll(sluice, 'sluice')
  text = text.replace(/(["'])(?:file:\/\/)?\/[^"'\n]*?\/node_modules\//g, '$1node_modules/')
  for (const name of new Set(files.flatMap(file => [file, dirname(file)]))) {
    const place = join(home, name)
    for (const written of [pathToFileURL(place).href, place]) {
      text = text.replaceAll(JSON.stringify(written), JSON.stringify(name))
    }
  }
  return text
}

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
