/** The summary of ten lines: its words for every kind of run, wide and narrow, and that no line is too long. */
import fc from 'fast-check'
import { join } from 'node:path'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import type { Worry } from '../../engine/contract/define.ts'
import { shortSummary } from '../../engine/report/summary.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import type { RunResult } from '../../engine/run/run.ts'
import type { View } from '../../engine/terminal.ts'

const view = (columns: number): View => ({ columns, width: stringWidth, paint: (_, text) => text })
const at = (output: string) => join(process.cwd(), output, 'runs', '20260102T030405Z-abcdef01')

type Stage = Manifest['stages'][string]
interface Of {
  rows?: Partial<Manifest['rows']>
  stages?: Record<string, Partial<Stage>>
  sinks?: Record<string, number>
  lists?: string[]
  audits?: string[]
  worries?: Worry[]
  more?: Partial<Manifest>
  result?: Partial<RunResult>
}
/** A run of 447 pairs of which 369 are kept and 105 made, but for what is said otherwise. */
function runOf({
  rows,
  stages = {},
  sinks = { dpo: 474 },
  lists = [],
  audits = [],
  worries = [],
  more,
  result,
}: Of = {}) {
  const none = {
    use: 'x',
    in: 0,
    out: 0,
    dropped: 0,
    errored: 0,
    spared: 0,
    derived: 0,
    reasons: {},
    kinds: {},
    notes: {},
  }
  const all: Record<string, Partial<Stage>> = {
    pairs: { in: 447, out: 447 },
    hard: { derived: sinks.dpo === 474 ? 105 : 0 },
    dpo: { derived: sinks.dpo === 474 ? 105 : 0 },
    ...Object.fromEntries(audits.map(id => [id, {}])),
    ...stages,
  }
  const manifest: Manifest = {
    sluice: '1',
    hash: 'h',
    graph: {
      name: 'clean',
      seed: 17,
      partition_rows: 1000,
      stages: [...Object.keys(all), ...Object.keys(sinks)].map(id => ({
        ...{ id, use: 'x', version: 1, with: lists.includes(id) ? { for: 'review' } : {} },
        from: audits.includes(id) ? { before: ['pairs'] } : [],
      })),
    },
    inputs: [{ source: 'pairs', path: 'p', rows: 447, bytes: 1, sha256: '', layout: 'text', facts: {} }],
    rows: { read: 447, kept: 369, dropped: 78, errored: 0, derived: 105, ...rows },
    dropped_by_kind: { broken: 0, quality: 0, configured: 0 },
    dropped_by_none: { parent: 0, rejected_side: 0, unused: 0 },
    kept_elsewhere: 0,
    stages: Object.fromEntries(Object.entries(all).map(([id, stage]) => [id, { ...none, ...stage }])),
    warnings: [],
    worries,
    sinks: Object.fromEntries(
      Object.entries(sinks).map(([id, rows]) => [id, { rows, columns: [], renamed: {}, facts: {} }]),
    ),
    files: {},
    ...more,
  }
  return { status: 'published', folder: at('out'), manifest, calls: {}, seconds: 6.34, ...result } satisfies RunResult
}
const reasons = {
  agreed: { reasons: { reversed: 33 }, families: { reversed: 'labels' } },
  unique: {
    reasons: { duplicate: 18, contradictory: 8 },
    families: { duplicate: 'repeats', contradictory: 'both_ways' },
  },
  checked: { reasons: { empty_side: 18 }, kinds: { empty_side: 'broken' } }, // as of a run of before there were families
  ratio: { reasons: { length_ratio: 1 }, families: { length_ratio: 'limit' } },
} as const satisfies Of['stages']
const worries: Worry[] = [
  {
    ...{ level: 'look', name: 'doubted', value: '33', rows: 'agreed.reversed' },
    said: '13 or more [10 to 17] are wrong; that leaving them all out helps is not shown',
  },
  { level: 'look', name: 'both ways', value: '8', said: 'rows give the same two answers opposite labels' },
  { level: 'look', name: 'made', value: '105', said: 'not known whether the wrong side shows by its looks' },
  { level: 'note', name: 'length', value: '53 %', said: 'choose the longer answer, 57 % before' },
]
const text = (of: Of, columns = 100) => `\n${shortSummary(runOf(of), view(columns)).join('\n')}\n`

