/** What balance_groups learns of all rows: how many are in each group, how hard they are, and where caps cut. */
import { round, type Batch, type Fit, type Round } from '../../engine/contract/define.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'
import { leastRounds } from '../kit/least.ts'
import { byEffectiveNumber, byPower, byShare, capOf } from './balance.ts'
import { sorryName } from './sorry.ts'

/** Fixed-point sums, the same in any order. */
const ONE = 2 ** 40
interface Group {
  rows: number
  unlike: { sum: bigint; rows: number }
  gap: { sum: bigint; rows: number }
}
const nothing = () => ({ sum: 0n, rows: 0 })
const names: Rule<Group> = { most: 1000, none: () => ({ rows: 0, unlike: nothing(), gap: nothing() }) }
const add = (to: Group['gap'], value: number) => {
  if (!Number.isFinite(value)) return
  to.sum += BigInt(Math.round(value * ONE))
  to.rows++
}
const meanOf = (all: readonly Group['gap'][]): number => {
  const rows = all.reduce((sum, one) => sum + one.rows, 0)
  return rows === 0 ? 0 : Number(all.reduce((sum, one) => sum + one.sum, 0n)) / ONE / rows
}

export interface BalanceOptions {
  readonly method: 'weigh' | 'cap'
  readonly weights: 'power' | 'effective_number' | 'targets'
  readonly power: number
  readonly beta: number
  readonly max_share: number
  readonly max_rows?: number
  readonly by: string
  readonly names: 'as_they_are' | 'sorry_v1' | 'sorry_202503'
  readonly min_rows: number
  readonly difficulty?: { readonly similarity: string; readonly gap: string }
}
type Targets = Readonly<Record<string, number>>
/** Groups with the most rows first; those that are too small alone are one. */
export interface Counted {
  readonly groups: readonly { readonly name: string; readonly rows: number; readonly gap: number }[]
  readonly small: readonly string[]
  readonly unlike: number
  readonly gap: number
  readonly targets?: Targets
  readonly limits?: readonly number[]
}
const SMALL = '(small groups)'

export function namer(batch: Batch, { by, names }: BalanceOptions): (row: number) => string {
  const text = batch.text(by)
  return row => {
    const value = text.isNull(row) ? '(none)' : text.text(row)
    return names === 'as_they_are' ? value : sorryName(names, value)
  }
}
/** How unlike the sides are, and the gap of their rewards, by row; NaN where that is not known. */
export function measures(
  batch: Batch,
  of: BalanceOptions['difficulty'],
): { unlike: Float64Array; gap: Float64Array } | undefined {
  return (
    of && { unlike: batch.numbers(of.similarity).values.map(value => 1 - value), gap: batch.numbers(of.gap).values }
  )
}

const counting = (options: BalanceOptions): Round<ByName<Group>, Counted, Targets | undefined> => ({
  collect() {
    const groups = byName<Group>()
    return {
      batch(batch) {
        const name = namer(batch, options),
          known = measures(batch, options.difficulty)
        for (let row = 0; row < batch.rows; row++) {
          const group = valueOf(groups, name(row), names)
          if (!group) continue
          group.rows++
          if (known) {
            add(group.unlike, known.unlike[row])
            add(group.gap, known.gap[row])
          }
        }
      },
      part() {
        cut(groups, names)
        return groups
      },
    }
  },
  merge(parts, { state: targets }) {
    const sum = byName<Group>()
    const join = (to: Group['gap'], from: Group['gap']) => {
      to.sum += from.sum
      to.rows += from.rows
    }
    for (const part of parts) {
      addByName(sum, part, names, (to, from) => {
        to.rows += from.rows
        join(to.unlike, from.unlike)
        join(to.gap, from.gap)
      })
    }
    const all = [...sum.values].sort(([a, one], [b, other]) => other.rows - one.rows || (a < b ? -1 : 1)),
      isSmall = ([name, { rows }]: (typeof all)[number]) => rows < options.min_rows && targets?.[name] === undefined
    const small = all.filter(isSmall),
      large = all.filter(group => !isSmall(group)).map(([name, group]) => ({ name, of: [group] }))
    return {
      groups: [...large, ...(small.length > 0 ? [{ name: SMALL, of: small.map(([, group]) => group) }] : [])].map(
        ({ name, of }) => ({
          name,
          rows: of.reduce((sum, { rows }) => sum + rows, 0),
          gap: meanOf(of.map(({ gap }) => gap)),
        }),
      ),
      small: small.map(([name]) => name),
      unlike: meanOf(all.map(([, { unlike }]) => unlike)),
      gap: meanOf(all.map(([, { gap }]) => gap)),
      ...(targets ? { targets } : {}),
    }
  },
})

export const places = ({ groups, small }: Counted) => {
  const at = new Map(groups.map(({ name }, i) => [name, i]))
  for (const name of small) at.set(name, groups.length - 1)
  return (name: string): number => at.get(name) ?? -1
}
export const weightsOf = ({ groups, targets }: Counted, { weights: how, power, beta }: BalanceOptions): number[] => {
  const counts = groups.map(({ rows }) => rows)
  return how === 'targets'
    ? byShare(
        counts,
        groups.map(({ name }) => targets?.[name] ?? 0),
      )
    : how === 'power'
      ? byPower(counts, power)
      : byEffectiveNumber(counts, beta)
}
/** Rows that stay of each group. */
export const quotas = (counts: readonly number[], max_share: number, max_rows = Infinity): number[] => {
  const cap = capOf(
    counts.map(count => Math.min(count, max_rows)),
    max_share,
  )
  return counts.map(count => Math.min(count, max_rows, cap > 0 ? cap : Infinity))
}
/** Targets of the table where they are asked for, counts of groups, and to cap where the hashes of each end. */
export function balanceRounds(options: BalanceOptions): Fit<Counted> {
  const { method, weights, max_share, max_rows } = options
  const targets = round({
    of: 'targets',
    collect() {
      const shares: [string, number][] = []
      return {
        batch(batch) {
          batch.numbers('share').values.forEach((share, row) => shares.push([batch.text('group').text(row), share]))
        },
        part: () => shares,
      }
    },
    merge: (parts: Iterable<readonly [string, number][]>): Targets =>
      Object.fromEntries([...parts].flat().filter(([, share]) => share > 0)),
  })
  if (method === 'weigh') return weights === 'targets' ? targets.next(counting(options)) : round(counting(options))
  const [bins, last] = leastRounds<Counted>(counted => ({
    many: counted.groups.length,
    of(batch) {
      const name = namer(batch, options),
        place = places(counted)
      return row => place(name(row))
    },
    take: counts => quotas(counts, max_share, max_rows),
  }))
  return round(counting(options))
    .next(bins)
    .next({
      ...last,
      merge: async (parts, context): Promise<Counted> => {
        const { before, limits } = await last.merge(parts, context)
        return { ...before, limits }
      },
    })
}
