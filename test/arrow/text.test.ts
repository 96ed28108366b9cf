/**
 * The byte-level measures against the plainest JavaScript of the same definitions, on texts that are as odd as
 * fast-check makes them.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { repetitionShare } from '../../engine/arrow/repetition.ts'
import { hash32, hash64, mix32 } from '../../engine/arrow/hash.ts'
import {
  countCodePoints,
  countWords,
  fold,
  foldedBytes,
  foldedHash,
  isAlphanumeric,
  isBlank,
  scanWords,
  specialShare,
} from '../../engine/arrow/text.ts'
import { countTokens } from '../../engine/arrow/tokens.ts'

const encoder = new TextEncoder(),
  decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** `text` as a range inside other bytes that would be read as part of it by any step too far. */
function within(text: string | Uint8Array): { bytes: Uint8Array; start: number; end: number } {
  const inner = typeof text === 'string' ? encoder.encode(text) : text
  const bytes = new Uint8Array(inner.length + 8)
  bytes.set([0x61, 0xe2, 0x80], 0)
  bytes.set(inner, 3)
  bytes.set([0x80, 0x80, 0xa0, 0x41, 0xa0], inner.length + 3)
  return { bytes, start: 3, end: inner.length + 3 }
}
const measure = <T>(of: (bytes: Uint8Array, start: number, end: number) => T, text: string | Uint8Array): T => {
  const { bytes, start, end } = within(text)
  return of(bytes, start, end)
}
const folded = (text: string | Uint8Array): string => {
  const size = measure(fold, text)
  return decoder.decode(foldedBytes().slice(0, size))
}
const hashOf = (...texts: readonly string[]): string => {
  const state = new Uint32Array([7, 9])
  for (const text of texts) measure((bytes, start, end) => foldedHash(bytes, start, end, state), text)
  return state.join()
}

// Unicode White_Space, spelled out: \s has one too many and one too few
const gap = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u
const slow = {
  words: (text: string) => text.split(gap).filter(word => word !== ''),
  special: (text: string) =>
    text === '' ? 0 : [...text].filter(character => !/[\p{L}\p{M}\p{N}]/u.test(character)).length / [...text].length,
  fold: (text: string) => slow.words(text.toLowerCase()).join(' '),
  repetition: (text: string, n: number) => {
    const words = slow.words(text.toLowerCase()),
      counts = new Map<string, number>()
    for (let i = 0; i + n <= words.length; i++) {
      const gram = words.slice(i, i + n).join(' ')
      counts.set(gram, (counts.get(gram) ?? 0) + 1)
    }
    const repeated = [...counts.values()].filter(count => count > 1).reduce((sum, count) => sum + count, 0)
    return words.length < n ? 0 : repeated / (words.length - n + 1)
  },
}

