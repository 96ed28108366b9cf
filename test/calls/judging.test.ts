/** How answers of judges are read: TrustJudge's golden values in three tables, what is refused, and what is kept. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Value } from '@sinclair/typebox/value'
import { judgeOptions, service } from '../../stages/served/judge_service.ts'
import { askedOf, expectedGrade, gradeShares, gradesOf, judgementOf, labelShares } from '../../stages/served/judging.ts'
import { settings } from '../properties/settings.ts'
import { graphOf, outcomeOf, PAIRS } from './helpers.ts'
import { startServer } from './server.ts'

const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
type Shares = Readonly<Record<string, number>>
interface Golden {
  readonly id: string
  readonly given: Shares & { label_probabilities: Shares; order1: Shares; order2: Shares; tokens: Shares[] }
  readonly expect: Readonly<Record<string, unknown>>
}
const { entries } = JSON.parse(readFileSync(`${shared}golden/judges-rewards-groups.json`, 'utf8')) as {
  entries: Golden[]
}
const golden = new Map(entries.map(entry => [entry.id.replace('trustjudge.', ''), entry]))

const firstOf = (shares: Shares) => Object.entries(shares).map(([token, p]) => ({ token, logprob: Math.log(p) }))
const five = ['1', '2', '3', '4', '5'],
  letters = ['A', 'B', 'C']
const close = (value: number) => Number(value.toPrecision(12))
const given = (id: string) => golden.get(id)!.given
const attempt = <T>(make: () => T): T | string => {
  try {
    return make()
  } catch (error) {
    return (error as Error).message
  }
}
/** Of grades 1 to 5 the mean; the answer is the likeliest number. */
const grade = (shares: Shares) =>
  attempt(() => {
    const [text] = Object.entries(shares)
      .filter(([token]) => Number(token))
      .sort(([, p], [, q]) => q - p)[0] ?? ['']
    return close(expectedGrade(gradeShares({ text, first: firstOf(shares) }, five), 1))
  })
const graded = (id: string) => grade(given(`score.${id}`).label_probabilities)
/** The first order has A as the first answer, the second B. */
const judged = ({ order1, order2 }: { order1: Shares; order2: Shares }) => {
  const { verdict, disagrees } = judgementOf(
    labelShares(firstOf(order1), letters),
    labelShares(firstOf(order2), letters),
  )
  return { verdict, disagrees }
}
const larger = { chosen: 'larger', rejected: 'smaller', tie: 'equal' }
const verdict = (id: string) => larger[judged(given(`verdict.${id}`)).verdict]
const lettersIn = (id: string) =>
  attempt(() => {
    const shares = labelShares(firstOf(given(`extract.${id}`).tokens[1]), letters).map(close)
    return Object.fromEntries(letters.flatMap((letter, i) => (shares[i] > 0 ? [[letter, shares[i]]] : [])))
  })

