/** `--input -`: standard input, kept as a file of the output: inputs are read several times, and runs go on. */
import { createHash } from 'node:crypto'
import { createWriteStream, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EXIT, NoInputError, SluiceError } from '../engine/errors.ts'
import { packingOf } from '../engine/files/packed.ts'

/** Bytes that tell what it is. */
const HEAD = 1 << 16

/**
 * The inputs with a file in place of `-`, in `.sluice/input` of the output: named by its content, so that the same
 * again is the same input, and by what it is, JSON Lines (also packed) or CSV. Throws where it is neither, or empty.
 */
export async function withStdin(
  input: readonly string[] | undefined,
  output: string,
  stdin: Readable & { readonly isTTY?: boolean } = process.stdin,
): Promise<readonly string[] | undefined> {
  if (!input?.includes('-')) return input
  const wrong = (why: string) => new SluiceError(`--input - ${why}`, EXIT.usage)
  if (input.filter(path => path === '-').length > 1) throw wrong('is standard input, and is named twice')
  if (stdin.isTTY) {
    throw wrong('reads standard input, and nothing is piped into it; as in: zcat a.jsonl.gz | sluice run …')
  }
  const folder = join(output, '.sluice', 'input'),
    part = join(folder, `${process.pid}.part`),
    hash = createHash('sha256'),
    first: Buffer[] = []
  let bytes = 0
  async function* seen() {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      if (bytes < HEAD) first.push(chunk)
      bytes += chunk.length
      hash.update(chunk)
      yield chunk
    }
  }
  mkdirSync(folder, { recursive: true })
  try {
    await pipeline(Readable.from(seen()), createWriteStream(part))
    if (bytes === 0) throw new NoInputError('--input - reads standard input, and nothing came')
    const file = join(folder, `${hash.digest('hex').slice(0, 32)}${endingOf(Buffer.concat(first), wrong)}`)
    renameSync(part, file)
    return input.map(path => (path === '-' ? file : path))
  } finally {
    rmSync(part, { force: true })
  }
}

/** Lines that begin as JSON does, or the header of a table. */
function endingOf(head: Buffer, wrong: (why: string) => Error): string {
  let packing: ReturnType<typeof packingOf>
  try {
    packing = packingOf(head)
  } catch (error) {
    throw wrong(`takes JSON Lines or CSV, and what came ${(error as Error).message}; or name it as a file`)
  }
  if (packing) return packing === 'gzip' ? '.jsonl.gz' : '.jsonl.zst'
  const [line] = head.toString('utf8').replace(/^\ufeff/, '').trimStart().split('\n') // prettier-ignore
  return /^[[{]/.test(line) ? '.jsonl' : line.includes('\t') ? '.tsv' : '.csv'
}
