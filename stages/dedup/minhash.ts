/**
 * Near-duplicate signatures of texts: sets of shingles (runs of 5 words), sketches of sets that keep Jaccard
 * similarity, and band keys by which similar sets find each other. No string is made; scratch belongs to the module.
 */
import { mix32 } from '../../engine/arrow/hash.ts'
import { fold, foldedBytes, point, width } from '../../engine/arrow/text.ts'
import { ALONE, BETWEEN, kindOf, RUN } from '../../engine/arrow/tokens.ts'

/** Words of a shingle. */
export const SHINGLE = 5

let tokens = new Int32Array(1 << 10)

/**
 * Appends the hashes of a text's words after `count` others and returns the new count; `shingles` reads them. Words are
 * those of the folded text; characters of scripts without spaces are words of their own, and the punctuation of such
 * scripts is left out.
 */
export function tokenize(bytes: Uint8Array, start: number, end: number, count: number): number {
  const size = fold(bytes, start, end),
    text = foldedBytes()
  if (tokens.length < count + size + 1) {
    const more = new Int32Array(2 * (count + size + 1))
    more.set(tokens.subarray(0, count))
    tokens = more
  }
  const to = tokens
  let hash = 0,
    inside = false
  for (let i = 0; i < size;) {
    const byte = text[i]
    let kind = byte === 32 ? BETWEEN : RUN,
      span = 1
    if (byte >= 0xe0) {
      span = width(text, i, size)
      kind = kindOf(point(text, i, span))
    }
    if (kind !== RUN && inside) {
      to[count++] = hash ^ (hash >>> 15)
      inside = false
      hash = 0
    }
    if (kind === RUN) inside = true
    if (kind === BETWEEN) {
      i += span
      continue
    }
    for (const next = i + span; i < next; i++) {
      hash = Math.imul((((hash << 5) | (hash >>> 27)) + text[i] + 1) | 0, 0x9e3779b1)
    }
    if (kind === ALONE) {
      to[count++] = hash ^ (hash >>> 15)
      hash = 0
    }
  }
  if (inside) to[count++] = hash ^ (hash >>> 15)
  return count
}

/** The hashes of the first `count` words that `tokenize` met, copied. */
export const wordsOf = (count: number): Int32Array => tokens.slice(0, count)

/**
 * The set of shingles of the first `count` words, as 32-bit hashes written to `set` from `at` on, ascending and without
 * repeats; returns where it ends. Fewer words than a shingle has make one shingle of all of them, so short texts are
 * equal or not at all similar; no words make the empty set. `set` must hold `count` more entries. Sets with different
 * `tag`s share nothing but by chance.
 */
export function shingles(count: number, set: Uint32Array, at: number, tag = 0): number {
  const base = 0x2c9277b5 | 0,
    top = Math.imul(Math.imul(base, base), Math.imul(base, base))
  let hash = 0,
    end = at
  for (let w = 0; w < count; w++) {
    if (w >= SHINGLE) hash = (hash - Math.imul(tokens[w - SHINGLE], top)) | 0
    hash = (Math.imul(hash, base) + tokens[w]) | 0
    if (w >= SHINGLE - 1) set[end++] = mix32(hash ^ tag)
  }
  if (count > 0 && count < SHINGLE) set[end++] = mix32(hash ^ tag)
  if (end - at < 2) return end
  set.subarray(at, end).sort()
  let unique = at + 1
  for (let i = at + 1; i < end; i++) if (set[i] !== set[unique - 1]) set[unique++] = set[i]
  return unique
}

let filledIn = new Int32Array(128)

/**
 * Sketch of a set of 32-bit values, `bins` entries of `out` from `at` on (at most 65,536): each entry agrees between
 * two sets with a probability equal to their Jaccard similarity, the entries nearly independently even for sets of few
 * values, in time O(values + bins log bins). The empty set gives zeros. Source: Dahlgaard, Knudsen, Thorup, Fast
 * Similarity Sketching (arXiv 1704.04370): one permutation after the other until no bin is empty.
 */
