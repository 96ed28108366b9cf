/** Reads preference pairs from CSV: a header line, then a record a row. */
import { DataType, Field, Schema, Utf8, type RecordBatch } from 'apache-arrow'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { defineSource, Type } from '../../engine/contract/define.ts'
import { isUrl, openHttpSource } from '../../engine/files/http_source.ts'
import { nearest } from '../../engine/graph/messages.ts'
import { fromValues } from '../../engine/source/values.ts'
import { readRecords, type CsvRecord, type Place } from './csv_records.ts'
import { isNan, rowOf, typeOf, type Kind } from './csv_values.ts'

/** Every so many rows the place of one is kept. */
const BLOCK_ROWS = 20_000
const BATCH_ROWS = 1000
const BATCH_BYTES = 64 << 20
/** Text columns of the raw batch alone: records that are no row, and why. */
const LINE = 'source_line',
  FAULT = 'source_fault'

/** As Spark and MySQL write it; where its fields and records end is not told by quotes alone. */
const ESCAPED =
  'a quote stands behind a backslash, with text after it; write quotes within fields twice (Spark: option("escape", "\\""); pandas: without escapechar)'

const delimiterOf = ({ delimiter }: { delimiter?: string }, path: string): string =>
  delimiter ?? (/\.tsv(?:[?#]|$)/i.test(path) ? '\t' : ',')

/** Names of the columns; those without one are called as pandas calls them. */
function namesOf({ fields, fault, text }: CsvRecord, delimiter: string): string[] {
  if (fault) throw new Error(`line 1, the header: ${fault}; mend it there`)
  if (/\r(?!\n)/.test(text)) throw new Error('has line ends of old Macs (\\r); write it with \\n or \\r\\n')
  const other = [';', '\t', '|', ','].find(one => one !== delimiter && text.includes(one))
  if (fields.length === 1 && other !== undefined) {
    const said = other === '\t' ? "$'\\t'" : JSON.stringify(other)
    throw new Error(
      `its header is one column, ${text}; if fields are parted by ${said}, say so by the option delimiter (--set <its id>.delimiter=${said})`,
    )
  }
  return fields.map((name, i) => name ?? `Unnamed: ${i}`)
}

export default defineSource({
  name: 'read_csv',
  version: 7,
  extensions: ['.csv', '.tsv'],
  summary: 'Read preference pairs from CSV and TSV files, folders or globs.',
  details: [
    'The first record names the columns. Fields may stand in quotes, with line breaks in them and quotes twice; lines end with `\\n` or `\\r\\n`, and a byte order mark is no part of the first name.',
    'All is read as text unless `types` says otherwise. An empty field is null, and `""` is text without a character; of numbers NaN and infinities are null, and counted in a warning. Spaces are kept.',
    'A record with more or fewer fields than the header, with text behind a closing quote, or with a value that is not of its type is no row: it is dropped as `unreadable_line`, with the line where it begins.',
    'Of a quote that is never closed, or that a backslash escapes, nobody can say where its field ends: such a file is refused. A URL is read as by `read_jsonl`. Layouts are those of `read_parquet`.',
  ].join('\n'),
  options: Type.Object({
    delimiter: Type.Optional(
      Type.String({
        pattern: '^[\\t -!#-~]$',
        description: 'the character between fields; when left out a comma, and in files that end in .tsv a tab',
      }),
    ),
    types: Type.Record(Type.String({ minLength: 1 }), Type.Unsafe<Kind>({ type: 'string', enum: ['number', 'bool'] }), {
      default: {},
      description: 'columns that are no text, by their names in the file: number or bool',
    }),
  }),
  async open(options, path) {
    const delimiter = delimiterOf(options, path),
      places: Place[] = [],
      { identity, byteLength } = isUrl(path) ? await openHttpSource(path) : {}
    let names: string[] | undefined,
      numbers: number[] = [],
      rows = 0,
      nans = 0
    for await (const record of readRecords(path, delimiter, undefined, identity)) {
      if (!names) {
        names = namesOf(record, delimiter)
        numbers = names.flatMap((name, i) => (DataType.isFloat(typeOf(options.types, name)) ? [i] : []))
        places.push(record.next)
        continue
      }
      if (record.isEscaped) throw new Error(`line ${record.line}: ${ESCAPED}`)
      if (++rows % BLOCK_ROWS === 0) places.push(record.next)
      for (const i of numbers) if (isNan(record.fields[i] ?? null)) nans++
    }
    if (!names) throw new Error('has no line: its columns are unknown; remove the file')
    for (const name of Object.keys(options.types)) {
      if (names.includes(name)) continue
      const near = nearest(name, names)
      throw new Error(
        `option 'types' names ${name}, which is not there${near === undefined ? '' : ` (did you mean '${near}'?)`}; there are ${names.join(', ')}`,
      )
    }
    const fields = names.map(name => new Field(name, typeOf(options.types, name), true))
    const schema = new Schema([...fields, ...[LINE, FAULT].map(name => new Field(name, new Utf8(), true))])
    const starts = places.map((_, k) => k * BLOCK_ROWS).filter(row => row === 0 || row < rows)
    const facts: Record<string, number> = nans === 0 ? {} : { nan: nans }
    const far = identity === undefined ? {} : { stamp: identity, bytes: byteLength }
    return { schema, rows, starts, facts, ...far, unread: { text: LINE, why: FAULT }, plan: { places, identity } }
  },
  async *read(options, { path, plan, schema }, { start, columns }) {
    const delimiter = delimiterOf(options, path),
      all = schema.names.map(String),
      names = all.slice(0, -2)
    const wanted = new Schema(schema.fields.filter(({ name }) => columns.includes(name)))
    let rows: (readonly unknown[])[] = [],
      bytes = 0
    const flush = (): RecordBatch => {
      const data = wanted.fields.map(({ name, type }) => {
        const at = all.indexOf(name)
        return fromValues(
          type,
          rows.map(row => row[at]),
        )
      })
      const batch = toRecordBatch(wanted, data, rows.length)
      rows = []
      bytes = 0
      return batch
    }
    const nothing = names.map(() => null)
    for await (const record of readRecords(path, delimiter, plan.places[start / BLOCK_ROWS], plan.identity)) {
      const row = rowOf(record, names, options.types)
      rows.push(
        typeof row === 'string' ? [...nothing, record.text, `line ${record.line}: ${row}`] : [...row, null, null],
      )
      bytes += record.next.at - record.at
      if (rows.length === BATCH_ROWS || bytes >= BATCH_BYTES) yield flush()
    }
    if (rows.length > 0) yield flush()
  },
})
