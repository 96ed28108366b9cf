/** The beta distribution: what is known of a share after some of so many were counted. */

/** Lanczos' coefficients (g = 7, 9 terms), good to 15 digits. */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** The logarithm of the gamma function, for x of at least 0.5. */
function logGamma(x: number): number {
  let sum = LANCZOS[0]
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (x - 1 + i)
  const t = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** P(a value of Beta(a, b) is at most x): the regularised incomplete beta function, for a and b of at least 0.5. */
export function betaBelow(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  // the fraction converges fast on this side of the mean alone
  if (x > (a + 1) / (a + b + 2)) return 1 - betaBelow(1 - x, b, a)
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a
  return front * fraction(x, a, b)
}

const TINY = 1e-300
/** The continued fraction of the incomplete beta function, by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  const away = (value: number) => (Math.abs(value) < TINY ? TINY : value)
  let c = 1,
    d = 1 / away(1 - ((a + b) * x) / (a + 1)),
    product = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    product *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    product *= d * c
    if (Math.abs(d * c - 1) < 1e-15) break
  }
  return product
}

/** The value below which a share `at` of Beta(a, b) lies. With a of 0 it is 0, with b of 0 it is 1. */
export function betaQuantile(at: number, a: number, b: number): number {
  if (a <= 0) return 0
  if (b <= 0) return 1
  let low = 0,
    high = 1
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (betaBelow(middle, a, b) < at) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The lower end of a share of which `hits` of `trials` were seen, wrong by a chance of `miss` (Clopper, Pearson). */
export const lowerShare = (hits: number, trials: number, miss: number): number =>
  betaQuantile(miss, hits, trials - hits + 1)
