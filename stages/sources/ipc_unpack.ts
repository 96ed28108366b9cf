/** Messages of Arrow IPC whose buffers are compressed, as the same ones whose buffers are not. */
import { Message, MessageHeader } from 'apache-arrow'
import { BufferRegion, DictionaryBatch, RecordBatch } from 'apache-arrow/ipc/metadata/message'
import { endToEnd } from '../../engine/arrow/end_to_end.ts'
import { unpackLz4Frame } from '../../engine/files/lz4.ts'
import { checkGrowth } from '../../engine/parquet/growth.ts'
import { unpackZstd } from '../../engine/parquet/zstd.ts'

/** Before each buffer: the bytes that it becomes, or -1 where it was left as it is. */
const PREFIX = 8
/** What a byte of LZ4 becomes at most. */
const LZ4_GROWTH = 255

const UNPACK: readonly ((bytes: Uint8Array, size: number) => Uint8Array)[] = [
  (bytes, size) => {
    if (size > bytes.length * LZ4_GROWTH) throw new Error(`${bytes.length} bytes of LZ4 cannot become ${size}`)
    return unpackLz4Frame(bytes, size)
  },
  (bytes, size) => {
    checkGrowth('ZSTD', bytes, size)
    return unpackZstd(bytes, size)
  },
]

/** Throws for a compression that is none of those that Arrow has. */
export function isPacked({ compression }: RecordBatch): boolean {
  if (!compression) return false
  if (UNPACK[compression.type]) return true
  throw new Error(`its buffers are compressed in an unknown way (${compression.type}); write it with lz4 or zstd`)
}

/** `bytes`: a whole message, with its length before it and its body behind; `at`: where it lies, for errors. */
export function unpackMessage(bytes: Uint8Array, at: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    isMarked = view.getInt32(0, true) === -1,
    from = isMarked ? 8 : 4,
    length = view.getInt32(isMarked ? 4 : 0, true),
    message = Message.decode(bytes.subarray(from, from + length)),
    header = message.header() as RecordBatch | DictionaryBatch,
    batch = header instanceof DictionaryBatch ? header.data : header
  if (!isPacked(batch)) return bytes
  const body = bytes.subarray(from + length),
    unpack = UNPACK[batch.compression!.type],
    parts: Uint8Array[] = [],
    regions: BufferRegion[] = []
  let size = 0
  for (const { offset, length } of batch.buffers) {
    const part = unpackBuffer(body.subarray(offset, offset + length), unpack, at)
    regions.push(new BufferRegion(size, part.length))
    const padding = -part.length & 7
    parts.push(part, new Uint8Array(padding))
    size += part.length + padding
  }
  const plain = new RecordBatch(batch.length, batch.nodes, regions, null, batch.variadicBufferCounts)
  return endToEnd(Uint8Array, [
    head(
      header instanceof DictionaryBatch
        ? new Message(
            size,
            message.version,
            MessageHeader.DictionaryBatch,
            new DictionaryBatch(plain, header.id, header.isDelta),
          )
        : new Message(size, message.version, MessageHeader.RecordBatch, plain),
    ),
    ...parts,
  ])
}

function unpackBuffer(bytes: Uint8Array, unpack: (typeof UNPACK)[number], at: number): Uint8Array {
  if (bytes.length === 0) return bytes
  try {
    if (bytes.length < PREFIX) throw new Error(`${bytes.length} bytes`)
    const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true)),
      packed = bytes.subarray(PREFIX)
    if (size === -1) return packed
    if (!(size >= 0)) throw new Error(`${size} bytes`)
    return size === 0 ? new Uint8Array(0) : unpack(packed, size)
  } catch (error) {
    const why = (error as Error).message
    throw new Error(`has a damaged buffer in the message at byte ${at}: ${why}; fetch or write it again`, {
      cause: error,
    })
  }
}

/** The metadata of a message with the mark and its length before it, to a multiple of 8 bytes. */
function head(message: Message): Uint8Array {
  const metadata = Message.encode(message),
    out = new Uint8Array(8 + Math.ceil(metadata.length / 8) * 8),
    view = new DataView(out.buffer)
  view.setInt32(0, -1, true)
  view.setInt32(4, out.length - 8, true)
  out.set(metadata, 8)
  return out
}
