/** Files whose columns have names that say nothing here, as those of another language: all is asked. */
import { tallyOf, type Fact } from './facts.ts'
import { WHICH } from './prompts.ts'
import type { Proposal } from './proposal.ts'
import { headsOf } from './said.ts'
import { isLabel } from './side_columns.ts'

/** Names of what is no text of a pair. */
const NO_TEXT =
  /(?:^|[_\-. ])(?:id|uuid|hash|model|source|url|link|date|time|lang|language|type|category|at)$|[a-z](?:Id|At)$/i
/** Dates and addresses. */
const NO_SAID = /^(?:\d{4}-\d\d-\d\d|https?:\/\/\S+$)/
/** Characters of a text on average from which on it may be a part of a pair, and columns that are listed at most. */
const SHORT = 8,
  MOST_LISTED = 8

/** Text and messages that may be a prompt or an answer, whatever they are called. */
export const textsIn = (facts: readonly Fact[]): Fact[] =>
  facts.filter(
    fact =>
      !fact.isList &&
      !fact.path.includes('[]') &&
      (fact.kind === 'messages' || ((fact.kind === 'text' || fact.kind === 'turns') && fact.length >= SHORT)) &&
      !NO_TEXT.test(fact.name) &&
      !isLabel(fact) &&
      (fact.kind === 'messages' || fact.values.length < 2 || new Set(fact.values.map(String)).size > 1) &&
      !fact.values.every(value => value === null || (typeof value === 'string' && NO_SAID.test(value))),
  )

/** Columns of a few values that come again, which may be labels. */
export const labelsIn = (facts: readonly Fact[]): Fact[] =>
  facts.filter(fact => {
    const count = tallyOf(fact).length
    return (
      !fact.isList &&
      !fact.path.includes('[]') &&
      (fact.kind === 'number' || fact.kind === 'bool' || (fact.kind === 'text' && fact.length < 40)) &&
      count > 1 &&
      count <= Math.min(12, fact.values.length / 2)
    )
  })

export const labelSaid = (fact: Fact): string =>
  `${fact.path} (${tallyOf(fact)
    .slice(0, 6)
    .map(([value, count]) => `${value}: ${count}`)
    .join(', ')})`

const listed = (names: readonly string[]): string =>
  names.slice(0, MOST_LISTED).join(', ') +
  (names.length > MOST_LISTED ? `, and ${names.length - MOST_LISTED} more` : '')

/** Puts a column in place of PROMPT where one alone may be it, or says which may be. */
export function withPrompt(facts: readonly Fact[], { map, asks, ...proposal }: Proposal): Proposal {
  if (map.prompt !== 'PROMPT') return { ...proposal, map, asks }
  const used = headsOf(map),
    mayBe = textsIn(facts).filter(({ path }) => !used.some(name => name === path || name.startsWith(`${path}.`))),
    [{ path }] = [...mayBe, { path: 'PROMPT' }]
  const said =
    mayBe.length === 1
      ? `is ${path} the prompt? if not, put the name of the column that is in its place`
      : `${WHICH}${mayBe.length > 1 ? `: ${listed(mayBe.map(fact => fact.path))}` : ''}`
  return {
    ...proposal,
    what: mayBe.length === 1 ? proposal.what.replace('PROMPT', path) : proposal.what,
    map: { ...map, prompt: mayBe.length === 1 ? path : 'PROMPT' },
    asks: asks.map(ask => (ask === WHICH ? said : ask)),
  }
}

/** What is asked of three texts and more, or of two and a label, none of which has a name that is known. */
export function ofAny(facts: readonly Fact[]): Proposal[] {
  const texts = textsIn(facts),
    labels = labelsIn(facts).filter(fact => !texts.includes(fact)),
    names = listed(texts.map(({ path }) => path))
  if (texts.length < 3) return []
  const sided: Proposal = {
    what: `${names} are texts, and no name says which of them is the prompt and which are answers`,
    map: { prompt: 'PROMPT', chosen: 'BETTER', rejected: 'WORSE' },
    asks: [
      `which of ${names} is the prompt, and which the better and the worse answer? put their names in these places`,
    ],
  }
  const labelled: Proposal = {
    what: `or one of ${listed(labels.map(labelSaid))} says which of two answers is better`,
    map: { prompt: 'PROMPT', answers: ['ONE', 'OTHER'], prefer: { by: 'LABEL', first: 'FIRST', second: 'SECOND' } },
    asks: [
      'which are the two answers and the label, and which of its values is for ONE (FIRST), which for OTHER (SECOND)?',
    ],
  }
  return labels.length > 0 ? [sided, labelled] : [sided]
}
