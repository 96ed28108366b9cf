/** Several columns as one list a row: of each its value, or all items of its list. */
import type { DataType } from 'apache-arrow'
import { List, makeData, type Data } from 'apache-arrow'
import { concat, runsOfRows, take } from '../arrow/columns.ts'
import { field } from '../arrow/flow.ts'

export interface Gathered {
  readonly lists: Data
  /** The number of the column that an item is of. */
  readonly from: Int32Array
}

/** `columns` are of one type, as are the items of those that are lists: `isList` says which are. */
export function gather(columns: readonly Data[], isList: readonly boolean[]): Gathered {
  const items = columns.map((data, c) => (isList[c] ? (data.children[0] as Data) : data)),
    starts = items.map((_, c) => items.slice(0, c).reduce((sum, { length }) => sum + length, 0)),
    [{ length }] = columns
  const valueOffsets = new Int32Array(length + 1),
    picks: number[] = [],
    from: number[] = []
  for (let row = 0; row < length; row++) {
    columns.forEach((data, c) => {
      const [first, end] = isList[c] ? [data.valueOffsets[row], data.valueOffsets[row + 1]] : [row, row + 1]
      for (let i = first as number; i < end; i++) {
        picks.push(starts[c] + i)
        from.push(c)
      }
    })
    valueOffsets[row + 1] = picks.length
  }
  return { lists: listOf(valueOffsets, take(concat(items), runsOfRows(picks))), from: Int32Array.from(from) }
}

const listOf = (valueOffsets: Int32Array, child: Data): Data =>
  makeData({
    type: new List(field('item', child.type as DataType)),
    length: valueOffsets.length - 1,
    nullCount: 0,
    valueOffsets,
    child,
  } as never) as Data
