/** An error in words that nothing proves: another name. */
import type { ErrorOperator } from './define.ts'
import { exchanges, placesOf } from './exchanged.ts'
import { onWords, type Stretch } from './words.ts'

// not at the beginning of a sentence, where every word is capital; a month is a date
const NAME =
  /(?<=[\p{Ll}\p{N},;)] )(?!(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|I)\b)\p{Lu}\p{L}+(?:[ -]\p{Lu}\p{L}+)*/gu

/** A name is taken for another one. */
export const entityExchanged: ErrorOperator<Stretch> = {
  ...onWords,
  name: 'entity_exchanged',
  about: 'A name becomes another name of the same text or its problem.',
  needs: 'two names, told by their capitals inside a sentence, neither part of the other',
  rise: ['wrong substitution'],
  example: { text: 'It flows from Ulm to Vienna.', edited: 'It flows from Vienna to Vienna.' },
  places: placesOf(NAME),
  candidates: (solution, place, draw) => exchanges(solution, place, NAME, draw),
}
