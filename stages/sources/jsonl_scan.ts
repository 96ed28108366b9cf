/**
 * A look at every line of a file before the run, without parsing most of them: which numbers are whole, and whether
 * anything fits no column.
 */
import { Int64, Utf8 } from 'apache-arrow'
import { endOfString, keyTwice, skipWhite } from '../../engine/source/json_digits.ts'
import { leftOver, parseLine, type Column } from './jsonl_columns.ts'

/**
 * What the numbers of a column are: `isWhole`, all are written as integers; `isExact`, float64 holds all of the
 * integers; `isLong`, int64 does.
 */
interface Numbers {
  isWhole: boolean
  isExact: boolean
  isLong: boolean
}

/**
 * Columns with the types that all lines have, not only the first ones: whole numbers are int64, others float64, and
 * JSON text where neither has all the digits. `hasOther`: a value of some line fits no column; `hasTwice`: some line
 * has a key twice. Lines that cannot be read say nothing of that.
 */
export async function settleColumns(
  columns: readonly Column[],
  lines: AsyncIterable<Buffer>,
): Promise<{ columns: Column[]; hasOther: boolean; hasTwice: boolean }> {
  // bytes as characters: what holds JSON together is ASCII, and nothing has to be decoded
  const byName = new Map(
    columns.map(column => [
      Buffer.from(column.name).toString('latin1'),
      { ...column, numbers: { isWhole: true, isExact: true, isLong: true }, line: -1 },
    ]),
  )
  const left = leftOver(columns)
  let hasOther = false,
    hasTwice = false,
    line = 0
  for await (const bytes of lines) {
    const isPlain = scanLine(bytes.toString('latin1'), (name, value) => {
      const column = byName.get(name),
        kind = kindOf(value)
      if (kind === 'number' && column) note(column.numbers, value)
      // a second time in this line
      if (column?.line === line) return false
      if (column) column.line = line
      return kind === 'null' || (column !== undefined && (column.json || column.said || kind === column.kind))
    })
    line++
    if (isPlain) continue
    const text = bytes.toString(),
      isTwice = keyTwice(text) !== undefined
    hasTwice ||= isTwice
    if (hasOther || isTwice) continue
    const row = parseLine(text)
    hasOther = typeof row !== 'string' && left(row) !== null
  }
  return {
    hasOther,
    hasTwice,
    columns: [...byName.values()].map(({ numbers: { isWhole, isExact, isLong }, line: _, ...column }) => {
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
}
const kindOf = (value: string): string => KINDS[value[0]] ?? 'number'

/**
 * Hands over the keys of an object and the text of their values, of lists, objects and text the first character alone;
 * `look` says whether it is nothing unusual. Returns whether nothing was. A line that is no object is unusual, as is
 * one that the scan loses track of, or that has a key twice in an object within it. Keys come as they are written,
 * escapes and all.
 */
function scanLine(line: string, look: (name: string, value: string) => boolean): boolean {
  let at = skipWhite(line, 0),
    isPlain = true
  if (line[at] !== '{') return false
  at = skipWhite(line, at + 1)
  if (line[at] === '}') return true
  for (;;) {
    if (line[at] !== '"') return false
    const key = endOfString(line, at)
    const start = skipWhite(line, skipWhite(line, key) + 1),
      end = endOfValue(line, start)
    if (end <= start) return false
    isPlain =
      look(line.slice(at + 1, key - 1), '"[{'.includes(line[start]) ? line[start] : line.slice(start, end)) && isPlain
    at = skipWhite(line, end)
    if (line[at] === '}') return isPlain
    if (line[at] !== ',') return false
    at = skipWhite(line, at + 1)
  }
}

/** Keys of one object that are held against each other one by one. */
const MOST_KEYS = 200

/** The place after a value; -1 where an object in it may have a key twice. */
function endOfValue(line: string, start: number): number {
  if (line[start] === '"') return endOfString(line, start)
  // the keys of the objects that are open; of lists undefined
  const open: (string[] | undefined)[] = []
  let at = start,
    keys: string[] | undefined
  for (; at < line.length; at++) {
    const character = line[at]
    if (character === '"') {
      const end = endOfString(line, at)
      if (keys && (line[end] === ':' || line[skipWhite(line, end)] === ':')) {
        const key = line.slice(at + 1, end - 1)
        if (keys.includes(key) || keys.length === MOST_KEYS || key.includes('\\')) return -1
        keys.push(key)
      }
      at = end - 1
    } else if (character === '{') open.push((keys = []))
    else if (character === '[') open.push((keys = undefined))
    else if (open.length > 0) {
      if (character !== '}' && character !== ']') continue
      open.pop()
      if (open.length === 0) return at + 1
      keys = open[open.length - 1]
    } else if (character === ',' || character === '}' || skipWhite(line, at) > at) return at
  }
  return at
}
