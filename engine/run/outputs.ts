/** What a pass writes beside its spools: rows for the sinks, dropped rows, and rows that something was noted of. */
import { Field, Int64, Schema, Utf8, type RecordBatch } from 'apache-arrow'
import { join } from 'node:path'
import { makeInt64, makeText } from '../arrow/columns.ts'
import { toRecordBatch, type Flow } from '../arrow/flow.ts'
import { IpcWriter, schemaBytes, streamOf } from '../arrow/ipc.ts'
import { Rebatcher } from '../arrow/rebatch.ts'
import { openSealed } from '../sealed.ts'
import type { PassMeta } from './messages.ts'

const droppedFields = [
  new Field('dropped_by', new Utf8()),
  new Field('dropped_reason', new Utf8()),
  new Field('source_file', new Utf8()),
  new Field('source_row', new Int64()),
]

type Kind = 'sinks' | 'dropped' | 'notes'
interface Stream {
  readonly kind: Kind
  readonly node: string
  readonly batcher: Rebatcher
  readonly writer: IpcWriter
  readonly schema: Uint8Array
}

/** The streams of one partition, opened when the first row comes; `label` names its file. */
export class Outputs {
  readonly #folder: string
  readonly #label: string
  readonly #streams = new Map<string, Stream>()

  constructor(folder: string, label: string) {
    this.#folder = folder
    this.#label = label
  }

  /**
   * Rows of a stage beside its output, with why and where from; columns of theirs that have one of these names go as
   * `input_<name>`.
   */
  aside(kind: 'dropped' | 'notes', node: string, flow: Flow, reasons: readonly string[]): void {
    const values = [
      makeText(reasons.map(() => node)),
      makeText(reasons),
      makeText(reasons.map(() => this.#label)),
      makeInt64(flow.row),
    ]
    const added = droppedFields.map(field =>
      kind === 'notes' ? new Field(field.name.replace('dropped_', 'noted_'), field.type) : field,
    )
    const taken = new Set([...flow.schema.fields, ...added].map(({ name }) => name))
    const own = flow.schema.fields.map(field => {
      if (!added.some(({ name }) => name === field.name)) return field
      let name = `input_${field.name}`
      while (taken.has(name)) name = `input_${name}`
      return new Field(name, field.type, field.nullable, field.metadata)
    })
    const schema = new Schema([...own, ...added])
    this.push(kind, node, { ...flow, schema, columns: [...flow.columns, ...values], root: undefined }, schema)
  }

  /** Rows for a stream; `schema` is that of what is written, after `convert`. */
  push(kind: Kind, node: string, flow: Flow, schema: Schema, convert?: (batch: RecordBatch) => RecordBatch): void {
    const key = `${kind}:${node}`
    let stream = this.#streams.get(key)
    if (!stream) {
      const writer = new IpcWriter(join(this.#folder, `${kind}-${node}.arrow`), schema, openSealed)
      const batcher = new Rebatcher(some => {
        const batch = toRecordBatch(some.schema, some.columns, some.rows)
        writer.write(convert ? convert(batch) : batch)
      })
      stream = { kind, node, batcher, writer, schema: schemaBytes(schema) }
      this.#streams.set(key, stream)
    }
    stream.batcher.push(flow)
  }

  /** Ends all streams, and says where they are. */
  close(): Pick<PassMeta, Kind> {
    const all = [...this.#streams.values()]
    for (const { batcher, writer } of all) {
      batcher.end()
      writer.close()
    }
    const of = (kind: Kind) =>
      Object.fromEntries(
        all
          .filter(stream => stream.kind === kind)
          .map(({ node, writer, schema }) => [node, { ...streamOf(writer, schema.length), schema }]),
      )
    return { sinks: of('sinks'), dropped: of('dropped'), notes: of('notes') }
  }
}
