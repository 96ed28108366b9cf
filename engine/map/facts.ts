/** What the first rows of a file hold, a fact for each column, field of an object, item of a list, key of JSON text. */
import { DataType, type Data, type RecordBatch, type Schema } from 'apache-arrow'
import { makeText } from '../arrow/columns.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { contentForm, isTurns, messageNames, typeForm } from '../source/forms.ts'
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
    const own = factOf(schema, samples, name),
      inside = within(name, type as DataType, MOST_LEVELS)
    for (const fact of [
      own,
      ...inside.slice(0, Math.max(0, MOST_FACTS - facts.length)).map(path => factOf(schema, samples, path)),
    ]) {
      facts.push(fact)
      if (fact.kind !== 'text' || fact.isList) continue
      for (const path of pathsInText(fact)) facts.push(factOf(schema, samples, path))
    }
  }
  return facts
}

/** Fields of objects and lists that are looked at: what has more is no form of pairs. */
const MOST_FACTS = 500
/** Levels of objects and lists that are looked into. */
const MOST_LEVELS = 8

/** The paths of the fields of objects and of the items of lists, but for what messages are made of. */
function within(path: string, type: DataType, levels: number): string[] {
  if (levels === 0 || typeForm(type) === 'messages') return []
  const of = (inner: string, { type }: { type: DataType }): string[] => [inner, ...within(inner, type, levels - 1)]
  if (DataType.isStruct(type)) {
    const own: readonly string[] = messageNames(type) ?? []
    return type.children.flatMap(child => (own.includes(child.name) ? [] : of(`${path}.${child.name}`, child)))
  }
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

/** The paths into text that is JSON in nine of ten rows and no conversation: of keys those that most objects have. */
function pathsInText({ path, values }: Fact): string[] {
  const texts = values.filter(value => typeof value === 'string')
  const found = texts.map(text => {
    try {
      return /^\s*[[{]/.test(text) ? (JSON.parse(text) as unknown) : undefined
    } catch {
      return undefined
    }
  })
  const isTalk = contentForm([makeText(texts)]) !== 'text' && !found.some(isOneSpeaker)
  return isTalk ? [] : pathsOf(path, found, true)
}

/** Whether one speaker says all of several messages: they are answers to choose from, as the replies of a tree. */
const isOneSpeaker = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 1 && new Set(value.map(speakerOf)).size === 1

const speakerOf = (message: unknown): unknown => {
  const { role, from } = (message ?? {}) as { readonly role?: unknown; readonly from?: unknown }
  return role ?? from ?? message
}

/** The same of values at a path. */
function pathsOf(path: string, values: readonly unknown[], mayBeList: boolean): string[] {
  const most = 0.9 * values.length,
    lists = values.filter(value => Array.isArray(value)),
    objects = values.filter(
      (value): value is object => typeof value === 'object' && value !== null && !Array.isArray(value),
    )
  if (values.length === 0) return []
  if (lists.length >= most && mayBeList) {
    const items = lists.flat() as unknown[],
      [first] = items
    // a text and its score, say, as a list of two
    if (Array.isArray(first) && first.length > 1 && items.every(item => isListOf(item, first.length))) {
      return first.flatMap((said, place) => (typeof said === 'object' ? [] : [`${path}[][${place}]`]))
    }
    const inner = pathsOf(`${path}[]`, items, false)
    return inner.length > 0 ? inner : [`${path}[]`]
  }
  if (objects.length < most) return []
  const counts = new Map<string, number>()
  for (const key of objects.flatMap(object => Object.keys(object))) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].flatMap(([key, count]) => {
    if (count < most || /[.[\]]/.test(key)) return []
    const own = objects.map(object => (object as Readonly<Record<string, unknown>>)[key])
    return [`${path}.${key}`, ...pathsOf(`${path}.${key}`, own, mayBeList)]
  })
}

const isListOf = (value: unknown, length: number): boolean => Array.isArray(value) && value.length === length

/** Values with their counts, the most frequent first; null and lists left out. */
export function tallyOf({ values }: Fact): [string, number][] {
  const counts = new Map<string, number>()
  for (const value of values) {
    if (value === null || typeof value === 'object') continue
    counts.set(String(value), (counts.get(String(value)) ?? 0) + 1)
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
}
