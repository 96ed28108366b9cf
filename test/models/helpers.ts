/** Pairs and rows with a known truth, for tests of models. */
import { Random } from '../../models/random.ts'
import { createPairText, type PairText } from '../../models/tokens.ts'
import type { DenseRows, SparseRows } from '../../models/rows.ts'

const encoder = new TextEncoder()

/** A pair's texts as the features read them, each in the middle of a larger buffer. */
export function pairOf(prompt: string, chosen: string, rejected: string, pair: PairText = createPairText()): PairText {
  for (const [side, text] of [
    [pair.prompt, prompt],
    [pair.chosen, chosen],
    [pair.rejected, rejected],
  ] as const) {
    const bytes = encoder.encode(`before ${text} after`)
    side.read(bytes, 7, bytes.length - 6)
  }
  return pair
}

/** Rows whose labels follow a hidden direction, as sure as `strength`, a share `eta` of them flipped. */
export function planted(options: { rows: number; columns: number; strength: number; eta: number; seed: number }): {
  rows: DenseRows
  flipped: Uint8Array
} {
  const random = new Random(options.seed)
  const truth = Array.from({ length: options.columns }, () => random.normal() / Math.sqrt(options.columns))
  const values = new Float32Array(options.rows * options.columns)
  const flipped = new Uint8Array(options.rows)
  for (let row = 0; row < options.rows; row++) {
    const x = truth.map(() => random.normal())
    const margin = options.strength * x.reduce((sum, value, c) => sum + value * truth[c], 0)
    const right = random.float() < 1 / (1 + Math.exp(-margin))
    flipped[row] = random.float() < options.eta ? 1 : 0
    const sign = right === (flipped[row] === 0) ? 1 : -1
    for (let c = 0; c < options.columns; c++) values[row * options.columns + c] = sign * x[c]
  }
  return { rows: { layout: 'dense', columns: options.columns, length: options.rows, values }, flipped }
}

/** The same rows in sparse form, zeros left out. */
export function toSparse(rows: DenseRows): SparseRows {
  const indptr = new Uint32Array(rows.length + 1)
  const indices: number[] = []
  const values: number[] = []
  for (let row = 0; row < rows.length; row++) {
    for (let c = 0; c < rows.columns; c++) {
      const value = rows.values[row * rows.columns + c]
      if (value === 0) continue
      indices.push(c)
      values.push(value)
    }
    indptr[row + 1] = indices.length
  }
  return {
    layout: 'sparse',
    columns: rows.columns,
    length: rows.length,
    indptr,
    indices: Uint32Array.from(indices),
    values: Float32Array.from(values),
  }
}

/** Folds 0..k-1 by row, in turn. */
export function foldsInTurn(rows: number, folds: number): Uint8Array {
  return Uint8Array.from({ length: rows }, (_, row) => row % folds)
}
