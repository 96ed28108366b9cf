/** Lists of answers and single answers, with what may score them. */
import type { Fact } from './facts.ts'
import { ANSWER, LABEL, SCORE } from './names.ts'
import type { Proposal } from './proposal.ts'
import { isNumbers, isSaid } from './side_columns.ts'

export function ofLists(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const texts = facts
    .filter(
      ({ kind, isList, length, name, path }) =>
        isList &&
        (kind === 'messages' || (kind === 'text' && length >= 3)) &&
        path.includes('[]') &&
        (ANSWER.test(name) || ANSWER.test(path)),
    )
    .sort((a, b) => b.length - a.length)
  const [answers] = texts as [Fact?]
  if (!answers) return []
  const sizes = (fact: Fact) => fact.values.map(value => (Array.isArray(value) ? value.length : 0))
  const own = sizes(answers)
  const isBeside = (fact: Fact) =>
    fact.isList && fact !== answers && sizes(fact).every((size, row) => size === own[row])
  const scores = facts.filter(
    fact => isBeside(fact) && isNumbers(fact) && !/(?:^|_)(?:id|index|time|date|token|count|len)/i.test(fact.name),
  )
  const indexes = facts.filter(
    ({ kind, isList, values, name }) =>
      kind === 'number' &&
      !isList &&
      LABEL.test(name) &&
      values.every(
        (value, row) =>
          value === null || (Number.isInteger(Number(value)) && Number(value) >= 0 && Number(value) < own[row]),
      ),
  )
  const prompt = asked?.path ?? 'PROMPT',
    asks = asked ? [] : ['which column is the prompt? put its name in place of PROMPT'],
    base = { prompt, list: answers.path }
  const sorted = [...scores].sort((a, b) => Number(SCORE.test(b.name)) - Number(SCORE.test(a.name)))
  const which = sorted.length > 1 ? [`which number counts? ${sorted.map(({ path }) => path).join(', ')}`] : []
  return [
    ...indexes.map(({ path }) => ({
      what: `${answers.path} are answers to ${prompt}, ${path} the place of the best`,
      map: { ...base, index: path },
      asks: [...asks, `is ${path} counted from 0? if from 1, it cannot be read so`],
    })),
    ...sorted.slice(0, 1).map(fact => {
      const { path, name } = fact
      return isOrder(fact)
        ? {
            what: `${answers.path} are answers to ${prompt}, ${path} their ranks, or an order of their places`,
            map: { ...base, score: { [path]: -1 } },
            asks: [...asks, ...which, ...orderAsks(path)],
          }
        : {
            what: `${answers.path} are answers to ${prompt}, scored by ${path}`,
            map: { ...base, score: path },
            asks: [...asks, ...which, `is a higher ${name} better? if not, score: { '${path}': -1 }`],
          }
    }),
  ]
}

/** Whether each list holds each of 0 to K-1, or of 1 to K, once: of two items ranks and an order are the same. */
function isOrder({ values }: Fact): boolean {
  const lists = values.filter((value): value is unknown[] => Array.isArray(value))
  const from = (start: number) =>
    lists.every(list => new Set(list).size === list.length && list.every((_, i) => list.includes(start + i)))
  return lists.some(({ length }) => length > 2) && (from(0) || from(1))
}

const orderAsks = (path: string): string[] => [
  `does ${path} hold the rank of each answer, the lowest the best? if the highest is, score: '${path}'`,
  `or does it hold the places of the answers, the best first? no map reads that: write a list with the rank of each`,
]

/** Whether two rows of one key differ in it: what all answers to a prompt have is the prompt's. */
function differsWithin({ values }: Fact, keys: readonly string[]): boolean {
  const first = new Map<string, string>()
  return values.some((value, row) => {
    const before = first.get(keys[row])
    if (before === undefined) first.set(keys[row], String(value))
    return before !== undefined && before !== String(value)
  })
}

export const answerOf = (facts: readonly Fact[], prompt: Fact | undefined): Fact | undefined =>
  facts
    .filter(
      fact =>
        isSaid(fact) &&
        (fact.kind !== 'turns' || prompt?.kind === 'turns') &&
        fact !== prompt &&
        ANSWER.test(fact.name) &&
        !/(?:^|_)(?:model|id|source|type)$/i.test(fact.name),
    )
    .sort((a, b) => b.length - a.length)[0]

export function ofAnswers(facts: readonly Fact[], prompt: Fact | undefined): Proposal[] {
  const answer = answerOf(facts, prompt)
  if (!prompt || !answer) return []
  const keys = prompt.values.map(value => JSON.stringify(value))
  if (new Set(keys).size === keys.length) return []
  const scores = facts.filter(
    fact =>
      isNumbers(fact) &&
      differsWithin(fact, keys) &&
      (fact.kind !== 'text' || SCORE.test(fact.name)) &&
      !fact.isList &&
      !fact.path.includes('[]') &&
      !/(?:^|_)(?:id|index|time|date|token|count|len)/i.test(fact.name),
  )
  const sorted = [...scores].sort((a, b) => Number(SCORE.test(b.name)) - Number(SCORE.test(a.name)))
  const which = sorted.length > 1 ? [`which number counts? ${sorted.map(({ path }) => path).join(', ')}`] : []
  return sorted.slice(0, 1).map(({ path, kind }) => ({
    what: `a row is one answer (${answer.path}) to ${prompt.path}, scored by ${path}`,
    map: { prompt: prompt.path, answer: answer.path, score: path },
    asks: [
      ...which,
      kind === 'bool'
        ? `does ${path} true mean a good answer? if not, score: { ${path}: -1 }`
        : `is a higher ${path} better? if not, score: { ${path}: -1 }`,
    ],
  }))
}
