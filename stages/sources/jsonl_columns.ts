/** Columns of JSON objects: their types from the first rows, the check of a row, and rows as a raw batch. */
import { Bool, DataType, Field, Float64, Null, Schema, Utf8, type RecordBatch } from 'apache-arrow'
import { Ajv, type ValidateFunction } from 'ajv'
import { toRecordBatch } from '../../engine/arrow/flow.ts'
import { isJsonText } from '../../engine/arrow/json.ts'
import {
  asNumbers,
  digitsOf,
  isMarked,
  whatIsLost,
  mayMark,
  MOST_NESTING,
  parseDigits,
  stringifyDigits,
} from '../../engine/source/json_digits.ts'
import { mayHaveNan, withoutNan } from '../../engine/source/json_nan.ts'
import { fromValues, own } from '../../engine/source/values.ts'
import { countFields, hasJsonText, joinTypes, settled, typeOf, withJsonText } from './jsonl_types.ts'

export type Json = Readonly<Record<string, unknown>>

/**
 * One column. `json`: values are kept as JSON text. `said`: a layout may need it, so a value of another kind makes the
 * row unreadable.
 */
export interface Column {
  readonly name: string
  readonly json: boolean
  readonly said: boolean
  readonly kind: string
  readonly type: DataType
}

/** Text column for what does not fit: keys that the first rows do not have, values of another kind. */
export const OTHER = 'source_other'
/** Text columns of the raw batch alone: lines that could not be read, and why. */
export const LINE = 'source_line'
export const FAULT = 'source_fault'
const OWN: ReadonlySet<string> = new Set([OTHER, LINE, FAULT])

/** Bounds of what a line may ask for: its columns, and, of a line of many megabytes, its values. */
const MOST_COLUMNS = 10_000,
  MOST_VALUES = 1 << 24,
  LONG_LINE = 1 << 23

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : isMarked(value) ? 'number' : typeof value)

/** Columns by the first rows, in the order in which they are seen. `isSaid` tells the names that layouts look for. */
export function inferColumns(rows: readonly Json[], isSaid: (name: string) => boolean): Column[] {
  const names = new Set(rows.flatMap(row => Object.keys(row)))
  for (const name of OWN) names.delete(name)
  if (names.size > MOST_COLUMNS) {
    throw new Error(
      `its first ${rows.length} lines have ${names.size} different keys, at most ${MOST_COLUMNS} columns are read; put what has keys of its own in an object`,
    )
  }
  return [...names].map(name =>
    inferColumn(
      name,
      rows.map(row => own(row, name)).filter(value => value !== null && value !== undefined),
      isSaid(name),
    ),
  )
}

/**
 * Of a column that has only been null so far the kind is 'null', and in lists and objects what has only been null is
 * Null: see `widenColumn` and `settledColumn`.
 */
function inferColumn(name: string, values: readonly unknown[], said: boolean): Column {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(kindOf(value), (counts.get(kindOf(value)) ?? 0) + 1)
  // what most rows have; the first seen of those that are as many
  const [kind = 'null'] = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)!)
  if (kind === 'null') return { name, json: false, said, kind, type: new Null() }
  if (kind === 'string' || kind === 'number' || kind === 'boolean') {
    const type = kind === 'string' ? new Utf8() : kind === 'number' ? new Float64() : new Bool()
    if (said || counts.size <= 1) return { name, json: false, said, kind, type }
    return { name, json: true, said, kind: '', type: new Utf8() }
  }
  const type = said
    ? values
        .filter(value => kindOf(value) === kind)
        .map(value => typeOf(asNumbers(value)))
        .reduce(joinTypes, new Null())
    : undefined
  return type && countFields(type) <= MOST_COLUMNS
    ? { name, json: false, said, kind, type }
    : { name, json: true, said, kind: said ? kind : '', type: new Utf8() }
}

/** Whether a column that the first rows do not have is one all the same: it belongs to a pair, or names it. */
export const isTakenUp = (name: string, isSaid: (name: string) => boolean): boolean =>
  name === 'id' || (isSaid(name) && !OWN.has(name))

/**
 * The columns that also hold what a later row has: fields of lists and objects, the kinds of what was null so far, and
 * columns of names that a layout looks for. The same ones where there is nothing to be widened, or no type holds both.
 */
export function widenColumns(
  columns: readonly Column[],
  row: Json,
  isSaid: (name: string) => boolean,
): readonly Column[] {
  const known = new Set(columns.map(({ name }) => name)),
    late = Object.keys(row).filter(name => !known.has(name) && row[name] !== null && isTakenUp(name, isSaid))
  const wide = columns.map(column => widenColumn(column, own(row, column.name)))
  if (late.length === 0 && wide.every((column, i) => column === columns[i])) return columns
  return [
    ...wide,
    ...late.slice(0, MOST_COLUMNS - columns.length).map(name => inferColumn(name, [row[name]], isSaid(name))),
  ]
}

