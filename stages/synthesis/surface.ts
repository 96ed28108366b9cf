import { growth, type Patch, type Solution } from './solution.ts'

/** What an edit does to the surface of a text. `quiet`: as long as before, with as many kinds of words and as many of the problem's, signs exchanged only for alike ones. */
export const SURFACES = ['quiet', 'same', 'shorter', 'longer'] as const
export type Surface = typeof SURFACES[number]

/** How often the words of a solution stand in it, and which words the problem has; words as models' style features see them: runs of letters and digits. */
export interface WordCounts { readonly counts: ReadonlyMap<string, number>, readonly prompt: ReadonlySet<string> }

const WORD = /[\p{L}\p{N}]+/gu

export function wordCounts(text: string, prompt: string | undefined): WordCounts {
  const counts = new Map<string, number>()
  for (const [word] of text.matchAll(WORD)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return { counts, prompt: new Set(prompt?.match(WORD)) }
}

/** The surface of a candidate. Its patches must not cut words. */
export function surfaceOf(solution: Solution, patches: readonly Patch[]): Surface {
  const grown = growth(patches)
  if (grown !== 0) return grown < 0 ? 'shorter' : 'longer'
  const change = new Map<string, number>()
  const { counts, prompt } = solution.words
  for (const { start, end, text } of patches) {
    const old = solution.text.slice(start, end)
    if (shape(old) !== shape(text) && patches.length < 3 && old.length < 40) return 'same'
    for (const [word] of old.matchAll(WORD)) change.set(word, (change.get(word) ?? 0) - 1)
    for (const [word] of text.matchAll(WORD)) change.set(word, (change.get(word) ?? 0) + 1)
  }
  let kinds = 0, covered = 0, shared = 0
  for (const [word, by] of change) {
    const before = counts.get(word) ?? 0, appears = Number(before + by > 0) - Number(before > 0)
    kinds += appears
    if (prompt.has(word)) { covered += appears; shared += by }
  }
  return kinds === 0 && covered === 0 && shared === 0 ? 'quiet' : 'same'
}

/** A text with digits and like signs made equal. */
const shape = (text: string): string => text.replace(/\d/g, '0').replace(/[+/-]/g, '+')
