/** A small plot: its axes, its frame, and where what it draws has its place. */
import { scaleLinear, scaleSqrt } from 'd3-scale'
import { line, number } from './html.ts'
import { at } from './strips.ts'

const WIDTH = 320,
  HEIGHT = 214,
  LEFT = 44,
  RIGHT = 10,
  TOP = 22,
  BOTTOM = 38
/** Numbers beyond it are not drawn: differences of larger ones are no numbers, and those of smaller ones are 0. */
export const LARGEST = 1e300
const SMALLEST = 1e-300
/** Names on an axis. */
const MOST_NAMES = 12

/** A value of a table. */
export type Value = string | number | null | undefined

export interface Axis {
  place(value: Value): number
  readonly ticks: readonly { readonly at: number; readonly text: string }[]
}
export const isNumber = (value: Value): value is number => typeof value === 'number' && Math.abs(value) <= LARGEST
export const textOf = (value: Value): string => (typeof value === 'number' ? number(value, 4) : (value ?? '(none)'))

/** The least and the greatest, with room where they are one. */
export function spanOf(values: readonly number[], withZero: boolean): [number, number] {
  let low = withZero ? 0 : Infinity,
    high = withZero ? 0 : -Infinity
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)]
  if (low > high) return [0, 1]
  const size = Math.max(Math.abs(low), Math.abs(high))
  // ticks need a distance that numbers can tell
  if (high - low > Math.max(1e-12 * size, SMALLEST)) return [low, high]
  if (withZero) return [0, 1]
  const room = size > SMALLEST ? size / 2 : 1
  return [low - room, high + room]
}

export function numberAxis(
  values: readonly number[],
  from: number,
  to: number,
  { zero = false, root = false } = {},
): Axis {
  const scale = (root ? scaleSqrt : scaleLinear)(spanOf(values, zero), [from, to]).nice(4)
  const near = Math.abs(to - from) / 400
  const ticks = scale.ticks(4).map(value => ({ at: scale(value), text: number(value, 4) }))
  return {
    place: value => scale(Number(value)),
    // of a root scale the small ones lie close together
    ticks: ticks.filter((tick, i) => !root || i === 0 || Math.abs(tick.at - ticks[i - 1].at) > near * 24),
  }
}

export function nameAxis(values: readonly Value[], from: number, to: number): Axis {
  const names = [...new Set(values.map(textOf))],
    places = new Map(names.map((name, i) => [name, from + ((to - from) * (i + 0.5)) / names.length])),
    every = Math.ceil(names.length / MOST_NAMES)
  return {
    place: value => places.get(textOf(value))!,
    ticks: names.filter((_, i) => i % every === 0).map(name => ({ at: places.get(name)!, text: line(name, 6) })),
  }
}

export interface Frame {
  readonly title: string
  /** What is to be known to read it. */
  readonly caption?: string
  readonly x: string
  readonly y: string
  readonly across: Axis
  readonly up: Axis
  readonly marks: readonly string[]
  /** HTML below the title, as a key. */
  readonly key?: string
}
/** A plot with its axes; what it draws stands in a table elsewhere. */
export function plot({ title, caption, x, y, across, up, marks, key }: Frame): string {
  const [right, bottom] = [WIDTH - RIGHT, HEIGHT - BOTTOM],
    said = `${x} from left to right, ${y} from bottom to top; the numbers are in the table below`
  const grid = up.ticks.map(
    ({ at: place, text }) =>
      `<line class="grid" x1="${LEFT}" x2="${right}" y1="${at(place)}" y2="${at(place)}"/><text x="${LEFT - 6}" y="${at(place + 4)}" text-anchor="end">${text}</text>`,
  )
  const ticks = across.ticks.map(
    ({ at: place, text }) => `<text x="${at(place)}" y="${bottom + 15}" text-anchor="middle">${text}</text>`,
  )
  const drawn = [
    ...grid,
    ...ticks,
    `<text class="lab" x="${LEFT}" y="12">${line(y, 40)}</text>`,
    `<text class="lab" x="${(LEFT + right) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${line(x, 40)}</text>`,
    ...marks,
    `<line class="base" x1="${LEFT}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
  ]
  return `<figure class="plotted"><figcaption><h3>${line(title, 160)}</h3>${caption ? `<p>${caption}</p>` : ''}${key ?? ''}</figcaption><svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"><title>${line(title, 160)}</title><desc>${line(said, 200)}</desc>${drawn.join('')}</svg></figure>\n`
}
export const place = {
  across: [LEFT, WIDTH - RIGHT],
  up: [HEIGHT - BOTTOM, TOP],
} as const
