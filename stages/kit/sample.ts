/**
 * Samples of the k smallest content hashes: the same rows however they are cut into partitions and however many others
 * there are. Of equal hashes the first in order counts, so parts are gone through in order of (file, range).
 */

export interface Smallest<T> {
  /** Whether a value of this hash may be among the smallest. */
  wants(hash: number): boolean
  /**
   * `open` makes the value, or undefined where nothing can be made of it: it then leaves its place to others. It is
   * called only where no smaller ones fill the sample.
   */
  offer(hash: number, open: () => T | undefined): void
  /** By hash, ascending. */
  values(): readonly T[]
  hashes(): readonly number[]
}

interface Offered<T> {
  readonly hash: number
  readonly open: () => T | undefined
}

export function smallestOf<T>(k: number): Smallest<T> {
  let kept: (Offered<T> & { readonly value: T })[] = [],
    waiting: Offered<T>[] = [],
    limit = k > 0 ? Infinity : -Infinity
  const settle = () => {
    // those that are kept come before what waits, and the order of equal hashes is left as it is
    const all = [...kept, ...waiting].sort((a, b) => a.hash - b.hash)
    kept = []
    waiting = []
    for (const { hash, open } of all) {
      if (kept.length === k) break
      if (kept.at(-1)?.hash === hash) continue
      const value = open()
      if (value !== undefined) kept.push({ hash, value, open: () => value })
    }
    if (kept.length === k) limit = kept.at(-1)?.hash ?? -Infinity
  }
  return {
    // the last one kept came before any other of its hash
    wants: hash => hash < limit,
    offer(hash, open) {
      if (hash >= limit) return
      if (waiting.push({ hash, open }) + kept.length >= 2 * k) settle()
    },
    values() {
      settle()
      return kept.map(({ value }) => value)
    },
    hashes() {
      settle()
      return kept.map(({ hash }) => hash)
    },
  }
}
