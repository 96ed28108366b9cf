/** NaN and Infinity, which are no JSON, and which Python writes all the same where a float has no value. */
import { endOfString } from './json_digits.ts'

const NO_NUMBER = /"|-?Infinity|NaN/g

/** Whether a text may have any of them. */
export const mayHaveNan = (text: string): boolean => text.includes('NaN') || text.includes('Infinity')

/** A text with null in the place of each that stands outside of strings, and how many there are. */
export function withoutNan(text: string): { text: string; count: number } {
  let out = '',
    copied = 0,
    count = 0
  NO_NUMBER.lastIndex = 0
  for (let found = NO_NUMBER.exec(text); found; found = NO_NUMBER.exec(text)) {
    if (found[0] === '"') {
      NO_NUMBER.lastIndex = endOfString(text, found.index)
      continue
    }
    out += `${text.slice(copied, found.index)}null`
    copied = NO_NUMBER.lastIndex
    count++
  }
  return { text: out + text.slice(copied), count }
}
