/**
 * What users' stages and their packages use while they are loaded and called that is in no key, seen where it happens:
 * by the stack of who asks. What the engine asks for itself counts as nothing.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packageRoot } from '../root.ts'
import type { Anything, Kind } from './hooks.ts'

/** A stage that is watched. */
export interface Watched {
  /** Of its bundle: what is seen is kept by it. */
  readonly key: string
  /** Its file as the graph names it. */
  readonly use: string
  readonly module: string
  readonly packages: { readonly files: readonly string[]; readonly folders: readonly string[] }
}
/** By kind, what was seen, in words. */
export type Seen = ReadonlyMap<string, string>

/** By the key of a bundle: of this thread, and of all that others have told it. */
const seen = new Map<string, Map<string, string>>()
/** The same by the file of a package, which is loaded once: what it keeps goes to all that use it. */
const seenIn = new Map<string, Map<string, string>>()
const listeners = new Set<(key: string) => void>()
const stages = new Map<string, Watched & { readonly inner: ReadonlySet<string>; readonly given: Set<string> }>()
/** Kinds that nothing more is to be learnt of. */
let done = new Set<Kind>()
/** By a name of the stack, whose code that is. */
const places = new Map<string, Place | undefined>()
let unhook: (() => void) | undefined

/** `keys`: of the stages that it belongs to; none of the engine's own. */
interface Place {
  readonly keys: readonly string[]
  readonly who: string
  readonly isStage?: boolean
}
const ENGINE: Place = { keys: [], who: '' }
const engineFolders = ['app', 'dist', 'engine', 'models', 'stages'].map(name => join(packageRoot, name) + sep)

export const seenOf = (key: string): Seen => seen.get(key) ?? new Map()
/** Takes in what another thread, or an earlier run, has seen; gives whether any of it is new. */
export function learn(key: string, lines: Iterable<readonly [kind: string, line: string]>): boolean {
  if (!seen.has(key)) seen.set(key, new Map())
  const known = seen.get(key)!,
    fresh = [...lines].filter(([kind]) => !known.has(kind))
  for (const [kind, line] of fresh) known.set(kind, line)
  if (fresh.length > 0) {
    done = new Set()
    for (const listener of listeners) listener(key)
  }
  return fresh.length > 0
}

/** Has `listen` hear of the keys of stages of which something new was seen, before it happens. Gives what ends that. */
export function onSeen(listen: (key: string) => void): () => void {
  listeners.add(listen)
  return () => {
    listeners.delete(listen)
    if (listeners.size > 0) return
    unhook?.()
    unhook = undefined
    stages.clear()
  }
}

/** Watches a stage from now on, where anybody listens; to be called before it is loaded. */
export async function watch(stage: Watched): Promise<void> {
  if (listeners.size === 0) return
  // runs without such stages need none of it
  const { hook } = await import('./hooks.ts')
  const { key, module, packages } = stage
  stages.set(key, {
    ...stage,
    module: realpathSync(module),
    inner: new Set(packages.files),
    given: stages.get(key)?.given ?? new Set(),
  })
  places.clear()
  done = new Set()
  for (const file of packages.files) learn(key, seenIn.get(file) ?? [])
  unhook ??= hook(use)
}
/** Of files that a stage is given the content is in its keys; a folder is its own to write into. */
export function give(key: string | undefined, paths: Iterable<string>): void {
  const given = stages.get(key ?? '')?.given
  for (const path of paths) given?.add(realOf(path))
}

let isLooking = false
/** Does work of the engine's own that asks much: none of it is looked at. */
export function unwatched<T>(work: () => T): T {
  const was = isLooking
  isLooking = true
  try {
    return work()
  } finally {
    isLooking = was
  }
}
function use(kind: Kind, what: string, by: Anything, path?: string): void {
  if (isLooking || done.has(kind)) return
  isLooking = true
  try {
    look(kind, what, by, path)
    if ([...stages.keys()].every(key => seen.get(key)?.has(kind))) done.add(kind)
  } finally {
    isLooking = false
  }
}

