/** Graphs from code: `graph(…)` says which graph is meant, `resolveGraph` reads and checks it. */
import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GraphError, say } from './messages.ts'
import type { Parsed, ParseOptions, Written } from './parse.ts'
import type { Graph } from './types.ts'

/** One stage as a graph writes it. */
export interface StageEntry {
  readonly id: string
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>>
  /** Of an audit by name: `{ kept: 'noise', dropped: 'noise.dropped' }`. */
  readonly from?: string | readonly string[] | Readonly<Record<string, string | readonly string[]>>
}

/** A graph as an object: what the YAML file says. */
export interface GraphObject {
  readonly $schema?: string
  readonly version: 1
  readonly name: string
  readonly seed?: number
  readonly partition_rows?: number
  readonly stages: readonly StageEntry[]
}

/** A graph that is not read yet. */
export interface GraphBuilder {
  /** Appends a stage; returns this builder. */
  add(stage: StageEntry): GraphBuilder
  /**
   * The graph as written, with all that was added. Throws a GraphError when its file cannot be read or is not YAML;
   * nothing else is checked.
   */
  toObject(): Promise<GraphObject>
  /** For `resolveGraph`. */
  written(): Promise<Written>
}

/** Whether a text names a graph by its file. */
export const isGraphFile = (text: string): boolean => /\.(ya?ml|json)$/i.test(text)

/**
 * Names a graph: the path of a .yaml, .yml or .json file (relative to the working directory) or its URL, an object, or
 * the name of a new graph that begins without stages. `base`, a folder or `import.meta.url`, is where paths of the
 * caller's own stages start from: the working directory unless given; those in a file start from the file. Nothing is
 * read before `resolveGraph`.
 */
export function graph(source: string | URL | GraphObject, options: { base?: string | URL } = {}): GraphBuilder {
  const added: StageEntry[] = []
  const base = folderOf(options.base)
  const file =
    source instanceof URL
      ? fileURLToPath(source)
      : typeof source === 'string' && isGraphFile(source)
        ? source
        : undefined
  const object =
    file !== undefined
      ? undefined
      : typeof source === 'string'
        ? { version: 1, name: source, stages: [] }
        : (source as GraphObject)

  const builder: GraphBuilder = {
    add(stage) {
      added.push(stage)
      return builder
    },
    async toObject() {
      const { value, problems = [] } = await builder.written()
      if (problems.length) throw new GraphError(problems)
      return structuredClone(value) as GraphObject
    },
    async written() {
      if (file === undefined) return { value: append(object, added), folder: () => base }
      let text: string
      try {
        checkFile(file)
        text = readFileSync(file, 'utf8')
      } catch (error) {
        return {
          value: undefined,
          file,
          problems: [say.unreadableFile(file, (error as Error).message)],
          folder: () => base,
        }
      }
      const { writtenText } = await import('./parse.ts')
      const written = writtenText(text, file)
      const stages = (written.value as GraphObject | undefined)?.stages
      const own = Array.isArray(stages) ? stages.length : 0
      const isAdded = (pointer: string) => {
        const [, list, index] = pointer.split('/')
        return list === 'stages' && Number(index) >= own
      }
      return {
        ...written,
        value: append(written.value, added),
        folder: index => (index < own ? written.folder(index) : base),
        locate: (pointer, atKey) => (isAdded(pointer) ? { file } : written.locate!(pointer, atKey)),
      }
    },
  }
  return builder
}

/** What a person or a program writes as a graph is a file, and no larger. */
const MOST_BYTES = 1 << 20

function checkFile(path: string): void {
  const stats = statSync(path)
  if (!stats.isFile()) throw new Error(`${path} is no file`)
  if (stats.size > MOST_BYTES) {
    throw new Error(
      `${path} has ${stats.size.toLocaleString('en-US')} bytes, and ${MOST_BYTES.toLocaleString('en-US')} are the most; long lists belong into a file that a stage reads`,
    )
  }
}

const append = (value: unknown, added: readonly StageEntry[]): unknown => {
  if (added.length === 0 || typeof value !== 'object' || value === null) return value
  const { stages } = value as GraphObject
  return Array.isArray(stages) || stages === undefined ? { ...value, stages: [...(stages ?? []), ...added] } : value
}

function folderOf(base: string | URL | undefined): string {
  if (base === undefined) return process.cwd()
  if (base instanceof URL || base.startsWith('file:')) {
    const url = new URL(base)
    return url.pathname.endsWith('/') ? fileURLToPath(url) : dirname(fileURLToPath(url))
  }
  return resolve(base)
}

/** Reads and checks a graph: the graph, when nothing is an error, and every problem, warnings too. */
export async function checkGraph(builder: GraphBuilder, options: ParseOptions): Promise<Parsed> {
  const { assembleGraph } = await import('./parse.ts')
  return assembleGraph(await builder.written(), options)
}

/**
 * Reads and checks a graph. Throws one GraphError that holds every problem. Warnings alone do not throw: `checkGraph`
 * gives them.
 */
export async function resolveGraph(builder: GraphBuilder, options: ParseOptions): Promise<Graph> {
  const { graph: resolved, problems } = await checkGraph(builder, options)
  if (!resolved) throw new GraphError(problems)
  return resolved
}
