/** Reads and writes that do all that was asked or throw: the system may take part of it, as a disk that fills does. */
import { closeSync, openSync, readSync, writeSync, writevSync } from 'node:fs'
import { IoError } from './errors.ts'

/**
 * Writes all bytes of the chunks, in order, where the file stands. Throws the system's error (ENOSPC, EIO …); what was
 * written until then stays.
 */
export function writeAll(fd: number, ...chunks: readonly Uint8Array[]): void {
  const size = chunks.reduce((n, { length }) => n + length, 0)
  let skip = chunks.length > 1 ? writevSync(fd, chunks) : 0
  if (skip === size) return
  for (const chunk of chunks) {
    for (let at = Math.min(skip, chunk.length); at < chunk.length;) {
      const taken = writeSync(fd, chunk, at, chunk.length - at)
      // nothing taken and no error: to ask again might never end
      if (taken === 0) {
        throw Object.assign(new Error(`EIO: ${chunk.length - at} bytes were not written`), { code: 'EIO' })
      }
      at += taken
    }
    skip = Math.max(0, skip - chunk.length)
  }
}

/** A file that is written from its beginning. */
export interface Out {
  write(...chunks: readonly Uint8Array[]): void
  close(): void
}

export function openOut(path: string): Out {
  const fd = openSync(path, 'w')
  return {
    write: (...chunks) => {
      writeAll(fd, ...chunks)
    },
    close: () => {
      closeSync(fd)
    },
  }
}

/**
 * Fills `into` with the bytes of a file from `position` on. `name` is the file in the error of one that ends before.
 */
export function readAll(fd: number, into: Uint8Array, position: number, name: string): void {
  for (let at = 0; at < into.length;) {
    const n = readSync(fd, into, at, into.length - at, position + at)
    if (n === 0) {
      throw new IoError(`${name}: ends at byte ${position + at}, ${into.length - at} bytes short: it was cut off`)
    }
    at += n
  }
}
