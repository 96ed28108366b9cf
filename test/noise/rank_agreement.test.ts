/** Agreement of two score lists: golden values in three tables, and tau-b by brute force. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rankAgreement } from '../../stages/noise/ranks.ts'
import stage from '../../stages/noise/rank_agreement.ts'
import { settings } from '../properties/settings.ts'
import { ask } from './ask.ts'
import { entries, expectOf, givenOf, golden, isThere } from './golden.ts'

type List = readonly (number | string | null)[]
const numbers = (list: List) => list.map(score => (typeof score === 'number' ? score : NaN))
const agree = (id: string) => {
  const { current, previous } = givenOf<{ current: List; previous: List }>(id)
  return rankAgreement(numbers(current), numbers(previous))
}
const lists = { current: 'ours', previous: 'theirs' }
const asked = (pairs: readonly (readonly [unknown, unknown])[], options: object = {}) =>
  ask(
    stage,
    { lists, ...options },
    pairs.map(([ours, theirs], row) => ({ prompt: `Question ${row}?`, chosen: 'c', rejected: 'r', ours, theirs })),
  )

describe.runIf(isThere)('golden values', () => {
  const ours = entries.entries.filter(({ id }) => id.startsWith('rank_agreement.')).map(({ id }) => id)
  /** Ties apart the authors' consistency is our soft label. */
  const wanted = ['same', 'reversed', 'one swap', 'n=2 agree', 'n=2 disagree'].map(name => `cream.${name}`)
  const isTied = 'ties are broken by position there',
    fails = 'theirs fails',
    nothing = 'of which nothing can be told'
  /** What their code does and ours does not: our soft label (null: nothing can be told), and why. */
  const refused: Record<string, readonly [why: string, ours: number | null]> = {
    'cream.tie in one': [isTied, 0.974342],
    'cream.top two tied': [isTied, 0.908248],
    'cream.all tied in second': [`${isTied}: one score for all agrees with a list that ascends`, null],
    'cream.all tied in first': [nothing, null],
    'cream.both all tied': [nothing, null],
    'cream.n=1': [fails, null],
    'cream.nan': [`${fails}; the candidate is left out`, 1],
    'cream.None': [`${fails}; the candidate is left out`, 1],
    'cream.different lengths': [fails, null],
  }
  /** Of whole files. */
  const ofFiles = ['cream.only one prompt (stdev of one value)', 'cream.shift', 'cream.file2 left out']

  it.each(ours)('ours: %s', id => {
    const want = expectOf<Record<string, number | null>>(id),
      found = agree(id)
    if (want.tau_b === null) return expect(found).toBeUndefined()
    // the file has six digits
    expect(found!.tau).toBeCloseTo(want.tau_b, 6)
    expect(found!.soft_label).toBeCloseTo(want.soft_label!, 6)
    const { candidates: n, concordant, discordant } = found!
    expect([concordant, discordant, (n * (n - 1)) / 2 - concordant - discordant]).toEqual([
      want.concordant,
      want.discordant,
      want.tied,
    ])
  })
  it.each(wanted)('theirs and wanted: %s', id => {
    const { kendall } = expectOf<{ kendall: { consistency: number } }>(id)
    expect(agree(id)!.soft_label).toBeCloseTo(kendall.consistency, 9)
  })
  it.each(Object.keys(refused))('theirs and refused: %s', id => {
    const [why, ours] = refused[id],
      { kendall } = expectOf<{ kendall: { consistency: number } | string }>(id),
      found = agree(id)?.soft_label ?? null
    if (ours === null) expect(found, why).toBeNull()
    else expect(found, why).toBeCloseTo(ours, 6)
    expect(typeof kendall === 'string' ? kendall : kendall.consistency).not.toBe(ours)
  })
  it('theirs and refused, of files: one prompt, a row that is skipped, and no second file', async () => {
    expect(
      (
        await asked([
          [
            [1, 2, 3],
            [1, 2, 3],
          ],
        ])
      ).report.numbers,
    ).toMatchObject({ told: 1, mean: 1 })
    // the rows after the skipped one keep their own values, whatever the order of a set
    const { columns } = await asked([
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
      [
        [1, 2, 3],
        [1, 2],
      ],
      [
        [1, 2, 3],
        [3, 2, 1],
      ],
    ])
    expect(columns.soft_label).toEqual([1, null, 0])
    // and without a second list nothing is consistent
    const none = await asked([
      [
        [1, 2],
        [1, 2],
      ],
      [[1, 2], null],
    ])
    expect(none.columns.soft_label).toEqual([1, null])
  })
  it('are all in one of the tables', () => {
    const mine = entries.entries.filter(({ id }) => /^(cream|rank_agreement)\./.test(id)).map(({ id }) => id)
    expect([...ours, ...wanted, ...Object.keys(refused), ...ofFiles].sort()).toEqual(mine.sort())
    expect(golden.size).toBeGreaterThan(mine.length)
    expect([ours.length, wanted.length, Object.keys(refused).length]).toEqual([9, 5, 9])
  })
})

describe('whatever the lists', () => {
  const score = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(Infinity, -Infinity))
  const both = fc.array(fc.tuple(score, score), { maxLength: 8 })
  it('tau is symmetric, turns with one list, and is 1 of a list and itself', () => {
    fc.assert(
      fc.property(both, pairs => {
        const [ours, theirs] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)],
          found = rankAgreement(ours, theirs)
        expect(rankAgreement(theirs, ours)?.tau).toBe(found?.tau)
        const reversed = rankAgreement(
          ours.map(one => -one),
          theirs,
        )
        if (found) expect(reversed!.tau).toBeCloseTo(-found.tau, 12)
        else expect(reversed).toBeUndefined()
        const self = rankAgreement(ours, ours)
        expect(self?.tau).toBe(new Set(ours).size > 1 ? 1 : undefined)
        if (self) expect([self.best_agrees, self.worst_agrees]).toEqual([true, true])
      }),
      settings(500),
    )
  })
  it('lists are native or JSON text, and the report says how they agree', async () => {
    const { columns, report } = await asked(
      [
        ['[1, 2, 3]', '[1, 2, 3]'],
        ['[1, 2]', '[2, 1]'],
        ['[1, null]', '[2, 1]'],
      ],
      { missing: 'mean' },
    )
    expect(columns.soft_label).toEqual([1, 0, 0.5])
    expect(report.lines).toEqual([
      '2 of 3 rows have two lists to compare: soft label 0.500 on average, quartiles 0.00, 1.00, 1.00; 50.0 % are below 0.5',
      '50.0 % have two candidates, where the soft label is 0 or 1 alone',
    ])
  })
})
