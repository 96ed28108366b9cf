/** Finds the number that a worked solution ends in. */
import type { Equation } from './arithmetic.ts'
import { readPrinted, type Printed } from './exact.ts'
import { keyOf } from './numbers.ts'

/**
 * The final answer of a solution: its number, whether it is negative, and whether a line of its own says so (`marked`)
 * or it is the last equation's result.
 */
export interface FinalAnswer {
  readonly number: Printed
  readonly key: string
  readonly marked: boolean
}

const MARKED = /(?:####|\banswer(?:\s+is|\s*[:=])|\\boxed\{)\s*[*$£€¥\s(]*([-−]?)\s*((?:\d+(?:[.,]\d+)*)|\.\d+)/giu

/**
 * The final answer of a worked solution: the last number after `####`, `answer is`, `answer:` or `\boxed{`; where there
 * is none, the result of the last equation; undefined where that is none either, or not one number.
 */
export function finalAnswer(text: string, equations: readonly Equation[]): FinalAnswer | undefined {
  const hashes = text.lastIndexOf('####')
  const last = hashes > 0 ? (lastMarked(text, hashes) ?? lastMarked(text, 0)) : lastMarked(text, 0)
  if (last) {
    const number = readPrinted(last[2], last.index + last[0].length - last[2].length)
    if (typeof number !== 'string') return { number, key: (last[1] && '-') + keyOf(number), marked: true }
  }
  const stated = equations.at(-1)?.twin ?? equations.at(-1)?.stated
  if (!stated || stated.denominator) return undefined
  return { number: stated.number, key: (stated.negative ? '-' : '') + keyOf(stated.number), marked: false }
}

function lastMarked(text: string, from: number): RegExpExecArray | undefined {
  let last: RegExpExecArray | undefined
  MARKED.lastIndex = from
  for (let match = MARKED.exec(text); match; match = MARKED.exec(text)) last = match
  return last
}
