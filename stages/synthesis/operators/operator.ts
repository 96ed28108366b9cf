/** An error in an equation: another sign between its operands. */
import type { Equation } from '../arithmetic.ts'
import { shuffled } from '../draw.ts'
import { proveFalse } from '../prove.ts'
import type { Operator } from '../tokens.ts'
import { copiesOf, type ErrorOperator, type SignItem } from './define.ts'

const SWAPS: Readonly<Record<Operator, readonly Operator[]>> = {
  '+': ['-', '*'],
  '-': ['+', '/'],
  '*': ['+', '/'],
  '/': ['*', '-'],
}

/**
 * Another operation, with the result of the right one: with the result of the wrong one the equation would be true and
 * nothing proven.
 */
export const operator: ErrorOperator = {
  name: 'operator',
  proof: 'arithmetic',
  about:
    'An operator is replaced by another, in the sign that the solution uses for it; the stated result stays. A slash that makes a fraction (1/2 * 60) is left alone.',
  needs: 'a true equation whose left side is printed alike wherever it is printed',
  rise: ['change an operator'],
  example: { text: '6 + 2 = 8 pens', edited: '6 * 2 = 8 pens' },
  *candidates(solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length) return
    const shown = copies[0].filter(item => item.kind === 'operator')
    const loose = shown.some(item => !item.tight)
    for (const i of shuffled([...equation.items.keys()], draw)) {
      const item = copies[0][i]
      if (item.kind !== 'operator' || (loose && item.tight && item.operator === '/')) continue
      for (const other of shuffled(SWAPS[item.operator], draw)) {
        yield copies.map((items, copy) => {
          const place = items[i] as SignItem
          const inMark = equation.mark !== undefined && (copy === 1 || equation.lone)
          return {
            start: place.start,
            end: place.end,
            text: inMark ? other : glyphFor(other, place.tight, solution.equations),
          }
        })
      }
    }
  },
  prove: proveFalse,
}

/**
 * The sign that the solution itself uses for an operator in its visible text, or the ASCII one. A letter is only used
 * between spaces.
 */
function glyphFor(wanted: Operator, tight: boolean, all: readonly Equation[]): string {
  for (const equation of all) {
    const items = equation.mark ? (equation.visible ?? []) : equation.items
    for (const item of items) {
      if (item.kind === 'operator' && item.operator === wanted && !(tight && /\p{L}/u.test(item.glyph))) {
        return item.glyph
      }
    }
  }
  return wanted
}
