/** Charts of reports: each row is drawn where its values are, in plain SVG. */
import { describe, expect, it } from 'vitest'
import { drawChart } from '../../engine/run/chart.ts'

const numbersIn = (svg: string, element: string, attribute: string) =>
  [...svg.matchAll(new RegExp(`<${element} [^>]*\\b${attribute}="([^"]*)"`, 'g'))].map(([, value]) => Number(value))

describe('drawChart', () => {
  const table = [
    { name: 'a', share: 0.5, at: 1, of: 'x' },
    { name: 'b', share: 1, at: 2, of: 'x' },
    { name: 'a', share: 0.25, at: 1, of: 'y' },
    { name: 'b', share: null, at: 2, of: 'y' },
  ]
  it('draws a bar a row, as high as its value; what has none is left out', () => {
    const svg = drawChart(
      { title: 'T', table: 't', mark: 'bar', encoding: { x: 'name', y: 'share', color: 'of' } },
      table,
    )
    const heights = numbersIn(svg, 'rect', 'height')
    expect(heights.map(height => Number((height / heights[1]).toFixed(2)))).toEqual([0.5, 1, 0.25])
    expect(new Set(numbersIn(svg, 'rect', 'x')).size).toBe(3)
    expect(svg).toContain('<title>name: a, share: 0.25, of: y</title>')
    // lying bars where the names are on the other axis
    const lying = drawChart({ title: 'T', table: 't', mark: 'bar', encoding: { x: 'share', y: 'name' } }, table)
    expect(numbersIn(lying, 'rect', 'width').map((width, _, all) => Number((width / all[1]).toFixed(2)))).toEqual([
      0.5, 1, 0.25,
    ])
  })

  it('draws negative bars below zero', () => {
    const rows = [
        { x: 'a', y: -2 },
        { x: 'b', y: 4 },
      ],
      svg = drawChart({ title: 'T', table: 't', mark: 'bar', encoding: { x: 'x', y: 'y' } }, rows)
    const [low, high] = numbersIn(svg, 'rect', 'y'),
      [lowHeight, highHeight] = numbersIn(svg, 'rect', 'height')
    expect(highHeight / lowHeight).toBeCloseTo(2, 1)
    expect(low).toBeCloseTo(high + highHeight, 0)
  })

  it('draws lines in order of x, one a color, and points', () => {
    const rows = [3, 1, 2].flatMap(at => ['p', 'q'].map(of => ({ at, value: of === 'p' ? at : 2 * at, of })))
    const svg = drawChart(
      { title: 'T', table: 't', mark: 'line', encoding: { x: 'at', y: 'value', color: 'of' } },
      rows,
    )
    const lines = [...svg.matchAll(/points="([^"]*)"/g)].map(([, points]) =>
      points.split(' ').map(point => Number(point.split(',')[0])),
    )
    expect(lines).toHaveLength(2)
    for (const xs of lines) expect(xs).toEqual([...xs].sort((a, b) => a - b))
    expect(numbersIn(svg, 'circle', 'cx')).toHaveLength(6)
  })

  it('says so where there is nothing to draw, draws one value, and escapes what it is told', () => {
    const chart = { title: '<T>', table: 't', mark: 'point', encoding: { x: 'x', y: 'y' } } as const
    expect(drawChart(chart, [])).toBe('<p><b>&lt;T&gt;</b>: nothing to draw</p>')
    for (const rows of [
      [{ x: 5, y: 0 }],
      [{ x: '<script>', y: 3 }],
      Array.from({ length: 3000 }, (_, x) => ({ x, y: 1e9 * x })),
    ]) {
      const svg = drawChart(chart, rows)
      expect(svg).not.toMatch(/NaN|Infinity|<script/)
      expect(numbersIn(svg, 'circle', 'cx')).toHaveLength(Math.min(2000, rows.length))
    }
  })
})
