/**
 * report.html: one page without outside files that shows what became of the rows. It is made of what a run shows of
 * itself, and of nothing else; its size does not grow with the data. All of it is there without its script, which only
 * filters, searches, opens and collects. Its policy lets nothing run or look otherwise than what is written here: so
 * there is no style attribute, places are attributes of SVG, and looks are classes.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packageRoot } from '../root.ts'
import { changedSection, madeSection, nearSection } from './changed.ts'
import { counted, html, line, number, seconds, shellWord } from './html.ts'
import { labelsSection, reportsHtml, reportsSection } from './labels.ts'
import { byFamily, linked, lostSection, machine, sourceSection, unitOf, type LinkOf, type Section } from './lost.ts'
import { graphSection, repeatSection, timeSection } from './ran.ts'
import { cardsOf } from './rows.ts'
import { families, type Shown, type Took } from './shape.ts'
import { MOST_SHOWN, verdictOf, type Verdict } from './worries.ts'

/** As commands take it: the folder of outputs, where it is not the usual one. */
function outputOf(where: string): string {
  const output = dirname(where)
  return output === 'out' || output === '.' ? '' : ` --output ${shellWord(output)}`
}

/** Sinks that the first screen names. */
const MOST_SINKS = 4

const asset = (name: string): string => readFileSync(join(packageRoot, 'engine', 'report', name), 'utf8')
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** `where`: the run's folder as commands take it, such as `out/latest`; no path of the machine. */
export function pageHtml(shown: Shown, took: Took, where: string): string {
  const style = asset('page.css'),
    script = asset('page.js')
  const { linkOf, rowLink, section: rows } = cardsOf(shown, outputOf(where)),
    report = reportsHtml(shown.reports)
  const sections = [
    lostSection(shown, linkOf),
    sourceSection(shown),
    labelsSection(shown, report, linkOf, rowLink),
    changedSection(shown),
    madeSection(shown, report, rowLink),
    nearSection(shown),
    reportsSection(shown, report),
    rows,
    timeSection(shown, took),
    graphSection(shown),
    repeatSection(shown, outputOf(where)),
  ].filter(section => section !== undefined)
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'`
  const links = [{ id: 'summary', name: 'Summary' }, ...sections].map(
    ({ id, name }) => `<li><a href="#${id}">${name}</a></li>`,
  )
  return [
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">`,
    `<meta name="color-scheme" content="light dark"><title>${line(shown.graph.name, 60)}: ${titleOf(shown)}</title>`,
    `<style>${style}</style></head>\n<body><a class="skip" href="#main">Skip to the report</a>`,
    `<nav aria-label="Sections"><ul>${links.join('')}</ul></nav><main id="main">\n`,
    summaryHtml(shown, took, where, linkOf, sections),
    ...sections.map(sectionHtml),
    `</main><script>${script}</script></body></html>\n`,
  ].join('')
}

const sectionHtml = ({ id, title, lede, body }: Section): string =>
  `<section id="${id}" aria-labelledby="${id}-h"><h2 id="${id}-h">${title}</h2>${lede === undefined ? '' : `<p class="lede">${lede}</p>`}\n${body}</section>\n`

// --------------------------------------------------------------------------------------------------------- summary

const hasTraining = ({ sinks }: Shown): boolean => sinks.some(({ isForReview }) => !isForReview)
const titleOf = (shown: Shown): string =>
  `${counted(shown.pairs.read, unitOf(shown))} in${hasTraining(shown) ? `, ${counted(shown.pairs.out, 'pair')} to train on` : ''}`

const HOW =
  'Read some rows of each line. Where most are rightly left out, or made, train; else take rows back, or change an option of the stage that is named, and run again.'
const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1)
const NUMBERS = ['nothing', 'one thing', 'two things', 'three things', 'four things', 'five things', 'six things']

