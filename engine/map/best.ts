/** The best answer of a list by its place: a number, a letter, or what the answer is called. */
import type { DataType } from 'apache-arrow'
import { type Data, type List, type RecordBatch } from 'apache-arrow'
import { makeFloat64 } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { listData, scoresType, type Listed } from './listed.ts'
import type { Find, Made } from './made.ts'
import { isScore } from './numbers.ts'
import { readPath } from './paths.ts'
import { placeOf, type MapSpec } from './spec.ts'

/** The place of an answer that is called so, among those of its row; -1 where none is. */
type PlaceOf = (called: unknown, row: number) => number

/**
 * The best answers of each list as a score of 1, the others as 0. Where none is named, or what is named is not there,
 * none of the row has a score.
 */
export function bestScore(map: MapSpec, listed: Listed, find: Find, faults: string[]): Made | undefined {
  const text = placeOf(map)!,
    path = find(text)
  const opened = placesOf(map, find, faults)
  if (!path || !opened) return undefined
  const type = path.isList ? ((path.type as List).children[0].type as DataType) : path.type
  if (!isScore(type)) {
    faults.push(`index '${text}' is ${path.type}; it is the place or the name of the best answer; put [] behind a list`)
  }
  return {
    field: field('scores', scoresType),
    read(batch) {
      const { lists } = listed.read(batch),
        best = readPath(path, batch),
        placeOf = opened(batch)
      const offsets = lists.valueOffsets as Int32Array,
        scores = new Float64Array((lists.children[0] as Data).length).fill(NaN)
      for (let row = 0; row < lists.length; row++) {
        const size = offsets[row + 1] - offsets[row],
          places = [jsonValueOf(best, row)].flat().map(called => placeOf(called, row))
        const areThere = places.every(place => Number.isInteger(place) && place >= 0 && place < size)
        if (places.length === 0 || !areThere) continue
        for (let i = 0; i < size; i++) scores[offsets[row] + i] = places.includes(i) ? 1 : 0
      }
      return listData(lists, makeFloat64(scores))
    },
  }
}

function placesOf({ index }: MapSpec, find: Find, faults: string[]): ((batch: RecordBatch) => PlaceOf) | undefined {
  const { from = 0, names } = typeof index === 'object' ? index : {}
  if (typeof names === 'string') {
    const path = find(names)
    if (path && !path.isList) faults.push(`index: names '${names}' is ${path.type}; name the items of a list, with []`)
    return (
      path &&
      (batch => {
        const all = readPath(path, batch)
        return (called, row) => placeIn((jsonValueOf(all, row) ?? []) as unknown[], called)
      })
    )
  }
  if (names) return () => called => placeIn(names, called)
  if (from === 'A') return () => called => letterPlace(called)
  return () => called => (called === null || String(called).trim() === '' ? -1 : Number(called) - from)
}

/** Of one name twice nobody knows which is meant. */
function placeIn(names: readonly unknown[], called: unknown): number {
  const said = names.map(String),
    at = said.indexOf(String(called))
  return called !== null && at === said.lastIndexOf(String(called)) ? at : -1
}

const letterPlace = (called: unknown): number => {
  const said = typeof called === 'string' ? called.trim().toUpperCase() : ''
  return said.length === 1 ? said.charCodeAt(0) - 'A'.charCodeAt(0) : -1
}
