/** What a judge is told, and what its answer says: probabilities of letters in both orders, or of grades. */
import type { ChatAnswer } from '../../engine/calls/chat.ts'

const TASK =
  'Judge which answer helps the user better: it should be right, do what was asked, and be honest and harmless. Neither the order of the answers nor their length is a reason.'
const TWO = `Two assistants answered the last message of a conversation. ${TASK}

[Conversation]
{conversation}

[Answer A]
{a}

[Answer B]
{b}

Which answer is better? Say only A or B`

/** What is asked where `wording` is left out; `{from}` and `{to}` are the ends of the scale. */
export const WORDINGS = {
  letters: `${TWO}.`,
  tie: `${TWO}, or {tie} if neither is.`,
  grade: `An assistant answered the last message of a conversation. Grade how well the answer helps the user: it should be right, do what was asked, and be honest and harmless. Its length is no reason.

[Conversation]
{conversation}

[Answer]
{answer}

How good is the answer, from {from} (useless) to {to} (could not be better)? Say only the number.`,
} as const

export interface Asked {
  readonly wording?: string
  readonly tie_letter?: string
  readonly scale?: { readonly from: number; readonly to: number }
  readonly language: string
}

/** The labels that an answer may be, the places of the wording that are filled for each item, and its text. */
export function askedOf({ wording, tie_letter: tie, scale, language }: Asked) {
  if (scale && tie !== undefined) throw new Error('tie_letter is for two answers; with scale each is graded alone')
  if (scale && scale.from >= scale.to) throw new Error(`scale goes from ${scale.from} to ${scale.to}: to must be more`)
  const format = scale ? 'grade' : tie === undefined ? 'letters' : 'tie'
  const text = (wording ?? WORDINGS[format])
    .replaceAll('{tie}', tie ?? '{tie}')
    .replaceAll('{from}', String(scale?.from ?? '{from}'))
    .replaceAll('{to}', String(scale?.to ?? '{to}'))
  const holes = scale ? ['conversation', 'answer'] : ['conversation', 'a', 'b'],
    missing = holes.filter(hole => !text.includes(`{${hole}}`))
  if (missing.length > 0) throw new Error(`wording has no ${missing.map(hole => `{${hole}}`).join(' and no ')}`)
  if (tie !== undefined && !new RegExp(`\\b${tie}\\b`).test(text)) {
    throw new Error(`wording does not say that ${tie} is a tie; write ${tie} or {tie} into it`)
  }
  const labels = scale
    ? Array.from({ length: scale.to - scale.from + 1 }, (_, i) => String(scale.from + i))
    : ['A', 'B', ...(tie ?? [])]
  const points = scale ? ` ${scale.from}-${scale.to}` : ''
  return {
    text,
    labels,
    holes: new RegExp(`\\{(${holes.join('|')})\\}`, 'g'),
    template: `${language} ${format}${points}`,
  }
}

/** A label as it may be written: with space, marks of emphasis or brackets before it, a grade as 4.0. */
const bare = (token: string) =>
  token
    .replace(/[\s\u2581\u0120*"'([]+/g, '')
    .replace(/^(\d)\.0*$/, '$1')
    .toUpperCase()

/**
 * Probabilities of the labels as the first token, renormalised, in their order. Throws where there are none, and where
 * most of the probability is elsewhere.
 */
export function labelShares(first: ChatAnswer['first'], labels: readonly string[]): number[] {
  if (first.length === 0) throw new Error('the answer has no log-probabilities: the server must give top_logprobs')
  const masses = labels.map(label =>
    first.reduce((sum, { token, logprob }) => (bare(token) === label ? sum + Math.exp(logprob) : sum), 0),
  )
  const all = masses.reduce((sum, mass) => sum + mass, 0)
  if (!(all >= 0.5)) {
    const shown = first.slice(0, 3).map(({ token }) => JSON.stringify(token))
    throw new Error(
      `${labels.slice(0, -1).join(', ')} and ${labels.at(-1)} have ${(all * 100).toFixed(0)} % of the probability of the first token (${shown.join(', ')}, …)`,
    )
  }
  return masses.map(mass => mass / all)
}

const inside = (p: number) => Math.min(1 - 1e-8, Math.max(1e-8, p))
/**
 * P(the first answer is better), among the two letters. Probabilities are kept off 0 and 1: a judge that is sure is not
 * a judge that is missing.
 */
export const firstIsBetter = (first: ChatAnswer['first']): number => inside(labelShares(first, ['A', 'B'])[0])

/**
 * Probabilities of the grades. A number of several tokens is refused, as of its first token nobody knows which
 * number it begins: 7 may be 75.
 */
export function gradeShares({ text, first }: ChatAnswer, labels: readonly string[]): number[] {
  const shares = labelShares(first, labels)
  if (!labels.includes(bare(text).replace(/[\])*"'.]+$/, ''))) {
    throw new Error(
      `the answer is ${JSON.stringify(text.slice(0, 60))}, and not a number from ${labels[0]} to ${labels.at(-1)} alone: its first token may begin another number`,
    )
  }
  return shares
}

/** The mean grade of a judge that gives each with its probability. */
export const expectedGrade = (shares: readonly number[], from: number): number =>
  shares.reduce((sum, share, i) => sum + share * (from + i), 0)

export type Verdict = 'chosen' | 'rejected' | 'tie'
type Value = number | readonly number[]
/** P(A), P(B) and P(tie) of one order; of two letters P(A) alone was kept. */
export const orderOf = (value: Value): readonly [a: number, b: number, tie: number] =>
  typeof value === 'number' ? [value, 1 - value, 0] : [value[0], value[1], value[2]]

/** The likeliest of three, and a tie where two are equally likely. */
function likeliest(chosen: number, rejected: number, tie: number): Verdict {
  const most = Math.max(chosen, rejected, tie)
  if (tie === most || chosen === rejected) return 'tie'
  return chosen === most ? 'chosen' : 'rejected'
}

/**
 * Of both orders, the chosen side first as A and then last as B: the verdict by the sums of probabilities, whether the
 * orders differ in theirs, and how likely the chosen side is the better one in each. A tie is half for either side.
 */
export function judgementOf(one: Value, other: Value) {
  const first = orderOf(one),
    last = orderOf(other)
  const shown_first = inside(first[0] + first[2] / 2),
    shown_last = inside(last[1] + last[2] / 2),
    probability = (shown_first + shown_last) / 2
  return {
    verdict: likeliest(first[0] + last[1], first[1] + last[0], first[2] + last[2]),
    disagrees: likeliest(...first) !== likeliest(last[1], last[0], last[2]),
    shown_first,
    shown_last,
    probability,
    tie: (first[2] + last[2]) / 2,
    chosen_score: Math.log(probability),
    rejected_score: Math.log(1 - probability),
  }
}
export type Judgement = ReturnType<typeof judgementOf>

export function gradesOf(chosen: Value, rejected: Value, from: number) {
  const [chosen_score, rejected_score] = [chosen, rejected].map(shares => expectedGrade(shares as number[], from))
  return { chosen_score, rejected_score, verdict: likeliest(chosen_score, rejected_score, -Infinity) }
}
