import { distance } from 'fastest-levenshtein'
import { finalAnswer } from './answer.ts'
import { findEquations, steps, type Equation } from './arithmetic.ts'
import { drawer, shuffled, weightedOrder } from './draw.ts'
import { EDIT_TYPES, OPERATORS, SHARES, USUAL_TYPES, type EditType } from './operators/all.ts'
import type { ErrorOperator } from './operators/define.ts'
import { isCarried } from './operators/wrong_carry.ts'
import { DECLINED, type Declined, type Proven } from './prove.ts'
import { Solution, type Patch } from './solution.ts'
import { surfaceOf, SURFACES, type Surface } from './surface.ts'

/**
 * A solution with one proven error. `start` and `end` are code points of `text`: where the error is. It covers everything that differs from the original, but where steps
 * were moved or left out (there it is the equation that takes up what nothing gives) and with `wrong_carry`, where what follows from it differs later as well.
 * `step` is the step of `text` that holds it, from 0 (`steps`). `proof` is a list of clauses joined by `; `, in plain signs that any exact calculator reads (docs/benchmarks/injection.md).
 */
export interface Edit {
  readonly text: string
  readonly type: EditType
  readonly step: number
  readonly start: number
  readonly end: number
  readonly proof: string
  /** the final answer is another one now */
  readonly answer_changed: boolean
  /** edit distance over the length of the longer text, 0 to 1 */
  readonly size: number
}

/** An operator and what it does to the surface: what is weighed against a reader who goes by the surface. */
export interface EditClass { readonly type: EditType, readonly surface: Surface }

/** All classes, in the order of weights. */
export const EDIT_CLASSES: readonly EditClass[] = EDIT_TYPES.flatMap((type) => SURFACES.map((surface) => ({ type, surface })))

/** How often each of `SURFACES` is drawn where nothing else is known. */
const SURFACE_SHARES: Readonly<Record<Surface, number>> = { quiet: 0.6, same: 0.15, foreign: 0.05, shorter: 0.1, longer: 0.1 }

export interface EditOptions {
  /** kinds of errors to choose from; default: `USUAL_TYPES` */
  readonly types?: readonly EditType[]
  /** how often each of `EDIT_CLASSES` is tried first; the others are tried where it fails. Default: `startWeights(types)` */
  readonly weights?: readonly number[]
  /** the problem: errors that rest on where a number comes from need it */
  readonly prompt?: string
}

/** Bounds the work on a text of many equations that offer nothing. */
const MAX_ATTEMPTS = 300

/** The weights before anything is known of a data set: the usual shares of the types, longer and shorter alike. */
export function startWeights(types: readonly EditType[] = USUAL_TYPES): number[] {
  return EDIT_CLASSES.map(({ type, surface }) => types.includes(type) ? SHARES[type] * SURFACE_SHARES[surface] : 0)
}

/**
 * Makes one error in a worked solution, deterministically from a 32-bit seed; after RISE (arXiv 2410.06638), with the proof that RISE leaves out.
 * The kind and surface are drawn by weight, then the equation evenly; the first candidate that can be proven is taken. What is proven is said by each `prove` of prove.ts.
 */
export function edits(text: string, seed: number, options: EditOptions = {}): Edit | { readonly refused: Declined } {
  const solution = new Solution(text, options.prompt)
  return injection(solution, seed, options.weights ?? startWeights(options.types))
}

/** As `edits`, for a solution that is read already. */
export function injection(solution: Solution, seed: number, weights: readonly number[]): Edit | { readonly refused: Declined } {
  const injector = createInjector(solution, seed)
  return 'refused' in injector ? injector : draw(injector, seed, weights)
}

/** The edit of the first class that has one, classes being drawn by weight. */
export function draw(injector: Injector, seed: number, weights: readonly number[]): Edit | { readonly refused: Declined } {
  let failure: Declined = 'no_edit'
  for (const at of weightedOrder(weights, drawer(seed))) {
    const made = injector.make(at)
    if (typeof made !== 'string') return made
    failure = worse(failure, made)
  }
  return { refused: failure }
}

/** Makes the errors of one solution by class, an index of `EDIT_CLASSES`: the same one each time it is asked, or why there is none. */
export interface Injector { make(at: number): Edit | Declined }