function widenColumn(column: Column, value: unknown): Column {
  const { name, json, said, kind, type } = column
  if (value === null || value === undefined) return column
  if (kind === 'null') return inferColumn(name, [value], said)
  if (json || kind !== kindOf(value) || (kind !== 'array' && kind !== 'object')) return column
  const wide = joinTypes(type, typeOf(asNumbers(value)))
  return wide && wide !== type && countFields(wide) <= MOST_COLUMNS ? { ...column, type: wide } : column
}

/** A column that no row will widen any more. */
export function settledColumn(column: Column): Column {
  if (column.kind === 'null') return { ...column, kind: 'string', type: new Utf8() }
  if (column.json || (column.kind !== 'array' && column.kind !== 'object')) return column
  const type = settled(column.type)
  return type ? { ...column, type } : { ...column, json: true, type: new Utf8() }
}

function jsonSchema(type: DataType): object {
  if (DataType.isUtf8(type)) return { type: ['string', 'null'] }
  if (DataType.isFloat(type)) return { type: ['number', 'null'] }
  if (DataType.isInt(type)) return { type: ['integer', 'null'] }
  if (DataType.isBool(type)) return { type: ['boolean', 'null'] }
  if (DataType.isList(type)) return { type: ['array', 'null'], items: jsonSchema(type.children[0].type) }
  const properties = Object.fromEntries(
    type.children.map(field => [field.name, isJsonText(field) ? {} : jsonSchema(field.type as DataType)]),
  )
  return { type: ['object', 'null'], properties, additionalProperties: false }
}

/** Turns lines into raw batches of one schema. */
export interface LineReader {
  readonly schema: Schema
  /** `unread`: what is wrong with a line before it is parsed, by its place among them. */
  batch(lines: readonly string[], unread?: ReadonlyMap<number, string>): RecordBatch
}

/** What is wrong with a line that is text of another kind, or a part of a line. */
export const NO_JSON = 'the line is no JSON'

/**
 * A line as an object, or what is wrong with it. Integers beyond 2^53 are marked text: see `parseDigits`. `mayTwice`:
 * it may have a key twice. NaN and Infinity are null.
 */
export function parseLine(line: string, mayTwice = true): Json | string {
  if (line.length > LONG_LINE && hasMore(line, ',[{', MOST_VALUES)) {
    return `the line has more than ${MOST_VALUES} values, the most that are read`
  }
  const said = parseText(line, mayTwice)
  if (said !== NO_JSON || !mayHaveNan(line)) return said
  const { text, count } = withoutNan(line)
  return count === 0 ? said : parseText(text, mayTwice)
}

function parseText(line: string, mayTwice: boolean): Json | string {
  try {
    const value = parseDigits(line)
    if (hasMore(line, '[{', MOST_NESTING) && isDeep(value, MOST_NESTING)) {
      return `the line nests deeper than ${MOST_NESTING} levels, the most that are read`
    }
    const loss = whatIsLost(line, value, mayTwice)
    if (loss !== undefined) return loss
    const cut = HALF.test(line) ? findHalf(value) : undefined
    if (cut !== undefined) return cut
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Json)
      : 'the line is JSON but no object'
  } catch {
    return line.trim() === '' ? 'the line is empty' : NO_JSON
  }
}

/** An escape that may be half of a character. */
const HALF = /\\ud[89a-f]/i

/**
 * What is wrong with the first text of a value that has half a character (a lone surrogate): as UTF-8, which all that
 * is read becomes, it would be U+FFFD.
 */
function findHalf(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') {
    if (value.isWellFormed()) return undefined
    const half = value.charCodeAt(/[\ud800-\udfff]/u.exec(value)!.index).toString(16)
    return `${path} is cut in the middle of a character: it has \\u${half} without its other half`
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    const found = key.isWellFormed()
      ? findHalf(inner, `${path}/${key}`)
      : findHalf(key, `a key of ${path === '' ? 'the line' : path}`)
    if (found !== undefined) return found
  }
  return undefined
}

function isDeep(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const inner of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    if (isDeep(inner, levels - 1)) return true
  }
  return false
}

/** Whether a line has more than so many of these characters; those in its texts count too. */
function hasMore(line: string, marks: string, most: number): boolean {
  let count = 0
  for (const mark of marks) {
    for (let at = line.indexOf(mark); at >= 0; at = line.indexOf(mark, at + 1)) if (++count > most) return true
  }
  return false
}

/** The columns of raw batches; `hasOther`: whether some line has what fits no column. */
export const linesSchema = (columns: readonly Column[], hasOther: boolean): Schema =>
  new Schema([
    ...columns.map(({ name, type }) => new Field(name, type, true)),
    ...[...(hasOther ? [OTHER] : []), LINE, FAULT].map(name => new Field(name, new Utf8(), true)),
  ])

