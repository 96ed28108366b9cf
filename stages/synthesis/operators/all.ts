/** All ways to put an error into a solution, and how often each is drawn. */
import { loadLanguages } from '../languages.ts'
import type { AnyOperator } from './define.ts'
import { droppedTerm } from './dropped_term.ts'
import { operandExchanged } from './operand_exchanged.ts'
import { operandNumber } from './operand_number.ts'
import { operandOrder } from './operand_order.ts'
import { operator } from './operator.ts'
import { repeatedTerm } from './repeated_term.ts'
import { resultNumber } from './result_number.ts'
import { stepRemoved } from './step_removed.ts'
import { stepsSwapped } from './steps_swapped.ts'
import { unitScale } from './unit_scale.ts'
import { percentBase } from './percent_base.ts'
import { rounding } from './rounding.ts'
import { constraintBroken } from './constraint_broken.ts'
import { codeComparison } from './code_comparison.ts'
import { codeOperator } from './code_operator.ts'
import { codeOffByOne } from './code_off_by_one.ts'
import { codeArgumentOrder } from './code_argument_order.ts'
import { quantifier } from './quantifier.ts'
import { negation } from './negation.ts'
import { entityExchanged } from './entity_exchanged.ts'
import { dateExchanged } from './date_exchanged.ts'
import { numberExchanged } from './number_exchanged.ts'
import { wrongCarry } from './wrong_carry.ts'

/** All operators, in the order in which `types` lists them. */
export const OPERATORS: readonly AnyOperator[] = [
  resultNumber,
  operandNumber,
  operandExchanged,
  operator,
  operandOrder,
  droppedTerm,
  repeatedTerm,
  wrongCarry,
  stepRemoved,
  stepsSwapped,
  unitScale,
  percentBase,
  rounding,
  constraintBroken,
  codeComparison,
  codeOperator,
  codeOffByOne,
  codeArgumentOrder,
  quantifier,
  negation,
  entityExchanged,
  dateExchanged,
  numberExchanged,
]

/**
 * Their names, and how often each is drawn where nothing else is known: what follows from itself is the most like a
 * real mistake.
 */
export const SHARES = {
  result_number: 2,
  operand_number: 2,
  operand_exchanged: 2,
  operator: 2,
  operand_order: 1,
  dropped_term: 1,
  repeated_term: 1,
  wrong_carry: 6,
  step_removed: 1,
  steps_swapped: 1,
  unit_scale: 1,
  percent_base: 1,
  rounding: 1,
  constraint_broken: 2,
  code_comparison: 1,
  code_operator: 1,
  code_off_by_one: 1,
  code_argument_order: 1,
  quantifier: 1,
  negation: 1,
  entity_exchanged: 1,
  date_exchanged: 1,
  number_exchanged: 1,
} as const
export type EditType = keyof typeof SHARES
export const EDIT_TYPES = Object.keys(SHARES) as [EditType, ...EditType[]]
/**
 * Those with an arithmetic proof, but for the two that leave every equation true: what those prove is that a number is
 * used before anything gives it, and a terse solution may do that and be right.
 */
export const USUAL_TYPES: readonly EditType[] = EDIT_TYPES.filter(
  (type, i) => OPERATORS[i].proof === 'arithmetic' && type !== 'step_removed' && type !== 'steps_swapped',
)

/** Loads what operators need that most runs do not. */
export async function ready(types: readonly EditType[]): Promise<void> {
  if (types.includes('constraint_broken')) await loadLanguages()
}
