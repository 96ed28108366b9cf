/** An error in a sum: one of its terms is missing. */
import { shuffled } from '../draw.ts'
import { proveFalse } from '../prove.ts'
import { copiesOf, type ErrorOperator } from './define.ts'
import { standsAlone, termAt } from './terms.ts'

/** A term is left out. */
export const droppedTerm: ErrorOperator = {
  name: 'dropped_term',
  proof: 'arithmetic',
  about: 'An operator and the number after it are left out; the stated result stays.',
  needs: 'a true equation of three operands or more',
  rise: ['delete a term'],
  example: { text: '3 + 4 + 5 = 12', edited: '3 + 5 = 12' },
  *candidates(solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length || equation.items.filter(item => item.kind === 'number').length < 3) return
    for (const i of shuffled([...equation.items.keys()], draw)) {
      if (!standsAlone(equation.items, i)) continue
      const spans = copies.map(items => termAt(solution, equation, items, i))
      if (spans.every(span => span !== undefined)) yield spans.map(({ start, end }) => ({ start, end, text: '' }))
    }
  },
  prove: proveFalse,
}
