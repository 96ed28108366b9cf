/** A file from one byte on, a piece at a time: how a format reads what is held against what was hashed. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { openSource } from '../parquet/source.ts'
import { StageMistake } from '../run/given.ts'
import { isUrl } from './http_source.ts'

const CHUNK = 1 << 20
/** Of a URL more at once: each piece is a request. Undefined of a local file. */
export const farChunk = (path: string): number | undefined => (isUrl(path) ? 8 << 20 : undefined)

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

/**
 * The bytes of a file from `from` on, in order, a megabyte at a time; of a URL eight, whose content is what `identity`
 * says.
 */
export async function* readChunks(path: string, from = 0, identity?: string): AsyncGenerator<Buffer> {
  holdToInput(path)
  const file = await openSource(path, identity),
    size = farChunk(path) ?? CHUNK
  try {
    // pieces end at multiples of their size
    for (let at = from, end: number; at < file.byteLength; at = end) {
      end = Math.min(file.byteLength, at - (at % size) + size)
      yield Buffer.from(await file.slice(at, end))
    }
  } finally {
    await file.close()
  }
}
