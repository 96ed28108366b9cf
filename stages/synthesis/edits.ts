/** Makes proven errors in a worked solution: which kinds are tried, in what order, within what limits. */
import { mix32 } from '../../engine/arrow/hash.ts'
import { distance } from 'fastest-levenshtein'
import { finalAnswer } from './answer.ts'
import { findEquations, steps } from './arithmetic.ts'
import { drawer, shuffled, weightedOrder } from './draw.ts'
import { within, type EditLimits } from './limits.ts'
import { EDIT_TYPES, OPERATORS, SHARES, USUAL_TYPES, type EditType } from './operators/all.ts'
import type { AnyOperator } from './operators/define.ts'
import { isCarried } from './operators/wrong_carry.ts'
import { DECLINED, type Declined, type Proven } from './prove.ts'
import { difference, Solution, type Patch } from './solution.ts'
import { surfaceOf, SURFACES, type Surface } from './surface.ts'

/**
 * A solution with one proven error. `start` and `end` are code points of `text`: where the error is. It covers
 * everything that differs from the original, but where steps were moved or left out (there it is the equation that
 * takes up what nothing gives) and with `wrong_carry`, where what follows from it differs later as well. `step` is the
 * step of `text` that holds it, from 0 (`steps`). `proof` is a list of clauses joined by `; `, in plain signs that any
 * exact calculator reads (docs/benchmarks/injection.md).
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
  /**
   * 0 to 1, the mean of how small the error is and how late it stands: 1 minus what the false sides differ by, over the
   * larger (of errors that are no equation: minus `size`), and the share of the text before it
   */
  readonly difficulty: number
}

/** An operator and what it does to the surface: what is weighed against a reader who goes by the surface. */
export interface EditClass {
  readonly type: EditType
  readonly surface: Surface
}

/** All classes, in the order of weights. */
export const EDIT_CLASSES: readonly EditClass[] = EDIT_TYPES.flatMap(type =>
  SURFACES.map(surface => ({ type, surface })),
)

/** How often each of `SURFACES` is drawn where nothing else is known. */
const SURFACE_SHARES: Readonly<Record<Surface, number>> = {
  quiet: 0.6,
  same: 0.15,
  foreign: 0.05,
  shorter: 0.1,
  longer: 0.1,
}

export interface EditOptions extends EditLimits {
  /** kinds of errors to choose from; default: `USUAL_TYPES` */
  readonly types?: readonly EditType[]
  /**
   * how often each of `EDIT_CLASSES` is tried first; the others are tried where it fails. Default:
   * `startWeights(types)`
   */
  readonly weights?: readonly number[]
  /** the problem: errors that rest on where a number comes from need it */
  readonly prompt?: string
}

/** Bounds the work on a text of many equations that offer nothing. */
const MAX_ATTEMPTS = 300

/** The weights before anything is known of a data set: the usual shares of the types, longer and shorter alike. */
export function startWeights(types: readonly EditType[] = USUAL_TYPES): number[] {
  return EDIT_CLASSES.map(({ type, surface }) => (types.includes(type) ? SHARES[type] * SURFACE_SHARES[surface] : 0))
}

/**
 * Makes one error in a worked solution, deterministically from a 32-bit seed; after RISE (arXiv 2410.06638), with the
 * proof that RISE leaves out. The kind and surface are drawn by weight, then the equation evenly; the first candidate
 * that can be proven is taken. What is proven is said by each `prove` of prove.ts.
 */
export function edits(
  text: string,
  seed: number,
  { types = USUAL_TYPES, weights = startWeights(types), prompt, ...limits }: EditOptions = {},
): Edit | { readonly refused: Declined } {
  const solution = new Solution(text, prompt),
    refused = whyNot(solution, types)
  return refused ? { refused } : draw(createInjector(solution, seed, limits), seed, weights)
}

/** The edit of the first class that has one, classes being drawn by weight. */
export function draw(
  injector: Injector,
  seed: number,
  weights: readonly number[],
): Edit | { readonly refused: Declined } {
  let failure: Declined = 'no_edit'
  for (const at of weightedOrder(weights, drawer(seed))) {
    const made = injector.make(at)
    if (typeof made !== 'string') return made
    failure = worse(failure, made)
  }
  return { refused: failure }
}

/** Up to `most` edits with different texts, or why there is none. */
export function several(
  solution: Solution,
  seed: number,
  weights: readonly number[],
  most: number,
  limits: EditLimits,
): Edit[] | Declined {
  const found: Edit[] = []
  for (let attempt = 0; found.length < most && attempt < 4 * most; attempt++) {
    const start = mix32((seed + attempt) | 0),
      edit = draw(createInjector(solution, start, limits), start, weights)
    if ('refused' in edit) return found.length > 0 ? found : edit.refused
    if (!found.some(other => other.text === edit.text)) found.push(edit)
  }
  return found
}

