/**
 * Where the record batches of an Arrow IPC file lie, found without loading them: one after the other in a stream, in a
 * file by its footer.
 */
import { closeSync, fstatSync, openSync } from 'node:fs'
import { Message, MessageHeader, RecordBatchReader, Schema, type DataType, type RecordBatch } from 'apache-arrow'
import { Footer } from 'apache-arrow/ipc/metadata/file'
import { asText, textField } from '../../engine/arrow/as_text.ts'
import { checkColumns, checkFooter, checkMessage, LackingType } from '../../engine/arrow/check_ipc.ts'
import { END_OF_STREAM, schemaBytes, schemaFromBytes } from '../../engine/arrow/ipc.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { readBytesSync } from '../../engine/files/blocks.ts'
import { kindOf } from '../../engine/files/packed.ts'
import { plain } from '../../engine/arrow/plain.ts'
import { isPacked, unpackMessage } from './ipc_unpack.ts'

type Range = readonly [start: number, end: number]

/** Where a message lies. `isPacked`: its buffers are compressed. */
interface Place {
  readonly at: Range
  readonly isPacked: boolean
}

/**
 * `schema` (the bytes of its message) and `dictionaries` (each with the number of batches before it) are what a batch
 * needs to be read by itself. `isClosed`: the end-of-stream mark is there; a stream without one may have been cut
 * between two batches.
 */
export interface IpcIndex {
  readonly bytes: number
  readonly schema: Uint8Array
  readonly dictionaries: readonly (Place & { readonly before: number })[]
  readonly batches: readonly (Place & { readonly first: number; readonly rows: number })[]
  readonly rows: number
  readonly isClosed: boolean
  readonly format: 'stream' | 'file'
}

const contradiction = (what: string): Error => new Error(`contradicts itself: ${what}; write it again`)

const MAGIC = Buffer.from('ARROW1')

/**
 * Reads the metadata of every message. Throws one line (without the path) for what is no Arrow IPC, is cut, or
 * contradicts itself.
 */
export function indexIpc(path: string): IpcIndex {
  const file = openInput(path),
    size = file.bytes
  try {
    const head = readAt(file, 0, Math.min(8, size))
    if (head.subarray(0, 6).equals(MAGIC)) return indexFile(file, size)
    const kind = kindOf(head)
    if (kind !== undefined) throw new Error(kind)
    return indexStream(file, size)
  } finally {
    closeSync(file.fd)
  }
}

const JOINED = 'two streams were joined; write them as one, or as two files'

/** A stream: one message after the other, from the schema to the end mark. */
function indexStream(file: IpcInput, size: number): IpcIndex {
  let schema: Uint8Array | undefined,
    fields: Schema | undefined,
    at = 0,
    isClosed = false,
    isMarked = false
  const dictionaries: IpcIndex['dictionaries'][number][] = [],
    batches: Batches = []
  while (at < size) {
    const found = messageAt(file, at, size, schema === undefined)
    if ('after' in found) {
      // zeros end a stream of old; in one of today they are what a crash leaves of a file's end
      isClosed = found.isMarked || !isMarked
      refuseRest(file, found.after, size)
      break
    }
    const { message, end } = found
    const range: Range = [at, end]
    isMarked = found.isMarked
    if (message.isSchema()) {
      if (schema) throw new Error(`has a second schema at byte ${at}: ${JOINED}`)
      schema = new Uint8Array(readAt(file, ...range))
    } else if (message.isDictionaryBatch()) {
      const packed = isPacked(message.header().data)
      dictionaries.push({ at: range, before: batches.length, isPacked: packed })
    } else {
      addBatch(batches, message, range, (fields ??= schemaFromBytes(schema!)))
    }
    at = end
  }
  if (!schema) {
    throw new Error(
      `is not Arrow IPC: its ${size} bytes hold no schema; give a file that Arrow wrote, or use the source stage of its format`,
    )
  }
  return { bytes: size, schema, dictionaries, batches, rows: rowsOf(batches), isClosed, format: 'stream' }
}

/** Zeros may stand behind the end of a stream; anything else is a second stream, or what is left of one. */
function refuseRest(file: IpcInput, from: number, size: number): void {
  for (let at = from; at < size; at += 1 << 20) {
    const other = readAt(file, at, Math.min(size, at + (1 << 20))).findIndex(byte => byte !== 0)
    if (other >= 0) throw new Error(`goes on at byte ${at + other}, behind the end of its stream: ${JOINED}`)
  }
}

