/** Stages that a graph names by path: the user's own files. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import type { AnyStage } from '../../stages/define.ts'
import { writeWhole } from '../run/files.ts'

/** A stage and the JavaScript file that a worker imports to get it again. */
export interface UserStage { readonly stage: AnyStage, readonly module: string }

/** The URL of the package's index.mjs, from the sources and from dist/ alike. */
export function packageUrl(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'index.mjs'))) {
    if (dirname(folder) === folder) throw new Error('graph: the package has no index.mjs')
    folder = dirname(folder)
  }
  return pathToFileURL(join(folder, 'index.mjs')).href
}

/**
 * Loads the default export of a .mjs, .js or .ts file and checks that it is a stage. A .ts file is first compiled, with what it imports by relative path, to
 * one file in `folder`, named by its content, so that equal text is written once and changed text is never taken from the import cache; other packages
 * stay imports, by absolute URL, and 'sluice' is this package. Throws an Error whose message says why the file cannot be used.
 */
export async function loadUserStage(path: string, options: { folder: string, packageUrl?: string }): Promise<UserStage> {
  const extension = extname(path)
  if (!['.mjs', '.js', '.ts'].includes(extension)) throw new Error(`its name ends in '${extension}'; .ts, .mjs and .js can be loaded`)
  if (!existsSync(path)) throw new Error(`there is no file ${path}`)
  const module = extension === '.ts' ? await compile(path, resolve(options.folder), options.packageUrl ?? packageUrl()) : path
  const loaded = await import(/* @vite-ignore */ pathToFileURL(module).href) as { default?: unknown }
  const missing = lacks(loaded.default)
  if (missing) throw new Error(missing)
  return { stage: loaded.default as AnyStage, module }
}

async function compile(path: string, folder: string, sluice: string): Promise<string> {
  const { build } = await import('esbuild')
  const outside: Plugin = {
    name: 'packages-by-url',
    setup(it) {
      it.onResolve({ filter: /^[^./]/ }, async args => {
        if (args.kind === 'entry-point' || args.pluginData === 'inner') return undefined
        if (args.path === 'sluice') return { path: sluice, external: true }
        if (isBuiltin(args.path) || args.path.startsWith('file:')) return { path: args.path, external: true }
        const found = await it.resolve(args.path, { kind: args.kind, importer: args.importer, resolveDir: args.resolveDir, pluginData: 'inner' })
        return found.errors.length ? { errors: found.errors } : { path: pathToFileURL(found.path).href, external: true }
      })
    },
  }
  let code: string
  try {
    const { outputFiles } = await build({
      entryPoints: [path], absWorkingDir: dirname(path), bundle: true, write: false, format: 'esm', platform: 'node', target: 'node20',
      sourcemap: 'inline', sourcesContent: true, logLevel: 'silent', plugins: [outside],
    })
    code = outputFiles[0].text
  } catch (error) {
    const { errors } = error as { errors?: { text: string, location?: { file: string, line: number, column: number } | null }[] }
    if (!errors?.length) throw error
    throw new Error(errors.map(({ text, location }) => location ? `${location.file}:${location.line}:${location.column + 1} ${text}` : text).join('; '))
  }
  const target = join(folder, `${basename(path, '.ts')}-${createHash('sha256').update(code).digest('hex').slice(0, 12)}.mjs`)
  if (existsSync(target) && readFileSync(target, 'utf8') === code) return target
  mkdirSync(folder, { recursive: true })
  writeWhole(target, code)
  return target
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Why a value is not a stage; undefined when it is one. */
function lacks(value: unknown): string | undefined {
  if (!isObject(value)) return 'it has no default export made by defineStage, defineSource or defineSink'
  const functions = { stage: [], source: ['inputs', 'read'], sink: ['schema', 'convert', 'publish'] }[String(value.kind)]
  if (!functions) return 'its default export was not made by defineStage, defineSource or defineSink'
  const missing = [
    ...typeof value.name === 'string' ? [] : ['name'],
    ...Number.isInteger(value.version) ? [] : ['version (a whole number)'],
    ...isObject(value.options) && value.options.type === 'object' ? [] : ['options (Type.Object)'],
    ...isObject(value.reasons) ? [] : ['reasons'],
    ...value.kind === 'source' || isObject(value.reads) || typeof value.reads === 'function' ? [] : ['reads'],
    ...value.kind !== 'stage' || isObject(value.writes) || typeof value.writes === 'function' ? [] : ['writes'],
    ...value.kind !== 'stage' || ['same', 'subset', 'explode', 'derive'].includes(String(value.rows)) ? [] : ['rows (same, subset, explode or derive)'],
    ...functions.filter(name => typeof value[name] !== 'function').map(name => `${name}()`),
  ]
  return missing.length ? `the stage lacks ${missing.join(', ')}` : undefined
}
