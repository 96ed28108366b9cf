/** The share of wrong labels by two bells of margins: of right labels, and mirrored of wrong ones. */

/**
 * Margins as a mixture of two normal bells that mirror each other: right labels around `mean`, a share `wrong` of wrong
 * ones around -mean. A plain object.
 */
export interface Mixture {
  mean: number
  deviation: number
  wrong: number
}

const STEPS = 200

/**
 * Fits the mixture by expectation and maximisation. (After PerpCorrect, which fits it to differences of perplexity;
 * here it is fitted to any antisymmetric margin, by likelihood.) Its noise rate is right where margins are bells; with
 * long tails or a heap at 0 it is too low.
 */
export function fitMixture(margins: Float64Array): Mixture {
  const n = margins.length
  let squares = 0,
    sum = 0
  for (let i = 0; i < n; i++) {
    squares += margins[i] * margins[i]
    sum += margins[i]
  }
  if (!(squares > 0)) return { mean: 0, deviation: 0, wrong: 0.5 }
  let mixture: Mixture = {
    mean: Math.abs(sum) / n || Math.sqrt(squares / n) / 2,
    deviation: Math.sqrt(squares / n),
    wrong: 0.2,
  }
  for (let step = 0; step < STEPS; step++) {
    let right = 0,
      total = 0
    for (let i = 0; i < n; i++) {
      const p = mixtureProbability(mixture, margins[i])
      right += p
      total += (2 * p - 1) * margins[i]
    }
    // |d - m|² and |d + m|² have one mean square, weighed by p
    const mean = Math.max(0, total / n),
      deviation = Math.sqrt(Math.max((1e-12 * squares) / n, squares / n - mean * mean)),
      wrong = Math.min(0.5, 1 - right / n)
    const moved = Math.abs(wrong - mixture.wrong) + Math.abs(mean - mixture.mean) / deviation
    mixture = { mean, deviation, wrong }
    if (moved < 1e-6) break
  }
  return mixture
}

/** P(the label is right) of a margin: the bell around `mean` made it. */
export function mixtureProbability({ mean, deviation, wrong }: Mixture, margin: number): number {
  if (!(deviation > 0)) return 1 - wrong
  return 1 / (1 + (wrong / (1 - wrong)) * Math.exp((-2 * mean * margin) / (deviation * deviation)))
}
