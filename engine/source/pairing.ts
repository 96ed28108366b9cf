/**
 * Which of the scored answers to one prompt meet as a pair, and why the others do not: the one rule of the layouts of
 * completions and of pair_candidates.
 */
import { mix32 } from '../arrow/hash.ts'

export const PAIRINGS = ['adjacent', 'best_worst', 'best_second', 'best_lower', 'all'] as const

/** In the words of the options that sources and pair_candidates share. */
export interface PairingOptions {
  readonly pairing: (typeof PAIRINGS)[number]
  /** What the better one's own score must reach. */
  readonly min_score?: number
  /** Least difference of the two own scores. */
  readonly min_gap: number
  /** What each character takes from a score before answers are compared. */
  readonly length_penalty: number
  /** Of `all`: pairs of one prompt at most, nearest ranks first. */
  readonly max_pairs: number
}

/** The options that are given, and the usual ones for the others. */
export const pairingOf = (given: Partial<PairingOptions>): PairingOptions => ({
  pairing: given.pairing ?? 'adjacent',
  min_score: given.min_score,
  min_gap: given.min_gap ?? 0,
  length_penalty: given.length_penalty ?? 0,
  max_pairs: given.max_pairs ?? 16,
})

/** The answers to one prompt, by their number. */
export interface Candidates {
  /** NaN: none. */
  readonly scores: Float64Array
  /** The scores are ranks, of which the smallest is best. */
  readonly lowFirst: boolean
  /** Their characters: needed where there is a length penalty. */
  readonly chars?: ArrayLike<number>
  /** A hash of each: needed for `best_lower`, which draws by it. */
  readonly draws?: ArrayLike<number>
}

export interface Pair {
  readonly better: number
  readonly worse: number
  /** Levels from one to the other: 1 where they are neighbours. */
  readonly gap: number
}

/** Why a limit does not let two answers be a pair, and the number that it is held against. */
interface Limited {
  readonly why: 'below_min_score' | 'small_gap'
  readonly value: number
}
/** Why a prompt has no pair at all. */
export type NoPair = Limited | { readonly why: 'too_few_candidates' | 'tied_scores'; readonly value: number }
/** A candidate that is in no pair. */
export type Left = { readonly member: number } & (
  NoPair | { readonly why: 'no_score' | 'not_paired'; readonly value?: undefined }
)

export interface Paired {
  readonly pairs: readonly Pair[]
  /** Every candidate that is in none of them, ascending. */
  readonly left: readonly Left[]
  /** How many have a score. */
  readonly scored: number
  /** Where there are no pairs. */
  readonly none?: NoPair
}

/**
 * Answers of one score form a level; those of one level never meet. `adjacent`: each level against the next lower one;
 * `best_worst`, `best_second`: the highest against the lowest, or the second. Between two levels the i-th of one meets
 * the i-th of the other, the shorter one begins again, so that each is used and none often. `best_lower`: each of the
 * highest against one of any lower level, drawn. `all`: each of a level against each of every lower one. Limits say
 * which may meet before one is drawn, or `max_pairs` counts. Nothing is rounded.
 */
export function pairCandidates(candidates: Candidates, options: PairingOptions): Paired {
  const { scores } = candidates,
    levels = levelsOf(candidates, options.length_penalty)
  let scored = 0
  for (const { members } of levels) scored += members.length
  if (levels.length < 2) {
    const none: NoPair =
      scored < 2 ? { why: 'too_few_candidates', value: scored } : { why: 'tied_scores', value: levels[0].score }
    return { pairs: [], left: leftOf(scores, new Uint8Array(scores.length), () => none), scored, none }
  }
  const limits = limitsOf(candidates, options),
    { pairs, isCapped } = meetings(levels, limits.mayMeet, candidates, options)
  const isUsed = new Uint8Array(scores.length)
  for (const { better, worse } of pairs) isUsed[better] = isUsed[worse] = 1
  // who had no turn before `max_pairs` was full might have met others yet
  const left = leftOf(scores, isUsed, member => (isCapped ? undefined : limits.against(member)))
  return pairs.length > 0
    ? { pairs, left, scored }
    : { pairs, left, scored, none: nearestOf(left, candidates.lowFirst) }
}

/** Of what keeps the candidates apart, that which comes nearest to its limit. */
function nearestOf(left: readonly Left[], lowFirst: boolean): Limited | undefined {
  const valuesOf = (kind: Limited['why']) => left.flatMap(({ why, value }) => (why === kind ? [value] : [])),
    gaps = valuesOf('small_gap')
  // who fails by the gap alone reached the score
  if (gaps.length > 0) return { why: 'small_gap', value: maxOf(gaps) }
  const scores = valuesOf('below_min_score')
  if (scores.length === 0) return undefined
  return { why: 'below_min_score', value: lowFirst ? -maxOf(scores.map(score => -score)) : maxOf(scores) }
}
const maxOf = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value))

interface Level {
  readonly score: number
  readonly members: number[]
}

/** Best first, by scores after the length penalty. */
function levelsOf({ scores, lowFirst, chars }: Candidates, penalty: number): Level[] {
  const byScore = new Map<number, Level>(),
    levels: Level[] = [],
    perChar = lowFirst ? penalty : -penalty
  for (let member = 0; member < scores.length; member++) {
    if (Number.isNaN(scores[member])) continue
    const score = penalty === 0 ? scores[member] : scores[member] + perChar * chars![member],
      level = byScore.get(score)
    if (level) level.members.push(member)
    else {
      const found = { score, members: [member] }
      byScore.set(score, found)
      levels.push(found)
    }
  }
  return levels.sort((a, b) => (lowFirst ? a.score - b.score : b.score - a.score))
}

