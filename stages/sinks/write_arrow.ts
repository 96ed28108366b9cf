/** Writes Arrow shards that `datasets.load_from_disk` opens and TRL's DPOTrainer takes as they are. */
import { createHash } from 'node:crypto'
import { createReadStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Field, makeData, Schema, Utf8, type Data, type RecordBatch } from 'apache-arrow'
import { messagesColumn } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { appendStreams, schemaBytes } from '../../engine/arrow/ipc.ts'
import { choice, defineSink, Type } from '../define.ts'

/** Names that TRL gives a meaning to: a column of that name changes what is trained. */
export const reservedNames = ['images', 'image', 'tools', 'chat_template_kwargs', 'messages', 'completion', 'completions', 'label', 'labels', 'margin',
  'prompt_ids', 'chosen_ids', 'rejected_ids', 'prompt_input_ids', 'chosen_input_ids', 'rejected_input_ids', 'ref_chosen_logps', 'ref_rejected_logps']

const sides = ['prompt', 'chosen', 'rejected']

export default defineSink({
  name: 'write_arrow', version: 1,
  summary: 'Write Arrow shards that `load_from_disk` opens and a DPO trainer takes as they are.',
  details: `The folder holds \`data-00000-of-0000n.arrow\` (IPC streams, record batches of at most 1,000 rows), \`state.json\` and \`dataset_info.json\`. The prompt is always explicit.
Columns whose names TRL reserves are renamed to \`meta_<name>\` and listed in the manifest. All shards have one schema, and there is at least one shard.`,
  options: Type.Object({
    format: choice(['auto', 'conversational', 'text'], { default: 'auto', description: 'conversational: messages. text: plain text, only for pairs of single messages. auto: text when every source file held plain text, else conversational.' }),
    shard_megabytes: Type.Integer({ minimum: 1, maximum: 4000, default: 500, description: 'size at which a shard ends' }),
  }),
  reads: { id: 'text', prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  reasons: {},
  schema(options, input, isText) {
    const format = options.format === 'auto' ? (isText ? 'text' : 'conversational') : options.format
    const taken = new Set(input.fields.map(({ name }) => name))
    const renamed: Record<string, string> = {}
    const fields = input.fields.map(field => {
      if (sides.includes(field.name)) return format === 'text' ? new Field(field.name, new Utf8(), false) : field
      if (!reservedNames.includes(field.name)) return field
      let name = `meta_${field.name}`
      while (taken.has(name)) name = `meta_${name}`
      renamed[field.name] = name
      return new Field(name, field.type, field.nullable)
    })
    return { schema: new Schema(fields), renamed, facts: { format } }
  },
  convert(_options, input, schema) {
    const columns = input.data.children.map((column, i) =>
      sides.includes(schema.fields[i].name) && schema.fields[i].type instanceof Utf8 ? singleText(column, input, schema.fields[i].name) : column)
    return toRecordBatch(schema, columns, input.numRows)
  },
  async publish(options, folder, schema, input) {
    const shards = appendStreams(folder, schemaBytes(schema), input.streams, options.shard_megabytes * 1e6,
      (i, n) => `data-${String(i).padStart(5, '0')}-of-${String(n).padStart(5, '0')}.arrow`)
    const hash = createHash('sha256')
    for (const { file } of shards) for await (const chunk of createReadStream(join(folder, file), { highWaterMark: 4 << 20 })) hash.update(chunk as Buffer)
    const state = {
      _data_files: shards.map(({ file }) => ({ filename: file })), _fingerprint: hash.digest('hex').slice(0, 16), _format_columns: null, _format_kwargs: {}, _format_type: null,
      _output_all_columns: false, _split: 'train',
    }
    writeFileSync(join(folder, 'state.json'), `${JSON.stringify(state, null, 2)}\n`)
    writeFileSync(join(folder, 'dataset_info.json'), '{}\n')
  },
})

/** The texts of single messages, sharing their bytes. */
function singleText(column: Data, batch: RecordBatch, name: string): Data {
  const { offsets, bytes, contentOffsets } = messagesColumn(column)
  for (let row = 0; row < column.length; row++) {
    if (offsets[row + 1] - offsets[row] !== 1) {
      throw new Error(`write_arrow: ${name} of row '${batch.getChild('id')?.get(row)}' has ${offsets[row + 1] - offsets[row]} messages, and plain text holds one; set format: conversational`)
    }
  }
  return makeData({ type: new Utf8(), length: column.length, nullCount: 0, valueOffsets: contentOffsets.slice(0, column.length + 1), data: bytes })
}
