/** The columns of a Parquet file as normalised Arrow types. */
import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  Null,
  Struct,
  TimeMicrosecond,
  TimeMillisecond,
  TimeNanosecond,
  Timestamp,
  TimeUnit,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from 'apache-arrow'
import type { SchemaElement, SchemaTree } from 'hyparquet'
import { physicalWidth } from './encodings.ts'

interface Common {
  readonly name: string
  readonly type: DataType
  readonly nullable: boolean
  /** a definition level of at least this: the value is not null */
  readonly def: number
  /** how many lists enclose it; an entry with a repetition level of at most this begins a new value */
  readonly rep: number
  /**
   * a definition level of at least this: there is a slot for it, that is the innermost list around it has an element
   * here
   */
  readonly slot: number
}

/** What the decoded bytes of a leaf still need to be the Arrow values of its type. */
export type Convert = 'none' | 'bool' | 'narrow' | 'float16' | 'int96' | 'decimal' | 'uuid' | 'null'

/** One column of values in the file. `index` is its position among the file's column chunks. */
export interface Leaf extends Common {
  readonly kind: 'leaf'
  readonly index: number
  /** the path in the file, dotted */
  readonly path: string
  readonly physical: string
  readonly width: number
  readonly convert: Convert
  /** bytes that are taken for text, as a message has them */
  readonly isTaken: boolean
}
export interface StructNode extends Common {
  readonly kind: 'struct'
  readonly children: readonly ColumnNode[]
}
export interface ListNode extends Common {
  readonly kind: 'list'
  readonly child: ColumnNode
}

/** A column, or a part of one, with the levels at which it begins, exists and is not null. */
export type ColumnNode = Leaf | StructNode | ListNode

interface Place {
  readonly def: number
  readonly rep: number
  readonly slot: number
}
interface Build {
  leaves: number
  root: string
  hints: ReadonlyMap<string, DataType>
  /** fields of the object that are role and text of a message, in bytes */
  taken: readonly string[]
}

/**
 * Columns that hold text in preference data: without an annotation they are read as Utf8, where any other column stays
 * Binary.
 */
export const TEXT_COLUMNS: ReadonlySet<string> = new Set(['id', 'prompt', 'chosen', 'rejected'])

/**
 * The columns of a file with normalised Arrow types. Text of every kind (STRING, ENUM, JSON; large, view or dictionary
 * in the writer's Arrow schema) and UUIDs are Utf8. A byte array without annotation is Utf8 inside a column named in
 * TEXT_COLUMNS, and as role and content, or from and value, of an object that has both; any other is Binary.
 *
 * Lists of every spelling are List with an element called `item`, maps are List<Struct<key, value>>, float16 is
 * Float32, INT96 is Timestamp(ns). `hints`: types of the writer's Arrow schema by path, of which time zones,
 * durations and UUIDs (Utf8) are taken.
 */
export function buildNodes(root: SchemaTree, hints: ReadonlyMap<string, DataType>): ColumnNode[] {
  const build: Build = { leaves: 0, root: '', hints, taken: [] }
  return root.children.map(child => {
    build.root = child.element.name
    return buildNode(child, { def: 0, rep: 0, slot: 0 }, build)
  })
}

/** The Arrow field of a node. */
export function fieldOf(node: ColumnNode): Field {
  return new Field(node.name, node.type, node.nullable)
}

/** The leaves below a node, in file order. */
export function leavesOf(node: ColumnNode): Leaf[] {
  if (node.kind === 'leaf') return [node]
  return node.kind === 'list' ? leavesOf(node.child) : node.children.flatMap(leavesOf)
}

function buildNode(tree: SchemaTree, outer: Place, build: Build, name = tree.element.name): ColumnNode {
  const { element } = tree
  // a repeated field outside a LIST or MAP is a list of required elements by itself
  if (element.repetition_type === 'REPEATED') {
    return buildList(name, false, outer, place => buildValue(tree, place, false, 'item', build))
  }
  const nullable = element.repetition_type === 'OPTIONAL'
  return buildValue(tree, { ...outer, def: outer.def + (nullable ? 1 : 0) }, nullable, name, build)
}

