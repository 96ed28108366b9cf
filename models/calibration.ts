/** What margins are worth as probabilities, and how many labels they say are wrong. */
import { sigmoid } from './head.ts'
import { calibrationError, type Estimate } from './metrics.ts'

/** What a reviewer's out-of-fold margins say about the labels. A plain object. */
export interface Calibration {
  /**
   * Noise rate: the chance that a label as given is the wrong way round, in [0, 0.5), with its 95 % profile-likelihood
   * interval.
   */
  eta: Estimate
  /**
   * Scale T of the margins beside `eta`: P(the label's side is truly better) = s(d / T). Infinity for margins that say
   * nothing.
   */
  temperature: number
  /** Scale without a noise rate: s(d / T) is the share of labels at a margin that agree with it. */
  plain_temperature: number
  /** The interval of `eta` is at most `MAX_ETA_WIDTH` wide. If false, `eta` is the curve's shape and no more. */
  identified: boolean
  rows: number
  /** Log-likelihood of the labels (nats, over all rows) under s(d / plain_temperature), above that of a coin. */
  plain_gain: number
  /** Calibration error (10 bins) of s(d) as trained, and of the fitted eta + (1 - 2 eta) s(d / T). */
  error_before: number
  error_after: number
}

/** An interval of eta wider than this is not taken for knowledge. */
export const MAX_ETA_WIDTH = 0.15

const BINS = 256
const MAX_ETA = 0.495
const STEP = 0.005
const HALF_CHI2 = 1.920729410347062

/**
 * Fits noise rate and temperature to out-of-fold margins, by maximum likelihood of P(label as given) = eta + (1 - 2
 * eta) s(d / T).
 *
 * Every label is "the chosen side is better", so the likelihood of a row is that of seeing its label, and the model is
 * antisymmetric in d. (After the calibration of MORE, arXiv 2312.07401; the joint fit is derived here.) Margins are
 * binned at 256 quantiles, so cost does not grow beyond a sort. What tells eta from T is the plateau: with strong
 * margins the share of contradicted labels stops falling at eta. Weak reviewers have no plateau; then the interval is
 * wide and `identified` is false. The interval knows chance only, not a wrong model: true preferences that no feature
 * explains look like noise, and rows of one prompt count as independent.
 */
export function fitCalibration(margins: Float64Array): Calibration {
  const binned = binMargins(margins)
  const plain = fitSlope(binned, 0)
  const grid: { eta: number; slope: number; gain: number }[] = []
  let best = 0
  for (let eta = 0; eta <= MAX_ETA + 1e-9; eta += STEP) {
    const { slope, gain } = fitSlope(binned, eta)
    grid.push({ eta, slope, gain })
    if (gain > grid[best].gain) best = grid.length - 1
  }
  const fitted = refine(binned, grid, best)
  const floor = fitted.gain - HALF_CHI2
  let first = best
  let last = best
  while (first > 0 && grid[first - 1].gain >= floor) first--
  while (last < grid.length - 1 && grid[last + 1].gain >= floor) last++
  const low = first === 0 ? 0 : crossing(grid[first - 1], grid[first], floor)
  const high = last === grid.length - 1 ? 0.5 : crossing(grid[last + 1], grid[last], floor)
  const expected = new Float64Array(margins.length)
  for (let i = 0; i < margins.length; i++) {
    expected[i] = fitted.eta + (1 - 2 * fitted.eta) * sigmoid(margins[i] * fitted.slope)
  }
  return {
    eta: { value: fitted.eta, low, high },
    temperature: 1 / fitted.slope,
    plain_temperature: 1 / plain.slope,
    identified: margins.length > 0 && high - low <= MAX_ETA_WIDTH,
    rows: margins.length,
    plain_gain: plain.gain,
    error_before: calibrationError(margins.map(sigmoid)),
    error_after: calibrationError(expected),
  }
}

/** The noise rate alone, without its interval, a third as costly as all of `fitCalibration`. */
export function fitNoiseRate(margins: Float64Array): number {
  const binned = binMargins(margins)
  const coarse = 4 * STEP
  let best = { eta: 0, gain: -Infinity }
  for (let eta = 0; eta <= MAX_ETA; eta += coarse) {
    const { gain } = fitSlope(binned, eta)
    if (gain > best.gain) best = { eta, gain }
  }
  return goldenMaximum(
    eta => fitSlope(binned, eta).gain,
    Math.max(0, best.eta - coarse),
    Math.min(MAX_ETA, best.eta + coarse),
  )
}

/**
 * The slope 1 / T >= 0 that makes the labels likeliest under s(d / T), and their log-likelihood there (nats, over all
 * rows) above that of a coin.
 */
export function plainFit(margins: Float64Array): { slope: number; gain: number } {
  return fitSlope(binMargins(margins), 0)
}

/**
 * How sure it is that margins of a learned head are log-odds as they come: a normal prior of slope 1 with this
 * precision, a standard deviation of a half.
 */
const PRIOR = 4

/** The slope 1 / T >= 0 of margins that are likely to be log-odds already: where rows say little it stays near 1. */
export function learnedSlope(margins: Float64Array): number {
  let slope = 1
  for (let step = 0; step < 50; step++) {
    let gradient = PRIOR * (1 - slope),
      curvature = PRIOR
    for (let i = 0; i < margins.length; i++) {
      const p = sigmoid(slope * margins[i])
      gradient += (1 - p) * margins[i]
      curvature += p * (1 - p) * margins[i] * margins[i]
    }
    const next = Math.max(0, slope + gradient / curvature)
    if (Math.abs(next - slope) < 1e-6) return next
    slope = next
  }
  return slope
}