const sums = ['agree', 'orders disagree', 'pure position', 'tie by sum']
const ours = sums.map(name => `likelihood_sums.${name}`)
/** What their code gives, under the name of a method or as it is, and ours too. */
const wanted: Readonly<Record<string, readonly [got: unknown, method?: string]>> = {
  'score.split': [graded('split'), 'softmax_weighted'],
  'score.sixty_forty': [graded('sixty_forty'), 'geval'],
  'score.typical': [graded('typical'), 'geval'],
  'score.nearly_certain': [graded('nearly_certain'), 'geval'],
  'score.missing_mass': [graded('missing_mass'), 'softmax_weighted'],
  'score.float_key': [graded('float_key'), 'softmax_weighted'],
  'score.certain_1.0': [graded('certain_1.0'), 'geval'],
  'extract.first_bracket_wins': [lettersIn('first_bracket_wins')],
  'extract.merged_spaces': [lettersIn('merged_spaces')],
  'verdict.agree': [verdict('agree'), 'likelihood'],
  'verdict.orders_disagree_first_surer': [verdict('orders_disagree_first_surer'), 'likelihood'],
  'verdict.tie_wins_by_sum': [verdict('tie_wins_by_sum'), 'likelihood'],
  'verdict.junk_label': [verdict('junk_label'), 'likelihood'],
}
const noDigit = /^1, 2, 3, 4 and 5 have \d+ % of the probability of the first token/
/** What their code gives and ours does not: our value, or what is said of the answer, and why. */
const refused: Readonly<Record<string, readonly [why: string, got: unknown, ours: unknown]>> = {
  'score.certain_1.0_with_leftover': [
    'theirs skips what is certain, or counts more than all',
    graded('certain_1.0_with_leftover'),
    close((5 + 4e-9) / (1 + 1e-9)),
  ],
  'score.two_leftovers_after_1.0': ['the same', graded('two_leftovers_after_1.0'), close(5.75 / 1.5)],
  'score.low_mass': ['2 % are no grade', graded('low_mass'), expect.stringMatching(noDigit)],
  'score.out_of_scale': ['nor is 7 on a scale to 5', graded('out_of_scale'), expect.stringMatching(noDigit)],
  'score.empty': ['theirs is 0', graded('empty'), expect.stringMatching(/no log-probabilities/)],
  'score.baseline_first_key': ['theirs is the first label by name: 2', grade({ 2: 0.1, 5: 0.9 }), 4.7],
  'extract.two_token_score_75': [
    'theirs fails without saying why',
    attempt(() => gradeShares({ text: '75', first: firstOf({ 7: 0.6, 8: 0.4 }) }, [...five, '6', '7', '8', '9'])),
    expect.stringMatching(/the answer is "75", and not a number from 1 to 9 alone: its first token may begin another/),
  ],
  'extract.one_token': [
    'on a scale to 100 theirs takes 7 for 7; a scale has one digit here',
    Value.Check(judgeOptions, Value.Default(judgeOptions, { url: 'u', model: 'm', scale: { from: 1, to: 100 } })),
    false,
  ],
  'extract.first_key_not_allowed': ['theirs fails', lettersIn('first_key_not_allowed'), expect.stringMatching(/40 %/)],
  'verdict.both_say_A_equally': [
    'an exact tie: theirs changes with the seed of hashes',
    judged(given('verdict.both_say_A_equally')),
    { verdict: 'tie', disagrees: true },
  ],
  'verdict.one_label_only': ['theirs fails', verdict('one_label_only'), 'larger'],
}

describe('TrustJudge', () => {
  it.each(sums)('ours: %s', name => {
    const { given, expect: want } = golden.get(`likelihood_sums.${name}`)!
    const { chosen_score, tie } = judgementOf(
      labelShares(firstOf(given.order1), letters),
      labelShares(firstOf(given.order2), letters),
    )
    const { first, equal } = want as Record<string, number>
    expect([Math.exp(chosen_score), tie].map(close)).toEqual([(first + equal / 2) / 2, equal / 2].map(close))
  })
  it.each(Object.keys(wanted))('theirs and wanted: %s', id => {
    const [got, method] = wanted[id],
      want = golden.get(id)!.expect
    expect(got).toEqual(method === undefined ? want : want[method])
  })
  it.each(Object.keys(refused))('theirs and refused: %s', id => {
    const [why, got, ours] = refused[id]
    expect(got, why).toEqual(ours)
    expect(JSON.stringify(golden.get(id)!.expect)).not.toBe(JSON.stringify(ours))
  })
  it('are all in one of the tables', () => {
    const all = entries.flatMap(
      ({ id }) => /^trustjudge\.((?:score|extract|verdict|likelihood_sums)\..*)/.exec(id)?.[1] ?? [],
    )
    expect([...ours, ...Object.keys(wanted), ...Object.keys(refused)].sort()).toEqual(all.sort())
    expect([ours.length, Object.keys(wanted).length, Object.keys(refused).length]).toEqual([4, 13, 11])
  })
})

