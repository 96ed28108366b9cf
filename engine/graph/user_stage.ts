/** Stages that a graph names by path: the user's own files. */
import { existsSync, realpathSync } from 'node:fs'
import { extname, join, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyKind, Reason, Replaced } from '../contract/define.ts'
import { importedWhole } from '../ends.ts'
import { readingOnly } from '../files/chunks.ts'
import { keyText } from '../key_text.ts'
import { packageRoot } from '../root.ts'
import { bundle, type Bundle } from './bundle.ts'
import { READ_TYPES, WRITTEN_TYPES } from './columns.ts'
import { nearest } from './messages.ts'
import { watch } from './watch.ts'

/** A stage, and the bundle that a worker imports to get it again. */
export interface UserStage {
  readonly stage: AnyKind
  readonly own: Bundle
}

/** The URL of the package's index.mjs. */
export const packageUrl = (): string => pathToFileURL(join(packageRoot, 'index.mjs')).href

/**
 * Loads the default export of a .mjs, .js or .ts file and checks that it is a stage. It is bundled first with what it
 * imports, to one file in `folder` that is named by its content, so that changed text is never taken from the import
 * cache. Throws an Error whose message says why the file cannot be used.
 */
export async function loadUserStage(
  path: string,
  options: { folder: string; packageUrl?: string },
): Promise<UserStage> {
  const extension = extname(path)
  if (!['.mjs', '.js', '.ts'].includes(extension)) {
    throw new Error(`its name ends in '${extension}'; .ts, .mjs and .js can be loaded`)
  }
  if (!existsSync(path)) throw new Error(`there is no file ${path}`)
  const file = realpathSync(path),
    folder = resolve(options.folder),
    odd = sep === '/' ? [file, folder].find(one => one.includes('\\')) : undefined
  if (odd) throw new Error(`Node imports no module from a path with '\\' in it, as in ${odd}; rename that folder`)
  const own = await bundle(file, folder, options.packageUrl ?? packageUrl())
  // of those that are known to read nothing more is to be learnt
  if (own.reads.length + own.keeps.length === 0) await watch({ ...own, use: path })
  const loading = imported.then(() =>
    importedWhole(path, () => readingOnly(null, async () => (await makerOf(own.module))())),
  )
  imported = loading.catch(() => undefined)
  const stage: unknown = await loading
  const missing = lacks(stage)
  if (missing) throw new Error(missing)
  return { stage: stage as AnyKind, own }
}

/** What makes the stage of a bundle: all of its own code is run anew by each call, and its packages once. */
export async function makerOf(module: string): Promise<() => Promise<AnyKind>> {
  const { default: make } = (await import(/* @vite-ignore */ pathToFileURL(module).href)) as {
    default: () => Promise<AnyKind>
  }
  return make
}

/** The import before: one after the other, so that it is known whose code runs. */
let imported: Promise<unknown> = Promise.resolve()

