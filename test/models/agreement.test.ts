import fc from 'fast-check'
import { expect, test } from 'vitest'
import { agree, AGREED, AMBIGUOUS, compareReviewers, REVERSED } from '../../models/agreement.ts'
import { Random } from '../../models/random.ts'

const first = Float64Array.of(0.9, 0.9, 0.1, 0.1, 0.6, NaN)
const second = Float64Array.of(0.8, 0.2, 0.7, 0.3, 0.2, 0.1)

test('the rules', () => {
  const classes = (rule: 'both' | 'either' | 'mean') => [...agree(first, second, { rule })]
  expect(classes('both')).toEqual([AGREED, AMBIGUOUS, AMBIGUOUS, REVERSED, AMBIGUOUS, AMBIGUOUS])
  expect(classes('either')).toEqual([AGREED, REVERSED, REVERSED, REVERSED, REVERSED, REVERSED])
  expect(classes('mean')).toEqual([AGREED, AGREED, REVERSED, REVERSED, REVERSED, AMBIGUOUS])
})

test('between the two limits a reviewer is unsure', () => {
  const limits = { against_below: 0.25, for_from: 0.75 }
  expect([...agree(first, second, { rule: 'both', ...limits })]).toEqual([AGREED, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS, AMBIGUOUS])
  expect([...agree(first, second, { rule: 'mean', ...limits })]).toEqual([AGREED, AMBIGUOUS, AMBIGUOUS, REVERSED, AMBIGUOUS, AMBIGUOUS])
  expect(() => agree(first, second, { rule: 'both', against_below: 0.6 })).toThrow('models: for_from is 0.5, must be at least against_below 0.6')
})

test('swapping the reviewers changes nothing, and what both reverse either reverses', () => {
  const list = fc.array(fc.tuple(fc.double({ min: 0, max: 1 }), fc.double({ min: 0, max: 1 })))
  fc.assert(fc.property(list, (pairs) => {
    const a = Float64Array.from(pairs, ([p]) => p)
    const b = Float64Array.from(pairs, ([, p]) => p)
    for (const rule of ['both', 'either', 'mean'] as const) expect(agree(a, b, { rule })).toEqual(agree(b, a, { rule }))
    const both = agree(a, b, { rule: 'both' })
    const either = agree(a, b, { rule: 'either' })
    both.forEach((each, row) => {
      if (each === REVERSED) expect(either[row]).toBe(REVERSED)
      expect(each === AGREED).toBe(either[row] === AGREED)
    })
  }))
})

test('reviewers that rank alike are copies', () => {
  const random = new Random(1)
  const a = Float64Array.from({ length: 2000 }, () => random.normal())
  const noisy = (amount: number) => a.map((margin) => (3 * margin + amount * random.normal()) ** 3)
  expect(compareReviewers(a, noisy(0.3)).near_copy).toBe(true)
  expect(compareReviewers(a, noisy(3))).toEqual({ correlation: expect.closeTo(0.69, 1), near_copy: false })
})
