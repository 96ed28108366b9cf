/** Signals beside the reviewers: the mixture of two bells, neighbours, votes. */
import { expect, test } from 'vitest'
import { auroc } from '../../models/metrics.ts'
import { fitMixture, mixtureProbability } from '../../models/mixture.ts'
import { fitNeighbours, neighbourProbability } from '../../models/neighbours.ts'
import { Random } from '../../models/random.ts'
import { fitVoters, labelProbabilities } from '../../models/votes.ts'
import { foldsInTurn, planted, toSparse } from './helpers.ts'

const bells = (rows: number, wrong: number, seed: number) => {
  const random = new Random(seed),
    flipped = Uint8Array.from({ length: rows }, () => (random.float() < wrong ? 1 : 0))
  return { flipped, margins: Float64Array.from(flipped, flip => (flip ? -2 : 2) + random.normal()) }
}

test.each([0, 0.1, 0.25, 0.4])('two bells, a share of %d wrong: the share is found, and what is wrong', wrong => {
  const { margins, flipped } = bells(5000, wrong, 1),
    mixture = fitMixture(margins)
  expect(mixture.wrong).toBeCloseTo(wrong, 1)
  expect(mixture.mean).toBeCloseTo(2, 0)
  if (wrong > 0) {
    const right = margins.map(margin => mixtureProbability(mixture, margin))
    expect(
      auroc(
        right.map(p => -p),
        flipped,
      ).value,
    ).toBeGreaterThan(0.97)
    // calibrated: as many are wrong as it says
    expect(right.reduce((sum, p) => sum + 1 - p, 0) / 5000).toBeCloseTo(
      flipped.reduce((sum, flip) => sum + flip, 0) / 5000,
      2,
    )
  }
})

test('margins that say nothing give one probability to all', () => {
  for (const margins of [new Float64Array(0), new Float64Array(10)]) {
    expect(mixtureProbability(fitMixture(margins), 3)).toBe(0.5)
  }
})

test('neighbours in other folds say which labels go against theirs, in dense rows and in sparse', () => {
  const { rows, flipped } = planted({ rows: 1500, columns: 4, strength: 30, eta: 0.2, seed: 6 }),
    folds = foldsInTurn(1500, 5)
  for (const some of [rows, toSparse(rows)]) {
    const among = fitNeighbours(some, folds)
    const right = Float64Array.from(folds, (fold, i) => neighbourProbability(among, some, i, fold))
    expect(
      auroc(
        right.map(p => -p),
        flipped,
      ).value,
    ).toBeGreaterThan(0.85)
    for (const p of right) expect(p >= 0 && p <= 1).toBe(true)
  }
  // alone in its fold there is nobody to ask
  expect(neighbourProbability(fitNeighbours(rows, new Uint8Array(1500)), rows, 0, 0)).toBe(0.5)
})

test('voters are weighed by how often they are right, not counted', () => {
  const random = new Random(9),
    truth = [0.95, 0.9, 0.55, 0.52, 0.5],
    rows = 2000
  const wrong = Uint8Array.from({ length: rows }, () => (random.float() < 0.3 ? 1 : 0)),
    row: number[] = [],
    voter: number[] = [],
    vote: number[] = []
  for (let i = 0; i < rows; i++) {
    truth.forEach((accuracy, v) => {
      row.push(i)
      voter.push(v)
      vote.push(random.float() < accuracy === (wrong[i] === 0) ? 1 : -1)
    })
  }
  const votes = { row: Uint32Array.from(row), voter: Uint32Array.from(voter), vote: Int8Array.from(vote) }
  const accuracy = fitVoters(votes, rows, truth.length)
  accuracy.forEach((found, v) => expect(Math.abs(found - truth[v])).toBeLessThan(0.06))
  const right = labelProbabilities(votes, accuracy, rows)
  const count = Float64Array.from(wrong, (_, i) => vote.slice(5 * i, 5 * i + 5).reduce((sum, each) => sum + each, 0))
  expect(
    auroc(
      right.map(p => -p),
      wrong,
    ).value,
  ).toBeGreaterThan(
    auroc(
      count.map(each => -each),
      wrong,
    ).value + 0.05,
  )
  expect(
    labelProbabilities({ row: new Uint32Array(0), voter: new Uint32Array(0), vote: new Int8Array(0) }, accuracy, 2),
  ).toEqual(Float64Array.of(0.5, 0.5))
})
