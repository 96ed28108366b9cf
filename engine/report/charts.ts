/**
 * Charts of reports, as SVG without a style of its own: strips in a table where names stand against numbers, else a
 * plot. That is small, has axes, and is never drawn much larger than its letters are meant to be. Classes say what a
 * mark stands for; the page's style sheet has their colours.
 */
import { scaleLinear } from 'd3-scale'
import {
  area,
  line as lineOf,
  symbol,
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolTriangle,
} from 'd3-shape'
import type { Chart, Report } from '../contract/define.ts'
import { cell, counted, folded, line, n, number, table } from './html.ts'
import { isNumber, LARGEST, nameAxis, numberAxis, place, plot, spanOf, textOf, type Axis } from './plot.ts'
import { at, strip, stripAxis, stripBar, stripDot, stripRange, tip } from './strips.ts'

type Rows = NonNullable<Report['tables']>[string]
type Row = Rows[number]

/** Points that are drawn one by one; of more it is counted how many lie in each of so many cells a side. */
const MOST_POINTS = 1_500,
  CELLS = 40
/** Rows of a table that are drawn, and those of points, of which many are counted. */
const MOST_DRAWN = 2_000,
  MOST_COUNTED = 200_000
/** Rows of a chart of strips, values of `color`, and steps of depth. */
const MOST_STRIPS = 40,
  MOST_GROUPS = 8,
  STEPS = 6
const SHAPES = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond, symbolCross]

// --------------------------------------------------------------------------------------------- what values stand for

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^(made|injected|new)$/i, 'made'],
  [/^(kept|keep|after|now|in|chosen|training)$/i, 'kept'],
  [/^(set.aside|dropped|drop|left.out|doubted|doubtful|lost|out|rejected|errored)$/i, 'lost'],
  [/^(before|as.read|read|all)$/i, 'muted'],
]
const PALETTE = ['kept', 'lost', 'made', 'muted', 'kept', 'lost', 'made', 'muted']

interface Group {
  readonly name: string
  readonly of: string
  readonly shape: number
  /** Several values: no line joins them. */
  readonly isRest?: boolean
}
/**
 * The values of `color`, in the order of the table; words that the page has colours for have these. Of many values the
 * last group are all the others.
 */
function groupsOf(rows: Rows, color: string | undefined): Group[] {
  if (color === undefined) return [{ name: '', of: 'kept', shape: 0 }]
  const all = [...new Set(rows.map(row => textOf(row[color])))],
    isMany = all.length > MOST_GROUPS,
    names = isMany ? all.slice(0, MOST_GROUPS - 1) : all
  const meant = names.map(name => MEANINGS.find(([word]) => word.test(name))?.[1]),
    isMeant = meant.every(of => of !== undefined) && new Set(meant).size === meant.length
  const groups = names.map((name, i): Group => ({ name, of: isMeant ? meant[i]! : PALETTE[i], shape: i }))
  if (isMany) groups.push({ name: counted(all.length - names.length, 'other'), of: 'muted', shape: 7, isRest: true })
  return groups
}
const keyOf = (groups: readonly Group[], isLine: boolean): string =>
  groups.length < 2
    ? ''
    : `<p class="keys">${groups
        .map(({ name, of, shape }) => {
          const mark = isLine
            ? `<line class="line ${of} d${shape}" x1="0" x2="22" y1="6" y2="6"/>`
            : `<path class="pt ${of}" transform="translate(6 6)" d="${symbol(SHAPES[shape % SHAPES.length], 60)()!}"/>`
          return `<span><svg class="key" width="${isLine ? 22 : 12}" height="12" aria-hidden="true">${mark}</svg> ${line(name, 40)}</span>`
        })
        .join('')}</p>`

// ------------------------------------------------------------------------------------------------ charts of reports

interface Drawing {
  readonly chart: Chart
  readonly rows: Rows
  readonly groups: readonly Group[]
  groupOf(row: Row): Group
  /** Whether x or y holds names. */
  isNamed(column: string): boolean
}
const saidOf = ({ encoding }: Chart, row: Row): string =>
  [...new Set(Object.values(encoding))].map(name => `${line(name, 40)}: ${line(textOf(row[name]), 60)}`).join(', ')

