/** Measures of how well scores tell rows apart, with their intervals. */
import { countBefore } from './sorted.ts'

/** A value with the ends of its 95 % interval. */
export interface Estimate {
  value: number
  low: number
  high: number
}

const Z95 = 1.959963984540054

/**
 * Mid-ranks (1 is the smallest; equal values share the mean of their ranks), in the order of `values`.
 * NaN is not allowed: it has no rank.
 */
export function midranks(values: ArrayLike<number>): Float64Array {
  const n = values.length
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  order.sort((a, b) => values[a] - values[b] || a - b)
  const ranks = new Float64Array(n)
  for (let i = 0; i < n;) {
    let j = i + 1
    while (j < n && values[order[j]] === values[order[i]]) j++
    for (let k = i; k < j; k++) ranks[order[k]] = (i + j + 1) / 2
    i = j
  }
  return ranks
}

/**
 * Area under the ROC curve: the chance that a positive row (positive[i] non-zero) has a higher score than a negative
 * one, ties counted half, with DeLong's 95 % interval (DeLong et al. 1988, by mid-ranks), clipped to [0, 1].
 * NaN throughout if either class is empty; with one row in a class the interval is [0, 1].
 */
export function auroc(scores: ArrayLike<number>, positive: ArrayLike<number>): Estimate {
  const n = scores.length
  let m = 0
  for (let i = 0; i < n; i++) if (positive[i]) m++
  const k = n - m
  if (m === 0 || k === 0) return { value: NaN, low: NaN, high: NaN }
  const up = new Float64Array(m)
  const down = new Float64Array(k)
  for (let i = 0, u = 0, d = 0; i < n; i++) {
    if (positive[i]) up[u++] = scores[i]
    else down[d++] = scores[i]
  }
  const ranks = midranks(scores)
  const upRanks = midranks(up)
  const downRanks = midranks(down)
  let sum = 0
  for (let i = 0; i < n; i++) if (positive[i]) sum += ranks[i]
  const value = (sum - (m * (m + 1)) / 2) / (m * k)
  if (m < 2 || k < 2) return { value, low: 0, high: 1 }
  let upSquares = 0
  let downSquares = 0
  for (let i = 0, u = 0, d = 0; i < n; i++) {
    // the placement of a row: the share of the other class it beats
    if (positive[i]) upSquares += ((ranks[i] - upRanks[u++]) / k - value) ** 2
    else downSquares += (1 - (ranks[i] - downRanks[d++]) / m - value) ** 2
  }
  const error = Math.sqrt(upSquares / (m - 1) / m + downSquares / (k - 1) / k)
  return { value, low: Math.max(0, value - Z95 * error), high: Math.min(1, value + Z95 * error) }
}

/**
 * The chance that a row whose label is flipped has a lower margin than another row as it is: P(-m_i < m_j), which is
 * P(m_i + m_j > 0), over all pairs of rows, ties counted half. For margins that change sign with their row's label this
 * is the AUROC of finding one flipped row, each flipped in turn. A U-statistic (Hoeffding 1948), its 95 % interval by
 * the spread of the rows' own shares, or where that is more by the spread of the sums of `groups` (of one prompt, say,
 * whose rows go together), clipped to [0, 1]. NaN throughout with less than two rows.
 */
export function flippedAuroc(margins: Float64Array, groups?: Uint32Array): Estimate {
  const n = margins.length
  if (n < 2) return { value: NaN, low: NaN, high: NaN }
  const sorted = margins.slice().sort()
  // by row: share of the others with which its margin sums to more than 0
  const shares = margins.map(
    margin =>
      ((2 * n - countBefore(n, i => sorted[i] <= -margin) - countBefore(n, i => sorted[i] < -margin)) / 2 -
        (margin > 0 ? 1 : margin === 0 ? 0.5 : 0)) /
      (n - 1),
  )
  const value = shares.reduce((sum, each) => sum + each, 0) / n,
    sums = new Map<number, number>()
  groups?.forEach((group, i) => sums.set(group, (sums.get(group) ?? 0) + shares[i] - value))
  const squares = (values: Iterable<number>) => {
    let sum = 0
    for (const each of values) sum += each * each
    return sum
  }
  const error =
    2 *
    Math.sqrt(
      Math.max(
        squares(shares.map(each => each - value)) / (n - 1) / n,
        sums.size > 1 ? (squares(sums.values()) * sums.size) / (sums.size - 1) / n / n : 0,
      ),
    )
  return { value, low: Math.max(0, value - Z95 * error), high: Math.min(1, value + Z95 * error) }
}

/** Share `hits` of `trials` with Wilson's 95 % score interval; NaN with [0, 1] when there were no trials. */
export function share(hits: number, trials: number): Estimate {
  if (trials === 0) return { value: NaN, low: 0, high: 1 }
  const p = hits / trials
  const z2 = Z95 * Z95
  const middle = (p + z2 / (2 * trials)) / (1 + z2 / trials)
  const half = (Z95 / (1 + z2 / trials)) * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials))
  return { value: p, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** Pearson's correlation; 0 when either side does not vary. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length
  let meanA = 0
  let meanB = 0
  for (let i = 0; i < n; i++) {
    meanA += a[i] / n
    meanB += b[i] / n
  }
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < n; i++) {
    const x = a[i] - meanA
    const y = b[i] - meanB
    ab += x * y
    aa += x * x
    bb += y * y
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}

/** Spearman's rank correlation, ties by mid-ranks; 0 when either side does not vary. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(midranks(a), midranks(b))
}

/**
 * Expected calibration error of p = P(the label as given is right), over `bins` (even) equal bins of [0, 1]: sum over
 * bins of
 * |labels - p| / n (MORE, arXiv 2312.07401). All labels are `chosen first`, so each row stands for itself, (p, 1), and
 * for its mirror, (1 - p, 0): without it a bin of low p would hold nothing but ones. Mirrored bins have equal gaps, so
 * the upper half is counted.
 */
export function calibrationError(probabilities: ArrayLike<number>, bins = 10): number {
  const gap = new Float64Array(bins)
  const n = probabilities.length
  for (let i = 0; i < n; i++) {
    const p = probabilities[i]
    const likelier = Math.max(p, 1 - p)
    const label = p > 0.5 ? 1 : p < 0.5 ? 0 : 0.5
    gap[Math.min(bins - 1, Math.floor(likelier * bins))] += label - likelier
  }
  let sum = 0
  for (let b = 0; b < bins; b++) sum += Math.abs(gap[b])
  return n > 0 ? sum / n : 0
}
