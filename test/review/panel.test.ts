/**
 * Panels as the stages use them: score columns and vectors that the data carries, real ones and ones that are missing,
 * and what a summary says.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { validateOptions } from '../../engine/graph/validate.ts'
import { runExample } from '../../engine/run/examples.ts'
import { auroc } from '../../models/metrics.ts'
import type { Decision, Gate } from '../../models/decision.ts'
import type { Panel } from '../../models/panel.ts'
import { Random } from '../../models/random.ts'
import type { ExampleRow, AnyStage } from '../../engine/contract/define.ts'
import detectNoise from '../../stages/noise/detect_noise.ts'
import peerReview from '../../stages/review/peer_review.ts'
import { panelReport } from '../../stages/review/report.ts'

const review = peerReview as unknown as AnyStage,
  noise = detectNoise as unknown as AnyStage
const run = (rows: readonly ExampleRow[], options: Record<string, unknown> = {}, stage = review) =>
  runExample(stage, { title: 'x', rows, options })
const words = 'river stone lamp winter garden copper silent window paper harbour'.split(' ')

/** Pairs whose texts tell nothing, with scores and vectors that do: a fifth of the labels wrong. */
function scored(count: number): { rows: ExampleRow[]; wrong: Uint8Array } {
  const random = new Random(31)
  const wrong = Uint8Array.from({ length: count }, () => (random.float() < 0.2 ? 1 : 0))
  const text = () => Array.from({ length: 8 }, () => words[random.below(words.length)]).join(' ')
  const rows = Array.from(wrong, (flag, i) => {
    const better = 30 + 10 * random.normal() + 15,
      worse = 30 + 10 * random.normal()
    const [chosen, rejected] = flag ? [worse, better] : [better, worse]
    const vector = (score: number) => [score / 20 - 2, random.normal(), 1]
    return {
      prompt: `question ${i}`,
      chosen: `${text()}.`,
      rejected: `${text()}.`,
      good: chosen,
      bad: rejected,
      nothing: random.normal(),
      chosen_vector: vector(chosen),
      rejected_vector: vector(rejected),
    }
  })
  return { rows, wrong }
}
const score_columns = [{ name: 'model', chosen: 'good', rejected: 'bad' }]
const found = (probability: readonly unknown[], wrong: Uint8Array) =>
  auroc(
    probability.map(p => -(p as number)),
    wrong,
  ).value

describe('score_columns', () => {
  const { rows, wrong } = scored(1500)

  it('judge without being trained, and drop what they speak against', async () => {
    const { columns, kept, dropped } = await run(rows, { reviewers: ['style'], score_columns, action: 'annotate' })
    expect(kept).toHaveLength(1500)
    expect(dropped).toEqual({})
    expect(columns.margin_model).toEqual(rows.map(({ good, bad }) => (good as number) - (bad as number)))
    expect(found(columns.probability, wrong)).toBeGreaterThan(0.9)
    expect(found(columns.probability, wrong)).toBeCloseTo(found(columns.margin_model, wrong), 1)
  })

  it('need not be there for every row: a missing score has a null margin and says nothing', async () => {
    const some = rows.map((row, i) => (i % 10 === 0 ? { ...row, good: undefined } : row))
    const { dropped } = await run(some, { reviewers: [], score_columns }),
      { columns } = await run(some, { reviewers: [], score_columns, action: 'annotate' })
    expect(Object.keys(dropped).length).toBeGreaterThan(100)
    some.forEach((_, i) => {
      if (i % 10 === 0) {
        expect(columns.margin_model[i]).toBeNull()
        expect(dropped).not.toHaveProperty(String(i))
      }
    })
  })

  it('are refused where two have one name, or none is there', async () => {
    await expect(run(rows.slice(0, 5), { score_columns: [{ ...score_columns[0], name: 'words' }] })).rejects.toThrow(
      "peer_review: two reviewers are named 'words'",
    )
    await expect(run(rows.slice(0, 5), { reviewers: [] }, noise)).rejects.toThrow('detect_noise: there is no reviewer')
    await expect(run(rows.slice(0, 5), { score_columns: [{ ...score_columns[0], chosen: 'best' }] })).rejects.toThrow(
      /best/,
    )
  })
})