/** A bar or a dot for each name, in a table. */
function strips({ chart, rows, groupOf }: Drawing, name: string, value: string): string {
  const { title, mark, encoding } = chart,
    { low, high, color } = encoding,
    drawn = rows.slice(0, MOST_STRIPS)
  const numbers = drawn
    .flatMap(row => [value, low, high].flatMap(column => (column ? [row[column]] : [])))
    .filter(isNumber)
  const scale = scaleLinear(spanOf(numbers, mark === 'bar'), [0, 1]).nice(4),
    zero = Math.min(1, Math.max(0, scale(0))),
    hasRange = low !== undefined && high !== undefined,
    withColor = color !== undefined && color !== name
  const body = drawn.map(row => {
    const end = scale(Number(row[value])),
      { of } = groupOf(row)
    const range = hasRange && isNumber(row[low]) && isNumber(row[high]) ? [row[low], row[high]] : undefined
    const marks = [
      mark === 'bar' ? stripBar(Math.min(zero, end), Math.max(zero, end), of, saidOf(chart, row)) : '',
      range ? stripRange(scale(Math.min(...range)), scale(Math.max(...range))) : '',
      mark === 'bar' ? '' : stripDot(end, of, saidOf(chart, row)),
    ]
    return [
      cell(line(textOf(row[name]), 60)),
      ...(withColor ? [cell(line(textOf(row[color]), 40), 'id')] : []),
      cell(strip(marks), 'fig'),
      n(number(Number(row[value]), 4)),
      ...(hasRange ? [n(range ? `[${number(range[0])} to ${number(range[1])}]` : '', 'id')] : []),
    ]
  })
  const ticks = scale.ticks(4).map((tick): [number, string] => [scale(tick), number(tick, 4)])
  body.push([
    cell(''),
    ...(withColor ? [cell('')] : []),
    cell(stripAxis(ticks), 'fig'),
    cell(''),
    ...(hasRange ? [cell('')] : []),
  ])
  const more = rows.length - drawn.length
  return table({
    caption: `<b>${line(title, 160)}</b>${more > 0 ? ` ${counted(more, 'row')} more in the table below.` : ''}`,
    head: [
      cell(line(name, 40)),
      ...(withColor ? [cell(line(color, 40))] : []),
      cell('<span class="vh">chart</span>', 'fig'),
      n(line(value, 40)),
      ...(hasRange ? [n('range')] : []),
    ],
    rows: body,
    hasAxis: true,
  })
}

/** Bars over numbers: those of one place stand on each other. */
function histogram({ chart, rows, groups, groupOf }: Drawing): string {
  const { x, y, low, high } = chart.encoding,
    sums = new Map<number, number>(),
    places = [...new Set(rows.map(row => Number(row[x])))].sort((a, b) => a - b)
  for (const row of rows) sums.set(Number(row[x]), (sums.get(Number(row[x])) ?? 0) + Number(row[y]))
  const heights = [...sums.values()].sort((a, b) => b - a),
    isAbove = rows.every(row => Number(row[y]) >= 0),
    root = isAbove && low === undefined && heights.length > 2 && heights[0] > 8 * heights[1] && heights[1] > 0
  let step = Infinity
  for (let i = 1; i < places.length; i++) step = Math.min(step, places[i] - places[i - 1])
  if (!Number.isFinite(step)) step = 1
  const ends = [places[0] - step / 2, places.at(-1)! + step / 2].filter(end => Math.abs(end) <= LARGEST),
    ranges = [low, high].flatMap(column => (column ? rows.map(row => row[column]).filter(isNumber) : []))
  const across = numberAxis([...places, ...ends], ...place.across),
    up = numberAxis([...heights, ...ranges, ...(isAbove ? [] : rows.map(row => Number(row[y])))], ...place.up, {
      zero: true,
      root,
    }),
    stood = new Map<number, number>()
  const marks = groups.flatMap(group =>
    rows
      .filter(row => groupOf(row) === group)
      .map(row => {
        const [where, value] = [Number(row[x]), Number(row[y])],
          foot = isAbove ? (stood.get(where) ?? 0) : 0
        stood.set(where, foot + value)
        const [top, bottom] = [up.place(foot + value), up.place(foot)].sort((a, b) => a - b),
          left = across.place(where - step / 2),
          wide = Math.max(0.8, across.place(where + step / 2) - left - (places.length > 60 ? 0 : 1))
        return [
          `<rect class="${group.of}" x="${at(left)}" width="${at(wide)}" y="${at(top)}" height="${at(bottom - top)}">${tip(saidOf(chart, row))}</rect>`,
          rangeUp(chart, row, across, up),
        ].join('')
      }),
  )
  const caption = root ? 'Heights are square roots, as one bar is far higher than the others.' : undefined
  return plot({
    title: chart.title,
    caption,
    x,
    y,
    across,
    up,
    marks,
    key: keyOf(
      groups.map(group => ({ ...group, shape: SHAPES.indexOf(symbolSquare) })),
      false,
    ),
  })
}

