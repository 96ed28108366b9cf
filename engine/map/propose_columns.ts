/** Three columns of answers and more, with what may rate them. */
import type { Fact } from './facts.ts'
import { ANSWER, NO_SCORE, partsOf, SCORE } from './names.ts'
import { WHICH } from './prompts.ts'
import { bestOf } from './propose_best.ts'
import { isNumbers, isSaid } from './side_columns.ts'
import type { Proposal } from './proposal.ts'

interface Family {
  readonly stem: string
  readonly facts: readonly Fact[]
}

/** Columns whose names differ by a number or a letter alone, three and more. */
function familiesOf(facts: readonly Fact[]): Family[] {
  const families = new Map<string, Fact[]>()
  for (const fact of facts) {
    const parts = partsOf(fact.path),
      at = parts.findLastIndex(part => /^(?:\d+|[a-z])$/.test(part))
    if (at < 0 || fact.path.includes('[]')) continue
    const stem = parts.map((part, i) => (i === at ? '' : part)).join('_')
    families.set(stem, [...(families.get(stem) ?? []), fact])
  }
  return [...families].flatMap(([stem, facts]) => (facts.length > 2 ? [{ stem, facts }] : []))
}

export function ofColumns(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const families = familiesOf(facts),
    [answers] = families
      .filter(
        ({ stem, facts }) =>
          (ANSWER.test(stem) || stem === '') && facts.every(fact => isSaid(fact) && fact.length >= 3),
      )
      .sort((a, b) => b.facts[0].length - a.facts[0].length) as [Family?]
  if (!answers) return []
  const count = answers.facts.length,
    prompt = asked && !answers.facts.includes(asked) ? asked.path : 'PROMPT',
    list = answers.facts.map(({ path }) => path),
    asks = prompt === 'PROMPT' ? [WHICH] : [],
    base = { prompt, list },
    what = `${list.join(', ')} are answers to ${prompt}`
  const lists = facts.filter(
      fact =>
        fact.isList &&
        isNumbers(fact) &&
        fact.values.every(value => value === null || (Array.isArray(value) && value.length === count)),
    ),
    numbers = families.filter(
      ({ stem, facts }) => facts.length === count && facts.every(isNumbers) && !NO_SCORE.test(stem),
    ),
    named = numbers.filter(({ stem }) => SCORE.test(stem)),
    columns = named.length > 0 ? named : numbers
  const own = [...answers.facts, ...(columns[0]?.facts ?? [])],
    best = bestOf(
      facts.filter(fact => !own.includes(fact) && !fact.isList),
      { sizes: answers.facts[0].values.map(() => count), names: [{ names: [...list], of: () => list }] },
    )
  const proposals = [
    ...lists.map(({ path }) => ({
      what: `${what}, ${path} their scores`,
      map: { ...base, score: path },
      asks: [...asks, `is a higher ${path} better? if not, score: { '${path}': -1 }`],
    })),
    ...columns.map(({ facts }) => {
      const score = facts.map(({ path }) => path),
        ranks = `{ ${score.map(path => `${path}: -1`).join(', ')} }`
      return {
        what: `${what}, ${score.join(', ')} their scores`,
        ...(/rank/i.test(score[0])
          ? {
              map: { ...base, score: Object.fromEntries(score.map(path => [path, -1])) },
              asks: [...asks, `is the lowest ${score[0]} the best? if the highest is, score: [${score.join(', ')}]`],
            }
          : { map: { ...base, score }, asks: [...asks, `is a higher ${score[0]} better? if not, score: ${ranks}`] }),
      }
    }),
    ...best.map(({ path, index, asks: more }) => ({
      what: `${what}, ${path} says which is the best`,
      map: { ...base, index },
      asks: [...asks, ...more],
    })),
  ]
  return proposals.length > 0
    ? proposals
    : [
        {
          what: `${what}, and no column rates them`,
          map: { ...base, score: 'SCORES[]' },
          asks: [...asks, 'which columns say which answer is better? a list of scores, or score: [ one of each ]'],
        },
      ]
}
