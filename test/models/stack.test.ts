/** Reviewers count by what they see, and the blind for nothing. */
import { expect, test } from 'vitest'
import { auroc } from '../../models/metrics.ts'
import { Random } from '../../models/random.ts'
import { fitStack, stackMargins } from '../../models/stack.ts'
import { foldsInTurn } from './helpers.ts'

const ROWS = 3000
const folds = foldsInTurn(ROWS, 5)

/** Margins of reviewers that see a row's truth (1, or -1 for a wrong label) through noise; `sights[m]` 0 is blind. */
function margins(sights: readonly number[], seed: number): { margins: Float64Array[]; wrong: Uint8Array } {
  const random = new Random(seed)
  const wrong = Uint8Array.from({ length: ROWS }, () => (random.float() < 0.2 ? 1 : 0))
  return {
    wrong,
    margins: sights.map(sight => Float64Array.from(wrong, flag => sight * (flag ? -1 : 1) + random.normal())),
  }
}

/** Reviewers whose margins are on any scale. */
const stackOf = (all: readonly Float64Array[], of: Uint8Array) =>
  fitStack(
    all,
    of,
    5,
    all.map(() => false),
  )

test('weights are the log-odds that the margins carry, on any scale', () => {
  const {
    margins: [first, second],
  } = margins([1, 0.5], 1)
  const stack = stackOf([first, second.map(margin => 1000 * margin)], folds)
  // of normal margins with mean ± sight and deviation 1, weights stand as the sights do
  expect(stack.overall[0] / (1000 * stack.overall[1])).toBeGreaterThan(1.6)
  expect(stack.overall[0] / (1000 * stack.overall[1])).toBeLessThan(2.5)
  for (const weights of stack.weights) {
    weights.forEach((weight, m) => expect(weight / stack.overall[m]).toBeCloseTo(1, 0))
  }
})

test('a blind reviewer and one that is always wrong weigh exactly nothing', () => {
  let nothing = 0
  for (let seed = 0; seed < 20; seed++) {
    const { margins: all } = margins([1, 0, -1], seed)
    const { overall, weights, sees } = stackOf(all, folds)
    expect(overall[0]).toBeGreaterThan(0)
    expect(overall[2]).toBe(0)
    for (const some of [overall, ...weights]) for (const weight of some) expect(weight).toBeGreaterThanOrEqual(0)
    if (overall[1] === 0 && !sees[1]) nothing++
  }
  expect(nothing).toBeGreaterThanOrEqual(18)
})

test('the weighed sum finds more than the better of the two, and no less than their plain mean when one is poor', () => {
  const { margins: all, wrong } = margins([1.2, 0.3], 4)
  const found = auroc(
    stackMargins(stackOf(all, folds), all, folds).map(margin => -margin),
    wrong,
  ).value
  expect(found).toBeGreaterThan(
    auroc(
      all[0].map(margin => -margin),
      wrong,
    ).value,
  )
  expect(found).toBeGreaterThan(
    auroc(
      all[0].map((margin, i) => -margin - all[1][i]),
      wrong,
    ).value,
  )
})

test('the weights of a fold do not know its rows', () => {
  const { margins: all } = margins([1, 0.8], 5)
  const before = stackOf(all, folds)
  const after = stackOf(
    all.map(some => some.map((margin, i) => (folds[i] === 2 ? 0.2 * margin : margin))),
    folds,
  )
  // but for the scale of the mean that they are pulled to, which is that of all rows
  after.weights[2].forEach((weight, m) => expect(weight).toBeCloseTo(before.weights[2][m], 2))
  expect(Math.abs(after.weights[1][0] - before.weights[1][0])).toBeGreaterThan(0.01)
})

test('nothing to go by gives weights of 0', () => {
  expect([...stackOf([new Float64Array(0)], new Uint8Array(0)).overall]).toEqual([0])
  expect([...stackOf([new Float64Array(ROWS)], folds).overall]).toEqual([0])
  expect(
    [...stackMargins(stackOf([new Float64Array(ROWS)], folds), [new Float64Array(ROWS)], folds)].every(
      margin => margin === 0,
    ),
  ).toBe(true)
})

test('a learned head that sees little is not shut out by chance, and one that sees nothing adds next to nothing', () => {
  // log-odds as a head gives them: as large as what it sees, and of a blind one, whose regularisation was chosen on
  // held-out labels, near 0
  let kept = 0
  for (let seed = 0; seed < 20; seed++) {
    const {
      margins: [weak, blind],
    } = margins([0.04, 0], seed)
    const all = [weak.map(margin => 0.08 * margin), blind.map(margin => 0.004 * margin)]
    const { overall } = fitStack(all, folds, 5, [true, true])
    if (overall[0] > 0) kept++
    const size = (m: number) => overall[m] * Math.sqrt(all[m].reduce((sum, margin) => sum + margin * margin, 0) / ROWS)
    expect(size(1)).toBeLessThan(0.01)
  }
  expect(kept).toBe(20)
})
