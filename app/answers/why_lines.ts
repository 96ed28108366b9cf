/** What `sluice why` prints of a row. */
import { inLine } from '../../engine/terminal.ts'
import { saidText } from '../../engine/report/words.ts'
import { quoted, keepCommand, number, percent } from './say.ts'
import { cut, labelled, leftAndRight, paint, type Screen } from './screen.ts'
import { sidesOf } from './show_lines.ts'
import type { Asked, Step, Told } from './why.ts'

const MOST_MADE = 5

function stepSaid({ stage, came, numbers, notes }: Step): string {
  const measures = numbers
    .slice(0, 2)
    .map(({ name, value, limit }) =>
      name.endsWith('probability') ? percent(value) : `${number(value)}${limit === null ? '' : ` of ${number(limit)}`}`,
    )
  // words that hang together stay on one line
  return [stage, ...measures, came === 'on' ? 'ok' : came, ...(notes.length > 0 ? [`(${notes.join(', ')})`] : [])]
    .map(word => word.replaceAll(' ', '\u00a0'))
    .join('\u00a0')
}

function backSaid({ id, back }: Told): string[] {
  if (!back) return []
  const { decision, set, said } = back
  return [
    ...(said === undefined ? [] : [said]),
    ...(decision === undefined ? [] : [keepCommand(id), 'npx sluice run … --decisions keep.jsonl']),
    ...set.map(option => `or: npx sluice run … --set ${quoted(option)}`),
  ]
}

function lines(screen: Screen, row: Told): string[] {
  const { id, file, row: place, texts } = row,
    head = inLine(`${id}  ${row.said}`),
    [first, ...more] = leftAndRight(screen, head, inLine(`${file} row ${place}`)),
    said = [paint(screen, 'bold', first), ...more, '']
  row.why.forEach((sentence, i) => said.push(...labelled(screen, i === 0 ? 'why' : '', inLine(sentence))))
  said.push(...labelled(screen, 'way', row.way.map(stepSaid).join('   ')))
  backSaid(row).forEach((one, i) => said.push(...labelled(screen, i === 0 ? 'back by' : '', one)))
  const made = row.made.slice(0, MOST_MADE).map(({ id, sink, proof }) => `${id} in ${sink}${proof ? `: ${proof}` : ''}`)
  if (row.made.length > MOST_MADE) made.push(`and ${row.made.length - MOST_MADE} more`)
  made.forEach((one, i) => said.push(...labelled(screen, i === 0 ? 'made' : '', one)))
  row.lacks.forEach(one => said.push(...labelled(screen, 'lacks', one)))
  if (texts) {
    const { chosen, rejected, isMarked } = sidesOf(texts)
    said.push('', ...labelled(screen, 'prompt', saidText(texts.prompt)), ...labelled(screen, 'chosen', chosen, 'blue'))
    said.push(...labelled(screen, 'rejected', rejected, 'yellow'))
    if (!isMarked) said.push(...labelled(screen, '', '(too different to mark)'))
  }
  return said.map(line => (line.trim() === '' ? '' : line))
}

/** Rows that one looks at each by itself, and one line each where there are more. */
const MOST_WHOLE = 3

export function whyLines(screen: Screen, { notes, rows }: Asked): string[] {
  const whole = rows.length <= MOST_WHOLE ? rows : []
  return [
    ...notes.map(inLine),
    ...whole.flatMap((row, i) => [...(i > 0 ? [''] : []), ...lines(screen, row)]),
    ...(whole.length > 0
      ? []
      : rows.map(row => cut(screen, `${row.file}:${row.row}  ${row.id}  ${row.said}`, screen.columns))),
  ]
}
