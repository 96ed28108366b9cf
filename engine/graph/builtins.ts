/** Modules of Node, by whether what they give follows from what they are given. */
import { isBuiltin } from 'node:module'
import { runInNewContext } from 'node:vm'

/** Modules of Node that give the same for the same, whatever the machine and the moment. */
const pure = [
  'assert',
  'console',
  'constants',
  'diagnostics_channel',
  'domain',
  'events',
  'punycode',
  'querystring',
  'stream',
  'string_decoder',
  'timers',
  'zlib',
]
const random =
  'randomBytes|randomFill|randomFillSync|randomInt|randomUUID|getRandomValues|webcrypto|subtle|generateKey|generateKeySync|' +
  'generateKeyPair|generateKeyPairSync|generatePrime|generatePrimeSync|createECDH|createDiffieHellman|getDiffieHellman'
/** Those that do but for some of what they export. */
const partly = new Map<string, RegExp>([
  ['crypto', new RegExp(`^(?:${random})$`)],
  ['async_hooks', /^(?:executionAsyncId|triggerAsyncId|executionAsyncResource|createHook)$/],
  ['buffer', /^File$/],
  ['path', /^(?:resolve|relative)$/],
  ['url', /^pathToFileURL$/],
  ['util', /^(?:debug|debuglog|getCallSites?|parseArgs|styleText)$/],
])
partly.set('sys', partly.get('util')!)
const folderOf = (name: string): string => name.replace(/^node:/, '').split('/')[0]
/** Whether a module may give another value each time, at another place or moment: those that are not known here do. */
export const isReading = (name: string): boolean => !pure.includes(folderOf(name)) && !partly.has(folderOf(name))
/** Of a module that is only partly so, what is. */
export const readingParts = (name: string): RegExp | undefined =>
  isBuiltin(name) ? partly.get(folderOf(name)) : undefined

/** What Node gives beside JavaScript's own names, in any of its versions; `require` and the like are a module's own. */
const nodeGlobals = (
  'AbortController AbortSignal Blob BroadcastChannel Buffer ByteLengthQueuingStrategy CloseEvent CompressionStream ' +
  'CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream ErrorEvent Event EventSource ' +
  'EventTarget File FormData Headers MessageChannel MessageEvent MessagePort Navigator Performance PerformanceEntry ' +
  'PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming ' +
  'ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest ' +
  'ReadableStreamDefaultController ReadableStreamDefaultReader Request Response Storage SubtleCrypto TextDecoder ' +
  'TextDecoderStream TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController URL URLPattern ' +
  'URLSearchParams WebSocket WritableStream WritableStreamDefaultController WritableStreamDefaultWriter ' +
  '__dirname __filename arguments atob btoa clearImmediate clearInterval clearTimeout console crypto exports fetch ' +
  'global localStorage module navigator performance process queueMicrotask require self sessionStorage setImmediate ' +
  'setInterval setTimeout structuredClone'
).split(' ')
let ownGlobals: ReadonlySet<string> | undefined
/** Whether a name is a global that JavaScript or Node has by itself. */
export function isOwnGlobal(name: string): boolean {
  // a context of its own: what was put among the globals of this one is not there
  const ofScript = 'Object.getOwnPropertyNames(globalThis)'
  ownGlobals ??= new Set([...(runInNewContext(ofScript) as string[]), ...nodeGlobals])
  return ownGlobals.has(name)
}
