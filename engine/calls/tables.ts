/**
 * The tables of a LevelDB that nobody has open, looked through byte by byte. LevelDB does so where it is told to, and
 * classic-level does not tell it: a byte that has flipped on the disk would be a wrong answer, or a failed assertion,
 * which ends the process.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compressors } from 'hyparquet-compressors'

/** A table with a damaged block; `entries` are what the whole blocks hold, newest first of a key. */
export interface Damaged {
  readonly name: string
  readonly lostBytes: number
  readonly entries: ReadonlyMap<string, string>
}

/** The tables that are damaged. Nothing is changed. */
export function damagedTables(folder: string): Damaged[] {
  return readdirSync(folder)
    .filter(name => /\.(ldb|sst)$/.test(name))
    .sort()
    .flatMap(name => {
      const { entries, lostBytes } = readTable(readFileSync(join(folder, name)))
      return lostBytes === 0 ? [] : [{ name, lostBytes, entries }]
    })
}

const FOOTER = 48,
  MAGIC = 0xdb4775248b80fb57n,
  TRAILER = 5

interface Handle {
  readonly offset: number
  readonly size: number
}
interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

function readTable(file: Buffer): { entries: Map<string, string>; lostBytes: number } {
  const entries = new Map<string, string>()
  let data: Handle[], filters: Handle[]
  try {
    const end = file.length - FOOTER
    if (end < 0 || file.readBigUInt64LE(file.length - 8) !== MAGIC) throw new RangeError('no footer')
    const at = { at: end },
      about = readHandle(file, at),
      index = readHandle(file, at)
    const handles = (block: Handle) => entriesOf(blockOf(file, block)).map(({ value }) => readHandle(value, { at: 0 }))
    // a filter that is damaged denies what is there
    filters = handles(about)
    data = handles(index)
  } catch (error) {
    if (error instanceof RangeError) return { entries, lostBytes: file.length }
    throw error
  }
  const damaged = new Set([...filters, ...data].filter(block => !isWhole(file, block)))
  for (const block of damaged.size > 0 ? data : []) {
    if (damaged.has(block)) continue
    // an internal key ends with 8 bytes: 1 for what was put, and a number that grows
    for (const { key, value } of entriesOf(blockOf(file, block))) {
      const name = key.toString('utf8', 0, key.length - 8)
      if (key[key.length - 8] === 1 && !entries.has(name)) entries.set(name, value.toString())
    }
  }
  return { entries, lostBytes: [...damaged].reduce((n, { size }) => n + size, 0) }
}

const readHandle = (bytes: Buffer, at: { at: number }): Handle => ({
  offset: readVarint(bytes, at),
  size: readVarint(bytes, at),
})

function readVarint(bytes: Buffer, at: { at: number }): number {
  let value = 0
  for (let shift = 1; ; shift *= 128) {
    const byte = bytes.readUInt8(at.at++)
    value += (byte & 127) * shift
    if (byte < 128) return value
  }
}

/** Whether the checksum behind a block is that of the block and its type. */
function isWhole(file: Buffer, { offset, size }: Handle): boolean {
  return offset + size + TRAILER <= file.length && isChecked(file, offset, offset + size + 1, offset + size + 1)
}

/** Whether LevelDB's checksum of some bytes is what it says at `at`. */
export const isChecked = (file: Buffer, start: number, end: number, at: number): boolean =>
  checksumOf(file, start, end) === file.readUInt32LE(at)

export function checksumOf(bytes: Buffer, start: number, end: number): number {
  const crc = crc32c(bytes, start, end)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** A block's content. Throws a RangeError where it is damaged. */
function blockOf(file: Buffer, handle: Handle): Buffer {
  if (!isWhole(file, handle)) throw new RangeError('a damaged block')
  const { offset, size } = handle,
    block = file.subarray(offset, offset + size)
  return file[offset + size] === 0 ? block : Buffer.from(compressors.SNAPPY!(block, readVarint(block, { at: 0 })))
}

/** Entries of a block: keys share their beginnings, and behind them are places to begin at, which nobody needs here. */
function entriesOf(block: Buffer): Entry[] {
  const end = block.length - 4 * (1 + block.readUInt32LE(block.length - 4)),
    at = { at: 0 },
    entries: Entry[] = []
  let key: Buffer = Buffer.alloc(0)
  while (at.at < end) {
    const shared = readVarint(block, at),
      fresh = readVarint(block, at),
      size = readVarint(block, at)
    key = Buffer.concat([key.subarray(0, shared), block.subarray(at.at, (at.at += fresh))])
    entries.push({ key, value: block.subarray(at.at, (at.at += size)) })
  }
  return entries
}

/** CRC-32C (Castagnoli), eight bytes a step. */
const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
for (let n = 0; n < 256; n++) {
  let value = n
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  tables[0][n] = value
}
for (let t = 1; t < 8; t++) {
  for (let n = 0; n < 256; n++) tables[t][n] = tables[0][tables[t - 1][n] & 255] ^ (tables[t - 1][n] >>> 8)
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables

function crc32c(bytes: Buffer, start: number, end: number): number {
  let crc = -1,
    i = start
  for (; i + 8 <= end; i += 8) {
    crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
    crc =
      t7[crc & 255] ^
      t6[(crc >>> 8) & 255] ^
      t5[(crc >>> 16) & 255] ^
      t4[crc >>> 24] ^
      t3[bytes[i + 4]] ^
      t2[bytes[i + 5]] ^
      t1[bytes[i + 6]] ^
      t0[bytes[i + 7]]
  }
  for (; i < end; i++) crc = t0[(crc ^ bytes[i]) & 255] ^ (crc >>> 8)
  return ~crc >>> 0
}
