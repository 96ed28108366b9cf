/** Three columns of answers and more, with what may rate them. */
import type { Fact } from './facts.ts'
import { ANSWER, partsOf, SCORE } from './names.ts'
import { isSaid } from './side_columns.ts'
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

/** Names of numbers that rate nothing. */
const NO_SCORE = /(?:^|_)(?:id|index|time|date|tokens?|count|len|length|turns?|num)(?:_|$)/i

export function ofColumns(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const families = familiesOf(facts),
    [answers] = families
      .filter(({ stem, facts }) => ANSWER.test(stem) && facts.every(fact => isSaid(fact) && fact.length >= 3))
      .sort((a, b) => b.facts[0].length - a.facts[0].length) as [Family?]
  if (!answers) return []
  const count = answers.facts.length,
    prompt = asked && !answers.facts.includes(asked) ? asked.path : 'PROMPT',
    list = answers.facts.map(({ path }) => path),
    asks = prompt === 'PROMPT' ? ['which column is the prompt? put its name in place of PROMPT'] : [],
    base = { prompt, list },
    what = `${list.join(', ')} are answers to ${prompt}`
  const isNumber = ({ kind }: Fact) => kind === 'number' || kind === 'bool'
  const lists = facts.filter(
      fact =>
        fact.isList &&
        isNumber(fact) &&
        fact.values.every(value => value === null || (Array.isArray(value) && value.length === count)),
    ),
    numbers = families.filter(
      ({ stem, facts }) => facts.length === count && facts.every(isNumber) && !NO_SCORE.test(stem),
    ),
    named = numbers.filter(({ stem }) => SCORE.test(stem)),
    columns = named.length > 0 ? named : numbers
  const proposals = [
    ...lists.map(({ path }) => ({
      what: `${what}, ${path} their scores`,
      map: { ...base, score: path },
      asks: [...asks, `is a higher ${path} better? if not, score: { '${path}': -1 }`],
    })),
    ...columns.map(({ facts }) => {
      const score = facts.map(({ path }) => path)
      return {
        what: `${what}, ${score.join(', ')} their scores`,
        map: { ...base, score },
        asks: [
          ...asks,
          `is a higher ${score[0]} better? if not, score: { ${score.map(path => `${path}: -1`).join(', ')} }`,
        ],
      }
    }),
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
