/** An error that runs through a solution: a wrong result, and all that is computed from it. */
import type { Equation } from '../arithmetic.ts'
import { near, over, print, rational, same, times, valueOf, type Printed, type Rational } from '../exact.ts'
import { evaluate, Refused, type Item } from '../expression.ts'
import { keyOf } from '../numbers.ts'
import { proveCarried } from '../prove.ts'
import type { Patch, Solution } from '../solution.ts'
import type { ErrorOperator } from './define.ts'
import { resultCopies, slips } from './slips.ts'

/** A result slips and everything after it follows from the wrong number, as in a real mistake. */
export const wrongCarry: ErrorOperator = {
  name: 'wrong_carry',
  proof: 'arithmetic',
  about:
    'A stated result slips, as in `result_number`, and all that follows is computed from the wrong number: later steps, and the final answer.',
  needs:
    'a true equation whose result nothing before it gives, and a later step or final answer that takes it up; every later use can be told apart and recomputed',
  rise: ['replace values', 'wrong substitution'],
  example: {
    prompt: 'Six bakers bake 13 rolls each, and 5 more.',
    text: '6 * 13 = 78. 78 + 5 = 83.',
    edited: '6 * 13 = 79. 79 + 5 = 84.',
  },
  *candidates(solution, equation, draw) {
    const places = resultCopies(equation)
    if (!isCarried(solution, equation) || solution.isKnown(keyOf(places[0]), equation.start)) return
    for (const [units, decimals] of slips(places[0], false, draw)) {
      const patches = carry(solution, equation, places, { units, decimals })
      if (patches) yield patches
    }
  },
  prove: proveCarried,
}

/** Whether an equation states a plain positive number that stands again after it. */
export function isCarried(solution: Solution, equation: Equation): boolean {
  const { stated, twin, end } = equation
  if (
    solution.prompt === undefined ||
    stated.negative ||
    stated.percent ||
    stated.denominator ||
    twin?.denominator ||
    twin?.percent
  ) {
    return false
  }
  const key = keyOf(stated.number)
  return solution.mentions.some(one => one.start >= end && one.key === key)
}

interface Decimal {
  readonly units: bigint
  readonly decimals: number
}
const exactOf = ({ units, decimals }: Decimal): Rational => rational(units, 10n ** BigInt(decimals))

/**
 * The patches by which `wrong` takes the place of an equation's result and of all that follows from it; undefined where
 * that cannot be told or printed.
 */
function carry(
  solution: Solution,
  equation: Equation,
  places: readonly Printed[],
  wrong: Decimal,
): Patch[] | undefined {
  const moved = new Map<string, Decimal>([[keyOf(places[0]), wrong]])
  // values that may not stand again: they changed in one place, but had another origin too
  const unclear = new Set<string>()
  const at = new Map<number, Patch>()
  const put = (place: Printed, { units, decimals }: Decimal) =>
    at.set(place.start, { start: place.start, end: place.end, text: print(units, decimals, place) })
  for (const place of places) put(place, wrong)
  for (const later of solution.equations.slice(solution.equations.indexOf(equation) + 1)) {
    if (!later.items.some(item => item.kind === 'number' && moved.has(keyOf(item.printed)))) {
      // a wrong sum that states the number by itself would be changed with it, and be as wrong as before
      if (later.verdict === 'false' && moved.has(keyOf(later.stated.number))) return undefined
      continue
    }
    const results = resultCopies(later)
    if (
      later.verdict === 'false' ||
      later.stated.denominator ||
      later.stated.percent ||
      later.stated.negative ||
      !results.length
    ) {
      return undefined
    }
    const value = recomputed(later, moved)
    if (!value) return undefined
    const key = keyOf(results[0])
    const known = moved.get(key)
    if (known && !same(exactOf(known), exactOf(value))) return undefined
    for (const place of results) put(place, value)
    if (
      solution.isKnown(key, equation.start) ||
      solution.mentions.some(
        one => one.key === key && one.start > equation.end && one.start < later.start && !at.has(one.start),
      )
    ) {
      unclear.add(key)
    } else moved.set(key, value)
    if (later === solution.equations.at(-1) && solution.answer?.marked && solution.answer.key === key) {
      put(solution.answer.number, value)
    }
  }
  for (const one of solution.mentions) {
    if (one.start < equation.end || at.has(one.start)) continue
    const value = moved.get(one.key)
    if (unclear.has(one.key) || (value && !one.printed)) return undefined
    if (!value) continue
    if (solution.refusals.some(refusal => sameLine(solution.text, refusal.start, one.start))) return undefined
    put(one.printed!, value)
  }
  return [...at.values()].sort((a, b) => a.start - b.start)
}

/**
 * The result that a later equation has once its operands have moved, as it would print it; undefined where that is no
 * positive decimal of the same length.
 */
function recomputed(equation: Equation, moved: ReadonlyMap<string, Decimal>): Decimal | undefined {
  const items = equation.items.map((item): Item => {
    const value = item.kind === 'number' && moved.get(keyOf(item.printed))
    return value ? { ...item, printed: { ...item.printed, ...value } } : item
  })
  if (items.some((item, i) => item.kind === 'number' && item.percent && item !== equation.items[i])) return undefined
  let exact: Rational
  try {
    exact = evaluate(items)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return undefined
  }
  const { decimals } = equation.stated.number
  const scale = 10n ** BigInt(decimals)
  const scaled = times(exact, rational(scale))
  if (scaled.n <= 0n) return undefined
  if (scaled.d === 1n) return { units: scaled.n, decimals }
  // what was exact stays exact, with one or two places more (a half, a quarter); what was rounded is rounded
  if (equation.verdict === 'true') {
    for (const places of [1, 2]) {
      const finer = times(scaled, rational(10n ** BigInt(places)))
      if (finer.d === 1n && decimals + places <= 2) return { units: finer.n, decimals: decimals + places }
    }
    return undefined
  }
  const units = (2n * scaled.n + scaled.d) / (2n * scaled.d)
  const rounded = over(rational(units), rational(scale))!
  return units > 0n && near(exact, rounded, decimals) && valueOf(equation.stated.number).n > 0n
    ? { units, decimals }
    : undefined
}

function sameLine(text: string, a: number, b: number): boolean {
  return !text.slice(Math.min(a, b), Math.max(a, b)).includes('\n')
}
