/** Weights and caps of groups: golden values in three tables, properties, names, and the check of a graph. */
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { checkGraph, graph } from '../../engine/graph/build.ts'
import { sigmoid } from '../../models/head.ts'
import { byEffectiveNumber, byPower, byShare, capOf, difficulty, effectiveShare } from '../../stages/sample/balance.ts'
import { SORRY, sorryName } from '../../stages/sample/sorry.ts'
import { registry } from '../../stages/registry.ts'
import { casesOf, isThere, pairsIn } from '../audit/golden.ts'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { settings } from '../properties/settings.ts'

const close = (got: number, want: number) => expect(Math.abs(got - want)).toBeLessThan(1e-6)

describe.runIf(isThere)('golden values', () => {
  it('theirs and wanted: class_weights', () => {
    const [{ counts, ...wanted }] = casesOf<Record<string, Record<string, number>>>('class_weights'),
      names = Object.keys(counts),
      rows = Object.values(counts)
    const ways: Record<string, number[]> = {
      balanced: byPower(rows, 0),
      sklearn_balanced: byPower(rows, 0),
      'temperature_0.3': byPower(rows, 0.3),
      'temperature_0.5': byPower(rows, 0.5),
      temperature_1: byPower(rows, 1),
      temperature_0: byPower(rows, 0),
      'effective_number_0.999': byEffectiveNumber(rows, 0.999),
    }
    expect(Object.keys(wanted)).toEqual(Object.keys(ways))
    for (const [way, weights] of Object.entries(ways)) names.forEach((name, i) => close(weights[i], wanted[way][name]))
  })
  it('ours, after a second-hand formula: dr_irl_weight', () => {
    interface Case {
      readonly W: Record<string, number>
      readonly gap: Record<string, number>
      readonly out: Record<string, { alpha_D: number; alpha_M: number; alpha: number }>
      readonly largest_possible_alpha_D: number
      readonly smallest: number
    }
    const [{ W, gap, out, largest_possible_alpha_D: largest, smallest }] = casesOf<Case>('dr_irl_weight')
    const mean = (of: Record<string, number>) => Object.values(of).reduce((sum, x) => sum + x, 0) / 3,
      [unlike, gaps] = [1 - mean(W), mean(gap)]
    for (const [name, { alpha_D, alpha_M, alpha }] of Object.entries(out)) {
      close(difficulty(1 - W[name], unlike, gaps, gaps), alpha_D)
      close(difficulty(unlike, unlike, gap[name], gaps), alpha_M)
      close(difficulty(1 - W[name], unlike, gap[name], gaps), alpha)
    }
    close(difficulty(1, 0, 0, 0), largest)
    close(difficulty(0, 1, 0, 0), smallest)
    expect(sigmoid(0)).toBe(0.5)
  })
})

const some = fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 12 })
describe('weights', () => {
  it('have a mean of 1 over all rows, and an effective sample of all rows at most', () => {
    fc.assert(
      fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (counts, power) => {
        const ways = [
          byPower(counts, power),
          byEffectiveNumber(counts, 0.99),
          byShare(
            counts,
            counts.map((_, i) => i + 1),
          ),
        ]
        for (const weights of ways) {
          const rows = counts.reduce((sum, count) => sum + count, 0)
          expect(counts.reduce((sum, count, i) => sum + count * weights[i], 0) / rows).toBeCloseTo(1, 9)
          expect(effectiveShare(counts, weights)).toBeLessThan(1 + 1e-9)
        }
      }),
      settings(200),
    )
  })
  it('of one group are 1', () => {
    expect(byPower([7], 0)).toEqual([1])
    expect(effectiveShare([7], [1])).toBe(1)
  })
})

it('a cap is the largest that leaves no group more than its share, and 0 where none does', () => {
  fc.assert(
    fc.property(some, fc.double({ min: 0.05, max: 1, noNaN: true }), (counts, share) => {
      const cap = capOf(counts, share),
        holds = (cap: number) => {
          const left = counts.map(count => Math.min(count, cap)),
            all = left.reduce((sum, rows) => sum + rows, 0)
          return Math.max(...left) <= share * all + 1e-9
        }
      if (cap === Infinity) expect(holds(Infinity)).toBe(true)
      else {
        if (cap > 0) expect(holds(cap)).toBe(true)
        expect(holds(cap + 1)).toBe(false)
      }
    }),
    settings(300),
  )
})

