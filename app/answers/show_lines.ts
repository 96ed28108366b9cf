/** Rows of one fate as lines: side beside side, the words marked that one side alone has. */
import { markWords, saidText, type Marked } from '../../engine/report/words.ts'
import { count, keepCommand, number, percent, rowsSaid, whyCommand } from './say.ts'
import { cut, leftAndRight, paint, textLines, type Screen } from './screen.ts'
import type { Texts } from './rows.ts'
import type { Shown, ShownRows } from './show.ts'

/** Lines of a side, at most, beside each other and below. */
const MOST_LINES = 18,
  MOST_NARROW = 10,
  MOST_PROMPT = 4
/** Where the sides begin alike, so much is shown before they differ. */
const BEFORE = 160
/** Columns from which on sides stand beside each other. */
const WIDE = 76

/** What is said of a row beside its id: its number in plain words. */
function facts({ numbers, partner, made }: Shown): string {
  const said = numbers.flatMap(({ name, value, limit }) => {
    if (name.endsWith('_probability')) return value === null ? [] : [`said right: ${percent(value)}`]
    // the same number, by the name of its reason
    if (numbers.some(other => other.name.endsWith('_probability') && other.value === value)) return []
    return [`${name.replaceAll('_', ' ')} ${number(value)}${limit === null ? '' : ` of ${number(limit)}`}`]
  })
  if (partner !== undefined) said.push(`yields to ${partner}`)
  if (made) said.push([`made of ${made.parent}`, made.type.replaceAll('_', ' ')].filter(Boolean).join(', '))
  return said.join(', ')
}

/** Both sides in parts, without what they begin with alike. */
export function sidesOf({ chosen, rejected }: Texts) {
  const [a, b] = [saidText(chosen), saidText(rejected)]
  let same = 0
  while (same < a.length && same < b.length && a[same] === b[same]) same++
  const from = same > 2 * BEFORE && same < Math.max(a.length, b.length) ? a.lastIndexOf(' ', same - BEFORE) + 1 : 0,
    marked = markWords(a.slice(from), b.slice(from))
  const lead: Marked[] = from > 0 ? [{ text: `… ${count(from)} characters as in the other\n`, isMarked: false }] : []
  const of = (text: string, parts: readonly Marked[] | undefined) => [
    ...lead,
    ...(parts ?? [{ text: text.slice(from), isMarked: false }]),
  ]
  return { chosen: of(a, marked?.chosen), rejected: of(b, marked?.rejected), isMarked: marked !== undefined }
}

/** At most so many lines, and how much is left out. */
function few(lines: readonly string[], most: number): string[] {
  if (lines.length <= most) return [...lines]
  const left = lines.slice(most - 1).reduce((sum, line) => sum + line.length + 1, 0)
  return [...lines.slice(0, most - 1), `… ${count(left)} more characters`]
}

/** A pair: its prompt, and the sides beside each other where there is room. */
export function pairLines(screen: Screen, texts: Texts, most = MOST_LINES): string[] {
  const { chosen, rejected, isMarked } = sidesOf(texts),
    prompt = textLines(screen, saidText(texts.prompt), screen.columns, 'bold'),
    unlike = isMarked ? '' : '  (too different to mark)'
  const side = (parts: readonly Marked[], width: number, style: Parameters<typeof textLines>[3]) =>
    textLines(screen, parts, width, style)
  const styles = { chosen: ['blue', 'underline'], rejected: 'yellow' } as const
  if (screen.columns < WIDE) {
    const below = (name: 'chosen' | 'rejected', parts: readonly Marked[], more: string) => [
      paint(screen, 'bold', name) + more,
      ...few(side(parts, screen.columns - 2, styles[name] as never), Math.min(most, MOST_NARROW)).map(
        line => `│ ${line}`,
      ),
    ]
    return [...few(prompt, MOST_PROMPT), ...below('chosen', chosen, ''), ...below('rejected', rejected, unlike)]
  }
  const width = screen.columns >> 1,
    [left, right] = [
      side(chosen, width - 3, styles.chosen as never),
      side(rejected, width - 2, styles.rejected as never),
    ].map(lines => few(lines, most)),
    pad = (text: string) => text + ' '.repeat(Math.max(0, width - visibleWidth(screen, text)))
  const head = pad(`  ${paint(screen, 'bold', 'chosen')}`) + `  ${paint(screen, 'bold', 'rejected')}${unlike}`
  return [
    ...few(prompt, MOST_PROMPT),
    head,
    ...Array.from({ length: Math.max(left.length, right.length) }, (_, i) =>
      `${pad(left[i] === undefined ? '' : `│ ${left[i]}`)}${right[i] === undefined ? '' : `│ ${right[i]}`}`.trimEnd(),
    ),
  ]
}
/** Paint takes no columns: string-width leaves it out. */
const visibleWidth = ({ widthOf }: Screen, text: string): number => widthOf(text)

/** All of it as lines. */
export function showLines(screen: Screen, shown: ShownRows): string[] {
  const { name, said, of, seed, rows, lowest } = shown,
    isReason = name.includes('.'),
    what = isReason ? `${said} (${name})` : said
  const left = isReason
      ? `${count(shown.count)} of ${rowsSaid(of)}: ${what}`
      : `${rowsSaid(shown.count, 'pair')} ${what}`,
    order = lowest === undefined ? `seed ${seed}` : `the lowest ${lowest}`,
    more = rows.length < shown.count ? `; -n ${Math.min(shown.count, 4 * Math.max(rows.length, 5))} for more` : ''
  const lines = leftAndRight(screen, left, `${count(rows.length)} shown, ${order}${more}`)
  for (const row of rows) {
    const told = facts(row),
      width = screen.columns - screen.widthOf(told) - 2
    lines.push('')
    const id = (room: number) => paint(screen, 'bold', cut(screen, row.id, room))
    if (told === '') lines.push(id(screen.columns))
    else if (width >= 24) {
      const text = cut(screen, row.id, width)
      lines.push(
        `${paint(screen, 'bold', text)}${' '.repeat(screen.columns - screen.widthOf(text) - screen.widthOf(told))}${told}`,
      )
    } else lines.push(id(screen.columns), ...textLines(screen, told, screen.columns, 'bold'))
    lines.push(...pairLines(screen, row))
    if (row.made?.proof) lines.push(...textLines(screen, `proof  ${row.made.proof}`, screen.columns, 'bold'))
  }
  const [first] = rows
  if (first && shown.isSpared) {
    lines.push(
      '',
      paint(screen, 'bold', 'keep one'),
      `  ${keepCommand(first.id)}`,
      '  npx sluice run … --decisions keep.jsonl',
    )
  } else if (first) lines.push('', `${paint(screen, 'bold', 'next')}   ${whyCommand(first)}`)
  return lines
}
