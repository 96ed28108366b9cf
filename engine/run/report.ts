/** report.html: one page without scripts or outside files, that shows what became of the rows. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { messagesType } from '../arrow/columns.ts'
import type { Reason } from '../contract/define.ts'
import { drawChart, escape } from './chart.ts'
import { listedSaid, type DecisionsSaid } from './decisions.ts'
import { readStream } from './inspect.ts'
import { byNone, rowsRead, type Manifest } from './manifest.ts'
import { ERROR_ABOUT } from './messages.ts'
import type { Took } from '../report/shape.ts'
import type { Reported } from './reports.ts'

const EXAMPLES = 3,
  CHARACTERS = 300,
  TABLE_ROWS = 100

interface Example {
  id: string
  where: string
  texts: [string, string][]
}

/** The first few dropped rows of each reason of a stage, shortened. */
async function examples(folder: string, stage: string): Promise<Map<string, Example[]>> {
  const found = new Map<string, Example[]>()
  const dropped = join(folder, 'dropped')
  if (!existsSync(dropped)) return found
  for (const part of readdirSync(dropped)
    .filter(name => name === stage || name.startsWith(`${stage}-`))
    .sort()) {
    for (const file of readdirSync(join(dropped, part)).sort()) {
      for await (const batch of readStream(join(dropped, part, file))) {
        const column = (name: string) => batch.getChild(name)
        if (column('dropped_by')?.get(0) !== stage) continue
        for (let i = 0; i < batch.numRows; i++) {
          const reason = column('dropped_reason')!.get(i) as string
          const some = found.get(reason) ?? found.set(reason, []).get(reason)!
          if (some.length >= EXAMPLES) continue
          const texts = batch.schema.fields
            .filter(field => /^(prompt|chosen|rejected|messages|instruction|completions?)$/.test(field.name))
            .map((field): [string, string] => {
              const value: unknown = column(field.name)!.get(i)
              // a source's raw rows may be null where a pair's are not
              const messages =
                String(field.type) === String(messagesType) && value !== null
                  ? [...(value as Iterable<{ role: string; content: string } | null>)]
                  : undefined
              const text = messages
                ? messages.map(message => (message ? `${message.role}: ${message.content}` : 'null')).join('\n')
                : String(value)
              return [field.name, text.length > CHARACTERS ? `${text.slice(0, CHARACTERS)} …` : text]
            })
          some.push({
            id: String(column('id')?.get(i) ?? ''),
            where: `${column('source_file')!.get(i)}:${column('source_row')!.get(i)}`,
            texts,
          })
        }
      }
    }
  }
  return found
}

