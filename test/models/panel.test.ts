/** A panel finds what was planted, says how well, and says so where it cannot see. */
import { expect, test } from 'vitest'
import { crossMargins } from '../../models/head.ts'
import { auroc } from '../../models/metrics.ts'
import { curriculumRank, fitPanel, mayDrop, probabilityOf, type Panel, type PanelOptions } from '../../models/panel.ts'
import { against, foundWrong, type Rule } from '../../models/rule.ts'
import { Random } from '../../models/random.ts'
import type { ReviewerSpec } from '../../models/reviewer.ts'
import type { DenseRows } from '../../models/rows.ts'
import { stackMargins } from '../../models/stack.ts'
import { foldsInTurn, planted } from './helpers.ts'

const folds = foldsInTurn(2000, 5)
const options: PanelOptions = { rule: 'both', folds: 5, seed: 4, min_auroc: 0.6, share_by: 'evidence', flip_share: 0.1 }

/** Two reviewers of one hidden truth: each sees its own half of the columns. */
function twoSamples(eta: number, seed: number): { samples: DenseRows[]; flipped: Uint8Array } {
  const { rows, flipped } = planted({ rows: 2000, columns: 12, strength: 8, eta, seed })
  const half = (from: number): DenseRows => ({
    layout: 'dense',
    columns: 6,
    length: 2000,
    values: Float32Array.from({ length: 12_000 }, (_, k) => rows.values[Math.floor(k / 6) * 12 + from + (k % 6)]),
  })
  return { samples: [half(0), half(6)], flipped }
}

const two: ReviewerSpec[] = [
  { name: 'one', from: 'learned' },
  { name: 'other', from: 'learned' },
]
const fit = (
  samples: readonly DenseRows[],
  more: Partial<PanelOptions> = {},
  specs: readonly ReviewerSpec[] = two.slice(0, samples.length),
) => fitPanel({ specs, samples, folds: folds.slice(0, samples[0].length) }, samples[0], { ...options, ...more })
const blindRows = (seed: number): DenseRows => {
  const random = new Random(seed)
  return {
    layout: 'dense',
    columns: 5,
    length: 2000,
    values: Float32Array.from({ length: 10_000 }, () => random.normal()),
  }
}
const found = (rule: Rule, panel: Panel, margins: Float64Array[]) =>
  foundWrong(
    rule,
    panel.stack,
    margins,
    stackMargins(panel.stack, margins, folds),
    panel.thresholds,
    panel.stack_threshold,
  )
const count = (flags: Uint8Array) => flags.reduce((n, flag) => n + flag, 0)

const marginsOf = (panel: Panel, samples: readonly DenseRows[]) =>
  panel.reviewers.map(({ fit }, m) => crossMargins(fit, samples[m], folds))

test('reviewers that can see find what was planted, and what was wrong before', () => {
  const { samples, flipped } = twoSamples(0.15, 1)
  const panel = fit(samples)
  expect(panel.able).toBe(true)
  expect(panel.stack.sees).toEqual([true, true])
  const { auroc, auroc_corrected, precision, recall } = panel.self_test
  for (const { value, low, high } of [auroc, auroc_corrected, precision, recall]) {
    expect(low < value && value < high).toBe(true)
  }
  const margins = marginsOf(panel, samples)
  const wrong = found('both', panel, margins)
  let hits = 0
  for (let i = 0; i < 2000; i++) hits += wrong[i] & flipped[i]
  expect(hits / count(wrong)).toBeGreaterThan(0.5)
  // labels that were flipped are less likely to be right
  const stacked = stackMargins(panel.stack, margins, folds)
  const average = (flag: number) => {
    const some = [...stacked].filter((_, i) => flipped[i] === flag).map(margin => probabilityOf(panel, margin))
    return some.reduce((a, b) => a + b, 0) / some.length
  }
  expect(average(0) - average(1)).toBeGreaterThan(0.2)
})

