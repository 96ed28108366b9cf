/** What the first rows of a file hold, a fact for each column, field of an object, item of a list, key of JSON text. */
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import { jsonValueOf } from '../arrow/plain.ts'
import { isTurns, typeForm } from '../source/forms.ts'
import { columnOf } from '../source/mapping.ts'
import { isTexts, isTextsJson } from '../source/turn_lists.ts'
import { findPath, readPath } from './paths.ts'

export interface Fact {
  /** A path. */
  readonly path: string
  /** What it is called, without what it lies in. */
  readonly name: string
  /** What it holds, as lists do of their items; turns are lists of texts, native or as JSON text. */
  readonly kind: 'text' | 'messages' | 'turns' | 'number' | 'bool' | 'other'
  readonly isList: boolean
  /** Values of the sample in order of rows: of lists the list, of messages and others only whether they are there. */
  readonly values: readonly unknown[]
  /** Characters of a text on average. */
  readonly length: number
}

const kindOf = (type: DataType): Fact['kind'] =>
  DataType.isUtf8(type) || DataType.isBinary(type)
    ? 'text'
    : (typeForm(type) ?? (isTurns(type) ? 'messages' : undefined))
      ? 'messages'
      : isTexts(type)
        ? 'turns'
        : DataType.isInt(type) || DataType.isFloat(type)
          ? 'number'
          : DataType.isBool(type)
            ? 'bool'
            : 'other'

/** Facts of all that can be named, columns in their order, each before what lies in it. */
export function factsOf(schema: Schema, samples: readonly RecordBatch[]): Fact[] {
  const facts: Fact[] = []
  for (const { name, type } of schema.fields) {
    const own = factOf(schema, samples, name)
    facts.push(own)
    if (own.kind === 'messages') continue
    for (const path of within(name, type as DataType, MOST_LEVELS)) facts.push(factOf(schema, samples, path))
    if (own.kind === 'text') for (const key of jsonKeys(own)) facts.push(factOf(schema, samples, `${name}.${key}`))
  }
  return facts
}

/** Levels of objects and lists that are looked into. */
const MOST_LEVELS = 8

/** The paths of the fields of objects and of the items of lists, but for those of messages. */
function within(path: string, type: DataType, levels: number): string[] {
  if (levels === 0 || typeForm(type)) return []
  const of = (inner: string, { type }: { type: DataType }): string[] => [inner, ...within(inner, type, levels - 1)]
  if (DataType.isStruct(type)) return type.children.flatMap(child => of(`${path}.${child.name}`, child))
  if (!DataType.isList(type)) return []
  const [item] = type.children as readonly { type: DataType }[]
  if (DataType.isStruct(item.type)) return within(`${path}[]`, item.type, levels - 1)
  // no path goes into the lists of lists
  return DataType.isList(item.type) ? [`${path}[]`] : of(`${path}[]`, item)
}

function factOf(schema: Schema, samples: readonly RecordBatch[], path: string): Fact {
  const found = findPath(schema, path),
    type = found.isList ? ((found.type as DataType).children[0].type as DataType) : found.type,
    byType = kindOf(type)
  const read = (data: Data): unknown[] =>
    Array.from({ length: data.length }, (_, row) => {
      const value = jsonValueOf(data, row)
      return byType === 'other' && value !== null ? true : value
    })
  const values = samples.filter(one => columnOf(one, found.column)).flatMap(one => read(readPath(found, one)))
  const given = byType === 'text' && !found.isList ? values.filter(value => typeof value === 'string') : [],
    isTurns =
      given.length > 0 &&
      given.filter(value => /^\s*\[/.test(value) && isTextsJson(value)).length >= 0.9 * given.length,
    // of lists that are all empty nobody knows what they would hold
    isEmpty = byType === 'turns' && values.every(value => !Array.isArray(value) || value.length === 0),
    kind = isTurns ? 'turns' : isEmpty ? 'other' : byType
  const texts =
    kind === 'text' || kind === 'turns' ? (values.flat() as unknown[]).filter(value => typeof value === 'string') : []
  return {
    path,
    name: path.replace(/\[\]$/, '').split('.').at(-1)!,
    kind,
    isList: found.isList,
    values,
    length: texts.length === 0 ? 0 : texts.reduce((sum, text) => sum + text.length, 0) / texts.length,
  }
}

/** The keys of text that is a JSON object in nine of ten rows, those that most have. */
function jsonKeys({ values }: Fact): string[] {
  const texts = values.filter((value): value is string => typeof value === 'string'),
    counts = new Map<string, number>()
  for (const text of texts) {
    if (!text.trimStart().startsWith('{')) continue
    try {
      for (const key of Object.keys(JSON.parse(text) as object)) counts.set(key, (counts.get(key) ?? 0) + 1)
    } catch {
      // no JSON: it counts as a row without keys
    }
  }
  return [...counts].flatMap(([key, count]) => (count >= 0.9 * texts.length && !/[.[\]]/.test(key) ? [key] : []))
}

/** Values with their counts, the most frequent first; null and lists left out. */
export function tallyOf({ values }: Fact): [string, number][] {
  const counts = new Map<string, number>()
  for (const value of values) {
    if (value === null || typeof value === 'object') continue
    counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
}
