/** What a reader who goes by looks alone could see of an edit. */
import { growth, type Patch, type Solution } from './solution.ts'

/**
 * What an edit does to the surface of a text. `quiet`: as long as before, with as many kinds of words and as many of
 * the problem's, signs exchanged only for alike ones; `foreign`: as long, but a word of the problem stands in it no
 * more; `same`: as long, and otherwise changed.
 */
export const SURFACES = ['quiet', 'same', 'foreign', 'shorter', 'longer'] as const
export type Surface = (typeof SURFACES)[number]

/** Words as models' style features see them: runs of letters and digits. */
const WORD = /[\p{L}\p{N}]+/gu
const IN_WORD = /[\p{L}\p{N}]/u
const ASCII = Uint8Array.from({ length: 128 }, (_, code) => (IN_WORD.test(String.fromCharCode(code)) ? 1 : 0))

/** The surface of a candidate. Its patches must not cut words. */
export function surfaceOf(solution: Solution, patches: readonly Patch[]): Surface {
  const grown = growth(patches)
  if (grown !== 0) return grown < 0 ? 'shorter' : 'longer'
  const change = new Map<string, number>()
  const { text: all, prompt } = solution
  for (const { start, end, text } of patches) {
    const old = all.slice(start, end)
    if (patches.length < 3 && old.length < 40 && shape(old) !== shape(text)) return 'same'
    count(old, change, -1)
    count(text, change, 1)
  }
  let kinds = 0,
    covered = 0,
    shared = 0
  for (const [word, by] of change) {
    const before = times(all, word),
      appears = Number(before + by > 0) - Number(before > 0)
    kinds += appears
    if (prompt !== undefined && times(prompt, word, 1)) {
      covered += appears
      shared += by
    }
  }
  if (covered < 0) return 'foreign'
  return kinds === 0 && covered === 0 && shared === 0 ? 'quiet' : 'same'
}

function count(text: string, into: Map<string, number>, by: number): void {
  // most patches are one number
  const words = /^\d+$/.test(text) ? [text] : (text.match(WORD) ?? [])
  for (const word of words) into.set(word, (into.get(word) ?? 0) + by)
}

/** How often a word stands in a text, up to `most`. */
function times(text: string, word: string, most = Infinity): number {
  let sum = 0
  for (let at = text.indexOf(word); at >= 0 && sum < most; at = text.indexOf(word, at + word.length)) {
    if (!isWordAt(text, at - 1, true) && !isWordAt(text, at + word.length, false)) sum++
  }
  return sum
}

/** Whether the character that ends (`back`) or begins at a code unit belongs to a word. */
function isWordAt(text: string, unit: number, back: boolean): boolean {
  const code = text.charCodeAt(unit)
  if (!(code >= 128)) return ASCII[code] === 1
  const first = back && code >= 0xdc00 && code <= 0xdfff ? unit - 1 : unit
  return IN_WORD.test(String.fromCodePoint(text.codePointAt(first)!))
}

/** A text with digits and like signs made equal. */
const shape = (text: string): string => text.replace(/\d/g, '0').replace(/[+/-]/g, '+')
