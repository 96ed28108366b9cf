/** What to look at before one trains on a run's result, ordered by harm, and the verdict that follows. */
import type { Reason, Report, Worry } from '../contract/define.ts'
import { shareOf, type Interval } from './html.ts'
import { n, percent } from './lines.ts'
import { listedNumbers, pairsOf, type Counted } from './pairs.ts'
import { LEAST_PART, familyOf, families, type Family, type Shown, type ShownPart, type ShownRow } from './shape.ts'

/** Worries that are shown of a run: more are counted, and all are in the manifest. */
export const MOST_SHOWN = 6

export type Verdict = 'fit' | 'look' | 'stop'

const ERRORED = 0.01,
  MADE = 0.01,
  NEAR = 0.02,
  TWINS = 0.3
/** A part that loses less than this more than the whole is a note. */
const POINTS = 0.05

/** Names of worries about families whose words are long. */
const named: Partial<Record<Family, string>> = { labels: 'doubted', both_ways: 'both ways' }
/** A worry's name of a reason: its family in a word or two. What is no reason is named as it is. */
export const nameOf = (reason: Reason | undefined, name: string): string => {
  const family = reason ? familyOf(reason) : name === 'error' ? 'error' : undefined
  return family === undefined ? name : (named[family] ?? families[family])
}

export interface WorriesOf {
  readonly manifest: Counted & {
    readonly decisions?: { readonly given: number; readonly not_applied: Readonly<Record<string, { count: number }>> }
    readonly keep_ids?: { readonly given: number; readonly absent: number }
  }
  reasonOf(stage: string, reason: string): Reason | undefined
  /** What stages and audits report, by id; a worry of theirs stands for what is found here of its name or rows. */
  readonly reports: Readonly<Record<string, Pick<Report, 'lines' | 'worries'>>>
  /** What engine/run/warnings.ts warns of. */
  readonly warnings: readonly Worry[]
  /** Counts by columns of the input, and clusters of near-duplicates; nothing is found where there are none. */
  readonly parts: Shown['parts']
  readonly near: Shown['near']
}

/** All worries of a run; nothing in them depends on the time or the machine. */
export function worriesOf(of: WorriesOf): Worry[] {
  const { manifest, reports } = of
  const own = Object.entries(reports)
    .flatMap(([id, { worries, lines }]) =>
      worries === undefined ? warned(id, lines) : worries.map(worry => ofDropped(ofMade(worry, id, manifest), of)),
    )
    .sort((a, b) => Number(isOfLabels(b)) - Number(isOfLabels(a)))
  const found = [...errored(manifest), ...bySize(of.warnings), ...bothWays(of), ...ofParts(of.parts), ...twins(of)]
  const levels = ['stop', 'look', 'note'] as const,
    all = merged(own, [...found, ...idle(manifest)])
  return levels.flatMap(level => all.filter(worry => worry.level === level))
}

/** What all else depends on. */
const isOfLabels = ({ name }: Worry): boolean => ['labels', named.labels].includes(name)

/** `stop` too where nothing is left to train on. A note is no reason to look. */
export function verdictOf(worries: readonly Worry[], isEmpty: boolean): Verdict {
  const has = (level: Worry['level']) => worries.some(worry => worry.level === level)
  return isEmpty || has('stop') ? 'stop' : has('look') ? 'look' : 'fit'
}

/** Stages know best what they say: their worries come first after rows that errored, and take the place of ours. */
function merged(own: readonly Worry[], found: readonly Worry[]): Worry[] {
  const left = [...found],
    taken = own.map(worry => {
      const of = left.filter(
        other => other.name === worry.name || (worry.rows !== undefined && other.rows === worry.rows),
      )
      for (const other of of) left.splice(left.indexOf(other), 1)
      const [{ why, rows } = {} as Partial<Worry>] = of,
        level = worry.level === 'note' && of.some(other => other.level === 'look') ? 'look' : worry.level
      // rows that a stage left out are those that its number is of
      return { ...(why ? { why } : {}), ...worry, ...(rows ? { rows } : {}), level }
    })
  const isFirst = ({ rows }: Worry) => rows?.endsWith('.error') === true
  const rest = left.filter(
    (worry, i) => worry.rows === undefined || left.findIndex(({ rows }) => rows === worry.rows) === i,
  )
  return [...rest.filter(isFirst), ...taken, ...rest.filter(worry => !isFirst(worry))]
}

