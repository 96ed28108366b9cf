/** Texts and numbers of a page: data is shown and never obeyed, numbers are written as people read them. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
export const escape = (text: string): string => text.replace(/[&<>"']/g, character => ENTITIES[character])

/** Controls but tab and line end, what turns the direction of text or ends a line, and halves of a character. */
const OBEYED =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu
const named = (character: string): string =>
  `‹U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}›`

/** Data as HTML: nothing in it is obeyed, by a browser or by who reads, as what turns the direction of text is. */
export const html = (text: string): string => escape(text.replace(OBEYED, named))

/** The first `most` characters of a text, or a few less: none is cut in two. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  const end = /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most
  return `${text.slice(0, end)}…`
}
/** The last `most` characters of a text, or one less. */
export const end = (text: string, most: number): string => text.slice(-most).replace(/^[\udc00-\udfff]/, '')
/** A short text of data in one line. */
export const line = (text: string, most = 120): string =>
  html(
    cut(
      text
        .slice(0, 4 * most)
        .replace(/\s+/g, ' ')
        .trim(),
      most,
    ),
  )

const THOUSANDS = ',',
  SPACE = '\u00a0'
/** A number with commas between thousands, as all output has it; of a fraction so many digits that count. */
export function number(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return '?'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e15 || size < 1e-4)) {
    return value
      .toExponential(digits - 1)
      .replace(/\.?0*e/, 'e')
      .replaceAll('-', '−')
  }
  const [whole, part] = String(size >= 10 ** digits ? Math.round(size) : Number(size.toPrecision(digits))).split('.'),
    sign = value < 0 ? '−' : ''
  return `${sign}${whole.replace(/\B(?=(\d{3})+$)/g, THOUSANDS)}${part === undefined ? '' : `.${part}`}`
}

/** A share as percent: one digit under 1 %, none else; never 0 or 100 of what is not. */
export function percent(share: number): string {
  const value = 100 * share
  if (!Number.isFinite(value)) return '?'
  if (value > 0 && value < 0.1) return `&lt;${SPACE}0.1${SPACE}%`
  if (value > 99 && value < 100 && Math.round(value) === 100) return `&gt;${SPACE}99${SPACE}%`
  return `${value > 0 && value < 0.95 ? value.toFixed(1) : String(Math.round(value))}${SPACE}%`
}
export const percentOf = (part: number, whole: number): string => (whole === 0 ? '?' : percent(part / whole))
/** `3 pairs`, `1 pair`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${number(count, 15)}${SPACE}${count === 1 ? one : more}`

export function seconds(value: number): string {
  if (value >= 3600) return `${Math.floor(value / 3600)}${SPACE}h ${Math.round((value % 3600) / 60)}${SPACE}min`
  if (value >= 90) return `${Math.floor(value / 60)}${SPACE}min ${Math.round(value % 60)}${SPACE}s`
  return `${value >= 10 ? value.toFixed(0) : value >= 0.1 || value === 0 ? value.toFixed(1) : value.toFixed(3)}${SPACE}s`
}

export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}
/** Share `hits` of `trials`, of which there is one at least, with Wilson's 95 % interval. */
export function shareOf(hits: number, trials: number): Interval {
  const z = 1.959964,
    share = hits / trials,
    spread = 1 + (z * z) / trials,
    middle = (share + (z * z) / (2 * trials)) / spread,
    half = (z / spread) * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/** A cell of a table: HTML, with the class that says what it holds. */
export interface Cell {
  readonly html: string
  /** n: a number. fig: a strip. */
  readonly of?: string
}
export const cell = (content: string, of?: string): Cell =>
  of === undefined ? { html: content } : { html: content, of }
export const n = (content: string, more = ''): Cell => cell(content, `n ${more}`.trim())

export interface Table {
  readonly caption: string
  /** The first column that is no rail is the head of its row. */
  readonly head: readonly Cell[]
  readonly rows: readonly (readonly Cell[])[]
  /** The last row is an axis, which is not read out. */
  readonly hasAxis?: boolean
  readonly of?: string
}
const attribute = (of: string | undefined) => (of === undefined ? '' : ` class="${of}"`)
/** A table: on a phone each row of it becomes two lines where it has strips. */
export function table({ caption, head, rows, hasAxis = false, of = 'stack' }: Table): string {
  const heads = head.map(({ html: text, of }) =>
    text === '' ? `<td${attribute(of)}></td>` : `<th scope="col"${attribute(of)}>${text}</th>`,
  )
  const body = rows.map((cells, i) => {
    const isAxis = hasAxis && i === rows.length - 1
    const named = isAxis ? -1 : cells.findIndex(({ of }) => of !== 'rail')
    const all = cells.map(({ html: text, of }, at) =>
      at === named ? `<th scope="row"${attribute(of)}>${text}</th>` : `<td${attribute(of)}>${text}</td>`,
    )
    return `<tr${isAxis ? ' class="axis" aria-hidden="true"' : ''}>${all.join('')}</tr>`
  })
  return `<table class="${of}"><caption>${caption}</caption><thead><tr>${heads.join('')}</tr></thead><tbody>${body.join('')}</tbody></table>\n`
}

/** Something that is there for who wants it: opened by hand, and scrolled within itself. */
export const folded = (name: string, inside: string): string =>
  `<details class="data"><summary>${name}</summary><div class="scroll" tabindex="0" role="group" aria-label="${name}">${inside}</div></details>\n`

/** A word in a command as a POSIX shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) && !word.startsWith('-') ? word : `'${word.replace(/'/g, `'\\''`)}'`
