/** What rates answers, as a mapping makes it: `scores` of a list, or the `score` of one answer a row; or ranks. */
import type { DataType, List } from 'apache-arrow'
import { Float64, makeData, type Data, type RecordBatch } from 'apache-arrow'
import { makeFloat64 } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { bestScore } from './best.ts'
import { gather } from './gather.ts'
import { itemsOf, listData, scoresType, type Listed } from './listed.ts'
import type { Find, Made } from './made.ts'
import { isScore, numbersOf } from './numbers.ts'
import { readPath, type Path } from './paths.ts'
import { FIRST, SECOND, ruleOf } from './prefer.ts'
import type { MapSpec } from './spec.ts'

/** The scores of a list of answers: its own, by labels, by the place of the best, or by the side that they are from. */
export function listScores(map: MapSpec, listed: Listed, find: Find, faults: string[]): Made | undefined {
  const { index, labels, score } = map
  if (index !== undefined) return bestScore(map, listed, find, faults)
  if (labels) return labelScore(labels, find, faults)
  if (Array.isArray(map.list) && !Object.keys(namesOf(score)).some(name => name.includes('[]'))) {
    return columnScore(map, find, faults)
  }
  if (score !== undefined) return listScore(map, listed.path?.text, find, faults)
  return {
    field: field('scores', scoresType),
    read(batch) {
      const { lists, from } = listed.read(batch)
      return listData(lists, makeFloat64(Float64Array.from(from!, side => 1 - side)))
    },
  }
}

/** 1 of a good label and 0 of a bad one; of any other there is no score. */
function labelled({ good, bad }: NonNullable<MapSpec['labels']>): (data: Data) => Float64Array {
  const rule = ruleOf({ first: good, second: bad }),
    scores = { [FIRST]: 1, [SECOND]: 0 } as Readonly<Record<number, number | undefined>>
  return data =>
    Float64Array.from({ length: data.length }, (_, i) => {
      const value = jsonValueOf(data, i)
      return value === null || typeof value === 'object' ? NaN : (scores[rule(value as string)] ?? NaN)
    })
}

function labelScore(labels: NonNullable<MapSpec['labels']>, find: Find, faults: string[]): Made | undefined {
  const path = find(labels.by)
  if (path && !path.isList) faults.push(`labels '${path.text}' is ${path.type}; name the items of a list, with []`)
  const scoresOf = labelled(labels)
  return (
    path && {
      field: field('scores', scoresType),
      read(batch) {
        const lists = readPath(path, batch)
        return listData(lists, makeFloat64(scoresOf(lists.children[0] as Data)))
      },
    }
  )
}

/** The columns of a score with their weights, 1 where none are said. */
const namesOf = (score: MapSpec['score'] = {}): Readonly<Record<string, number>> =>
  typeof score === 'string' || Array.isArray(score)
    ? Object.fromEntries([score as string | readonly string[]].flat().map(name => [name, 1]))
    : (score as Readonly<Record<string, number>>)

/** A column of scores beside each column of answers: of ranks, where less is better, each with a weight of -1. */
function columnScore({ list, score }: MapSpec, find: Find, faults: string[]): Made | undefined {
  const weights = namesOf(score),
    texts = Object.keys(weights),
    isRank = Object.values(weights).every(weight => weight === -1)
  const paths = texts.flatMap(text => find(text) ?? [])
  if (!Array.isArray(list) || list.length !== texts.length) {
    faults.push(`score: names ${texts.length} columns, one of each answer; list names ${[list].flat().length}`)
  }
  if (!isRank && Object.values(weights).some(weight => weight !== 1)) {
    faults.push('score: columns of one answer each weigh -1 where less is better, all of them, or nothing is said')
  }
  for (const path of paths) checkOne(path, faults)
  return {
    field: field(isRank ? 'ranks' : 'scores', scoresType),
    read: batch =>
      gather(
        paths.map(path => makeFloat64(numbersOf(readPath(path, batch), path.text))),
        paths.map(() => false),
      ).lists,
  }
}

function checkOne(path: Path, faults: string[]): void {
  if (path.isList) faults.push(`score '${path.text}' is ${path.type}; of one answer it is one number`)
  else checkScore(path, path.type, faults)
}

interface Weighed {
  readonly path: Path
  readonly weight: number
}

/** The columns of the score with their weights; nothing where one is not there. */
function weighedOf({ score }: MapSpec, find: Find): Weighed[] | undefined {
  const parts =
      typeof score === 'string' ? [[score, 1] as const] : Object.entries(score as Readonly<Record<string, number>>),
    found = parts.flatMap(([text, weight]) => {
      const path = find(text)
      return path ? [{ path, weight }] : []
    })
  return found.length === parts.length ? found : undefined
}

