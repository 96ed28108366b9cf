/**
 * A user's stage and all that it imports, as one JavaScript file: what its results follow from, and what nobody can
 * know.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BuildFailure, ImportKind, Loader, Plugin } from 'esbuild'
import { IoError } from '../errors.ts'
import { keyText } from '../key_text.ts'
import { factoryOf } from './factory.ts'
import { conditions, packagesOf, packageSurroundings, type Packages } from './packages.ts'
import { writeWhole } from '../run/files.ts'
import { isReading } from './builtins.ts'

export interface Bundle {
  /** The JavaScript file, named by its content; its default export is a function that makes the stage anew. */
  readonly module: string
  readonly packages: Packages
  /** Of the text of every file in it, and of all that is in packages. */
  readonly code: string
  /** Of the code and of the surroundings. */
  readonly key: string
  /** What it may read that is in no key: a file and what is imported or called there, a line each. */
  readonly reads: readonly string[]
  /** What it keeps at the top of its modules from block to block, a line each. */
  readonly keeps: readonly string[]
}

const globals = ['fetch', 'WebSocket', 'EventSource', 'process.binding', 'process.env']
/** Names that lead to them by other ways: a file that says one is taken to use it. */
const ways = ['getBuiltinModule', 'loadEnvFile']
const harmless =
  'version|versions|platform|arch|exit|exitCode|on|once|off|emitWarning|nextTick|stdout\\.write|stderr\\.write'
