import { mix32 } from '../../engine/arrow/hash.ts'
import { codePoints, findEquations, steps, type Equation } from './arithmetic.ts'
import { print, valueOf, same, type Printed } from './exact.ts'
import type { Item } from './expression.ts'
import type { Operator } from './tokens.ts'

/** The kinds of error that can be made. Each is one function in `GENERATORS`. */
export const EDIT_TYPES = ['number', 'operator'] as const
export type EditType = typeof EDIT_TYPES[number]

/** Why nothing was made of a solution, with what it means. */
export const DECLINED = {
  no_equation: 'the text holds no equation',
  unclear_equation: 'every equation could be read in more than one way, or not at all',
  no_true_equation: 'no equation of the text is exactly true',
  still_true: 'every edit left a true equation',
  only_rounding: 'every edit could pass for rounding',
  no_edit: 'no true equation offers an edit of the types asked for',
} as const
export type Declined = keyof typeof DECLINED

/**
 * A solution with one equation made false. `start` and `end` are code points of `text` and cover everything that differs from the original: one number or operator,
 * or, with a calculator mark, everything from the first changed sign to the number after the mark. `step` counts from 0 (`steps`). `proof` states both equations,
 * as in `12*4=48 is true; 12*4=58 is false`, in plain signs that any exact calculator reads.
 */
export interface Edit {
  readonly text: string
  readonly type: EditType
  readonly step: number
  readonly start: number
  readonly end: number
  readonly proof: string
}

export interface EditOptions {
  /** kinds of errors to choose from; one is drawn, the others are tried where it fails. Default: all. */
  readonly types?: readonly EditType[]
}

/** Bounds the work on a text of many equations that offer nothing. */
const MAX_ATTEMPTS = 200

/** A piece of the original text, by code units, and what stands there instead. */
export interface Patch { readonly start: number, readonly end: number, readonly text: string }

/** All patches of a candidate make one error: the same number or operator wherever the equation repeats it. In the order of the text. */
type Candidate = readonly Patch[]

/** A seeded source of whole numbers below `n`. */
type Draw = (n: number) => number

/**
 * Makes one true equation of a solution false, deterministically from a 32-bit seed; after RISE (arXiv 2410.06638), with the proof that RISE leaves out.
 * `number` changes the result or an operand (one digit, off by one, two digits swapped, ten times); `operator` changes an operator and keeps the stated result:
 * with the result recomputed the equation would be true again and nothing could be proven.
 *
 * Proven: the equation was exactly true and is false now, by at least one unit of its last printed place, and no other equation of its line changed.
 * Not claimed: that later steps or the final answer are wrong. Nothing after the edited equation is recomputed, so the final answer may remain right and the solution
 * contradict itself.
 */
export function edits(solution: string, seed: number, options: EditOptions = {}): Edit | { readonly refused: Declined } {
  const { equations, refusals } = findEquations(solution)
  if (!equations.length) return { refused: refusals.length ? 'unclear_equation' : 'no_equation' }
  const trueOnes = equations.filter((equation) => equation.verdict === 'true')
  if (!trueOnes.length) return { refused: 'no_true_equation' }
  const draw = drawer(seed)
  let failure: Declined = 'no_edit'
  let attempts = 0
  const order = shuffled(trueOnes, draw)
  for (const type of shuffled(options.types ?? EDIT_TYPES, draw)) {
    for (const equation of order) {
      for (const patches of GENERATORS[type](equation, draw, equations)) {
        if (++attempts > MAX_ATTEMPTS) return { refused: failure }
        const proven = prove(solution, equation, patches)
        if ('proof' in proven) {
          const text = replace(solution, 0, solution.length, patches)
          const { start, end } = changedSpan(equation, patches)
          const points = codePoints(text)
          const step = steps(solution, equations).find((one) => one.equations.includes(equation))!.index
          return { text, type, step, start: points(start), end: points(end + text.length - solution.length), proof: proven.proof }
        }
        if (proven.refused === 'still_true' || (proven.refused === 'only_rounding' && failure === 'no_edit')) failure = proven.refused
      }
    }
  }
  return { refused: failure }
}

