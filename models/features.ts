/** The kinds of features that a pair can be turned into. */
import { CharFeatures } from './chars.ts'
import type { Capacity, Rows } from './rows.ts'
import { StyleFeatures } from './style.ts'
import type { PairText } from './tokens.ts'
import { WordFeatures } from './words.ts'

/**
 * Turns pairs into feature rows that are negated exactly when the sides are swapped. It owns its rows: `append` a
 * batch, read `view` (no copy), `clear`. To keep or send rows, take `concatRows([featuriser.view()])`.
 */
export interface Featuriser {
  readonly kind: string
  readonly columns: number
  /** Appends the row of a pair; false, with nothing stored, when its capacity is used up. */
  append(pair: PairText): boolean
  view(): Rows
  clear(): void
}

const KINDS: Record<string, (capacity: Capacity) => Featuriser> = {
  chars: capacity => new CharFeatures(capacity),
  style: capacity => new StyleFeatures(capacity),
  words: capacity => new WordFeatures(capacity),
}

/** Names of the feature kinds there are, sorted. */
export const FEATURE_KINDS: readonly string[] = Object.keys(KINDS)

/** A featuriser of one of `FEATURE_KINDS`, with room for `capacity`. */
export function createFeaturiser(kind: string, capacity: Capacity): Featuriser {
  const create = KINDS[kind]
  if (create === undefined) {
    throw new Error(`models: unknown feature kind "${kind}"; there are ${FEATURE_KINDS.join(', ')}`)
  }
  return create(capacity)
}