/** Lines of a report that must be heard, of a stage that gives no worries. */
const warned = (id: string, lines: readonly string[]): Worry[] =>
  lines.flatMap(line => {
    const [, said] = /^warning: (.*)$/s.exec(line) ?? []
    return said === undefined ? [] : [{ level: 'look' as const, name: id, value: '', said }]
  })

/** Where hardly anything was made, what is wrong with it is no worry. */
function ofMade(worry: Worry, id: string, manifest: Counted): Worry {
  const { derived = 0 } = manifest.stages[id] ?? {},
    { out } = pairsOf(manifest)
  return derived > 0 && worry.level === 'look' && derived <= MADE * out ? { ...worry, level: 'note' } : worry
}

/** A panel notes more than another stage drops by it: its worry is about those that went, where they are as many. */
function ofDropped(worry: Worry, { manifest: { stages }, reasonOf }: WorriesOf): Worry {
  const went = Object.entries(stages).flatMap(([id, { reasons }]) =>
    Object.entries(reasons).flatMap(([reason, count]) =>
      reasonOf(id, reason)?.family === 'labels' && n(count) === worry.value ? [`${id}.${reason}`] : [],
    ),
  )
  return isOfLabels(worry) && went.length > 0 ? { ...worry, rows: went[0] } : worry
}

function errored({ rows: { read }, stages }: Counted): Worry[] {
  const all = Object.values(stages).reduce((sum, stage) => sum + stage.errored, 0)
  return Object.entries(stages)
    .filter(([, stage]) => stage.errored > 0)
    .sort(([, a], [, b]) => b.errored - a.errored)
    .map(([id, stage]) => ({
      level: all > ERRORED * read ? 'stop' : 'look',
      name: families.error,
      value: n(stage.errored),
      said: `rows failed in ${id} and were set aside, ${percent(stage.errored / read)} of all`,
      why: 'The ledger has the message of each.',
      rows: `${id}.error`,
    }))
}

/** Those about most rows first. */
const bySize = (warnings: readonly Worry[]): Worry[] => {
  const size = ({ rows, value }: Worry) => (rows === undefined ? 0 : Number(value.replace(/\D/g, '')))
  return [...warnings].sort((a, b) => size(b) - size(a))
}

const counted = (rows: number) => (rows === 1 ? '1 row is' : `${n(rows)} rows are`)
const bothWays = ({ manifest: { stages }, reasonOf }: WorriesOf): Worry[] =>
  Object.entries(stages).flatMap(([id, { reasons }]) =>
    Object.entries(reasons)
      .filter(([reason, count]) => count > 0 && reasonOf(id, reason)?.family === 'both_ways')
      .map(([reason, count]) => ({
        level: 'look' as const,
        name: named.both_ways!,
        value: n(count),
        said: 'rows give the same two answers opposite labels; all are left out',
        why: `${counted(count)} left out: a person can say which label is right, and give them back by --decisions.`,
        rows: `${id}.${reason}`,
      })),
  )

/** Decisions and ids that came to nothing: mistakes that nobody would see. */
function idle({ decisions, keep_ids: keep }: WorriesOf['manifest']): Worry[] {
  const lost = Object.entries(decisions?.not_applied ?? {}).filter(([, { count }]) => count > 0),
    idle = lost.reduce((sum, [, { count }]) => sum + count, 0)
  const why = 'sluice run --verbose names some of them.'
  return [
    ...(idle > 0
      ? [
          {
            level: 'look' as const,
            name: 'decisions',
            value: n(idle),
            said: `of ${n(decisions!.given)} ids came to nothing: ${listedNumbers(lost.map(([word, { count }]) => [word.replaceAll('_', ' '), count]))}`,
            why,
          },
        ]
      : []),
    ...(keep !== undefined && keep.absent > 0
      ? [
          {
            level: 'look' as const,
            name: 'keep-ids',
            value: n(keep.absent),
            said: `of ${n(keep.given)} ids of --keep-ids do not occur in what was read`,
            why,
          },
        ]
      : []),
  ]
}

