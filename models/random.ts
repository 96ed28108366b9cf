/** Hashes and seeded random numbers, equal on every machine. */
import { hash32, mix32 } from '../engine/arrow/hash.ts'

const textEncoder = new TextEncoder()

/** Hash of two 32-bit integers in order (a then b); unsigned 32 bits. */
export function combine32(a: number, b: number): number {
  return mix32(Math.imul(a, 0x9e3779b1) ^ mix32(b ^ 0x7f4a7c15))
}

/** `hash32` of a string's UTF-8 bytes: for names and seeds, not for hot loops. */
export function hashString(text: string, seed = 0): number {
  const bytes = textEncoder.encode(text)
  return hash32(bytes, 0, bytes.length, seed)
}

/**
 * Fold in [0, folds) of a row whose prompt hashes to `promptHash`: rows of one prompt share a fold. `folds` is 1 to
 * 255.
 */
export function foldOf(promptHash: number, folds: number, seed = 0): number {
  return combine32(seed, promptHash) % folds
}

/**
 * Seeded random numbers (sfc32, Chris Doty-Humphrey, PractRand): period of at least 2^32, equal on every machine.
 * A class because it has state; two instances with one seed give one sequence.
 */
export class Random {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number) {
    this.a = mix32(seed)
    this.b = mix32(seed ^ 0x9e3779b9)
    this.c = mix32(seed ^ 0x243f6a88)
    for (let i = 0; i < 12; i++) this.uint32()
  }

  /** Integer, uniform in [0, 2^32). */
  uint32(): number {
    const t = (this.a + this.b + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0
    return t >>> 0
  }

  /** Uniform in [0, 1), 32 bits of it. */
  float(): number {
    return this.uint32() / 4294967296
  }

  /**
   * Integer in [0, limit), limit up to 2^32; some integers are likelier than others by a factor of at most 1 + limit /
   * 2^32.
   */
  below(limit: number): number {
    return Math.floor(this.float() * limit)
  }

  /** Standard normal (Box and Muller, one of the two). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.float())) * Math.cos(2 * Math.PI * this.float())
  }
}

/** Shuffles in place (Fisher and Yates) and returns the same array. */
export function shuffle(items: Uint32Array, random: Random): Uint32Array {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const swapped = items[i]
    items[i] = items[j]
    items[j] = swapped
  }
  return items
}
