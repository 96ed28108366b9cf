/** Errors made in equations are errors by another evaluator too, and lie where they are said to. */
import fc from 'fast-check'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { edits, type Edit } from '../../stages/synthesis/edits.ts'
import type { EditType } from '../../stages/synthesis/operators/all.ts'
import { proveFalse } from '../../stages/synthesis/prove.ts'
import { Solution } from '../../stages/synthesis/solution.ts'
import { compute, holds, judge } from './checker.ts'

const DATA = new URL('../../../shared/data/', import.meta.url)
/** The types that change numbers or signs in place. */
const IN_PLACE: readonly EditType[] = ['result_number', 'operand_number', 'operator']
const NUMBERS: readonly EditType[] = ['result_number', 'operand_number']
const made = (solution: string, seed: number, types: readonly EditType[] = IN_PLACE): Edit => {
  const edit = edits(solution, seed, { types })
  if ('refused' in edit) throw new Error(`${edit.refused}: ${solution}`)
  return edit
}

/** The edited text is the original but for its span, and the span is not empty on either side of the edit. */
function expectOneSpan(original: string, edit: Edit): void {
  const before = [...original]
  const after = [...edit.text]
  const tail = after.length - edit.end
  expect(edit.start).toBeLessThan(edit.end)
  expect(after.slice(0, edit.start)).toEqual(before.slice(0, edit.start))
  expect(after.slice(edit.end)).toEqual(before.slice(before.length - tail))
  expect(edit.text).not.toBe(original)
}

describe('the checker of the tests', () => {
  test('agrees with arithmetic done by hand', () => {
    expect(judge('(2+3)*4', '20')).toBe('true')
    expect(judge('2+3*4', '20')).toBe('false')
    expect(judge('24/2/3', '4')).toBe('true')
    expect(judge('10/3', '3.33')).toBe('rounded')
    expect(judge('(-5)+3', '-2')).toBe('true')
    expect(judge('20%*50', '10')).toBe('true')
    expect(holds('2+2=4 is true; 2+2=5 is false')).toBe(true)
    expect(holds('2+2=4 is true; 2*2=4 is false')).toBe(false)
    expect(holds('10/4=2.5 is true; 10/4=3 is false')).toBe(false)
  })
})

describe('one edit', () => {
  const samples = [
    'So 48/2 = 24 pens.',
    'So 48 / 2 = <<48/2=24>>24 pens.',
    'She pays $1,250.50 + $749.50 = $2,000.00 in all.',
    '£3 x 4 = £12',
    '20% * 50 = 10',
    '40% + 20% = 60%',
    '9 − 4 = 5',
    '6 × 7 = 42 and 42 ÷ 7 = 6',
    '🍎🍏 6 · 7 = 42 🍎',
    '还剩48-12=36个',
    '-5 + 3 = -2',
    '(2 + 3) * 4 = <<(2+3)*4=20>>20',
    '1/4 + 1/4 = 1/2',
    '200 + 300 + 610 = <<200+300+610=1110>>1,110 km',
    '$4.00 + $5.00 = $<<4+5=9>>9.00',
    '.5 + .25 = .75',
    '15 / (1/3) = <<15/(1/3)=45>>45',
  ]
  test.each(samples)('%s', text => {
    for (const type of IN_PLACE) {
      for (let seed = 0; seed < 40; seed++) {
        const edit = made(text, seed, [type])
        expect(edit.type).toBe(type)
        expect(holds(edit.proof), edit.proof).toBe(true)
        expectOneSpan(text, edit)
        expect(made(text, seed, [type])).toEqual(edit)
      }
    }
  })

  test('the span is the number or operator itself where there is no mark', () => {
    for (let seed = 0; seed < 40; seed++) {
      const edit = made('So 48 / 2 = 24 pens.', seed)
      expect([...edit.text].slice(edit.start, edit.end).join('')).toMatch(
        edit.type !== 'operator' ? /^\d+$/ : /^[-+*]$/,
      )
    }
  })

  test('a mark, the number after it and the expression before it change together', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { text } = made('So 12 * 4 = <<12*4=48>>48 pens.', seed)
      const match = /^So (.+) = <<(.+)=(.+)>>(.+) pens\.$/.exec(text)!
      expect(match[1].replaceAll(' ', '')).toBe(match[2])
      expect(match[4]).toBe(match[3])
    }
  })

  test('formats stay: separators, decimals, currency', () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 80; seed++) {
      seen.add(/= (.+)!/.exec(made('$1,250.50 + $749.50 = $2,000.00!', seed, NUMBERS).text)![1])
    }
    for (const result of seen) expect(result).toMatch(/^\$(?:\d{1,3},\d{3}|\d{1,3}|\d{1,2},\d{3})\.\d\d$/)
    expect(seen.size).toBeGreaterThan(5)
  })

  test('results are never negative, zero or the same where the original was positive', () => {
    for (let seed = 0; seed < 80; seed++) {
      const right = /= (.+)$/.exec(made('3 - 2 = 1', seed, NUMBERS).text)![1]
      expect(Number(right)).toBeGreaterThan(0)
    }
  })

  test('the step, and the sign that the solution uses', () => {
    const text = 'First 6 × 7 = 42.\nThen nothing.\nThen 42 + 8 = 50.'
    const seen = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const edit = made(text, seed, ['operator'])
      seen.add(`${edit.step} ${[...edit.text].slice(edit.start, edit.end).join('')}`)
    }
    expect([...seen].sort()).toEqual(['0 +', '0 /', '2 -', '2 ×'])
  })

  test('types are drawn from evenly, and seeds matter', () => {
    const counts: Record<string, number> = {}
    const texts = new Set<string>()
    for (let seed = 0; seed < 400; seed++) {
      const edit = made('So 148 + 276 = 424 and 424 - 111 = 313.', seed)
      counts[edit.type] = (counts[edit.type] ?? 0) + 1
      texts.add(edit.text)
    }
    for (const type of IN_PLACE) expect(counts[type]).toBeGreaterThan(90)
    expect(texts.size).toBeGreaterThan(40)
  })
})

