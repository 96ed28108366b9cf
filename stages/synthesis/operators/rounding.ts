/** An error in an equation: a result that is only about right. */
import { print } from '../exact.ts'
import { proveFalse } from '../prove.ts'
import type { ErrorOperator } from './define.ts'
import { resultCopies } from './slips.ts'

/** A result is rounded where it is exact. */
export const rounding: ErrorOperator = {
  name: 'rounding',
  proof: 'arithmetic',
  about:
    'The stated result is rounded to tens, hundreds or thousands, up or down, though it is said to be equal; what follows stays. Whatever could pass for an honest rounding is refused.',
  needs: 'a true equation whose result has two digits or more before the point',
  rise: ['replace a value'],
  example: { text: '346 + 1 = 347 pens', edited: '346 + 1 = 350 pens' },
  *candidates(_solution, equation, draw) {
    const places = resultCopies(equation)
    if (!places.length) return
    const { units, decimals } = places[0]
    const wholes = units.toString().length - decimals
    const up = draw(2)
    for (let zeros = 1; zeros < Math.min(4, wholes); zeros++) {
      const step = 10n ** BigInt(decimals + zeros),
        down = (units / step) * step
      if (down === units) continue
      for (const rounded of up ? [down + step, down] : [down, down + step]) {
        if (rounded > 0n) {
          yield places.map(place => ({ start: place.start, end: place.end, text: print(rounded, decimals, place) }))
        }
      }
    }
  },
  prove: proveFalse,
}
