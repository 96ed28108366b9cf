/** Decompresses pages, and checks their sums. */
import * as zlib from 'node:zlib'
import { compressors } from 'hyparquet-compressors'
import { unpackLz4Hadoop } from '../files/lz4.ts'
import { checkGrowth } from './growth.ts'
import { unpackZstd } from './zstd.ts'

/** What Parquet calls its codecs, each with what decompresses it here. */
const UNPACK: Readonly<Record<string, (bytes: Uint8Array, size: number) => Uint8Array>> = {
  UNCOMPRESSED: bytes => bytes,
  SNAPPY: (bytes, size) => compressors.SNAPPY!(bytes, size),
  GZIP: (bytes, size) => zlib.gunzipSync(bytes, { maxOutputLength: size }),
  BROTLI: (bytes, size) => zlib.brotliDecompressSync(bytes, { maxOutputLength: size }),
  ZSTD: unpackZstd,
  LZ4: (bytes, size) => unpackLz4Hadoop(bytes, size) ?? compressors.LZ4_RAW!(bytes, size),
  LZ4_RAW: (bytes, size) => compressors.LZ4_RAW!(bytes, size),
}

/**
 * Decompresses the `size` bytes of one page. The result never shares memory with a later call's; with UNCOMPRESSED it
 * is the input itself. Throws for an unknown codec, damaged bytes, or another size than the page header announced.
 */
export function unpackPage(codec: string | undefined, bytes: Uint8Array, size: number): Uint8Array {
  if (size === 0) return new Uint8Array(0)
  const unpack = codec === undefined ? undefined : UNPACK[codec]
  if (codec === undefined || !unpack) {
    throw new Error(`codec ${codec ?? 'unknown'}, readable are ${Object.keys(UNPACK).join(', ')}`)
  }
  let page: Uint8Array
  try {
    checkGrowth(codec, bytes, size)
    page = unpack(bytes, size)
  } catch (error) {
    throw new Error(`${codec}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (page.length !== size) throw new Error(`a page decompresses to ${page.length} bytes, its header says ${size}`)
  return page
}

const table = new Int32Array(256)
for (let n = 0; n < 256; n++) {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  table[n] = value
}

/**
 * CRC-32 (the gzip polynomial) as the signed 32-bit integer that a page header holds; node:zlib's where it exists
 * (20.15, 22.2).
 */
export function crc32(bytes: Uint8Array): number {
  const native = (zlib as { crc32?: (bytes: Uint8Array) => number }).crc32
  if (native) return native(bytes) | 0
  let crc = -1
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
  return ~crc
}
