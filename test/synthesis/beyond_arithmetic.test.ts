/** Errors in code, in what a prompt asks for, and in words. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codesOf, parse } from '../../stages/synthesis/code.ts'
import { constraintsOf, countPhrase, wordCount } from '../../stages/synthesis/constraints.ts'
import { edits, type Edit } from '../../stages/synthesis/edits.ts'
import { EDIT_TYPES, OPERATORS, ready, type EditType } from '../../stages/synthesis/operators/all.ts'
import { DECLINED } from '../../stages/synthesis/prove.ts'
import { runScript, tested } from '../../stages/synthesis/sandbox.ts'
import { Solution } from '../../stages/synthesis/solution.ts'
import { holds } from './checker.ts'

const CODE: readonly EditType[] = ['code_comparison', 'code_operator', 'code_off_by_one', 'code_argument_order']
const ARITHMETIC: readonly EditType[] = OPERATORS.filter(({ proof }) => proof === 'arithmetic').map(
  ({ name }) => name as EditType,
)
const WORDS: readonly EditType[] = OPERATORS.filter(({ proof }) => proof === 'none').map(({ name }) => name as EditType)

function all(
  text: string,
  types: readonly EditType[],
  prompt = '',
  seeds = 80,
): { made: Edit[]; refused: Set<string> } {
  const made = new Map<string, Edit>(),
    refused = new Set<string>()
  for (let seed = 0; seed < seeds; seed++) {
    const edit = edits(text, seed, { types, prompt })
    if ('refused' in edit) refused.add(edit.refused)
    else made.set(edit.text, edit)
  }
  return { made: [...made.values()], refused }
}

/** Nothing but the span differs. */
function expectSpan(text: string, { text: edited, start, end }: Edit): void {
  const [before, after] = [[...text], [...edited]]
  expect(start).toBeLessThan(end)
  expect(after.slice(0, start)).toEqual(before.slice(0, start))
  expect(after.slice(end)).toEqual(before.slice(before.length - (after.length - end)))
}

describe('code', () => {
  const python =
    '🍎 Here:\n```python\ndef pick(rows, n):\n    # at most 10 rows, a < b\n    out = []\n    for i in range(1, n):\n        if rows[i] <= n and i != 3:\n            out.append(scale(rows[i], n))\n    return out\n```\nThat is 1 + 1.'
  const script =
    '```js\nfunction pick(rows, n) { // 10 < 20\n  const text = "a < b";\n  for (let i = 0; i < n; i++) if (rows[i] >= 2 || i === 3) call(i, n)\n  return text + 1\n}\n```'

  test.each([
    ['python', python],
    ['javascript', script],
  ] as const)(
    '%s: every edit parses, differs in its span only, and leaves comments, strings and prose alone',
    (language, text) => {
      const { made } = all(text, CODE)
      expect(new Set(made.map(edit => edit.type))).toEqual(new Set(CODE))
      for (const edit of made) {
        expectSpan(text, edit)
        const [code] = codesOf(new Solution(edit.text))
        expect(code.language).toBe(language)
        expect(edit.proof).toMatch(
          /^(python|javascript): ".+" became ".+", both parse, and the trees differ nowhere else$/,
        )
        for (const kept of language === 'python'
          ? ['# at most 10 rows, a < b', 'That is 1 + 1.', '🍎 Here:']
          : ['// 10 < 20', '"a < b"', 'return text + 1'.slice(0, 11)]) {
          expect(edit.text).toContain(kept)
        }
      }
    },
  )

  test.each<[string, string]>([
    ['no language', '```\na < b\n```'],
    ['another language', '```rust\na < b\n```'],
    ['not closed', '```js\na < b'],
    ['does not parse', '```js\nif (a < ) {\n```'],
    ['Python that does not parse', '```python\nif a <\n```'],
    ['no code', 'a < b'],
    ['only a comment', '```js\n// a < b\n```'],
  ])('nothing is made where there is %s', (_, text) => {
    expect(all(text, CODE)).toEqual({ made: [], refused: new Set(['no_edit']) })
  })

  test('what would say the same, or bind differently, is left alone', () => {
    expect(all('```js\nMath.max(a, b)\n```', ['code_argument_order']).made).toEqual([])
    expect(all('```js\nf(a, a)\n```', ['code_argument_order']).made).toEqual([])
    expect(all('```python\nf(a, k=b)\n```', ['code_argument_order']).made).toEqual([])
    expect(all('```python\nx = a or b and c\n```', ['code_operator']).made).toEqual([])
    expect(all('```python\nx = "%s" % a\n```', ['code_operator']).made).toEqual([])
    expect(all('```js\nx = 1.5\n```', ['code_off_by_one']).made).toEqual([])
  })

  test('any sides: what is made of random programs parses', () => {
    const atom = fc.constantFrom('a', 'b', '1', '0', '20', 'f(a, 2)', '(a + b)', '"s"', 'x[1]')
    const sign = fc.constantFrom('+', '-', '*', '/', '<', '<=', '==', '!=', '%')
    const program = fc.array(
      fc.tuple(atom, sign, atom, sign, atom).map(parts => `y = ${parts.join(' ')}`),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(program, fc.constantFrom('python', 'js'), fc.integer(), (lines, language, seed) => {
        const text = `\`\`\`${language}\n${lines.join('\n')}\n\`\`\`\n`,
          edit = edits(text, seed, { types: CODE })
        if ('refused' in edit) return
        expectSpan(text, edit)
        expect(
          parse(
            language === 'js' ? 'javascript' : 'python',
            edit.text.slice(edit.text.indexOf('\n') + 1, edit.text.lastIndexOf('```')),
          ),
        ).toBeDefined()
      }),
      { numRuns: 300 },
    )
  })
})

