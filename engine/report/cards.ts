/** Pairs as cards of a page: the prompt, both sides with the words marked that one of them alone has, what is said. */
import { html } from './html.ts'
import type { SaidText } from './shape.ts'
import { piecesOf } from './words.ts'

export interface Card {
  /** No turns: it stands elsewhere. */
  readonly prompt: SaidText
  readonly chosen: SaidText
  readonly rejected: SaidText
  /** What is said of the pair, as texts, a line each. */
  readonly facts: readonly string[]
}

/** Both texts as HTML, the words in `<mark>` that one alone has; `isMarked` false where they are too unlike. */
export function markWords(chosen: string, rejected: string): { chosen: string; rejected: string; isMarked: boolean } {
  const pieces = piecesOf(chosen, rejected)
  if (!pieces) return { chosen: html(chosen), rejected: html(rejected), isMarked: false }
  const side = (name: 'chosen' | 'rejected') =>
    pieces
      .filter(({ of }) => of === 'both' || of === name)
      .map(({ text, of }) => (of === 'both' ? html(text) : `<mark>${html(text)}</mark>`))
      .join('')
  return { chosen: side('chosen'), rejected: side('rejected'), isMarked: true }
}

const turns = (said: SaidText) => (typeof said === 'string' ? [{ role: '', content: said }] : said)
/** A side is mostly one answer, whose role says nothing. */
export const sideText = (said: SaidText): string => {
  const all = turns(said)
  return all.length === 1 ? all[0].content : all.map(({ role, content }) => `${role}: ${content}`).join('\n\n')
}

/** `more`: what else is said, as HTML. */
export function cardHtml({ prompt, chosen, rejected, facts }: Card, more: readonly string[] = []): string {
  const marked = markWords(sideText(chosen), sideText(rejected))
  const turn = ({ role, content }: { readonly role: string; readonly content: string }) =>
    `<p class="turn">${role && `<b class="role">${html(role)}</b> `}<span class="text">${html(content)}</span></p>`
  const side = (name: 'chosen' | 'rejected') =>
    `<div class="side ${name}"><p class="name">${name}</p><p class="text">${marked[name]}</p></div>`
  const all = marked.isMarked ? facts : [...facts, 'the sides are too unlike for marks']
  const asked = turns(prompt).map(turn).join('')
  return [
    asked && `<div class="prompt"><p class="name">prompt</p>${asked}</div>`,
    `<div class="sides">${side('chosen')}${side('rejected')}</div>`,
    `<ul class="facts">${[...all.map(html), ...more].map(fact => `<li>${fact}</li>`).join('')}</ul>`,
  ].join('')
}
