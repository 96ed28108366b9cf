/**
 * Panels as the stages use them: score columns and vectors that the data carries, real ones and ones that are missing,
 * and what a summary says.
 */
import { existsSync, readFileSync } from 'node:fs'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { runExample } from '../../engine/run/examples.ts'
import { auroc } from '../../models/metrics.ts'
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
    const { columns, dropped } = await run(some, { reviewers: [], score_columns })
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
  const panel = {
    reviewers: ['words', 'style'].map(name => ({
      name,
      from: 'learned',
      fit: { l2: 1, tried: [] },
      calibration: { plain_temperature: 1 },
    })),
    stack: { overall: Float64Array.of(0, 1), gains: [0, 90], sees: [false, true], weights: [] },
    joint: {},
    rows: 3000,
    able: true,
    tells: true,
    share_by: 'evidence',
    noise_rate: { ...e(0.2), how: 'fitted' },
    self_test: { rows: 3000, planted: 300, auroc: e(0.7), auroc_corrected: e(0.85), precision: e(0.4), recall: e(0.5) },
  } as unknown as Panel
  const trial = { share: 0.2, dropped_share: 0.15, memorising: e(0.06), tuned: e(0), tuned_accuracy: e(0) }

  it('says in plain sentences what is blind, and why nothing is dropped', () => {
    const last = (some: Partial<Panel>, acts = true) =>
      panelReport({ ...panel, ...some }, acts ? 'drop' : 'annotate').lines.at(-1)
    expect(panelReport(panel, 'drop').lines[0]).toBe(
      'reviewers words and style, trained on 3,000 pairs; of 300 labels flipped in secret 50 % [45, 55] were found (precision 40 % [35, 45]); any one label flipped is told from the others with AUROC 0.70 [0.65, 0.75]',
    )
    expect(panelReport(panel, 'drop').lines).toContain('words sees no more here than a coin: no voice')
    expect(last({ evidence: { share: 0, helps: false, trials: [trial], held_out: 600 } })).toBe(
      'a fresh head does not surely learn better without the pairs that they doubt, so nothing was dropped for noise',
    )
    expect(last({ share_by: 'noise_rate' })).toBe(
      'each reviewer speaks against its lowest 20 %; whether dropping helps was not tried',
    )
    expect(last({ able: false, tells: false, self_test: { ...panel.self_test, auroc_corrected: e(0.57) } })).toBe(
      'the reviewers cannot tell right labels from wrong ones here (lower bound 0.52), so nothing was dropped for noise',
    )
    expect(last({ able: false, evidence: { share: 0, helps: false, trials: [trial], held_out: 600 } })).toMatch(
      /^the reviewers may not tell right labels from wrong ones well enough here \(lower bound 0.80\), and a fresh head /,
    )
    expect(last({ able: false, share_by: 'noise_rate' }, false)).toBe(
      'the reviewers cannot tell right labels from wrong ones well enough here (lower bound 0.80), so nothing would be dropped for noise',
    )
    expect(last({ evidence: { share: 0.2, helps: true, trials: [trial], held_out: 600 } })).toMatch(
      /^a fresh memorising model judges held-out labels better without 15 % of the pairs \(gain 0\.0600 /,
    )
  })
})
