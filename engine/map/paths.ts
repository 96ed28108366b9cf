/** Paths into a file's rows: a column, a field of an object (or of JSON text) by dots, the items of a list by []. */
import { DataType, List, makeData, Utf8, type Data, type Field, type RecordBatch, type Schema } from 'apache-arrow'
import { concat, makeText, nulls, nullTest, runsOfRows, take, textColumn } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { nearest } from '../graph/messages.ts'
import { typeForm } from '../source/forms.ts'
import { isMarked, parseDigits, stringifyDigits } from '../source/json_digits.ts'
import { columnOf } from '../source/mapping.ts'
import { zip, zipped } from './zip.ts'

interface Step {
  readonly name: string
  /** Whether the items of a list are meant. */
  readonly each: boolean
}

/** A path that is there. `type` is of what it gives; with a list in it, of a list of what it gives of each item. */
export interface Path {
  readonly text: string
  readonly column: string
  readonly steps: readonly Step[]
  readonly type: DataType
  readonly isList: boolean
  /** Whether the steps lead into JSON text. */
  readonly isJson: boolean
}

const stepsOf = (text: string): Step[] =>
  text.split('.').map(part => ({ name: part.replace(/\[\]$/, ''), each: part.endsWith('[]') }))

/** Finds a path; throws where it is not there, or leads into what has no fields. */
export function findPath(schema: Schema, text: string): Path {
  const whole = schema.fields.find(({ name }) => name === text)
  if (whole) {
    const type = whole.type as DataType
    return { text, column: text, steps: [], type: zipped(type) ?? type, isList: false, isJson: false }
  }
  // a name may have dots itself: the longest that is a column counts
  const parts = text.split('.')
  for (let count = parts.length; count > 0; count--) {
    const head = parts.slice(0, count).join('.'),
      name = head.replace(/\[\]$/, ''),
      field = schema.fields.find(field => field.name === name)
    if (!field) continue
    const steps = [{ name: '', each: head.endsWith('[]') }, ...stepsOf(parts.slice(count).join('.'))].filter(
      ({ name, each }) => name !== '' || each,
    )
    return { text, column: name, steps, ...typeOf(field.type as DataType, steps, text, name) }
  }
  const [head] = stepsOf(text)
  throw new Error(`'${text}' is not there${meant(head.name, schema.fields)}`)
}

const meant = (name: string, fields: readonly Field[]): string => {
  const names = fields.map(field => field.name),
    near = nearest(name, names)
  return `${near === undefined ? '' : ` (did you mean '${near}'?)`}; there are ${names.join(', ')}`
}

function typeOf(
  column: DataType,
  steps: readonly Step[],
  text: string,
  head: string,
): Pick<Path, 'type' | 'isList' | 'isJson'> {
  let type = column,
    at = head,
    isList = false
  for (const { name, each } of steps) {
    if (name !== '') {
      if (DataType.isUtf8(type) && !isList) {
        if (steps.some(step => step.each)) {
          throw new Error(
            `'${text}': ${at} is JSON text, and no map goes into the lists of one; write the list as a column of its own`,
          )
        }
        return { type: new Utf8(), isList: false, isJson: true }
      }
      if (!DataType.isStruct(type)) throw new Error(`'${text}': ${at} is ${type} and has no field '${name}'`)
      const child = type.children.find(field => field.name === name)
      if (!child) throw new Error(`'${text}': ${at} has no field '${name}'${meant(name, type.children)}`)
      type = child.type as DataType
      at = `${at}.${name}`
    }
    if (!each) continue
    if (!DataType.isList(type)) throw new Error(`'${text}': ${at} is ${type} and no list; leave out []`)
    isList = true
    type = type.children[0].type as DataType
  }
  const said = zipped(type) ?? type
  return { type: isList ? new List(field('item', said)) : said, isList, isJson: false }
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
export function readPath({ text, column, steps, isJson }: Path, batch: RecordBatch): Data {
  let data = columnOf(batch, column)!,
    lists: Data | undefined,
    offsets: Int32Array | undefined
  if (isJson) return inJson(data, steps)
  for (const step of steps) {
    if (step.name !== '') data = inStruct(data, step)
    if (!step.each) continue
    const own = data.valueOffsets as Int32Array
    // the items of all lists of a row are one list
    offsets = offsets ? offsets.map(at => own[at]) : own
    lists ??= data
    data = data.children[0] as Data
  }
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

/** A field of structs; where the struct is null, so is the field. */
function inStruct(data: Data, { name }: Pick<Step, 'name'>): Data {
  const at = (data.type as DataType).children.findIndex(child => child.name === name),
    child = data.children[at] as Data
  if (data.nullCount === 0) return child
  const isNull = nullTest(data),
    runs = runsOfRows(Array.from({ length: data.length }, (_, row) => (isNull(row) ? data.length : row)))
  return take(concat([child, nulls(child.type as DataType, 1)]), runs)
}

/** What stands at the end of the steps in JSON text: text as it is, all else as JSON; null where there is nothing. */
function inJson(data: Data, steps: readonly Step[]): Data {
  return makeText(
    parsedCells(data).map(cell => {
      const found = steps.reduce<unknown>((value, { name }) => own(value, name), cell)
      return typeof found === 'string' && !isMarked(found)
        ? found
        : found === null || found === undefined
          ? null
          : stringifyDigits(found)
    }),
  )
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

const own = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined

function parsed(text: string): unknown {
  try {
    return parseDigits(text)
  } catch {
    return undefined
  }
}
