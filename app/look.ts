/** `sluice look FILE`: how the pairs of a file would be read, before anything runs, or what is to be said of them. */
import { DataType, type RecordBatch } from 'apache-arrow'
import { stringify } from 'yaml'
import { figureLines, figuresOf, type Figures } from './look_figures.ts'
import { registry } from '../stages/registry.ts'
import { messagesColumn, type Message } from '../engine/arrow/columns.ts'
import { jsonValueOf } from '../engine/arrow/plain.ts'
import type { AnySource } from '../engine/contract/define.ts'
import { DataError, EXIT } from '../engine/errors.ts'
import { factsOf, tallyOf } from '../engine/map/facts.ts'
import { presets } from '../engine/map/presets.ts'
import { MOST_SHOWN, proposalLines } from '../engine/map/refusal.ts'
import { propose } from '../engine/map/propose.ts'
import type { Proposal } from '../engine/map/proposal.ts'
import { headsOf, mapSaid } from '../engine/map/said.ts'
import { ruleOf } from '../engine/map/prefer.ts'
import type { MapSpec } from '../engine/map/spec.ts'
import { CONTEXT } from '../engine/source/further_fields.ts'
import { sourceOf } from '../engine/run/inputs.ts'
import { openMapped } from '../engine/source/convert.ts'
import type { How } from '../engine/source/how.ts'
import { columnOf, usedColumns } from '../engine/source/mapping.ts'
import { lookAtInputs, type Looked } from '../engine/source/open.ts'
import type { SourceOptions } from '../engine/source/options.ts'
import { inLine, terminal as console } from '../engine/terminal.ts'

/** What is said of one file; `asks` is empty where it is certain how it is read. */
interface Look {
  readonly file: string
  readonly rows: number
  readonly layout?: string
  readonly taken_for?: string
  readonly map?: MapSpec
  readonly said?: string
  /** Of the first rows: pairs, and rows that are none by their reason. */
  readonly first_rows?: {
    readonly rows: number
    readonly pairs: number
    readonly none: Readonly<Record<string, number>>
  }
  readonly figures?: Figures
  readonly labels?: readonly { readonly column: string; readonly values: Readonly<Record<string, string>> }[]
  readonly pairs?: readonly Readonly<Record<string, string>>[]
  readonly beside?: readonly string[]
  readonly notices: readonly string[]
  readonly why?: string
  readonly proposals: readonly Proposal[]
}

/** The command; gives its exit code: 0 where all files are certain, else 65. */
export async function lookCommand(
  paths: readonly string[],
  { map, json, isPresets }: { map?: MapSpec | string; json: boolean; isPresets: boolean },
): Promise<number> {
  if (isPresets) {
    console.log(json ? JSON.stringify(presets(), null, 2) : presets().map(presetLine).join('\n'))
    return EXIT.ok
  }
  const use = await sourceOf(paths, 'read_parquet', registry),
    source = (await registry.get(use)!()) as AnySource,
    [path, ...more] = paths
  const usual = Object.entries(source.options.properties as Record<string, { default?: unknown }>).flatMap(
    ([name, option]) => ('default' in option ? [[name, option.default]] : []),
  )
  const options = { ...Object.fromEntries(usual), path, more_paths: more, ...(map === undefined ? {} : { map }) }
  const files = await lookAtInputs(source, options as unknown as SourceOptions, process.cwd(), text =>
      console.error(text),
    ),
    looks: Look[] = []
  for (const file of files) looks.push(await lookAt(file))
  if (json) console.log(JSON.stringify(looks, null, 2))
  else console.log(looks.map(look => linesOf(look, use).join('\n')).join('\n\n'))
  const isRead = ({ why, rows, first_rows: first }: Look) => why === undefined && (rows === 0 || first!.pairs > 0)
  return looks.every(isRead) ? EXIT.ok : EXIT.data
}

const presetLine = ({ name, about, notes }: ReturnType<typeof presets>[number]): string =>
  `${name.padEnd(24)} ${about}\n${' '.repeat(25)}${notes}`

async function lookAt(file: Looked): Promise<Look> {
  const samples = await file.samples(),
    base = { file: file.path, rows: file.rows }
  try {
    return { ...base, ...(await foundIn(file, samples, await file.how())), proposals: [] }
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return { ...base, why: error.message, notices: [], proposals: propose(file.schema, samples).proposals }
  }
}

/** Rows whose pairs are shown. */
const SHOWN = 2

