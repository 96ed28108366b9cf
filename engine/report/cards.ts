/** Pairs as cards of a page: the prompt, both sides with the words marked that one of them alone has, what is said. */
import { html } from './html.ts'
import type { SaidText } from './shape.ts'
import { markWords, saidText, turnsOf, type Marked } from './words.ts'

export interface Card {
  /** No turns: it stands elsewhere. */
  readonly prompt: SaidText
  readonly chosen: SaidText
  readonly rejected: SaidText
  /** What is said of the pair, as texts, a line each. */
  readonly facts: readonly string[]
}

/** Both texts as HTML, the words in `<mark>` that one alone has; `isMarked` false where they are too unlike. */
export function markedHtml(chosen: string, rejected: string): { chosen: string; rejected: string; isMarked: boolean } {
  const marked = markWords(chosen, rejected)
  if (!marked) return { chosen: html(chosen), rejected: html(rejected), isMarked: false }
  const side = (parts: readonly Marked[]) =>
    parts.map(({ text, isMarked }) => (isMarked ? `<mark>${html(text)}</mark>` : html(text))).join('')
  return { chosen: side(marked.chosen), rejected: side(marked.rejected), isMarked: true }
}

/** `more`: what else is said, as HTML. */
export function cardHtml({ prompt, chosen, rejected, facts }: Card, more: readonly string[] = []): string {
  const marked = markedHtml(saidText(chosen), saidText(rejected))
  const turn = ({ role, content }: { readonly role: string; readonly content: string }) =>
    `<p class="turn">${role && `<b class="role">${html(role)}</b> `}<span class="text">${html(content)}</span></p>`
  const side = (name: 'chosen' | 'rejected') =>
    `<div class="side ${name}"><p class="name">${name}</p><p class="text">${marked[name]}</p></div>`
  const asked = turnsOf(prompt).map(turn).join('')
  return [
    asked && `<div class="prompt"><p class="name">prompt</p>${asked}</div>`,
    `<div class="sides">${side('chosen')}${side('rejected')}</div>`,
    `<ul class="facts">${[...facts.map(html), ...more].map(fact => `<li>${fact}</li>`).join('')}</ul>`,
  ].join('')
}
