/**
 * Measures of a range of UTF-8 bytes, without a JavaScript string: words, letters, folded text, hashes.
 * White space is Unicode White_Space everywhere (JavaScript's `\s` counts U+FEFF and misses U+0085). Bytes that are not
 * UTF-8 are each measured as U+FFFD, and nothing outside `start..end` is ever read. Scratch belongs to the module:
 * results of one call are gone with the next.
 */

import { hash64 } from './hash.ts'
import { wasm } from './kernels.ts'

/** See scripts/kernels/text.ts. */
interface Kernels {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  countWords(start: number, end: number): number
  countAlphanumeric(start: number, end: number): number
  hasWide(start: number, end: number): number
  fold(start: number, end: number, to: number): number
}
// of WebAssembly @types/node has the types alone
const { Instance, Module } = (
  globalThis as unknown as {
    WebAssembly: { Module: new (bytes: Uint8Array) => object; Instance: new (module: object) => { exports: unknown } }
  }
).WebAssembly
const kernels = new Instance(new Module(Buffer.from(wasm, 'base64'))).exports as Kernels
let memory = new Uint8Array(kernels.memory.buffer)

/** Sizes for which the way through the kernels pays, and does not hold on to much memory. */
const LEAST = 64,
  MOST = 1 << 20
/** Bytes before a text in the kernels' memory, for what is written there, are as many as it has and these. */
const ROOM = 64

/** Copies a text into the kernels' memory; returns where it begins. */
function place(bytes: Uint8Array, start: number, end: number): number {
  const at = end - start + ROOM,
    needed = at + end - start
  if (needed > memory.length) {
    kernels.memory.grow((needed - memory.length + 0xffff) >>> 16)
    memory = new Uint8Array(kernels.memory.buffer)
  }
  memory.set(bytes.subarray(start, end), at)
  return at
}

const suits = (size: number): boolean => size >= LEAST && size <= MOST

/** Of each first byte: 0 part of a word, 1 ASCII white space, 2 may begin wider white space. */
const SPACE = new Uint8Array(256)
/** ASCII in lower case, white space as a space; 0 for bytes above 127. */
const LOWER = new Uint8Array(256)
/** 1 for the ASCII characters that are neither letters nor digits. */
const SPECIAL = new Uint8Array(128)
for (let byte = 0; byte < 128; byte++) {
  SPACE[byte] = byte === 32 || (byte >= 9 && byte <= 13) ? 1 : 0
  LOWER[byte] = SPACE[byte] ? 32 : byte >= 65 && byte <= 90 ? byte + 32 : byte
  SPECIAL[byte] = (LOWER[byte] >= 97 && LOWER[byte] <= 122) || (byte >= 48 && byte <= 57) ? 0 : 1
}
for (const byte of [0xc2, 0xe1, 0xe2, 0xe3]) SPACE[byte] = 2

