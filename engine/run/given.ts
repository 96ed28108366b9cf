/** Columns as stages give them, held against what they declare. */
import type { Data, DataType } from 'apache-arrow'
import type { ColumnValues } from '../contract/define.ts'
import { makeBool, makeColumn, makeFloat64, makeInt32, type Message } from '../arrow/columns.ts'

/** A programming error in a stage: stops the run, unlike an exception about a row. */
export class StageMistake extends Error {}

const isWhole = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isWhole)
  const { role, content } = (value ?? {}) as Partial<Message>
  return typeof content !== 'string' || (content.isWellFormed() && isWhole(role))
}

/**
 * The first of the values of a column in which half of a character stands, as where text was cut by its length, and
 * what is wrong with it. UTF-8 has no room for one: it would become U+FFFD, and different texts equal.
 */
export function halfIn(values: unknown): { at: number; wrong: string } | undefined {
  if (!Array.isArray(values)) return undefined
  const at = values.findIndex(value => !isWhole(value))
  if (at < 0) return undefined
  const shown = JSON.stringify(values[at]),
    // JSON escapes halves alone
    half = /\\ud[89a-f][0-9a-f]{2}/.exec(shown)!,
    end = half.index + half[0].length
  return {
    at,
    wrong: `half of a character (…${shown.slice(Math.max(0, half.index - 20), end).toWellFormed()}…); cut text between whole characters, e.g. [...text].slice(0, n).join('')`,
  }
}

/** A column of values that a stage gave, held against what it declares; `what` is the column's name in an error. */
export function columnOf(what: string, type: DataType, values: ColumnValues, rows: number): Data {
  const data = toData(what, type, values)
  if (String(data.type) !== String(type)) {
    throw new StageMistake(`${what} is ${data.type}, the stage declares ${type}`)
  }
  if (isSlice(data)) throw new StageMistake(`${what} is a slice of a longer column; give one that begins at 0`)
  if (data.length !== rows) throw new Error(`${what} has ${data.length} values for ${rows} rows`)
  return data
}

const isSlice = (data: Data): boolean => data.offset !== 0 || (data.children as Data[]).some(isSlice)

function toData(what: string, type: DataType, values: ColumnValues): Data {
  // copied: the stage may fill its own again before what it said is written
  if (values instanceof Float64Array) return makeFloat64(values.slice())
  if (values instanceof Int32Array) return makeInt32(values.slice())
  if (values instanceof Uint8Array) return makeBool(values)
  if (!Array.isArray(values)) return values as Data
  try {
    return makeColumn(type, values)
  } catch (error) {
    throw new StageMistake(`${what}: ${(error as Error).message}`)
  }
}
