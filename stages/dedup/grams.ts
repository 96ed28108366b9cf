/** Runs of n words of texts and of items, and how much of an item a text covers. */
import { mix32 } from '../../engine/arrow/hash.ts'
import { encoder } from '../../engine/arrow/columns.ts'
import { tokenize, wordsOf } from './minhash.ts'

/** Fewer words make no item, as they would be met by chance; of scripts without spaces, whose characters are words. */
const LEAST_WORDS = 4,
  LEAST_CHARACTERS = 8
const WIDE = /\p{sc=Han}|\p{sc=Hira}|\p{sc=Kana}|\p{sc=Thai}|\p{sc=Lao}|\p{sc=Khmer}|\p{sc=Myanmar}/u

/** Words of a text: folded, without punctuation; where numbers are collapsed every run of digits is 0. */
export function wordsIn(text: string, collapse: boolean): Int32Array {
  const plain = text.replace(/\p{P}+/gu, ' '),
    bytes = encoder.encode(collapse ? plain.replace(/\p{Nd}+/gu, '0') : plain)
  return wordsOf(tokenize(bytes, 0, bytes.length, 0))
}

/** A hash of 53 bits of each run of n words, in order. */
export function gramsOf(words: Int32Array, n: number): Float64Array {
  const grams = new Float64Array(Math.max(0, words.length - n + 1))
  for (let i = 0; i < grams.length; i++) {
    let a = n,
      b = ~n
    for (let w = i; w < i + n; w++) {
      a = mix32(a ^ words[w])
      b = mix32((b + a) ^ Math.imul(words[w], 0x9e3779b1))
    }
    grams[i] = (a >>> 11) * 2 ** 32 + b
  }
  return grams
}

/** An item of a benchmark: its words, and its runs; one of fewer words than a run has is a run itself. */
export interface Item {
  readonly id: string
  readonly words: number
  /** Words of a run: n, or all of a short item. */
  readonly run: number
  readonly grams: Float64Array
}

/** Undefined where a text is too short to be an item. */
export function itemOf(id: string, text: string, n: number, collapse: boolean): Item | undefined {
  const words = wordsIn(text, collapse)
  if (words.length < (WIDE.test(text) ? LEAST_CHARACTERS : LEAST_WORDS)) return undefined
  const run = Math.min(n, words.length)
  return { id, words: words.length, run, grams: gramsOf(words, run) }
}

export interface Covered {
  readonly item: number
  /** Words of the item that lie in a run that the text has, of all; and the longest of them side by side. */
  readonly share: number
  readonly longest: number
}

/** Runs of all items by their hashes, in typed arrays: some ten million of them fit into a few hundred MB. */
function indexOf(items: readonly Item[], ignored: ReadonlySet<number>) {
  const all = items.reduce((sum, { grams }) => sum + grams.length, 0),
    size = 2 ** Math.ceil(Math.log2(2 * all + 2)),
    keys = new Float64Array(size).fill(NaN),
    /** The last place of a key, and of each place the one before it; -1: none. */
    last = new Int32Array(size).fill(-1),
    before = new Int32Array(all),
    item = new Int32Array(all),
    at = new Int32Array(all)
  const slotOf = (gram: number): number => {
    let slot = (gram % 2147483647) & (size - 1)
    while (keys[slot] !== gram && last[slot] >= 0) slot = (slot + 1) & (size - 1)
    return slot
  }
  let place = 0
  items.forEach(({ grams }, i) => {
    for (let g = 0; g < grams.length; g++) {
      if (ignored.has(grams[g])) continue
      const slot = slotOf(grams[g])
      keys[slot] = grams[g]
      before[place] = last[slot]
      last[slot] = place
      item[place] = i
      at[place++] = g
    }
  })
  return {
    has: (gram: number): boolean => last[slotOf(gram)] >= 0,
    each(gram: number, use: (item: number, at: number) => void): void {
      for (let p = last[slotOf(gram)]; p >= 0; p = before[p]) use(item[p], at[p])
    },
  }
}

/** Finds items in texts; runs in `ignored` say nothing. */
export function finderOf(items: readonly Item[], ignored: ReadonlySet<number>) {
  const places = indexOf(items, ignored),
    runs = new Set(items.map(({ run }) => run))
  const lengths = [...runs].sort((a, b) => b - a)
  /** The runs of a text that items have, each once. */
  const met = (words: Int32Array): Set<number> => {
    const found = new Set<number>()
    for (const run of lengths) for (const gram of gramsOf(words, run)) if (places.has(gram)) found.add(gram)
    return found
  }
  /** Of each item that is met how much is covered, in order of items. */
  const cover = (grams: Iterable<number>): Covered[] => {
    const marks = new Map<number, Uint8Array>()
    for (const gram of grams) {
      places.each(gram, (i, at) => {
        const { words: all, run } = items[i]
        if (!marks.has(i)) marks.set(i, new Uint8Array(all))
        marks.get(i)!.fill(1, at, at + run)
      })
    }
    return [...marks]
      .sort(([a], [b]) => a - b)
      .map(([item, marked]) => {
        let covered = 0,
          longest = 0,
          side = 0
        for (const is of marked) {
          side = is ? side + 1 : 0
          covered += is
          longest = Math.max(longest, side)
        }
        return { item, share: covered / marked.length, longest }
      })
  }
  return {
    /**
     * The runs of a text that may be phrases that everybody uses: those whose items it does not hold to more than
     * `coverage`. Of items that are met as a whole nobody can tell.
     */
    passing(words: Int32Array, coverage: number): number[] {
      const grams = [...met(words)],
        held = new Set(
          cover(grams).flatMap(({ item, share }) => (share > coverage && items[item].grams.length > 1 ? [item] : [])),
        )
      return grams.filter(gram => {
        let isHeld = false
        places.each(gram, item => void (isHeld ||= held.has(item)))
        return !isHeld
      })
    },
    /** The item of which most is covered; of equal ones the first. */
    find(words: Int32Array): Covered | undefined {
      let best: Covered | undefined
      for (const one of cover(met(words))) if (!best || one.share > best.share) best = one
      return best
    },
  }
}
