// How injected errors compare with the ones that models make by themselves: first wrong steps that people marked
// (mr-gsm8k), against the pairs of a run.
import { source } from './build.mjs'
const { findEquations, steps, keyOf, given, slips, drawer } = await source(
  'stages/synthesis/arithmetic.ts',
  'stages/synthesis/numbers.ts',
  'stages/synthesis/operators/slips.ts',
  'stages/synthesis/draw.ts',
)

/**
 * Kinds of natural errors, told by recalculating the marked step and by its nearest equation in the reference; and the
 * types that make such errors.
 */
export const KINDS = {
  'a false equation: the result is a slip (a digit, off by one, transposed, ten times)': 'result_number, wrong_carry',
  'a false equation: the result is another number':
    'operand_number, operand_exchanged, operator, operand_order, dropped_term, repeated_term, unit_scale, percent_base, rounding',
  'true, but another operator than in the reference': 'operator',
  'true, but an operand is another number of the problem or of an earlier step': 'operand_exchanged, percent_base',
  'true, but an operand comes from nowhere': 'operand_number, unit_scale',
  'true, but a term is missing or there twice': 'dropped_term, repeated_term',
  'true, and it stands in the reference: wrong in what it is used for': 'steps_swapped',
  'true, and nothing like it stands in the reference': '–',
  'no equation that can be read': 'quantifier, negation and the exchanges, unproven',
}
const NAMES = Object.keys(KINDS)

const numbersOf = equation => equation.items.filter(item => item.kind === 'number').map(item => keyOf(item.printed))
const signsOf = equation =>
  equation.items
    .filter(item => item.kind === 'operator')
    .map(item => item.operator)
    .join('')
const without = (list, gone) =>
  gone.reduce((rest, one) => {
    const i = rest.indexOf(one)
    return i < 0 ? rest : rest.toSpliced(i, 1)
  }, list)

/** The kind of the error in a marked step. */
function kindOf(step, reference, known) {
  const found = findEquations(step).equations
  if (!found.length) return NAMES[8]
  const wrong = found.find(({ verdict }) => verdict === 'false')
  if (wrong) {
    const { n, d } = wrong.exact
    const right = d === 1n && n > 0n ? { ...wrong.stated.number, units: n, decimals: 0 } : undefined
    const isSlip =
      right &&
      Array.from({ length: 40 }, (_, seed) => slips(right, false, drawer(seed)))
        .flat()
        .some(([units, decimals]) => keyOf({ units, decimals }) === keyOf(wrong.stated.number))
    return isSlip ? NAMES[0] : NAMES[1]
  }
  const theirs = findEquations(reference).equations
  const kinds = found.flatMap(one =>
    theirs.map(other => {
      const [a, b] = [numbersOf(one), numbersOf(other)],
        gone = without(b, a),
        added = without(a, b)
      if (!gone.length && !added.length) return signsOf(one) === signsOf(other) ? 6 : 2
      if (gone.length === 1 && added.length === 1 && a.length > 1) return known.has(added[0]) ? 3 : 4
      return (gone.length === 1 && !added.length && a.length > 1) ||
        (added.length === 1 && !gone.length && b.length > 1)
        ? 5
        : 7
    }),
  )
  // the likest equation of the reference says most; one that is there tells nothing about another that is not
  const order = [2, 3, 5, 4, 6, 7]
  return NAMES[order.find(kind => kinds.includes(kind)) ?? 7]
}

const quarter = (at, of) => (of < 2 ? 0 : Math.min(3, Math.floor((4 * at) / (of - 1))))
const tally = (list, n) => {
  const counts = new Array(n).fill(0)
  for (const one of list) counts[one]++
  return counts.map(count => count / Math.max(1, list.length))
}

/** Shares of kinds and positions of natural errors, and positions of injected ones: quarters of a solution's steps. */
export function compare(natural, injected) {
  const usable = natural.filter(
    row => row.rejected.trim() && Number(row.first_error_step) >= 1 && row.steps.length >= Number(row.first_error_step),
  )
  const kinds = usable.map(row => {
    const at = Number(row.first_error_step) - 1
    const known = new Set([
      ...given(row.prompt),
      ...row.steps.slice(0, at).flatMap(step => findEquations(step).equations.map(one => keyOf(one.stated.number))),
    ])
    return NAMES.indexOf(kindOf(row.steps[at].replace(/^Step \d+:\s*/, ''), row.chosen, known))
  })
  const isAnswer = step => /^(?:Step \d+:\s*)?(?:####|The answer is)/i.test(step)
  const places = usable.map(row =>
    quarter(Number(row.first_error_step) - 1, row.steps.filter(step => !isAnswer(step)).length),
  )
  const ours = injected.map(row =>
    quarter(
      row.step,
      steps(row.rejected, findEquations(row.rejected).equations).filter(
        one => !isAnswer(row.rejected.slice(one.start, one.end)),
      ).length,
    ),
  )
  const [a, b] = [tally(places, 4), tally(ours, 4)]
  const follows =
    usable.filter(row => {
      const later = row.steps.slice(Number(row.first_error_step)).flatMap(step => findEquations(step).equations)
      return later.length > 0 && later.every(({ verdict }) => verdict !== 'false')
    }).length / usable.length
  return {
    rows: usable.length,
    kinds: tally(kinds, NAMES.length).map((share, i) => [NAMES[i], share]),
    natural: a,
    injected: b,
    apart: a.reduce((sum, share, i) => sum + Math.abs(share - b[i]), 0) / 2,
    follows,
    changed: usable.filter(row => row.answer_correctness === 'wrong').length / usable.length,
  }
}
