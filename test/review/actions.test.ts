/** What detect_noise and peer_review write: signals, soft labels, flips and the way from easy to hard. */
import { describe, expect, it } from 'vitest'
import { runExample } from '../../engine/run/examples.ts'
import { auroc } from '../../models/metrics.ts'
import { Random } from '../../models/random.ts'
import type { ExampleRow, AnyStage } from '../../engine/contract/define.ts'
import detectNoise from '../../stages/noise/detect_noise.ts'
import peerReview from '../../stages/review/peer_review.ts'

const review = peerReview as unknown as AnyStage,
  noise = detectNoise as unknown as AnyStage
const run = (stage: AnyStage, rows: readonly ExampleRow[], options: Record<string, unknown>) =>
  runExample(stage, { title: 'x', rows, options })
const found = (values: readonly unknown[], wrong: Uint8Array) =>
  auroc(
    values.map(value => -(value as number)),
    wrong,
  ).value

/**
 * Answers of different worth, a name each that says nothing, every one compared with every other of its prompt; a fifth
 * of the labels wrong.
 */
function contest(prompts: number): { rows: ExampleRow[]; wrong: Uint8Array } {
  const random = new Random(3),
    rows: ExampleRow[] = [],
    wrong: number[] = []
  for (let prompt = 0; prompt < prompts; prompt++) {
    const answers = Array.from({ length: 6 }, (_, worth) => ({
      worth,
      text: `answer ${random.uint32().toString(36)} to ${prompt}.`,
    }))
    for (const a of answers) {
      for (const b of answers) {
        if (a.worth <= b.worth) continue
        const flip = random.float() < 0.2,
          [chosen, rejected] = flip ? [b, a] : [a, b]
        wrong.push(flip ? 1 : 0)
        rows.push({
          prompt: `question ${prompt}`,
          chosen: chosen.text,
          rejected: rejected.text,
          model_chosen: chosen.worth + 2 * random.normal(),
          model_rejected: rejected.worth + 2 * random.normal(),
        })
      }
    }
  }
  return { rows, wrong: Uint8Array.from(wrong) }
}
const { rows, wrong } = contest(60)
const score_columns = [{ name: 'model', chosen: 'model_chosen', rejected: 'model_rejected' }]

describe('standings', () => {
  it('find wrong labels of answers that are compared several times, where texts say nothing', async () => {
    const { columns } = await run(review, rows, { reviewers: ['style', 'standings'], action: 'annotate' })
    expect(found(columns.margin_standings, wrong)).toBeGreaterThan(0.75)
    expect(found(columns.probability, wrong)).toBeGreaterThan(0.75)
    expect(found(columns.margin_style, wrong)).toBeLessThan(0.6)
  })

  it('say nothing of answers that occur once, and do not keep rule both from finding', async () => {
    const once = rows.map((row, i) => (i % 2 === 0 ? row : { ...row, prompt: `another ${i}` }))
    const { columns, dropped } = await run(review, once, {
      reviewers: ['standings'],
      score_columns,
      share_by: 'noise_rate',
      noise_rate: 0.2,
    })
    const alone = new Set(once.flatMap((_, i) => (i % 2 === 1 ? [i] : [])))
    expect(Object.keys(dropped).some(row => alone.has(Number(row)))).toBe(true)
    expect(columns.margin_standings).toContain(null)
  })
})

