/** Wrong numbers that look like slips of the pen. */
import type { Draw } from '../draw.ts'
import { same, valueOf, type Printed } from '../exact.ts'
import type { Equation } from '../arithmetic.ts'
import { shuffled } from '../draw.ts'

/**
 * Plausible slips for a printed number, as units and decimals, most likely first: another digit, off by one, two digits
 * swapped, ten times or a tenth. Zeros at its end stay, so that a round number stays round (120 -> 130, 12.50 ->
 * 13.50). Never zero, never the same value.
 * @param percent leaves ten times and a tenth out
 */
export function slips(number: Printed, percent: boolean, draw: Draw): [bigint, number][] {
  let { units, decimals } = number
  while (decimals > 0 && units % 10n === 0n) {
    units /= 10n
    decimals--
  }
  const digits = units.toString()
  const round = /0*$/.exec(digits)![0].length
  const one = 10n ** BigInt(round)
  const kinds: [bigint, number][][] = [[], [], [], []]
  for (const at of shuffled(
    Array.from({ length: digits.length - round }, (_, i) => i),
    draw,
  )) {
    const first = at === 0 || at === digits.length - round - 1 ? 1 : 0
    const digit = first + draw(10 - first)
    for (let k = 0; k < 3; k++) {
      const other = first + ((digit - first + 3 * k) % (10 - first))
      kinds[0].push([BigInt(digits.slice(0, at) + other + digits.slice(at + 1)), decimals])
    }
    if (at + 1 < digits.length - round && digits[at + 1] !== '0') {
      kinds[2].push([BigInt(digits.slice(0, at) + digits[at + 1] + digits[at] + digits.slice(at + 2)), decimals])
    }
  }
  kinds[1] = draw(2)
    ? [
        [units + one, decimals],
        [units - one, decimals],
      ]
    : [
        [units - one, decimals],
        [units + one, decimals],
      ]
  if (!percent && digits.length < 12) {
    kinds[3].push(decimals ? [units, decimals - 1] : [units * 10n, 0])
    if (decimals || (digits.length > 1 && units % 10n === 0n)) {
      kinds[3].push(decimals ? [units, decimals + 1] : [units / 10n, 0])
    }
    if (draw(2)) kinds[3].reverse()
  }
  const first = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3][draw(10)]
  const order = [first, ...[0, 1, 2, 3].filter(kind => kind !== first)]
  return order
    .flatMap(kind => kinds[kind])
    .filter(([value, places]) => value > 0n && !(value === units && places === decimals))
}

/** The printed numbers that state an equation's result; none where a fraction is not printed alike in both places. */
export function resultCopies({ stated, twin }: Equation): Printed[] {
  if (!twin) return [stated.number]
  const below = (one: typeof stated) => (one.denominator ? one.denominator.units : 1n)
  return below(stated) === below(twin) && same(valueOf(stated.number), valueOf(twin.number))
    ? [stated.number, twin.number]
    : []
}