/** What the contract called things before: they would go by without a word, and without an effect. */
const RENAMED = {
  unseen: "is called 'notInKey' now",
  beside: "is called 'extraCopies' now",
  group: "is 'by', 'carries', 'carry' and 'open' now: a batch holds whole groups, and batch.groups where each begins",
  keeps: "is said by 'rows' now, which may be a function of the options: 'same' where no row is dropped",
  inputs:
    "is 'open' now, of one file: open(options, path) gives { schema, rows, bytes, starts, facts, plan } and read(options, file, { start, end, columns }) raw rows; paths, layouts, reasons and ids are the engine's",
  groups: "the engine finds now, in the raw rows that 'read' gives",
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Columns, or what says them of the options. */
const isGiven = (value: unknown): boolean => isObject(value) || typeof value === 'function'
const isEndings = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(one => typeof one === 'string' && /^\../.test(one))

type Properties = Readonly<Record<string, { readonly default?: unknown }>>
/** Of Infinity and the like the check of options would make null. */
function isSayable(value: unknown): boolean {
  try {
    return value === undefined || keyText(value) !== ''
  } catch {
    return false
  }
}

const STAGE_KEYS = (
  'kind name version category summary details paper status options notInKey replaces files reads tables writes rows check picks reasons ' +
  'notes examples by carries carry fit calls open tally report'
).split(' ')
const KINDS = ['broken', 'quality', 'configured']
const oneOf = (words: readonly string[], word: unknown): string => {
  const near = typeof word === 'string' ? nearest(word, words) : undefined
  return `expected one of ${words.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`
}

/** What a stage says of options that are gone, where it cannot be so. */
export function* wrongReplaces({ options, replaces }: Record<string, unknown>): Iterable<string> {
  if (replaces === undefined) return
  if (!Array.isArray(replaces)) {
    yield "'replaces' is no list; it holds { option, by } or { option, value, by }"
    return
  }
  const { properties = {} } = (options ?? {}) as { properties?: Readonly<Record<string, { readonly enum?: unknown }>> },
    names = Object.keys(properties)
  for (const each of replaces as unknown[]) {
    const { option, value, by } = (isObject(each) ? each : {}) as Partial<Replaced>,
      has = Object.hasOwn(properties, String(option))
    if (typeof by !== 'string' || by === '') {
      yield `'replaces' says of '${String(option)}' no 'by': what is to be written instead`
    }
    if (value === undefined && has) {
      yield `'replaces' says that the option '${String(option)}' is gone, and the stage has it; name the value that is gone`
    }
    if (value === undefined) continue
    if (!has) {
      yield `'replaces' names a value of '${String(option)}', which is no option; ${oneOf(names, option)}`
      continue
    }
    const choices = properties[String(option)].enum
    if (!Array.isArray(choices)) {
      yield `'replaces' names a value of '${String(option)}', which is no choice among names: it is never refused`
    } else if (choices.includes(value)) {
      yield `'replaces' says that '${String(option)}' takes '${value}' no more, and it does`
    }
  }
}

/** Words that a stage says and the contract does not have: they would go by unseen, or end a run late. */
function* wrongWords(value: Record<string, unknown>): Iterable<string> {
  const { properties = {} } = (value.options ?? {}) as { properties?: object }
  for (const [name, reason] of Object.entries(isObject(value.reasons) ? value.reasons : {})) {
    const { kind, about, limit, option } = (reason ?? {}) as Partial<Reason>
    if (!KINDS.includes(String(kind))) yield `reason '${name}' has the kind ${String(kind)}; ${oneOf(KINDS, kind)}`
    if (typeof about !== 'string') yield `reason '${name}' lacks 'about': what it means, and what the number is`
    for (const [what, named] of Object.entries({ limit, option })) {
      if (named === undefined || Object.hasOwn(properties, named)) continue
      yield `reason '${name}' has the ${what} ${String(named)}, which is no option; ${oneOf(Object.keys(properties), named)}`
    }
  }
  yield* wrongReplaces(value)
  for (const [part, types] of [
    ['writes', WRITTEN_TYPES],
    ['carries', WRITTEN_TYPES],
    ['reads', READ_TYPES],
  ] as const) {
    const columns = value[part]
    for (const [name, type] of Object.entries(isObject(columns) ? columns : {})) {
      if (type === undefined || types.includes(type as never)) continue
      yield `'${part}' gives column '${name}' the type ${String(type)}; ${oneOf(types, type)}`
    }
  }
  if (value.kind !== 'stage') return
  for (const key of Object.keys(value)) {
    if (!STAGE_KEYS.includes(key)) {
      yield `the stage says '${key}', which is no part of a stage; ${oneOf(STAGE_KEYS, key)}`
    }
  }
}

/** Why a value is not a stage; undefined when it is one. */
function lacks(value: unknown): string | undefined {
  if (!isObject(value)) return 'it has no default export made by defineStage, defineAudit, defineSource or defineSink'
  const functions = {
    stage: [],
    audit: ['tally', 'report'],
    source: ['open', 'read'],
    sink: ['schema', 'convert', 'publish'],
  }[String(value.kind)]
  if (!functions) return 'its default export was not made by defineStage, defineAudit, defineSource or defineSink'
  for (const [old, now] of Object.entries(RENAMED)) {
    // audits have inputs, and always had
    if (old in value && !(old === 'inputs' && value.kind === 'audit')) return `the stage says '${old}', which ${now}`
  }
  if (Array.isArray(value.fit)) {
    return "the stage's 'fit' is a list; it is a function of the options now: fit: options => round({ collect, merge }).next(…)"
  }
  const notes = isObject(value.notes) ? Object.keys(value.notes) : [],
    taken = notes.find(note => note === 'dropped' || (isObject(value.reasons) && Object.hasOwn(value.reasons, note)))
  if (taken) return `the stage's note '${taken}' is the name of another of its outputs; give it one of its own`
  if (isObject(value.reasons) && ['dropped', 'error'].some(name => Object.hasOwn(value.reasons as object, name))) {
    return "the stage's reasons include 'dropped' or 'error', which name outputs of every stage; call it otherwise"
  }
  if (value.files !== undefined && !['stage', 'audit'].includes(String(value.kind))) {
    return `a ${String(value.kind)} says 'files', which stages and audits have; it is told no context to read them by`
  }
  if (value.files !== undefined && typeof value.files !== 'function') {
    return "the stage's 'files' is no function; it gives paths of the options: files: options => [options.words]"
  }
  for (const [option, schema] of Object.entries(
    (value.options as { properties?: Properties } | undefined)?.properties ?? {},
  )) {
    if (!isSayable(schema.default)) {
      return `the option '${option}' has a default that a graph could not say (${String(schema.default)})`
    }
  }
  const wrong = [...wrongWords(value)]
  if (wrong.length > 0) return wrong.join('; ')
  const missing = [
    ...(typeof value.name === 'string' ? [] : ['name']),
    ...(Number.isInteger(value.version) ? [] : ['version (a whole number)']),
    ...(isObject(value.options) && value.options.type === 'object' ? [] : ['options (Type.Object)']),
    ...(value.kind === 'sink' || isObject(value.reasons) ? [] : ['reasons']),
    ...(value.kind !== 'source' || isEndings(value.extensions) ? [] : ["extensions (as in ['.txt'])"]),
    ...(value.kind !== 'stage' || isObject(value.notes) ? [] : ['notes']),
    ...(!['stage', 'sink'].includes(String(value.kind)) || isGiven(value.reads) ? [] : ['reads']),
    ...(value.kind !== 'audit' || isGiven(value.inputs) ? [] : ['inputs']),
    ...(value.kind !== 'stage' || isGiven(value.writes) ? [] : ['writes']),
    ...(value.kind !== 'stage' ||
    typeof value.rows === 'function' ||
    ['same', 'subset', 'derive', 'pair', 'cluster'].includes(String(value.rows))
      ? []
      : ['rows (same, subset, derive, pair or cluster)']),
    ...functions.filter(name => typeof value[name] !== 'function').map(name => `${name}()`),
  ]
  return missing.length ? `the stage lacks ${missing.join(', ')}` : undefined
}