function leftOf(scores: Float64Array, isUsed: Uint8Array, why: (member: number) => NoPair | undefined): Left[] {
  const left: Left[] = []
  for (let member = 0; member < scores.length; member++) {
    if (isUsed[member]) continue
    if (Number.isNaN(scores[member])) left.push({ member, why: 'no_score' })
    else left.push({ member, ...(why(member) ?? { why: 'not_paired' as const }) })
  }
  return left
}

type MayMeet = (better: number, worse: number) => boolean

const BELOW = 1,
  SMALL = 2
const whyOf = (kind: number, value: number): Limited => ({
  why: kind === BELOW ? 'below_min_score' : 'small_gap',
  value,
})

/** What `min_score` and `min_gap` let through, and of what they do not, how near it came. */
function limitsOf({ scores, lowFirst }: Candidates, { min_score, min_gap }: PairingOptions) {
  if (min_score === undefined && min_gap === 0) return { mayMeet: () => true, against: () => undefined }
  const could = new Uint8Array(scores.length),
    kinds = new Uint8Array(scores.length),
    values = new Float64Array(scores.length)
  const hold = (member: number, kind: number, value: number) => {
    const isNearer = kind === BELOW && lowFirst ? value < values[member] : value > values[member]
    // who fails by the gap alone reached the score
    if (kind < kinds[member] || (kind === kinds[member] && !isNearer)) return
    kinds[member] = kind
    values[member] = value
  }
  return {
    mayMeet(better: number, worse: number): boolean {
      const score = scores[better],
        gap = Math.abs(score - scores[worse]),
        isBelow = min_score !== undefined && (lowFirst ? score > min_score : score < min_score)
      if (!isBelow && gap >= min_gap) {
        could[better] = could[worse] = 1
        return true
      }
      const kind = isBelow ? BELOW : SMALL,
        value = isBelow ? score : gap
      hold(better, kind, value)
      hold(worse, kind, value)
      return false
    },
    /** Why a member is in no pair, where it is for a limit alone. */
    against: (member: number): Limited | undefined =>
      could[member] || kinds[member] === 0 ? undefined : whyOf(kinds[member], values[member]),
  }
}

/** The pairs of a rule; `isCapped`: `max_pairs` has left some out. */
function meetings(
  levels: readonly Level[],
  mayMeet: MayMeet,
  { draws }: Candidates,
  { pairing, max_pairs }: PairingOptions,
): { pairs: Pair[]; isCapped?: boolean } {
  const pairs: Pair[] = []
  const join = (k: number, gap: number) => {
    const { members: high } = levels[k],
      { members: low } = levels[k + gap]
    for (let i = 0; i < Math.max(high.length, low.length); i++) {
      const better = high[i % high.length],
        worse = low[i % low.length]
      if (mayMeet(better, worse)) pairs.push({ better, worse, gap })
    }
  }
  switch (pairing) {
    case 'adjacent':
      for (let k = 0; k + 1 < levels.length; k++) join(k, 1)
      return { pairs }
    case 'best_worst':
      join(0, levels.length - 1)
      return { pairs }
    case 'best_second':
      join(0, 1)
      return { pairs }
    case 'best_lower':
      for (const better of levels[0].members) {
        const drawn = drawLower(better, levels, mayMeet, draws!)
        if (drawn) pairs.push(drawn)
      }
      return { pairs }
    case 'all':
      return nearestFirst(levels, mayMeet, max_pairs)
  }
}

/** The lower one whose hash together with that of the better one is least: the same one, in whatever order they lie. */
function drawLower(
  better: number,
  levels: readonly Level[],
  mayMeet: MayMeet,
  draws: ArrayLike<number>,
): Pair | undefined {
  let drawn: Pair | undefined,
    least = Infinity
  for (let gap = 1; gap < levels.length; gap++) {
    for (const worse of levels[gap].members) {
      const lot = mix32(Math.imul(draws[better], 0x9e3779b1) ^ mix32(draws[worse]))
      if (!mayMeet(better, worse) || lot >= least) continue
      least = lot
      drawn = { better, worse, gap }
    }
  }
  return drawn
}

/** Neighbours, then those two levels apart, and so on up to the cap; in the order of the better, then of the worse. */
function nearestFirst(levels: readonly Level[], mayMeet: MayMeet, most: number): { pairs: Pair[]; isCapped: boolean } {
  const place = new Map(levels.flatMap(({ members }) => members).map((member, i) => [member, i])),
    pairs: Pair[] = []
  const inOrder = (isCapped: boolean) => ({
    pairs: pairs.sort(
      (a, b) => place.get(a.better)! - place.get(b.better)! || place.get(a.worse)! - place.get(b.worse)!,
    ),
    isCapped,
  })
  for (let gap = 1; gap < levels.length; gap++) {
    for (let k = 0; k + gap < levels.length; k++) {
      const { members: high } = levels[k],
        { members: low } = levels[k + gap]
      // a turn of each before the second turn of any
      for (let turn = 0; turn < low.length; turn++) {
        for (let i = 0; i < high.length; i++) {
          const better = high[i],
            worse = low[(i + turn) % low.length]
          if (!mayMeet(better, worse)) continue
          if (pairs.length === most) return inOrder(true)
          pairs.push({ better, worse, gap })
        }
      }
    }
  }
  return inOrder(false)
}
