/** Charts of reports as SVG: a page shows them without scripts and without a network. */
import type { Chart, Report } from '../contract/define.ts'

type Row = NonNullable<Report['tables']>[string][number]
type Value = Row[string]

const WIDTH = 640,
  HEIGHT = 260,
  LEFT = 64,
  BOTTOM = 44,
  TOP = 10,
  RIGHT = 10
/** Rows that are drawn at most, and letters of a name. */
const MOST_ROWS = 2000,
  MOST_LETTERS = 14
const COLORS = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377', '#777777', '#ee8866']

export const escape = (text: string) =>
  text.replace(/[&<>"]/g, character => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character]!)
const textOf = (value: Value): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(4))) : (value ?? '(none)')
const short = (text: string): string => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text)
const at = (value: number): string => String(Math.round(value * 10) / 10)

/** Where values lie on an axis, and what is written beside it. */
interface Axis {
  place(value: Value): number
  readonly ticks: readonly { readonly at: number; readonly text: string }[]
  /** Of names, how much room each has. */
  readonly room?: number
}

/** Steps of 1, 2 or 5 times a power of ten, about five of them. */
function stepOf(span: number): number {
  const power = 10 ** Math.floor(Math.log10(span / 5)),
    times = span / 5 / power
  return power * (times > 5 ? 10 : times > 2 ? 5 : times > 1 ? 2 : 1)
}

function numberAxis(values: readonly number[], from: number, to: number, withZero: boolean): Axis {
  let low = values.reduce((a, b) => Math.min(a, b), withZero ? 0 : Infinity),
    high = values.reduce((a, b) => Math.max(a, b), withZero ? 0 : -Infinity)
  if (!Number.isFinite(low)) [low, high] = [0, 1]
  if (low === high) [low, high] = [low - (withZero && low >= 0 ? 0 : 1), high + 1]
  const step = stepOf(high - low),
    first = Math.floor(low / step),
    last = Math.ceil(high / step)
  const place = (value: number) => from + ((value - first * step) / ((last - first) * step)) * (to - from)
  return {
    place: value => place(Number(value)),
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step).map(value => ({
      at: place(value),
      text: String(Number(value.toPrecision(6))),
    })),
  }
}

function nameAxis(values: readonly Value[], from: number, to: number): Axis {
  const names = [...new Set(values.map(textOf))],
    room = Math.abs(to - from) / Math.max(1, names.length),
    sign = Math.sign(to - from)
  const place = (name: string) => from + sign * room * (names.indexOf(name) + 0.5)
  // of many names some, so that they can be read
  const every = Math.ceil(names.length / 12)
  return {
    room,
    place: value => place(textOf(value)),
    ticks: names.filter((_, i) => i % every === 0).map(name => ({ at: place(name), text: short(name) })),
  }
}

/** A chart over the rows of its table; those without a number where one is drawn are left out. */
export function drawChart({ title, mark, encoding: { x, y, color } }: Chart, table: readonly Row[]): string {
  const isNumber = (column: string) => table.every(row => row[column] === null || typeof row[column] === 'number')
  // bars stand on names: lying ones where x alone is a number
  const lies = mark === 'bar' && isNumber(x) && !isNumber(y),
    named = (column: string) => !isNumber(column) || (mark === 'bar' && column === (lies ? y : x))
  const rows = table
    .slice(0, MOST_ROWS)
    .filter(row => [x, y].every(column => named(column) || typeof row[column] === 'number'))
  if (rows.length === 0) return `<p><b>${escape(title)}</b>: nothing to draw</p>`
  const axis = (column: string, from: number, to: number) =>
    named(column)
      ? nameAxis(
          rows.map(row => row[column]),
          from,
          to,
        )
      : numberAxis(
          rows.map(row => Number(row[column])),
          from,
          to,
          mark === 'bar',
        )
  const across = axis(x, LEFT, WIDTH - RIGHT),
    up = axis(y, HEIGHT - BOTTOM, TOP)
  const groups = color === undefined ? [''] : [...new Set(rows.map(row => textOf(row[color])))],
    groupOf = (row: Row) => (color === undefined ? 0 : groups.indexOf(textOf(row[color]))),
    paint = (group: number) => COLORS[group % COLORS.length]
  const tip = (row: Row) =>
    `<title>${escape([x, y, ...(color === undefined ? [] : [color])].map(name => `${name}: ${textOf(row[name])}`).join(', '))}</title>`
  const bar = (row: Row): string => {
    const [names, numbers, name, number] = lies ? [up, across, y, x] : [across, up, x, y],
      thick = (names.room! * 0.8) / groups.length,
      side = names.place(row[name]) - (names.room! * 0.8) / 2 + thick * groupOf(row),
      [from, to] = [numbers.place(0), numbers.place(row[number])].sort((a, b) => a - b),
      box = lies ? [from, side, to - from, thick] : [side, from, thick, to - from]
    return `<rect x="${at(box[0])}" y="${at(box[1])}" width="${at(box[2])}" height="${at(box[3])}" fill="${paint(groupOf(row))}">${tip(row)}</rect>`
  }
  const dot = (row: Row) =>
    `<circle cx="${at(across.place(row[x]))}" cy="${at(up.place(row[y]))}" r="3" fill="${paint(groupOf(row))}">${tip(row)}</circle>`
  const line = (group: number) => {
    const places = rows
      .filter(row => groupOf(row) === group)
      .map(row => [across.place(row[x]), up.place(row[y])])
      .sort(([a], [b]) => a - b)
    return `<polyline fill="none" stroke-width="2" stroke="${paint(group)}" points="${places.map(place => place.map(at).join(',')).join(' ')}"/>`
  }
  const drawn = [
    ...up.ticks.map(
      tick =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(tick.at)}" y2="${at(tick.at)}"/><text x="${LEFT - 6}" y="${at(tick.at + 4)}" text-anchor="end">${escape(tick.text)}</text>`,
    ),
    ...across.ticks.map(
      tick => `<text x="${at(tick.at)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${escape(tick.text)}</text>`,
    ),
    `<text x="${(LEFT + WIDTH) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escape(x)}</text>`,
    `<text x="12" y="${(HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 12 ${(HEIGHT - BOTTOM) / 2})">${escape(y)}</text>`,
    ...(mark === 'line' ? groups.map((_, group) => line(group)) : []),
    ...rows.map(row => (mark === 'bar' ? bar(row) : dot(row))),
  ]
  const key =
    color === undefined
      ? ''
      : `<p>${groups.map((name, group) => `<span class="key" style="background:${paint(group)}"></span> ${escape(name)}`).join(' ')}</p>`
  const more = table.length > MOST_ROWS ? `<p>The first ${MOST_ROWS} of ${table.length} rows are drawn.</p>` : ''
  return `<figure><figcaption><b>${escape(title)}</b></figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}">${drawn.join('')}</svg>${key}${more}</figure>`
}
