/** Pairs as cards of a page: the prompt, both sides with the words marked that one of them alone has, what is said. */
import { diffArrays } from 'diff'
import { visible } from '../terminal.ts'
import { escape } from './chart.ts'

export interface Message {
  readonly role: string
  readonly content: string
}
/** A text, or the turns of a conversation. */
export type Said = string | readonly Message[]

export interface Card {
  readonly prompt: Said
  readonly chosen: Said
  readonly rejected: Said
  /** What is said of the pair, a line each. */
  readonly facts: readonly string[]
}

/** Below this share of words in common nothing is marked: marks on everything say nothing. */
const LEAST_SHARED = 0.35
/** Words that one side has and the other lacks, at most: to compare long unlike texts takes seconds. */
const MOST_EDITS = 2_000

/** Data as HTML: nothing in it is obeyed, by a browser or by who reads, as what turns the direction of text is. */
export const html = (text: string): string => escape(visible(text))

/** Words, numbers, spaces, other signs; of scripts without spaces each character. */
const tokensOf = (text: string): string[] =>
  text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|[\p{L}\p{M}\p{N}_'’]+|\s+|[^]/gu) ??
  []

/** Share of the words of both texts that the other has too, each as often as it is there. */
function sharedOf(a: readonly string[], b: readonly string[]): number {
  const words = (tokens: readonly string[]) => tokens.filter(token => token.trim() !== ''),
    [first, second] = [words(a), words(b)],
    left = new Map<string, number>()
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

/** Both texts as HTML, the words in `<mark>` that one alone has; `isMarked` false where they are too unlike. */
export function markWords(chosen: string, rejected: string): { chosen: string; rejected: string; isMarked: boolean } {
  const [a, b] = [tokensOf(chosen), tokensOf(rejected)],
    parts = sharedOf(a, b) < LEAST_SHARED ? undefined : diffArrays(a, b, { maxEditLength: MOST_EDITS })
  if (!parts) return { chosen: html(chosen), rejected: html(rejected), isMarked: false }
  const sides = { chosen: '', rejected: '' }
  for (const { value, added, removed } of parts) {
    const text = html(value.join('')),
      marked = `<mark>${text}</mark>`
    if (!added) sides.chosen += removed ? marked : text
    if (!removed) sides.rejected += added ? marked : text
  }
  return { ...sides, isMarked: true }
}

const turns = (said: Said): readonly Message[] => (typeof said === 'string' ? [{ role: '', content: said }] : said)
/** A side is mostly one answer, whose role says nothing. */
const sideText = (said: Said): string => {
  const all = turns(said)
  return all.length === 1 ? all[0].content : all.map(({ role, content }) => `${role}: ${content}`).join('\n\n')
}

export function cardHtml({ prompt, chosen, rejected, facts }: Card): string {
  const marked = markWords(sideText(chosen), sideText(rejected))
  const turn = ({ role, content }: Message) =>
    `<p class="turn">${role && `<b class="role">${html(role)}</b> `}<span class="text">${html(content)}</span></p>`
  const side = (name: 'chosen' | 'rejected') =>
    `<section class="side ${name}"><h3>${name}</h3><p class="text">${marked[name]}</p></section>`
  const all = marked.isMarked ? facts : [...facts, 'the sides are too unlike for marks']
  return [
    `<section class="prompt"><h3>prompt</h3>${turns(prompt).map(turn).join('')}</section>`,
    `<div class="sides">${side('chosen')}${side('rejected')}</div>`,
    `<ul class="facts">${all.map(fact => `<li>${html(fact)}</li>`).join('')}</ul>`,
  ].join('')
}
