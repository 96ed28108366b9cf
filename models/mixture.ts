import { sigmoid } from './head.ts'

/** Two mirrored normals fitted to margins. A plain object. */
export interface Mixture {
  /** Share of the mirrored part: labels the wrong way round. */
  eta: number
  mean: number
  deviation: number
  /** Margin at which both parts weigh the same: below it a label is more likely wrong. -Infinity or Infinity when the mean is 0. */
  threshold: number
  steps: number
}

/**
 * Fits (1 - eta) N(d; mean, deviation) + eta N(d; -mean, deviation) to margins by expectation maximisation, mean >= 0, eta <= 0.5.
 *
 * After PerpCorrect (NeurIPS 2024), which fits a histogram of log-probability differences; the threshold is the one that its search finds, in
 * closed form. With heavy-tailed or one-sided margins it understates eta and flags few rows: fit for flipping, weak for dropping.
 */
export function fitMixture(margins: Float64Array, max_steps = 500): Mixture {
  const n = margins.length
  let square = 0
  let absolute = 0
  let below = 0
  for (let i = 0; i < n; i++) {
    square += (margins[i] * margins[i]) / n
    absolute += Math.abs(margins[i]) / n
    if (margins[i] < 0) below++
  }
  let eta = Math.min(0.5, Math.max(0.01, below / n))
  let mean = absolute
  let variance = Math.max(square - mean * mean, square * 1e-6)
  let steps = 0
  for (let moved = 1; n > 0 && square > 0 && steps < max_steps && moved > 1e-7; steps++) {
    const slope = (2 * mean) / variance
    const offset = Math.log((1 - eta) / eta)
    let clean = 0
    let pull = 0
    for (let i = 0; i < n; i++) {
      const r = sigmoid(slope * margins[i] + offset)
      clean += r
      pull += (2 * r - 1) * margins[i]
    }
    const share = Math.min(0.5, Math.max(1e-6, 1 - clean / n))
    moved = Math.abs(share - eta) + Math.abs(pull / n - mean) / Math.sqrt(square)
    eta = share
    mean = Math.max(0, pull / n)
    // the cross terms cancel: sum of r (d - m)² + (1 - r) (d + m)² is sum of d² - n m²
    variance = Math.max(square - mean * mean, square * 1e-6)
  }
  return { eta, mean, deviation: Math.sqrt(variance), threshold: (variance / (2 * mean)) * Math.log(eta / (1 - eta)), steps }
}

/** P(the label as given is right) of a margin under the mixture. */
export function mixturePosterior(mixture: Mixture, margin: number): number {
  const { eta, mean, deviation } = mixture
  return sigmoid((2 * mean * margin) / (deviation * deviation) + Math.log((1 - eta) / eta))
}
