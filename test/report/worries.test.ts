/** What is to be looked at in a run, by harm, and the verdict: from counts and reports alone. */
import { describe, expect, it } from 'vitest'
import type { Reason, Worry } from '../../engine/contract/define.ts'
import type { Shown, ShownRow } from '../../engine/report/shape.ts'
import { verdictOf, worriesOf, type WorriesOf } from '../../engine/report/worries.ts'

type Stage = WorriesOf['manifest']['stages'][string]
const stage = (some: Partial<Stage>): Stage => ({
  ...{ use: 'x', in: 0, out: 0, dropped: 0, errored: 0, spared: 0, derived: 0, reasons: {}, kinds: {}, notes: {} },
  ...some,
})
/** A run of 1,000 pairs, of which 900 are kept. */
const runOf = (stages: Record<string, Partial<Stage>>, more: Partial<WorriesOf> = {}): WorriesOf => ({
  manifest: {
    rows: { read: 1000, kept: 900, dropped: 100, errored: 0, derived: 0 },
    stages: Object.fromEntries(
      Object.entries({ pairs: { in: 1000, out: 1000 }, ...stages, dpo: { in: 900, out: 900 } }).map(([id, some]) => [
        id,
        stage(some),
      ]),
    ),
    sinks: { dpo: { rows: 900, columns: [], renamed: {}, facts: {} } },
    graph: { name: 'g', seed: 1, partition_rows: 10, stages: [] },
    inputs: [{ source: 'pairs', path: 'p', rows: 1000, bytes: 1, sha256: '', layout: 'text', facts: {} }],
  },
  reasonOf: (_, reason): Reason | undefined =>
    reason === 'contradictory' ? { kind: 'quality', about: '', family: 'both_ways' } : undefined,
  reports: {},
  warnings: [],
  parts: [],
  near: [],
  ...more,
})
const look = (name: string, more: Partial<Worry> = {}): Worry => ({
  level: 'look',
  name,
  value: '1',
  said: `${name} is said`,
  ...more,
})
const report = (...worries: Worry[]) => ({ lines: [], worries })
const named = (run: WorriesOf) => worriesOf(run).map(({ level, name, value }) => `${level} ${name} ${value}`)

describe('worriesOf', () => {
  it('has none where nothing is wrong, and then the verdict is fit', () => {
    expect(worriesOf(runOf({}))).toEqual([])
    expect([verdictOf([], false), verdictOf([], true)]).toEqual(['fit', 'stop'])
    expect(verdictOf([look('a', { level: 'note' })], false)).toBe('fit')
    expect(verdictOf([look('a')], false)).toBe('look')
  })

  it.each([
    [10, 'look not worked on 10'],
    [11, 'stop not worked on 11'],
  ])('stops at more than 1 %% of rows that failed: %i of 1,000', (errored, said) => {
    const run = runOf({ hard: { errored } })
    expect(named(run)).toEqual([said])
    expect(worriesOf(run)[0]).toMatchObject({ rows: 'hard.error', said: expect.stringContaining('hard') as string })
  })

  it('orders by harm: what failed, what stages say, what took most, what came to nothing, then what is good to know', () => {
    const run = runOf(
      { a: { errored: 5 }, unique: { dropped: 8, reasons: { contradictory: 8 } } },
      {
        reports: {
          noise: report(look('labels'), look('length', { level: 'note' })),
          x: { lines: ['warning: hear me'] },
        },
        warnings: [look('small', { value: '120', rows: 'b.c' }), look('big', { value: '1,200', rows: 'b.d' })],
      },
    )
    Object.assign(run.manifest, { keep_ids: { given: 3, absent: 2 } })
    expect(named(run)).toEqual([
      'look not worked on 5',
      'look labels 1',
      'look x ',
      'look big 1,200',
      'look small 120',
      'look both ways 8',
      'look keep-ids 2',
      'note length 1',
    ])
    expect(worriesOf(run)[2].said).toBe('hear me')
  })

  it('takes a worry of a stage in place of the one of its name or rows, with why and rows where it has none', () => {
    const found = { unique: { dropped: 8, reasons: { contradictory: 8 } } }
    const [only, ...more] = worriesOf(runOf(found, { reports: { labels: report(look('both ways', { value: '12' })) } }))
    expect(more).toEqual([])
    expect(only).toMatchObject({ value: '12', said: 'both ways is said', rows: 'unique.contradictory' })
    const warnings = [look('doubted', { value: '130', rows: 'agreed.reversed', why: 'because' })]
    expect(
      worriesOf(runOf({}, { warnings, reports: { n: report(look('labels', { rows: 'agreed.reversed' })) } })),
    ).toEqual([look('labels', { rows: 'agreed.reversed', why: 'because' })])
    // what takes much away is looked at, however sure the stage is
    expect(
      named(runOf({}, { warnings, reports: { n: report(look('doubted', { level: 'note', value: '130' })) } })),
    ).toEqual(['look doubted 130'])
  })

  it('notes what a stage says of new pairs that are 1 % of the result or less', () => {
    const made = (derived: number) => runOf({ hard: { derived } }, { reports: { hard: report(look('made')) } })
    expect([named(made(9)), named(made(10))]).toEqual([['note made 1'], ['look made 1']])
  })

  it('says of a reason of another warning only once what both say of the same rows', () => {
    const warnings = [look('both ways', { value: '130', rows: 'unique.contradictory' })]
    expect(worriesOf(runOf({ unique: { dropped: 130, reasons: { contradictory: 130 } } }, { warnings }))).toEqual(
      warnings,
    )
  })

  it('names the rows that went by what a panel doubts, and those it noted where none did', () => {
    const of: Partial<WorriesOf> = {
      reasonOf: (_, reason) => (reason === 'reversed' ? { kind: 'quality', about: '', family: 'labels' } : undefined),
      reports: { noise: report(look('doubted', { value: '123', rows: 'noise.doubtful' })) },
    }
    const rowsOf = (count: number) => worriesOf(runOf({ agreed: { reasons: { reversed: count } } }, of))[0].rows
    expect([rowsOf(123), rowsOf(7)]).toEqual(['agreed.reversed', 'noise.doubtful'])
  })
})

