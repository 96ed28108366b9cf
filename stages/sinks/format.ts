/** Pairs as messages, whole or of role and content alone, or as plain text: what the sinks share. */
import { DataType, Field, makeData, Schema, Utf8, type Data, type List, type RecordBatch } from 'apache-arrow'
import { messagesColumn } from '../../engine/arrow/columns.ts'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { DataError } from '../../engine/errors.ts'
import { asTalks } from '../../engine/source/marks.ts'
import { isFurther } from '../../engine/source/further_fields.ts'
import { choice } from '../../engine/contract/define.ts'
import { isWhole, wholeMessages, wholeType } from './whole.ts'

const sides = ['prompt', 'chosen', 'rejected']
type Format = 'conversational' | 'text' | 'whole'

/** What the values of `format` mean, but for `auto`. */
export const formats =
  'conversational: messages of role and content; what else they had lies beside them, in `source_<side>_fields`. text: plain text, only for pairs of single messages.'
export const wholeFormat = 'whole: messages with all that they had, as tool calls and reasoning'

/** The option `format` of a sink. */
export const formatOption = choice(['auto', 'conversational', 'text'], {
  default: 'auto',
  description: `${formats} auto: text when every source file held plain text, else conversational.`,
})

/**
 * The schema that a format writes: for text, prompt, chosen and rejected are utf8; of whole messages each is JSON, and
 * the columns of their further fields are left out; all other columns keep name and type.
 */
export function formatSchema(
  format: 'auto' | Format,
  input: Schema,
  isText: boolean,
): { schema: Schema; format: Format } {
  const chosen = format === 'auto' ? (isText ? 'text' : 'conversational') : format
  if (chosen === 'conversational') return { schema: input, format: chosen }
  const type = chosen === 'text' ? new Utf8() : wholeType,
    fields = chosen === 'text' ? input.fields : input.fields.filter(({ name }) => !isFurther(name))
  return {
    schema: new Schema(fields.map(field => (sides.includes(field.name) ? new Field(field.name, type, false) : field))),
    format: chosen,
  }
}

/**
 * Rows in the written schema; throws `<stage>: …` for a side of several messages where text was asked for. Of text it
 * shares all memory. Where sides are conversations, turns that marks within the text of a prompt begin are turns.
 */
export function toFormat(stage: string, input: RecordBatch, schema: Schema): RecordBatch {
  // names may be others in what is written, places are the same
  const isLeft = (name: string) => schema.fields.some(({ type }) => isWhole(type)) && isFurther(name)
  // answers have no rejected side
  const at = sides.map(side => input.schema.fields.findIndex(({ name }) => name === side)).filter(place => place >= 0),
    given = at.map(i => input.data.children[i]),
    isText = schema.fields.some(({ name, type }) => name === 'prompt' && DataType.isUtf8(type)),
    [prompt, ...others] = given as [Data<List>, ...Data[]],
    talks = isText ? given : asTalks(prompt, others)
  const columns = input.data.children
    .map((column, i) => talks[at.indexOf(i)] ?? column)
    .filter((_, i) => !isLeft(input.schema.fields[i].name))
    .map((column, i) => {
      const { name, type } = schema.fields[i]
      if (!sides.includes(name)) return column
      if (isText) return singleText(stage, column, input, name)
      return isWhole(type) ? wholeMessages(stage, column, input, name) : column
    })
  return toRecordBatch(schema, columns, input.numRows)
}

/** The texts of single messages, sharing their bytes. `stage` begins the error. */
export function singleText(stage: string, column: Data, batch: RecordBatch, name: string): Data {
  const { offsets, bytes, contentOffsets } = messagesColumn(column)
  for (let row = 0; row < column.length; row++) {
    if (offsets[row + 1] - offsets[row] !== 1) {
      throw new DataError(
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