describe('a list for people', () => {
  const { rows } = scored(800)
  const noted = async (some: readonly ExampleRow[], options: Record<string, unknown>) => {
    const { noted, columns } = await run(some, options, noise)
    return { doubtful: Object.keys(noted).map(Number), margins: columns.margin as number[] }
  }

  it('holds all whose margin speaks against their label, where some may be dropped', async () => {
    const { doubtful, margins } = await noted(rows, { reviewers: [], score_columns })
    expect(doubtful).toEqual([...margins.keys()].filter(i => margins[i] < 0))
    expect(doubtful.length).toBeGreaterThan(100)
  })

  it('holds the lowest twentieth, where nothing may be dropped, and no others', async () => {
    const { doubtful, margins } = await noted(rows, { reviewers: [], score_columns, min_auroc: 0.99 })
    expect(doubtful.length).toBeGreaterThanOrEqual(38)
    expect(doubtful.length).toBeLessThanOrEqual(42)
    const highest = Math.max(...doubtful.map(i => margins[i]))
    expect(margins.filter(margin => margin < highest)).toHaveLength(doubtful.length - 1)
  })

  it('says of each which words and measures speak most against its label, and nothing of the others', async () => {
    const random = new Random(5),
      text = () => Array.from({ length: 8 }, () => words[random.below(words.length)]).join(' ')
    const plain = Array.from({ length: 600 }, (_, i) => {
      const sides = [`Certainly: ${text()}.`, `Sorry, ${text()}!`]
      if (i % 10 === 0) sides.reverse()
      return { prompt: `question ${i}`, chosen: sides[0], rejected: sides[1] }
    })
    const { noted, columns } = await run(plain, { reviewers: ['words', 'style'] }, noise)
    const against = columns.against as (string | null)[]
    for (const [i, { chosen }] of plain.entries()) {
      expect(against[i] !== null, String(i)).toBe(String(i) in noted)
      if (!chosen.startsWith('Sorry')) continue
      expect(against[i]).toMatch(/words: chosen says .*"sorry".*; rejected says .*"certainly"/)
      expect(against[i]).toMatch(/ \| style: chosen has .*more exclamations/)
    }
  })

  it('is empty where nobody says anything, or of too few', async () => {
    const mute = rows.map(row => ({ ...row, good: 1, bad: 1 }))
    expect((await noted(mute, { reviewers: [], score_columns })).doubtful).toEqual([])
    expect((await noted(rows.slice(0, 49), { reviewers: [], score_columns })).doubtful).toEqual([])
  })
})

describe('embedding_columns', () => {
  const { rows, wrong } = scored(800)
  const options = {
    reviewers: [],
    embedding_columns: { chosen: 'chosen_vector', rejected: 'rejected_vector' },
    action: 'annotate',
  }

  it('are vectors that a head is trained on', async () => {
    expect(found((await run(rows, options)).columns.probability, wrong)).toBeGreaterThan(0.85)
  })

  it('may be null in a row', async () => {
    const { columns } = await run(
      rows.map((row, i) => (i === 3 ? { ...row, chosen_vector: null } : row)),
      options,
    )
    expect(columns.margin_embeddings[3]).toBe(0)
  })
})

// implicit rewards of two language models that were not trained on these labels
const files = ['hh', 'shp'].map(
  name => new URL(`../../../shared/data/dpo-reward-margins/${name}.parquet`, import.meta.url),
)
describe.skipIf(!files.every(file => existsSync(file)))('score_columns of real reward models', () => {
  it('find flips in real preferences that style alone does not', async () => {
    const rows = (
      await Promise.all(
        files.map(async file => parquetReadObjects({ file: new Uint8Array(readFileSync(file)).buffer, compressors })),
      )
    )
      .flat()
      .filter(({ chosen, rejected }) => chosen && rejected && chosen !== rejected)
    expect(rows.length).toBeGreaterThan(1900)
    const random = new Random(7)
    const wrong = Uint8Array.from(rows, () => (random.float() < 0.2 ? 1 : 0))
    const given = rows.map((row, i) => {
      const [good, bad] = wrong[i] ? ['rejected', 'chosen'] : ['chosen', 'rejected']
      const scores = ['base_dpo', 'alpha01'].flatMap(name => [
        [`${name}_chosen`, row[`${name}_reward_${good}`]],
        [`${name}_rejected`, row[`${name}_reward_${bad}`]],
      ])
      return {
        prompt: row.prompt as string,
        chosen: row[good] as string,
        rejected: row[bad] as string,
        ...(Object.fromEntries(scores) as object),
      } as ExampleRow
    })
    const columns = ['base_dpo', 'alpha01'].map(name => ({
      name,
      chosen: `${name}_chosen`,
      rejected: `${name}_rejected`,
    }))
    const { columns: written } = await run(given, { reviewers: ['style'], score_columns: columns, action: 'annotate' })
    const joint = found(written.probability, wrong),
      style = found(written.margin_style, wrong),
      model = found(written.margin_base_dpo, wrong)
    expect(model).toBeGreaterThan(0.65)
    expect(joint).toBeGreaterThan(style + 0.03)
    expect(joint).toBeGreaterThan(model)
  })
})

