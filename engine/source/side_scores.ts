/** The own scores of the two sides of pairs: which columns they are, and the rows that they call ties or opposed. */
import { DataType, type Schema } from 'apache-arrow'
import { numberColumn } from '../arrow/columns.ts'
import { differenceOf, SCORE } from '../map/names.ts'
import type { ReasonName, Task } from './task.ts'

export interface SideScores {
  readonly chosen: string
  readonly rejected: string
  /** Ranks, of which the smallest is best. */
  readonly lowFirst: boolean
}

/** What a row whose scores do not say what its sides say is: kept and counted, or dropped. */
export interface ScoreOptions {
  readonly ties: 'keep' | 'drop'
  readonly opposed: 'keep' | 'drop'
}

/** Numbers whose names differ by chosen and rejected alone, the first by name of a score; undefined where none do. */
export function findSideScores(schema: Schema): SideScores | undefined {
  const numbers = schema.fields.filter(({ type }) => DataType.isInt(type) || DataType.isFloat(type))
  for (const { name: chosen } of numbers) {
    for (const { name: rejected } of numbers) {
      const differs = chosen === rejected ? undefined : differenceOf(chosen, rejected)
      if (differs?.marks.join() !== 'chosen,rejected' || !SCORE.test(differs.stem)) continue
      return { chosen, rejected, lowFirst: /(?:^|_)rank(?:_|$)/.test(differs.stem) }
    }
  }
  return undefined
}

/** Refuses or notes the rows whose scores are equal, or say that the rejected side is the better one. */
export function weighSides(
  { chosen, rejected, lowFirst }: SideScores,
  { ties, opposed }: ScoreOptions,
  { rows, column, mask, refuse }: Pick<Task, 'rows' | 'column' | 'mask' | 'refuse'>,
  note: (row: number, reason: ReasonName) => void,
): void {
  const [a, b] = [chosen, rejected].map(name => numberColumn(column(name)).values),
    [x, y] = [chosen, rejected].map(name => column(name).values as unknown),
    // float64 would make equals of large integers that are not
    isWhole = x instanceof BigInt64Array && y instanceof BigInt64Array
  for (let row = 0; row < rows; row++) {
    const rounded = a[row] - b[row],
      exact = isWhole && !Number.isNaN(rounded) ? Number(x[row] - y[row]) : rounded,
      gap = lowFirst ? -exact : exact
    // without a score nothing is said
    if (mask[row] || !(gap <= 0)) continue
    const reason = gap === 0 ? 'equal_scores' : 'opposed_scores'
    if ((gap === 0 ? ties : opposed) === 'drop') refuse(row, reason, gap)
    else note(row, reason)
  }
}
