/** Which published runs could go. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readManifest } from './inspect.ts'
import { isPart } from './manifest.ts'

/**
 * Folders of all runs but the latest and the `keep - 1` newest others of its graph. First looks, by --limit or
 * --sample, are counted by themselves: none of them pushes a run over all rows out. Runs of other graphs, and folders
 * that are no runs, are not among them; nor, whatever else publishes meanwhile, what is the latest.
 */
export function oldRuns(output: string, keep: number): string[] {
  const runs = join(output, 'runs'),
    link = join(output, 'latest')
  // the names first: a run that is published after they were read is not among them
  const names = existsSync(runs)
    ? readdirSync(runs)
        .filter(name => /^\d{8}T\d{6}Z-/.test(name))
        .sort()
        .reverse()
    : []
  if (!existsSync(link)) return []
  const latest = basename(readlinkSync(link)),
    own = kindOf(link)
  const others = names.filter(name => name !== latest).map(name => ({ name, kind: kindOf(join(runs, name)) }))
  return [false, true]
    .flatMap(isPart =>
      others
        .filter(({ kind }) => kind !== undefined && kind.graph === own?.graph && kind.isPart === isPart)
        .slice(isPart === own?.isPart ? keep - 1 : keep),
    )
    .map(({ name }) => join(runs, name))
}

/** The name of a run's graph, and whether it is of a part of the rows; undefined where that cannot be read. */
function kindOf(run: string): { graph: string; isPart: boolean } | undefined {
  try {
    const manifest = readManifest(run)
    return { graph: manifest.graph.name, isPart: isPart(manifest) }
  } catch {
    return undefined
  }
}
