/**
 * Expressions over the columns of a pair, in the Common Expression Language (https://cel.dev): what they read, what is
 * wrong with them, and what they say of a row. Three-valued, as SQL is: of a null an operator knows nothing, and `or`
 * and `and` know what follows from their other side.
 */
import { Environment, type ASTNode } from '@marcbachmann/cel-js'
import { DataType, TimeUnit, type Data, type Schema } from 'apache-arrow'
import { messagesColumn, messagesType, nullTest, textColumn } from '../../engine/arrow/columns.ts'
import { sameType } from '../../engine/arrow/cast.ts'
import type { Batch } from '../../engine/arrow/flow.ts'
import { missingField, nodesIn } from './cel_fields.ts'
import { inPlaceOf, isReplaced, named, withTimes } from './cel_time.ts'

/** Names that the language has itself, so that no column can be named by them. */
const TAKEN: ReadonlySet<string> = new Set(new Environment().getDefinitions().variables.map(({ name }) => name))

/** The environment of an expression. Whole numbers and fractions compare by their exact values. */
const environment = () =>
  withTimes(new Environment()).registerOperator(
    'double == int',
    (a: number, b: bigint) => Number.isInteger(a) && BigInt(a) === b,
  )

/**
 * The names that an expression reads: those that are nothing by themselves, nor bound by a macro such as `exists`. Of
 * one that cannot be read none.
 */
export function columnsIn(expression: string): string[] {
  const known = environment(),
    names: string[] = []
  for (;;) {
    const { error } = known.check(expression),
      name = error?.code === 'unknown_variable' ? (error.node as ASTNode).args : undefined
    if (typeof name !== 'string') return names
    known.registerVariable(name, 'dyn')
    names.push(name)
  }
}

/** The language's name for a column's type; undefined for types that it does not have. */
function typeOf(type: DataType): string | undefined {
  if (sameType(type, messagesType) || DataType.isUtf8(type)) return 'string'
  if (DataType.isBool(type)) return 'bool'
  if (DataType.isInt(type)) return 'int'
  if (DataType.isFloat(type)) return 'double'
  if (DataType.isTimestamp(type) || DataType.isDate(type)) return 'google.protobuf.Timestamp'
  if (DataType.isNull(type)) return 'dyn'
  if (DataType.isStruct(type)) return type.children.every(field => typeOf(field.type)) ? 'map<string, dyn>' : undefined
  if (!DataType.isList(type)) return undefined
  const item = typeOf(type.children[0].type)
  return item && `list<${item}>`
}

/** How many of a unit of time are a millisecond; a second is many of them. */
const perMilli: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1n,
  [TimeUnit.MICROSECOND]: 1_000n,
  [TimeUnit.NANOSECOND]: 1_000_000n,
}

/** The millisecond that an instant is in. */
function instantOf(value: bigint, unit: TimeUnit): Date {
  const per = perMilli[unit],
    rest = ((value % per) + per) % per
  return new Date(Number((value - rest) / per) * (unit === TimeUnit.SECOND ? 1000 : 1))
}

/** The value of a row as the language has it; undefined where it is null. NaN is null, as everywhere. */
function valuesOf(data: Data): (row: number) => unknown {
  const type: DataType = data.type,
    isNull = nullTest(data),
    values = data.values as ArrayLike<number | bigint>,
    notNull = (value: (row: number) => unknown) => (row: number) => (isNull(row) ? undefined : value(row))
  if (DataType.isNull(type)) return () => undefined
  if (sameType(type, messagesType)) return messagesColumn(data).text
  if (DataType.isUtf8(type)) return notNull(textColumn(data).text)
  if (DataType.isBool(type)) return notNull(row => (Number(values[row >> 3]) & (1 << (row & 7))) !== 0)
  if (DataType.isInt(type)) return notNull(row => BigInt(values[row]))
  if (DataType.isFloat(type)) return notNull(row => (Number.isNaN(values[row]) ? undefined : values[row]))
  if (DataType.isTimestamp(type)) return notNull(row => instantOf(BigInt(values[row]), type.unit))
  if (DataType.isDate(type)) {
    const millis = values instanceof Int32Array ? 86_400_000 : 1
    return notNull(row => new Date(Number(values[row]) * millis))
  }
  const parts = data.children.map(valuesOf),
    offsets = data.valueOffsets as Int32Array
  if (DataType.isList(type)) {
    return notNull(row =>
      Array.from({ length: offsets[row + 1] - offsets[row] }, (_, i) => parts[0](offsets[row] + i) ?? null),
    )
  }
  const names = type.children.map(({ name }) => name)
  return notNull(row => {
    const fields = new Map<string, unknown>()
    names.forEach((name, i) => {
      const value = parts[i](row)
      if (value !== undefined) fields.set(name, value)
    })
    return fields
  })
}

