/** Columns and pairs for tests of sinks, and a sink run as the engine does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Field, makeData, Schema, vectorFromArray, type Data, type DataType, type RecordBatch } from 'apache-arrow'
import { afterEach, expect } from 'vitest'
import { makeMessages, makeText, messagesType, type Message } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { IpcWriter, schemaBytes, streamOf } from '../../engine/arrow/ipc.ts'
import type { SinkTask } from '../../engine/run/messages.ts'
import { withRows } from '../../engine/run/sink_rows.ts'
import { plain } from '../../engine/arrow/plain.ts'
import type { AnyKind, AnySink } from '../../engine/contract/define.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sinks-'))
  folders.push(folder)
  return folder
}

export interface Column {
  readonly name: string
  readonly data: Data
  readonly nullable?: boolean
}

/** A column of any type, compact as readers hand it over. */
export function column(name: string, values: readonly unknown[], type: DataType, nullable = true): Column {
  return {
    name,
    data: plain(vectorFromArray(values, type).data[0] ?? makeData({ type, length: 0 } as never)),
    nullable,
  }
}

export const user = (content: string): Message[] => [{ role: 'user', content }]
export const assistant = (content: string): Message[] => [{ role: 'assistant', content }]

/** Pairs of one message each way, with more columns. */
export function pairs(
  rows: readonly { id: string; prompt: Message[]; chosen: Message[]; rejected: Message[] }[],
  more: readonly Column[] = [],
): RecordBatch {
  const side = (name: 'prompt' | 'chosen' | 'rejected') => makeMessages(rows.map(row => row[name]))
  const columns: Column[] = [
    { name: 'id', data: makeText(rows.map(({ id }) => id)), nullable: false },
    ...(['prompt', 'chosen', 'rejected'] as const).map(name => ({ name, data: side(name), nullable: false })),
    ...more,
  ]
  const schema = new Schema(
    columns.map(
      ({ name, data, nullable }) =>
        new Field(name, ['prompt', 'chosen', 'rejected'].includes(name) ? messagesType : data.type, nullable ?? true),
    ),
  )
  return toRecordBatch(
    schema,
    columns.map(({ data }) => data),
    rows.length,
  )
}

export const numbered = (n: number, text: (i: number) => string = i => `text ${i}`) =>
  Array.from({ length: n }, (_, i) => ({
    id: `r${i}`,
    prompt: user(`ask ${i}`),
    chosen: assistant(text(i)),
    rejected: assistant(`${text(i)} not`),
  }))

/** Runs a sink as the engine does: converts batches, spools them, publishes from the spool. Returns the folder. */
export async function runSink(
  sink: AnyKind,
  options: Record<string, unknown>,
  batches: readonly RecordBatch[],
  isText = false,
): Promise<{ folder: string; schema: Schema }> {
  const { schema: of, convert, publish, options: declared } = sink as AnySink
  const defaults = Object.fromEntries(
    Object.entries(declared.properties as Record<string, { default?: unknown }>).flatMap(([name, option]) =>
      'default' in option ? [[name, option.default]] : [],
    ),
  )
  const all = { ...defaults, ...options } as never
  const { schema } = of(all, batches[0].schema, isText)
  const folder = temporaryFolder(),
    spool = join(temporaryFolder(), 'spool.arrow')
  const writer = new IpcWriter(spool, schema)
  for (const batch of batches) writer.write(convert(all, batch, schema))
  writer.close()
  const { order_by: column, descending = false } = options as { order_by?: string; descending?: boolean }
  const task: SinkTask = {
    kind: 'sink',
    node: 'sink',
    folder,
    schema: schemaBytes(schema),
    streams: [streamOf(writer, schemaBytes(schema).length)],
    ...(column === undefined ? {} : { order: { column, descending } }),
  }
  expect(await withRows(task, input => publish(all, folder, schema, input)), 'rows written').toBe(writer.rows)
  return { folder, schema }
}

export const jsonLines = (folder: string): Record<string, unknown>[] =>
  readFileSync(join(folder, 'data.jsonl'), 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Record<string, unknown>)

export const textColumnOf = (name: string, values: readonly (string | null)[]): Column => ({
  name,
  data: makeText(values),
  nullable: true,
})
