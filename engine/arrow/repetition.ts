/** How much of a text says the same again, in words; on UTF-8 bytes, with scratch that belongs to the module. */
import { fold, foldedBytes } from './text.ts'

let words = new Int32Array(1 << 10)
let grams = new Int32Array(1 << 10)
let slots = new Int32Array(1 << 11)

/**
 * Share of the n-grams of words (lower case) that occur more than once, each occurrence counted; 0 when there are fewer
 * than `n` words. N-grams are compared by 64-bit hashes. Source: after the word repetition filter of Data-Juicer (arXiv
 * 2309.02033).
 */
export function repetitionShare(bytes: Uint8Array, start: number, end: number, n: number): number {
  const count = hashFoldedWords(fold(bytes, start, end)),
    total = count - n + 1
  if (total < 2) return 0
  if (grams.length < 2 * total) grams = new Int32Array(4 * total)
  let room = 16,
    shift = 28
  while (room < 2 * total) {
    room *= 2
    shift--
  }
  if (slots.length < room) slots = new Int32Array(room)
  slots.fill(0, 0, room)

  // two polynomials of the last n words, rolled
  const base = 0x2c9277b5 | 0,
    other = 0x5851f42d | 0
  let top = 1,
    otherTop = 1
  for (let k = 1; k < n; k++) {
    top = Math.imul(top, base)
    otherTop = Math.imul(otherTop, other)
  }
  let a = 0,
    b = 0,
    repeated = 0
  for (let w = 0; w < count; w++) {
    if (w >= n) {
      a = (a - Math.imul(words[2 * (w - n)], top)) | 0
      b = (b - Math.imul(words[2 * (w - n) + 1], otherTop)) | 0
    }
    a = (Math.imul(a, base) + words[2 * w]) | 0
    b = (Math.imul(b, other) + words[2 * w + 1]) | 0
    const gram = w - n + 1
    if (gram < 0) continue
    grams[2 * gram] = a
    grams[2 * gram + 1] = b
    let slot = Math.imul(a ^ (b >>> 15), 0x9e3779b1) >>> shift
    let first = slots[slot]
    // a slot holds gram + 1, negative once that gram has been seen again
    while (first !== 0) {
      const seen = 2 * (Math.abs(first) - 1)
      if (grams[seen] === a && grams[seen + 1] === b) break
      slot = (slot + 1) & (room - 1)
      first = slots[slot]
    }
    if (first === 0) {
      slots[slot] = gram + 1
    } else {
      repeated += first > 0 ? 2 : 1
      if (first > 0) slots[slot] = -first
    }
  }
  return repeated / total
}

/** Hashes the words of the folded text to two lanes each, in `words`; returns their number. */
function hashFoldedWords(size: number): number {
  if (size === 0) return 0
  if (words.length < size + 4) words = new Int32Array(2 * size + 4)
  const text = foldedBytes(),
    to = words
  let at = 0,
    a = 0,
    b = 0
  text[size] = 32
  for (let i = 0; i <= size; i++) {
    const byte = text[i]
    // written at each byte, kept at the last of a word: no branch at the ends of words
    to[at] = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d)
    to[at + 1] = b ^ (b >>> 16)
    const inside = -(byte ^ 32) >> 31
    at += 2 + 2 * inside
    a = Math.imul(a ^ (byte + 1), 0x01000193) & inside
    b = Math.imul((((b << 5) | (b >>> 27)) + byte + 1) | 0, 0x9e3779b1) & inside
  }
  return at >> 1
}
