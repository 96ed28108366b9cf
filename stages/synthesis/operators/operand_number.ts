/** An error in an equation: an operand with a slip of the pen. */
import { shuffled } from '../draw.ts'
import { print } from '../exact.ts'
import { proveFalse } from '../prove.ts'
import { copiesOf, type ErrorOperator, type NumberItem } from './define.ts'
import { slips } from './slips.ts'

/** An operand slips; the stated result stays. */
export const operandNumber: ErrorOperator = {
  name: 'operand_number',
  proof: 'arithmetic',
  about:
    'An operand gets another digit, is off by one, has two digits swapped, or is ten times or a tenth of what it was; the stated result stays.',
  needs: 'a true equation whose left side is printed alike wherever it is printed',
  rise: ['replace values', 'replace a value'],
  example: { text: '48 / 2 = 24 pens', edited: '84 / 2 = 24 pens' },
  *candidates(_solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length) return
    for (const i of shuffled([...equation.items.keys()], draw)) {
      if (equation.items[i].kind !== 'number') continue
      const places = copies.map(items => (items[i] as NumberItem).printed)
      for (const [units, decimals] of slips(places[0], false, draw)) {
        yield places.map(place => ({ start: place.start, end: place.end, text: print(units, decimals, place) }))
      }
    }
  },
  prove: proveFalse,
}
