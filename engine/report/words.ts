/** The words that one of two texts alone has: of the page, of `sluice review` and of `sluice show`. */
import { diffArrays } from 'diff'
import type { SaidText } from './shape.ts'

/** A piece of text that both have, though with other white space behind its words, or one side alone. */
export interface Piece {
  readonly of: 'both' | 'chosen' | 'rejected'
  /** As each side has it; '' where it has not. */
  readonly chosen: string
  readonly rejected: string
}

/** Below this share of words in common nothing is marked: marks on everything say nothing. */
const LEAST_SHARED = 0.35
/** Words that one side has and the other lacks, at most: to compare long unlike texts takes seconds. */
const MOST_EDITS = 2_000

/**
 * Words, numbers, other signs; of scripts without spaces each character. White space stands with what is before it: as
 * pieces of its own it would be half of all pieces, and comparing takes as the square of them.
 */
const tokensOf = (text: string): string[] =>
  text.match(
    /^\s+|(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}_'’]+|\S)\s*/gu,
  ) ?? []

/** Share of the words of both texts that the other has too, each as often as it is there. */
function sharedOf(first: readonly string[], second: readonly string[]): number {
  const left = new Map<string, number>()
  for (const word of first) left.set(word, (left.get(word) ?? 0) + 1)
  let shared = 0
  for (const word of second) {
    const count = left.get(word) ?? 0
    if (count === 0) continue
    left.set(word, count - 1)
    shared++
  }
  return first.length + second.length === 0 ? 1 : (2 * shared) / (first.length + second.length)
}

/** Both texts in pieces, in order; undefined where they are too unlike for marks. */
export function piecesOf(chosen: string, rejected: string, leastShared = LEAST_SHARED): Piece[] | undefined {
  const [ours, theirs] = [tokensOf(chosen), tokensOf(rejected)],
    [a, b] = [ours, theirs].map(tokens => tokens.map(token => token.trimEnd()))
  if (sharedOf(a, b) < leastShared) return undefined
  let [i, j] = [0, 0]
  return diffArrays(a, b, { maxEditLength: MOST_EDITS })?.map(({ count, added, removed }) => ({
    of: added ? 'rejected' : removed ? 'chosen' : 'both',
    chosen: added ? '' : ours.slice(i, (i += count)).join(''),
    rejected: removed ? '' : theirs.slice(j, (j += count)).join(''),
  }))
}

/** Text of one side; `isMarked`: the other side has it not. */
export interface Marked {
  readonly text: string
  readonly isMarked: boolean
}
/** Both texts in parts, in order; undefined where they are too unlike for marks. */
export function markWords(
  chosen: string,
  rejected: string,
): { readonly chosen: readonly Marked[]; readonly rejected: readonly Marked[] } | undefined {
  const pieces = piecesOf(chosen, rejected)
  const side = (name: 'chosen' | 'rejected') =>
    pieces!.flatMap(({ of, [name]: text }) => {
      // the space behind a word is no part of what is marked
      const [marked, rest] = of === name ? [text.trimEnd(), text.slice(text.trimEnd().length)] : ['', text]
      return [
        { text: marked, isMarked: true },
        { text: rest, isMarked: false },
      ].filter(part => part.text !== '')
    })
  return pieces && { chosen: side('chosen'), rejected: side('rejected') }
}

/** The turns of what is said; of a text one without a role. */
export const turnsOf = (said: SaidText): readonly { readonly role: string; readonly content: string }[] =>
  typeof said === 'string' ? [{ role: '', content: said }] : said
/** All that is said, as one text. A side is mostly one answer, whose role says nothing. */
export const saidText = (said: SaidText): string => {
  const all = turnsOf(said)
  return all.length === 1 ? all[0].content : all.map(({ role, content }) => `${role}: ${content}`).join('\n\n')
}
