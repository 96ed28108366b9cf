/** Shortcuts: golden values in three tables, planted ones, and what real pairs give away; docs/benchmarks/audits.md. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batch } from '../../engine/arrow/flow.ts'
import type { AnyAudit, AnyStage, Context } from '../../engine/contract/define.ts'
import { flowOf } from '../../engine/run/examples.ts'
import { crossFit, dotRow } from '../../models/head.ts'
import { Random, hashString } from '../../models/random.ts'
import { markdownOf, relative, ridgeWeights } from '../../models/style_control.ts'
import { createPairText } from '../../models/tokens.ts'
import { createFeaturiser } from '../../models/features.ts'
import { STYLE_COLUMNS } from '../../models/style.ts'
import {
  controlsOf,
  CONTROLS,
  gather,
  mannersOf,
  rowMaker,
  sampler,
  shortcutsOf,
} from '../../stages/audit/shortcuts.ts'
import { openingOf } from '../../stages/kit/opening.ts'
import { allStages } from '../../stages/registry.ts'
import { settings } from '../properties/settings.ts'
import { casesOf, isThere, pairsIn, rowsIn, type Pair } from './golden.ts'

const stages = await allStages()
const audit = stages.get('audit_shortcuts') as AnyAudit,
  score = stages.get('score_shortcuts') as AnyStage
const context = { seed: 17, id: 'it', state: undefined } as unknown as Context<never>

/** What the audit learns of pairs. */
function learnt(pairs: readonly object[], first?: string) {
  const part = sampler(4000, ['words', 'style'], context, first)
  for (let at = 0; at < pairs.length; at += 1000) part.batch(new Batch(flowOf(pairs.slice(at, at + 1000) as never)))
  return shortcutsOf(gather([part.part()], 4000), context)
}

interface Counted {
  readonly text: string
  readonly counts: Readonly<Record<string, number>>
}
const countsOf = (text: string) => {
  const { headers, lists, bold } = markdownOf(text)
  return { header_count: headers, list_count: lists, bold_count: bold }
}
/** Share of a text's words in another, by the style features' column. */
function unigram(document: string, text: string): number {
  const pair = createPairText(),
    read = (side: 'prompt' | 'chosen' | 'rejected', value: string) => {
      const bytes = new TextEncoder().encode(value)
      pair[side].read(bytes, 0, bytes.length)
    }
  read('prompt', document)
  read('chosen', text)
  read('rejected', '')
  const style = createFeaturiser('style', { max_rows: 1, max_values: 99 })
  style.append(pair)
  return style.view().values[STYLE_COLUMNS.indexOf('share_in_prompt')]
}
const lossOf = (values: readonly number[], width: number, weights: readonly number[]) => {
  let loss = weights.reduce((sum, weight) => sum + weight * weight, 0) / 2
  for (let at = 0; at < values.length; at += width) {
    loss += Math.log1p(Math.exp(-weights.reduce((sum, weight, i) => sum + weight * values[at + i], 0)))
  }
  return loss
}

