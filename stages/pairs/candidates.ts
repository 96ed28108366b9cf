/** What of a scored answer travels to the others of its prompt, and the pairs of whole prompts. */
import type { Data } from 'apache-arrow'
import { hash32, hash64 } from '../../engine/arrow/hash.ts'
import { countCodePoints } from '../../engine/arrow/text.ts'
import type { Batch, Verdict } from '../../engine/contract/define.ts'
import { hashBeside } from '../../engine/source/further_fields.ts'
import { pairCandidates, type PairingOptions } from '../../engine/source/pairing.ts'
import { INEXACT, meanOf, UNREADABLE } from './aspects.ts'
import { equilibrium } from './equilibrium.ts'

export interface Options extends PairingOptions {
  readonly by: string
  readonly score: string | string[]
  readonly min_aspects: number
  readonly order: 'high_first' | 'low_first'
  readonly contradicted?: { readonly aspects: string[]; readonly from: number; readonly to: number }
  readonly equilibrium?: Readonly<Record<'given_correct' | 'given_incorrect' | 'judged_correct', string>>
}

/** A score that its aspects contradict; beside the faults of aspects.ts. */
const CONTRADICTED = 3

/** The columns that what an answer is worth is taken from. */
export const scoreColumns = ({
  score,
  contradicted,
  equilibrium,
}: Pick<Options, 'score' | 'contradicted' | 'equilibrium'>) =>
  equilibrium ? Object.values(equilibrium) : [...[score].flat(), ...(contradicted?.aspects ?? [])]

export const carries = {
  score: 'float64',
  fault: 'int32',
  found: 'int32',
  chars: 'int32',
  draw: 'int32',
  beside: 'float64',
  answer: 'float64',
  correct: 'float64',
  incorrect: 'float64',
  id: 'text',
} as const

/** The scores of answers, or what the consensus game begins with; one that is not to be used is NaN. */
function scoresOf(batch: Batch, { score, min_aspects, contradicted, equilibrium: game }: Options) {
  const mean = (names: readonly string[], least = 1) =>
    meanOf(
      names.map(name => [name, batch.column(name)] as const),
      batch.rows,
      least,
    )
  const none = new Float64Array(batch.rows)
  if (game) {
    const of = mean([game.judged_correct]),
      given = [game.given_correct, game.given_incorrect].map(name => mean([name]))
    for (let row = 0; row < batch.rows; row++) {
      const logs = given.map(({ scores }) => scores[row]),
        p = of.scores[row]
      const fault = given.find(({ faults }) => faults[row] !== 0)?.faults[row]
      of.faults[row] ||= fault ?? (p < 0 || p > 1 || logs.some(log => log > 0) ? UNREADABLE : 0)
      if (of.faults[row] !== 0 || logs.some(Number.isNaN)) of.scores[row] = NaN
    }
    return { ...of, correct: given[0].scores, incorrect: given[1].scores }
  }
  const of = mean([score].flat(), min_aspects)
  if (contradicted) {
    mean(contradicted.aspects).scores.forEach((aspects, row) => {
      if (of.scores[row] !== contradicted.from || !(aspects <= contradicted.to)) return
      of.faults[row] = CONTRADICTED
      of.scores[row] = NaN
    })
  }
  return { ...of, correct: none, incorrect: none }
}

/** Characters and hashes are 0 where the options do not ask for them. */
export function carrier(options: Options, seed: number) {
  const { by, pairing, length_penalty } = options
  if (by !== 'id' && Object.hasOwn(carries, by)) {
    throw new Error(
      `option 'by' names a column '${by}', and the stage has one of its own by that name; give the column another one ('rename' of its source)`,
    )
  }
  return (batch: Batch) => {
    const { scores, faults, found, correct, incorrect } = scoresOf(batch, options)
    const chosen = batch.messages('chosen'),
      ids = batch.text('id'),
      [ofPrompt, ofAnswer] = [hashBeside(batch, 'prompt'), hashBeside(batch, 'chosen')],
      state = new Uint32Array(2)
    /** 53 bits of what `state` holds and what lies beside a prompt or an answer. */
    const hashed = (hash: ReturnType<typeof hashBeside>, row: number): number => {
      hash(row, state)
      return (state[0] >>> 11) * 2 ** 32 + state[1]
    }
    const chars = new Int32Array(batch.rows),
      draw = new Int32Array(batch.rows),
      beside = new Float64Array(batch.rows),
      answer = new Float64Array(batch.rows)
    for (let row = 0; row < batch.rows; row++) {
      if (length_penalty > 0) chars[row] = countCodePoints(chosen.bytes, chosen.start(row), chosen.end(row))
      if (pairing === 'best_lower') draw[row] = hash32(ids.bytes, ids.offsets[row], ids.offsets[row + 1], seed)
      // messages may end elsewhere in the same text
      state.set([chosen.offsets[row + 1] - chosen.offsets[row], 0])
      hash64(chosen.bytes, chosen.start(row), chosen.end(row), state)
      answer[row] = hashed(ofAnswer, row)
      if (by !== 'prompt') continue
      state.fill(0)
      beside[row] = hashed(ofPrompt, row)
    }
    return {
      score: scores,
      fault: faults,
      found,
      chars,
      draw,
      beside,
      answer,
      correct,
      incorrect,
      id: batch.column('id') as Data,
    }
  }
}