describe('parts of the input', () => {
  const part = (value: string, read: number, kept: number, dropped = {}) => ({ value, read, kept, doubted: 0, dropped })
  const parts = (...values: Shown['parts'][number]['values']): Partial<WorriesOf> => ({
    parts: [{ column: 'source', values }],
  })
  const of = (...values: Shown['parts'][number]['values']) => worriesOf(runOf({}, parts(...values)))

  it('that lie under the whole, beyond chance; the lowest is named, with the reason that hits it', () => {
    const low = part('maths', 300, 150, { 'ratio.length_ratio': 140 }),
      [worry] = of(part('chat', 700, 690, { 'ratio.length_ratio': 2 }), low)
    expect(worry).toMatchObject({ level: 'look', name: 'source', value: '50 %', rows: 'ratio.length_ratio' })
    expect(worry.said).toBe('of maths is kept, of all 84 %')
    expect(worry.why).toBe('47 % of them went by ratio.length_ratio, of all 14 %.')
    expect(of(part('chat', 700, 690), part('maths', 19, 5))).toEqual([])
    expect(of(part('chat', 700, 693), part('maths', 300, 295))).toEqual([])
  })
  it('that lie a little under it are only good to know', () => {
    expect(of(part('chat', 50_000, 49_500), part('maths', 50_000, 48_500))).toMatchObject([{ level: 'note' }])
  })
  it('that one reason hits twice as hard', () => {
    const [worry] = of(
      part('chat', 900, 800, { 'a.b': 10, 'c.d': 90 }),
      part('maths', 100, 88, { 'a.b': 11, 'c.d': 1 }),
    )
    expect(worry).toMatchObject({ level: 'look', value: '11', rows: 'a.b' })
    expect(worry.said).toBe('of maths: 11 % of them went by a.b, of all 2 %')
  })
})

describe('near-duplicates', () => {
  const row = (rejected: string) => ({ prompt: 'p', chosen: 'c', rejected }) as ShownRow
  const near = (...rejected: string[]) => [
    { stage: 'distinct', histogram: [], clusters: [{ size: 9, rows: rejected.map(row) }] },
  ]
  it('are looked at where they are more than 2 %, and some are other pairs to a trainer', () => {
    const of = (dropped: number, ...rejected: string[]) =>
      named(runOf({ distinct: { dropped, reasons: { near_duplicate: dropped } } }, { near: near(...rejected) }))
    expect(of(21, 'a', 'b', 'c')).toEqual(['look repeats 21'])
    expect(of(20, 'a', 'b', 'c')).toEqual([])
    expect(of(21, 'a', 'a', 'a')).toEqual([])
  })
})

it('says each in a sentence of at most 25 words', () => {
  const values: Shown['parts'][number]['values'] = [
    { value: 'a source of a long name, longer than', read: 500, kept: 450, doubted: 0, dropped: {} },
    { value: 'maths', read: 500, kept: 100, doubted: 0, dropped: { 'a.b': 400 } },
  ]
  const all = worriesOf(
    runOf({ hard: { errored: 20 }, u: { reasons: { contradictory: 3 } } }, { parts: [{ column: 's', values }] }),
  )
  expect(all.length).toBe(3)
  for (const { said, why = '' } of all) {
    for (const text of [said, why]) expect(text.split(' ').length, text).toBeLessThanOrEqual(25)
  }
})
