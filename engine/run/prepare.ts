/** A graph made ready: read, and held against the footers and layouts of its inputs, before a row is processed. */
import { existsSync, realpathSync } from 'node:fs'
import type { Schema } from 'apache-arrow'
import type { AnySink, AnySource, Registry } from '../contract/define.ts'
import type { InputFile } from '../source/input.ts'
import { openInputs, openTables, type TableFile } from '../source/open.ts'
import { readGroups } from '../source/pairs.ts'
import { servicesOf, type Services } from '../calls/graph.ts'
import { identityOf } from '../files/find.ts'
import { DataError, EXIT, SluiceError } from '../errors.ts'
import { checkGraph, graph as graphOf } from '../graph/build.ts'
import { resolveColumns } from '../graph/columns.ts'
import { formatProblems, GraphError } from '../graph/messages.ts'
import type { Graph, Node } from '../graph/types.ts'
import { labelOf } from './manifest.ts'
import { withInput } from './inputs.ts'
import { checkOptions } from './options.ts'
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
  /** `limit` of the options, moved to where a group of rows ends. */
  readonly limit?: number
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
  const { builder, overrides } = await withInput(
    typeof input === 'object' && 'written' in input ? input : graphOf(input),
    options.input,
    options.set,
    registry,
  )
  const { graph: read, problems: warnings } = await checkGraph(builder, {
    overrides: [...(options.set ?? []), ...overrides],
    userFolder,
    registry,
  })
  if (!read) throw new GraphError(warnings)
  const graph = options.seed === undefined ? read : { ...read, seed: options.seed }
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
  const tables: Prepared['tables'][number][] = []
  for (const { id, stage, options } of graph.tables) {
    const warn = (text: string) => told.push(text),
      some = await asked(() => openTables(stage as AnySource, options as never, graph.base, warn))
    tables.push(...some.map(file => ({ ...file, source: id })))
  }
  if (options.sample !== undefined) for (const files of inputs.values()) files.forEach(checkPick)
  const files = [...inputs].flatMap(([source, some]) => some.map(file => ({ ...file, source }))),
    keysOf = groupReader(graph),
    cut = await cutGroups(files, keysOf),
    limit = await wholeLimit(files, options.limit, keysOf)
  const { services, problems: unfit } = servicesOf(graph)
  const opened = new Map<string, { path: string; schema: Schema; isText?: boolean }[]>(
    [...inputs].map(([id, some]) => [id, [...some]]),
  )
  for (const file of tables) opened.set(file.source, [...(opened.get(file.source) ?? []), file])
  const { nodes, problems: unread } = resolveColumns(graph, opened),
    problems = [...unfit, ...unread]
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
  return {
    graph,
    files,
    tables,
    limit,
    schemas,
    services,
    isText: new Map([...nodes].map(([id, { isText }]) => [id, isText])),
    warnings: [
      formatProblems([...warnings, ...problems]),
      ...graph.nodes.flatMap(readsOf),
      ...told,
      ...sharedOf(inputs),
      ...unreadOf([...files, ...tables]),
      ...cut,
      ...(limit === options.limit
        ? []
        : [
            `input: --limit ${options.limit} ends among the replies to one prompt, so the other ${limit! - options.limit!} of them that follow are read too`,
          ]),
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
  const empty = pathsOf(files.filter(({ rows }) => rows === 0))
  const open = pathsOf(files.filter(({ facts }) => facts.end_of_stream === 'missing'))
  const line = (paths: readonly string[], what: string) =>
    paths.length === 0 ? [] : [`input: ${paths.length} ${what}: ${someOf(paths)}`]
  return [
    ...line(empty, `of ${files.length} files have no row`),
    ...line(open, `of ${files.length} files are Arrow streams without an end, and may have been cut`),
    ...line(cut, `of ${files.length} files end within a line that is no JSON, and may have been cut off`),
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
function readsOf({ id, use, own }: Node): string[] {
  const who = `${id} (${use})`,
    again = 'so each run makes this stage and all after it anew'
  const lines: string[] = []
  if (own?.reads.length) lines.push(`${who}: ${own.reads.join('; ')}: what is read so can change unseen, ${again}`)
  if (own?.keeps.length) {
    const why = 'what it says of a row depends on the rows that the same worker had before'
    lines.push(`${who}: ${own.keeps.join('; ')}: ${why}, ${again}; keep it within open()`)
  }
  return lines
}

function checkPick({ path, layout, canPick }: InputFile): void {
  if (canPick) return
  const why = `--sample takes single rows, and in ${path} (layout ${layout}) rows belong together`
  throw new SluiceError(`run: ${why}; use --limit, or leave the file out`, EXIT.usage)
}

type FileOf = Prepared['files'][number]
type KeysOf = (file: FileOf, start: number, end: number) => Promise<readonly string[]>

/** What rows of a file have in common with those that they belong to; none where rows stand for themselves. */
const groupReader =
  ({ nodes }: Graph): KeysOf =>
  async (file, start, end) => {
    const { stage, options } = nodes.find(({ id }) => id === file.source)!
    if (file.canPick !== false) return []
    return asked(() => readGroups(stage as AnySource, options as never, file, { start, end }))
  }

/** Files whose first rows belong to the last rows of the file before, a line for all. */
async function cutGroups(all: readonly FileOf[], keysOf: KeysOf): Promise<string[]> {
  const files = all.filter(({ rows }) => rows > 0),
    cuts: string[] = []
  for (let i = 1; i < files.length; i++) {
    const before = files[i - 1],
      file = files[i]
    if (before.source !== file.source || before.canPick !== false || file.canPick !== false) continue
    const [[last], [first]] = [await keysOf(before, before.rows - 1, before.rows), await keysOf(file, 0, 1)]
    if (last && last === first) cuts.push(`${labelOf(before.path)} and ${labelOf(file.path)}`)
  }
  const more = cuts.length > 3 ? ` and ${cuts.length - 3} more` : ''
  return cuts.length === 0
    ? []
    : [
        `input: replies to one prompt lie at the end of a file and at the beginning of the next, and no pair is made across files: ${cuts.slice(0, 3).join('; ')}${more}; put all replies to a prompt in one file`,
      ]
}

/** Rows that are looked at in one go for the end of a group. */
const GROUP_ROWS = 1000

/** The limit, moved on to the end of the group of rows that it would cut. */
async function wholeLimit(
  files: readonly FileOf[],
  limit: number | undefined,
  keysOf: KeysOf,
): Promise<number | undefined> {
  let before = 0
  for (const file of limit === undefined ? [] : files) {
    const last = limit! - before
    before += file.rows
    if (last >= file.rows) continue
    const [key] = last === 0 ? [] : await keysOf(file, last - 1, last)
    for (let end = last; key && end < file.rows; end += GROUP_ROWS) {
      const other = (await keysOf(file, end, Math.min(file.rows, end + GROUP_ROWS))).findIndex(one => one !== key)
      if (other >= 0) return limit! + end - last + other
    }
    return key ? before : limit
  }
  return limit
}

/** The files of a source. */
const inputsOf = (node: Node, base: string, warn: (text: string) => void): Promise<InputFile[]> =>
  asked(() => openInputs(node.stage as AnySource, node.options as never, base, warn))

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
