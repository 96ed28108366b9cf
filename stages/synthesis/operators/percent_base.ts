/** An error in an equation: a percentage of something else than it should be of. */
import { shuffled } from '../draw.ts'
import { print } from '../exact.ts'
import type { Item } from '../expression.ts'
import { proveFalse } from '../prove.ts'
import { copiesOf, type ErrorOperator, type NumberItem } from './define.ts'
import { operandExchanged } from './operand_exchanged.ts'

/** A percentage is taken of the wrong whole. */
export const percentBase: ErrorOperator = {
  name: 'percent_base',
  proof: 'arithmetic',
  about:
    'A percentage becomes what is left of the whole (20 % to 80 %), or is taken of another number of the problem or of an earlier step; the stated result stays.',
  needs: 'a true equation that multiplies with a percentage: 20%, 0.2 or 20/100',
  rise: ['wrong substitution'],
  example: { text: '20% * 50 = 10 are left', edited: '80% * 50 = 10 are left' },
  *candidates(solution, equation, draw) {
    const copies = copiesOf(equation)
    if (!copies.length || !equation.items.some(item => item.kind === 'operator' && item.operator === '*')) return
    const shares = [...equation.items.keys()].filter(i => wholeOf(equation.items, i) !== undefined)
    for (const i of shuffled(shares, draw)) {
      yield copies.map(items => {
        const { printed } = items[i] as NumberItem
        return {
          start: printed.start,
          end: printed.end,
          text: print(wholeOf(items, i)! - printed.units, printed.decimals, printed),
        }
      })
    }
    if (!shares.length) return
    const taken = new Set(shares.map(i => (copies[0][i] as NumberItem).printed.start))
    for (const patches of operandExchanged.candidates(solution, equation, draw)) {
      if (!taken.has(patches[0].start)) yield patches
    }
  },
  prove: proveFalse,
}

/** The whole of a percentage, in units of the printed number; undefined where the item is none. */
function wholeOf(items: readonly Item[], i: number): bigint | undefined {
  const item = items[i],
    sign = items[i + 1],
    below = items[i + 2]
  if (item?.kind !== 'number' || item.negative) return undefined
  const { units, decimals } = item.printed
  const hundredth =
    item.percent ||
    (sign?.kind === 'operator' &&
      sign.operator === '/' &&
      below?.kind === 'number' &&
      below.printed.units === 100n &&
      !below.printed.decimals)
  const whole = (hundredth ? 100n : 1n) * 10n ** BigInt(decimals)
  const isShare = hundredth || (decimals > 0 && decimals <= 3)
  return isShare && units > 0n && units < whole && units * 2n !== whole ? whole : undefined
}
