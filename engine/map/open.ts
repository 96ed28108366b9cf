/**
 * Rows of any form as rows of a few plain ones, by a mapping: `prompt`, `chosen` and `rejected`; or `prompt`, a list
 * `completions` and its `scores`; or `prompt`, `response` and `score`. What else the file has stays beside.
 */
import { DataType, List, makeData, Schema, Struct, type Data, type Field, type RecordBatch } from 'apache-arrow'
import { sameType } from '../arrow/cast.ts'
import { concat, runsOfRows, take } from '../arrow/columns.ts'
import { field, toRecordBatch } from '../arrow/flow.ts'
import { DataError } from '../errors.ts'
import { CONTEXT } from '../source/further_fields.ts'
import { columnOf } from '../source/mapping.ts'
import { promptOf } from './asked.ts'
import { contradictions } from './contradicted.ts'
import { mapFaults } from './faults.ts'
import { itemsOf, listedOf } from './listed.ts'
import { listScores, scoreOf } from './lists.ts'
import { plainly, type Find, type Made, type Tree } from './made.ts'
import { findPath, readPath, textWithin, type Path } from './paths.ts'
import { openJudge, SECOND, TIE, UNREAD, type Verdicts } from './prefer.ts'
import { areLists, isShared, type MapSpec } from './spec.ts'
import { treeFaults, treeMade, treePaths, type TreePaths } from './tree.ts'

/** A row that a mapping makes no pair of. */
export interface Unmapped {
  readonly row: number
  readonly reason: 'tied_label' | 'unreadable_label' | 'no_answer' | 'unreadable_prompt' | 'missing_prompt'
  readonly error: string
}

export interface MappedBatch {
  readonly batch: RecordBatch
  readonly unmapped: readonly Unmapped[]
  /** Rows with an answer whose score its aspects contradict: it has none now. */
  readonly contradicted: readonly number[]
}

/**
 * `own`: the columns that the mapping makes; `reads`: the file's columns that it needs; `named`: what the others, which
 * stay beside the pair, are called.
 */
export interface OpenMap {
  readonly schema: Schema
  readonly own: readonly string[]
  readonly reads: readonly string[]
  readonly named: ReadonlyMap<string, string>
  /** Paths into JSON text, of which only the rows tell whether they are there. */
  readonly inText: readonly Path[]
  /** Where the rows are messages of trees. */
  readonly tree?: TreePaths
  /** `tree` is of the whole file; of the batch alone where it is left out. */
  apply(batch: RecordBatch, tree?: Tree): MappedBatch
}

/** Makes the mapping of files of this schema. Throws one error for all that is wrong. */
export function openMap(given: MapSpec, schema: Schema): OpenMap {
  const map = withTexts(given, schema),
    faults = mapFaults(map),
    paths: Path[] = [],
    extra: Path[] = []
  const find: Find = (text, mayLack = false) => {
    try {
      const path = findPath(schema, text)
      if (mayLack) extra.push(path)
      else paths.push(path)
      return path
    } catch (error) {
      if (!mayLack) faults.push((error as Error).message)
      return undefined
    }
  }
  const tree = faults.length === 0 && map.tree ? treePaths(map, find, faults) : undefined
  const made: Made[] =
    faults.length > 0
      ? []
      : [
          ...idOf(map, find),
          ...(tree ? treeMade(tree) : promptOf(map, find, faults)),
          ...answersOf(map, find, faults),
          ...bothOf(map, find),
        ]
  const contradictedIn = faults.length === 0 ? contradictions(map, find, faults) : undefined
  const judge = faults.length === 0 && map.prefer ? attempt(() => openJudge(map.prefer!, schema), faults) : undefined
  if (faults.length > 0) throw new DataError(`map: ${[...new Set(faults)].join('; ')}`)
  const used = new Set([...paths, ...extra, ...(judge?.reads ?? [])].map(({ column }) => column)),
    own = made.map(({ field: { name } }) => name),
    // a label stays a column beside the pair, for who wants to look
    beside = schema.fields.flatMap(one => besideOf(one, paths, typeof map.list === 'string' ? map.list : ''))
  const taken = new Set([...own, ...beside.map(({ field: { name } }) => name)])
  const names = beside.map(({ field: { name } }) => {
    let free = name
    while (own.includes(name) && taken.has(free)) free = `source_${free}`
    taken.add(free)
    return free
  })
  const out = new Schema([
    ...made.map(one => one.field),
    ...beside.map(({ field: { type, nullable } }, c) => field(names[c], type as DataType, nullable)),
  ])
  return {
    schema: out,
    own,
    reads: [...used],
    inText: [...paths, ...(judge?.reads ?? [])].filter(({ inText }) => inText.length > 0),
    named: new Map(beside.map((one, c) => [one.field.name, names[c]])),
    ...(tree ? { tree } : {}),
    apply(batch, whole) {
      const verdicts = judge?.judge(batch),
        data = made.map(one => one.read(batch, verdicts, whole)),
        contradicted = contradictedIn?.(batch, data[own.indexOf('scores')] as Data<List>) ?? []
      return {
        batch: toRecordBatch(out, [...data, ...beside.map(one => one.read(batch))], batch.numRows),
        unmapped: verdicts ? unmappedOf(verdicts) : tree ? [...treeFaults(tree, batch, whole)] : [],
        contradicted,
      }
    },
  }
}

/** What belongs to both sides, under names that count where pairs are compared; one that has such a name stays. */
const bothOf = ({ both = [] }: MapSpec, find: Find): Made[] =>
  both.flatMap(text => {
    const name = text.replace(/.*\./s, ''),
      isKnown = CONTEXT.includes(name),
      path = find(text, isKnown)
    return path && name !== path.column && isKnown
      ? [plainly(name, path)]
      : path && !isKnown
        ? [plainly(`source_both_${name}`, path)]
        : []
  })

