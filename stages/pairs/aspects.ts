/** The score of an answer from the columns that hold it: numbers, or text that is a number; of several the mean. */
import { DataType, type Data } from 'apache-arrow'
import { textColumn } from '../../engine/arrow/columns.ts'
import { isRounded, scoresIn } from '../../engine/source/completions.ts'

/** Text that is no number, and a whole number that float64 rounds: with either there is no score. */
export const UNREADABLE = 1,
  INEXACT = 2

export interface Aspects {
  /** NaN where too few columns have a value, or one of them is not to be used. */
  readonly scores: Float64Array
  /** UNREADABLE or INEXACT, or 0. */
  readonly faults: Int32Array
  /** How many columns have a value. */
  readonly found: Int32Array
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const WHOLE = /^[+-]?\d+$/

/** What a column says of a row: NaN where it says nothing. `fault` is told what is wrong. */
type Reader = (row: number, fault: (kind: number) => void) => number

function readerOf(name: string, data: Data): Reader {
  const type = data.type as DataType
  if (DataType.isUtf8(type)) {
    const texts = textColumn(data)
    return (row, fault) => {
      const text = texts.text(row).trim()
      if (text === '' || text === 'N/A') return NaN
      const score = NUMBER.test(text) ? Number(text) : NaN
      if (!Number.isFinite(score)) fault(UNREADABLE)
      else if (WHOLE.test(text) && isRounded(score, BigInt(text.replace('+', '')))) fault(INEXACT)
      return score
    }
  }
  if (!DataType.isInt(type) && !DataType.isFloat(type) && !DataType.isBool(type)) {
    throw new Error(`the score column '${name}' is of type ${type}; name one of numbers, or of text that is a number`)
  }
  const { scores, whole } = scoresIn(data)
  return (row, fault) => {
    if (whole && isRounded(scores[row], whole[row])) fault(INEXACT)
    return scores[row]
  }
}

/** A score a row: the mean of what the columns say, where so many say something. */
export function meanOf(columns: readonly (readonly [name: string, data: Data])[], rows: number, least = 1): Aspects {
  const readers = columns.map(([name, data]) => readerOf(name, data))
  const scores = new Float64Array(rows).fill(NaN),
    faults = new Int32Array(rows),
    found = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const values = readers.map(read => read(row, kind => (faults[row] ||= kind))).filter(value => !Number.isNaN(value))
    found[row] = values.length
    // in order of size, so that the same values in other columns come to the same sum
    const sum = values.sort((a, b) => a - b).reduce((sum, value) => sum + value, 0)
    if (values.length >= Math.max(1, least) && faults[row] === 0) scores[row] = sum / values.length
  }
  return { scores, faults, found }
}
