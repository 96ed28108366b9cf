/** An error in an equation: its result with a slip of the pen. */
import { print } from '../exact.ts'
import { proveFalse } from '../prove.ts'
import type { ErrorOperator } from './define.ts'
import { resultCopies, slips } from './slips.ts'

/** The stated result slips; nothing else changes. */
export const resultNumber: ErrorOperator = {
  name: 'result_number',
  proof: 'arithmetic',
  about:
    'The stated result gets another digit, is off by one, has two digits swapped, or is ten times or a tenth of what it was; what follows stays.',
  needs: 'a true equation',
  rise: ['replace values', 'replace a value'],
  example: { text: '48 / 2 = 24 pens', edited: '48 / 2 = 25 pens' },
  *candidates(_solution, equation, draw) {
    const places = resultCopies(equation)
    if (!places.length) return
    for (const [units, decimals] of slips(places[0], equation.stated.percent, draw)) {
      yield places.map(place => ({ start: place.start, end: place.end, text: print(units, decimals, place) }))
    }
  },
  prove: proveFalse,
}
