/** Whether dropping the pairs that reviewers doubt helps a fresh head, tried on held-out labels. */
import { sigmoid, trainHead, dotRow, type CrossFitOptions } from './head.ts'
import { slopeFor } from './calibration.ts'
import type { Estimate } from './metrics.ts'
import { judge, type Question } from './judge.ts'
import { combine32 } from './random.ts'
import { takeRows, type Rows } from './rows.ts'
import { foundWrong, lowest, thresholdsOf, type Rule } from './rule.ts'

/** What a share to drop does to a head that is trained on what is left. */
export interface Trial {
  /**
   * Each reviewer speaks against its own lowest share; the rule then drops less (both), as much (stack) or more
   * (either).
   */
  share: number
  dropped_share: number
  /**
   * Gain of the log-likelihood of held-out labels, nats a row, by dropping: of a head that hardly resists memorising,
   * and of one regularised like the reviewers. With 95 % intervals.
   */
  memorising: Estimate
  tuned: Estimate
  /** Gain of the tuned model's share of held-out labels agreed with. */
  tuned_accuracy: Estimate
}

/** What dropping does to a fresh head. A plain object. */
export interface Evidence {
  /** The share to use; 0 when dropping does not help. */
  share: number
  helps: boolean
  trials: Trial[]
  held_out: number
}

interface ShareQuestion {
  question: Question
  /** What the fresh head reads. */
  fresh: Rows
  rule: Rule
  noise_rate: number
  /** Only that share is tried. */
  is_given: boolean
  /** Flipped labels have shown that wrong ones are told from right ones well enough, so that a likely gain will do. */
  able: boolean
  /** Some labels are known to be wrong, and not only hard. */
  noisy: boolean
  /** The reviewers' regularisation. */
  l2s: readonly number[]
  exchange: boolean
  options: CrossFitOptions
}

const MULTIPLES = [0.5, 1, 1.5]
const ENOUGH_HELD_OUT = 4_000
// what a trial costs is bounded, whatever the sample
const MOST_ROWS = 12_000
const MOST_SHARE = 0.6
const Z95 = 1.959963984540054
/**
 * Standard errors that a gain must exceed to be beyond chance, at 5 % on one side, shared among the three shares that
 * are tried where no rate is given.
 */
const BEYOND_CHANCE = 2.128045234184984
// strength l2 · n / mean |x|² of a head that learns nearly every label by heart, and of one that does not
const MEMORISING = 1 / 64
const TUNED = 8

/**
 * Chooses the share to drop by what it does to a fresh head. A fold is set aside; the reviewers are fitted and weighed
 * on the other folds without it (cross-fitted among themselves), their lowest share is dropped, a fresh head is trained
 * on what is left, and the labels of the fold that nobody saw are held against its margins. As many folds as it takes
 * to hold out 4,000 rows; of a sample of more than 12,000 that many are tried, evenly spread.
 *
 * Dropping helps if the memorising model gains: by more than a standard error where the reviewers are known to be able,
 * else by more than 2.13, which chance alone exceeds for one of three shares at most one time in twenty. A head that
 * learns by heart is the better for having fewer hard labels, right or wrong, so its gain alone is no evidence that
 * those were wrong, and the tuned model must not pay for it. Where some labels are known to be wrong, it may not agree
 * with fewer held-out labels beyond chance; where they may be mere minority opinions, it may lose neither likelihood
 * nor agreement at all. Of the shares that help, those are alike whose sum of gains is within a standard error of the
 * best: of these the noise rate itself is taken where some labels are known to be wrong, else (and where it is not
 * among them) the smallest. Held-out labels are as noisy as all others, so each head's margins are first scaled for the
 * noise rate; noise of one kind throughout (all longer answers preferred, say) cannot be seen by this.
 */
export function chooseShare(whole: ShareQuestion): Evidence {
  const some = atMost(MOST_ROWS, whole)
  const {
    noise_rate,
    options,
    question: { folds },
  } = some
  const shares = (some.is_given ? [1] : MULTIPLES)
    .map(multiple => Math.min(MOST_SHARE, multiple * noise_rate))
    .filter(share => share > 0)
  const found = shares.map(share => ({
    share,
    dropped: 0,
    of: 0,
    memorising: [] as number[],
    tuned: [] as number[],
    accuracy: [] as number[],
  }))
  let held_out = 0
  for (let fold = 0; fold < options.folds && held_out < ENOUGH_HELD_OUT && shares.length > 0; fold++) {
    const inside = rowsWhere(folds, value => value !== fold),
      outside = rowsWhere(folds, value => value === fold)
    if (outside.length === 0 || inside.length === 0) continue
    held_out += outside.length
    const drops = dropsInside(some, inside, shares, fold)
    const judge = (kept: Uint32Array, strength: number) => heldOutLikelihood(some, kept, outside, strength)
    const before = [judge(inside, MEMORISING), judge(inside, TUNED)]
    drops.forEach((wrong, s) => {
      const kept = inside.filter((_, i) => wrong[i] === 0)
      const after = [judge(kept, MEMORISING), judge(kept, TUNED)]
      for (let i = 0; i < outside.length; i++) {
        found[s].memorising.push(after[0].likelihood[i] - before[0].likelihood[i])
        found[s].tuned.push(after[1].likelihood[i] - before[1].likelihood[i])
        found[s].accuracy.push(agreed(after[1].margins[i]) - agreed(before[1].margins[i]))
      }
      found[s].dropped += inside.length - kept.length
      found[s].of += inside.length
    })
  }
  const trials = found.map(({ share, dropped, of, memorising, tuned, accuracy }): Trial => ({
    share,
    dropped_share: of > 0 ? dropped / of : 0,
    memorising: meanOf(memorising),
    tuned: meanOf(tuned),
    tuned_accuracy: meanOf(accuracy),
  }))
  const worth = trials.filter(trial => isWorth(trial, whole)),
    best = worth.reduce<Trial | undefined>((a, b) => (a && netGain(a) >= netGain(b) ? a : b), undefined)
  const alike = best ? worth.filter(trial => netGain(trial) >= netGain(best) - errorOf(best.memorising)) : []
  const taken = alike.find(({ share }) => whole.noisy && share === noise_rate) ?? alike.at(0)
  return { share: taken?.share ?? 0, helps: taken !== undefined, trials, held_out }
}

