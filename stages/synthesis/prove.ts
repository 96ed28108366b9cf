/** Proofs that an edit made a solution wrong, and the reasons for which none is given. */
import { findEquations, valueOfStated, type Equation } from './arithmetic.ts'
import { growth, inPoints, replace, type Patch, type Solution } from './solution.ts'

/**
 * Why nothing was made of a solution, with what it means. Later ones say more: of several reasons for one solution the
 * last of this list is told.
 */
export const DECLINED = {
  no_equation: 'the text holds no equation',
  unclear_equation: 'every equation could be read in more than one way, or not at all',
  no_true_equation: 'no equation of the text is exactly true',
  no_edit: 'nothing in the text offers an edit of the types asked for',
  not_carried: 'no later step or answer takes up the result of an earlier one',
  several_origins:
    'a result that is taken up later is also given by the problem or an earlier step, or its later use is not clear',
  only_rounding: 'every edit could pass for rounding',
  still_true: 'every edit left a true equation',
  too_different: 'every edit changes more than `max_edit_share`',
  too_alike: 'every edit changes less than `min_edit_share`',
  tests_fail: 'the chosen side does not pass the tests of its row, or is no JavaScript',
  tests_pass: 'every edit still passes the tests of its row',
  over_share: 'left out, so that new pairs stay below `max_share`',
  cut_off: 'every edit lies behind `max_chars`: the sides would be equal where a trainer cuts them off',
} as const
export type Declined = keyof typeof DECLINED

/**
 * A made error: the edited text, where the error is (code points of the edited text), and the proof. `gap`: what the
 * sides of the false equation differ by, over the larger one.
 */
export interface Proven {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly proof: string
  readonly gap?: number
}
export type Judged = Proven | { readonly refused: Declined }

const sayTrue = (one: Equation) => `${one.left}=${one.result} is true`

/**
 * Proves that patches make a true equation false: reads the edited line again and requires the equation in its place to
 * be false, and every other one to be as it was. The proof says both, as in `12*4=48 is true; 12*4=58 is false`.
 * Refuses with `still_true`, `only_rounding`, or `no_edit` where the edited equation cannot be read, or, unless
 * `mayBeNegative`, its left side became negative.
 */
export function proveFalse(
  solution: Solution,
  equation: Equation,
  patches: readonly Patch[],
  mayBeNegative = false,
): Judged {
  const { text } = solution
  const start = text.lastIndexOf('\n', equation.start - 1) + 1
  const newline = text.indexOf('\n', equation.end)
  const end = newline < 0 ? text.length : newline
  const line = <T extends { readonly start: number }>(list: readonly T[]) =>
    list.filter(one => one.start >= start && one.start < end)
  const equations = line(solution.equations),
    refusals = line(solution.refusals)
  const index = equations.indexOf(equation)
  const after = findEquations(replace(text, start, end, patches))
  const made = after.equations[index]
  if (equation.verdict !== 'true' || made?.start !== equation.start - start) return { refused: 'no_edit' }
  if (made.verdict !== 'false') return { refused: made.verdict === 'true' ? 'still_true' : 'only_rounding' }
  if (!mayBeNegative && made.exact.n < 0n && equation.exact.n >= 0n) return { refused: 'no_edit' }
  if (!sameBut(index, equations, after.equations) || !sameReasons(refusals, after.refusals)) {
    return { refused: 'no_edit' }
  }
  const edited = replace(text, 0, text.length, patches)
  const span = changed(equation, patches)
  // what was left out leaves no span of its own
  if (span.end + edited.length - text.length <= span.start) {
    Object.assign(span, { start: equation.start, end: equation.end })
  }
  return {
    text: edited,
    ...inPoints(edited, span.start, span.end + edited.length - text.length),
    proof: `${sayTrue(equation)}; ${made.left}=${made.result} is false`,
    gap: gapOf(made),
  }
}

/**
 * Proves that patches make a true equation false and that everything after it follows from the false result: reads the
 * whole edited text again and requires exactly that equation to be false, and every other one to be as true as it was.
 * The proof names the false equation and each later one that changed.
 */
export function proveCarried(solution: Solution, equation: Equation, patches: readonly Patch[]): Judged {
  const { text, equations } = solution
  const edited = replace(text, 0, text.length, patches)
  const after = findEquations(edited)
  const index = equations.indexOf(equation)
  const made = after.equations[index]
  if (
    after.equations.length !== equations.length ||
    !sameReasons(solution.refusals, after.refusals) ||
    made.start !== equation.start
  ) {
    return { refused: 'several_origins' }
  }
  if (made.verdict !== 'false') return { refused: made.verdict === 'true' ? 'still_true' : 'only_rounding' }
  const proof = [sayTrue(equation), `${made.left}=${made.result} is false`]
  for (let i = 0; i < equations.length; i++) {
    if (i === index) continue
    const before = equations[i],
      now = after.equations[i]
    const moved = before.left !== now.left || before.result !== now.result
    if (moved && (i < index || (now.exact.n < 0n && before.exact.n >= 0n))) return { refused: 'no_edit' }
    if (now.verdict !== before.verdict && !(before.verdict === 'rounded' && now.verdict === 'true')) {
      return { refused: 'several_origins' }
    }
    if (moved) proof.push(`${now.left}=${now.result} is ${now.verdict}`)
  }
  const own = patches.filter(patch => patch.end <= equation.end)
  const span = changed(equation, own)
  return {
    text: edited,
    ...inPoints(edited, span.start, span.end + made.end - equation.end),
    proof: proof.join('; '),
    gap: gapOf(made),
  }
}

