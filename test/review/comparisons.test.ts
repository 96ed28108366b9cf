/** Comparisons that are kept for standings: all of few, and whole prompts of many. */
import { expect, test } from 'vitest'
import { combine32 } from '../../models/random.ts'
import { ComparisonBuilder, joinComparisons } from '../../stages/review/comparisons.ts'

const MOST = 2000

/** A partition of some prompts with as many comparisons each. */
function partition(from: number, prompts: number, each: number) {
  const builder = new ComparisonBuilder(MOST)
  for (let prompt = from; prompt < from + prompts; prompt++) {
    for (let k = 0; k < each; k++) builder.add(combine32(7, prompt), combine32(prompt, k), combine32(prompt, k + 1))
  }
  return builder.take()
}

test('few comparisons are all there, in order, whatever the partitions', () => {
  const whole = partition(0, 30, 4)
  expect(whole.prompt).toHaveLength(120)
  expect(joinComparisons([partition(0, 10, 4), partition(10, 20, 4)])).toEqual(whole)
  expect(joinComparisons([]).prompt).toHaveLength(0)
})

test('too many are thinned by whole prompts, and the same ones go whether they come in one partition or in two', () => {
  const prompts = 1000,
    whole = joinComparisons([partition(0, prompts, 3)], MOST)
  expect(whole.prompt.length).toBeLessThanOrEqual(MOST)
  expect(whole.prompt.length).toBeGreaterThan(MOST / 4)
  const counts = new Map<number, number>()
  for (const prompt of whole.prompt) counts.set(prompt, (counts.get(prompt) ?? 0) + 1)
  for (const count of counts.values()) expect(count % 3).toBe(0)
  expect(joinComparisons([partition(0, prompts / 2, 3), partition(prompts / 2, prompts / 2, 3)], MOST)).toEqual(whole)
})