describe('constraints', () => {
  test.each<[string, string[]]>([
    ['Answer in at most 50 words.', ['at most 50 words']],
    ['Use fewer than 50 words', ['at most 49 words']],
    ['Write 100 words or more.', ['at least 100 words']],
    ['Include the word "moon" and do not use the word "sun".', ['with "moon"', 'without "sun"']],
    ['Do not include the word "moon".', ['without "moon"']],
    ['Write it all in lowercase letters.', ['no capital letters']],
    ['Answer in ALL CAPS? No: in all caps', ['no lower-case letters']],
    ['Reply without commas.', ['no commas']],
    ['Give the result in JSON format.', ['valid JSON']],
    ['Begin your answer with "Dear Ann"', ['begins with "Dear Ann"']],
    ['End your response with the phrase "Any questions?"', ['ends with "Any questions?"']],
    ['Answer in French, without commas.', ['no commas', 'no sentence but in French']],
    ['Write 50 words about words.', []],
    ['She was born in French Guiana.', []],
  ])('%s', (prompt, said) => {
    expect(constraintsOf(prompt).map(one => one.said)).toEqual(said)
  })

  const answer = 'The sea is wide and deep. It is never still, and it is old. Gulls cry over it.'
  test.each<[string, string, (edited: string) => boolean]>([
    ['Describe it in at most 20 words.', answer, edited => wordCount(edited) > 22],
    ['Describe it in at least 15 words.', answer, edited => wordCount(edited) < 13],
    ['Include the word "gulls".', answer, edited => countPhrase(edited, 'gulls') === 0],
    ['Do not use the word "water".', answer, edited => countPhrase(edited, 'water') === 1],
    ['Write it all in lowercase.', answer.toLowerCase(), edited => edited !== edited.toLowerCase()],
    ['Write in all caps.', answer.toUpperCase(), edited => edited !== edited.toUpperCase()],
    ['Answer without commas.', answer.replaceAll(',', ''), edited => edited.includes(',')],
    [
      'Answer in JSON format.',
      '{"sea": ["wide", "deep"]}',
      edited => {
        try {
          JSON.parse(edited)
          return false
        } catch {
          return true
        }
      },
    ],
    ['Start with "The sea".', answer, edited => !edited.startsWith('The sea')],
    ['End your answer with "over it."', answer, edited => !edited.endsWith('over it.')],
  ])('%s: the checker confirms the original and refuses the edit', (prompt, text, isBroken) => {
    const { made } = all(text, ['constraint_broken'], prompt)
    expect(made.length).toBeGreaterThan(0)
    for (const edit of made) {
      expect(isBroken(edit.text), edit.text).toBe(true)
      expect(edit.proof).toMatch(/^asked: .+; \d+ in the chosen side, \d+ in the rejected side$/)
      expect([edit.start >= 0, edit.end <= [...edit.text].length, edit.start < edit.end]).toEqual([true, true, true])
    }
  })

  test('an answer that breaks it already, or a prompt without one, gives nothing', () => {
    expect(all(answer, ['constraint_broken'], 'At most 5 words.')).toEqual({ made: [], refused: new Set(['no_edit']) })
    expect(all(answer, ['constraint_broken'], 'Describe the sea.')).toEqual({ made: [], refused: new Set(['no_edit']) })
    expect(all('', ['constraint_broken'], 'At most 5 words.').made).toEqual([])
  })
})

