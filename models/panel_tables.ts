/** What people look at of a panel, counted on its sample and of a size that does not grow with it. */
import { agreementAt, probabilityAt, type Decision } from './decision.ts'
import { share, type Estimate } from './metrics.ts'
import { rules, type Rule } from './rule.ts'

/** Bins of the probability that a label is right, from 0 to 1. */
export const PROBABILITY_BINS = 40
/** Cells of a side of the picture of two reviewers. */
export const CELLS = 40
/** Pairs that are drawn one by one at most. */
const POINTS = 1500
const GROUPS = 10
/** Of the margins of a reviewer this share lies within the picture. */
const WITHIN = 0.99

/** Two reviewers' margins: pairs one by one, by which rules they are found wrong in bits, or in cells. */
export interface TwoReviewers {
  readonly first: number
  readonly second: number
  /** The margins at the edges of the picture; what is beyond lies on them. */
  readonly edges: readonly [number, number]
  readonly points?: { readonly x: Float32Array; readonly y: Float32Array; readonly wrong: Uint8Array }
  readonly cells?: Uint32Array
}
/** Pairs whose reviewers are about as sure: what share of labels should agree with them, and does. */
export interface Sureness extends Estimate {
  readonly rows: number
  readonly said: number
}
/** A plain object. */
export interface PanelTables {
  /** By bin, and of those found wrong by rule. */
  readonly probability: Readonly<Record<'all' | Rule, Uint32Array>>
  readonly sureness: readonly Sureness[]
  /** Of the surest pairs, by their number, the share of labels that agrees. */
  readonly surest: readonly (Estimate & { readonly rows: number })[]
  readonly two?: TwoReviewers
}

export function tablesOf(
  decision: Decision,
  margins: readonly Float64Array[],
  stacked: Float64Array,
  wrong: Readonly<Record<Rule, Uint8Array>>,
  voices: readonly number[],
): PanelTables {
  const bins = () => new Uint32Array(PROBABILITY_BINS),
    probability = { all: bins(), stack: bins(), both: bins(), either: bins() }
  stacked.forEach((margin, row) => {
    const bin = Math.min(PROBABILITY_BINS - 1, Math.floor(probabilityAt(decision, margin) * PROBABILITY_BINS))
    probability.all[bin]++
    for (const rule of rules) probability[rule][bin] += wrong[rule][row]
  })
  const sorted = stacked.slice().sort((a, b) => Math.abs(b) - Math.abs(a) || a - b)
  return {
    probability,
    sureness: surenessOf(decision, sorted),
    surest: surestOf(sorted),
    ...(voices.length > 1 ? { two: twoOf(margins, voices[0], voices[1], wrong) } : {}),
  }
}

/** Groups of one size, the surest first. A margin of 0 agrees by half. */
function surenessOf(decision: Decision, sorted: Float64Array): Sureness[] {
  const groups = Math.min(GROUPS, sorted.length)
  return Array.from({ length: groups }, (_, g) => {
    const some = sorted.subarray(
      Math.floor((g * sorted.length) / groups),
      Math.floor(((g + 1) * sorted.length) / groups),
    )
    let said = 0
    for (const margin of some) said += agreementAt(decision, Math.abs(margin))
    return { rows: some.length, said: said / some.length, ...share(agreedIn(some), some.length) }
  })
}

function surestOf(sorted: Float64Array): PanelTables['surest'] {
  const ends: number[] = []
  for (let rows = 50; rows < sorted.length; rows *= 2) ends.push(rows)
  if (sorted.length > 0) ends.push(sorted.length)
  return ends.map(rows => ({ rows, ...share(agreedIn(sorted.subarray(0, rows)), rows) }))
}

function agreedIn(margins: Float64Array): number {
  let agreed = 0
  for (const margin of margins) agreed += margin > 0 ? 1 : margin === 0 ? 0.5 : 0
  return agreed
}

function twoOf(
  margins: readonly Float64Array[],
  first: number,
  second: number,
  wrong: Readonly<Record<Rule, Uint8Array>>,
): TwoReviewers {
  const edges: [number, number] = [edgeOf(margins[first]), edgeOf(margins[second])],
    [xs, ys] = [margins[first], margins[second]]
  if (xs.length <= POINTS) {
    const bits = Uint8Array.from(xs, (_, row) => rules.reduce((sum, rule, i) => sum | (wrong[rule][row] << i), 0))
    return { first, second, edges, points: { x: Float32Array.from(xs), y: Float32Array.from(ys), wrong: bits } }
  }
  const cells = new Uint32Array(CELLS * CELLS)
  const place = (margin: number, edge: number) =>
    Math.max(0, Math.min(CELLS - 1, Math.floor(((margin / edge + 1) / 2) * CELLS)))
  for (let row = 0; row < xs.length; row++) cells[place(ys[row], edges[1]) * CELLS + place(xs[row], edges[0])]++
  return { first, second, edges, cells }
}

function edgeOf(margins: Float64Array): number {
  const sizes = margins.map(Math.abs).sort()
  return sizes[Math.floor(WITHIN * (sizes.length - 1))] || 1
}
