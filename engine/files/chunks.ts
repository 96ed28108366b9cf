/** A local file from one byte on, a piece at a time: how a format reads what is held against what was hashed. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { open } from 'node:fs/promises'
import { StageMistake } from '../run/given.ts'
import { readBytes } from './blocks.ts'

const CHUNK = 1 << 20

const reading = new AsyncLocalStorage<string | null>()

/**
 * Does work that may read this input, or none where it is null: of any other file no key tells, and what is made of it
 * would be used again when it has changed.
 */
export const readingOnly = <T>(input: string | null, work: () => Promise<T>): Promise<T> => reading.run(input, work)

function holdToInput(path: string): void {
  const input = reading.getStore()
  // a program that is no stage reads what it likes
  if (input === undefined || input === path) return
  throw new StageMistake(
    `readChunks('${path}') asks for a file that is not read here${input === null ? '' : `, as ${input} is`}; a stage names a file in 'files' and reads it by context.file, or reads it as a table; a source reads the one that it is given`,
  )
}

/** The bytes of a file from `from` on, in order, a megabyte at a time. */
export async function* readChunks(path: string, from = 0): AsyncGenerator<Buffer> {
  holdToInput(path)
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