describe('words', () => {
  const prompt = 'Who built it, Ann Lee or Bob Ray? It was begun in 1387, on a Monday.'
  const text =
    'At least 12 men and at most 30 worked for Bob Ray. In 1406 all of it was done; on a Friday it opened. So 12 + 30 = 42, and `at least` stays.'

  test.each(WORDS)('%s is marked unproven, changes one span and nothing in equations or code', type => {
    const { made } = all(text, [type], prompt)
    expect(made.length).toBeGreaterThan(0)
    for (const edit of made) {
      expectSpan(text, edit)
      expect([edit.type, edit.proof]).toEqual([type, 'unproven'])
      expect(edit.text).toContain('12 + 30 = 42, and `at least` stays.')
    }
  })

  test.each<[EditType, string, string[]]>([
    ['quantifier', 'MOST of it', ['LEAST of it']],
    ['quantifier', 'Mostly', []],
    ['negation', 'It isn’t so', ['It is so']],
    ['negation', 'It cannot be', ['It can be']],
    ['negation', 'It was not so', ['It was so']],
    ['date_exchanged', 'in 1387 and in May', []],
    ['entity_exchanged', 'Ann met Ann', []],
    ['number_exchanged', 'v1.2 at 5:30 of 1,200 and 3', ['v1.2 at 5:30 of 3 and 3', 'v1.2 at 5:30 of 1,200 and 1,200']],
  ])('%s of %s', (type, text, expected) => {
    expect(
      all(text, [type])
        .made.map(edit => edit.text)
        .sort(),
    ).toEqual([...expected].sort())
  })

  test('unproven types are made only if they are named', () => {
    expect(edits(text, 1, { prompt })).not.toMatchObject({ proof: 'unproven' })
    expect(edits('It is the largest.', 1)).toEqual({ refused: 'no_equation' })
  })
})

test('any text is survived by every type, and what is made differs in its span', async () => {
  await ready(EDIT_TYPES)
  const piece = fc.constantFrom(
    'at least',
    'is',
    'Ann Lee',
    ' met ',
    '1387',
    'May',
    '12',
    '1,200',
    ' + ',
    ' = ',
    '24',
    '```js\n',
    'f(a, 2)',
    ' < ',
    '\n```\n',
    '```',
    '🍎',
    '\n',
    '. ',
    '"',
    '{',
    '}',
    'words',
    '½',
    '−',
    '<<1+1=2>>',
    '%',
    '$',
  )
  const asked = fc.constantFrom(
    '',
    'At most 50 words.',
    'Do not use the word "blue".',
    'In all caps.',
    'In JSON.',
    'Begin with "is".',
    'Include the word "words".',
    'Ann Lee or Bob Ray, 12 of 24 in 1406?',
    'Answer in English. 月亮让潮水每天涨两次，渔民们都记得。',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      asked,
      fc.integer(),
      fc.constantFrom(...EDIT_TYPES),
      (pieces, prompt, seed, type) => {
        const text = pieces.join(''),
          edit = edits(text, seed, { types: [type], prompt })
        if ('refused' in edit) return
        expect(edit.text).not.toBe(text)
        expect([...edit.text].slice(0, edit.start).join('')).toBe(
          type === 'step_removed' || type === 'steps_swapped'
            ? expect.anything()
            : [...text].slice(0, edit.start).join(''),
        )
        expect(edit.difficulty >= 0 && edit.difficulty <= 1 && edit.size > 0 && edit.size <= 1).toBe(true)
      },
    ),
    { numRuns: 4000 },
  )
})

