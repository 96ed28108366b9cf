/** Heads are at their optimum, and know nothing of the fold that they judge. */
import fc from 'fast-check'
import { deserialize, serialize } from 'node:v8'
import { describe, expect, test } from 'vitest'
import { crossFit, crossMargins, dotRow, lossOf, trainHead } from '../../models/head.ts'
import { Random } from '../../models/random.ts'
import { fitReviewer } from '../../models/reviewer.ts'
import type { DenseRows, Rows } from '../../models/rows.ts'
import { foldsInTurn, planted, toSparse } from './helpers.ts'

const every = (rows: Rows) => Uint32Array.from({ length: rows.length }, (_, row) => row)

function objective(rows: DenseRows, weights: ArrayLike<number>, l2: number): number {
  let sum = 0
  for (let row = 0; row < rows.length; row++) {
    let margin = 0
    for (let c = 0; c < rows.columns; c++) margin += rows.values[row * rows.columns + c] * weights[c]
    sum += lossOf(margin)
  }
  return sum / rows.length + (l2 / 2) * Array.from(weights).reduce((total, w) => total + w * w, 0)
}

describe('trainHead', () => {
  test('the numeric gradient of the objective is zero at the trained weights, whatever l2', () => {
    const { rows } = planted({ rows: 300, columns: 6, strength: 2, eta: 0.1, seed: 1 })
    for (const l2 of [3, 0.1, 0.003]) {
      const { weights, duals, converged } = trainHead(rows, every(rows), l2, { seed: 1, tolerance: 1e-7 })
      expect(converged).toBe(true)
      for (let c = 0; c < rows.columns; c++) {
        const moved = (by: number) =>
          objective(
            rows,
            Array.from(weights, (w, k) => (k === c ? w + by : w)),
            l2,
          )
        expect(Math.abs(moved(1e-4) - moved(-1e-4)) / 2e-4).toBeLessThan(2e-5)
        expect(moved(0.05)).toBeGreaterThan(moved(0))
      }
      for (let row = 0; row < rows.length; row++) {
        expect(duals[row]).toBeCloseTo(1 / (1 + Math.exp(dotRow(rows, row, weights))), 3)
      }
    }
  })

  test('sparse and dense rows give the same head; another seed gives the same optimum; a start changes nothing but the time', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom(1, 0.05), (seed, l2) => {
        const { rows } = planted({ rows: 80, columns: 5, strength: 2, eta: 0.2, seed })
        for (let k = 0; k < rows.values.length; k += 3) rows.values[k] = 0
        const train = every(rows)
        const dense = trainHead(rows, train, l2, { seed: 1, tolerance: 1e-7 })
        expect(trainHead(toSparse(rows), train, l2, { seed: 1, tolerance: 1e-7 }).weights).toEqual(dense.weights)
        const started = trainHead(
          rows,
          train,
          l2,
          { seed: 2, tolerance: 1e-7 },
          trainHead(rows, train, 2 * l2, { seed: 3 }).duals,
        )
        for (let c = 0; c < rows.columns; c++) expect(started.weights[c]).toBeCloseTo(dense.weights[c], 4)
      }),
      { numRuns: 20 },
    )
  })

  test('no rows, or rows of zeros, give weights of zero', () => {
    const rows: DenseRows = { layout: 'dense', columns: 3, length: 2, values: new Float32Array(6) }
    expect([...trainHead(rows, new Uint32Array(0), 1, { seed: 1 }).weights]).toEqual([0, 0, 0])
    expect([...trainHead(rows, every(rows), 1, { seed: 1 }).weights]).toEqual([0, 0, 0])
  })
})