/** A file: its footer says where the messages are. They may lie in any order, and the schema stands there too. */
function indexFile(file: IpcInput, size: number): IpcIndex {
  const { footer, start } = footerOf(file, size)
  const blocks = [...footer.dictionaryBatches(), ...footer.recordBatches()].map(
    ({ offset, metaDataLength, bodyLength }): Range => [offset, offset + metaDataLength + bodyLength],
  )
  refuseOverlaps(file, blocks, start)
  const messages = blocks.map(range => {
    const { message, end } = expectMessage(file, ...range)
    if (end !== range[1]) {
      throw contradiction(`its footer has bytes ${range.join(' to ')} for a message that ends at ${end}`)
    }
    return message
  })
  const known = new Set<number>(),
    batches: Batches = []
  const dictionaries = messages.slice(0, footer.numDictionaries).map((message, i) => {
    const [at] = blocks[i]
    if (!message.isDictionaryBatch()) {
      throw contradiction(`at byte ${at} its footer has a dictionary, and there is none`)
    }
    const { id, isDelta, data } = message.header()
    if (isDelta !== known.has(id)) {
      const what = isDelta ? 'adds to a dictionary that it lacks' : 'replaces a dictionary, which only streams may'
      throw contradiction(`it ${what} (${id}, byte ${at})`)
    }
    known.add(id)
    // all are there before the first batch, wherever they lie
    return { at: blocks[i], before: 0, isPacked: isPacked(data) }
  })
  messages.forEach((message, i) => {
    if (i >= dictionaries.length) addBatch(batches, message, blocks[i], footer.schema)
  })
  const schema = schemaBytes(footer.schema)
  return { bytes: size, schema, dictionaries, batches, rows: rowsOf(batches), isClosed: true, format: 'file' }
}

type Batches = IpcIndex['batches'][number][]
const rowsOf = (batches: Batches): number => {
  const last = batches.at(-1)
  return last ? last.first + last.rows : 0
}

function addBatch(batches: Batches, message: Message, at: Range, schema: Schema): void {
  if (!message.isRecordBatch()) {
    const type = MessageHeader[message.headerType]
    throw new Error(
      `has a message of type ${type} at byte ${at[0]}, and rows come in record batches alone; write it again as a table`,
    )
  }
  const header = message.header()
  const packed = isPacked(header)
  if (!(header.length >= 0)) throw contradiction(`a record batch of ${header.length} rows is at byte ${at[0]}`)
  checkColumns(schema, header.nodes, header.length)
  batches.push({ at, first: rowsOf(batches), rows: header.length, isPacked: packed })
}

const BLOCK_BYTES = 24

function footerOf(file: IpcInput, size: number): { footer: Footer; start: number } {
  const cutOff = new Error('is an Arrow file without its footer; it was cut off or not closed by its writer')
  if (size < 20) throw cutOff
  const tail = readAt(file, size - 10, size)
  const length = tail.readInt32LE(0)
  if (!tail.subarray(4).equals(MAGIC) || length <= 0 || length > size - 18) throw cutOff
  const start = size - 10 - length
  let footer: Footer
  try {
    const bytes = readAt(file, start, size - 10)
    checkFooter(bytes)
    footer = Footer.decode(bytes)
  } catch (error) {
    throw error instanceof LackingType ? error : cutOff
  }
  const blocks = footer.numDictionaries + footer.numRecordBatches
  if (blocks * BLOCK_BYTES > length) throw contradiction(`its footer of ${length} bytes cannot hold ${blocks} messages`)
  return { footer, start }
}

/** Messages lie behind each other, before the footer, and there is no record batch that the footer does not name. */
function refuseOverlaps(file: IpcInput, blocks: readonly Range[], footer: number): void {
  let last = MAGIC.length
  for (const [start, end] of [...blocks].sort(([a], [b]) => a - b).concat([[footer, footer]])) {
    if (!(start >= last && end >= start && end <= footer)) {
      const there = start < last ? `another one ends at ${last}` : `the footer begins at ${footer}`
      throw contradiction(`its footer has a message from byte ${start} to ${end}, where ${there}`)
    }
    refuseUnnamed(file, last, start)
    if (start === footer) refuseJoined(file, last, footer)
    last = end
  }
}

/**
 * Where a file of the same sizes was put behind another, the footer of the second fits the first, which ends within.
 */
function refuseJoined(file: IpcInput, from: number, to: number): void {
  for (let at = from; at < to; at += 1 << 20) {
    const found = readAt(file, at, Math.min(to, at + (1 << 20) + MAGIC.length)).indexOf(MAGIC)
    if (found >= 0) {
      throw new Error(
        `has the end of a file at byte ${at + found}, before its own: ${JOINED.replace('streams', 'files')}`,
      )
    }
  }
}

/** What padding comes to at most between two messages: arrow-rs aligns to 64 bytes. */
const MOST_PADDING = 64

/** Looks at what stands between messages: padding, the schema, the end of a stream, and in some files no message. */
function refuseUnnamed(file: IpcInput, from: number, to: number): void {
  for (let at = Math.ceil(from / 8) * 8, padding = 0; at + 8 <= to && padding <= MOST_PADDING;) {
    const prefix = readAt(file, at, at + 8),
      mark = prefix.readInt32LE(0),
      length = prefix.readInt32LE(4)
    if (mark === -1 && length > 0) {
      let found: Found
      try {
        found = expectMessage(file, at, to)
      } catch {
        return
      }
      if (found.message.isRecordBatch()) {
        throw contradiction(`a record batch at byte ${at} that its footer does not name`)
      }
      at = found.end
      padding = 0
    } else if (length === 0 && (mark === 0 || mark === -1)) {
      at += 8
      padding += 8
    } else {
      return
    }
  }
}

