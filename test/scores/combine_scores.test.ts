/** Combined scores: golden values in three tables, the cone against drawn weights, and real rewards of shared/data. */
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import type { AnyStage } from '../../engine/contract/define.ts'
import { runExample } from '../../engine/run/examples.ts'
import { Random } from '../../models/random.ts'
import { combine, coneMargin, logSigmoid, scaleOf, type Method } from '../../stages/scores/combining.ts'
import { allStages } from '../../stages/registry.ts'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { settings } from '../properties/settings.ts'
import { expected, given, idsOf, marginsOf, MODELS, real, rewards } from './golden.ts'

const close = (got: number, want: number | null) => expect(Number.isNaN(got) ? null : Number(got.toFixed(6))).toBe(want)
const numbersIn = (text: string) => (text.match(/-?[\d.]+/g) ?? []).map(Number)
const at = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)]
/** Difference of scores and target angle, as "(2, -1) at 45". */
const targetOf = (id: string) => {
  const { 'difference of scores, target': text, 'half angle': degrees } = given<Record<string, string>>(id)
  const [x, y, angle] = numbersIn(text)
  return coneMargin([x, y], at(angle), Number(degrees))
}
const cones = idsOf('combine_scores'),
  leasts = idsOf('least_margin')

const sums = idsOf('lsc').filter(id => id.startsWith('lsc.sum.'))
const scored = (id: string, method: Method) => {
  const [a, b, c, d, ...references] = numbersIn(
    given<Record<string, string>>(id)['scores of chosen, of rejected, references'],
  )
  return [
    [a, b],
    [c, d],
  ].map(scores => combine(method, scores, references, [1, 1], []))
}
const one = (x: number, reference: number) => combine('log_sigmoid', [x], [reference], [1], [])
const refs = Float64Array.of(1, 2, 3, 4, 5),
  parametric = scaleOf(refs, 'parametric', 0.85).reference
/** What their code gives, or what follows from it by hand, and ours too. */
const wanted: Record<string, readonly [ours: readonly number[], theirs: readonly number[]]> = {
  'lsc.references': [
    [parametric, ...(['quantile', 'median', 'mean'] as const).map(of => scaleOf(refs, of, 0.85).reference)],
    Object.values(expected<Record<string, number>>('lsc.references')),
  ],
  ...Object.fromEntries(
    idsOf('lsc')
      .filter(id => id.startsWith('lsc.u.'))
      .map(id => [id, [[one(given<{ x: number }>(id).x, parametric)], [expected<number>(id)]]]),
  ),
  ...Object.fromEntries(
    idsOf('lsc')
      .filter(id => id.startsWith('lsc.one_more.'))
      .map(id => {
        const { chosen, rejected, reference } = given<Record<string, number>>(id)
        return [id, [[one(chosen, reference) - one(rejected, reference)], [expected<number>(id)]]]
      }),
  ),
  ...Object.fromEntries(
    sums.map(id => {
      const [u, v] = scored(id, 'log_sigmoid'),
        [plain, other] = scored(id, 'sum')
      return [id, [[u, v, u - v, plain - other], Object.values(expected<Record<string, number>>(id))]]
    }),
  ),
  'lsc.one reference 2.0, x 3.0': [
    [one(3, scaleOf(Float64Array.of(2), 'parametric', 0.85).reference)],
    [expected<number>('lsc.one reference 2.0, x 3.0')],
  ],
  'lsc.no reference (0)': [[one(1, 0)], [expected<number>('lsc.no reference (0)')]],
  'lsc.logsigmoid at -104': [[logSigmoid(-104)], [expected<number>('lsc.logsigmoid at -104')]],
}

