/** Writes Parquet for people and other tools: a queue of rows to look at, an export. */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Data, RecordBatch, Schema } from 'apache-arrow'
import parquet, { type ParquetField, type ParquetStream } from 'parquetjs-lite'
import { sizeOf } from '../../engine/arrow/columns.ts'
import { notJson } from '../../engine/arrow/json.ts'
import { writeAll } from '../../engine/io.ts'
import { choice, defineSink, Type, type SinkInput } from '../../engine/contract/define.ts'
import { formatOption, formatSchema, toFormat } from './format.ts'
import { jsonReader, lostName, misfit, parquetField, parquetReader, type Compression } from './parquet_values.ts'
import { DataError } from '../../engine/errors.ts'

/** Values that a row group may hold before they are written, however few rows they are: what bounds the memory. */
const GROUP_BYTES = 32 << 20

const codecs = { snappy: 'SNAPPY', gzip: 'GZIP' } as const satisfies Record<string, Compression>

export default defineSink({
  name: 'write_parquet',
  version: 2,
  summary: 'Write one Parquet file for people and other tools: a queue of rows to look at, an export.',
  details: `The folder holds \`data.parquet\`, which pyarrow, DuckDB and \`read_parquet\` open. Messages are lists of structs, other columns keep their names and types, but for these:
uint32 becomes int64, a column of nothing but nulls text, NaN null, and a timestamp without a zone is read back as UTC.

parquetjs-lite cannot hold integers beyond 2^53, nanoseconds, microseconds before 1970, decimals, durations and times finer than milliseconds. A column that has one is refused by
name, before the run where its type tells. With \`json_strings\` it is written as text instead, each value as JSON; the key \`sluice.json_columns\` of the file's metadata lists such columns.
For training data use \`write_arrow\`: this sink is for some ten thousands of rows.`,
  options: Type.Object({
    format: formatOption,
    compression: choice(['snappy', 'gzip'], { default: 'snappy', description: 'snappy: fast. gzip: smaller' }),
    row_group_rows: Type.Integer({
      minimum: 1,
      maximum: 100_000,
      default: 5000,
      description: 'rows of a row group at most; one ends earlier at 32 MiB',
    }),
    json_strings: Type.Boolean({
      default: false,
      description: 'write columns that Parquet cannot hold here as JSON text instead of refusing them',
    }),
  }),
  reads: { id: 'text', prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  schema(options, input, isText) {
    const bad = input.fields.filter(({ type }) =>
      options.json_strings ? notJson(type) : !parquetField(type, true, 'SNAPPY'),
    )
    if (bad.length > 0) {
      throw refused(`cannot hold ${bad.map(({ name, type }) => `${name} (${type})`).join(', ')}`, options.json_strings)
    }
    const name = lostName(input.fields)
    if (name !== undefined) {
      throw refused(
        `would lose the column '${name}', for its name is '__proto__' or, with the names above it, that of another`,
        true,
      )
    }
    const { schema, format } = formatSchema(options.format, input, isText)
    return { schema, renamed: {}, facts: { format } }
  },
  convert(options, input, schema) {
    const batch = toFormat('write_parquet', input, schema)
    if (!options.json_strings) refuseMisfits(batch)
    return batch
  },
  async publish(options, folder, schema, input) {
    const json = options.json_strings ? jsonColumns(schema, input) : new Set<string>()
    const file = join(folder, 'data.parquet')
    const fd = openSync(file, 'w')
    try {
      const rows = await write(fd, schema, input, json, codecs[options.compression], options.row_group_rows)
      fsyncSync(fd)
      return rows
    } catch (error) {
      throw error instanceof Error ? error : new Error(`write_parquet: ${file}: ${String(error)}`)
    } finally {
      closeSync(fd)
    }
  },
})

const refused = (what: string, jsonStrings = false): Error =>
  new DataError(
    `write_parquet: ${what}; ${jsonStrings ? 'cast or rename it before it is read' : 'set json_strings: true to write it as JSON text, or use write_arrow'}`,
  )

function refuseMisfits(batch: RecordBatch): void {
  batch.schema.fields.forEach(({ name }, i) => {
    const found = misfit(batch.data.children[i])
    if (found) {
      throw refused(
        `column ${name}${found.row === undefined ? '' : ` of row '${batch.getChild('id')?.get(found.row)}'`} holds ${found.value}`,
      )
    }
  })
}

/** The columns that must be JSON: by their type, or since one of all rows has a value that does not fit. */
function jsonColumns(schema: Schema, input: SinkInput): Set<string> {
  const json = new Set(schema.fields.filter(({ type }) => !parquetField(type, true, 'SNAPPY')).map(({ name }) => name))
  for (const batch of input.batches()) {
    schema.fields.forEach(({ name }, i) => {
      if (!json.has(name) && misfit(batch.data.children[i])) json.add(name)
    })
  }
  return json
}

async function write(
  fd: number,
  schema: Schema,
  input: SinkInput,
  json: ReadonlySet<string>,
  compression: Compression,
  groupRows: number,
): Promise<number> {
  const fields: Record<string, ParquetField> = {}
  for (const { name, type, nullable } of schema.fields) {
    fields[name] = json.has(name)
      ? { type: 'UTF8', optional: nullable, compression, statistics: false }
      : parquetField(type, nullable, compression)!
  }
  // the library hears of no error in what it does not wait for
  let failed: unknown
  const stream: ParquetStream = {
    write(bytes, done) {
      try {
        if (failed === undefined) writeAll(fd, bytes)
      } catch (error) {
        failed = error
      }
      done()
    },
    end: done => {
      done()
    },
  }
  const check = () => {
    if (failed !== undefined) throw failed as Error
  }
  const writer = await parquet.ParquetWriter.openStream(new parquet.ParquetSchema(fields), stream, {
    rowGroupSize: groupRows,
    pageSize: 1000,
    useDataPageV2: false,
    pageIndex: false,
  })
  if (json.size > 0) writer.setMetadata('sluice.json_columns', JSON.stringify([...json]))
  let rows = 0,
    bytes = 0
  for (const batch of input.batches()) {
    const columns: readonly Data[] = batch.data.children
    const readers = columns.map((column, i) =>
      json.has(schema.fields[i].name) ? jsonReader(column) : parquetReader(column),
    )
    const rowBytes = columns.reduce((n, column) => n + sizeOf(column), 0) / Math.max(1, batch.numRows)
    for (let row = 0; row < batch.numRows; row++) {
      const record: Record<string, unknown> = {}
      readers.forEach((read, i) => {
        record[schema.fields[i].name] = read(row)
      })
      bytes += rowBytes
      if (++rows >= groupRows || bytes >= GROUP_BYTES) {
        // the library looks at the count of rows after each row: this one ends the group
        writer.setRowGroupSize(1)
        rows = bytes = 0
      }
      await writer.appendRow(record)
      writer.setRowGroupSize(groupRows)
      check()
    }
  }
  await writer.close()
  check()
  return writer.envelopeWriter.rowCount
}
