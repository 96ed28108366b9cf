/** What two models, or a model's ranks, say of the tokens of a side: a value of each, and which ones are marked. */
import type { Batch } from '../../engine/contract/define.ts'
import { listsOf } from '../noise/vote_lists.ts'

export const METHODS = ['advantage', 'contrast', 'judgment', 'rank'] as const
export type Method = (typeof METHODS)[number]
export type Side = 'chosen' | 'rejected'
export type OfSides = Readonly<Partial<Record<Side, string>>>

export interface TokenOptions {
  readonly method: Method
  readonly columns: OfSides
  readonly reference_columns?: OfSides
  readonly floor: number
  readonly beta: number
  readonly limit?: number
  readonly min_run_tokens: number
}

/** Values from which on, or above which, a token is marked, where `limit` says nothing. */
export const LIMITS: Readonly<Record<Method, number>> = { advantage: 0, contrast: 0, judgment: 1.1, rank: 3 }
/** Log-probabilities are float32: a ratio that is the limit but for their rounding is not above it. */
const ROUNDING = 1e-6

/**
 * Of each token its value: advantage and contrast in nats, judgment a ratio of probabilities, rank the rank from 0.
 * `marked` is 1 where it is above the limit; of ranks, where it is the limit or more.
 */
export interface Weighed {
  readonly values: Float64Array
  readonly marked: Uint8Array
  /** Sum of the values, and of the log-probabilities of `columns`. */
  readonly sum: number
  readonly bare: number
}
export type Unweighed = 'no_tokens' | 'lengths_differ'

/** `a` and `b`: log-probabilities of the tokens of a side by two models; of ranks, `a` alone. */
export function weighTokens(
  a: ArrayLike<number>,
  b: ArrayLike<number> | undefined,
  { method, floor, beta, limit = LIMITS[method], min_run_tokens }: Omit<TokenOptions, 'columns'>,
): Weighed {
  const least = Math.log(floor),
    at = (list: ArrayLike<number>, i: number) => Math.max(list[i], least)
  const values = Float64Array.from(a, (value, i) => {
    if (method === 'rank') return value
    const difference = at(a, i) - at(b!, i)
    return method === 'judgment' ? Math.exp(difference) : method === 'contrast' ? beta * difference : difference
  })
  const isMarked = (value: number) =>
    method === 'rank' ? value >= limit : value > (method === 'judgment' ? limit * (1 + ROUNDING) : limit)
  const marked = Uint8Array.from(values, value => (isMarked(value) ? 1 : 0))
  if (method === 'judgment') {
    for (const [start, end] of runsOf(marked)) if (end - start < min_run_tokens) marked.fill(0, start, end)
  }
  return {
    values,
    marked,
    sum: values.reduce((sum, value) => sum + value, 0),
    bare: values.reduce((sum, _, i) => sum + at(a, i), 0),
  }
}

/** Runs [start, end) of marked tokens, from 0. */
export function runsOf(marked: ArrayLike<number>): [number, number][] {
  const runs: [number, number][] = []
  for (let i = 0; i < marked.length; i++) {
    if (!marked[i]) continue
    if (runs.at(-1)?.[1] === i) runs[runs.length - 1][1]++
    else runs.push([i, i + 1])
  }
  return runs
}

const isSide = (of: OfSides | undefined, side: Side) => of?.[side] !== undefined
export const sidesOf = (columns: OfSides | undefined): Side[] =>
  (['chosen', 'rejected'] as const).filter(side => isSide(columns, side))

/** The tokens of a side of each row, or why there are none. A log-probability is at most 0, a rank at least. */
export function weigher(batch: Batch, options: TokenOptions, side: Side): (row: number) => Weighed | Unweighed {
  const [a, b] = [options.columns[side], options.reference_columns?.[side]].map(name =>
    name === undefined ? undefined : listsOf(batch, name),
  )
  const isToken = (value: unknown) =>
    typeof value === 'number' && (options.method === 'rank' ? value >= 0 : value <= ROUNDING)
  const listOf = (list: readonly unknown[] | null | undefined) =>
    list?.length && list.every(isToken) ? (list as readonly number[]) : undefined
  return row => {
    const ours = listOf(a!(row)),
      theirs = b && listOf(b(row))
    if (!ours || (b && !theirs)) return 'no_tokens'
    if (theirs && theirs.length !== ours.length) return 'lengths_differ'
    return weighTokens(ours, theirs, options)
  }
}
