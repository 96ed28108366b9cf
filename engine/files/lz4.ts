/** LZ4 as Arrow and Hadoop frame it; blocks may look back into those before them, which no package here can read. */

/** Decodes one block to the end of `from`, on into `out` at a place; returns the place behind what was written. */
export function unpackLz4(from: Uint8Array, out: Uint8Array, start: number): number {
  let at = 0,
    to = start
  const more = (nibble: number): number => {
    let length = nibble
    if (nibble === 15) for (let byte = 255; byte === 255; length += byte) byte = from[at++] ?? bad('it is cut')
    return length
  }
  while (at < from.length) {
    const token = from[at++],
      literals = more(token >> 4)
    if (at + literals > from.length) bad('it is cut')
    if (to + literals > out.length) bad(`it becomes more than ${out.length} bytes`)
    out.set(from.subarray(at, at + literals), to)
    at += literals
    to += literals
    // the last sequence has no match
    if (at === from.length) break
    const back = from[at++] | ((from[at++] ?? bad('it is cut')) << 8),
      length = more(token & 15) + 4
    if (back === 0 || back > to) bad(`it looks back ${back} bytes at byte ${to}`)
    if (to + length > out.length) bad(`it becomes more than ${out.length} bytes`)
    if (back >= length) out.copyWithin(to, to - back, to - back + length)
    else for (let i = to; i < to + length; i++) out[i] = out[i - back]
    to += length
  }
  return to
}

function bad(why: string): never {
  throw new Error(`an LZ4 block is damaged: ${why}`)
}

const MAGIC = 0x184d2204

/** Decodes a frame that becomes `size` bytes. Sums of its blocks and of its content are not looked at. */
export function unpackLz4Frame(bytes: Uint8Array, size: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 11 || view.getUint32(0, true) !== MAGIC) bad('it begins as no frame')
  const flags = bytes[4],
    hasSums = (flags & 0x10) !== 0,
    out = new Uint8Array(size)
  if (flags >> 6 !== 1 || (flags & 1) !== 0) bad(`its frame is of another kind (${flags})`)
  let at = (flags & 8) !== 0 ? 15 : 7,
    to = 0
  for (;;) {
    if (at + 4 > bytes.length) bad('it is cut')
    const word = view.getUint32(at, true),
      length = word & 0x7fffffff,
      end = at + 4 + length
    at += 4
    if (word === 0) break
    if (end > bytes.length) bad('it is cut')
    const block = bytes.subarray(at, end)
    if (word >>> 31 === 0) to = unpackLz4(block, out, to)
    else {
      if (to + length > size) bad(`it becomes more than ${size} bytes`)
      out.set(block, to)
      to += length
    }
    at = end + (hasSums ? 4 : 0)
  }
  if (to !== size) bad(`it becomes ${to} bytes, not ${size}`)
  return out
}

/**
 * Decodes what Hadoop writes: the bytes that a part becomes, then its chunks, each behind its length. Undefined where
 * the bytes are no such thing.
 */
export function unpackLz4Hadoop(bytes: Uint8Array, size: number): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    out = new Uint8Array(size)
  let at = 0,
    to = 0
  try {
    while (at + 4 <= bytes.length) {
      const end = to + view.getUint32(at)
      at += 4
      if (end > size) return undefined
      while (to < end) {
        if (at + 4 > bytes.length) return undefined
        const next = at + 4 + view.getUint32(at)
        if (next > bytes.length || next === at + 4) return undefined
        to = unpackLz4(bytes.subarray(at + 4, next), out.subarray(0, end), to)
        at = next
      }
    }
  } catch {
    return undefined
  }
  return at === bytes.length && to === size ? out : undefined
}