describe('panelReport', () => {
  const e = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 })
  const expected = (rows: number) => ({
    rows,
    agreement: 0.12,
    precision: { low: 0.39, value: 0.82, high: 0.89 },
  })
  const decision = {
    rows: 4270,
    curve: { eta: 0.08, temperature: 1 },
    noise: { value: 0.09, high: 0.11, how: 'bounded' },
    acted: 0.1,
    limit: 0.82,
    auroc: e(0.88),
    min_auroc: 0.6,
    gate: 'open',
  } as Decision
  const panel = {
    reviewers: ['words', 'style'].map((name, m) => ({
      name,
      from: 'learned',
      l2: 1,
      tried: [],
      weight: m,
      calibration: { plain_temperature: 1, plain_gain: 90 * m },
    })),
    sees: [false, true],
    fits: [1, 2, 3, 4, 5].map(seed => ({ seed, weights: [] })),
    joint: {},
    rows: 4270,
    exchange: false,
    decision,
    expected: { stack: expected(303), both: expected(200), either: expected(410) },
    tables: {
      probability: { all: [], stack: [], both: [], either: [] },
      sureness: [],
      surest: [],
    },
  } as unknown as Panel
  const last = (some: Partial<Panel>, action: 'drop' | 'annotate' | 'weight' = 'drop') =>
    panelReport({ ...panel, ...some }, action).lines.at(-1)
  const shut = (gate: Gate, more: Partial<Decision> = {}) => ({ decision: { ...decision, gate, ...more } })

  it('says in three plain lines what is seen, how many labels are wrong at most, and what is dropped', () => {
    const { lines } = panelReport({ ...panel, sees: [true, true] }, 'drop')
    expect(lines).toEqual([
      'reviewers words and style, 4,270 pairs, 5 cross-fits; any one label turned round is told from the others with AUROC 0.88 [0.83, 0.93]',
      'share of wrong labels: at most 0.11; 0.09 if the reviewers are right where they are surest',
      'words adds nothing to what the others see: no weight in the probability',
      '303 pairs (7.1 %) dropped: reviewers this sure agree with 12 of 100 labels; 82 % of the dropped are wrong if 0.09 are, 89 % if 0.11 are, 39 % if 0.045 are',
    ])
    expect(panelReport(panel, 'drop').lines).toContain('words sees no more here than a coin: no voice')
  })

  it('says of each rule what it would drop, where nothing is dropped here', () => {
    const { lines } = panelReport(panel, 'annotate')
    expect(lines.at(-3)).toBe(
      'rule stack would drop 303 pairs (7.1 %): reviewers this sure agree with 12 of 100 labels; 82 % of them are wrong if 0.09 are, 89 % if 0.11 are, 39 % if 0.045 are',
    )
    expect(lines.slice(-2).map(line => line.slice(0, 41))).toEqual([
      'rule both would drop 200 pairs (4.7 %); 3',
      'rule either would drop 410 pairs (9.6 %);',
    ])
    expect(panelReport(panel, 'annotate').tables!.rules).toContainEqual(
      expect.objectContaining({ rule: 'both', pairs: 200 }),
    )
    expect(panelReport(panel, 'drop', 'both').lines.at(-1)).toMatch(/^200 pairs \(4\.7 %\) dropped/)
    expect(panelReport(panel, 'flip').lines.at(-1)).toMatch(/^303 pairs \(7\.1 %\) flipped.* of the flipped are wrong/)
  })

  it('never prints a lower end above 0 from margins alone', () => {
    expect(panelReport(panel, 'drop').numbers.noise_rate).toEqual({ value: 0.09, low: 0, high: 0.11, how: 'bounded' })
    const given = { ...decision, noise: { value: 0.1, high: 0.1, how: 'given' as const } },
      { lines, numbers } = panelReport({ ...panel, decision: given }, 'drop')
    expect(lines[1]).toBe('share of wrong labels: 0.10, as given')
    expect(lines.at(-1)).toMatch(/; 82 % of the dropped are wrong if 0\.10 are, 39 % if 0\.05 are$/)
    expect(numbers.noise_rate).toEqual({ value: 0.1, low: 0.1, high: 0.1, how: 'given' })
    const clean = { ...decision, noise: { value: 0.0002, high: 0.0011, how: 'bounded' as const } }
    expect(panelReport({ ...panel, decision: clean }, 'drop').lines[1]).toMatch(/at most 0\.0011; 0\.0002 if/)
  })

  it('says which gate is shut, and what would open it', () => {
    const help = 'more pairs, votes of people, or the scores of a served model or judge would help'
    expect(last(shut('agreement', { agreement: { rows: 90, share: 0.57, low: 0.45 } }))).toBe(
      `nothing is dropped: reviewers who are surest agree with only 57 of 100 labels (3 of 5 are needed); ${help}`,
    )
    expect(last(shut('agreement', { agreement: { rows: 90, share: 0.64, low: 0.52 } }))).toMatch(
      /agree with only 64 of 100 labels, of 90 pairs, and surely with 52 \(3 of 5 are needed\)/,
    )
    expect(last(shut('auroc', { auroc: e(0.57) }), 'annotate')).toBe(
      `nothing would be dropped: the reviewers hardly tell a label that is turned round from the others (AUROC 0.52 at least; more than min_auroc, 0.60, is needed); ${help}`,
    )
    expect(last(shut('rows', { rows: 12 }))).toBe(
      'nothing is dropped: 12 pairs are too few to judge by; at least 50 are needed',
    )
    expect(last(shut('blind'))).toBe(`nothing is dropped: no reviewer says anything of these pairs; ${help}`)
    expect(last(shut('auroc'), 'weight')).toMatch(/^every soft label is 1: the reviewers hardly tell/)
    expect(last({}, 'weight')).toBe('every pair is kept, with its probability as a soft label')
    const none = expected(0)
    expect(last({ expected: { stack: none, both: none, either: none } })).toBe(
      'nothing is dropped: no label is more likely wrong than right (reviewers as sure as at the lowest margins would have to contradict 82 of 100)',
    )
  })
})