describe('whatever a judge says', () => {
  const order = fc
    .tuple(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 99 }), fc.integer({ min: 0, max: 99 }))
    .map(masses => masses.map(mass => mass / masses.reduce((sum, some) => sum + some, 0)))
  const other = { chosen: 'rejected', rejected: 'chosen', tie: 'tie' }

  it('the same of both orders is a tie, and the sides exchanged are the verdict exchanged', () => {
    fc.assert(
      fc.property(order, order, (one, two) => {
        expect(judgementOf(one, one)).toMatchObject({ verdict: 'tie' })
        expect(judgementOf(one[0], one[0])).toMatchObject({ verdict: 'tie', probability: 0.5 })
        const there = judgementOf(one, two),
          back = judgementOf(two, one)
        expect([back.verdict, back.disagrees, back.tie]).toEqual([other[there.verdict], there.disagrees, there.tie])
        expect(back.probability).toBeCloseTo(1 - there.probability, 12)
      }),
      settings(500),
    )
  })
  it('equal grades are a tie, and a mean grade lies on the scale', () => {
    fc.assert(
      fc.property(order, order, (one, two) => {
        expect(gradesOf(one, one, 3).verdict).toBe('tie')
        const { chosen_score, rejected_score, verdict } = gradesOf(one, two, 3)
        expect(Math.min(chosen_score, rejected_score)).toBeGreaterThanOrEqual(3 - 1e-9)
        expect(Math.max(chosen_score, rejected_score)).toBeLessThanOrEqual(5 + 1e-9)
        const sign = Math.sign(chosen_score - rejected_score)
        expect(verdict).toBe(sign > 0 ? 'chosen' : sign < 0 ? 'rejected' : 'tie')
      }),
      settings(500),
    )
  })
})

describe('what is asked', () => {
  const of = (more: Record<string, unknown> = {}) =>
    service(Value.Default(judgeOptions, { url: 'http://127.0.0.1:9', model: 'm', ...more }) as never)
  const item = { conversation: 'user: {a}', a: 'one $& {b}', b: 'two' }

  it('a language that is only recorded asks nothing anew; a letter for ties, a scale and a wording do', () => {
    const same = JSON.stringify(of().identity)
    expect(JSON.stringify(of({ language: 'de' }).identity)).toBe(same)
    const anew = [{ tie_letter: 'C' }, { scale: { from: 1, to: 5 } }, { wording: 'A or B? {conversation} {a} {b}' }]
    const others = [...anew, { scale: { from: 0, to: 5 } }, { tie_letter: 'D' }].map(more =>
      JSON.stringify(of(more).identity),
    )
    expect(new Set([same, ...others]).size).toBe(6)
  })
  it('what is filled in is not filled again', () => {
    const { body } = of().request([item])
    expect(JSON.stringify(body)).toContain(
      '[Conversation]\\nuser: {a}\\n\\n[Answer A]\\none $& {b}\\n\\n[Answer B]\\ntwo',
    )
  })
  it.each([
    [{ tie_letter: 'C', scale: { from: 1, to: 5 } }, 'tie_letter is for two answers; with scale each is graded alone'],
    [{ scale: { from: 5, to: 5 } }, 'scale goes from 5 to 5: to must be more'],
    [{ tie_letter: 'C', wording: '{conversation} {a} {b}: A or B?' }, 'wording does not say that C is a tie'],
    [{ scale: { from: 1, to: 5 }, wording: '{a} {b}' }, 'wording has no {conversation} and no {answer}'],
  ])('%j is refused', (options, why) => {
    expect(() => askedOf({ language: 'en', ...options })).toThrow(why)
  })
  it('the template names language, format and scale', () => {
    const named = [{}, { tie_letter: 'C' }, { scale: { from: 1, to: 5 } }].map(more =>
      askedOf({ language: 'de', ...more }),
    )
    expect(named.map(({ template }) => template)).toEqual(['de letters', 'de tie', 'de grade 1-5'])
  })
})

it('a judge that grades: means of grades, and a number of two tokens is set aside', async () => {
  const server = await startServer(({ body }, response) => {
    const text = JSON.stringify(body),
      is75 = text.includes('answer 7:'),
      top_logprobs = firstOf(text.includes('banana') ? { 1: 1 } : is75 ? { 7: 0.9, 5: 0.1 } : { 4: 0.6, 3: 0.4 })
    const choice = { finish_reason: 'stop', message: { content: is75 ? '75' : top_logprobs[0].token } }
    response.end(JSON.stringify({ choices: [{ ...choice, logprobs: { content: [{ top_logprobs }] } }] }))
    return true
  })
  const { rows, ledger } = await outcomeOf(graphOf(server.url, { scale: { from: 1, to: 9 } }, 'judge_pairs'))
  expect(rows).toHaveLength(PAIRS - 1)
  expect(rows[0]).toMatchObject({ scored_chosen_score: 3.6, scored_verdict: 'tie', scored_template: 'en grade 1-9' })
  expect(Object.keys(rows[0])).not.toContain('scored_probability')
  expect(JSON.stringify(ledger.find(({ outcome }) => outcome === 'errored'))).toMatch(
    /no grade of the \w+ side.*the answer is .{2,4}75/,
  )
})