/** `hasTwice`: whether some line has a key twice. Of the columns those that are `wanted` are given. */
export function openReader(
  columns: readonly Column[],
  { hasOther, hasTwice }: { readonly hasOther: boolean; readonly hasTwice: boolean },
  wanted: readonly string[],
): LineReader {
  const schema = new Schema(linesSchema(columns, hasOther).fields.filter(({ name }) => wanted.includes(name)))
  const said = columns.filter(column => column.said)
  // our own schema: that it is one needs no proof each time a file is opened
  const ajv = new Ajv({ allowUnionTypes: true, ownProperties: true, meta: false, validateSchema: false })
  const validate = ajv.compile({
    type: 'object',
    properties: Object.fromEntries(
      said.map(({ name, json, kind, type }) => [name, json ? { type: [kind, 'null'] } : jsonSchema(type)]),
    ),
  })
  const left = leftOver(columns)
  return {
    schema,
    batch(lines, unread) {
      const problems = new Map<number, string>()
      const rows = lines.map((line, i) => {
        const parsed = parseLine(line, hasTwice)
        const hasLong = typeof parsed !== 'string' && mayMark(line)
        const row = hasLong ? withNumbers(parsed, said) : parsed
        const problem =
          unread?.get(i) ??
          (typeof row === 'string' ? row : fault(validate, row)) ??
          (hasLong ? roundedIn(parsed, said) : undefined)
        if (problem === undefined) return hasLong ? { ...(row as Json), ...longOf(parsed, said) } : (row as Json)
        problems.set(i, problem)
        return {}
      })
      const others = rows.map(left)
      if (!hasOther && others.some(other => other !== null)) {
        throw new Error(
          'a line has a value that fits no column, and none had when the file was first read: it changed, or this is a bug',
        )
      }
      const texts = new Map<string, readonly (string | null)[]>([
        [OTHER, others],
        [LINE, lines.map((line, i) => (problems.has(i) ? line : null))],
        [FAULT, lines.map((_, i) => problems.get(i) ?? null)],
      ])
      const byName = new Map(columns.map(column => [column.name, column]))
      const data = schema.fields.map(({ name, type }) => {
        const column = byName.get(name),
          hasTexts = hasJsonText(type)
        return fromValues(type, column ? rows.map(row => cell(column, own(row, name), hasTexts)) : texts.get(name)!)
      })
      return toRecordBatch(schema, data, lines.length)
    },
  }
}

/** The columns that a layout reads, without marks. */
const withNumbers = (row: Json, said: readonly Column[]): Json => ({
  ...row,
  ...Object.fromEntries(
    said.filter(({ name, json }) => !json && Object.hasOwn(row, name)).map(({ name }) => [name, asNumbers(row[name])]),
  ),
})

/** The marked integers that are a column's whole value, where it is int64. */
const longOf = (row: Json, said: readonly Column[]): Json =>
  Object.fromEntries(
    said
      .filter(({ name, type }) => DataType.isInt(type) && isMarked(own(row, name)))
      .map(({ name }) => [name, row[name]]),
  )

/** What is wrong with a row that has an integer in a column that a layout may read, where float64 would round it. */
function roundedIn(row: Json, said: readonly Column[]): string | undefined {
  for (const { name, json, type } of said) {
    const digits = json || DataType.isInt(type) ? undefined : findRounded(own(row, name))
    if (digits !== undefined) {
      return `/${name} holds ${digits}, and float64, which it is read as, rounds it; write it as text`
    }
  }
  return undefined
}

function findRounded(value: unknown): string | undefined {
  if (isMarked(value)) return BigInt(Number(digitsOf(value))) === BigInt(digitsOf(value)) ? undefined : digitsOf(value)
  if (typeof value !== 'object' || value === null) return undefined
  for (const inner of Object.values(value)) {
    const found = findRounded(inner)
    if (found !== undefined) return found
  }
  return undefined
}

function fault(validate: ValidateFunction, row: Json): string | undefined {
  if (validate(row)) return undefined
  const [{ instancePath, message, params }] = validate.errors!
  const extra = (params as { additionalProperty?: string }).additionalProperty
  return `${instancePath} ${message}${extra === undefined ? '' : `: '${extra}' is not among those of the first rows`}`
}

function cell({ name, json, said, kind, type }: Column, value: unknown, hasTexts: boolean): unknown {
  if (value === null || value === undefined) return null
  // an id is a name, with nothing around it
  if (json) return name === 'id' && typeof value === 'string' && !isMarked(value) ? value : stringifyDigits(value)
  if (isMarked(value) && kind === 'number') {
    return DataType.isInt(type) ? BigInt(digitsOf(value)) : Number(digitsOf(value))
  }
  if (said) return hasTexts ? withJsonText(value, type) : value
  // a column that no layout needs: what is of another kind is kept in OTHER
  return kindOf(value) === kind ? value : null
}

/** The JSON of what a row has that fits no column; null where there is nothing. */
export function leftOver(columns: readonly Column[]): (row: Json) => string | null {
  const byName = new Map(columns.map(column => [column.name, column]))
  return row => {
    const left = Object.entries(row).filter(([name, value]) => {
      const column = byName.get(name)
      return value !== null && (!column || (!column.json && !column.said && kindOf(value) !== column.kind))
    })
    return left.length === 0 ? null : stringifyDigits(Object.fromEntries(left))
  }
}
