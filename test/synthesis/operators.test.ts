/** Each operator: its example, and all that it makes of a solution. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createInjector, EDIT_CLASSES, editSize, whyNot, type Edit } from '../../stages/synthesis/edits.ts'
import { EDIT_TYPES, OPERATORS, USUAL_TYPES, type EditType } from '../../stages/synthesis/operators/all.ts'
import { given, keyOf, mentions } from '../../stages/synthesis/numbers.ts'
import { Solution } from '../../stages/synthesis/solution.ts'
import { SURFACES } from '../../stages/synthesis/surface.ts'
import { holds } from './checker.ts'

/** All different edits of one type, over seeds and surfaces; or the reasons why there is none. */
function all(text: string, type: EditType, prompt = '', seeds = 60): { edits: Edit[]; refused: string[] } {
  const edits = new Map<string, Edit>(),
    refused = new Set<string>()
  for (let seed = 0; seed < seeds; seed++) {
    const solution = new Solution(text, prompt),
      injector = createInjector(solution, seed),
      none = whyNot(solution, [type])
    if (none) {
      refused.add(none)
      continue
    }
    EDIT_CLASSES.forEach((one, at) => {
      if (one.type !== type) return
      const made = injector.make(at)
      if (typeof made === 'string') refused.add(made)
      else edits.set(made.text, made)
    })
  }
  return { edits: [...edits.values()], refused: [...refused] }
}
const texts = (text: string, type: EditType, prompt = '') =>
  all(text, type, prompt)
    .edits.map(edit => edit.text)
    .sort()

test('names, operators and classes stand in one order', () => {
  expect(OPERATORS.map(({ name }) => name)).toEqual(EDIT_TYPES)
  expect(EDIT_CLASSES.map(({ type, surface }) => `${type} ${surface}`)).toEqual(
    EDIT_TYPES.flatMap(type => SURFACES.map(surface => `${type} ${surface}`)),
  )
  expect(
    OPERATORS.filter(({ name, proof }) => proof === 'arithmetic' && !USUAL_TYPES.includes(name as EditType)).map(
      ({ name }) => name,
    ),
  ).toEqual(['step_removed', 'steps_swapped'])
  expect(
    OPERATORS.filter(({ name, proof }) => proof !== 'arithmetic' && USUAL_TYPES.includes(name as EditType)),
  ).toEqual([])
})

test.each(OPERATORS.map(({ name, example }) => [name, example] as const))(
  'the example of %s',
  (name, { prompt, text, edited }) => {
    expect(texts(text, name as EditType, prompt)).toContain(edited)
  },
)

