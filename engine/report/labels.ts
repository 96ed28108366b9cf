/** What stages and audits report, of labels above all: sections of the page. */
import type { Report } from '../contract/define.ts'
import { drawChart, foldedTable, isStrip } from './charts.ts'
import { cell, counted, line, n, number, percent, percentOf, table } from './html.ts'
import { linked, unitOf, type LinkOf, type Section, makersIn } from './lost.ts'
import type { Shown, ShownRow, ShownRows } from './shape.ts'

/** The href of a row, where the page has it. */
export type RowLink = (row: ShownRow) => string | undefined

/** Bytes of all reports: users write them too. With less room than the second no more are drawn. */
const MOST_BYTES = 1_000_000,
  LEAST_BYTES = 200_000,
  MOST_LINES = 40,
  MOST_CHARTS = 24

type Reported = Shown['reports'][number]
const warning = /^warning: /

function reportHtml({ id, use, lines, tables = {}, charts = [] }: Reported): string {
  const drawn = charts.slice(0, MOST_CHARTS).filter(({ table }) => Object.hasOwn(tables, table)),
    wide = drawn.filter(chart => isStrip(chart, tables[chart.table])),
    small = drawn.filter(chart => !wide.includes(chart))
  const said = lines
    .slice(0, MOST_LINES)
    .map(text => `<li>${warning.test(text) ? '<b>Warning:</b> ' : ''}${line(text.replace(warning, ''), 1_000)}</li>`)
  const draw = (chart: NonNullable<Report['charts']>[number]) => drawChart(chart, tables[chart.table])
  return [
    `<h3>${line(id)} <span class="id mono">${line(use)}</span></h3>`,
    said.length > 0 ? `<ul class="said">${said.join('')}</ul>` : '',
    ...wide.map(draw),
    small.length > 0 ? `<div class="multiples">${small.map(draw).join('')}</div>` : '',
    ...Object.entries(tables).map(([name, rows]) => foldedTable(name, rows)),
  ].join('')
}
/** As many reports as there is room for; of the others what they are. */
export function reportsHtml(reports: readonly Reported[]): (report: Reported) => string {
  let room = MOST_BYTES
  const texts = new Map(
    reports.map(report => {
      const text = room < LEAST_BYTES ? undefined : reportHtml(report),
        bytes = Buffer.byteLength(text ?? '')
      if (text === undefined || bytes > room) {
        return [report, `<p>What ${line(report.id)} reports is too long for this page; report.json has it.</p>`]
      }
      room -= bytes
      return [report, text]
    }),
  )
  return report => texts.get(report)!
}

/**
 * Whether a report is on labels: it says how many are wrong (a table `wrong_labels`), or is of what dropped some as
 * doubted, or said of all how likely they are right.
 */
const isOnLabels = ({ reasons, rows }: Shown, { id, isAudit, tables = {} }: Reported): boolean =>
  Object.hasOwn(tables, 'wrong_labels') ||
  (!isAudit &&
    (reasons.some(({ stage, family }) => stage === id && family === 'labels') ||
      rows.some(({ name }) => name.startsWith(`lowest.${id}_`))))

/** The rows with the lowest numbers, as links. */
function lowestHtml(title: string, { rows }: ShownRows, linkOf: RowLink): string {
  const listed = rows.filter(row => typeof headNumber(row)?.value === 'number').slice(0, 8)
  if (listed.length === 0) return ''
  return `<div>${table({
    caption: `<b>${title}</b>`,
    head: [cell('prompt'), n(numberName(headNumber(listed[0])!.name))],
    rows: listed.map(row => [
      cell(linked(linkOf(row), line(lastTurn(row), 100) || '(no prompt)'), 'say'),
      n(numberSaid(headNumber(row)!)),
    ]),
    of: 'plain lowest',
  })}</div>`
}
const lastTurn = ({ prompt }: ShownRow): string =>
  typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '')

type Numbered = ShownRow['numbers'][number]
const PROBABILITY = /(^|[._])probability$/
/** The number that says most of a row: how likely its label is right, else the one that decided. */
export const headNumber = ({ numbers }: ShownRow): Numbered | undefined =>
  numbers.find(({ name, value }) => value !== null && PROBABILITY.test(name)) ?? numbers[0]
/** `said right` (by reviewers) for the probability of a panel, else the name in words. */
export const numberName = (name: string): string =>
  PROBABILITY.test(name) ? 'said right' : line(name.replace(/_/g, ' '), 40)
/** What is left of two numbers that should cancel each other. */
const NOTHING = 1e-12
export const numberSaid = ({ name, value }: Numbered): string =>
  value === null ? '?' : PROBABILITY.test(name) ? percent(value) : number(Math.abs(value) < NOTHING ? 0 : value)

