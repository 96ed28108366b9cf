/** The numbers that a text names and that a problem gives, known again however they are printed. */
import { readPrinted, type Printed } from './exact.ts'

/**
 * A number of a text by code units; `printed` is missing where it is part of something else, such as 5:30 or 12/05.
 * Numbers of equal value have equal keys.
 */
export interface Mention {
  readonly start: number
  readonly end: number
  readonly key: string
  readonly printed?: Printed
}

const RUN = /\.?\d+(?:[.,:'’]\d+)*/gu

/** What numbers of one value have in common: their digits without zeros that add nothing. */
export function keyOf(number: Pick<Printed, 'units' | 'decimals'>): string {
  let { units, decimals } = number
  while (decimals > 0 && units % 10n === 0n) {
    units /= 10n
    decimals--
  }
  return decimals ? `${units}e-${decimals}` : units.toString()
}

/**
 * All numbers in ASCII digits of a text, in its order, those inside calculator marks too. A number that runs on into
 * letters (24th) has no `printed`.
 */
export function mentions(text: string): Mention[] {
  const out: Mention[] = []
  for (const match of text.matchAll(RUN)) {
    const start = match.index,
      end = start + match[0].length
    const printed = readPrinted(match[0], start)
    if (typeof printed !== 'string') {
      const glued = /^(?:st|nd|rd|th)\b/i.test(text.slice(end, end + 3))
      out.push({ start, end, key: keyOf(printed), printed: glued ? undefined : printed })
      continue
    }
    for (const piece of match[0].matchAll(/\d+/g)) {
      out.push({
        start: start + piece.index,
        end: start + piece.index + piece[0].length,
        key: BigInt(piece[0]).toString(),
      })
    }
  }
  return out
}

const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...Object.fromEntries(
      'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'
        .split(' ')
        .map((word, i) => [word, String(i)]),
    ),
    thirty: '30',
    forty: '40',
    fifty: '50',
    sixty: '60',
    seventy: '70',
    eighty: '80',
    ninety: '90',
    hundred: '100',
    thousand: '1000',
    million: '1000000',
    half: '5e-1',
    quarter: '25e-2',
    fourth: '25e-2',
    third: '3',
    once: '1',
    twice: '2',
    double: '2',
    pair: '2',
    thrice: '3',
    triple: '3',
    dozen: '12',
    score: '20',
  }),
)

const WORD = new RegExp(`(?<!\\p{L})(${[...WORDS.keys()].join('|')})s?(?!\\p{L})`, 'gu')

/**
 * Numbers that anybody brings along: small counts, of the calendar and the clock, powers of ten. Where one stands
 * nothing says where it came from.
 */
const COMMON = new Set([
  '0',
  '1',
  '2',
  '3',
  '4',
  '7',
  '10',
  '12',
  '24',
  '30',
  '31',
  '52',
  '60',
  '100',
  '360',
  '365',
  '1000',
  '5e-1',
  '25e-2',
])

/**
 * Keys of all values that a problem gives, in digits or English words; of a percentage also its fraction and what
 * remains to 100 %.
 */
export function given(prompt: string): Set<string> {
  const keys = new Set(COMMON)
  for (const { key, printed, end } of mentions(prompt)) {
    keys.add(key)
    if (!printed || !/^\s*(?:%|percent)/.test(prompt.slice(end, end + 9))) continue
    const { units, decimals } = printed,
      whole = 100n * 10n ** BigInt(decimals)
    for (const value of [units, whole - units, whole + units]) {
      keys.add(keyOf({ units: value, decimals }))
      keys.add(keyOf({ units: value, decimals: decimals + 2 }))
    }
  }
  let tens = 0,
    after = 0
  for (const match of prompt.toLowerCase().matchAll(WORD)) {
    const [word, one] = match,
      key = WORDS.get(one)!
    keys.add(key)
    // forty-eight, twenty five
    if (tens > 0 && after === match.index && key.length === 1 && key !== '0') keys.add(String(tens + Number(key)))
    tens = word.endsWith('ty') ? Number(key) : 0
    after = match.index + word.length + 1
  }
  return keys
}
