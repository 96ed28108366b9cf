/** Pairs as cards of a page: the prompt, both sides with the words marked that one of them alone has, what is said. */
import type { SaidText } from '../report/shape.ts'
import { markWords as partsOf, saidText, turnsOf, type Marked } from '../report/words.ts'
import { visible } from '../terminal.ts'
import { escape } from './chart.ts'

type Message = ReturnType<typeof turnsOf>[number]
export interface Card {
  readonly prompt: SaidText
  readonly chosen: SaidText
  readonly rejected: SaidText
  /** What is said of the pair, a line each. */
  readonly facts: readonly string[]
}

/** Data as HTML: nothing in it is obeyed, by a browser or by who reads, as what turns the direction of text is. */
export const html = (text: string): string => escape(visible(text))

/** Both texts as HTML, the words in `<mark>` that one alone has; `isMarked` false where they are too unlike. */
export function markWords(chosen: string, rejected: string): { chosen: string; rejected: string; isMarked: boolean } {
  const parts = partsOf(chosen, rejected)
  if (!parts) return { chosen: html(chosen), rejected: html(rejected), isMarked: false }
  const of = (some: readonly Marked[]) =>
    some.map(({ text, isMarked }) => (isMarked ? `<mark>${html(text)}</mark>` : html(text))).join('')
  return { chosen: of(parts.chosen), rejected: of(parts.rejected), isMarked: true }
}

export function cardHtml({ prompt, chosen, rejected, facts }: Card): string {
  const marked = markWords(saidText(chosen), saidText(rejected))
  const turn = ({ role, content }: Message) =>
    `<p class="turn">${role && `<b class="role">${html(role)}</b> `}<span class="text">${html(content)}</span></p>`
  const side = (name: 'chosen' | 'rejected') =>
    `<section class="side ${name}"><h3>${name}</h3><p class="text">${marked[name]}</p></section>`
  const all = marked.isMarked ? facts : [...facts, 'the sides are too unlike for marks']
  return [
    `<section class="prompt"><h3>prompt</h3>${turnsOf(prompt).map(turn).join('')}</section>`,
    `<div class="sides">${side('chosen')}${side('rejected')}</div>`,
    `<ul class="facts">${all.map(fact => `<li>${html(fact)}</li>`).join('')}</ul>`,
  ].join('')
}
