/** The plainest bias there is: in how many pairs the chosen side is the longer one. */
import { share, type Estimate } from '../../models/metrics.ts'
import { messagesColumn } from '../arrow/columns.ts'
import type { Flow } from '../arrow/flow.ts'

/** Pairs by which side has more bytes of text; pairs of which a side has none are left out. */
export interface Lengths {
  chosen_longer: number
  equal: number
  rejected_longer: number
}

export const emptyLengths = (): Lengths => ({ chosen_longer: 0, equal: 0, rejected_longer: 0 })

export function countLengths(flow: Flow, into: Lengths): void {
  const [chosen, rejected] = ['chosen', 'rejected'].map(name =>
    messagesColumn(flow.columns[flow.schema.fields.findIndex(field => field.name === name)]),
  )
  const bytes = ({ offsets, contentOffsets }: typeof chosen, row: number) =>
    contentOffsets[offsets[row + 1]] - contentOffsets[offsets[row]]
  for (let row = 0; row < flow.rows; row++) {
    const a = bytes(chosen, row),
      b = bytes(rejected, row)
    if (a === 0 || b === 0) continue
    into[a > b ? 'chosen_longer' : a < b ? 'rejected_longer' : 'equal']++
  }
}

export function addLengths(to: Lengths, from: Lengths): void {
  for (const kind of ['chosen_longer', 'equal', 'rejected_longer'] as const) to[kind] += from[kind]
}

/**
 * How well "the longer side is the better one" tells the sides of these pairs apart: the share of pairs in which it is,
 * ties half (the AUROC), with its 95 % interval.
 */
export const longerWins = ({
  chosen_longer: chosen,
  equal,
  rejected_longer: rejected,
}: Lengths): Estimate & { pairs: number } => ({
  ...share(chosen + equal / 2, chosen + equal + rejected),
  pairs: chosen + equal + rejected,
})

/** `58.3 % [54.0, 62.5]`; undefined without pairs. */
export function longerText(lengths: Lengths): string | undefined {
  const { pairs, value, low, high } = longerWins(lengths),
    percent = (share: number) => (100 * share).toFixed(1)
  return pairs === 0 ? undefined : `${percent(value)} % [${percent(low)}, ${percent(high)}]`
}

/** True if the second pairs lean on length as the first do, and beyond chance more. */
export function leansMore(before: Lengths, after: Lengths): boolean {
  const a = longerWins(before),
    b = longerWins(after)
  return a.value >= 0.5 ? b.low > a.high : b.high < a.low
}
