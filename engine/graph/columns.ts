/**
 * What columns every stage gets and gives, from the schemas of the inputs; and every stage that asks for one that is
 * not there.
 */
import {
  Bool,
  Field,
  Float32,
  Float64,
  Int32,
  List,
  Precision,
  Schema,
  Type as Id,
  Utf8,
  DataType,
  type Float,
} from 'apache-arrow'
import type { ReadType, WrittenType } from '../contract/define.ts'
import type { InputFile } from '../source/input.ts'
import { isVector, messagesType } from '../arrow/columns.ts'
import { sameType, unifyFields } from '../arrow/cast.ts'
import { say, sortProblems, step, type Problem } from './messages.ts'
import {
  effectOf,
  fitRounds,
  groupedBy,
  inputsOf,
  isTraining,
  makesRows,
  readsOf,
  tablesOf,
  talliesOf,
  writesOf,
  type Edge,
  type Graph,
  type Node,
} from './types.ts'

/**
 * Of one node. `tallied`: by input of an audit the columns that it reads, and of a stage with a tally (as OWN_ROWS)
 * those that it reads and wrote. `isText`: every file upstream holds plain text sides.
 */
export interface NodeColumns {
  readonly input: Schema
  readonly output: Schema
  readonly tallied?: ReadonlyMap<string, Schema>
  /** Of its tables, by their names, what is read of them. */
  readonly tables?: ReadonlyMap<string, Schema>
  readonly isText: boolean
}

/** By node id. With errors among the problems, schemas downstream of them are a best guess. */
export interface Columns {
  readonly nodes: ReadonlyMap<string, NodeColumns>
  readonly isText: boolean
  readonly problems: readonly Problem[]
}

const arrowTypes: Readonly<Record<ReadType, DataType>> = {
  messages: messagesType,
  text: new Utf8(),
  number: new Float64(),
  sortable: new Float64(),
  vector: new List(new Field('item', new Float64())),
  list: new List(new Field('item', new Utf8())),
  any: new Utf8(),
  float64: new Float64(),
  int32: new Int32(),
  bool: new Bool(),
  list_float32: new List(new Field('item', new Float32())),
  list_int32: new List(new Field('item', new Int32())),
  list_text: new List(new Field('item', new Utf8())),
}

/** The types by their names: all that can be read, and those that can be written. */
export const READ_TYPES = Object.keys(arrowTypes)
export const WRITTEN_TYPES = READ_TYPES.filter(type => !['number', 'sortable', 'vector', 'list', 'any'].includes(type))

/** What a message says in place of a type that stands for several. */
const typesRead: Readonly<Partial<Record<ReadType, string>>> = {
  list_float32: 'a list of float32',
  list_int32: 'a list of int32',
  list_text: 'a list of texts',
  sortable: 'numbers, bool, text, dates or timestamps',
  vector: 'a list of float32 or float64',
  list: 'a list, or the JSON text of one',
}

/** The columns that stand for themselves in what a stage writes; all others are prefixed with its id. */
const pair = ['id', 'prompt', 'chosen', 'rejected']

/** What a list for people says of each pair's content: a decision that carries it counts for that content alone. */
export const HASH_COLUMN = 'content_hash'

/** What a sink gets: for review a column more, where the rows are pairs. One of that name is written anew. */
function withHash(node: Node, input: Schema): Schema {
  const isPairs = pair.every(name => input.fields.some(field => field.name === name))
  if (node.stage.kind !== 'sink' || isTraining(node) || !isPairs) return input
  return new Schema([...input.fields.filter(({ name }) => name !== HASH_COLUMN), new Field(HASH_COLUMN, new Utf8())])
}

/** The columns beside the pair that speak of one of these sides: its word is in their names. */
export const besides = (fields: readonly Field[], sides: readonly string[]): Field[] =>
  fields.filter(({ name }) => !pair.includes(name) && sides.some(side => name.includes(side)))

