/** The stages that judge a pair by its own bytes: their examples, their limits, and that batches make no difference. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import dropLength from '../../stages/check/drop_length.ts'
import dropLengthRatio from '../../stages/check/drop_length_ratio.ts'
import dropRepetition from '../../stages/check/drop_repetition.ts'
import type { AnyStage } from '../../engine/contract/define.ts'
import { dropped, reasonsOf } from '../dedup/helpers.ts'

const stages = [dropLength, dropLengthRatio, dropRepetition] as unknown as AnyStage[]
const words = (n: number) => Array.from({ length: n }, (_, i) => `w${i}`).join(' ')
const pair = (chosen: string, rejected: string) => ({ prompt: 'p', chosen, rejected })

describe.each(stages)('$name', stage => {
  it.each(stage.examples)('$title', async ({ rows, options, kept, dropped: wanted = {} }) => {
    const reasons = reasonsOf(await dropped(stage, rows, options))
    expect(reasons).toEqual(wanted)
    expect(rows.map((_, i) => i).filter(i => !(i in reasons))).toEqual(kept)
  })

  const text = fc
    .array(fc.constantFrom('a', 'the', '!!', '你好', 'word', '\u00a0', '\n'), { maxLength: 20 })
    .map(parts => parts.join(' '))
  it('says the same of a row in any batch', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (texts, size) => {
          const rows = texts.map(([chosen, rejected]) => pair(chosen, rejected))
          expect(await dropped(stage, rows, {}, size)).toEqual(await dropped(stage, rows))
        },
      ),
    ))
})

describe('drop_length', () => {
  const stage = dropLength as unknown as AnyStage
  it('keeps what is just at its limits, and says how long the worse side is', async () => {
    const rows = [
      pair(words(3), words(2000)),
      pair(words(2), words(5)),
      pair(words(5), words(2)),
      pair(words(2001), words(5)),
      pair('', words(4)),
    ]
    const drops = await dropped(stage, rows)
    expect(reasonsOf(drops)).toEqual({ 1: 'too_short', 2: 'too_short', 3: 'too_long', 4: 'too_short' })
    expect([1, 2, 3, 4].map(row => drops.get(row)!.value)).toEqual([2, 2, 2001, 0])
  })
  it('counts characters where there are no spaces, unless told not to', async () => {
    const rows = [pair('水是氢和氧。', '我完全不知道。'), pair('是', '不是')]
    expect(reasonsOf(await dropped(stage, rows))).toEqual({ 1: 'too_short' })
    expect(reasonsOf(await dropped(stage, rows, { unspaced: 'spaces' }))).toEqual({ 0: 'too_short', 1: 'too_short' })
  })
})

describe('drop_length_ratio', () => {
  const stage = dropLengthRatio as unknown as AnyStage
  it('drops what is above the ratio, on either side where asked to', async () => {
    const drops = await dropped(
      stage,
      [
        pair(words(40), words(10)),
        pair(words(41), words(10)),
        pair(words(10), words(41)),
        pair('', words(4)),
        pair('', words(5)),
      ],
      { max_ratio: 4, longer: 'either' },
    )
    expect(reasonsOf(drops)).toEqual({ 1: 'length_ratio', 2: 'length_ratio', 4: 'length_ratio' })
    expect(drops.get(2)!.value).toBe(4.1)
    const chosen = await dropped(stage, [pair(words(41), words(10)), pair(words(10), words(41))], { max_ratio: 4 })
    expect(reasonsOf(chosen)).toEqual({ 0: 'length_ratio' })
  })
})

describe('drop_repetition', () => {
  const stage = dropRepetition as unknown as AnyStage
  const loop = (n: number) => Array.from({ length: n }, () => 'go on').join(' ')
  it('looks at both sides where asked to, symbols first', async () => {
    const drops = await dropped(
      stage,
      [
        pair(loop(20), '# '.repeat(30)),
        pair('fine words', loop(20)),
        pair('%'.repeat(9), loop(20)),
        pair('abcd ++++', 'abcde++++'),
      ],
      { side: 'either', max_special: 0.5 },
    )
    expect(reasonsOf(drops)).toEqual({ 0: 'special', 1: 'repetition', 2: 'special', 3: 'special' })
    expect(drops.get(1)!.value).toBe(1)
    expect(drops.get(3)!.value).toBe(5 / 9)
  })
  it('looks at the chosen side alone unless asked for, and takes numbers for answers', async () => {
    expect(
      reasonsOf(await dropped(stage, [pair('fine words', '%'.repeat(9)), pair('%'.repeat(9), 'fine words')])),
    ).toEqual({ 1: 'special' })
    const numbers = ['63', '5, 8, 3, 5', '2 + 2 = 4', '$10, $10, $20', '٤٢', '½']
    expect(
      reasonsOf(
        await dropped(
          stage,
          numbers.map(answer => pair(answer, 'no idea')),
        ),
      ),
    ).toEqual({})
  })
  it('keeps what is just at its limits', async () => {
    expect(reasonsOf(await dropped(stage, [pair('abc+++', 'abc+++')], { max_special: 0.5 }))).toEqual({})
    // 3-grams: a b c, b c a, c a b, a b c: two of four occur twice
    expect(reasonsOf(await dropped(stage, [pair('a b c a b c', 'plain')], { words: 3 }))).toEqual({})
    expect(reasonsOf(await dropped(stage, [pair('a b c a b c', 'plain')], { words: 3, max_repetition: 0.49 }))).toEqual(
      { 0: 'repetition' },
    )
  })
})
