/** The rows of a sink with a limit: the first of an order, kept on the way, so that the whole is never sorted. */
import { runsOfRows } from '../arrow/columns.ts'
import { concatFlows, isMade, takeFlow, type Flow } from '../arrow/flow.ts'
import { compareKeys, keysOf, type Keys } from '../arrow/sort.ts'
import { sinkOrder, type Node } from '../graph/types.ts'
import type { First, Partition } from './messages.ts'

/** Places of the first `limit` of some rows, ascending. `keys` in order of the input: of equal ones the first. */
function firstOf(keys: Keys, limit: number, descending: boolean): number[] {
  const sign = descending ? -1 : 1
  return [...keys.keys()]
    .sort((a, b) => compareKeys(keys[a], keys[b], sign) || a - b)
    .slice(0, limit)
    .sort((a, b) => a - b)
}

/** A bit for each row of a partition. */
export const noBits = ({ start, end }: Pick<Partition, 'start' | 'end'>): Uint8Array =>
  new Uint8Array((end - start + 7) >> 3)

/** Marks which rows of a partition are among these, or were made into one of them; gives how many were. */
export function markReach(
  { row, copy }: Pick<Flow, 'row' | 'copy'>,
  start: number,
  reached: Uint8Array,
  parents: Uint8Array,
): number {
  let derived = 0
  for (let i = 0; i < row.length; i++) {
    // a derived pair does not save the row that it was made of
    const isDerived = isMade(copy[i]),
      at = row[i] - start
    if (isDerived) derived++
    ;(isDerived ? parents : reached)[at >> 3] |= 1 << (at & 7)
  }
  return derived
}

/** Keeps the first rows of those that are pushed. */
export function firstRows(node: Pick<Node, 'options'>) {
  const { limit = Infinity, column, descending } = sinkOrder(node)
  let pending: Flow[] = [],
    rows = 0
  const keysIn = ({ schema, columns, rows }: Flow): Keys =>
    column === undefined
      ? Array<null>(rows).fill(null)
      : keysOf(columns[schema.fields.findIndex(({ name }) => name === column)])
  const cut = (): Flow | undefined => {
    if (pending.length === 0) return undefined
    const all = concatFlows(pending),
      best = takeFlow(all, runsOfRows(firstOf(keysIn(all), limit, descending)))
    pending = [best]
    rows = best.rows
    return best
  }
  return {
    push(flow: Flow): void {
      pending.push(flow)
      rows += flow.rows
      if (rows >= 2 * limit + 1000) cut()
    },
    /** The rows, and what is to be known of them; undefined where none came. */
    end(): { flow: Flow; first: First } | undefined {
      const flow = cut()
      return flow && { flow, first: { keys: keysIn(flow), row: flow.row, copy: flow.copy } }
    },
  }
}

/** Of what partitions have, in their order, which rows are among the first of all: by partition their places. */
export function pickFirst(node: Pick<Node, 'options'>, parts: readonly (First | undefined)[]): number[][] {
  const { limit = Infinity, descending } = sinkOrder(node)
  let best: { key: Keys[number]; part: number; at: number }[] = []
  parts.forEach((first, part) => {
    if (!first) return
    const all = [...best, ...first.keys.map((key, at) => ({ key, part, at }))]
    best = firstOf(
      all.map(({ key }) => key),
      limit,
      descending,
    ).map(i => all[i])
  })
  const picks = parts.map((): number[] => [])
  for (const { part, at } of best) picks[part].push(at)
  return picks
}
