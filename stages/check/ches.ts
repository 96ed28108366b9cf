/** How alike the sides of a pair are to a model (CHES), and where the lowest share of all scores ends. */
import { round, type Batch, type Report } from '../../engine/contract/define.ts'
import { atRanks } from './ranks.ts'

/** Why a pair has no score. */
export const UNSCORED = {
  no_vector: 'a side has no vector, an empty one, or one with a null in it: no score, and the pair is kept',
  unlike_widths: 'the vectors of the two sides are not equally long: no score, and the pair is kept',
  no_tokens: 'a side has no number of tokens, or less than 1: no score, and the pair is kept',
  not_finite: 'a vector holds NaN or infinity, or its products do not fit in a float32: no score, and the pair is kept',
} as const
type Unscored = keyof typeof UNSCORED

/** The columns of the two sides. */
export interface Sides {
  readonly chosen: string
  readonly rejected: string
}
interface Columns {
  readonly hidden_columns: Sides
  readonly tokens_columns?: Sides
}
interface ChesOptions extends Columns {
  readonly keep_share: number
}
/** What one part of the rows gives the round: `widths` are the least and the greatest length of its vectors. */
interface Part {
  readonly rows: number
  readonly scores: Float32Array
  readonly widths: readonly number[]
}
/** What all rows give: `highest` is the score that ends the lowest `keep_share`. */
export interface Fitted {
  readonly rows: number
  readonly scored: number
  readonly widths: readonly number[]
  readonly highest: number
  readonly quantiles: readonly number[]
}

/** Scores rows of a batch, or says why one has no score. */
export function scorer(
  batch: Batch,
  { hidden_columns: hidden, tokens_columns: tokens }: Columns,
): (row: number) => number | Unscored {
  const ours = batch.lists(hidden.chosen),
    theirs = batch.lists(hidden.rejected)
  const ourTokens = tokens && batch.numbers(tokens.chosen).values,
    theirTokens = tokens && batch.numbers(tokens.rejected).values
  return row => {
    const a = ours.start(row),
      b = theirs.start(row),
      width = ours.end(row) - a,
      other = theirs.end(row) - b
    if (width === 0 || other === 0) return 'no_vector'
    if (width !== other) return 'unlike_widths'
    const [n, m] = ourTokens && theirTokens ? [ourTokens[row], theirTokens[row]] : [1, 1]
    if (!(n >= 1 && m >= 1)) return 'no_tokens'
    let shared = 0,
      own = 0
    for (let c = 0; c < width; c++) {
      shared += ours.values[a + c] * theirs.values[b + c]
      own += ours.values[a + c] * ours.values[a + c]
    }
    const score = shared / (n * m) - own / (n * n)
    return Number.isFinite(Math.fround(score)) ? score : 'not_finite'
  }
}

/** The quantiles that the summary tells. */
const SHOWN = [0.05, 0.5, 0.95]

/** Scores all rows, and finds the score up to which the lowest `keep_share` of them reach. */
export const chesFit = (options: ChesOptions) =>
  round({
    collect() {
      const scores: number[] = [],
        widths = new Set<number>()
      let rows = 0
      return {
        batch(batch) {
          const scoreOf = scorer(batch, options),
            vectors = batch.lists(options.hidden_columns.chosen)
          for (let row = 0; row < batch.rows; row++) {
            const score = scoreOf(row)
            if (typeof score !== 'number') continue
            scores.push(score)
            widths.add(vectors.end(row) - vectors.start(row))
          }
          rows += batch.rows
        },
        part: (): Part => ({ rows, scores: Float32Array.from(scores), widths: ends([...widths]) }),
      }
    },
    merge(parts): Fitted {
      let rows = 0,
        scored = 0,
        widths: number[] = []
      for (const part of parts) {
        rows += part.rows
        scored += part.scores.length
        widths = ends([...widths, ...part.widths])
      }
      const scores = {
        *[Symbol.iterator]() {
          for (const part of parts) yield part.scores
        },
      }
      // a product such as 0.1 * 30 may lie a little above the whole number that is meant
      const [highest, ...quantiles] = atRanks(scores, [
        Math.ceil(options.keep_share * scored - 1e-9) - 1,
        ...SHOWN.map(share => Math.floor(share * (scored - 1))),
      ])
      return { rows, scored, widths, highest, quantiles }
    },
  })

/** What the summary says of the scores. */
export function chesReport({ keep_share }: ChesOptions, { rows, scored, widths, highest, quantiles }: Fitted): Report {
  const lines: string[] = []
  if (scored === 0) lines.push(`none of ${rows.toLocaleString('en-US')} pairs has a score`)
  else {
    lines.push(
      `${scored.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} pairs have a score: ${SHOWN.map((share, i) => `${100 * share} % up to ${quantiles[i].toPrecision(4)}`).join(', ')}${keep_share < 1 ? `; the lowest ${100 * keep_share} % end at ${highest.toPrecision(4)}` : ''}`,
    )
  }
  if (widths.length > 1) {
    lines.push(
      `the vectors are ${widths[0]} to ${widths[1]} long: they are not of one model, and their scores do not compare`,
    )
  }
  return {
    lines,
    numbers: {
      rows,
      scored,
      quantiles: scored ? Object.fromEntries(SHOWN.map((share, i) => [share, quantiles[i]])) : {},
      ...(keep_share < 1 && scored ? { highest_kept: highest } : {}),
    },
  }
}

/** The least and the greatest of some numbers; one where they are the same, none of none. */
const ends = (values: readonly number[]): number[] =>
  values.length === 0 ? [] : [...new Set([Math.min(...values), Math.max(...values)])]
