/** The summary of a run in ten lines at most, none longer than the terminal: may one train on it, what to look at. */
import { basename, dirname, join, relative, sep } from 'node:path'
import type { Worry } from '../contract/define.ts'
import { isPart, pairInputs, type Manifest } from '../run/manifest.ts'
import type { RunResult } from '../run/run.ts'
import { inLine, type View } from '../terminal.ts'
import { cut, fitting, n, padded, percent, wrap } from './lines.ts'
import { listedNumbers, pairsOf, type Output, type Pairs } from './pairs.ts'
import { familyOf, families } from './shape.ts'
import { verdictOf } from './worries.ts'

const MOST_LINES = 10
/** Narrower terminals get shorter words. */
const WIDE = 70
/** What names and numbers take at most, or nearly. */
const NAMES = 24

const s = (count: number, one: string): string => `${n(count)} ${one}${count === 1 ? '' : 's'}`
export const timeOf = (seconds: number): string =>
  seconds < 10
    ? `${seconds.toFixed(1)} s`
    : seconds < 60
      ? `${Math.round(seconds)} s`
      : `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')} min`

/** A line: a name, a number, and words, of which the first that fit are taken. */
interface Line {
  readonly name: string
  readonly value?: string
  readonly texts: readonly string[]
  /** Of a worry. */
  readonly number?: number
  /** Paths and commands: what is cut of them is of no use. */
  readonly isWhole?: true
}

export function shortSummary(result: RunResult, view: View): string[] {
  const { manifest, folder, status } = result
  if (status === 'nothing_new') {
    const { kept, read } = manifest.rows,
      said = `nothing new: ${shown(latestOf(result))} already holds exactly this (${n(kept)} of ${n(read)} rows kept)`
    return wrap(said, view.columns, view)
  }
  const pairs = pairsOf(manifest),
    { worries = [] } = manifest,
    where = status === 'published' ? latestOf(result) : folder,
    things = worries.filter(({ level }) => level !== 'note')
  const begin = head(result, pairs, view),
    first = trainLines(pairs, manifest, where, view),
    people = peopleLine(pairs, where),
    last: Line[] = [
      { name: 'page', texts: [shown(join(where, 'report.html'))], isWhole: true },
      { name: 'next', texts: nextOf(result, things, pairs, where), isWhole: true },
    ]
  const fixed = [...first, ...last],
    columns = columnsOf([...fixed, ...people, ...things.map(worryLine)], view),
    free = MOST_LINES - 1 - begin.length - fixed.reduce((sum, line) => sum + heightOf(line, columns, view), 0)
  const most = Math.max(1, free - (view.columns >= WIDE ? people.length : 0)),
    numbered = things.slice(0, most).map((worry, i) => ({ ...worryLine(worry), number: i + 1 })),
    notes = [...worries.filter(({ level }) => level === 'note').map(worryLine), ...askedLine(result)],
    middle = [...numbered, ...people, ...notes].slice(0, Math.max(free, numbered.length))
  return [
    ...begin,
    verdictLine(verdictOf(worries, status === 'empty'), things.length, numbered.length, pairs, view),
    ...laidOut([...first, ...middle, ...last], columns, free - middle.length, view),
  ]
}

const worryLine = ({ name, value, said }: Worry): Line => ({
  name: inLine(name === families.both_ways ? plain.both_ways : name),
  value: inLine(value),
  // the number stands before it
  texts: [inLine(value !== '' && said.startsWith(`${value} `) ? said.slice(value.length + 1) : said)],
})

/** What came in and what came out, and at the right which graph it was and how long it took. */
function head({ manifest, seconds, status }: RunResult, pairs: Pairs, view: View): string[] {
  const { rows, inputs, graph, stages } = manifest,
    isWhole = pairs.pairs === rows.read,
    all = pairInputs({ inputs }).reduce((sum, input) => sum + input.rows, 0)
  const read = `${n(rows.read)}${isPart(manifest) ? ` of ${n(all)}` : ''} ${isWhole ? 'pairs' : 'rows'}`,
    came = isWhole || pairs.pairs === undefined ? `${read} in` : `${read}, ${n(pairs.pairs)} pairs in`
  const audits = Object.keys(stages).filter(id => isAudit(manifest, id)).length
  const went =
    pairs.outputs.length > 0
      ? `${n(pairs.out)}${isWhole ? '' : ' pairs'} to train on`
      : pairs.lists.length > 0
        ? `${n(pairs.lists.reduce((sum, list) => sum + list.rows, 0))} for people`
        : audits > 0 && status === 'published'
          ? `${s(audits, 'report')}, and nothing is written`
          : 'nothing is written'
  const text = `${came} -> ${went}`,
    aside = `${inLine(graph.name)}, ${timeOf(seconds)}`,
    room = view.columns - view.width(text) - view.width(aside)
  const [line, ...more] = wrap(text, view.columns, view)
  return [
    `${view.paint('bold', line)}${room >= 3 ? ' '.repeat(room) + aside : ''}`,
    ...more.map(rest => view.paint('bold', rest)),
  ]
}