/** The verdict in words. */
function verdictSaid(shown: Shown): { readonly verdict: Verdict; readonly said: string } {
  const { worries, pairs } = shown,
    isEmpty = hasTraining(shown) && pairs.out === 0,
    verdict = verdictOf(worries, isEmpty),
    looks = worries.slice(0, MOST_SHOWN).filter(({ level }) => level !== 'note').length
  const said = {
    fit: 'Nothing to worry about',
    look: `${hasTraining(shown) ? 'Fit to train on after a look at' : 'Look at'} ${NUMBERS[looks]}`,
    stop: isEmpty ? 'Nothing is left to train on' : 'Do not train on this yet',
  }
  return { verdict, said: said[verdict] }
}

/** What came in and what goes out, on one scale. */
function flowsHtml(shown: Shown): string {
  const { read, out, asRead, made, leftOut, errored } = shown.pairs,
    most = Math.max(1, read, out),
    percent = (count: number) => `${(Math.round((1e5 * count) / most) / 1e3).toString()}%`,
    gone = byFamily(shown.reasons),
    lost = leftOut + errored,
    others = lost - gone.reduce((sum, [, count]) => sum + count, 0)
  let at = Math.max(0, read - lost)
  const bar = (from: number, wide: number, of: string, title: string) =>
    wide <= 0
      ? ''
      : `<rect class="${of}" x="${percent(from)}" width="${percent(wide)}" y="0" height="100%"><title>${title}</title></rect>`
  const went = gone.map(([family, count]) => {
    const drawn = bar(at, Math.min(count, read - at), 'lost', `${number(count, 15)} ${families[family]}`)
    at += count
    return drawn
  })
  const stay = `${number(Math.max(0, read - lost), 15)} stay`,
    flow = (label: string, marks: string) => `<svg class="flow" role="img" aria-label="${label}">${marks}</svg>`
  const outSaid = `${number(out, 15)} to train on: ${number(asRead, 15)} as they came, ${number(made, 15)} made`
  const words = gone.map(([family, count]) => `${number(count, 15)} ${families[family]}`)
  if (others > 0) words.push(`${number(others, 15)} by no stage`)
  return [
    `<div class="flows"><span>in</span>${flow(`${number(read, 15)} read: ${stay}, ${number(lost, 15)} left out`, bar(0, read - lost, 'pale', stay) + went.join(''))}`,
    hasTraining(shown)
      ? `<span>out</span>${flow(outSaid, bar(0, asRead, 'kept', `${number(asRead, 15)} as they came`) + bar(asRead, made, 'made', `${number(made, 15)} made`))}`
      : '',
    '</div><p class="keys">',
    hasTraining(shown)
      ? `<span><span class="key k"></span><b>${number(asRead, 15)}</b> as they came</span>${made === 0 ? '' : `<span><span class="key m"></span><b>${number(made, 15)}</b> made</span>`}`
      : '',
    `<span><span class="key l"></span><b>${number(lost, 15)}</b> left out${words.length > 0 ? `: ${words.join(', ')}` : ''}</span></p>`,
  ].join('')
}

/** Where the page has more on a worry without rows of its own. */
function sectionOf(name: string, sections: readonly Section[]): string | undefined {
  const id = name === 'made' ? 'made' : name.endsWith('length') ? 'changed' : undefined
  return sections.some(section => section.id === id) ? `#${id}` : undefined
}

function worriesHtml({ worries }: Shown, linkOf: LinkOf, sections: readonly Section[]): string {
  if (worries.length === 0) return ''
  const items = worries.slice(0, MOST_SHOWN).map(({ level, name, value, said, why, rows }) => {
    const href = (rows === undefined ? undefined : linkOf(rows)) ?? sectionOf(name, sections),
      behind = [why === undefined ? '' : line(why, 600), rows === undefined ? '' : machine(rows)]
        .filter(Boolean)
        .join(' ')
    return `<li class="${level}"><div><p><b>${line(`${value} ${name}`.trim(), 60)}</b>: ${linked(href, line(said, 400))}</p>${behind === '' ? '' : `<p class="why">${behind}</p>`}</div></li>`
  })
  const more = worries.length - MOST_SHOWN
  return `<ol class="worries">${items.join('')}</ol>${more > 0 ? `<p class="id">${counted(more, 'more', 'more')} in report.json.</p>` : ''}`
}

