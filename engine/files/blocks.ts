/**
 * Inputs are read several times: when they are opened, for their hash, and for their rows. That all see the same bytes
 * is held by checksums of whole blocks, as size and times stay where a program writes through a mapping of the file, or
 * a disk gives other bytes.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import xxhash from 'xxhash-wasm'
import { changedInput } from '../run/files.ts'

const { h64Raw } = await xxhash()
const BLOCK = 1 << 16

/** The checksum of each block of a file, 0 where it was not read yet; in memory that all threads see. */
export type Blocks = BigUint64Array
const emptyBlocks = (bytes: number): Blocks => new BigUint64Array(new SharedArrayBuffer(8 * Math.ceil(bytes / BLOCK)))

const opening = new AsyncLocalStorage<Map<string, Blocks>>(),
  held = new Map<string, Blocks>()

/** Opens inputs; what is read of files on the way, by their paths, enters `blocks`. */
export const openingInputs = <T>(blocks: Map<string, Blocks>, open: () => Promise<T>): Promise<T> =>
  opening.run(blocks, open)

/** From now on this thread holds what it reads of a file against these. */
export function holdInput(path: string, blocks: Blocks): void {
  held.set(path, blocks)
}

function blocksOf(path: string, bytes: number): Blocks | undefined {
  const opened = opening.getStore()
  if (!opened) return held.get(path)
  if (!opened.has(path)) opened.set(path, emptyBlocks(bytes))
  return opened.get(path)
}

/** Holds whole blocks, from byte `at` on, against what was read of them before. */
function check(blocks: Blocks, path: string, at: number, bytes: Uint8Array): void {
  for (let from = 0, b = at / BLOCK; from < bytes.length; from += BLOCK, b++) {
    const sum = h64Raw(bytes.subarray(from, from + BLOCK))
    if (blocks[b] === 0n) blocks[b] = sum
    else if (blocks[b] !== sum) throw changedInput(path)
  }
}

/** Takes all bytes of a file in order, as they are read for its hash. */
export function holdWhole(path: string): { take(chunk: Buffer): void; end(): void } {
  const blocks = held.get(path)
  let at = 0,
    left: Buffer = Buffer.alloc(0)
  return {
    take(chunk) {
      if (!blocks) return
      const bytes = left.length > 0 ? Buffer.concat([left, chunk]) : chunk,
        whole = bytes.length - (bytes.length % BLOCK)
      check(blocks, path, at, bytes.subarray(0, whole))
      at += whole
      left = bytes.subarray(whole)
    },
    end() {
      if (blocks) check(blocks, path, at, left)
    },
  }
}

/** A local file, and its size when it was opened. */
interface LocalFile {
  readonly path: string
  readonly bytes: number
}

/** What is read for the bytes [start, end): where the file is held, whole blocks. */
function rangeOf(blocks: Blocks | undefined, { bytes }: LocalFile, start: number, end: number): [number, number] {
  return blocks ? [start - (start % BLOCK), Math.min(bytes, Math.ceil(end / BLOCK) * BLOCK)] : [start, end]
}
const cut = (at: number, end: number): Error =>
  new Error(`ends at byte ${at}, ${end} expected: it changed while it was read`)

/** The bytes [start, end) of a file, all of them; held against what was read of it before, if it is an input. */
export async function readBytes(
  file: LocalFile & { readonly handle: FileHandle },
  start: number,
  end: number,
): Promise<Buffer<ArrayBuffer>> {
  const blocks = blocksOf(file.path, file.bytes),
    [from, to] = rangeOf(blocks, file, start, end),
    into = Buffer.allocUnsafeSlow(to - from)
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await file.handle.read(into, at, into.length - at, from + at)
    if (bytesRead === 0) throw cut(from + at, end)
    at += bytesRead
  }
  if (blocks) check(blocks, file.path, from, into)
  return into.subarray(start - from, end - from)
}

/** The same at once. */
export function readBytesSync(file: LocalFile & { readonly fd: number }, start: number, end: number): Buffer {
  const blocks = blocksOf(file.path, file.bytes),
    [from, to] = rangeOf(blocks, file, start, end),
    into = Buffer.allocUnsafeSlow(to - from)
  for (let at = 0; at < into.length;) {
    const n = readSync(file.fd, into, at, into.length - at, from + at)
    if (n === 0) throw cut(from + at, end)
    at += n
  }
  if (blocks) check(blocks, file.path, from, into)
  return into.subarray(start - from, end - from)
}
