/** Decompresses zstd, in versions of Node that have none as well. */
import { createRequire } from 'node:module'
import * as zlib from 'node:zlib'

type Unpack = (bytes: Uint8Array, size: number) => Uint8Array

let unpack: Unpack | undefined

/**
 * Decompresses one zstd frame whose decompressed size is known. Node has zstd from 22.15 on; before that the zstd
 * inside parquet-wasm does it (twice as fast as the JavaScript decoder): the bytes are wrapped as the only page of a
 * one-value Parquet file of fixed-length binary, and the value is the page. Memory: one page and its decompressed form
 * inside the module. Throws what the decoder says of damaged bytes.
 */
export function unpackZstd(bytes: Uint8Array, size: number): Uint8Array {
  unpack ??= nodeZstd() ?? wasmZstd()
  return unpack(bytes, size)
}

function nodeZstd(): Unpack | undefined {
  const native = (
    zlib as { zstdDecompressSync?: (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array }
  ).zstdDecompressSync
  return native && ((bytes, size) => native(bytes, { maxOutputLength: size }))
}

interface WasmParquet {
  readParquet(file: Uint8Array): {
    recordBatch(index: number): { intoFFI(): { arrayAddr(): number; free(): void } }
    free(): void
  }
  wasmMemory(): { buffer: ArrayBuffer }
}

function wasmZstd(): Unpack {
  const require = createRequire(import.meta.url)
  const name = require.resolve('parquet-wasm/node')
  let module = require(name) as WasmParquet
  return (bytes, size) => {
    try {
      return unwrap(module, wrap(bytes, size), size)
    } catch (error) {
      // a trap (as opposed to an error it reports) leaves the instance in an unknown state: the next page gets a new
      // one
      if ((error as Error).name === 'RuntimeError') {
        delete require.cache[name]
        module = require(name) as WasmParquet
      }
      throw error
    }
  }
}

function unwrap(module: WasmParquet, file: Uint8Array, size: number): Uint8Array {
  const table = module.readParquet(file)
  try {
    const ffi = table.recordBatch(0).intoFFI()
    try {
      // Arrow C data interface, 32-bit pointers: buffers at byte 40, children at 44; a fixed-size binary's second
      // buffer is its data
      const memory = module.wasmMemory().buffer
      const view = new DataView(memory)
      const child = view.getUint32(view.getUint32(ffi.arrayAddr() + 44, true), true)
      const data = view.getUint32(view.getUint32(child + 40, true) + 4, true)
      return new Uint8Array(memory, data, size).slice()
    } finally {
      ffi.free()
    }
  } finally {
    table.free()
  }
}

const MAGIC = [0x50, 0x41, 0x52, 0x31]

/**
 * Thrift compact protocol, by hand: a byte is `field id step << 4 | type` (5 i32, 6 i64, 8 binary, 9 list, 12 struct),
 * integers are zigzag varints.
 */
function wrap(bytes: Uint8Array, size: number): Uint8Array {
  const head = [
    0x15,
    0x00,
    0x15,
    ...zigzag(size),
    0x15,
    ...zigzag(bytes.length),
    0x2c,
    0x15,
    0x02,
    0x15,
    0x00,
    0x15,
    0x06,
    0x15,
    0x06,
    0x00,
    0x00,
  ]
  const packed = head.length + bytes.length
  const schema = [
    0x19,
    0x2c,
    0x48,
    0x01,
    0x72,
    0x15,
    0x02,
    0x00,
    0x15,
    0x0e,
    0x15,
    ...zigzag(size),
    0x15,
    0x00,
    0x18,
    0x01,
    0x78,
    0x00,
  ]
  const column = [
    0x15,
    0x0e,
    0x19,
    0x15,
    0x00,
    0x19,
    0x18,
    0x01,
    0x78,
    0x15,
    0x0c,
    0x16,
    0x02,
    0x16,
    ...zigzag(head.length + size),
    0x16,
    ...zigzag(packed),
    0x26,
    0x08,
    0x00,
  ]
  const group = [0x19, 0x1c, 0x26, 0x08, 0x1c, ...column, 0x00, 0x16, ...zigzag(size), 0x16, 0x02, 0x00]
  const foot = [0x15, 0x02, ...schema, 0x16, 0x02, 0x19, 0x1c, ...group, 0x00]
  const file = new Uint8Array(4 + packed + foot.length + 8)
  file.set(MAGIC)
  file.set(head, 4)
  file.set(bytes, 4 + head.length)
  file.set(foot, 4 + packed)
  new DataView(file.buffer).setUint32(4 + packed + foot.length, foot.length, true)
  file.set(MAGIC, 8 + packed + foot.length)
  return file
}

function zigzag(value: number): number[] {
  const out: number[] = []
  let rest = value * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128)
  out.push(rest)
  return out
}
