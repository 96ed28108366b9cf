/** Compares the shingle sets of rows that share a band key, and says which are alike. */
import type { ListColumn } from '../../engine/arrow/columns.ts'
import { hash32 } from '../../engine/arrow/hash.ts'
import { jaccard } from './minhash.ts'

/** Most rows of a group that one row is compared with: the ones nearest in length. */
const COMPARED = 1000
/** Entries before the sets of a row: a hash of what lies beside the texts, and the lengths of the first two sets. */
export const HEAD = 4

/** The shingle sets of a row, ascending. */
export interface Sets {
  readonly row: number
  readonly size: number
  readonly hash: number
  /** Of what lies beside the texts: rows that differ in it are not compared. */
  readonly beside: number
  readonly prompt: Uint32Array
  readonly chosen: Uint32Array
  readonly rejected: Uint32Array
}

export function readSets(column: ListColumn, row: number): Sets {
  const { buffer, byteOffset } = column.values,
    from = byteOffset + 4 * column.start(row),
    words = new Uint32Array(buffer as ArrayBuffer, from, column.end(row) - column.start(row)),
    second = HEAD + words[2],
    third = second + words[3],
    sets = new Uint8Array(buffer as ArrayBuffer, from + 8, 4 * (words.length - 2))
  return {
    row,
    size: words.length - HEAD,
    hash: hash32(sets, 0, sets.length, 0),
    beside: words[0] * 2 ** 32 + words[1],
    prompt: words.subarray(HEAD, second),
    chosen: words.subarray(second, third),
    rejected: words.subarray(third),
  }
}

/** Of what tells a pair's answers apart the other pair has this share, however much else they have in common. */
const LEAST_TELLING = 0.5

/** What one ascending set has and the other lacks. */
function without(all: Uint32Array, other: Uint32Array): Uint32Array {
  const out = new Uint32Array(all.length)
  let size = 0,
    j = 0
  for (const value of all) {
    while (j < other.length && other[j] < value) j++
    if (other[j] !== value) out[size++] = value
  }
  return out.subarray(0, size)
}
/** What the chosen side alone says, and what the rejected one alone. */
const telling = ({ chosen, rejected }: Sets) => [without(chosen, rejected), without(rejected, chosen)]

/**
 * Similarity of the whole pairs, or 0 where that of both answers together is below `limit`, or what tells them apart is
 * another thing.
 */
function similarityOf(a: Sets, b: Sets, limit: number): number {
  if (a.beside !== b.beside) return 0
  // the sets are disjoint: what is shared adds up
  const shared = (x: Uint32Array, y: Uint32Array) => {
      const alike = jaccard(x, y)
      return (alike * (x.length + y.length)) / (1 + alike)
    },
    share = (common: number, all: number) => (all === 0 ? 1 : common / (all - common))
  const answers = shared(a.chosen, b.chosen) + shared(a.rejected, b.rejected),
    size = a.size + b.size - a.prompt.length - b.prompt.length
  if (share(answers, size) < limit) return 0
  const others = telling(b)
  if (telling(a).some((set, i) => jaccard(set, others[i]) < LEAST_TELLING)) return 0
  return share(answers + shared(a.prompt, b.prompt), a.size + b.size)
}

/** Gives edges between the rows of one group that are alike: enough of them that all such rows hang together. */
export function joinAlike(
  group: Sets[],
  similarity: number,
  edge: (one: number, other: number, alike: number) => void,
): void {
  group.sort((a, b) => a.size - b.size || a.hash - b.hash || a.row - b.row)
  // equal sets first: thousands of equal rows must not be compared each with each
  const distinct: Sets[] = []
  for (const sets of group) {
    const last = distinct.at(-1)
    if (last && last.hash === sets.hash && last.size === sets.size && similarityOf(last, sets, 1) === 1) {
      edge(last.row, sets.row, 1)
    } else distinct.push(sets)
  }
  const cluster = Int32Array.from(distinct.keys())
  const find = (i: number): number => {
    while (cluster[i] !== i) i = cluster[i] = cluster[cluster[i]]
    return i
  }
  for (let i = 1; i < distinct.length; i++) {
    // a set can be as similar only if it is as large
    for (let j = i - 1; j >= 0 && j >= i - COMPARED && distinct[j].size >= similarity * distinct[i].size; j--) {
      const x = find(i),
        y = find(j)
      if (x === y) continue
      const alike = similarityOf(distinct[i], distinct[j], similarity)
      if (alike < similarity) continue
      edge(distinct[j].row, distinct[i].row, alike)
      cluster[x] = y
    }
  }
}