describe('nothing is made', () => {
  test.each([
    ['No sums here.', 'no_equation'],
    ['2(3 + 4) = 14', 'unclear_equation'],
    ['5 + 3 = 9', 'no_true_equation'],
    ['100 / 3 = 33.33', 'no_true_equation'],
    ['```\n5 + 3 = 8\n```', 'unclear_equation'],
  ])('%s', (text, reason) => {
    for (let seed = 0; seed < 10; seed++) expect(edits(text, seed)).toEqual({ refused: reason })
  })

  test('equivalents: five minus nothing has no false neighbour', () => {
    expect(edits('5 - 0 = 5', 1, { types: ['operator'] })).toEqual({ refused: 'still_true' })
  })

  test('two plus two never becomes two times two', () => {
    for (let seed = 0; seed < 60; seed++) expect(made('2 + 2 = 4', seed, ['operator']).text).toBe('2 - 2 = 4')
  })

  const patched = (text: string, ...patches: [string, string][]) => {
    let from = 0
    const solution = new Solution(text)
    return proveFalse(
      solution,
      solution.equations[0],
      patches.map(([old, now]) => {
        const start = text.indexOf(old, from)
        from = start + old.length
        return { start, end: from, text: now }
      }),
    )
  }
  test.each<[string, [string, string][], object]>([
    [
      '5 + 3 = 8',
      [
        ['5', '3'],
        ['3', '5'],
      ],
      { refused: 'still_true' },
    ],
    ['2 + 2 = 4', [['+', '*']], { refused: 'still_true' }],
    ['10 / 4 = 2.5', [['2.5', '3']], { refused: 'only_rounding' }],
    ['10 / 4 = 2.5', [['2.5', '2']], { refused: 'only_rounding' }],
    ['99 / 100 = 0.99', [['100', '101']], { refused: 'only_rounding' }],
    ['5 + 3 = 8', [['+', '-']], { proof: '5+3=8 is true; 5-3=8 is false' }],
    ['3 + 5 = 8', [['+', '-']], { refused: 'no_edit' }],
    ['5 + 3 = 8', [['8', '8x']], { refused: 'no_edit' }],
    ['5 + 3 = <<5+3=8>>8', [['8', '9']], { refused: 'no_edit' }],
    [
      '5 + 3 = <<5+3=8>>8',
      [
        ['8', '9'],
        ['8', '9'],
      ],
      { proof: '5+3=8 is true; 5+3=9 is false' },
    ],
    ['5 - 0 = 5', [['-', '/']], { refused: 'no_edit' }],
    ['1/4 = 25%', [['25', '25.0']], { refused: 'still_true' }],
  ])('%s patched by %j', (text, patches, expected) => {
    expect(patched(text, ...patches)).toMatchObject(expected)
  })
})