/** The name that a column declared in `writes` has in the graph. */
export const writtenName = (id: string, name: string): string => (pair.includes(name) ? name : `${id}_${name}`)

/** A column that a stage makes, by the type that it declares. */
export const writtenField = (name: string, type: WrittenType): Field => new Field(name, arrowTypes[type], true)
/** A column that is there: the lint has seen it. */
export const fieldOf = ({ fields }: Pick<Schema, 'fields'>, name: string): Field =>
  fields.find(field => field.name === name)!

/** The column of named outputs that says why a row was dropped. */
export const reasonName = (id: string): string => `${id}_reason`

/**
 * The schema of a node's named outputs: all columns, those that it wrote too, and `<id>_reason`, null where the row
 * goes on. What a stage writes of rows that it makes is of these, and not of those that it declines or drops.
 */
export const asideSchema = (node: Pick<Node, 'id' | 'stage' | 'options'>, { input, output }: Outer): Schema =>
  new Schema([...(makesRows(node) ? input : output).fields, new Field(reasonName(node.id), new Utf8(), true)])
interface Outer {
  readonly input: Schema
  readonly output: Schema
}

/**
 * Whether a stage that declares this type can read an Arrow column. `number` takes integers, float32, float64 and bool;
 * `sortable` text, dates and timestamps too.
 */
export function accepts(expected: ReadType, type: DataType): boolean {
  if (expected === 'any') return true
  if (expected === 'vector') return isVector(type)
  if (expected === 'list') return [Id.List, Id.Utf8, Id.Null].includes(type.typeId)
  if (expected === 'sortable' && [Id.Utf8, Id.Timestamp, Id.Date].includes(type.typeId)) return true
  if (expected !== 'number' && expected !== 'sortable') return sameType(arrowTypes[expected], type)
  return (
    type.typeId === Id.Int ||
    type.typeId === Id.Bool ||
    (type.typeId === Id.Float && (type as Float).precision !== Precision.HALF)
  )
}

const typeName = (type: DataType): string =>
  DataType.isDecimal(type)
    ? `decimal${type.bitWidth}(${type.precision}, ${type.scale})`
    : sameType(type, messagesType)
      ? 'messages'
      : type.typeId === Id.Utf8
        ? 'text'
        : String(type).toLowerCase()

/**
 * What a stage adds, by the names of the graph; nullable, as a stage may have nothing to say of a row. A derive stage
 * also tells the parent.
 */
export function addedFields(node: Node): Field[] {
  return [
    ...Object.entries(writesOf(node)).map(
      ([name, type]) => new Field(writtenName(node.id, name), arrowTypes[type], !pair.includes(name)),
    ),
    ...(effectOf(node) === 'derive' ? [new Field(`${node.id}_parent`, new Utf8(), true)] : []),
  ]
}

/**
 * What a pair has of its partner: the answer, and what is beside it by its name. `from`: the partner's column, which
 * speaks of its answer as `chosen`. What an answer has of another one that was `rejected` is replaced by it.
 */
export function partnerFields({ fields }: Pick<Schema, 'fields'>): { from: string; field: Field }[] {
  const chosen = fields.filter(({ name }) => name === 'chosen')
  return [...chosen, ...besides(fields, ['chosen'])].map(({ name: from, type, nullable, metadata }) => ({
    from,
    field: new Field(from.replace('chosen', 'rejected'), type, nullable, metadata),
  }))
}

type InputSchema = Pick<InputFile, 'path' | 'schema'> & Partial<Pick<InputFile, 'isText'>>

/**
 * Walks the graph from the sources' files (by node id, in order of reading) to the sinks. A source gives the union of
 * its files' columns, in order of first appearance, as does a stage with several inputs; absent columns are null.
 * Widths of numbers are unified (`unify`): readers and fan-ins bring their columns there with `castTo`. Reports, placed
 * and sorted: columns that are not there, wrong types, columns of two types, columns that a stage replaces.
 */
