/** A graph made ready: read, and held against the footers and layouts of its inputs, before a row is processed. */
import { existsSync, realpathSync } from 'node:fs'
import type { Schema } from 'apache-arrow'
import type { InputFile, Sink, Source } from '../../stages/define.ts'
import { servicesOf, type Services } from '../calls/graph.ts'
import { identityOf } from '../../stages/sources/files.ts'
import { EXIT, SluiceError } from '../errors.ts'
import { checkGraph, graph as graphOf } from '../graph/build.ts'
import { resolveColumns } from '../graph/columns.ts'
import { formatProblems, GraphError } from '../graph/messages.ts'
import type { Graph, Node } from '../graph/types.ts'
import { labelOf } from './manifest.ts'
import { withInput } from './inputs.ts'
import { checkOptions } from './options.ts'
import type { GraphInput, RunOptions } from './run.ts'

export interface Prepared {
  readonly graph: Graph
  readonly files: readonly (InputFile & { source: string })[]
  readonly schemas: ReadonlyMap<string, { input: Schema; output: Schema }>
  readonly isText: ReadonlyMap<string, boolean>
  readonly services: Services
  /** Problems that do not stop a run, a line each. */
  readonly warnings: string
}

/**
 * Reads the graph and the footers and layouts of its inputs, and finds everything that is wrong before a row is
 * processed.
 */
export async function prepare(input: GraphInput, options: RunOptions, userFolder: string): Promise<Prepared> {
  checkOptions(options)
  const { builder, overrides } = await withInput(
    typeof input === 'object' && 'written' in input ? input : graphOf(input),
    options.input,
    options.set,
  )
  const { graph: read, problems: warnings } = await checkGraph(builder, {
    overrides: [...(options.set ?? []), ...overrides],
    userFolder,
  })
  if (!read) throw new GraphError(warnings)
  const graph = options.seed === undefined ? read : { ...read, seed: options.seed }
  const inputs = new Map<string, InputFile[]>(),
    told: string[] = []
  for (const node of graph.nodes) {
    if (node.stage.kind === 'source') inputs.set(node.id, await inputsOf(node, graph.base, text => told.push(text)))
  }
  if (options.sample !== undefined) for (const files of inputs.values()) files.forEach(checkPick)
  const { services, problems: unfit } = servicesOf(graph)
  const { nodes, problems: unread } = resolveColumns(graph, inputs),
    problems = [...unfit, ...unread]
  if (problems.some(({ level }) => level === 'error')) throw new GraphError(problems)
  const schemas = new Map(
    graph.nodes.map(node => {
      const { input, output, isText } = nodes.get(node.id)!
      return [
        node.id,
        {
          input,
          output:
            node.stage.kind === 'sink'
              ? (node.stage as Sink).schema(node.options as never, input, isText).schema
              : output,
        },
      ]
    }),
  )
  return {
    graph,
    files: [...inputs].flatMap(([source, files]) => files.map(file => ({ ...file, source }))),
    schemas,
    services,
    isText: new Map([...nodes].map(([id, { isText }]) => [id, isText])),
    warnings: [
      formatProblems([...warnings, ...problems]),
      ...graph.nodes.flatMap(readsOf),
      ...told,
      ...sharedOf(inputs),
      ...unreadOf([...inputs.values()].flat()),
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
function unreadOf(files: readonly InputFile[]): string[] {
  const pathsOf = (some: readonly InputFile[]) => some.map(({ path }) => path)
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

/** What a user's stage may read that no key holds. */
const readsOf = ({ id, use, own }: Node): string[] =>
  !own?.reads.length
    ? []
    : [
        `${id} (${use}): ${own.reads.join('; ')}: what is read so can change unseen, so each run makes this stage and all after it anew`,
      ]

function checkPick({ path, layout, canPick }: InputFile): void {
  if (canPick) return
  const why = `--sample takes single rows, and in ${path} (layout ${layout}) rows belong together`
  throw new SluiceError(`run: ${why}; use --limit, or leave the file out`, EXIT.usage)
}

/** The files of a source. What it says against them is about the data, unless it says otherwise. */
async function inputsOf(node: Node, base: string, warn: (text: string) => void): Promise<InputFile[]> {
  try {
    return await (node.stage as Source).inputs(node.options as never, base, warn)
  } catch (error) {
    throw error instanceof Error && !('code' in error) ? Object.assign(error, { code: 'BAD_INPUT' }) : error
  }
}
