/** Holds how pairs lie in the inputs against the last run: what is found without a word may be found otherwise. */
import { isDeepStrictEqual } from 'node:util'
import { DataError } from '../errors.ts'
import { readManifest } from './inspect.ts'
import { labelOf, type Manifest } from './manifest.ts'
import type { Prepared } from './prepare.ts'
import { latestRun } from './publish.ts'

type Input = Pick<Manifest['inputs'][number], 'layout' | 'facts'>

const howOf = ({ layout, facts: { pair } }: Input): string =>
  `layout ${layout}${typeof pair === 'string' ? ` (${pair})` : ''}`

/** The options of a source that say how pairs lie. */
const SAYING = ['map', 'layout', 'rename', 'answer'] as const
const saidBy = (options: Readonly<Record<string, unknown>>) => SAYING.map(name => options[name] ?? null)

/** Of a run that is damaged nothing is known; it is told of, and published again, later on. */
function lastManifest(output: string): Manifest | undefined {
  const last = latestRun(output)
  try {
    return last === undefined ? undefined : readManifest(last)
  } catch {
    return undefined
  }
}

/**
 * Throws where a file's pairs lie otherwise than in any file that the last published run of the graph read by the same
 * source. Without such a run, where the options of the source say otherwise than they did, and of files without a row,
 * nothing is held.
 */
export function holdLayouts(output: string, { graph, files }: Pick<Prepared, 'graph' | 'files'>): void {
  const manifest = lastManifest(output)
  if (manifest?.graph.name !== graph.name) return
  const known = new Map<string, Set<string>>(),
    said = new Map(manifest.graph.stages.map(node => [node.id, saidBy(node.with)]))
  const isSame = (source: string) =>
    graph.nodes.some(({ id, options }) => id === source && isDeepStrictEqual(saidBy(options), said.get(id)))
  for (const input of manifest.inputs) {
    if (input.rows > 0 && isSame(input.source)) {
      known.set(input.source, (known.get(input.source) ?? new Set()).add(howOf(input)))
    }
  }
  const other = files.flatMap(file => {
    const before = known.get(file.source),
      now = howOf(file)
    return file.rows === 0 || !before || before.has(now)
      ? []
      : [`${labelOf(file.path)}: ${now}; before: ${[...before].join('; ')}`]
  })
  if (other.length === 0) return
  throw new DataError(
    `pairs lie otherwise than in the run before, in ${other.length === 1 ? 'one file' : `${other.length} files`}; look at them (sluice look), then accept them by --accept-layout:\n  ${other.slice(0, 5).join('\n  ')}`,
  )
}
