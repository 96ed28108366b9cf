/** Decodes the values and levels of pages. */
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
import { readVarInt } from 'hyparquet/src/thrift.js'

/**
 * Decoded values of a page or dictionary, nulls left out. Fixed width: value i is bytes [i * width, (i + 1) * width)
 * and `starts`, `ends` are undefined. Byte arrays: value i is bytes [starts[i], ends[i]). Booleans are one byte each.
 */
export interface Values {
  readonly count: number
  readonly bytes: Uint8Array
  readonly starts?: Int32Array
  readonly ends?: Int32Array
}

/** Bytes a value of a physical type takes once decoded; 0 for byte arrays. */
export function physicalWidth(type: string, typeLength: number | undefined): number {
  const widths: Record<string, number> = {
    BOOLEAN: 1,
    INT32: 4,
    INT64: 8,
    INT96: 12,
    FLOAT: 4,
    DOUBLE: 8,
    BYTE_ARRAY: 0,
  }
  return widths[type] ?? typeLength ?? 0
}

/**
 * Decodes `count` values of a data page body (levels already taken off). `width` as of physicalWidth; `dictionary` is
 * the chunk's, where it has one. May return views on `page`. Throws for an unknown encoding, a missing dictionary, an
 * index beyond it, or a page that is too short.
 */
export function decodeValues(
  encoding: string | undefined,
  type: string,
  width: number,
  page: Uint8Array,
  count: number,
  dictionary?: Values,
): Values {
  if (count === 0) {
    return width === 0
      ? { count, bytes: page, starts: new Int32Array(0), ends: new Int32Array(0) }
      : { count, bytes: new Uint8Array(0) }
  }
  switch (encoding) {
    case 'PLAIN':
      return decodePlain(type, width, page, count)
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY':
      return decodeIndices(width, page, count, dictionary)
    case 'RLE': {
      if (type !== 'BOOLEAN') break
      const bytes = new Uint8Array(count)
      decodeHybrid(page, 4, 4 + lengthAt(page, 0), 1, bytes)
      return { count, bytes }
    }
    case 'DELTA_BINARY_PACKED': {
      const numbers = type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count)
      unpackDelta({ view: viewOf(page), offset: 0 }, count, numbers)
      return { count, bytes: new Uint8Array(numbers.buffer) }
    }
    case 'DELTA_LENGTH_BYTE_ARRAY':
      return decodeDeltaLength(page, 0, count)
    case 'DELTA_BYTE_ARRAY':
      return decodeDeltaBytes(width, page, count)
    case 'BYTE_STREAM_SPLIT': {
      need(page, count * width)
      const bytes = new Uint8Array(count * width)
      for (let b = 0; b < width; b++) {
        for (let i = 0, from = b * count; i < count; i++) bytes[i * width + b] = page[from + i]
      }
      return { count, bytes }
    }
  }
  throw new Error(`encoding ${encoding ?? 'of a number that no encoding has,'} of ${type} is unknown here`)
}

/** Decodes `count` PLAIN values (the encoding of dictionary pages too); parameters and errors as decodeValues. */
export function decodePlain(type: string, width: number, page: Uint8Array, count: number): Values {
  if (type === 'BOOLEAN') {
    need(page, (count + 7) >> 3)
    const bytes = new Uint8Array(count)
    for (let i = 0; i < count; i++) bytes[i] = (page[i >> 3] >> (i & 7)) & 1
    return { count, bytes }
  }
  if (width > 0) {
    need(page, count * width)
    return { count, bytes: page.subarray(0, count * width) }
  }
  need(page, count * 4)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    const start = at + 4
    const end = start + lengthAt(page, at)
    if (end > page.length) throw new Error(`value ${i} of ${count} ends at byte ${end} of a page of ${page.length}`)
    starts[i] = start
    ends[i] = at = end
  }
  return { count, bytes: page, starts, ends }
}

function decodeIndices(width: number, page: Uint8Array, count: number, dictionary: Values | undefined): Values {
  if (!dictionary) throw new Error('a dictionary-encoded page comes before any dictionary')
  const indices = new Int32Array(count)
  if (page[0] > 0) decodeHybrid(page, 1, page.length, page[0], indices)
  const size = dictionary.count
  for (let i = 0; i < count; i++) {
    if (indices[i] < 0 || indices[i] >= size) throw new Error(`index ${indices[i]} in a dictionary of ${size} values`)
  }
  const { starts: from, ends: to, bytes: source } = dictionary
  if (from && to) {
    const starts = new Int32Array(count)
    const ends = indices
    for (let i = 0; i < count; i++) {
      const index = indices[i]
      starts[i] = from[index]
      ends[i] = to[index]
    }
    return { count, bytes: source, starts, ends }
  }
  const bytes = new Uint8Array(fit(count * width))
  for (let i = 0, out = 0; i < count; i++) {
    for (let b = 0, at = indices[i] * width; b < width; b++) bytes[out++] = source[at++]
  }
  return { count, bytes }
}

