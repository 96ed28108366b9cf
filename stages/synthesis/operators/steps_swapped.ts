/** An error in the order of steps: one stands before the one that it needs. */
import { proveUnfounded } from '../prove.ts'
import { replace, Solution } from '../solution.ts'
import type { ErrorOperator } from './define.ts'
import { firstUse, isLabelled } from './founded.ts'

/** Two neighbouring steps change places, of which the second takes up the first one's result. */
export const stepsSwapped: ErrorOperator = {
  name: 'steps_swapped',
  proof: 'arithmetic',
  about: 'Two neighbouring steps change places, though the second takes up the result of the first.',
  needs:
    'a true equation whose result the very next step takes up and nothing else gives; steps without numbers of their own',
  rise: ['swap terms'],
  example: {
    prompt: 'q',
    text: '5 * 45 = 225 in all.\n225 - 8 = 217 are left.',
    edited: '225 - 8 = 217 are left.\n5 * 45 = 225 in all.',
  },
  *candidates(solution, equation) {
    const use = firstUse(solution, equation)
    if (
      !use ||
      use.taker.index !== use.giver.index + 1 ||
      isLabelled(solution, use.giver) ||
      isLabelled(solution, use.taker)
    ) {
      return
    }
    const { giver, taker } = use
    const text = (step: typeof giver) => solution.text.slice(step.start, step.end)
    yield [
      {
        start: giver.start,
        end: taker.end,
        text: text(taker) + solution.text.slice(giver.end, taker.start) + text(giver),
      },
    ]
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
