/** Which prompts are nearly one of some: sets of five words in a row, found by band keys and then compared exactly. */
import type { MessagesColumn } from '../../engine/arrow/columns.ts'
import { beginKey, chooseBands, endKey, feedKey, jaccard, shingles, sketch, tokenize } from '../dedup/minhash.ts'

/** Sketch entries of a prompt. */
const BINS = 64

let scratch = new Uint32Array(1 << 12)

/** The set of a prompt, ascending. */
export function setOf(column: MessagesColumn, row: number): Uint32Array {
  let count = 0
  for (let m = column.offsets[row]; m < column.offsets[row + 1]; m++) {
    count = tokenize(column.bytes, column.contentOffsets[m], column.contentOffsets[m + 1], count)
  }
  if (scratch.length < count + 1) scratch = new Uint32Array(2 * count)
  return scratch.slice(0, shingles(count, scratch, 0))
}

/** How similar a set is to the first of these that is as similar as that; undefined where none is found. */
export function nearIndex(sets: readonly Uint32Array[], similarity: number): (set: Uint32Array) => number | undefined {
  const { bands, rows } = chooseBands(similarity, BINS),
    entries = new Uint32Array(BINS),
    key = new Uint32Array(2),
    byKey = new Map<number, number[]>()
  function* keysOf(set: Uint32Array) {
    sketch(set, 0, set.length, entries, 0, BINS)
    for (let band = 0; band < bands; band++) {
      beginKey(band)
      feedKey(entries, band * rows, rows)
      endKey(key, 0)
      yield key[0]
    }
  }
  sets.forEach((set, i) => {
    if (set.length === 0) return // white space alone is near nothing
    for (const key of keysOf(set)) {
      if (!byKey.has(key)) byKey.set(key, [])
      byKey.get(key)!.push(i)
    }
  })
  return set => {
    const met = new Set<number>()
    for (const key of set.length > 0 ? keysOf(set) : []) for (const i of byKey.get(key) ?? []) met.add(i)
    for (const i of met) {
      const alike = jaccard(sets[i], set)
      if (alike >= similarity) return alike
    }
    return undefined
  }
}
