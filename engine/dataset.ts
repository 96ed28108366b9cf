/** Record batches in and out for scripts: Parquet files read, folders written that `datasets` opens. Pairs or not. */
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { DataType, RecordBatchReader, RecordBatchStreamWriter, Schema, type Data, type RecordBatch } from 'apache-arrow'
import { plain, plainField } from './arrow/plain.ts'
import { nulls, sizeOf, take } from './arrow/columns.ts'
import { toRecordBatch } from './arrow/flow.ts'
import { IpcWriter } from './arrow/ipc.ts'
import { openParquet, readRows } from './parquet/file.ts'
import { syncFolder, writeWhole } from './run/files.ts'

const BATCH_ROWS = 1000,
  BATCH_BYTES = 64 << 20

/**
 * Record batches of the rows of a Parquet file, in order, with all columns or those named (in the file's order). Types
 * are the plain ones of Arrow: text utf8, lists List. A file without rows gives one batch without rows. It is opened at
 * the first `next` and closed at the end, also when the loop is left early. Throws one line naming the file, and row
 * group and column where they matter.
 */
export async function* readParquet(
  path: string,
  options: { readonly columns?: readonly string[]; readonly batchRows?: number } = {},
): AsyncGenerator<RecordBatch, void, undefined> {
  const file = await openParquet(path)
  yield* readRows(file, { start: 0, end: file.rows }, options)
  if (file.rows > 0) return
  const schema = options.columns
    ? new Schema(file.schema.fields.filter(({ name }) => options.columns!.includes(name)))
    : file.schema
  yield toRecordBatch(
    schema,
    schema.fields.map(field => nulls(field.type, 0)),
    0,
  )
}

export interface WriteArrowOptions {
  /** Size at which a shard ends, 500 unless given. */
  readonly shardMegabytes?: number
  /** The schema, for when there may be no batch; that of the first batch unless given. */
  readonly schema?: Schema
}

/**
 * Writes record batches, in order, as a folder that `datasets.load_from_disk` opens: `data-00000-of-0000n.arrow` (IPC
 * streams, batches of at most 1,000 rows or 64 MB, at least one file), `state.json` and `dataset_info.json`. Slices are
 * copied, dictionaries, views and large types become plain ones, maps lists of structs. All batches have the columns of
 * the first, in any order; another type, a column too many or too few, or nulls where the schema has none is an error
 * that names the column. Everything is written to a folder beside it and renamed at the end; a folder that an earlier
 * call wrote is replaced, any other is left alone with an error.
 */
