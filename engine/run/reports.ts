/** What stages and audits report of a run: with the numbers of the run before, checked, and heeded if they refuse. */
import { realpathSync } from 'node:fs'
import { basename } from 'node:path'
import type { Report } from '../contract/define.ts'
import { EXIT, prefixed, SluiceError } from '../errors.ts'
import { nearest } from '../graph/messages.ts'
import { OWN_ROWS, type Node } from '../graph/types.ts'
import { keyText } from '../key_text.ts'
import { publicOptions, type latestManifest, type Manifest } from './manifest.ts'
import type { Tallied } from './messages.ts'
import { filesSaid, type HeldFiles } from './stage_files.ts'

/** What an audit reported in the run before, by the name of that run. */
export interface Previous {
  readonly run: string
  readonly numbers: Readonly<Record<string, number>>
}
export interface Reported {
  readonly report: Report
  readonly previous?: Previous
}

/** What is learnt of a run before it is published. */
export interface Learnt {
  readonly tallies: ReadonlyMap<string, ReadonlyMap<string, Tallied>>
  stateOf(node: string): unknown
  readonly latest: ReturnType<typeof latestManifest>
  /** Of the run. */
  readonly hash: string
  /** Whether runs of one hash may differ, as a stage reads what is in no key. */
  readonly mayDiffer: boolean
  readonly held: HeldFiles
}

/** The reports of all nodes that have something to say, by id. */
export function reportsOf(nodes: readonly Node[], learnt: Learnt): Record<string, Reported> {
  return Object.fromEntries(
    nodes.flatMap((node): [string, Reported][] => {
      try {
        const reported = reportOf(node, learnt)
        if (!reported) return []
        checkReport(reported.report)
        return [[node.id, { ...reported, report: withPlaces(node.id, reported.report) }]]
      } catch (error) {
        throw prefixed(`${node.id} (${node.use}), in its report`, error)
      }
    }),
  )
}

/** Worries name rows of the stage that has them without its id, which it does not know. */
const withPlaces = (id: string, report: Report): Report => ({
  ...report,
  ...(report.worries
    ? { worries: report.worries.map(one => (one.rows?.startsWith('.') ? { ...one, rows: id + one.rows } : one)) }
    : {}),
})

function reportOf(node: Node, learnt: Learnt): Reported | undefined {
  const { id, stage, options } = node,
    tallies = learnt.tallies.get(id)
  if (stage.kind === 'stage') {
    const report = stage.report?.(options, { state: learnt.stateOf(id), tally: tallies?.get(OWN_ROWS)?.value })
    return report && { report }
  }
  if (stage.kind !== 'audit') return undefined
  const previous = previousOf(node, learnt),
    values = Object.fromEntries([...(tallies ?? [])].map(([input, { value }]) => [input, value]))
  const report = stage.report(options, values, previous?.numbers)
  return previous ? { report, previous } : { report }
}

/**
 * The numbers of the run before, where it had the audit in the same version with the same options and files. A run that
 * is published again has those that it was published with: what it reports does not depend on itself.
 */
function previousOf(node: Node, { latest, hash, mayDiffer, held }: Learnt): Previous | undefined {
  const before = latest?.manifest
  if (!before) return undefined
  if (before.hash === hash && !mayDiffer) return before.stages[node.id]?.previous
  const same = before.graph.stages.some(
    ({ id, use, version, with: options, files = [] }) =>
      id === node.id &&
      use === node.use &&
      version === node.stage.version &&
      keyText(options) === keyText(publicOptions(node)) &&
      keyText(files) === keyText(filesSaid(held.get(id))),
  )
  const numbers = same ? before.stages[node.id]?.report?.numbers : undefined
  return numbers && { run: basename(realpathSync(latest.folder)), numbers: finite(numbers) }
}

const finite = (numbers: Report['numbers']): Record<string, number> =>
  Object.fromEntries(Object.entries(numbers).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))

const isText = (value: unknown): boolean => typeof value === 'string'
const isCell = (value: unknown): boolean =>
  value === null || isText(value) || (typeof value === 'number' && Number.isFinite(value))

/** Throws where the pages and the manifest could not say what a report says: users write reports, too. */
function checkReport({ lines, numbers, tables = {}, charts = [], worries = [], refuse = [] }: Report): void {
  for (const [name, texts] of Object.entries({ lines, refuse })) {
    if (!Array.isArray(texts) || !texts.every(isText)) {
      throw new Error(`'${name}' is ${shown(texts)}, not a list of texts`)
    }
  }
  for (const worry of worries) {
    const texts = [worry.name, worry.value, worry.said, worry.why ?? '', worry.rows ?? '']
    if (!['note', 'look', 'stop'].includes(worry.level) || !texts.every(isText)) {
      throw new Error(`a worry is ${shown(worry)}; its level is note, look or stop, and all else are texts`)
    }
  }
  if (typeof numbers !== 'object' || numbers === null || Array.isArray(numbers)) {
    throw new Error(`'numbers' is ${shown(numbers)}, not an object of numbers by name`)
  }
  for (const [name, rows] of Object.entries(tables)) {
    for (const [i, row] of rows.entries()) {
      const wrong = Object.entries(row).find(([, cell]) => !isCell(cell))
      if (wrong) {
        const cells = 'a cell is text, a finite number or null'
        throw new Error(`the table '${name}' has ${shown(wrong[1])} in row ${i}, column '${wrong[0]}'; ${cells}`)
      }
    }
  }
  for (const { title, table, mark, encoding } of charts) {
    if (!Object.hasOwn(tables, table)) throw new Error(missing(title, `table '${table}'`, table, Object.keys(tables)))
    const columns = [...new Set(tables[table].flatMap(Object.keys))]
    for (const column of Object.values(encoding)) {
      if (tables[table].length > 0 && !columns.includes(column)) {
        throw new Error(missing(title, `column '${column}' of '${table}'`, column, columns))
      }
    }
    const [x, y] = [encoding.x, encoding.y].map(column => tables[table].some(row => typeof row[column] === 'string'))
    if (mark === 'bar' && x && y) {
      throw new Error(
        `the chart '${title}' has names on both axes (${encoding.x}, ${encoding.y}); a bar needs numbers on one`,
      )
    }
  }
}

const shown = (value: unknown): string => JSON.stringify(value) ?? String(value)
function missing(chart: string, what: string, name: string, names: readonly string[]): string {
  const near = nearest(name, names),
    there = near === undefined ? `there are ${names.join(', ') || 'none'}` : `did you mean '${near}'?`
  return `the chart '${chart}' draws the ${what}, which is not there; ${there}`
}

/** Ends a run that a report refuses: with every sentence, and nothing published. */
export function heedReports(reports: Readonly<Record<string, Reported>>, latest: Learnt['latest']): void {
  const sentences = Object.entries(reports).flatMap(
    ([
      id,
      {
        report: { refuse = [] },
      },
    ]) => refuse.map(sentence => `${id}: ${sentence}`),
  )
  if (sentences.length === 0) return
  const before = latest ? `${latest.folder} still is the run before` : 'no run is published yet'
  throw new SluiceError(
    `run: not published, as the reports refuse it:\n  ${sentences.join('\n  ')}\n${before}; change what is read, the graph or the limits and run again: what is finished is kept`,
    EXIT.data,
  )
}

/** What a manifest says of reports: tables and charts are for the page alone. */
export const saidOf = ({ report, previous }: Reported): Pick<Manifest['stages'][string], 'report' | 'previous'> => ({
  report: { lines: report.lines, numbers: report.numbers },
  ...(previous ? { previous } : {}),
})