function expectMessage(file: IpcInput, at: number, size: number): Found {
  const found = messageAt(file, at, size, false)
  if ('after' in found) throw contradiction(`at byte ${at} its footer has a message, and there is none`)
  return found
}

interface Found {
  readonly message: Message
  readonly end: number
  readonly isMarked: boolean
}

/** The message at a byte; `after`: the stream ends there. */
function messageAt(
  file: IpcInput,
  at: number,
  size: number,
  isFirst: boolean,
): Found | { after: number; isMarked: boolean } {
  const cutOff = (end: number) =>
    new Error(
      isFirst
        ? 'is not Arrow IPC, or cut inside its schema'
        : `is cut: a message at byte ${at} goes on to byte ${end}, the file ends at ${size}`,
    )
  if (at + 4 > size) throw cutOff(at + 4)
  const prefix = readAt(file, at, Math.min(at + 8, size))
  // before Arrow 0.15 the length came without the mark
  const isMarked = prefix.readInt32LE(0) === -1
  if (isMarked && prefix.length < 8) throw cutOff(at + 8)
  const length = prefix.readInt32LE(isMarked ? 4 : 0)
  const start = at + (isMarked ? 8 : 4)
  if (length === 0) return { after: start, isMarked }
  if (length < 0 || start + length > size) throw cutOff(start + length)
  let message: Message
  try {
    const bytes = readAt(file, start, start + length)
    checkMessage(bytes)
    message = Message.decode(bytes)
  } catch (error) {
    if (error instanceof LackingType) throw error
    throw new Error(
      isFirst
        ? 'is not Arrow IPC: what stands in the place of the schema is none'
        : `has a damaged message at byte ${at}: ${(error as Error).message}`,
    )
  }
  if (isFirst && !message.isSchema()) throw new Error('is not Arrow IPC: its first message is no schema')
  const end = start + length + Number(message.bodyLength)
  if (end > size) throw cutOff(end)
  return { message, end, isMarked }
}

/** An Arrow file that is open. `last`: the piece that was read for the last few bytes; the next ones follow soon. */
interface IpcInput {
  readonly fd: number
  readonly path: string
  readonly bytes: number
  last: { readonly at: number; readonly piece: Buffer }
}
const PIECE = 1 << 16

function openInput(path: string): IpcInput {
  const fd = openSync(path, 'r')
  try {
    return { fd, path, bytes: fstatSync(fd).size, last: { at: 0, piece: Buffer.alloc(0) } }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** The bytes [start, end), not to be written to. */
function readAt(file: IpcInput, start: number, end: number): Buffer {
  if (end - start >= PIECE) return readBytesSync(file, start, end)
  const { at, piece } = file.last
  if (start < at || end > at + piece.length) {
    file.last = { at: start, piece: readBytesSync(file, start, Math.max(end, Math.min(file.bytes, start + PIECE))) }
  }
  return file.last.piece.subarray(start - file.last.at, end - file.last.at)
}

/** The schema with plain types, and text for bytes that are text, as batches will have it. */
export const ipcSchema = (index: IpcIndex): Schema => new Schema(schemaFromBytes(index.schema).fields.map(textField))

/**
 * Batches that have rows of [start, end), whole, in order, with plain types and compact buffers; `first` is the file's
 * row of the first.
 */
export function* readIpc(
  path: string,
  index: IpcIndex,
  schema: Schema,
  { start, end }: { start: number; end: number },
): Generator<{ first: number; batch: RecordBatch }> {
  const file = openInput(path),
    isWanted = ({ first, rows }: Batches[number]) => rows > 0 && first < end && first + rows > start
  try {
    // one stream of all, so that a dictionary is read once for the batches that it serves
    const reader = RecordBatchReader.from(messagesOf(file, index, isWanted))
    for (const { at, first, rows } of index.batches.filter(isWanted)) {
      const { value } = reader.next() as { value?: RecordBatch }
      if (value?.numRows !== rows) throw contradiction(`${value?.numRows ?? 0} rows are at byte ${at[0]} for ${rows}`)
      const columns = value.data.children.map((column, i) => asText(plain(column), schema.fields[i].type as DataType))
      yield { first, batch: toRecordBatch(schema, columns, rows) }
    }
  } finally {
    closeSync(file.fd)
  }
}

/** The schema and the messages that some batches need; each its own buffer, so that columns may share it. */
function* messagesOf(
  file: IpcInput,
  { schema, dictionaries, batches }: IpcIndex,
  isWanted: (batch: Batches[number]) => boolean,
): Generator<Uint8Array> {
  const message = ({ at, isPacked }: Place): Uint8Array => {
    const bytes = new Uint8Array(readAt(file, ...at))
    return isPacked ? unpackMessage(bytes, at[0]) : bytes
  }
  let next = 0
  yield schema
  for (const [k, batch] of batches.entries()) {
    if (!isWanted(batch)) continue
    for (; next < dictionaries.length && dictionaries[next].before <= k; next++) yield message(dictionaries[next])
    yield message(batch)
  }
  yield END_OF_STREAM
}
