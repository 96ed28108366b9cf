/** How many voices are for a label and against it, and which rule acts on it. */
import { below, rounded, valueAt, type Histogram } from '../kit/histogram.ts'
import type { Batch } from '../../engine/contract/define.ts'
import { kindOf, type Rule, type Voice } from './vote_options.ts'
import { AGAINST, FOR, readVoice, TIE, together, type Said } from './voices.ts'

/** Voices by what they say of a row. `sure`: the least distance of a probability from 0.5, Infinity without any. */
export interface Count {
  readonly for: number
  readonly against: number
  readonly ties: number
  readonly sure: number
  /** The mean of scaled gaps; NaN where a voice has none. */
  readonly gap: number
}
export interface RuleOptions {
  readonly rule: Rule
  readonly min_voices: number
  readonly min_confidence: number
}

export const CLASSES = ['agreed', 'majority', 'split', 'outvoted', 'reversed', 'silent'] as const
export function classOf({ for: a, against: g, ties: t }: Count): (typeof CLASSES)[number] {
  if (a + g === 0) return 'silent'
  if (t === 0 && g === 0) return 'agreed'
  if (t === 0 && a === 0) return 'reversed'
  return a > g ? 'majority' : a === g ? 'split' : 'outvoted'
}

/** The same voices on the pair with its label flipped. */
export const ofFlipped = (of: Count): Count => ({ ...of, for: of.against, against: of.for, gap: -of.gap })

/** Whether the rule acts on a row. `cut`: rows whose gap is below it are the lowest. */
export function acts({ for: a, against: g, ties: t, sure, gap }: Count, options: RuleOptions, cut: number): boolean {
  const all = a + g + t
  // nobody said anything
  if (all === 0 || all < options.min_voices) return false
  switch (options.rule) {
    case 'majority_against':
      return g > a
    case 'all_against':
      return g === all
    case 'half_agree':
      return a < all / 2
    case 'none_agrees':
      return a === 0
    case 'unanimous':
      return a < all || sure < options.min_confidence
    case 'mean_gap':
      return rounded(gap) < cut
  }
}

/** The value below which so large a share of the gaps is, at most. */
export function cutOf(gaps: Histogram, share: number): number {
  const { all } = below(gaps, 0)
  // a share of 0.29 of 100 is 29, and not 28.999
  return valueAt(gaps, Math.floor(share * all + 1e-9))
}

/**
 * All voices of a batch: of each both orders, and what they come to together. `words` gathers what verdicts and votes
 * say; `turned`: see `readVoice`; `scales`: of each voice what its gaps are divided by, without which no gap is told.
 */
export function readVoices(
  batch: Batch,
  voices: readonly Voice[],
  { words, turned, scales }: Reading = {},
): {
  orders: readonly Said[]
  said: readonly Uint8Array[]
  gaps: readonly Float64Array[]
  count: (row: number) => Count
} {
  const orders = voices.map((voice, v) => readVoice(batch, voice, words?.[v] ?? new Set(), turned)),
    both = orders.map(together),
    said = both.map(voice => voice.said),
    gaps = both.map(voice => voice.gaps),
    sure = both.filter((_, v) => kindOf(voices[v]) === 'probability').map(voice => voice.sure),
    counts = [0, 0, 0, 0]
  return {
    orders,
    said,
    gaps,
    count(row) {
      counts.fill(0)
      for (const voice of said) counts[voice[row]]++
      let least = Infinity,
        sum = scales ? 0 : NaN
      for (const some of sure) if (some[row] < least) least = some[row]
      scales?.forEach((scale, v) => void (sum += gaps[v][row] / scale))
      return { for: counts[FOR], against: counts[AGAINST], ties: counts[TIE], sure: least, gap: sum / voices.length }
    },
  }
}
interface Reading {
  readonly words?: readonly Set<string>[]
  readonly turned?: ArrayLike<number>
  readonly scales?: readonly number[]
}