/** Where the interval of a row around y lies; there is none around a name. */
function rangeOf({ encoding: { low, high } }: Chart, row: Row, up: Axis): readonly [number, number] | undefined {
  if (low === undefined || high === undefined || !isNumber(row[low]) || !isNumber(row[high])) return undefined
  const ends = [up.place(row[low]), up.place(row[high])] as const
  return ends.every(Number.isFinite) ? ends : undefined
}
function rangeUp(chart: Chart, row: Row, across: Axis, up: Axis): string {
  const range = rangeOf(chart, row, up),
    place = at(across.place(row[chart.encoding.x]))
  return range ? `<line class="ci" x1="${place}" x2="${place}" y1="${at(range[0])}" y2="${at(range[1])}"/>` : ''
}

function axesOf({ chart: { encoding }, rows, isNamed }: Drawing): [Axis, Axis] {
  const { x, y, low, high } = encoding
  const axis = (column: string, [from, to]: readonly [number, number], more: readonly (string | undefined)[]): Axis => {
    if (isNamed(column)) {
      return nameAxis(
        rows.map(row => row[column]),
        from,
        to,
      )
    }
    const columns = [column, ...more].filter(name => name !== undefined)
    return numberAxis(
      columns.flatMap(name => rows.map(row => row[name]).filter(isNumber)),
      from,
      to,
    )
  }
  return [axis(x, place.across, []), axis(y, place.up, [low, high])]
}

function lines(drawing: Drawing): string {
  const { chart, rows, groups, groupOf } = drawing,
    { x, y } = chart.encoding,
    [across, up] = axesOf(drawing)
  const marks = groups.flatMap(group => {
    const own = rows.filter(row => groupOf(row) === group).sort((a, b) => across.place(a[x]) - across.place(b[x])),
      ranged = own.filter(row => rangeOf(chart, row, up))
    const place = (row: Row) => across.place(row[x]),
      path = lineOf<Row>(place, row => up.place(row[y])).digits(1),
      band = area<Row>(
        place,
        row => rangeOf(chart, row, up)![0],
        row => rangeOf(chart, row, up)![1],
      ).digits(1)
    return [
      ranged.length > 1 && !group.isRest ? `<path class="band ${group.of}" d="${band(ranged)!}"/>` : '',
      group.isRest ? '' : `<path class="line ${group.of} d${group.shape}" d="${path(own)!}"/>`,
      ...(own.length > 60 ? [] : own.map(row => point(drawing, row, across, up, group, 24))),
    ]
  })
  return plot({ title: chart.title, x, y, across, up, marks, key: keyOf(groups, true) })
}

/** From the first place where both axes have a number to the last. */
function diagonal({ chart, rows, isNamed }: Drawing, across: Axis, up: Axis): string {
  const { x, y } = chart.encoding
  if (!chart.diagonal || isNamed(x) || isNamed(y)) return ''
  const [xs, ys] = [x, y].map(column =>
      spanOf(
        rows.map(row => Number(row[column])),
        false,
      ),
    ),
    [low, high] = [Math.max(xs[0], ys[0]), Math.min(xs[1], ys[1])]
  if (low >= high) return ''
  return `<line class="ref" x1="${at(across.place(low))}" y1="${at(up.place(low))}" x2="${at(across.place(high))}" y2="${at(up.place(high))}"/>`
}