it('knows SORRY-Bench’s categories of both versions by id and by name', () => {
  expect([SORRY.sorry_v1.length, SORRY.sorry_202503.length]).toEqual([45, 44])
  expect(['12', 'impersonation', '13', 'System Intrusion'].map(value => sorryName('sorry_v1', value))).toEqual([
    '12 Impersonation',
    '12 Impersonation',
    '13 General Advice for System Intrusion',
    '13 General Advice for System Intrusion',
  ])
  expect(
    ['12', 'Impersonation', 'Fraud', '44', '45', '0', 'other'].map(value => sorryName('sorry_202503', value)),
  ).toEqual([
    '12 General Advice for System Intrusion',
    'Impersonation',
    '14 Fraud, Scams, and Deception',
    '44 Dangerous Machinery Operation Advice',
    '45',
    '0',
    'other',
  ])
})
describe('the check of a graph', () => {
  const behind = async (...stages: object[]) => {
    const { problems } = await checkGraph(
      graph({
        version: 1,
        name: 'x',
        stages: [{ id: 'pairs', use: 'read_jsonl', with: { path: 'x' } }, ...stages, { id: 'out', use: 'write_jsonl' }],
      } as never),
      { registry },
    )
    return problems.filter(({ code }) => code === 'dropped_behind').map(({ pointer, level }) => `${level} ${pointer}`)
  }
  const balanced = { id: 'even', use: 'balance_groups', with: { by: 'lang' } }
  it('warns where rows are dropped after weights were made', async () => {
    expect(
      await behind(balanced, { id: 'noted', use: 'flag_refusals' }, { id: 'checked', use: 'check_pairs' }),
    ).toEqual(['warning /stages/3'])
    const capped = { ...balanced, with: { by: 'lang', method: 'cap' } }
    expect(await behind(capped, { id: 'checked', use: 'check_pairs' })).toEqual(['warning /stages/2'])
  })
  it('says nothing where they are dropped before, or not at all', async () => {
    expect(await behind({ id: 'checked', use: 'check_pairs' }, balanced)).toEqual([])
    expect(await behind(balanced, { id: 'noted', use: 'flag_refusals' })).toEqual([])
  })
})

describe.runIf(isThere)('real pairs of three kinds', { timeout: 60_000 }, () => {
  const capped = 'zh 48.5 → 40.0 %, llmbar 44.0 → 40.0 %, (none) 7.5 → 20.0 %'
  it.each([
    [{}, ['zh 48.5 → 39.3 %, llmbar 44.0 → 38.2 %, (none) 7.5 → 22.4 %', 'effective sample 75.4 % of 1,340 pairs'], 0],
    [{ method: 'cap', max_share: 0.4 }, [capped], 840],
    [
      { method: 'cap', max_share: 0.2, max_rows: 200 },
      [capped, 'warning: no cap gives every group 20.0 % at most: there are 3 groups'],
      840,
    ],
  ])('%j', async (options, lines, dropped) => {
    const rows = [
      ...(await pairsIn('jade-zh/train')).map((pair, i) => ({ ...pair, id: `z${i}`, kind: 'zh' })),
      ...(await pairsIn('truthfulqa/test')).slice(0, 100).map((pair, i) => ({ ...pair, id: `t${i}`, kind: null })),
      ...(await pairsIn('llmbar/test')).slice(0, 590).map((pair, i) => ({ ...pair, id: `l${i}`, kind: 'llmbar' })),
    ]
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), rows)
    const { manifest } = await run(
      {
        version: 1,
        name: 'balanced',
        stages: [
          { id: 'pairs', use: 'read_jsonl', with: { path } },
          { id: 'even', use: 'balance_groups', with: { by: 'kind', ...options } },
          { id: 'dpo', use: 'write_arrow' },
        ],
      } as never,
      { output: join(at, 'out'), workers: 1 },
    )
    const { even } = manifest.stages
    expect(even.report!.lines).toEqual(lines)
    expect(even.dropped).toBe(dropped)
    if (dropped > 0) return
    const weights = rowsOf(join(at, 'out', 'latest', 'dpo')).map(row => row.even_weight as number)
    expect(weights.reduce((sum, weight) => sum + weight, 0) / rows.length).toBeCloseTo(1, 9)
  })
})
