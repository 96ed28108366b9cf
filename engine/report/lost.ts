/** What was lost, and from where: sections of the page. */
import { cell, counted, folded, line, n, number, percent, percentOf, shareOf, table, type Cell } from './html.ts'
import { strip, stripAxis, stripBar, stripDot, stripRange, stripRule } from './strips.ts'
import { families, LEAST_PART, type Family, type Shown, type ShownReason } from './shape.ts'

export interface Section {
  readonly id: string
  /** For the list of sections. */
  readonly name: string
  /** The finding, as HTML. */
  readonly title: string
  readonly lede?: string
  readonly body: string
}
/** The href of a group of rows, where the page has it. */
export type LinkOf = (group: string) => string | undefined

/** Rows of a table, and values of a column, at most: what is beyond is in report.json. */
const MOST_ROWS = 200,
  MOST_VALUES = 14
export const CHART: Cell = cell('<span class="vh">chart</span>', 'fig')
export const linked = (href: string | undefined, text: string, of = ''): string =>
  href === undefined ? text : `<a${of && ` class="${of}"`} href="${href}">${text}</a>`
const beyond = (all: number, what: string): string =>
  all > MOST_ROWS ? ` ${counted(all - MOST_ROWS, what)} more in report.json.` : ''
export const machine = (name: string): string => `<span class="id mono">${line(name)}</span>`
/** One word for what was read: pairs, or rows that give several of them. */
export const unitOf = ({ pairs: { read, asRead, leftOut, errored } }: Shown): 'pair' | 'row' =>
  asRead + leftOut + errored === read ? 'pair' : 'row'

/** How many rows went for each family, most first. */
export function byFamily(reasons: readonly ShownReason[]): [Family, number][] {
  const sums = new Map<Family, number>()
  for (const { family, count } of reasons) sums.set(family, (sums.get(family) ?? 0) + count)
  return [...sums].sort((a, b) => b[1] - a[1])
}

export const reasonName = ({ stage, reason }: ShownReason): string => `${stage}.${reason}`
const limitSaid = ({ limit }: ShownReason): string =>
  limit === undefined
    ? ''
    : ` <span class="id">${line(limit.option)} ${line(JSON.stringify(limit.value) ?? '', 40)}</span>`

/** `minus 42`, as a link to the rows of the first reason of the stage. */
function change(count: number, sign: '−' | '+', href: string | undefined): string {
  return count === 0 ? '' : linked(href, `${sign}${number(count, 15)}`, sign === '−' ? 'lostn' : 'maden')
}

export function lostSection(shown: Shown, linkOf: LinkOf): Section {
  const { reasons, stages, pairs, notes } = shown,
    unit = unitOf(shown),
    left = pairs.leftOut + pairs.errored,
    most = Math.max(
      1,
      ...stages.map(stage => Math.max(stage.in, stage.in - stage.dropped - stage.errored + stage.made)),
    ),
    quiet = stages.filter(({ dropped, errored, made }) => dropped + errored + made === 0),
    loud = stages.filter(stage => !quiet.includes(stage))
  const funnel = loud.slice(0, MOST_ROWS).map(({ id, in: came, dropped, errored, made }) => {
    const own = reasons.filter(({ stage }) => stage === id),
      gone = dropped + errored,
      stay = Math.max(0, came - gone),
      words = byFamily(own).map(([family]) => families[family])
    const href = own.map(reason => linkOf(reasonName(reason))).find(Boolean)
    return [
      cell(`<b>${line(id)}</b> <span class="id">${[...words, ...(made > 0 ? ['made'] : [])].join(', ')}</span>`),
      cell(
        strip([
          stripBar(0, stay / most, 'pale', `${number(stay, 15)} stay`),
          stripBar(stay / most, (stay + gone) / most, 'lost', `${number(gone, 15)} left out`),
          stripBar(stay / most, (stay + made) / most, 'made', `${number(made, 15)} made`),
        ]),
        'fig wide',
      ),
      n(number(came, 15)),
      n([change(gone, '−', href), change(made, '+', made > 0 ? '#made' : undefined)].filter(Boolean).join(' ')),
    ]
  })
  const largest = reasons[0]?.count ?? 1
  const why = reasons
    .slice(0, MOST_ROWS)
    .map(reason => [
      cell(
        `${linked(linkOf(reasonName(reason)), families[reason.family])}: ${line(reason.about, 200)} ${machine(reasonName(reason))}${limitSaid(reason)}`,
      ),
      cell(strip([stripBar(0, reason.count / largest, 'lost', counted(reason.count, unit))]), 'fig'),
      n(number(reason.count, 15)),
      n(percentOf(reason.count, pairs.read)),
    ])
  const [first] = byFamily(reasons)
  const title =
    left === 0 || first === undefined
      ? `Nothing was left out of ${counted(pairs.read, unit)}`
      : `${percentOf(left, pairs.read)} of the ${unit}s were left out, ${reasons.length > 1 ? `the largest part (${number(first[1], 15)})` : 'all'} for one cause: ${families[first[0]]}`
  const noted = notes
    .slice(0, MOST_ROWS)
    .map(({ stage, note, about, count }) => [
      cell(`${linked(linkOf(`${stage}.${note}`), line(about, 200))} ${machine(`${stage}.${note}`)}`),
      n(number(count, 15)),
    ])
  return {
    id: 'lost',
    name: 'What was lost',
    title,
    lede: left === 0 ? undefined : `Every one is kept aside, whole, with its reason. A link opens rows to read.`,
    body: [
      funnel.length === 0
        ? ''
        : table({
            caption: `What each stage left out or made, of the ${unit}s that came in.${quiet.length > 0 ? ` Nothing in: ${line(quiet.map(({ id }) => id).join(', '), 300)}.` : ''}${beyond(loud.length, 'stage')}`,
            head: [cell('stage'), { ...CHART, of: 'fig wide' }, n('in'), n('change')],
            rows: funnel,
          }),
      why.length === 0
        ? ''
        : `<h3>Why</h3>${table({
            caption: `Every reason, the most frequent first.${beyond(reasons.length, 'reason')}`,
            head: [cell('reason'), CHART, n(`${unit}s`), n('of all')],
            rows: why,
          })}`,
      noted.length === 0
        ? ''
        : `<h3>Noted</h3>${table({
            caption: `What stages said of ${unit}s, whether or not another stage left them out.${beyond(notes.length, 'note')}`,
            head: [cell('note'), n(`${unit}s`)],
            rows: noted,
            of: 'plain',
          })}`,
    ].join(''),
  }
}

