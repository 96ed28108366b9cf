/**
 * Functions of JavaScript and of Node that give another value in another run, at another place or moment: each tells of
 * its use, and then does what it did.
 */
import childProcess from 'node:child_process'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import fs from 'node:fs'
import Module, { isBuiltin, syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import vm from 'node:vm'
import workers from 'node:worker_threads'

/** What is used, each told once of a stage. */
export type Kind =
  | 'file'
  | 'module'
  | 'native'
  | 'process'
  | 'server'
  | 'thread'
  | 'realm'
  | 'environment'
  | 'clock'
  | 'chance'
  | 'machine'
/** Hears of a use before it happens. `by`: the function whose caller it is; `path`: of a file. */
export type Use = (kind: Kind, what: string, by: Anything, path?: string) => void
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- of any function
export type Anything = (...given: any[]) => any
type Holder = Record<string | symbol, unknown>

/** Variables whose values are in keys. */
const KEYED = ['NODE_ENV', 'NODE_PATH', 'TZ']
const FILES =
  'readFile readdir stat lstat access readlink realpath opendir statfs watch watchFile glob exists openAsBlob createReadStream'
const RANDOM =
  'randomBytes randomFill randomFillSync randomInt randomUUID getRandomValues generateKey generateKeySync generateKeyPair ' +
  'generateKeyPairSync generatePrime generatePrimeSync createDiffieHellman createECDH pseudoRandomBytes'
const MACHINE = 'uptime cwd memoryUsage cpuUsage resourceUsage availableMemory constrainedMemory umask'
/** Of `os`, what is in keys or the same everywhere. */
const SAME = ['platform', 'arch', 'endianness', 'type']

/** A path as functions of fs take it; undefined of what is open already. */
function pathOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (value instanceof URL) return value.protocol === 'file:' ? fileURLToPath(value) : undefined
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  return typeof value === 'number' && value < 3 ? `/dev/fd/${value}` : undefined
}
/** Whether nothing of what a file held can be read of it. */
const isWritten = (flags: unknown): boolean =>
  typeof flags === 'number'
    ? (flags & 3) === fs.constants.O_WRONLY || (flags & fs.constants.O_TRUNC) !== 0
    : typeof flags === 'string' && (/^[wa]x?s?$/.test(flags) || flags.startsWith('w'))

const loader = Module as unknown as {
  readonly _cache: Readonly<Record<string, unknown>>
  _resolveFilename(request: string, parent: unknown): string
}
/** The file of a module that is loaded already, which is not read again. */
function loadedPath(request: unknown, parent: unknown): string | undefined {
  if (typeof request !== 'string' || isBuiltin(request)) return undefined
  try {
    const path = loader._resolveFilename(request, parent)
    return path in loader._cache ? path : undefined
  } catch {
    // it cannot be loaded: who asked is told so
    return undefined
  }
}