/** The question put of fewer rows, evenly spread. */
function atMost(rows: number, whole: ShareQuestion): ShareQuestion {
  const { folds } = whole.question,
    step = folds.length / rows
  if (step <= 1) return whole
  const picked = Uint32Array.from({ length: rows }, (_, i) => Math.floor(i * step))
  return { ...whole, question: questionOf(whole.question, picked), fresh: takeRows(whole.fresh, picked) }
}

/** The question put of some rows. */
const questionOf = ({ specs, samples, folds, compared }: Question, picked: Uint32Array): Question => ({
  specs,
  samples: samples.map(sample => takeRows(sample, picked)),
  folds: Uint8Array.from(picked, row => folds[row]),
  ...(compared
    ? {
        compared: {
          graph: compared.graph,
          rows: {
            chosen: picked.map(row => compared.rows.chosen[row]),
            rejected: picked.map(row => compared.rows.rejected[row]),
          },
        },
      }
    : {}),
})

/** Whether dropping as tried helps, by the rule of `chooseShare`. */
export function isWorth(trial: Trial, { able, noisy }: Pick<ShareQuestion, 'able' | 'noisy'>): boolean {
  const { memorising, tuned, tuned_accuracy } = trial
  return (
    memorising.value > (able ? 1 : BEYOND_CHANCE) * errorOf(memorising) &&
    netGain(trial) > 0 &&
    (noisy ? tuned_accuracy.high >= 0 : tuned.value >= 0 && tuned_accuracy.value >= 0)
  )
}

const errorOf = ({ value, high }: Estimate) => (high - value) / Z95
const netGain = ({ memorising, tuned }: Trial) => memorising.value + tuned.value
const agreed = (margin: number) => (margin > 0 ? 1 : margin === 0 ? 0.5 : 0)

/**
 * Which of the rows inside would be dropped, by share; judged by reviewers that saw none of the rows outside: standings
 * compare answers to one prompt, and those lie in one fold.
 */
function dropsInside(
  { question, rule, l2s, exchange, options }: ShareQuestion,
  inside: Uint32Array,
  shares: readonly number[],
  fold: number,
): Uint8Array[] {
  const some = questionOf(question, inside)
  // folds above the one set aside move down
  const inner = { ...some, folds: some.folds.map(each => (each > fold ? each - 1 : each)) }
  const { margins, stack, stacked } = judge(inner, {
    ...options,
    folds: options.folds - 1,
    seed: combine32(options.seed, 0x65766964 + fold),
    l2s,
    exchange,
  })
  return shares.map(share =>
    foundWrong(rule, stack, margins, stacked, thresholdsOf(stack, margins, share), lowest(stacked, share)),
  )
}

/** Margin of each row outside, and the log-likelihood of its label, under a head trained on `kept`. */
function heldOutLikelihood(
  { fresh, noise_rate, options }: ShareQuestion,
  kept: Uint32Array,
  outside: Uint32Array,
  strength: number,
): { margins: Float64Array; likelihood: Float64Array } {
  const head = trainHead(fresh, kept, (strength * meanSquare(fresh, kept)) / Math.max(1, kept.length), {
    seed: options.seed,
    tolerance: 1e-3,
    max_epochs: 60,
  })
  const margins = Float64Array.from(outside, row => dotRow(fresh, row, head.weights))
  const slope = slopeFor(margins, noise_rate)
  return {
    margins,
    likelihood: margins.map(margin =>
      Math.log(Math.max(1e-12, noise_rate + (1 - 2 * noise_rate) * sigmoid(slope * margin))),
    ),
  }
}

/** Mean squared length of rows. */
function meanSquare(rows: Rows, picked: Uint32Array): number {
  let squares = 0
  for (const row of picked) {
    const from = rows.layout === 'sparse' ? rows.indptr[row] : row * rows.columns
    const to = rows.layout === 'sparse' ? rows.indptr[row + 1] : from + rows.columns
    for (let k = from; k < to; k++) squares += rows.values[k] * rows.values[k]
  }
  return squares > 0 ? squares / picked.length : 1
}

function rowsWhere(folds: Uint8Array, test: (fold: number) => boolean): Uint32Array {
  return Uint32Array.from(folds, (_, i) => i).filter(i => test(folds[i]))
}

/** Mean with its 95 % interval, rows taken as independent; of less than two, nothing is known. */
function meanOf(values: readonly number[]): Estimate {
  const n = values.length
  let sum = 0
  for (const value of values) sum += value
  const value = n > 0 ? sum / n : 0
  let squares = 0
  for (const each of values) squares += (each - value) ** 2
  const error = n > 1 ? Math.sqrt(squares / (n - 1) / n) : Infinity
  return { value, low: value - Z95 * error, high: value + Z95 * error }
}
