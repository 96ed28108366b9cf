/**
 * Runs the examples that stages and audits declare, through the code that runs them: for tests and for the pages in
 * docs/stages.
 */
import { Field, List, Schema, Utf8, vectorFromArray, type Data } from 'apache-arrow'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import type {
  Answer,
  AnyAudit,
  AnyStage,
  AuditExample,
  Context,
  Example,
  ExampleRow,
  Report,
} from '../contract/define.ts'
import { makeBool, makeFloat64, makeMessages, makeText, type Message } from '../arrow/columns.ts'
import { Batch, concatFlows, conform, takeFlow, toRecordBatch, type Flow } from '../arrow/flow.ts'
import { resolveColumns, writtenName, type NodeColumns } from '../graph/columns.ts'
import {
  effectOf,
  fitRounds,
  groupedBy,
  groupTables,
  inputsOf,
  makesRows,
  tablesOf,
  talliesOf,
  tallyRounds,
  writesOf,
  type Input,
  type Node,
} from '../graph/types.ts'
import { validateOptions } from '../graph/validate.ts'
import { contentOf } from './content.ts'
import { loadValue } from './files.ts'
import { closeClusters, relate, type Related } from '../shuffle/join.ts'
import { bucketRanges, openRecords } from '../shuffle/records.ts'
import { reduceRange } from '../shuffle/reduce.ts'
import { groupSaid } from './group_said.ts'
import { DROPPED, ERRORED, REJECTED_SIDE, type BucketTask, type RelateTask } from './messages.ts'
import { declaredFiles, fileOf } from './stage_files.ts'
import { openNone, openRun, runStage, Said, type Through } from './verdicts.ts'
import type { WorkerNode, World } from './world.ts'

