/** Shares of groups held against each other: intervals, the extremes, and what chance makes of equal groups. */
import { share, type Estimate } from './metrics.ts'
import { Random } from './random.ts'

const Z95 = 1.959963984540054

/** Hits of trials of a group. */
export interface Trials {
  readonly hits: number
  readonly trials: number
}
const rate = ({ hits, trials }: Trials): number => hits / trials

/** The first share minus the second, with Newcombe's 95 % interval (1998, method 10); both have trials. */
export function difference(one: Trials, other: Trials): Estimate {
  const [a, b] = [share(one.hits, one.trials), share(other.hits, other.trials)],
    value = a.value - b.value
  return {
    value,
    low: value - Math.hypot(a.value - a.low, b.high - b.value),
    high: value + Math.hypot(a.high - a.value, b.value - b.low),
  }
}

/**
 * The first share over the second, with Koopman's 95 % score interval (1984; Miettinen and Nurminen's n / (n - 1)).
 * `high` is Infinity where nothing was hit in the second; undefined where nothing was hit in either.
 */
export function ratio(one: Trials, other: Trials): Estimate | undefined {
  if (one.hits + other.hits === 0) return undefined
  const value = rate(one) / rate(other)
  /** How far the shares are from this ratio, in standard errors under it. */
  const score = (theta: number): number => {
    const n = one.trials + other.trials,
      a = n * theta,
      b = one.trials * theta + one.hits + other.trials + other.hits * theta,
      p = (b - Math.sqrt(Math.max(0, b * b - 4 * a * (one.hits + other.hits)))) / (2 * a),
      first = p * theta
    const variance = (first * (1 - first)) / one.trials + (theta * theta * p * (1 - p)) / other.trials
    return (rate(one) - theta * rate(other)) / Math.sqrt((variance * n) / (n - 1))
  }
  /** Where the score, which falls, is `wanted`; in logarithms. */
  const at = (wanted: number): number => {
    let low = -30,
      high = 30
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2
      if (score(Math.exp(middle)) > wanted) low = middle
      else high = middle
    }
    return Math.exp(low)
  }
  return { value, low: one.hits === 0 ? 0 : at(Z95), high: other.hits === 0 ? Infinity : at(-Z95) }
}

/** The groups with the largest and the smallest share, of `least` trials at least; undefined for fewer than two. */
export function extremes<T extends Trials>(groups: readonly T[], least: number): { top: T; bottom: T } | undefined {
  const some = groups.filter(({ trials }) => trials > 0 && trials >= least).sort((a, b) => rate(b) - rate(a))
  return some.length < 2 ? undefined : { top: some[0], bottom: some[some.length - 1] }
}

/** Trials up to which a draw is made one by one; of more it is a rounded normal number. */
const MOST_DRAWN = 1000

/** How many of `n` are hits, drawn from `all` of which `hits` are, without putting back. */
function drawn(n: number, hits: number, all: number, random: Random): number {
  if (n > MOST_DRAWN && all > n) {
    const p = hits / all,
      deviation = Math.sqrt(((n * p * (1 - p)) / (all - 1)) * (all - n)),
      value = Math.round(n * p + deviation * random.normal())
    return Math.min(n, hits, Math.max(0, n - (all - hits), value))
  }
  if (n === all) return hits
  let found = 0
  for (let i = 0; i < n; i++) if (random.float() * (all - i) < hits - found) found++
  return found
}

/**
 * The largest difference that chance makes between groups of these sizes: its 95 % value over `shuffles` of which trial
 * is of which group. With many groups some always differ.
 */
export function chanceDifference(groups: readonly Trials[], shuffles: number, seed: number): number {
  const random = new Random(seed),
    all = groups.reduce((sum, { trials }) => sum + trials, 0),
    hits = groups.reduce((sum, group) => sum + group.hits, 0)
  const found = Float64Array.from({ length: shuffles }, () => {
    let [rest, left] = [all, hits],
      top = 0,
      bottom = 1
    for (const { trials } of groups) {
      const some = drawn(trials, left, rest, random)
      rest -= trials
      left -= some
      top = Math.max(top, some / trials)
      bottom = Math.min(bottom, some / trials)
    }
    return top - bottom
  }).sort()
  return found[Math.min(shuffles - 1, Math.floor(0.95 * shuffles))]
}
