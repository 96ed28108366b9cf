/** How far margins can be taken for log-odds of the labels as given, and the temperature at which they can. */
import { fitCalibration } from '../../models/calibration.ts'
import { lossOf, sigmoid } from '../../models/head.ts'

/** How far probabilities are from how often labels agree with them. */
export interface Errors {
  /** Mean over all labels, by bin (expected calibration error). */
  readonly ece: number
  /** Mean over the bins that hold a label (average calibration error). */
  readonly ace: number
  /** Of the worst bin (maximum calibration error). */
  readonly mce: number
}
/** Labels of one bin: how many, and the means of what was said and of what is. */
export interface Bin {
  readonly rows: number
  readonly probability: number
  readonly share: number
}

/**
 * Errors of probabilities p against labels (1 or 0) over equal bins ](b - 1) / bins, b / bins], 0 in the first: as in
 * MORE's code. Of no label they are 0; bins that hold none are left out.
 */
export function calibrationErrors(
  labels: ArrayLike<number>,
  probabilities: ArrayLike<number>,
  bins: number,
): Errors & { readonly bins: readonly Bin[] } {
  const rows = new Float64Array(bins),
    said = new Float64Array(bins),
    is = new Float64Array(bins)
  for (let i = 0; i < labels.length; i++) {
    const p = probabilities[i]
    let bin = Math.min(bins - 1, Math.max(0, Math.ceil(p * bins) - 1))
    // 0.55 * 20 is a little above 11
    if (bin > 0 && p <= bin / bins) bin--
    rows[bin]++
    said[bin] += p
    is[bin] += labels[i]
  }
  const filled = [...rows.keys()].filter(bin => rows[bin] > 0),
    gaps = filled.map(bin => Math.abs(is[bin] - said[bin]) / rows[bin])
  return {
    ece: filled.reduce((sum, bin, i) => sum + gaps[i] * rows[bin], 0) / Math.max(1, labels.length),
    ace: gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(1, gaps.length),
    mce: Math.max(0, ...gaps),
    bins: filled.map(bin => ({
      rows: rows[bin],
      probability: said[bin] / rows[bin],
      share: is[bin] / rows[bin],
    })),
  }
}

/** P(the label as given) at a margin d: noise + (1 - 2 noise) s(d / temperature). */
export interface Curve {
  readonly temperature: number
  readonly noise: number
}
export const probabilityAt = ({ temperature, noise }: Curve, margin: number): number =>
  noise + (1 - 2 * noise) * sigmoid(margin / temperature)

/**
 * Errors of a curve over pairs. Every pair counts twice, as (1, p) and flipped as (0, 1 - p): all labels say
 * `chosen`, and a bin of low p would hold nothing but ones. `nll`: mean of -log p, in nats a pair.
 */
export function measure(margins: ArrayLike<number>, curve: Curve, bins: number) {
  const n = margins.length,
    labels = new Uint8Array(2 * n),
    probabilities = new Float64Array(2 * n)
  let nll = 0
  for (let i = 0; i < n; i++) {
    labels[i] = 1
    probabilities[i] = probabilityAt(curve, margins[i])
    probabilities[n + i] = probabilityAt(curve, -margins[i])
    nll += curve.noise > 0 ? -Math.log(probabilities[i]) : lossOf(margins[i] / curve.temperature)
  }
  return { ...calibrationErrors(labels, probabilities, bins), nll: n > 0 ? nll / n : 0 }
}

/** Why margins have no temperature; undefined where they have one. */
export function withoutTemperature(margins: ArrayLike<number>): string | undefined {
  let sum = 0,
    lowest = Infinity
  for (let i = 0; i < margins.length; i++) {
    sum += margins[i]
    lowest = Math.min(lowest, margins[i])
  }
  if (margins.length === 0) return 'no pair has a margin'
  if (!(sum > 0)) return 'margins speak against the labels as much as for them'
  return lowest < 0 ? undefined : 'no margin speaks against its label, and the likeliest temperature would be 0'
}

/**
 * The temperature T > 0 at which s(d / T) makes the labels likeliest, to the last digits. There is one if and only if
 * the mean margin is above 0 and some margin is below 0: the mean of log(1 + e^(-d / T)) is convex in 1 / T.
 */
export function temperatureOf(margins: ArrayLike<number>): number | undefined {
  if (withoutTemperature(margins) !== undefined) return undefined
  const slopeOf = (inverse: number) => {
    let sum = 0
    for (let i = 0; i < margins.length; i++) sum += margins[i] * sigmoid(-inverse * margins[i])
    return sum
  }
  let low = 0,
    high = 1
  while (slopeOf(high) > 0) {
    low = high
    high *= 2
  }
  for (let middle = (low + high) / 2; low < middle && middle < high; middle = (low + high) / 2) {
    if (slopeOf(middle) > 0) low = middle
    else high = middle
  }
  return 1 / high
}

/** Temperature and noise rate together, the latter with its 95 % interval. */
export function noisyCurve(margins: Float64Array) {
  if (withoutTemperature(margins) !== undefined) return undefined
  const { temperature, eta } = fitCalibration(margins)
  return Number.isFinite(temperature) ? { temperature, noise: eta.value, low: eta.low, high: eta.high } : undefined
}
