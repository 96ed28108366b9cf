/** What the errors in plain words share: where they may be made, and that nothing proves them. */
import { unproven } from '../prove.ts'
import type { Patch, Solution } from '../solution.ts'
import type { ErrorOperator } from './define.ts'

/** A stretch of a text that can be read as something else. */
export interface Stretch {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Matches of a pattern outside code and equations. */
export function stretches({ text, equations, refusals }: Solution, pattern: RegExp): Stretch[] {
  const taken = [...text.matchAll(/```[\s\S]*?(?:```|$)|`[^`\n]*`/g)].map(match => ({
    start: match.index,
    end: match.index + match[0].length,
  }))
  const closed = [...taken, ...equations, ...refusals]
  return [...text.matchAll(pattern)]
    .map(match => ({ start: match.index, end: match.index + match[0].length, text: match[0] }))
    .filter(({ start, end }) => !closed.some(one => start < one.end && end > one.start))
}

/**
 * What operators on words share: a stretch is a place, candidates replace it, and nothing proves that the result is
 * wrong.
 */
export const onWords: Pick<ErrorOperator<Stretch>, 'proof' | 'prove'> = {
  proof: 'none',
  prove: (solution, _, patches) => unproven(solution, patches),
}

export const swapFor = ({ start, end }: Stretch, text: string): readonly Patch[] => [{ start, end, text }]

/** `word` with capitals as `like` has them. */
export function asIn(like: string, word: string): string {
  if (like.length > 1 && like === like.toUpperCase() && like !== like.toLowerCase()) return word.toUpperCase()
  return /^\p{Lu}/u.test(like) ? word[0].toUpperCase() + word.slice(1) : word
}