/**
 * The slope b >= 0 under which eta + (1 - 2 eta) s(b d) makes the labels as given likeliest; 0 for margins that say
 * nothing.
 */
export function slopeFor(margins: Float64Array, eta: number): number {
  return fitSlope(binMargins(margins), eta).slope
}

/**
 * The share of labels that agree with reviewers who are this sure: needs no noise rate, right under any. 0.5 when the
 * margins say nothing.
 */
export function support(calibration: Calibration, margin: number): number {
  return sigmoid(margin / calibration.plain_temperature)
}

/**
 * Confident learning in closed form for pairs: with p = P(label) out of fold, t = mean p; a label is flagged if 1 - p
 * >= t. Needs no noise rate. (After cleanlab's count.py; on oriented pairs, which have but one class, the general form
 * does nothing.) A threshold of at most 0.5 means that the reviewer is no better than chance, and nothing should be
 * flagged; then this returns NaN.
 */
export function confidentThreshold(probabilities: Float64Array): number {
  let sum = 0
  for (let i = 0; i < probabilities.length; i++) sum += probabilities[i]
  const mean = sum / probabilities.length
  return mean > 0.5 ? mean : NaN
}

/** 1 where 1 - p reaches `confidentThreshold` of these probabilities, else 0. */
export function flagConfident(probabilities: Float64Array): Uint8Array {
  const threshold = confidentThreshold(probabilities)
  const flags = new Uint8Array(probabilities.length)
  for (let i = 0; i < flags.length; i++) flags[i] = 1 - probabilities[i] >= threshold ? 1 : 0
  return flags
}

interface Binned {
  margins: Float64Array
  counts: Float64Array
  scale: number
}

function binMargins(margins: Float64Array): Binned {
  const sorted = margins.slice().sort()
  const n = sorted.length
  const bins = Math.min(BINS, n)
  const means = new Float64Array(bins)
  const counts = new Float64Array(bins)
  let squares = 0
  for (let b = 0; b < bins; b++) {
    const from = Math.floor((b * n) / bins)
    const to = Math.floor(((b + 1) * n) / bins)
    for (let i = from; i < to; i++) {
      means[b] += sorted[i] / (to - from)
      squares += sorted[i] * sorted[i]
    }
    counts[b] = to - from
  }
  return { margins: means, counts, scale: n > 0 ? Math.sqrt(squares / n) : 0 }
}

/** Log-likelihood above that of a blind reviewer. */
function gainOf(binned: Binned, eta: number, slope: number): number {
  let sum = 0
  for (let b = 0; b < binned.margins.length; b++) {
    // far margins of eta 0 underflow to log(0) otherwise
    const p = Math.max(eta + (1 - 2 * eta) * sigmoid(binned.margins[b] * slope), 1e-300)
    sum += binned.counts[b] * Math.log(2 * p)
  }
  return sum
}

/**
 * Best slope 1 / T >= 0 for an eta: a coarse search over its logarithm, as the likelihood need not be concave, then
 * golden section.
 */
function fitSlope(binned: Binned, eta: number): { slope: number; gain: number } {
  if (binned.scale === 0) return { slope: 0, gain: 0 }
  const at = (exponent: number) => gainOf(binned, eta, Math.exp(exponent) / binned.scale)
  let middle = -6
  let gain = -Infinity
  for (let exponent = -6; exponent <= 6; exponent++) {
    const here = at(exponent)
    if (here > gain) {
      gain = here
      middle = exponent
    }
  }
  const exponent = goldenMaximum(at, middle - 1, middle + 1)
  gain = at(exponent)
  return gain > 0 ? { slope: Math.exp(exponent) / binned.scale, gain } : { slope: 0, gain: 0 }
}

function refine(
  binned: Binned,
  grid: { eta: number; slope: number; gain: number }[],
  best: number,
): { eta: number; slope: number; gain: number } {
  const low = Math.max(0, grid[best].eta - STEP)
  const eta = goldenMaximum(e => fitSlope(binned, e).gain, low, Math.min(MAX_ETA, grid[best].eta + STEP))
  const { slope, gain } = fitSlope(binned, eta)
  return gain > grid[best].gain ? { eta, slope, gain } : grid[best]
}

function goldenMaximum(f: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2
  let low = from
  let high = to
  let a = high - ratio * (high - low)
  let b = low + ratio * (high - low)
  let fa = f(a)
  let fb = f(b)
  for (let step = 0; step < 14; step++) {
    if (fa >= fb) {
      high = b
      b = a
      fb = fa
      a = high - ratio * (high - low)
      fa = f(a)
    } else {
      low = a
      a = b
      fa = fb
      b = low + ratio * (high - low)
      fb = f(b)
    }
  }
  return (low + high) / 2
}

/** Where the profile falls through `floor`, linearly, between a grid point below it and one above. */
function crossing(below: { eta: number; gain: number }, above: { eta: number; gain: number }, floor: number): number {
  return above.eta + ((above.gain - floor) / (above.gain - below.gain)) * (below.eta - above.eta)
}
