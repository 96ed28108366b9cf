/** What is wrong with a mapping by itself, whatever the file. */
import { itemsOf } from './listed.ts'
import { overlapsOf } from './overlaps.ts'
import { areLists, isShared, labelsOf, type MapSpec, type Prefer } from './spec.ts'

/** What is wrong; each ends without a full stop. */
export function mapFaults(map: MapSpec): string[] {
  const { chosen, rejected, answers, prefer, list, index, labels, answer, group, score, contradicted, by_side } = map,
    faults: string[] = []
  const ways = [
    (chosen ?? rejected) ? 'chosen with rejected' : [],
    answers ? 'answers' : [],
    list ? 'list' : [],
    answer ? 'answer' : [],
  ].flat()
  if (ways.length !== 1) {
    const said = ways.length === 0 ? 'says no answers' : `says ${ways.join(' and ')}`
    faults.push(`${said}; give one of: chosen with rejected, answers, list, answer`)
  }
  if ((chosen === undefined) !== (rejected === undefined)) faults.push('chosen and rejected need each other')
  if ((answers === undefined) !== (prefer === undefined)) faults.push('answers and prefer need each other')
  const [one, other] = answers ?? [chosen, rejected]
  if (one !== undefined && one === other) faults.push(`'${one}' is both sides; name two columns`)
  if (chosen?.includes('[]') && rejected?.includes('[]') && itemsOf(chosen) === itemsOf(rejected)) {
    faults.push(
      `'${chosen}' and '${rejected}' lie in one list, of which each would meet each; write a row for each pair`,
    )
  }
  if (prefer) faults.push(...preferFaults(prefer))
  if (labels) faults.push(...overlapsOf({ good: labels.good, bad: labels.bad }).map(fault => `labels: ${fault}`))
  const raters = [score, index, labels].filter(rater => rater !== undefined).length
  if (list !== undefined && raters !== 1) faults.push('list needs score, labels or index, one of them')
  if (typeof list === 'string' && !list.includes('[]')) {
    faults.push(`list '${list}' needs [] behind the column, as ${list}[]`)
  }
  if (Array.isArray(score) && !Array.isArray(list)) {
    faults.push('score: a list of columns is of a `list` of columns, one of each; a sum is { help: 1, truth: 1 }')
  }
  if (contradicted && (typeof list !== 'string' || typeof score !== 'string' || itemsOf(score) !== itemsOf(list))) {
    faults.push('contradicted needs a list of answers and one score among their fields')
  }
  if (Array.isArray(list) && new Set(list).size < list.length) faults.push('list names a column twice')
  if (answer !== undefined && raters !== 1) faults.push('answer needs score or labels; without one there are no pairs')
  if (map.tree && (group !== undefined || isShared(map))) {
    faults.push('tree: its parents group the answers, and `prompt` is the column of what messages say; leave out group')
  }
  if (typeof index === 'object' && index.from !== undefined && index.names !== undefined) {
    faults.push('index: give from or names, one of them')
  }
  for (const [name, is, needs] of [
    ['score', score !== undefined && !list && !answer, 'list or answer'],
    ['index', index !== undefined && !list, 'list'],
    ['labels', labels !== undefined && !list && !answer, 'list or answer'],
    ['group', group !== undefined && !answer, 'answer'],
    ['tree', map.tree !== undefined && !answer, 'answer'],
    ['by_side', by_side !== undefined && (typeof list === 'string' || !!answer || areLists(map)), 'columns of answers'],
  ] as const) {
    if (is) faults.push(`${name} counts for nothing without ${needs}`)
  }
  for (const [name, columns] of Object.entries(by_side ?? {})) {
    if (!list && columns.length !== 2) faults.push(`by_side: '${name}' names ${columns.length} columns of two answers`)
  }
  return faults
}

function preferFaults(prefer: Prefer): string[] {
  const { by, first, second, tie, names, higher, lower } = prefer,
    ways = [by, higher, lower].filter(one => one !== undefined).length
  if (ways !== 1) return ['prefer needs one of: by, higher, lower']
  if (by === undefined) {
    return (first ?? second ?? tie ?? names)
      ? ['prefer: first, second, tie and names are of `by`; the scores alone say which is better']
      : []
  }
  const isSaid = names ? (first ?? second) === undefined : first !== undefined && second !== undefined
  const faults = isSaid ? [] : ['prefer: by needs first and second, or names in their place']
  const voters = [by].flat()
  for (const name of new Set(voters.filter((name, i) => voters.indexOf(name) < i))) {
    faults.push(`prefer: by names '${name}' twice; a vote counts once`)
  }
  const seen = new Set<string>()
  for (const value of labelsOf(prefer).flat().map(String)) {
    if (seen.has(value)) faults.push(`prefer: the label '${value}' is said twice`)
    seen.add(value)
  }
  return [...faults, ...overlapsOf({ first, second, tie }).map(fault => `prefer: ${fault}`)]
}
