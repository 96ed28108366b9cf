/**
 * Counts by name, of so many names at most: those with the smallest hashes, so that the same ones stay however the rows
 * are cut, and each of them with all that was counted of it.
 */
import { hashString } from '../../models/random.ts'

export const MOST_NAMES = 10_000

/** Takes names away beyond the most; `least`: how many may be there before it is worth the work. */
export function pruneNames<T>(counts: Map<string, T>, least = MOST_NAMES): void {
  if (counts.size <= least) return
  const names = [...counts.keys()].map(name => ({ name, hash: hashString(name) }))
  names.sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1))
  for (const { name } of names.slice(MOST_NAMES)) counts.delete(name)
}

/** What is counted of a name, `none()` where it is new. */
export function countOf<T>(counts: Map<string, T>, name: string, none: () => T): T {
  let count = counts.get(name)
  if (count === undefined) {
    // what is pruned and comes again is pruned again: it never had one of the smallest hashes
    pruneNames(counts, 2 * MOST_NAMES)
    counts.set(name, (count = none()))
  }
  return count
}