/** Of each column the part that lies furthest under the whole, and one that a reason hits twice as hard. */
function ofParts(parts: Shown['parts']): Worry[] {
  return parts.flatMap(({ column, values }) => {
    const some = values.filter(({ read }) => read >= LEAST_PART),
      read = sum(values, part => part.read),
      whole = sum(values, part => part.kept) / read
    const level = (points: number) => (points >= POINTS ? ('look' as const) : ('note' as const))
    const hardest = (part: ShownPart) =>
      Object.entries(part.dropped)
        .map(([reason, count]) => {
          const all = sum(values, other => other.dropped[reason] ?? 0) / read
          return { reason, all, of: shareOf(count, part.read) }
        })
        .filter(({ all, of }) => of.value >= 2 * all && of.low > all)
        .sort((a, b) => b.of.value - b.all - (a.of.value - a.all))[0] as
        { reason: string; all: number; of: Interval } | undefined
    const reasonSaid = ({ reason, all, of }: NonNullable<ReturnType<typeof hardest>>) =>
      `${percent(of.value)} of them went by ${reason}, of all ${percent(all)}`
    const under = some
      .filter(part => shareOf(part.kept, part.read).high < whole)
      .sort((a, b) => a.kept / a.read - b.kept / b.read)
    const [lowest] = under
    if (lowest !== undefined) {
      const why = hardest(lowest),
        others = under.length - 1
      return {
        level: level(whole - lowest.kept / lowest.read),
        name: column,
        value: percent(lowest.kept / lowest.read),
        said: `of ${partNamed(lowest)} is kept, of all ${percent(whole)}${others > 0 ? `; ${n(others)} more ${others === 1 ? 'lies' : 'lie'} under the whole` : ''}`,
        ...(why ? { why: `${reasonSaid(why)}.`, ...placeOf(why.reason) } : {}),
      }
    }
    const hit = some
      .flatMap(part => {
        const found = hardest(part)
        return found ? [{ part, ...found }] : []
      })
      .sort((a, b) => b.of.value - b.all - (a.of.value - a.all))[0] as
      ({ part: ShownPart } & NonNullable<ReturnType<typeof hardest>>) | undefined
    if (hit === undefined) return []
    return {
      level: level(hit.of.value - hit.all),
      name: column,
      value: n(hit.part.dropped[hit.reason]),
      said: `of ${partNamed(hit.part)}: ${reasonSaid(hit)}`,
      ...placeOf(hit.reason),
    }
  })
}
/** What no stage says of rows has no list of them. */
const placeOf = (reason: string) => (reason.includes('.') ? { rows: reason } : {})
const sum = (parts: readonly ShownPart[], of: (part: ShownPart) => number): number =>
  parts.reduce((total, part) => total + of(part), 0)
const partNamed = ({ value }: ShownPart): string => (value.length > 30 ? `${value.slice(0, 29)}…` : value)

/** Near-duplicates that differ in the rejected side are other pairs to a trainer. */
const twins = ({ manifest, near }: WorriesOf): Worry[] =>
  near.flatMap(({ stage, clusters }) => {
    const dropped = manifest.stages[stage]?.dropped ?? 0
    const others = clusters.flatMap(({ rows: [first, ...others] }) => others.map(other => isTwin(first, other))),
      share = others.filter(Boolean).length / others.length
    if (dropped <= NEAR * manifest.rows.read || !(share >= TWINS)) return []
    const [reason] = Object.keys(manifest.stages[stage].reasons)
    return {
      level: 'look' as const,
      name: 'repeats',
      value: n(dropped),
      said: `near-duplicates are left out, and ${percent(share)} of those looked at differ in the rejected side`,
      why: 'A trainer learns from another rejected side: look whether these are one pair.',
      rows: `${stage}.${reason}`,
    }
  })
const isTwin = (first: ShownRow, other: ShownRow): boolean => {
  const isSame = (side: 'prompt' | 'chosen' | 'rejected') => JSON.stringify(first[side]) === JSON.stringify(other[side])
  return isSame('prompt') && isSame('chosen') && !isSame('rejected')
}