/**
 * Proves that patches make a true equation false: reads the edited line again and requires the equation in its place to be false, and every other one to be as it was.
 * Returns the proof, or `still_true`, `only_rounding`, or `no_edit` where the edited equation cannot be read, or its left side became negative.
 */
export function prove(text: string, equation: Equation, patches: readonly Patch[]): { readonly proof: string } | { readonly refused: Declined } {
  const start = text.lastIndexOf('\n', equation.start - 1) + 1
  const newline = text.indexOf('\n', equation.end)
  const end = newline < 0 ? text.length : newline
  const before = findEquations(text.slice(start, end))
  const after = findEquations(replace(text, start, end, patches))
  const index = before.equations.findIndex((one) => one.start === equation.start - start)
  const old = before.equations[index]
  const made = after.equations[index]
  if (old?.verdict !== 'true' || made?.start !== old.start) return { refused: 'no_edit' }
  if (made.verdict !== 'false') return { refused: made.verdict === 'true' ? 'still_true' : 'only_rounding' }
  if (made.exact.n < 0n && old.exact.n >= 0n) return { refused: 'no_edit' }
  const others = (list: readonly Equation[]) => list.map((one, i) => i === index ? '' : `${one.left}=${one.result} ${one.verdict}`).join('\n')
  const reasons = (list: readonly { readonly reason: string }[]) => list.map((one) => one.reason).join()
  if (others(before.equations) !== others(after.equations) || reasons(before.refusals) !== reasons(after.refusals)) return { refused: 'no_edit' }
  return { proof: `${old.left}=${old.result} is true; ${made.left}=${made.result} is false` }
}

const GENERATORS: Readonly<Record<EditType, (equation: Equation, draw: Draw, all: readonly Equation[]) => Candidate[]>> = {
  number: numberCandidates,
  operator: operatorCandidates,
}

/** Changes of the result, in six of ten cases first, and of every operand that can be changed wherever it is printed. */
function numberCandidates(equation: Equation, draw: Draw): Candidate[] {
  const operands: Printed[][] = []
  const copies = equation.mark ? equation.visible && [equation.visible, equation.items] : [equation.items]
  for (let i = 0; copies && i < equation.items.length; i++) {
    if (equation.items[i].kind === 'number') operands.push(copies.map((items) => (items[i] as Item & { kind: 'number' }).printed))
  }
  const result = resultCopies(equation)
  const others = shuffled(operands, draw)
  const targets = result.length && draw(10) < 6 ? [result, ...others] : result.length ? [...others, result] : others
  return targets.flatMap((places) => variants(places[0], equation.stated.percent && places === result, draw)
    .map(([units, decimals]) => places.map((place) => ({ start: place.start, end: place.end, text: print(units, decimals, place) }))))
}

/** The printed numbers that state the result; none where a fraction is not printed alike in both places. */
function resultCopies({ stated, twin }: Equation): Printed[] {
  if (!twin) return [stated.number]
  const below = (one: typeof stated) => one.denominator ? one.denominator.units : 1n
  return below(stated) === below(twin) && same(valueOf(stated.number), valueOf(twin.number)) ? [stated.number, twin.number] : []
}

/**
 * Plausible slips for a printed number, as units and decimals, most likely first: another digit, off by one in the last place, two digits swapped, ten times or
 * a tenth. Zeros at the end of the decimals stay (12.50 -> 13.50). Never zero, never the same value.
 */
