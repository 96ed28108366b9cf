/** A local file from one byte on, a piece at a time: how a format reads what is held against what was hashed. */
import { open } from 'node:fs/promises'
import { readBytes } from './blocks.ts'

const CHUNK = 1 << 20

/** The bytes of a file from `from` on, in order, a megabyte at a time. */
export async function* readChunks(path: string, from = 0): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r')
  try {
    const file = { path, bytes: (await handle.stat()).size, handle }
    // pieces end at multiples of their size
    for (let at = from, end: number; at < file.bytes; at = end) {
      end = Math.min(file.bytes, at - (at % CHUNK) + CHUNK)
      yield await readBytes(file, at, end)
    }
  } finally {
    await handle.close()
  }
}
