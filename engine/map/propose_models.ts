/** Answers in columns that are called as the models that gave them, and a label that names one of these. */
import { tallyOf, type Fact } from './facts.ts'
import { differenceOf, isOneOf, LABEL, MARKS, TIES, WORSE } from './names.ts'
import { WHICH } from './prompts.ts'
import type { Proposal } from './proposal.ts'
import { isLabel, isSaid } from './side_columns.ts'

/** A column of answers, and what the label calls it. */
interface Named {
  readonly fact: Fact
  readonly called: string
}

/** Labels of more values name something else. */
const MOST_MODELS = 20

/** What stands before and behind a name in a path; undefined where the name is not there at one of the two ends. */
function aroundOf(path: string, name: string): readonly [string, string] | undefined {
  if (path.endsWith(name)) return [path.slice(0, path.length - name.length), '']
  return path.startsWith(name) ? ['', path.slice(name.length)] : undefined
}

/** The columns that the values of a label name, each with the same before and behind the name; others so called too. */
function namedBy(values: readonly string[], said: readonly Fact[]): Named[] {
  const around = said.flatMap(({ path }) => aroundOf(path, values[0]) ?? [])
  for (let i = 0; i < around.length; i += 2) {
    const [before, behind] = around.slice(i, i + 2)
    const named = said.filter(({ path }) => values.some(value => path === `${before}${value}${behind}`))
    if (named.length < 2) continue
    const isAlike = ({ path }: Fact) =>
      before + behind !== '' &&
      path.startsWith(before) &&
      path.endsWith(behind) &&
      path.length > (before + behind).length
    return said
      .filter(fact => named.includes(fact) || isAlike(fact))
      .map(fact => ({ fact, called: fact.path.slice(before.length, fact.path.length - behind.length) }))
  }
  return []
}

export function ofModels(facts: readonly Fact[], asked: Fact | undefined): Proposal[] {
  const prompt = asked?.path ?? 'PROMPT',
    said = facts.filter(fact => isSaid(fact) && fact !== asked && !fact.path.includes('[]') && !isLabel(fact))
  return facts.flatMap((label): Proposal[] => {
    const { path, name, kind, isList } = label,
      tally = tallyOf(label)
    if (
      kind !== 'text' ||
      isList ||
      !(LABEL.test(name) || WORSE.test(name)) ||
      tally.length < 2 ||
      tally.length > MOST_MODELS
    ) {
      return []
    }
    const values = tally.map(([value]) => value),
      named = namedBy(
        values,
        said.filter(fact => fact !== label),
      ),
      [a, b] = named
    const differs = named.length === 2 ? differenceOf(a.fact.path, b.fact.path) : undefined
    // those that letters or numbers tell apart are two answers of anybody
    if (named.length < 2 || (differs && isOneOf(MARKS, differs.marks))) return []
    const others = values.filter(value => !named.some(({ called }) => called === value)),
      ties = others.filter(value => TIES.test(value.toLowerCase())),
      unknown = others.filter(value => !ties.includes(value)),
      list = named.map(({ fact }) => fact.path),
      what = `${list.join(', ')} are answers to ${prompt}, ${path} names the ${WORSE.test(name) ? 'worse' : 'better'} one`
    const asks = [
      ...(asked ? [] : [WHICH]),
      ...(unknown.length > 0 ? [`what does ${path} '${unknown.join("', '")}' mean? no column is called so`] : []),
    ]
    if (named.length > 2) {
      const called = named.map(one => one.called)
      return WORSE.test(name) ? [] : [{ what, map: { prompt, list, index: { by: path, names: called } }, asks }]
    }
    const [first, second] = WORSE.test(name) ? [b.called, a.called] : [a.called, b.called],
      tie = ties.length === 0 ? {} : { tie: ties.length === 1 ? ties[0] : ties }
    return [{ what, map: { prompt, answers: list, prefer: { by: path, first, second, ...tie } }, asks }]
  })
}