function decodeDeltaLength(page: Uint8Array, offset: number, count: number): Values {
  const reader = { view: viewOf(page), offset }
  const ends = new Int32Array(count)
  unpackDelta(reader, count, ends)
  const starts = new Int32Array(count)
  let at = reader.offset
  for (let i = 0; i < count; i++) {
    if (ends[i] < 0 || at + ends[i] > page.length) {
      throw new Error(`value ${i} of ${count} has length ${ends[i]} with ${page.length - at} bytes left`)
    }
    starts[i] = at
    ends[i] = at += ends[i]
  }
  return { count, bytes: page, starts, ends }
}

function decodeDeltaBytes(width: number, page: Uint8Array, count: number): Values {
  const reader = { view: viewOf(page), offset: 0 }
  const prefixes = new Int32Array(count)
  unpackDelta(reader, count, prefixes)
  const suffixes = decodeDeltaLength(page, reader.offset, count)
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  let size = 0
  for (let i = 0; i < count; i++) {
    const suffix = suffixes.ends![i] - suffixes.starts![i]
    if (prefixes[i] < 0 || prefixes[i] > (i === 0 ? 0 : ends[i - 1] - starts[i - 1])) {
      throw new Error(`value ${i} repeats more of the value before than it has`)
    }
    starts[i] = size
    ends[i] = size += prefixes[i] + suffix
  }
  const bytes = new Uint8Array(fit(size))
  for (let i = 0; i < count; i++) {
    if (prefixes[i] > 0) bytes.copyWithin(starts[i], starts[i - 1], starts[i - 1] + prefixes[i])
    bytes.set(page.subarray(suffixes.starts![i], suffixes.ends![i]), starts[i] + prefixes[i])
  }
  if (width === 0) return { count, bytes, starts, ends }
  need(bytes, count * width)
  return { count, bytes }
}

/**
 * hyparquet's decoder believes the block sizes and goes round for ever on some damaged ones, so they are checked first
 */
function unpackDelta(reader: { view: DataView; offset: number }, count: number, out: Int32Array | BigInt64Array): void {
  const head = { view: reader.view, offset: reader.offset }
  const block = readVarInt(head)
  const parts = readVarInt(head)
  const total = readVarInt(head)
  if (!(block > 0 && parts > 0 && parts <= block && block <= 1 << 20 && block % parts === 0 && total >= count)) {
    throw new Error(`delta blocks of ${block} values in ${parts} parts, ${total} in all where ${count} are due`)
  }
  deltaBinaryUnpack(reader, count, out)
}

/**
 * Fills `out` from the RLE / bit-packed hybrid in bytes [at, end) with values of `width` bits; throws when they run
 * out.
 */
export function decodeHybrid(
  bytes: Uint8Array,
  at: number,
  end: number,
  width: number,
  out: Uint8Array | Int32Array,
): void {
  if (!(end <= bytes.length && width <= 32)) {
    throw new Error(`a run of ${width}-bit values ends at byte ${end} of a page of ${bytes.length}`)
  }
  const count = out.length
  let done = 0
  while (done < count) {
    let header = 0
    for (let shift = 0; ; shift += 7) {
      if (!(at < end)) throw new Error(`levels or indices end after ${done} of ${count}`)
      const byte = bytes[at++]
      header |= (byte & 127) << shift
      if (byte < 128) break
    }
    if (header & 1) {
      const packed = (header >>> 1) * width
      const stop = Math.min(count, done + (header >>> 1) * 8)
      // the last group may be cut where its padding would be
      if (at + Math.ceil(((stop - done) * width) / 8) > end) throw new Error(`bit-packed values end after byte ${end}`)
      unpackBits(bytes, at, width, out, done, stop)
      done = stop
      at += packed
    } else {
      let value = 0
      for (let shift = 0; shift < width; shift += 8) value |= bytes[at++] << shift
      const stop = Math.min(count, done + (header >>> 1))
      if (stop === done || at > end) throw new Error(`a run of levels or indices is cut at byte ${at}`)
      out.fill(value, done, stop)
      done = stop
    }
  }
}

function unpackBits(
  bytes: Uint8Array,
  at: number,
  width: number,
  out: Uint8Array | Int32Array,
  from: number,
  to: number,
): void {
  if (width > 24) {
    for (let i = from, bit = 0; i < to; i++) {
      let value = 0
      for (let b = 0; b < width; b++, bit++) value |= ((bytes[at + (bit >> 3)] >> (bit & 7)) & 1) << b
      out[i] = value
    }
    return
  }
  const mask = (1 << width) - 1
  let held = 0
  let bits = 0
  for (let i = from; i < to; i++) {
    while (bits < width) {
      held |= bytes[at++] << bits
      bits += 8
    }
    out[i] = held & mask
    held >>>= width
    bits -= width
  }
}

/** The four-byte little-endian length at `at`; throws when it is cut or negative. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new Error(`a length is cut at byte ${at} of a page of ${bytes.length}`)
  const length = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
  if (length < 0) throw new Error(`a length at byte ${at} is negative (${length})`)
  return length
}

/** More than any buffer of Arrow holds, and than an offset can say. */
const MOST_BYTES = 2 ** 31 - 1

function fit(size: number): number {
  if (size > MOST_BYTES) throw new Error(`its values take ${size} bytes decoded, at most ${MOST_BYTES} are read`)
  return size
}

function need(page: Uint8Array, size: number): void {
  if (page.length < size) throw new Error(`a page of ${page.length} bytes, ${size} needed for its values`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
