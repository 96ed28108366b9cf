/**
 * What is printed may hold data, names of files and words of servers: characters that a terminal obeys are shown, as
 * JSON escapes them, and not sent.
 */
import { inspect } from 'node:util'

/**
 * Controls but tab and line end, and what turns the direction of text or ends a line: so that JSON stays the same JSON.
 */
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
export const visible = (text: string): string => text.replace(OBEYED, escape)
/** The same for a name within a line, which may not begin one of its own. */
export const inLine = (text: string): string => visible(text).replace(/[\t\n]/g, escape)

const textOf = (value: unknown): string => visible(typeof value === 'string' ? value : inspect(value))

/** For `console` of whoever prints for people. */
export const terminal = {
  log: (value: unknown): void => {
    console.log(textOf(value))
  },
  error: (value: unknown): void => {
    console.error(textOf(value))
  },
}
