/** Lists of answers and their scores, as a mapping makes them: `completions` with `scores`, or one `score` a row. */
import { DataType, Float64, List, makeData, Struct, type Data } from 'apache-arrow'
import { makeFloat64 } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { typeForm } from '../source/forms.ts'
import { isTexts } from '../source/turn_lists.ts'
import type { Find, Made } from './made.ts'
import { isScore, numbersOf } from './numbers.ts'
import { readPath, type Path } from './paths.ts'
import type { MapSpec } from './spec.ts'

/** A list of answers as structs with their text as `response` and what else they have, and the list of their scores. */
export function listOf(map: MapSpec, find: Find, faults: string[]): Made[] {
  const path = find(map.list!)
  if (!path) return []
  const at = path.steps.findLastIndex(({ each }) => each)
  // the items whole, of which some fields go with their side
  const whole = find(itemsOf(path.text))
  const text = (path.type as List).children[0].type as DataType
  if (!typeForm(text) && !isTexts(text)) {
    faults.push(`list '${path.text}' is ${path.type}; its answers are text or messages`)
  }
  const scores =
    map.index === undefined ? listScore(map, path, find, faults) : indexScore(map.index, path, find, faults)
  if (!whole || !scores) return []
  const item = (whole.type as List).children[0].type as DataType,
    inner = path.steps.slice(at + 1).map(({ name }) => name),
    scored = typeof map.score === 'string' ? map.score : undefined
  const others = DataType.isStruct(item)
    ? item.children.filter(
        ({ name }) => !(inner.length === 1 && inner[0] === name) && scored !== `${whole.text}.${name}`,
      )
    : []
  const type = new Struct([
    field('response', text),
    ...others.map(({ name, type }) => field(name === 'response' ? 'source_response' : name, type as DataType)),
  ])
  return [
    {
      field: field('completions', new List(field('item', type))),
      read(batch) {
        const texts = readPath(path, batch),
          items = readPath(whole, batch).children[0] as Data,
          [said] = texts.children as Data[]
        const fields = others.map(
          ({ name }) => items.children[(item as Struct).children.findIndex(child => child.name === name)] as Data,
        )
        return listData(
          texts,
          makeData({ type, length: said.length, nullCount: 0, children: [said, ...fields] } as never),
        )
      },
    },
    scores,
  ]
}

/** The lists of a column with other items. */
const listData = ({ length, nullCount, nullBitmap, valueOffsets }: Data, child: Data): Data =>
  makeData({
    type: new List(field('item', child.type as DataType)),
    length,
    nullCount,
    ...(nullCount > 0 ? { nullBitmap } : {}),
    valueOffsets,
    child,
  } as never)

/** The best answer of each list as a score of 1, the others as 0; without one, or beyond the list, none has a score. */
function indexScore(index: string, list: Path, find: Find, faults: string[]): Made | undefined {
  const path = find(index)
  if (!path) return undefined
  if (path.isList || !isScore(path.type)) {
    faults.push(`index '${index}' is ${path.type}; it is the place of the best answer, a number from 0 on`)
  }
  return {
    field: field('scores', new List(field('item', new Float64()))),
    read(batch) {
      const lists = readPath(list, batch),
        best = numbersOf(readPath(path, batch), index)
      const scores = new Float64Array((lists.children[0] as Data).length).fill(NaN)
      best.forEach((place, row) => {
        const [from, to] = [lists.valueOffsets[row], lists.valueOffsets[row + 1]] as [number, number]
        if (place >= 0 && place < to - from && Number.isInteger(place)) {
          for (let i = from; i < to; i++) scores[i] = i - from === place ? 1 : 0
        }
      })
      return listData(lists, makeFloat64(scores))
    },
  }
}

interface Weighed {
  readonly path: Path
  readonly weight: number
}

/** The columns of the score with their weights; nothing where one is not there. */
function weighedOf({ score }: MapSpec, find: Find): Weighed[] | undefined {
  const parts = typeof score === 'string' ? [[score, 1] as const] : Object.entries(score!),
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
  const parts = weighedOf(map, find)
  for (const { path } of parts ?? []) {
    if (path.isList) faults.push(`score '${path.text}' is ${path.type}; of one answer a row it is one number`)
    else checkScore(path, path.type, faults)
  }
  return (
    parts && {
      field: field(isRank(parts) ? 'rank' : 'score', new Float64()),
      read: batch =>
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
function listScore(map: MapSpec, answers: Path, find: Find, faults: string[]): Made | undefined {
  const parts = weighedOf(map, find)
  if (!parts) return undefined
  for (const { path } of parts) {
    if (!path.isList) faults.push(`score '${path.text}' is ${path.type}; name the items of a list, with []`)
    else checkScore(path, (path.type as List).children[0].type as DataType, faults)
  }
  const lists = new Set(parts.map(({ path }) => itemsOf(path.text)))
  if (lists.size > 1) faults.push(`score: ${[...lists].join(' and ')} are two lists; weigh fields of one`)
  const [scored] = lists,
    keys = scored === itemsOf(answers.text) ? [] : keysOf(itemsOf(answers.text), scored, find)
  return {
    field: field(isRank(parts) ? 'ranks' : 'scores', new List(field('item', new Float64()))),
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

/** A path as far as the items of its list, of lists within lists the inner one. */
export const itemsOf = (text: string): string => text.slice(0, text.lastIndexOf('[]') + 2)

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
