// Loaded before anything else (--import), in every thread: wraps the calls of node:fs by which a run writes, reads and
// names files, counts them over all threads, and lets one of them go wrong.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads'

// what goes wrong, at which call of its kind; then the calls so far of each kind, and the file whose next write is
// refused
const FAULT = 0,
  AT = 1,
  KINDS = { write: 2, sync: 3, name: 4, read: 5, all: 6 },
  REFUSED = 7
const FAULTS = ['none', 'half', 'full', 'refused', 'sync', 'name', 'short', 'unread', 'kill']
const KEY = 'sluice-torture'

let words = getEnvironmentData(KEY)
if (!words) {
  words = new Int32Array(new SharedArrayBuffer(32))
  setEnvironmentData(KEY, words)
  arm(...(process.env.SLUICE_TORTURE ?? 'none:-1').split(':'))
}

/**
 * Begins to count anew. half: of write `at` a half is taken. full: and the next one to that file is refused. refused:
 * nothing is. sync, name: the call fails. short: a read gives half. unread: it fails.
 */
export function arm(fault, at) {
  words.fill(0)
  words[FAULT] = FAULTS.indexOf(fault)
  words[AT] = Number(at)
  words[REFUSED] = -1
}
export const counted = () => Object.fromEntries(Object.entries(KINDS).map(([kind, i]) => [kind, words[i]]))

const failure = (code, call) => Object.assign(new Error(`${code}: injected, ${call}`), { code, syscall: call })

/** Counts a call; the fault that it is to meet. */
function meet(kind) {
  // a run begins with a name: what is read and closed before are the modules
  if ((kind === 'sync' || kind === 'read') && words[KINDS.write] + words[KINDS.name] === 0) return undefined
  const n = Atomics.add(words, KINDS[kind], 1),
    all = kind === 'read' ? -1 : Atomics.add(words, KINDS.all, 1)
  const fault = FAULTS[words[FAULT]]
  if (fault === 'kill') return all === words[AT] ? fault : undefined
  const kindOf = {
    half: 'write',
    full: 'write',
    refused: 'write',
    sync: 'sync',
    name: 'name',
    short: 'read',
    unread: 'read',
  }[fault]
  return kindOf === kind && n === words[AT] ? fault : undefined
}
const die = () => {
  process.kill(process.pid, 'SIGKILL')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const { writeSync, writevSync, writeFileSync, readSync } = fs
const bytesOf = data =>
  typeof data === 'string' ? Buffer.from(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** Writes bytes where the file stands, or what the fault lets through of them; undefined where there is none. */
function write(fd, bytes) {
  if (FAULTS[words[FAULT]] === 'full' && Atomics.compareExchange(words, REFUSED, fd, -1) === fd) {
    throw failure('ENOSPC', 'write')
  }
  const fault = meet('write')
  if (fault === undefined) return undefined
  if (fault === 'refused') throw failure('ENOSPC', 'write')
  const n = writeSync(fd, bytes, 0, Math.ceil(bytes.length / 2))
  if (fault === 'kill') die()
  if (fault === 'full') words[REFUSED] = fd
  return n
}
fs.writeSync = (fd, data, at = 0, length = data.byteLength - at, ...rest) => {
  // what is printed is no file of the run
  if (fd <= 2 || typeof data === 'string') return writeSync(fd, data, at, length, ...rest)
  return write(fd, bytesOf(data).subarray(at, at + length)) ?? writeSync(fd, data, at, length, ...rest)
}
fs.writevSync = (fd, chunks) => write(fd, Buffer.concat(chunks.map(bytesOf))) ?? writevSync(fd, chunks)
fs.writeFileSync = (path, data, options) => {
  const fault = meet('write')
  // it asks again by itself until all is there
  if (fault === undefined || fault === 'half') return writeFileSync(path, data, options)
  if (fault !== 'refused') writeFileSync(path, bytesOf(data).subarray(0, data.length >> 1), options)
  if (fault === 'kill') die()
  throw failure('ENOSPC', 'write')
}
fs.readSync = (fd, into, at, length, position) => {
  const fault = meet('read')
  if (fault === 'unread') throw failure('EIO', 'read')
  return readSync(fd, into, at, fault === 'short' ? Math.ceil(length / 2) : length, position)
}
for (const name of ['fsyncSync', 'closeSync']) {
  const work = fs[name]
  fs[name] = fd => {
    const fault = meet('sync'),
      result = work(fd)
    if (fault === 'kill') die()
    if (fault === 'sync') throw failure('EIO', name)
    return result
  }
}
for (const name of ['mkdirSync', 'renameSync', 'linkSync', 'symlinkSync', 'openSync']) {
  const work = fs[name]
  fs[name] = (...args) => {
    // of those that open only what makes a file
    const fault = name === 'openSync' && !String(args[1] ?? 'r').startsWith('w') ? undefined : meet('name')
    if (fault === 'kill') die()
    if (fault === 'name') throw failure('ENOSPC', name)
    return work(...args)
  }
}
// a run has no use for them; one that begins to must be counted here
for (const name of ['write', 'writev', 'appendFileSync', 'appendFile', 'writeFile']) {
  fs[name] = () => {
    throw new Error(`torture: fs.${name} is not among the calls that faults are injected into`)
  }
}
syncBuiltinESMExports()
