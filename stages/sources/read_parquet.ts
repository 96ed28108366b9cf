/** Reads preference pairs from Parquet, of any codec, from the disk or from a URL. */
import { decodedBytes, openParquet, readRows, type ParquetFile } from '../../engine/parquet/file.ts'
import { defineSource, Type } from '../../engine/contract/define.ts'
import { layouts } from '../../engine/source/layout_table.ts'
import { pickRows } from '../../engine/source/pick.ts'

/** Where row groups begin. */
function startsOf({ rows, rowGroups }: ParquetFile): number[] {
  const starts = new Set([0])
  let before = 0
  for (const group of rowGroups) {
    if (before < rows) starts.add(before)
    before += group.rows
  }
  return [...starts]
}

export default defineSource({
  name: 'read_parquet',
  version: 12,
  extensions: ['.parquet'],
  seeks: true,
  summary: 'Read preference pairs from Parquet files, folders, hive folders or globs.',
  details: [
    'A URL is read by range requests, nothing but what is needed; its ETag (or Last-Modified) and size stand for its content: where they change, it is another file. `hf://datasets/<owner>/<name>` is a data set of the Hugging Face Hub, with `/folder`, `/data/train-*.parquet` or `@revision` behind it (`@~parquet`: the Hub’s own Parquet copy); `HF_TOKEN` is sent to the Hub alone. `s3://<bucket>/<key>` is a file, a folder or a pattern of a bucket, asked with the keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` (without them as anybody), in `AWS_REGION`, at `AWS_ENDPOINT_URL` where that is set; files of keys are not looked for.',
    'A folder with a Delta Lake log (`_delta_log`) is read at its latest version, its partitions as text; tables with deletion vectors, mapped columns or other features that change what rows are, are refused by name.',
    'A hive folder `key=value` becomes a text column, unless the file has a column of that name. Columns that become the pair are not carried',
    'beside it; all others are, untouched.',
    'Bytes that no annotation calls text are text in `id`, `prompt`, `chosen` and `rejected`, and as role and content of messages. Durations, time zones and UUIDs without an annotation are those of the Arrow schema that a writer has left.',
    'Further fields of a message become JSON in `source_<side>_fields`, in the form in which `write_jsonl` writes a column of their type; what is null in them is left out.',
    'Layouts, in the order in which they are tried:',
    '',
    ...layouts.map(({ name, rule, example }) => `- **${name}**: ${rule}.\n  \`${example.replaceAll('\n', '`, `')}\``),
  ].join('\n'),
  options: Type.Object({}),
  async open(_, path) {
    const file = await openParquet(path),
      { identity, rows, bytes, schema } = file
    return {
      schema,
      rows,
      bytes,
      starts: startsOf(file),
      ...(identity === undefined ? {} : { stamp: identity }),
      facts: {
        row_groups: file.rowGroups.length,
        codecs: file.codecs.join(', '),
        checksums: file.checksums ? 'crc32' : 'none',
      },
      decodedBytes: columns => decodedBytes(file, columns),
      plan: identity,
    }
  },
  async *read(_, { path, plan }, { columns, ...range }) {
    const file = await openParquet(path, plan)
    yield* pickRows(range, startsOf(file), part => readRows(file, part, { columns }))
  },
})
