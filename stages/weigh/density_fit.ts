/** The rounds of weigh_density: a sample of each class by its prompts' vectors, and what the weights came to. */
import { round, type Batch, type Context, type Fit, type Report } from '../../engine/contract/define.ts'
import { hash64 } from '../../engine/arrow/hash.ts'
import { DataError } from '../../engine/errors.ts'
import { addNumbers, cutNumbers, leastNumbers, mergeNumbers, type LeastNumbers } from '../kit/least_numbers.ts'
import { tellApart, type Told } from './density.ts'

export interface DensityOptions {
  readonly vector_column: string
  readonly label_column: string
  readonly min_weight: number
  readonly max_weight: number
  readonly sample_rows: number
  readonly folds: number
}

/** A row's vector, with a hash of it: equal prompts are taken together, or not at all, and are in one fold. */
export interface Vector {
  readonly values: Float64Array
  readonly hash: number
}
export function vectorsOf(batch: Batch, column: string, seed: number): (row: number) => Vector | undefined {
  const lists = batch.lists(column as never),
    state = new Uint32Array(2)
  return row => {
    const values = Float64Array.from(lists.values.subarray(lists.start(row), lists.end(row)))
    if (values.length === 0 || !values.every(Number.isFinite)) return undefined
    const bytes = new Uint8Array(values.buffer)
    state.fill(seed)
    hash64(bytes, 0, bytes.length, state)
    return { values, hash: (state[0] >>> 11) * 2 ** 32 + state[1] }
  }
}
export const foldOf = ({ hash }: Vector, folds: number): number => hash % folds

/** Of each class what is looked at; classes are 0, undesirable, and 1. */
interface Seen {
  readonly rows: [number, number]
  readonly classes: [LeastNumbers?, LeastNumbers?]
}
export interface Density {
  readonly rows: readonly [number, number]
  readonly looked: readonly [number, number]
  readonly told?: Told
}

const wrongWidth = (column: string, one: number, other: number) =>
  new DataError(`weigh_density: vectors of '${column}' have ${one} and ${other} numbers; all need as many`)

/** An undesirable row is weighed where the classes can be told apart; else its weight is 1. */
export const isTold = (density: Density): density is Density & { told: Told } =>
  density.told !== undefined && density.told.auroc.low > 0.5

export const densityFit = (options: DensityOptions): Fit<Density> =>
  round({
    collect({ seed }: Context<undefined>) {
      const seen: Seen = { rows: [0, 0], classes: [] as never }
      return {
        batch(batch) {
          const vector = vectorsOf(batch as never, options.vector_column, seed),
            labels = batch.numbers(options.label_column as never).values
          for (let row = 0; row < batch.rows; row++) {
            const label = labels[row] as 0 | 1,
              found = Number.isNaN(label) ? undefined : vector(row)
            if (!found) continue
            const to = (seen.classes[label] ??= leastNumbers(options.sample_rows, found.values.length))
            if (to.width !== found.values.length) throw wrongWidth(options.vector_column, to.width, found.values.length)
            seen.rows[label]++
            addNumbers(to, found.hash, found.values)
          }
        },
        part() {
          for (const sample of seen.classes) if (sample) cutNumbers(sample)
          return seen
        },
      }
    },
    merge(parts: Iterable<Seen>): Density {
      const classes: [LeastNumbers?, LeastNumbers?] = [undefined, undefined],
        rows: [number, number] = [0, 0]
      for (const part of parts) {
        for (const label of [0, 1] as const) {
          const from = part.classes[label]
          rows[label] += part.rows[label]
          if (!from) continue
          const width = (classes[0] ?? classes[1])?.width ?? from.width
          if (from.width !== width) throw wrongWidth(options.vector_column, width, from.width)
          mergeNumbers((classes[label] ??= leastNumbers(options.sample_rows, width)), from)
        }
      }
      for (const sample of classes) if (sample) cutNumbers(sample)
      const [bad, good] = classes
      if (!bad || !good) return { rows, looked: [0, 0] }
      const hashes = [...bad.hashes, ...good.hashes]
      const told = tellApart(
        {
          width: bad.width,
          values: [...bad.values, ...good.values],
          desirable: Uint8Array.from(hashes, (_, i) => (i < bad.hashes.length ? 0 : 1)),
          folds: Uint8Array.from(hashes, hash => hash % options.folds),
        },
        options.folds,
      )
      return { rows, looked: [bad.hashes.length, good.hashes.length], ...(told ? { told } : {}) }
    },
  })

export interface Weights {
  rows: number
  missing: number
  least: number
  most: number
  clipped: number
}
/** Of the weights of undesirable rows, as they were written. */
export const weightTally = ({ label_column, min_weight, max_weight }: DensityOptions): Fit<Weights> =>
  round({
    collect({ id }: Context<undefined>) {
      const seen: Weights = { rows: 0, missing: 0, least: Infinity, most: -Infinity, clipped: 0 }
      return {
        batch(batch) {
          const labels = batch.numbers(label_column as never).values
          batch.numbers(`${id}_weight` as never).values.forEach((weight, row) => {
            if (Number.isNaN(weight)) return seen.missing++
            if (labels[row] !== 0) return
            seen.rows++
            seen.least = Math.min(seen.least, weight)
            seen.most = Math.max(seen.most, weight)
            if (weight === min_weight || weight === max_weight) seen.clipped++
          })
        },
        part: () => seen,
      }
    },
    merge(parts: Iterable<Weights>) {
      const all: Weights = { rows: 0, missing: 0, least: Infinity, most: -Infinity, clipped: 0 }
      for (const { rows, missing, least, most, clipped } of parts) {
        all.rows += rows
        all.missing += missing
        all.clipped += clipped
        all.least = Math.min(all.least, least)
        all.most = Math.max(all.most, most)
      }
      return all
    },
  })

const n = (count: number) => count.toLocaleString('en-US')

export function densityReport(state: Density, { rows, missing, least, most, clipped }: Weights): Report {
  const { value, low, high } = state.told?.auroc ?? { value: NaN, low: NaN, high: NaN },
    auroc = `AUROC ${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
  const [undesirable, desirable] = state.rows
  return {
    lines: [
      isTold(state)
        ? `prompts of ${n(desirable)} desirable and ${n(undesirable)} undesirable rows are told apart with ${auroc}`
        : state.told
          ? `prompts of the two classes cannot be told apart (${auroc}): weights left at 1`
          : `${n(desirable)} desirable and ${n(undesirable)} undesirable rows are too few to tell: weights left at 1`,
      ...(isTold(state) && rows > 0
        ? [`weights ${least.toFixed(2)} to ${most.toFixed(2)}, ${((100 * clipped) / rows).toFixed(1)} % clipped`]
        : []),
      ...(missing > 0 ? [`${n(missing)} rows have no vector or no label, and no weight`] : []),
    ],
    numbers: {
      desirable,
      undesirable,
      missing,
      ...(state.told ? { auroc: value, auroc_low: low, auroc_high: high } : {}),
      ...(isTold(state) && rows > 0 ? { least, most, clipped } : {}),
    },
  }
}
