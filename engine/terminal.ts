/**
 * What is printed may hold data, names of files and words of servers: characters that a terminal obeys are shown, as
 * JSON escapes them, and not sent.
 */
import { inspect, styleText } from 'node:util'

/**
 * Controls but tab and line end, and what turns the direction of text or ends a line: so that JSON stays the same JSON.
 */
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
export const visible = (text: string): string => text.replace(OBEYED, escape)
/** The same for a name within a line, which may not begin one of its own. */
export const inLine = (text: string): string => visible(text).replace(/[\t\n]/g, escape)

const textOf = (value: unknown): string => visible(typeof value === 'string' ? value : inspect(value))

/** How a stream shows text: as wide as it is, 100 columns where it is no terminal, in colours where it has them. */
export interface View {
  readonly columns: number
  /** Columns that a text takes. */
  width(text: string): number
  paint(colour: Colour, text: string): string
}
/** Of a terminal's sixteen, so that its theme decides. */
export type Colour = 'bold' | 'green' | 'yellow' | 'red' | 'cyan'

const NO_TERMINAL = 100
/** On which nothing is too long. */
export const endless: View = { columns: 10_000, width: text => text.length, paint: (_, text) => text }
/** `NO_COLOR`, `FORCE_COLOR` and the like decide as they do for Node. `texts`: what may be shown. */
export async function viewOf(stream: NodeJS.WriteStream, texts: string): Promise<View> {
  const isColoured = stream.isTTY && stream.hasColors(),
    // wide letters are rare, and what knows them takes time to load
    { default: width } = /[^\n -~]/.test(texts)
      ? await import('string-width')
      : { default: (text: string) => text.length }
  return {
    columns: stream.isTTY && stream.columns > 0 ? stream.columns : NO_TERMINAL,
    width,
    paint: (colour, text) => (isColoured ? styleText(colour, text) : text),
  }
}

/** For `console` of whoever prints for people. */
export const terminal = {
  log: (value: unknown): void => {
    console.log(textOf(value))
  },
  error: (value: unknown): void => {
    console.error(textOf(value))
  },
}
