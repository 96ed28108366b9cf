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
  type DataType,
  type Float,
} from 'apache-arrow'
import type { ReadType } from '../contract/define.ts'
import type { InputFile } from '../source/input.ts'
import { isVector, messagesType } from '../arrow/columns.ts'
import { sameType, unifyFields } from '../arrow/cast.ts'
import { say, sortProblems, step, type Problem } from './messages.ts'
import { effectOf, readsOf, writesOf, type Edge, type Graph, type Node } from './types.ts'

/** Of one node. `isText`: every file upstream holds plain text sides. */
export interface NodeColumns {
  readonly input: Schema
  readonly output: Schema
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
  float64: new Float64(),
  int32: new Int32(),
  bool: new Bool(),
  list_float32: new List(new Field('item', new Float32())),
  list_int32: new List(new Field('item', new Int32())),
  list_text: new List(new Field('item', new Utf8())),
}

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

/** The columns beside the pair that speak of one of these sides: its word is in their names. */
export const besides = (fields: readonly Field[], sides: readonly string[]): Field[] =>
  fields.filter(({ name }) => !pair.includes(name) && sides.some(side => name.includes(side)))

/** The name that a column declared in `writes` has in the graph. */
export const writtenName = (id: string, name: string): string => (pair.includes(name) ? name : `${id}_${name}`)

/** The column of named outputs that says why a row was dropped. */
export const reasonName = (id: string): string => `${id}_reason`

/**
 * The schema of a node's named outputs: all columns, those that it wrote too, and `<id>_reason`, null where the row
 * goes on. What a derive stage writes is of new rows, and not of those that it declines.
 */
export const asideSchema = (node: Pick<Node, 'id' | 'stage' | 'options'>, { input, output }: Outer): Schema =>
  new Schema([
    ...(effectOf(node) === 'derive' ? input : output).fields,
    new Field(reasonName(node.id), new Utf8(), true),
  ])
interface Outer {
  readonly input: Schema
  readonly output: Schema
}

/**
 * Whether a stage that declares this type can read an Arrow column. `number` takes integers, float32, float64 and bool;
 * `sortable` text, dates and timestamps too.
 */
export function accepts(expected: ReadType, type: DataType): boolean {
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
  sameType(type, messagesType) ? 'messages' : type.typeId === Id.Utf8 ? 'text' : String(type).toLowerCase()

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
 * Walks the graph from the sources' files (by node id, in order of reading) to the sinks. A source gives the union of
 * its files' columns, in order of first appearance, as does a stage with several inputs; absent columns are null.
 * Widths of numbers are unified (`unify`): readers and fan-ins bring their columns there with `castTo`. Reports, placed
 * and sorted: columns that are not there, wrong types, columns of two types, columns that a stage replaces.
 */
export function resolveColumns(
  graph: Graph,
  inputs: ReadonlyMap<string, readonly Pick<InputFile, 'path' | 'schema' | 'isText'>[]>,
): Columns {
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
      nodes.set(node.id, { input: output, output, isText: files.every(file => file.isText) })
      continue
    }
    const parts = node.from.map(edge => ({
      schema: schemaOf(graph, nodes, edge, problems),
      where: edge.port ? `${edge.node}.${edge.port}` : edge.node,
    }))
    const input = union(parts, `${at}/from`, problems)
    problems.push(...checkReads(node, input))
    const added = addedFields(node)
    const replaced = new Map(added.map(field => [field.name, field]))
    for (const { name } of input.fields) {
      if (replaced.has(name) && !pair.includes(name)) problems.push(say.columnReplaced(`${at}/id`, node.id, name))
    }
    const present = new Set(input.fields.map(field => field.name))
    // a new row whose side is new has nothing there, and a stage may write a side that it does not declare
    if (effectOf(node) === 'derive') {
      for (const { name, type, metadata } of besides(input.fields, ['chosen', 'rejected'])) {
        if (!replaced.has(name)) replaced.set(name, new Field(name, type, true, metadata))
      }
    }
    const output =
      added.length === 0
        ? input
        : new Schema([
            ...input.fields.map(field => replaced.get(field.name) ?? field),
            ...added.filter(field => !present.has(field.name)),
          ])
    nodes.set(node.id, { input, output, isText: node.from.every(edge => nodes.get(edge.node)!.isText) })
  }
  const sources = graph.nodes.filter(node => node.stage.kind === 'source')
  return {
    nodes,
    isText: sources.every(node => nodes.get(node.id)!.isText),
    problems: sortProblems(problems.map(problem => graph.place(problem))),
  }
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

function* checkReads(node: Node, input: Schema): Iterable<Problem> {
  const byName = new Map(input.fields.map(field => [field.name, field]))
  for (const [column, expected] of Object.entries(readsOf(node))) {
    const pointer = optionNaming(node, column)
    const field = byName.get(column)
    if (!field) yield say.unknownColumn(pointer, node.id, column, [...byName.keys()])
    else if (!accepts(expected, field.type)) {
      yield say.columnType(pointer, node.id, column, typeName(field.type), typesRead[expected] ?? expected)
    }
  }
}

/** Where a column's name was given: at an option or within one, or by the stage itself. */
const optionNaming = (node: Node, column: string): string =>
  pointerTo(node.options, column, `/stages/${node.index}/with`) ?? `/stages/${node.index}`

function pointerTo(value: unknown, text: string, at: string): string | undefined {
  if (value === text) return at
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const found = pointerTo(inner, text, step(at, key))
    if (found !== undefined) return found
  }
  return undefined
}
