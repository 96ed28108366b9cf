/** What is counted of groups of pairs, and the definitions of fairness over them. */
import type { Batch } from '../../engine/contract/define.ts'
import { chanceDifference, difference, extremes, ratio, type Trials } from '../../models/fairness.ts'
import { share } from '../../models/metrics.ts'
import { hashString } from '../../models/random.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'

/** Equal parts of 0 to 1 that probabilities are counted in. */
export const BINS = 10
/** Probabilities are added as whole parts of this, so that sums do not depend on the order of rows. */
const PARTS = 2 ** 20
/** Places of a group's counts: right, wrong, not known; then of each bin the rows, those right, the probabilities. */
const UNKNOWN = 2,
  FIRST_BIN = 3
export type GroupCounts = ByName<number[]>
const rule: Rule<number[]> = { most: 10_000, none: () => Array<number>(FIRST_BIN + 3 * BINS).fill(0) }
const add = (to: number[], from: readonly number[]) => from.forEach((count, i) => void (to[i] += count))

export interface GroupColumns {
  readonly by: string
  readonly truth_column?: string
  readonly probability_column?: string
}
export const noGroups = (): GroupCounts => byName()
export function countGroups(to: GroupCounts, batch: Batch, { by, truth_column, probability_column }: GroupColumns) {
  const names = batch.text(by),
    truth = truth_column === undefined ? undefined : batch.numbers(truth_column).values,
    probability = probability_column === undefined ? undefined : batch.numbers(probability_column).values
  for (let row = 0; row < batch.rows; row++) {
    const counts = valueOf(to, names.isNull(row) ? '(none)' : names.text(row), rule)
    if (!counts) continue
    const y = truth?.[row] ?? NaN,
      p = probability?.[row] ?? NaN
    counts[Number.isNaN(y) ? UNKNOWN : y > 0 ? 0 : 1]++
    if (Number.isNaN(y) || !(p >= 0 && p <= 1)) continue
    const bin = FIRST_BIN + 3 * Math.min(BINS - 1, Math.floor(p * BINS))
    counts[bin]++
    counts[bin + 1] += y > 0 ? 1 : 0
    counts[bin + 2] += Math.round(p * PARTS)
  }
}
export const cutGroups = (of: GroupCounts) => cut(of, rule)
export const addGroups = (to: GroupCounts, from: GroupCounts) => addByName(to, from, rule, add)

/** A group by its counts of kept and dropped pairs. */
export interface Group {
  readonly name: string
  readonly kept: readonly number[]
  readonly dropped: readonly number[]
}
export function groupsOf(kept: GroupCounts, dropped: GroupCounts | undefined): Group[] {
  const names = [...new Set([...kept.values.keys(), ...(dropped?.values.keys() ?? [])])].sort()
  const of = (counts: GroupCounts | undefined, name: string) => counts?.values.get(name) ?? rule.none()
  return names.map(name => ({ name, kept: of(kept, name), dropped: of(dropped, name) }))
}
const rows = (counts: readonly number[]): number => counts[0] + counts[1] + counts[2]
export const pairsOf = ({ kept, dropped }: Group): number => rows(kept) + rows(dropped)

/** Definitions, each a share of a group: hits of trials. Those but the first need a second label. */
export const MEASURES = {
  /** Statistical parity. */
  kept: ({ kept, dropped }: Group): Trials => ({ hits: rows(kept), trials: rows(kept) + rows(dropped) }),
  /** Equal opportunity. */
  kept_of_right: ({ kept, dropped }: Group): Trials => ({ hits: kept[0], trials: kept[0] + dropped[0] }),
  /** Predictive equality. */
  kept_of_wrong: ({ kept, dropped }: Group): Trials => ({ hits: kept[1], trials: kept[1] + dropped[1] }),
  /** Predictive parity. */
  right_of_kept: ({ kept }: Group): Trials => ({ hits: kept[0], trials: kept[0] + kept[1] }),
  /** How many are right at all, before anything is dropped. */
  right: ({ kept, dropped }: Group): Trials => ({
    hits: kept[0] + dropped[0],
    trials: kept[0] + kept[1] + dropped[0] + dropped[1],
  }),
} as const
export type Measure = keyof typeof MEASURES

/** Null, and never 0, where there is nothing to take a share of. */
const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** A row of the table of groups. */
export const groupRow = (measure: Measure, group: Group) => {
  const { hits, trials } = MEASURES[measure](group),
    { value, low, high } = share(hits, trials)
  return trials === 0
    ? { measure, group: group.name, hits, of: trials, share: null, low: null, high: null }
    : { measure, group: group.name, hits, of: trials, share: value, low, high }
}

/** The largest difference of a measure; undefined where fewer than two groups have `least` pairs. */
export function gapOf(measure: Measure, groups: readonly Group[], least: number, shuffles: number) {
  const all = groups.map(group => ({ name: group.name, ...MEASURES[measure](group) })),
    ends = extremes(all, least)
  if (!ends) return undefined
  const { top, bottom } = ends,
    { value, low, high } = difference(top, bottom),
    times = ratio(bottom, top),
    chance = chanceDifference(
      all.filter(({ trials }) => trials > 0 && trials >= least),
      shuffles,
      hashString(measure),
    )
  return {
    measure,
    top: top.name,
    bottom: bottom.name,
    difference: value,
    low,
    high,
    ratio: times ? orNull(times.value) : null,
    ratio_low: times ? times.low : null,
    ratio_high: times ? orNull(times.high) : null,
    chance,
    is_apart: value > chance,
  }
}
export type Gap = NonNullable<ReturnType<typeof gapOf>>

/** Of kept and dropped pairs: how far labels lie from the probabilities in the mean, and the calibration error. */
export function calibrationOf({ name, kept, dropped }: Group) {
  let n = 0,
    gap = 0,
    error = 0
  for (let at = FIRST_BIN; at < FIRST_BIN + 3 * BINS; at += 3) {
    const [count, right, sum] = [0, 1, 2].map(i => kept[at + i] + dropped[at + i])
    n += count
    gap += right - sum / PARTS
    error += Math.abs(right - sum / PARTS)
  }
  return { group: name, pairs: n, gap: n > 0 ? gap / n : null, error: n > 0 ? error / n : null }
}

/** Treatment equality: right pairs that are dropped for each wrong one that is kept; null where none is. */
export const treatmentOf = ({ kept, dropped }: Group): number | null => orNull(dropped[0] / kept[1])
