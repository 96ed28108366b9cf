/** What the first bytes of a file say of it where it should be text: packed, in another encoding, or no text at all. */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Damaged, unzstd } from './zstd_frames.ts'

/** How a file is packed. */
export type Packing = 'gzip' | 'zstd'

const PACKED: readonly (readonly [Packing, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]
/** Other things that a name promises to be text, and what to do. */
const OTHERS: readonly (readonly [readonly number[], string])[] = [
  [[0x42, 0x5a, 0x68], 'is packed by bzip2; unpack it first, as by bunzip2'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'is packed by xz; unpack it first, as by unxz'],
  [[0x04, 0x22, 0x4d, 0x18], 'is packed by lz4; unpack it first, as by lz4 -d'],
  [[0x50, 0x4b, 0x03, 0x04], 'is a zip archive; unpack it first, as by unzip'],
  [[0x50, 0x41, 0x52, 0x31], 'is a Parquet file; read it by read_parquet'],
  [
    [0x46, 0x45, 0x41, 0x31],
    'is Feather of version 1; write it as version 2, as by pyarrow.feather: write_feather(read_table(old), new)',
  ],
  [[0x41, 0x52, 0x52, 0x4f, 0x57, 0x31], 'is an Arrow file; read it by read_arrow'],
  [[0xff, 0xfe], 'is UTF-16; make it UTF-8, as by iconv -f utf-16 -t utf-8'],
  [[0xfe, 0xff], 'is UTF-16; make it UTF-8, as by iconv -f utf-16 -t utf-8'],
  [[0x7b, 0x00], 'is UTF-16; make it UTF-8, as by iconv -f utf-16le -t utf-8'],
  [[0x00, 0x7b], 'is UTF-16; make it UTF-8, as by iconv -f utf-16be -t utf-8'],
  [[0x1e], 'parts its values by the control character 1e; write it without, as by jq -c (and no --seq)'],
]

const beginsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  bytes.length >= magic.length && magic.every((byte, i) => bytes[i] === byte)

/** How a file with these first bytes is packed, undefined for text. Throws one line for what is no text at all. */
export function packingOf(head: Uint8Array): Packing | undefined {
  const other = OTHERS.find(([magic]) => beginsWith(head, magic))
  if (other) throw new Error(other[1])
  // what pzstd writes begins with a frame to be skipped, whose last four bits are free
  const isSkippable = head.length > 3 && (head[0] & 0xf0) === 0x50 && beginsWith(head.subarray(1), [0x2a, 0x4d, 0x18])
  return isSkippable ? 'zstd' : PACKED.find(([, magic]) => beginsWith(head, magic))?.[0]
}

/**
 * What a file with these first bytes is, where it should be Parquet or Arrow, and what to do; undefined where they tell
 * nothing.
 */
export function kindOf(head: Uint8Array): string | undefined {
  const packed = PACKED.find(([, magic]) => beginsWith(head, magic))?.[0]
  if (packed) {
    return `is packed by ${packed}; unpack it first, as by ${packed} -d (JSON Lines are read packed, by a name that ends in .jsonl.gz or .jsonl.zst)`
  }
  // two bytes may be a length
  return OTHERS.find(([magic]) => magic.length > 2 && beginsWith(head, magic))?.[1]
}

/** The bytes that packed ones stand for, a piece at a time. Throws one line for what is damaged or cut. */
export async function* unpack(packing: Packing, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  try {
    yield* packing === 'gzip' ? gunzip(chunks) : unzstd(chunks)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // about the file itself, not about what is in it
    if (!String(code).startsWith('Z_') && !(error instanceof Damaged)) throw error
    throw new Error(`cannot be unpacked as ${packing} (${message}); fetch or write it again`, { cause: error })
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const out = createGunzip({ chunkSize: 1 << 20 })
  let given = 0
  async function* counted() {
    for await (const chunk of chunks) {
      given += chunk.length
      yield chunk
    }
  }
  pipeline(Readable.from(counted()), out, () => undefined)
  for await (const piece of out) yield piece as Buffer
  // zlib stops at a zero where a member may begin: what a crash left may be the place of one
  const left = given - out.bytesWritten
  if (left > 0) throw new Damaged(`behind its end are ${left} bytes that begin with zero, and no part of it`)
}