describe.runIf(isThere)('golden values', () => {
  interface Arena {
    readonly rows: readonly [string, string, string, number[]][]
    readonly features_standardised: number[][]
    readonly outcomes: number[]
    readonly ratings_and_coefficients: number[]
  }
  it('ours: extractiveness, the share of words', () => {
    const cases = casesOf<{ document: string; summary: string; unigram: number }>('extractiveness')
    expect(cases).toHaveLength(3)
    for (const { document, summary, unigram: share } of cases) {
      expect(unigram(document, summary)).toBeCloseTo(share, 4)
    }
  })
  it('theirs and wanted: style_markdown_counts, but for code', () => {
    const cases = casesOf<Counted>('style_markdown_counts')
    expect(cases).toHaveLength(5)
    cases.forEach(({ text, counts }, i) => {
      if (i !== 3) expect(countsOf(text)).toEqual(counts)
    })
  })
  it('theirs and refused: style_markdown_counts of code with a backtick: a comment in code is no header', () => {
    const { text, counts } = casesOf<Counted>('style_markdown_counts')[3]
    expect(counts.header_count).toBe(1)
    expect(countsOf(text)).toEqual({ header_count: 0, list_count: 0, bold_count: 0 })
  })
  it('theirs and refused: style_fastchat centres its features, which would take the answer away', () => {
    const [{ rows, features_standardised: theirs }] = casesOf<Arena>('style_fastchat')
    const raw = rows.map(([, , , counts]) => [0, 1, 2, 3].map(c => relative(counts[c], counts[c + 4])))
    for (let c = 0; c < 4; c++) {
      const column = raw.map(row => row[c]),
        mean = column.reduce((sum, x) => sum + x, 0) / column.length,
        sd = Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length)
      column.forEach((x, i) => expect(Math.abs((x - mean) / sd - theirs[i][c])).toBeLessThan(1e-6))
    }
    // of pairs whose chosen side is always the longer one by as much, nothing would be left
    expect(
      controlsOf(Array.from({ length: 50 }, () => CONTROLS.map(name => (name === 'length' ? 0.3 : 0)))),
    ).toMatchObject([{ name: 'length', used: 1 }])
  })
  it('theirs and refused: the weights of style_fastchat, which stop short of the least loss', () => {
    const [{ rows, features_standardised, outcomes, ratings_and_coefficients: theirs }] =
      casesOf<Arena>('style_fastchat')
    // a row twice for a win, turned for a loss, once each for a tie; so the ridge is twice theirs
    const doubled = rows.flatMap(([first], i) => {
      const side = (first === 'm1' ? 1 : -1) * Math.log(10),
        row = [side, -side, ...features_standardised[i]]
      return [outcomes[i] > 0 ? 1 : -1, outcomes[i] < 1 ? -1 : 1].flatMap(sign => row.map(x => sign * x))
    })
    const ours = ridgeWeights(doubled, 6, 1).map(({ value }) => value)
    ours.forEach((value, i) => expect(Math.abs(value - theirs[i])).toBeLessThan(1e-4))
    expect(lossOf(doubled, 6, ours)).toBeLessThan(lossOf(doubled, 6, theirs))
  })
  it('theirs and refused: style_arena_hard_features are so small that their scale is noise; ours are of counts', () => {
    const ours = casesOf<{ a: number[]; b: number[]; f: number[] }>('style_arena_hard_features').map(({ a, b, f }) => {
      expect(f).toHaveLength(4)
      return a.map((x, i) => Number(relative(x, b[i]).toFixed(6)))
    })
    expect(ours).toEqual([
      [0.332226, 0.666667, 0.833333, 0.75],
      [-0.498753, -0.5, -0.8, -0.666667],
      [0, 0.5, 0, -0.5],
    ])
  })
  it('theirs and refused: length_controlled has no row of a data set to say anything of', () => {
    // without an intercept every pair of equal lengths has 0.5; the weight of length is what there is to say
    const [{ len_model, len_baseline, preference_1_to_2, raw_win_rate, length_controlled }] =
      casesOf<Record<string, number[]>>('length_controlled')
    expect(length_controlled).not.toBe(raw_win_rate)
    const rows = len_model.map((length, i) => {
      const by = relative(length, len_baseline[i])
      return CONTROLS.map(name => (name === 'length' ? (preference_1_to_2[i] > 1.5 ? by : -by) : 0))
    })
    expect(controlsOf(rows).map(({ value }) => value.toFixed(2))).toEqual(['2.06'])
  })
})

it('weights are where the slope of the loss is 0', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 6, maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      (some, width) => {
        const values = some.slice(0, some.length - (some.length % width)),
          weights = ridgeWeights(values, width, 1).map(({ value }) => value),
          least = lossOf(values, width, weights)
        for (let a = 0; a < width; a++) {
          for (const by of [-1e-3, 1e-3]) {
            const other = weights.map((weight, i) => (i === a ? weight + by : weight))
            expect(lossOf(values, width, other)).toBeGreaterThanOrEqual(least)
          }
        }
      },
    ),
    settings(100),
  )
})