export function sketch(set: Uint32Array, start: number, end: number, out: Uint32Array, at: number, bins: number): void {
  out.fill(0, at, at + bins)
  if (start === end) return
  if (filledIn.length < bins) filledIn = new Int32Array(bins)
  const filled = filledIn
  filled.fill(0, 0, bins)
  let empty = bins
  for (let round = 1; round <= bins && empty > 0; round++) {
    const salt = mix32(Math.imul(round, 0x9e3779b1))
    for (let i = start; i < end; i++) {
      const hash = mix32(set[i] ^ salt),
        bin = Math.imul(hash >>> 16, bins) >>> 16
      if (filled[bin] === 0) {
        filled[bin] = round
        out[at + bin] = hash
        empty--
      } else if (filled[bin] === round && hash < out[at + bin]) {
        out[at + bin] = hash
      }
    }
  }
  // a set of one or two values may miss a bin for ever: such bins get a permutation each
  for (let bin = 0; bin < bins && empty > 0; bin++) {
    if (filled[bin] !== 0) continue
    const salt = mix32(Math.imul(bins + 1 + bin, 0x9e3779b1))
    let least = 0xffffffff
    for (let i = start; i < end; i++) least = Math.min(least, mix32(set[i] ^ salt))
    out[at + bin] = least
    empty--
  }
}

export interface Bands {
  readonly bands: number
  readonly rows: number
}

/** Probability that two sets of this similarity share at least one of `bands` keys of `rows` sketch entries. */
export const recall = (similarity: number, { bands, rows }: Bands): number => 1 - (1 - similarity ** rows) ** bands

/**
 * How to cut at most `bins` sketch entries into keys that find 95 % of the sets that are 0.05 more similar than
 * `similarity` (half-way to 1 above 0.9): as many rows a key as can be, then as few keys. Throws when so few bins
 * cannot do it.
 */
export function chooseBands(similarity: number, bins: number): Bands {
  const aim = Math.min(similarity + 0.05, (1 + similarity) / 2)
  for (let rows = bins; rows > 0; rows--) {
    for (let bands = 1; bands * rows <= bins; bands++) if (recall(aim, { bands, rows }) >= 0.95) return { bands, rows }
  }
  throw new Error(
    `minhash: ${bins} bins cannot find 95 % of the pairs of similarity ${aim}; raise the similarity of ${similarity}`,
  )
}

const key = new Int32Array(2)

/** Feeds `rows` sketch entries from `at` on into a 64-bit key begun by `beginKey`. */
export function feedKey(sketches: Uint32Array, at: number, rows: number): void {
  let a = key[0],
    b = key[1]
  for (let i = at; i < at + rows; i++) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ sketches[i], 0x9e3779b1)
    b = Math.imul((((b << 17) | (b >>> 15)) + sketches[i] + a) | 0, 0x2c1b3c6d)
  }
  key[0] = a
  key[1] = b
}

/** Begins a key; keys of different bands never meet but by chance. */
export function beginKey(band: number): void {
  key[0] = mix32(2 * band + 1)
  key[1] = mix32(2 * band + 2)
}

/** Puts the key into two entries of `out`, never both zero. */
export function endKey(out: Uint32Array, at: number): void {
  out[at] = mix32(key[0])
  out[at + 1] = mix32(key[1] ^ (key[0] >>> 16)) | (out[at] === 0 ? 1 : 0)
}

/** Exact Jaccard similarity of two ascending sets without repeats; 1 for two empty ones. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let i = 0,
    j = 0,
    shared = 0
  while (i < a.length && j < b.length) {
    const x = a[i],
      y = b[j]
    if (x === y) shared++
    i += x <= y ? 1 : 0
    j += y <= x ? 1 : 0
  }
  const union = a.length + b.length - shared
  return union === 0 ? 1 : shared / union
}
