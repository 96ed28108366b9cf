/** Words of groups of people in chosen and rejected sides, alone and beside words of occupations. */
import type { Batch } from '../../engine/contract/define.ts'
import { share, spearman } from '../../models/metrics.ts'

/** As the user's file says it: words of each group, and by occupation the share of each group who work in it. */
export interface WordLists {
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly occupations: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function readLists(path: string, bytes: Uint8Array): WordLists {
  const wrong = (why: string) =>
    new Error(
      `${path}: ${why}; it is JSON as {"groups": {"women": ["she", "her"]}, "occupations": {"nurse": {"women": 0.87}}}`,
    )
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw wrong((error as Error).message)
  }
  if (!isRecord(json) || !isRecord(json.groups)) throw wrong("it has no 'groups'")
  const { groups, occupations = {} } = json
  for (const [name, words] of Object.entries(groups)) {
    if (!Array.isArray(words) || !words.every(word => typeof word === 'string')) {
      throw wrong(`'${name}' has no list of words`)
    }
  }
  if (!isRecord(occupations)) throw wrong("'occupations' is no object")
  for (const [name, shares] of Object.entries(occupations)) {
    if (!isRecord(shares) || !Object.values(shares).every(one => typeof one === 'number' && one >= 0 && one <= 1)) {
      throw wrong(`shares of '${name}' are not numbers from 0 to 1`)
    }
  }
  const lower = (words: readonly string[]) => words.map(word => word.toLowerCase())
  return {
    groups: Object.fromEntries(Object.entries(groups).map(([name, words]) => [name, lower(words as string[])])),
    occupations: Object.fromEntries(
      Object.entries(occupations).map(([name, shares]) => [name.toLowerCase(), shares as Record<string, number>]),
    ),
  }
}

/**
 * By group: pairs whose chosen side alone has a word of it, whose rejected side alone. By occupation and group: chosen
 * sides with words of both, and rejected ones.
 */
export interface WordCounts {
  readonly groups: [chosen: number, rejected: number][]
  readonly beside: [chosen: number, rejected: number][][]
}
export const noWords = ({ groups, occupations }: WordLists): WordCounts => ({
  groups: Object.keys(groups).map(() => [0, 0]),
  beside: Object.keys(occupations).map(() => Object.keys(groups).map(() => [0, 0])),
})
export function addWords(to: WordCounts, from: WordCounts): void {
  const addPair = (a: [number, number], b: readonly number[]) => b.forEach((count, i) => void (a[i] += count))
  from.groups.forEach((pair, g) => addPair(to.groups[g], pair))
  from.beside.forEach((row, o) => row.forEach((pair, g) => addPair(to.beside[o][g], pair)))
}

export function wordCounter({ groups, occupations }: WordLists) {
  const sets = Object.values(groups).map(words => new Set(words)),
    names = Object.keys(occupations)
  return (to: WordCounts, batch: Batch): void => {
    const sides = [batch.messages('chosen'), batch.messages('rejected')]
    for (let row = 0; row < batch.rows; row++) {
      const has = sides.map(side => {
        const words = new Set(
          side
            .text(row)
            .toLowerCase()
            .match(/[\p{L}\p{M}]+/gu),
        )
        return { words, groups: sets.map(set => [...set].some(word => words.has(word))) }
      })
      sets.forEach((_, g) => {
        const [chosen, rejected] = has.map(side => side.groups[g])
        if (chosen !== rejected) to.groups[g][chosen ? 0 : 1]++
      })
      names.forEach((name, o) =>
        has.forEach((side, s) => {
          if (side.words.has(name)) side.groups.forEach((is, g) => void (to.beside[o][g][s] += is ? 1 : 0))
        }),
      )
    }
  }
}

/** Of pairs in which one side alone has words of a group: in how many it is the chosen one. */
export const wordRows = ({ groups }: WordLists, counts: WordCounts) =>
  Object.keys(groups).map((group, g) => {
    const [chosen, rejected] = counts.groups[g],
      { value, low, high } = share(chosen, chosen + rejected)
    return chosen + rejected === 0
      ? { group, chosen, rejected, share: null, low: null, high: null, log_odds: null }
      : {
          ...{ group, chosen, rejected, share: value, low, high },
          log_odds: chosen * rejected > 0 ? Math.log(chosen / rejected) : null,
        }
  })

/** Of a group among all groups beside an occupation, in chosen and in rejected sides, and by the user's table. */
export const occupationRows = ({ groups, occupations }: WordLists, counts: WordCounts) =>
  Object.entries(occupations).flatMap(([occupation, shares], o) => {
    const all = [0, 1].map(side => counts.beside[o].reduce((sum, pair) => sum + pair[side], 0))
    return Object.keys(groups).map((group, g) => {
      const [chosen, rejected] = counts.beside[o][g].map((count, side) => (all[side] > 0 ? count / all[side] : null))
      const labour = Object.hasOwn(shares, group) ? shares[group] : null
      return { occupation, group, texts: all[0], chosen, rejected, labour }
    })
  })

/** How the order of occupations by a group in chosen sides goes with that of the table; undefined of fewer than 3. */
export function labourOf(
  rows: ReturnType<typeof occupationRows>,
  group: string,
): { occupations: number; spearman: number } | undefined {
  const known = rows.filter(row => row.group === group && row.chosen !== null && row.labour !== null)
  return known.length < 3
    ? undefined
    : {
        occupations: known.length,
        spearman: spearman(
          known.map(({ chosen }) => chosen!),
          known.map(({ labour }) => labour!),
        ),
      }
}
