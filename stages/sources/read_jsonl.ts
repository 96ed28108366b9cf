/** Reads preference pairs from JSON Lines: one object a line. */
import { defineSource, Type } from '../../engine/contract/define.ts'
import { BATCH_BYTES, readBatches, startsOf } from './jsonl_batches.ts'
import {
  FAULT,
  inferColumns,
  LINE,
  linesSchema,
  NO_JSON,
  openReader,
  OTHER,
  parseLine,
  type Column,
  type Json,
} from './jsonl_columns.ts'
import { settleColumns } from './jsonl_scan.ts'
import { indexLines, readLines, type LineIndex, type LinePlaces } from './lines.ts'

const SAMPLE_ROWS = 1000

/** Where a file's blocks of lines begin, and its columns; their types are those of its schema. */
interface JsonlPlan {
  readonly places: LinePlaces
  readonly columns: readonly Omit<Column, 'type'>[]
  readonly hasOther: boolean
  readonly hasTwice: boolean
}

/** The number of a last line that was cut: it has no line end and is no JSON. */
async function cutLine(path: string, index: LineIndex): Promise<number | undefined> {
  if (index.isEnded) return undefined
  for await (const line of readLines(path, index, { start: index.lines - 1, end: index.lines })) {
    if (parseLine(line.toString()) === NO_JSON) return index.lines
  }
  return undefined
}

/** The first lines; of huge ones a few are enough to judge by. */
async function firstLines(path: string, index: LineIndex): Promise<string[]> {
  const lines: string[] = []
  let bytes = 0
  for await (const line of readLines(path, index, { start: 0, end: Math.min(SAMPLE_ROWS, index.lines) })) {
    lines.push(line.toString())
    bytes += line.length
    if (bytes >= BATCH_BYTES) break
  }
  return lines
}

/** What to do with a whole file of JSON, which is mistaken for one of JSON Lines more often than anything else. */
function cureOf(line: string, parsed: Json | string, isAll: boolean): string | undefined {
  if (parsed !== NO_JSON && !isAll) return undefined
  if (line.trimStart().startsWith('[')) return "of a JSON array make one object a line, as by jq -c '.[]'"
  return line.trim() === '{' ? 'its objects go over several lines; make each one line, as by jq -c .' : undefined
}

export default defineSource({
  name: 'read_jsonl',
  version: 13,
  extensions: ['.jsonl', '.ndjson', '.jsonl.gz', '.ndjson.gz', '.jsonl.zst', '.ndjson.zst'],
  seeks: true,
  summary: 'Read preference pairs from JSON Lines files, folders or globs.',
  details: [
    'Columns and their kinds come from the first 1,000 rows: text, numbers, bool; of the columns that a layout needs also lists and objects. Lists and objects of other columns, and columns of mixed',
    `kinds, are JSON text. Of what comes later, columns that a layout needs, fields in them, and kinds of what was null so far are taken up. Other keys and values that come later and do not fit are kept as`,
    `JSON in \`${OTHER}\`, a column that is there only if some row needs it; in a column that the layout needs values of another kind make the line unreadable. Fields of a message beside role and text are kept as their JSON where they disagree.`,
    '',
    'No digit is lost: a column whose numbers are all written as integers is int64, another float64, and one with integers that neither can hold is JSON text. An `id` may be a number or text.',
    'NaN and Infinity, which Python writes and JSON does not have, are null, and counted in a warning. A line is a row, blank ones too. Files may be packed by gzip or zstd, each then read by one worker.',
    'A URL, `hf://datasets/<owner>/<name>/<path>` or `s3://<bucket>/<key>`, is read by range requests, its ETag and size standing for its content, as by `read_parquet`; all of it is read several times: download what is large.',
    'Layouts are those of `read_parquet`.',
  ].join('\n'),
  options: Type.Object({}),
  async open(_, path, mayBePair) {
    const index = await indexLines(path),
      lines = await firstLines(path, index)
    if (lines.length === 0) throw new Error('has no line: its columns are unknown; remove the file')
    const parsed = lines.map(line => parseLine(line)),
      rows = parsed.filter((row): row is Json => typeof row !== 'string')
    const cure = cureOf(lines[0], parsed[0], rows.length === 0)
    if (cure !== undefined || rows.length === 0) {
      const why = rows.length === 0 ? `, and none of the first ${lines.length} is a JSON object` : ''
      throw new Error(`${String(parsed[0])} (line 1)${why}; ${cure ?? 'is it JSON Lines?'}`)
    }
    const all = readLines(path, index, { start: 0, end: index.lines })
    const { columns, nans, ...has } = await settleColumns(inferColumns(rows, mayBePair), all, mayBePair),
      cut = await cutLine(path, index)
    const plan: JsonlPlan = {
      places: { offsets: index.offsets, packing: index.packing, identity: index.identity },
      columns: columns.map(({ name, json, said, kind }) => ({ name, json, said, kind })),
      ...has,
    }
    return {
      schema: linesSchema(columns, has.hasOther),
      rows: index.lines,
      bytes: index.bytes,
      ...(index.identity === undefined ? {} : { stamp: index.identity }),
      starts: startsOf(index.offsets),
      facts: { ...(cut === undefined ? {} : { cut_line: cut }), ...(nans === 0 ? {} : { nan: nans }) },
      unread: { text: LINE, why: FAULT },
      plan,
    }
  },
  read(_, { path, plan, schema }, { columns: wanted, ...range }) {
    const columns = plan.columns.map((column, i) => ({ ...column, type: schema.fields[i].type }))
    return readBatches(path, plan.places, range, openReader(columns, plan, wanted))
  },
})
