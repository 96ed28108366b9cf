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
import { wrongCarry } from './wrong_carry.ts'

/** All operators, in the order in which `types` lists them. */
export const OPERATORS: readonly AnyOperator[] = [
  resultNumber, operandNumber, operandExchanged, operator, operandOrder, droppedTerm, repeatedTerm, wrongCarry, stepRemoved, stepsSwapped,
]

/** Their names, and how often each is drawn where nothing else is known: what follows from itself is the most like a real mistake. */
export const SHARES = {
  result_number: 2, operand_number: 2, operand_exchanged: 2, operator: 2, operand_order: 1, dropped_term: 1, repeated_term: 1, wrong_carry: 6, step_removed: 1, steps_swapped: 1,
} as const
export type EditType = keyof typeof SHARES
export const EDIT_TYPES = Object.keys(SHARES) as [EditType, ...EditType[]]
/** All but the two that leave every equation true: what those prove is that a number is used before anything gives it, and a terse solution may do that and be right. */
export const USUAL_TYPES: readonly EditType[] = EDIT_TYPES.filter((type) => type !== 'step_removed' && type !== 'steps_swapped')
