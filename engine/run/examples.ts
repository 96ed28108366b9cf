/**
 * Runs the examples that stages declare, through the code that runs stages: for tests and for the pages in docs/stages.
 */
import { Field, Schema, Utf8, vectorFromArray, type Data } from 'apache-arrow'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Answer, AnyStage, Context, Example, ExampleRow } from '../contract/define.ts'
import { makeBool, makeFloat64, makeMessages, makeText, type Message } from '../arrow/columns.ts'
import { Batch, toRecordBatch, type Flow } from '../arrow/flow.ts'
import { resolveColumns, writtenName } from '../graph/columns.ts'
import { effectOf, fitRounds, writesOf, type Node } from '../graph/types.ts'
import { validateOptions } from '../graph/validate.ts'
import { loadValue } from './files.ts'
import { bucketRanges, joinBuckets, KeyWriter, runBucket } from './group.ts'
import { DROPPED, ERRORED, type GroupDrops, type PassMeta } from './messages.ts'
import { openRun, runStage, type Said } from './verdicts.ts'

/**
 * What became of an example's rows, by their index. `kept` is empty for a derive stage, which gives out new rows only.
 * `values` are the numbers that decided drops, where there is one. `columns`: what the stage wrote, unprefixed, one
 * value a kept row; `made`: the new rows with all their columns, those of the stage unprefixed.
 */
export interface ExampleResult {
  readonly kept: readonly number[]
  readonly dropped: Readonly<Record<number, string>>
  readonly values: Readonly<Record<number, number>>
  readonly errored: Readonly<Record<number, string>>
  readonly columns: Readonly<Record<string, readonly unknown[]>>
  readonly made: readonly ExampleRow[]
  readonly noted: Readonly<Record<number, string>>
}

const SEED = 17
const sides = ['prompt', 'chosen', 'rejected']
const roleOf = (side: string): string => (side === 'prompt' ? 'user' : 'assistant')

/**
 * A side as an example writes it: a single message of the usual role by its text, others as they are. Leaves other
 * columns alone.
 */
export function shortSide(column: string, value: unknown): unknown {
  if (!sides.includes(column) || !Array.isArray(value) || value.length !== 1) return value
  const { role, content } = value[0] as Message
  return role === roleOf(column) ? content : value
}

const messagesOf = (side: string, value: unknown): readonly Message[] =>
  typeof value === 'string' ? [{ role: roleOf(side), content: value }] : ((value ?? []) as readonly Message[])

function columnOf(name: string, values: readonly unknown[]): Data {
  if (sides.includes(name)) return makeMessages(values.map(value => messagesOf(name, value)))
  const first = values.find(value => value !== null && value !== undefined)
  if (first === undefined || typeof first === 'string') {
    return makeText(values.map(value => (value as string | undefined) ?? null))
  }
  if (typeof first === 'number') {
    return makeFloat64(Float64Array.from(values, value => (value as number | undefined) ?? NaN))
  }
  if (typeof first === 'boolean') return makeBool(Uint8Array.from(values, value => (value ? 1 : 0)))
  // as read_jsonl gives them
  if (Array.isArray(first) && typeof first[0] === 'object') {
    return makeText(values.map(value => (value === null || value === undefined ? null : JSON.stringify(value))))
  }
  return vectorFromArray(values).data[0]
}

/** Rows as the engine carries them: row i of one file, its id `row-<i>` unless it has one. */
export function flowOf(rows: readonly ExampleRow[]): Flow {
  const names = [...sides, ...new Set(rows.flatMap(Object.keys))].filter(
    (name, i, all) => all.indexOf(name) === i && name !== 'id',
  )
  const columns = names.map(name =>
    columnOf(
      name,
      rows.map(row => row[name]),
    ),
  )
  const ids = makeText(rows.map((row, i) => (row.id as string | undefined) ?? `row-${i}`))
  const fields = names.map((name, i) => new Field(name, columns[i].type, !sides.includes(name)))
  return {
    schema: new Schema([new Field('id', new Utf8(), false), ...fields]),
    columns: [ids, ...columns],
    rows: rows.length,
    row: Uint32Array.from(rows.keys()),
    copy: new Uint32Array(rows.length),
  }
}

/** All values of a flow as plain JSON, row by row. */
const plainRows = (flow: Flow): ExampleRow[] =>
  toRecordBatch(flow.schema, flow.columns, flow.rows)
    .toArray()
    .map(
      row =>
        JSON.parse(
          JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? Number(value) : (value as unknown))),
        ) as ExampleRow,
    )

/** The output schema of a stage over rows of a schema. Throws when the rows lack a column that the stage reads. */
function outputSchema(node: Node, schema: Schema): Schema {
  const source = {
    id: 'rows',
    use: 'rows',
    stage: { kind: 'source' },
    options: {},
    from: [],
    index: 0,
  } as unknown as Node
  const graph = {
    name: 'example',
    seed: SEED,
    partitionRows: 1,
    nodes: [source, node],
    base: '.',
    place: <T>(problem: T) => problem,
  }
  const file = { path: 'rows', isText: false, schema }
  const { nodes, problems } = resolveColumns(graph, new Map([['rows', [file]]]))
  const errors = problems.filter(({ level }) => level === 'error')
  if (errors.length > 0) {
    throw new Error(`${node.id}: the example's rows do not fit: ${errors.map(({ message }) => message).join('; ')}`)
  }
  return nodes.get(node.id)!.output
}

