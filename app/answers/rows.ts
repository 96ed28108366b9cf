/** The rows that a run published or set aside, in whatever form: Arrow, Parquet, JSON Lines. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { RecordBatch } from 'apache-arrow'
import { textColumn } from '../../engine/arrow/columns.ts'
import { hash32 } from '../../engine/arrow/hash.ts'
import { jsonValueOf, plain } from '../../engine/arrow/plain.ts'
import { readParquet } from '../../engine/dataset.ts'
import { DataError, SluiceError } from '../../engine/errors.ts'
import type { SaidText } from '../../engine/report/shape.ts'
import { readStream } from '../../engine/run/inspect.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import { saidBeside } from '../../engine/source/further_fields.ts'

export type Row = Readonly<Record<string, unknown>>

/** Some rows of a file, in order. Values are as JSON has them. */
export interface Block {
  readonly rows: number
  readonly columns: readonly string[]
  value(column: string, row: number): unknown
}

const LINES = 1000

function ofBatch(batch: RecordBatch): Block {
  const columns = new Map<string, (row: number) => unknown>()
  const reader = (name: string) => {
    const [given] = batch.getChild(name)?.data ?? []
    if (given === undefined) return () => undefined
    const data = plain(given),
      isText = String(data.type) === 'Utf8' ? textColumn(data) : undefined
    return isText
      ? (row: number) => (isText.isNull(row) ? null : isText.text(row))
      : (row: number) => jsonValueOf(data, row)
  }
  return {
    rows: batch.numRows,
    columns: batch.schema.fields.map(({ name }) => name),
    value(column, row) {
      if (!columns.has(column)) columns.set(column, reader(column))
      return columns.get(column)!(row)
    },
  }
}

const ofRows = (rows: readonly Row[]): Block => ({
  rows: rows.length,
  columns: Object.keys(rows[0] ?? {}),
  value: (column, row) => rows[row][column],
})

async function* linesOf(path: string): AsyncGenerator<Block> {
  let rows: Row[] = []
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    rows.push(JSON.parse(line) as Row)
    if (rows.length < LINES) continue
    yield ofRows(rows)
    rows = []
  }
  if (rows.length > 0) yield ofRows(rows)
}

/** Whether rows of a file can be read again: other tools have forms of their own. */
export const isReadable = (file: string): boolean => /\.(arrow|parquet|jsonl)$/.test(file)

/** All rows of the files of a run's folder, such as a sink's, in order; `columns` are those that are wanted. */
export async function* blocksIn(
  run: string,
  { files }: Manifest,
  folder: string,
  columns?: readonly string[],
): AsyncGenerator<Block> {
  const names = Object.keys(files)
    .filter(file => file.startsWith(`${folder}/`) && isReadable(file))
    .sort()
  for (const name of names) {
    const path = join(run, name)
    try {
      if (name.endsWith('.jsonl')) yield* linesOf(path)
      else {
        const batches = name.endsWith('.arrow') ? readStream(path) : readParquet(path, columns ? { columns } : {})
        for await (const batch of batches) yield ofBatch(batch)
      }
    } catch (error) {
      if (error instanceof SluiceError && !(error instanceof DataError)) throw error
      throw new DataError(
        `${path} cannot be read (${(error as Error).message}); \`sluice verify\` says what is damaged`,
        { cause: error },
      )
    }
  }
}

/** All that a row of a block has. */
export const wholeRow = (block: Block, row: number): Row =>
  Object.fromEntries(block.columns.map(name => [name, block.value(name, row)]))

/** The folders of `dropped/` or `notes/` that are a stage's: files of another schema have one of their own. */
export const foldersOf = ({ files }: Manifest, kind: 'dropped' | 'notes', stage: string): string[] =>
  [...new Set(Object.keys(files).map(file => file.slice(0, file.lastIndexOf('/'))))]
    .filter(folder => new RegExp(`^${kind}/${stage}(-\\d+)?$`).test(folder))
    .sort()

/** Whether what a sink has is trained on, and not for people to look at. */
export const isTrainingSink = ({ graph }: Manifest, sink: string): boolean =>
  graph.stages.find(({ id }) => id === sink)?.with.for !== 'review'

/** The sinks of a run; `isTraining`: not those for people, nor those whose rows only other tools read. */
export function sinksOf(manifest: Manifest, isTraining: boolean): string[] {
  const { graph, sinks, files } = manifest
  return graph.stages
    .filter(({ id }) => Object.hasOwn(sinks, id) && isTraining === isTrainingSink(manifest, id))
    .map(({ id }) => id)
    .filter(id => Object.keys(files).some(file => file.startsWith(`${id}/`) && isReadable(file)))
}

/** What a row orders by among others, so that a sample is the same every time: as the samples of the page do. */
export function rankOf(seed: number, id: string): number {
  const bytes = Buffer.from(id)
  return hash32(bytes, 0, bytes.length, seed)
}

/** A pair as people read it. What is not there, as a side of a row that was refused when it was read, is ''. */
export interface Texts {
  readonly prompt: SaidText
  readonly chosen: SaidText
  readonly rejected: SaidText
}
export function textsOf(row: Row): Texts {
  const of = (side: keyof Texts): SaidText => {
    const said = saidOf(row[side]) ?? '',
      beside = row[`source_${side}_fields`],
      more = typeof beside === 'string' ? saidBeside(beside) : ''
    if (more === '') return said
    return typeof said === 'string' ? `${said}\n${more}` : [...said, { role: 'beside', content: more }]
  }
  return { prompt: of('prompt'), chosen: of('chosen'), rejected: of('rejected') }
}

type Said = string | { role?: unknown; content?: unknown; [field: string]: unknown }
/** A text, or turns; undefined where a value is neither. */
export function saidOf(value: unknown): SaidText | undefined {
  if (typeof value === 'string') return value
  if (value === null || typeof value !== 'object' || !(Symbol.iterator in value)) return undefined
  return (
    [...(value as Iterable<Said>)]
      // whole messages are JSON in Arrow
      .map(one => (typeof one === 'string' ? (JSON.parse(one) as Exclude<Said, string>) : one))
      .map(({ role, content, ...fields }) => {
        const text =
            typeof content === 'string'
              ? content
              : content === null || content === undefined
                ? ''
                : JSON.stringify(content),
          more = saidBeside(JSON.stringify(fields))
        return { role: String(role ?? ''), content: text !== '' && more !== '' ? `${text}\n${more}` : text + more }
      })
  )
}
