/** The plainest bias there is: in how many pairs the chosen side is the longer one. */
import { messagesColumn } from '../arrow/columns.ts'
import type { Flow } from '../arrow/flow.ts'

/** Pairs by which side has more bytes of text; pairs of which a side has none are left out. */
export interface Lengths { chosen_longer: number, equal: number, rejected_longer: number }

export const emptyLengths = (): Lengths => ({ chosen_longer: 0, equal: 0, rejected_longer: 0 })

export function countLengths(flow: Flow, into: Lengths): void {
  const [chosen, rejected] = ['chosen', 'rejected'].map(name => messagesColumn(flow.columns[flow.schema.fields.findIndex(field => field.name === name)]))
  const bytes = ({ offsets, contentOffsets }: typeof chosen, row: number) => contentOffsets[offsets[row + 1]] - contentOffsets[offsets[row]]
  for (let row = 0; row < flow.rows; row++) {
    const a = bytes(chosen, row), b = bytes(rejected, row)
    if (a === 0 || b === 0) continue
    into[a > b ? 'chosen_longer' : a < b ? 'rejected_longer' : 'equal']++
  }
}

export function addLengths(to: Lengths, from: Lengths): void {
  for (const kind of ['chosen_longer', 'equal', 'rejected_longer'] as const) to[kind] += from[kind]
}

/** How well "the longer side is the better one" tells the sides of these pairs apart: the share of pairs in which it is, ties half (the AUC); with the half-width of its 95 % interval. */
export function longerWins({ chosen_longer: chosen, equal, rejected_longer: rejected }: Lengths): { pairs: number, share: number, within: number } {
  const pairs = chosen + equal + rejected, share = (chosen + equal / 2) / pairs
  return { pairs, share, within: 1.96 * Math.sqrt(Math.max(0, (chosen + equal / 4) / pairs - share * share) / pairs) }
}

/** `58.3 ± 4.6 %`; undefined without pairs. */
export function longerText(lengths: Lengths): string | undefined {
  const { pairs, share, within } = longerWins(lengths)
  return pairs === 0 ? undefined : `${(100 * share).toFixed(1)} ± ${(100 * within).toFixed(1)} %`
}
