/** Which published runs could go. */
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { WHOLE_RUN_NAME, runStamp } from '../files/published.ts'
import { readManifest } from './inspect.ts'
import { isPart } from './manifest.ts'

export interface OldRunsOptions {
  /** The name of the graph whose runs are asked for; that of `latest` unless given. */
  readonly graph?: string
  /** The run that `latest` named before the last one was published: the newest other, whatever the clock said. */
  readonly before?: string
  /** Hears of runs that are named later than now. */
  readonly onWarning?: (text: string) => void
}

/**
 * Folders of all runs of a graph but the `keep` newest, of which `latest` is the first where it is one. First looks, by
 * --limit or --sample, are counted by themselves, and so are runs that kept nothing: none of them pushes a published
 * run over all rows out. Runs of other graphs, and folders that are no runs, are not among them; nor, whatever else
 * publishes meanwhile, what is the latest. Runs that are named later than now are neither counted nor among them: where
 * the clock was wrong nobody can say how old they are.
 */
export function oldRuns(output: string, keep: number, { graph, before, onWarning }: OldRunsOptions = {}): string[] {
  const runs = join(output, 'runs'),
    link = join(output, 'latest')
  // the names first: a run that is published after they were read is not among them
  const names = existsSync(runs)
    ? readdirSync(runs)
        .filter(name => WHOLE_RUN_NAME.test(name))
        .sort()
        .reverse()
    : []
  if (!existsSync(link)) return []
  // by as many links as there are: a run may be one, too
  const latest = realpathSync(link),
    newest = kindOf(link),
    own = graph === undefined || newest?.graph === graph ? newest : undefined,
    name = graph ?? newest?.graph,
    last = before === undefined ? undefined : basename(before),
    now = runStamp()
  const others = names
    .filter(name => placeOf(join(runs, name)) !== latest)
    .map(name => ({ name, kind: kindOf(join(runs, name)) }))
    .filter(({ kind }) => kind !== undefined && kind.graph === name)
  const isLater = ({ name }: { name: string }) => name !== last && name.slice(0, now.length) > now
  const later = others.filter(isLater).map(({ name }) => name)
  if (later.length > 0) {
    const what = later.length === 1 ? 'run is' : 'runs are'
    onWarning?.(
      `${later.length} ${what} named later than now, and not deleted: ${later.slice(0, 5).join(', ')} in ${runs}; set the clock where it is wrong, or delete what it named by hand`,
    )
  }
  const counted = others.filter(run => !isLater(run)).sort((a, b) => Number(b.name === last) - Number(a.name === last))
  const groups = new Map<string, string[]>(own ? [[own.group, [basename(latest)]]] : [])
  for (const { name, kind } of counted) groups.set(kind!.group, [...(groups.get(kind!.group) ?? []), name])
  return [...groups.values()].flatMap(group => group.slice(keep)).map(name => join(runs, name))
}

/** Where a run lies once links are followed; undefined where it is gone by now. */
function placeOf(run: string): string | undefined {
  try {
    return realpathSync(run)
  } catch {
    return undefined
  }
}

/** The name of a run's graph, and what it is counted among; undefined where that cannot be read. */
function kindOf(run: string): { graph: string; group: string } | undefined {
  try {
    const manifest = readManifest(run)
    return {
      graph: manifest.graph.name,
      group: manifest.rows.kept === 0 ? 'empty' : isPart(manifest) ? 'part' : 'all',
    }
  } catch {
    return undefined
  }
}
