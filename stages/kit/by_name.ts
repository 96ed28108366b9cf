/**
 * What is counted by name, of so many names at most: those whose hashes are smallest, each of them with all that was
 * counted of it, so that the same ones stay however the rows are cut.
 */
import { hashString } from '../../models/random.ts'

export interface ByName<T> {
  /** No name of this hash or a larger one is counted: it would lack what was counted before. */
  limit: number
  readonly values: Map<string, T>
}
export const byName = <T>(): ByName<T> => ({ limit: Infinity, values: new Map() })

export interface Rule<T> {
  /** Names at most. */
  readonly most: number
  /** What a new name begins with. */
  none(): T
}

/** The value of a name, to count in; undefined where enough others have smaller hashes. */
export function valueOf<T>(of: ByName<T>, name: string, rule: Rule<T>): T | undefined {
  let value = of.values.get(name)
  if (value === undefined && (of.limit === Infinity || hashString(name) < of.limit)) {
    if (of.values.size === 2 * rule.most) {
      cut(of, rule)
      return valueOf(of, name, rule)
    }
    of.values.set(name, (value = rule.none()))
  }
  return value
}

/** Takes away what is beyond the most. */
export function cut<T>(of: ByName<T>, { most }: Rule<T>): void {
  if (of.values.size <= most) return
  const hashes = Float64Array.from(of.values.keys(), name => hashString(name)).sort()
  of.limit = Math.min(of.limit, hashes[most])
  for (const name of of.values.keys()) if (hashString(name) >= of.limit) of.values.delete(name)
}

/** Adds what another part counted. */
export function addByName<T>(to: ByName<T>, from: ByName<T>, rule: Rule<T>, add: (to: T, from: T) => void): void {
  to.limit = Math.min(to.limit, from.limit)
  for (const name of to.values.keys()) if (hashString(name) >= to.limit) to.values.delete(name)
  for (const [name, value] of from.values) {
    const known = valueOf(to, name, rule)
    if (known !== undefined) add(known, value)
  }
  cut(to, rule)
}