export function labelsSection(
  shown: Shown,
  report: (of: Reported) => string,
  linkOf: LinkOf,
  rowLink: RowLink,
): Section {
  const { reasons, rows, pairs, decisions } = shown,
    unit = unitOf(shown),
    onLabels = shown.reports.filter(one => isOnLabels(shown, one)),
    doubting = reasons.filter(({ family }) => family === 'labels'),
    doubted = doubting.reduce((sum, { count }) => sum + count, 0),
    isJudged = doubting.length > 0 || onLabels.length > 0
  const lists = (['lowest_dropped.', 'lowest.'] as const).flatMap(start =>
    rows
      .filter(({ name }) => name.startsWith(start))
      .map(group => lowestHtml(`Most doubtful of those ${start === 'lowest.' ? 'kept' : 'left out'}`, group, rowLink)),
  )
  const first = doubting[0] && linkOf(`${doubting[0].stage}.${doubting[0].reason}`)
  return {
    id: 'labels',
    name: 'Labels',
    title: !isJudged
      ? 'Nobody judged the labels in this run'
      : doubted === 0
        ? 'No label was left out as doubted'
        : `${counted(doubted, 'label')} ${doubted === 1 ? 'is' : 'are'} doubted and left out, ${percentOf(doubted, pairs.read)} of the ${unit}s`,
    lede: !isJudged
      ? 'No stage of the graph says how likely a label is right: wrong ones are still among those to train on.'
      : `Judges of labels see random mistakes. A bias that all labels share looks right to them.${first === undefined ? '' : ` <a href="${first}">Read some that were left out.</a>`}`,
    body: [
      ...onLabels.map(report),
      isJudged ? wordsHtml : '',
      lists.some(Boolean) ? `<div class="multiples two">${lists.join('')}</div>` : '',
      decisions ? decisionsHtml(decisions) : '',
    ].join(''),
  }
}

/** What a curator cannot know of the words of such reports. */
const WORDS = [
  ['reviewer', 'a model of the words, or of the style, of other pairs of this data, or scores that a server gave'],
  ['margin', 'how far a reviewer prefers the chosen side; below 0 it speaks against the label'],
  ['said right', 'how likely a label is right, if the reviewers are right where they are surest: their word, no proof'],
  ['agreement', 'the share of labels that agree with reviewers as sure as they are of this one'],
  [
    'rule',
    'stack: all reviewers weighed together decide; both: each must speak against a label; either: one is enough',
  ],
  ['gate', 'what must hold before anything is dropped: enough pairs, and reviewers that see and agree with labels'],
  ['AUROC', 'how often a label turned round is told from one that is not; 0.5 is a coin'],
  ['cross-fit', 'a reviewer judges no pair that it has learned from'],
] as const
const wordsHtml = `<details class="data"><summary>what the words mean</summary><ul class="said">${WORDS.map(([word, what]) => `<li><b>${word}</b>: ${what}</li>`).join('')}</ul></details>`

/** What came of what people decided. */
function decisionsHtml({
  given,
  keep,
  drop,
  flip,
  not_applied: idle,
  listed,
}: NonNullable<Shown['decisions']>): string {
  const applied = [
    ['keep', keep],
    ['drop', drop],
    ['flip', flip],
  ] as const
  const left = [
    ['not applied: they contradict each other', idle.contradicting],
    ['not applied: no row has the id', idle.absent],
    ['not applied: the row changed since it was listed', idle.changed],
    ['not applied: no pair of two sides when it is read', idle.no_pair],
  ] as const
  const ids = ({ count, first }: (typeof idle)['absent']) =>
    line(`${first.join(', ')}${count > first.length ? ', …' : ''}`, 300)
  const measured =
    listed === undefined
      ? ''
      : ` Of ${counted(listed.decided, 'label')} on a list ${number(listed.wrong, 15)} were wrong: ${percent(listed.share)} [${percent(listed.low)} to ${percent(listed.high)}].`
  return `<h3>What people decided</h3>${table({
    caption: `${counted(given, 'id')}.${measured}`,
    head: [cell('decision'), n('ids'), cell('the first')],
    rows: [
      ...applied.map(([name, count]) => [cell(name), n(number(count, 15)), cell('')]),
      ...left
        .filter(([, { count }]) => count > 0)
        .map(([name, some]) => [cell(name), n(number(some.count, 15)), cell(ids(some))]),
    ],
    of: 'plain',
  })}`
}

/** What is reported of anything but labels and made pairs. */
export function reportsSection(shown: Shown, report: (of: Reported) => string): Section | undefined {
  const says = ({ lines, tables = {} }: Reported) => lines.length > 0 || Object.keys(tables).length > 0
  const makers = new Set(makersIn(shown)),
    others = shown.reports.filter(one => !isOnLabels(shown, one) && !makers.has(one.id) && says(one))
  if (others.length === 0) return undefined
  return {
    id: 'reports',
    name: 'Reports',
    title: 'What audits and stages report',
    body: others.map(report).join(''),
  }
}
