/** Calibration of scores: golden values in three tables, the temperature, and real rewards of shared/data. */
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnyStage } from '../../engine/contract/define.ts'
import { validateOptions } from '../../engine/graph/validate.ts'
import { runExample } from '../../engine/run/examples.ts'
import { Random } from '../../models/random.ts'
import { calibrationErrors, measure, noisyCurve, temperatureOf } from '../../stages/scores/calibration.ts'
import { allStages } from '../../stages/registry.ts'
import { graph, run } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { settings } from '../properties/settings.ts'
import { expected, given, idsOf, marginsOf, MODELS, real, rewards, shared } from './golden.ts'

const plain = { temperature: 1, noise: 0 }
const three = ({ ece, ace, mce }: { ece: number; ace: number; mce: number }) => [ece, ace, mce]
const accuracy = (margins: readonly number[]) =>
  margins.reduce((sum, d) => sum + (d > 0 ? 1 : d === 0 ? 0.5 : 0), 0) / margins.length

/** Our own definition. */
const ours = ['four', 'ten', 'with a tie', 'all right', 'none right'].map(name => `calibrate_scores.${name}`)

type Metric = Readonly<Record<'ECE' | 'ACE' | 'MCE', number>>
interface OfBins {
  readonly y: number[]
  readonly p: number[]
  readonly bins: number
}
const ofBins = (id: string) => {
  const { y, p, bins } = given<OfBins>(id)
  return three(calibrationErrors(y, p.map(Number), bins))
}
const theirs = (id: string) => {
  const { ECE, ACE, MCE } = expected<Metric>(id)
  return [ECE, ACE, MCE]
}
/** Of margins, what their code reports with 10 and 20 bins, in float32; of 5 bins ours refuses the number. */
const ofMargins = (id: string) => {
  const want = expected<Record<string, number>>(id)
  return [
    'Preference total Acc',
    ...[10, 20].flatMap(bins => ['ECE', 'ACE', 'MCE'].map(key => `calibration_${key}_bin${bins}`)),
  ].map(key => want[key])
}
const measured = (margins: readonly number[]) => [
  accuracy(margins),
  ...[10, 20].flatMap(bins => three(measure(margins, plain, bins))),
]

/** What their code gives, and ours too. */
const wanted: Record<string, readonly [ours: readonly number[], theirs: readonly number[]]> = {
  ...Object.fromEntries(
    ['all right, p=1', 'half right, p=0.9', 'edge 0.2 of 5 bins', 'two bins', 'empty'].map(name => {
      const id = `more.calibration_error.${name}`
      return [id, [ofBins(id), theirs(id)]]
    }),
  ),
  'more.pairs.margins': [measured([2, 1, 0.5, -1]), ofMargins('more.pairs.margins')],
  'more.tie in the logits': [measured([0, 2]), ofMargins('more.tie in the logits')],
}

const stage = (await allStages()).get('calibrate_scores') as AnyStage
const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }
const score_columns = { chosen: 'good', rejected: 'bad' }
const options = Object.keys(stage.options.properties)
/** What the stage takes for the margin of two scores. */
async function marginOf([good, bad]: readonly number[]): Promise<unknown> {
  const example = { title: 'x', options: { score_columns }, rows: [{ id: 'a', ...pair, good, bad }] }
  return (await runExample(stage, example)).columns.margin
}
/** Scores of two answers as their loader leaves them: of its first two answers, the better one first. */
const prepared = (id: string) => {
  const { text, score } = expected<{ text: string[]; score: number[] }>(id)
  return [score[text.indexOf('t0')] - score[text.indexOf('t1')]]
}
const given_scores = (id: string) => JSON.parse(given<{ scores: string }>(id).scores) as number[]

/** What their code gives and ours does not: what ours says, and why. */
const refused: Record<string, readonly [why: string, got: unknown, ours: unknown]> = {
  'more.calibration_error.NaN p': [
    'a pair without a margin is counted and left out',
    three(calibrationErrors([0], [0.5], 5)),
    [0.5, 0.5, 0.5],
  ],
  'more.calibration_error.quantile': [
    'bins are equal in width alone',
    ofBins('more.calibration_error.quantile').map(error => error.toFixed(4)),
    ['0.0500', '0.0500', '0.0500'],
  ],
  'more.tie in the scores (left out)': [
    'theirs masks equal scores, and negative ones, but counts their rows; a margin of 0 is a pair like any other',
    measured([0, 2]).slice(0, 1),
    [0.75],
  ],
  'more.only ties': ['the same: half right, where theirs has 0 / 0', measured([0]), [0.5, 0, 0, 0, 0, 0, 0]],
  ...Object.fromEntries(
    idsOf('more')
      .filter(id => id.startsWith('more.min_norm.'))
      .map(id => [
        id,
        [
          'weights of tasks are for who trains: the stage takes no gradients of tasks',
          options,
          ['score_columns', 'margin_column', 'by', 'fit', 'bins'],
        ],
      ]),
  ),
}
const loaded = idsOf('more').filter(id => id.startsWith('more.prepare_data_item.'))