const n = (value: number) => value.toLocaleString('en-US')
const percent = (part: number, whole: number) => (whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`)
const row = (...cells: (string | number)[]) =>
  `<tr>${cells.map(cell => `<td${typeof cell === 'number' ? ' class="n"' : ''}>${typeof cell === 'number' ? n(cell) : cell}</td>`).join('')}</tr>`
/** A head that begins with '>' stands over numbers. */
const table = (head: string[], rows: string[]) =>
  `<table><thead><tr>${head.map(cell => (cell.startsWith('>') ? `<th class="n">${cell.slice(1)}</th>` : `<th>${cell}</th>`)).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25em .7em .25em 0;border-bottom:1px solid #ddd;vertical-align:top}.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.kept{background:#3a7}.lost{background:#d54}.new{background:#47c}.track{background:#eee;width:14em;display:flex}.track div{height:.8em}.grid{stroke:#ddd}svg{max-width:46em;font-size:11px;fill:currentColor}figure{margin:1em 0}.key{display:inline-block;width:.8em;height:.8em}.s{float:right;white-space:nowrap;font-variant-numeric:tabular-nums}pre{white-space:pre-wrap;background:#f6f6f6;padding:.6em;margin:.3em 0;font-size:.85em}summary{cursor:pointer}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}td,th{border-color:#444}.grid{stroke:#444}pre{background:#242424}.track{background:#333}}`

/** What a stage or an audit reports: its lines, its tables, and the charts over them. */
function reportText(id: string, { report: { lines, tables = {}, charts = [] }, previous }: Reported): string {
  const tableText = ([name, rows]: [string, (typeof tables)[string]]) => {
    const columns = [...new Set(rows.flatMap(Object.keys))],
      isNumber = (column: string) => rows.some(row => typeof row[column] === 'number')
    const cells = rows.slice(0, TABLE_ROWS).map(row =>
      columns.map(column => {
        const value = row[column] ?? null
        if (typeof value !== 'number') return escape(value ?? '')
        return Number.isInteger(value) ? value : `<span class="s">${Number(value.toPrecision(4))}</span>`
      }),
    )
    const head = columns.map(column => `${isNumber(column) ? '>' : ''}${escape(column)}`),
      more = rows.length > TABLE_ROWS ? `<p>${n(rows.length - TABLE_ROWS)} more rows are not shown.</p>` : ''
    return `<p>${escape(name)}</p>${table(
      head,
      cells.map(some => row(...some)),
    )}${more}`
  }
  return [
    `<p><b>${escape(id)}</b>${previous ? ` <small>(the run before is ${escape(previous.run)})</small>` : ''}`,
    `<br>${lines.map(escape).join('<br>')}</p>`,
    ...charts.map(chart => drawChart(chart, tables[chart.table])),
    ...Object.entries(tables).map(tableText),
  ].join('')
}

/** What came of what people decided. */
function decisionsText({ given, keep, drop, flip, not_applied: idle, listed }: DecisionsSaid): string {
  const ids = ({ count, first }: (typeof idle)['absent']) =>
    `${escape(first.join(', '))}${count > first.length ? ', …' : ''}`
  const rows = [
    row('keep', keep, ''),
    row('drop', drop, ''),
    row('flip', flip, ''),
    ...(
      [
        ['not applied: they contradict each other', idle.contradicting],
        ['not applied: no row has the id', idle.absent],
        ['not applied: the row changed since it was listed', idle.changed],
        ['not applied: no pair of two sides when it is read', idle.no_pair],
      ] as const
    ).flatMap(([what, some]) => (some.count > 0 ? [row(what, some.count, ids(some))] : [])),
  ]
  return `<h2>What people decided</h2><p>${n(given)} ids.${listed ? ` Measured: ${escape(listedSaid(listed))}.` : ''}</p>${table(['decision', '>ids', 'the first'], rows)}
`
}

/**
 * The page of a run that lies in `folder` (ledger and dropped rows are there). Depends on nothing but them, the
 * manifest and what stages say of their reasons.
 */
export async function reportHtml(
  folder: string,
  manifest: Manifest,
  reports: Readonly<Record<string, Reported>>,
  reasonOf: (stage: string, reason: string) => Reason | undefined,
  { wall, spans, peakMemory }: Took,
): Promise<string> {
  const { rows, stages, sinks, dropped_by_kind: kinds } = manifest
  const elsewhere = manifest.kept_elsewhere,
    // of all kinds they alone have inputs by name
    audits = new Set(manifest.graph.stages.flatMap(({ id, from }) => (Array.isArray(from) ? [] : [id])))
  const funnel = Object.entries(stages)
    .filter(([id]) => !(id in sinks) && !audits.has(id))
    .map(([id, stage]) => {
      const out = stage.derived > 0 ? stage.derived : stage.out
      const width = (count: number) => `${((100 * count) / Math.max(1, rows.read)).toFixed(1)}%`
      const bar = `<div class="track"><div class="${stage.derived > 0 ? 'new' : 'kept'}" style="width:${width(out)}"></div><div class="lost" style="width:${width(stage.dropped + stage.errored)}"></div></div>`
      return row(escape(id), escape(stage.use), stage.in, stage.dropped, stage.errored, out, bar)
    })
  const reasons: { count: number; html: string }[] = []
  for (const [id, stage] of Object.entries(stages)) {
    if (Object.keys(stage.reasons).length === 0 && stage.errored === 0) continue
    const shown = await examples(folder, id)
    for (const [reason, count] of [
      ...Object.entries(stage.reasons),
      ...(stage.errored > 0 ? [['error', stage.errored] as const] : []),
    ]) {
      const some = (shown.get(reason) ?? [])
        .map(
          ({ id: name, where, texts }) =>
            `<p><b>${escape(name)}</b> <small>${escape(where)}</small></p>${texts.map(([side, text]) => `<pre><b>${side}</b> ${escape(text)}</pre>`).join('')}`,
        )
        .join('')
      const { about, kind } = reasonOf(id, reason) ?? { about: ERROR_ABOUT, kind: 'error' }
      reasons.push({
        count,
        html: row(
          `<b>${escape(id)}.${escape(reason)}</b><br><small>${escape(about)}</small>${some ? `<details><summary>examples</summary>${some}</details>` : ''}`,
          kind,
          count,
          `<span class="s">${percent(count, rows.read)}</span>`,
        ),
      })
    }
  }
  reasons.sort((a, b) => b.count - a.count)
  const [looked, sure] = [true, false].map(isAudit =>
    Object.entries(reports).flatMap(([id, reported]) => (audits.has(id) === isAudit ? [reportText(id, reported)] : [])),
  )
  const notes = Object.entries(stages)
    .filter(([, stage]) => Object.keys(stage.notes).length > 0)
    .flatMap(([id, stage]) =>
      Object.entries(stage.notes).map(([note, count]) => row(`${escape(id)}.${escape(note)}`, count)),
    )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sluice: ${escape(manifest.graph.name)}</title><style>${style}</style></head><body>
<h1>${escape(manifest.graph.name)}: ${n(rows.kept)} of ${n(rows.read)} rows kept</h1>
<p>${rowsRead(manifest) && `Rows read: ${rowsRead(manifest)}. `}${n(rows.dropped)} dropped, ${n(rows.errored)} errored, ${n(rows.derived)} added. Stages dropped ${n(kinds.broken)} broken rows, ${n(kinds.quality)} for their quality and ${n(kinds.configured)} as options say${elsewhere > 0 ? `; ${n(elsewhere)} of them are kept all the same, by another of their pairs or another way through the graph` : ''}.${byNone(manifest) === '' ? '' : ` No stage dropped ${byNone(manifest)}.`} Every row is in <code>ledger/</code>, dropped ones in <code>dropped/</code>.</p>
${manifest.warnings.map(line => `<p><b>Warning:</b> ${escape(line)}</p>\n`).join('')}<h2>Stages</h2><p><span class="key kept"></span> let through, <span class="key lost"></span> dropped or errored, <span class="key new"></span> made, each against the rows read.</p>${table(['id', 'stage', '>in', '>dropped', '>errored', '>out', ''], funnel)}
<h2>Reasons</h2>${
    reasons.length > 0
      ? table(
          ['reason', 'kind', '>rows', '>of all'],
          reasons.map(({ html }) => html),
        )
      : '<p>No row was dropped.</p>'
  }
${sure.length > 0 ? `<h2>How sure it is</h2>${sure.join('')}` : ''}
${looked.length > 0 ? `<h2>Audits</h2>${looked.join('')}` : ''}
${notes.length > 0 ? `<h2>What was not made</h2>${table(['note', '>rows'], notes)}` : ''}
${manifest.decisions ? decisionsText(manifest.decisions) : ''}<h2>Results</h2>${Object.keys(sinks).length === 0 ? '<p>The graph has no sink: what it gives is reports.</p>' : ''}${table(
    ['sink', '>rows', 'columns'],
    Object.entries(sinks).map(([id, sink]) =>
      row(
        escape(id),
        sink.rows,
        `${escape(sink.columns.join(', '))}${
          Object.keys(sink.renamed).length > 0
            ? `<br>renamed: ${escape(
                Object.entries(sink.renamed)
                  .map(([from, to]) => `${from} to ${to}`)
                  .join(', '),
              )}`
            : ''
        }`,
      ),
    ),
  )}
<h2>Inputs</h2>${table(
    ['file', '>rows', 'layout', 'sha256'],
    manifest.inputs.map(input =>
      row(escape(input.path), input.rows, escape(input.layout), `<small>${input.sha256.slice(0, 16)}…</small>`),
    ),
  )}
<h2>Time</h2>${table(
    ['', '>seconds'],
    spans.map(({ name, seconds }) => row(escape(name), `<span class="s">${seconds.toFixed(1)}</span>`)),
  )}<p>${wall.toFixed(1)} s in all, ${n(Math.round(peakMemory / 1e6))} MB of memory at most.</p>
<p><small>Sluice ${manifest.sluice}, seed ${manifest.graph.seed}, run ${manifest.hash}</small></p></body></html>
`
}
