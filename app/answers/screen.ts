/** Text for a terminal as wide as it is: words wrapped by what they take there, marks, and columns. */
import { styleText } from 'node:util'
import type { Marked } from '../../engine/report/words.ts'
import { inLine, visible } from '../../engine/terminal.ts'

type Style = Parameters<typeof styleText>[0]

export interface Screen {
  readonly columns: number
  readonly isColoured: boolean
  /** Columns that a text takes: two for a character of Chinese, none for an accent that is written by itself. */
  readonly widthOf: (text: string) => number
}

/** Columns where nobody says how many there are, and at least. */
const USUAL = 100,
  LEAST = 30

/** That of standard output: colours where it is a terminal and NO_COLOR does not stand. */
export async function screenOf(stream: NodeJS.WriteStream = process.stdout): Promise<Screen> {
  // 80 ms that no other command waits for
  const { default: widthOf } = await import('string-width')
  const { NO_COLOR, COLUMNS } = process.env,
    wanted = Number(COLUMNS)
  return {
    columns: Math.max(LEAST, stream.isTTY ? stream.columns || USUAL : wanted > 0 ? wanted : USUAL),
    isColoured: stream.isTTY && !NO_COLOR && stream.hasColors?.(),
    widthOf,
  }
}

export const paint = ({ isColoured }: Screen, style: Style, text: string): string =>
  isColoured && text !== '' ? styleText(style, text, { validateStream: false } as never) : text

/** Data as it is shown: controls and what turns the direction of text by their codes, tabs as spaces. */
const shown = (text: string): string => visible(text.replaceAll('\r\n', '\n').replaceAll('\t', '    '))

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** A text in pieces that are no wider than `width`, a character at least. */
function chopped(text: string, width: number, widthOf: Screen['widthOf']): string[] {
  if (widthOf(text) <= width) return [text]
  const pieces: string[] = []
  let piece = '',
    taken = 0
  for (const { segment } of graphemes.segment(text)) {
    const more = widthOf(segment)
    if (taken + more > width && piece !== '') {
      pieces.push(piece)
      piece = ''
      taken = 0
    }
    piece += segment
    taken += more
  }
  return [...pieces, piece]
}

/** Where a line may end: behind white space, and behind each character of a script that has none. */
const WORDS =
  /\n|[^\S\n\u00a0]+|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\S\u00a0])+/gu

/** Parts of a text as lines of at most `width` columns. */
export function wrap({ widthOf }: Screen, parts: readonly Marked[], width: number): Marked[][] {
  const lines: Marked[][] = [[]]
  let taken = 0
  const add = (text: string, isMarked: boolean) => {
    const line = lines[lines.length - 1],
      last = line[line.length - 1]
    if (last?.isMarked === isMarked) line[line.length - 1] = { text: last.text + text, isMarked }
    else line.push({ text, isMarked })
    taken += widthOf(text)
  }
  const next = () => {
    lines.push([])
    taken = 0
  }
  // a word may be marked in part: it stays together
  const words: Marked[][] = []
  let isOpen = false
  for (const { text, isMarked } of parts) {
    for (const [word] of shown(text).matchAll(WORDS)) {
      const isSpace = word.trim() === '',
        isAlone = isSpace || [...word].length === 1
      if (isOpen && !isAlone) words[words.length - 1].push({ text: word, isMarked })
      else words.push([{ text: word, isMarked }])
      isOpen = !isSpace
    }
  }
  // what a line is broken at is not the beginning of the next; that of code is
  let space: Marked | undefined
  for (const word of words) {
    const [first] = word,
      whole = word.reduce((sum, { text }) => sum + widthOf(text), 0)
    if (first.text === '\n') {
      next()
      space = undefined
    } else if (first.text.trim() === '') space = first
    else {
      if (taken > 0 && taken + widthOf(space?.text ?? '') + whole > width) next()
      else if (space && taken + widthOf(space.text) < width) add(space.text, space.isMarked)
      space = undefined
      for (const { text, isMarked } of word) {
        for (const piece of chopped(text, width, widthOf)) {
          if (taken > 0 && taken + widthOf(piece) > width) next()
          add(piece, isMarked)
        }
      }
    }
  }
  return lines
}

/** Marks that only white space parts are one. */
function joined(parts: readonly Marked[]): Marked[] {
  return parts.map(({ text, isMarked }, i) => ({
    text,
    isMarked:
      isMarked || (/^[^\S\n]+$/.test(text) && parts[i - 1]?.isMarked === true && parts[i + 1]?.isMarked === true),
  }))
}

