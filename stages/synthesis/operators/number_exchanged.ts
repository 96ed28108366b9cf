/** An error in words that nothing proves: another number. */
import type { ErrorOperator } from './define.ts'
import { exchanges, placesOf } from './exchanged.ts'
import { onWords, type Stretch } from './words.ts'

const NUMBER = /(?<![\p{L}\p{N}.,:/-])(?!(?:1[0-9]|20)\d\d(?!\d))\d+(?:,\d{3})*(?:\.\d+)?(?![\p{L}\p{N}:/-]|[.,]\d)/gu

/** A number of the text is taken for another one. */
export const numberExchanged: ErrorOperator<Stretch> = {
  ...onWords,
  name: 'number_exchanged',
  about:
    'A number that is in no equation becomes another number of the same text or its problem. Four digits that may be a year are left to `date_exchanged`.',
  needs: 'two numbers, one of them outside code and equations',
  rise: ['replace a value', 'wrong substitution'],
  example: { text: 'It has 12 rooms on 3 floors.', edited: 'It has 3 rooms on 3 floors.' },
  places: placesOf(NUMBER),
  candidates: (solution, place, draw) => exchanges(solution, place, NUMBER, draw),
}
