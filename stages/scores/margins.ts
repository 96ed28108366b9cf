/** Margins of all rows and of each value of a column: counts, and a sample by the smallest hashes of ids. */
import type { Batch, Context } from '../../engine/contract/define.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'
import { addNumbers, cutNumbers, leastNumbers, mergeNumbers, type LeastNumbers } from '../kit/least_numbers.ts'
import { idHash } from '../kit/least.ts'

/** Margins that are looked at, of all rows and of each name: all where there are no more. */
const MOST_ROWS = 100_000,
  MOST_OF_NAME = 20_000
/** Values of `by` that are looked at apart. */
export const MOST_NAMES = 256
/** The name of rows that have none. */
const NO_NAME = '(none)'

/** `right` and `tied` count margins above 0 and of 0. */
export interface Margins {
  rows: number
  missing: number
  right: number
  tied: number
  readonly sample: LeastNumbers
}
export interface Seen {
  readonly all: Margins
  readonly byName: ByName<Margins>
}

/** Where margins come from, and which rows are looked at together. */
export interface MarginOptions {
  readonly score_columns?: { readonly chosen: string; readonly rejected: string }
  readonly margin_column?: string
  readonly by?: string
}

const none = (most: number): Margins => ({ rows: 0, missing: 0, right: 0, tied: 0, sample: leastNumbers(most, 1) })
const names: Rule<Margins> = { most: MOST_NAMES, none: () => none(MOST_OF_NAME) }
const nothing = (): Seen => ({ all: none(MOST_ROWS), byName: byName() })

/** Margins of a batch: chosen minus rejected, NaN where there is none or it is not finite. */
export function marginsOf(batch: Batch, { score_columns: scores, margin_column }: MarginOptions): Float64Array {
  const chosen = batch.numbers(scores ? scores.chosen : margin_column!).values,
    rejected = scores && batch.numbers(scores.rejected).values
  return chosen.map((score, row) => {
    const margin = score - (rejected ? rejected[row] : 0)
    return Number.isFinite(margin) ? margin : NaN
  })
}

/** The name of a row of a batch, by the column of `by`. */
export function namer(batch: Batch, by: string): (row: number) => string {
  const texts = batch.text(by)
  return row => (texts.isNull(row) ? NO_NAME : texts.text(row))
}

function count(to: Margins, margin: number, hash: number): void {
  if (Number.isNaN(margin)) to.missing++
  else {
    to.rows++
    if (margin > 0) to.right++
    else if (margin === 0) to.tied++
    addNumbers(to.sample, hash, [margin])
  }
}

function add(to: Margins, from: Margins): void {
  for (const key of ['rows', 'missing', 'right', 'tied'] as const) to[key] += from[key]
  mergeNumbers(to.sample, from.sample)
}

function cutAll(seen: Seen): Seen {
  cut(seen.byName, names)
  cutNumbers(seen.all.sample)
  for (const { sample } of seen.byName.values.values()) cutNumbers(sample)
  return seen
}

export function collectMargins(options: MarginOptions, context: Pick<Context, 'seed' | 'id'>) {
  const seen = nothing()
  return {
    batch(batch: Batch): void {
      const margins = marginsOf(batch, options),
        hash = idHash(batch, context),
        name = options.by === undefined ? undefined : namer(batch, options.by)
      for (let row = 0; row < batch.rows; row++) {
        const hashed = hash(row)
        count(seen.all, margins[row], hashed)
        const own = name && valueOf(seen.byName, name(row), names)
        if (own) count(own, margins[row], hashed)
      }
    },
    part: () => cutAll(seen),
  }
}

export function mergeMargins(parts: Iterable<Seen>): Seen {
  const sum = nothing()
  for (const part of parts) {
    add(sum.all, part.all)
    addByName(sum.byName, part.byName, names, add)
  }
  return cutAll(sum)
}
