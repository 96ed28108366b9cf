/** Reads voices on a label: two scores, a margin, a probability, a verdict in one order or both, or votes. */
import type { Batch } from '../../engine/contract/define.ts'
import { DataError } from '../../engine/errors.ts'
import { voteReader, readVoteLists, wordsOf } from './vote_lists.ts'
import { kindOf, TIES, type Voice } from './vote_options.ts'

/** What a voice says of a row. Swapping the sides of a pair swaps FOR and AGAINST. */
export const FOR = 0,
  TIE = 1,
  AGAINST = 2,
  MISSING = 3
export const flipped = (said: number): number => (said === MISSING ? MISSING : 2 - said)

/** What voices say of the rows of a batch. */
export interface Said {
  /** FOR, TIE, AGAINST or MISSING, by row. */
  readonly said: Uint8Array
  /** How far for the label: a difference, a margin, a probability less 0.5, the mean of votes; NaN is missing. */
  readonly gaps: Float64Array
  /** The same of the other order. */
  readonly swapped?: Said
}

/**
 * Reads a voice. `turned`: rows whose sides, and scores with them, have changed places since. `words` gathers what
 * verdicts and votes say. Throws where a probability is none.
 */
export function readVoice(batch: Batch, voice: Voice, words: Set<string>, turned?: ArrayLike<number>): Said {
  const { swapped, ...first } = voice,
    { tie = 0 } = voice
  const gaps = gapsOf(batch, voice, words)
  if (turned && voice.scores) for (let row = 0; row < batch.rows; row++) if (turned[row]) gaps[row] = -gaps[row]
  const said = new Uint8Array(batch.rows)
  for (let row = 0; row < batch.rows; row++) {
    const gap = gaps[row]
    said[row] = Number.isNaN(gap) ? MISSING : gap === 0 || Math.abs(gap) < tie ? TIE : gap > 0 ? FOR : AGAINST
  }
  if (swapped === undefined) return { said, gaps }
  return { said, gaps, swapped: readVoice(batch, { ...first, [kindOf(voice)!]: swapped }, words) }
}

function gapsOf(batch: Batch, voice: Voice, words: Set<string>): Float64Array {
  const { scores, margin, probability, verdict, votes, voter, ties = TIES } = voice
  const numbers = (name: string) => batch.numbers(name).values
  if (scores) {
    const ours = numbers(scores.chosen),
      theirs = numbers(scores.rejected)
    return Float64Array.from(ours, (score, row) => score - theirs[row])
  }
  if (margin !== undefined) return Float64Array.from(numbers(margin))
  if (probability !== undefined) {
    return Float64Array.from(numbers(probability), (p, row) => {
      if (!(p < 0 || p > 1)) return p - 0.5
      throw new DataError(
        `'${probability}' of row ${batch.text('id').text(row)} is ${p}, and a probability is 0 to 1; a number beyond is a \`margin\``,
      )
    })
  }
  if (verdict !== undefined) {
    const wordOf = wordsOf(batch, verdict),
      read = voteReader(batch, { ...voice, ties, votes: verdict }, words)
    return Float64Array.from({ length: batch.rows }, (_, row) => read(wordOf(row), row) ?? NaN)
  }
  return Float64Array.from(readVoteLists(batch, { ...voice, ties, votes: votes! }, words, 'all'), cast => {
    const own = cast.filter(([name, vote]) => (voter === undefined || name === voter) && !Number.isNaN(vote))
    return own.reduce((sum, [, vote]) => sum + vote, 0) / own.length
  })
}

/**
 * A voice with both orders taken together: what both say, a tie where they differ, missing where one is. `gaps` are the
 * means of both, `sure` the distance of the less sure one from a tie.
 */
export function together({ said, gaps, swapped }: Said): { said: Uint8Array; gaps: Float64Array; sure: Float64Array } {
  if (!swapped) return { said, gaps, sure: gaps.map(Math.abs) }
  const both = said.map((one, row) => {
    const other = swapped.said[row]
    return one === MISSING || other === MISSING ? MISSING : one === other ? one : TIE
  })
  return {
    said: both,
    gaps: gaps.map((gap, row) => (gap + swapped.gaps[row]) / 2),
    sure: gaps.map((gap, row) => Math.min(Math.abs(gap), Math.abs(swapped.gaps[row]))),
  }
}