it('manners are told by how a side begins', () => {
  const named = (text: string, challenged = false) => mannersOf(openingOf(text), challenged).join('')
  expect(named('**What a great question!** It is 7.')).toBe('1000')
  expect(named('You’re absolutely right, it is 7.', true)).toBe('0101')
  expect(named('  I apologize for the confusion.', true)).toBe('0011')
  expect(named('I apologize for the confusion.')).toBe('0010')
  expect(named('您说得对，答案是七。')).toBe('0100')
  expect(named('非常抱歉，我弄错了。')).toBe('0010')
  for (const text of [
    'It is 7.',
    'The sorry state of affairs.',
    'Right of way is given.',
    'Greater questions remain.',
  ]) {
    expect(named(text, true), text).toBe('0000')
  }
})

const words = 'river stone lamp winter garden copper silent window paper harbour market thread island'.split(' ')
/** Pairs of words at random; `plant` changes the chosen side of nine in ten. */
function drawn(seed: number, plant?: (text: string) => string): Pair[] {
  const random = new Random(seed),
    text = () => Array.from({ length: 8 + random.below(9) }, () => words[random.below(words.length)]).join(' ')
  return Array.from({ length: 300 }, (_, i) => {
    const pair = { prompt: `${text()} ${i}?`, chosen: text(), rejected: text() }
    return plant && random.float() < 0.9 ? { ...pair, chosen: plant(pair.chosen) } : pair
  })
}
const plants: Readonly<Record<string, (text: string) => string>> = {
  longer: text => `${text} and ${text}`,
  word: text => `${text} therefore`,
  bold: text => `**${text.slice(0, 9)}**${text.slice(9)}`,
  praise: text => `Great question! ${text}`,
}
const warns = (kept: readonly Pair[]) =>
  audit.report({ warn_share: 0.7 }, { kept: learnt(kept) }).lines.filter(line => line.startsWith('warning: '))

it('of eight sets with a planted shortcut and eight without, the audit warns of the first: precision 1, recall 1', () => {
  for (const seed of [1, 2]) {
    for (const [name, plant] of Object.entries(plants)) expect(warns(drawn(seed, plant)), name).toHaveLength(1)
    for (let k = 0; k < 4; k++) expect(warns(drawn(100 * seed + k))).toEqual([])
  }
})

it('says where what is kept gives more away than what was there before, and beside the run before', () => {
  const { lines } = audit.report(
    { warn_share: 0.7 },
    { before: learnt(drawn(1)), kept: learnt(drawn(2, plants.word)) },
    { words: 0.5, style: 0.5 },
  )
  expect(lines).toContain('warning: what is kept gives its chosen side away more than what was there before')
  expect(lines).toContain('it was 50.0 % by words and 50.0 % by style in the run before')
})

/** Of real pairs: found by words, by style, as the longer one; and the weight of length. */
const given: Readonly<Record<string, readonly [words: string, style: string, longer: string, length: string]>> = {
  'oasst-rm-zh/train': ['0.726', '0.724', '0.725', '1.13'],
  'truthfulqa/test': ['0.834', '0.763', '0.646', '0.47'],
  'llmbar/test': ['0.515', '0.535', '0.462', '-0.23'],
  'mr-gsm8k/wrong-solutions': ['1.000', '0.998', '0.259', '-0.25'],
  'jade-zh/train': ['1.000', '0.995', '0.446', '1.18'],
}
describe.runIf(isThere)('real pairs', { timeout: 120_000 }, () => {
  it.each(Object.entries(given))('%s', async (set, wanted) => {
    const { found, controls } = learnt(await pairsIn(set))
    const { words, style, longer } = found!
    expect([
      ...[words, style, longer].map(({ value }) => value.toFixed(3)),
      controls.find(({ name }) => name === 'length')!.value.toFixed(2),
    ]).toEqual(wanted)
  })

  it('verdicts of a judge that goes by the order', async () => {
    const items = new Map((await rowsIn<{ id: string }>('llmbar/test')).map(row => [row.id, row])),
      seen = new Set<string>()
    const pairs = (
      await rowsIn<Record<string, unknown>>('llmbar-judges/votes', ['item_id', 'judge', 'swapped', 'winner'])
    ).flatMap(vote => {
      const item = items.get(String(vote.item_id)) as unknown as Record<string, string> | undefined
      if (vote.judge !== 'Falcon' || !item || typeof vote.winner !== 'string' || seen.has(item.id)) return []
      if (vote.swapped !== (hashString(item.id) % 2 === 0)) return []
      seen.add(item.id)
      const sides = [item.output_1, item.output_2],
        isFirst = (vote.winner === '1') !== vote.swapped
      if (vote.winner !== '1') sides.reverse()
      return [{ prompt: item.prompt, chosen: sides[0], rejected: sides[1], first: isFirst ? 1 : 0 }]
    })
    const { found, controls } = learnt(pairs, 'first')
    expect(found!.shown_first!.value.toFixed(3)).toBe('0.922')
    expect(controls.find(({ name }) => name === 'shown_first')!.value).toBeGreaterThan(1)
  })
})

