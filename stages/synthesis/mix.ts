/** Chooses how often each class of errors is drawn, so that on the whole the edited sides look as the originals do. */
import { crossFit, crossMargins } from '../../models/head.ts'
import { share, type Estimate } from '../../models/metrics.ts'
import { combine32 } from '../../models/random.ts'
import { takeRows, type DenseRows } from '../../models/rows.ts'
import { Type } from '../../engine/contract/define.ts'
import { drawer, weightedOrder } from './draw.ts'
import { EDIT_CLASSES } from './edits.ts'
import { EDIT_TYPES, type EditType } from './operators/all.ts'
import type { Sample } from './sample.ts'

/**
 * How often each of `EDIT_CLASSES` is drawn, and a style reader's hit rate under the usual mix and this one, on the
 * pairs that it was chosen on.
 */
export interface Mix {
  readonly weights: readonly number[]
  readonly rows: number
  readonly before?: Estimate
  readonly after?: Estimate
  /** types whose share stays above its quota, as too many rows offer nothing else, with that share */
  readonly over?: Quotas
}

/** The share of the pairs that a type may have, at most. */
export type Quotas = Readonly<Partial<Record<EditType, number>>>
export const quotaOption = Type.Object(
  Object.fromEntries(EDIT_TYPES.map(type => [type, Type.Optional(Type.Number({ minimum: 0, maximum: 1 }))])),
  {
    additionalProperties: false,
    default: {},
    description:
      'share of the new pairs that a type may have at most, by its name, as far as rows offer others; kept on the sample, so about kept on all',
  },
)

/** Pairs below which nothing is said or chosen. */
export const FEWEST = 200
/** the hit rate at which to stop: other pairs are told a little more easily than those that the mix was chosen on */
const AIM = 0.53
const FOLDS = 5
/** how strongly the usual mix is held on to, strongest first */
const HOLDS = [0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0]
const STEPS = 80
const RATE = 3
const DRAWS = 3
/** tries to bring types below their quotas */
const ROUNDS = 100

/** The share of rows whose better side a cross-fitted head names, a tie being half a hit. */
export function guess(rows: DenseRows, hashes: ArrayLike<number>, seed: number): Estimate {
  return share(hits(rows, hashes, seed).hits, rows.length)
}

function hits(
  rows: DenseRows,
  hashes: ArrayLike<number>,
  seed: number,
  strength?: number,
): { hits: number; l2: number } {
  const folds = Uint8Array.from(hashes, hash => combine32(hash, seed) % FOLDS)
  const fit = crossFit(rows, folds, {
    folds: FOLDS,
    seed,
    ...(strength === undefined ? {} : { l2: strength, tolerance: 1e-3 }),
  })
  let sum = 0
  for (const margin of crossMargins(fit, rows, folds)) sum += margin > 0 ? 1 : margin < 0 ? 0 : 0.5
  return { hits: sum, l2: fit.l2 }
}

/**
 * A linear reader has nothing to learn where the mean of its features over the pairs is zero. So the weights'
 * logarithms are moved from the usual ones by gradient descent on the squared means of the style differences, each over
 * its mean square, with a pull back to the usual mix that is let go step by step until a trained reader is down to
 * chance.
 */
export function chooseMix(sample: Sample, usual: readonly number[], seed: number, quotas: Quotas = {}): Mix {
  const rows = sample.starts.length - 1,
    { weights: start, over } = held(sample, usual, quotas)
  if (rows < FEWEST) return { weights: start, rows, over }
  let strength: number | undefined
  const test = (weights: readonly number[]): Estimate => {
    const drawn: number[] = []
    for (let draw = 0; draw < DRAWS; draw++) drawInto(drawn, sample, weights, combine32(seed, draw))
    // the reader's strength is chosen once, on the usual mix
    const found = hits(
      takeRows(sample.rows, Uint32Array.from(drawn)) as DenseRows,
      drawn.map(at => sample.hashes[at]),
      seed,
      strength,
    )
    strength = found.l2
    return share(found.hits / DRAWS, rows)
  }
  const before = test(start)
  let best = { weights: start, rate: before }
  const shift = new Float64Array(start.length),
    values = sparse(sample)
  for (let h = 0; h < HOLDS.length && best.rate.value > AIM; h++) {
    for (let step = 0; step < STEPS; step++) descend(sample, values, start, shift, HOLDS[h])
    const weights = held(
      sample,
      start.map((weight, at) => weight * Math.exp(shift[at])),
      quotas,
    ).weights
    const rate = test(weights)
    if (rate.value < best.rate.value) best = { weights, rate }
  }
  return { weights: best.weights, rows, before, after: best.rate, over: held(sample, best.weights, quotas).over }
}