function buildList(name: string, nullable: boolean, place: Place, child: (place: Place) => ColumnNode): ListNode {
  const def = place.def + 1
  const element = child({ def, rep: place.rep + 1, slot: def })
  return { kind: 'list', name, nullable, ...place, child: element, type: new List(fieldOf(element)) }
}

function buildValue(tree: SchemaTree, place: Place, nullable: boolean, name: string, build: Build): ColumnNode {
  const { element, children } = tree
  if (children.length === 0) return buildLeaf(tree, place, nullable, name, build)
  const annotation = element.logical_type?.type ?? element.converted_type
  const repeated = children[0]
  if (children.length === 1 && repeated.element.repetition_type === 'REPEATED') {
    if (annotation === 'MAP' || annotation === 'MAP_KEY_VALUE') {
      return buildList(name, nullable, place, inner =>
        buildStruct(repeated, inner, false, 'item', build, ['key', 'value']),
      )
    }
    if (annotation === 'LIST') {
      return buildList(name, nullable, place, inner =>
        isElement(repeated, element.name)
          ? buildValue(repeated, inner, false, 'item', build)
          : buildNode(repeated.children[0], inner, build, 'item'),
      )
    }
  }
  return buildStruct(tree, place, nullable, name, build)
}

/**
 * The format's backward compatibility rules: is the repeated field itself the element, or only the middle level of
 * three?
 */
function isElement({ element, children }: SchemaTree, list: string): boolean {
  return (
    children.length !== 1 ||
    children[0].element.repetition_type === 'REPEATED' ||
    element.name === 'array' ||
    element.name === `${list}_tuple`
  )
}

function buildStruct(
  tree: SchemaTree,
  place: Place,
  nullable: boolean,
  name: string,
  build: Build,
  names: readonly string[] = [],
): StructNode {
  const taken = messageOfBytes(tree)
  const children = tree.children.map((child, i) => {
    build.taken = taken
    return buildNode(child, place, build, names[i])
  })
  build.taken = []
  return { kind: 'struct', name, nullable, ...place, children, type: new Struct(children.map(fieldOf)) }
}