/** Bytes of the white space beyond ASCII that begins at `i` (2 or 3), or 0 when none does. */
function wideSpace(bytes: Uint8Array, i: number, end: number): number {
  if (i + 2 > end) return 0
  const lead = bytes[i],
    second = bytes[i + 1]
  if (lead === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0
  if (i + 3 > end) return 0
  const third = bytes[i + 2]
  if (lead === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0
  if (lead === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0
  if (second === 0x81) return third === 0x9f ? 3 : 0
  return second === 0x80 && ((third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf)
    ? 3
    : 0
}

/** Bytes of the character that begins at `i` (1 to 4); 1 where the bytes are not UTF-8. */
export function width(bytes: Uint8Array, i: number, end: number): number {
  const lead = bytes[i]
  const size = lead < 0xc2 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 1
  if (i + size > end) return 1
  for (let k = 1; k < size; k++) if ((bytes[i + k] & 0xc0) !== 0x80) return 1
  return size
}

/** Code point of the `size` bytes at `i`, as `width` measured them; U+FFFD where they are not UTF-8. */
export function point(bytes: Uint8Array, i: number, size: number): number {
  const lead = bytes[i]
  if (size === 1) return lead < 0x80 ? lead : 0xfffd
  if (size === 2) return ((lead & 31) << 6) | (bytes[i + 1] & 63)
  if (size === 3) return ((lead & 15) << 12) | ((bytes[i + 1] & 63) << 6) | (bytes[i + 2] & 63)
  const wide = ((lead & 7) << 18) | ((bytes[i + 1] & 63) << 12) | ((bytes[i + 2] & 63) << 6) | (bytes[i + 3] & 63)
  return wide < 0x110000 ? wide : 0xfffd
}

const PAGE_BITS = 11

/**
 * Characters of a page of 2,048 code points that match a pattern of single characters, with their code points.
 * Surrogates are left out.
 */
function* matching(pattern: RegExp, page: number): Generator<[character: string, code: number]> {
  const from = page << PAGE_BITS
  if (from >= 0xd800 && from < 0xe000) return
  const all = String.fromCodePoint(...Array.from({ length: 1 << PAGE_BITS }, (_, i) => from + i))
  for (const [character] of all.matchAll(pattern)) yield [character, character.codePointAt(0)!]
}

// tables of Unicode are filled page by page, at the first character of a page: few pages are ever met, and all of them
// take a tenth of a second
const letters = new Uint32Array(0x110000 >>> 5),
  letterPages = new Uint8Array(0x110000 >>> PAGE_BITS)

function addLetters(page: number): void {
  for (const [, code] of matching(/[\p{L}\p{M}\p{N}]/gu, page)) letters[code >>> 5] |= 1 << (code & 31)
  letterPages[page] = 1
}

/** Whether a code point is a letter, a mark or a number (\p{L}\p{M}\p{N}). */
export function isAlphanumeric(code: number): boolean {
  if (letterPages[code >>> PAGE_BITS] === 0) addLetters(code >>> PAGE_BITS)
  return ((letters[code >>> 5] >>> (code & 31)) & 1) === 1
}

const STRING = 0xffffffff,
  LOWERS = 0x20000
const lowers = new Uint32Array(LOWERS),
  lowerPages = new Uint8Array(LOWERS >>> PAGE_BITS)

function addLowers(page: number): void {
  for (const [character, code] of matching(/\p{Changes_When_Lowercased}/gu, page)) {
    const lower = character.toLowerCase(),
      first = lower.codePointAt(0)!
    lowers[code] = lower.length > (first > 0xffff ? 2 : 1) ? STRING : first
  }
  if (page === 0) lowers[0x3a3] = STRING // sigma: its lower case at the end of a word is another one
  lowerPages[page] = 1
}

/**
 * The lower case of a code point, 0 where it has none, STRING where it depends on its neighbours or is more than one
 * character.
 */
function lowerOf(code: number): number {
  if (code >= LOWERS) return 0
  if (lowerPages[code >>> PAGE_BITS] === 0) addLowers(code >>> PAGE_BITS)
  return lowers[code]
}

/** Number of code points. */
export function countCodePoints(bytes: Uint8Array, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++) if ((bytes[i] & 0xc0) !== 0x80) count++
  return count
}

/** Number of words: longest runs without white space. */
export function countWords(bytes: Uint8Array, start: number, end: number): number {
  if (suits(end - start)) {
    const at = place(bytes, start, end)
    return kernels.countWords(at, at + end - start)
  }
  let count = 0,
    outside = true
  for (let i = start; i < end; i++) {
    const kind = SPACE[bytes[i]]
    const size = kind === 2 ? wideSpace(bytes, i, end) : kind
    if (size === 0 && outside) count++
    outside = size > 0
    if (size > 0) i += size - 1
  }
  return count
}

/** Whether there is a byte with which characters from U+0800 on begin. */
export function hasWide(bytes: Uint8Array, start: number, end: number): boolean {
  if (suits(end - start)) {
    const at = place(bytes, start, end)
    return kernels.hasWide(at, at + end - start) === 1
  }
  for (let i = start; i < end; i++) if (bytes[i] >= 0xe0) return true
  return false
}

/**
 * Finds words: word k is bytes `starts[k]` to `ends[k]` (exclusive). Returns their number, which may exceed what
 * `starts` and `ends` hold; only what fits is written. `(end - start + 1) >> 1` entries always suffice.
 */
export function scanWords(
  bytes: Uint8Array,
  start: number,
  end: number,
  starts: Uint32Array,
  ends: Uint32Array,
): number {
  let count = 0,
    outside = true
  for (let i = start; i < end; i++) {
    const kind = SPACE[bytes[i]]
    const size = kind === 2 ? wideSpace(bytes, i, end) : kind
    if (size === 0) {
      if (outside) starts[count] = i
      outside = false
    } else {
      if (!outside) ends[count++] = i
      outside = true
      i += size - 1
    }
  }
  if (!outside) ends[count++] = end
  return count
}

/** Whether nothing but white space, or nothing at all, is there. */
export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const kind = SPACE[bytes[i]]
    const size = kind === 2 ? wideSpace(bytes, i, end) : kind
    if (size === 0) return false
    i += size - 1
  }
  return true
}

/** Where the text begins after its white space (Unicode White_Space). */
export function trimStart(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end) {
    const size = bytes[at] < 0x80 ? 1 : bytes[at] < 0xe0 ? 2 : 3
    if (!isBlank(bytes, at, Math.min(end, at + size))) return at
    at += size
  }
  return end
}

