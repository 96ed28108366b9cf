import type { Equation } from '../arithmetic.ts'
import type { Draw } from '../draw.ts'
import type { Item } from '../expression.ts'
import type { Judged } from '../prove.ts'
import type { Patch, Solution } from '../solution.ts'

/** RISE's kinds of edits (arXiv 2410.06638), in this project's words. */
export type RiseEdit = 'replace values' | 'replace a value' | 'wrong substitution' | 'delete a term' | 'change an operator' | 'swap terms'

/** A way to go wrong, tried on one true equation of a solution. Deterministic from `draw`. */
export interface ErrorOperator {
  readonly name: string
  /** what it does, for the docs */
  readonly about: string
  /** what a solution must have for it */
  readonly needs: string
  readonly rise: readonly RiseEdit[]
  /** Candidates, most likely first. Their patches do not overlap and are in the order of the text. None where the precondition does not hold. */
  candidates(solution: Solution, equation: Equation, draw: Draw): Iterable<readonly Patch[]>
  /** Carries a candidate out and proves the error, or says why it is none. */
  prove(solution: Solution, equation: Equation, patches: readonly Patch[]): Judged
}

/** An operand or operator sign with its place. */
export type NumberItem = Item & { readonly kind: 'number' }
export type SignItem = Item & { readonly kind: 'operator' }

/** Every place where an equation prints its left side, in the order of the text: the visible expression and the calculator mark. None where the two are not alike. */
export function copiesOf(equation: Equation): readonly (readonly Item[])[] {
  if (!equation.mark || equation.lone) return [equation.items]
  return equation.visible ? [equation.visible, equation.items] : []
}