/** By its card a run is a data set, with a configuration for each sink. */
const howToLoad = (where: string, [{ id }]: Shown['sinks']): string =>
  `a folder of shards: <code>load_dataset(${html(JSON.stringify(where))}, ${html(JSON.stringify(id))})</code>`

/** Where the files are, how a row is taken back, how long it took. */
function factsHtml(shown: Shown, took: Took, where: string, sections: readonly Section[]): string {
  const { sinks, pairs, nodes } = shown
  const path = (name: string) =>
    `<code>${html(`${where}/${name}`)}</code> <button class="plain" type="button" data-copy aria-label="copy ${html(`${where}/${name}`)}" hidden>copy</button>`
  // of a list with a limit: how many there were
  const cameTo = new Map(nodes.map(({ id, in: came }) => [id, came])),
    ofAll = (id: string, rows: number) => ((cameTo.get(id) ?? 0) > rows ? ` of ${number(cameTo.get(id)!, 15)}` : '')
  const list = (some: typeof sinks) =>
    `${some
      .slice(0, MOST_SINKS)
      .map(({ id, rows }) => `${path(line(id))} <span class="id">${number(rows, 15)}${ofAll(id, rows)}</span>`)
      .join('<br>')}${some.length > MOST_SINKS ? `<br>and ${counted(some.length - MOST_SINKS, 'more', 'more')}` : ''}`
  const [train, judge] = [false, true].map(isForReview => sinks.filter(sink => sink.isForReview === isForReview))
  const has = (id: string) => sections.some(section => section.id === id)
  const lost = pairs.leftOut + pairs.errored
  const facts = [
    train.length > 0 ? ['Train on', `${list(train)}<p class="id">${howToLoad(where, train)}</p>`] : undefined,
    judge.length > 0 ? ['To judge', list(judge)] : undefined,
    lost > 0 ? ['Left out', `${path('dropped')} <span class="id">${number(lost, 15)}</span>`] : undefined,
    lost > 0
      ? [
          'Take back',
          `${has('rows') ? 'tick <a href="#rows">rows</a>: ' : ''}the next run takes them by <code class="word">--decisions</code>`,
        ]
      : undefined,
    took.wall === 0 ? undefined : ['Took', `<a href="#time">${seconds(took.wall)}</a>`],
  ].filter(fact => fact !== undefined)
  return `<dl class="facts">${facts.map(([name, text]) => `<div><dt>${name}</dt><dd>${text}</dd></div>`).join('')}</dl>`
}

function summaryHtml(shown: Shown, took: Took, where: string, linkOf: LinkOf, sections: readonly Section[]): string {
  const { verdict, said } = verdictSaid(shown),
    { read, out } = shown.pairs,
    unit = unitOf(shown)
  const heading = hasTraining(shown)
    ? `${counted(read, unit)} in <span class="to" aria-hidden="true">→</span><span class="vh">,</span> ${unit === 'pair' ? number(out, 15) : counted(out, 'pair')} to train on`
    : `${counted(read, unit)} in, looked at and not written`
  return [
    `<section id="summary" aria-labelledby="summary-h"><p class="eyebrow">Sluice · ${line(shown.graph.name, 80)} · run ${line(shown.hash.slice(0, 8))}</p>`,
    `<h1 id="summary-h">${heading}</h1>${flowsHtml(shown)}`,
    shown.about.length > 0
      ? `<p class="id">${shown.about
          .slice(0, 6)
          .map(text => line(text, 400))
          .join(' ')}</p>`
      : '',
    `<div class="first"><div><p class="verdict"><span class="flag ${verdict}">${capital(verdict)}</span> ${said}</p>${verdict === 'look' ? `<p class="why">${HOW}</p>` : ''}${worriesHtml(shown, linkOf, sections)}</div>`,
    `${factsHtml(shown, took, where, sections)}</div></section>\n`,
  ].join('')
}