describe('any true expression', () => {
  const number = fc
    .oneof(
      fc.nat(12),
      fc.nat(2000),
      fc.nat(99_999).map(n => n / 100),
    )
    .map(String)
  const expression: fc.Arbitrary<string> = fc.letrec<{ sum: string; atom: string }>(tie => ({
    atom: fc.oneof({ weight: 5, arbitrary: number }, { weight: 1, arbitrary: tie('sum').map(inner => `(${inner})`) }),
    sum: fc
      .tuple(
        tie('atom'),
        fc.array(fc.tuple(fc.constantFrom('+', '-', '*', '/'), tie('atom')), { minLength: 1, maxLength: 3 }),
      )
      .map(([first, rest]) => first + rest.map(([sign, atom]) => ` ${sign} ${atom}`).join('')),
  })).sum
  const grouped = (digits: string) => digits.replace(/^\d+/, whole => whole.replace(/\B(?=(?:\d{3})+$)/g, ','))

  /** The exact decimal of an expression, or undefined where there is none of up to six places, or it is negative. */
  function exactDecimal(text: string): string | undefined {
    let pair
    try {
      pair = compute(text.replaceAll(' ', ''))
    } catch {
      return undefined
    }
    const [n, d] = pair[1] < 0n ? [-pair[0], -pair[1]] : pair
    if (n < 0n || (n * 1_000_000n) % d !== 0n) return undefined
    const digits = ((n * 1_000_000n) / d).toString().padStart(7, '0')
    return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '')
  }

  test('an accepted edit is false, the original was true, and one span differs', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        expression,
        fc.integer(),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom('*', '×', 'x', '·'),
        (sum, seed, marked, separators, glyph) => {
          const result = exactDecimal(sum)
          if (result === undefined) return
          const pretty = separators ? sum.replace(/\d+(?:\.\d+)?/g, grouped) : sum
          const shown = pretty.replaceAll('*', glyph)
          const text = `🍎 First, some words.\nThey make ${shown} = ${marked ? `<<${sum.replaceAll(' ', '')}=${result}>>` : ''}${separators ? grouped(result) : result} pens 🍎.\nDone.`
          const edit = edits(text, seed, { types: IN_PLACE })
          if ('refused' in edit) return
          accepted++
          expect(holds(edit.proof), `${text} -> ${edit.proof}`).toBe(true)
          expect(edit.proof.startsWith(`${sum.replaceAll(' ', '')}=`), `${sum} ${edit.proof}`).toBe(true)
          expect(edit.step).toBe(1)
          expectOneSpan(text, edit)
          expect(edit.text.startsWith('🍎 First, some words.\n') && edit.text.endsWith(' pens 🍎.\nDone.')).toBe(true)
        },
      ),
      { numRuns: 1500 },
    )
    expect(accepted).toBeGreaterThan(300)
  })
})

describe('worked solutions of grade-school problems', async () => {
  const file = await asyncBufferFromFile(fileURLToPath(new URL('gsm8k/train.parquet', DATA)))
  const rows = await parquetReadObjects({ file, compressors, columns: ['prompt', 'solution'] })
  const marked = rows.map(row => ({ prompt: String(row.prompt), text: String(row.solution) }))
  const bare = marked.map(({ prompt, text }) => ({ prompt, text: text.replace(/<<[^>]*>>/g, '') }))
  const count = (
    solutions: readonly { prompt: string; text: string }[],
    visit: (text: string, edit: Edit) => void,
    types?: readonly EditType[],
  ) => {
    let yielded = 0
    solutions.forEach(({ prompt, text }, i) => {
      const edit = edits(text, i, { prompt, types })
      if ('refused' in edit) return
      if (!holds(edit.proof)) throw new Error(`${edit.proof} does not hold`)
      yielded++
      visit(text, edit)
    })
    return yielded / solutions.length
  }

  test('with marks: over 97 % give a pair, whose proof holds and in which exactly one mark is false', () => {
    const mark = /<<([-+*/().\d]+)=(-?[.\d]+)>>/g
    const isFalse = (left: string, right: string) => {
      try {
        return judge(left, right) === 'false'
      } catch {
        return false
      } // not every mark holds an expression
    }
    const falseMarks = (text: string) =>
      [...text.matchAll(mark)].filter(([, left, right]) => isFalse(left, right)).length
    let checked = 0,
      changed = 0
    const share = count(marked, (text, edit) => {
      if (edit.type !== 'wrong_carry') expectOneSpan(text, edit)
      if (edit.answer_changed) changed++
      if (!/>>/.test([...edit.text].slice(edit.start, edit.end).join(''))) return
      checked++
      if (falseMarks(edit.text) !== falseMarks(text) + 1) throw new Error(`marks of: ${edit.text}`)
    })
    expect(share).toBeGreaterThan(0.97)
    expect(checked).toBeGreaterThan(6000)
    expect(changed).toBeGreaterThan(2000)
  })

  test('without marks: over 96 %', () => {
    expect(
      count(bare, (text, edit) => {
        if (edit.type !== 'wrong_carry') expectOneSpan(text, edit)
      }),
    ).toBeGreaterThan(0.96)
  })

  test.each<[EditType, number]>([
    ['wrong_carry', 0.78],
    ['operand_order', 0.6],
    ['dropped_term', 0.25],
    ['repeated_term', 0.85],
    ['operand_exchanged', 0.9],
    ['step_removed', 0.6],
    ['steps_swapped', 0.6],
  ])('by %s alone: over %d of a sample without marks', (type, least) => {
    expect(count(bare.slice(0, 800), (_, edit) => expect(edit.type).toBe(type), [type])).toBeGreaterThan(least)
  })
})
