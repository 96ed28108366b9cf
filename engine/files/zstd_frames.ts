/**
 * Zstandard frames (RFC 8878), unpacked by fzstd. The decoder holds neither the checksum of a frame nor its size: they
 * are held here, so that a flipped bit does not become other text.
 */
import { Decompress } from 'fzstd'
import xxhash from 'xxhash-wasm'

const { create64 } = await xxhash()
const MAGIC = 0xfd2fb528,
  /** Its last four bits are free. */
  SKIPPABLE = 0x184d2a5,
  CHECKSUM = 4,
  RUN = 1

/** What is damaged or cut. */
export class Damaged extends Error {}

/** The bytes that all frames stand for, a block at a time. Throws a Damaged for what is damaged or cut. */
export async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { take, isEnd } = reader(chunks)
  while (!(await isEnd())) {
    const magic = await take(4),
      kind = numberOf(magic)
    if (kind === MAGIC) yield* frame(magic, take)
    else if (kind >>> 4 === SKIPPABLE) {
      for (let left = numberOf(await take(4)); left > 0; left -= Math.min(left, 1 << 20)) {
        await take(Math.min(left, 1 << 20))
      }
    } else throw new Damaged('behind a frame is something else')
  }
}

/** What a frame stands for, whose first four bytes are read. */
async function* frame(magic: Uint8Array, take: (size: number) => Promise<Uint8Array>): AsyncGenerator<Buffer> {
  const [flags] = await take(1),
    isSingle = (flags & 32) !== 0,
    sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >>> 6],
    dictionaryBytes = [0, 1, 2, 4][flags & 3],
    rest = await take((isSingle ? 0 : 1) + dictionaryBytes + sizeBytes),
    hash = create64()
  let pieces: Uint8Array[] = [],
    length = 0
  const decoder = new Decompress(piece => pieces.push(piece))
  const unpacked = (bytes: Uint8Array[], isLast: boolean): Buffer => {
    try {
      decoder.push(Buffer.concat(bytes), isLast)
    } catch (error) {
      throw new Damaged((error as Error).message)
    }
    // the decoder uses its memory again
    const all = Buffer.concat(pieces)
    pieces = []
    return all
  }
  // it is told of no checksum, as it would wait for one that it does not look at
  let head: Uint8Array[] = [magic, Uint8Array.of(flags & ~CHECKSUM), rest]
  for (let isLast = false; !isLast; head = []) {
    const about = await take(3),
      word = numberOf(about)
    isLast = (word & 1) === 1
    const block = await take(((word >>> 1) & 3) === RUN ? 1 : word >>> 3),
      bytes = unpacked([...head, about, block], isLast)
    hash.update(bytes)
    length += bytes.length
    if (bytes.length > 0) yield bytes
  }
  // a size in two bytes begins at 256
  const said = numberOf(rest.subarray(rest.length - sizeBytes)) + (sizeBytes === 2 ? 256 : 0)
  if (sizeBytes > 0 && said !== length) throw new Damaged(`a frame of ${said} bytes becomes ${length}`)
  if ((flags & CHECKSUM) !== 0 && numberOf(await take(4)) !== Number(hash.digest() & 0xffffffffn)) {
    throw new Damaged('the checksum of a frame is not that of its bytes')
  }
}

/** Takes bytes from chunks in pieces of a size that is asked for. Throws a Damaged where there are fewer. */
function reader(chunks: AsyncIterable<Uint8Array>) {
  const more = chunks[Symbol.asyncIterator]()
  let held: Uint8Array = new Uint8Array(0)
  const isEnd = async (): Promise<boolean> => {
    while (held.length === 0) {
      const { done, value } = await more.next()
      if (done) return true
      held = value
    }
    return false
  }
  const take = async (size: number): Promise<Uint8Array> => {
    const parts: Uint8Array[] = []
    for (let left = size; left > 0;) {
      if (await isEnd()) throw new Damaged('it ends within a frame')
      const part = held.subarray(0, left)
      parts.push(part)
      left -= part.length
      held = held.subarray(part.length)
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }
  return { take, isEnd }
}

/** An unsigned number of at most eight bytes, the lowest first; beyond 2^53 about what it is. */
const numberOf = (bytes: Uint8Array): number => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0)
