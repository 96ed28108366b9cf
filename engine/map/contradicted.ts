/** Answers of a list whose score says the opposite of their aspects, as UltraFeedback's 1 that was stored as 10. */
import type { Data, DataType, List, RecordBatch } from 'apache-arrow'
import { itemsOf } from './listed.ts'
import type { Find } from './made.ts'
import { isScore, numbersOf } from './numbers.ts'
import { readPath } from './paths.ts'
import type { MapSpec } from './spec.ts'

const FROM = 10,
  TO = 2

/**
 * Takes the scores of such answers out of `scores`, as many as the list has answers, and gives the rows that have one.
 * Of aspects the mean counts, without those that are missing.
 */
export function contradictions({ list, contradicted }: MapSpec, find: Find, faults: string[]) {
  if (!contradicted) return undefined
  const { aspects, from = FROM, to = TO } = contradicted,
    paths = aspects.flatMap(text => find(text) ?? [])
  for (const { text, type, isList } of paths) {
    if (!isList || itemsOf(text) !== itemsOf(list as string)) {
      faults.push(`contradicted: aspect '${text}' is no field of the answers of list '${list as string}'`)
    } else if (!isScore((type as List).children[0].type as DataType)) {
      faults.push(`contradicted: aspect '${text}' is ${type}; it is a number, a bool, or text that is a number`)
    }
  }
  return (batch: RecordBatch, { valueOffsets, children: [{ values }] }: Data<List>): number[] => {
    const scores = values as Float64Array,
      said = paths.map(path => numbersOf(readPath(path, batch).children[0] as Data, path.text)),
      rows: number[] = []
    const isOpposite = (item: number): boolean => {
      if (scores[item] !== from) return false
      const given = said.map(numbers => numbers[item]).filter(number => !Number.isNaN(number))
      return given.length > 0 && given.reduce((sum, one) => sum + one, 0) <= to * given.length
    }
    for (let row = 0; row < batch.numRows; row++) {
      let isNoted = false
      for (let item = valueOffsets[row]; item < valueOffsets[row + 1]; item++) {
        if (!isOpposite(item)) continue
        scores[item] = NaN
        isNoted = true
      }
      if (isNoted) rows.push(row)
    }
    return rows
  }
}