async function foundIn(
  file: Looked,
  samples: readonly RecordBatch[],
  how: How,
): Promise<Omit<Look, 'file' | 'rows' | 'proposals'>> {
  const converter = openMapped(how.map, how.pairs, file.schema),
    none: Record<string, number> = {}
  let rows = 0,
    made = 0
  const batches: RecordBatch[] = []
  for (const sample of samples) {
    const { pairs, refused } = converter.convert(
      sample,
      Uint32Array.from({ length: sample.numRows }, (_, row) => rows + row),
    )
    rows += sample.numRows
    made += pairs.numRows
    for (const { reason } of refused) none[reason] = (none[reason] ?? 0) + 1
    batches.push(pairs)
  }
  const [first] = batches as (RecordBatch | undefined)[],
    facts = factsOf(file.schema, samples)
  const used = new Set(how.map ? headsOf(how.map) : usedColumns(how.pairs))
  const beside = facts.filter(
    ({ path, kind, length, isList }) =>
      kind === 'text' && !isList && length >= 20 && !used.has(path) && !path.includes('.') && !CONTEXT.includes(path),
  )
  // lists, also those that are JSON text
  const isList = (name: string, type: DataType) =>
    DataType.isList(type) || facts.some(({ path, kind }) => path === `${name}[]` || (path === name && kind === 'turns'))
  const lists = file.schema.fields.filter(
    ({ name, type }) => !used.has(name) && !CONTEXT.includes(name) && isList(name, type),
  )
  return {
    layout: how.layout,
    ...(how.found === undefined ? {} : { taken_for: how.found }),
    ...(how.map ? { map: how.map, said: mapSaid(how.map), ...labelsIn(file, samples, how.map) } : {}),
    first_rows: { rows, pairs: made, none },
    ...(made > 0 ? { figures: await figuresOf(batches, facts) } : {}),
    pairs: first ? Array.from({ length: Math.min(SHOWN, first.numRows) }, (_, row) => shownPair(first, row)) : [],
    beside: [
      ...beside.map(({ path, length }) => `${path} (text, ${Math.round(length)} characters)`),
      ...lists.map(({ name }) => `${name} (list)`),
    ],
    notices: await file.notices(),
  }
}

/** What each value of the label does, with its count. */
function labelsIn(file: Looked, samples: readonly RecordBatch[], { prefer, answers }: MapSpec): Pick<Look, 'labels'> {
  if (!prefer?.by || !answers) return {}
  const facts = factsOf(file.schema, samples),
    rule = ruleOf(prefer)
  const meant = (value: string) => [...answers, 'tie', 'unreadable'][rule(value)]
  return {
    labels: [prefer.by].flat().flatMap(column => {
      const fact = facts.find(({ path }) => path === column)
      return fact
        ? [
            {
              column,
              values: Object.fromEntries(
                tallyOf(fact)
                  .slice(0, 12)
                  .map(([value, count]) => [value, `${count} → ${meant(value)}`]),
              ),
            },
          ]
        : []
    }),
  }
}

function shownPair(pairs: RecordBatch, row: number): Record<string, string> {
  const say = (messages: readonly Message[]) => messages.map(({ role, content }) => `${role}: ${content}`).join(' | ')
  return Object.fromEntries(
    ['id', 'prompt', 'chosen', 'rejected'].flatMap(name => {
      const data = columnOf(pairs, name)
      return data
        ? [[name, name === 'id' ? String(jsonValueOf(data, row)) : say(messagesColumn(data).messages(row))]]
        : []
    }),
  )
}

const cut = (text: string): string => (text.length > 160 ? `${text.slice(0, 159)}…` : text)

function linesOf(look: Look, use: string): string[] {
  const {
    file,
    rows,
    layout,
    taken_for: found,
    said,
    map,
    first_rows: first,
    figures,
    labels = [],
    pairs = [],
    beside = [],
    notices,
  } = look
  const head = `${inLine(file)}: ${rows.toLocaleString('en-US')} rows`
  if (first === undefined) {
    const more = look.proposals.slice(MOST_SHOWN).flatMap(proposalLines)
    return [`${head}; ${look.why!}`, ...more.map(line => `  ${line}`)]
  }
  const none = Object.entries(first.none).map(([reason, count]) => `${count} ${reason}`)
  return [
    `${head}, read as ${layout}${found === undefined ? '' : `: ${found}`}`,
    ...(said === undefined ? [] : [`  ${said}`]),
    ...labels.map(
      ({ column, values }) =>
        `  ${column}: ${Object.entries(values)
          .map(([value, what]) => `${value} ${what}`)
          .join(', ')}`,
    ),
    `  of the first ${first.rows} rows: ${[`${first.pairs} pairs`, ...none].join(', ')}`,
    ...pairs.flatMap(pair => Object.entries(pair).map(([name, text]) => `    ${name.padEnd(9)}${cut(inLine(text))}`)),
    ...(figures ? figureLines(figures, first.rows).map(line => `  ${line}`) : []),
    ...(beside.length === 0 ? [] : [`  beside the pair, which no trainer sees: ${beside.join(', ')}`]),
    ...notices.map(notice => `  look: ${notice}`),
    '  in a graph:',
    `    - { id: pairs, use: ${use}, with: ${stringify({ path: file, ...(map ? { map } : {}) }, { collectionStyle: 'flow', lineWidth: 0 }).trim()} }`,
  ]
}