/** Weights under which, on the sample, no type has more than its quota, as far as the rows have others. */
function held(
  { classes, starts }: Sample,
  usual: readonly number[],
  quotas: Quotas,
): { weights: readonly number[]; over?: Quotas } {
  const limited = Object.entries(quotas) as [EditType, number][],
    rows = starts.length - 1
  if (!limited.length) return { weights: usual }
  const weights = [...usual]
  for (let round = 0; ; round++) {
    const shares = new Map<EditType, number>()
    for (let row = 0; row < rows; row++) {
      let sum = 0
      for (let i = starts[row]; i < starts[row + 1]; i++) sum += weights[classes[i]]
      for (let i = starts[row]; sum > 0 && i < starts[row + 1]; i++) {
        const { type } = EDIT_CLASSES[classes[i]]
        shares.set(type, (shares.get(type) ?? 0) + weights[classes[i]] / sum / rows)
      }
    }
    const over = limited.filter(([type, quota]) => (shares.get(type) ?? 0) > quota + 0.001)
    if (!over.length) return { weights }
    if (round === ROUNDS) return { weights, over: Object.fromEntries(over.map(([type]) => [type, shares.get(type)!])) }
    for (const [type, quota] of over) {
      EDIT_CLASSES.forEach((one, at) => {
        if (one.type === type) weights[at] *= quota / shares.get(type)!
      })
    }
  }
}

/** The values of a sample that are not zero, most being zero: those of edit i are `at[i]` to `at[i + 1]`. */
interface Sparse {
  readonly at: Uint32Array
  readonly columns: Uint8Array
  readonly values: Float32Array
}

function sparse({ rows: { values, columns: width, length } }: Sample): Sparse {
  const at = new Uint32Array(length + 1),
    columns: number[] = [],
    kept: number[] = []
  for (let i = 0; i < length; i++) {
    for (let c = 0; c < width; c++) {
      if (values[i * width + c] !== 0) {
        columns.push(c)
        kept.push(values[i * width + c])
      }
    }
    at[i + 1] = kept.length
  }
  return { at, columns: Uint8Array.from(columns), values: Float32Array.from(kept) }
}

/** One step of `shift`, the logarithm of what the weights are multiplied by. */
function descend(
  { rows, classes, starts }: Sample,
  { at, columns, values }: Sparse,
  start: readonly number[],
  shift: Float64Array,
  hold: number,
): void {
  const count = starts.length - 1
  const weights = start.map((weight, of) => weight * Math.exp(shift[of]))
  const chance = new Float64Array(classes.length),
    mean = new Float64Array(rows.columns),
    square = new Float64Array(rows.columns)
  for (let row = 0; row < count; row++) {
    let sum = 0
    for (let i = starts[row]; i < starts[row + 1]; i++) sum += weights[classes[i]]
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      const p = (chance[i] = weights[classes[i]] / sum)
      for (let k = at[i]; k < at[i + 1]; k++) {
        mean[columns[k]] += p * values[k]
        square[columns[k]] += p * values[k] * values[k]
      }
    }
  }
  // the squared mean of a column is (mean / count)^2 over square / count
  const slope = mean.map((value, c) => (square[c] > 0 ? (2 * value) / square[c] : 0))
  const gradient = new Float64Array(start.length),
    pull = new Float64Array(classes.length)
  for (let row = 0; row < count; row++) {
    let middle = 0
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      for (let k = at[i]; k < at[i + 1]; k++) pull[i] += slope[columns[k]] * values[k]
      middle += chance[i] * pull[i]
    }
    for (let i = starts[row]; i < starts[row + 1]; i++) gradient[classes[i]] += (chance[i] * (pull[i] - middle)) / count
  }
  for (let of = 0; of < shift.length; of++) shift[of] -= RATE * (gradient[of] + hold * shift[of])
}

/** Adds of each row of a sample the edit that the weights draw among those it has. */
function drawInto(out: number[], { starts, classes, hashes }: Sample, weights: readonly number[], seed: number): void {
  for (let row = 0; row + 1 < starts.length; row++) {
    const first = starts[row],
      own = [...classes.subarray(first, starts[row + 1])]
    const drawn = weightedOrder(
      own.map(at => weights[at]),
      drawer(combine32(hashes[first], seed)),
    ).next().value
    if (drawn !== undefined) out.push(first + drawn)
  }
}
