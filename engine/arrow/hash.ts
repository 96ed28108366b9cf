/** Hashes of bytes and integers: the same on every machine, seeded, not cryptographic. */

/** MurmurHash3 x86 32 of a range: 32 bits, unsigned. Source: A. Appleby, MurmurHash3 (public domain). */
export function hash32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let h = seed | 0,
    i = start
  for (; i + 4 <= end; i += 4) {
    h ^= scramble(bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24))
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
  }
  let rest = 0
  for (let shift = 0; i < end; i++, shift += 8) rest |= bytes[i] << shift
  return mix32(h ^ scramble(rest) ^ (end - start))
}

function scramble(word: number): number {
  const k = Math.imul(word, 0xcc9e2d51)
  return Math.imul((k << 15) | (k >>> 17), 0x1b873593)
}

/**
 * A bijection of 32 bits in which each bit of the input reaches every bit of the output (MurmurHash3's finaliser).
 * Unsigned.
 */
export function mix32(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/**
 * 64-bit hash of a range, chained: reads its seed from `state[0]` and `state[1]` and puts the result there. Each call
 * ends with the length, so hashing 'ab' then 'c' differs from 'a' then 'bc', and an empty text counts. Two lanes built
 * like MurmurHash3 that feed each other; not cryptographic.
 */
export function hash64(bytes: Uint8Array, start: number, end: number, state: Uint32Array): void {
  let a = state[0] | 0,
    b = state[1] | 0,
    i = start
  while (i < end) {
    let word: number
    if (i + 4 <= end) {
      word = bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
    } else {
      word = bytes[i]
      if (i + 1 < end) word |= bytes[i + 1] << 8
      if (i + 2 < end) word |= bytes[i + 2] << 16
    }
    a ^= scramble(word)
    a = (Math.imul((((a << 13) | (a >>> 19)) + b) | 0, 5) + 0xe6546b64) | 0
    b ^= Math.imul(word, 0x9e3779b1)
    b = Math.imul((((b << 17) | (b >>> 15)) + a) | 0, 0x2c1b3c6d)
    i += 4
  }
  a ^= end - start
  b = (b + a) | 0
  a = mix32(a + b) | 0
  b = mix32(b + a) | 0
  state[0] = a + b
  state[1] = b
}