/**
 * Share of the code points that are neither letters, marks nor numbers, white space included; 0 for an empty text.
 */
export function specialShare(bytes: Uint8Array, start: number, end: number): number {
  if (suits(end - start)) {
    const at = place(bytes, start, end),
      readable = kernels.countAlphanumeric(at, at + end - start)
    if (readable >= 0) return (end - start - readable) / (end - start)
  }
  let special = 0,
    points = 0
  for (let i = start; i < end; points++) {
    const byte = bytes[i]
    if (byte < 0x80) {
      special += SPECIAL[byte]
      i++
    } else {
      const size = width(bytes, i, end)
      if (!isAlphanumeric(point(bytes, i, size))) special++
      i += size
    }
  }
  return points === 0 ? 0 : special / points
}

let scratch = new Uint8Array(1 << 16),
  folded = scratch
const encoder = new TextEncoder()

/**
 * The bytes that the last `fold` wrote; valid until the next call of `fold` or `foldedHash`. One byte more than the
 * text can be written.
 */
export const foldedBytes = (): Uint8Array => folded

/**
 * Folds a text: Unicode lower case (full, with the final sigma), each run of white space to one space, none at either
 * end. Returns the number of bytes, to be read from `foldedBytes()`; the words there are separated by byte 32 alone.
 */
export function fold(bytes: Uint8Array, start: number, end: number): number {
  if (suits(end - start)) {
    const at = place(bytes, start, end),
      size = kernels.fold(at, at + end - start, 0)
    folded = memory
    if (size >= 0) return size
  }
  // a lower case takes at most half as many bytes again; U+FFFD for a byte that is not UTF-8 takes three
  if (scratch.length <= 3 * (end - start)) scratch = new Uint8Array(4 * (end - start) + 1)
  const out = (folded = scratch)
  let size = 0,
    after = 1 // `after` white space (or the beginning): more of it moves nothing
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte < 0x80) {
      const space = SPACE[byte]
      out[size] = LOWER[byte]
      size += 1 - (space & after)
      after = space
      continue
    }
    const blank = SPACE[byte] === 2 ? wideSpace(bytes, i, end) : 0
    if (blank > 0) {
      out[size] = 32
      size += 1 - after
      after = 1
      i += blank - 1
      continue
    }
    const span = width(bytes, i, end),
      change = lowerOf(point(bytes, i, span))
    if (change === STRING) return foldString(bytes, start, end)
    if (change !== 0) size = encode(change, out, size)
    else for (let k = 0; k < span; k++) out[size++] = bytes[i + k]
    after = 0
    i += span - 1
  }
  return size > 0 && after === 1 ? size - 1 : size
}

/** Writes one code point as UTF-8; returns the position after it. */
function encode(code: number, out: Uint8Array, at: number): number {
  if (code < 0x80) {
    out[at++] = code
  } else if (code < 0x800) {
    out[at++] = 0xc0 | (code >>> 6)
  } else {
    if (code < 0x10000) {
      out[at++] = 0xe0 | (code >>> 12)
    } else {
      out[at++] = 0xf0 | (code >>> 18)
      out[at++] = 0x80 | ((code >>> 12) & 63)
    }
    out[at++] = 0x80 | ((code >>> 6) & 63)
  }
  if (code >= 0x80) out[at++] = 0x80 | (code & 63)
  return at
}

/** `fold` by way of a string, for the few texts whose lower case depends on context. */
function foldString(bytes: Uint8Array, start: number, end: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
  const lower = encoder.encode(text.toLowerCase())
  const out = folded
  let size = 0
  for (let i = 0; i < lower.length; i++) {
    const kind = SPACE[lower[i]]
    const space = kind === 2 ? wideSpace(lower, i, lower.length) : kind
    if (space === 0) out[size++] = lower[i]
    else if (size > 0 && out[size - 1] !== 32) out[size++] = 32
    i += space === 0 ? 0 : space - 1
  }
  return size > 0 && out[size - 1] === 32 ? size - 1 : size
}

/**
 * `hash64` of the folded text: equal for texts that differ only in case and in white space. Chained by `state` in the
 * same way.
 */
export function foldedHash(bytes: Uint8Array, start: number, end: number, state: Uint32Array): void {
  const size = fold(bytes, start, end)
  hash64(folded, 0, size, state)
}
