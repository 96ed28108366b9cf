/** Writes Arrow shards that `datasets.load_from_disk` opens and TRL's DPOTrainer takes as they are. */
import { appendStreams, schemaBytes } from '../../engine/arrow/ipc.ts'
import { finishDataset } from '../../engine/dataset.ts'
import { choice, defineSink, Type } from '../../engine/contract/define.ts'
import { reservedNames, withoutReserved } from './reserved.ts'
import { formats, formatSchema, toFormat, wholeFormat } from './format.ts'

export default defineSink({
  name: 'write_arrow',
  version: 2,
  summary: 'Write Arrow shards that `load_from_disk` opens and a DPO trainer takes as they are.',
  details: `The folder holds \`data-00000-of-0000n.arrow\` (IPC streams, record batches of at most 1,000 rows), \`state.json\` and \`dataset_info.json\`. The prompt is always explicit.
Where messages have tool calls, reasoning or other fields, \`format: whole\` gives them to the trainer: each message is a value of the type JSON (\`arrow.json\`, \`Json()\` in \`datasets\` 4.7 and later) with the keys that it had and no others, calls and
their arguments as objects; pictures among its parts come before its text. A column \`tools\` keeps its name then, and \`source_<side>_fields\` are left out.

Columns whose names TRL reserves are renamed to \`meta_<name>\` and listed in the manifest. All shards have one schema, and there is at least one shard.

Rows are in order of the input, a new pair after the row that it was made of. \`order_by\` sorts them by a column instead: \`order_by: agreed_curriculum_rank\` goes from easy to hard pairs.
Rows with equal values stay in order of the input, and rows without a value (null, NaN) come last either way. A new pair has its parent's value in columns that are older than it, so it still follows its parent; in
columns of the stage that made it, and in those that only other rows have, it may have none. Text is compared by its UTF-16 units. The sort spills to the output's disk: any number of rows fits. A trainer that
shuffles undoes the order.`,
  options: Type.Object({
    format: choice(['auto', 'conversational', 'text', 'whole'], {
      default: 'auto',
      description: `${formats} ${wholeFormat}, each as JSON. auto: text when every source file held plain text, else conversational.`,
    }),
    shard_megabytes: Type.Integer({
      minimum: 1,
      maximum: 4000,
      default: 500,
      description: 'size at which a shard ends',
    }),
  }),
  reads: { id: 'text', prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  schema(options, input, isText) {
    const { schema, format } = formatSchema(options.format, input, isText)
    const isReserved = (name: string) => reservedNames.includes(name) && !(format === 'whole' && name === 'tools')
    return { ...withoutReserved(schema, isReserved), facts: { format } }
  },
  convert: (_options, input, schema) => toFormat('write_arrow', input, schema),
  async publish(options, folder, schema, input) {
    const shards = appendStreams(
      folder,
      schemaBytes(schema),
      input.streams,
      options.shard_megabytes * 1e6,
      (i, n) => `data-${String(i).padStart(5, '0')}-of-${String(n).padStart(5, '0')}.arrow`,
    )
    await finishDataset(
      folder,
      shards.map(({ file }) => file),
    )
    return shards.reduce((n, { rows }) => n + rows, 0)
  },
})
