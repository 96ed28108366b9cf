/** An error in an equation: a difference or a quotient the other way round. */
import { shuffled } from '../draw.ts'
import { proveFalse } from '../prove.ts'
import type { Patch } from '../solution.ts'
import { copiesOf, type ErrorOperator } from './define.ts'

/** Two operands change places around a minus or division sign. */
export const operandOrder: ErrorOperator = {
  name: 'operand_order',
  proof: 'arithmetic',
  about: 'The two operands of a subtraction or division change places; the stated result stays.',
  needs: 'a true equation in which a subtraction or division stands between two plain numbers that differ',
  rise: ['swap terms'],
  example: { text: '45 - 18 = 27', edited: '18 - 45 = 27' },
  *candidates(solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length) return
    for (const i of shuffled([...equation.items.keys()], draw)) {
      const sign = equation.items[i]
      if (sign.kind !== 'operator' || (sign.operator !== '-' && sign.operator !== '/')) continue
      const patches: Patch[] = []
      for (const items of copies) {
        const a = items[i - 1],
          b = items[i + 1]
        if (a.kind !== 'number' || b.kind !== 'number' || a.negative || b.negative || a.percent || b.percent) break
        const print = (place: typeof a, other: typeof a) => ({
          start: place.printed.start,
          end: place.printed.end,
          text: solution.text.slice(other.printed.start, other.printed.end),
        })
        patches.push(print(a, b), print(b, a))
      }
      if (patches.length === 2 * copies.length) yield patches
    }
  },
  // 5 - 12 = 7 is how the mistake looks
  prove: (solution, equation, patches) => proveFalse(solution, equation, patches, true),
}
