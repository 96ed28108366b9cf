/** What weigh_tokens counts of the tokens of all rows, and says of them. */
import { round, type Context, type Fit, type Report } from '../../engine/contract/define.ts'
import { share, type Estimate } from '../../models/metrics.ts'
import { idHash } from '../kit/least.ts'
import { addNumbers, cutNumbers, leastNumbers, mergeNumbers, type LeastNumbers } from '../kit/least_numbers.ts'
import { LIMITS, sidesOf, weigher, type Side, type TokenOptions } from './tokens.ts'

/** Sides whose means are looked at: all where there are no more. */
const MOST_ROWS = 100_000
const KEYS = ['sides', 'some', 'tokens', 'marked', 'between'] as const

/** `some`: sides with a marked token. `between`: ranks that are neither 0 nor marked. */
interface OfSide {
  sides: number
  some: number
  tokens: number
  marked: number
  between: number
  readonly means: LeastNumbers
}
/** Pairs with both sides; how many the sums order as labelled, and how many `columns` alone do: ties are half. */
export interface TokensSeen {
  rows: number
  pairs: number
  ordered: number
  bare: number
  readonly sides: Record<Side, OfSide>
}

const noSide = (): OfSide => ({
  sides: 0,
  some: 0,
  tokens: 0,
  marked: 0,
  between: 0,
  means: leastNumbers(MOST_ROWS, 1),
})
const nothing = (): TokensSeen => ({
  rows: 0,
  pairs: 0,
  ordered: 0,
  bare: 0,
  sides: { chosen: noSide(), rejected: noSide() },
})
const wins = (chosen: number, rejected: number) => (chosen > rejected ? 1 : chosen === rejected ? 0.5 : 0)

export const tokenTally = (options: TokenOptions): Fit<TokensSeen> =>
  round({
    collect(context: Context<undefined>) {
      const seen = nothing(),
        sides = sidesOf(options.columns)
      return {
        batch(batch) {
          const hash = idHash(batch as never, context),
            weigh = sides.map(side => weigher(batch as never, options, side))
          seen.rows += batch.rows
          for (let row = 0; row < batch.rows; row++) {
            const weighed = weigh.map(of => of(row))
            weighed.forEach((of, s) => {
              if (typeof of === 'string') return
              const to = seen.sides[sides[s]],
                marked = of.marked.reduce((sum, one) => sum + one, 0)
              to.sides++
              to.tokens += of.values.length
              to.marked += marked
              if (marked > 0) to.some++
              to.between += of.values.reduce((sum, value, i) => sum + (value > 0 && !of.marked[i] ? 1 : 0), 0)
              addNumbers(to.means, hash(row), [of.sum / of.values.length])
            })
            const [chosen, rejected] = weighed
            if (sides.length < 2 || typeof chosen === 'string' || typeof rejected === 'string') continue
            seen.pairs++
            seen.ordered += wins(chosen.sum, rejected.sum)
            seen.bare += wins(chosen.bare, rejected.bare)
          }
        },
        part() {
          for (const { means } of Object.values(seen.sides)) cutNumbers(means)
          return seen
        },
      }
    },
    merge(parts: Iterable<TokensSeen>) {
      const all = nothing()
      for (const part of parts) {
        for (const key of ['rows', 'pairs', 'ordered', 'bare'] as const) all[key] += part[key]
        for (const side of ['chosen', 'rejected'] as const) {
          const [to, from] = [all.sides[side], part.sides[side]]
          for (const key of KEYS) to[key] += from[key]
          mergeNumbers(to.means, from.means)
        }
      }
      for (const { means } of Object.values(all.sides)) cutNumbers(means)
      return all
    },
  })

const n = (count: number) => count.toLocaleString('en-US')
const percent = (part: number) => (100 * part).toFixed(1)
const interval = ({ value, low, high }: Estimate) => `${percent(value)} % [${percent(low)}, ${percent(high)}]`

/** The mean over sides of their mean a token, with its 95 % interval. */
function meanOf(values: ArrayLike<number>): Estimate {
  // sorted, so that sums are the same whatever the order of rows
  const sorted = Float64Array.from(values).sort(),
    mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  const squares = sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0),
    half = sorted.length > 1 ? 1.96 * Math.sqrt(squares / (sorted.length - 1) / sorted.length) : Infinity
  return { value: mean, low: mean - half, high: mean + half }
}

export function tokenReport({ method, columns, limit = LIMITS[method] }: TokenOptions, seen: TokensSeen): Report {
  const sides = sidesOf(columns).filter(side => seen.sides[side].sides > 0)
  const hasSums = method === 'advantage' || method === 'contrast'
  const lineOf = (side: Side): string => {
    const of = seen.sides[side],
      marked = percent(of.marked / of.tokens),
      [{ value, low, high }, all] = [meanOf(of.means.values), `${n(of.tokens)} tokens of ${n(of.sides)} ${side} sides`]
    if (hasSums) {
      const mean = `mean ${method} ${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}] a token`
      return `${all}: ${mean}; ${marked} % are above ${limit}`
    }
    return method === 'judgment'
      ? `${all}: ${marked} % blamed, in ${interval(share(of.some, of.sides))} of sides`
      : `${all}: ${marked} % shifted, ${percent(of.between / of.tokens)} % marginal`
  }
  const ordered = share(seen.ordered, seen.pairs),
    bare = share(seen.bare, seen.pairs)
  const left = sidesOf(columns).flatMap(side => {
    const missing = seen.rows - seen.sides[side].sides
    return missing > 0 ? [`${n(missing)} ${side} sides have no tokens to weigh, or lists of different lengths`] : []
  })
  return {
    lines: [
      ...sides.map(lineOf),
      ...(hasSums && seen.pairs > 0
        ? [
            `the sums order ${interval(ordered)} of ${n(seen.pairs)} pairs as labelled, the log-probabilities of 'columns' alone ${interval(bare)}`,
          ]
        : []),
      ...left,
    ],
    numbers: {
      ...Object.fromEntries(
        sides.map(side => {
          const { means, between, ...of } = seen.sides[side]
          return [
            side,
            {
              ...of,
              ...(method === 'rank' ? { marginal: between } : {}),
              ...(hasSums ? { mean: meanOf(means.values).value } : {}),
            },
          ]
        }),
      ),
      ...(hasSums && seen.pairs > 0 ? { pairs: seen.pairs, ordered: ordered.value, bare: bare.value } : {}),
    },
  }
}