describe('crossFit', () => {
  test('a head does not depend on the rows of its fold', () => {
    const { rows } = planted({ rows: 200, columns: 5, strength: 2, eta: 0.1, seed: 3 })
    const sparse = toSparse(rows)
    const folds = foldsInTurn(200, 4)
    const fit = crossFit(sparse, folds, { folds: 4, seed: 1, l2: 0.01 })
    const other = { ...sparse, values: sparse.values.slice() }
    for (let row = 2; row < 200; row += 4) other.values.fill(9, sparse.indptr[row], sparse.indptr[row + 1])
    const changed = crossFit(other, folds, { folds: 4, seed: 1, l2: 0.01 })
    expect(changed.weights[2]).toEqual(fit.weights[2])
    expect(changed.weights[1]).not.toEqual(fit.weights[1])
    expect(fit.trained).toEqual([150, 150, 150, 150])
  })

  test('labels at random give out-of-fold margins no better than chance, though the heads know their own rows by heart', () => {
    const random = new Random(9)
    const rows: DenseRows = {
      layout: 'dense',
      columns: 300,
      length: 900,
      values: Float32Array.from({ length: 270_000 }, () => random.normal()),
    }
    const folds = foldsInTurn(900, 3)
    const fit = crossFit(rows, folds, { folds: 3, seed: 1, l2: 0.01 })
    const right = (margins: Float64Array) => margins.filter(margin => margin > 0).length / margins.length
    expect(Math.abs(right(crossMargins(fit, rows, folds)) - 0.5)).toBeLessThan(0.06)
    expect(
      right(
        crossMargins(
          fit,
          rows,
          folds.map(fold => (fold + 1) % 3),
        ),
      ),
    ).toBeGreaterThan(0.8)
  })

  test('rows that repeat under one prompt leak across folds by row and not across folds by prompt', () => {
    const random = new Random(4)
    const values = new Float32Array(600 * 300)
    for (let prompt = 0; prompt < 300; prompt++) {
      const row = Float32Array.from({ length: 300 }, () => random.normal())
      values.set(row, prompt * 600)
      values.set(row, prompt * 600 + 300)
    }
    const rows: DenseRows = { layout: 'dense', columns: 300, length: 600, values }
    const accuracy = (folds: Uint8Array) => {
      const margins = crossMargins(crossFit(rows, folds, { folds: 5, seed: 1, l2: 0.01 }), rows, folds)
      return margins.filter(margin => margin > 0).length / 600
    }
    expect(accuracy(foldsInTurn(600, 5))).toBeGreaterThan(0.7)
    expect(accuracy(Uint8Array.from({ length: 600 }, (_, row) => (row >> 1) % 5))).toBeLessThan(0.6)
  })

  test('the chosen l2 is near the best of the whole grid by the loss of fresh rows, and grows with the noise', () => {
    const strengths = [0, 0.4].map(eta => {
      const all = planted({ rows: 4000, columns: 40, strength: 3, eta, seed: 5 }).rows
      const rows = { ...all, length: 800, values: all.values.subarray(0, 800 * 40) }
      const folds = foldsInTurn(800, 5)
      const fresh = (l2?: number) => {
        const fit = crossFit(rows, folds, { folds: 5, seed: 1, l2 })
        let loss = 0
        for (let row = 800; row < 4000; row++) loss += lossOf(dotRow(all, row, fit.weights[0])) / 3200
        return { loss, l2: fit.l2 }
      }
      const chosen = fresh()
      const best = Math.min(...[3, 1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001].map(l2 => fresh(l2).loss))
      expect(chosen.loss).toBeLessThan(best + 0.01)
      return chosen.l2
    })
    expect(strengths[1]).toBeGreaterThan(3 * strengths[0])
  })

  test('scaling a dense column changes no margin', () => {
    const { rows } = planted({ rows: 300, columns: 4, strength: 2, eta: 0.1, seed: 6 })
    const scaled = { ...rows, values: rows.values.map((value, k) => (k % 4 === 1 ? value * 1024 : value)) }
    const folds = foldsInTurn(300, 5)
    const [a, b] = [rows, scaled].map(each => crossMargins(crossFit(each, folds, { folds: 5, seed: 1 }), each, folds))
    for (let row = 0; row < 300; row++) expect(b[row]).toBeCloseTo(a[row], 3)
  })

  test('one fold that holds everything, an empty fold, and no rows at all', () => {
    const { rows } = planted({ rows: 50, columns: 3, strength: 2, eta: 0, seed: 7 })
    const single = crossFit(rows, new Uint8Array(50), { folds: 2, seed: 1 })
    expect(single.trained).toEqual([0, 50])
    expect(crossMargins(single, rows, new Uint8Array(50)).every(margin => margin === 0)).toBe(true)
    const none = { ...rows, length: 0, values: new Float32Array(0) }
    expect(
      fitReviewer({ name: 'style', from: 'learned' }, none, new Uint8Array(0), { folds: 3, seed: 1 }).calibration,
    ).toMatchObject({ identified: false, rows: 0 })
  })

  test('what does not fit is refused', () => {
    const { rows } = planted({ rows: 10, columns: 3, strength: 2, eta: 0, seed: 7 })
    expect(() => crossFit(rows, new Uint8Array(9), { folds: 2, seed: 1 })).toThrow('models: 9 folds for 10 rows')
    expect(() => crossFit(rows, new Uint8Array(10).fill(2), { folds: 2, seed: 1 })).toThrow(
      'models: fold 2 at row 0; must be below 2',
    )
    const fit = crossFit(rows, foldsInTurn(10, 2), { folds: 2, seed: 1 })
    expect(() => crossMargins(fit, { ...rows, columns: 2, length: 15 }, foldsInTurn(15, 2))).toThrow(
      'models: rows of 2 columns for heads of 3',
    )
  })
})

test('a reviewer is the same each time and after a structured clone, and reviews rows it was not trained on', () => {
  const { rows } = planted({ rows: 1000, columns: 8, strength: 4, eta: 0.1, seed: 8 })
  const sample = { ...rows, length: 700, values: rows.values.slice(0, 5600) }
  const folds = foldsInTurn(1000, 5)
  const fit = () => fitReviewer({ name: 'style', from: 'learned' }, sample, folds.slice(0, 700), { folds: 5, seed: 3 })
  const reviewer = fit()
  expect(serialize(fit()).equals(serialize(reviewer))).toBe(true)
  const margins = crossMargins((deserialize(serialize(reviewer)) as typeof reviewer).fit, rows, folds)
  expect(margins).toEqual(crossMargins(reviewer.fit, rows, folds))
  expect(margins.subarray(700).filter(margin => margin > 0).length).toBeGreaterThan(210)
})
