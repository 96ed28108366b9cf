/** Brings values from the form that Parquet stores to that of their Arrow type. */
import type { Decimal } from 'apache-arrow'
import type { Leaf } from './schema.ts'

/** The values as Arrow holds them, `width` bytes each. */
interface Converted {
  readonly bytes: Uint8Array
  readonly width: number
}

/** Dense values of one leaf; with offsets for byte arrays. */
interface Dense {
  readonly data: Uint8Array
  readonly valueOffsets?: Int32Array
}

/**
 * Turns `count` values of a leaf's physical type into those of its Arrow type; the input itself where both are the
 * same.
 */
export function convertValues(leaf: Leaf, count: number, { data, valueOffsets }: Dense): Converted {
  switch (leaf.convert) {
    case 'narrow': {
      const width = leaf.type.ArrayType.BYTES_PER_ELEMENT as number
      const bytes = new Uint8Array(count * width)
      for (let i = 0, at = 0; i < count; i++) for (let b = 0; b < width; b++) bytes[at++] = data[i * leaf.width + b]
      return { bytes, width }
    }
    case 'float16': {
      const floats = new Float32Array(count)
      for (let i = 0; i < count; i++) floats[i] = readHalf(data[i * 2] | (data[i * 2 + 1] << 8))
      return { bytes: new Uint8Array(floats.buffer), width: 4 }
    }
    case 'int96': {
      const view = new DataView(data.buffer)
      const nanos = new BigInt64Array(count)
      for (let i = 0; i < count; i++) {
        const day = view.getInt32(i * 12 + 8, true) - UNIX_JULIAN_DAY,
          value = view.getBigInt64(i * 12, true) + BigInt(day) * DAY_NANOS
        if (BigInt.asIntN(64, value) !== value) throw new Error(beyondNanos(value))
        nanos[i] = value
      }
      return { bytes: new Uint8Array(nanos.buffer), width: 8 }
    }
    case 'decimal': {
      const width = (leaf.type as Decimal).bitWidth / 8
      const bytes = new Uint8Array(count * width)
      const little = leaf.physical === 'INT32' || leaf.physical === 'INT64'
      for (let i = 0; i < count; i++) {
        const to = valueOffsets ? valueOffsets[i + 1] : (i + 1) * leaf.width
        const from = signedFrom(data, valueOffsets ? valueOffsets[i] : i * leaf.width, to, width)
        bytes.fill(to > from && data[little ? to - 1 : from] > 127 ? 255 : 0, i * width, (i + 1) * width)
        for (let b = 0; b < to - from; b++) bytes[i * width + b] = data[little ? from + b : to - 1 - b]
      }
      return { bytes, width }
    }
  }
  return { bytes: data, width: leaf.width }
}

/**
 * Where the last `width` bytes of a big-endian number begin, if it is longer: what is before may only repeat its sign,
 * as in fixed fields that are wider than their precision needs.
 */
function signedFrom(data: Uint8Array, start: number, end: number, width: number): number {
  const from = end - width
  if (start >= from) return start
  const sign = data[from] > 127 ? 255 : 0
  for (let at = start; at < from; at++) {
    if (data[at] !== sign) {
      throw new Error(
        `a decimal of ${end - start} bytes has more digits than its precision, which ${width} bytes hold; leave the column out by the option 'columns', or write it with the precision that it has`,
      )
    }
  }
  return from
}

const UNIX_JULIAN_DAY = 2_440_588
const DAY_NANOS = 86_400_000_000_000n

/** What is wrong with a time since 1970 that 64 bits do not hold in nanoseconds. */
function beyondNanos(value: bigint): string {
  const date = new Date(Math.floor(Number(value) / 1e6)),
    said = Number.isNaN(date.getTime()) ? `${value} ns` : date.toISOString()
  return `the INT96 timestamp ${said} is outside of 1677-09-21 to 2262-04-11, which nanoseconds hold; write timestamps as TIMESTAMP_MICROS (Spark: spark.sql.parquet.outputTimestampType), or leave the column out by the option 'columns'`
}

function readHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const HEX = new TextEncoder().encode('0123456789abcdef')

/** 16-byte UUIDs as their 36-character text. */
export function expandUuids(data: Uint8Array): { data: Uint8Array; valueOffsets: Int32Array } {
  const count = data.length / 16
  const text = new Uint8Array(count * 36)
  const valueOffsets = new Int32Array(count + 1)
  let at = 0
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < 16; b++) {
      if (b === 4 || b === 6 || b === 8 || b === 10) text[at++] = 45
      text[at++] = HEX[data[i * 16 + b] >> 4]
      text[at++] = HEX[data[i * 16 + b] & 15]
    }
    valueOffsets[i + 1] = at
  }
  return { data: text, valueOffsets }
}
