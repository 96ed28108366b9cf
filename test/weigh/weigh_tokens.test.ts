/** Weights of tokens: golden values in three tables, properties, and word models of real pairs. */
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Example } from '../../engine/contract/define.ts'
import { validateOptions } from '../../engine/graph/validate.ts'
import { runsOf, weighTokens, type Method } from '../../stages/weigh/tokens.ts'
import stage from '../../stages/weigh/weigh_tokens.ts'
import { graph, readParquet, run } from '../../index.mjs'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { ask } from '../noise/ask.ts'
import { settings } from '../properties/settings.ts'
import { given, idsOf, isThere, shared } from './golden.ts'

const defaults = { floor: 1e-7, beta: 0.1, min_run_tokens: 1 }
const weigh = (method: Method, a: readonly number[], b?: readonly number[], options: object = {}) =>
  weighTokens(a.map(method === 'rank' ? Number : Math.log), b?.map(Math.log), { ...defaults, method, ...options })
const pair = { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }
const options = { columns: { rejected: 'a' }, reference_columns: { rejected: 'b' } }
const notesOf = async (a: unknown, b: unknown) => (await ask(stage, options, [{ id: 'x', ...pair, a, b }])).noted[0]

interface Top {
  readonly indices: readonly number[]
  readonly values: readonly number[]
}
/** Of the tokens that both lists have, their probabilities in both and the advantage that their code gives. */
function inBoth(id: string) {
  const { dpo_teacher: dpo, ref_teacher: ref, out } = given<Readonly<Record<string, Top>>>(id)
  const of = ({ indices, values }: Top, token: number) => values[indices.indexOf(token)]
  const tokens = dpo.indices.filter(token => ref.indices.includes(token))
  return { dpo: tokens.map(t => of(dpo, t)), ref: tokens.map(t => of(ref, t)), want: tokens.map(t => of(out, t)) }
}
const softmax = (logits: readonly number[]) => {
  const sum = logits.reduce((all, logit) => all + Math.exp(logit), 0)
  return logits.map(logit => Math.exp(logit) / sum)
}
interface Distil {
  readonly teacher_logits: number[]
  readonly reverse_logits: number[]
  readonly beta: number
  readonly reward: number[]
}
interface Cut {
  readonly p_judged: number[]
  readonly p_plain: number[]
  readonly threshold: number
  readonly weight: number
  readonly flagged: boolean[]
  readonly loss_unlike: number
}
interface Shift {
  readonly rank_from_0: number
  readonly category: string
}
/** CUT's loss, as the page says to make it of the mask. */
const cutLoss = (mask: ArrayLike<number>, plain: readonly number[], w: number) =>
  plain.reduce((sum, p, i) => sum - (mask[i] ? w * Math.log(1 - p) : Math.log(p)), 0) / plain.length

/** What their code gives, and ours too. */
const wanted = (): Record<string, readonly [ours: readonly number[], theirs: readonly number[]]> => ({
  ...Object.fromEntries(
    ['adpa_token_advantage.0', 'adpa_token_advantage.2'].map(id => {
      const { dpo, ref, want } = inBoth(id)
      return [id, [[...weigh('advantage', dpo, ref).values], want]]
    }),
  ),
  ...Object.fromEntries(
    idsOf('aligndistil_token').map(id => {
      const { teacher_logits: ours, reverse_logits: theirs, beta, reward } = given<Distil>(id)
      return [id, [[...weigh('contrast', softmax(ours), softmax(theirs), { beta }).values], reward]]
    }),
  ),
  ...Object.fromEntries(
    idsOf('cut_unlikelihood').map(id => {
      const { p_judged, p_plain, threshold: limit, weight, flagged, loss_unlike } = given<Cut>(id)
      const { marked } = weigh('judgment', p_judged, p_plain, { limit })
      return [
        id,
        [
          [...marked, cutLoss(marked, p_plain, weight)],
          [...flagged.map(Number), loss_unlike],
        ],
      ]
    }),
  ),
  ...Object.fromEntries(
    idsOf('token_shift').map(id => {
      const { rank_from_0: rank, category } = given<Shift>(id),
        { marked } = weigh('rank', [rank])
      const ours = rank === 0 ? 0 : marked[0] === 0 ? 1 : 2
      return [id, [[ours], [['unshifted', 'marginal', 'shifted'].indexOf(category)]]]
    }),
  ),
})
/** What their code gives and ours does not: what ours says, and why. */
const refused: Record<string, readonly [why: string, got: () => unknown, ours: unknown]> = {
  'adpa_token_advantage.1': [
    'of a token that the reference’s list lacks theirs makes a probability up; ours has none to weigh',
    () => notesOf([Math.log(0.9)], [null]),
    'no_tokens',
  ],
  ...Object.fromEntries(
    [0, 1, 2].map(i => [
      `adpa_label_prefix.${i}`,
      [
        'theirs takes the tokens that a shorter list of labels begins with; lists of different lengths are not weighed',
        () => {
          const [a, b] = given<[number[], number[]]>(`adpa_label_prefix.${i}`).slice(0, 2)
          return notesOf(...([a, b].map(list => list.map(() => -1)) as [unknown, unknown]))
        },
        i === 2 ? 'no_tokens' : 'lengths_differ',
      ],
    ]),
  ),
  'adpa_loss.0': [
    'the loss is over the student’s whole distribution, which the stage does not have',
    () => ask(stage, options, [{ id: 'x', ...pair, a: [-1], b: [-1] }]).then(({ columns }) => Object.keys(columns)),
    ['rejected_mean', 'rejected_sum', 'rejected_share', 'rejected_weights'],
  ],
}