const defaultsOf = (stage: AnyStage) => {
  const options: Record<string, unknown> = {}
  expect(validateOptions(stage, options, '')).toEqual([])
  return options
}

describe('panel', () => {
  const { rows } = scored(600)
  const options = { reviewers: ['style'], score_columns }

  it('gives the columns that peer_review would have made by itself, and drops the same', async () => {
    // each under an id of its own: what is learned does not depend on it
    const { columns: own, dropped: ownDrops } = await run(rows, { ...options, action: 'annotate' }),
      { columns } = await run(rows, options, noise)
    expect(ownDrops).toEqual({})
    for (const name of ['probability', 'agreement', 'class', 'curriculum_rank', 'margin_style', 'margin_model']) {
      expect(columns[name], name).toEqual(own[name])
    }
    const read = rows.map((row, i) => ({
      ...row,
      ...Object.fromEntries(Object.entries(columns).map(([name, values]) => [`noise_${name}`, values[i]])),
    }))
    for (const rule of ['stack', 'both', 'either'] as const) {
      const { kept, dropped, columns: written } = await run(read, { panel: 'noise', rule }),
        alone = await run(rows, { ...options, rule })
      expect([kept, dropped]).toEqual([alone.kept, alone.dropped])
      expect(written.agreement).toEqual(alone.columns.agreement)
      expect(Object.keys(dropped).map(Number)).toEqual(
        [...columns[`drop_${rule}`].keys()].filter(i => columns[`drop_${rule}`][i]),
      )
      const { columns: judged } = await run(read, { panel: 'noise', rule, action: 'annotate' })
      for (const row of Object.keys(dropped)) expect(judged.probability[Number(row)]).toBeLessThanOrEqual(0.5)
    }
    expect(columns.drop_stack.filter(Boolean).length).toBeGreaterThan(30)
  })

  it('drops the same in another order of the rows, and whatever the partitions', async () => {
    const order = rows.map((_, i) => i).sort((a, b) => ((a * 7919) % 601) - ((b * 7919) % 601) || a - b),
      { dropped } = await run(rows, options),
      shuffled = await run(
        order.map(i => rows[i]),
        options,
      )
    expect(
      Object.keys(shuffled.dropped)
        .map(i => order[Number(i)])
        .sort((a, b) => a - b),
    ).toEqual(Object.keys(dropped).map(Number))
  })

  it('warns of options that count for nothing beside it', async () => {
    const said = (some: object) =>
      review.report!({ ...defaultsOf(review), panel: 'noise', ...some }, { state: undefined, tally: undefined }).lines
    expect(said({})).toEqual(['goes by the reviewers of noise, rule stack: its report says what to expect'])
    expect(said({ min_auroc: 0.7, reviewers: ['style'], rule: 'both' })).toEqual([
      'goes by the reviewers of noise, rule both: its report says what to expect',
      'warning: reviewers and min_auroc count for nothing beside panel; set them on noise',
    ])
  })

  it('is refused where no stage of that id has its columns', async () => {
    await expect(run(rows.slice(0, 5), { panel: 'noise' })).rejects.toThrow(/noise_/)
  })
})