/** An injector, or why nothing can be made at all. What the classes of an operator share is worked out once. */
export function createInjector(solution: Solution, seed: number): Injector | { readonly refused: Declined } {
  const usable = readable(solution)
  if (typeof usable === 'string') return { refused: usable }
  const order = shuffled(usable, drawer(seed ^ 0x51ed270b))
  const found = new Map<number, Found>()
  let attempts = 0
  return {
    make(at) {
      const { type, surface } = EDIT_CLASSES[at], kind = EDIT_TYPES.indexOf(type), operator = OPERATORS[kind]
      let failure: Declined = 'no_edit'
      for (let e = 0; e < order.length; e++) {
        const key = kind * order.length + e
        let candidates = found.get(key)
        if (!candidates) found.set(key, candidates = { list: [], rest: operator.candidates(solution, order[e], drawer(seed + key | 0))[Symbol.iterator]() })
        for (let i = 0, one = nth(candidates, solution, i); one; one = nth(candidates, solution, ++i)) {
          if (one.surface !== surface) continue
          if (++attempts > MAX_ATTEMPTS) return failure
          const proven = operator.prove(solution, order[e], one.patches)
          if ('proof' in proven) return finished(solution, type, order[e], one.patches, proven)
          failure = worse(failure, proven.refused)
        }
      }
      return worse(failure, notOffered(operator, solution, usable))
    },
  }
}

interface Candidate { readonly patches: readonly Patch[], readonly surface: Surface }
interface Found { readonly list: Candidate[], readonly rest: Iterator<readonly Patch[]> }

function nth(found: Found, solution: Solution, i: number): Candidate | undefined {
  while (found.list.length <= i) {
    const next = found.rest.next()
    if (next.done) return undefined
    found.list.push({ patches: next.value, surface: surfaceOf(solution, next.value) })
  }
  return found.list[i]
}

/** The equations that errors can be made in, or why there is none. */
export function readable({ equations, refusals }: Solution): readonly Equation[] | Declined {
  if (!equations.length) return refusals.length ? 'unclear_equation' : 'no_equation'
  const usable = equations.filter((equation) => equation.verdict === 'true')
  return usable.length ? usable : 'no_true_equation'
}

const RANKS = Object.keys(DECLINED)
const worse = (a: Declined, b: Declined): Declined => RANKS.indexOf(b) > RANKS.indexOf(a) ? b : a

/** Why an operator that rests on where numbers come from had nothing to offer. */
function notOffered(operator: ErrorOperator, solution: Solution, usable: readonly Equation[]): Declined {
  if (!/^(?:wrong_carry|step_removed|steps_swapped)$/.test(operator.name)) return 'no_edit'
  return usable.some((equation) => isCarried(solution, equation)) ? 'several_origins' : 'not_carried'
}

function finished(solution: Solution, type: EditType, equation: Equation, patches: readonly Patch[], { text, start, end, proof }: Proven): Edit {
  const moved = type === 'step_removed' || type === 'steps_swapped'
  const step = moved ? steps(text, findEquations(text).equations).find((one) => one.startPoint <= start && start < one.endPoint)!
    : solution.steps.find((one) => one.equations.includes(equation))!
  return { text, type, step: step.index, start, end, proof, answer_changed: answerChanged(solution, patches, text), size: sizeOf(solution.text, text) }
}

/** Whether both texts end in an answer, and not in the same one. */
function answerChanged(solution: Solution, patches: readonly Patch[], text: string): boolean {
  const before = solution.answer
  if (!before || !patches.some((patch) => patch.start < before.number.end && patch.end > before.number.start)) return false
  const after = finalAnswer(text, before.marked ? [] : findEquations(text).equations)
  return after !== undefined && after.key !== before.key
}

/** Edit distance in UTF-16 units over the length of the longer text. */
export function sizeOf(before: string, after: string): number {
  const most = Math.min(before.length, after.length)
  let head = 0
  while (head < most && before.charCodeAt(head) === after.charCodeAt(head)) head++
  let tail = 0
  while (tail < most - head && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail++
  return distance(before.slice(head, before.length - tail), after.slice(head, after.length - tail)) / Math.max(before.length, after.length)
}
