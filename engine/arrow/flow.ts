/**
 * Rows on their way through a graph: columns, and beside them the engine's own key of each row, which stages do not
 * see.
 */
import { Field, RecordBatch, type Schema, Struct, makeData, type Data, type DataType } from 'apache-arrow'
import { castTo, CastError } from './cast.ts'
import {
  concat,
  countRows,
  inexactIn,
  messagesColumn,
  nulls,
  numberColumn,
  sizeOf,
  take,
  textColumn,
  listColumn,
  textsColumn,
  type MessagesColumn,
  type NumberColumn,
  type Runs,
  type TextColumn,
  type ListColumn,
} from './columns.ts'
import { DataError } from '../errors.ts'

/** Bit of `copy` that marks a row made by a derive stage: it has an origin, but is counted apart. */
export const DERIVED = 0x8000_0000
/** Bit of `copy` that marks a pair of two rows: its other origin is known by row and copy. */
export const PAIRED = 0x4000_0000
/** Of such a pair, the bit that says that a stage made the row of its chosen side. */
export const OF_MADE = 0x2000_0000
/** Whether a stage made the row: of a pair, that of its chosen side. */
export const isMade = (copy: number): boolean => copy >= DERIVED || (copy & (PAIRED | OF_MADE)) === (PAIRED | OF_MADE)

/**
 * A block of rows of one partition. `row[i]` is the row of the source file that row i comes from, ascending; `copy[i]`
 * is 0, or the number of the pair where a source row became several, with the DERIVED bit where a stage made the row,
 * and the PAIRED bit, with OF_MADE, where it made it of two.
 */
export interface Flow {
  readonly schema: Schema
  readonly columns: readonly Data[]
  readonly rows: number
  readonly row: Uint32Array
  readonly copy: Uint32Array
  readonly root?: Root
  /** Of a block of groups: where each begins, and the end. */
  readonly groups?: Int32Array
  /** Of a block of groups: rows of tables that belong to them, by the table's name; each has groups of its own. */
  readonly tables?: Readonly<Record<string, Flow>>
}

/**
 * Where a block's rows lie on disk already: row i is row `rows[i]` of the same block in the spool of `port`, but for
 * the columns in `own`, which came later. So a later spool need not write them again.
 */
export interface Root {
  readonly port: string
  readonly rows: Uint32Array
  readonly own: ReadonlySet<string>
}

export const emptyFlow = (schema: Schema): Flow => ({
  schema,
  columns: schema.fields.map(field => nulls(field.type, 0)),
  rows: 0,
  row: new Uint32Array(0),
  copy: new Uint32Array(0),
})

/** The rows in `runs`, copied, with their keys. */
export function takeFlow(flow: Flow, runs: Runs): Flow {
  const rows = countRows(runs)
  if (rows === flow.rows && runs.length <= 2) return flow
  return {
    schema: flow.schema,
    columns: flow.columns.map(column => take(column, runs)),
    rows,
    row: takeKeys(flow.row, runs, rows),
    copy: takeKeys(flow.copy, runs, rows),
    root: flow.root && { ...flow.root, rows: takeKeys(flow.root.rows, runs, rows) },
  }
}

function takeKeys(keys: Uint32Array, runs: Runs, rows: number): Uint32Array {
  const out = new Uint32Array(rows)
  let at = 0
  for (let r = 0; r < runs.length; r += 2) {
    out.set(keys.subarray(runs[r], runs[r + 1]), at)
    at += runs[r + 1] - runs[r]
  }
  return out
}

/**
 * The same rows under a wider schema: columns by name, narrower ones widened, absent ones null. The plan has checked
 * that the types allow it; a value that does not is a CastError.
 */
export function conform(flow: Flow, schema: Schema): Flow {
  if (flow.schema === schema) return flow
  const at = new Map(flow.schema.fields.map((field, i) => [field.name, flow.columns[i]]))
  const columns = schema.fields.map(field =>
    at.has(field.name) ? widened(field, at.get(field.name)!) : nulls(field.type, flow.rows),
  )
  return {
    ...flow,
    schema,
    columns,
    root: owning(
      flow.root,
      schema.fields.filter((field, i) => columns[i] !== at.get(field.name)).map(({ name }) => name),
    ),
  }
}

function widened({ name, type }: Field, column: Data): Data {
  try {
    return castTo(column, type)
  } catch (error) {
    throw error instanceof CastError ? new CastError(`column '${name}' ${error.message}`) : error
  }
}

const owning = (root: Root | undefined, names: readonly string[]): Root | undefined =>
  root && (names.length === 0 ? root : { ...root, own: new Set([...root.own, ...names]) })