export function resolveColumns(graph: Graph, inputs: ReadonlyMap<string, readonly InputSchema[]>): Columns {
  const nodes = new Map<string, NodeColumns>()
  const problems: Problem[] = []
  for (const node of graph.nodes) {
    const at = `/stages/${node.index}`
    if (node.stage.kind === 'source') {
      const files = inputs.get(node.id) ?? []
      const output = union(
        files.map(file => ({ schema: file.schema, where: file.path })),
        `${at}/with/path`,
        problems,
      )
      nodes.set(node.id, { input: output, output, isText: files.every(file => file.isText === true) })
      continue
    }
    const partsOf = (from: readonly Edge[]) =>
      from.map(edge => ({
        schema: schemaOf(graph, nodes, edge, problems),
        where: edge.port ? `${edge.node}.${edge.port}` : edge.node,
      }))
    if (node.stage.kind === 'audit') {
      nodes.set(node.id, { ...auditColumns(node, partsOf, problems), isText: false })
      continue
    }
    const parts = partsOf(node.from),
      input = withHash(node, union(parts, `${at}/from`, problems))
    const answers = parts.filter(({ schema }) => !schema.fields.some(({ name }) => name === 'rejected'))
    // among pairs they would have a rejected side that is null
    if (answers.length > 0 && answers.length < parts.length) {
      problems.push(...answers.map(({ where }) => say.answersOnly(`${at}/from`, node.id, where)))
    }
    const unread = [...checkReads(node, input)]
    problems.push(...unread, ...checkGroups(node, input))
    if (unread.length === 0) problems.push(...checkOptions(node, input))
    const added = [
      ...(effectOf(node) === 'pair' ? partnerFields(input).map(({ field }) => field) : []),
      ...addedFields(node),
    ]
    const replaced = new Map(added.map(field => [field.name, field]))
    for (const { name } of input.fields) {
      if (replaced.has(name) && !pair.includes(name)) problems.push(say.columnReplaced(`${at}/id`, node.id, name))
    }
    const present = new Set(input.fields.map(field => field.name))
    // a new row whose side is new has nothing there, and a stage may write a side that it does not declare
    if (makesRows(node)) {
      for (const { name, type, metadata } of besides(
        input.fields,
        effectOf(node) === 'derive' ? ['chosen', 'rejected'] : ['rejected'],
      )) {
        if (!replaced.has(name)) replaced.set(name, new Field(name, type, true, metadata))
      }
    }
    const picked = pickedFields(node, input, problems)
    const output =
      picked ??
      (added.length === 0
        ? input
        : new Schema(
            inOrderOfPair([
              ...input.fields.map(field => replaced.get(field.name) ?? field),
              ...added.filter(field => !present.has(field.name)),
            ]),
          ))
    const isText = node.from.every(edge => nodes.get(edge.node)!.isText),
      seen = new Set([...Object.keys(readsOf(node)), ...added.map(({ name }) => name)]),
      tallied = talliesOf(node).map(name => [name, narrowed(output, seen)] as const)
    const tables = tableColumns(node, input, inputs, problems)
    nodes.set(node.id, {
      input,
      output,
      isText,
      ...(tallied.length > 0 ? { tallied: new Map(tallied) } : {}),
      ...(tables.size > 0 ? { tables } : {}),
    })
  }
  const sources = graph.nodes.filter(node => node.stage.kind === 'source')
  return {
    nodes,
    isText: sources.every(node => nodes.get(node.id)!.isText),
    problems: sortProblems(problems.map(problem => graph.place(problem))),
  }
}