describe.runIf(isThere)('golden values', () => {
  it('theirs and wanted', () => {
    for (const [id, [got, want]] of Object.entries(wanted())) {
      expect(got, id).toHaveLength(want.length)
      // AlignDistil's and CUT's code runs in float32
      const within = /^(align|cut)/.test(id) ? 1e-6 : 1e-9
      got.forEach((value, i) => expect(Math.abs(value - want[i]), id).toBeLessThan(within))
    }
  })
  it.each(Object.entries(refused))('theirs and refused: %s', async (_id, [why, got, ours]) => {
    expect(await got(), why).toEqual(ours)
  })
  it('are all in one of the tables', () => {
    const all = idsOf(
      ...['adpa_token_advantage', 'adpa_label_prefix', 'adpa_loss', 'aligndistil_token', 'cut_unlikelihood'],
      'token_shift',
    )
    expect([...Object.keys(wanted()), ...Object.keys(refused)].sort()).toEqual(all)
    expect(all).toHaveLength(20)
  })
})

describe('tokens', () => {
  const probability = fc.double({ min: 1e-6, max: 1, noNaN: true })
  const lists = fc.array(fc.tuple(probability, probability), { minLength: 1, maxLength: 20 })
  it('turn their advantage round with the models, and a contrast is beta times it', () => {
    fc.assert(
      fc.property(lists, fc.double({ min: 0.01, max: 2, noNaN: true }), (both, beta) => {
        const [a, b] = [0, 1].map(i => both.map(each => each[i]))
        const { values, sum } = weigh('advantage', a, b)
        expect(weigh('advantage', b, a).sum).toBeCloseTo(-sum, 9)
        weigh('contrast', a, b, { beta }).values.forEach((value, i) => expect(value).toBeCloseTo(beta * values[i], 9))
      }),
      settings(200),
    )
  })
  it('that are blamed lie in the spans, which no token ends that is blamed too, and no others do', () => {
    fc.assert(
      fc.property(lists, fc.integer({ min: 1, max: 4 }), (both, min_run_tokens) => {
        const [a, b] = [0, 1].map(i => both.map(each => each[i]))
        const all = weigh('judgment', a, b).marked,
          { marked } = weigh('judgment', a, b, { min_run_tokens })
        const runs = runsOf(all).filter(([start, end]) => end - start >= min_run_tokens)
        expect(runsOf(marked)).toEqual(runs)
        expect(marked.reduce((n, one) => n + one, 0)).toBe(runs.reduce((n, [start, end]) => n + end - start, 0))
        for (const [start, end] of runs) expect([all[start - 1] ?? 0, all[end] ?? 0]).toEqual([0, 0])
      }),
      settings(200),
    )
  })
  it('of no probability, minus infinity, count as the floor; what is no log-probability is none', async () => {
    const { sum } = weighTokens([-Infinity], [-1], { ...defaults, method: 'advantage' })
    expect(sum).toBeCloseTo(Math.log(1e-7) + 1, 12)
    for (const bad of [[], [NaN], [0.5], '[]', '["x"]']) expect(await notesOf(bad, [-1])).toBe('no_tokens')
  })
  it('of float32 that are 1.1 times as likely but for rounding are not blamed', () => {
    for (let p = 0.01; p < 0.9; p += 0.01) {
      const round = (x: number) => Math.fround(Math.log(x))
      const { marked } = weighTokens([round(1.1 * p)], [round(p)], { ...defaults, method: 'judgment' })
      expect(marked[0]).toBe(0)
    }
  })
})