const closed = 'a closed form for all directions, and no grid of five'
/** What their code gives and ours does not: what ours says, and why. */
const refused: Record<string, readonly [why: string, got: unknown, ours: unknown]> = {
  'lsc.naive log(sigmoid(x)) in float32 at -104 and -90': [
    'finite for every finite score',
    [-104, -90].map(logSigmoid),
    [-104, -90],
  ],
  'rps.angles': [
    `${closed}: it spans as much on both sides of every target`,
    [10, 45, 71, 90].map(target => coneMargin(at(target - 30), at(target), 30).toFixed(6)),
    ['0.500000', '0.500000', '0.500000', '0.500000'],
  ],
  'rps.selection': [
    'answers are made by a server before there are pairs; here a pair has its least margin',
    coneMargin(
      [2, 1].map((score, i) => score - [1, 3][i]),
      at(45),
      30,
    ).toFixed(3),
    '-1.673',
  ],
  // theirs with its five directions, and in closed form: the pair holds in all of them where our margin is above 0
  ...Object.fromEntries(
    idsOf('robust_share').map(id => {
      const { closed: share } = expected<{ closed: number | null }>(id),
        margin = targetOf(id)
      return [id, [closed, Number.isNaN(margin) ? null : margin > 0, share === null ? null : share === 1]]
    }),
  ),
}

describe('golden values', () => {
  it.each(cones)('ours: %s', id => {
    const {
      'difference of scores': differences,
      weights,
      'half angle in degrees': degrees,
    } = given<{
      'difference of scores': number[]
      weights: number[]
      'half angle in degrees': number
    }>(id)
    close(coneMargin(differences, weights, degrees), expected(id))
  })
  it.each(leasts)('ours: %s', id => close(targetOf(id), expected(id)))
  it.each(Object.keys(wanted))('theirs and wanted: %s', id => {
    const [got, want] = wanted[id]
    expect(got).toHaveLength(want.length)
    got.forEach((value, i) => expect(Math.abs(value - want[i])).toBeLessThan(1e-6))
  })
  it.each(Object.keys(refused))('theirs and refused: %s', id => {
    const [why, got, ours] = refused[id]
    expect(got, why).toEqual(ours)
    expect(JSON.stringify(expected(id))).not.toBe(JSON.stringify(ours))
  })
  it('are all in one of the tables', () => {
    expect([...cones, ...leasts, ...Object.keys(wanted), ...Object.keys(refused)].sort()).toEqual(
      idsOf('combine_scores', 'least_margin', 'lsc', 'robust_share', 'rps'),
    )
    expect([cones, leasts, Object.keys(wanted), Object.keys(refused)].map(ids => ids.length)).toEqual([8, 4, 20, 11])
  })
})

const vector = (least: number) =>
  fc.array(fc.double({ min: least, max: 9, noNaN: true }), { minLength: 3, maxLength: 3 })
describe('the cone', () => {
  it('is never above the margin under drawn weights within it, and is reached', () => {
    const random = new Random(11)
    fc.assert(
      fc.property(vector(-9), vector(0.1), fc.integer({ min: 1, max: 179 }), (differences, weights, degrees) => {
        const length = Math.hypot(...differences)
        fc.pre(length > 1e-3)
        const least = coneMargin(differences, weights, degrees),
          unit = weights.map(weight => weight / Math.hypot(...weights)),
          dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, m) => sum + x * b[m], 0)
        // directions at the rim, all around, and the one that leads away from the differences
        let reached = Infinity
        const away = unit.map(u => dot(differences, unit) * u).map((along, m) => along - differences[m])
        for (let draw = 0; draw <= 50; draw++) {
          const side = draw === 0 ? away : unit.map(() => random.normal()),
            across = side.map((x, m) => x - dot(side, unit) * unit[m]),
            size = Math.hypot(...across)
          if (size < 1e-9) continue
          const angle = ((draw === 0 ? degrees : degrees * random.float()) * Math.PI) / 180,
            rim = unit.map((u, m) => Math.cos(angle) * u + (Math.sin(angle) * across[m]) / size)
          reached = Math.min(reached, dot(differences, rim))
          expect(least).toBeLessThanOrEqual(dot(differences, rim) + 1e-6 * length)
        }
        const full = Math.acos(Math.max(-1, Math.min(1, dot(differences, unit) / length))) + (degrees * Math.PI) / 180
        if (full < Math.PI && Math.hypot(...away) > 1e-3) expect(reached).toBeCloseTo(least, 5)
      }),
      settings(300),
    )
  })
  it('says of what is 0 but for rounding that it is 0', () => {
    expect(coneMargin([1, -1], at(45), 0)).toBe(0)
    expect(coneMargin([1, 1], [1, 1], 90)).toBe(0)
  })
})