/** The columns that a stage picks of its rows; undefined where it picks none. */
function pickedFields(node: Node, input: Schema, problems: Problem[]): Schema | undefined {
  const { stage, options, index } = node
  if (stage.kind !== 'stage' || !stage.picks) return undefined
  const bad = (why: string) => void problems.push(say.badStage(`/stages/${index}`, node.id, why))
  if (effectOf(node) !== 'same' || stage.open || stage.by || Object.keys(writesOf(node)).length > 0) {
    bad("it has 'picks', so it says rows: 'same', has no 'open' and no 'by', and writes no columns")
  }
  const picks = stage.picks(
      options,
      input.fields.map(({ name }) => name),
    ),
    names = picks.map(([name]) => name)
  const twice = names.find((name, i) => names.indexOf(name) < i),
    gone = pair.find(
      name =>
        input.fields.some(field => field.name === name) && !picks.some(([to, from]) => to === name && from === name),
    )
  if (twice !== undefined) bad(`'picks' gives two columns the name '${twice}'`)
  if (gone !== undefined) bad(`'picks' leaves out '${gone}', or calls it otherwise; it is of the pair itself`)
  return new Schema(
    picks.flatMap(([name, from]) => {
      const field = input.fields.find(field => field.name === from)
      if (!field) bad(`'picks' names the column '${from}', which is not there`)
      return field ? [new Field(name, field.type, field.nullable, field.metadata)] : []
    }),
  )
}

/** A rejected side that was not there before stands where sides stand. */
function inOrderOfPair(fields: readonly Field[]): Field[] {
  const placeOf = ({ name }: Field) => (pair.includes(name) ? pair.indexOf(name) : pair.length)
  return [...fields].sort((a, b) => placeOf(a) - placeOf(b))
}

const narrowed = (schema: Schema, names: ReadonlySet<string>): Schema =>
  new Schema(schema.fields.filter(({ name }) => names.has(name)))

type PartsOf = (from: readonly Edge[]) => { schema: Schema; where: string }[]

/** What an audit sees of each of its inputs; it hands on nothing. */
function auditColumns(node: Node, partsOf: PartsOf, problems: Problem[]): Omit<NodeColumns, 'isText'> {
  const inputs = inputsOf(node),
    none = new Schema([])
  const tallied = talliesOf(node).map(name => {
    const from = node.from.filter(({ input }) => input === name),
      { columns } = inputs[name],
      at = `/stages/${node.index}/from`,
      all = partsOf(from),
      // what it does not read may be of any type
      some = all.map(({ schema, where }) => ({ schema: narrowed(schema, new Set(Object.keys(columns))), where }))
    const schema = union(some, at, problems),
      there = new Schema(all.flatMap(({ schema }) => schema.fields))
    problems.push(...checkColumns(node, columns, schema, there, step(at, name)))
    return [name, schema] as const
  })
  return { input: none, output: none, tallied: new Map(tallied) }
}

/** The schema of what an input gives. */
function schemaOf(
  graph: Graph,
  nodes: ReadonlyMap<string, NodeColumns>,
  { node: id, port }: Edge,
  problems: Problem[],
): Schema {
  const columns = nodes.get(id)!
  if (port === undefined) return columns.output
  const node = graph.nodes.find(node => node.id === id)!,
    name = reasonName(id)
  if (columns.output.fields.some(field => field.name === name)) {
    problems.push(say.columnReplaced(`/stages/${node.index}/id`, id, name))
  }
  return asideSchema(node, columns)
}

function union(parts: readonly { schema: Schema; where: string }[], pointer: string, problems: Problem[]): Schema {
  if (parts.length === 1) return parts[0].schema
  // a Map's order is that of first appearance, also when a field is widened later
  const fields = new Map<string, { field: Field; where: string; seen: number; conflict: boolean }>()
  for (const { schema, where } of parts) {
    for (const field of schema.fields) {
      const before = fields.get(field.name)
      if (!before) {
        fields.set(field.name, { field, where, seen: 1, conflict: false })
        continue
      }
      before.seen++
      const both = unifyFields(before.field, field)
      // the file that brought the type is the one to name, not one of nulls before it
      if (both) {
        if (before.field.type.typeId === Id.Null && both.type.typeId !== Id.Null) before.where = where
        before.field = both
      } else if (!before.conflict) {
        before.conflict = true
        problems.push(
          say.columnConflict(
            pointer,
            field.name,
            { type: typeName(before.field.type), where: before.where },
            { type: typeName(field.type), where },
          ),
        )
      }
    }
  }
  return new Schema(
    [...fields.values()].map(({ field, seen }) =>
      seen === parts.length || field.nullable || pair.includes(field.name)
        ? field
        : new Field(field.name, field.type, true),
    ),
  )
}

