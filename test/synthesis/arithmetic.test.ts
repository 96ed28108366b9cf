/** Equations and steps of texts: what is read, what is refused, and where it stands. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findEquations, steps } from '../../stages/synthesis/arithmetic.ts'
import { REFUSALS } from '../../stages/synthesis/expression.ts'

const verdicts = (text: string) => findEquations(text).equations.map(one => `${one.left}=${one.result} ${one.verdict}`)
const reasons = (text: string) => findEquations(text).refusals.map(one => one.reason)

describe('equations that are read', () => {
  test.each([
    ['48/2 = 24', '48/2=24 true'],
    ['48/2 = 25', '48/2=25 false'],
    ['100 / 3 = 33.33', '100/3=33.33 rounded'],
    ['100 / 3 = 33.34', '100/3=33.34 rounded'],
    ['100 / 3 = 33.35', '100/3=33.35 false'],
    ['200 / 3 = 67', '200/3=67 rounded'],
    ['200 / 3 = 66', '200/3=66 rounded'],
    ['7/2 = 3.5', '7/2=3.5 true'],
    ['7/2 = 3.50', '7/2=3.50 true'],
    ['2 + 3 * 4 = 14', '2+3*4=14 true'],
    ['2 + 3 * 4 = 20', '2+3*4=20 false'],
    ['(2 + 3) * 4 = 20', '(2+3)*4=20 true'],
    ['24 / 2 / 3 = 4', '24/2/3=4 true'],
    ['24 / 2 * 3 = 36', '24/2*3=36 true'],
    ['10 - 4 - 3 = 3', '10-4-3=3 true'],
    ['0.1 + 0.2 = 0.3', '0.1+0.2=0.3 true'],
    ['.5 + .25 = .75', '0.5+0.25=0.75 true'],
    ['1,250 + 750 = 2,000', '1250+750=2000 true'],
    ['1,250 + 750 = 2000.', '1250+750=2000 true'],
    ['$1,250.50 * 2 = $2,501', '1250.50*2=2501 true'],
    ['£3 x 4 = £12', '3*4=12 true'],
    ['3x4=12', '3*4=12 true'],
    ['5 € + 3 € = 8 €', '5+3=8 true'],
    ['6 × 7 = 42', '6*7=42 true'],
    ['6 · 7 = 42', '6*7=42 true'],
    ['42 ÷ 7 = 6', '42/7=6 true'],
    ['9 − 4 = 5', '9-4=5 true'],
    ['9 – 4 = 5', '9-4=5 true'],
    ['20% * 50 = 10', '20%*50=10 true'],
    ['40% + 20% = 60%', '40%+20%=60% true'],
    ['1/4 = 25%', '1/4=25% true'],
    ['1/3 = 33%', '1/3=33% rounded'],
    ['1/4 + 1/4 = 1/2', '1/4+1/4=1/2 true'],
    ['1/3 + 1/3 = 2/3', '1/3+1/3=2/3 true'],
    ['1/3 + 1/3 = 1/2', '1/3+1/3=1/2 false'],
    ['-5 + 3 = -2', '(-5)+3=-2 true'],
    ['5 * -3 = -15', '5*(-3)=-15 true'],
    ['5 + (-3) = 2', '5+((-3))=2 true'],
    ['5 - -3 = 8', '5-(-3)=8 true'],
    ['- 5 + 3 = 8', '5+3=8 true'],
    ['2. 5 + 3 = 8', '5+3=8 true'],
    ['Step 2: 5 + 3 = 8', '5+3=8 true'],
    ['**5 + 3 = 8**', '5+3=8 true'],
    ['so (5 + 3 = 8) it is', '5+3=8 true'],
    ['48 pears / 2 = 24 pears', '48/2=24 true'],
    ['6 boxes of pens', undefined],
    ['5 pounds * $0.80/pound = $4.00', '5*0.80=4.00 true'],
    ['90 km / 6 km/hour = 15 hours', '90/6=15 true'],
    ['$4 per box * 3 boxes = $12', '4*3=12 true'],
    ['a total of 5 + 3 = 8 pens', '5+3=8 true'],
    ['Cost = 5 * 3 = $15', '5*3=15 true'],
    ['还剩48-12=36个', '48-12=36 true'],
    ['48 ＋ 12 ＝ 60', '48+12=60 true'],
    ['It is 2 + 2 = 4!', '2+2=4 true'],
    ['2 + 2 = 4 (four)', '2+2=4 true'],
    ['48/2 = <<48/2=24>>24 clips', '48/2=24 true'],
    ['48/2=<<48/2=24>>24', '48/2=24 true'],
    ['sold <<48/2=24>>24 clips', '48/2=24 true'],
    ['$4.00 + $5.00 = $<<4+5=9>>9.00', '4+5=9 true'],
    ['10/3 = <<10/3=3.33>>3.33', '10/3=3.33 rounded'],
    ['10/3 = <<10/3=3>>3', '10/3=3 rounded'],
    ['5*5 = <<5*5=24>>24', '5*5=24 false'],
  ])('%s', (text, expected) => {
    expect(verdicts(text)).toEqual(expected ? [expected] : [])
  })
})

describe('what could be read in two ways is refused', () => {
  test.each<[string, keyof typeof REFUSALS]>([
    ['3 / 1/2 = 6', 'ambiguous_division'],
    ['100 / 5*2 = 40', 'ambiguous_division'],
    ['6÷1/2 = 3', 'ambiguous_division'],
    ['2 + 3 = 5 + 4 = 9', 'chain'],
    ['2 + 3 = <<2+3=5>>5 + 4', 'chain'],
    ['12/5/2020 = 1', 'date'],
    ['2020-10-12 = 1998', 'date'],
    ['12/05/2020 = 1', 'leading_zero'],
    ['5 / 0 = 0', 'division_by_zero'],
    ['1 / 3 = 0.33...', 'ellipsis'],
    ['f(2 + 3) = 5', 'function'],
    ['2(3 + 4) = 14', 'implicit_product'],
    ['\\frac{1}{2} + 1 = 1.5', 'latex'],
    ['\\(5 + 3 = 8\\)', 'latex'],
    ['5 \\times 3 = 15', 'latex'],
    ['5 + 3 = \\boxed{8}', 'latex'],
    ['007 + 1 = 8', 'leading_zero'],
    ['1 1/2 * 4 = 6', 'mixed_number'],
    ['3 / 2 = 1 1/2', 'mixed_number'],
    ['1 000 + 1 = 1 001', 'leading_zero'],
    ['<<3+<<2*2=4>>4=7>>7', 'nested_mark'],
    ['2 + 3 = <<2+3=5', 'broken_mark'],
    ['x=<<x=5>>5', 'broken_mark'],
    ['2 + 3 = <<2+3=5>>6', 'mark_differs'],
    ['2 + 4 = <<2+3=5>>5', 'mark_differs'],
    ['Total = 15', 'operand_missing'],
    ['15 = 5 * 3', 'no_operation'],
    ['5 + 3 = eight', 'no_result'],
    ['5 + 3 == 8', 'not_equality'],
    ['5 + 3 => 8', 'no_result'],
    ['5 + 3 ≈ 8', 'no_result'],
    ['x + 3 = 8', 'operand_missing'],
    ['5th + 3 = 8', 'ordinal_or_time'],
    ['5 + (three) = 8', 'operand_missing'],
    ['100 + 20% = 120', 'percent'],
    ['100 - 40 = 60%', 'percent'],
    ['20% + 30% = 50', 'percent'],
    ['2^3 + 1 = 9', 'power'],
    ['1 + 2**3 = 9', 'power'],
    ['17 / 5 = 3 R 2', 'remainder'],
    ['3 * 2 = 6 million', 'scaled_number'],
    ['3 dozen + 2 = 5', 'scaled_number'],
    ['3 * 2 = 6万', 'scaled_number'],
    ['1,23 + 1 = 2,23', 'separator'],
    ['1.234,5 + 1 = 1', 'separator'],
    ['√4 + 1 = 3', 'symbol'],
    ['1 ± 4 + 1 = 6', 'symbol'],
    ['5:30 + 1 = 6', 'time_or_ratio'],
    ['1 + 3:5 = 6', 'time_or_ratio'],
    ['1 + 2 = 3:00', 'time_or_ratio'],
    ['٣ + 2 = 5', 'unicode_number'],
    ['½ + 2 = 2', 'unicode_number'],
    ['5² + 2 = 7', 'unicode_number'],
    ['2x + 3 = 5', 'variable'],
    ['2x-5=11', 'variable'],
    ['2x(3+1) = 8', 'function'],
    ['5 n + 3 = 8', 'variable'],
    ['leaves w<<-20+10=-10>>-10', 'variable'],
    ['5e3 + 1 = 6', 'variable'],
    ['1.2.3 + 1 = 2', 'version'],
    ['half of 2 * 6 = 12', 'word_operator'],
    ['5 less than 3 * 4 = 12', 'word_operator'],
    ['2 times 3 + 1 = 4', 'word_operator'],
    ['7 + 5 = 12 (mod 12)', 'word_operator'],
    ['she had 5 and got 3 + 2 so + 1 = 3', 'words_between'],
    ['Total - 5 + 3 = 8', 'dash_or_minus'],
    ['`5 + 3 = 8`', 'code'],
    ['```\n5 + 3 = 8\n```', 'code'],
    [`1${'0'.repeat(30)} + 1 = 2`, 'too_long'],
    [`${'1 + '.repeat(70)}1 = 71`, 'too_long'],
    ['(5 pears) (3 + 2) = 5', 'parenthesis'],
  ])('%s', (text, reason) => {
    const allowed =
      reason === 'no_result'
        ? ['no_result', 'not_equality', undefined]
        : reason === 'parenthesis'
          ? ['parenthesis', 'implicit_product']
          : [reason]
    expect(verdicts(text)).toEqual([])
    expect(allowed).toContain(reasons(text)[0])
  })

  test('a fence closes: what follows is read again', () => {
    expect(verdicts('```\n5 + 3 = 8\n```\n2 + 2 = 4')).toEqual(['2+2=4 true'])
  })
})

describe('offsets', () => {
  test('spans in code units and code points', () => {
    const text = '🍎🍎 so 1,200 ÷ 2 = $600 🍏'
    const [one] = findEquations(text).equations
    expect(text.slice(one.start, one.end)).toBe('1,200 ÷ 2 = $600')
    expect([...text].slice(one.startPoint, one.endPoint).join('')).toBe('1,200 ÷ 2 = $600')
    expect(one.start - one.startPoint).toBe(2)
  })

  test('any text is survived, and every span lies in it', () => {
    const piece = fc.constantFrom(
      '1',
      '12',
      '1,234',
      '.5',
      '3.50',
      '+',
      '-',
      '*',
      '/',
      '×',
      'x',
      '=',
      ' ',
      '(',
      ')',
      '$',
      '%',
      '<<',
      '>>',
      'apples',
      '\n',
      '\\',
      '^',
      '🍎',
      '½',
      '```',
      '.',
      ',',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), pieces => {
        const text = pieces.join('')
        const { equations, refusals } = findEquations(text)
        for (const one of equations) expect(text.slice(one.start, one.end)).toContain('=')
        for (const one of refusals) expect(REFUSALS).toHaveProperty(one.reason)
        const found = steps(text, equations)
        expect(found.flatMap(step => step.equations)).toEqual(equations)
      }),
      { numRuns: 500 },
    )
  })
})

describe('steps', () => {
  test('lines, and sentences where a line has several equations', () => {
    const text = 'First. Then 2 + 2 = 4.\n\n  3 + 3 = 6. So 3.5 * 2 = 7 pens. Done.\nEnd'
    const found = steps(text, findEquations(text).equations)
    expect(found.map(step => [...text].slice(step.startPoint, step.endPoint).join(''))).toEqual([
      'First. Then 2 + 2 = 4.',
      '3 + 3 = 6.',
      'So 3.5 * 2 = 7 pens.',
      'Done.',
      'End',
    ])
    expect(found.map(step => step.index)).toEqual([0, 1, 2, 3, 4])
    expect(found.map(step => step.equations.length)).toEqual([1, 1, 1, 0, 0])
  })
})
