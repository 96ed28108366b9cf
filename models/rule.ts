/** The rules by which margins of several reviewers find a label wrong. */
import type { Stack } from './stack.ts'

/**
 * Which reviewers must speak against a pair for it to be found wrong; `stack` asks their weighed sum, `exchange` that
 * sum after each has learned from the others, where that helps.
 */
export type Rule = 'both' | 'either' | 'stack' | 'exchange'

/**
 * The margin below or at which the lowest `rate` of these lie; -Infinity when that is none of them, and below 0 always:
 * no margin that supports a label speaks against it.
 */
export function lowest(margins: Float64Array, rate: number): number {
  const sorted = margins.slice().sort()
  const count = Math.floor(rate * sorted.length)
  return !(count >= 1) ? -Infinity : Math.min(sorted[count - 1], -Number.MIN_VALUE)
}

/** By reviewer: the margin below or at which its lowest `rate` lies; -Infinity for one that is blind. */
export const thresholdsOf = ({ sees }: Stack, margins: readonly Float64Array[], rate: number): number[] =>
  margins.map((some, m) => (sees[m] ? lowest(some, rate) : -Infinity))

/** How many reviewers speak against each row. */
export function against(thresholds: readonly number[], margins: readonly Float64Array[]): Uint8Array {
  return countWhere(margins, (margin, m) => margin <= thresholds[m])
}

/** How many reviewers that see have a say on each row: a margin of 0 is none. */
export const speaking = ({ sees }: Stack, margins: readonly Float64Array[]): Uint8Array =>
  countWhere(margins, (margin, m) => sees[m] && margin !== 0)

function countWhere(margins: readonly Float64Array[], test: (margin: number, m: number) => boolean): Uint8Array {
  const out = new Uint8Array(margins[0].length)
  margins.forEach((some, m) => {
    for (let i = 0; i < out.length; i++) if (test(some[i], m)) out[i]++
  })
  return out
}

/** 1 where the rule finds the label wrong. Only reviewers that see are asked; with none, nothing is found. */
export function foundWrong(
  rule: Rule,
  stack: Stack,
  margins: readonly Float64Array[],
  stacked: Float64Array,
  thresholds: readonly number[],
  stack_threshold: number,
): Uint8Array {
  if (!stack.sees.includes(true)) return new Uint8Array(stacked.length)
  if (rule === 'stack' || rule === 'exchange') {
    return Uint8Array.from(stacked, margin => (margin <= stack_threshold ? 1 : 0))
  }
  const voices = speaking(stack, margins)
  return against(thresholds, margins).map((count, i) =>
    count >= (rule === 'both' ? Math.max(1, voices[i]) : 1) ? 1 : 0,
  )
}
