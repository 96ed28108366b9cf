/** Runs of n words of texts and of items, and how much of an item a text covers. */
import { mix32 } from '../../engine/arrow/hash.ts'
import { encoder } from '../../engine/arrow/columns.ts'
import { tokenize, wordsOf } from './minhash.ts'

/** Fewer words make no item, as they would be met by chance; of scripts without spaces, whose characters are words. */
const LEAST_WORDS = 4,
  LEAST_CHARACTERS = 8
const WIDE = /\p{sc=Han}|\p{sc=Hira}|\p{sc=Kana}|\p{sc=Thai}|\p{sc=Lao}|\p{sc=Khmer}|\p{sc=Myanmar}/u

/** Words of a text: folded, and where numbers are collapsed every run of digits as 0. */
export function wordsIn(text: string, collapse: boolean): Int32Array {
  const bytes = encoder.encode(collapse ? text.replace(/\p{Nd}+/gu, '0') : text)
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

/** Finds items in texts; runs in `ignored` say nothing. */
export function finderOf(items: readonly Item[], ignored: ReadonlySet<number>) {
  const places = new Map<number, number[]>(),
    runs = new Set<number>()
  items.forEach(({ grams, run }, item) => {
    runs.add(run)
    grams.forEach((gram, at) => {
      if (ignored.has(gram)) return
      const known = places.get(gram)
      if (known) known.push(item, at)
      else places.set(gram, [item, at])
    })
  })
  const lengths = [...runs].sort((a, b) => b - a)
  /** The runs of a text that items have, each once. */
  const met = (words: Int32Array): Set<number> => {
    const found = new Set<number>()
    for (const run of lengths) for (const gram of gramsOf(words, run)) if (places.has(gram)) found.add(gram)
    return found
  }
  return {
    met,
    /** The item of which most is covered; of equal ones the first. */
    find(words: Int32Array): Covered | undefined {
      const marks = new Map<number, Uint8Array>()
      for (const gram of met(words)) {
        const at = places.get(gram)!
        for (let i = 0; i < at.length; i += 2) {
          const item = items[at[i]]
          if (!marks.has(at[i])) marks.set(at[i], new Uint8Array(item.words))
          marks.get(at[i])!.fill(1, at[i + 1], at[i + 1] + item.run)
        }
      }
      let best: Covered | undefined
      for (const [item, marked] of [...marks].sort(([a], [b]) => a - b)) {
        let covered = 0,
          longest = 0,
          side = 0
        for (const is of marked) {
          side = is ? side + 1 : 0
          covered += is
          longest = Math.max(longest, side)
        }
        const share = covered / marked.length
        if (!best || share > best.share) best = { item, share, longest }
      }
      return best
    },
  }
}
