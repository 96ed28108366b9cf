/**
 * Measures of UTF-8, sixteen bytes of ASCII at a time: AssemblyScript, compiled by `npm run kernels` into engine/arrow/kernels.ts. Each gives what its namesake in
 * engine/arrow/text.ts gives, or -1 for a text that is for the slower way there.
 */

// @ts-ignore: decorator
@inline function blanks(chunk: v128): v128 {
  return v128.or(i8x16.eq(chunk, i8x16.splat(32)), i8x16.lt_u(i8x16.sub(chunk, i8x16.splat(9)), i8x16.splat(5)))
}

// @ts-ignore: decorator
@inline function isBlank(byte: u32): u32 { return u32(byte == 32) | u32(byte - 9 < 5) }

// @ts-ignore: decorator
@inline function byteAt(at: usize): u32 { return u32(load<u8>(at)) }

/** Bytes of the white space beyond ASCII at `at`, 0 if there is none. */
function wideBlank(at: usize, end: usize): u32 {
  if (at + 2 > end) return 0
  const lead = byteAt(at), second = byteAt(at + 1)
  if (lead == 0xc2) return second == 0x85 || second == 0xa0 ? 2 : 0
  if (at + 3 > end) return 0
  const third = byteAt(at + 2)
  if (lead == 0xe1) return second == 0x9a && third == 0x80 ? 3 : 0
  if (lead == 0xe3) return second == 0x80 && third == 0x80 ? 3 : 0
  if (lead != 0xe2) return 0
  if (second == 0x81) return third == 0x9f ? 3 : 0
  return second == 0x80 && ((third >= 0x80 && third <= 0x8a) || third == 0xa8 || third == 0xa9 || third == 0xaf) ? 3 : 0
}

/** Words of bytes[start, end). */
export function countWords(start: usize, end: usize): i32 {
  let count: u32 = 0, before: u32 = 1, at = start
  while (at < end) {
    if (at + 16 <= end) {
      const chunk = v128.load(at)
      if (i8x16.bitmask(chunk) == 0) {
        const mask = u32(i8x16.bitmask(blanks(chunk)))
        // a word begins where there is no blank and one before it
        count += popcnt((mask << 1 | before) & ~mask & 0xffff)
        before = mask >> 15
        at += 16
        continue
      }
    }
    // the same for what is left, or until sixteen bytes are behind
    for (const stop = min(end, at + 16); at < stop;) {
      const byte = byteAt(at), size = byte < 128 ? 0 : wideBlank(at, end), blank = byte < 128 ? isBlank(byte) : u32(size > 0)
      count += before & ~blank
      before = blank
      at += max<u32>(size, 1)
    }
  }
  return i32(count)
}

/** Letters and digits in bytes[start, end); -1 if not all is ASCII. */
export function countAlphanumeric(start: usize, end: usize): i32 {
  let count = 0, at = start
  for (; at + 16 <= end; at += 16) {
    const chunk = v128.load(at)
    if (i8x16.bitmask(chunk) != 0) return -1
    const letters = i8x16.lt_u(i8x16.sub(v128.or(chunk, i8x16.splat(32)), i8x16.splat(97)), i8x16.splat(26))
    const digits = i8x16.lt_u(i8x16.sub(chunk, i8x16.splat(48)), i8x16.splat(10))
    count += popcnt(i8x16.bitmask(v128.or(letters, digits)))
  }
  for (; at < end; at++) {
    const byte = byteAt(at)
    if (byte >= 128) return -1
    count += u32((byte | 32) - 97 < 26) | u32(byte - 48 < 10)
  }
  return count
}

/** 1 if a byte of 0xe0 or more is there, with which characters from U+0800 on begin, else 0. */
export function hasWide(start: usize, end: usize): i32 {
  let at = start
  for (; at + 16 <= end; at += 16) if (v128.any_true(i8x16.ge_u(v128.load(at), i8x16.splat(<i8>0xe0)))) return 1
  for (; at < end; at++) if (byteAt(at) >= 0xe0) return 1
  return 0
}

/**
 * Bytes of the character beyond ASCII at `at`, if its lower case is itself or, in the block of 0xc3, 32 more. 0 for all that is not UTF-8 or has cases of other kinds.
 * Known are U+0080 to U+00FF, U+2000 to U+203F (quotes, dashes) and U+3000 to U+9FFF (kana, Chinese).
 */
function known(at: usize, end: usize): u32 {
  const lead = byteAt(at)
  if (at + 2 > end || (byteAt(at + 1) & 0xc0) != 0x80) return 0
  if (lead == 0xc2 || lead == 0xc3) return 2
  if (at + 3 > end || (byteAt(at + 2) & 0xc0) != 0x80) return 0
  return (lead == 0xe2 && byteAt(at + 1) == 0x80) || (lead >= 0xe3 && lead <= 0xe9) ? 3 : 0
}

/** Writes bytes[start, end) folded to `to`, where 16 bytes more must be free; gives how many there are, -1 if a character is not `known`. */
export function fold(start: usize, end: usize, to: usize): i32 {
  let after: u32 = 1, out = to, at = start
  while (at < end) {
    if (at + 16 <= end) {
      const chunk = v128.load(at)
      if (i8x16.bitmask(chunk) == 0) {
        const space = blanks(chunk), mask = u32(i8x16.bitmask(space))
        // no blank after another: all sixteen stay
        if ((mask & (mask << 1 | after)) == 0) {
          const capital = i8x16.lt_u(i8x16.sub(chunk, i8x16.splat(65)), i8x16.splat(26))
          v128.store(out, v128.bitselect(i8x16.splat(32), v128.or(chunk, v128.and(capital, i8x16.splat(32))), space))
          out += 16
          at += 16
          after = mask >> 15
          continue
        }
      }
    }
    for (const stop = min(end, at + 16); at < stop;) {
      const byte = byteAt(at)
      if (byte < 128) {
        const blank = isBlank(byte)
        store<u8>(out, blank ? 32 : byte - 65 < 26 ? byte | 32 : byte)
        out += 1 - (blank & after)
        after = blank
        at++
        continue
      }
      const size = known(at, end)
      if (size == 0) return -1
      if (wideBlank(at, end)) {
        store<u8>(out, 32)
        out += 1 - after
        after = 1
      } else {
        const second = byteAt(at + 1)
        store<u8>(out, byte)
        store<u8>(out + 1, byte == 0xc3 && second <= 0x9e && second != 0x97 ? second + 32 : second)
        if (size == 3) store<u8>(out + 2, byteAt(at + 2))
        out += size
        after = 0
      }
      at += size
    }
  }
  return i32(out - to) - i32(out > to && after)
}
