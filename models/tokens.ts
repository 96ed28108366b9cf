/** Words of a text as hashes, read from its bytes once for all features. */
import { mix32 } from '../engine/arrow/hash.ts'

const SEPARATOR = 0
const WORD = 1
const HIGH = 2

const byteClass = new Uint8Array(256)
const lower = new Uint8Array(256)
for (let b = 0; b < 256; b++) {
  const isDigit = b >= 0x30 && b <= 0x39
  const isUpper = b >= 0x41 && b <= 0x5a
  const isLower = b >= 0x61 && b <= 0x7a
  byteClass[b] = b >= 0x80 ? HIGH : isDigit || isUpper || isLower ? WORD : SEPARATOR
  lower[b] = isUpper ? b + 32 : b
}

const FNV_START = 0x811c9dc5 | 0
const FNV_PRIME = 0x01000193

/** Hash of one word as `TextSide` hashes it (ASCII lower-cased), for lists of words to look for. */
export function tokenHash(word: string): number {
  let h = FNV_START
  for (const b of new TextEncoder().encode(word)) h = Math.imul(h ^ lower[b], FNV_PRIME)
  return mix32(h)
}

/**
 * One text of a pair and its tokens, reused from row to row: `read` sets the bytes and fills the first `count` entries
 * of the token arrays.
 *
 * Tokens are runs of ASCII letters, digits and bytes of 0x80 and up; ASCII letters are lower-cased, others are left as
 * they are. A CJK ideograph or kana (3 bytes) and any 4-byte character (emoji, rare ideographs) are tokens of their
 * own, so Chinese and Japanese have words without a dictionary; Korean splits at its spaces. General punctuation
 * (U+2000–203F), CJK punctuation (U+3000–303F) and full-width punctuation (U+FF01–FF0F, FF1A–FF20) separate. Ill-formed
 * UTF-8 is taken as word bytes and nothing beyond `end` is read. Tokens after the first `max_tokens` are not listed,
 * which bounds memory; the bytes are all there.
 */
export class TextSide {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  /** Number of tokens listed. */
  count = 0
  /** 32-bit hash of each token. */
  readonly hashes: Uint32Array
  /** Characters of each token, at most 255. */
  readonly sizes: Uint8Array
  /** 1 where a token has two letters or more and all are ASCII capitals. */
  readonly capitals: Uint8Array

  constructor(max_tokens = 4096) {
    if (!(max_tokens >= 1 && max_tokens <= 65535)) {
      throw new Error(`models: max_tokens is ${max_tokens}, must be 1 to 65535`)
    }
    this.hashes = new Uint32Array(max_tokens)
    this.sizes = new Uint8Array(max_tokens)
    this.capitals = new Uint8Array(max_tokens)
  }

  /**
   * Takes bytes[start, end) as the text and lists its tokens. The bytes are kept by reference until the next `read`.
   */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.count = 0
    let h = FNV_START
    let size = 0
    let uppers = 0
    let i = start
    while (i < end && this.count < this.hashes.length) {
      const b = bytes[i]
      const kind = byteClass[b]
      if (kind === WORD) {
        const low = lower[b]
        if (low !== b) uppers++
        h = Math.imul(h ^ low, FNV_PRIME)
        size++
        i++
        continue
      }
      let width = 1
      let alone = false
      if (kind === HIGH) {
        width = highWidth(bytes, i, end)
        if (width === 0) {
          h = Math.imul(h ^ b, FNV_PRIME)
          if ((b & 0xc0) !== 0x80) size++
          i++
          continue
        }
        alone = !isPunctuation(b, bytes[i + 1], bytes[i + 2])
      }
      if (size > 0 || h !== FNV_START) {
        this.push(h, size, uppers)
        h = FNV_START
        size = 0
        uppers = 0
      }
      if (alone && this.count < this.hashes.length) {
        for (let k = 0; k < width; k++) h = Math.imul(h ^ bytes[i + k], FNV_PRIME)
        this.push(h, 1, 0)
        h = FNV_START
      }
      i += width
    }
    if (h !== FNV_START && this.count < this.hashes.length) this.push(h, size, uppers)
  }

  private push(h: number, size: number, uppers: number): void {
    const at = this.count++
    this.hashes[at] = mix32(h)
    this.sizes[at] = size > 255 ? 255 : size
    this.capitals[at] = uppers > 1 && uppers === size ? 1 : 0
  }
}

/** Bytes of the character at i if it stands alone or separates (3 or 4), 0 if it is part of a word. */
function highWidth(bytes: Uint8Array, i: number, end: number): number {
  const b = bytes[i]
  if (b >= 0xf0 && b <= 0xf4) return continues(bytes, i, end, 3) ? 4 : 0
  if (b < 0xe2 || b > 0xef || !continues(bytes, i, end, 2)) return 0
  if (b >= 0xe3 && b <= 0xe9) return 3
  return isPunctuation(b, bytes[i + 1], bytes[i + 2]) ? 3 : 0
}

function continues(bytes: Uint8Array, i: number, end: number, more: number): boolean {
  if (i + more >= end) return false
  for (let k = 1; k <= more; k++) if ((bytes[i + k] & 0xc0) !== 0x80) return false
  return true
}

function isPunctuation(first: number, second: number, third: number): boolean {
  if (first === 0xe2) return second === 0x80
  if (first === 0xe3) return second === 0x80
  return first === 0xef && second === 0xbc && ((third >= 0x81 && third <= 0x8f) || (third >= 0x9a && third <= 0xa0))
}

/** The three texts of a pair as the features read them. */
export interface PairText {
  prompt: TextSide
  chosen: TextSide
  rejected: TextSide
}

/** Room for one pair, to be filled by `read` on each side and reused for every row. */
export function createPairText(max_tokens = 4096): PairText {
  return { prompt: new TextSide(max_tokens), chosen: new TextSide(max_tokens), rejected: new TextSide(max_tokens) }
}
