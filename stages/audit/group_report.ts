/** What audit_groups says of the groups that were counted. */
import type { Report } from '../../engine/contract/define.ts'
import type { Estimate } from '../../models/metrics.ts'
import type { Spread } from './group_spread.ts'
import { labourOf, occupationRows, wordRows, type WordCounts, type WordLists } from './group_words.ts'
import {
  calibrationOf,
  gapOf,
  groupRow,
  groupsOf,
  MEASURES,
  pairsOf,
  treatmentOf,
  type Gap,
  type GroupCounts,
  type Measure,
} from './groups.ts'

interface Options {
  readonly by: string
  readonly group_rows: number
  readonly shuffles: number
  readonly probability_column?: string
}
/** What is counted of an input. */
export interface GroupTally {
  readonly groups: GroupCounts
  readonly words?: { readonly lists: WordLists; readonly counts: WordCounts }
  readonly spread?: Spread
}

const SAID: Readonly<Record<Measure, string>> = {
  kept: 'kept',
  kept_of_right: 'kept of those rightly labelled',
  kept_of_wrong: 'kept of those wrongly labelled',
  right_of_kept: 'rightly labelled of those kept',
  right: 'rightly labelled',
}
/** A difference in these is warned of; that fewer are kept of a group of which fewer are right is as it should be. */
const JUDGED: ReadonlySet<Measure> = new Set(['kept_of_right', 'kept_of_wrong', 'right_of_kept'])
/** Groups that tables show, those with the most pairs. */
const SHOWN = 40
const percent = (part: number) => (100 * part).toFixed(1)
const interval = ({ low, high }: Pick<Estimate, 'low' | 'high'>) => `[${percent(low)}, ${percent(high)}]`
const n = (count: number) => count.toLocaleString('en-US')

const gapLine = (gap: Gap) =>
  `${SAID[gap.measure]}: most of '${gap.top}', least of '${gap.bottom}', ${percent(gap.difference)} points apart ${interval(gap)}: ${gap.is_apart ? `chance makes ${percent(gap.chance)} at most` : 'could be chance'}`

export function groupReport(
  { by, group_rows, shuffles, probability_column }: Options,
  kept: GroupTally,
  dropped: GroupTally | undefined,
): Report {
  const groups = groupsOf(kept.groups, dropped?.groups),
    shown = [...groups].sort((a, b) => pairsOf(b) - pairsOf(a)).slice(0, SHOWN)
  const has = (measure: Measure) => groups.some(group => MEASURES[measure](group).trials > 0)
  const measures = (Object.keys(MEASURES) as Measure[]).filter(
      measure => has(measure) && (dropped !== undefined || measure === 'right_of_kept'),
    ),
    gaps = measures.flatMap(measure => gapOf(measure, groups, group_rows, shuffles) ?? []),
    gap = (measure: Measure) => gaps.find(one => one.measure === measure)?.difference
  const odds = [gap('kept_of_right'), gap('kept_of_wrong')].filter(value => value !== undefined),
    few = groups.filter(group => pairsOf(group) < group_rows)
  const calibration = probability_column === undefined ? [] : shown.map(calibrationOf).filter(({ pairs }) => pairs > 0)
  const lists = kept.words?.lists,
    counted = kept.words?.counts,
    occupations = lists ? occupationRows(lists, counted!) : []
  return {
    lines: [
      `${n(groups.length)} groups of ${by}, ${n(groups.length - few.length)} with ${group_rows} pairs or more`,
      ...gaps.map(one => (one.is_apart && JUDGED.has(one.measure) ? `warning: ${gapLine(one)}` : gapLine(one))),
      ...(measures.some(measure => measure !== 'kept')
        ? []
        : ["without 'truth_column' only parity can be told, and not who is dropped rightly"]),
      ...(lists ? linesOfWords(lists, counted!, occupations) : []),
      ...(kept.spread ? [spreadLine(kept.spread)] : []),
    ],
    numbers: {
      ...Object.fromEntries(gaps.map(({ measure, difference }) => [measure, round4(difference)])),
      ...(odds.length === 2 ? { equalized_odds: round4(Math.max(...odds)) } : {}),
      groups: groups.length,
      apart: gaps.filter(({ is_apart }) => is_apart).map(({ measure }) => measure),
      ...(kept.spread ? { spread: kept.spread } : {}),
    },
    tables: {
      groups: measures.flatMap(measure => shown.map(group => groupRow(measure, group))),
      differences: gaps.map(one => ({ ...one, is_apart: one.is_apart ? 'yes' : 'no' })),
      ...(has('right')
        ? { treatment: shown.map(group => ({ group: group.name, dropped_right_for_kept_wrong: treatmentOf(group) })) }
        : {}),
      ...(calibration.length > 0 ? { calibration } : {}),
      ...(lists ? { words: wordRows(lists, counted!), occupations } : {}),
    },
    charts: [
      {
        title: `shares by ${by}`,
        table: 'groups',
        mark: 'bar',
        encoding: { x: 'group', y: 'share', low: 'low', high: 'high', color: 'measure' },
      },
    ],
  }
}
const round4 = (value: number) => Math.round(value * 1e4) / 1e4

const spreadLine = ({ groups, value, shuffled, most_shuffled }: Spread) =>
  `heads of ${n(groups)} groups disagree by ${value.toFixed(3)}, of shuffled groups by ${shuffled.toFixed(3)} (${most_shuffled.toFixed(3)} at most): ${value > most_shuffled ? `${(value - shuffled).toFixed(3)} is of the groups` : 'none of it is of the groups'}`

function linesOfWords(lists: WordLists, counts: WordCounts, occupations: ReturnType<typeof occupationRows>): string[] {
  return wordRows(lists, counts).flatMap(({ group, chosen, rejected, share, low, high }) => {
    if (share === null) return [`words of '${group}': in no side alone`]
    const labour = labourOf(occupations, group)
    return [
      `words of '${group}': of ${n(chosen + rejected)} pairs with one side that has some it is the chosen one in ${percent(share)} % ${interval({ low, high })}${labour ? `; beside ${labour.occupations} occupations its shares go with those of your table by ${labour.spearman.toFixed(2)} (Spearman)` : ''}`,
    ]
  })
}