describe('golden values', () => {
  it.each(ours)('ours: %s', id => {
    const { margins } = given<{ margins: number[] }>(id),
      want = expected<Record<string, unknown>>(id),
      temperature = temperatureOf(margins)
    expect(accuracy(margins)).toBeCloseTo(want['accuracy (a tie is half)'] as number, 9)
    for (const bins of [10, 20]) {
      const [ece, ace, mce] = want[`ECE, ACE, MCE of ${bins} bins`] as number[]
      const found = measure(margins, plain, bins)
      expect([found.ece, found.ace, found.mce].map(x => x.toFixed(6))).toEqual([ece, ace, mce].map(x => x.toFixed(6)))
    }
    expect(measure(margins, plain, 10).nll.toFixed(6)).toBe((want['nll at T = 1'] as number).toFixed(6))
    expect(temperature?.toFixed(4) ?? null).toBe((want.T as number | null)?.toFixed(4) ?? null)
    if (temperature === undefined) return
    expect(measure(margins, { temperature, noise: 0 }, 10).nll.toFixed(6)).toBe((want['nll at T'] as number).toFixed(6))
  })
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
  it.each(loaded)('theirs and refused: %s', async id => {
    const [first, second] = given_scores(id)
    // divided by a negative maximum their order turns round, and 1e-5 is added to it
    expect(await marginOf([first, second])).toEqual([first - second])
    if (first !== second) expect(prepared(id)).not.toEqual([first - second])
  })
  it('are all in one of the tables', () => {
    expect([...ours, ...Object.keys(wanted), ...Object.keys(refused), ...loaded].sort()).toEqual(
      idsOf('calibrate_scores', 'more'),
    )
    expect([ours.length, Object.keys(wanted).length, Object.keys(refused).length + loaded.length]).toEqual([5, 7, 18])
  })
})

const some = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 30 })
const nll = (margins: readonly number[], temperature: number) => measure(margins, { temperature, noise: 0 }, 2).nll

describe('the temperature', () => {
  it('is there if and only if the mean margin is above 0 and one is below 0, and no other is likelier', () => {
    fc.assert(
      fc.property(some, fc.constantFrom(0.5, 0.9, 0.999, 1.001, 1.1, 2), (margins, factor) => {
        const temperature = temperatureOf(margins),
          sum = Float64Array.from(margins)
            .sort()
            .reduce((a, b) => a + b, 0)
        fc.pre(Math.abs(sum) > 1e-9)
        expect(temperature !== undefined).toBe(sum > 0 && margins.some(d => d < 0))
        if (temperature === undefined) return
        expect(nll(margins, temperature)).toBeLessThanOrEqual(nll(margins, temperature * factor) + 1e-12)
      }),
      settings(1000),
    )
  })
  it('grows as the margins do, and so changes no probability', () => {
    const margins = [2, 1, 0.5, -1]
    expect(temperatureOf(margins.map(d => 1000 * d))! / temperatureOf(margins)!).toBeCloseTo(1000, 9)
  })
  it('is found beside a share of wrong labels, where margins are sure enough to tell them apart', () => {
    const random = new Random(3)
    const margins = Float64Array.from({ length: 20_000 }, () => {
      const d = 12 * random.float(),
        right = 0.15 + 0.7 / (1 + Math.exp(-d / 2))
      return random.float() < right ? d : -d
    })
    const curve = noisyCurve(margins)!
    expect(curve.temperature).toBeGreaterThan(1.8)
    expect(curve.temperature).toBeLessThan(2.2)
    expect([curve.low, curve.high].map(end => end.toFixed(2))).toEqual(['0.14', '0.16'])
    expect(temperatureOf(margins)).toBeGreaterThan(4)
  })
})

it('an odd number of bins hides margins below 0.405: with 5 no error of them is seen, and the option refuses it', () => {
  const margins = [0.4, 0.3, -0.4, 0.2]
  expect(measure(margins, plain, 5).ece).toBeCloseTo(0, 15)
  expect(measure(margins, plain, 6).ece).toBeGreaterThan(0.05)
  expect(JSON.stringify(validateOptions(stage, { bins: 5 }, ''))).toMatch(/bins/)
})

