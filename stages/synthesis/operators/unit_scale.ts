/** An error in an equation: a unit is converted by a wrong factor. */
import { shuffled } from '../draw.ts'
import { print } from '../exact.ts'
import { proveFalse } from '../prove.ts'
import { copiesOf, type ErrorOperator, type NumberItem } from './define.ts'

/** What one unit is taken for another by: the right factor, and wrong ones that people use. */
const FACTORS: readonly { readonly unit: RegExp; readonly wrong: Readonly<Record<string, readonly bigint[]>> }[] = [
  {
    unit: /\b(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b/iu,
    wrong: {
      60: [100n, 24n],
      24: [12n, 60n],
      7: [5n, 30n],
      12: [10n, 52n],
      30: [7n, 31n],
      52: [12n, 50n],
      365: [360n, 52n],
      3600: [60n, 360n],
    },
  },
  {
    unit: /\b(?:mm|cm|km|kg|mg|ml|(?:milli|centi|kilo)?(?:met(?:er|re)s?|grams?|lit(?:er|re)s?)|cents?|dollars?|pence|percent)\b|[%$£€]/iu,
    wrong: { 10: [100n, 12n], 100: [10n, 1000n], 1000: [100n, 10_000n] },
  },
  {
    unit: /\b(?:inch(?:es)?|foot|feet|yards?|miles?|ounces?|pounds?|pints?|quarts?|gallons?|dozens?)\b/iu,
    wrong: { 3: [12n, 4n], 4: [3n, 8n], 12: [10n, 3n], 16: [12n, 8n], 36: [12n, 30n], 5280: [1760n, 5000n] },
  },
]

/** A factor between units, or of scale, is a wrong one. */
export const unitScale: ErrorOperator = {
  name: 'unit_scale',
  proof: 'arithmetic',
  about:
    'A factor between units (60 minutes, 12 inches, 1000 grams) becomes another one that people confuse it with; the stated result stays.',
  needs:
    'a true equation that multiplies or divides by such a factor, and a unit it belongs to in the text or the problem',
  rise: ['wrong substitution'],
  example: { text: '3 hours * 60 = 180 minutes', edited: '3 hours * 24 = 180 minutes' },
  *candidates({ text, prompt = '' }, equation, draw) {
    const copies = copiesOf(equation)
    for (const i of shuffled([...(copies[0]?.keys() ?? [])], draw)) {
      const item = equation.items[i]
      const binds = [equation.items[i - 1], equation.items[i + 1]].some(
        sign => sign?.kind === 'operator' && (sign.operator === '*' || sign.operator === '/'),
      )
      if (item.kind !== 'number' || item.percent || item.printed.decimals || !binds) continue
      const factor = item.printed.units.toString()
      const others = FACTORS.flatMap(({ unit, wrong }) =>
        wrong[factor] && (unit.test(text) || unit.test(prompt)) ? wrong[factor] : [],
      )
      for (const other of shuffled(others, draw)) {
        yield copies.map(items => {
          const { printed } = items[i] as NumberItem
          return { start: printed.start, end: printed.end, text: print(other, 0, printed) }
        })
      }
    }
  },
  prove: proveFalse,
}
