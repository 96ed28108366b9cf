/** Groups: golden values of fairlearn, aif360, statsmodels, planted gaps, and real ones; docs/benchmarks/audits.md. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batch } from '../../engine/arrow/flow.ts'
import type { AnyAudit, Context } from '../../engine/contract/define.ts'
import { flowOf } from '../../engine/run/examples.ts'
import { chanceDifference, difference, ratio, type Trials } from '../../models/fairness.ts'
import { share } from '../../models/metrics.ts'
import { Random } from '../../models/random.ts'
import { spreadOf, spreadSampler } from '../../stages/audit/group_spread.ts'
import {
  addWords,
  noWords,
  occupationRows,
  labourOf,
  readLists,
  wordCounter,
  wordRows,
} from '../../stages/audit/group_words.ts'
import {
  calibrationOf,
  countGroups,
  gapOf,
  groupRow,
  groupsOf,
  MEASURES,
  noGroups,
  treatmentOf,
  type Group,
  type Measure,
} from '../../stages/audit/groups.ts'
import { allStages } from '../../stages/registry.ts'
import { refuses } from '../../stages/check/refusals.ts'
import { openingOf } from '../../stages/kit/opening.ts'
import { settings } from '../properties/settings.ts'
import { casesOf, isThere, rowsIn } from './golden.ts'

const audit = (await allStages()).get('audit_groups') as AnyAudit
const context = { seed: 17, id: 'it', state: undefined } as unknown as Context<never>

/** Right ones kept and dropped, wrong ones kept and dropped, as tables of the libraries have them. */
const group = (name: string, [tp, fn, fp, tn]: readonly number[]): Group => ({
  name,
  kept: [tp, fp, ...Array<number>(31).fill(0)],
  dropped: [fn, tn, ...Array<number>(31).fill(0)],
})
const rate = (measure: Measure, one: Group) => groupRow(measure, one).share
const gap = (measure: Measure, groups: readonly Group[], least = 1) => gapOf(measure, groups, least, 20)

