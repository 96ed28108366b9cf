/** A panel finds wrong labels, says how sure it is, and drops nothing where it cannot see. */
import { expect, test } from 'vitest'
import { agreementAt, probabilityAt } from '../../models/decision.ts'
import { auroc } from '../../models/metrics.ts'
import { curriculumRank, panelJudge, panelOf, type PanelOptions } from '../../models/panel.ts'
import { against, classesOf, foundWrong, mayDrop, rules, speaking } from '../../models/rule.ts'
import { Random } from '../../models/random.ts'
import type { ReviewerSpec } from '../../models/reviewer.ts'
import type { DenseRows } from '../../models/rows.ts'
import { planted } from './helpers.ts'

const ROWS = 2000
const options: PanelOptions = { seed: 4, min_auroc: 0.6, share_by: 'probability', exchange: false }
/** A prompt a row. */
const promptsOf = (rows: number) => Uint32Array.from({ length: rows }, (_, i) => i * 2654435761)
const nothing = { chosen: new Uint32Array(0), rejected: new Uint32Array(0) }

/** Two reviewers of one hidden truth: each sees its own half of the columns. */
function twoSamples(eta: number, seed: number): { samples: DenseRows[]; flipped: Uint8Array } {
  const { rows, flipped } = planted({ rows: ROWS, columns: 12, strength: 16, eta, seed })
  const half = (from: number): DenseRows => ({
    layout: 'dense',
    columns: 6,
    length: ROWS,
    values: Float32Array.from({ length: 6 * ROWS }, (_, k) => rows.values[Math.floor(k / 6) * 12 + from + (k % 6)]),
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
) => panelOf({ specs, samples, prompts: promptsOf(samples[0].length) }, { ...options, ...more })
const blindRows = (seed: number, columns = 5): DenseRows => {
  const random = new Random(seed)
  return {
    layout: 'dense',
    columns,
    length: ROWS,
    values: Float32Array.from({ length: ROWS * columns }, () => random.normal()),
  }
}
const count = (flags: Uint8Array) => flags.reduce((n, flag) => n + flag, 0)
const hitsOf = (flags: Uint8Array, flipped: Uint8Array) => flags.reduce((n, flag, i) => n + (flag & flipped[i]), 0)
const findsWrong = (margins: Float64Array, flipped: Uint8Array) =>
  auroc(
    margins.map(margin => -margin),
    flipped,
  ).value

test('reviewers that can see drop what was wrong, and say what share of it is', () => {
  const { samples, flipped } = twoSamples(0.15, 1),
    { panel, margins, stacked, wrong } = fit(samples)
  expect([panel.decision.gate, mayDrop(panel), panel.sees]).toEqual(['open', true, [true, true]])
  expect(panel.decision.noise.high).toBeGreaterThan(0.15)
  for (const rule of rules) {
    const { rows, precision } = panel.expected[rule],
      real = hitsOf(wrong[rule], flipped) / rows
    expect(rows).toBe(count(wrong[rule]))
    expect(rows).toBeGreaterThan(30)
    expect(precision.low < precision.value && precision.value <= precision.high).toBe(true)
    expect(real).toBeGreaterThan(precision.low)
    expect(real).toBeLessThan(precision.high + 0.05)
  }
  expect(hitsOf(wrong.stack, flipped) / count(wrong.stack)).toBeGreaterThan(0.6)
  // a dropped row is at most 0.5 by its own column, and agreed with by 2 of 5 at most
  stacked.forEach((margin, i) => {
    if (!wrong.stack[i]) return
    expect(probabilityAt(panel.decision, margin)).toBeLessThanOrEqual(0.5)
    expect(agreementAt(panel.decision, margin)).toBeLessThanOrEqual(0.4)
  })
  // labels that were flipped are less likely to be right
  const average = (flag: number) => {
    const some = [...stacked].filter((_, i) => flipped[i] === flag).map(margin => probabilityAt(panel.decision, margin))
    return some.reduce((a, b) => a + b, 0) / some.length
  }
  expect(average(0) - average(1)).toBeGreaterThan(0.3)
  // the mean of five fits sees as well as one reviewer, and better
  for (const some of margins) expect(findsWrong(stacked, flipped)).toBeGreaterThan(findsWrong(some, flipped) + 0.02)
})

test('both drops a part of what the stack does, either more; classes count the voices', () => {
  const { samples } = twoSamples(0.15, 5),
    { panel, margins, wrong } = fit(samples)
  const voices = against(panel, margins),
    says = speaking(panel, margins),
    classes = classesOf(panel, margins)
  expect(count(wrong.both)).toBeLessThan(count(wrong.stack))
  expect(count(wrong.either)).toBeGreaterThan(count(wrong.stack))
  for (let i = 0; i < ROWS; i++) {
    expect(wrong.both[i]).toBe(wrong.stack[i] && voices[i] === says[i] ? 1 : 0)
    expect(wrong.either[i]).toBeGreaterThanOrEqual(wrong.stack[i])
    expect(classes[i]).toBe(voices[i] === 0 ? 0 : voices[i] === says[i] ? 2 : 1)
  }
})

test('other rows are judged by heads that did not see their prompt, those of the sample as when it was fitted', () => {
  const { samples } = twoSamples(0.1, 6),
    { panel, margins, stacked, wrong } = fit(samples)
  const judged = panelJudge(structuredClone(panel))(samples, promptsOf(ROWS), nothing)
  expect(judged).toEqual({ margins, stacked })
  expect(foundWrong(panel, judged.margins, judged.stacked)).toEqual(wrong)
})

test('blind reviewers have no voice, and nothing is dropped by any rule', () => {
  const { panel, wrong } = fit([blindRows(2), blindRows(3)])
  expect([panel.decision.gate, mayDrop(panel), panel.sees]).toEqual(['auroc', false, [false, false]])
  expect(panel.decision.auroc.low).toBeLessThan(0.55)
  for (const rule of rules) expect(count(wrong[rule])).toBe(0)
  const share = fit([blindRows(2), blindRows(3)], { share_by: 'noise_rate', noise_rate: 0.2 })
  for (const rule of rules) expect(count(share.wrong[rule])).toBe(0)
})

test('a blind reviewer beside one that sees has no voice, and changes next to nothing', () => {
  const {
    samples: [sample],
    flipped,
  } = twoSamples(0.15, 7)
  const alone = fit([sample]),
    beside = fit([sample, blindRows(9)])
  expect(beside.panel.sees).toEqual([true, false])
  expect(Math.abs(count(beside.wrong.both) - count(alone.wrong.both))).toBeLessThan(40)
  expect(findsWrong(beside.stacked, flipped)).toBeCloseTo(findsWrong(alone.stacked, flipped), 2)
  // scores that are given have no such modesty: a blind one weighs exactly nothing
  const given = fit([sample, blindRows(9, 1)], {}, [two[0], { name: 'other', from: 'given' }])
  expect(given.panel.sees).toEqual([true, false])
  expect(given.panel.reviewers[1].weight).toBe(0)
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
    length: ROWS,
    values: Float32Array.from(flipped, flip => 500 * ((flip ? -1 : 1) + 1.5 * random.normal())),
  }
  const { panel, margins, stacked } = fit([sample, scores], {}, [two[0], { name: 'scores', from: 'given' }])
  expect(margins[1]).toEqual(Float64Array.from(scores.values))
  expect(panel.reviewers[1].calibration.plain_temperature).toBeGreaterThan(100)
  for (const some of margins) expect(findsWrong(stacked, flipped)).toBeGreaterThan(findsWrong(some, flipped) + 0.02)
})

test('a share that is asked for is dropped, of each reviewer its own lowest, if they see', () => {
  const { samples } = twoSamples(0.1, 5),
    { panel, margins, wrong } = fit(samples, { noise_rate: 0.1, share_by: 'noise_rate' })
  expect(panel.decision.noise).toEqual({ value: 0.1, high: 0.1, how: 'given' })
  expect(count(wrong.stack)).toBe(200)
  margins.forEach((some, m) => expect(some.filter(margin => margin <= panel.lowest!.reviewers[m]).length).toBe(200))
  wrong.both.forEach((flag, i) => expect(flag).toBeLessThanOrEqual(wrong.stack[i]))
  expect(count(wrong.either)).toBeGreaterThan(200)
})

test('reviewers may learn again from what the others trust', () => {
  const { samples, flipped } = twoSamples(0.35, 13),
    plain = fit(samples),
    again = fit(samples, { exchange: true })
  expect([plain.panel.exchange, again.panel.exchange]).toEqual([false, true])
  expect(again.margins).not.toEqual(plain.margins)
  // what one sees says nothing of what the other does here, so there is nothing to gain, and not all is lost
  expect(findsWrong(again.stacked, flipped)).toBeGreaterThan(0.8)
  expect(again.panel.sees).toEqual([true, true])
})

test('the way from easy to hard: a share of the sample for every margin', () => {
  const { panel, stacked } = fit(twoSamples(0.1, 14).samples)
  const ranks = Float64Array.from(stacked, margin => curriculumRank(panel, margin))
  stacked.forEach((margin, i) =>
    expect(Math.abs(ranks[i] - stacked.filter(other => other > margin).length / ROWS)).toBeLessThan(0.002),
  )
  expect([curriculumRank(panel, Infinity), curriculumRank(panel, -Infinity)]).toEqual([0, 1])
})

test('one reviewer asked twice is noticed, and counts once', () => {
  const {
    samples: [sample],
  } = twoSamples(0, 3)
  const { panel } = fit([sample, sample])
  expect(panel.correlation).toEqual({
    first: 'one',
    second: 'other',
    correlation: expect.closeTo(1, 3),
    kappa: expect.closeTo(1, 1),
    near_copy: true,
  })
  expect(panel.reviewers[0].weight + panel.reviewers[1].weight).toBeCloseTo(fit([sample]).panel.reviewers[0].weight, 1)
  // two that see different things agree more than by chance, and are no copies
  const { kappa, near_copy } = fit(twoSamples(0.1, 3).samples).panel.correlation!
  expect([near_copy, kappa < 0.5]).toEqual([false, true])
})

test('the same seed gives the same panel, in any order of the rows; another one much the same drops', () => {
  const { samples } = twoSamples(0.1, 6),
    { panel, wrong } = fit(samples)
  expect(fit(samples).panel).toEqual(panel)
  expect(structuredClone(panel)).toEqual(panel)
  const other = fit(samples, { seed: 5 })
  expect(other.panel.fits.map(({ seed }) => seed)).not.toEqual(panel.fits.map(({ seed }) => seed))
  let same = 0,
    any = 0
  wrong.stack.forEach((flag, i) => {
    same += flag & other.wrong.stack[i]
    any += flag | other.wrong.stack[i]
  })
  expect(same / any).toBeGreaterThan(0.85)
})

test('no rows, and few, drop nothing', () => {
  const none: DenseRows = { layout: 'dense', columns: 5, length: 0, values: new Float32Array(0) }
  const { panel, wrong } = fit([none])
  expect([panel.decision.gate, mayDrop(panel), wrong.stack.length]).toEqual(['rows', false, 0])
  const { samples } = twoSamples(0.2, 6),
    few = samples.map(rows => ({ ...rows, length: 49, values: rows.values.slice(0, 49 * 6) }))
  expect(fit(few).panel.decision.gate).toBe('rows')
  expect(count(fit(few, { share_by: 'noise_rate', noise_rate: 0.3 }).wrong.stack)).toBe(0)
})
