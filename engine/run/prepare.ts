/** A graph made ready: read, and held against the footers and layouts of its inputs, before a row is processed. */
import { existsSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Schema } from 'apache-arrow'
import type { AnySink, AnySource, Registry } from '../contract/define.ts'
import type { InputFile } from '../source/input.ts'
import { pairingIn } from '../source/options.ts'
import { holdFiles, openInputs, openTables, type TableFile } from '../source/open.ts'
import { servicesOf, type Services } from '../calls/graph.ts'
import { identityOf } from '../files/find.ts'
import { DataError, EXIT, SluiceError } from '../errors.ts'
import { heldBack, idlePairing, withPairs } from '../graph/answers.ts'
import { checkGraph, graph as graphOf, type GraphBuilder } from '../graph/build.ts'
import { resolveColumns } from '../graph/columns.ts'
import { formatProblems, GraphError } from '../graph/messages.ts'
import type { Graph, Node } from '../graph/types.ts'
import { labelOf } from './manifest.ts'
import { withInput } from './inputs.ts'
import { checkOptions } from './options.ts'
import { give, seenOf, type Seen } from '../graph/watch.ts'
import { recall, seenFolder } from './seen.ts'
import { findStageFiles, type NamedFiles } from './stage_files.ts'
import type { GraphInput, RunOptions } from './options.ts'

export interface Prepared {
  readonly graph: Graph
  readonly files: readonly (InputFile & { source: string })[]
  /** Files of tables. */
  readonly tables: readonly (TableFile & { source: string })[]
  readonly schemas: ReadonlyMap<
    string,
    {
      readonly input: Schema
      readonly output: Schema
      readonly tallied?: ReadonlyMap<string, Schema>
      readonly tables?: ReadonlyMap<string, Schema>
    }
  >
  readonly isText: ReadonlyMap<string, boolean>
  readonly services: Services
  /** Files that stages name. */
  readonly stageFiles: NamedFiles
  /** Stages that stand in the graph by themselves, a line each: for who checks it. */
  readonly added: readonly string[]
  /** Problems that do not stop a run, a line each. */
  readonly warnings: string
}

/**
 * Reads the graph and the footers and layouts of its inputs, and finds everything that is wrong before a row is
 * processed.
 */