test('the corrected figure is that against the truth, whatever the share of wrong labels', () => {
  for (const eta of [0.1, 0.3]) {
    const { samples, flipped } = twoSamples(eta, 11)
    const panel = fit(samples, { noise_rate: eta })
    const truth = auroc(
      stackMargins(panel.stack, marginsOf(panel, samples), folds).map(margin => -margin),
      flipped,
    )
    const { low, high } = panel.self_test.auroc_corrected
    expect(low).toBeLessThan(truth.value)
    // planted flips are more noise: the heads of the test see a little less
    expect(high).toBeGreaterThan(truth.value - 0.06)
    expect(panel.self_test.auroc.value).toBeLessThan(truth.value - 0.02)
  }
})

test('blind reviewers are not able, and have no voice', () => {
  const panel = fit([blindRows(2), blindRows(3)])
  expect(panel.able).toBe(false)
  expect(mayDrop(panel)).toBe(false)
  expect(panel.stack.sees).toEqual([false, false])
  expect(panel.self_test.auroc.low).toBeLessThan(0.55)
  expect(panel.noise_rate.how).toBe('confident')
  const margins = marginsOf(panel, [blindRows(2), blindRows(3)])
  for (const rule of ['both', 'either', 'stack', 'exchange'] as const) {
    expect(count(found(rule, panel, margins))).toBe(0)
  }
  expect(probabilityOf(panel, 0)).toBe(0.5)
})

test('a blind reviewer beside one that sees has no voice, and changes next to nothing', () => {
  const {
    samples: [sample],
    flipped,
  } = twoSamples(0.15, 7)
  const alone = fit([sample]),
    beside = fit([sample, blindRows(9)])
  expect(beside.stack.sees).toEqual([true, false])
  const margins = marginsOf(beside, [sample, blindRows(9)])
  // its lowest share is its own, but for the noise rate, which is estimated with the other in it
  expect(beside.thresholds[1]).toBe(-Infinity)
  expect(
    Math.abs(count(found('both', beside, margins)) - count(found('both', alone, margins.slice(0, 1)))),
  ).toBeLessThan(40)
  const right = (panel: Panel, some: Float64Array[]) =>
    auroc(
      stackMargins(panel.stack, some, folds).map(margin => -margin),
      flipped,
    ).value
  expect(right(beside, margins)).toBeCloseTo(right(alone, margins.slice(0, 1)), 2)
  // scores that are given have no such modesty: a blind one weighs exactly nothing
  const given = fit(
    [sample, { ...blindRows(9), columns: 1, values: blindRows(9).values.filter((_, k) => k % 5 === 0) }],
    {},
    [two[0], { name: 'other', from: 'given' }],
  )
  expect(given.stack.sees).toEqual([true, false])
  expect(given.stack.overall[1]).toBe(0)
})

test('given margins are taken as they are: no head is trained, the scale is found', () => {
  const random = new Random(12)
  const {
    samples: [sample],
    flipped,
  } = twoSamples(0.2, 8)
  const scores: DenseRows = {
    layout: 'dense',
    columns: 1,
    length: 2000,
    values: Float32Array.from(flipped, flip => 500 * ((flip ? -1 : 1) + 1.5 * random.normal())),
  }
  const panel = fit([sample, scores], {}, [two[0], { name: 'scores', from: 'given' }])
  const margins = marginsOf(panel, [sample, scores])
  expect(margins[1]).toEqual(Float64Array.from(scores.values))
  expect(panel.reviewers[1].calibration.plain_temperature).toBeGreaterThan(100)
  const stacked = auroc(
    stackMargins(panel.stack, margins, folds).map(margin => -margin),
    flipped,
  )
  for (const some of margins) {
    expect(stacked.value).toBeGreaterThan(
      auroc(
        some.map(margin => -margin),
        flipped,
      ).value + 0.02,
    )
  }
})

