/** Lists of answers and single answers, with what may score them. */
import { tallyOf, type Fact } from './facts.ts'
import { ANSWER, LABEL, SCORE } from './names.ts'
import type { Proposal } from './proposal.ts'
import { WHICH } from './prompts.ts'
import { bestOf } from './propose_best.ts'
import { isBools, isNumbers, isSaid } from './side_columns.ts'

/** Whether items of a list of numbers differ anywhere: what is the same of all rates none. */
const differs = ({ values }: Fact): boolean => new Set(values.flat().map(String)).size > 1

/** Messages before any text. */
const lengthOf = ({ kind, length }: Fact): number => (kind === 'messages' ? Infinity : length)

export function ofLists(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const texts = facts
    .filter(
      ({ kind, isList, length, name, path }) =>
        isList &&
        (kind === 'messages' || (kind === 'text' && length >= 3)) &&
        path.includes('[]') &&
        (ANSWER.test(name) || ANSWER.test(path)),
    )
    .sort((a, b) => lengthOf(b) - lengthOf(a))
  const [answers] = texts as [Fact?]
  if (!answers) return []
  const sizes = (fact: Fact) => fact.values.map(value => (Array.isArray(value) ? value.length : 0))
  const own = sizes(answers)
  const isBeside = (fact: Fact) =>
    fact.isList && fact !== answers && sizes(fact).every((size, row) => size === own[row])
  const scores = facts.filter(
    fact =>
      isBeside(fact) &&
      isNumbers(fact) &&
      differs(fact) &&
      !/(?:^|_)(?:id|index|time|date|token|count|len)/i.test(fact.name),
  )
  const isName = (fact: Fact) => isBeside(fact) && fact.kind === 'text'
  const best = bestOf(
    facts.filter(fact => !isBeside(fact) && fact !== answers),
    {
      sizes: own,
      names: [...facts.filter(isName), answers].map(({ path, values }) => ({
        names: path,
        of: row => (values[row] ?? []) as unknown[],
      })),
    },
  )
  // what the options of a question are beside may be called text
  const question = asked ?? facts.find(({ path, kind }) => path === 'text' && kind === 'text'),
    prompt = question?.path ?? 'PROMPT',
    asks = question ? [] : [WHICH],
    base = { prompt, list: answers.path }
  const sorted = [...scores].sort((a, b) => Number(SCORE.test(b.name)) - Number(SCORE.test(a.name)))
  const which = sorted.length > 1 ? [`which number counts? ${sorted.map(({ path }) => path).join(', ')}`] : []
  return [
    ...best.map(({ path, index, asks: more }) => ({
      what: `${answers.path} are answers to ${prompt}, ${path} says which is the best`,
      map: { ...base, index },
      asks: [...asks, ...more],
    })),
    ...sorted.slice(0, 1).map(fact => {
      const { path } = fact
      return isOrder(fact)
        ? {
            what: `${answers.path} are answers to ${prompt}, ${path} their ranks, or an order of their places`,
            map: { ...base, score: { [path]: -1 } },
            asks: [...asks, ...which, ...orderAsks(path)],
          }
        : {
            what: `${answers.path} are answers to ${prompt}, scored by ${path}`,
            map: { ...base, score: ratedBy(fact).score },
            asks: [...asks, ...which, ratedBy(fact).ask],
          }
    }),
  ]
}

/** A list of two texts in each row, which nothing rates: its first may be the better one, as LLaMA-Factory had it. */
export function ofTwoItems(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const isTwo = ({ values }: Fact) =>
      values.some(Array.isArray) &&
      values.every(value => value === null || (Array.isArray(value) && value.length === 2)),
    texts = facts.find(
      fact =>
        fact.kind === 'turns' &&
        !fact.isList &&
        fact !== asked &&
        ANSWER.test(fact.name) &&
        !/models?$/i.test(fact.name) &&
        isTwo(fact),
    )
  // what rates each of the two may lie in a form that is not read
  const rates = (fact: Fact) => LABEL.test(fact.name) || (SCORE.test(fact.name) && fact.isList)
  if (!texts || facts.some(rates)) return []
  const [chosen, rejected] = [0, 1].map(place => `${texts.path}[${place}]`)
  return [
    {
      what: `${texts.path} is two texts, and no column rates them: the better one may stand first, as in LLaMA-Factory's form of before 2024`,
      map: { prompt: asked?.path ?? 'PROMPT', chosen, rejected },
      asks: [...(asked ? [] : [WHICH]), `is ${chosen} the better one? if not, exchange chosen and rejected`],
    },
  ]
}

/** Words of labels of single answers; a longer word that holds one of its opposite is that. */
const GOOD =
  /up\b|good|accept|positive|\blikes?d?\b|\bcorrect|\bhelpful|\byes\b|pass|approve|\bsafe\b|chosen|excellent|\bhigh\b|\bgreat\b|perfect/
const BAD =
  /down\b|bad\b|poor|reject|negative|dislike|incorrect|wrong|unhelpful|\bno\b|fail|unsafe|disapprove|terrible|\blow\b|\bweak\b/

/** Labels whose every word is of a good or of a bad answer, or of neither. */
export function labelsIn(fact: Fact): { by: string; good: string | string[]; bad: string | string[] }[] {
  const values = tallyOf(fact).map(([value]) => value)
  if (fact.kind !== 'text' || fact.isList || values.length < 2 || values.length > 12) return []
  const says = (value: string, words: RegExp) => words.test(value.toLowerCase().replace(/[_-]/g, ' ')),
    bad = values.filter(value => says(value, BAD)),
    good = values.filter(value => says(value, GOOD) && !bad.includes(value))
  const one = (some: string[]) => (some.length === 1 ? some[0] : some)
  return good.length > 0 && bad.length > 0 ? [{ by: fact.path, good: one(good), bad: one(bad) }] : []
}

/** What a column says of an answer: of ranks mostly the lowest is the best. */
export function ratedBy(fact: Fact): { readonly score: string | Record<string, number>; readonly ask: string } {
  const { path, name } = fact
  if (/rank/i.test(name)) {
    return { score: { [path]: -1 }, ask: `is the lowest ${name} the best? if the highest is, score: '${path}'` }
  }
  const said = isBools(fact) ? `does ${path} true mean a good answer?` : `is a higher ${name} better?`
  return { score: path, ask: `${said} if not, score: { '${path}': -1 }` }
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
export function differsWithin({ values }: Fact, keys: readonly string[]): boolean {
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
  const labels = facts.flatMap(fact => (fact !== answer && differsWithin(fact, keys) ? labelsIn(fact) : []))
  if (scores.length === 0) {
    return labels.map(labels => ({
      what: `a row is one answer (${answer.path}) to ${prompt.path}, labelled by ${labels.by}`,
      map: { prompt: prompt.path, answer: answer.path, labels },
      asks: [],
    }))
  }
  const sorted = [...scores].sort((a, b) => Number(SCORE.test(b.name)) - Number(SCORE.test(a.name)))
  const which = sorted.length > 1 ? [`which number counts? ${sorted.map(({ path }) => path).join(', ')}`] : []
  return sorted.slice(0, 1).map(fact => {
    const { score, ask } = ratedBy(fact)
    return {
      what: `a row is one answer (${answer.path}) to ${prompt.path}, scored by ${fact.path}`,
      map: { prompt: prompt.path, answer: answer.path, score },
      asks: [...which, ask],
    }
  })
}
