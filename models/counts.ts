import { SparseBuilder, type Capacity, type SparseRows } from './rows.ts'

/**
 * Rows of hashed counts, one a pair: `add` every feature of both sides, then `append`. A row is (1 + log count) of the chosen side minus that of the
 * rejected side, without zeros, scaled to length 1: negated exactly when the sides are swapped. Two equal sides give an empty row.
 */
export class CountedRows {
  readonly columns: number
  private readonly builder: SparseBuilder
  private readonly ours: Uint16Array
  private readonly theirs: Uint16Array
  private touched = new Uint32Array(4096)
  private values = new Float32Array(4096)
  private size = 0

  /** `columns` is a power of two. No feature may be counted more than 65,535 times on a side. */
  constructor(columns: number, capacity: Capacity) {
    this.columns = columns
    this.builder = new SparseBuilder(columns, capacity)
    this.ours = new Uint16Array(columns)
    this.theirs = new Uint16Array(columns)
  }

  /** Makes room for `more` features, to be called before they are added. */
  reserve(more: number): void {
    if (this.size + more <= this.touched.length) return
    const larger = new Uint32Array((this.size + more) * 2)
    larger.set(this.touched)
    this.touched = larger
    this.values = new Float32Array(larger.length)
  }

  addChosen(bucket: number): void {
    if (this.ours[bucket] === 0 && this.theirs[bucket] === 0) this.touched[this.size++] = bucket
    this.ours[bucket]++
  }

  addRejected(bucket: number): void {
    if (this.ours[bucket] === 0 && this.theirs[bucket] === 0) this.touched[this.size++] = bucket
    this.theirs[bucket]++
  }

  /** Ends the row of a pair; false, with nothing stored, when full. */
  append(): boolean {
    const { ours, theirs, values } = this
    const touched = this.touched.subarray(0, this.size).sort()
    this.size = 0
    let kept = 0
    let squares = 0
    for (let i = 0; i < touched.length; i++) {
      const bucket = touched[i]
      const a = ours[bucket]
      const b = theirs[bucket]
      ours[bucket] = 0
      theirs[bucket] = 0
      if (a === b) continue
      const value = damped(a) - damped(b)
      touched[kept] = bucket
      values[kept++] = value
      squares += value * value
    }
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0
    for (let i = 0; i < kept; i++) values[i] *= scale
    return this.builder.append(touched, values, kept)
  }

  view(): SparseRows {
    return this.builder.view()
  }

  clear(): void {
    this.builder.clear()
  }
}

const DAMPED = Float64Array.from({ length: 64 }, (_, count) => count === 0 ? 0 : 1 + Math.log(count))
const damped = (count: number): number => count < 64 ? DAMPED[count] : 1 + Math.log(count)
