/** Writes pairs as JSON Lines: for tools without Arrow, and for eyes. */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Bytes, notJson, objectWriter } from '../../engine/arrow/json.ts'
import { DataError } from '../../engine/errors.ts'
import { isFurther } from '../../engine/source/further_fields.ts'
import { writeAll } from '../../engine/io.ts'
import { choice, defineSink, Type } from '../../engine/contract/define.ts'
import { formats, formatSchema, toFormat, wholeFormat } from './format.ts'

const FLUSH_BYTES = 4 << 20

export default defineSink({
  name: 'write_jsonl',
  version: 3,
  summary: 'Write JSON Lines, one object a row.',
  details: `The folder holds \`data.jsonl\`: UTF-8, one object a line, its keys in the order of the columns and the same on every line. \`prompt\`, \`chosen\` and \`rejected\` are lists of
\`{"role", "content"}\`, or strings (\`format\`). Columns keep their names.

| value | in JSON |
| --- | --- |
| null | \`null\`: no key is left out |
| NaN, infinities | \`null\` |
| 64-bit integers | all digits, as a number. Python, pyarrow and DuckDB read them exactly; JavaScript rounds those beyond 2^53 |
| decimals | a string of digits |
| timestamps, dates, times | ISO 8601 with all digits of their unit; a timestamp with a zone in UTC with \`Z\`, one without a zone without |
| bytes | base64 |`,
  options: Type.Object({
    format: choice(['auto', 'conversational', 'text', 'whole'], {
      default: 'auto',
      description: `${formats} ${wholeFormat}. auto: text when every source file held plain text, whole when messages may have further fields, else conversational.`,
    }),
  }),
  reads: { id: 'text', prompt: 'messages', chosen: 'messages', rejected: 'messages' },
  schema(options, input, isText) {
    const bad = input.fields.flatMap(({ name, type }) => {
      const part = notJson(type)
      return part ? [`${name} (${part})`] : []
    })
    if (bad.length > 0) {
      throw new DataError(`write_jsonl: no form in JSON for ${bad.join(', ')}; cast these columns before they are read`)
    }
    const hasFurther = !isText && input.fields.some(({ name }) => isFurther(name)),
      wanted = options.format === 'auto' && hasFurther ? 'whole' : options.format
    const { schema, format } = formatSchema(wanted, input, isText)
    return { schema, renamed: {}, facts: { format } }
  },
  convert: (_options, input, schema) => toFormat('write_jsonl', input, schema),
  publish(_options, folder, schema, input) {
    const file = openSync(join(folder, 'data.jsonl'), 'w')
    const out = new Bytes()
    let rows = 0
    const flush = (): void => {
      writeAll(file, out.data.subarray(0, out.at))
      out.at = 0
    }
    try {
      const names = schema.fields.map(({ name }) => name)
      for (const batch of input.batches()) {
        const line = objectWriter(names, batch.data.children, out)
        for (let row = 0; row < batch.numRows; row++) {
          line(row)
          out.ascii('\n')
          rows++
          if (out.at >= FLUSH_BYTES) flush()
        }
      }
      flush()
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return rows
  },
})
