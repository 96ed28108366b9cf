/** All heads that several cross-fits gave a reviewer, in one table: a row is judged by one head of each. */
import type { CrossFit } from './head.ts'
import type { Rows } from './rows.ts'

/** A plain object: it survives structured clone. Of words that no head weighs nothing is kept. */
export interface Heads {
  columns: number
  fits: number
  folds: number
  /** The columns that some head weighs, ascending. */
  used: Uint32Array
  /** By used column, then fit, then fold. */
  weights: Float32Array
}

export function packHeads(fits: readonly CrossFit[]): Heads {
  const [{ columns, folds }] = fits,
    heads = fits.flatMap(({ weights }) => weights)
  const isUsed = new Uint8Array(columns)
  for (const head of heads) for (let c = 0; c < columns; c++) if (head[c] !== 0) isUsed[c] = 1
  const used = Uint32Array.from(isUsed.keys()).filter(c => isUsed[c] === 1),
    weights = new Float32Array(used.length * heads.length)
  heads.forEach((head, h) => {
    for (let slot = 0; slot < used.length; slot++) weights[slot * heads.length + h] = head[used[slot]]
  })
  return { columns, fits: fits.length, folds, used, weights }
}

/** Judges rows: by fit the margin of each row, from the head of its fold in that fit (`folds[fit][row]`). */
export function headJudge(heads: Heads): (rows: Rows, folds: readonly Uint8Array[]) => Float64Array[] {
  const { columns, fits, used, weights } = heads,
    width = fits * heads.folds,
    slots = new Int32Array(columns).fill(-1)
  used.forEach((column, slot) => {
    slots[column] = slot
  })
  return (rows, folds) => {
    if (rows.columns !== columns) {
      throw new Error(`models: rows of ${rows.columns} columns for heads of ${columns}; use the features of the fit`)
    }
    const out = Array.from({ length: fits }, () => new Float64Array(rows.length)),
      at = new Int32Array(fits),
      sums = new Float64Array(fits)
    const add = (column: number, value: number) => {
      const slot = slots[column]
      if (slot >= 0) for (let f = 0; f < fits; f++) sums[f] += value * weights[slot * width + at[f]]
    }
    for (let row = 0; row < rows.length; row++) {
      for (let f = 0; f < fits; f++) at[f] = f * heads.folds + folds[f][row]
      sums.fill(0)
      if (rows.layout === 'sparse') {
        for (let k = rows.indptr[row], end = rows.indptr[row + 1]; k < end; k++) add(rows.indices[k], rows.values[k])
      } else {
        for (let c = 0; c < columns; c++) add(c, rows.values[row * columns + c])
      }
      for (let f = 0; f < fits; f++) out[f][row] = sums[f]
    }
    return out
  }
}