describe('peer_review', () => {
  it('flips what would have been dropped, visibly', async () => {
    const options = { reviewers: ['standings'], score_columns, rule: 'stack', share_by: 'noise_rate', noise_rate: 0.2 }
    const { dropped } = await run(review, rows, options),
      { columns, kept, noted } = await run(review, rows, { ...options, action: 'flip' })
    expect(kept).toHaveLength(rows.length)
    const flipped = columns.flipped.flatMap((flip, i) => (flip ? [i] : []))
    expect(flipped).toEqual(Object.keys(dropped).map(Number))
    expect(flipped.length).toBeGreaterThan(100)
    expect(noted).toEqual(Object.fromEntries(flipped.map(i => [i, 'flipped'])))
    rows.forEach((row, i) =>
      expect([columns.chosen[i], columns.rejected[i]]).toEqual(
        columns.flipped[i] ? [row.rejected, row.chosen] : [row.chosen, row.rejected],
      ),
    )
    // more labels are right than before
    expect(flipped.filter(i => wrong[i]).length).toBeGreaterThan(flipped.length / 2)
  })

  it('flips nothing and says 1 for every label where the reviewers cannot tell', async () => {
    const blind: ExampleRow[] = rows.slice(0, 150).map((row, i) => ({ ...row, prompt: `question ${i}` }))
    const flips = await run(review, blind, { reviewers: ['style'], action: 'flip' })
    expect(flips.columns.flipped.every(flip => flip === false)).toBe(true)
    expect(flips.columns.chosen).toEqual(blind.map(({ chosen }) => chosen))
    expect(new Set((await run(review, blind, { reviewers: ['style'], action: 'weight' })).columns.soft_label)).toEqual(
      new Set([1]),
    )
  })

  it('writes soft labels, and ranks from easy to hard', async () => {
    const { columns, kept } = await run(review, rows, { reviewers: ['standings'], score_columns, action: 'weight' })
    expect(kept).toHaveLength(rows.length)
    expect(columns.soft_label).toEqual(columns.probability)
    const order = rows
      .map((_, i) => i)
      .sort((a, b) => (columns.curriculum_rank[a] as number) - (columns.curriculum_rank[b] as number))
    const share = (some: number[]) => some.filter(i => wrong[i]).length / some.length
    expect(share(order.slice(0, 300))).toBeLessThan(0.1)
    expect(share(order.slice(-200))).toBeGreaterThan(0.4)
    for (const rank of columns.curriculum_rank as number[]) expect(rank >= 0 && rank <= 1).toBe(true)
    // probability falls along the way
    for (let i = 1; i < order.length; i++) {
      expect((columns.probability[order[i]] as number) <= (columns.probability[order[i - 1]] as number) + 0.02).toBe(
        true,
      )
    }
  })
})

describe('detect_noise', () => {
  it('has a column for every signal, and each finds wrong labels', async () => {
    const random = new Random(8),
      vote = (i: number, accuracy: number) => (random.float() < accuracy === (wrong[i] === 0) ? 1 : -1)
    const voted = rows.map((row, i) => ({
      ...row,
      good_judge: vote(i, 0.9),
      poor_judge: vote(i, 0.55),
      lazy_judge: i % 5 === 0 ? vote(i, 0.8) : null,
    }))
    const { columns } = await run(noise, voted, {
      reviewers: ['style', 'standings'],
      score_columns,
      vote_columns: ['good_judge', 'poor_judge', 'lazy_judge'],
      rating_columns: { chosen: 'model_chosen', rejected: 'model_rejected' },
      neighbours: true,
    })
    for (const signal of ['probability', 'agreement', 'margin', 'mixture', 'votes', 'ratings']) {
      expect(found(columns[signal], wrong)).toBeGreaterThan(0.7)
    }
    // the good judge outvotes the poor one
    voted.forEach((row, i) => {
      if (row.lazy_judge === null && row.good_judge !== row.poor_judge) {
        expect((columns.votes[i] as number) > 0.5).toBe(row.good_judge > 0)
      }
    })
    const flags = columns.flagged as boolean[],
      flagged = flags.filter(Boolean).length
    expect(flagged).toBeGreaterThan(50)
    expect(flags.filter((flag, i) => flag && wrong[i]).length / flagged).toBeGreaterThan(0.5)
    for (const p of columns.neighbours as number[]) expect(p >= 0 && p <= 1).toBe(true)
  })

  it('says nothing by votes or ratings that are not there', async () => {
    const { columns } = await run(
      noise,
      rows
        .slice(0, 100)
        .map(row => ({ ...row, judge: null as number | null, rated: null as number | null }))
        .map((row, i) => (i === 0 ? { ...row, judge: 1, rated: 1 } : row)),
      { vote_columns: ['judge'], rating_columns: { chosen: 'rated', rejected: 'model_rejected' } },
    )
    expect(columns.votes.slice(1).every(value => value === null)).toBe(true)
    expect(columns.ratings.slice(1).every(value => value === null)).toBe(true)
    expect(columns.votes[0]).toBeGreaterThan(0.5)
  })
})
