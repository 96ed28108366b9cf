/** Reads preference pairs from JSON Lines: any layout of the table in layouts.ts, one object a line. */
import { Schema } from 'apache-arrow'
import { schemaBytes, schemaFromBytes } from '../../engine/arrow/ipc.ts'
import { defineSource, Type, type InputFile } from '../../engine/contract/define.ts'
import { layoutReasons, openConverter, type ConvertOptions } from './convert.ts'
import { findFiles } from '../../engine/files/find.ts'
import { checkCarried, hiveColumns, inputOptions, openAll, type InputOptions } from './files.ts'
import { groupKeys, groupStarts, wholeGroups } from './groups.ts'
import { BATCH_BYTES, readBatches, startsOf } from './jsonl_batches.ts'
import {
  inferColumns,
  LINE,
  NO_JSON,
  openReader,
  OTHER,
  parseLine,
  type Column,
  type Json,
  type LineReader,
} from './jsonl_columns.ts'
import { settleColumns } from './jsonl_scan.ts'
import { rowsAt } from './pick.ts'
import { detectLayout, isSampled, isTextPlan, pairFacts } from './layouts.ts'
import { type Mapping } from './mapping.ts'
import { indexLines, readLines, type LineIndex } from './lines.ts'

const SAMPLE_ROWS = 1000

/**
 * What a worker needs to read a file again: where its blocks of lines begin, its columns (`schema`: their types as an
 * Arrow stream's first bytes).
 */
interface JsonlPlan {
  readonly pairs: Mapping
  readonly offsets: readonly number[]
  readonly schema: Uint8Array
  readonly columns: readonly Omit<Column, 'type'>[]
  readonly hasOther: boolean
  readonly hasTwice: boolean
  readonly hive: Readonly<Record<string, string | null>>
}

function readerOf({ schema, columns, hive, ...has }: JsonlPlan): LineReader {
  const { fields } = schemaFromBytes(schema)
  return openReader(
    columns.map((column, i) => ({ ...column, type: fields[i].type })),
    has,
    hive,
  )
}

const carryOf = (carry: readonly string[] | undefined, names: readonly string[]): ConvertOptions['carry'] =>
  carry ?? names.filter(name => name !== LINE)

/** The number of a last line that was cut: it has no line end and is no JSON. */
async function cutLine(path: string, index: LineIndex): Promise<number | undefined> {
  if (index.isEnded) return undefined
  for await (const line of readLines(path, index, { start: index.lines - 1, end: index.lines })) {
    if (parseLine(line.toString()) === NO_JSON) return index.lines
  }
  return undefined
}

