/** Answers that were compared elsewhere speak for a label, and its own label does not. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judge } from '../../models/judge.ts'
import { auroc } from '../../models/metrics.ts'
import { foldOf, Random } from '../../models/random.ts'
import { fitStandings, standingMargins, tournament, type Comparisons } from '../../models/standings.ts'

/** Prompts with answers of different worth, each compared with each; a share of the labels is wrong. */
function contest(options: {
  prompts: number
  answers: number
  wrong: number
  seed: number
}): Comparisons & { wrong: Uint8Array; folds: Uint8Array } {
  const random = new Random(options.seed),
    chosen: number[] = [],
    rejected: number[] = [],
    wrong: number[] = [],
    folds: number[] = []
  for (let prompt = 0; prompt < options.prompts; prompt++) {
    const answers = Array.from({ length: options.answers }, () => random.uint32())
    for (let a = 0; a < answers.length; a++) {
      for (let b = 0; b < a; b++) {
        const flip = random.float() < options.wrong
        chosen.push(flip ? answers[b] : answers[a])
        rejected.push(flip ? answers[a] : answers[b])
        wrong.push(flip ? 1 : 0)
        folds.push(foldOf(prompt, 5))
      }
    }
  }
  return {
    chosen: Uint32Array.from(chosen),
    rejected: Uint32Array.from(rejected),
    wrong: Uint8Array.from(wrong),
    folds: Uint8Array.from(folds),
  }
}
const marginsOf = (rows: Comparisons, folds: Uint8Array) =>
  standingMargins(fitStandings(tournament(rows), rows, [], folds, 5, []), rows)
const found = (margins: Float64Array, wrong: Uint8Array) =>
  auroc(
    margins.map(margin => -margin),
    wrong,
  ).value

test('answers that did well elsewhere speak for a label, and wrong labels are found without any text', () => {
  const rows = contest({ prompts: 40, answers: 10, wrong: 0.2, seed: 1 })
  expect(found(marginsOf(rows, rows.folds), rows.wrong)).toBeGreaterThan(0.9)
  // four answers to a prompt, as in rankings: two other pairs an answer
  const few = contest({ prompts: 400, answers: 4, wrong: 0.2, seed: 2 })
  expect(found(marginsOf(few, few.folds), few.wrong)).toBeGreaterThan(0.7)
})

test('the label of a pair, and those of its copies, are nowhere in its margin', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2999 }), fc.integer({ min: 1, max: 3 }), (at, copies) => {
      const rows = contest({ prompts: 300, answers: 5, wrong: 0.2, seed: 3 })
      const graph = tournament(rows)
      // the weights are those of the whole; what is asked is what the graph gives
      const once = standingMargins(fitStandings(graph, rows, [], rows.folds, 5, []), rows)[at]
      const swapped = { chosen: rows.chosen.slice(), rejected: rows.rejected.slice() }
      swapped.chosen[at] = rows.rejected[at]
      swapped.rejected[at] = rows.chosen[at]
      const again = tournament({
        chosen: Uint32Array.from([...swapped.chosen, ...Array<number>(copies - 1).fill(swapped.chosen[at])]),
        rejected: Uint32Array.from([...swapped.rejected, ...Array<number>(copies - 1).fill(swapped.rejected[at])]),
      })
      expect(again.low).toEqual(graph.low)
      const after = -standingMargins(fitStandings(again, rows, [], rows.folds, 5, []), swapped)[at]
      // but for the noise rate and the scale, which are fitted to all rows
      expect(Math.abs(after - once)).toBeLessThan(0.3)
    }),
    { numRuns: 20 },
  )
})

test('an answer of one pair has no standing, and equal sides none at all', () => {
  const rows = { chosen: Uint32Array.of(1, 3, 5, 9), rejected: Uint32Array.of(2, 4, 6, 9) }
  expect(tournament(rows).low).toHaveLength(0)
  expect([...marginsOf(rows, Uint8Array.of(0, 1, 2, 3))]).toEqual([0, 0, 0, 0])
  expect([...marginsOf({ chosen: new Uint32Array(0), rejected: new Uint32Array(0) }, new Uint8Array(0))]).toEqual([])
})

test('a ranking of which only neighbours are compared says nothing, and gets no weight', () => {
  // a > b > c > d: the middle answers win one and lose one
  const chosen: number[] = [],
    rejected: number[] = [],
    folds: number[] = []
  const random = new Random(5)
  for (let prompt = 0; prompt < 300; prompt++) {
    const [a, b, c, d] = Array.from({ length: 4 }, () => random.uint32())
    chosen.push(a, b, c)
    rejected.push(b, c, d)
    for (let i = 0; i < 3; i++) folds.push(foldOf(prompt, 5))
  }
  const { stack, stacked } = judge(
    {
      specs: [],
      samples: [],
      folds: Uint8Array.from(folds),
      compared: {
        graph: tournament({ chosen: Uint32Array.from(chosen), rejected: Uint32Array.from(rejected) }),
        rows: { chosen: Uint32Array.from(chosen), rejected: Uint32Array.from(rejected) },
      },
    },
    { folds: 5, seed: 1, exchange: false },
  )
  expect(stack.sees).toEqual([false])
  expect(stacked.every(margin => margin === 0)).toBe(true)
})