test('bad input beside true equations: what is made is right by another evaluator, or refused with a reason', () => {
  const bad = fc.constantFrom(
    '<<3+<<2*2=4>>4=7>>7',
    '<<2+3=5',
    '٣ + 2 = 5',
    '½ * 4 = 2',
    '5² = 25',
    '9 − 4 = 5',
    '9 – 4 = 5',
    '1,23 + 1 = 2,23',
    '1,234 + 1 = 1,235',
    '1 1/2 * 4 = 6',
    '1/2 + 1/4 = 3/4',
    '$5 + €3 = 8',
    '20% of 50 = 10',
    '20% * 50 = 10',
    '\\frac{1}{2} + 1 = 1.5',
    '\\(5 + 3 = 8\\)',
    '```\n5 + 3 = 8\n```',
    '`5 + 3 = 8`',
    '2(3) = 6',
    '5:30 + 1 = 6',
    '12/05/2020 = 1',
    '17 / 5 = 3 R 2',
    '2 + 3 = 5 + 4 = 9',
    'x = 5 + 3 = 8',
    '3 dozen + 2 = 38',
    '007 + 1 = 8',
    '5 - -3 = 8',
    '(2 + 3) * 4 = 20',
    '5 + 3 ≈ 8',
    '100 / 3 = 33.33',
    '2 + 2 = 5',
    'Step 1: no sum',
    '#### 8',
    'The answer is 8.',
    'nothing',
  )
  const good = fc
    .tuple(fc.integer({ min: 2, max: 400 }), fc.integer({ min: 2, max: 400 }))
    .map(([a, b]) => `${a} + ${b} = ${a + b}`)
  let made = 0
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.oneof({ weight: 3, arbitrary: bad }, { weight: 1, arbitrary: good }),
          fc.constantFrom('. ', '\n', ', so ', ' '),
        ),
        { minLength: 1, maxLength: 6 },
      ),
      fc.integer(),
      fc.constantFrom(...ARITHMETIC),
      (pieces, seed, type) => {
        const text = pieces.map(([piece, gap]) => piece + gap).join(''),
          edit = edits(text, seed, { types: [type], prompt: 'How many of 20 and 50?' })
        if ('refused' in edit) return void expect(DECLINED).toHaveProperty(edit.refused)
        made++
        expect(holds(edit.proof), `${text} -> ${edit.proof}`).toBe(true)
        expect(edit.text).not.toBe(text)
      },
    ),
    { numRuns: 3000 },
  )
  expect(made).toBeGreaterThan(500)
})

test('an error is not carried into a sum that was wrong before', () => {
  expect(edits('9 – 4 = 5. 2 + 2 = 5. So 5.', 0, { types: ['wrong_carry'], prompt: '' })).toHaveProperty('refused')
  expect(edits('9 – 4 = 5. 2 + 2 = 4. So 5.', 0, { types: ['wrong_carry'], prompt: '' })).toHaveProperty('text')
})

describe('tests of JavaScript', () => {
  const text =
    'So:\n```js\nfunction largest(list) {\n  let best = list[0]\n  for (let i = 1; i < list.length; i++) if (list[i] > best) best = list[i]\n  return best\n}\n```'
  const tests = 'if (largest([3, 9, 4]) !== 9 || largest([-2, -5]) !== -2) throw new Error("wrong")'

  test('an edit is kept if the original passes and it fails; an equivalent one is not', async () => {
    const { made } = all(text, CODE)
    const kept = await tested(text, made, tests)
    if (typeof kept === 'string') throw new Error(kept)
    expect(kept.length).toBeGreaterThan(1)
    expect(kept.length).toBeLessThan(made.length)
    for (const { proof } of kept) {
      expect(proof).toMatch(/nowhere else; the tests of its row pass before and fail after$/)
    }
    // > to >= finds the same number
    expect(made.some(edit => edit.text.includes('list[i] >= best'))).toBe(true)
    expect(kept.some(edit => edit.text.includes('list[i] >= best'))).toBe(false)
  })

  test('nothing is kept where the original fails or every edit passes; other kinds are left as they are', async () => {
    const { made } = all(text, ['code_comparison'])
    expect(await tested(text, made, 'throw 1')).toBe('tests_fail')
    expect(await tested(text, made, '1')).toBe('tests_pass')
    const other = all('It is 2 + 2 = 4.', ['operator']).made
    expect(await tested('It is 2 + 2 = 4.', other, 'throw 1')).toEqual(other)
  })

  test.each<[string, string, RegExp | undefined]>([
    ['ends', '1 + 1', undefined],
    ['throws', 'throw new Error("no")', /^no$/],
    ['does not end', 'while (true) {}', /does not end/],
    ['does not parse', 'let x = ;', /unexpected/],
    ['calls itself for ever', 'function f() { f() } f()', /stack|overflow/i],
    ['takes all memory', 'let s = "x"; while (true) s += s', /memory|string/i],
    [
      'has nothing to reach',
      'if (typeof process + typeof require + typeof fetch + typeof setTimeout !== "undefined".repeat(4)) throw 1',
      undefined,
    ],
    ['has neither chance nor clock', 'if (Math.random() !== 0.5 || Date.now() !== 0) throw 1', undefined],
    [
      'makes dates without a clock',
      'const at = new Date(), again = new at.constructor(); if (+at || +again || !Date().includes("1970")) throw 1',
      undefined,
    ],
    [
      'makes dates of what it is given',
      'if (new Date(2024, 1, 29).getMonth() !== 1 || !(new Date() instanceof Date) || Date.UTC(1970, 0) !== 0) throw 1',
      undefined,
    ],
  ])('a script that %s', async (_, script, expected) => {
    const found = await runScript(script)
    if (expected) expect(found).toMatch(expected)
    else expect(found).toBeUndefined()
    expect(await runScript('2'), 'and the next one is run').toBeUndefined()
  })
})