/** The names of role and text in messages. */
export const MESSAGE_NAMES: readonly (readonly [string, string])[] = [
  ['role', 'content'],
  ['from', 'value'],
  ['role', 'text'],
  ['speaker', 'text'],
  ['role', 'parts'],
]
const isBytes = ({ type, converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  type === 'BYTE_ARRAY' && converted === undefined && logical === undefined

/** The names of role and text where an object is a message that has them as bytes without an annotation. */
const messageOfBytes = ({ children }: SchemaTree): readonly string[] =>
  MESSAGE_NAMES.find(names =>
    names.every(name => children.some(({ element }) => element.name === name && isBytes(element))),
  ) ?? []

function buildLeaf({ element, path }: SchemaTree, place: Place, nullable: boolean, name: string, build: Build): Leaf {
  const physical = element.type ?? ''
  const hint = build.hints.get(path.join('.')),
    isTaken = build.taken.includes(name) && isBytes(element)
  const [type, convert] = isTaken ? ([new Utf8(), 'none'] as const) : leafType(element, build.root, hint)
  const width = physicalWidth(physical, element.type_length)
  return {
    kind: 'leaf',
    name,
    nullable,
    ...place,
    type,
    convert,
    index: build.leaves++,
    path: path.join('.'),
    physical,
    width,
    isTaken,
  }
}

const UNITS = { MILLIS: TimeUnit.MILLISECOND, MICROS: TimeUnit.MICROSECOND, NANOS: TimeUnit.NANOSECOND } as const
const TIMES = { MILLIS: TimeMillisecond, MICROS: TimeMicrosecond, NANOS: TimeNanosecond } as const
const INTEGERS: Readonly<Record<string, new () => DataType>> = {
  INT_8: Int8,
  INT_16: Int16,
  INT_32: Int32,
  INT_64: Int64,
  UINT_8: Uint8,
  UINT_16: Uint16,
  UINT_32: Uint32,
  UINT_64: Uint64,
}

function leafType(element: SchemaElement, root: string, hint: DataType | undefined): [DataType, Convert] {
  const { type, converted_type: converted, logical_type: logical } = element
  if (logical?.type === 'NULL') return [new Null(), 'null']
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') {
    const precision = (logical?.type === 'DECIMAL' ? logical.precision : undefined) ?? element.precision ?? 38
    const scale = (logical?.type === 'DECIMAL' ? logical.scale : undefined) ?? element.scale ?? 0
    return [new Decimal(scale, precision, precision > 38 ? 256 : 128), 'decimal']
  }
  switch (type) {
    case 'BOOLEAN':
      return [new Bool(), 'bool']
    case 'FLOAT':
      return [new Float32(), 'none']
    case 'DOUBLE':
      return [new Float64(), 'none']
    case 'INT96':
      return [new Timestamp(TimeUnit.NANOSECOND), 'int96']
    case 'INT32':
    case 'INT64':
      return integerType(element, hint)
    case 'BYTE_ARRAY':
      return [isText(element, root) ? new Utf8() : new Binary(), 'none']
    case 'FIXED_LEN_BYTE_ARRAY':
      if (logical?.type === 'UUID' || (!logical && element.type_length === 16 && hint && DataType.isUtf8(hint))) {
        return [new Utf8(), 'uuid']
      }
      if (logical?.type === 'FLOAT16') return [new Float32(), 'float16']
      return [new FixedSizeBinary(element.type_length ?? 0), 'none']
  }
  throw new Error(`column ${element.name} has no type`)
}

function integerType(
  { type, converted_type: converted, logical_type: logical }: SchemaElement,
  hint: DataType | undefined,
): [DataType, Convert] {
  if (logical?.type === 'DATE' || converted === 'DATE') return [new DateDay(), 'none']
  if (logical?.type === 'TIMESTAMP') {
    const zone = hint && DataType.isTimestamp(hint) ? hint.timezone : undefined
    return [new Timestamp(UNITS[logical.unit], logical.isAdjustedToUTC ? (zone ?? 'UTC') : null), 'none']
  }
  if (logical?.type === 'TIME') return [new TIMES[logical.unit](), 'none']
  // the older annotations say UTC without a flag
  if (converted === 'TIMESTAMP_MILLIS') return [new Timestamp(TimeUnit.MILLISECOND, 'UTC'), 'none']
  if (converted === 'TIMESTAMP_MICROS') return [new Timestamp(TimeUnit.MICROSECOND, 'UTC'), 'none']
  if (converted === 'TIME_MILLIS') return [new TimeMillisecond(), 'none']
  if (converted === 'TIME_MICROS') return [new TimeMicrosecond(), 'none']
  const width = type === 'INT32' ? 32 : 64
  if (width === 64 && !logical && !converted && hint && DataType.isDuration(hint)) return [hint, 'none']
  const name =
    logical?.type === 'INTEGER'
      ? `${logical.isSigned ? '' : 'U'}INT_${logical.bitWidth}`
      : (converted ?? `INT_${width}`)
  return [
    new (INTEGERS[name] ?? (width === 32 ? Int32 : Int64))(),
    name.endsWith('_8') || name.endsWith('_16') ? 'narrow' : 'none',
  ]
}

function isText({ converted_type: converted, logical_type: logical }: SchemaElement, root: string): boolean {
  const kind = logical?.type ?? converted
  if (kind === 'STRING' || kind === 'UTF8' || kind === 'ENUM' || kind === 'JSON') return true
  return kind === undefined && TEXT_COLUMNS.has(root)
}
