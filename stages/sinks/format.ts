/** Pairs as messages or as plain text: what the sinks share. */
import { Field, makeData, Schema, Utf8, type Data, type RecordBatch } from 'apache-arrow'
import { messagesColumn } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { choice } from '../../engine/contract/define.ts'

const sides = ['prompt', 'chosen', 'rejected']

/** The option `format` of a sink. */
export const formatOption = choice(['auto', 'conversational', 'text'], {
  default: 'auto',
  description:
    'conversational: messages. text: plain text, only for pairs of single messages. auto: text when every source file held plain text, else conversational.',
})

/**
 * The schema that a format writes: for text, prompt, chosen and rejected are utf8; all other columns keep name and
 * type.
 */
export function formatSchema(
  format: 'auto' | 'conversational' | 'text',
  input: Schema,
  isText: boolean,
): { schema: Schema; format: 'conversational' | 'text' } {
  const chosen = format === 'auto' ? (isText ? 'text' : 'conversational') : format
  if (chosen === 'conversational') return { schema: input, format: chosen }
  return {
    schema: new Schema(
      input.fields.map(field => (sides.includes(field.name) ? new Field(field.name, new Utf8(), false) : field)),
    ),
    format: chosen,
  }
}

/**
 * Rows in the written schema; throws `<stage>: …` for a side of several messages where text was asked for. Shares all
 * memory.
 */
export function toFormat(stage: string, input: RecordBatch, schema: Schema): RecordBatch {
  const columns = input.data.children.map((column, i) =>
    sides.includes(schema.fields[i].name) && schema.fields[i].type instanceof Utf8
      ? singleText(stage, column, input, schema.fields[i].name)
      : column,
  )
  return toRecordBatch(schema, columns, input.numRows)
}

/** The texts of single messages, sharing their bytes. `stage` begins the error. */
export function singleText(stage: string, column: Data, batch: RecordBatch, name: string): Data {
  const { offsets, bytes, contentOffsets } = messagesColumn(column)
  for (let row = 0; row < column.length; row++) {
    if (offsets[row + 1] - offsets[row] !== 1) {
      throw new Error(
        `${stage}: ${name} of row '${batch.getChild('id')?.get(row)}' has ${offsets[row + 1] - offsets[row]} messages, and plain text holds one; set format: conversational`,
      )
    }
  }
  return makeData({
    type: new Utf8(),
    length: column.length,
    nullCount: 0,
    valueOffsets: contentOffsets.slice(0, column.length + 1),
    data: bytes,
  })
}
