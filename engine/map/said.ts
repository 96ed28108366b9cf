/** What a mapping does, in words for the summary and the manifest. */
import { labelsOf, promptItems, type MapSpec } from './spec.ts'

/** The columns that a mapping names, without what lies within them. */
export function headsOf(map: MapSpec): string[] {
  const { id, prompt, chosen, rejected, answers, prefer, list, index, answer, score, by_side: bySide } = map
  const items = prompt === 'shared' ? [] : promptItems(map).map(({ path }) => path),
    scores = typeof score === 'string' ? [score] : Object.keys(score ?? {})
  const by = [prefer?.by ?? [], prefer?.names ?? [], prefer?.higher ?? [], prefer?.lower ?? []].flat()
  const all = [
    id,
    ...items,
    chosen,
    rejected,
    answers,
    ...by,
    list,
    index,
    answer,
    ...scores,
    Object.values(bySide ?? {}),
  ]
  return all.flat(2).flatMap(path => (path === undefined ? [] : [path, path.replace(/(\[\])?(\..*)?$/s, '')]))
}

/** How sides are told apart, a clause each. */
export function mapSaid(map: MapSpec): string {
  const { prompt, chosen, rejected, answers, prefer, list, index, answer, score } = map
  const asked =
    prompt === 'shared'
      ? 'the prompt is what both sides begin with'
      : `the prompt from ${promptItems(map)
          .map(({ path }) => `'${path}'`)
          .join(' and ')}`
  const scored =
    typeof score === 'string'
      ? `'${score}'`
      : Object.keys(score ?? {})
          .map(name => `'${name}'`)
          .join(' and ')
  if (chosen !== undefined) return `${asked}, chosen from '${chosen}', rejected from '${rejected}'`
  if (list !== undefined) return `${asked}, the sides from '${list}' by ${index === undefined ? scored : `'${index}'`}`
  if (answer !== undefined) return `${asked}, an answer a row from '${answer}', scored by ${scored}`
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
