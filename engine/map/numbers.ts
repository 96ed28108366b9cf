/** Scores as numbers, whatever type they lie in. */
import { DataType, type Data } from 'apache-arrow'
import { inexactIn, numberColumn, textColumn } from '../arrow/columns.ts'

/** Whether a column can be read as scores. */
export const isScore = (type: DataType): boolean =>
  DataType.isUtf8(type) || DataType.isInt(type) || DataType.isFloat(type) || DataType.isBool(type)

/** Text that is a number, with white space around. */
const NUMBER = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/
/** The same with a comma for the point; three digits behind one may be thousands as well, and are nothing. */
const COMMA = /^\s*([-+]?\d+),(\d{1,2}|\d{4,}|(?<=\b0,)\d{3})\s*$/
/** A place on a scale with what it means, as `3 - slightly better`. */
const SCALE = /^\s*([-+]?\d+(?:[.,]\d+)?) ?[-–—:.)=(] ?\p{L}[^\n]{0,79}$/u
/** Of how many: `8/10`, `4 out of 5`. */
const SHARE = /^\s*(\d+(?:[.,]\d+)?)\s*(?:\/|out of)\s*(\d+)\s*$/i
/** A number with what it counts, or drawn as stars of which some may be empty. */
const COUNTED = /^\s*(\d+(?:[.,]\d+)?) ?(?:stars?|points?|pts|%|percent|★|⭐)\.?\s*$/iu
const STARS = /^\s*((?:★|⭐)\uFE0F?)+\s*☆*\s*$/u
/** Text that is a bool, as CSV and JSON text have it. */
const BOOL = /^\s*(?:(true)|false)\s*$/i

/** What a text says as a number; NaN where it says none. */
export function numberIn(text: string): number {
  if (NUMBER.test(text)) return Number(text)
  const comma = COMMA.exec(text)
  if (comma) return Number(`${comma[1]}.${comma[2]}`)
  const place = SCALE.exec(text)
  if (place) return numberIn(place[1])
  const share = SHARE.exec(text)
  if (share) return numberIn(share[1]) / Number(share[2])
  const counted = COUNTED.exec(text)
  if (counted) return numberIn(counted[1])
  if (STARS.test(text)) return text.match(/[★⭐]/gu)!.length
  const bool = BOOL.exec(text)
  return bool ? Number(bool[1] !== undefined) : NaN
}

/**
 * A float64 of each value, NaN where there is none: null, or text that is no number, such as `N/A`. A bool is 1 or 0,
 * also as text; `4,5` is 4.5, `3 - slightly better` is 3, `8/10` is 0.8, `4 stars` and `★★★★☆` are 4.
 * Throws where an integer would be rounded: two that differ would be one number.
 */
export function numbersOf(data: Data, name: string): Float64Array {
  const inexact = inexactIn(data)
  if (inexact !== undefined) {
    throw new Error(`column '${name}' holds ${inexact}, an integer that float64 rounds; make the scores smaller`)
  }
  if (!DataType.isUtf8(data.type as DataType)) return Float64Array.from(numberColumn(data).values)
  const { rows, isNull, text } = textColumn(data)
  return Float64Array.from({ length: rows }, (_, row) => (isNull(row) ? NaN : numberIn(text(row))))
}