/** Stages that made pairs. */
export const makersIn = ({ stages }: Shown): string[] => stages.flatMap(({ id, made }) => (made > 0 ? [id] : []))

export function sourceSection(shown: Shown): Section | undefined {
  const parts = shown.parts.filter(({ values }) => values.length > 1)
  if (parts.length === 0) return undefined
  const unit = unitOf(shown)
  const below: string[] = [],
    wholes: string[] = []
  const tables = parts.slice(0, 3).map(({ column, values }) => {
    const sum = (pick: (value: (typeof values)[number]) => number) =>
        values.reduce((all, value) => all + pick(value), 0),
      whole =
        sum(({ kept }) => kept) /
        Math.max(
          1,
          sum(({ read }) => read),
        ),
      isDoubted = sum(({ doubted }) => doubted) > 0
    const drawn = values
      .filter(({ read }) => read > 0)
      .map(value => ({ ...value, ...shareOf(value.kept, value.read), name: value.value }))
      .sort((a, b) => a.value - b.value || b.read - a.read)
      .slice(0, MOST_VALUES + 1)
    const least = Math.min(whole, ...drawn.map(({ low }) => low)),
      start = Math.max(0, Math.floor(least * 10) / 10),
      place = (share: number) => (share - start) / Math.max(1e-9, 1 - start)
    wholes.push(percent(whole))
    const rows = drawn.map(({ name, kept, read, doubted, value, low, high }) => {
      const isBelow = high < whole
      if (isBelow && read >= LEAST_PART) below.push(`${line(column, 40)} ${line(name, 40)} (${percent(value)})`)
      return [
        cell(line(name, 60)),
        cell(
          strip([
            stripRule(place(whole)),
            stripRange(place(low), place(high), isBelow ? 'lostci' : ''),
            stripDot(place(value), isBelow ? 'lost' : 'kept', `${number(kept, 15)} of ${number(read, 15)}`),
          ]),
          'fig',
        ),
        n(number(kept, 15), 'hide'),
        n(number(read, 15), 'hide'),
        n(percent(value)),
        ...(isDoubted ? [n(percentOf(doubted, read), 'hide')] : []),
      ]
    })
    const ticks = [start, (1 + start) / 2, 1].map((share): [number, string] => [place(share), percent(share)])
    const more = [cell(''), cell(''), cell(''), ...(isDoubted ? [cell('')] : [])]
    const name = line(column, 40)
    return `${table({
      caption: `Share kept by ${name}, lowest first, with the 95 % interval. The dotted line is all ${unit}s, ${percent(whole)}.${isDoubted ? ' Doubtful: noted for people to look at, left out or not.' : ''}`,
      head: [
        cell(name),
        CHART,
        n('kept', 'hide'),
        n('of', 'hide'),
        n('share'),
        ...(isDoubted ? [n('doubtful', 'hide')] : []),
      ],
      rows: [...rows, [cell(''), cell(stripAxis(ticks), 'fig'), ...more]],
      hasAxis: true,
    })}${whyByPart(column, values, shown)}`
  })
  return {
    id: 'source',
    name: 'By source',
    title:
      below.length === 0
        ? 'No part of the data keeps clearly less than the rest'
        : `${below.slice(0, 3).join(', ')}${below.length > 3 ? ` and ${counted(below.length - 3, 'other')}` : ''} ${below.length === 1 ? 'keeps' : 'keep'} clearly less than the whole (${wholes[0]})`,
    body: tables.join(''),
  }
}

/** For each value how many went, by family; folded. */
function whyByPart(column: string, values: Shown['parts'][number]['values'], { reasons }: Shown): string {
  const familyOf = new Map(reasons.map(reason => [reasonName(reason), reason.family])),
    all = byFamily(reasons).map(([family]) => family)
  if (all.length === 0) return ''
  const rows = values.slice(0, MOST_VALUES + 1).map(({ value, dropped }) => {
    const sums = all.map(family =>
      Object.entries(dropped).reduce((sum, [name, count]) => sum + (familyOf.get(name) === family ? count : 0), 0),
    )
    return [cell(line(value, 60)), ...sums.map(sum => n(sum === 0 ? '' : number(sum, 15)))]
  })
  const inside = table({
    caption: '',
    head: [cell(line(column, 40)), ...all.map(family => n(families[family]))],
    rows,
    of: 'data',
  })
  return folded(`why, by ${line(column, 40)}`, inside)
}
