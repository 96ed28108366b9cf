/** How the run went: time, graph, and what repeats it; sections of the page. */
import { strip, stripBar } from './strips.ts'
import { cell, counted, folded, html, line, n, number, seconds, shellWord, table } from './html.ts'
import { CHART, machine, unitOf, type Section } from './lost.ts'
import type { Shown, Took } from './shape.ts'

const MOST_ROWS = 200

export function timeSection(shown: Shown, { wall, spans, stages, peakMemory }: Took): Section {
  const { read } = shown.pairs,
    most = Math.max(1e-9, ...spans.map(({ seconds: some }) => some))
  const rows = spans
    .slice(0, MOST_ROWS)
    .map(({ name, seconds: some }) => [
      cell(line(name, 60)),
      cell(strip([stripBar(0, some / most, 'kept', seconds(some))]), 'fig wide'),
      n(seconds(some)),
    ])
  const byStage = Object.entries(stages)
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST_ROWS)
    .map(([id, some]) => [cell(line(id)), n(seconds(some)), n(some > 0 ? number(read / some) : '')])
  return {
    id: 'time',
    name: 'Time',
    title:
      wall === 0
        ? 'Where the time went'
        : `The run took ${seconds(wall)}${read > 0 ? `, ${number(read / wall)} ${unitOf(shown)}s a second` : ''}`,
    lede: `The next run over as many new ${unitOf(shown)}s takes about as long; over the same input, with decisions or another option, only from the stage on that these change, as what was worked out is kept.${peakMemory > 0 ? ` At most ${number(peakMemory / 1e6)}\u00a0MB of memory were held.` : ''}`,
    body: [
      rows.length === 0
        ? ''
        : table({
            caption: 'Seconds of the clock, in order.',
            head: [cell('what'), { ...CHART, of: 'fig wide' }, n('seconds')],
            rows,
          }),
      byStage.length === 0
        ? ''
        : folded(
            'seconds of each stage, of all workers together',
            table({ caption: '', head: [cell('stage'), n('seconds'), n('rows a second')], rows: byStage, of: 'data' }),
          ),
    ].join(''),
  }
}

// ----------------------------------------------------------------------------------------------------------- graph

type Node = Shown['nodes'][number]
/** Lanes of the rail, and how far apart they are. */
const MOST_LANES = 8,
  STEP = 13,
  EDGE = 10

interface Rail {
  /** By node; audits have none. */
  readonly lane: readonly number[]
  readonly edges: readonly { readonly from: number; readonly to: number; readonly lane: number }[]
  readonly lanes: number
}
/**
 * Where each node and edge runs, as in a history of versions: a node goes on in the lane of the first node that it
 * takes rows of and that nobody went on from yet; all else has the first lane that is free all the way.
 */
function railOf(nodes: readonly Node[]): Rail {
  const placeOf = new Map(nodes.map(({ id }, i) => [id, i])),
    lane: number[] = [],
    edges: { from: number; to: number; lane: number }[] = [],
    taken: [number, number][][] = [],
    wentOn = new Set<number>()
  const isFree = (which: number, from: number, to: number) =>
    (taken[which] ?? []).every(([a, b]) => b <= from || a >= to)
  const take = (which: number, from: number, to: number) => (taken[which] ??= []).push([from, to])
  const free = (from: number, to: number) => {
    let which = 0
    while (!isFree(which, from, to)) which++
    return which
  }
  for (const [to, { from: names, kind }] of nodes.entries()) {
    // an audit looks from aside
    if (kind === 'audit') continue
    const from = [...new Set(names.map(name => placeOf.get(name) ?? placeOf.get(name.split('.')[0])))]
    const before = from.filter(place => place !== undefined && place < to) as number[],
      main = before.find(place => !wentOn.has(place) && isFree(lane[place], place + 0.5, to))
    if (main === undefined) {
      lane[to] = free(before.length > 0 ? before[0] + 0.1 : to - 0.5, to + 0.5)
      take(lane[to], before.length > 0 ? before[0] + 0.1 : to - 0.5, to + 0.5)
    } else {
      wentOn.add(main)
      lane[to] = lane[main]
      take(lane[to], main + 0.5, to + 0.5)
    }
    for (const place of before) {
      if (place === main || place === before[0]) edges.push({ from: place, to, lane: lane[to] })
      else {
        const which = to - place > 1 ? free(place + 0.1, to) : lane[to]
        if (to - place > 1) take(which, place + 0.1, to)
        edges.push({ from: place, to, lane: which })
      }
    }
  }
  return { lane, edges, lanes: Math.max(1, taken.length) }
}

function railHtml({ lane, edges, lanes }: Rail, i: number, kind: Node['kind']): string {
  const x = (which: number) => EDGE + STEP * which
  const part = (x1: number, y1: string, x2: number, y2: string) =>
    `<line x1="${x(x1)}" y1="${y1}" x2="${x(x2)}" y2="${y2}"/>`
  const drawn = edges.flatMap(({ from, to, lane: which }) => {
    if (from === i) return [part(lane[from], '50%', which, '100%')]
    if (to === i) return [part(which, '0', lane[to], '50%')]
    return from < i && i < to ? [part(which, '0', which, '100%')] : []
  })
  if (kind !== 'audit') drawn.push(`<circle class="node ${kind}" cx="${x(lane[i])}" cy="50%" r="4.5"/>`)
  const wide = 2 * EDGE + STEP * (lanes - 1)
  // the first holds the place of the second, which is as high as its row
  return `<svg width="${wide}" height="1" aria-hidden="true"></svg><svg class="rails" width="${wide}" aria-hidden="true">${drawn.join('')}</svg>`
}