describe('the summary', () => {
  it('says what is to be looked at, by number, at 100 columns', () => {
    expect(text({ stages: reasons, worries })).toBe(`
447 pairs in -> 474 to train on                                                         clean, 6.3 s
LOOK  at 3 things before you train: lines 1 to 3.
  train on   474   369 as they came, 105 made: out/latest/dpo
  left out    78   17 %: 33 label doubted, 18 repeats, 18 broken, 8 both ways, 1 over a limit
1 doubted     33   13 or more [10 to 17] are wrong; that leaving them all out helps is not shown
2 both ways    8   rows give the same two answers opposite labels
3 made       105   not known whether the wrong side shows by its looks
  length     53 %   choose the longer answer, 57 % before
  page       out/latest/report.html
  next       npx sluice show --reason agreed.reversed   these pairs, side by side
`)
  })
  it('says the same in shorter words at 40', () => {
    expect(text({ stages: reasons, worries }, 40)).toBe(`
447 pairs in -> 474 to train on
LOOK  at 3 things before you train.
  train on   474  369 + 105 made
  left out    78  17 %
  data      out/latest/dpo
1 doubted     33  13 or more [10 to 17]…
2 both ways    8  rows give the same tw…
  page      out/latest/report.html
  next      npx sluice show --reason
            agreed.reversed
`)
  })
  it('says that there is nothing to worry about', () => {
    const none = { kept: 438, dropped: 9, derived: 0 }
    expect(
      text({ rows: none, sinks: { dpo: 438 }, stages: { checked: { reasons: { a: 9 }, families: { a: 'broken' } } } }),
    ).toBe(`
447 pairs in -> 438 to train on                                                         clean, 6.3 s
OK    nothing to worry about.
  train on  438   as they came: out/latest/dpo
  left out    9   2 %: 9 broken
  page      out/latest/report.html
  next      npx sluice verify
`)
  })
  it('counts those for which there is no line, and goes on in lines that are left', () => {
    const many = Array.from({ length: 7 }, (_, i) => ({ ...worries[1], name: `w${i}` })),
      lines = text({ worries: many }).trim().split('\n')
    expect(lines.length).toBe(10)
    expect(lines[1]).toBe('LOOK  at 7 things before you train: the first are lines 1 to 4.')
    const long = { ...worries[1], said: `${'a word or two more '.repeat(8)}end` }
    expect(text({ worries: [long] })).toMatch(/\n1 both ways .*\n {19}word .*\bend\n/s)
    expect(text({ worries: [long, long, long, long] })).toMatch(/^4 both ways .*…$/m)
  })

  it.each<[string, Of, RegExp]>([
    [
      'several outputs',
      { sinks: { dpo: 300, eval: 69 } },
      /-> 369 to train on .*\n.*\n {2}train on {2}369 {3}as they came: dpo 300, eval 69 in out\/latest\n/,
    ],
    [
      'outputs that share rows',
      { sinks: { dpo: 369, sft: 300 } },
      /-> 369 to train on .*as they came: dpo 369, sft 300 in/s,
    ],
    [
      'outputs for people',
      { sinks: { dpo: 369, humans: 76, queue: 3 }, lists: ['humans', 'queue'] },
      /-> 369 to.*\n {2}for people {3}79 {3}humans 76, queue 3 in out\/latest\n/s,
    ],
    [
      'outputs for people alone',
      { sinks: { humans: 76 }, lists: ['humans'] },
      /^\n447 pairs in -> 76 for people .*\nOK.*\n {2}left out/,
    ],
    [
      'audits alone',
      { sinks: {}, audits: ['lengths', 'labels'], rows: { kept: 447, dropped: 0 } },
      /^\n447 pairs in -> 2 reports, and nothing is written .*\nOK.*\n {2}left out {2}0\n {2}page/,
    ],
    [
      'one row, several pairs',
      { stages: { pairs: { in: 447, out: 900 } } },
      /^\n447 rows, 900 pairs in -> 474 pairs to train on /,
    ],
    ['answers that become pairs', { stages: { best: { sides: 400 } } }, /^\n447 rows in -> 474 pairs to train on /],
    [
      'a part of the rows',
      { rows: { read: 100 }, stages: { pairs: { in: 100, out: 100 } } },
      /^\n100 of 447 pairs in -> /,
    ],
    [
      'rows that failed',
      { worries: [{ ...worries[0], level: 'stop', rows: 'hard.error' }] },
      /\nSTOP {2}do not train on this yet: line 1.\n.*show --reason hard.error/s,
    ],
    [
      'rows of a note',
      { worries: [{ ...worries[0], rows: 'noise.doubtful' }], stages: { noise: { notes: { doubtful: 9 } } } },
      /show --noted noise.doubtful/,
    ],
    [
      'labels that cannot be checked',
      { worries: [{ level: 'look', name: 'labels', value: '?', said: 'not checkable' }] },
      /next .*npx sluice show --kept --lowest {3}the most doubtful of those kept\n/,
    ],
    [
      'rows kept another way',
      { stages: reasons, more: { kept_elsewhere: 3 } },
      /1 over a limit; 3 of these are kept|17 %: 33 label doubted, 45 others/,
    ],
    ['labels that were turned round', { more: { decisions: { flip: 3 } as never } }, /369 that came in, 105 made/],
    [
      'answers of servers',
      { result: { calls: { rm: { asked: 1200, cached: 200, failed: 0, requests: 63, tokens: 9, usd: 0.4217 } } } },
      /\n {2}asked {5}1,200 {3}answers of servers, 200 of them kept from before; 63 requests, \$0.42\n/,
    ],
    [
      'another folder',
      { worries, result: { folder: at("my out's") } },
      /page .* my out's\/latest\/report.html\n.*show --output 'my out'\\''s' --reason agreed.reversed/,
    ],
    [
      'nothing that is kept',
      { stages: reasons, sinks: { dpo: 0 }, result: { status: 'empty' } },
      /-> 0 to train on .*\nSTOP {2}nothing is left to train on.\n.*out\/runs\/20260102T030405Z-abcdef01\/report.html\n.*show 20260102T030405Z-abcdef01 --reason agreed.reversed/s,
    ],
  ])('has words for %s', (_, of, said) => {
    expect(text(of)).toMatch(said)
  })
  it('says where nothing is new, in one sentence', () => {
    const said = 'nothing new: out/latest already holds exactly this (369 of 447 rows kept)'
    expect(shortSummary(runOf({ result: { status: 'nothing_new' } }), view(100))).toEqual([said])
    const narrow = shortSummary(runOf({ result: { status: 'nothing_new' } }), view(40))
    expect(narrow.join(' ')).toBe(said)
  })

  it('has ten lines at most, none longer than the terminal, whatever names and sentences say', () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 60 }),
      level = fc.constantFrom('note' as const, 'look' as const, 'stop' as const),
      worry = fc.record({ level, name: word, value: fc.string({ maxLength: 8 }), said: word })
    fc.assert(
      fc.property(fc.array(worry, { maxLength: 9 }), word, fc.constantFrom(40, 64, 100), (worries, name, columns) => {
        const run = runOf({ worries, stages: reasons }),
          lines = shortSummary(
            { ...run, manifest: { ...run.manifest, graph: { ...run.manifest.graph, name } } },
            view(columns),
          )
        expect(lines.length).toBeLessThanOrEqual(10)
        for (const line of lines) expect(stringWidth(line), line).toBeLessThanOrEqual(columns)
      }),
      { numRuns: 300 },
    )
  })
})
