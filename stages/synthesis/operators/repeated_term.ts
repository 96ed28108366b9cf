/** An error in a sum: one of its terms stands twice. */
import { shuffled } from '../draw.ts'
import { proveFalse } from '../prove.ts'
import { copiesOf, type ErrorOperator } from './define.ts'
import { standsAlone, termAt } from './terms.ts'

/** A term is counted twice. */
export const repeatedTerm: ErrorOperator = {
  name: 'repeated_term',
  proof: 'arithmetic',
  about: 'An operator and the number after it are written twice; the stated result stays.',
  needs: 'a true equation with an addition, subtraction or multiplication by a plain number',
  rise: [],
  example: { text: '3 + 4 = 7', edited: '3 + 4 + 4 = 7' },
  *candidates(solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length) return
    for (const i of shuffled([...equation.items.keys()], draw)) {
      const sign = equation.items[i]
      if (sign.kind !== 'operator' || sign.operator === '/' || !standsAlone(equation.items, i)) continue
      const spans = copies.map(items => termAt(solution, equation, items, i))
      if (spans.every(span => span !== undefined)) {
        yield spans.map(({ start, end }) => ({ start: end, end, text: solution.text.slice(start, end) }))
      }
    }
  },
  prove: proveFalse,
}