export async function prepare(
  input: GraphInput,
  options: RunOptions,
  userFolder: string,
  registry: Registry,
): Promise<Prepared> {
  checkOptions(options)
  const { builder, overrides: named } = await withInput(
    typeof input === 'object' && 'written' in input ? input : graphOf(input),
    options.input,
    options.map,
    options.set,
    registry,
  )
  const overrides = [...(options.set ?? []), ...named],
    { now, later } = heldBack(overrides, (await builder.written()).value)
  const checked = async (of: GraphBuilder, overrides: readonly string[]) => {
    const { graph, problems } = await checkGraph(of, { overrides, userFolder, registry })
    if (!graph) throw new GraphError(problems)
    return { graph: options.seed === undefined ? graph : { ...graph, seed: options.seed }, warnings: problems }
  }
  let { graph, warnings } = await checked(builder, now)
  const sources = [...graph.nodes, ...graph.tables].filter(({ stage }) => stage.kind === 'source')
  // a source of one's own is known by its stage alone
  if (options.input?.length && sources.length > 1) {
    throw new SluiceError(
      `run: --input is for graphs with one source, and this one has ${sources.length} (${sources.map(({ id }) => id).join(', ')}); use --set <source>.path=…`,
      EXIT.usage,
    )
  }
  const inputs = new Map<string, InputFile[]>(),
    told: string[] = []
  for (const node of graph.nodes) {
    if (node.stage.kind === 'source') inputs.set(node.id, await inputsOf(node, graph.base, text => told.push(text)))
  }
  const answers = answersOf(graph, inputs),
    written = new Set(graph.nodes.map(({ id }) => id))
  if (answers.size > 0 || later.length > 0) {
    const read = graph
    ;({ graph, warnings } = await checked(
      { ...builder, written: async () => withPairs(await builder.written(), read, answers) },
      overrides,
    ))
  }
  const tables: Prepared['tables'][number][] = []
  for (const node of graph.tables) {
    const { id, options } = node
    const warn = (text: string) => told.push(text),
      some = await asked(() => openTables(givingOf(node), options as never, graph.base, warn))
    tables.push(...some.map(file => ({ ...file, source: id })))
  }
  // those of one source are held where they are found
  if (sources.length > 1) {
    const found = sources.map(({ id, stage, options }) => ({
      source: stage as AnySource,
      options: options as never,
      files: inputs.get(id) ?? tables.filter(({ source }) => source === id),
    }))
    await asked(() => holdFiles(found, graph.base))
  }
  const files = [...inputs].flatMap(([source, some]) => some.map(file => ({ ...file, source })))
  const { services, problems: unfit } = servicesOf(graph)
  const opened = new Map<string, { path: string; schema: Schema; isText?: boolean }[]>(
    [...inputs].map(([id, some]) => [id, [...some]]),
  )
  for (const file of tables) opened.set(file.source, [...(opened.get(file.source) ?? []), file])
  const { nodes, problems: unread } = resolveColumns(graph, opened),
    { files: stageFiles, problems: unusable } = findStageFiles(graph),
    layouts = new Map(
      [...inputs].map(([id, some]) => {
        const full = some.filter(({ rows }) => rows > 0)
        // lists that a mapping makes are scored completions too
        return [id, new Set(full.map(({ layout, plan }) => (plan.pairs.completions ? 'completions' : layout)))]
      }),
    ),
    problems = [...unfit, ...unread, ...unusable, ...idlePairing(graph, layouts, written)]
  if (problems.some(({ level }) => level === 'error')) throw new GraphError(problems)
  const schemas = new Map(
    graph.nodes.map(node => {
      const { input, output, tallied, tables, isText } = nodes.get(node.id)!
      return [
        node.id,
        {
          input,
          tallied,
          tables,
          output:
            node.stage.kind === 'sink'
              ? (node.stage as AnySink).schema(node.options as never, input, isText).schema
              : output,
        },
      ]
    }),
  )
  recall(seenFolder(join(resolve(options.output ?? 'out'), '.sluice')), [...graph.nodes, ...graph.tables])
  return {
    graph,
    files,
    tables,
    schemas,
    services,
    stageFiles,
    added: graph.nodes.filter(({ id }) => !written.has(id)).map(addedLine),
    isText: new Map([...nodes].map(([id, { isText }]) => [id, isText])),
    warnings: [
      formatProblems([...warnings, ...problems]),
      ...graph.nodes.flatMap(node => readsOf(node, seenOf(node.own?.key ?? ''))),
      ...told,
      ...sharedOf(inputs),
      ...unreadOf([...files, ...tables]),
    ]
      .filter(Boolean)
      .join('\n'),
  }
}

const someOf = (paths: readonly string[]): string =>
  `${paths.slice(0, 3).map(labelOf).join(', ')}${paths.length > 3 ? ` and ${paths.length - 3} more` : ''}`

/**
 * Files that give nothing, as an empty one may have been meant to hold rows, and those that end too early. One line for
 * each kind.
 */
function unreadOf(files: readonly Pick<InputFile, 'path' | 'rows' | 'facts'>[]): string[] {
  const pathsOf = (some: readonly { path: string }[]) => some.map(({ path }) => path)
  const cut = files.flatMap(({ path, facts: { cut_line: line } }) =>
    typeof line === 'number' ? [`${path} (line ${line.toLocaleString('en-US')})`] : [],
  )
  const nans = files.flatMap(({ path, facts: { nan: count } }) =>
    typeof count === 'number' ? [`${path} (${count.toLocaleString('en-US')})`] : [],
  )
  const empty = pathsOf(files.filter(({ rows }) => rows === 0))
  const open = pathsOf(files.filter(({ facts }) => facts.end_of_stream === 'missing'))
  const line = (paths: readonly string[], what: string) =>
    paths.length === 0 ? [] : [`input: ${paths.length} ${what}: ${someOf(paths)}`]
  return [
    ...line(empty, `of ${files.length} files have no row`),
    ...line(open, `of ${files.length} files are Arrow streams without an end, and may have been cut`),
    ...line(cut, `of ${files.length} files end within a line that is no JSON, and may have been cut off`),
    ...line(nans, `of ${files.length} files write NaN or Infinity for a number, and are read with null there`),
  ]
}

