/** Where the record batches of an Arrow IPC file lie, found without loading them. Stream and file format: the second holds the first after its magic. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Message, RecordBatchReader, Schema, type RecordBatch } from 'apache-arrow'
import { Footer } from 'apache-arrow/ipc/metadata/file'
import { checkColumns, checkFooter, checkMessage } from '../../engine/arrow/check_ipc.ts'
import { END_OF_STREAM, schemaBytes, schemaFromBytes } from '../../engine/arrow/ipc.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { plain, plainField } from './plain.ts'

type Range = readonly [start: number, end: number]

/**
 * `schema` (the bytes of its message) and `dictionaries` (each with the number of batches before it) are what a batch needs to be read by
 * itself. `isClosed`: the end-of-stream mark is there; a stream without one may have been cut between two batches.
 */
export interface IpcIndex {
  readonly bytes: number
  readonly schema: Uint8Array
  readonly dictionaries: readonly { readonly at: Range, readonly before: number }[]
  readonly batches: readonly { readonly at: Range, readonly first: number, readonly rows: number }[]
  readonly rows: number
  readonly isClosed: boolean
  readonly format: 'stream' | 'file'
}

const MAGIC = Buffer.from('ARROW1')

/** Reads the metadata of every message. Throws one line (without the path) for what is no Arrow IPC, is cut inside a message, or has compressed buffers. */
export function indexIpc(path: string): IpcIndex {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const head = readAt(fd, 0, Math.min(8, size))
    const isFile = head.subarray(0, 6).equals(MAGIC)
    // Arrow JS writes the schema of a file into its footer alone
    let schema = isFile ? footerSchema(fd, size) : undefined
    const dictionaries: IpcIndex['dictionaries'][number][] = [], batches: IpcIndex['batches'][number][] = []
    let fields: Schema | undefined
    let at = isFile ? 8 : 0, rows = 0, isClosed = false
    while (at < size) {
      const found = messageAt(fd, at, size, schema === undefined)
      if (found === 'end') { isClosed = true; break }
      const { message, end } = found
      const range: Range = [at, end]
      at = end
      if (message.isSchema()) {
        schema ??= readAt(fd, ...range)
      } else if (message.isDictionaryBatch()) {
        dictionaries.push({ at: range, before: batches.length })
      } else if (message.isRecordBatch()) {
        if (message.compression) throw new Error('its buffers are compressed (lz4 or zstd), which cannot be read here; write it uncompressed')
        const { length, nodes } = message.header() as unknown as { length: number, nodes: { length: number }[] }
        checkColumns(fields ??= schemaFromBytes(schema!), nodes, Number(length))
        batches.push({ at: range, first: rows, rows: Number(length) })
        rows += Number(length)
      }
    }
    if (!schema) throw new Error(`is not Arrow IPC: its ${size} bytes hold no schema; give a file that Arrow wrote, or use the source stage of its format`)
    return { bytes: size, schema, dictionaries, batches, rows, isClosed, format: isFile ? 'file' : 'stream' }
  } finally {
    closeSync(fd)
  }
}

function footerSchema(fd: number, size: number): Uint8Array {
  const cutOff = new Error('is an Arrow file without its footer; it was cut off or not closed by its writer')
  if (size < 20) throw cutOff
  const tail = readAt(fd, size - 10, size)
  const length = tail.readInt32LE(0)
  if (!tail.subarray(4).equals(MAGIC) || length <= 0 || length > size - 18) throw cutOff
  try {
    const bytes = readAt(fd, size - 10 - length, size - 10)
    checkFooter(bytes)
    return schemaBytes(Footer.decode(bytes).schema)
  } catch {
    throw cutOff
  }
}

function messageAt(fd: number, at: number, size: number, isFirst: boolean): { message: Message, end: number } | 'end' {
  const cutOff = (end: number) => new Error(isFirst
    ? 'is not Arrow IPC, or cut inside its schema' : `is cut: a message at byte ${at} goes on to byte ${end}, the file ends at ${size}`)
  if (at + 4 > size) throw cutOff(at + 4)
  const prefix = readAt(fd, at, Math.min(at + 8, size))
  // before Arrow 0.15 the length came without the mark
  const isMarked = prefix.readInt32LE(0) === -1
  if (isMarked && prefix.length < 8) throw cutOff(at + 8)
  const length = prefix.readInt32LE(isMarked ? 4 : 0)
  if (length === 0) return 'end'
  const start = at + (isMarked ? 8 : 4)
  if (length < 0 || start + length > size) throw cutOff(start + length)
  let message: Message
  try {
    const bytes = readAt(fd, start, start + length)
    checkMessage(bytes)
    message = Message.decode(bytes)
  } catch (error) {
    throw new Error(isFirst ? 'is not Arrow IPC: what stands in the place of the schema is none' : `has a damaged message at byte ${at}: ${(error as Error).message}`)
  }
  if (isFirst && !message.isSchema()) throw new Error('is not Arrow IPC: its first message is no schema')
  const end = start + length + Number(message.bodyLength)
  if (end > size) throw cutOff(end)
  return { message, end }
}

function readAt(fd: number, start: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - start)
  for (let at = start; at < end;) {
    const n = readSync(fd, bytes, at - start, end - at, at)
    if (n === 0) throw new Error(`ends at byte ${at}, ${end} expected: it changed while it was read`)
    at += n
  }
  return bytes
}

/** The schema with plain types, as batches will have it. */
export const ipcSchema = (index: IpcIndex): Schema => new Schema(schemaFromBytes(index.schema).fields.map(plainField))

/** Batches that have rows of [start, end), whole, in order, with plain types and compact buffers; `first` is the file's row of the first. */
export function* readIpc(
  path: string, index: IpcIndex, schema: Schema, { start, end }: { start: number, end: number },
): Generator<{ first: number, batch: RecordBatch }> {
  const fd = openSync(path, 'r')
  try {
    for (const [k, { at, first, rows }] of index.batches.entries()) {
      if (rows === 0 || first >= end || first + rows <= start) continue
      const dictionaries = index.dictionaries.filter(({ before }) => before <= k).map(dictionary => dictionary.at)
      const { value } = RecordBatchReader.from(joined(fd, index.schema, [...dictionaries, at])).next() as { value: RecordBatch }
      yield { first, batch: toRecordBatch(schema, value.data.children.map(plain), rows) }
    }
  } finally {
    closeSync(fd)
  }
}

/** One stream out of the schema and these messages; its own buffer, so that columns may share it. */
function joined(fd: number, schema: Uint8Array, ranges: readonly Range[]): Uint8Array {
  const out = new Uint8Array(ranges.reduce((n, [start, end]) => n + end - start, schema.length + END_OF_STREAM.length))
  out.set(schema)
  let at = schema.length
  for (const [start, end] of ranges) {
    out.set(readAt(fd, start, end), at)
    at += end - start
  }
  out.set(END_OF_STREAM, at)
  return out
}