/** The group round over one partition, by way of its files. */
function groupDrops(stage: AnyStage, options: Record<string, unknown>, context: Context, flow: Flow): GroupDrops {
  const home = mkdtempSync(join(tmpdir(), 'sluice-example-')),
    folder = join(home, 'part')
  try {
    mkdirSync(folder)
    const writer = new KeyWriter(folder, context.id, stage.group as never, options, context)
    writer.add(new Batch(flow), flow.row)
    const meta = { grouped: { [context.id]: writer.close() } } as unknown as PassMeta
    const ranges = bucketRanges(0),
      files = ranges.map(([from]) => join(home, `bucket-${from}.bin`)),
      reasons = Object.keys(stage.reasons)
    ranges.forEach(([from, to], i) =>
      runBucket(
        { kind: 'bucket', node: context.id, from, to, folders: [folder], bases: [0], file: files[i] },
        stage.group as never,
        reasons,
        options,
        () => meta,
      ),
    )
    const target = join(home, 'drops.bin')
    joinBuckets(
      context.id,
      files,
      [{ rows: flow.rows, file: 'rows', folder }],
      reasons.indexOf(stage.group!.edgeReason ?? ''),
      [target],
    )
    return loadValue<GroupDrops>(target)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/**
 * Runs one example in memory: options with their defaults, fit rounds over its rows (or with `state` when given),
 * groups, then the stage as one block. Its id in this run is its name. Throws when options or columns are wrong.
 */
export async function runExample(
  stage: AnyStage,
  example: Example,
  { state: given }: { state?: unknown } = {},
): Promise<ExampleResult> {
  const options = structuredClone(example.options ?? {}) as Record<string, unknown>
  const wrong = validateOptions(stage, options, '')
  if (wrong.length > 0) {
    throw new Error(
      `${stage.name}: options of '${example.title}': ${wrong.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')}`,
    )
  }
  const flow = flowOf(example.rows),
    id = stage.name
  const node: Node = { id, use: stage.name, stage, options, from: [{ node: 'rows' }], index: 1 }
  let state = given
  const service = stage.calls?.(options as never),
    wire = [...(example.answers ?? [])]
  // requests and answers as over the wire, without one
  const ask: Context['ask'] = async items => {
    if (!service) throw new Error(`${stage.name}: the stage asks, and has no 'calls'`)
    const size = service.items_per_request
    return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
      items.slice(i * size, (i + 1) * size),
    ).flatMap((some): Answer[] => {
      if (wire.length === 0) throw new Error(`${stage.name}: '${example.title}' asks for more answers than it has`)
      try {
        return service.read(wire.shift(), some).map(value => ({ value }))
      } catch (error) {
        return some.map(() => ({ error: (error as Error).message }))
      }
    })
  }
  const context = (): Context => ({ id, seed: SEED, state, ask })
  // what is fitted goes through the bytes in which it travels between threads
  const carried = (value: unknown): unknown => deserialize(serialize(value))
  for (const round of given === undefined ? fitRounds(node) : []) {
    const collector = round.collect(context())
    await collector.batch(new Batch(flow))
    state = carried(await round.merge([carried(collector.part())], context()))
  }
  const drops = stage.group && groupDrops(stage, options, context(), flow)
  const reasons = Object.keys(stage.reasons)
  const prepare =
    drops &&
    ((said: Said) =>
      drops.index.forEach((row, i) =>
        said.drop(row, reasons[drops.reason[i]], drops.value[i], drops.relatedFile[i], drops.relatedRow[i]),
      ))
  const run = { ...openRun(node, context()), output: outputSchema(node, flow.schema) }
  const { out, said } = await runStage(run, flow, prepare)
  return resultOf(node, said, plainRows(out))
}

function resultOf(node: Node, said: Said, out: readonly ExampleRow[]): ExampleResult {
  const { id } = node,
    reasons = Object.keys(node.stage.reasons)
  const rows = [...said.kept.keys()],
    where = (kind: number) => rows.filter(row => said.said[row] && said.kind[row] === kind)
  const written = Object.keys(writesOf(node)),
    isNew = effectOf(node) === 'derive'
  const short = new Map([...written, 'parent'].map(name => [writtenName(id, name), name]))
  const byRow = <T>(list: readonly number[], value: (row: number) => T): Record<number, T> =>
    Object.fromEntries(list.map(row => [row, value(row)]))
  return {
    kept: isNew ? [] : rows.filter(row => said.kept[row]),
    dropped: byRow(where(DROPPED), row => reasons[said.reason[row]]),
    values: byRow(
      where(DROPPED).filter(row => !Number.isNaN(said.value[row])),
      row => said.value[row],
    ),
    errored: byRow(where(ERRORED), row => said.messages.get(row)!),
    columns: isNew
      ? {}
      : Object.fromEntries(written.map(name => [name, out.map(row => shortSide(name, row[writtenName(id, name)]))])),
    made: isNew
      ? out.map(row =>
          Object.fromEntries(
            Object.entries(row).map(([name, value]) => [short.get(name) ?? name, shortSide(name, value)]),
          ),
        )
      : [],
    noted: Object.fromEntries(said.notes.map(({ row, reason }) => [row, reason])),
  }
}