describe('real rewards', () => {
  it.each(['hh', 'shp'] as const)('%s: the errors and temperatures are those of the golden file', async source => {
    for (const [m, scores] of (await rewards(source)).entries()) {
      const margins = marginsOf(scores).sort(),
        temperature = temperatureOf(margins)!,
        [before, after] = [plain, { temperature, noise: 0 }].map(curve => measure(margins, curve, 10)),
        want = real.calibration[`${source} ${MODELS[m]}`]
      expect(before.ece).toBeCloseTo(want['ECE10 mirrored'] as number, 4)
      expect(after.ece).toBeCloseTo(want['ECE10 after T*'] as number, 4)
      expect(temperature).toBeCloseTo(want['T*'] as number, 3)
      expect([before.nll, after.nll].map(x => x.toFixed(4))).toEqual((want.nll as number[]).map(x => x.toFixed(4)))
    }
  })

  it('on pairs that it was not fitted to, a temperature of each source is worth what docs/benchmarks/scores.md says', async () => {
    const sets = await Promise.all((['hh', 'shp'] as const).map(rewards)),
      random = new Random(1)
    const found = MODELS.map((model, m) => {
      const sums = sets.map(() => [0, 0, 0])
      for (let draw = 0; draw < 20; draw++) {
        const halves = sets.map(models => {
          const margins = marginsOf(models[m]),
            isTrain = Array.from(margins, () => random.float() < 0.5)
          return [true, false].map(side => margins.filter((_, row) => isTrain[row] === side))
        })
        const shared = temperatureOf(halves.flatMap(([train]) => [...train]))!
        halves.forEach(([train, test], s) => {
          for (const [i, temperature] of [1, shared, temperatureOf(train)!].entries()) {
            sums[s][i] += measure(test, { temperature, noise: 0 }, 10).nll / 20
          }
        })
      }
      return [model, ...sums.flat().map(sum => sum.toFixed(3))]
    })
    expect(found).toEqual([
      ['base_dpo', '0.655', '0.609', '0.602', '0.553', '0.564', '0.554'],
      ['alpha005', '0.640', '0.640', '0.641', '0.562', '0.563', '0.564'],
      ['alpha01', '0.651', '0.634', '0.635', '0.643', '0.631', '0.631'],
    ])
  })
})

describe('in a graph', () => {
  it('pairs without a margin are counted, and have no probability', async () => {
    const made = folder(),
      path = writeJsonl(
        join(made, 'in.jsonl'),
        pairs(4).map((row, i) => ({ ...row, good: i % 2 ? 1 : null, bad: i % 2 ? null : 1, part: 'x' })),
      )
    const { manifest } = await run(
      graph(
        {
          version: 1,
          name: 'calibrated',
          stages: [
            { id: 'pairs', use: 'read_jsonl', with: { path } },
            { id: 'calibrated', use: 'calibrate_scores', with: { score_columns, by: 'part' } },
            { id: 'out', use: 'write_arrow' },
          ],
        },
        { base: import.meta.url },
      ),
      { output: made },
    )
    expect(manifest.stages.calibrated.report!.lines).toEqual(['none of 4 pairs has a margin: no probability'])
  })

  const calibrated = async (stages: readonly object[], partition_rows = 10_000) => {
    const { folder: made, manifest } = await run(
      graph({ version: 1, name: 'calibrated', partition_rows, stages } as never, { base: import.meta.url }),
      { output: folder() },
    )
    return { rows: rowsOf(join(made, 'out')), numbers: manifest.stages.calibrated.report!.numbers }
  }

  it('rewards of two sources have a temperature each, and a row the probability of its source', async () => {
    const stages = [
      { id: 'pairs', use: 'read_parquet', with: { path: `${shared}data/dpo-reward-margins/*.parquet` } },
      {
        id: 'calibrated',
        use: 'calibrate_scores',
        with: {
          score_columns: { chosen: 'base_dpo_reward_chosen', rejected: 'base_dpo_reward_rejected' },
          by: 'source',
        },
      },
      { id: 'out', use: 'write_arrow' },
    ]
    const { rows, numbers } = await calibrated(stages),
      by = numbers.by_name as Record<string, { rows: number; temperature: number }>
    expect(Object.values(by).map(({ rows, temperature }) => [rows, temperature.toFixed(2)])).toEqual([
      [1000, '1.97'],
      [1000, '1.02'],
    ])
    for (const row of rows.filter((_, i) => i % 50 === 0)) {
      const margin = Number(row.base_dpo_reward_chosen) - Number(row.base_dpo_reward_rejected),
        { temperature } = by[row.source as string]
      expect(row.calibrated_margin).toBe(margin)
      expect(row.calibrated_probability).toBeCloseTo(1 / (1 + Math.exp(-margin / temperature)), 12)
    }
    expect((await calibrated(stages, 170)).numbers).toEqual(numbers)
  })

  it('votes of six judges are not worth what their number says: 69 of them are one nat', async () => {
    const { numbers } = await calibrated([
      { id: 'items', use: 'read_parquet', with: { path: `${shared}data/llmbar/test.parquet` } },
      {
        id: 'votes',
        use: 'read_parquet',
        with: { path: `${shared}data/llmbar-judges/votes.parquet`, rename: { id: 'item_id' } },
      },
      {
        id: 'asked',
        use: 'add_votes',
        from: { rows: 'items', votes: 'votes' },
        with: { vote: 'winner', voter: 'judge', chosen: 'label' },
      },
      {
        id: 'calibrated',
        use: 'calibrate_scores',
        with: { score_columns: { chosen: 'asked_for', rejected: 'asked_against' } },
      },
      { id: 'out', use: 'write_arrow' },
    ])
    const { accuracy, temperature, nll, nll_after, ece, ece_after } = numbers as Record<string, number>
    // docs/benchmarks/scores.md has these
    expect([accuracy, temperature, nll, nll_after, ece, ece_after].map(x => x.toFixed(3))).toEqual([
      '0.648',
      '68.994',
      '8.677',
      '0.655',
      '0.325',
      '0.101',
    ])
  })
})
