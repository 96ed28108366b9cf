/** report.html: data is shown and never obeyed, the policy fits what is there, and the size does not grow with data. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { percent, number, shareOf, shellWord } from '../../engine/report/html.ts'
import { pageHtml } from '../../engine/report/page.ts'
import type { Shown, ShownRow } from '../../engine/report/shape.ts'
import { row, shown, took } from './shown.ts'

const page = (more: Partial<Shown> = {}) => pageHtml({ ...shown, ...more }, took, 'out/latest')
const whole = page()
const textOf = (html: string) =>
  html.replace(/<style>.*?<\/style>|<script>.*?<\/script>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ')

const empty: Shown = {
  ...shown,
  pairs: { read: 0, out: 0, asRead: 0, made: 0, leftOut: 0, errored: 0 },
  about: [],
  worries: [],
  reasons: [],
  stages: [],
  parts: [],
  reports: [],
  features: [],
  lengths: undefined,
  near: [],
  rows: [],
  sinks: [],
  nodes: [],
  inputs: [],
  notes: [],
  decisions: undefined,
}

describe('report.html', () => {
  it('is a pure function of what a run shows', () => {
    expect(page()).toBe(whole)
  })

  it('has all sections in order, each with a finding, and links that lead somewhere', () => {
    const ids = [...whole.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id)
    expect(ids.join(' ')).toBe('summary lost source labels changed made near reports rows time graph repeat')
    const text = textOf(whole)
    for (const said of [
      '447 pairs in → , 463 to train on',
      'Fit to train on after a look at three things',
      'Rows read: sampled by seed 17 from 900 in 3 files.',
      '87 left out: 42 label doubted, 18 repeats, 18 broken, 8 labelled both ways, 1 not worked on',
      '19 % of the pairs were left out, the largest part (42) for one cause: label doubted',
      'subset chat (60 %) keeps clearly less than the whole (81 %)',
      '42 labels are doubted and left out, 9 % of the pairs',
      'Warning: of two reviewers one has no voice',
      'What people decided',
      '103 pairs were made, 22 % of those to train on',
      'Nothing was made from 234 pairs (no equation in it).',
      'The run took 3.4 s, 131 pairs a second',
    ]) {
      expect(text).toContain(said)
    }
    const targets = new Set([...whole.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id))
    for (const [, href] of whole.matchAll(/href="#([^"]*)"/g)) expect(targets).toContain(href)
    expect(targets.size).toBe([...whole.matchAll(/ id="([^"]*)"/g)].length)
    // each doubtful pair leads to its card
    expect(whole.match(/<td class="say">|<th scope="row" class="say"><a href="#r-/g)!.length).toBeGreaterThanOrEqual(8)
  })

  it('has a policy whose hashes are those of its one style and its one script, and no style attribute', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(whole)![1]
    for (const name of ['style', 'script']) {
      const contents = [...whole.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, content]) => content)
      expect(contents).toHaveLength(1)
      const hash = createHash('sha256').update(contents[0]).digest('base64')
      expect(policy).toContain(`${name}-src 'sha256-${hash}'`)
    }
    expect(policy).toMatch(
      /^default-src 'none'; .*base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'$/,
    )
    expect(whole).not.toMatch(/<[^>]*\s(style|on\w+|src)=|https?:\/\/|<link/)
  })

  it('shows tags, controls and what turns the direction of text wherever they stand, and obeys none', () => {
    const bad = `</script></style><img src=x onerror=alert(1) style="x">'&\u202e\u0000`
    const spoil = (value: unknown, key = ''): unknown => {
      if (typeof value === 'string') {
        return ['level', 'kind', 'family', 'mark', 'table'].includes(key) ? value : `${value}${bad}`
      }
      if (Array.isArray(value)) return value.map(one => spoil(one))
      if (value === null || typeof value !== 'object') return value
      // names of columns and tables are data as well
      const isNamed = ['tables', 'dropped', 'options'].includes(key)
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => [isNamed && key !== 'tables' ? name + bad : name, spoil(one, name)]),
      )
    }
    const spoilt = pageHtml(spoil(shown) as Shown, took, `out/${bad}`)
    expect(spoilt.match(/<script/g)).toHaveLength(1)
    expect(spoilt.match(/<style/g)).toHaveLength(1)
    expect(spoilt).not.toMatch(/<img|\u202e|\u0000/)
    expect(spoilt.match(/‹U\+202E›/g)!.length).toBeGreaterThan(100)
    // every attribute is closed where it should be: no tag holds a stray quote
    for (const [tag] of spoilt.replace(/<(style|script)>.*?<\/\1>/gs, '').matchAll(/<[a-z][^>]*>/g)) {
      expect(tag.replace(/"[^"]*"/g, '')).not.toMatch(/["'&]|style|onerror/)
    }
  })

  it('names the output in commands where it is not the usual one, and made pairs by their type', () => {
    const [mine, usual] = ['mine/latest', 'out/latest'].map(where => pageHtml(shown, took, where))
    expect(mine.match(/npx sluice why (?!--output mine )/g)).toBeNull()
    expect(mine.match(/npx sluice why --output mine /g)!.length).toBeGreaterThan(2)
    expect(usual).not.toContain('--output')
    const titles = [...usual.matchAll(/<h3>(made pairs[^<]*)</g)].map(([, title]) => title)
    expect(titles.length).toBeGreaterThan(0)
    expect(titles.every(title => /^made pairs: \w/.test(title))).toBe(true)
  })

  it('stays under 5 MB with rows of 100 kB, reports without an end, and many of everything', () => {
    const long = '&'.repeat(100_000),
      rows = (name: string): ShownRow[] =>
        Array.from({ length: 24 }, (_, i) =>
          row(i, { id: `${name} ${i}`, prompt: long, chosen: `${long}a`, rejected: [{ role: long, content: long }] }),
        )
    const big = page({
      worries: Array.from({ length: 50 }, () => ({ ...shown.worries[0], said: long, why: long })),
      about: [long],
      reasons: Array.from({ length: 1_000 }, (_, i) => ({ ...shown.reasons[0], reason: `r${i}`, about: long })),
      stages: Array.from({ length: 1_000 }, () => ({ ...shown.stages[1], id: long })),
      nodes: Array.from({ length: 1_000 }, () => ({ ...shown.nodes[1], id: long, options: { long } })),
      notes: Array.from({ length: 1_000 }, () => ({ ...shown.notes[0], about: long })),
      inputs: Array.from({ length: 1_000 }, () => ({ ...shown.inputs[0], path: long })),
      parts: [
        { column: long, values: Array.from({ length: 500 }, () => ({ ...shown.parts[0].values[0], value: long })) },
      ],
      reports: Array.from({ length: 12 }, () => ({
        ...shown.reports[0],
        lines: Array.from({ length: 100 }, () => long),
        tables: { labels: Array.from({ length: 2_000 }, (_, i) => ({ probability: i, pairs: i, of: long })) },
        charts: [shown.reports[0].charts![0]],
      })),
      rows: Array.from({ length: 30 }, (_, i) => ({ name: `agreed.r${i}`, count: 1e6, rows: rows(`g${i}`) })),
    })
    expect(Buffer.byteLength(big)).toBeLessThan(5e6)
    // of each reason there are some, before any has more
    const counts = [...big.matchAll(/(\d+) of 1,000,000 shown/g)].map(([, count]) => Number(count))
    expect(counts).toHaveLength(30)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })

  it('says what an empty run, one that lost nothing, and one without pairs are', () => {
    const nothing = textOf(pageHtml(empty, { wall: 0, spans: [], stages: {}, peakMemory: 0 }, 'out/latest'))
    expect(nothing).toContain('Nothing to worry about')
    expect(nothing).toContain('The graph has no sink')
    expect(nothing).not.toMatch(/NaN|undefined|Infinity/)
    const stop = textOf(page({ ...empty, pairs: { ...empty.pairs, read: 5, leftOut: 5 }, sinks: shown.sinks }))
    expect(stop).toContain('Stop Nothing is left to train on')
    const fine = page({ ...empty, pairs: { ...empty.pairs, read: 5, asRead: 5, out: 5 }, sinks: shown.sinks })
    expect(textOf(fine)).toContain('Nothing was left out of 5 pairs')
    // where a row gives several pairs both are said
    const several = textOf(page({ pairs: { ...shown.pairs, read: 100 } }))
    expect(several).toContain('100 rows in → , 463 pairs to train on')
    expect(textOf(page({ worries: [{ ...shown.worries[0], level: 'stop' }] }))).toContain(
      'Stop Do not train on this yet',
    )
  })

  it('gives a line of --decisions for each row that can come back or go', () => {
    const id = `it's "x" \u202e\n`,
      some = page({
        rows: [
          { name: 'agreed.reversed', count: 1, rows: [row(1, { id })] },
          { name: 'kept', count: 1, rows: [row(2)] },
          { name: 'checked.identical', count: 1, rows: [row(3)] },
        ],
      })
    const lines = [...some.matchAll(/data-line="([^"]*)"/g)].map(([, text]) =>
      text.replace(/&quot;/g, '"').replace(/&#39;/g, "'"),
    )
    expect(lines.map(text => JSON.parse(text) as unknown)).toEqual([
      { id, decision: 'keep' },
      { id: 'en-2', decision: 'drop' },
    ])
    expect(some).toContain('npx sluice why en-2')
    expect(some).not.toContain('npx sluice why &#39;it')
  })
})

describe('numbers', () => {
  it('are written as people read them', () => {
    expect([0, 999, 8552, 1234567, -0.0169, 12.345, 1e-7, -2e20].map(value => number(value))).toEqual([
      '0',
      '999',
      '8,552',
      '1,234,567',
      '−0.0169',
      '12.3',
      '1e−7',
      '−2e+20',
    ])
    expect(
      [0, 0.0004, 0.004, 0.0096, 0.17, 0.9999, 1].map(percent).map(text => text.replaceAll('\u00a0', ' ')),
    ).toEqual(['0 %', '&lt; 0.1 %', '0.4 %', '1 %', '17 %', '&gt; 99 %', '100 %'])
    const { low, high } = shareOf(38, 50)
    expect([low, high].map(end => end.toFixed(3))).toEqual(['0.626', '0.857'])
    expect(["it's", 'en-1', '-x', 'a b'].map(shellWord)).toEqual([`'it'\\''s'`, 'en-1', `'-x'`, `'a b'`])
  })
})
