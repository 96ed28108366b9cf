/** An error in words that nothing proves: all for some, more for less, before for after. */
import type { ErrorOperator } from './define.ts'
import { asIn, onWords, stretches, swapFor, type Stretch } from './words.ts'

/** Words that exchange what is asked for or said, in both directions. */
const PAIRS = `maximum minimum, max min, most least, largest smallest, biggest smallest, highest lowest, longest shortest, greatest least, at least|at most, more than|less than, greater than|less than,
no more than|no less than, before after, above below, increase decrease, increases decreases, increased decreased, increasing decreasing, rise fall, rises falls, rose fell, first last, earlier later, older younger,
taller shorter, faster slower, heavier lighter, higher lower, all none, every no, always never, everyone nobody, everything nothing, both neither, inside outside, north south, east west, northern southern, eastern western,
upper lower, maximize minimize, maximise minimise, win lose, wins loses, won lost, gain lose, buy sell, bought sold, forward backward, up down`

const SWAPS = new Map<string, string>()
for (const pair of PAIRS.split(/,\s*/)) {
  const [a, b] = pair.includes('|') ? pair.split('|') : pair.split(' ')
  if (!SWAPS.has(a)) SWAPS.set(a, b)
  if (!SWAPS.has(b)) SWAPS.set(b, a)
}
const PATTERN = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${[...SWAPS.keys()].sort((a, b) => b.length - a.length).join('|')})(?![\\p{L}\\p{N}])`,
  'giu',
)

/** A quantifier, comparison or direction turns into its opposite. */
export const quantifier: ErrorOperator<Stretch> = {
  ...onWords,
  name: 'quantifier',
  about:
    'A quantifier, comparison or direction becomes its opposite: most and least, at least and at most, before and after, increase and decrease.',
  needs: 'such a word outside code and equations',
  rise: ['misread the question'],
  example: { text: 'It takes at least ten days.', edited: 'It takes at most ten days.' },
  places: solution => stretches(solution, PATTERN),
  *candidates(_, place) {
    yield swapFor(place, asIn(place.text, SWAPS.get(place.text.toLowerCase())!))
  },
}