/** Puts `use` before each of these functions, for all of this thread. Gives what takes it away again. */
export function hook(use: Use): () => void {
  const undo: (() => void)[] = []
  /** `tell` hears of each call, with what was given. */
  function before(holder: object, name: string, tell: (given: readonly unknown[], by: Anything) => void): void {
    const was = Object.getOwnPropertyDescriptor(holder, name),
      original = (holder as Holder)[name]
    if (!was?.configurable && !was?.writable) return
    if (typeof original !== 'function') return
    const wrap = (of: Anything): Anything => {
      const wrapped = function (this: unknown, ...given: unknown[]): unknown {
        tell(given, wrapped)
        if (!new.target) return Reflect.apply(of, this, given)
        return Reflect.construct(of, given, new.target === wrapped ? of : new.target)
      }
      const all = Object.getOwnPropertyDescriptors(of) as Record<symbol, PropertyDescriptor>,
        { [promisify.custom]: custom } = all
      // which has itself by that name
      if (custom && custom.value !== of) all[promisify.custom] = { ...custom, value: wrap(custom.value as Anything) }
      return Object.defineProperties(wrapped, all)
    }
    const wrapped = wrap(original as Anything)
    put(holder, name, was.get ? wrapped : { ...was, value: wrapped }, wrapped)
  }
  function put(holder: object, name: string, by: PropertyDescriptor | Anything, value?: unknown): void {
    const was = Object.getOwnPropertyDescriptor(holder, name)!,
      // who put something else there meanwhile is left alone
      isOurs = () => value === undefined || (holder as Holder)[name] === value
    if (typeof by === 'function') {
      const before = (holder as Holder)[name]
      ;(holder as Holder)[name] = by
      undo.push(() => isOurs() && ((holder as Holder)[name] = before))
    } else {
      Object.defineProperty(holder, name, by)
      undo.push(() => isOurs() && Object.defineProperty(holder, name, was))
    }
  }
  const each = (holder: object, names: string, kind: Kind, what: (name: string) => string) => {
    for (const name of names.split(' ')) before(holder, name, (_, by) => use(kind, what(name), by))
  }
  /** Properties that are no functions. */
  const asked = (holder: object, name: string, kind: Kind, what: string) => {
    const was = Object.getOwnPropertyDescriptor(holder, name)
    if (!was?.configurable) return
    let { value } = was as { value: unknown }
    const get = function (this: unknown): unknown {
      use(kind, what, get)
      return was.get ? (was.get as Anything).call(this) : value
    }
    const set = was.set ?? ((next: unknown) => (value = next))
    put(holder, name, { configurable: true, enumerable: was.enumerable, get, set })
  }

  files(before, use)
  before(Module, '_load', ([request, parent], by) => {
    const at = loadedPath(request, parent)
    if (at !== undefined) use('file', 'reads', by, at)
  })
  before(process, 'dlopen', ([, path], by) => use('native', `runs native code (${String(path)})`, by))
  each(process, 'binding _linkedBinding', 'native', name => `runs native code (process.${name})`)
  each(childProcess.ChildProcess.prototype, 'spawn', 'process', () => 'starts a process')
  each(childProcess, 'spawnSync execSync execFileSync', 'process', name => `starts a process (${name})`)
  each(workers, 'Worker', 'thread', () => 'starts a thread')
  each(vm, 'createContext runInNewContext', 'realm', name => `runs code in a context of its own (vm.${name})`)
  each(vm.Script.prototype, 'runInNewContext', 'realm', () => 'runs code in a context of its own')
  const server = (name: string) => `asks a server (${name})`
  each(globalThis, 'fetch WebSocket EventSource', 'server', server)
  // that of http and tls, too
  each(net.Socket.prototype, 'connect', 'server', server)
  each(net.Server.prototype, 'listen', 'server', server)
  each(dgram, 'createSocket', 'server', server)
  for (const module of [dns, dns.promises]) {
    each(
      module,
      [...Object.keys(module).filter(name => /^(?:lookup|resolve|reverse)/.test(name))].join(' '),
      'server',
      server,
    )
  }
  clocks()
  const chance = (name: string) => `asks chance (${name})`
  each(Math, 'random', 'chance', () => chance('Math.random'))
  each(crypto, RANDOM, 'chance', chance)
  each(Object.getPrototypeOf(crypto.webcrypto) as object, 'getRandomValues randomUUID', 'chance', chance)
  each(Object.getPrototypeOf(crypto.webcrypto.subtle) as object, 'generateKey', 'chance', chance)
  const machine = (of: string) => (name: string) => `asks the machine (${of}.${name})`
  each(process, MACHINE, 'machine', machine('process'))
  const asking = Object.keys(os).filter(name => typeof (os as unknown as Holder)[name] === 'function')
  each(os, asking.filter(name => !SAME.includes(name)).join(' '), 'machine', machine('os'))
  for (const name of ['argv', 'pid', 'ppid', 'stdin']) asked(process, name, 'machine', machine('process')(name))
  environment()
  syncBuiltinESMExports()

  function clocks(): void {
    const what = (name: string) => `asks the clock (${name})`,
      Original = globalThis.Date
    before(Original, 'now', (_, by) => use('clock', what('Date.now'), by))
    // most dates are made of one value
    const Watched = function Date(this: unknown, ...given: number[]): unknown {
      if (!new.target) {
        use('clock', what('Date()'), Watched)
        return Original()
      }
      if (given.length === 0) use('clock', what('new Date()'), Watched)
      if (new.target !== (Watched as unknown)) return Reflect.construct(Original, given, new.target)
      return given.length === 1 ? new Original(given[0]) : new Original(...(given as []))
    } as Anything
    Object.defineProperties(Watched, Object.getOwnPropertyDescriptors(Original))
    const wasMade = Object.getOwnPropertyDescriptor(Original.prototype, 'constructor')!
    put(globalThis, 'Date', { ...Object.getOwnPropertyDescriptor(globalThis, 'Date'), value: Watched }, Watched)
    put(Original.prototype, 'constructor', { ...wasMade, value: Watched }, Watched)
    const ofPerformance = Object.getPrototypeOf(performance) as object
    each(ofPerformance, 'now mark measure toJSON', 'clock', name => what(`performance.${name}`))
    asked(ofPerformance, 'timeOrigin', 'clock', what('performance.timeOrigin'))
    each(process.hrtime, 'bigint', 'clock', () => what('process.hrtime.bigint'))
    each(process, 'hrtime', 'clock', () => what('process.hrtime'))
    // without a moment they take the present one
    const formats = Intl.DateTimeFormat.prototype,
      format = Object.getOwnPropertyDescriptor(formats, 'format')!
    before(formats, 'formatToParts', ([moment], by) => {
      if (moment === undefined) use('clock', what('Intl.DateTimeFormat'), by)
    })
    const get = function (this: Intl.DateTimeFormat): Anything {
      const bound = (format.get as Anything).call(this) as Anything
      const formatted = (moment?: unknown): unknown => {
        if (moment === undefined) use('clock', what('Intl.DateTimeFormat'), formatted)
        return bound(moment) as unknown
      }
      return formatted
    }
    put(formats, 'format', { ...format, get })
  }

  function environment(): void {
    const was = process.env
    const tell = (name: string | symbol, by: Anything) => {
      if (typeof name === 'string' && !KEYED.includes(name)) use('environment', `asks the environment (${name})`, by)
    }
    const traps: ProxyHandler<NodeJS.ProcessEnv> = {
      get(env, name) {
        tell(name, traps.get as Anything)
        return env[name as string]
      },
      set(env, name, value: string) {
        env[name as string] = value
        return true
      },
      has(env, name) {
        tell(name, traps.has as Anything)
        return name in env
      },
      getOwnPropertyDescriptor(env, name) {
        tell(name, traps.getOwnPropertyDescriptor as Anything)
        return Reflect.getOwnPropertyDescriptor(env, name)
      },
      ownKeys(env) {
        use('environment', 'asks the environment', traps.ownKeys as Anything)
        return Reflect.ownKeys(env)
      },
    }
    const watched = new Proxy(was, traps)
    process.env = watched
    undo.push(() => process.env === watched && (process.env = was))
  }

  return () => {
    for (const one of undo.reverse()) one()
    syncBuiltinESMExports()
  }
}

type Before = (holder: object, name: string, tell: (given: readonly unknown[], by: Anything) => void) => void

/** What reads files, or looks for them. */
function files(before: Before, use: Use): void {
  const read = (path: unknown, by: Anything) => {
    const at = pathOf(path)
    if (at !== undefined) use('file', 'reads', by, at)
  }
  const names = FILES.split(' ')
  for (const holder of [fs.realpath, fs.realpathSync]) before(holder, 'native', ([path], by) => read(path, by))
  for (const holder of [fs, fs.promises]) {
    for (const name of [...names, ...names.map(name => `${name}Sync`)]) {
      if (name in holder) before(holder, name, ([path], by) => read(path, by))
    }
    for (const name of ['open', 'openSync']) {
      if (!(name in holder)) continue
      before(holder, name, ([path, flags], by) => {
        if (!isWritten(flags)) read(path, by)
      })
    }
  }
  before(fs, 'ReadStream', ([path], by) => read(path, by))
}
