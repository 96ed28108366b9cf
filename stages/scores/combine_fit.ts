/** Scores of rows, read and combined, and what all of them come to. */
import { idHash } from '../kit/least.ts'
import { addNumbers, cutNumbers, leastNumbers, mergeNumbers, type LeastNumbers } from '../kit/least_numbers.ts'
import { round, type Batch } from '../../engine/contract/define.ts'
import { combine, coneMargin, scaleOf, type Method, type Reference, type Scale } from './combining.ts'

/** Pairs that are looked at: all where there are no more. */
const MOST_ROWS = 100_000

export interface CombineOptions {
  readonly score_columns: readonly {
    readonly chosen: string
    readonly rejected: string
    readonly weight: number
    readonly reference?: number
    readonly reference_column?: string
  }[]
  readonly method: Method
  readonly reference: Reference
  readonly reference_share: number
  readonly cone_degrees: number
  readonly min_robust?: number
}
export const hasCone = ({ cone_degrees, min_robust }: Pick<CombineOptions, 'cone_degrees' | 'min_robust'>): boolean =>
  cone_degrees > 0 || min_robust !== undefined

/** Numbers of a row: of each score that of the chosen side, that of the rejected one, and its own reference or NaN. */
type Numbers = Float64Array
const EACH = 3

/** Reads rows of a batch; undefined where a score or a reference is missing or not finite. */
export function scoresOf(batch: Batch, { score_columns }: CombineOptions): (row: number) => Numbers | undefined {
  const values = (name: string) => batch.numbers(name).values
  const columns = score_columns.map(({ chosen, rejected, reference, reference_column: column }) => ({
    sides: [values(chosen), values(rejected)],
    own: column === undefined ? undefined : values(column),
    fixed: reference ?? NaN,
  }))
  return row => {
    const numbers = new Float64Array(EACH * columns.length)
    for (let m = 0; m < columns.length; m++) {
      const { sides, own, fixed } = columns[m],
        at = EACH * m
      numbers[at] = sides[0][row]
      numbers[at + 1] = sides[1][row]
      numbers[at + 2] = own ? own[row] : fixed
      const isThere = Number.isFinite(numbers[at]) && Number.isFinite(numbers[at + 1])
      if (!isThere || (own && !Number.isFinite(own[row]))) return undefined
    }
    return numbers
  }
}

/** Combines rows: the scores of both sides, and the least margin of the cone, NaN where nobody asks for one. */
export function combiner(options: CombineOptions, scales: readonly Scale[]) {
  const { score_columns, method, cone_degrees } = options,
    weights = score_columns.map(({ weight }) => weight),
    isAsked = hasCone(options),
    side = new Float64Array(weights.length),
    references = new Float64Array(weights.length)
  const scoreOf = (numbers: Numbers, at: number): number => {
    for (let m = 0; m < weights.length; m++) {
      const own = numbers[EACH * m + 2]
      side[m] = numbers[EACH * m + at]
      references[m] = Number.isNaN(own) ? scales[m].reference : own
    }
    return combine(method, side, references, weights, scales)
  }
  const difference = (numbers: Numbers, m: number) =>
    (numbers[EACH * m] - numbers[EACH * m + 1]) / (method === 'z_sum' ? scales[m].deviation : 1)
  return (numbers: Numbers) => ({
    chosen: scoreOf(numbers, 0),
    rejected: scoreOf(numbers, 1),
    robust: isAsked
      ? coneMargin(
          weights.map((_, m) => difference(numbers, m)),
          weights,
          cone_degrees,
        )
      : NaN,
  })
}

interface Part {
  pairs: number
  missing: number
  readonly sample: LeastNumbers
}
const nothing = ({ score_columns }: CombineOptions): Part => ({
  pairs: 0,
  missing: 0,
  sample: leastNumbers(MOST_ROWS, EACH * score_columns.length),
})

