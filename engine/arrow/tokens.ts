/**
 * Words of texts in any script: where writing puts no spaces between words (Chinese, Japanese, Thai …), each character
 * is a word of its own.
 */
import { countWords, hasWide, point, width } from './text.ts'

/** What a code point is to a tokenizer: part of a run, a word of its own, or punctuation that stands between words. */
export const RUN = 0,
  ALONE = 1,
  BETWEEN = 2

/** The kind of a code point at or above U+0800. Hangul is written with spaces. */
export function kindOf(code: number): number {
  if (code < 0x3000) {
    return (code >= 0xe00 && code < 0xf00) ||
      (code >= 0x1000 && code < 0x10a0) ||
      (code >= 0x1780 && code < 0x1800) ||
      (code >= 0x1950 && code < 0x1ab0) ||
      (code >= 0x2e80 && code < 0x2fe0)
      ? ALONE
      : RUN
  }
  if (code < 0xa000) {
    return code >= 0x3040 || (code >= 0x3005 && code <= 0x3007) || (code >= 0x3021 && code <= 0x3029)
      ? code === 0x30fb
        ? BETWEEN
        : ALONE
      : BETWEEN
  }
  if (code < 0xff00) return code >= 0xf900 && code < 0xfb00 ? ALONE : RUN
  if (code < 0xff66) {
    return (code >= 0xff10 && code < 0xff1a) || (code >= 0xff21 && code < 0xff3b) || (code >= 0xff41 && code < 0xff5b)
      ? RUN
      : BETWEEN
  }
  return code < 0xffa0 || (code >= 0x1b000 && code < 0x1b170) || (code >= 0x20000 && code < 0x3fffe) ? ALONE : RUN
}

/**
 * Number of words, where each character of a script without spaces counts as one; equal to `countWords` for all other
 * texts.
 */
export function countTokens(bytes: Uint8Array, start: number, end: number): number {
  if (!hasWide(bytes, start, end)) return countWords(bytes, start, end)
  let count = 0,
    from = start
  for (let i = start; i < end;) {
    if (bytes[i] < 0xe0) {
      i++
      continue
    }
    const size = width(bytes, i, end),
      kind = kindOf(point(bytes, i, size))
    if (kind !== RUN) {
      count += countWords(bytes, from, i) + (kind === ALONE ? 1 : 0)
      from = i + size
    }
    i += size
  }
  return count + countWords(bytes, from, end)
}
