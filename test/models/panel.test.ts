import { expect, test } from 'vitest'
import { crossMargins } from '../../models/head.ts'
import { against, fitPanel, foundWrong, meanMargins, probabilityOf, type Panel, type PanelOptions } from '../../models/panel.ts'
import { Random } from '../../models/random.ts'
import type { DenseRows } from '../../models/rows.ts'
import { foldsInTurn, planted } from './helpers.ts'

const folds = foldsInTurn(4000, 5)
const options: PanelOptions = { rule: 'both', folds: 5, seed: 4, min_auroc: 0.6, flip_share: 0.1 }

/** Two reviewers of one hidden truth: each sees its own half of the columns. */
function twoSamples(eta: number, seed: number): { samples: DenseRows[], flipped: Uint8Array } {
  const { rows, flipped } = planted({ rows: 4000, columns: 12, strength: 8, eta, seed })
  const half = (from: number): DenseRows => ({
    layout: 'dense', columns: 6, length: 4000, values: Float32Array.from({ length: 24_000 }, (_, k) => rows.values[Math.floor(k / 6) * 12 + from + k % 6]),
  })
  return { samples: [half(0), half(6)], flipped }
}

const marginsOf = (panel: Panel, samples: readonly DenseRows[]) => panel.reviewers.map(({ fit }, m) => crossMargins(fit, samples[m], folds))

test('reviewers that can see find what was planted, and what was wrong before', () => {
  const { samples, flipped } = twoSamples(0.15, 1)
  const panel = fitPanel(['style', 'style'], samples, folds, options)
  expect(panel.able).toBe(true)
  const { auroc, precision, recall } = panel.self_test
  for (const { value, low, high } of [auroc, precision, recall]) expect(low < value && value < high).toBe(true)
  const margins = marginsOf(panel, samples)
  const wrong = foundWrong('both', panel.reviewers, margins, panel.thresholds, panel.joint_threshold)
  let hits = 0, found = 0
  for (let i = 0; i < 4000; i++) { found += wrong[i]; hits += wrong[i] & flipped[i] }
  expect(hits / found).toBeGreaterThan(0.5)
  // labels that were turned round are less likely to be right
  const mean = meanMargins(panel.reviewers, margins)
  const average = (flag: number) => { const some = [...mean].filter((_, i) => flipped[i] === flag).map(margin => probabilityOf(panel, margin)); return some.reduce((a, b) => a + b, 0) / some.length }
  expect(average(0) - average(1)).toBeGreaterThan(0.2)
})

test('blind reviewers are not able', () => {
  const random = new Random(2)
  const blind = (): DenseRows => ({ layout: 'dense', columns: 5, length: 4000, values: Float32Array.from({ length: 20_000 }, () => random.normal()) })
  const panel = fitPanel(['style', 'style'], [blind(), blind()], folds, options)
  expect(panel.able).toBe(false)
  expect(panel.self_test.auroc.low).toBeLessThan(0.55)
  expect(panel.noise_rate.how).toBe('confident')
})

test('one reviewer asked twice is noticed', () => {
  const { samples: [sample] } = twoSamples(0, 3)
  expect(fitPanel(['style', 'style'], [sample, sample], folds, options).correlation).toEqual({ correlation: expect.closeTo(1, 6), near_copy: true })
})

test('both finds a part of what either finds; a given noise rate sets the share that each speaks against', () => {
  const { samples } = twoSamples(0.1, 5)
  const panel = fitPanel(['style', 'style'], samples, folds, { ...options, noise_rate: 0.1 })
  expect(panel.noise_rate).toEqual({ value: 0.1, low: 0.1, high: 0.1, how: 'given' })
  const margins = marginsOf(panel, samples)
  const [both, either, mean] = (['both', 'either', 'mean'] as const).map(rule => foundWrong(rule, panel.reviewers, margins, panel.thresholds, panel.joint_threshold))
  both.forEach((flag, i) => { if (flag) expect(either[i]).toBe(1) })
  expect(mean.reduce((n, flag) => n + flag, 0)).toBe(400)
  margins.forEach((some, m) => expect(some.filter(margin => margin <= panel.thresholds[m]).length).toBe(400))
  expect(against(panel.thresholds, margins).every((count, i) => (count === 2) === (both[i] === 1))).toBe(true)
})

test('the same seed gives the same panel, another seed another self-test', () => {
  const { samples } = twoSamples(0.1, 6)
  const panel = fitPanel(['style', 'style'], samples, folds, options)
  expect(fitPanel(['style', 'style'], samples, folds, options)).toEqual(panel)
  expect(fitPanel(['style', 'style'], samples, folds, { ...options, seed: 5 }).self_test).not.toEqual(panel.self_test)
})

test('no rows make a panel that is not able', () => {
  const none: DenseRows = { layout: 'dense', columns: 5, length: 0, values: new Float32Array(0) }
  const panel = fitPanel(['style'], [none], new Uint8Array(0), options)
  expect(panel.able).toBe(false)
  expect(panel.thresholds).toEqual([-Infinity])
})