const point = ({ chart }: Drawing, row: Row, across: Axis, up: Axis, { of, shape }: Group, size: number): string =>
  `<path class="pt ${of}" transform="translate(${at(across.place(row[chart.encoding.x]))} ${at(up.place(row[chart.encoding.y]))})" d="${symbol(SHAPES[shape % SHAPES.length], size).digits(1)()!}">${tip(saidOf(chart, row))}</path>`

function points(drawing: Drawing): string {
  const { chart, rows, groups, groupOf } = drawing,
    { x, y } = chart.encoding,
    [across, up] = axesOf(drawing),
    key = keyOf(groups, false)
  if (rows.length <= MOST_POINTS) {
    // the rarest on top
    const counts = new Map(groups.map(group => [group, rows.filter(row => groupOf(row) === group).length]))
    const marks = [...groups]
      .sort((a, b) => counts.get(b)! - counts.get(a)!)
      .flatMap(group =>
        rows
          .filter(row => groupOf(row) === group)
          .map(row => `${rangeUp(chart, row, across, up)}${point(drawing, row, across, up, group, 28)}`),
      )
    return plot({ title: chart.title, x, y, across, up, marks: [diagonal(drawing, across, up), ...marks], key })
  }
  const counts = new Map<string, Map<Group, number>>(),
    [wide, high] = [(place.across[1] - place.across[0]) / CELLS, (place.up[0] - place.up[1]) / CELLS],
    cellOf = (value: number, from: number, size: number) =>
      Math.min(CELLS - 1, Math.max(0, Math.floor((value - from) / size)))
  for (const row of rows) {
    const where = `${cellOf(across.place(row[x]), place.across[0], wide)} ${cellOf(up.place(row[y]), place.up[1], high)}`,
      of = counts.get(where) ?? counts.set(where, new Map()).get(where)!,
      group = groupOf(row)
    of.set(group, (of.get(group) ?? 0) + 1)
  }
  const sum = (of: ReadonlyMap<Group, number>) => [...of.values()].reduce((a, b) => a + b, 0),
    most = Math.max(...[...counts.values()].map(sum))
  const marks = [...counts].map(([where, of]) => {
    const [column, row] = where.split(' ').map(Number),
      [[group]] = [...of].sort((a, b) => b[1] - a[1])
    return square(
      place.across[0] + column * wide,
      place.up[1] + row * high,
      wide,
      high,
      group.of,
      sum(of) / most,
      counted(sum(of), 'row'),
    )
  })
  const caption = `${counted(rows.length, 'row')}: the deeper a square, the more lie there.`
  return plot({ title: chart.title, caption, x, y, across, up, marks, key })
}

/** A square as deep as the root of its share of the deepest, in so many steps. */
const square = (x: number, y: number, wide: number, high: number, of: string, share: number, title: string): string =>
  `<rect class="${of} k${Math.max(1, Math.ceil(STEPS * Math.sqrt(Math.max(0, share))))}" x="${at(x)}" y="${at(y)}" width="${at(wide)}" height="${at(high)}">${tip(title)}</rect>`

function cells(drawing: Drawing): string {
  const { chart, rows } = drawing,
    { x, y, color } = chart.encoding,
    depth = (row: Row) => (color === undefined ? 1 : isNumber(row[color]) ? row[color] : 0),
    drawn = rows.slice(0, CELLS * CELLS)
  const [low, high] = spanOf(drawn.map(depth), true)
  const sides = [x, y].map((column, side) => {
    const values = [...new Set(drawn.map(row => row[column]))],
      range = side === 0 ? place.across : place.up,
      isNamed = drawing.isNamed(column)
    const numbers = values.map(Number).sort((a, b) => a - b)
    let step = Infinity
    for (let i = 1; i < numbers.length; i++) step = Math.min(step, numbers[i] - numbers[i - 1])
    if (!Number.isFinite(step)) step = Math.abs(numbers[0]) || 1
    const ends = [numbers[0] - step / 2, numbers.at(-1)! + step / 2]
    const axis = isNamed
      ? nameAxis(
          drawn.map(row => row[column]),
          range[0],
          range[1],
        )
      : numberAxis(ends.every(isNumber) ? ends : numbers, range[0], range[1])
    const size = isNamed ? Math.abs(range[1] - range[0]) / values.length : Math.abs(axis.place(step) - axis.place(0))
    return { axis, size: Number.isFinite(size) ? Math.max(1, size) : 1 }
  })
  const [across, up] = sides
  const marks = drawn
    .filter(row => depth(row) !== 0)
    .map(row =>
      square(
        across.axis.place(row[x]) - across.size / 2,
        up.axis.place(row[y]) - up.size / 2,
        across.size,
        up.size,
        depth(row) < 0 ? 'lost' : 'kept',
        Math.abs(depth(row)) / Math.max(Math.abs(low), Math.abs(high)),
        saidOf(chart, row),
      ),
    )
  const caption = color === undefined ? undefined : `The deeper a square, the greater its ${line(color, 40)}.`
  return plot({ title: chart.title, caption, x, y, across: across.axis, up: up.axis, marks })
}

