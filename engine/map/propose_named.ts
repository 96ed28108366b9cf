/** Two columns of answers whose names say which of them is the better one, and which names say it only by custom. */
import { tallyOf, type Fact } from './facts.ts'
import { readLabel } from './labels.ts'
import { CUSTOM, differenceOf, isOneOf, MARKS, ORDERED, partsOf, WORSE } from './names.ts'
import { promptFor } from './prompts.ts'
import type { Proposal } from './proposal.ts'
import { answersAmong, bySide, familiesOf, isSaid } from './side_columns.ts'
import type { MapSpec } from './spec.ts'

interface Two {
  readonly first: Fact
  readonly second: Fact
}

/** Sides by names that say which is the better one. */
export function ofNamed(facts: readonly Fact[], asked: Fact | undefined): Proposal | undefined {
  const ordered = familiesOf(facts, ORDERED),
    answers = answersAmong(familiesOf(facts, MARKS)),
    isNone = (fact: Fact) => isName(fact, facts) || (answers !== undefined && isSideOf(fact, answers)),
    named = answersAmong(ordered.filter(({ first, second }) => ![first, second].some(isNone)))
  if (named) {
    const { first, second } = named,
      { prompt, asks } = promptFor(facts, asked, named)
    const by = bySide(ordered, named),
      items = first.kind === 'turns' && asked?.kind !== 'turns' ? itemsAsked(named, facts) : undefined
    return {
      what: `${first.path} and ${second.path} are the better and the worse answer`,
      map: { prompt, chosen: first.path, rejected: second.path, ...by, ...items?.map },
      asks: [...asks, ...(items?.asks ?? [])],
    }
  }
  const uneven = oneAndMany(facts)
  if (uneven) {
    const { prompt, asks } = promptFor(facts, asked, uneven),
      [chosen, rejected] = [uneven.first.path, uneven.second.path]
    return {
      what: `${chosen} and ${rejected} are the better and the worse answers, each of which meets each`,
      map: { prompt, chosen, rejected },
      asks,
    }
  }
  const sides = beside(facts) ?? customSides(facts)
  return sides && orderedSides(sides, promptFor(facts, asked, sides), {})
}

/** Sides of which the first may be the better one. */
export const orderedSides = (
  { first, second }: Two,
  { prompt, asks }: { readonly prompt: string; readonly asks: readonly string[] },
  by: Pick<MapSpec, 'by_side'>,
): Proposal => ({
  what: `${first.path} and ${second.path} may be the better and the worse answer`,
  map: { prompt, chosen: first.path, rejected: second.path, ...by },
  asks: [...asks, `is ${first.path} the better one? if not, exchange chosen and rejected`],
})

/** Two columns by names that say right and wrong: two texts, or lists of them before two texts. */
function customSides(facts: readonly Fact[]): Two | undefined {
  // of a list of texts its items
  const isItems = (fact: Fact) => fact.isList && fact.kind === 'text' && fact.path.endsWith('[]') && fact.length >= 3
  const said = facts.filter(
    fact => isItems(fact) || (isSaid(fact) && !facts.some(({ path }) => path === `${fact.path}[]`)),
  )
  const found = CUSTOM.flatMap(([good, bad]) =>
    said.flatMap(first =>
      said.flatMap(second =>
        first !== second && good.test(first.name) && bad.test(second.name) && !bad.test(first.name)
          ? [{ first, second }]
          : [],
      ),
    ),
  )
  return found.find(({ first, second }) => first.isList && second.isList) ?? found[0]
}

/** Sides that are lists of texts beside a prompt that is none: several answers, or turns of one. */
function itemsAsked({ first, second }: Two, facts: readonly Fact[]) {
  const paths = [first, second].map(({ path }) => `${path}[]`)
  if (!paths.every(path => facts.some(fact => fact.path === path))) {
    return {
      map: {},
      asks: [`are the lists of ${first.path} turns that alternate? if they are meant as text: layout: text`],
    }
  }
  return {
    map: { chosen: paths[0], rejected: paths[1] },
    asks: [`are the texts of ${first.path} answers of their own? if they are turns that alternate, leave out []`],
  }
}

/** An answer, and one of the same name that says that it is the worse one: response and rejected_response. */
function beside(facts: readonly Fact[]): Two | undefined {
  const said = facts.filter(fact => isSaid(fact) && !fact.path.includes('[]'))
  return said
    .flatMap(first => said.map(second => ({ first, second })))
    .find(({ first, second }) => {
      const [worse, ...more] = partsOf(second.path).filter(part => !partsOf(first.path).includes(part))
      return (
        first.kind === second.kind &&
        more.length === 0 &&
        WORSE.test(worse ?? '') &&
        partsOf(second.path).length === partsOf(first.path).length + 1
      )
    })
}

/** One better answer beside a list of worse ones, or the other way round. */
function oneAndMany(facts: readonly Fact[]): Two | undefined {
  const isItems = ({ isList, path }: Fact) => isList && path.endsWith('[]')
  return facts
    .flatMap(first => facts.map(second => ({ first, second })))
    .find(({ first, second }) => {
      const [one, many] = isItems(first) ? [second, first] : [first, second]
      const differs = differenceOf(first.path.replace('[]', ''), second.path.replace('[]', ''))
      return (
        isItems(many) &&
        isSaid(one) &&
        one.kind === many.kind &&
        differs !== undefined &&
        isOneOf(ORDERED, differs.marks)
      )
    })
}

/** Whether a column of a few short values says one of two longer answers, and is none itself. */
const isSideOf = (fact: Fact, answers: Two & { readonly marks: readonly [string, string] }): boolean =>
  fact.kind !== 'messages' &&
  fact.length < 40 &&
  fact.length < answers.first.length &&
  readLabel({ ...fact, name: 'label' }, answers) !== undefined

/** Whether a column of a few values names other columns, and is no answer itself. */
const isName = (fact: Fact, facts: readonly Fact[]): boolean => {
  const values = fact.kind === 'text' && !fact.isList ? tallyOf(fact) : []
  return values.length > 0 && values.every(([value]) => facts.some(other => other !== fact && other.path === value))
}