export type Why =
  | 'unreadable_score'
  | 'contradicted_scores'
  | 'no_score'
  | 'inexact_score'
  | 'too_few_candidates'
  | 'tied_scores'
  | 'same_answer'
  | Limit
type Limit = 'below_min_score' | 'small_gap' | 'not_paired'

/**
 * Rows of one answer are votes on it: the first that has a score stands for all with their mean, in `scores`; `same`
 * hears of the others, which have none then.
 */
function countVotes(answers: ArrayLike<number>, scores: Float64Array, same: (row: number) => void): void {
  const votes = new Map<number, { first: number; sum: number; count: number }>()
  scores.forEach((score, row) => {
    if (Number.isNaN(score)) return
    const vote = votes.get(answers[row])
    if (!vote) {
      votes.set(answers[row], { first: row, sum: score, count: 1 })
      return
    }
    vote.sum += score
    vote.count++
    scores[vote.first] = vote.sum / vote.count
    scores[row] = NaN
    same(row)
  })
}

/**
 * The scores that the answers to one prompt are paired by, NaN for none: of equal answers the first has the mean, and
 * with `equilibrium` they are the game's. `same` hears of the other equal ones.
 */
export function scoresOfGroup(
  of: Readonly<Record<'score' | 'answer' | 'correct' | 'incorrect', ArrayLike<number>>>,
  options: Pick<Options, 'equilibrium'>,
  same: (member: number) => void = () => {},
): Float64Array {
  const scores = Float64Array.from(of.score)
  countVotes(of.answer, scores, same)
  if (!options.equilibrium) return scores
  const members = [...scores.keys()].filter(member => !Number.isNaN(scores[member])),
    pick = (from: ArrayLike<number>) => members.map(member => from[member])
  const { judge } = equilibrium({ correct: pick(of.correct), incorrect: pick(of.incorrect), judged: pick(scores) })
  members.forEach((member, i) => (scores[member] = judge[i]))
  return scores
}

/** The pairs of a block of groups, by their chosen rows; every other row is dropped. */
export function pairsOf({ order, ...options }: Options) {
  return (batch: Batch<keyof typeof carries>, verdict: Verdict<Why>) => {
    const values = (name: keyof typeof carries) => batch.numbers(name).values,
      [score, fault, found] = [values('score'), values('fault'), values('found')],
      [chars, draw] = [values('chars'), values('draw')],
      [correct, incorrect] = [values('correct'), values('incorrect')],
      answers = values('answer'),
      scores = new Float64Array(batch.rows),
      ids = batch.text('id')
    const parents: number[] = [],
      partners: number[] = [],
      said = { rank_gap: [] as number[], candidates: [] as number[], pairs: [] as number[] }
    for (let g = 0; g + 1 < batch.groups.length; g++) {
      const [first, end] = [batch.groups[g], batch.groups[g + 1]],
        isInexact = fault.subarray(first, end).includes(INEXACT)
      for (let row = first; row < end; row++) {
        if (fault[row] === UNREADABLE) verdict.drop(row, 'unreadable_score')
        else if (fault[row] === CONTRADICTED) verdict.drop(row, 'contradicted_scores')
        else if (Number.isNaN(score[row]) && fault[row] === 0) verdict.drop(row, 'no_score', found[row])
        else if (isInexact) verdict.drop(row, 'inexact_score')
      }
      if (isInexact) continue
      const part = (of: Float64Array) => of.subarray(first, end)
      const own = scoresOfGroup(
        { score: part(score), answer: part(answers), correct: part(correct), incorrect: part(incorrect) },
        options,
        member => verdict.drop(first + member, 'same_answer'),
      )
      scores.set(own, first)
      const made = pairCandidates(
        { scores: own, lowFirst: order === 'low_first', chars: part(chars), draws: part(draw) },
        options,
      )
      for (const { member, why, value } of made.left) {
        if (why !== 'no_score') verdict.drop(first + member, why, value)
      }
      for (const { better, worse, gap } of made.pairs.toSorted((a, b) => a.better - b.better)) {
        parents.push(first + better)
        partners.push(first + worse)
        said.rank_gap.push(gap)
        said.candidates.push(made.scored)
        said.pairs.push(made.pairs.length)
      }
    }
    return {
      parents,
      partners,
      columns: {
        chosen_score: parents.map(row => scores[row]),
        rejected_score: partners.map(row => scores[row]),
        ...said,
        rejected_id: partners.map(row => ids.text(row)),
        pairing: parents.map(() => options.pairing),
      },
    }
  }
}
