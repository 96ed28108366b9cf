/** An error in words that nothing proves: another year, month or day. */
import type { ErrorOperator } from './define.ts'
import { exchanges, placesOf } from './exchanged.ts'
import { onWords, type Stretch } from './words.ts'

const YEAR = '(?:1[0-9]|20)\\d\\d',
  MONTH = 'January|February|March|April|May|June|July|August|September|October|November|December',
  DAY = 'Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday'
const DATE = new RegExp(`(?<![\\p{L}\\p{N}.,$£€])(?:${YEAR}|${MONTH}|${DAY})(?![\\p{L}\\p{N}]|[.,]\\d)`, 'gu')
const KINDS = [YEAR, MONTH, DAY].map(kind => new RegExp(`^(?:${kind})$`))
const kindOf = (text: string) => KINDS.findIndex(kind => kind.test(text))

/** A date is taken for another one. */
export const dateExchanged: ErrorOperator<Stretch> = {
  ...onWords,
  name: 'date_exchanged',
  about: 'A year, month or weekday becomes another one of the same text or its problem.',
  needs: 'two years, months or weekdays (in English) outside equations',
  rise: ['wrong substitution'],
  example: { text: 'Begun in 1387, finished in 1406.', edited: 'Begun in 1406, finished in 1406.' },
  places: placesOf(DATE),
  candidates: (solution, place, draw) => exchanges(solution, place, DATE, draw, (a, b) => kindOf(a) === kindOf(b)),
}
