/** Which published runs could go. */
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readManifest } from './inspect.ts'

/**
 * Folders of all runs but the latest and the `keep - 1` newest others of its graph. Runs of other graphs, and folders
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
    graph = graphOf(link)
  return names
    .filter(name => name !== latest && graphOf(join(runs, name)) === graph)
    .slice(keep - 1)
    .map(name => join(runs, name))
}

/** The name of a run's graph; undefined where that cannot be read. */
function graphOf(run: string): string | undefined {
  try {
    return readManifest(run).graph.name
  } catch {
    return undefined
  }
}
