/** Where the bytes of a file come from, on the disk or behind a URL, and a window on them. */
import { open } from 'node:fs/promises'
import type { ByteSource } from './byte_source.ts'
import { isUrl, openHttpSource } from '../files/http_source.ts'
import { IoError, isIoFault } from '../errors.ts'
import { readBytes } from '../files/blocks.ts'

/** Whether a file could not be opened or read, whatever is in it: a failing disk, a share that is gone. */
export function isReadFault(error: unknown): boolean {
  const { syscall = '', code } = (error ?? {}) as { syscall?: string; code?: string }
  return syscall === 'read' || (['open', 'stat', 'fstat'].includes(syscall) && isIoFault(code))
}
/** The same error with the file's name. */
export const readFault = (path: string, error: Error): IoError =>
  new IoError(`${path}: cannot be read (${error.message}); look at the disk or the share that it lies on`, {
    cause: error,
  })

/** Opens a path or a URL. `identity` is of URLs: see openHttpSource. */
export const openSource = (path: string, identity?: string): Promise<ByteSource & { readonly identity?: string }> =>
  isUrl(path) ? openHttpSource(path, identity) : openFileSource(path)

/**
 * Opens a file as a ByteSource. Rejects as node:fs does (ENOENT, EACCES, …); a read past the end of a file that shrank
 * rejects too.
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, 'r')
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new Error('is not a file')
    return {
      byteLength: stat.size,
      async slice(start, end) {
        const bytes = await readBytes({ path, bytes: stat.size, handle }, start, end)
        const { buffer, byteOffset: at, length } = bytes
        return length === buffer.byteLength ? buffer : buffer.slice(at, at + length)
      },
      close: () => handle.close(),
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** A forward-moving view on [start, end) of a source that keeps one window of bytes in memory. */
export class Window {
  readonly #source: ByteSource
  readonly #end: number
  readonly #size: number
  #bytes: Uint8Array
  #at: number

  /** `bytes`, when given, are already read and begin at position `at` of the source */
  constructor(source: ByteSource, end: number, size: number, bytes = new Uint8Array(0), at = 0) {
    this.#source = source
    this.#end = end
    this.#size = size
    this.#bytes = bytes
    this.#at = at
  }

  /**
   * at least `least` bytes from `position` on, or all up to the end where fewer are left; reads a window where they are
   * not at hand
   */
  async from(position: number, least: number): Promise<Uint8Array> {
    const wanted = Math.min(position + least, this.#end)
    const have = this.#at + this.#bytes.length
    if (position < this.#at || wanted > have) {
      const tail =
        position >= this.#at && position < have ? this.#bytes.subarray(position - this.#at) : new Uint8Array(0)
      const upTo = Math.min(this.#end, Math.max(wanted, position + this.#size))
      const fresh = new Uint8Array(await this.#source.slice(position + tail.length, upTo))
      this.#bytes = fresh
      if (tail.length > 0) {
        this.#bytes = new Uint8Array(tail.length + fresh.length)
        this.#bytes.set(tail)
        this.#bytes.set(fresh, tail.length)
      }
      this.#at = position
    }
    return this.#bytes.subarray(position - this.#at, Math.max(0, this.#end - this.#at))
  }
}