/** Neither input nor output, and no rows: what the inputs of an audit are is an object of names. */
const isAudit = ({ graph }: Manifest, id: string): boolean =>
  !Array.isArray(graph.stages.find(stage => stage.id === id)?.from)

const words = { fit: ['green', 'OK  '], look: ['yellow', 'LOOK'], stop: ['red', 'STOP'] } as const

function verdictLine(
  verdict: keyof typeof words,
  things: number,
  numbered: number,
  { outputs, out }: Pairs,
  view: View,
): string {
  const [colour, word] = words[verdict],
    lines = numbered === 1 ? 'line 1' : `lines 1 ${numbered === 2 ? 'and' : 'to'} ${numbered}`,
    before = outputs.length > 0 ? ' before you train' : '',
    which = numbered < things ? `the first are ${lines}` : lines
  const texts = {
    fit: ['nothing to worry about.'],
    look: [`at ${s(things, 'thing')}${before}: ${which}.`, `at ${s(things, 'thing')}${before}.`],
    stop:
      outputs.length > 0 && out === 0
        ? ['nothing is left to train on.']
        : [`do not train on this yet${things > 0 ? `: ${which}` : ''}.`, 'do not train on this yet.'],
  }[verdict]
  return `${view.paint(colour, word)}  ${fitting(texts, view.columns - 6, view)}`
}

function trainLines(pairs: Pairs, manifest: Manifest, where: string, view: View): Line[] {
  const { outputs, out, asRead, made, leftOut, rows } = pairs,
    { decisions, stages, kept_elsewhere: twice } = manifest,
    isFlipped = [decisions?.flip, ...Object.values(stages).map(({ notes }) => notes.flipped)].some(Boolean),
    came = isFlipped ? 'that came in' : 'as they came',
    parts = made === 0 ? came : `${n(asRead)} ${came}, ${n(made)} made`,
    files = filesOf(outputs, where),
    hasRoom = view.width(`${parts}: ${files}`) <= view.columns - NAMES
  const left = reasonsOf(manifest),
    [[name, most] = ['', 0], ...others] = left,
    share = percent(leftOut / Math.max(1, rows)),
    all = left.reduce((sum, [, count]) => sum + count, 0)
  return [
    ...(outputs.length > 0
      ? [
          {
            name: 'train on',
            value: n(out),
            texts: hasRoom ? [`${parts}: ${files}`] : [parts, made === 0 ? '' : `${n(asRead)} + ${n(made)} made`],
          },
        ]
      : []),
    {
      name: 'left out',
      value: n(leftOut),
      texts:
        most === 0
          ? ['']
          : [
              `${share}: ${listedNumbers(left)}${twice > 0 ? `; ${n(twice)} of these are kept another way` : ''}`,
              ...(others.length > 0 ? [`${share}: ${n(most)} ${name}, ${n(all - most)} others`] : []),
              share,
            ],
    },
    ...(outputs.length > 0 && !hasRoom ? [{ name: 'data', texts: [files], isWhole: true as const }] : []),
  ]
}

const plain: typeof families = { ...families, both_ways: 'both ways' }

/** Why rows went, in plain words, most first. */
function reasonsOf({ stages, dropped_by_none: none }: Manifest): [string, number][] {
  const counts: Record<string, number> = {}
  const add = (name: string, count: number) => (counts[name] = (counts[name] ?? 0) + count)
  for (const { reasons, kinds, families: own, errored } of Object.values(stages)) {
    for (const [reason, count] of Object.entries(reasons)) {
      add(plain[own?.[reason] ?? familyOf({ kind: kinds[reason], about: '' })], count)
    }
    add(families.error, errored)
  }
  add('replaced by made pairs', none.parent)
  add('rejected sides of others', none.rejected_side)
  add('in no output', none.unused)
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
}

const filesOf = (outputs: readonly Output[], where: string): string =>
  outputs.length === 1
    ? shown(join(where, outputs[0].id))
    : `${outputs.map(({ id, rows }) => `${id} ${n(rows)}`).join(', ')} in ${shown(where)}`

const peopleLine = ({ lists }: Pairs, where: string): Line[] =>
  lists.length === 0
    ? []
    : [
        {
          name: 'for people',
          value: n(lists.reduce((sum, { rows }) => sum + rows, 0)),
          texts: [filesOf(lists, where)],
        },
      ]