it.each([
  [{ columns: { chosen: 'a' } }, 'reference_columns'],
  [{ columns: { chosen: 'a' }, reference_columns: { rejected: 'b' } }, 'reference_columns'],
  [{ method: 'rank', columns: { chosen: 'a' }, reference_columns: { chosen: 'b' } }, 'reference_columns'],
  [{ method: 'rank', columns: { chosen: 'a' }, token_columns: { chosen: 'b', rejected: 'c' } }, 'token_columns'],
] as const)('%j is refused at %s', (given, option) => {
  const all = structuredClone(given) as never
  validateOptions(stage, all, '')
  expect(stage.check!(all, undefined as never).map(({ option }) => option)).toEqual([option])
})

describe.runIf(isThere)('real pairs', () => {
  const words = (text: string) => text.toLowerCase().match(/\p{L}+|\d+|[^\s\p{L}\d]/gu) ?? []
  /** Counts of words as a language model: log-probabilities with one added to each word's count. */
  function modelOf(texts: readonly string[]) {
    const counts = new Map<string, number>()
    const all = texts.flatMap(words)
    for (const word of all) counts.set(word, (counts.get(word) ?? 0) + 1)
    return (text: string) => words(text).map(word => Math.log(((counts.get(word) ?? 0) + 1) / (all.length + 30_000)))
  }
  async function hh() {
    const rows: Record<string, string>[] = []
    for await (const batch of readParquet(`${shared}data/hh-rlhf/harmless-base-test.parquet`)) {
      for (const row of batch.toArray() as Record<string, unknown>[]) {
        rows.push({ prompt: `Prompt ${rows.length}`, chosen: String(row.chosen), rejected: String(row.rejected) })
      }
    }
    return rows
  }

  it('word models of chosen and of rejected sides order pairs that they have not seen as the page says', async () => {
    const rows = await hh(),
      half = rows.length >> 1,
      [train, test] = [rows.slice(0, half), rows.slice(half)]
    const [good, bad] = (['chosen', 'rejected'] as const).map(side => modelOf(train.map(row => row[side])))
    const weighed = test.map((row, i) => ({
      ...{ id: `row ${i}`, ...row },
      ...{ good_chosen: good(row.chosen), good_rejected: good(row.rejected) },
      ...{ bad_chosen: bad(row.chosen), bad_rejected: bad(row.rejected) },
    }))
    const made = folder(),
      path = writeJsonl(join(made, 'in.jsonl'), weighed)
    const { manifest, folder: out } = await run(
      graph(
        {
          version: 1,
          name: 'weighed',
          partition_rows: 400,
          stages: [
            { id: 'pairs', use: 'read_jsonl', with: { path } },
            {
              id: 'weighed',
              use: 'weigh_tokens',
              with: {
                columns: { chosen: 'good_chosen', rejected: 'good_rejected' },
                reference_columns: { chosen: 'bad_chosen', rejected: 'bad_rejected' },
              },
            },
            { id: 'out', use: 'write_arrow' },
          ],
        } as never,
        { base: import.meta.url },
      ),
      { output: folder() },
    )
    const { numbers, lines } = manifest.stages.weighed.report!,
      sum = (list: readonly number[]) => list.reduce((all, one) => all + one, 0),
      orders = (win: (row: (typeof weighed)[number]) => number) =>
        sum(weighed.map(row => (Math.sign(win(row)) + 1) / 2)) / weighed.length
    const ordered = orders(
      row => sum(row.good_chosen) - sum(row.bad_chosen) - sum(row.good_rejected) + sum(row.bad_rejected),
    )
    expect(numbers).toMatchObject({ pairs: 1152, ordered })
    expect(numbers.bare).toBeCloseTo(
      orders(row => sum(row.good_chosen) - sum(row.good_rejected)),
      12,
    )
    // the page has these
    expect(lines.at(-1)).toBe(
      "the sums order 59.7 % [56.9, 62.5] of 1,152 pairs as labelled, the log-probabilities of 'columns' alone 55.5 % [52.6, 58.3]",
    )
    const [row] = rowsOf(join(out, 'out'))
    expect([...(row.weighed_chosen_weights as Iterable<number>)]).toEqual(
      weighed[0].good_chosen.map((log, i) => Math.fround(log - weighed[0].bad_chosen[i])),
    )
  })
})

const example = (stage.examples as readonly Example[])[1]
it('are given as the example says also where lists are JSON text', async () => {
  const rows = example.rows.map(row => ({
    ...row,
    judged: JSON.stringify((row as { judged?: unknown }).judged),
    plain: JSON.stringify((row as { plain?: unknown }).plain),
  }))
  const found = await ask(stage, example.options!, rows as never)
  expect(found.columns.rejected_spans).toEqual(['[[1,3]]'])
})
