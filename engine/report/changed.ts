/** What changed in the set, what was made, and what is nearly the same: sections of the page. */
import { drawChart, foldedTable } from './charts.ts'
import { cell, counted, cut, end, folded, html, line, n, number, percent, percentOf, shareOf, table } from './html.ts'
import type { RowLink } from './labels.ts'
import { numberAxis, place, plot } from './plot.ts'
import { CHART, linked, machine, type Section, makersIn } from './lost.ts'
import type { Shown, ShownRow } from './shape.ts'
import { strip, stripAxis, stripBar, stripDot, stripRange, stripRule } from './strips.ts'
import { piecesOf, saidText } from './words.ts'

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

// --------------------------------------------------------------------------------------------------------- changed

const featureWords: Readonly<Record<string, string>> = {
  longer: 'the longer answer',
  list: 'the only one with a list',
  code: 'the only one with code',
  bold: 'the only one with bold text',
  paragraphs: 'the only one with paragraphs',
  digit: 'the only one with a digit',
  exclamation: 'the only one with an exclamation mark',
  'closing question': 'the only one that ends with a question',
  refusal: 'the only one that refuses',
  emoji: 'the only one with an emoji',
}
type Sides = Shown['features'][number]['before']
/** `ties`: pairs of which neither side is so, which count half. */
const chosenShare = ({ chosen, rejected }: Sides, ties: number) =>
  shareOf(chosen + ties / 2, Math.max(1, chosen + rejected + ties))

export function changedSection({ features, lengths, every, pairs: { made } }: Shown): Section | undefined {
  const some = [...features]
    .sort((a, b) => Number(b.name === 'longer') - Number(a.name === 'longer'))
    .filter(({ before, after }) => before.chosen + before.rejected + after.chosen + after.rejected > 0)
  if (some.length === 0) return undefined
  // of the longer side ties count half, as audit_lengths has it: all pairs of two texts are in the lengths
  const tiesOf = (name: string, { chosen, rejected }: Sides, bins: readonly number[] = []) =>
    name === 'longer' ? Math.max(0, sum(bins) - chosen - rejected) : 0
  const sharesOf = ({ name, before, after }: (typeof some)[number]) =>
    [
      chosenShare(before, tiesOf(name, before, lengths?.before)),
      chosenShare(after, tiesOf(name, after, lengths?.after)),
    ] as const
  const rows = some.slice(0, 40).map(feature => {
    const { name, before, after } = feature,
      [was, is] = sharesOf(feature),
      [wasSome, isSome] = [before, after].map(({ chosen, rejected }) => chosen + rejected > 0),
      isClear = isSome && (is.low > 0.5 || is.high < 0.5)
    return [
      cell(line(featureWords[name] ?? `the only one with ${name.replace(/_/g, ' ')}`, 80)),
      cell(
        strip([
          stripRule(0.5),
          isSome ? stripRange(is.low, is.high) : '',
          wasSome ? stripDot(was.value, 'hollow') : '',
          isSome
            ? stripDot(
                is.value,
                isClear ? 'kept' : 'muted',
                `${number(after.chosen, 15)} of ${number(after.chosen + after.rejected, 15)}`,
              )
            : '',
        ]),
        'fig',
      ),
      n(wasSome ? percent(was.value) : ''),
      n(isSome ? percent(is.value) : ''),
      n(number(after.chosen + after.rejected + tiesOf(name, after, lengths?.after), 15), 'id hide'),
    ]
  })
  const [first] = some
  const [was, is] = sharesOf(first).map(({ value }) => value),
    isLonger = first.name === 'longer'
  const ticks: [number, string][] = [
    [0, '0'],
    [0.5, percent(0.5)],
    [1, percent(1)],
  ]
  return {
    id: 'changed',
    name: 'What changed',
    title: isLonger
      ? `The longer answer is chosen in ${percent(is)} now, ${percent(was)} before`
      : 'What the chosen side has more often than the rejected',
    lede: `What the chosen side has more often, a model learns to write. 50 % means that it says nothing.${made > 0 ? ` The ${counted(made, 'made pair')} ${made === 1 ? 'is' : 'are'} not counted here.` : ''}`,
    body: [
      table({
        caption: `<span class="key ring"></span>as read <span class="key k disc"></span>to train on, with the 95 % interval; grey where it may be chance. Of pairs in which one side alone is so (of equal lengths half)${every > 1 ? `, counted of one row in ${number(every, 15)}` : ''}.`,
        head: [cell('chosen is'), CHART, n('read'), n('now'), n('pairs', 'hide')],
        rows: [...rows, [cell(''), cell(stripAxis(ticks), 'fig'), cell(''), cell(''), cell('', 'hide')]],
        hasAxis: true,
      }),
      lengths ? lengthsHtml(lengths) : '',
    ].join(''),
  }
}

