/** Heads of several fits in one table judge as each of them does. */
import { expect, test } from 'vitest'
import { crossFit, crossMargins } from '../../models/head.ts'
import { headJudge, packHeads } from '../../models/heads.ts'
import { foldsInTurn, planted, toSparse } from './helpers.ts'

test('the margins of all fits are those of each, of dense rows and of sparse ones', () => {
  const { rows } = planted({ rows: 300, columns: 7, strength: 3, eta: 0.1, seed: 4 })
  // a column that is empty, which no head weighs
  for (let row = 0; row < 300; row++) rows.values[row * 7 + 3] = 0
  const folds = [foldsInTurn(300, 5), foldsInTurn(300, 5).map(fold => (fold * 3 + 1) % 5)]
  for (const some of [rows, toSparse(rows)]) {
    const fits = folds.map((fold, k) => crossFit(some, fold, { folds: 5, seed: k, l2: 0.01 }))
    const heads = packHeads(fits)
    expect(heads.used).not.toContain(3)
    expect(heads.weights.length).toBe(6 * 10)
    expect(headJudge(structuredClone(heads))(some, folds)).toEqual(
      fits.map((fit, k) => crossMargins(fit, some, folds[k])),
    )
  }
})

test('rows of other features are refused', () => {
  const { rows } = planted({ rows: 20, columns: 2, strength: 3, eta: 0, seed: 4 }),
    folds = foldsInTurn(20, 5)
  const judge = headJudge(packHeads([crossFit(rows, folds, { folds: 5, seed: 1, l2: 0.1 })]))
  expect(() => judge({ ...rows, columns: 1, length: 40 }, [foldsInTurn(40, 5)])).toThrow(
    'models: rows of 1 columns for heads of 2',
  )
})
