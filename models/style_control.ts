/** Style control: how far length, format and manners alone go with the labels of pairs, by a logistic regression. */

/** Counts of Markdown in a text, outside code between fences. */
export interface Markdown {
  readonly headers: number
  readonly lists: number
  readonly bold: number
}

export function markdownOf(text: string): Markdown {
  const plain = text.replace(/```[\s\S]*?(```|$)/g, ''),
    count = (pattern: RegExp) => plain.match(pattern)?.length ?? 0
  return {
    headers: count(/^#{1,6}\s/gm),
    lists: count(/^[ \t]*(?:\d+\.|[-*+])\s/gm),
    bold: count(/\*\*[^*\n]+\*\*|__[^_\n]+__/g),
  }
}

/** How much more of something the chosen side has: -1 to 1, and 0 where neither has any (FastChat's style features). */
export const relative = (chosen: number, rejected: number): number => (chosen - rejected) / (chosen + rejected + 1)

/** A weight in log-odds, with its standard error. */
export interface Weight {
  readonly value: number
  readonly error: number
}

/**
 * Logistic regression without an intercept of outcomes that are all "the chosen side is better": minimises the sum over
 * rows of log(1 + exp(-w·x)) + l2/2 |w|², by Newton's method. Row r is `values[r * width]` and those after it. Standard
 * errors are of the inverse Hessian, the ridge in it.
 */
export function ridgeWeights(values: ArrayLike<number>, width: number, l2: number): Weight[] {
  const rows = values.length / width,
    weights = new Float64Array(width)
  let inverse: Float64Array[] = []
  for (let step = 0; step < 50; step++) {
    const gradient = weights.map(weight => l2 * weight),
      hessian = Array.from({ length: width }, (_, a) =>
        Float64Array.from({ length: width }, (_, b) => (a === b ? l2 : 0)),
      )
    for (let row = 0, at = 0; row < rows; row++, at += width) {
      let z = 0
      for (let a = 0; a < width; a++) z += weights[a] * values[at + a]
      const wrong = 1 / (1 + Math.exp(z)),
        spread = wrong * (1 - wrong)
      for (let a = 0; a < width; a++) {
        gradient[a] -= wrong * values[at + a]
        for (let b = 0; b < width; b++) hessian[a][b] += spread * values[at + a] * values[at + b]
      }
    }
    inverse = inverseOf(hessian)
    let moved = 0
    for (let a = 0; a < width; a++) {
      const change = inverse[a].reduce((sum, value, b) => sum + value * gradient[b], 0)
      weights[a] -= change
      moved = Math.max(moved, Math.abs(change))
    }
    if (moved < 1e-10) break
  }
  return Array.from(weights, (value, a) => ({ value, error: Math.sqrt(inverse[a][a]) }))
}

/** The inverse of a positive definite matrix (Gauss and Jordan: no pivots are needed). */
function inverseOf(matrix: readonly Float64Array[]): Float64Array[] {
  const size = matrix.length,
    work = matrix.map((row, a) =>
      Float64Array.from({ length: 2 * size }, (_, b) => (b < size ? row[b] : b - size === a ? 1 : 0)),
    )
  for (let a = 0; a < size; a++) {
    const pivot = work[a][a]
    for (let b = 0; b < 2 * size; b++) work[a][b] /= pivot
    for (let c = 0; c < size; c++) {
      const factor = c === a ? 0 : work[c][a]
      if (factor !== 0) for (let b = 0; b < 2 * size; b++) work[c][b] -= factor * work[a][b]
    }
  }
  return work.map(row => row.slice(size))
}
