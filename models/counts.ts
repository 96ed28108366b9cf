/** Rows of counts by hashed feature, as those of words and characters are. */
import { SparseBuilder, type Capacity, type SparseRows } from './rows.ts'

/**
 * Rows of hashed counts, one a pair: `add` every feature of both sides, then `append`. A row is (1 + log count) of the
 * chosen side minus that of the rejected side, without zeros, scaled to length 1: negated exactly when the sides are
 * swapped. Two equal sides give an empty row.
 */
export class CountedRows {
  readonly columns: number
  private readonly builder: SparseBuilder
  /** By feature: how often the chosen side has it, in the low 16 bits, and the rejected side, in the high ones. */
  private readonly counts: Uint32Array
  private touched = new Uint32Array(4096)
  private spare = new Uint32Array(4096)
  private values = new Float32Array(4096)
  private size = 0

  /** `columns` is a power of two. No feature may be counted more than 65,535 times on a side. */
  constructor(columns: number, capacity: Capacity) {
    this.columns = columns
    this.builder = new SparseBuilder(columns, capacity)
    this.counts = new Uint32Array(columns)
  }

  /** Makes room for `more` features, to be called before they are added. */
  reserve(more: number): void {
    if (this.size + more <= this.touched.length) return
    const larger = new Uint32Array((this.size + more) * 2)
    larger.set(this.touched)
    this.touched = larger
    this.spare = new Uint32Array(larger.length)
    this.values = new Float32Array(larger.length)
  }

  addChosen(bucket: number): void {
    const count = this.counts[bucket]
    if (count === 0) this.touched[this.size++] = bucket
    this.counts[bucket] = count + 1
  }

  addRejected(bucket: number): void {
    const count = this.counts[bucket]
    if (count === 0) this.touched[this.size++] = bucket
    this.counts[bucket] = count + 65536
  }

  /** Ends the row of a pair; false, with nothing stored, when full. */
  append(): boolean {
    const { counts, values, size } = this
    const touched = this.sorted()
    this.size = 0
    let kept = 0
    let squares = 0
    for (let i = 0; i < size; i++) {
      const bucket = touched[i]
      const a = counts[bucket] & 0xffff
      const b = counts[bucket] >>> 16
      counts[bucket] = 0
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

  /** The touched features, ascending, sorted by digits of 9 bits: on real rows faster than the array's own sort. */
  private sorted(): Uint32Array {
    const { size } = this
    for (let shift = 0; this.columns >>> shift > 1; shift += 9) {
      const from = this.touched,
        to = this.spare
      offsets.fill(0)
      for (let i = 0; i < size; i++) offsets[((from[i] >>> shift) & 511) + 1]++
      for (let digit = 1; digit < 512; digit++) offsets[digit] += offsets[digit - 1]
      for (let i = 0; i < size; i++) to[offsets[(from[i] >>> shift) & 511]++] = from[i]
      this.touched = to
      this.spare = from
    }
    return this.touched
  }

  view(): SparseRows {
    return this.builder.view()
  }

  clear(): void {
    this.builder.clear()
  }
}

const offsets = new Uint32Array(513)
const DAMPED = Float64Array.from({ length: 64 }, (_, count) => (count === 0 ? 0 : 1 + Math.log(count)))
const damped = (count: number): number => (count < 64 ? DAMPED[count] : 1 + Math.log(count))
