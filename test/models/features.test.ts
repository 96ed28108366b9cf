/** Feature rows mean what they say, and are negated when the sides change places. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CharFeatures } from '../../models/chars.ts'
import { createFeaturiser, FEATURE_KINDS } from '../../models/features.ts'
import { STYLE_COLUMNS, StyleFeatures } from '../../models/style.ts'
import { TextSide, tokenHash } from '../../models/tokens.ts'
import { WordFeatures } from '../../models/words.ts'
import { pairOf } from './helpers.ts'

const capacity = { max_rows: 1000, max_values: 100_000 }
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        'the',
        'The',
        'SORRY',
        'I',
        'cannot',
        '12',
        '- a',
        '\n',
        '\n\n',
        '。',
        '中',
        '!',
        '?',
        '```',
        'naïve',
        '🙂',
      ),
      { maxLength: 40 },
    )
    .map(words => words.join(' ')),
)

function tokens(
  source: string | Uint8Array,
  max_tokens?: number,
): { hashes: number[]; sizes: number[]; capitals: number[] } {
  const bytes = typeof source === 'string' ? new TextEncoder().encode(source) : source
  const side = new TextSide(max_tokens)
  side.read(bytes, 0, bytes.length)
  const list = (array: Uint8Array | Uint32Array) => [...array.subarray(0, side.count)]
  return { hashes: list(side.hashes), sizes: list(side.sizes), capitals: list(side.capitals) }
}

const words = (...expected: string[]) => expected.map(tokenHash)

test('tokens are lower-cased words, single CJK characters and single emoji', () => {
  expect(tokens("Hello, wORLD2!  it's").hashes).toEqual(words('hello', 'world2', 'it', 's'))
  expect(tokens('Zoë na\u00efve').hashes).toEqual(words('Zoë', 'naïve'))
  expect(tokens('你好，world。ok').hashes).toEqual(words('你', '好', 'world', 'ok'))
  expect(tokens('どう？').hashes).toEqual(words('ど', 'う'))
  expect(tokens('한국 말').hashes).toEqual(words('한국', '말'))
  expect(tokens('yes🙂no “don’t”').hashes).toEqual(words('yes', '🙂', 'no', 'don', 't'))
  expect(tokens('AI Is OK é').capitals).toEqual([1, 0, 1, 0])
  expect(tokens('naïve 中 abc').sizes).toEqual([5, 1, 3])
})

test('ill-formed and cut UTF-8 is taken as it comes, and no more than max_tokens are listed', () => {
  expect(tokens(Uint8Array.of(0xe4, 0xbd)).hashes).toHaveLength(1)
  expect(tokens(Uint8Array.of(0x80, 0x20, 0xf0, 0x9f)).hashes).toHaveLength(2)
  expect(tokens('a b c 中 d', 2).hashes).toEqual(words('a', 'b'))
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), (bytes, cut) => {
      const end = Math.min(cut, bytes.length)
      const side = new TextSide()
      side.read(bytes, 0, end)
      expect([...side.hashes.subarray(0, side.count)]).toEqual(tokens(bytes.slice(0, end)).hashes)
    }),
  )
})

test.each(FEATURE_KINDS.map(kind => [kind]))(
  '%s: swapping the sides negates the row exactly, equal sides give zeros',
  kind => {
    const features = createFeaturiser(kind, capacity)
    fc.assert(
      fc.property(text, text, text, (prompt, a, b) => {
        features.clear()
        features.append(pairOf(prompt, a, b))
        features.append(pairOf(prompt, b, a))
        features.append(pairOf(prompt, a, a))
        const rows = features.view()
        if (rows.layout === 'sparse') {
          const [, one, two, three] = rows.indptr
          expect(rows.indices.slice(one, two)).toEqual(rows.indices.slice(0, one))
          expect(rows.values.slice(one, two)).toEqual(rows.values.slice(0, one).map(value => -value))
          expect(three).toBe(two)
          const square = rows.values.slice(0, one).reduce((sum, value) => sum + value * value, 0)
          if (one > 0) expect(square).toBeCloseTo(1, 5)
          expect(rows.values.every(value => value !== 0)).toBe(true)
          for (let k = 1; k < one; k++) expect(rows.indices[k]).toBeGreaterThan(rows.indices[k - 1])
        } else {
          const width = rows.columns
          for (let c = 0; c < width; c++) {
            expect(rows.values[width + c] + rows.values[c]).toBe(0)
            expect(rows.values[2 * width + c]).toBe(0)
            expect(Number.isFinite(rows.values[c])).toBe(true)
          }
        }
      }),
    )
  },
)

test.each(FEATURE_KINDS.map(kind => [kind]))('%s: a row does not depend on the rows before it', kind => {
  const after = createFeaturiser(kind, capacity)
  fc.assert(
    fc.property(text, text, text, (prompt, a, b) => {
      const fresh = createFeaturiser(kind, capacity)
      fresh.append(pairOf(prompt, a, b))
      after.clear()
      after.append(pairOf(prompt, a, b))
      expect(after.view()).toEqual(fresh.view())
    }),
    { numRuns: 25 },
  )
})

test('words: the difference of 1 + log tf over words and neighbours', () => {
  const features = new WordFeatures(capacity)
  features.append(pairOf('', 'yes yes no', 'no'))
  const { values } = features.view()
  // yes 1 + log 2; yes-yes 1; yes-no 1; no cancels
  const raw = [1 + Math.log(2), 1, 1]
  const norm = Math.hypot(...raw)
  expect([...values].sort()).toEqual(
    raw
      .map(value => Math.fround(value / norm))
      .sort()
      .map(value => expect.closeTo(value, 6)),
  )
})

test('style: columns mean what they are called', () => {
  const features = new StyleFeatures(capacity)
  const measure = (chosen: string, prompt = '') => {
    features.clear()
    features.append(pairOf(prompt, chosen, ''))
    return Object.fromEntries(STYLE_COLUMNS.map((name, c) => [name, features.view().values[c]]))
  }
  const counted = (count: number) => expect.closeTo(Math.log1p(count), 5)
  const listed = measure('I am SORRY, but I cannot: 1,234 (no)!\n\n- first\n2. second\n```js\nx\n```')
  expect(listed).toMatchObject({
    log_first_person: counted(2),
    log_refusals: counted(2),
    log_capital_words: counted(1),
    log_commas: counted(2),
    log_colons: counted(1),
    log_exclamations: counted(1),
    log_questions: counted(0),
    log_brackets: counted(1),
    log_lines: counted(6),
    log_paragraphs: counted(1),
    log_list_lines: counted(2),
    log_code_fences: counted(2),
    log_numbers: counted(3),
    log_negations: counted(1),
    log_connectives: counted(2),
    starts_with_capital: 1,
    ends_with_stop: 0,
  })
  expect(measure('aa bb aa bb', 'aa cc')).toMatchObject({
    log_words: counted(4),
    word_length: 2,
    type_token_ratio: 0.5,
    repeated_bigram_share: 0.25,
    share_in_prompt: 0.5,
    prompt_share_covered: 0.5,
    short_word_share: 1,
    log_sentences: 0,
    starts_with_capital: 0,
  })
  expect(measure('好吗？好。')).toMatchObject({
    log_questions: counted(1),
    log_sentences: counted(2),
    ends_with_stop: 1,
    non_ascii_share: 1,
    log_characters: counted(5),
    log_words: counted(3),
  })
  expect(measure('Sooooo good. Yes.  ')).toMatchObject({
    log_longest_run: counted(2),
    log_sentences: counted(2),
    ends_with_stop: 1,
  })
})

test('a featuriser stops at its capacity; an unknown kind is refused with those there are', () => {
  const features = createFeaturiser('style', { max_rows: 1, max_values: 0 })
  expect([features.append(pairOf('', 'a', 'b')), features.append(pairOf('', 'a', 'b'))]).toEqual([true, false])
  expect(() => createFeaturiser('wrods', capacity)).toThrow(
    'models: unknown feature kind "wrods"; there are chars, style, words',
  )
})

test('chars: runs of 3 to 5 characters, lower-cased, spaces as one, with a space at either end', () => {
  const features = createFeaturiser('chars', capacity)
  const sizeOf = (chosen: string, rejected: string) => {
    features.clear()
    features.append(pairOf('', chosen, rejected))
    return features.view().values.length
  }
  // " abc ": 3 runs of 3, 2 of 4, 1 of 5
  expect(sizeOf('abc', '')).toBe(6)
  expect(sizeOf('abc', ' ABC \n')).toBe(0)
  expect(sizeOf('a  b', 'a\nb')).toBe(0)
  expect(sizeOf('你好', '')).toBe(3)
  expect(sizeOf('你', '好')).toBe(2)
  expect(sizeOf('', '')).toBe(0)
  // what lies beyond the first 4,096 characters does not count
  expect(sizeOf(`${'ab'.repeat(2100)}x`, `${'ab'.repeat(2100)}y`)).toBe(0)
  expect(() => new CharFeatures(capacity, 1000)).toThrow('columns is 1000, must be a power of two')
})