test('among many wrong labels the exchange is tried, and taken where planted flips are then found better', () => {
  const noisy = twoSamples(0.38, 13),
    panel = fit(noisy.samples, { rule: 'exchange' })
  expect(panel.exchange).toBeDefined()
  // kept, the panel judges by what the reviewers have learned from each other; else it is the one of the plain rule
  const stack = fit(noisy.samples, { rule: 'stack' }),
    isPlain = Object.is(JSON.stringify([...stack.quantiles]), JSON.stringify([...panel.quantiles]))
  expect(isPlain).toBe(!(panel.exchange!.after > panel.exchange!.before))
  // where few are wrong there is little to gain, and it is not tried
  expect(fit(twoSamples(0.05, 13).samples, { rule: 'exchange' }).exchange).toBeUndefined()
})

test('the way from easy to hard: a share of the sample for every margin', () => {
  const { samples } = twoSamples(0.1, 14),
    panel = fit(samples)
  const stacked = stackMargins(panel.stack, marginsOf(panel, samples), folds)
  const ranks = Float64Array.from(stacked, margin => curriculumRank(panel, margin))
  stacked.forEach((margin, i) =>
    expect(Math.abs(ranks[i] - stacked.filter(other => other > margin).length / 2000)).toBeLessThan(0.002),
  )
  expect([curriculumRank(panel, Infinity), curriculumRank(panel, -Infinity)]).toEqual([0, 1])
})

test('one reviewer asked twice is noticed, and counts once', () => {
  const {
    samples: [sample],
  } = twoSamples(0, 3)
  const panel = fit([sample, sample])
  expect(panel.correlation).toEqual({
    first: 'one',
    second: 'other',
    correlation: expect.closeTo(1, 6),
    near_copy: true,
  })
  expect(panel.stack.overall[0] + panel.stack.overall[1]).toBeCloseTo(fit([sample]).stack.overall[0], 1)
})

test('both finds a part of what either finds; each speaks against its own lowest share', () => {
  const { samples } = twoSamples(0.1, 5)
  const panel = fit(samples, { noise_rate: 0.1, share_by: 'noise_rate' })
  expect(mayDrop(panel)).toBe(true)
  expect(panel.evidence).toBeUndefined()
  expect(panel.noise_rate).toEqual({ value: 0.1, low: 0.1, high: 0.1, how: 'given' })
  const margins = marginsOf(panel, samples)
  const [both, either, stack] = (['both', 'either', 'stack'] as const).map(rule => found(rule, panel, margins))
  both.forEach((flag, i) => {
    if (flag) expect(either[i]).toBe(1)
  })
  expect(count(stack)).toBe(200)
  margins.forEach((some, m) => expect(some.filter(margin => margin <= panel.thresholds[m]).length).toBe(200))
  expect(against(panel.thresholds, margins).every((voices, i) => (voices === 2) === (both[i] === 1))).toBe(true)
})

test('the same seed gives the same panel, another seed another self-test', () => {
  const { samples } = twoSamples(0.1, 6)
  const panel = fit(samples)
  expect(fit(samples)).toEqual(panel)
  expect(fit(samples, { seed: 5 }).self_test).not.toEqual(panel.self_test)
  expect(structuredClone(panel)).toEqual(panel)
})

test('no rows make a panel that is not able', () => {
  const none: DenseRows = { layout: 'dense', columns: 5, length: 0, values: new Float32Array(0) }
  const panel = fit([none])
  expect(panel.able).toBe(false)
  expect(panel.thresholds).toEqual([-Infinity])
})

test('where flipped labels are hardly told from the others nothing is tried; where they are told a little a gain beyond chance is asked for', () => {
  const scores = (mean: number): DenseRows => {
    const random = new Random(3)
    return {
      layout: 'dense',
      columns: 1,
      length: 2000,
      values: Float32Array.from({ length: 2000 }, () => random.normal() + mean),
    }
  }
  const at = (mean: number) => fit([scores(mean)], { rule: 'stack' }, [{ name: 'score', from: 'given' }])
  const hardly = at(0.05),
    little = at(0.15)
  expect([hardly.tells, hardly.able, hardly.evidence, mayDrop(hardly)]).toEqual([false, false, undefined, false])
  expect(hardly.self_test.auroc.low).toBeGreaterThan(0.5)
  expect([little.tells, little.able]).toEqual([true, false])
  expect(little.evidence).toBeDefined()
})
