/** Weights of groups, caps on them, and how difficult a pair is: the arithmetic of balance_groups. */
import { sigmoid } from '../../models/head.ts'

/**
 * Weights of groups by their counts, so that the mean over all rows is 1. power: a group's share becomes its count to
 * this power (0: all groups alike, 1: as it is); effective_number: 1 - beta over 1 - beta^n (Cui et al. 2019).
 */
export const byPower = (counts: readonly number[], power: number): number[] =>
  toMean(
    counts,
    counts.map(count => count ** (power - 1)),
  )
export const byEffectiveNumber = (counts: readonly number[], beta: number): number[] =>
  toMean(
    counts,
    counts.map(count => (1 - beta) / (1 - beta ** count)),
  )
/** Shares of groups that are wanted, in relation to each other. */
export const byShare = (counts: readonly number[], shares: readonly number[]): number[] =>
  toMean(
    counts,
    counts.map((count, i) => shares[i] / count),
  )

function toMean(counts: readonly number[], weights: readonly number[]): number[] {
  const rows = counts.reduce((sum, count) => sum + count, 0),
    all = counts.reduce((sum, count, i) => sum + count * weights[i], 0)
  return weights.map(weight => (weight * rows) / all)
}

/** Kish: how many rows of one weight say as much, as a share of the rows. */
export function effectiveShare(counts: readonly number[], weights: readonly number[]): number {
  const sum = (of: (weight: number) => number) => counts.reduce((all, count, i) => all + count * of(weights[i]), 0)
  return sum(weight => weight) ** 2 / sum(weight => weight * weight) / sum(() => 1)
}

/**
 * Rows of a group at most, so that none has more than `share` of what is left: the largest such number. Infinity where
 * none is too large already, 0 where no number does: there are fewer than 1 / share groups.
 */
export function capOf(counts: readonly number[], share: number): number {
  const left = (cap: number) => counts.reduce((sum, count) => sum + Math.min(count, cap), 0),
    holds = (cap: number) => cap <= share * left(cap) + 1e-9
  const most = Math.max(0, ...counts)
  if (holds(most)) return Infinity
  // it holds for all below the largest: min(count, cap) / cap falls as the cap rises
  let low = 0,
    high = most
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (holds(middle)) low = middle
    else high = middle
  }
  return low
}

/** DR-IRL: how hard a pair is beside the mean, by how unlike its sides are, and how hard its group is, by its gap. */
export const difficulty = (unlike: number, meanUnlike: number, gap: number, meanGap: number): number =>
  (sigmoid(unlike) / sigmoid(meanUnlike)) * (sigmoid(gap) / sigmoid(meanGap))
