/** Counts of numbers by their 13 leading bits, of a size that does not grow with the rows: sums, quantiles, shares. */

/** Rounded numbers, with how many there are of each. */
export type Histogram = Map<number, number>

/** To the nearest number of 13 bits (a 16,384th of it away at most); small whole numbers stay. NaN is not counted. */
export function rounded(value: number): number {
  // of Veltkamp's splitting; what would overflow is so large that it may stay
  const split = value * (2 ** 40 + 1)
  return Number.isFinite(split) ? split - (split - value) + 0 : value
}

export function count(histogram: Histogram, value: number, times = 1): void {
  if (Number.isNaN(value)) return
  const key = rounded(value)
  histogram.set(key, (histogram.get(key) ?? 0) + times)
}

export function addHistogram(to: Histogram, from: Histogram): void {
  for (const [key, times] of from) to.set(key, (to.get(key) ?? 0) + times)
}

/** In order, so that sums come out the same for any order of parts. */
export const inOrder = (histogram: Histogram): [value: number, times: number][] =>
  [...histogram].sort(([a], [b]) => a - b)

/** Of finite values; NaN without any. */
export function meanOf(histogram: Histogram): number {
  let sum = 0,
    all = 0
  for (const [value, times] of inOrder(histogram)) {
    if (!Number.isFinite(value)) continue
    sum += value * times
    all += times
  }
  return sum / all
}

/** How many values there are, and how many of them are below a limit. */
export function below(histogram: Histogram, limit: number): { all: number; below: number } {
  let all = 0,
    some = 0
  for (const [value, times] of histogram) {
    all += times
    if (value < limit) some += times
  }
  return { all, below: some }
}

/** The least value that more than `rank` values do not exceed: so many at most are below it. Infinity without any. */
export function valueAt(histogram: Histogram, rank: number): number {
  let seen = 0
  for (const [value, times] of inOrder(histogram)) if ((seen += times) > rank) return value
  return Infinity
}
