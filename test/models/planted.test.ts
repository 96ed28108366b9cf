import { expect, test } from 'vitest'
import { crossFit } from '../../models/head.ts'
import { plantFlips } from '../../models/planted.ts'
import { Random } from '../../models/random.ts'
import type { DenseRows } from '../../models/rows.ts'
import { foldsInTurn, planted } from './helpers.ts'

const folds = foldsInTurn(4000, 5)

test('a reviewer that can see finds what was planted, more of it the cleaner the data', () => {
  const results = [0, 0.2].map((eta) => {
    const { rows } = planted({ rows: 4000, columns: 12, strength: 8, eta, seed: 1 })
    const { l2 } = crossFit(rows, folds, { folds: 5, seed: 1 })
    return plantFlips(rows, folds, { folds: 5, seed: 1, l2 })
  })
  const [clean, noisy] = results
  expect(clean).toMatchObject({ rows: 4000, planted: 400, able: true })
  expect(clean.auroc.value).toBeGreaterThan(0.9)
  expect(clean.recall.value).toBeGreaterThan(0.6)
  expect(clean.precision.value).toBeGreaterThan(0.5)
  for (const { auroc, precision, recall } of results) {
    for (const { value, low, high } of [auroc, precision, recall]) expect(low < value && value < high).toBe(true)
  }
  expect(noisy.able).toBe(true)
  expect(noisy.auroc.value).toBeLessThan(clean.auroc.value)
  expect(noisy.precision.value).toBeLessThan(clean.precision.value)
})

test('a blind reviewer is not able', () => {
  const random = new Random(2)
  const rows: DenseRows = { layout: 'dense', columns: 5, length: 4000, values: Float32Array.from({ length: 20_000 }, () => random.normal()) }
  const result = plantFlips(rows, folds, { folds: 5, seed: 1, l2: 0.01 })
  expect(result.able).toBe(false)
  expect(result.auroc.low).toBeLessThan(0.55)
  expect(result.auroc.high).toBeGreaterThan(0.45)
})

test('options: share, limit, rule; the same seed plants the same rows', () => {
  const { rows } = planted({ rows: 4000, columns: 6, strength: 5, eta: 0.1, seed: 3 })
  const options = { folds: 5, seed: 4, l2: 0.001 }
  const result = plantFlips(rows, folds, options)
  expect(plantFlips(rows, folds, options)).toEqual(result)
  expect(plantFlips(rows, folds, { ...options, seed: 5 })).not.toEqual(result)
  expect(plantFlips(rows, folds, { ...options, flip_share: 0.05, min_auroc: 0.99 })).toMatchObject({ planted: 200, able: false })
  const all = plantFlips(rows, folds, { ...options, flag: (margins) => new Uint8Array(margins.length).fill(1) })
  expect(all).toMatchObject({ flagged: 4000, recall: { value: 1 }, precision: { value: 0.1 } })
})

test('rows that were already turned by signs are turned back when planted', () => {
  const { rows } = planted({ rows: 4000, columns: 6, strength: 5, eta: 0, seed: 3 })
  const signs = Int8Array.from({ length: 4000 }, (_, row) => (row % 2 === 0 ? 1 : -1))
  const turned = { ...rows, values: rows.values.map((value, k) => value * signs[Math.floor(k / 6)]) }
  const options = { folds: 5, seed: 4, l2: 0.001 }
  expect(plantFlips(turned, folds, { ...options, signs })).toEqual(plantFlips(rows, folds, options))
})
