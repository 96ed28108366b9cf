/** Which rows a sample has: those with the smallest hashes of (seed, file, row). */
import { createHash } from 'node:crypto'
import { mix32 } from '../arrow/hash.ts'

/**
 * The rows of each file, ascending, that are among the `count` rows with the smallest hashes (`count` is less than
 * all). A file is known by its content: names and the order of inputs decide nothing. Files of equal content have
 * hashes of their own each, else equal rows would come together or not at all. Takes memory for the sample alone.
 */
export function sampleRows(
  files: readonly { readonly rows: number }[],
  contents: readonly string[],
  seed: number,
  count: number,
): Uint32Array[] {
  const copies = new Map<string, number>()
  const keys = contents.map(content => {
    const copy = copies.get(content) ?? 0
    copies.set(content, copy + 1)
    return createHash('sha256')
      .update(JSON.stringify([seed, content, copy]))
      .digest()
  })
  // of equal hashes the first in this order are taken
  const order = [...keys.keys()].sort((a, b) => Buffer.compare(keys[a], keys[b]))
  const block = new Uint32Array(1 << 16)
  const look = (file: number, see: (hashes: Uint32Array, first: number) => void): void => {
    const a = keys[file].readInt32LE(0),
      b = keys[file].readInt32LE(4),
      { rows } = files[file]
    for (let first = 0; first < rows; first += block.length) {
      const n = Math.min(block.length, rows - first)
      for (let i = 0; i < n; i++) block[i] = mix32((mix32((first + i) ^ a) + b) | 0)
      see(block.subarray(0, n), first)
    }
  }
  // rows are counted by the first half of their hashes, which tells that of the last one taken: only its like are
  // sorted
  const halves = new Uint32Array(1 << 16)
  for (const file of order) {
    look(file, hashes => {
      for (let i = 0; i < hashes.length; i++) halves[hashes[i] >>> 16]++
    })
  }
  let half = 0,
    needed = count
  while (halves[half] < needed) needed -= halves[half++]
  const near = new Uint32Array(halves[half])
  let found = 0
  for (const file of order) {
    look(file, hashes => {
      for (let i = 0; i < hashes.length; i++) if (hashes[i] >>> 16 === half) near[found++] = hashes[i]
    })
  }
  near.sort()
  const last = near[needed - 1],
    taken = new Uint32Array(count),
    sample: Uint32Array[] = []
  let equals = needed - near.indexOf(last),
    at = 0
  for (const file of order) {
    const from = at
    look(file, (hashes, first) => {
      for (let i = 0; i < hashes.length; i++) {
        if (hashes[i] < last || (hashes[i] === last && equals-- > 0)) taken[at++] = first + i
      }
    })
    sample[file] = taken.subarray(from, at)
  }
  return sample
}
