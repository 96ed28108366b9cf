/** An error in the order of steps: one that is needed later is gone. */
import { proveUnfounded } from '../prove.ts'
import { replace, Solution } from '../solution.ts'
import type { ErrorOperator } from './define.ts'
import { firstUse, isLabelled } from './founded.ts'

/** A step is missing whose result a later one takes up. */
export const stepRemoved: ErrorOperator = {
  name: 'step_removed',
  proof: 'arithmetic',
  about: 'A step is left out, and a later step takes up its result, which nothing gives.',
  needs:
    'a true equation whose result a later step takes up and nothing else gives; steps without numbers of their own',
  rise: ['delete a term'],
  example: { prompt: 'q', text: '5 * 45 = 225 in all.\n225 - 8 = 217 are left.', edited: '225 - 8 = 217 are left.' },
  *candidates(solution, equation) {
    const use = firstUse(solution, equation)
    if (!use || solution.steps.some(step => isLabelled(solution, step))) return
    yield [{ start: use.giver.start, end: solution.steps[use.giver.index + 1].start, text: '' }]
  },
  prove(solution, equation, patches) {
    const { user, key } = firstUse(solution, equation)!
    return proveUnfounded(
      solution,
      equation,
      user,
      key,
      new Solution(replace(solution.text, 0, solution.text.length, patches), solution.prompt),
    )
  },
}
