/** What a mapping does, in words for the summary and the manifest. */
import { labelsOf, placeOf, promptItems, type MapSpec } from './spec.ts'

/** The columns that a mapping names, without what lies within them. */
export function headsOf(map: MapSpec): string[] {
  const { id, prompt, chosen, rejected, answers, prefer, list, labels, answer, group, contradicted, both } = map
  const items = prompt === 'shared' ? [] : promptItems(map).map(({ path }) => path),
    scores = scoresIn(map)
  const by = [prefer?.by ?? [], prefer?.names ?? [], prefer?.higher ?? [], prefer?.lower ?? []].flat()
  const all = [
    id,
    ...items,
    chosen,
    rejected,
    answers,
    ...by,
    list,
    placeOf(map),
    labels?.by,
    answer,
    group,
    Object.values(map.tree ?? {}),
    ...scores,
    contradicted?.aspects,
    Object.values(map.by_side ?? {}),
    both,
  ]
  return all.flat(2).flatMap(path => (path === undefined ? [] : [path, path.replace(/(\[\d*\])*(\..*)?$/s, '')]))
}

/** The columns of the score. */
const scoresIn = ({ score = [] }: MapSpec): readonly string[] =>
  typeof score === 'string' || Array.isArray(score) ? [score as string | readonly string[]].flat() : Object.keys(score)

/** How sides are told apart, a clause each. */
export function mapSaid(map: MapSpec): string {
  const { prompt, chosen, rejected, answers, prefer, list, labels, answer, group, contradicted } = map
  const asked =
    prompt === 'shared'
      ? 'the prompt is what both sides begin with'
      : map.tree
        ? `the prompt from the messages above in '${promptItems(map)[0].path}', by '${map.tree.parent}'`
        : `the prompt from ${promptItems(map)
            .map(({ path }) => `'${path}'`)
            .join(' and ')}`
  const by = placeOf(map) ?? labels?.by,
    scored = (by === undefined ? scoresIn(map) : [by]).map(name => `'${name}'`).join(' and ')
  if (chosen !== undefined) return `${asked}, chosen from '${chosen}', rejected from '${rejected}'`
  if (list !== undefined) {
    return `${asked}, the sides from ${[list]
      .flat()
      .map(name => `'${name}'`)
      .join(', ')} by ${scored}${contradicted ? ', without those whose aspects contradict it' : ''}`
  }
  if (answer !== undefined) {
    return `${asked}, an answer a row from '${answer}', scored by ${scored}${group === undefined ? '' : `, those with one '${group}' together`}`
  }
  return `${asked}; ${preferSaid(prefer!, answers!)}`
}

function preferSaid(prefer: NonNullable<MapSpec['prefer']>, [a, b]: readonly string[]): string {
  const { by, names, higher, lower } = prefer
  if (higher ?? lower) {
    return `chosen is the one of '${a}' and '${b}' with the ${higher ? 'higher' : 'lower'} of ${(higher ?? lower)!.join(' and ')}`
  }
  const [first, second, tie] = labelsOf(prefer).map(values => values.join(' or ')),
    name = [by!].flat().join(', ')
  const none = tie === '' ? '' : `, none where it is ${tie}`
  if (names) {
    return `chosen is '${a}' where ${name} is what ${names[0]} says, '${b}' where it is what ${names[1]} says${none}`
  }
  return `chosen is '${a}' where ${name} is ${first}, '${b}' where it is ${second}${none}`
}
