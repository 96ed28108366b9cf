/** Whether the text of a JSON value fits the type of its column, told without parsing it. */
import { DataType } from 'apache-arrow'
import { isJsonText } from '../../engine/arrow/json.ts'
import { endOfString, isNumberPart, skipWhite } from '../../engine/source/json_digits.ts'

/** What may stand in the place of a value beside null. */
interface Shape {
  readonly kind: 'text' | 'number' | 'bool' | 'null' | 'list' | 'object' | 'any'
  readonly item?: Shape
  readonly fields?: ReadonlyMap<string, Shape>
}

const ANY: Shape = { kind: 'any' }

/** Text as scans see it, a character a byte. */
export const asBytes = (text: string): string => Buffer.from(text).toString('latin1')
export const fromBytes = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()

export function shapeOf(type: DataType): Shape {
  if (DataType.isUtf8(type)) return { kind: 'text' }
  if (DataType.isFloat(type)) return { kind: 'number' }
  if (DataType.isBool(type)) return { kind: 'bool' }
  if (DataType.isList(type)) return { kind: 'list', item: shapeOf(type.children[0].type) }
  if (!DataType.isStruct(type)) return { kind: 'null' }
  const fields = type.children.map(
    field => [asBytes(field.name), isJsonText(field) ? ANY : shapeOf(field.type as DataType)] as const,
  )
  return { kind: 'object', fields: new Map(fields) }
}

/** Keys of one object that are held against each other one by one. */
const MOST_KEYS = 200

/**
 * The place after a value that fits a shape, -1 for one that may not: it has a key that the shape lacks, or twice, or a
 * value of another kind. `line`: a character a byte.
 */
export function endIfFits(line: string, at: number, { kind, item, fields }: Shape): number {
  if (kind === 'any') {
    const end = endOfValue(line, at, true)
    return end > at ? end : -1
  }
  switch (line.charCodeAt(at)) {
    case 0x22:
      return kind === 'text' ? endOfString(line, at) : -1
    case 0x7b:
      return fields ? endOfObject(line, at, fields) : -1
    case 0x5b:
      return item ? endOfList(line, at, item) : -1
    case 0x6e: // null
      return at + 4
    case 0x74: // true
      return kind === 'bool' ? at + 4 : -1
    case 0x66: // false
      return kind === 'bool' ? at + 5 : -1
  }
  if (kind !== 'number') return -1
  let end = at
  while (isNumberPart(line.charCodeAt(end))) end++
  return end > at ? end : -1
}

function endOfObject(line: string, start: number, fields: ReadonlyMap<string, Shape>): number {
  let at = skipWhite(line, start + 1)
  if (line.charCodeAt(at) === 0x7d) return at + 1
  const seen: string[] = []
  for (;;) {
    if (line.charCodeAt(at) !== 0x22) return -1
    const end = endOfString(line, at),
      key = line.slice(at + 1, end - 1),
      shape = fields.get(key)
    if (!shape || seen.length === MOST_KEYS || seen.includes(key)) return -1
    seen.push(key)
    const colon = skipWhite(line, end)
    if (line.charCodeAt(colon) !== 0x3a) return -1
    at = endIfFits(line, skipWhite(line, colon + 1), shape)
    if (at < 0) return -1
    at = skipWhite(line, at)
    const next = line.charCodeAt(at)
    if (next === 0x7d) return at + 1
    if (next !== 0x2c) return -1
    at = skipWhite(line, at + 1)
  }
}

function endOfList(line: string, start: number, item: Shape): number {
  let at = skipWhite(line, start + 1)
  if (line.charCodeAt(at) === 0x5d) return at + 1
  for (;;) {
    at = endIfFits(line, at, item)
    if (at < 0) return -1
    at = skipWhite(line, at)
    const next = line.charCodeAt(at)
    if (next === 0x5d) return at + 1
    if (next !== 0x2c) return -1
    at = skipWhite(line, at + 1)
  }
}

/** The place after a value; with `isStrict` -1 where an object in it may have a key twice. */
export function endOfValue(line: string, start: number, isStrict: boolean): number {
  if (line[start] === '"') return endOfString(line, start)
  // the keys of the objects that are open; of lists undefined
  const open: (string[] | undefined)[] = []
  let at = start,
    keys: string[] | undefined
  for (; at < line.length; at++) {
    const character = line[at]
    if (character === '"') {
      const end = endOfString(line, at)
      if (isStrict && keys && (line[end] === ':' || line[skipWhite(line, end)] === ':')) {
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
