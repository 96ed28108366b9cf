/** Modules of Node, by whether what they give follows from what they are given. */
import { isBuiltin } from 'node:module'

/** Modules of Node that give the same for the same, whatever the machine and the moment. */
const pure = [
  'assert',
  'async_hooks',
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
  'randomBytes|randomFill|randomFillSync|randomInt|randomUUID|getRandomValues|webcrypto|generateKey|generateKeySync|' +
  'generateKeyPair|generateKeyPairSync|generatePrime|generatePrimeSync|createECDH|createDiffieHellman|getDiffieHellman'
/** Those that do but for some of what they export. */
const partly = new Map<string, RegExp>([
  ['crypto', new RegExp(`^(?:${random})$`)],
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