/** Why no error of these types can be made in a solution, where that is known at a glance. */
export function whyNot(solution: Solution, types: readonly EditType[]): Declined | undefined {
  let failure: Declined = 'no_equation'
  for (const operator of OPERATORS) {
    if (!types.includes(operator.name as EditType)) continue
    if (placesOf(operator, solution).length) return undefined
    failure = worse(failure, operator.proof === 'arithmetic' ? unreadable(solution) : 'no_edit')
  }
  return failure
}

/** Why a solution has no equation that errors can be made in. */
function unreadable({ equations, refusals }: Solution): Declined {
  return equations.length ? 'no_true_equation' : refusals.length ? 'unclear_equation' : 'no_equation'
}

const placesOf = (operator: AnyOperator, solution: Solution): readonly unknown[] =>
  operator.places?.(solution) ?? solution.usable

/**
 * Makes the errors of one solution by class, an index of `EDIT_CLASSES`: the same one each time it is asked, or why
 * there is none.
 */
export interface Injector {
  make(at: number): Edit | Declined
}

/** What the classes of an operator share is worked out once. */
export function createInjector(solution: Solution, seed: number, limits: EditLimits = {}): Injector {
  const usable = shuffled(solution.usable, drawer(seed ^ 0x51ed270b)),
    tried: Found[][] = []
  let attempts = 0
  const start = (operator: AnyOperator, kind: number): Found[] => {
    const order = operator.places ? shuffled(placesOf(operator, solution), drawer(seed ^ 0x51ed270b)) : usable
    return order.map((place, e) => ({
      place,
      list: [],
      rest: operator.candidates(solution, place, drawer((seed + kind * order.length + e) | 0))[Symbol.iterator](),
    }))
  }
  return {
    make(at) {
      const { type, surface } = EDIT_CLASSES[at],
        kind = EDIT_TYPES.indexOf(type),
        operator = OPERATORS[kind]
      let failure: Declined = 'no_edit'
      for (const found of (tried[kind] ??= start(operator, kind))) {
        for (let i = 0, one = nth(found, solution, i); one; one = nth(found, solution, ++i)) {
          if (one.surface !== surface) continue
          if (++attempts > MAX_ATTEMPTS) return failure
          const proven = operator.prove(solution, found.place, one.patches)
          const made =
            'proof' in proven ? within(limits, solution, finished(solution, type, one.patches, proven)) : proven.refused
          if (typeof made !== 'string') return made
          failure = worse(failure, made)
        }
      }
      return worse(failure, notOffered(operator, solution))
    },
  }
}

interface Candidate {
  readonly patches: readonly Patch[]
  readonly surface: Surface
}
interface Found {
  readonly place: unknown
  readonly list: Candidate[]
  readonly rest: Iterator<readonly Patch[]>
}

function nth(found: Found, solution: Solution, i: number): Candidate | undefined {
  while (found.list.length <= i) {
    const next = found.rest.next()
    if (next.done) return undefined
    found.list.push({ patches: next.value, surface: surfaceOf(solution, next.value) })
  }
  return found.list[i]
}

const RANKS = Object.keys(DECLINED)
const worse = (a: Declined, b: Declined): Declined => (RANKS.indexOf(b) > RANKS.indexOf(a) ? b : a)

/** Why an operator that rests on where numbers come from had nothing to offer. */
function notOffered(operator: AnyOperator, solution: Solution): Declined {
  if (!/^(?:wrong_carry|step_removed|steps_swapped)$/.test(operator.name) || !solution.usable.length) return 'no_edit'
  return solution.usable.some(equation => isCarried(solution, equation)) ? 'several_origins' : 'not_carried'
}

function finished(
  solution: Solution,
  type: EditType,
  patches: readonly Patch[],
  { text, start, end, proof, gap }: Proven,
): Edit {
  const moved = type === 'step_removed' || type === 'steps_swapped'
  const step = moved
    ? steps(text, findEquations(text).equations).find(one => one.startPoint <= start && start < one.endPoint)
    : solution.steps.findLast(one => one.start <= patches[0].start)
  const size = editSize(solution.text, text)
  const difficulty = (1 - Math.min(1, gap ?? size) + Math.min(1, start / text.length)) / 2
  return {
    text,
    type,
    step: step?.index ?? 0,
    start,
    end,
    proof,
    answer_changed: answerChanged(solution, patches, text),
    size,
    difficulty,
  }
}

/** Whether both texts end in an answer, and not in the same one. */
function answerChanged(solution: Solution, patches: readonly Patch[], text: string): boolean {
  const before = solution.answer
  if (!before || !patches.some(patch => patch.start < before.number.end && patch.end > before.number.start)) {
    return false
  }
  const after = finalAnswer(text, before.marked ? [] : findEquations(text).equations)
  return after !== undefined && after.key !== before.key
}

/** Edit distance in UTF-16 units over the length of the longer text. */
export function editSize(before: string, after: string): number {
  const { start, end, text } = difference(before, after)
  return distance(before.slice(start, end), text) / Math.max(before.length, after.length)
}
