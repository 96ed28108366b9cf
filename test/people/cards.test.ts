/** Cards of pairs: what is marked, and that nothing in the data is obeyed. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cardHtml, markedHtml } from '../../engine/report/cards.ts'
import { html } from '../../engine/report/html.ts'

const bare = (marked: string) => marked.replace(/<\/?mark>/g, '')

describe('markedHtml', () => {
  it('marks the words that one side alone has', () => {
    expect(markedHtml('The tree is green and tall.', 'The tree is red and tall.')).toEqual({
      chosen: 'The tree is <mark>green</mark> and tall.',
      rejected: 'The tree is <mark>red</mark> and tall.',
      isMarked: true,
    })
  })

  it('marks single characters of scripts without spaces', () => {
    const { chosen, rejected } = markedHtml('今天天气很好', '今天天气不好')
    expect([chosen, rejected]).toEqual(['今天天气<mark>很</mark>好', '今天天气<mark>不</mark>好'])
  })

  it('marks nothing where the sides are too unlike, or the comparison would take long', () => {
    expect(markedHtml('One two three four.', 'Five six seven eight!')).toMatchObject({ isMarked: false })
    const words = Array.from({ length: 6_000 }, (_, i) => `w${i}`)
    expect(markedHtml(words.join(' '), words.toReversed().join(' '))).toMatchObject({ isMarked: false })
  })

  it('changes no letter of any two texts', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '<i>', '&', '\n', ' ', '語', '"', '\u202e'), { maxLength: 30 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [chosen, rejected] = [a.join(''), b.join('')],
          marked = markedHtml(chosen, rejected)
        expect(bare(marked.chosen)).toBe(html(chosen))
        expect(bare(marked.rejected)).toBe(html(rejected))
      }),
    )
  })
})

describe('cardHtml', () => {
  it('shows tags, controls and what turns the direction of text, and obeys none', () => {
    const hostile = '</section><script>alert(1)</script>\u202e\u0000'
    const card = cardHtml({
      prompt: [{ role: '<b>', content: hostile }],
      chosen: hostile,
      rejected: [{ role: 'assistant', content: hostile }],
      facts: [hostile],
    })
    expect(card).not.toContain('<script')
    expect(card).toContain('&lt;/section&gt;&lt;script&gt;alert(1)&lt;/script&gt;‹U+202E›‹U+0000›')
  })

  it('says the roles of a side of several turns, and not of one answer', () => {
    const answer = [{ role: 'assistant', content: 'Yes.' }]
    const card = cardHtml({
      prompt: 'Well?',
      chosen: answer,
      rejected: [...answer, { role: 'user', content: 'Why?' }],
      facts: [],
    })
    expect(card).toContain('<p class="text">Yes.</p>')
    expect(card).toContain('assistant:')
  })
})