const optionSaid = ([name, value]: [string, unknown]): string =>
  `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`

export function graphSection({ nodes, graph }: Shown): Section | undefined {
  if (nodes.length === 0) return undefined
  const drawn = nodes.slice(0, MOST_ROWS),
    rail = railOf(drawn),
    isDrawn = rail.lanes <= MOST_LANES
  const rows = drawn.map(({ id, use, kind, from, options, in: came, out }, i) => [
    cell(isDrawn ? railHtml(rail, i, kind) : '', 'rail'),
    cell(`<b>${line(id)}</b> <span class="id mono">${line(use)}</span>`),
    cell(line(from.join(', '), 120), 'id hide'),
    n(kind === 'source' ? '' : number(came, 15)),
    n(kind === 'audit' ? '' : number(out, 15)),
    cell(line(Object.entries(options).map(optionSaid).join(', '), 240), 'id hide options'),
  ])
  const more = nodes.length - drawn.length
  return {
    id: 'graph',
    name: 'Graph',
    title: `The graph <span class="mono">${line(graph.name)}</span> as it ran, ${counted(nodes.length, 'stage')}`,
    lede: `From top to bottom; each stage with the rows that came in, those it let on, and its options.${more > 0 ? ` ${counted(more, 'stage')} more in report.json.` : ''}`,
    body: table({
      caption: '',
      head: [
        cell('<span class="vh">way</span>', 'rail'),
        cell('stage'),
        cell('from', 'hide'),
        n('in'),
        n('out'),
        cell('options', 'hide'),
      ],
      rows,
      of: 'stack graph',
    }),
  }
}

// ---------------------------------------------------------------------------------------------------------- repeat

/** `of`: what names the run in commands. */
export function repeatSection({ hash, sluice, graph, inputs, sinks, reasons, rows }: Shown, of: string): Section {
  const files = inputs
    .slice(0, MOST_ROWS)
    .map(({ path, rows, layout, sha256 }) => [
      cell(line(path, 200)),
      n(number(rows, 15)),
      cell(line(layout, 40), 'hide'),
      cell(`<span class="id mono">${line(sha256.slice(0, 16))}</span>`, 'hide'),
    ])
  const written = sinks
    .slice(0, MOST_ROWS)
    .map(({ id, use, rows, isForReview, columns }) => [
      cell(
        `<b>${line(id)}</b> <span class="id mono">${line(use)}</span>${isForReview ? ' <span class="id">for people</span>' : ''}`,
      ),
      n(number(rows, 15)),
      cell(line(columns.join(', '), 300), 'id hide'),
    ])
  const [reason] = reasons,
    row = rows.flatMap(group => group.rows)[0],
    isPlain = row !== undefined && /^[\w.:-]{1,60}$/.test(row.id)
  const commands = [
    [`npx sluice verify${of}`, 'the files are what the manifest says'],
    [`npx sluice why${of} ${isPlain ? row.id : 'ID'}`, 'one row’s way, with numbers and limits'],
    ...(reason
      ? [[`npx sluice show${of} --reason ${shellWord(`${reason.stage}.${reason.reason}`)}`, 'more of such rows']]
      : []),
    [
      `echo '{"id":"${isPlain ? row.id : 'ID'}","decision":"keep"}' >> decisions.jsonl`,
      'take a row back; or drop, flip',
    ],
    ['… --decisions decisions.jsonl', 'behind the command of this run: run again by what was decided'],
  ]
  const wide = Math.max(...commands.map(([command]) => command.length))
  return {
    id: 'repeat',
    name: 'Repeat',
    title: 'What repeats this run',
    lede: `Sluice ${line(sluice)}, seed ${number(graph.seed, 15)}, run ${machine(hash)}. The same inputs and graph give the same bytes.`,
    body: [
      files.length === 0
        ? ''
        : table({
            caption: `Inputs.${inputs.length > MOST_ROWS ? ` ${counted(inputs.length - MOST_ROWS, 'file')} more in the manifest.` : ''}`,
            head: [cell('file'), n('rows'), cell('layout', 'hide'), cell('sha256', 'hide')],
            rows: files,
            of: 'plain',
          }),
      written.length === 0
        ? '<p>The graph has no sink: what it gives is reports.</p>'
        : table({
            caption: 'Outputs.',
            head: [cell('output'), n('rows'), cell('columns', 'hide')],
            rows: written,
            of: 'plain',
          }),
      `<h3>Next</h3><pre class="commands" tabindex="0" role="group" aria-label="commands">${commands.map(([command, what]) => `${html(command.padEnd(wide))}  <span class="id"># ${what}</span>`).join('\n')}</pre>`,
    ].join(''),
  }
}
