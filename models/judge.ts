/** One round of judging: reviewers are fitted and weighed, each on labels that it did not see. */
import { fitNoiseRate, slopeFor } from './calibration.ts'
import { crossMargins, type CrossFit, type CrossFitOptions } from './head.ts'
import { fitHeads, type ReviewerSpec } from './reviewer.ts'
import type { Rows } from './rows.ts'
import { fitStack, stackMargins, type Stack } from './stack.ts'
import { fitStandings, standingMargins, type Comparisons, type Standings, type Tournament } from './standings.ts'

/**
 * What reviewers are asked: `samples[m]` are the rows of `specs[m]`, `folds` are by prompt. With `compared`, the
 * standings of the sample's answers are one more reviewer, the last.
 */
export interface Question {
  readonly specs: readonly ReviewerSpec[]
  readonly samples: readonly Rows[]
  readonly folds: Uint8Array
  readonly compared?: { readonly graph: Tournament; readonly rows: Comparisons }
}

/** By spec: regularisation of the first round, and of the one after the exchange. */
export interface Strengths {
  readonly first: readonly number[]
  readonly again?: readonly number[]
}

export interface JudgeOptions extends CrossFitOptions {
  /** Regularisation to use; chosen by held-out loss otherwise. */
  readonly strengths?: Strengths
  /** Hears of each head on how many numbers it was trained. */
  readonly onTrained?: (numbers: number) => void
  /** After a first round each learned reviewer learns afresh from what the others trust. */
  readonly exchange: boolean
}

/** Out-of-fold judgements of the labels that were asked about. */
export interface Judgements {
  fits: CrossFit[]
  strengths: Strengths
  standings?: Standings
  margins: Float64Array[]
  stack: Stack
  stacked: Float64Array
}

/** Fits all reviewers, and weighs them. */
export function judge(question: Question, options: JudgeOptions): Judgements {
  const first = judgeOnce(question, question.samples, options, options.strengths?.first)
  if (!options.exchange) return first
  const { specs, folds } = question
  const learned = specs.map(({ from }) => from === 'learned')
  const noise = Math.min(0.45, Math.max(0.02, fitNoiseRate(first.stacked)))
  const samples = question.samples.map((rows, m) => {
    if (!learned[m] || first.margins.length < 2) return rows
    const others = first.margins.filter((_, k) => k !== m),
      isLearned = first.margins.map((_, k) => learned[k] ?? false).filter((_, k) => k !== m)
    return scaled(rows, trusted(stackMargins(fitStack(others, folds, options.folds, isLearned), others, folds), noise))
  })
  const again = judgeOnce(question, samples, options, options.strengths?.again)
  return { ...again, strengths: { first: first.strengths.first, again: again.strengths.first } }
}

function judgeOnce(
  { specs, samples, folds, compared }: Question,
  train: readonly Rows[],
  options: JudgeOptions,
  l2s: readonly number[] | undefined,
): Judgements {
  const learned = specs.map(({ from }) => from === 'learned')
  const fits = specs.map((spec, m) => {
    const { length, values } = train[m],
      onTrained = (rows: number) => options.onTrained?.((rows * values.length) / Math.max(1, length))
    return fitHeads(spec, train[m], folds, { ...options, l2: l2s?.[m], onTrained })
  })
  const margins = fits.map((fit, m) => crossMargins(fit, samples[m], folds))
  let standings: Standings | undefined
  if (compared) {
    standings = fitStandings(compared.graph, compared.rows, margins, folds, options.folds, learned)
    margins.push(standingMargins(standings, compared.rows))
  }
  const stack = fitStack(margins, folds, options.folds, [...learned, false])
  return {
    fits,
    strengths: { first: fits.map(({ l2 }) => l2) },
    ...(standings ? { standings } : {}),
    margins,
    stack,
    stacked: stackMargins(stack, margins, folds),
  }
}

/** By how far each label is to be trusted by its margin, from -1 (surely wrong) to 1, scaled to a mean size of 1. */
function trusted(margins: Float64Array, noise: number): Float64Array {
  const label = Math.log((1 - noise) / noise),
    slope = slopeFor(margins, noise)
  const trust = margins.map(margin => Math.tanh((label + slope * margin) / 2))
  const mean = trust.reduce((sum, each) => sum + Math.abs(each), 0) / Math.max(1, trust.length)
  return mean > 0 ? trust.map(each => each / mean) : trust
}

/**
 * Rows times a number each: to a head that is strongly regularised, as one is among many wrong labels, this is a label
 * of that strength.
 */
function scaled(rows: Rows, by: Float64Array): Rows {
  const values = rows.values.slice()
  for (let row = 0; row < rows.length; row++) {
    const from = rows.layout === 'sparse' ? rows.indptr[row] : row * rows.columns,
      to = rows.layout === 'sparse' ? rows.indptr[row + 1] : from + rows.columns
    for (let k = from; k < to; k++) values[k] *= by[row]
  }
  return { ...rows, values }
}
