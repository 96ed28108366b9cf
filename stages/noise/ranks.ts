/** How far two lists of scores of the same candidates agree on their order. */

export interface RankAgreement {
  /** Candidates that have a score in both lists. */
  readonly candidates: number
  readonly concordant: number
  readonly discordant: number
  /** Kendall's tau-b: of pairs that neither list ties, with what they tie taken into account. */
  readonly tau: number
  /** (tau + 1) / 2: 0 where one list is the other's reverse, 1 where they agree. */
  readonly soft_label: number
  /** Whether a candidate has the highest score of both lists, and the lowest one. */
  readonly best_agrees: boolean
  readonly worst_agrees: boolean
}

/**
 * NaN is no score. Undefined where nothing can be told: lists of unequal lengths, fewer than two candidates, or a list
 * that ties all.
 */
export function rankAgreement(current: readonly number[], previous: readonly number[]): RankAgreement | undefined {
  if (current.length !== previous.length) return undefined
  const scored = [...current.keys()].filter(i => !Number.isNaN(current[i]) && !Number.isNaN(previous[i])),
    [ours, theirs] = [current, previous].map(list => scored.map(i => list[i])),
    candidates = scored.length
  let concordant = 0,
    discordant = 0,
    ordered = 0,
    others = 0
  for (let i = 0; i < candidates; i++) {
    for (let j = 0; j < i; j++) {
      const one = Math.sign(compare(ours[i], ours[j])),
        other = Math.sign(compare(theirs[i], theirs[j]))
      if (one !== 0) ordered++
      if (other !== 0) others++
      if (one * other > 0) concordant++
      else if (one * other < 0) discordant++
    }
  }
  if (ordered === 0 || others === 0) return undefined
  // of two lists that agree exactly the root of a square, which is exact
  const tau = (concordant - discordant) / Math.sqrt(ordered * others),
    shared = (sign: 1 | -1) => {
      const [end, otherEnd] = [ours, theirs].map(list => list.reduce((a, b) => (sign * (b - a) > 0 ? b : a)))
      return ours.some((score, i) => score === end && theirs[i] === otherEnd)
    }
  return {
    candidates,
    concordant,
    discordant,
    tau,
    soft_label: (tau + 1) / 2,
    best_agrees: shared(1),
    worst_agrees: shared(-1),
  }
}

/** Infinite ones are equal to themselves. */
const compare = (a: number, b: number): number => (a === b ? 0 : a - b)