const checkReads = (node: Node, input: Schema): Iterable<Problem> => checkColumns(node, readsOf(node), input, input)

/** What a stage itself finds wrong with its options, over columns that are there. */
function* checkOptions({ stage, options, index }: Node, input: Schema): Iterable<Problem> {
  if (stage.kind !== 'stage') return
  for (const { option, why } of stage.check?.(options, input) ?? []) {
    yield say.invalidValue(step(`/stages/${index}/with`, option), options[option], why)
  }
}

/** `there`: all that is there, for who asks for something else; `at`: where the input is named. */
function* checkColumns(
  node: Node,
  reads: Readonly<Record<string, ReadType>>,
  input: Schema,
  there: Schema,
  at = `/stages/${node.index}`,
): Iterable<Problem> {
  const byName = new Map(input.fields.map(field => [field.name, field]))
  for (const [column, expected] of Object.entries(reads)) {
    const pointer = optionNaming(node, column) ?? at
    const field = byName.get(column)
    if (!field && column === 'rejected' && there.fields.some(({ name }) => name === 'chosen')) {
      yield say.answersOnly(at, node.id)
    } else if (!field) {
      yield say.unknownColumn(pointer, node.id, column, [...new Set(there.fields.map(({ name }) => name))])
    } else if (!accepts(expected, field.type)) {
      yield say.columnType(pointer, node.id, column, typeName(field.type), typesRead[expected] ?? expected)
    }
  }
}

/** What is read of a stage's tables; and whether each is there for a round, or has what groups are made by. */
function tableColumns(
  node: Node,
  input: Schema,
  inputs: ReadonlyMap<string, readonly InputSchema[]>,
  problems: Problem[],
): ReadonlyMap<string, Schema> {
  const found = new Map<string, Schema>()
  if (node.stage.kind !== 'stage') return found
  const { carries } = node.stage,
    declared = tablesOf(node),
    by = groupedBy(node),
    looked = fitRounds(node).map(({ of }) => of)
  const bad = (why: string) => problems.push(say.badStage(`/stages/${node.index}`, node.id, why))
  for (const of of new Set(looked)) {
    if (of !== undefined && !Object.hasOwn(declared, of)) bad(`a round looks at '${of}', which is not among its tables`)
  }
  if (looked.some((of, i) => of !== undefined && i > 0 && looked[i - 1] === undefined)) {
    bad('a round over a table comes after one over its own rows; tables come first')
  }
  for (const [name, { columns }] of Object.entries(declared)) {
    const sources = node.tables?.[name]
    if (!sources) continue
    const pointer = step(`/stages/${node.index}/from`, name)
    const files = sources.flatMap(id => inputs.get(id) ?? []),
      schema = union(
        files.map(file => ({ schema: file.schema, where: file.path })),
        pointer,
        problems,
      )
    const fields = new Map(schema.fields.map(field => [field.name, field]))
    for (const [column, expected] of Object.entries(columns)) {
      const field = fields.get(column)
      if (!field) problems.push(say.unknownTableColumn(pointer, node.id, name, column, [...fields.keys()]))
      else if (!accepts(expected, field.type)) {
        problems.push(say.columnType(pointer, node.id, column, typeName(field.type), typesRead[expected] ?? expected))
      }
    }
    const joined = looked.includes(name) ? [] : (by ?? [])
    if (!looked.includes(name) && !by) bad(`no round looks at its table '${name}', and it has no 'by' to join it by`)
    for (const column of joined) {
      const field = fields.get(column),
        type = carries?.[column] ? arrowTypes[carries[column]] : input.fields.find(it => it.name === column)?.type
      if (!field) problems.push(say.unknownTableColumn(pointer, node.id, name, column, [...fields.keys()]))
      else if (type && !sameType(type as DataType, field.type)) {
        problems.push(
          say.columnType(
            pointer,
            node.id,
            column,
            typeName(field.type),
            `${typeName(type as DataType)}, as in its rows`,
          ),
        )
      }
    }
    found.set(name, narrowed(schema, new Set([...joined, ...Object.keys(columns)])))
  }
  return found
}

