/**
 * Samples of rows by the smallest hashes of their ids: the same ones for any order of files and number of workers, and
 * of a larger sample those of a smaller one are a part.
 */
import { hash64 } from '../../engine/arrow/hash.ts'
import { round, type Batch, type Context, type Round } from '../../engine/contract/define.ts'
import { hashString } from '../../models/random.ts'

/** Hashes are whole numbers below this. */
export const HASHES = 2 ** 53
const BINS = 1 << 12,
  BIN = HASHES / BINS

/** Hashes of ids with the seed, and with the id of the stage: two samples of one graph know nothing of each other. */
export function idHash(batch: Batch<'id'>, { seed, id }: Pick<Context, 'seed' | 'id'>): (row: number) => number {
  const { bytes, offsets } = batch.text('id'),
    salt = hashString(id, seed),
    state = new Uint32Array(2)
  return row => {
    state[0] = seed
    state[1] = salt
    hash64(bytes, offsets[row], offsets[row + 1], state)
    return (state[0] >>> 11) * 2 ** 32 + state[1]
  }
}

/** Of each kind of rows how many there are, and the hash below which they are taken. */
export interface Least {
  readonly counts: readonly number[]
  readonly limits: readonly number[]
}
interface Binned {
  readonly bins: readonly Uint32Array[]
}

/** Kinds of rows: how many there are, the kind of a row (-1: of none), and of their counts how many to take. */
export interface Kinds {
  readonly many: number
  of(batch: Batch): (row: number) => number
  take(counts: readonly number[]): readonly number[]
}
/** Of each kind the bin in which the last one taken is, and how many of it. */
interface Binning<Before> {
  readonly before: Before
  readonly counts: readonly number[]
  readonly last: readonly { readonly bin: number; readonly left: number }[]
}

/** Goes through the rows of a batch that are of a kind. */
function each(
  batch: Batch,
  { of }: Kinds,
  context: Pick<Context, 'seed' | 'id'>,
  see: (kind: number, hash: number) => void,
): void {
  const hash = idHash(batch, context),
    kindOf = of(batch)
  for (let row = 0; row < batch.rows; row++) {
    const kind = kindOf(row)
    if (kind >= 0) see(kind, hash(row))
  }
}

/**
 * Two rounds that find, for some kinds of rows, the hashes below which as many are as `take` says of their counts. Rows
 * of one hash are taken together or not at all, so that there are a few less where ids are there twice. What the kinds
 * are may follow from the round before, whose state stays as `before`.
 */
export function leastRounds<Before>(
  kindsOf: (before: Before) => Kinds,
): readonly [
  Round<Binned, Binning<Before>, Before>,
  Round<readonly number[][], Least & { readonly before: Before }, Binning<Before>>,
] {
  return [
    {
      collect(context) {
        const kinds = kindsOf(context.state),
          bins = Array.from({ length: kinds.many }, () => new Uint32Array(BINS))
        return {
          batch: batch => each(batch, kinds, context, (kind, hash) => void bins[kind][Math.floor(hash / BIN)]++),
          part: () => ({ bins }),
        }
      },
      merge(parts, { state: before }) {
        const kinds = kindsOf(before),
          bins = Array.from({ length: kinds.many }, () => new Float64Array(BINS))
        for (const part of parts) {
          part.bins.forEach((some, kind) => some.forEach((rows, bin) => void (bins[kind][bin] += rows)))
        }
        const counts = bins.map(some => some.reduce((sum, rows) => sum + rows, 0)),
          wanted = kinds.take(counts)
        /** None where all are taken, or nothing is. */
        const last = bins.map((some, kind) => {
          let left = wanted[kind],
            bin = 0
          if (left >= counts[kind]) return { bin: BINS, left: 0 }
          while (some[bin] <= left) left -= some[bin++]
          return { bin, left }
        })
        return { before, counts, last }
      },
    },
    {
      collect(context) {
        const { before, last } = context.state,
          near = last.map((): number[] => [])
        return {
          batch: batch =>
            each(batch, kindsOf(before), context, (kind, hash) => {
              if (Math.floor(hash / BIN) === last[kind].bin) near[kind].push(hash)
            }),
          part: () => near,
        }
      },
      merge(parts, { state: { before, counts, last } }) {
        const all = [...parts]
        const limits = last.map(({ bin, left }, kind) =>
          bin === BINS ? HASHES : all.flatMap(part => part[kind]).sort((a, b) => a - b)[left],
        )
        return { before, counts, limits }
      },
    },
  ]
}

/** Those rounds for kinds that are known. */
export function least(many: number, of: Kinds['of'], take: Kinds['take']) {
  const [bins, limits] = leastRounds<undefined>(() => ({ many, of, take }))
  return round(bins).next(limits)
}
