/** Samples by the smallest hashes, against a sort of all rows. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { addNumbers, cutNumbers, leastNumbers, mergeNumbers } from '../../stages/kit/least_numbers.ts'
import { settings } from '../properties/settings.ts'

// few hashes, so that many are equal
const rows = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: -3, max: 3 }), fc.integer()), {
  maxLength: 60,
})

it('are the same rows however these are cut, all where there are few', () => {
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 12 }), fc.array(fc.nat(60), { maxLength: 4 }), (all, most, cuts) => {
      const ends = [0, ...cuts.map(cut => Math.min(cut, all.length)).sort((a, b) => a - b), all.length],
        sum = leastNumbers(most, 2)
      ends.slice(1).forEach((end, i) => {
        const part = leastNumbers(most, 2)
        for (const [hash, ...numbers] of all.slice(ends[i], end)) addNumbers(part, hash, numbers)
        cutNumbers(part)
        expect(part.hashes.length).toBeLessThanOrEqual(most)
        mergeNumbers(sum, part)
      })
      cutNumbers(sum)
      const least = all.toSorted(([a, x, y], [b, z, w]) => a - b || x - z || y - w).slice(0, most)
      expect(sum).toEqual({
        most,
        width: 2,
        hashes: least.map(([hash]) => hash),
        values: least.flatMap(([, ...numbers]) => numbers),
      })
    }),
    settings(1000),
  )
})
