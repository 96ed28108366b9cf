/** Entangled gradients: golden values (beside shared/data), and made ones; and rejected sides that are off-policy. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyStage } from '../../engine/contract/define.ts'
import { runExample } from '../../engine/run/examples.ts'
import { changesOf } from '../../stages/check/flag_entangled.ts'
import { allStages } from '../../stages/registry.ts'
import { settings } from '../properties/settings.ts'
import { expected, given, idsOf } from '../scores/golden.ts'

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0)
const equal = { chosen: 1, rejected: 1 }
const changes = (chosen: readonly number[], rejected: readonly number[], weights = equal) =>
  changesOf(dot(chosen, rejected), dot(chosen, chosen), dot(rejected, rejected), weights)!

describe('golden values of entanglement', () => {
  const wanted = idsOf('entanglement')
  const pair = (id: string) => given<{ g_chosen: number[]; g_rejected: number[] }>(id)
  it.each(wanted)('theirs and wanted: %s', id => {
    const { g_chosen, g_rejected } = pair(id),
      want = expected<Record<string, number | boolean>>(id),
      { chosen, rejected } = changes(g_chosen, g_rejected)
    expect([chosen, rejected].map(change => change.toFixed(6))).toEqual(
      [want['change of log p chosen'], want['change of log p rejected']].map(change => Number(change).toFixed(6)),
    )
    expect([chosen < 0, rejected > 0]).toEqual([want['chosen falls'], want['rejected rises']])
  })
  it('are all in the table, and of their statistic, refused, one says that nothing is wrong where a side rises', () => {
    expect(wanted).toHaveLength(7)
    const statistic = (id: string) =>
      expected<Record<string, number>>(id)['authors Grad_Condition (divides by |gw|2 only)']
    const { g_chosen, g_rejected } = pair('entanglement.same direction, chosen longer')
    expect(statistic('entanglement.same direction, chosen longer')).toBe(0.5)
    expect(changes(g_chosen, g_rejected).rejected).toBe(1)
  })
})

describe('made gradients', () => {
  const vector = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 4, maxLength: 4 })
  const weights = fc.record({
    chosen: fc.double({ min: 0.1, max: 3, noNaN: true }),
    rejected: fc.double({ min: 0.1, max: 3, noNaN: true }),
  })
  it('the changes are what a small step does to linear log-probabilities', () => {
    fc.assert(
      fc.property(vector, vector, weights, (good, bad, { chosen: a, rejected: b }) => {
        fc.pre(dot(good, good) > 1e-6 && dot(bad, bad) > 1e-6)
        const step = good.map((value, i) => a * value - b * bad[i]),
          found = changes(good, bad, { chosen: a, rejected: b })
        expect(found.chosen).toBeCloseTo(dot(good, step), 9)
        expect(found.rejected).toBeCloseTo(dot(bad, step), 9)
        expect(found.chosen < -1e-9 && found.rejected > 1e-9).toBe(false)
      }),
      settings(1000),
    )
  })
  it('numbers that are of no two gradients are none', () => {
    for (const [product, chosen, rejected] of [
      [NaN, 1, 1],
      [2, 1, 1],
      [0, -1, -1],
      [0, Infinity, 1],
      [0, 1, NaN],
    ]) {
      expect(changesOf(product, chosen, rejected, equal)).toBeUndefined()
    }
    expect(changesOf(1 + 1e-8, 1, 1, equal)).toBeDefined()
  })
})

it('rejected sides that a policy would hardly write are noted where they were planted, and no others', async () => {
  const stage = (await allStages()).get('flag_off_policy') as AnyStage
  const rows = Array.from({ length: 500 }, (_, i) => {
    const tokens = 5 + (i % 37),
      isPlanted = i % 10 === 3
    return {
      id: `r${i}`,
      prompt: 'q',
      chosen: 'a',
      rejected: 'b',
      chosen_logprob: -1.2 * tokens,
      // 1.0 to 1.9 nats a token, planted ones 5.0 to 5.9
      rejected_logprob: -((isPlanted ? 5 : 1) + (i % 7) / 8) * tokens,
      tokens,
    }
  })
  const tokens_columns = { chosen: 'tokens', rejected: 'tokens' }
  const noted = async (options: object) =>
    Object.keys((await runExample(stage, { title: 'x', rows, options })).noted).map(Number)
  expect(await noted({ tokens_columns, min_logprob: -4 })).toEqual([...rows.keys()].filter(i => i % 10 === 3))
  expect(await noted({ tokens_columns })).toEqual([])
})
