/** Features of a pair: runs of characters. */
import { CountedRows } from './counts.ts'
import type { Capacity, SparseRows } from './rows.ts'
import type { PairText, TextSide } from './tokens.ts'

const PRIME = 0x01000193
const SPREAD = 0x9e3779b1
/** Characters of a side that are read: a row of longer texts would cost more than it tells. */
const MOST_CHARACTERS = 4096

/**
 * Hashed runs of 3, 4 and 5 characters: parts of words, endings, spelling, notation, and text without spaces.
 *
 * Characters are code points; ASCII letters are lower-cased, runs of ASCII white space are one space, and a space is
 * put before the first and after the last, so that beginnings and ends show. Ill-formed UTF-8 is taken byte by byte.
 * The first 4,096 characters of a side count. Rows as in `CountedRows`.
 */
export class CharFeatures {
  readonly kind = 'chars'
  readonly columns: number
  private readonly shift: number
  private readonly rows: CountedRows
  private readonly codes = new Int32Array(MOST_CHARACTERS + 2)

  constructor(capacity: Capacity, columns = 1 << 18) {
    if ((columns & (columns - 1)) !== 0 || columns < 2) {
      throw new Error(`models: chars: columns is ${columns}, must be a power of two`)
    }
    this.columns = columns
    this.shift = 32 - Math.log2(columns)
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
    const { rows, codes, shift } = this
    const count = readCharacters(side, codes)
    rows.reserve(3 * count)
    for (let i = 0; i + 3 <= count; i++) {
      let h = Math.imul(Math.imul(Math.imul(codes[i], PRIME) ^ codes[i + 1], PRIME) ^ codes[i + 2], PRIME)
      const longest = i + 5 < count ? i + 5 : count
      for (let end = i + 3; ; end++) {
        const bucket = Math.imul(h ^ (h >>> 15), SPREAD) >>> shift
        if (chosen) rows.addChosen(bucket)
        else rows.addRejected(bucket)
        if (end === longest) break
        h = Math.imul(h ^ codes[end], PRIME)
      }
    }
  }
}

/** Fills `codes` with a side's characters, a space at either end; 0 for a side without any. */
function readCharacters(side: TextSide, codes: Int32Array): number {
  const { bytes, end } = side
  let count = 1
  codes[0] = 0x20
  for (let i = side.start; i < end && count <= MOST_CHARACTERS;) {
    const b = bytes[i]
    let code = b
    let width = 1
    if (b < 0x80) {
      if (b >= 0x41 && b <= 0x5a) code = b + 32
      else if (b <= 0x20) code = 0x20
    } else if (b >= 0xc2 && b <= 0xf4) {
      const needed = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4
      let joined = b
      let k = 1
      for (; k < needed && i + k < end && (bytes[i + k] & 0xc0) === 0x80; k++) joined = (joined << 8) | bytes[i + k]
      if (k === needed) {
        code = joined
        width = needed
      }
    }
    i += width
    if (code === 0x20 && codes[count - 1] === 0x20) continue
    codes[count++] = code
  }
  if (count === 1) return 0
  if (codes[count - 1] !== 0x20) codes[count++] = 0x20
  return count
}
