/** `--input`: other files for a graph with one source, read by the source stage that their endings belong to. */
import type { AnySource, Registry } from '../contract/define.ts'
import { findFiles } from '../files/find.ts'
import { bareUrl, isUrl } from '../files/http_source.ts'
import { EXIT, SluiceError } from '../errors.ts'
import type { GraphBuilder, GraphObject } from '../graph/build.ts'
import type { MapSpec } from '../map/spec.ts'

/** By the name, which says so of the stages that are named without a path. */
const isSource = (use: unknown, registry: Registry): boolean =>
  typeof use === 'string' && /^read_/.test(use) && registry.has(use)

/**
 * The graph with the stage that reads `input`, and the options that name it, and where its pairs are (`map`). `set` may
 * not name other inputs.
 */
export async function withInput(
  builder: GraphBuilder,
  input: readonly string[] | undefined,
  map: MapSpec | string | undefined,
  set: readonly string[] | undefined,
  registry: Registry,
): Promise<{ builder: GraphBuilder; overrides: string[] }> {
  if (!input?.length && map === undefined) return { builder, overrides: [] }
  const { stages } = await builder.toObject()
  // a graph without stages that can be read is told so by its own check
  if (!Array.isArray(stages)) return { builder, overrides: [] }
  const sources = stages.filter(stage => isSource(stage?.use, registry))
  if (sources.length !== 1) {
    throw new SluiceError(
      `run: --${input?.length ? 'input' : 'map'} is for graphs with one source, and this one has ${sources.length} (${sources.map(({ id }) => id).join(', ')}); use --set <source>.${input?.length ? 'path' : 'map'}=…`,
      EXIT.usage,
    )
  }
  const [{ id, use }] = sources,
    mapped = map === undefined ? [] : [`${id}.map=${JSON.stringify(map)}`]
  const twice = set?.find(text => text.startsWith(`${id}.map=`))
  if (twice && map !== undefined) {
    throw new SluiceError(`run: --map and --set ${twice} both say where the pairs are; leave one out`, EXIT.usage)
  }
  if (!input?.length) return { builder, overrides: mapped }
  const [path, ...more] = input
  const other = set?.find(text => text.startsWith(`${id}.path=`) || text.startsWith(`${id}.more_paths=`))
  if (other) {
    throw new SluiceError(
      `run: inputs are named (${input.join(', ')}), and --set ${other} names others; leave one out`,
      EXIT.usage,
    )
  }
  return {
    builder: withUse(builder, stages.indexOf(sources[0]), await sourceOf(input, use, registry)),
    overrides: [`${id}.path=${path}`, `${id}.more_paths=${JSON.stringify(more)}`, ...mapped],
  }
}

/**
 * The source stage that reads files of these endings: the graph's own where they say nothing. A folder stands for its
 * files of the graph's own kind, or else for those of the kind that it has.
 */
export async function sourceOf(paths: readonly string[], own: string, registry: Registry): Promise<string> {
  const names = [...registry.keys()].filter(name => isSource(name, registry))
  const sources = (await Promise.all(names.map(name => registry.get(name)!()))) as AnySource[]
  const all = sources.flatMap(({ extensions }) => extensions),
    usual = sources.find(({ name }) => name === own)?.extensions ?? all
  const find = (path: string, extensions: readonly string[]) =>
    findFiles('run', { path, more_paths: [] }, process.cwd(), extensions)
  // what cannot be found is told by the source itself
  const files = (
    await Promise.all(
      paths.map(path =>
        find(path, usual)
          .catch(() => find(path, all))
          .catch(() => []),
      ),
    )
  ).flat()
  const kinds = new Map<string, string[]>()
  for (const file of files) {
    const isRead = (name: string) => sources.find(({ extensions }) => extensions.some(end => name.endsWith(end)))?.name
    // of a JSON file, an array or lines, whoever reads lines says what to do
    const name = (isUrl(file) ? bareUrl(file) : file).toLowerCase(),
      use = isRead(name) ?? isRead(name.replace(/\.json(?=$|\.gz$|\.zst$)/, '.jsonl')) ?? own
    kinds.set(use, [...(kinds.get(use) ?? []), file])
  }
  if (kinds.size > 1) {
    const seen = [...kinds]
      .map(([use, [first, ...others]]) => `${others.length + 1} for ${use}, as ${first}`)
      .join('; ')
    throw new SluiceError(
      `run: --input names files of ${kinds.size} kinds, and a source reads one: ${seen}; name those of one kind, as in --input 'folder/*.parquet', or write a graph with a source for each`,
      EXIT.usage,
    )
  }
  return kinds.keys().next().value ?? own
}

function withUse(builder: GraphBuilder, index: number, use: string): GraphBuilder {
  return {
    ...builder,
    async written() {
      const written = await builder.written(),
        graph = written.value as GraphObject
      return {
        ...written,
        value: { ...graph, stages: graph.stages.map((stage, i) => (i === index ? { ...stage, use } : stage)) },
      }
    },
  }
}
