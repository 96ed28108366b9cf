/** An error in words that nothing proves: a `not` more or less. */
import type { ErrorOperator } from './define.ts'
import { onWords, stretches, swapFor, type Stretch } from './words.ts'

const PATTERN =
  /(?<![\p{L}\p{N}])(?:is|are|was|were|can|could|will|would|should|must|may|has been|have been)(?: not)?(?![\p{L}\p{N}'’])|(?<![\p{L}\p{N}])(?:is|are|was|were|could|would|should|must)n['’]t(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])cannot(?![\p{L}\p{N}])/giu

/** A sentence says the opposite by a `not`. */
export const negation: ErrorOperator<Stretch> = {
  ...onWords,
  name: 'negation',
  about: 'A `not` is put in or taken out, after is, are, was, were, can, could, will, would, should, must, may.',
  needs: 'one of these verbs outside code and equations',
  rise: ['misread the question'],
  example: { text: 'It is a prime.', edited: 'It is not a prime.' },
  places: solution => stretches(solution, PATTERN),
  *candidates(_, place) {
    const { text } = place
    const positive = text.replace(/ not$|n['’]t$|not$/iu, '')
    yield swapFor(place, positive === text ? `${text} not` : positive)
  },
}