/**
 * What became of an example's rows, by their index. `kept` is empty for a derive stage, which gives out new rows only;
 * of a pair stage it is the rows that are a side.
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
  if (Array.isArray(first) && typeof first[0] === 'string') {
    return vectorFromArray(values, new List(new Field('item', new Utf8()))).data[0]
  }
  return vectorFromArray(values).data[0]
}

/** Rows as the engine carries them: row i of one file, its id `row-<i>` unless it has one, and the sides of `pair`. */
export function flowOf(rows: readonly ExampleRow[], pair: readonly string[] = sides): Flow {
  const names = [...pair, ...new Set(rows.flatMap(Object.keys))].filter(
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

/** Rows of a table as they lie; of the columns that are read all are there, if there are no rows too. */
function tableOf(rows: readonly ExampleRow[], { columns }: Input): Flow {
  const names = [...new Set([...Object.keys(columns), ...rows.flatMap(Object.keys)])]
  const data = names.map(name => {
    const values = rows.map(row => row[name])
    if (columns[name] === 'messages') return columnOf('prompt', values)
    return rows.length === 0 && columns[name] === 'number' ? makeFloat64(new Float64Array(0)) : columnOf('', values)
  })
  return {
    schema: new Schema(names.map((name, i) => new Field(name, data[i].type, true))),
    columns: data,
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

/**
 * The columns of a stage over rows of these schemas, by input. Throws when the rows lack a column that the stage reads.
 */
function columnsOf(node: Node, schemas: ReadonlyMap<string, Schema>): NodeColumns {
  const isTable = (id: string) => Object.hasOwn(node.tables ?? {}, id)
  const sources = [...schemas.keys()]
    .filter(id => !isTable(id))
    .map(id => ({ id, use: id, stage: { kind: 'source' }, options: {}, from: [], index: 0 }) as unknown as Node)
  const graph = {
    name: 'example',
    seed: SEED,
    partitionRows: 1,
    nodes: [...sources, node],
    tables: [],
    base: '.',
    place: <T>(problem: T) => problem,
  }
  const fileOf = (id: string, schema: Schema) => ({ path: id, isText: false, schema })
  const { nodes, problems } = resolveColumns(
    graph,
    new Map([...schemas].map(([id, schema]) => [id, [fileOf(id, schema)]])),
  )
  const errors = problems.filter(({ level }) => level === 'error')
  if (errors.length > 0) {
    const said = errors.map(({ message, value }) => (value === undefined ? message : `${message} (${String(value)})`))
    throw new Error(`${node.id}: the example's rows do not fit: ${said.join('; ')}`)
  }
  return nodes.get(node.id)!
}

/** What a stage says of groups of rows, in blocks of about so many, by way of their files. */
async function throughGroups(
  node: WorkerNode,
  context: Context,
  flow: Flow,
  tables: ReadonlyMap<string, Flow>,
  blockRows: number,
): Promise<Related> {
  const home = mkdtempSync(join(tmpdir(), 'sluice-example-')),
    folder = join(home, 'part'),
    file = join(home, 'related.bin')
  const world = {
    setup: { blockRows },
    nodes: new Map([[node.id, node]]),
    context: () => context,
  } as unknown as World
  try {
    mkdirSync(folder)
    const records = openRecords(folder, node, context)
    records.add(flow)
    records.close()
    for (const [name, rows] of tables) {
      const sent = openRecords(folder, node, context, name)
      sent.add(rows)
      sent.close()
    }
    const of = { node: node.id, folders: [folder], bases: [0] },
      inputs = [...tables.keys()].map(name => ({ name, folders: [folder] })),
      found: RelateTask['from'][number][] = [],
      edges: string[] = []
    for (const [from, to] of bucketRanges(0)) {
      const file = join(home, `bucket-${from}.bin`)
      const task: BucketTask = { kind: 'bucket', ...of, from, to, states: [], tables: inputs, file }
      found.push({ file, sections: await reduceRange(world, task) })
      edges.push(`${file}.edges`)
    }
    if (effectOf(node) === 'cluster') {
      const file = join(home, 'clusters.bin')
      found.push({ file, sections: closeClusters({ kind: 'close', edges, bases: [0], file }) })
    }
    const partitions = [{ index: 0, rows: flow.rows, file }]
    relate({ kind: 'relate', ...of, partitions, from: found, labels: ['rows'], sources: ['rows'] })
    return loadValue<Related>(file)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

/** An example's rows through a stage, in blocks of about so many. */
async function through(
  node: WorkerNode,
  context: Context,
  flow: Flow,
  tables: ReadonlyMap<string, Flow>,
  blockRows: number,
): Promise<Through> {
  if (groupedBy(node)) {
    const said = groupSaid(node, await throughGroups(node, context, flow, tables, blockRows))
    return said({ ...openNone(node), output: node.output }, flow)
  }
  const run = { ...openRun(node, () => context), output: node.output }
  const parts: Through[] = []
  for (let at = 0; at < flow.rows; at += blockRows) {
    // nothing that changes a verdict may be remembered
    await run.renew?.()
    parts.push(await runStage(run, takeFlow(flow, [at, Math.min(flow.rows, at + blockRows)])))
  }
  const said = new Said(run, flow.rows)
  parts.forEach((part, i) => said.include(part.said, i * blockRows))
  return { said, out: concatFlows(parts.map(({ out }) => out)), all: concatFlows(parts.map(({ all }) => all)) }
}

/** What is fitted or tallied goes through the bytes in which it travels between threads. */
const carried = (value: unknown): unknown => deserialize(serialize(value))

/** The options of an example with their defaults. */
function optionsOf(stage: AnyStage | AnyAudit, { title, options: given }: Pick<Example, 'title' | 'options'>) {
  const options = structuredClone(given ?? {}) as Record<string, unknown>
  const wrong = validateOptions(stage, options, '')
  if (wrong.length === 0) return options
  const problems = wrong.map(({ pointer, message }) => `${pointer} ${message}`).join('; ')
  throw new Error(`${stage.name}: options of '${title}': ${problems}`)
}

/** What a stage is given of the files of an example, which are those that it names. */
function filesIn(node: Node, { title, files = {} }: Pick<Example, 'title' | 'files'>): Context['file'] {
  const declared = declaredFiles(node)
  for (const path of new Set([...declared, ...Object.keys(files)])) {
    const what = `${node.id}: the file '${path}' of '${title}'`
    if (!declared.includes(path)) throw new Error(`${what} is not one that the stage names`)
    if (!Object.hasOwn(files, path)) throw new Error(`${what} is missing, and the stage names it`)
  }
  return fileOf(
    node,
    declared.map(path => ({ path, bytes: new TextEncoder().encode(files[path]) })),
  )
}

/**
 * Runs one example of an audit in memory, its rows as they are and with a partition for each of them. Throws when the
 * two do not agree, or when options, inputs or columns are wrong.
 */
export async function runAuditExample(audit: AnyAudit, example: AuditExample): Promise<Report> {
  const options = optionsOf(audit, example),
    { name: id } = audit
  // an input without rows has the columns of the others
  const given = Object.entries(example.inputs).flatMap(([input, rows]) => (rows ? [[input, rows] as const] : [])),
    none = takeFlow(flowOf(given.flatMap(([, rows]) => rows)), []),
    flows = new Map(given.map(([input, rows]) => [input, rows.length > 0 ? flowOf(rows) : none]))
  const from = [...flows.keys()].map(input => ({ node: input, input }))
  const node: Node = { id, use: id, stage: audit, options, from, index: 1 }
  const inputs = inputsOf(node)
  for (const input of new Set([...Object.keys(inputs), ...flows.keys()])) {
    const isThere = flows.has(input),
      what = `${id}: the input '${input}' of '${example.title}'`
    if (isThere && !Object.hasOwn(inputs, input)) throw new Error(`${what} is not one that the audit has`)
    if (!isThere && !inputs[input].isOptional) throw new Error(`${what} is missing, and the audit needs it`)
  }
  const { tallied } = columnsOf(node, new Map([...flows].map(([input, { schema }]) => [input, schema])))
  const file = filesIn(node, example),
    context: Context = { id, seed: SEED, state: undefined, file, ask: () => Promise.resolve([]) }
  const reportOn = async (rows: number): Promise<Report> => {
    const tallies: Record<string, unknown> = {}
    for (const input of talliesOf(node)) {
      const flow = conform(flows.get(input)!, tallied!.get(input)!),
        [round] = tallyRounds(node, input),
        parts: unknown[] = []
      for (let at = 0; at < Math.max(1, flow.rows); at += rows) {
        const collector = round.collect(context),
          part = takeFlow(flow, [at, Math.min(flow.rows, at + rows)])
        if (part.rows > 0) await collector.batch(new Batch(part))
        parts.push(carried(collector.part()))
      }
      tallies[input] = carried(await round.merge(parts, context))
    }
    return audit.report(options, tallies, example.previous)
  }
  const whole = await reportOn(Infinity),
    cut = await reportOn(1)
  if (contentOf(cut) !== contentOf(whole)) {
    throw new Error(
      `${id}: '${example.title}' comes out otherwise when its rows are cut up: ${JSON.stringify(cut)}, and whole ${JSON.stringify(whole)}`,
    )
  }
  return whole
}

/**
 * Runs one example in memory: options with their defaults, fit rounds over its rows (or with `state` when given),
 * groups, then the stage as one block. Its id in this run is its name. Throws when options or columns are wrong.
 */
export async function runExample(
  stage: AnyStage,
  example: Example,
  { state: known }: { state?: unknown } = {},
): Promise<ExampleResult> {
  const options = optionsOf(stage, example)
  const isPair = effectOf({ stage, options }) === 'pair',
    flow = flowOf(example.rows, isPair ? ['prompt', 'chosen'] : sides),
    id = stage.name
  const given = Object.entries(example.tables ?? {}).flatMap(([name, rows]) => (rows ? [[name, rows] as const] : [])),
    declared = tablesOf({ stage, options })
  for (const name of new Set([...Object.keys(declared), ...given.map(([name]) => name)])) {
    const what = `${id}: the table '${name}' of '${example.title}'`
    if (!Object.hasOwn(declared, name)) throw new Error(`${what} is not one that the stage has`)
    const isThere = given.some(([other]) => other === name)
    if (!isThere && !declared[name].isOptional) throw new Error(`${what} is missing, and the stage needs it`)
  }
  const flows = new Map(given.map(([name, rows]) => [name, tableOf(rows, declared[name])]))
  const tables = Object.fromEntries(given.map(([name]) => [name, [name]]))
  const node: Node = { id, use: stage.name, stage, options, from: [{ node: 'rows' }], tables, index: 1 }
  const schemas = [...flows].map(([name, { schema }]) => [name, schema] as const)
  const found = columnsOf(node, new Map([['rows', flow.schema], ...schemas])),
    seen = (name: string) => conform(flows.get(name)!, found.tables!.get(name)!)
  let state = known
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
  const file = filesIn(node, example),
    context = (): Context => ({ id, seed: SEED, state, file, ask })
  for (const round of known === undefined ? fitRounds(node) : []) {
    const collector = round.collect(context())
    const rows = round.of === undefined ? flow : seen(round.of)
    if (rows.rows > 0) await collector.batch(new Batch(rows))
    state = carried(await round.merge([carried(collector.part())], context()))
  }
  const { output } = found,
    worker: WorkerNode = {
      ...node,
      options,
      input: flow.schema,
      output,
      aside: output,
      tallied: new Map(),
      tableSchemas: found.tables ?? new Map<string, Schema>(),
      file,
    },
    joined = new Map(groupTables(node).map(name => [name, seen(name)]))
  const resultOfBlocks = async (blockRows: number) => {
    const { out, said } = await through(worker, context(), flow, joined, blockRows)
    return resultOf(node, said, plainRows(out))
  }
  const whole = await resultOfBlocks(Math.max(1, flow.rows))
  // a server answers requests, whose items come from one block
  if (!service && flow.rows > 1 && !isDeepStrictEqual(await resultOfBlocks(1), whole)) {
    throw new Error(
      `${stage.name}: '${example.title}' comes to something else when its rows are cut into blocks of one`,
    )
  }
  return whole
}

/**
 * Runs the examples of a stage, and says of each what came out otherwise than it says: a line for each. Of a stage that
 * has none there is nothing to say.
 */
export async function wrongExamples(stage: AnyStage | AnyAudit): Promise<string[]> {
  const wrong: string[] = []
  for (const example of stage.examples) {
    const told = (why: string) => wrong.push(`example '${example.title}': ${why}`)
    try {
      const came: object =
        stage.kind === 'audit'
          ? await runAuditExample(stage, example as AuditExample)
          : shown(await runExample(stage, example as Example))
      for (const [part, said] of Object.entries(example)) {
        const is = (came as Record<string, unknown>)[part]
        const isSame = PARTLY.includes(part) ? agrees(inShort(said), is) : isDeepStrictEqual(said, is)
        if (is === undefined || part === 'options' || isSame) continue
        told(`'${part}' came to ${JSON.stringify(is)}, and the example says ${JSON.stringify(said)}`)
      }
    } catch (error) {
      told((error as Error).message)
    }
  }
  return wrong
}
/** Of these an example says as much as it wants to. */
const PARTLY = ['columns', 'made', 'numbers']
const inShort = (said: unknown): unknown =>
  Array.isArray(said)
    ? said.map(row =>
        Object.fromEntries(Object.entries(row as ExampleRow).map(([name, value]) => [name, shortSide(name, value)])),
      )
    : said
const shown = ({ kept, dropped, noted, columns, made }: ExampleResult) => ({ kept, dropped, noted, columns, made })

/** Whether a value is what was said of it, in the parts that were said. */
function agrees(said: unknown, is: unknown): boolean {
  if (Array.isArray(said)) {
    return Array.isArray(is) && said.length === is.length && said.every((one, i) => agrees(one, is[i]))
  }
  if (typeof said !== 'object' || said === null) return Object.is(said, is)
  return (
    typeof is === 'object' && is !== null && Object.entries(said).every(([key, one]) => agrees(one, is[key as never]))
  )
}

function resultOf(node: Node, said: Said, out: readonly ExampleRow[]): ExampleResult {
  const { id } = node,
    reasons = Object.keys(node.stage.reasons)
  const rows = [...said.kept.keys()],
    where = (kind: number) => rows.filter(row => said.said[row] && said.kind[row] === kind)
  const written = Object.keys(writesOf(node)),
    isNew = makesRows(node),
    partOfPair = (row: number) => effectOf(node) === 'pair' && said.kept[row]
  const short = new Map([...written, 'parent'].map(name => [writtenName(id, name), name]))
  const byRow = <T>(list: readonly number[], value: (row: number) => T): Record<number, T> =>
    Object.fromEntries(list.map(row => [row, value(row)]))
  return {
    kept: isNew ? rows.filter(partOfPair) : rows.filter(row => said.kept[row]),
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
    // what the engine says of every rejected side is no note of the stage
    noted: Object.fromEntries(
      said.notes.flatMap(({ row, reason }) => (reason === REJECTED_SIDE ? [] : [[row, reason]])),
    ),
  }
}
