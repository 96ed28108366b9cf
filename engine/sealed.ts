/**
 * Files that carry their own checksum, xxHash64, at their end: what a run leaves for the next one. It is over their
 * bytes and their place, so that a file that was damaged, cut off or put where another belongs is told from a whole
 * one.
 */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import xxhash from 'xxhash-wasm'
import { openOut, readAll, type Out } from './io.ts'
import { IoError } from './errors.ts'

const { create64 } = await xxhash()
const SEAL_BYTES = 8,
  CHUNK_BYTES = 1 << 20

interface Sum {
  add(bytes: Uint8Array): void
  seal(): Uint8Array
}

/** Of a file's own name and its folder's up to the first dot: while it is made, a folder has more behind it. */
const placeSum = (path: string): bigint =>
  create64()
    .update(`${basename(dirname(path)).split('.')[0]}/${basename(path)}`)
    .digest()

/** The checksum of the bytes, crossed with that of the place: so that each can be told from the other. */
function sumFor(path: string): Sum {
  const hash = create64()
  return {
    // in pieces: what comes at once stays as large in the memory of the WebAssembly
    add(bytes) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) hash.update(bytes.subarray(at, at + CHUNK_BYTES))
    },
    seal() {
      const bytes = new Uint8Array(SEAL_BYTES)
      new DataView(bytes.buffer).setBigUint64(0, hash.digest() ^ placeSum(path))
      return bytes
    },
  }
}

/** The seal of a file of these bytes. */
export function sealOf(path: string, bytes: Uint8Array): Uint8Array {
  const sum = sumFor(path)
  sum.add(bytes)
  return sum.seal()
}

/** A file that is sealed when it is closed. The sum is of what was to be written, not of what the disk has. */
export function openSealed(path: string): Out {
  const out = openOut(path),
    sum = sumFor(path)
  return {
    write(...chunks) {
      out.write(...chunks)
      for (const chunk of chunks) sum.add(chunk)
    },
    close() {
      try {
        out.write(sum.seal())
      } finally {
        out.close()
      }
    },
  }
}

/** The checksum of a sealed file's bytes wherever it lies, by its seal. */
export function checksumIn(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const seal = new Uint8Array(SEAL_BYTES)
    readAll(fd, seal, fstatSync(fd).size - SEAL_BYTES, path)
    return (new DataView(seal.buffer).getBigUint64(0) ^ placeSum(path)).toString(16)
  } finally {
    closeSync(fd)
  }
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** What a sealed file holds. Throws an IoError where its seal is not its own. */
export function unseal(path: string, file: Uint8Array): Uint8Array {
  const bytes = file.subarray(0, Math.max(0, file.length - SEAL_BYTES))
  if (isEqual(sealOf(path, bytes), file.subarray(bytes.length))) return bytes
  throw new IoError(`${path} is damaged: its checksum is not that of its bytes`)
}

/**
 * Why a sealed file cannot be used; undefined when it is whole. An error that is about more than this file is thrown.
 */
export function damageOf(path: string): string | undefined {
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const size = fstatSync(fd).size - SEAL_BYTES,
      sum = sumFor(path),
      chunk = new Uint8Array(Math.max(0, Math.min(size, CHUNK_BYTES))),
      seal = new Uint8Array(SEAL_BYTES)
    if (size < 0) return `${path} was cut off`
    for (let at = 0; at < size; at += chunk.length) {
      const part = chunk.subarray(0, size - at)
      readAll(fd, part, at, path)
      sum.add(part)
    }
    readAll(fd, seal, size, path)
    return isEqual(sum.seal(), seal) ? undefined : `${path} is damaged`
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    if (code === 'ENOENT') return `${path} is missing`
    if (code === 'EISDIR' || code === 'ENOTDIR') return `${path} is not the file that was written`
    if (code === 'EIO' || error instanceof IoError) return `${path} cannot be read (${message})`
    throw error
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