describe('what each operator makes of a solution, all of it', () => {
  const prompt = 'There were 45 eggs in 9 nests.'
  test.each<[EditType, string, string[]]>([
    ['operator', '6 + 2 = 8', ['6 * 2 = 8', '6 - 2 = 8']],
    ['operator', '6 + 2 = <<6+2=8>>8', ['6 * 2 = <<6*2=8>>8', '6 - 2 = <<6-2=8>>8']],
    ['operator', '2 + 2 = 4', ['2 - 2 = 4']],
    ['operand_order', '45 - 18 = 27', ['18 - 45 = 27']],
    ['operand_order', '$45 / 9 = $<<45/9=5>>5', ['$9 / 45 = $<<9/45=5>>5']],
    ['operand_order', '45 + 18 = 63', []],
    ['operand_order', '4 - 4 = 0', []],
    ['operand_order', '20% - 5% = 15%', []],
    ['dropped_term', '3 + 4 + 5 = 12', ['3 + 4 = 12', '3 + 5 = 12']],
    [
      'dropped_term',
      '3 pears + 4 plums + 5 figs = 12 in all',
      ['3 pears + 4 plums = 12 in all', '3 pears + 5 figs = 12 in all'],
    ],
    ['dropped_term', '3+4+5 = <<3+4+5=12>>12', ['3+4 = <<3+4=12>>12', '3+5 = <<3+5=12>>12']],
    ['dropped_term', '3 + 4 * 5 = 23', ['3 + 4 = 23']],
    ['dropped_term', '3 + 0 + 5 = 8', ['3 + 0 = 8']],
    ['dropped_term', '3 + 4 = 7', []],
    ['repeated_term', '3 + 4 = 7', ['3 + 4 + 4 = 7']],
    ['repeated_term', '5 * 4 pens = <<5*4=20>>20', ['5 * 4 pens * 4 pens = <<5*4*4=20>>20']],
    ['repeated_term', '8 / 4 = 2', []],
    ['repeated_term', '3 + 0 = 3', []],
    ['operand_exchanged', '45 / 9 = 5', ['45 / 45 = 5', '9 / 9 = 5']],
    ['step_removed', '5 * 45 = 225 in all.\n225 - 8 = 217 are left.\n#### 217', ['225 - 8 = 217 are left.\n#### 217']],
    ['step_removed', '5 * 9 = 45 in all.\n45 - 8 = 37 are left.', []],
    ['step_removed', 'Step 1: 5 * 45 = 225.\nStep 2: 225 - 8 = 217.', []],
    [
      'steps_swapped',
      'First.\n5 * 45 = 225 in all.\n225 - 8 = 217 are left.',
      ['First.\n225 - 8 = 217 are left.\n5 * 45 = 225 in all.'],
    ],
    [
      'steps_swapped',
      '5 * 45 = 225 in all. It is 225.\n225 - 8 = 217.',
      ['225 - 8 = 217.\n5 * 45 = 225 in all. It is 225.'],
    ],
    ['steps_swapped', '5 * 45 = 225.\n8 * 4 = 32.\n225 - 8 = 217.', []],
    ['steps_swapped', '5 * 45 = 225 in all.\n225 - 8 = 218 are left.', []],
    ['step_removed', '5 * 45 = 225 in all.\n225 - 8 = 218 are left.', []],
  ])('%s of %j', (type, text, expected) => {
    expect(texts(text, type, prompt)).toEqual([...expected].sort())
  })

  test('result_number and operand_number: a digit, one off, two digits swapped, ten times; round numbers stay round', () => {
    const results = new Set(texts('100 + 134 = 234', 'result_number').map(text => text.slice(12)))
    for (const slip of ['235', '233', '324', '243', '2340']) expect(results).toContain(slip)
    expect(
      texts('100 + 20 = 120', 'result_number').filter(text => !text.endsWith('0') && !text.endsWith(' 12')),
    ).toEqual([])
    expect(texts('48 / 2 = 24', 'operand_number').every(text => text.endsWith(' = 24'))).toBe(true)
  })
})