function variants(number: Printed, percent: boolean, draw: Draw): [bigint, number][] {
  let { units, decimals } = number
  while (decimals > 0 && units % 10n === 0n) { units /= 10n; decimals-- }
  const digits = units.toString()
  const kinds: [bigint, number][][] = [[], [], [], []]
  for (const at of shuffled([...digits].map((_, i) => i), draw)) {
    const first = at === 0 ? 1 : 0
    const digit = first + draw(10 - first)
    for (let k = 0; k < 3; k++) {
      const other = first + (digit - first + 3 * k) % (10 - first)
      kinds[0].push([BigInt(digits.slice(0, at) + other + digits.slice(at + 1)), decimals])
    }
    if (at + 1 < digits.length && digits[at + 1] !== '0') {
      kinds[2].push([BigInt(digits.slice(0, at) + digits[at + 1] + digits[at] + digits.slice(at + 2)), decimals])
    }
  }
  kinds[1] = draw(2) ? [[units + 1n, decimals], [units - 1n, decimals]] : [[units - 1n, decimals], [units + 1n, decimals]]
  if (!percent && digits.length < 12) {
    kinds[3].push(decimals ? [units, decimals - 1] : [units * 10n, 0])
    if (decimals || (digits.length > 1 && units % 10n === 0n)) kinds[3].push(decimals ? [units, decimals + 1] : [units / 10n, 0])
    if (draw(2)) kinds[3].reverse()
  }
  const first = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3][draw(10)]
  const order = [first, ...[0, 1, 2, 3].filter((kind) => kind !== first)]
  return order.flatMap((kind) => kinds[kind]).filter(([value, places]) => value > 0n && !(value === units && places === decimals))
}

const SWAPS: Readonly<Record<Operator, readonly Operator[]>> = { '+': ['-', '*'], '-': ['+', '/'], '*': ['+', '/'], '/': ['*', '-'] }

/** Another operator in place of one, in the signs that the solution uses. A slash that makes a fraction (1/2 * 60) is left alone. */
function operatorCandidates(equation: Equation, draw: Draw, all: readonly Equation[]): Candidate[] {
  const copies = equation.mark ? equation.visible && [equation.visible, equation.items] : [equation.items]
  if (!copies) return []
  const shown = copies[0].filter((item) => item.kind === 'operator')
  const loose = shown.some((item) => !item.tight)
  const out: Candidate[] = []
  for (const i of shuffled([...equation.items.keys()], draw)) {
    const item = copies[0][i]
    if (item.kind !== 'operator' || (loose && item.tight && item.operator === '/')) continue
    for (const operator of shuffled(SWAPS[item.operator], draw)) {
      out.push(copies.map((items, copy) => {
        const place = items[i] as Item & { kind: 'operator' }
        const inMark = equation.mark !== undefined && copy === 1
        return { start: place.start, end: place.end, text: inMark ? operator : glyphFor(operator, place.tight, all) }
      }))
    }
  }
  return out
}

/** The sign that the solution itself uses for an operator in its visible text, or the ASCII one. A letter is only used between spaces. */
function glyphFor(operator: Operator, tight: boolean, all: readonly Equation[]): string {
  for (const equation of all) {
    const items = equation.mark ? equation.visible ?? [] : equation.items
    for (const item of items) {
      if (item.kind === 'operator' && item.operator === operator && !(tight && /\p{L}/u.test(item.glyph))) return item.glyph
    }
  }
  return operator
}

/** What a candidate changes, by code units of the original: with a calculator mark all of the mark and the number after it as well. */
function changedSpan(equation: Equation, patches: readonly Patch[]): { start: number, end: number } {
  const start = patches[0].start
  const end = patches[patches.length - 1].end
  if (!equation.mark || !equation.twin) return { start, end }
  const twin = equation.twin.denominator ?? equation.twin.number
  return { start: Math.min(start, equation.mark.start), end: Math.max(end, twin.end) }
}

/** text[start, end) with the patches inside it carried out. */
function replace(text: string, start: number, end: number, patches: readonly Patch[]): string {
  let out = ''
  for (const patch of patches) {
    out += text.slice(start, patch.start) + patch.text
    start = patch.end
  }
  return out + text.slice(start, end)
}

function drawer(seed: number): Draw {
  let count = 0
  return (n) => {
    count = count + 0x9e3779b9 | 0
    return mix32(mix32(seed) + count | 0) % n
  }
}

function shuffled<T>(list: readonly T[], draw: Draw): T[] {
  const out = [...list]
  for (let i = out.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    const kept = out[i]
    out[i] = out[j]
    out[j] = kept
  }
  return out
}