const odd = [
  ...('aAzZ09.,-\t\n\r \u0000\u001f\u0085\u00a0\u1680\u180e\u2000\u2003\u200a\u200b\u2028\u2029\u202f\u205f\u3000\ufeff\ufffd' +
    'ΣσςΑİıIßẞÉéѢКкǅĲȺȾKÅ中文，。字カなฝ한글´’“é\u0301\u0345ʰ'),
  '😀',
  '𐐀',
  '𝒳',
  '🇫🇷',
  '\u{1e900}',
  '\u{20000}',
  '\u{e0100}',
  '\u{10ffff}',
]
const text = fc.oneof(
  fc.array(fc.constantFrom(...odd), { maxLength: 40 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.array(fc.constantFrom('the', 'The', 'fox', '狐', 'Σ', ' '), { maxLength: 80 }).map(words => words.join(' ')),
  // long enough for the kernels: in ASCII alone, and with other characters somewhere
  fc
    .tuple(
      fc.array(fc.constantFrom('The', 'FOX', '@[`{', 'jumps,', '', '\t\n', 'over~', '\u0000\u007f\u001f'), {
        minLength: 20,
        maxLength: 120,
      }),
      fc.array(fc.constantFrom(...odd), { maxLength: 3 }),
    )
    .map(([words, others]) => `${words.join(' ')}${others.join('')}${words.slice(9).join(others.at(0) ?? '')}`),
)
const always = { numRuns: 2000 }

describe('measures of UTF-8', () => {
  it('counts code points', () =>
    fc.assert(
      fc.property(text, value => {
        expect(measure(countCodePoints, value)).toBe([...value].length)
      }),
      always,
    ))

  it('counts and finds words', () =>
    fc.assert(
      fc.property(text, value => {
        const words = slow.words(value),
          starts = new Uint32Array(100),
          ends = new Uint32Array(100)
        expect(measure(countWords, value)).toBe(words.length)
        const { bytes, start, end } = within(value)
        expect(scanWords(bytes, start, end, starts, ends)).toBe(words.length)
        expect(words.map((_, k) => decoder.decode(bytes.subarray(starts[k], ends[k])))).toEqual(words)
      }),
      always,
    ))

  it('says how many words there are when they do not fit', () => {
    const starts = new Uint32Array(1),
      ends = new Uint32Array(1)
    expect(scanWords(encoder.encode('a b c'), 0, 5, starts, ends)).toBe(3)
    expect([starts[0], ends[0]]).toEqual([0, 1])
  })

  it('knows a blank text', () =>
    fc.assert(
      fc.property(text, value => {
        expect(measure(isBlank, value)).toBe(slow.words(value).length === 0)
      }),
      always,
    ))

  it('measures the share of what is no letter', () =>
    fc.assert(
      fc.property(text, value => {
        expect(measure(specialShare, value)).toBe(slow.special(value))
      }),
      always,
    ))

  it('knows every letter, mark and number', () => {
    const wrong = []
    for (let code = 0; code < 0x110000; code += code === 0xd7ff ? 0x801 : 1) {
      if (isAlphanumeric(code) !== /[\p{L}\p{M}\p{N}]/u.test(String.fromCodePoint(code))) wrong.push(code)
    }
    expect(wrong).toEqual([])
  })

  it('folds case and white space', () =>
    fc.assert(
      fc.property(text, value => {
        expect(folded(value)).toBe(slow.fold(value))
      }),
      always,
    ))

  it('folds every character there is, in short texts and in long ones', () => {
    const wrong = [],
      more = 'And so on. '.repeat(7)
    for (let code = 0; code < 0x110000; code += code === 0xd7ff ? 0x801 : 1) {
      const character = String.fromCodePoint(code)
      for (const text of [`x${character}x`, `x${character}x${more}`]) {
        if (folded(text) !== slow.fold(text)) wrong.push(code)
      }
    }
    expect(wrong).toEqual([])
  })

  it('hashes equal texts, folded, to equal hashes and others to others', () =>
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(hashOf(a) === hashOf(b)).toBe(slow.fold(a) === slow.fold(b))
        expect(hashOf(` ${a.toUpperCase().toLowerCase()}\n`)).toBe(hashOf(a.toUpperCase().toLowerCase()))
      }),
      always,
    ))

  it('gives ASCII the same hash on the path of strings', () =>
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), value => {
        // a sigma sends the whole text through a string
        expect(folded(`${value} Σ`)).toBe(`${slow.fold(`${value} x`).slice(0, -1)}σ`)
        expect(hashOf(value)).toBe(hashOf(slow.fold(value)))
      }),
    ))

  it('chains hashes without ambiguity', () => {
    const chains = [
      ['a'],
      ['a\0'],
      ['a\0\0'],
      ['\0'],
      [''],
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['abc', ''],
      ['', 'abc'],
      ['', '', 'abc'],
      ['c', 'ab'],
      ['a', 'b', 'c'],
      [],
    ]
    expect(new Set(chains.map(chain => hashOf(...chain))).size).toBe(chains.length)
  })

  it('measures repetition as counting n-grams of strings does', () =>
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 12 }), (value, n) => {
        expect(measure((bytes, start, end) => repetitionShare(bytes, start, end, n), value)).toBe(
          slow.repetition(value, n),
        )
      }),
      always,
    ))

  it('tells n-grams apart that hold the same words', () => {
    // 8 numbers of 0 and 1 in every order: all distinct as 8-grams only if order counts
    const grams = Array.from({ length: 256 }, (_, i) => [...i.toString(2).padStart(8, '0')].join(' '))
    for (const n of [8, 10]) {
      const value = grams.join(' ')
      expect(measure((bytes, start, end) => repetitionShare(bytes, start, end, n), value)).toBe(
        slow.repetition(value, n),
      )
    }
  })

  it('measures bytes that are no UTF-8, inside their range only', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.uint8Array({ maxLength: 8 }), (inner, after) => {
        const all = (tail: Uint8Array) => {
          const bytes = new Uint8Array([...inner, ...tail]),
            state = new Uint32Array(2)
          foldedHash(bytes, 0, inner.length, state)
          return [
            countWords(bytes, 0, inner.length),
            specialShare(bytes, 0, inner.length),
            Number(isBlank(bytes, 0, inner.length)),
            repetitionShare(bytes, 0, inner.length, 2),
            countTokens(bytes, 0, inner.length),
            hash32(bytes, 0, inner.length, 1),
            ...state,
          ]
        }
        expect(all(after)).toEqual(all(new Uint8Array(0)))
        expect(all(after).every(Number.isFinite)).toBe(true)
      }),
      always,
    ))

  it('measures long texts as it measures short ones, whatever bytes they are of', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 4 }), (inner, after) => {
        // the same bytes behind ten words, which send them through the kernels
        const before = 'A short text. '.repeat(6),
          long = new Uint8Array([...encoder.encode(`${before}x`), ...inner, ...after]),
          short = new Uint8Array([0x78, ...inner, ...after])
        const end = long.length - after.length,
          shortEnd = short.length - after.length,
          words = before.trim().split(' ').length
        expect(countWords(long, 0, end)).toBe(words + countWords(short, 0, shortEnd))
        expect(countTokens(long, 0, end)).toBe(words + countTokens(short, 0, shortEnd))
        const foldOf = (bytes: Uint8Array, to: number) => {
          const size = fold(bytes, 0, to)
          return [...foldedBytes().slice(0, size)]
        }
        expect(foldOf(long, end)).toEqual([...encoder.encode(before.toLowerCase()), ...foldOf(short, shortEnd)])
      }),
      always,
    ))

  it('does not complete a broken character from what comes after', () => {
    for (const [inner, after] of [
      [[0xc2], [0xa0]],
      [[0xe2, 0x80], [0x80]],
      [[0xe2], [0x80, 0x80]],
      [[0xe3, 0x80], [0x80]],
      [[0xe1, 0x9a], [0x80]],
    ]) {
      const bytes = new Uint8Array([...inner, ...after])
      expect([
        countWords(bytes, 0, inner.length),
        isBlank(bytes, 0, inner.length),
        fold(bytes, 0, inner.length),
      ]).toEqual([1, false, inner.length])
    }
  })

  it('measures a broken byte as U+FFFD', () => {
    expect(measure(specialShare, new Uint8Array([0x61, 0xff, 0x62, 0xe4, 0xb8]))).toBe(3 / 5)
    expect(measure(specialShare, new Uint8Array([0xf4, 0x9f, 0xbf, 0xbf]))).toBe(1)
  })
})