/** What holds all of them, or makes code of text: a mention is a use, but for what follows. */
const wholes: Readonly<Record<string, string>> = {
  globalThis: '',
  global: '',
  self: '',
  process: `(?!\\.(?:${[harmless, ...ways].join('|')})\\b)`,
  eval: '',
  Function: '(?!\\.prototype\\b)',
}
/** An import of anything but one text, or what esbuild finds the files of, which begins with ./ or ../. */
const unnamed = /(?:\bimport|sluice\$require)\(\s*(?!\s|"(?:[^"\\]|\\.)*"\s*[,)]|["`]\.\.?\/)/
/** Of what this package exports, that reads as well. */
const ownReaders = new Set(['graph', 'main', 'oldRuns', 'pipeline', 'readParquet', 'run'])

const textExtensions = /\.(?:[cm]?[jt]s|[jt]sx)$/
const loaderOf = (file: string): Loader =>
  file.endsWith('x') ? (file.endsWith('tsx') ? 'tsx' : 'jsx') : /\.[cm]?ts$/.test(file) ? 'ts' : 'js'
const hashOf = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex')

/**
 * Bundles a .mjs, .js or .ts file. Packages of node_modules stay imports, by absolute path, and 'sluice-data' is
 * `sluice`, the URL of this package. Throws an Error with all that esbuild has against it.
 */
export async function bundle(path: string, folder: string, sluice: string): Promise<Bundle> {
  const { build, transform } = await import('esbuild')
  const home = dirname(path),
    files = new Map<string, string>(),
    absent = new Set<string>(),
    imported = new Set<string>(),
    reads = new Set<string>(),
    codes = new Map<string, string>()
  const says = (file: string, what: string) => {
    reads.add(`${relative(home, file)} ${what}`)
  }

  /** What only a look at the code tells: globals, and imports of what is known at run time alone. */
  async function look(file: string, text: string, loader: Loader): Promise<void> {
    for (const way of ways) if (new RegExp(`\\b${way}\\b`).test(text)) says(file, `calls ${way}`)
    const define = Object.fromEntries([
      ['require', 'sluice$require'],
      ...Object.keys(wholes).map(name => [name, `sluice$${name}`]),
      ...globals.flatMap((name, i) => ['', 'globalThis.', 'global.'].map(of => [of + name, `sluice$reads${i}`])),
    ])
    const { code } = await transform(text, { loader, define, logLevel: 'silent' }).catch(() => ({ code: '' }))
    codes.set(file, code)
    globals.forEach((name, i) => {
      if (code.includes(`sluice$reads${i}`)) says(file, `${name === 'process.env' ? 'reads' : 'calls'} ${name}`)
    })
    for (const [name, but] of Object.entries(wholes)) {
      const use = new RegExp(`(?<!\\b(?:typeof|instanceof) )sluice\\$${name}\\b${but}`)
      if (use.test(code)) says(file, `uses ${name}`)
    }
    if (unnamed.test(code)) says(file, 'imports what its text does not name')
    if (/(?<!typeof )sluice\$require\b(?!\(|\.resolve)/.test(code)) says(file, 'hands require on')
  }

  /** What a file imports of this package, which it names so. */
  function lookAtOwn(file: string, name: string, kind: ImportKind): void {
    const from = JSON.stringify(name).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const clauses = (codes.get(file) ?? '').matchAll(
      new RegExp(`\\b(?:import|export)\\s+([^"';]+?)\\s+from\\s+${from}`, 'g'),
    )
    const names = [...clauses].flatMap(([, clause]) =>
      clause.startsWith('{')
        ? clause
            .slice(1, -1)
            .split(',')
            .map(one => one.trim().split(' ')[0])
        : ['all'],
    )
    if (kind !== 'import-statement') names.push('all')
    for (const one of names) if (one === 'all' || ownReaders.has(one)) says(file, `imports ${one} of sluice-data`)
  }

  const plugin: Plugin = {
    name: 'sluice',
    setup(it) {
      it.onResolve({ filter: /.*/ }, async args => {
        const { path: name, kind, importer, pluginData } = args
        if (kind === 'entry-point') return { path }
        if (pluginData === 'inner') return undefined
        if (name === 'sluice-data') {
          lookAtOwn(importer, name, kind)
          return { path: sluice, external: true }
        }
        // the registry's package of this name is another project
        if (name === 'sluice') return { errors: [{ text: "'sluice' is another package: import 'sluice-data'" }] }
        if (isBuiltin(name)) {
          if (isReading(name)) says(importer, `imports ${name}`)
          return { path: name, external: true }
        }
        const { with: attributes } = args,
          // columns of another copy than this package's own are none to it
          resolveDir = /^apache-arrow(?:\/|$)/.test(name) ? dirname(fileURLToPath(sluice)) : args.resolveDir,
          how = { kind, importer, resolveDir, pluginData: 'inner', with: attributes }
        const found = await it.resolve(name.startsWith('file:') ? fileURLToPath(name) : name, how)
        // what is imported at run time may be absent on purpose
        if (found.errors.length > 0) {
          if (kind !== 'dynamic-import' && kind !== 'require-call') return { errors: found.errors }
          absent.add(`${name} absent`)
          // nor shall it be found from where the bundle lies
          const place = /^[./]/.test(name) ? resolve(resolveDir, name) : join(resolveDir, 'node_modules', name)
          return { path: kind === 'require-call' ? place : pathToFileURL(place).href, external: true }
        }
        if (found.path === fileURLToPath(sluice)) {
          lookAtOwn(importer, name, kind)
          return { path: sluice, external: true }
        }
        // a package that is linked from elsewhere is source, which changes without its version
        if (found.external || /^[./]|^file:/.test(name) || !found.path.includes(`${sep}node_modules${sep}`)) {
          return { path: found.path, external: found.external, namespace: found.namespace }
        }
        // data is a part of the code, as of any file
        if (found.path.endsWith('.json') && kind !== 'require-call') return { path: found.path }
        imported.add(found.path)
        return { path: kind === 'require-call' ? found.path : pathToFileURL(found.path).href, external: true }
      })
      it.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path: file }) => {
        const bytes = readFileSync(file)
        files.set(relative(home, file), hashOf(bytes))
        if (!textExtensions.test(file)) return undefined
        const text = bytes.toString(),
          loader = loaderOf(file)
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
          jsx: 'preserve',
          sourcemap: 'inline',
          sourcefile: basename(file),
          logLevel: 'silent',
        })
        if (/\bimport\.meta\b/.test(code)) {
          const why = "of import.meta a stage has url, dirname and filename; use new URL('…', import.meta.url)"
          return { errors: [{ text: why, location: { file: relative(home, file) } }] }
        }
        return { contents: code, loader: loader.endsWith('x') ? 'jsx' : 'js' }
      })
    },
  }
  let code: string
  try {
    const { outputFiles } = await build({
      // by a name of its own: in a path * would be a pattern
      entryPoints: ['stage'],
      absWorkingDir: home,
      bundle: true,
      write: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: true,
      sourceRoot: home,
      // that one is there as long as no other is said
      conditions: ['module', ...conditions()],
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
  const factory = factoryOf(code),
    module = join(folder, `${basename(path, extname(path))}-${hashOf(factory).slice(0, 12)}.mjs`)
  if (!existsSync(module) || readFileSync(module, 'utf8') !== factory) {
    try {
      mkdirSync(folder, { recursive: true })
      writeWhole(module, factory)
    } catch (error) {
      throw new IoError(`${module}: cannot be written (${(error as Error).message})`, { cause: error })
    }
  }
  // the code as well: which file an import leads to, and what tsconfig.json says of it, is in none of their texts
  const made = hashOf(withoutPackages(code, sluice))
  const known = await packagesOf(imported, realpathSync(folder)),
    ofCode = hashOf(keyText([[...files].sort(), [...absent].sort(), known.content, made])),
    key = hashOf(keyText([ofCode, surroundings(), imported.size > 0 ? packageSurroundings() : '']))
  const { lookAt } = await import('./look.ts'),
    seen = lookAt(code, home),
    unknown = known.unknown.map(what => `${basename(path)} ${what}`)
  return {
    module,
    packages: known,
    code: ofCode,
    key,
    reads: [...new Set([...reads, ...seen.reads, ...unknown])].sort(),
    keeps: seen.keeps,
  }
}

/**
 * What local times, words sorted by a language and texts made by Intl follow from: the time zone, the language, and
 * the tables of Node for both.
 */
const surroundings = (): unknown => [
  process.version,
  process.platform,
  process.arch,
  // of zones such as JST-9 Intl does not know the name
  process.env.TZ ?? '',
  new Intl.DateTimeFormat().resolvedOptions(),
  new Intl.Collator().resolvedOptions(),
]

/**
 * Code that is the same wherever packages lie, and its own files too, unless one of them asks for its address: what
 * it makes may follow from that.
 */
function withoutPackages(code: string, sluice: string): string {
  const text = code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '').replaceAll(sluice, 'sluice')
  return text.replace(/(["'])(?:file:\/\/)?\/[^"'\n]*?\/node_modules\//g, '$1node_modules/')
}
