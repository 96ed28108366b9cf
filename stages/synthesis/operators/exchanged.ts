/** What the errors share that put one thing of a text in the place of another of its kind. */
import { shuffled, type Draw } from '../draw.ts'
import type { Patch, Solution } from '../solution.ts'
import { stretches, swapFor, type Stretch } from './words.ts'

/** Candidates that put another thing of the same kind, from the text or its problem, in the place of one. */
export function* exchanges(
  { text, prompt = '' }: Solution,
  place: Stretch,
  pattern: RegExp,
  draw: Draw,
  alike: (a: string, b: string) => boolean = () => true,
): Generator<readonly Patch[]> {
  const others = new Set([...text.matchAll(pattern), ...prompt.matchAll(pattern)].map(([other]) => other))
  for (const other of shuffled([...others], draw)) {
    // Ann and Ann Lee may be one
    if (!other.includes(place.text) && !place.text.includes(other) && alike(place.text, other)) {
      yield swapFor(place, other)
    }
  }
}

export const placesOf =
  (pattern: RegExp) =>
  (solution: Solution): Stretch[] =>
    stretches(solution, pattern)