describe.runIf(isThere)('golden values', () => {
  interface Fairlearn {
    readonly table_tp_fn_fp_tn: Readonly<Record<string, readonly number[]>>
    readonly by_group: Readonly<Record<string, Readonly<Record<string, number>>>>
    readonly [name: string]: unknown
  }
  const [fairlearn] = isThere ? casesOf<Fairlearn>('fairness_fairlearn') : []
  const groups = Object.entries(fairlearn?.table_tp_fn_fp_tn ?? {}).map(([name, table]) => group(name, table))

  it('ours and theirs: rates, differences, ratios and equalized odds of fairlearn', () => {
    for (const one of groups) {
      for (const [ours, theirs] of [
        ['kept', 'selection_rate'],
        ['kept_of_right', 'tpr'],
        ['kept_of_wrong', 'fpr'],
        ['right_of_kept', 'ppv'],
      ] as const) {
        expect(rate(ours, one), `${ours} of ${one.name}`).toBeCloseTo(fairlearn.by_group[theirs][one.name], 9)
      }
    }
    expect(gap('kept', groups)).toMatchObject({ difference: 0.4, ratio: 0.6, top: 'c', bottom: 'b' })
    expect(gap('kept_of_right', groups)!.difference).toBeCloseTo(fairlearn.eop_difference as number, 9)
    expect(gap('kept_of_right', groups)!.ratio).toBeCloseTo(fairlearn.eop_ratio as number, 9)
    const odds = [gap('kept_of_right', groups)!, gap('kept_of_wrong', groups)!]
    expect(Math.max(...odds.map(one => one.difference))).toBeCloseTo(
      fairlearn.eo_difference_between_groups_worst_case as number,
      9,
    )
    expect(Math.min(...odds.map(one => one.ratio!))).toBeCloseTo(
      fairlearn.eo_ratio_between_groups_worst_case as number,
      9,
    )
  })
  it('theirs and refused: a group without right pairs has opportunity 0 there, which makes equalized odds 1', () => {
    const without = group('d', [0, 0, 1, 3])
    expect(fairlearn.group_without_positives).toMatchObject({ tpr: { d: 0 }, eo_diff: 1 })
    expect(groupRow('kept_of_right', without)).toMatchObject({ share: null, low: null, of: 0 })
    expect(gap('kept_of_right', [...groups, without])!.difference).toBeCloseTo(0.4, 9)
    expect(gap('kept', [group('a', [0, 1, 0, 1]), group('b', [0, 3, 0, 3])])).toMatchObject({
      difference: 0,
      ratio: null,
    })
    expect(treatmentOf(group('a', [1, 1, 0, 1]))).toBeNull()
  })
  it('aif360: the unprivileged minus the privileged group, and over it', () => {
    const [theirs] = casesOf<Record<string, number>>('fairness_aif360'),
      [a, b] = groups
    const of = (measure: Measure): [Trials, Trials] => [MEASURES[measure](b), MEASURES[measure](a)]
    expect(difference(...of('kept')).value).toBeCloseTo(theirs.statistical_parity_difference, 9)
    expect(ratio(...of('kept'))!.value).toBeCloseTo(theirs.disparate_impact, 9)
    expect(difference(...of('kept_of_right')).value).toBeCloseTo(theirs.equal_opportunity_difference, 9)
    expect(difference(...of('right_of_kept')).value).toBeCloseTo(theirs.predictive_parity_difference, 9)
    const odds = (['kept_of_right', 'kept_of_wrong'] as const).map(measure => difference(...of(measure)).value)
    expect((odds[0] + odds[1]) / 2).toBeCloseTo(theirs.average_odds_difference, 9)
  })
  it('intervals of statsmodels: Wilson, Newcombe, Koopman', () => {
    const [theirs] = casesOf<Record<string, Record<string, [number, number]>>>('intervals')
    const read = (text: string): Trials => {
      const [hits, trials] = text.split('/').map(Number)
      return { hits, trials }
    }
    const holds = (ours: { low: number; high: number }, [low, high]: [number, number], digits: number) => {
      expect(ours.low).toBeCloseTo(low, digits)
      expect(ours.high).toBeCloseTo(high, digits)
    }
    for (const [of, wanted] of Object.entries(theirs.wilson95)) {
      const { hits, trials } = read(of)
      holds(share(hits, trials), wanted, 9)
    }
    for (const [of, wanted] of Object.entries(theirs.newcombe95_diff)) {
      const [one, other] = of.split(' - ').map(read)
      holds(difference(one, other), wanted, 9)
    }
    for (const [of, wanted] of Object.entries(theirs.koopman_score_ratio95)) {
      const [one, other] = of.split(' / ').map(read)
      holds(ratio(one, other)!, wanted, 5)
    }
    expect(ratio({ hits: 0, trials: 5 }, { hits: 0, trials: 5 })).toBeUndefined()
    expect(ratio({ hits: 0, trials: 5 }, { hits: 3, trials: 5 })).toMatchObject({ value: 0, low: 0 })
    expect(ratio({ hits: 3, trials: 5 }, { hits: 0, trials: 5 })).toMatchObject({ value: Infinity, high: Infinity })
  })
  it('calibration within groups', () => {
    const [{ p, y, g, in_the_large }] = casesOf<{
      p: number[]
      y: number[]
      g: string[]
      in_the_large: Record<string, number>
    }>('calibration_within_groups')
    const counts = noGroups(),
      rows = p.map((probability, i) => ({ prompt: 'q', chosen: 'a', rejected: 'b', p: probability, y: y[i], g: g[i] }))
    countGroups(counts, new Batch(flowOf(rows)), { by: 'g', truth_column: 'y', probability_column: 'p' })
    for (const one of groupsOf(counts, undefined)) {
      expect(calibrationOf(one).gap).toBeCloseTo(in_the_large[one.name], 5)
      // theirs is 0.15 and 0.3 with five bins; with ten each probability but 0.8 and 0.9 of b stands alone
      const error = { a: (0.1 + 0.2 + 0.7 + 0.4) / 4, b: (0.9 + 0.2 + 0.3 + 0.2) / 4 }[one.name]!
      expect(calibrationOf(one).error).toBeCloseTo(error, 5)
    }
  })
})

const trials = fc
  .record({ hits: fc.nat(50), more: fc.integer({ min: 1, max: 50 }) })
  .map(({ hits, more }) => ({ hits, trials: hits + more }))
