/** Charts of reports: each row is drawn where its values are, whatever they are, in plain SVG. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Chart } from '../../engine/contract/define.ts'
import { drawChart, foldedTable } from '../../engine/report/charts.ts'

const numbersIn = (svg: string, element: string, attribute: string, of = '') =>
  [...svg.matchAll(new RegExp(`<${element} [^>]*?\\b${of}[^>]*?\\b${attribute}="([^"%]*)%?"`, 'g'))].map(([, value]) =>
    Number(value),
  )
const placesOf = (svg: string) => [...svg.matchAll(/translate\(([-\d.]+) ([-\d.]+)\)/g)].map(([, x, y]) => [+x, +y])
const chart = (mark: Chart['mark'], encoding: Chart['encoding'], title = 'T'): Chart => ({
  title,
  table: 't',
  mark,
  encoding,
})

it('draws a line where y is x, from where both begin to where one ends', () => {
  const rows = [
      { x: 0, y: 0.5 },
      { x: 1, y: 1.5 },
    ],
    points = { ...chart('point', { x: 'x', y: 'y' }), diagonal: true },
    svg = drawChart(points, rows)
  expect(svg.match(/class="ref"/g)).toHaveLength(1)
  expect(drawChart({ ...points, diagonal: false }, rows)).not.toContain('class="ref"')
  // of names there is none
  expect(drawChart(points, [{ x: 'a', y: 'b' }])).not.toContain('class="ref"')
  const [[left, top], [right, bottom]] = placesOf(svg),
    [x1, y1, x2, y2] = ['x1', 'y1', 'x2', 'y2'].map(end => numbersIn(svg, 'line', end, 'ref')[0])
  expect([x1, x2]).toEqual([(left + right) / 2, right])
  expect([y1, y2]).toEqual([top, (top + bottom) / 2])
})

describe('a strip', () => {
  const table = [
    { name: 'a', share: 0.5, low: 0.4, high: 0.6, of: 'x' },
    { name: 'b', share: 1, low: 0.9, high: 1, of: 'x' },
    { name: 'a', share: 0.25, low: 0.2, high: 0.3, of: 'y' },
    { name: 'b', share: null, low: null, high: null, of: 'y' },
  ]
  it('is a bar a row, as long as its value, with the value beside it; what has none is left out', () => {
    const svg = drawChart(chart('bar', { x: 'name', y: 'share', color: 'of' }), table)
    expect(numbersIn(svg, 'rect', 'width')).toEqual([50, 100, 25])
    expect(svg).toContain('<th scope="row">b</th><td class="id">x</td>')
    expect(svg).toContain('<td class="n">0.25</td>')
    expect(svg).toContain('<title>name: a, share: 0.25, of: y</title>')
    // the same where the names are on the other axis
    expect(numbersIn(drawChart(chart('bar', { x: 'share', y: 'name' }), table), 'rect', 'width')).toEqual([50, 100, 25])
  })

  it('is a dot with its interval', () => {
    const svg = drawChart(chart('point', { x: 'share', y: 'name', low: 'low', high: 'high' }), table.slice(0, 3))
    const scale = (value: number) => (100 * (value - 0.2)) / 0.8
    for (const [i, { share, low, high }] of table.slice(0, 3).entries()) {
      expect(numbersIn(svg, 'circle', 'cx')[i]).toBeCloseTo(scale(share!), 1)
      expect(numbersIn(svg, 'line', 'x1')[i]).toBeCloseTo(scale(low!), 1)
      expect(numbersIn(svg, 'line', 'x2')[i]).toBeCloseTo(scale(high!), 1)
    }
    expect(svg).toContain('[0.4 to 0.6]')
  })

  it('goes to the left of zero where a bar is negative', () => {
    const rows = [
        { x: 'a', y: -2 },
        { x: 'b', y: 4 },
      ],
      svg = drawChart(chart('bar', { x: 'x', y: 'y' }), rows),
      [low, high] = numbersIn(svg, 'rect', 'x'),
      [lowWidth, highWidth] = numbersIn(svg, 'rect', 'width')
    expect(highWidth / lowWidth).toBeCloseTo(2, 1)
    expect(high).toBeCloseTo(low + lowWidth, 1)
    expect(svg).toContain('−2')
  })
})

describe('a plot', () => {
  it('has lines in order of x, one a color, with dashes that differ', () => {
    const rows = [3, 1, 2].flatMap(at => ['p', 'q'].map(of => ({ at, value: of === 'p' ? at : 2 * at, of })))
    const svg = drawChart(chart('line', { x: 'at', y: 'value', color: 'of' }), rows)
    const lines = [...svg.matchAll(/<path class="line \w+ (d\d)" d="M([^"]*)"/g)].map(([, dash, path]) => ({
      dash,
      xs: path.split('L').map(point => Number(point.split(',')[0])),
    }))
    expect(lines.map(({ dash }) => dash)).toEqual(['d0', 'd1'])
    for (const { xs } of lines) expect(xs).toEqual(xs.toSorted((a, b) => a - b))
    expect(placesOf(svg.slice(svg.indexOf('<svg class="plot"')))).toHaveLength(6)
  })

  it('stands bars of one place on each other: set aside below, kept on top', () => {
    const rows = [0.25, 0.75].flatMap(p => [
      { p, pairs: 2, of: 'set aside' },
      { p, pairs: 6, of: 'kept' },
    ])
    const svg = drawChart(chart('bar', { x: 'p', y: 'pairs', color: 'of' }), rows)
    const [below, above] = ['lost', 'kept'].map(of => ({
      y: numbersIn(svg, 'rect', 'y', `class="${of}"`),
      height: numbersIn(svg, 'rect', 'height', `class="${of}"`),
    }))
    for (const i of [0, 1]) {
      expect(above.height[i] / below.height[i]).toBeCloseTo(3, 1)
      expect(above.y[i] + above.height[i]).toBeCloseTo(below.y[i], 1)
    }
  })

  it('says that heights are roots where one bar is eight times the next', () => {
    const bars = (last: number) => [1, 2, last].map((rows, x) => ({ x, rows }))
    const draw = (last: number) => drawChart(chart('bar', { x: 'x', y: 'rows' }), bars(last))
    expect(draw(15)).not.toContain('square roots')
    expect(draw(32)).toContain('square roots')
    const [a, , c] = numbersIn(draw(32), 'rect', 'height')
    expect(c / a).toBeCloseTo(Math.sqrt(32), 0)
  })

  it('places points; of many it counts how many lie in each square', () => {
    const points = (n: number) => Array.from({ length: n }, (_, i) => ({ x: i % 50, y: Math.floor(i / 50) }))
    const svg = drawChart(chart('point', { x: 'x', y: 'y' }), points(100)),
      places = placesOf(svg)
    expect(places).toHaveLength(100)
    const [[x0, y0], [x1]] = places
    expect(places[49][0] - x0).toBeCloseTo(49 * (x1 - x0), 0)
    expect(places[99][1]).toBeLessThan(y0)
    const many = drawChart(chart('point', { x: 'x', y: 'y' }), points(5_000))
    expect(placesOf(many)).toHaveLength(0)
    const counts = [...many.matchAll(/<title>(\d+)\u00a0rows?<\/title>/g)].map(([, count]) => Number(count))
    expect(counts.reduce((a, b) => a + b)).toBe(5_000)
    expect(counts.length).toBeLessThanOrEqual(1_600)
  })

  it('has cells as deep as their number, and none where it is 0', () => {
    const rows = [0, 1, 16].map((count, a) => ({ a, b: 0, count }))
    const svg = drawChart(chart('cell', { x: 'a', y: 'b', color: 'count' }), rows)
    expect([...svg.matchAll(/<rect class="kept (k\d)"/g)].map(([, depth]) => depth)).toEqual(['k2', 'k6'])
  })
})

describe('any chart', () => {
  it('says so where there is nothing to draw, and escapes what it is told', () => {
    expect(drawChart(chart('point', { x: 'x', y: 'y' }, '<T>'), [])).toBe('<p><b>&lt;T&gt;</b>: nothing to draw.</p>\n')
    const svg = drawChart(chart('bar', { x: '<b>', y: 'y' }), [{ '<b>': '</title><script>\u202e', y: 3 }])
    expect(svg).toContain('&lt;/title&gt;&lt;script&gt;‹U+202E›')
    expect(svg).not.toMatch(/<script|<b>(?!T)/)
  })

  it('draws any values of any table, without a style, in a bounded size', () => {
    const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: -3, max: 3 })),
      value = fc.oneof(number, fc.constant(null), fc.constantFrom('a', 'b', '<i>', '', '\u0000', '語')),
      rows = fc.array(fc.record({ x: value, y: value, c: value, low: number, high: number }), { maxLength: 30 }),
      marks = fc.constantFrom<Chart['mark']>('bar', 'line', 'point', 'cell'),
      more = fc.constantFrom({}, { color: 'c' }, { low: 'low', high: 'high' }, { color: 'c', low: 'low', high: 'high' })
    fc.assert(
      fc.property(rows, marks, more, (table, mark, rest) => {
        const svg = drawChart(chart(mark, { x: 'x', y: 'y', ...rest }), table)
        expect(svg).not.toMatch(/NaN|Infinity|undefined|style=|<i>/)
        for (const [, size] of svg.matchAll(/(?:width|height)="([-\d.]+)/g)) {
          expect(Number(size)).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 300 },
    )
    const long = Array.from({ length: 100_000 }, (_, i) => ({ x: i, y: Math.sin(i), c: `g${i}` }))
    for (const mark of ['bar', 'line', 'point', 'cell'] as const) {
      expect(drawChart(chart(mark, { x: 'x', y: 'y', color: 'c' }), long).length).toBeLessThan(500_000)
    }
    expect(foldedTable('t', long).length).toBeLessThan(20_000)
  })
})
