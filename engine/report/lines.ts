/** Texts that fit the lines of a terminal. */
import type { View } from '../terminal.ts'

export const n = (value: number): string => value.toLocaleString('en-US')
/** One digit under 1 %, none else. */
export const percent = (share: number): string =>
  `${share > 0 && share < 0.0095 ? (100 * share).toFixed(1) : Math.round(100 * share)} %`
export const padded = (text: string, to: number, { width }: View): string =>
  text + ' '.repeat(Math.max(0, to - width(text)))
/** The first of some texts that fits; the last where none does. */
export const fitting = (texts: readonly string[], room: number, { width }: View): string =>
  texts.find(text => width(text) <= room) ?? texts[texts.length - 1]

/** A text of at most so many columns, cut within where it is longer. */
export function cut(text: string, room: number, { width }: View): string {
  if (width(text) <= room) return text
  let short = ''
  for (const character of text) {
    if (width(short) + width(character) + 1 > room) break
    short += character
  }
  return `${short.trimEnd().replace(/[,;:]$/, '')}…`
}

/** A text in lines of at most so many columns; what has no spaces, as a path may, is broken where it must be. */
export function wrap(text: string, room: number, view: View): string[] {
  const lines: string[] = []
  let line = ''
  for (let word of text.split(' ')) {
    if (line !== '' && view.width(`${line} ${word}`) <= room) {
      line += ` ${word}`
      continue
    }
    if (line !== '') lines.push(line)
    while (view.width(word) > room) {
      let part = ''
      for (const character of word) {
        if (view.width(part) + view.width(character) > room) break
        part += character
      }
      if (part === '') break
      lines.push(part)
      word = word.slice(part.length)
    }
    line = word
  }
  return [...lines, line]
}