describe('arithmetic', () => {
  it('intervals hold their value, and turn round with it', () => {
    fc.assert(
      fc.property(trials, trials, (a, b) => {
        const d = difference(a, b),
          back = difference(b, a)
        expect(d.low <= d.value && d.value <= d.high).toBe(true)
        expect(back.low).toBeCloseTo(-d.high, 12)
        const r = ratio(a, b)
        if (r && a.hits > 0 && b.hits > 0) {
          expect(r.low <= r.value && r.value <= r.high).toBe(true)
          expect(ratio(b, a)!.low).toBeCloseTo(1 / r.high, 6)
        }
      }),
      settings(200),
    )
  })
  it('chance alone: of many groups some always differ, and large groups hardly do', () => {
    const equal = (count: number, of: number) => Array.from({ length: count }, () => ({ hits: of / 2, trials: of }))
    expect(chanceDifference(equal(2, 20), 400, 1)).toBeLessThan(chanceDifference(equal(10, 20), 400, 1))
    expect(chanceDifference(equal(5, 100_000), 200, 1)).toBeLessThan(0.01)
    expect(chanceDifference([{ hits: 3, trials: 9 }], 20, 1)).toBe(0)
  })
})

describe('planted gaps', () => {
  /** Five groups of 100, each kept with 0.6; with a gap one of them with 0.35. */
  const drawn = (seed: number, isApart: boolean) => {
    const random = new Random(seed)
    return Array.from({ length: 5 }, (_, g) => {
      let hits = 0
      for (let i = 0; i < 100; i++) if (random.float() < (isApart && g === 2 ? 0.35 : 0.6)) hits++
      return group(String(g), [hits, 100 - hits, 0, 0])
    })
  }
  it('precision 0.95, recall 0.97 of 100 sets with a gap and 100 without', () => {
    const said = (isApart: boolean) =>
      Array.from(
        { length: 100 },
        (_, seed) => gapOf('kept', drawn(seed + (isApart ? 1000 : 0), isApart), 20, 200)!.is_apart,
      )
    const [found, wrong] = [said(true), said(false)].map(all => all.filter(Boolean).length)
    expect({ found, wrong }).toEqual({ found: 97, wrong: 5 })
  })
  it('groups of too few pairs are shown and not compared', () => {
    const groups = [group('a', [30, 10, 0, 0]), group('b', [29, 11, 0, 0]), group('c', [0, 19, 0, 0])]
    expect(gap('kept', groups, 20)).toMatchObject({ top: 'a', bottom: 'b' })
    expect(gapOf('kept', groups.slice(1), 20, 20)).toBeUndefined()
  })
})

describe('words of groups', () => {
  const file = JSON.stringify({
    groups: { women: ['She', 'her'], men: ['he', 'his'] },
    occupations: { Nurse: { women: 0.9 }, pilot: { women: 0.1 }, clerk: { women: 0.5 } },
  })
  const lists = readLists('words.json', new TextEncoder().encode(file))
  const of = (pairs: readonly (readonly [string, string])[]) => {
    const counts = noWords(lists)
    wordCounter(lists)(
      counts,
      new Batch(flowOf(pairs.map(([chosen, rejected]) => ({ prompt: 'q', chosen, rejected })))),
    )
    return counts
  }
  it('are counted where one side alone has them, and beside occupations', () => {
    const counts = of([
      ['She is a nurse.', 'The nurse is here.'],
      ['The hero', 'His plane'],
      ['he said', 'he says'],
      ['Her pilot, she said', 'He is a pilot'],
    ])
    expect(wordRows(lists, counts)).toMatchObject([
      { group: 'women', chosen: 2, rejected: 0, share: 1, log_odds: null },
      { group: 'men', chosen: 0, rejected: 2, share: 0 },
    ])
    const rows = occupationRows(lists, counts)
    expect(rows.filter(({ group }) => group === 'women')).toMatchObject([
      { occupation: 'nurse', chosen: 1, rejected: null, labour: 0.9 },
      { occupation: 'pilot', chosen: 1, rejected: 0, labour: 0.1 },
      { occupation: 'clerk', chosen: null, labour: 0.5 },
    ])
    expect(labourOf(rows, 'women')).toBeUndefined()
    const twice = of([])
    addWords(twice, counts)
    addWords(twice, counts)
    expect(wordRows(lists, twice)[0].chosen).toBe(4)
  })
  it('go with the table where texts do', () => {
    const texts = ['She is a nurse', 'She, a nurse', 'He is a pilot', 'he is a clerk', 'she is a clerk'],
      rows = occupationRows(lists, of(texts.map(text => [text, 'x'] as const)))
    expect(labourOf(rows, 'women')).toEqual({ occupations: 3, spearman: 1 })
  })
  it.each(['{', '[]', '{"groups": {"a": "b"}}', '{"groups": {}, "occupations": {"a": {"b": 2}}}'])(
    '%s is refused',
    text => {
      expect(() => readLists('words.json', new TextEncoder().encode(text))).toThrow(/^words\.json: .*it is JSON as/)
    },
  )
})