/** Files that several sources read: two branches may be meant, or a path that was copied and not changed. */
function sharedOf(inputs: ReadonlyMap<string, readonly InputFile[]>): string[] {
  if (inputs.size < 2) return []
  const readers = new Map<string, { path: string; ids: string[] }>(),
    shared = new Map<string, string[]>()
  for (const [id, files] of inputs) {
    for (const { path } of files) {
      const place = existsSync(path) ? identityOf(realpathSync(path)) : path
      if (!readers.has(place)) readers.set(place, { path, ids: [] })
      readers.get(place)!.ids.push(id)
    }
  }
  for (const { path, ids } of readers.values()) {
    const who = [...new Set(ids)].join(' and ')
    if (new Set(ids).size > 1) shared.set(who, [...(shared.get(who) ?? []), path])
  }
  return [...shared].map(
    ([who, paths]) =>
      `input: ${who} read the same ${paths.length === 1 ? 'file' : `${paths.length} files`}, so each row there is read once by each: ${someOf(paths)}; name another path in one of them unless branches are meant`,
  )
}

/** What a user's stage may read, or remember, that no key holds. */
export function readsOf({ id, use, own, stage }: Node, seen: Seen): string[] {
  const who = `${id} (${use})`,
    again = 'so each run makes this stage and all after it anew'
  const lines: string[] = [],
    reads = [...(own?.reads ?? []), ...seen.values()]
  if (reads.length > 0) {
    const instead = ['stage', 'audit'].includes(stage.kind)
      ? "; a file is seen that it declares in 'files' and reads by context.file"
      : ''
    lines.push(`${who}: ${reads.join('; ')}: what is read so can change unseen, ${again}${instead}`)
  }
  if (own?.keeps.length) {
    const why = 'what it says of a row depends on those before it in its partition'
    lines.push(`${who}: ${own.keeps.join('; ')}: ${why}, ${again}; keep it within open()`)
  }
  return lines
}

const addedLine = ({ id, use, from: [{ node }], options }: Node): string =>
  `${node} gives one scored answer a row; ${id} (${use}) makes pairs of them, by '${String(options.score)}', ${options.order === 'low_first' ? 'the lowest' : 'the highest'} first (set it by --set ${id}.…)`

/** Of sources whose files hold scored answers, one a row, the options by which pairs are made of these. */
function answersOf({ nodes }: Graph, inputs: ReadonlyMap<string, readonly InputFile[]>): Map<string, object> {
  const found = new Map<string, object>()
  for (const { id, options } of nodes) {
    const files = inputs.get(id) ?? [],
      scoreOf = ({ scored }: InputFile) => scored && `${scored.column} ${scored.by}`
    const [first] = files.filter(file => scoreOf(file) !== undefined),
      other = files.find(file => scoreOf(file) !== scoreOf(first ?? file))
    if (!first) continue
    if (other) {
      const what = ({ path, layout, scored }: InputFile) =>
        `${path} (layout ${layout}${scored ? `, scored by '${scored.column}'` : ''})`
      throw new DataError(
        `${id}: one source cannot read ${what(first)} and ${what(other)}: of the first pairs are made behind it; give each kind a source of its own`,
      )
    }
    const { column, lowFirst, by } = first.scored!
    found.set(id, {
      ...(by === undefined ? {} : { by }),
      score: column,
      order: lowFirst ? 'low_first' : 'high_first',
      ...pairingIn(options),
    })
  }
  return found
}

/** The files of a source. */
const inputsOf = (node: Node, base: string, warn: (text: string) => void): Promise<InputFile[]> =>
  asked(() => openInputs(givingOf(node), node.options as never, base, warn))

/** A source that may read by itself what it is given. */
function givingOf({ stage, own }: Node): AnySource {
  const source = stage as AnySource
  if (!own) return source
  return {
    ...source,
    open(options, path, isPart) {
      give(own.key, [path])
      return source.open(options, path, isPart)
    },
  }
}

/** What a source says against its files is about the data, unless it says otherwise. */
async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw error instanceof Error && !(error instanceof SluiceError) && !('code' in error)
      ? new DataError(error.message, { cause: error })
      : error
  }
}