/** Less is better where one column counts -1: it is a rank, and stays as it is. */
const isRank = (parts: readonly Weighed[]): boolean => parts.length === 1 && parts[0].weight === -1

function totalOf(parts: readonly Weighed[], columns: readonly Data[]): Float64Array {
  const numbers = columns.map((data, i) => numbersOf(data, parts[i].path.text))
  const weights = isRank(parts) ? [1] : parts.map(({ weight }) => weight)
  return numbers[0].map((_, row) => numbers.reduce((sum, own, i) => sum + own[row] * weights[i], 0))
}

function checkScore({ text, type }: Path, score: DataType, faults: string[]): void {
  if (!isScore(score)) faults.push(`score '${text}' is ${type}; a score is a number, a bool, or text that is a number`)
}

/** The score of one answer a row: `rank` where less is better. */
export function scoreOf(map: MapSpec, find: Find, faults: string[]): Made | undefined {
  if (map.labels) {
    const path = find(map.labels.by),
      scoresOf = labelled(map.labels)
    return path && { field: field('score', new Float64()), read: batch => withNulls(scoresOf(readPath(path, batch))) }
  }
  const parts = weighedOf(map, find)
  for (const { path } of parts ?? []) checkOne(path, faults)
  return (
    parts && {
      field: field(isRank(parts) ? 'rank' : 'score', new Float64()),
      read: (batch: RecordBatch) =>
        withNulls(
          totalOf(
            parts,
            parts.map(({ path }) => readPath(path, batch)),
          ),
        ),
    }
  )
}

/** The scores of a list of answers: of its items, or of a list beside it, in whose order its items may be named. */
function listScore(map: MapSpec, answers: string | undefined, find: Find, faults: string[]): Made | undefined {
  const parts = weighedOf(map, find)
  if (!parts) return undefined
  for (const { path } of parts) {
    if (!path.isList) faults.push(`score '${path.text}' is ${path.type}; name the items of a list, with []`)
    else checkScore(path, (path.type as List).children[0].type as DataType, faults)
  }
  const lists = new Set(parts.map(({ path }) => itemsOf(path.text)))
  if (lists.size > 1) faults.push(`score: ${[...lists].join(' and ')} are two lists; weigh fields of one`)
  const [scored] = lists,
    keys = answers === undefined || scored === itemsOf(answers) ? [] : keysOf(itemsOf(answers), scored, find)
  return {
    field: field(isRank(parts) ? 'ranks' : 'scores', scoresType),
    read(batch) {
      const columns = parts.map(({ path }) => readPath(path, batch)),
        scores = totalOf(
          parts,
          columns.map(list => list.children[0] as Data),
        )
      for (const [a, b] of keys) inOrder(readPath(a, batch), readPath(b, batch), scores)
      return listData(columns[0], makeFloat64(scores))
    },
  }
}

/** Fields that name the items of both lists: where their orders differ, the names count. */
function keysOf(answers: string, scored: string, find: Find): [Path, Path][] {
  for (const name of ['model', 'id', 'name', 'model_name', 'response_id', 'completion_id', 'answer_id']) {
    const [a, b] = [answers, scored].map(list => find(`${list}.${name}`, true))
    if (a && b) return [[a, b]]
  }
  return []
}

/**
 * Puts the scores of each row in the order in which its answers lie, where both lists name the same items, each once.
 * Where the names are others, nobody knows which score is whose: there is none.
 */
function inOrder(answers: Data, scored: Data, scores: Float64Array): void {
  const [a, b] = [answers, scored].map(
    list => (row: number) =>
      Array.from({ length: list.valueOffsets[row + 1] - list.valueOffsets[row] }, (_, i) =>
        String(jsonValueOf(list.children[0] as Data, (list.valueOffsets[row] as number) + i)),
      ),
  )
  for (let row = 0; row < answers.length; row++) {
    const names = a(row),
      others = b(row)
    if (new Set(names).size < names.length || new Set(others).size < others.length) continue
    if (names.every((name, i) => name === others[i])) continue
    const from = scored.valueOffsets[row] as number,
      own = scores.slice(from, from + others.length)
    names.slice(0, others.length).forEach((name, i) => {
      const at = others.indexOf(name)
      scores[from + i] = at < 0 ? NaN : own[at]
    })
  }
}

/** NaN as null: there is no score. */
function withNulls(values: Float64Array): Data {
  const nullBitmap = new Uint8Array((values.length + 7) >> 3)
  let nullCount = 0
  values.forEach((value, row) => {
    if (Number.isNaN(value)) nullCount++
    else nullBitmap[row >> 3] |= 1 << (row & 7)
  })
  return makeData({
    type: new Float64(),
    length: values.length,
    nullCount,
    ...(nullCount > 0 ? { nullBitmap } : {}),
    data: values,
  } as never)
}
