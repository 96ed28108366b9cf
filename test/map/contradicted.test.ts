/** UltraFeedback as it lies: lists of answers, of which some have an overall score that their aspects contradict. */
import { describe, expect, it } from 'vitest'
import type { MapSpec } from '../../engine/map/spec.ts'
import { entries, isThere } from '../noise/golden.ts'
import { failure, readMapped, sides } from './helpers.ts'

const NAMES = ['helpfulness', 'honesty', 'instruction_following', 'truthfulness']
/** An answer with its ratings as text, as in the set; beside the overall score stands their mean. */
const answer = (response: string, overall_score: number | null, ...ratings: string[]) => {
  const given = ratings.filter(rating => rating !== 'N/A').map(Number)
  return {
    ...{ model: 'm', response, overall_score },
    'fine-grained_score': given.length > 0 ? given.reduce((sum, one) => sum + one, 0) / given.length : null,
    annotations: Object.fromEntries(NAMES.map((name, i) => [name, { Rating: ratings[i] ?? 'N/A', Rationale: 'So.' }])),
  }
}
const row = (...completions: object[]) => ({
  ...{ instruction: 'Name a prime.', models: ['m'], completions },
  ...{ correct_answers: ['a'], incorrect_answers: ['b'] },
})
const map: MapSpec = {
  prompt: 'instruction',
  list: 'completions[].response',
  score: 'completions[].overall_score',
  contradicted: { aspects: NAMES.map(name => `completions[].annotations.${name}.Rating`) },
}
const [best, worst] = [answer('Two.', 8, '5', '5', '4', '4'), answer('Nine.', 3, '1', '2', '2', '2')]

describe('contradicted', () => {
  const rows = [
    row(answer('Eight.', 10, '1', '2', '2', '1'), best, worst),
    row(answer('Seven.', 10, '5', '5', '5', '5'), best),
    row(answer('Six.', 10, '2', '2', '2', '2'), best),
    row(best, worst),
  ]
  it.each([
    ['by four ratings as text', map],
    ['by the mean that lies beside the score, as the preset has it', 'ultrafeedback'],
  ])('leaves out a 1 that was stored as 10, %s', async (_, by) => {
    const read = await readMapped(rows, by)
    expect(sides(read)).toEqual([['Two.', 'Nine.'], ['Seven.', 'Two.'], ['Two.', 'Nine.']]) // prettier-ignore
    expect(read.noted).toEqual([[0, 'contradicted_score']])
    expect(read.refused).toEqual({ 2: 'too_few_completions' })
    expect(read.pairs[0]).toMatchObject({ source_chosen_score: 8, source_rejected_score: 3 })
  })

  it('does so from another score, and to another mean, when told', async () => {
    const aspects = ['completions[].fine-grained_score'],
      { refused } = await readMapped(rows, { ...map, contradicted: { aspects, from: 8, to: 4.5 } })
    expect(refused).toEqual({ 1: 'too_few_completions', 2: 'too_few_completions', 3: 'too_few_completions' })
  })

  const fixes = entries.entries.filter(({ id }) => id.startsWith('pairs.ultrafeedback_fix.'))
  it.runIf(isThere)('has all cases of the authors’ fix', () => expect(fixes).toHaveLength(6))
  it.each(fixes)('theirs and wanted: $id', async ({ given, expect: want }) => {
    const { aspects, overall } = given as { aspects: string; overall: number },
      ratings = aspects.match(/[^'(), ]+/g)!,
      { noted, pairs } = await readMapped([row(answer('It.', overall, ...ratings), best, worst)], map)
    // theirs makes a 1 of it, ours leaves it out; what theirs asks again stays here
    expect(noted).toEqual((want as { does: string }).does === 'becomes 1' ? [[0, 'contradicted_score']] : [])
    expect(pairs).toHaveLength(noted.length === 0 ? 2 : 1)
  })

  it('leaves a score without any aspect as it is, and one without a score', async () => {
    const { noted, pairs } = await readMapped([row(answer('It.', 10), answer('Or.', null, '1'), best)], map)
    expect([pairs.length, noted]).toEqual([1, [[0, 'unused_completion']]])
  })

  it.each([
    [{ ...map, score: { 'completions[].overall_score': 1 } }, 'contradicted needs a list of answers and one score'],
    [{ prompt: 'instruction', answer: 'x', score: 's', contradicted: { aspects: ['a'] } }, 'contradicted needs a list'],
    [{ ...map, contradicted: { aspects: ['models[]'] } }, "aspect 'models[]' is no field of the answers of list"],
    [{ ...map, contradicted: { aspects: ['completions[].annotations'] } }, 'it is a number, a bool, or text'],
    [{ ...map, contradicted: { aspects: ['completions[].aspect'] } }, 'aspect'],
  ] as [MapSpec, string][])('says what is wrong: %#', async (wrong, said) => {
    expect(await failure(readMapped(rows, wrong))).toContain(said)
  })
})