async function openFile(path: string, { layout, answer, pairing, columns: carry }: InputOptions): Promise<InputFile> {
  const index = await indexLines(path)
  const sample: string[] = []
  let bytes = 0
  for await (const line of readLines(path, index, { start: 0, end: Math.min(SAMPLE_ROWS, index.lines) })) {
    sample.push(line.toString())
    bytes += line.length
    // of huge lines a few are enough to judge by
    if (bytes >= BATCH_BYTES) break
  }
  if (sample.length === 0) throw new Error('has no line: its columns are unknown; remove the file')
  const parsed = sample.map(line => parseLine(line))
  const rows = parsed.filter((row): row is Json => typeof row !== 'string')
  // a whole file of JSON is mistaken for one of JSON Lines more often than anything else
  const advice = sample[0].trimStart().startsWith('[')
    ? "of a JSON array make one object a line, as by jq -c '.[]'"
    : 'is it JSON Lines?'
  if (rows.length === 0) {
    throw new Error(`${String(parsed[0])} (line 1), and none of the first ${sample.length} is a JSON object; ${advice}`)
  }
  const hive = hiveColumns(path)
  const first = inferColumns(
    rows.map(row => ({ ...hive, ...row })),
    name => isSampled(name) || name === answer,
  )
  const { columns, ...has } = await settleColumns(first, readLines(path, index, { start: 0, end: index.lines }))
  const reader = openReader(columns, has, hive)
  const names = reader.schema.names.map(String)
  checkCarried(
    carry,
    names.filter(name => name !== LINE),
  )
  const { raw } = reader.batch(sample.filter((_, i) => typeof parsed[i] !== 'string'))
  const pairs = detectLayout(
    new Schema(reader.schema.fields.slice(0, columns.length)),
    [raw],
    layout === 'auto' ? undefined : layout,
    answer,
  )
  const { schema } = openConverter(pairs, reader.schema, { carry: carryOf(carry, names), pairing })
  const plan: JsonlPlan = {
    pairs,
    offsets: index.offsets,
    schema: schemaBytes(reader.schema),
    hive,
    ...has,
    columns: columns.map(({ name, json, said, kind }) => ({ name, json, said, kind })),
  }
  const starts = await groupStarts(pairs, startsOf(index.offsets), range =>
    readBatches(path, index.offsets, range, reader, new Map()),
  )
  const cut = await cutLine(path, index)
  return {
    path,
    rows: index.lines,
    bytes: index.bytes,
    starts,
    layout: pairs.layout,
    isText: isTextPlan(pairs),
    schema,
    plan,
    fromPath: hive,
    canPick: !pairs.completions?.isFlat,
    facts: { rows: index.lines, ...pairFacts(pairs, reader.schema), ...(cut === undefined ? {} : { cut_line: cut }) },
  }
}

const extensions = ['.jsonl', '.ndjson']

export default defineSource({
  name: 'read_jsonl',
  version: 7,
  extensions,
  summary: 'Read preference pairs from JSON Lines files, folders or globs.',
  details: [
    'Columns and their kinds come from the first 1,000 rows: text, numbers, bool; of the columns that a layout needs also lists and objects. Lists and objects of other columns, and columns of mixed',
    `kinds, are JSON text. Keys and values that come later and do not fit are kept as JSON in \`${OTHER}\`, a column that is there only if some row needs it; in a column that the layout needs they make the line`,
    'unreadable.',
    '',
    'No digit is lost: a column whose numbers are all written as integers is int64, another float64, and one with integers that neither can hold is JSON text. An `id` may be a number or text.',
    'A line is a row, blank ones too. Layouts are those of `read_parquet`.',
  ].join('\n'),
  options: Type.Object(inputOptions),
  reasons: {
    ...layoutReasons,
    unreadable_line: {
      kind: 'broken',
      about:
        'the line is no JSON object or not UTF-8, an object of it has a key twice, a number of it is beyond float64, or a value of it is not of the kind that the first rows have there, would be rounded or is cut in the middle of a character',
    },
  },
  async inputs(options, base, warn) {
    const paths = await findFiles('read_jsonl', options, base, extensions, warn)
    return openAll('read_jsonl', paths, path => openFile(path, options), warn)
  },
  async *read({ columns: carry, pairing }, { path, plan }, range) {
    const { pairs, offsets } = plan as JsonlPlan,
      reader = readerOf(plan as JsonlPlan)
    const converter = openConverter(pairs, reader.schema, {
      carry: carryOf(carry, reader.schema.names.map(String)),
      pairing,
    })
    const problems = new Map<number, string>()
    let at = 0
    for await (const raw of wholeGroups(pairs, readBatches(path, offsets, range, reader, problems))) {
      const batch = converter.convert(raw, rowsAt(range, at, raw.numRows))
      // a line that could not be read is all null, which no layout takes for a pair
      yield {
        ...batch,
        refused: batch.refused.map(one =>
          problems.has(one.row) ? { row: one.row, reason: 'unreadable_line', error: problems.get(one.row)! } : one,
        ),
      }
      at += raw.numRows
    }
  },
  async groups(_, { path, plan }, range) {
    const { pairs, offsets } = plan as JsonlPlan
    return groupKeys(pairs, readBatches(path, offsets, range, readerOf(plan as JsonlPlan), new Map()))
  },
})