export const combineFit = (options: CombineOptions) =>
  round({
    collect(context) {
      const part = nothing(options)
      return {
        batch(batch) {
          const read = scoresOf(batch, options),
            hash = idHash(batch, context)
          for (let row = 0; row < batch.rows; row++) {
            const numbers = read(row)
            if (numbers) addNumbers(part.sample, hash(row), numbers)
            else part.missing++
          }
          part.pairs += batch.rows
        },
        part() {
          cutNumbers(part.sample)
          return part
        },
      }
    },
    merge(parts: Iterable<Part>) {
      const sum = nothing(options)
      for (const part of parts) {
        sum.pairs += part.pairs
        sum.missing += part.missing
        mergeNumbers(sum.sample, part.sample)
      }
      cutNumbers(sum.sample)
      return fitted(sum, options)
    },
  })

/** What the pairs come to; shares are of those that are looked at. */
export interface Fitted {
  readonly pairs: number
  readonly missing: number
  readonly looked: number
  readonly scales: readonly Scale[]
  /** `right`: pairs whose chosen side it says is the better one, ties half. `above`: sides above their reference. */
  readonly scores: readonly { readonly name: string; readonly right: number; readonly above: number }[]
  readonly combined: number
  readonly sum: number
  /** Pairs of which the combination says another side than the sum. */
  readonly unlike_sum: number
  readonly robust: number
  readonly correlations: readonly { readonly score: string; readonly other: string; readonly correlation: number }[]
}

function fitted({ pairs, missing, sample }: Part, options: CombineOptions): Fitted {
  const { score_columns, reference, reference_share } = options,
    looked = sample.hashes.length,
    width = sample.width
  const rows = Array.from({ length: looked }, (_, i) =>
    Float64Array.from(sample.values.slice(i * width, (i + 1) * width)),
  )
  const scales = score_columns.map((_, m) =>
    scaleOf(
      Float64Array.from([0, 1].flatMap(side => rows.map(row => row[EACH * m + side]))),
      reference,
      reference_share,
    ),
  )
  const found = rows.map(combiner(options, scales)),
    margins = score_columns.map((_, m) => rows.map(row => row[EACH * m] - row[EACH * m + 1])),
    sums = rows.map((_, i) => score_columns.reduce((sum, { weight }, m) => sum + weight * margins[m][i], 0)),
    combined = found.map(({ chosen, rejected }) => chosen - rejected)
  const shareOf = (hits: number, of = looked) => hits / Math.max(1, of)
  const right = (all: readonly number[]) => shareOf(all.reduce((sum, d) => sum + (d > 0 ? 1 : d === 0 ? 0.5 : 0), 0))
  return {
    pairs,
    missing,
    looked,
    scales,
    scores: score_columns.map(({ chosen }, m) => {
      let above = 0
      for (const row of rows) {
        const own = row[EACH * m + 2],
          reference = Number.isNaN(own) ? scales[m].reference : own
        above += Number(row[EACH * m] > reference) + Number(row[EACH * m + 1] > reference)
      }
      return { name: chosen, right: right(margins[m]), above: shareOf(above, 2 * looked) }
    }),
    combined: right(combined),
    sum: right(sums),
    unlike_sum: combined.filter((margin, i) => margin * sums[i] < 0).length,
    robust: shareOf(found.filter(({ robust }) => robust > 0).length),
    correlations: score_columns.flatMap(({ chosen: score }, m) =>
      score_columns.slice(m + 1).map(({ chosen: other }, k) => ({
        score,
        other,
        correlation: correlation(margins[m], margins[m + 1 + k]),
      })),
    ),
  }
}

/** Of Pearson; 0 where one is constant. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return values.map(value => value - mean)
  }
  const [x, y] = [centred(a), centred(b)],
    dot = (u: readonly number[], v: readonly number[]) => u.reduce((sum, value, i) => sum + value * v[i], 0),
    size = Math.sqrt(dot(x, x) * dot(y, y))
  return size > 0 ? dot(x, y) / size : 0
}