/** Outlines of how much longer the chosen side is, before and after. */
function lengthsHtml({ before, after }: NonNullable<Shown['lengths']>): string {
  const shares = (bins: readonly number[]) => bins.map(count => count / Math.max(1, sum(bins)))
  const [was, is] = [shares(before), shares(after)],
    middle = (before.length - 1) / 2,
    power = (i: number) => ((i - middle) * 4) / Math.max(1, middle),
    up = numberAxis([...was, ...is], place.up[0], place.up[1], { zero: true }),
    across = (i: number) => place.across[0] + ((place.across[1] - place.across[0]) * i) / Math.max(1, before.length - 1)
  const path = (values: readonly number[]) =>
    values.map((value, i) => `${i === 0 ? 'M' : 'L'}${across(i).toFixed(1)} ${up.place(value).toFixed(1)}`).join('')
  const words = ['1/16', '1/4', 'same', '4', '16']
  const drawn = plot({
    title: 'How much longer the chosen side is',
    x: 'chosen is so many times as long',
    y: 'share of pairs',
    key: `<p class="keys"><span><svg class="key" width="22" height="12" aria-hidden="true"><line class="o-before" x1="0" x2="22" y1="6" y2="6"/></svg> as read</span><span><svg class="key" width="22" height="12" aria-hidden="true"><line class="o-after" x1="0" x2="22" y1="6" y2="6"/></svg> to train on</span></p>`,
    across: {
      place: value => across(Number(value)),
      ticks: words.map((text, i) => ({ at: across((i * (before.length - 1)) / 4), text })),
    },
    up: { ...up, ticks: up.ticks.map(tick => ({ ...tick, text: percentTick(tick.text) })) },
    marks: [
      `<line class="ref" x1="${across(middle)}" x2="${across(middle)}" y1="${place.up[1]}" y2="${place.up[0]}"/>`,
      `<path class="o-before" d="${path(was)}"/>`,
      `<path class="o-after" d="${path(is)}"/>`,
    ],
  })
  const numbers = folded(
    'numbers: lengths',
    table({
      caption: '',
      head: [cell('chosen is, times'), n('as read'), n('to train on')],
      rows: before.map((count, i) => [cell(number(2 ** power(i))), n(number(count, 15)), n(number(after[i] ?? 0, 15))]),
      of: 'data',
    }),
  )
  return `<div class="multiples"><div>${drawn}${numbers}</div></div>`
}
const percentTick = (text: string): string =>
  Number.isFinite(Number(text)) ? `${number(100 * Number(text))}\u00a0%` : text

// ------------------------------------------------------------------------------------------------------------ made

/** What is around an edit, in characters. */
const AROUND = 60
/** Where a made pair's sides differ: what is right, what became of it, and a little around. */
function editHtml({ chosen, rejected }: ShownRow): string {
  const pieces = piecesOf(saidText(chosen), saidText(rejected), 0) ?? []
  const around = (text: string, i: number) => {
    const [before, after] = [i > 0 ? AROUND : 0, i < pieces.length - 1 ? AROUND : 0]
    if (text.length <= before + after) return text
    return `${cut(text, before)}${after > 0 ? `${before > 0 ? ' ' : '… '}${end(text, after)}` : ''}`
  }
  const edit = pieces.map(({ of, chosen, rejected }, i) => {
    if (of === 'both') return html(around(chosen, i))
    const isNext = of === 'rejected' && pieces[i - 1]?.of === 'chosen'
    return of === 'chosen'
      ? `<del>${html(cut(chosen, 300))}</del>`
      : `${isNext ? ' → ' : ''}<ins>${html(cut(rejected, 300))}</ins>`
  })
  return edit.slice(0, 40).join('')
}

