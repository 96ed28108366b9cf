/** Weights of undesirable rows: golden values in three tables, made rows with a known answer, and real prompts. */
import { describe, expect, it } from 'vitest'
import { hashString } from '../../models/random.ts'
import { densityWeight, fitClasses, logOdds, probabilityOf } from '../../stages/weigh/density.ts'
import stage from '../../stages/weigh/weigh_density.ts'
import { readParquet } from '../../index.mjs'
import { ask } from '../noise/ask.ts'
import { given, idsOf, isThere, shared } from './golden.ts'

interface Udm {
  readonly desirable: number[][]
  readonly undesirable: number[][]
  readonly undesirable_prompts_weighted: number[][]
  readonly coef: number[][]
  readonly intercept: number[]
  readonly p: number[]
  readonly weight: number[]
}
const row = (id: string, label: boolean | null, vector: readonly number[] | null) => ({
  ...{ id, prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
  label,
  vector,
})

describe.runIf(isThere)('golden values', () => {
  const wanted = idsOf('bco_udm_weight'),
    /** Both are of the model in training: no column can hold them. */
    refused = idsOf('bco_running_delta', 'bco_loss')
  it.each(wanted)('theirs and wanted: %s', id => {
    const of = given<Udm>(id),
      all = [...of.undesirable, ...of.desirable]
    const coefficients = fitClasses(
      {
        width: all[0].length,
        values: all.flat(),
        desirable: Uint8Array.from(all, (_, i) => (i < of.undesirable.length ? 0 : 1)),
        folds: new Uint8Array(all.length),
      },
      -1,
    )
    // scikit-learn stops where its gradient is below 1e-4: ours is below it, and goes on
    const theirs = [...of.coef[0], ...of.intercept]
    const loss = (w: readonly number[]) =>
      w.slice(0, -1).reduce((sum, value) => sum + (value * value) / 2, 0) +
      all.reduce((sum, x, i) => {
        const isGood = i >= of.undesirable.length,
          many = isGood ? of.desirable.length : of.undesirable.length,
          odds = logOdds(Float64Array.from(w), x, 0)
        return sum + (all.length / 2 / many) * Math.log1p(Math.exp(isGood ? -odds : odds))
      }, 0)
    expect(loss([...coefficients])).toBeLessThanOrEqual(loss(theirs))
    ;[...coefficients].forEach((value, i) => expect(Math.abs(value - theirs[i])).toBeLessThan(2e-3))
    of.undesirable_prompts_weighted.forEach((prompt, i) => {
      const p = probabilityOf(logOdds(coefficients, prompt, 0))
      expect(Math.abs(p - of.p[i])).toBeLessThan(5e-4)
      expect(Math.abs(densityWeight(of.p[i], 0.5, 10) - of.weight[i])).toBeLessThan(1e-6)
      expect(Math.abs(densityWeight(p, 0.5, 10) / of.weight[i] - 1)).toBeLessThan(2e-3)
    })
  })
  it.each(refused)('theirs and refused, as rewards are of the model in training: %s', async () => {
    expect(Object.keys((await ask(stage, {}, [row('a', true, [1])])).columns)).toEqual(['weight'])
  })
  it('are all in one of the tables', () => {
    expect([wanted.length, refused.length]).toEqual([3, 5])
  })
})

describe('made rows', () => {
  it('whose odds are known get weights near them, and desirable rows 1', async () => {
    // desirable prompts are four times as likely at 1 as undesirable ones, which are so at 0
    const of = (label: boolean, ones: number) =>
      Array.from({ length: 500 }, (_, i) => row(`${label}${i}`, label, [i < ones ? 1 : 0, i]))
    const rows = [...of(true, 400), ...of(false, 100)].map((each, i) => ({
      ...each,
      // prompts are many, so that each fold has some
      vector: [each.vector![0], (i % 50) / 1e6],
    }))
    const found = await ask(stage, { sample_rows: 1000 }, rows)
    const weights = found.columns.weight as number[]
    expect(new Set(weights.slice(0, 500))).toEqual(new Set([1]))
    for (const [i, weight] of weights.slice(500).entries()) {
      if (i < 100) expect(weight).toBeGreaterThan(3)
      else expect(weight).toBe(0.5)
    }
    expect(found.report.lines[0]).toMatch(/are told apart with AUROC 0\.[78]/)
  })
  it('of pairs taken apart all have weight 1: their prompts are the same twice', async () => {
    const rows = [true, false].flatMap(label =>
      Array.from({ length: 200 }, (_, i) => row(`${label}${i}`, label, [Math.sin(i), Math.cos(3 * i)])),
    )
    const { columns, report } = await ask(stage, { sample_rows: 50 }, rows)
    expect(new Set(columns.weight)).toEqual(new Set([1]))
    expect(report.lines).toEqual([expect.stringMatching(/cannot be told apart .*: weights left at 1/)])
  })
  it('vectors of two lengths end the run', async () => {
    await expect(ask(stage, {}, [row('a', true, [1, 2]), row('b', true, [1])])).rejects.toThrow(/2 and 1 numbers/)
  })
})

it.runIf(isThere)('prompts of two sources of hh are told apart as the page says', async () => {
  const rows: ReturnType<typeof row>[] = []
  for (const [name, label] of [
    ['harmless-base-test', true],
    ['helpful-base-test', false],
  ] as const) {
    for await (const batch of readParquet(`${shared}data/hh-rlhf/${name}.parquet`)) {
      for (const { prompt } of (batch.toArray() as unknown as { prompt: Iterable<{ content: string }> }[]).slice(
        0,
        500,
      )) {
        const vector = Array<number>(32).fill(0)
        for (const word of [...prompt].at(-1)!.content.toLowerCase().split(/\W+/)) vector[hashString(word) % 32]++
        if (rows.length < (label ? 500 : 1000)) rows.push(row(`r${rows.length}`, label, vector))
      }
    }
  }
  const { report } = await ask(stage, {}, rows)
  expect(report.lines).toEqual([
    'prompts of 500 desirable and 500 undesirable rows are told apart with AUROC 0.58 [0.55, 0.62]',
    'weights 0.50 to 10.00, 12.0 % clipped',
  ])
})
