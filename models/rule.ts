/** The rules by which margins of several reviewers find a label wrong. */
import { isDoubtful, type Curve, type Decision } from './decision.ts'

/**
 * Which reviewers must speak against a pair for it to be found wrong. stack: their weighed sum, by the limit.
 * both: that, and every reviewer with a voice speaks against it. either: that, or one reviewer's own curve passes the
 * limit.
 */
export const rules = ['stack', 'both', 'either'] as const
export type Rule = (typeof rules)[number]

/** What a panel goes by. A plain object. */
export interface Judges {
  readonly decision: Decision
  /** By reviewer: it sees, which is to say that it has a voice. */
  readonly sees: readonly boolean[]
  /** By reviewer: the curve of its own margins. */
  readonly curves: readonly Curve[]
  /**
   * Where a share is dropped and not what is likely wrong: the margins at or below which it lies, the stack's and by
   * reviewer its own.
   */
  readonly lowest?: { readonly stack: number; readonly reviewers: readonly number[] }
}

/** True if anything may be dropped. A share that was asked for needs reviewers that see, and no more. */
export const mayDrop = ({ decision: { gate }, lowest }: Pick<Judges, 'decision' | 'lowest'>): boolean =>
  gate === 'open' || (lowest !== undefined && gate === 'agreement')

/**
 * The margin below or at which the lowest `rate` of these lie; -Infinity when that is none of them, and below 0 always:
 * no margin that supports a label speaks against it.
 */
export function lowest(margins: Float64Array, rate: number): number {
  const sorted = margins.slice().sort()
  const count = Math.floor(rate * sorted.length)
  return !(count >= 1) ? -Infinity : Math.min(sorted[count - 1], -Number.MIN_VALUE)
}

/** How many reviewers speak against each row: they have a voice, and their margin is below 0. */
export const against = ({ sees }: Pick<Judges, 'sees'>, margins: readonly Float64Array[]): Uint8Array =>
  countWhere(margins, (margin, m) => sees[m] && margin < 0)

/** How many reviewers with a voice have a say on each row: a margin of 0 is none. */
export const speaking = ({ sees }: Pick<Judges, 'sees'>, margins: readonly Float64Array[]): Uint8Array =>
  countWhere(margins, (margin, m) => sees[m] && margin !== 0)

function countWhere(margins: readonly Float64Array[], test: (margin: number, m: number) => boolean): Uint8Array {
  const out = new Uint8Array(margins[0].length)
  margins.forEach((some, m) => {
    for (let i = 0; i < out.length; i++) if (test(some[i], m)) out[i]++
  })
  return out
}

/** By rule: 1 where it finds the label wrong. Nothing is found where nothing may be dropped. */
export function foundWrong(
  judges: Judges,
  margins: readonly Float64Array[],
  stacked: Float64Array,
): Record<Rule, Uint8Array> {
  const { decision, sees, curves, lowest } = judges,
    n = stacked.length,
    found = { stack: new Uint8Array(n), both: new Uint8Array(n), either: new Uint8Array(n) }
  if (!mayDrop(judges) || !sees.includes(true)) return found
  const voices = against(judges, margins),
    says = speaking(judges, margins)
  for (let i = 0; i < n; i++) {
    const isFound = lowest ? stacked[i] <= lowest.stack : isDoubtful(decision, stacked[i])
    const byOne = margins.some(
      (some, m) => sees[m] && (lowest ? some[i] <= lowest.reviewers[m] : isDoubtful(decision, some[i], curves[m])),
    )
    found.stack[i] = Number(isFound)
    found.both[i] = Number(isFound && says[i] > 0 && voices[i] === says[i])
    found.either[i] = Number(isFound || byOne)
  }
  return found
}

/** 0 agreed: no reviewer speaks against the row. 2 reversed: all who have a say do. 1 ambiguous: some. */
export function classesOf(judges: Pick<Judges, 'sees'>, margins: readonly Float64Array[]): Uint8Array {
  const says = speaking(judges, margins)
  return against(judges, margins).map((voices, i) => (voices === 0 ? 0 : voices >= says[i] ? 2 : 1))
}
