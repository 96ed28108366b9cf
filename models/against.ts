/** What speaks most against a label, in words: the parts of a margin, and the words of a text that they are of. */
import type { Heads } from './heads.ts'
import { combine32 } from './random.ts'
import type { Rows } from './rows.ts'
import { STYLE_COLUMNS } from './style.ts'
import { tokenHash } from './tokens.ts'

/** A feature's part of a margin. `value`: what the row has of it, above 0 where the chosen side has more. */
export interface Part {
  readonly column: number
  readonly value: number
  readonly part: number
}

/**
 * The features of a row that take most from its margin, at most `most`, the worst first. `at[f]`: the head of fit f
 * that judges the row, by its fold.
 */
export function worstParts(heads: Heads, rows: Rows, row: number, at: readonly number[], most: number): Part[] {
  const { used, weights, fits, folds } = heads,
    width = fits * folds,
    parts: Part[] = []
  const add = (column: number, value: number) => {
    const slot = slotOf(used, column)
    if (slot < 0 || value === 0) return
    let part = 0
    for (let f = 0; f < fits; f++) part += (value * weights[slot * width + f * folds + at[f]]) / fits
    if (part < 0) parts.push({ column, value, part })
  }
  if (rows.layout === 'sparse') {
    for (let k = rows.indptr[row]; k < rows.indptr[row + 1]; k++) add(rows.indices[k], rows.values[k])
  } else for (let c = 0; c < rows.columns; c++) add(c, rows.values[row * rows.columns + c])
  return parts.sort((a, b) => a.part - b.part || a.column - b.column).slice(0, most)
}

/** Its place in an ascending list, or -1. */
function slotOf(used: Uint32Array, column: number): number {
  let from = 0,
    to = used.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (used[middle] < column) from = middle + 1
    else to = middle
  }
  return used[from] === column ? from : -1
}

/** As `TextSide` cuts texts: ideographs and kana stand alone, punctuation separates. */
const TOKEN =
  /[\u3040-\u9fff\u{10000}-\u{10ffff}]|[0-9A-Za-z\u0080-\u1fff\u2040-\u2fff\ua000-\uff00\uff10-\uff19\uff21-\uffff]+/gu

/** The words and pairs of words of a text by their columns among so many (a power of two). */
export function namesOfWords(text: string, columns: number): Map<number, string> {
  const names = new Map<number, string>(),
    mask = columns - 1
  let before = 0,
    last = ''
  for (const [word] of text.matchAll(TOKEN)) {
    const hash = tokenHash(word),
      name = word.toLowerCase(),
      pair = combine32(before, hash) & mask
    if (!names.has(hash & mask)) names.set(hash & mask, name)
    if (last !== '' && !names.has(pair)) names.set(pair, `${last} ${name}`)
    before = hash
    last = name
  }
  return names
}

/** Parts of a head on words, in words: which side has them. */
export function wordsAgainst(parts: readonly Part[], chosen: string, rejected: string, columns: number): string {
  const sides = [
    { side: 'chosen', of: parts.filter(({ value }) => value > 0), names: namesOfWords(chosen, columns) },
    { side: 'rejected', of: parts.filter(({ value }) => value < 0), names: namesOfWords(rejected, columns) },
  ]
  return sides
    .map(({ side, of, names }) => ({ side, words: of.flatMap(({ column }) => names.get(column) ?? []) }))
    .filter(({ words }) => words.length > 0)
    .map(({ side, words }) => `${side} says ${words.map(word => `"${word}"`).join(', ')}`)
    .join('; ')
}

/** Parts of a head on style: what the chosen side has more or less of than the rejected one. */
export const styleAgainst = (parts: readonly Part[]): string =>
  parts.length === 0
    ? ''
    : `chosen has ${parts.map(({ column, value }) => `${value > 0 ? 'more' : 'less'} ${STYLE_COLUMNS[column].replace(/^log_/, '').replaceAll('_', ' ')}`).join(', ')}`
