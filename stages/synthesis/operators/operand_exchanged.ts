/** An error in an equation: an operand is another number that the problem or an earlier step gives. */
import { shuffled } from '../draw.ts'
import { print, type Printed } from '../exact.ts'
import { keyOf, mentions } from '../numbers.ts'
import { proveFalse } from '../prove.ts'
import { copiesOf, type ErrorOperator, type NumberItem } from './define.ts'

/** The wrong number is put in: one that the problem or an earlier step does give. */
export const operandExchanged: ErrorOperator = {
  name: 'operand_exchanged',
  proof: 'arithmetic',
  about: 'An operand is replaced by another number of the problem or of an earlier step; the stated result stays.',
  needs: 'a true equation, and another number before it',
  rise: ['wrong substitution'],
  example: { prompt: 'Of 45 eggs 18 broke.', text: '45 - 18 = 27 are whole', edited: '45 - 45 = 27 are whole' },
  *candidates(solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length) return
    const others = new Map<string, Printed>()
    for (const one of mentions(solution.prompt ?? '')) {
      if (one.printed && one.printed.units > 0n) others.set(one.key, one.printed)
    }
    for (const one of solution.mentions) {
      if (one.printed && one.printed.units > 0n && one.end <= equation.start) others.set(one.key, one.printed)
    }
    const numbers = shuffled([...others], draw)
    for (const i of shuffled([...equation.items.keys()], draw)) {
      const item = equation.items[i]
      if (item.kind !== 'number' || item.percent) continue
      const places = copies.map(items => (items[i] as NumberItem).printed)
      for (const [key, { units, decimals }] of numbers) {
        if (key === keyOf(places[0])) continue
        yield places.map(place => ({ start: place.start, end: place.end, text: print(units, decimals, place) }))
      }
    }
  },
  prove: proveFalse,
}