/** Trains heads of words on pairs, and says how they fare where the chosen side is the longer, and the shorter one. */
function fares(train: readonly Pair[], test: readonly Pair[]): number {
  const [rows, asked] = [train, test].map(pairs => {
    const maker = rowMaker(['words'])
    for (const { chosen, rejected } of pairs) {
      const pair = createPairText(),
        read = (side: 'chosen' | 'rejected', value: string) => {
          const bytes = new TextEncoder().encode(value)
          pair[side].read(bytes, 0, bytes.length)
        }
      read('chosen', chosen)
      read('rejected', rejected)
      maker.append(pair)
    }
    return maker.take()[0]
  })
  const folds = Uint8Array.from(train, ({ prompt }) => hashString(JSON.stringify(prompt)) % 5),
    { weights } = crossFit(rows, folds, { folds: 5, seed: 3, tolerance: 1e-3, coarse: true })
  const right = [0, 0],
    all = [0, 0]
  test.forEach(({ chosen, rejected }, i) => {
    const way = chosen.length > rejected.length ? 0 : 1
    all[way]++
    if (weights.reduce((sum, head) => sum + dotRow(asked, i, head), 0) > 0) right[way]++
  })
  return (right[0] / all[0] + right[1] / all[1]) / 2
}

/** Pairs to learn from, those left at 0.8, and the mean accuracy over both ways that lengths go: all, left, random. */
const thinned: Readonly<
  Record<string, readonly [rows: number, left: number, whole: string, thin: string, random: string]>
> = {
  'hh-rlhf/helpful-base-test': [1000, 861, '0.558', '0.541', '0.537'],
  'oasst-rm-zh/train': [597, 502, '0.572', '0.581', '0.584'],
}
describe.runIf(isThere)('thinned by score_shortcuts, heads of words learn no more', { timeout: 120_000 }, () => {
  it.each(Object.entries(thinned))('%s', async (set, wanted) => {
    const pairs = (await pairsIn(set)).filter(
        ({ chosen, rejected }) => chosen.trim() && rejected.trim() && chosen !== rejected,
      ),
      hash = (text: unknown) => hashString(JSON.stringify(text)),
      isTrain = ({ prompt }: Pair) => hash(prompt) % 2 === 0
    const train = pairs
      .filter(isTrain)
      .sort((a, b) => hash([a.chosen, a.rejected]) - hash([b.chosen, b.rejected]))
      .slice(0, 1000)
    const test = pairs.filter(pair => !isTrain(pair)).slice(0, 1000),
      options = { reader: 'style', sample_rows: 4000 },
      batch = new Batch(flowOf(train as never)),
      [only] = score.fit!(options)!.rounds,
      part = only.collect(context)
    await part.batch(batch)
    const state = await only.merge([part.part()], context)
    const { columns } = (await score.open!(options, { ...context, state } as never).batch(
      batch,
      null as never,
      {},
    )) as {
      columns: { probability: Float64Array }
    }
    const left = train.filter((_, i) => columns.probability[i] <= 0.8)
    expect([
      train.length,
      left.length,
      ...[train, left, train.slice(0, left.length)].map(some => fares(some, test).toFixed(3)),
    ]).toEqual(wanted)
  })
})
