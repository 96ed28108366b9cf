/**
 * Paths into a file's rows: a column, a field of an object (or of JSON text) by dots, the items of a list by [], one of
 * them by its place, as [0].
 */
import { DataType, List, makeData, Utf8, type Data, type Field, type RecordBatch, type Schema } from 'apache-arrow'
import { concat, makeText, nulls, nullTest, runsOfRows, take, textColumn, validity } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { nearest } from '../graph/messages.ts'
import { typeForm } from '../source/forms.ts'
import { isMarked, parseDigits, stringifyDigits } from '../source/json_digits.ts'
import { columnOf } from '../source/mapping.ts'
import { zip, zipped } from './zip.ts'

/** A field by its name, with an empty name the items of a list, or one of them by its place. */
type Step = string | number
export const ITEMS: Step = ''

/** A path that is there. `type` is of what it gives; with a list in it, of a list of what it gives of each item. */
export interface Path {
  readonly text: string
  readonly column: string
  readonly steps: readonly Step[]
  readonly type: DataType
  readonly isList: boolean
  /** The last of the steps, those that lead into JSON text. */
  readonly inText: readonly Step[]
}

/** Brackets behind a name. */
const BRACKETS = /(?:\[\d*\])+$/

const bracketsOf = (part: string): Step[] =>
  [...(BRACKETS.exec(part)?.[0].matchAll(/\[(\d*)\]/g) ?? [])].map(([, place]) =>
    place === '' ? ITEMS : Number(place),
  )

const stepsOf = (text: string): Step[] =>
  text.split('.').flatMap(part => [part.replace(BRACKETS, ''), ...bracketsOf(part)])

/** Finds a path; throws where it is not there, or leads into what has no fields. */
export function findPath(schema: Schema, text: string): Path {
  const whole = schema.fields.find(({ name }) => name === text)
  if (whole) {
    const type = whole.type as DataType
    return { text, column: text, steps: [], type: zipped(type) ?? type, isList: false, inText: [] }
  }
  // a name may have dots itself: the longest that is a column counts
  const parts = text.split('.')
  for (let count = parts.length; count > 0; count--) {
    const head = parts.slice(0, count).join('.'),
      name = head.replace(BRACKETS, ''),
      field = schema.fields.find(field => field.name === name)
    if (!field) continue
    const steps = [...bracketsOf(head), ...(count < parts.length ? stepsOf(parts.slice(count).join('.')) : [])]
    return { text, column: name, ...typeOf(field.type as DataType, steps, text, name) }
  }
  throw new Error(`'${text}' is not there${meant(stepsOf(text)[0] as string, schema.fields)}`)
}

const meant = (name: string, fields: readonly Field[]): string => {
  const names = fields.map(field => field.name),
    near = nearest(name, names)
  return `${near === undefined ? '' : ` (did you mean '${near}'?)`}; there are ${names.join(', ')}`
}

function typeOf(
  column: DataType,
  said: readonly Step[],
  text: string,
  head: string,
): Pick<Path, 'steps' | 'type' | 'isList' | 'inText'> {
  let type = column,
    at = head,
    isList = false
  const rest = [...said],
    steps: Step[] = []
  while (rest.length > 0) {
    // only the rows tell what is in JSON text
    if (DataType.isUtf8(type) && !isList) return { steps: [...steps, ...rest], ...typeInText(rest, text) }
    const name = rest.shift()!
    if (name === ITEMS || typeof name === 'number') {
      if (!DataType.isList(type)) throw new Error(`'${text}': ${at} is ${type} and no list; leave out [${name}]`)
      isList ||= name === ITEMS
      steps.push(name)
      type = type.children[0].type as DataType
      continue
    }
    if (!DataType.isStruct(type)) throw new Error(`'${text}': ${at} is ${type} and has no field '${name}'`)
    const children = type.children
    // a name may have dots itself: the longest that is a field counts
    const names = [name, ...rest.slice(0, rest.findIndex(step => typeof step === 'number' || step === ITEMS) >>> 0)],
      count = names.findLastIndex((_, i) => children.some(field => field.name === names.slice(0, i + 1).join('.'))) + 1
    if (count === 0) throw new Error(`'${text}': ${at} has no field '${name}'${meant(name, children)}`)
    const found = names.slice(0, count).join('.')
    rest.splice(0, count - 1)
    steps.push(found)
    type = children.find(field => field.name === found)!.type as DataType
    at = `${at}.${found}`
  }
  const own = zipped(type) ?? type
  return { steps, type: isList ? new List(field('item', own)) : own, isList, inText: [] }
}

/** The type of what steps into JSON text give: text, or a list of it. */
function typeInText(inText: readonly Step[], text: string): Pick<Path, 'type' | 'isList' | 'inText'> {
  const lists = inText.filter(step => step === ITEMS).length
  if (lists > 1) throw new Error(`'${text}': lists within lists of JSON text are not read; write one as a column`)
  return lists === 1
    ? { type: new List(field('item', new Utf8())), isList: true, inText }
    : { type: new Utf8(), isList: false, inText }
}