/** Whether a stage that looks at groups can be given them. */
function* checkGroups(node: Node, input: Schema): Iterable<Problem> {
  if (node.stage.kind !== 'stage') return
  const { carries, carry, open, reasons } = node.stage,
    by = groupedBy(node),
    effect = effectOf(node),
    at = `/stages/${node.index}`
  const bad = (why: string) => say.badStage(at, node.id, why)
  if ((carries === undefined) !== (carry === undefined)) yield bad("'carries' and 'carry' go together")
  if (!by) {
    if (carry) yield bad("'carry' makes what travels to a group, and it has no 'by'")
    if (effect === 'cluster') yield bad("rows: 'cluster' needs 'by', a list column that the stage carries")
    if (effect === 'pair') yield bad("rows: 'pair' needs 'by', the columns by which two rows may be a pair")
    return
  }
  if (by.length === 0) yield bad("'by' names no column")
  if (!open) yield bad("with 'by' it needs 'open', whose batches hold whole groups")
  if (effect === 'derive') {
    yield bad("it has 'by' and derives rows; only rows: 'same', 'subset', 'pair' or 'cluster' have groups")
  }
  if (effect === 'cluster') {
    const type = carries?.[by[0]]
    if (by.length !== 1 || (type !== 'list_int32' && type !== 'list_text')) {
      yield bad("rows: 'cluster' takes one column in 'by', a list_int32 or list_text that the stage carries")
    }
    if (Object.keys(reasons).length !== 1) {
      yield bad("rows: 'cluster' drops rows for one reason; declare one in 'reasons'")
    }
    if (Object.keys(writesOf(node)).length > 0) {
      yield bad("rows: 'cluster' writes no columns, as a row may be in several groups")
    }
  }
  if (effect === 'pair') {
    if (Object.keys(writesOf(node)).some(name => pair.includes(name))) {
      yield bad("rows: 'pair' makes id, prompt, chosen and rejected of its rows; write columns of other names")
    }
    if (input.fields.some(({ name }) => name === 'rejected')) yield say.pairsAlready(at, node.id)
    if (!input.fields.some(({ name }) => name === 'chosen')) {
      yield say.unknownColumn(
        at,
        node.id,
        'chosen',
        input.fields.map(({ name }) => name),
      )
    }
  }
  const names = input.fields.map(({ name }) => name)
  for (const column of by) {
    if (carries && Object.hasOwn(carries, column)) continue
    const field = input.fields.find(({ name }) => name === column),
      pointer = optionNaming(node, column) ?? at
    if (!field) yield say.unknownColumn(pointer, node.id, column, names)
    else if ([Id.Dictionary, Id.Union].includes(field.type.typeId)) {
      yield say.columnType(pointer, node.id, column, typeName(field.type), 'text, numbers, bool, messages or lists')
    }
  }
}

/** Where a column's name was given: at an option or within one; undefined where by the stage itself. */
export const optionNaming = (node: Node, column: string): string | undefined =>
  pointerTo(node.options, column, `/stages/${node.index}/with`)

function pointerTo(value: unknown, text: string, at: string): string | undefined {
  if (value === text) return at
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const found = pointerTo(inner, text, step(at, key))
    if (found !== undefined) return found
  }
  return undefined
}
