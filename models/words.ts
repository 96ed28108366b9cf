import { combine32 } from './random.ts'
import { SparseBuilder, type Capacity, type SparseRows } from './rows.ts'
import type { PairText, TextSide } from './tokens.ts'

/**
 * Hashed words and pairs of neighbouring words: what is said.
 *
 * Each side's 1- and 2-grams are counted in `columns` buckets (a power of two); a row is (1 + log tf) of the chosen side minus that of the
 * rejected side, without zeros, scaled to length 1. Swapping the sides negates a row exactly. Two equal texts give an empty row.
 */
export class WordFeatures {
  readonly kind = 'words'
  readonly columns: number
  private readonly mask: number
  private readonly builder: SparseBuilder
  private readonly counts: readonly [Uint16Array, Uint16Array]
  private touched = new Uint32Array(4096)
  private values = new Float32Array(4096)
  private size = 0

  constructor(capacity: Capacity, columns = 1 << 18) {
    if ((columns & (columns - 1)) !== 0) throw new Error(`models: words: columns is ${columns}, must be a power of two`)
    this.columns = columns
    this.mask = columns - 1
    this.builder = new SparseBuilder(columns, capacity)
    this.counts = [new Uint16Array(columns), new Uint16Array(columns)]
  }

  /** Appends the row of a pair; false, with nothing stored, when full. */
  append(pair: PairText): boolean {
    const [ours, theirs] = this.counts
    this.size = 0
    this.count(pair.chosen, ours, theirs)
    this.count(pair.rejected, theirs, ours)
    const touched = this.touched.subarray(0, this.size).sort()
    let kept = 0
    let squares = 0
    for (let i = 0; i < touched.length; i++) {
      const bucket = touched[i]
      const a = ours[bucket]
      const b = theirs[bucket]
      ours[bucket] = 0
      theirs[bucket] = 0
      if (a === b) continue
      const value = (a > 0 ? 1 + Math.log(a) : 0) - (b > 0 ? 1 + Math.log(b) : 0)
      touched[kept] = bucket
      this.values[kept++] = value
      squares += value * value
    }
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0
    for (let i = 0; i < kept; i++) this.values[i] *= scale
    return this.builder.append(touched, this.values, kept)
  }

  view(): SparseRows {
    return this.builder.view()
  }

  clear(): void {
    this.builder.clear()
  }

  private count(side: TextSide, into: Uint16Array, other: Uint16Array): void {
    const needed = this.size + 2 * side.count
    if (needed > this.touched.length) {
      const larger = new Uint32Array(needed * 2)
      larger.set(this.touched)
      this.touched = larger
      this.values = new Float32Array(needed * 2)
    }
    let before = 0
    for (let i = 0; i < side.count; i++) {
      const hash = side.hashes[i]
      this.add(hash & this.mask, into, other)
      if (i > 0) this.add(combine32(before, hash) & this.mask, into, other)
      before = hash
    }
  }

  private add(bucket: number, into: Uint16Array, other: Uint16Array): void {
    if (into[bucket] === 0 && other[bucket] === 0) this.touched[this.size++] = bucket
    into[bucket]++
  }
}
