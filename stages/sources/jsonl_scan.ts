/**
 * A look at every line of a file before the run, without parsing most of them: which numbers are whole, and whether
 * anything fits no column.
 */
import { Int64, Utf8 } from 'apache-arrow'
import { endOfString, keyTwice, skipWhite } from '../../engine/source/json_digits.ts'
import { isTakenUp, leftOver, parseLine, settledColumn, widenColumns, type Column, type Json } from './jsonl_columns.ts'
import { mayHaveNan, withoutNan } from '../../engine/source/json_nan.ts'
import { asBytes, endIfFits, endOfValue, fromBytes, shapeOf } from './jsonl_shape.ts'

/**
 * What the numbers of a column are: `isWhole`, all are written as integers; `isExact`, float64 holds all of the
 * integers; `isLong`, int64 does.
 */
interface Numbers {
  isWhole: boolean
  isExact: boolean
  isLong: boolean
}

/** A column while the lines are looked at. */
interface Scanned {
  readonly column: Column
  readonly shape: ReturnType<typeof shapeOf> | undefined
  readonly numbers: Numbers
  /** the look at a line that saw it last */
  look: number
}

/**
 * Columns with the types that all lines have, not only the first ones: fields that come late, and what was null before;
 * whole numbers are int64, others float64, and JSON text where neither has all the digits. `hasOther`: a value of some
 * line fits no column; `hasTwice`: some line has a key twice; `nans`: values that are NaN or Infinity. Lines that
 * cannot be read say nothing of that.
 */
export async function settleColumns(
  first: readonly Column[],
  lines: AsyncIterable<Buffer>,
  isSaid: (name: string) => boolean,
): Promise<{ columns: Column[]; hasOther: boolean; hasTwice: boolean; nans: number }> {
  let columns = first,
    left = leftOver(columns),
    hasOther = false,
    hasTwice = false,
    nans = 0,
    look = 0,
    mayWiden = false
  // bytes as characters: what holds JSON together is ASCII, and nothing has to be decoded
  const byName = new Map<string, Scanned>()
  const know = () => {
    for (const column of columns) {
      const { said, json, kind, name, type } = column,
        known = byName.get(asBytes(name))
      if (known?.column === column) continue
      byName.set(asBytes(name), {
        column,
        shape: said && !json && (kind === 'array' || kind === 'object') ? shapeOf(type) : undefined,
        numbers: known?.numbers ?? { isWhole: true, isExact: true, isLong: true },
        look: -1,
      })
    }
  }
  know()
  const shapeFor = (name: string) => byName.get(name)?.shape
  const scan = (line: string): boolean => {
    look++
    mayWiden = false
    return scanLine(line, shapeFor, (name, value, fits) => {
      const known = byName.get(name),
        kind = kindOf(value)
      mayWiden ||= !fits || known?.column.kind === 'null' || (!known && isTakenUp(fromBytes(name), isSaid))
      if (!known) return kind === 'null'
      if (kind === 'number') note(known.numbers, value)
      // a second time in this line
      if (known.look === look) return false
      known.look = look
      const { column } = known
      return kind === 'null' || (column.kind !== 'null' && (column.json || column.said || kind === column.kind))
    })
  }
  for await (const bytes of lines) {
    const line = bytes.toString('latin1'),
      hasNan = mayHaveNan(line)
    if (scan(line) && !hasNan) continue
    const text = bytes.toString()
    const isTwice = keyTwice(text) !== undefined
    hasTwice ||= isTwice
    const isKnown: boolean = hasOther && !mayWiden && !hasNan
    const row: Json | string | undefined = isTwice || isKnown ? undefined : parseLine(text)
    if (typeof row !== 'object') continue
    if (hasNan) nans += withoutNan(text).count
    const wide = widenColumns(columns, row, isSaid)
    if (wide !== columns) {
      columns = wide
      left = leftOver(columns)
      know()
      // for the numbers of columns that were not known before
      scan(line)
    }
    hasOther ||= left(row) !== null
  }
  return {
    hasOther,
    hasTwice,
    nans,
    columns: columns.map(one => {
      const column = settledColumn(one),
        { isWhole, isExact, isLong } = byName.get(asBytes(one.name))!.numbers
      if (column.json || column.kind !== 'number' || (!isWhole && isExact)) return column
      if (isWhole && isLong) return { ...column, type: new Int64() }
      // the scores of a layout are float64 whatever their digits
      return column.said ? column : { ...column, json: true, kind: '', type: new Utf8() }
    }),
  }
}

function note(numbers: Numbers, value: string): void {
  if (!/^-?\d+$/.test(value)) {
    // of a number beyond float64 the line is not read
    numbers.isWhole &&= !Number.isFinite(Number(value))
    return
  }
  if (value.length <= 15) return
  const whole = BigInt(value)
  numbers.isExact &&= Number.isFinite(Number(value)) && BigInt(Number(value)) === whole
  numbers.isLong &&= BigInt.asIntN(64, whole) === whole
}

const KINDS: Readonly<Record<string, string>> = {
  '"': 'string',
  '{': 'object',
  '[': 'array',
  t: 'boolean',
  f: 'boolean',
  n: 'null',
  // NaN and Infinity
  N: 'null',
  I: 'null',
}
const kindOf = (value: string): string => (value === '-Infinity' ? 'null' : (KINDS[value[0]] ?? 'number'))

/**
 * Hands over the keys of an object and the text of their values, of lists, objects and text the first character alone;
 * `look` says whether it is nothing unusual, and hears whether the value fits the shape of its column. Returns whether
 * nothing was. A line that is no object is unusual, as is one that the scan loses track of, that has a key twice in an
 * object within it, or a value that does not fit.
 */
function scanLine(
  line: string,
  shapeFor: (name: string) => ReturnType<typeof shapeOf> | undefined,
  look: (name: string, value: string, fits: boolean) => boolean,
): boolean {
  let at = skipWhite(line, 0),
    isPlain = true
  if (line[at] !== '{') return false
  at = skipWhite(line, at + 1)
  if (line[at] === '}') return true
  for (;;) {
    if (line[at] !== '"') return false
    const key = endOfString(line, at),
      name = nameOf(line.slice(at, key)),
      shape = shapeFor(name),
      start = skipWhite(line, skipWhite(line, key) + 1)
    const known = shape ? endIfFits(line, start, shape) : endOfValue(line, start, true),
      end = known < 0 ? endOfValue(line, start, false) : known
    if (end <= start) return false
    const value = '"[{'.includes(line[start]) ? line[start] : line.slice(start, end)
    isPlain = look(name, value, known >= 0) && known >= 0 && isPlain
    at = skipWhite(line, end)
    if (line[at] === '}') return isPlain
    if (line[at] !== ',') return false
    at = skipWhite(line, at + 1)
  }
}

/** A key without its quotes, as the name of a column is looked up. */
function nameOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    return asBytes(JSON.parse(Buffer.from(quoted, 'latin1').toString()) as string)
  } catch {
    return quoted
  }
}