/** How deep the code of a stage may lie below that of Node. */
const DEPTH = 40
/** Of Node's own code, that which reads and asks for whoever called it; the rest does so for itself. */
const forOthers = /^node:(?!internal\/)|^node:internal\/(?:fs|streams|webstreams|dns|child_process|crypto)\b/
const fromNobody = /^node:internal\/(?:timers|process\/task_queues)$/

function look(kind: Kind, what: string, by: Anything, path?: string): void {
  const [first = ''] = callersOf(by, 1)
  if (placeOf(first) === ENGINE) return
  const isLoaded = first.startsWith('node:internal/modules/') && kind === 'file',
    isInner = first.startsWith('node:') && !forOthers.test(first) && !fromNobody.test(first)
  // its module loader is asked for what it reads
  if ((isInner && !isLoaded) || (kind === 'environment' && first.startsWith('node:'))) return
  const callers = callersOf(by, DEPTH),
    at = path === undefined ? undefined : realOf(path),
    // of a function that was handed on nobody knows by whom
    keys = new Set(callers.every(name => fromNobody.test(name)) ? stages.keys() : []),
    files: string[] = []
  let who: string | undefined
  for (const name of callers) {
    const place = placeOf(name)
    // what the loader of modules asks, it asks for itself
    if (place === ENGINE || (!who && !isLoaded && name.startsWith('node:internal/modules/'))) break
    if (!place) continue
    who ??= place.who
    // what a package keeps of it goes to all that use it
    for (const key of place.keys) keys.add(key)
    if (place.isStage) break
    files.push(fileOf(name))
  }
  const said = isLoaded ? `loads ${at}, which its text does not name` : at === undefined ? what : `${what} ${at}`,
    line = `${who ?? 'something'} ${said}`
  for (const key of keys) {
    if (at !== undefined && isKnown(at, key)) continue
    for (const file of files) seenIn.set(file, new Map([[kind, line], ...(seenIn.get(file) ?? [])]))
    learn(key, [[kind, line]])
  }
}

/** Names of the files whose code has called a function, the innermost first; '' of code without a file. */
function callersOf(by: Anything, depth: number): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error,
    held: { stack?: NodeJS.CallSite[] } = {}
  try {
    Error.stackTraceLimit = depth
    Error.prepareStackTrace = (_, sites) => sites
    Error.captureStackTrace(held, by)
    return (held.stack ?? []).flatMap(site => site.getFileName() ?? originOf(site) ?? [])
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
/** The file whose code has made code of a text. */
const originOf = (site: NodeJS.CallSite): string | undefined =>
  site.isEval() ? /\(([^()]+?)(?::\d+){2}\)/.exec(site.getEvalOrigin() ?? '')?.[1] : undefined

function placeOf(name: string): Place | undefined {
  if (!places.has(name)) places.set(name, findPlace(name))
  return places.get(name)
}
const fileOf = (name: string): string => (name.startsWith('file:') ? fileURLToPath(name.replace(/[?#].*$/, '')) : name)
function findPlace(name: string): Place | undefined {
  const file = fileOf(name)
  const own = [...stages.values()].filter(({ module }) => module === file)
  if (own.length > 0) return { keys: own.map(({ key }) => key), who: basename(own[0].use), isStage: true }
  const using = [...stages.values()].filter(({ inner }) => inner.has(file))
  if (using.length > 0) return { keys: using.map(({ key }) => key), who: `package ${packageOf(file)}` }
  return engineFolders.some(folder => file.startsWith(folder)) ? ENGINE : undefined
}
function packageOf(file: string): string {
  const [, name] = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(file) ?? []
  return name ?? basename(dirname(file))
}

/** Whether what lies at a path is in the keys of a stage. */
function isKnown(path: string, key: string): boolean {
  const { inner, given, module, packages } = stages.get(key)!
  if (inner.has(path) || path === module || above(path).some(one => given.has(one))) return true
  // of packages also what is not there
  return packages.folders.some(
    folder =>
      path === folder || (path.startsWith(folder + sep) && !path.slice(folder.length).includes(`${sep}node_modules`)),
  )
}

/** A path and all above it. */
const above = (path: string): string[] => (dirname(path) === path ? [path] : [path, ...above(dirname(path))])
/** Where a path leads, or would. */
function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const at = resolve(path)
    return dirname(at) === at ? at : join(realOf(dirname(at)), basename(at))
  }
}