describe('wrong_carry', () => {
  const text =
    'They bake 6 * 13 = <<6*13=78>>78 rolls.\nThe 78 rolls cost 78 * $2 = $<<78*2=156>>156.\nWith the bag it is 156 + 5 = $<<156+5=161>>161.\n#### 161'
  const prompt = 'Six bakers bake 13 rolls each. A roll costs $2 and the bag $5. What is the price?'

  test('everything after the error follows from it, and the answer is another one', () => {
    const { edits } = all(text, 'wrong_carry', prompt)
    expect(edits.length).toBeGreaterThan(10)
    for (const edit of edits) {
      const marks = [...edit.text.matchAll(/<<(\d+)([*+])(\d+)=(\d+)>>(\d+)/g)].map(([, a, sign, b, c, d]) => ({
        a: +a,
        b: +b,
        c: +c,
        d: +d,
        ok: (sign === '*' ? +a * +b : +a + +b) === +c,
      }))
      expect(marks.filter(one => !one.ok)).toHaveLength(1)
      expect(marks.every(one => one.c === one.d)).toBe(true)
      expect([marks[1].a, marks[2].a, +edit.text.split('#### ')[1]]).toEqual([marks[0].c, marks[1].c, marks[2].c])
      expect(edit.text).toContain(`The ${marks[0].c} rolls`)
      expect(edit.answer_changed).toBe(true)
      expect(holds(edit.proof), edit.proof).toBe(true)
      expect(edit.text.slice(edit.start, edit.end)).toMatch(/^(\d+ . \d+ = \$?)?<<.*>>\d+$/)
    }
    expect(new Set(edits.map(edit => edit.step))).toEqual(new Set([0, 1, 2]))
  })

  test.each<[string, string, string]>([
    ['the problem gives the number', 'It is 6 * 13 = 78.\n78 + 5 = 83.', '78 rolls and 13 more'],
    ['in words, too', 'It is 6 * 7 = 42.\n42 + 5 = 47.', 'Forty-two rolls'],
    ['an earlier step gives it', '80 - 2 = 78.\n6 * 13 = 78.\n78 + 5 = 83.', '78 rolls'],
    ['a later use is not clear', 'It is 6 * 13 = 78.\nSo x = 78 + y.', ''],
    ['it is common', 'It is 6 * 2 = 12.\n12 * 5 = 60.', ''],
    ['of a time', 'It is 6 * 13 = 78.\nAt 5:78 then 78 + 5 = 83.', ''],
  ])('refused where %s', (_, solution, problem) => {
    expect(all(solution, 'wrong_carry', problem)).toEqual({ edits: [], refused: ['several_origins'] })
  })

  test('a division that would not come out even is left out; a rounded one is rounded', () => {
    for (const edit of all('6 * 14 = 84.\n84 / 7 = 12.', 'wrong_carry').edits) {
      expect(edit.text).toMatch(/= (\d+)\.\n\1 \/ 7 = \d+(\.\d{1,2})?\.$/)
    }
    for (const edit of all('6 * 14 = 84.\n84 / 9 = 9.33.', 'wrong_carry').edits) {
      const [, a, b] = /= (\d+)\.\n\1 \/ 9 = ([\d.]+)\.$/.exec(edit.text)!
      expect(Math.abs(+a / 9 - +b)).toBeLessThan(0.01)
    }
  })
})

describe('numbers of a text', () => {
  test('equal values have equal keys', () => {
    expect(
      mentions('1,200.50 and 1200.5 at 5:30, the 24th').map(({ key, printed }) => [key, printed !== undefined]),
    ).toEqual([
      ['12005e-1', true],
      ['12005e-1', true],
      ['5', false],
      ['30', false],
      ['24', false],
    ])
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), fc.nat(4), fc.nat(3), (units, decimals, zeros) => {
        expect(keyOf({ units: units * 10n ** BigInt(zeros), decimals: decimals + zeros })).toBe(
          keyOf({ units, decimals }),
        )
      }),
    )
  })

  test('what a problem gives: digits, words, shares and what is left of them', () => {
    const keys = given('Twenty-five pens, $1,250, three dozens, 20% off')
    for (const key of ['25', '1250', '3', '12', '20', '2e-1', '80', '8e-1']) expect(keys).toContain(key)
    expect(keys).not.toContain('78')
  })
})

test('answer_changed says whether the stated answer is another one', () => {
  const changed = (text: string, type: EditType) => new Set(all(text, type).edits.map(edit => edit.answer_changed))
  expect(changed('14 + 25 = 39\n#### 39', 'result_number')).toEqual(new Set([false]))
  expect(changed('14 + 25 = 39', 'result_number')).toEqual(new Set([true]))
  expect(changed('14 + 25 = 39', 'operand_number')).toEqual(new Set([false]))
  expect(changed('14 + 25 = 39. The answer is 39.', 'wrong_carry')).toEqual(new Set([true]))
})

test('size is the edit distance over the longer length', () => {
  expect(editSize('kitten', 'sitting')).toBeCloseTo(3 / 7)
  expect(editSize('abc', 'abxc')).toBe(0.25)
})