it('a score that is bad enough is not made up for, whatever the others are', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), high => {
      const u = (scores: number[]) => combine('log_sigmoid', scores, [0, 0], [1, 1], [])
      expect(u([high, -3])).toBeLessThan(u([0, 0]))
    }),
    settings(200),
  )
})

const stage = (await allStages()).get('combine_scores') as AnyStage
const score_columns = MODELS.map(model => ({ chosen: `${model}_chosen`, rejected: `${model}_rejected`, weight: 1 }))

describe('real rewards', () => {
  it.each(['hh', 'shp'] as const)('%s: as section 2.5 of the design has them', async source => {
    const scores = await rewards(source),
      rows = Array.from(scores[0].chosen, (_, i) => ({
        id: `r${i}`,
        prompt: 'q',
        chosen: 'a',
        rejected: 'b',
        ...Object.fromEntries(
          MODELS.flatMap((model, m) => [
            [`${model}_chosen`, scores[m].chosen[i]],
            [`${model}_rejected`, scores[m].rejected[i]],
          ]),
        ),
      }))
    const right = async (options: object) => {
      const { columns } = await runExample(stage, { title: 'x', rows, options: { score_columns, ...options } })
      const margins = columns.margin as number[]
      return { margins, share: margins.filter(d => d > 0).length / margins.length }
    }
    const want = real[`combining, ${source}`] as unknown as Record<string, number> & {
      readonly each: readonly number[]
    }
    const alone = scores.map(score => marginsOf(score).filter(d => d > 0).length / rows.length)
    expect(alone).toEqual(want.each)
    const sum = await right({ method: 'sum' }),
      median = await right({ reference: 'median' }),
      found = [sum, await right({ method: 'z_sum' }), median, await right({})]
    expect(found.map(({ share }) => share)).toEqual([
      want.sum,
      want['sum of z-scores'],
      want['LSC, reference = median of the data'],
      want['LSC, reference = 85 % quantile'],
    ])
    expect(median.margins.filter((d, i) => d > 0 !== sum.margins[i] > 0)).toHaveLength(
      want['pairs turned by LSC(median) against the sum'],
    )
    const least = await right({ method: 'least', reference: 'parametric' })
    // docs/benchmarks/scores.md has this
    expect(least.share).toBe({ hh: 0.679, shp: 0.673 }[source])
  })
})

it('scores that no pair has all of have no reference: the run is refused, and not where none is asked for', async () => {
  const made = folder(),
    path = writeJsonl(
      join(made, 'in.jsonl'),
      pairs(4).map((row, i) => ({ ...row, good: i % 2 ? 1 : null, bad: i % 2 ? null : 1 })),
    )
  const ran = (options: object) =>
    run(
      graph(
        {
          version: 1,
          name: 'combined',
          stages: [
            { id: 'pairs', use: 'read_jsonl', with: { path } },
            {
              id: 'combined',
              use: 'combine_scores',
              with: { score_columns: [{ chosen: 'good', rejected: 'bad' }], ...options },
            },
            { id: 'out', use: 'write_arrow' },
          ],
        },
        { base: import.meta.url },
      ),
      { output: made },
    )
  await expect(ran({})).rejects.toThrow(/no pair has all of its scores/)
  const { manifest } = await ran({ reference: 'none' })
  expect(manifest.stages.combined.report!.lines).toEqual(['4 of 4 pairs lack a score, and have no combined one'])
})