function gapOf(equation: Equation): number {
  const [a, b] = [equation.exact, valueOfStated(equation.stated)].map(({ n, d }) => Number(n) / Number(d))
  const gap = Math.abs(a - b) / Math.max(Math.abs(a), Math.abs(b))
  return Number.isFinite(gap) ? gap : 1
}

/**
 * Proves that an equation of an edited text takes up a number that nothing before it gives: the equation is there and
 * not false, as before, and the number stands neither in the problem nor in the edited text before it. `giver` is the
 * equation whose result it was.
 */
export function proveUnfounded(
  solution: Solution,
  giver: Equation,
  user: Equation,
  key: string,
  edited: Solution,
): Judged {
  const now = edited.equations.filter(one => one.left === user.left && one.result === user.result)
  if (now.length !== 1 || now[0].verdict !== user.verdict || user.verdict === 'false' || giver.verdict !== 'true') {
    return { refused: 'no_edit' }
  }
  if (!sameReasons(solution.refusals, edited.refusals)) return { refused: 'no_edit' }
  if (solution.given.has(key) || edited.mentions.some(one => one.key === key && one.start < now[0].start)) {
    return { refused: 'several_origins' }
  }
  return {
    text: edited.text,
    ...inPoints(edited.text, now[0].start, now[0].end),
    proof: `${sayTrue(giver)}; ${now[0].left}=${now[0].result} uses ${giver.result} before anything gives it`,
  }
}

function sameBut(index: number, before: readonly Equation[], after: readonly Equation[]): boolean {
  return (
    before.length === after.length &&
    before.every(
      (one, i) =>
        i === index ||
        (one.left === after[i].left && one.result === after[i].result && one.verdict === after[i].verdict),
    )
  )
}

const sameReasons = (a: readonly { readonly reason: string }[], b: readonly { readonly reason: string }[]): boolean =>
  a.length === b.length && a.every((one, i) => one.reason === b[i].reason)

/**
 * What patches of one equation change, by code units of the original: with a calculator mark all of the mark and the
 * number after it as well.
 */
function changed(equation: Equation, patches: readonly Patch[]): { start: number; end: number } {
  const start = patches[0].start
  const end = patches[patches.length - 1].end
  if (!equation.mark || !equation.twin) return { start, end }
  const twin = equation.twin.denominator ?? equation.twin.number
  return { start: Math.min(start, equation.mark.start), end: Math.max(end, twin.end) }
}

/**
 * Proves of an edit by somebody else that exactly one equation became false which was true, and that every other one is
 * as true as it was: reads the whole edited text again. What was only deleted leaves a span of one character.
 */
export function proveReread(solution: Solution, patches: readonly Patch[]): Judged {
  const { text, equations } = solution,
    edited = replace(text, 0, text.length, patches),
    after = findEquations(edited)
  if (after.equations.length !== equations.length || !sameReasons(solution.refusals, after.refusals)) {
    return { refused: 'no_edit' }
  }
  const wrong = equations.filter(({ verdict }, i) => verdict === 'true' && after.equations[i].verdict === 'false')
  if (
    wrong.length !== 1 ||
    equations.some((one, i) => one !== wrong[0] && one.verdict !== after.equations[i].verdict)
  ) {
    return { refused: wrong.length ? 'no_edit' : 'still_true' }
  }
  const proof = [sayTrue(wrong[0])]
  equations.forEach((one, i) => {
    const now = after.equations[i]
    if (one === wrong[0]) proof.push(`${now.left}=${now.result} is false`)
    else if (one.left !== now.left || one.result !== now.result) {
      proof.push(`${now.left}=${now.result} is ${now.verdict}`)
    }
  })
  const { start, end } = spanOf(patches),
    last = Math.max(end + growth(patches), start + 1)
  return {
    text: edited,
    ...inPoints(edited, Math.min(start, edited.length - 1), Math.min(last, edited.length)),
    proof: proof.join('; '),
    gap: gapOf(after.equations[equations.indexOf(wrong[0])]),
  }
}

/** An edit that nothing proves to be wrong: carried out, and marked so. */
export function unproven(solution: Solution, patches: readonly Patch[]): Proven {
  const text = replace(solution.text, 0, solution.text.length, patches),
    { start, end } = spanOf(patches)
  return { text, ...inPoints(text, start, end + growth(patches)), proof: 'unproven' }
}

/** The code units of the original that patches change. */
export const spanOf = (patches: readonly Patch[]): { start: number; end: number } => ({
  start: patches[0].start,
  end: patches[patches.length - 1].end,
})
