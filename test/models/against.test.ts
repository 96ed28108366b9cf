/** What speaks against a label: parts that add up to the margin, and words by the columns that features give them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namesOfWords, styleAgainst, wordsAgainst, worstParts } from '../../models/against.ts'
import { headJudge, type Heads } from '../../models/heads.ts'
import { combine32 } from '../../models/random.ts'
import type { DenseRows } from '../../models/rows.ts'
import { STYLE_COLUMNS } from '../../models/style.ts'
import { TextSide, tokenHash } from '../../models/tokens.ts'

const COLUMNS = 1 << 18

describe('the parts of a margin', () => {
  const heads: Heads = {
    columns: 5,
    fits: 2,
    folds: 2,
    used: Uint32Array.of(0, 2, 3),
    // by used column, then fit, then fold
    weights: Float32Array.of(1, 2, 3, 4, -1, -2, -3, -4, 0.5, 0.5, -0.5, -1),
  }
  const rows = (...values: number[]): DenseRows => ({
    layout: 'dense',
    columns: 5,
    length: 1,
    values: Float32Array.from(values),
  })

  it('add up to it, with those of the same row turned round', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 5, maxLength: 5 }),
        fc.constantFrom(0, 1),
        fc.constantFrom(0, 1),
        (values, one, other) => {
          const row = rows(...values),
            mirrored = rows(...values.map(value => -value)),
            sum = (of: DenseRows) => worstParts(heads, of, 0, [one, other], 9).reduce((n, { part }) => n + part, 0)
          const margins = headJudge(heads)(row, [Uint8Array.of(one), Uint8Array.of(other)])
          expect(sum(row) - sum(mirrored)).toBeCloseTo((margins[0][0] + margins[1][0]) / 2, 5)
        },
      ),
    )
  })

  it('come worst first, and no more than are asked for', () => {
    const parts = worstParts(heads, rows(-1, 0, 1, 1, 7), 0, [0, 1], 2)
    expect(parts.map(({ column, part }) => [column, part])).toEqual([
      [0, -2.5],
      [2, -2.5],
    ])
  })

  it('are said in words, of the side that has them', () => {
    const part = (text: string, value: number) => ({ column: tokenHash(text) & (COLUMNS - 1), value, part: -1 })
    const pair = combine32(tokenHash('so'), tokenHash('sorry')) & (COLUMNS - 1)
    expect(
      wordsAgainst(
        [part('sorry', 1), { column: pair, value: 1, part: -1 }, part('sure', -1), part('unseen', 1)],
        'I am so SORRY.',
        'Sure!',
        COLUMNS,
      ),
    ).toBe('chosen says "sorry", "so sorry"; rejected says "sure"')
    const at = STYLE_COLUMNS.indexOf('log_refusals')
    expect(
      styleAgainst([
        { column: at, value: 2, part: -1 },
        { column: 0, value: -1, part: -1 },
      ]),
    ).toBe('chosen has more refusals, less characters')
  })
})

describe('words', () => {
  it('have the columns that features give them, in any script', () => {
    const texts = [
      'Mixed CASE, with 12 numbers… and “quotes” — and a_b',
      '日本語のテキストと、漢字。 and English',
      '한국어 문장 하나, 둘',
      'emoji 🙂 here',
      'Ünïcödé ſtraße Ελληνικά Русский',
    ]
    for (const text of texts) {
      const bytes = new TextEncoder().encode(text),
        side = new TextSide(),
        names = namesOfWords(text, COLUMNS)
      side.read(bytes, 0, bytes.length)
      const unnamed = [...side.hashes.subarray(0, side.count)].filter(hash => !names.has(hash & (COLUMNS - 1)))
      expect(unnamed, text).toEqual([])
    }
  })
})
