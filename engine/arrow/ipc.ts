/** Arrow IPC streams on disk, written batch by batch and read again by the batch: spools, shards, the ledger. */
import { RecordBatchReader, RecordBatchStreamWriter, type RecordBatch, type Schema } from 'apache-arrow'
import { Field } from 'apache-arrow/fb/field'
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { openOut, readAll, writeAll, type Out } from '../io.ts'
import { endToEnd } from './end_to_end.ts'

// Arrow JS writes a column whose name is '' without a name, and reads null where there is none: it is another column
// then
const { name } = Field.prototype
Object.defineProperty(Field.prototype, 'name', {
  value(this: Field, ...encoding: Parameters<typeof name>) {
    return name.apply(this, encoding) ?? ''
  },
})

/** Where a record batch lies in its file, and its rows. */
export interface BatchAt {
  readonly start: number
  readonly end: number
  readonly rows: number
}

/** A stream file: where its record batches lie, and the bytes before the first (`header`, its schema). */
export interface StreamAt {
  readonly path: string
  readonly header: number
  readonly rows: number
  readonly batches: readonly BatchAt[]
}

/** Arrow JS's stream writer with its output caught as it comes, without a queue between. */
class Encoder extends RecordBatchStreamWriter {
  chunks: Uint8Array[] = []
  // `_write` is where the writer hands over bytes; typed as protected and loosely in the library
  protected override _write(chunk: ArrayBufferView | null): this {
    if (chunk && chunk.byteLength > 0) {
      this.chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
      this._position += chunk.byteLength
    }
    return this
  }

  /** Record batches that it has encoded. */
  get encoded(): number {
    return this._recordBatchBlocks.length
  }

  drain(): Uint8Array[] {
    const { chunks } = this
    this.chunks = []
    return chunks
  }
}

export const END_OF_STREAM = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)

/** The bytes that a stream of this schema begins with. */
export function schemaBytes(schema: Schema): Uint8Array {
  const encoder = new Encoder()
  encoder.reset(undefined, schema)
  return endToEnd(Uint8Array, encoder.drain())
}

export const schemaFromBytes = (bytes: Uint8Array): Schema =>
  RecordBatchReader.from(endToEnd(Uint8Array, [bytes, END_OF_STREAM])).open().schema

/** Writes a stream to a file; the caller renames the file when it is whole. Not safe to share. */
export class IpcWriter {
  readonly batches: BatchAt[] = []
  rows = 0
  readonly #out: Out
  readonly #encoder = new Encoder()
  readonly #schema: Schema
  #position = 0

  readonly path: string
  constructor(path: string, schema: Schema, open: (path: string) => Out = openOut) {
    this.path = path
    this.#schema = schema
    this.#out = open(path)
    this.#encoder.reset(undefined, schema)
    this.#flush()
  }

  write(batch: RecordBatch): void {
    const start = this.#position
    this.#encoder.write(batch)
    // of another schema than the stream's it takes no batch, and says nothing
    if (this.#encoder.encoded !== this.batches.length + 1) {
      throw new Error(
        `${this.path}: a batch of ${batch.numRows} rows was not written: its columns are ${batch.schema}, those of the file ${this.#schema}`,
      )
    }
    this.#flush()
    this.batches.push({ start, end: this.#position, rows: batch.numRows })
    this.rows += batch.numRows
  }

  /** Ends the stream. */
  close(): void {
    try {
      this.#put([END_OF_STREAM])
    } finally {
      this.#out.close()
    }
  }

  #flush(): void {
    this.#put(this.#encoder.drain())
  }

  /** Writes the chunks as they are: to join them first would copy every row once more. */
  #put(chunks: Uint8Array[]): void {
    this.#out.write(...chunks)
    this.#position += chunks.reduce((n, chunk) => n + chunk.length, 0)
  }
}

export const streamOf = (writer: IpcWriter, header: number): StreamAt => ({
  path: writer.path,
  header,
  rows: writer.rows,
  batches: writer.batches,
})

/** Reads record batches of a stream file by their place. */
export class IpcFile {
  readonly #fd: number
  readonly #header: Uint8Array
  readonly path: string
  constructor(path: string, headerBytes: number) {
    this.path = path
    this.#fd = openSync(path, 'r')
    this.#header = new Uint8Array(headerBytes)
    readAll(this.#fd, this.#header, 0, path)
  }

  batch(at: BatchAt): RecordBatch {
    // one aligned buffer: the batch's columns are views of it
    const bytes = new Uint8Array(this.#header.length + at.end - at.start)
    bytes.set(this.#header)
    readAll(this.#fd, bytes.subarray(this.#header.length), at.start, this.path)
    const batch = RecordBatchReader.from(bytes).next().value as RecordBatch | undefined
    if (batch?.numRows !== at.rows) {
      throw new Error(
        `${this.path}: ${batch?.numRows ?? 0} rows at byte ${at.start}, ${at.rows} were written; remove it and run again`,
      )
    }
    return batch
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/**
 * Joins streams of one schema into files of at most about `maxBytes` by copying their bytes, in order; cuts only
 * between record batches. There is always at least one file: without rows it holds the schema alone. `name(i, n)` names
 * file i of n. Returns the files in order.
 */
export function appendStreams(
  folder: string,
  header: Uint8Array,
  streams: readonly StreamAt[],
  maxBytes: number,
  name: (i: number, n: number) => string,
): { file: string; rows: number; bytes: number }[] {
  const pieces = streams.flatMap(stream => stream.batches.map(at => ({ path: stream.path, ...at })))
  const files: (typeof pieces)[] = [[]]
  let bytes = 0
  for (const piece of pieces) {
    if (bytes > 0 && bytes + piece.end - piece.start > maxBytes) {
      files.push([])
      bytes = 0
    }
    files[files.length - 1].push(piece)
    bytes += piece.end - piece.start
  }
  const chunk = new Uint8Array(4 << 20)
  return files.map((batches, i) => {
    const file = name(i, files.length)
    const out = openSync(`${folder}/${file}`, 'w')
    let bytes = 0
    const put = (part: Uint8Array): void => {
      writeAll(out, part)
      bytes += part.length
    }
    try {
      put(header)
      for (let b = 0; b < batches.length;) {
        // batches that lie side by side are copied in one go
        let last = b
        while (
          last + 1 < batches.length &&
          batches[last + 1].path === batches[b].path &&
          batches[last + 1].start === batches[last].end
        ) {
          last++
        }
        const { path, start } = batches[b],
          { end } = batches[last],
          from = openSync(path, 'r')
        try {
          for (let at = start; at < end; at += chunk.length) {
            const part = chunk.subarray(0, end - at)
            readAll(from, part, at, path)
            put(part)
          }
        } finally {
          closeSync(from)
        }
        b = last + 1
      }
      put(END_OF_STREAM)
      fsyncSync(out)
    } finally {
      closeSync(out)
    }
    return { file, rows: batches.reduce((n, batch) => n + batch.rows, 0), bytes }
  })
}