/** The same, its marks as brackets: where there are no colours. */
function bracketed(parts: readonly Marked[]): Marked[] {
  return parts.map(({ text, isMarked }, i) => {
    if (!isMarked) return { text, isMarked: false }
    const begins = parts[i - 1]?.isMarked ? '' : '[',
      ends = parts[i + 1]?.isMarked ? '' : ']'
    // brackets stand at the words, not at the space around them
    const [, before, middle, after] = /^(\s*)([^]*?)(\s*)$/.exec(text)!
    return { text: middle === '' ? text : `${before}${begins}${middle}${ends}${after}`, isMarked: false }
  })
}

const plain = (text: string): Marked[] => [{ text, isMarked: false }]

/** Lines of a text with marks, of at most `width` columns, `style` on what is marked. */
export function textLines(screen: Screen, text: string | readonly Marked[], width: number, style: Style): string[] {
  const parts = typeof text === 'string' ? plain(text) : joined(text)
  return wrap(screen, screen.isColoured ? parts : bracketed(parts), width).map(line =>
    line
      .map(({ text, isMarked }) => (isMarked ? paint(screen, style, text) : text))
      .join('')
      .trimEnd(),
  )
}

/** A line cut to `width` columns, with … where something is left out; line ends in it are shown. */
export function cut(screen: Screen, text: string, width: number): string {
  const line = inLine(text)
  if (screen.widthOf(line) <= width) return line
  const [first] = chopped(line, Math.max(1, width - 1), screen.widthOf)
  return `${first.trimEnd()}…`
}

/** Text and spaces to a width; `isRight`: the spaces first. */
export function padded({ widthOf }: Screen, text: string, width: number, isRight = false): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)))
  return isRight ? spaces + text : text + spaces
}

/** What is said at the left and, where both fit, at the right of a line. */
export function leftAndRight(screen: Screen, left: string, right: string): string[] {
  const free = screen.columns - screen.widthOf(left) - screen.widthOf(right)
  if (free >= 2) return [left + ' '.repeat(free) + right]
  return [...textLines(screen, left, screen.columns, 'bold'), ...textLines(screen, right, screen.columns, 'bold')]
}

/** A label and what it says, wrapped beside it; below it where the screen is narrow. */
export function labelled(
  screen: Screen,
  label: string,
  text: string | readonly Marked[],
  style: Style = 'bold',
  indent = 13,
): string[] {
  if (screen.columns < 60) {
    const lines = textLines(screen, text, screen.columns - 2, style)
    return [...(label === '' ? [] : [paint(screen, 'bold', label)]), ...lines.map(line => `  ${line}`)]
  }
  const lines = textLines(screen, text, screen.columns - indent, style),
    head = `  ${padded(screen, label, indent - 2)}`
  return lines.map((line, i) => (i === 0 ? head : ' '.repeat(indent)) + line)
}

export interface Column {
  readonly head: string
  readonly isRight?: boolean
}
/** A table, its columns as wide as what is in them; the first is cut where the screen is too narrow for all. */
export function table(screen: Screen, columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [columns.map(({ head }) => head), ...rows].map(row => row.map(inLine)),
    widths = columns.map((_, c) => Math.max(...cells.map(row => screen.widthOf(row[c] ?? ''))))
  const gaps = 2 * columns.length,
    over = widths.reduce((sum, width) => sum + width, gaps) - screen.columns
  if (over > 0) {
    const widest = widths.indexOf(Math.max(...widths))
    widths[widest] = Math.max(4, widths[widest] - over)
  }
  return cells.map(row =>
    row
      .map((cell, c) => `  ${padded(screen, cut(screen, cell, widths[c]), widths[c], columns[c].isRight)}`)
      .join('')
      .trimEnd(),
  )
}

const BAR = ' ▏▎▍▌▋▊▉'
/** A bar of `value` where the longest is `most` and takes `width` columns. */
export function bar(value: number, most: number, width: number): string {
  const eighths = most > 0 ? Math.round((8 * width * value) / most) : 0,
    rest = BAR[eighths % 8].trim()
  return '█'.repeat(eighths >> 3) + rest
}

/** Lines that are made already: nothing of them is shown otherwise. */
export function print(lines: readonly string[]): void {
  console.log(lines.join('\n'))
}