export function madeSection(
  shown: Shown,
  report: (of: Shown['reports'][number]) => string,
  rowLink: RowLink,
): Section | undefined {
  const { pairs, rows, notes, reports } = shown,
    makers = new Set(makersIn(shown))
  if (pairs.made === 0 && makers.size === 0) return undefined
  const groups = rows.filter(group => group.rows.some(({ made }) => made)).sort((a, b) => b.count - a.count),
    most = Math.max(1, ...groups.map(({ count }) => count))
  const edits = groups.flatMap(({ name, count, rows }) => {
    const shortest = rows
      .filter(({ made }) => made)
      .sort((a, b) => saidText(a.chosen).length - saidText(b.chosen).length)
    // where one group holds all types each has a line of its own, without a count
    const types = [...new Set(shortest.map(({ made }) => made!.type))].slice(0, 40)
    return types.map(type => {
      const row = shortest.find(({ made }) => made!.type === type)!,
        isOne = types.length === 1
      return [
        cell(`${line(type.replace(/_/g, ' ')) || line(name)} ${machine(name)}`),
        n(isOne ? number(count, 15) : ''),
        cell(isOne ? strip([stripBar(0, count / most, 'made', counted(count, 'pair'))]) : '', 'fig slim'),
        cell(
          `<p class="text">${editHtml(row)}</p><p class="id">${line(row.made!.proof, 300)} ${linked(rowLink(row), 'the pair')}</p>`,
          'ex',
        ),
      ]
    })
  })
  const not = notes.filter(
      ({ stage, note }) => makers.has(stage) && !groups.some(({ name }) => name === `${stage}.${note}`),
    ),
    unmade = not.slice(0, 6).map(({ count, about }) => `${counted(count, 'pair')} (${line(about, 120)})`)
  return {
    id: 'made',
    name: 'Made pairs',
    title:
      pairs.made === 0
        ? 'No made pair is among those to train on'
        : `${counted(pairs.made, 'pair')} ${pairs.made === 1 ? 'was' : 'were'} made, ${percentOf(pairs.made, pairs.out)} of those to train on`,
    lede: `They go into training unseen by people: read some.${unmade.length > 0 ? ` Nothing was made from ${unmade.join(', ')}.` : ''}`,
    body: [
      edits.length === 0
        ? ''
        : table({
            caption: 'By type, with one edit each: <del>right</del> became <ins>wrong</ins>; below it the proof.',
            head: [cell('type'), n('pairs'), { ...CHART, of: 'fig slim' }, cell('an edit')],
            rows: edits,
            of: 'stack top',
          }),
      ...reports.filter(({ id }) => makers.has(id)).map(report),
    ].join(''),
  }
}

// ------------------------------------------------------------------------------------------------- near-duplicates

const SIDES = ['prompt', 'chosen', 'rejected'] as const

export function nearSection({ near }: Shown): Section | undefined {
  const some = near.filter(({ clusters, histogram }) => clusters.length > 0 || sum(histogram) > 0)
  if (some.length === 0) return undefined
  const parts = some.slice(0, 4).map(({ stage, histogram, clusters }) => {
    const bins = histogram
        .map((rows, i) => ({ similarity: (i + 0.5) / histogram.length, rows }))
        .slice(Math.max(0, histogram.findIndex(count => count > 0) - 1)),
      encoding = { x: 'similarity', y: 'rows' },
      title = 'How alike they are to what stays'
    const drawn = `<div>${drawChart({ title, table: '', mark: 'bar', encoding }, bins)}${foldedTable('similarity', bins)}</div>`
    const shown = clusters.slice(0, 5).map(({ size, rows }, i) => {
      const [first] = rows,
        same = SIDES.filter(side => rows.every(row => saidText(row[side]) === saidText(first[side]))),
        differ = SIDES.filter(side => !same.includes(side))
      const texts = rows.slice(0, 3).map(row => {
        const sides = differ.map(
          side => `<p class="text"><b class="role">${side}</b> ${html(shortened(saidText(row[side])))}</p>`,
        )
        return `<li><p class="id mono">${line(row.id)}${alikeSaid(row)}</p>${sides.join('')}</li>`
      })
      return `<details class="cluster"${i === 0 ? ' open' : ''}><summary>${counted(size, 'row')}${same.length > 0 ? `: the same ${same.join(' and ')}` : ''} <span class="say">${line(saidText(first.prompt), 80)}</span></summary><ul>${texts.join('')}</ul></details>`
    })
    return `${some.length > 1 ? `<h3>${line(stage)}</h3>` : ''}<div class="multiples near">${sum(histogram) > 0 ? drawn : ''}<div>${shown.length > 0 ? `<p><b>The largest clusters</b>, and in what their rows differ</p>${shown.join('')}` : ''}</div></div>`
  })
  const all = sum(some.map(({ histogram }) => sum(histogram)))
  return {
    id: 'near',
    name: 'Near-duplicates',
    title:
      all > 0
        ? `${counted(all, 'row')} ${all === 1 ? 'is' : 'are'} nearly the same as one that stays`
        : 'Rows that are nearly the same',
    lede: 'Where only the rejected side differs a trainer would learn from each: look whether these are one pair.',
    body: parts.join(''),
  }
}
const alikeSaid = ({ partner }: ShownRow): string =>
  typeof partner?.similarity === 'number' ? ` ${percent(partner.similarity)} alike` : ''
const CLUSTER_CHARACTERS = 500
const shortened = (text: string): string =>
  text.length > CLUSTER_CHARACTERS ? `${text.slice(0, CLUSTER_CHARACTERS)} …` : text
