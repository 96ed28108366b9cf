/** A worked solution, and patches of its text. */
import { codePoints, findEquations, steps, type Equation, type Refusal, type Step } from './arithmetic.ts'
import { finalAnswer, type FinalAnswer } from './answer.ts'
import { given, mentions, type Mention } from './numbers.ts'

/** A piece of the original text, by code units, and what stands there instead. */
export interface Patch {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A worked solution as operators see it. What only some of them need is read when it is first asked for. */
export class Solution {
  readonly text: string
  /** the problem, where it is known: without it nobody can say where a number comes from */
  readonly prompt: string | undefined
  readonly equations: readonly Equation[]
  readonly refusals: readonly Refusal[]
  #usable?: readonly Equation[]
  #steps?: readonly Step[]
  #mentions?: readonly Mention[]
  #given?: ReadonlySet<string>
  #answer?: FinalAnswer | null

  constructor(text: string, prompt?: string) {
    this.text = text
    this.prompt = prompt
    const found = findEquations(text)
    this.equations = found.equations
    this.refusals = found.refusals
  }

  /** the equations that are exactly true: where errors can be made */
  get usable(): readonly Equation[] {
    return (this.#usable ??= this.equations.filter(({ verdict }) => verdict === 'true'))
  }
  get steps(): readonly Step[] {
    return (this.#steps ??= steps(this.text, this.equations))
  }
  get mentions(): readonly Mention[] {
    return (this.#mentions ??= mentions(this.text))
  }
  /** values that the problem or common knowledge gives, by `keyOf` */
  get given(): ReadonlySet<string> {
    return (this.#given ??= given(this.prompt ?? ''))
  }
  get answer(): FinalAnswer | undefined {
    if (this.#answer === undefined) this.#answer = finalAnswer(this.text, this.equations) ?? null
    return this.#answer ?? undefined
  }

  /** Whether a value is the problem's, common, or stands in the solution before a code unit. */
  isKnown(key: string, before: number): boolean {
    return this.given.has(key) || this.mentions.some(one => one.start < before && one.key === key)
  }
}

/** text[start, end) with the patches inside it, which come in order, carried out. */
export function replace(text: string, start: number, end: number, patches: readonly Patch[]): string {
  let out = ''
  for (const patch of patches) {
    out += text.slice(start, patch.start) + patch.text
    start = patch.end
  }
  return out + text.slice(start, end)
}

/** The one patch that turns a text into another. */
export function difference(before: string, after: string): Patch {
  const most = Math.min(before.length, after.length)
  let head = 0,
    tail = 0
  while (head < most && before.charCodeAt(head) === after.charCodeAt(head)) head++
  while (
    tail < most - head &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  ) {
    tail++
  }
  return { start: head, end: before.length - tail, text: after.slice(head, after.length - tail) }
}

/** By how many code units patches make a text longer. */
export function growth(patches: readonly Patch[]): number {
  let sum = 0
  for (const patch of patches) sum += patch.text.length - (patch.end - patch.start)
  return sum
}

/** Turns a span of code units into one of code points. */
export function inPoints(text: string, start: number, end: number): { start: number; end: number } {
  const points = codePoints(text)
  return { start: points(start), end: points(end) }
}