/** A chart over the rows of its table. Those without a number where one is drawn are left out. */
export function drawChart(chart: Chart, rowsOfTable: Rows): string {
  const { mark, encoding, title } = chart,
    { x, y, color } = encoding
  const named = new Set([x, y].filter(column => rowsOfTable.some(row => typeof row[column] === 'string'))),
    isNamed = (column: string) => named.has(column)
  const rows = rowsOfTable
    .slice(0, mark === 'point' ? MOST_COUNTED : MOST_DRAWN)
    .filter(row => [x, y].every(column => isNamed(column) || isNumber(row[column])))
  if (rows.length === 0) return `<p><b>${line(title, 160)}</b>: nothing to draw.</p>\n`
  const groups = groupsOf(rows, mark === 'cell' ? undefined : color),
    byName = new Map(groups.map(group => [group.name, group]))
  const drawing: Drawing = {
    chart,
    rows,
    groups,
    groupOf: row => (color === undefined ? groups[0] : (byName.get(textOf(row[color])) ?? groups.at(-1)!)),
    isNamed,
  }
  if (mark === 'cell') return cells(drawing)
  if (mark === 'line') return lines(drawing)
  // names on one axis and numbers on the other are a table
  if (isNamed(x) !== isNamed(y)) return isNamed(x) ? strips(drawing, x, y) : strips(drawing, y, x)
  return mark === 'bar' && !isNamed(x) ? histogram(drawing) : points(drawing)
}
/** Whether a chart is drawn as a table of its own, as wide as the page. */
export const isStrip = ({ mark, encoding: { x, y } }: Chart, rows: Rows): boolean => {
  const [a, b] = [x, y].map(column => rows.some(row => typeof row[column] === 'string'))
  return (mark === 'bar' || mark === 'point') && a !== b
}

const TABLE_ROWS = 100,
  TABLE_COLUMNS = 16
/** A report's table, folded. */
export function foldedTable(name: string, rows: Rows): string {
  const all = [...new Set(rows.flatMap(Object.keys))],
    columns = all.slice(0, TABLE_COLUMNS)
  if (rows.length === 0 || columns.length === 0) return ''
  const numeric = new Set(columns.filter(column => rows.some(row => typeof row[column] === 'number'))),
    isOfNumbers = (column: string) => numeric.has(column)
  const content = (row: Row, column: string) => {
    const value = row[column] ?? null,
      text = value === null ? '' : line(textOf(value), 160)
    return isOfNumbers(column) ? n(text) : cell(text)
  }
  const left = [
    rows.length > TABLE_ROWS ? counted(rows.length - TABLE_ROWS, 'more row') : '',
    all.length > columns.length ? counted(all.length - columns.length, 'more column') : '',
  ].filter(Boolean)
  const inside = table({
    caption: left.length > 0 ? `${left.join(' and ')} are in report.json.` : '',
    head: columns.map(column => (isOfNumbers(column) ? n(line(column, 60)) : cell(line(column, 60)))),
    rows: rows.slice(0, TABLE_ROWS).map(row => columns.map(column => content(row, column))),
    of: 'data',
  })
  return folded(`numbers: ${line(name, 60)}`, inside)
}
