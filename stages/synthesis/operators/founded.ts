/** Which later step rests on the result of an earlier one, for errors that take or move steps. */
import type { Equation, Step } from '../arithmetic.ts'
import { keyOf } from '../numbers.ts'
import type { Solution } from '../solution.ts'
import { isCarried } from './wrong_carry.ts'

/** A step that computes a value, and the first later equation that takes it up. */
export interface Use {
  readonly giver: Step
  readonly taker: Step
  readonly user: Equation
  readonly key: string
}

const LABEL = /^(?:[-*•]\s+)?(?:\(?\d{1,3}[.):]|(?:\*\*)?step\s+\d{1,3}\b)/iu

/**
 * Where the result of an equation is first taken up by an equation of a later step, if neither the problem nor an
 * earlier step gives its value.
 */
export function firstUse(solution: Solution, equation: Equation): Use | undefined {
  if (!isCarried(solution, equation)) return undefined
  const key = keyOf(equation.stated.number)
  const giver = solution.steps.find(step => step.equations.includes(equation))!
  if (solution.isKnown(key, giver.start)) return undefined
  for (const taker of solution.steps.slice(giver.index + 1)) {
    const user = taker.equations.find(one =>
      one.items.some(item => item.kind === 'number' && keyOf(item.printed) === key),
    )
    if (user) return { giver, taker, user, key }
  }
  return undefined
}

/** Whether a step begins with a number of its own, which would give away that it was moved. */
export const isLabelled = (solution: Solution, step: Step): boolean =>
  LABEL.test(solution.text.slice(step.start, step.end))