/**
 * An expression over columns that are there. A comparison of a column with null becomes a variable, as a column that is
 * null is none of its type.
 */
function prepare(expression: string, { fields }: Schema) {
  const known = environment(),
    columns = columnsIn(expression),
    tested = new Map<string, string>(),
    edits: { from: number; to: number; by: string }[] = []
  for (const node of nodesIn(known.parse(expression).ast)) {
    const { op, args } = node
    if ((op === 'call' || op === 'rcall') && isReplaced(args[0])) {
      const from = op === 'call' ? node.start : nameAfter(expression, args[1].end)
      edits.push({ from, to: from + args[0].length, by: inPlaceOf(args[0]) })
    }
    if (op !== '==' && op !== '!=') continue
    const [id, value] = args[0].op === 'id' ? args : [args[1], args[0]]
    if (id.op !== 'id' || value.op !== 'value' || value.args !== null || !columns.includes(id.args)) continue
    let test = tested.get(id.args) ?? `${id.args}_is_null`
    while (fields.some(({ name }) => name === test)) test += '_'
    tested.set(id.args, test)
    edits.push({ from: id.start, to: id.end, by: test }, { from: value.start, to: value.end, by: 'true' })
  }
  for (const name of columns) {
    known.registerVariable(name, typeOf(fields.find(field => field.name === name)!.type) ?? 'dyn')
  }
  for (const name of tested.values()) known.registerVariable(name, 'bool')
  const text = edits
    .sort((a, b) => b.from - a.from)
    .reduce((text, { from, to, by }) => text.slice(0, from) + by + text.slice(to), expression)
  return { known, text, columns, tested }
}

/** Where the name of a method stands, behind what it is called of, its brackets and comments. */
const nameAfter = (expression: string, end: number): number =>
  end + /^(?:[\s)]|\/\/[^\n]*\n)*\.(?:\s|\/\/[^\n]*\n)*/.exec(expression.slice(end))![0].length

/** What is wrong with an expression over these columns; undefined where nothing is. */
export function wrongIn(expression: string, schema: Schema): string | undefined {
  const said = ({ summary, range }: { summary?: string; range?: { start: number; end: number } }, text: string) => {
    const at = range && range.end > range.start ? text.slice(range.start, range.end) : undefined
    return named(`${summary}${at === undefined || at === text ? '' : `, at '${at}'`}`)
  }
  try {
    const taken = [...nodesIn(environment().parse(expression).ast)].find(
      ({ op, args }) => op === 'id' && TAKEN.has(args) && schema.fields.some(({ name }) => name === args),
    )
    if (taken) {
      const name = String(taken.args)
      return `'${name}' is a word of the language, so the column of that name cannot be read: give it another one by rename_columns, or by rename of its source`
    }
    const { known, text, columns } = prepare(expression, schema)
    for (const { name, type } of schema.fields) {
      if (!columns.includes(name) || typeOf(type)) continue
      return `column '${name}' has a type (${String(type)}) that expressions do not know; they take text, numbers, bool, dates, timestamps, and lists and structs of these`
    }
    const missing = missingField(expression, environment().parse(expression).ast, schema)
    if (missing !== undefined) return missing
    const { valid, type, error } = known.check(text)
    if (!valid) return `${said(error!, text)}; see https://cel.dev for what can be written`
    return type === 'bool' || type === 'dyn'
      ? undefined
      : `it gives ${type}, and an expression here must be true or false`
  } catch (error) {
    return `${said(error as object, expression)}; see https://cel.dev for what can be written`
  }
}

/** What an expression says of each row of a batch: undefined where it cannot tell. */
export function compile(expression: string, schema: Schema): (batch: Batch) => (row: number) => boolean | undefined {
  const { known, text, columns, tested } = prepare(expression, schema),
    run = known.parse(text)
  return batch => {
    const values = columns.map(name => valuesOf(batch.column(name)))
    return row => {
      const seen = Object.create(null) as Record<string, unknown>
      columns.forEach((name, i) => {
        const value = values[i](row),
          test = tested.get(name)
        if (value !== undefined) seen[name] = value
        if (test !== undefined) seen[test] = value === undefined
      })
      try {
        const said: unknown = run(seen)
        return typeof said === 'boolean' ? said : undefined
      } catch {
        return undefined
      }
    }
  }
}
