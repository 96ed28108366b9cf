/** What a way to put an error into a solution has to say and do. */
import type { Equation } from '../arithmetic.ts'
import type { Draw } from '../draw.ts'
import type { Item } from '../expression.ts'
import type { Judged } from '../prove.ts'
import type { Patch, Solution } from '../solution.ts'

/** RISE's kinds of edits (arXiv 2410.06638), in this project's words. */
export type RiseEdit =
  | 'replace values'
  | 'replace a value'
  | 'wrong substitution'
  | 'delete a term'
  | 'change an operator'
  | 'swap terms'
  | 'misread the question'

/**
 * What shows that an edit is an error: exact arithmetic, syntax trees (and tests where there are any), a checker that
 * the original passes; `none`: nobody knows.
 */
export type ProofKind = 'arithmetic' | 'code' | 'constraint' | 'none'

/**
 * A way to go wrong, tried on one place of a solution (true equations, where `places` is left out). Deterministic from
 * `draw`.
 */
export interface ErrorOperator<Place = Equation> {
  readonly name: string
  readonly proof: ProofKind
  /** what it does, for the docs */
  readonly about: string
  /** what a solution must have for it */
  readonly needs: string
  readonly rise: readonly RiseEdit[]
  /** one of the edits that it makes of a text: executed by the tests, shown in the docs */
  readonly example: { readonly prompt?: string; readonly text: string; readonly edited: string }
  places?(solution: Solution): readonly Place[]
  /**
   * Candidates, most likely first. Their patches do not overlap and are in the order of the text. None where the
   * precondition does not hold.
   */
  candidates(solution: Solution, place: Place, draw: Draw): Iterable<readonly Patch[]>
  /** Carries a candidate out and proves the error, or says why it is none. */
  prove(solution: Solution, place: Place, patches: readonly Patch[]): Judged
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a list holds operators on every kind of place
export type AnyOperator = ErrorOperator<any>

/** An operand or operator sign with its place. */
export type NumberItem = Item & { readonly kind: 'number' }
export type SignItem = Item & { readonly kind: 'operator' }

/**
 * Every place where an equation prints its left side, in the order of the text: the visible expression and the
 * calculator mark. None where the two are not alike.
 */
export function copiesOf(equation: Equation): readonly (readonly Item[])[] {
  if (!equation.mark || equation.lone) return [equation.items]
  return equation.visible ? [equation.visible, equation.items] : []
}
