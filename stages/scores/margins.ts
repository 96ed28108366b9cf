/** Margins of all rows and of each value of a column: counts, and a sample by the smallest hashes of ids. */
import type { Batch, Context } from '../../engine/contract/define.ts'
import { addByName, byName, cut, valueOf, type ByName, type Rule } from '../kit/by_name.ts'
import { idHash } from '../kit/least.ts'

/** Margins that are looked at, of all rows and of each name: all where there are no more. */
const MOST_ROWS = 100_000,
  MOST_OF_NAME = 20_000
/** Values of `by` that are looked at apart. */
export const MOST_NAMES = 256
/** The name of rows that have none. */
const NO_NAME = '(none)'

/** `right` and `tied` count margins above 0 and of 0. Hashes and margins are of the same rows, `most` of them. */
export interface Margins {
  readonly most: number
  rows: number
  missing: number
  right: number
  tied: number
  hashes: number[]
  margins: number[]
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

const none = (most: number): Margins => ({ most, rows: 0, missing: 0, right: 0, tied: 0, hashes: [], margins: [] })
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
    to.hashes.push(hash)
    if (to.margins.push(margin) >= 2 * to.most) keepLeast(to)
  }
}

/** Leaves the smallest hashes, in their order; of equal ones the smaller margins, so that no order of rows shows. */
function keepLeast(of: Margins): void {
  const order = Float64Array.from(of.hashes.keys()).sort(
    (a, b) => of.hashes[a] - of.hashes[b] || of.margins[a] - of.margins[b],
  )
  const kept = [...order.subarray(0, of.most)]
  of.hashes = kept.map(i => of.hashes[i])
  of.margins = kept.map(i => of.margins[i])
}

function add(to: Margins, from: Margins): void {
  for (const key of ['rows', 'missing', 'right', 'tied'] as const) to[key] += from[key]
  to.hashes = to.hashes.concat(from.hashes)
  to.margins = to.margins.concat(from.margins)
  if (to.margins.length >= 2 * to.most) keepLeast(to)
}

function cutAll(seen: Seen): Seen {
  cut(seen.byName, names)
  keepLeast(seen.all)
  for (const margins of seen.byName.values.values()) keepLeast(margins)
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