export async function writeArrow(
  folder: string,
  batches: Iterable<RecordBatch> | AsyncIterable<RecordBatch>,
  options: WriteArrowOptions = {},
): Promise<{ rows: number; shards: string[] }> {
  const target = resolve(folder),
    maxBytes = (options.shardMegabytes ?? 500) * 1e6
  if (!(maxBytes > 0)) throw new Error(`writeArrow: shardMegabytes is ${options.shardMegabytes}, and must be above 0`)
  if (existsSync(target) && readdirSync(target).length > 0 && !existsSync(join(target, 'state.json'))) {
    throw new Error(
      `writeArrow: ${folder} exists and is not a folder that writeArrow wrote; remove it or choose another`,
    )
  }
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`)
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { recursive: true })
  let schema = options.schema && plainSchema(options.schema),
    writer: IpcWriter | undefined,
    rows = 0,
    count = 0
  const parts: string[] = []
  const end = (): void => {
    const open = writer
    writer = undefined
    open?.close()
  }
  const write = (batch: RecordBatch): void => {
    if (
      batch.numRows > BATCH_ROWS ||
      (batch.numRows > 1 && batch.data.children.reduce((n, column) => n + sizeOf(column), 0) > BATCH_BYTES)
    ) {
      const middle = batch.numRows > BATCH_ROWS ? BATCH_ROWS : batch.numRows >> 1
      for (const [start, end] of [
        [0, middle],
        [middle, batch.numRows],
      ]) {
        write(
          toRecordBatch(
            schema!,
            batch.data.children.map(column => take(column, [start, end])),
            end - start,
          ),
        )
      }
      return
    }
    if (writer && writer.batches.length > 0 && writer.batches[writer.batches.length - 1].end >= maxBytes) end()
    if (!writer) {
      parts.push(join(temporary, `part-${parts.length}`))
      writer = new IpcWriter(parts[parts.length - 1], schema!)
    }
    if (batch.numRows > 0) writer.write(batch)
    rows += batch.numRows
  }
  try {
    for await (const batch of batches) {
      schema ??= plainSchema(batch.schema)
      write(conform(batch, schema, count++))
    }
    if (!schema) {
      throw new Error(
        'writeArrow: there is no batch, so the columns are unknown; give `schema`, or one batch without rows',
      )
    }
    if (!writer) write(toRecordBatch(schema, [], 0))
    end()
    const shards = parts.map((part, i) => {
      const name = `data-${String(i).padStart(5, '0')}-of-${String(parts.length).padStart(5, '0')}.arrow`
      renameSync(part, join(temporary, name))
      return name
    })
    await finishDataset(temporary, shards)
    syncFolder(temporary)
    replace(temporary, target)
    return { rows, shards }
  } finally {
    try {
      end()
    } finally {
      rmSync(temporary, { recursive: true, force: true })
    }
  }
}

/**
 * Adds what makes a folder of shards one that `load_from_disk` opens. The fingerprint follows from the shards' content.
 */
export async function finishDataset(folder: string, shards: readonly string[]): Promise<void> {
  const hash = createHash('sha256')
  for (const file of shards) {
    for await (const chunk of createReadStream(join(folder, file), { highWaterMark: 4 << 20 })) {
      hash.update(chunk as Buffer)
    }
  }
  const state = {
    _data_files: shards.map(filename => ({ filename })),
    _fingerprint: hash.digest('hex').slice(0, 16),
    _format_columns: null,
    _format_kwargs: {},
    _format_type: null,
    _output_all_columns: false,
    _split: 'train',
  }
  writeWhole(join(folder, 'dataset_info.json'), '{}\n')
  writeWhole(join(folder, 'state.json'), `${JSON.stringify(state, null, 2)}\n`)
}

const plainSchema = (schema: Schema): Schema => {
  try {
    return new Schema(schema.fields.map(plainField))
  } catch (error) {
    throw new Error(`writeArrow: ${(error as Error).message}`, { cause: error })
  }
}

/** A batch as the engine holds rows: compact, plain types, columns in the schema's order. */
function conform(batch: RecordBatch, schema: Schema, index: number): RecordBatch {
  const where = `writeArrow: batch ${index}`
  const own = batch.schema.fields
  const unknown = own.filter(({ name }) => !schema.fields.some(field => field.name === name))
  if (unknown.length > 0) {
    throw new Error(
      `${where} has the column ${unknown.map(({ name }) => name).join(', ')}, which the first batch has not; give all batches the same columns`,
    )
  }
  const { children } = (batch.data.children.some(isCopyNeeded) || batch.data.offset > 0 ? copied(batch) : batch).data
  const columns = schema.fields.map(field => {
    const at = own.findIndex(({ name }) => name === field.name)
    if (at < 0) throw new Error(`${where} lacks the column ${field.name}; give all batches the same columns`)
    const type = plainField(own[at]).type
    if (String(type) !== String(field.type)) {
      throw new Error(`${where} has ${field.name} as ${type}, the first batch as ${field.type}; cast it`)
    }
    const column = plain(children[at])
    if (column.nullCount > 0 && !field.nullable) {
      throw new Error(
        `${where} has nulls in ${field.name}, which the first batch says has none; make the field nullable there`,
      )
    }
    return column
  })
  return toRecordBatch(schema, columns, batch.numRows)
}

const isCopyNeeded = (data: Data): boolean =>
  data.offset > 0 || DataType.isDictionary(data.type) || data.children.some(isCopyNeeded)

/** Through Arrow's own encoding, which knows slices and dictionaries. */
function copied(batch: RecordBatch): RecordBatch {
  const writer = new RecordBatchStreamWriter()
  writer.write(batch)
  writer.finish()
  return RecordBatchReader.from(writer.toUint8Array(true)).next().value as RecordBatch
}

function replace(from: string, to: string): void {
  const old = `${from}.old`
  rmSync(old, { recursive: true, force: true })
  if (existsSync(to)) renameSync(to, old)
  renameSync(from, to)
  rmSync(old, { recursive: true, force: true })
}
