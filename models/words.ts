/** Features of a pair: its words. */
import { CountedRows } from './counts.ts'
import { combine32 } from './random.ts'
import type { Capacity, SparseRows } from './rows.ts'
import type { PairText, TextSide } from './tokens.ts'

/**
 * Hashed words and pairs of neighbouring words: what is said.
 *
 * Each side's 1- and 2-grams are counted in `columns` buckets (a power of two); rows as in `CountedRows`.
 */
export class WordFeatures {
  readonly kind = 'words'
  readonly columns: number
  private readonly mask: number
  private readonly rows: CountedRows

  constructor(capacity: Capacity, columns = 1 << 18) {
    if ((columns & (columns - 1)) !== 0) throw new Error(`models: words: columns is ${columns}, must be a power of two`)
    this.columns = columns
    this.mask = columns - 1
    this.rows = new CountedRows(columns, capacity)
  }

  /** Appends the row of a pair; false, with nothing stored, when full. */
  append(pair: PairText): boolean {
    this.count(pair.chosen, true)
    this.count(pair.rejected, false)
    return this.rows.append()
  }

  view(): SparseRows {
    return this.rows.view()
  }

  clear(): void {
    this.rows.clear()
  }

  private count(side: TextSide, chosen: boolean): void {
    const { rows, mask } = this
    rows.reserve(2 * side.count)
    let before = 0
    for (let i = 0; i < side.count; i++) {
      const hash = side.hashes[i]
      const pair = combine32(before, hash) & mask
      if (chosen) {
        rows.addChosen(hash & mask)
        if (i > 0) rows.addChosen(pair)
      } else {
        rows.addRejected(hash & mask)
        if (i > 0) rows.addRejected(pair)
      }
      before = hash
    }
  }
}
