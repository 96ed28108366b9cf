/** Text for terminals of any width: no line is wider, no word is lost, nothing in it is obeyed. */
import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { keepCommand, quoted, whyCommand } from '../../app/answers/say.ts'
import { bar, cut, labelled, table, textLines, type Screen } from '../../app/answers/screen.ts'
import { markWords } from '../../engine/report/words.ts'

const screen = (columns: number, isColoured = false): Screen => ({ columns, isColoured, widthOf: stringWidth })
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const texts = fc.string({
  unit: fc.constantFrom('a', 'B', ' ', '  ', '\n', '語', '한', '😀', 'é', '\u202e', '\u0000', '\t', '['),
})

describe('lines', () => {
  it('are no wider than they may be, and have every character that is no white space', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 12, max: 60 }), (text, width) => {
        const lines = textLines(screen(width), text, width, 'bold')
        for (const line of lines) {
          expect(stringWidth(line)).toBeLessThanOrEqual(width)
          expect(line).not.toMatch(OBEYED)
        }
        const shown = text.replaceAll('\u202e', '\\u202e').replaceAll('\u0000', '\\u0000')
        expect(lines.join('').replace(/\s/g, '')).toBe(shown.replace(/\s/g, ''))
      }),
      { numRuns: 200 },
    )
  })

  it('keep the indentation of code, and no space where they are broken', () => {
    expect(textLines(screen(40), 'if a:\n    return one two three', 16, 'bold')).toEqual([
      'if a:',
      '    return one',
      'two three',
    ])
  })

  it('mark the words of one side: in brackets, joined over spaces, or in colour', () => {
    const { chosen } = markWords('It is a fine cold day today.', 'It is a day today.')!
    expect(textLines(screen(40), chosen, 40, 'blue')).toEqual(['It is a [fine cold] day today.'])
    expect(textLines(screen(40, true), chosen, 40, 'blue')[0]).toMatch(
      /^It is a \u001b\[34mfine cold ?\u001b\[39m ?day today\.$/,
    )
  })

  it('of labels and tables fit, and a cut line says so', () => {
    expect(labelled(screen(100), 'why', 'because')).toEqual(['  why        because'])
    expect(labelled(screen(40), 'why', 'because')).toEqual(['why', '  because'])
    const rows = [
      ['語'.repeat(40), '7'],
      ['b', '12'],
    ]
    for (const line of table(screen(40), [{ head: 'name' }, { head: 'n', isRight: true }], rows)) {
      expect(stringWidth(line)).toBeLessThanOrEqual(40)
    }
    expect(cut(screen(40), 'one\ntwo three', 8)).toBe('one\\u00…')
    expect([bar(1, 2, 4), bar(0, 0, 4), bar(2, 2, 4)]).toEqual(['██', '', '████'])
  })
})

describe('commands', () => {
  it('take any id as one word, and what no command line holds by its place', () => {
    expect(['en-1', "it's", 'a b', '$(x)', '~a'].map(quoted)).toEqual(['en-1', "'it'\\''s'", "'a b'", "'$(x)'", "'~a'"])
    expect(whyCommand({ id: '-x', file: 'a', row: 1 })).toBe('npx sluice why -- -x')
    expect(whyCommand({ id: 'a\u0000', file: 'in.jsonl', row: 3 })).toBe('npx sluice why in.jsonl:3')
    expect(keepCommand("it's\u202e")).toBe(`printf '%s\\n' '{"id":"it'\\''s\\u202e","decision":"keep"}' >> keep.jsonl`)
  })
})