/** The mapping with the one text of objects in place of these. */
function withTexts(map: MapSpec, schema: Schema): MapSpec {
  const text = (path: string): string => {
    try {
      return textWithin(schema, path)
    } catch {
      // told where it is looked for
      return path
    }
  }
  const { prompt, chosen, rejected, answers, list, answer } = map
  const asked = (item: Exclude<MapSpec['prompt'], string>[number]) => (typeof item === 'string' ? text(item) : item)
  return {
    ...map,
    prompt: typeof prompt === 'string' ? (isShared(map) ? prompt : text(prompt)) : prompt.map(asked),
    ...(chosen === undefined ? {} : { chosen: text(chosen) }),
    ...(rejected === undefined ? {} : { rejected: text(rejected) }),
    ...(answers === undefined ? {} : { answers: answers.map(text) }),
    ...(list === undefined ? {} : { list: typeof list === 'string' ? text(list) : list.map(text) }),
    ...(answer === undefined ? {} : { answer: text(answer) }),
  }
}

/**
 * What of a column stays beside the pair: all of one that is not used, and of JSON text; of an object the fields that
 * are not.
 */
function besideOf(one: Field, paths: readonly Path[], list: string): Made[] {
  const used = paths.filter(({ column, inText }) => column === one.name && inText.length === 0)
  if (used.length === 0) return [{ field: one, read: batch => columnOf(batch, one.name)! }]
  // a list of what was said of the answers, beside theirs, has more than their scores
  const isSaid = ({ isList, text }: Path) => isList && !text.endsWith('[]') && !list.startsWith(itemsOf(text))
  if (used.every(isSaid)) return [{ field: one, read: batch => columnOf(batch, one.name)! }]
  if (used.some(({ steps, isList }) => steps.length === 0 || isList)) return []
  // of a list some items, by their places
  if (!DataType.isStruct(one.type as DataType)) return [{ field: one, read: batch => columnOf(batch, one.name)! }]
  const children = (one.type as Struct).children,
    kept = children.flatMap(({ name }, c) => (used.some(({ steps }) => steps[0] === name) ? [] : [c]))
  if (kept.length === 0) return []
  const type = new Struct(kept.map(c => children[c]))
  return [
    {
      field: field(one.name, type, one.nullable),
      read(batch) {
        const { length, nullCount, nullBitmap, children } = columnOf(batch, one.name)!
        const base = { type, length, nullCount, ...(nullCount > 0 ? { nullBitmap } : {}) }
        return makeData({ ...base, children: kept.map(c => children[c]) } as never)
      },
    },
  ]
}

function attempt<T>(work: () => T, faults: string[]): T | undefined {
  try {
    return work()
  } catch (error) {
    faults.push((error as Error).message)
    return undefined
  }
}

function unmappedOf({ codes, said }: Verdicts): Unmapped[] {
  const out: Unmapped[] = []
  codes.forEach((code, row) => {
    if (code === TIE || code === UNREAD) {
      out.push({ row, reason: code === TIE ? 'tied_label' : 'unreadable_label', error: said(row) })
    }
  })
  return out
}

const idOf = ({ tree, id = tree?.id }: MapSpec, find: Find): Made[] => {
  const path = id === undefined ? undefined : find(id)
  return path ? [plainly('id', path)] : []
}

function answersOf(map: MapSpec, find: Find, faults: string[]): Made[] {
  const { chosen, rejected, answers, list, answer, group, by_side: bySide = {} } = map
  if (list !== undefined || areLists(map)) {
    const listed = listedOf(map, find, faults),
      scores = listed && listScores(map, listed, find, faults)
    if (!scores) return []
    const type = new List(field('item', listed.type))
    return [{ field: field('completions', type), read: batch => listed.read(batch).lists }, scores]
  }
  if (answer !== undefined) {
    const path = find(answer),
      score = scoreOf(map, find, faults),
      by = group === undefined ? undefined : find(group)
    return path && score ? [plainly('response', path), score, ...(by ? [plainly('group', by)] : [])] : []
  }
  const sides = (answers ?? [chosen!, rejected!]).map(side => find(side))
  const others = Object.entries(bySide).map(([name, columns]) => ({ name, paths: columns.map(column => find(column)) }))
  return [
    { names: ['chosen', 'rejected'], paths: sides },
    ...others.map(({ name, paths }) => ({ names: [`source_chosen_${name}`, `source_rejected_${name}`], paths })),
  ].flatMap(({ names, paths: [first, second] }) => {
    if (!first || !second) return []
    if (answers && !sameType(first.type, second.type)) {
      faults.push(`'${first.text}' is ${first.type} and '${second.text}' ${second.type}; they need one type`)
    }
    return [FIRST_SIDE, SECOND_SIDE].map(side => ({
      field: field(names[side], side === FIRST_SIDE ? first.type : second.type),
      read: (batch: RecordBatch, verdicts?: Verdicts) =>
        pick(readPath(first, batch), readPath(second, batch), side, verdicts),
    }))
  })
}

const FIRST_SIDE = 0
const SECOND_SIDE = 1

/** What of two columns belongs to the chosen side (0) or to the rejected one (1). */
function pick(first: Data, second: Data, side: number, verdicts?: Verdicts): Data {
  if (!verdicts) return side === FIRST_SIDE ? first : second
  const rows = Array.from(verdicts.codes, (code, row) =>
    (code === SECOND) === (side === FIRST_SIDE) ? first.length + row : row,
  )
  return take(concat([first, second]), runsOfRows(rows))
}