/** What the audit says of rows that are kept and dropped. */
function said(kept: readonly object[], dropped: readonly object[], options: object) {
  const all = { group_rows: 20, shuffles: 200, spread: false, ...options }
  const tally = (rows: readonly object[], input: string) => {
    const [round] = audit.tally(all, input).rounds as never as {
      collect(context: unknown): { batch(batch: Batch): void; part(): unknown }
      merge(parts: unknown[], context: unknown): unknown
    }[]
    const part = round.collect(context)
    for (let at = 0; at < rows.length; at += 1000) part.batch(new Batch(flowOf(rows.slice(at, at + 1000) as never)))
    return round.merge([part.part()], context)
  }
  return audit.report(all, { kept: tally(kept, 'kept'), dropped: tally(dropped, 'dropped') } as never)
}

describe.runIf(isThere)('real groups', () => {
  it('XSTest: patterns of refusals find those of GPT-4 and hardly those of Mistral-instruct', async () => {
    const rows = (await rowsIn<Record<string, string>>('xstest/completions', ['completion', 'final_label', 'model']))
      .filter(({ final_label: label }) => /^[12]_/.test(label))
      .map(({ completion, final_label: label, model }) => ({
        ...{ prompt: 'q', chosen: 'a', rejected: 'b', model, right: label.startsWith('2') },
        kept: refuses(openingOf(completion.slice(0, 600))),
      }))
    const { lines, numbers } = said(
      rows.filter(({ kept }) => kept),
      rows.filter(({ kept }) => !kept),
      { by: 'model', truth_column: 'right' },
    )
    expect(numbers.equalized_odds).toBe(0.7483)
    expect(lines).toEqual([
      '5 groups of model, 5 with 20 pairs or more',
      "kept: most of 'llama2orig', least of 'mistralinstruct', 68.9 points apart [63.8, 73.3]: chance makes 9.4 at most",
      "warning: kept of those rightly labelled: most of 'llama2orig', least of 'mistralinstruct', 74.8 points apart [61.2, 84.0]: chance makes 13.6 at most",
      "warning: kept of those wrongly labelled: most of 'llama2orig', least of 'mistralinstruct', 6.0 points apart [1.7, 13.1]: chance makes 5.2 at most",
      "rightly labelled of those kept: most of 'llama2orig', least of 'mistralguard', 1.6 points apart [-1.9, 6.6]: could be chance",
      "rightly labelled: most of 'llama2orig', least of 'mistralinstruct', 62.8 points apart [57.2, 67.7]: chance makes 9.2 at most",
    ])
  })
  it.each([
    ['llmbar/test', '1193 pairs, 13 groups: 0.250, shuffled 0.197, 0.203 at most'],
    ['ukpconvarg1/all', '4000 pairs, 32 groups: 0.202, shuffled 0.133, 0.138 at most'],
  ])('%s: heads of groups, and of shuffled ones', async (set, wanted) => {
    const rows = (await rowsIn<Record<string, unknown>>(set, ['prompt', 'chosen', 'rejected', 'subset'])).filter(
        ({ chosen, rejected }) => chosen && rejected,
      ),
      sample = spreadSampler('subset', context)
    for (let at = 0; at < rows.length; at += 1000) sample.batch(new Batch(flowOf(rows.slice(at, at + 1000) as never)))
    const { pairs, groups, value, shuffled, most_shuffled: most } = spreadOf([sample.part()], 20, context)!
    expect(
      `${pairs} pairs, ${groups} groups: ${value.toFixed(3)}, shuffled ${shuffled.toFixed(3)}, ${most.toFixed(3)} at most`,
    ).toBe(wanted)
  })
})