/** End to end; all of one schema. */
export function concatFlows(flows: readonly Flow[]): Flow {
  if (flows.length === 1) return flows[0]
  const rows = flows.reduce((n, flow) => n + flow.rows, 0)
  const row = new Uint32Array(rows),
    copy = new Uint32Array(rows)
  let at = 0
  for (const flow of flows) {
    row.set(flow.row, at)
    copy.set(flow.copy, at)
    at += flow.rows
  }
  return {
    schema: flows[0].schema,
    columns: flows[0].schema.fields.map((_, c) => concat(flows.map(flow => flow.columns[c]))),
    rows,
    row,
    copy,
  }
}

/**
 * Several inputs of one stage as one: in order of source row, and of the inputs for rows of one origin. So a derived
 * pair follows its parent, and the order is the same however the rows are cut into blocks.
 */
export function mergeFlows(flows: readonly Flow[], schema: Schema): Flow {
  const parts = flows.filter(flow => flow.rows > 0).map(flow => conform(flow, schema))
  if (parts.length === 0) return emptyFlow(schema)
  if (parts.length === 1) return parts[0]
  const all = concatFlows(parts)
  const order = Uint32Array.from({ length: all.rows }, (_, i) => i).sort((a, b) => all.row[a] - all.row[b] || a - b)
  const runs: number[] = []
  for (const i of order) {
    if (runs[runs.length - 1] === i) runs[runs.length - 1]++
    else runs.push(i, i + 1)
  }
  return takeFlow(all, runs)
}

/** Columns added, or replaced where the name is there already. */
export function withColumns(flow: Flow, schema: Schema, added: ReadonlyMap<string, Data>): Flow {
  const at = new Map(flow.schema.fields.map((field, i) => [field.name, i]))
  return {
    ...flow,
    schema,
    columns: schema.fields.map(field => added.get(field.name) ?? flow.columns[at.get(field.name)!]),
    root: owning(flow.root, [...added.keys()]),
  }
}

/** The same rows with these columns of theirs, as [name, its name here]. */
export function pickColumns(flow: Flow, schema: Schema, picks: readonly (readonly [string, string])[]): Flow {
  const at = new Map(flow.schema.fields.map((field, i) => [field.name, flow.columns[i]]))
  return {
    ...flow,
    schema,
    columns: picks.map(([, from]) => at.get(from)!),
    root: owning(
      flow.root,
      picks.flatMap(([name, from]) => (name === from ? [] : [name])),
    ),
  }
}

export const toRecordBatch = (schema: Schema, columns: readonly Data[], rows: number): RecordBatch =>
  new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children: columns as Data[] }),
  )

export const flowBytes = (flow: Flow): number => flow.columns.reduce((n, column) => n + sizeOf(column), 0)

export const field = (name: string, type: DataType, nullable = true): Field => new Field(name, type, nullable)

/**
 * What a stage sees of a block: typed views of its columns, by the names that it declared. Nothing may be changed in
 * place: other stages share the memory.
 */
export class Batch<Name extends string = string> {
  readonly rows: number
  readonly #flow: Flow
  readonly #views = new Map<string, unknown>()
  #groups: Int32Array | undefined
  constructor(flow: Flow) {
    this.#flow = flow
    this.rows = flow.rows
  }

  get schema(): Schema {
    return this.#flow.schema
  }
  /** Group g is the rows groups[g] to groups[g + 1] - 1. Without `by` every row is a group of its own. */
  get groups(): Int32Array {
    return (this.#groups ??= this.#flow.groups ?? Int32Array.from({ length: this.rows + 1 }, (_, row) => row))
  }
  has(name: string): boolean {
    return this.#flow.schema.fields.some(column => column.name === name)
  }

  /** The raw Arrow data of a column. */
  column(name: Name): Data {
    const i = this.#flow.schema.fields.findIndex(column => column.name === name)
    if (i < 0) {
      throw new Error(
        `no column '${name}' here; there are ${this.#flow.schema.fields.map(column => column.name).join(', ')}`,
      )
    }
    return this.#flow.columns[i]
  }

  messages(name: Name): MessagesColumn {
    return this.#view(name, messagesColumn)
  }
  text(name: Name): TextColumn {
    return this.#view(name, textColumn)
  }
  numbers(name: Name): NumberColumn {
    return this.#view(name, data => {
      const wrong = inexactIn(data)
      if (wrong === undefined) return numberColumn(data)
      throw new DataError(
        `column '${name}' holds ${wrong}, of which float64, as which numbers are read, would make ${BigInt(Number(wrong))}; write the column as text, or as float64 where that is meant`,
      )
    })
  }
  lists(name: Name): ListColumn {
    return this.#view(name, listColumn)
  }
  texts(name: Name): { texts(row: number): string[] } {
    return this.#view(name, textsColumn)
  }

  #view<T>(name: string, make: (data: Data) => T): T {
    let view = this.#views.get(name) as T | undefined
    if (!view) this.#views.set(name, (view = make(this.column(name as Name))))
    return view
  }
}
