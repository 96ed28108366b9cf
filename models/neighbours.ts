/** What the pairs most alike say of a label. */
import { mix32 } from '../engine/arrow/hash.ts'
import type { Rows } from './rows.ts'

/**
 * Pairs to look for neighbours among: their rows projected, each of length 1, one after another. A plain object: it
 * survives structured clone.
 */
export interface Neighbours {
  vectors: Float32Array
  folds: Uint8Array
  scales: Float64Array | undefined
  bandwidth: number
}

const WIDTH = 64
const NEAREST = 20
const MOST_PAIRS = 4_000

/**
 * A part of the sample, evenly spread, to look among. Folds are by prompt, and neighbours are looked for in other folds
 * only.
 */
export function fitNeighbours(rows: Rows, folds: Uint8Array): Neighbours {
  const step = Math.max(1, rows.length / MOST_PAIRS),
    count = Math.floor(rows.length / step),
    scales = scalesOf(rows)
  const neighbours: Neighbours = {
    vectors: new Float32Array(count * WIDTH),
    folds: new Uint8Array(count),
    scales,
    bandwidth: 1,
  }
  for (let i = 0; i < count; i++) {
    const row = Math.floor(i * step)
    neighbours.vectors.set(projected(rows, row, scales), i * WIDTH)
    neighbours.folds[i] = folds[row]
  }
  const distances = Float64Array.from({ length: Math.min(200, count) }, (_, i) =>
    nearest(neighbours, projected(rows, Math.floor(i * step), scales), folds[Math.floor(i * step)]),
  )
    .filter(Number.isFinite)
    .sort()
  if (distances.length > 0) neighbours.bandwidth = Math.max(1e-3, distances[distances.length >> 1])
  return neighbours

  function nearest(among: Neighbours, vector: Float32Array, fold: number): number {
    const near = nearestOf(among, vector, fold)
    return near.length > 0 ? Math.sqrt(Math.max(0, 2 - 2 * Math.abs(near[near.length - 1]))) : NaN
  }
}

/**
 * P(the label is right) by the pairs most alike (after the re-annotators of Shu 2022, arXiv 2205.05368; derived here):
 * a pair whose difference of sides points the same way votes for the label, one that points the opposite way against
 * it, each by a normal kernel of its distance, the bandwidth being the median distance of the 20th neighbour.
 */
export function neighbourProbability(among: Neighbours, rows: Rows, row: number, fold: number): number {
  let forIt = 0,
    against = 0
  for (const cosine of nearestOf(among, projected(rows, row, among.scales), fold)) {
    const weight = Math.exp((Math.abs(cosine) - 1) / among.bandwidth ** 2)
    if (cosine > 0) forIt += weight
    else against += weight
  }
  return forIt + against > 0 ? forIt / (forIt + against) : 0.5
}

/** The cosines of the 20 that are nearest to the vector or to its opposite, nearest first. */
function nearestOf({ vectors, folds }: Neighbours, vector: Float32Array, fold: number): number[] {
  const best: number[] = []
  for (let i = 0; i < folds.length; i++) {
    if (folds[i] === fold) continue
    let cosine = 0
    for (let c = 0, at = i * WIDTH; c < WIDTH; c++) cosine += vectors[at + c] * vector[c]
    if ((best.length === NEAREST && Math.abs(cosine) <= Math.abs(best[NEAREST - 1])) || cosine === 0) continue
    let at = best.length
    while (at > 0 && Math.abs(best[at - 1]) < Math.abs(cosine)) at--
    best.splice(at, 0, cosine)
    if (best.length > NEAREST) best.pop()
  }
  return best
}

/** A row under a projection of random signs, scaled to length 1. */
function projected(rows: Rows, row: number, scales: Float64Array | undefined): Float32Array {
  const out = new Float32Array(WIDTH)
  const from = rows.layout === 'sparse' ? rows.indptr[row] : row * rows.columns,
    to = rows.layout === 'sparse' ? rows.indptr[row + 1] : from + rows.columns
  for (let k = from; k < to; k++) {
    const column = rows.layout === 'sparse' ? rows.indices[k] : k - from,
      value = rows.values[k] * (scales === undefined ? 1 : scales[column])
    for (let half = 0; half < WIDTH; half += 32) {
      const bits = mix32(2 * column + half / 32 + 1)
      for (let c = 0; c < 32; c++) out[half + c] += (bits >>> c) & 1 ? value : -value
    }
  }
  let squares = 0
  for (const value of out) squares += value * value
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0
  return out.map(value => value * scale)
}

/** Dense columns are divided by their root mean square. */
function scalesOf(rows: Rows): Float64Array | undefined {
  if (rows.layout === 'sparse') return undefined
  const scales = new Float64Array(rows.columns)
  rows.values.forEach((value, k) => {
    scales[k % rows.columns] += value * value
  })
  return scales.map(square => (square > 0 ? 1 / Math.sqrt(square / rows.length) : 0))
}
