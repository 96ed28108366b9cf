/**
 * Whether compressed bytes can become as many as a page header says, told before memory is taken for those. Snappy and
 * zstd say it themselves and must agree, the blocks of LZ4 are walked (its decoder does not say how much it wrote),
 * zstd's too (a frame may say anything). gzip and brotli are decompressed piece by piece, with the size as their limit.
 */
export function checkGrowth(codec: string, bytes: Uint8Array, size: number): void {
  if (!(size >= 0)) throw new Error(`a page of ${size} bytes`)
  const found = MEASURES[codec]?.(bytes, size) ?? size
  if (found !== size) throw new Error(`its ${bytes.length} bytes become ${found}, the page header says ${size}`)
}

/** Three bytes of snappy, a copy of up to 64, are what grows most. */
const SNAPPY_GROWTH = 64 / 3
const MAGIC = 0xfd2fb528,
  ZSTD_BLOCK = 1 << 17

/** What the bytes become; where that is not known, the size that is asked for, unless it cannot be reached. */
const MEASURES: Readonly<Record<string, (bytes: Uint8Array, size: number) => number>> = {
  UNCOMPRESSED: bytes => bytes.length,
  SNAPPY(bytes) {
    let stated = 0
    for (let i = 0; i < 5 && i < bytes.length; i++) {
      stated += (bytes[i] & 127) * 128 ** i
      if (bytes[i] < 128) break
    }
    return Math.min(stated, Math.floor(bytes.length * SNAPPY_GROWTH))
  },
  LZ4_RAW: bytes => sizeOfLz4(bytes, 0, bytes.length),
  // frames as Hadoop writes them, or one block
  LZ4: (bytes, size) => (sizeOfHadoop(bytes) === size ? size : sizeOfLz4(bytes, 0, bytes.length)),
  ZSTD: sizeOfZstd,
}

/** Of parts, each with the bytes that it becomes, in chunks of which each has its length. */
function sizeOfHadoop(bytes: Uint8Array): number | undefined {
  const view = viewOf(bytes)
  let size = 0,
    at = 0
  while (at + 8 <= bytes.length) {
    const plain = view.getUint32(at)
    let part = 0
    at += 4
    while (part < plain) {
      if (at + 4 > bytes.length) return undefined
      const end = at + 4 + view.getUint32(at),
        chunk = end > bytes.length ? -1 : sizeOfLz4(bytes, at + 4, end)
      if (chunk <= 0) return undefined
      part += chunk
      at = end
    }
    if (part !== plain) return undefined
    size += plain
  }
  return at === bytes.length ? size : undefined
}

function sizeOfLz4(bytes: Uint8Array, from: number, end: number): number {
  let at = from,
    size = 0
  const length = (nibble: number): number => {
    let value = nibble
    if (nibble === 15) for (let byte = 255; byte === 255 && at < end;) value += byte = bytes[at++]
    return value
  }
  while (at < end) {
    const token = bytes[at++],
      literals = length(token >> 4)
    size += literals
    at += literals
    // the last sequence has no match
    if (at >= end) break
    at += 2
    size += length(token & 15) + 4
  }
  return at === end ? size : -1
}

/** What the frames say that they become; of those that do not say it, no more than their blocks can. */
function sizeOfZstd(bytes: Uint8Array, size: number): number {
  const view = viewOf(bytes)
  let at = 0,
    stated: number | undefined = 0,
    most = 0
  while (at < bytes.length) {
    if (view.getUint32(at, true) !== MAGIC) throw new Error(`no frame at byte ${at}`)
    const head = bytes[at + 4],
      isSingle = (head & 32) !== 0,
      kind = head >> 6
    at += 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][head & 3]
    const content =
      kind === 0
        ? isSingle
          ? bytes[at]
          : undefined
        : kind === 1
          ? view.getUint16(at, true) + 256
          : kind === 2
            ? view.getUint32(at, true)
            : Number(view.getBigUint64(at, true))
    stated = stated === undefined || content === undefined ? undefined : stated + content
    at += kind === 0 ? (isSingle ? 1 : 0) : 1 << kind
    for (let isLast = false; !isLast;) {
      if (at + 3 > bytes.length) throw new Error(`a block is cut at byte ${at}`)
      const block = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16),
        length = block >> 3,
        type = (block >> 1) & 3
      isLast = (block & 1) === 1
      // raw, one byte again and again, or compressed
      most += type === 2 ? ZSTD_BLOCK : Math.min(length, ZSTD_BLOCK)
      at += 3 + (type === 1 ? 1 : length)
    }
    at += head & 4
  }
  if (at !== bytes.length) throw new Error(`its ${bytes.length} bytes are cut`)
  return Math.min(stated ?? size, most)
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
