/** Where a term of a sum stands in the text, and whether it can be left out or said twice. */
import type { Equation } from '../arithmetic.ts'
import type { Item } from '../expression.ts'
import type { Solution } from '../solution.ts'

/**
 * What an operator sign and the number after it cover of the text, in one copy of an equation: from the sign to the
 * next sign (`+ 24 plums `), or, for the last term, from the space before the sign to the space before the equals sign
 * or parenthesis (` + 3 figs`). Undefined where the term is not one number.
 */
export function termAt(
  solution: Solution,
  equation: Equation,
  items: readonly Item[],
  i: number,
): { start: number; end: number } | undefined {
  const sign = items[i],
    number = items[i + 1],
    next = items[i + 2]
  if (sign?.kind !== 'operator' || number?.kind !== 'number' || items[i - 1]?.kind === 'open') return undefined
  const { text } = solution
  if (next?.kind === 'operator') return { start: sign.start, end: next.start }
  const stop = next ? text.indexOf(')', number.printed.end) : text.indexOf('=', number.printed.end)
  if (stop < 0 || stop >= equation.end || next?.kind === 'open') return undefined
  const spaces = (from: number) => {
    while (/\s/.test(text[from - 1])) from--
    return from
  }
  return { start: spaces(sign.start), end: spaces(stop) }
}

/**
 * Whether the term is added, taken off or multiplied, and what follows it binds no tighter: leaving out `+ b` of `a + b
 * * c` would leave `a * c`.
 */
export function standsAlone(items: readonly Item[], i: number): boolean {
  const sign = items[i],
    next = items[i + 2]
  if (sign.kind !== 'operator') return false
  if (sign.operator === '*' || sign.operator === '/') return true
  return next?.kind !== 'operator' || next.operator === '+' || next.operator === '-'
}