describe('hashes', () => {
  it('is MurmurHash3 where it says so', () => {
    const murmur = (value: string, seed: number) =>
      measure((bytes, start, end) => hash32(bytes, start, end, seed), value)
    expect(murmur('', 0)).toBe(0)
    expect(murmur('', 1)).toBe(0x514e28b7)
    expect(murmur('hello', 0)).toBe(0x248bfa47)
    expect(murmur('hello, world', 0)).toBe(0x149bbb7f)
    expect(murmur('The quick brown fox jumps over the lazy dog', 0x9747b28c)).toBe(0x2fa826cd)
  })

  it('spreads 64 bits: no bit, lane or neighbour repeats over 200,000 short keys', () => {
    const bytes = new Uint8Array(4),
      state = new Uint32Array(2),
      seen = new Set<bigint>(),
      ones = new Float64Array(64)
    const lanes = [new Set<number>(), new Set<number>()],
      n = 200_000
    for (let i = 0; i < n; i++) {
      new DataView(bytes.buffer).setUint32(0, i, true)
      state.fill(0)
      hash64(bytes, 0, i < 65_536 ? 2 : i < 100_000 ? 3 : 4, state)
      seen.add((BigInt(state[0]) << 32n) | BigInt(state[1]))
      for (const lane of [0, 1]) {
        lanes[lane].add(state[lane])
        for (let bit = 0; bit < 32; bit++) ones[32 * lane + bit] += (state[lane] >>> bit) & 1
      }
    }
    expect(seen.size).toBe(n)
    for (const lane of lanes) expect(n - lane.size).toBeLessThan(25) // 4.7 expected of a random lane
    for (const count of ones) expect(Math.abs(count - n / 2)).toBeLessThan(6 * Math.sqrt(n / 4))
  })

  it('mixes 32 bits one to one', () => {
    const seen = new Set<number>()
    for (let i = 0; i < 100_000; i++) seen.add(mix32(i))
    expect(seen.size).toBe(100_000)
    expect(mix32(1)).toBe(0x514e28b7)
  })
})

describe('tokens', () => {
  it('counts words where there are spaces and characters where there are none', () => {
    const count = (value: string) => measure(countTokens, value)
    expect(count('two words')).toBe(2)
    expect(count('你好，世界。')).toBe(4)
    expect(count('我用 GPT-4 写的')).toBe(5)
    expect(count('これはペンです')).toBe(7)
    expect(count('안녕 세계')).toBe(2)
    expect(count('“quoted” – naïve café')).toBe(4)
  })

  it('is the number of words without such characters', () =>
    fc.assert(
      fc.property(text, value => {
        const plain = value.replace(
          /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u1aaf\u2e80-\u2fdf\u3001-\u9fff\uf900-\ufaff\uff00-\uff9f\u{1b000}-\u{1b16f}\u{20000}-\u{3fffd}]/gu,
          'x',
        )
        expect(measure(countTokens, plain)).toBe(measure(countWords, plain))
      }),
    ))
})