function askedLine({ calls }: RunResult): Line[] {
  const all = Object.values(calls),
    sum = (of: (done: (typeof all)[number]) => number) => all.reduce((total, done) => total + of(done), 0)
  if (all.length === 0) return []
  const usd = sum(({ usd }) => usd)
  return [
    {
      name: 'asked',
      value: n(sum(({ asked }) => asked)),
      texts: [
        `answers of servers, ${n(sum(({ cached }) => cached))} of them kept from before; ${s(
          sum(({ requests }) => requests),
          'request',
        )}${usd > 0 ? `, $${usd.toFixed(2)}` : ''}`,
        usd > 0 ? `answers, $${usd.toFixed(2)}` : 'answers of servers',
      ],
    },
  ]
}

/** The command to type next, with what it shows. */
function nextOf(
  { manifest, folder, status }: RunResult,
  things: readonly Worry[],
  { outputs }: Pairs,
  where: string,
): string[] {
  const output = shown(dirname(where)),
    of = `${status === 'published' ? '' : ` ${quoted(basename(folder))}`}${output === 'out' || status !== 'published' ? '' : ` --output ${quoted(output)}`}`
  const worst = Object.entries(manifest.stages)
    .flatMap(([id, { reasons }]) =>
      Object.entries(reasons).map(([reason, count]) => ({ rows: `${id}.${reason}`, count })),
    )
    .sort((a, b) => b.count - a.count)
    .at(0)
  const about = things.find(({ rows }) => rows !== undefined) ?? (status === 'empty' ? worst : undefined)
  if (about?.rows !== undefined) {
    const [id, name] = about.rows.split('.'),
      isNote = manifest.stages[id]?.notes[name] !== undefined && manifest.stages[id].reasons[name] === undefined,
      command = `npx sluice show${of} --${isNote ? 'noted' : 'reason'} ${about.rows}`
    return [`${command}   these pairs, side by side`, command]
  }
  if (things.some(({ name }) => name.startsWith('labels')) && outputs.length > 0) {
    const command = `npx sluice show${of} --kept --lowest`
    return [`${command}   the most doubtful of those kept`, command]
  }
  return [`npx sluice verify${of}`]
}

/** As a shell takes it. */
const quoted = (word: string): string => (/^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

const latestOf = ({ folder }: RunResult): string =>
  basename(folder) === 'latest' ? folder : join(dirname(dirname(folder)), 'latest')
/** A path as a person in this folder types it. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return inLine(short === '..' || short.startsWith(`..${sep}`) ? path : short || '.')
}

/** Where numbers and words begin. */
interface Columns {
  readonly names: number
  readonly values: number
  readonly gap: number
}
function columnsOf(lines: readonly Line[], { columns, width }: View): Columns {
  const widest = (of: (line: Line) => string) => Math.max(...lines.map(line => width(of(line))))
  return {
    names: Math.min(
      columns >= WIDE ? 18 : 10,
      widest(({ name }) => name),
    ),
    values: Math.min(
      12,
      widest(({ value = '' }) => value),
    ),
    gap: columns >= WIDE ? 3 : 2,
  }
}
/** The column at which the words of a line begin. */
const beginOf = ({ value }: Line, { names, values, gap }: Columns, { width }: View): number =>
  value === undefined ? 1 + names + gap : 4 + names + Math.max(values, width(value)) + gap
/** Lines that it takes at least. */
const heightOf = (line: Line, columns: Columns, view: View): number =>
  line.isWhole ? partsOf(line, columns, view).length : 1

function partsOf(line: Line, columns: Columns, view: View): string[] {
  const room = Math.max(1, view.columns - beginOf(line, columns, view)),
    text = fitting(line.texts, room, view)
  return view.width(text) <= room ? [text] : wrap(text, room, view)
}

/** Lines in columns; those that are too long go on in so many lines that are `spare`, or are cut. */
function laidOut(lines: readonly Line[], columns: Columns, spare: number, view: View): string[] {
  const { names, values } = columns
  let left = spare
  return lines.flatMap(line => {
    const { name, value, number, isWhole } = line,
      before = beginOf(line, columns, view),
      parts = partsOf(line, columns, view),
      kept = isWhole ? parts : parts.slice(0, 1 + Math.max(0, left))
    if (kept.length < parts.length) {
      kept[kept.length - 1] = cut(`${kept[kept.length - 1]} …`, view.columns - before, view)
    }
    if (!isWhole) left -= kept.length - 1
    const mark = number === undefined ? ' ' : view.paint('yellow', String(number)),
      label = padded(cut(name, names, view), names, view),
      count = value === undefined ? '' : `  ${' '.repeat(Math.max(0, values - view.width(value)))}${value}`,
      space = before - 2 - names - view.width(count)
    return kept.map((part, i) =>
      `${i === 0 ? `${mark} ${label}${count}${' '.repeat(space)}` : ' '.repeat(before)}${part}`.trimEnd(),
    )
  })
}