/** The path of the one text of an object, or of the items of a list, that a path leads to; else the path itself. */
export function textWithin(schema: Schema, text: string): string {
  const { type, isList } = findPath(schema, text),
    inner = isList ? ((type as List).children[0].type as DataType) : type
  if (!DataType.isStruct(inner) || typeForm(inner)) return text
  const texts = inner.children.filter(child => DataType.isUtf8(child.type))
  return texts.length === 1 ? `${text}.${texts[0].name}` : text
}

/** The column of a path in a batch of the schema that it was found in; of a list path its lists, one a row. */
export function readPath({ text, column, steps, inText }: Path, batch: RecordBatch): Data {
  let data = columnOf(batch, column)!,
    lists: Data | undefined,
    offsets: Int32Array | undefined
  for (const step of steps.slice(0, steps.length - inText.length)) {
    if (step !== ITEMS) {
      data = typeof step === 'number' ? itemOf(data, step) : inStruct(data, step)
      continue
    }
    const own = data.valueOffsets as Int32Array
    // the items of all lists of a row are one list
    offsets = offsets ? offsets.map(at => own[at]) : own
    lists ??= data
    data = data.children[0] as Data
  }
  if (inText.length > 0) return inJson(data, inText)
  if (zipped(data.type as DataType)) data = zip(data, text)
  if (!lists) return data
  const { length, nullCount, nullBitmap } = lists
  return makeData({
    type: new List(field('item', data.type as DataType)),
    length,
    nullCount,
    ...(nullCount > 0 ? { nullBitmap } : {}),
    valueOffsets: offsets,
    child: data,
  } as never) as Data
}

/** The item at a place of each list; null where there is none. */
function itemOf(lists: Data, place: number): Data {
  const { length, valueOffsets: at } = lists,
    [items] = lists.children as Data[],
    isNull = nullTest(lists)
  const rows = Array.from({ length }, (_, row) =>
    isNull(row) || at[row] + place >= at[row + 1] ? items.length : (at[row] as number) + place,
  )
  return take(concat([items, nulls(items.type as DataType, 1)]), runsOfRows(rows))
}

/** A field of structs; where the struct is null, so is the field. */
function inStruct(data: Data, name: string): Data {
  const at = (data.type as DataType).children.findIndex(child => child.name === name),
    child = data.children[at] as Data
  if (data.nullCount === 0) return child
  const isNull = nullTest(data),
    runs = runsOfRows(Array.from({ length: data.length }, (_, row) => (isNull(row) ? data.length : row)))
  return take(concat([child, nulls(child.type as DataType, 1)]), runs)
}

/**
 * What stands at the end of the steps in JSON text: text as it is, all else as JSON; null where there is nothing. Of a
 * list what stands there in each item.
 */
function inJson(data: Data, steps: readonly Step[]): Data {
  const list = steps.indexOf(ITEMS),
    values = parsedCells(data)
  if (list < 0) return makeText(values.map(cell => said(at(cell, steps))))
  const items = values.map(cell => {
    const found = at(cell, steps.slice(0, list))
    return Array.isArray(found) ? (found as unknown[]) : undefined
  })
  return makeList(items.map(row => row?.map(item => said(at(item, steps.slice(list + 1))))))
}

const at = (value: unknown, steps: readonly Step[]): unknown => steps.reduce(own, value)

const said = (value: unknown): string | null =>
  typeof value === 'string' && !isMarked(value)
    ? value
    : value === null || value === undefined
      ? null
      : stringifyDigits(value)

/** Lists of texts, undefined where there is none. */
function makeList(rows: readonly (readonly (string | null)[] | undefined)[]): Data {
  const valueOffsets = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => (valueOffsets[i + 1] = valueOffsets[i] + (row?.length ?? 0)))
  return makeData({
    type: new List(field('item', new Utf8())),
    length: rows.length,
    ...validity(rows.length, row => rows[row] === undefined),
    valueOffsets,
    child: makeText(rows.flatMap(row => row ?? [])),
  } as never)
}

const cells = new WeakMap<Data, unknown[]>()

/** The values of a column of JSON text, parsed once for all paths into it; undefined where there is none. */
function parsedCells(data: Data): unknown[] {
  let all = cells.get(data)
  if (!all) {
    const { rows, isNull, text } = textColumn(data)
    all = Array.from({ length: rows }, (_, row) => (isNull(row) ? undefined : parsed(text(row))))
    cells.set(data, all)
  }
  return all
}

const own = (value: unknown, name: Step): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<Step, unknown>>)[name]
    : undefined

function parsed(text: string): unknown {
  try {
    return parseDigits(text)
  } catch {
    return undefined
  }
}
