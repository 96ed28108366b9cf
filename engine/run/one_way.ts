/** Stages of which nearly all rows end in one way: more often they read the wrong column, or an option is wrong, than that the data is. */
import type { Graph } from '../graph/types.ts'
import { emptyCounts, ERROR_ABOUT, type Counts } from './messages.ts'
import type { Prepared } from './prepare.ts'

const MOST = 0.95
/** Of fewer rows nobody is told: a look at them says as much. */
const FEWEST = 20

/** A line for each such stage: the reason and what it means, and from which columns the rows came. */
export function oneWay({ graph, files }: Pick<Prepared, 'graph' | 'files'>, counts: Readonly<Record<string, Counts>>): string[] {
  return graph.nodes.flatMap(({ id, stage }) => {
    const { in: rows, reasons, notes, errored } = counts[id] ?? emptyCounts()
    return Object.entries({ ...reasons, ...notes, error: errored }).filter(([, some]) => rows >= FEWEST && some > MOST * rows).map(([reason, some]) => {
      const about = reason === 'error' ? ERROR_ABOUT : stage.reasons[reason]?.about
      const read = new Set(files.flatMap(({ source, facts: { pair } }) => pair !== undefined && sourcesOf(graph, id).has(source) ? [`${source} reads ${pair}`] : []))
      return `${id}: ${reason} ${some.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} rows${about === undefined ? '' : `, ${about}`}${read.size === 0 ? '' : `; ${[...read].join('; ')}`}`
    })
  })
}

/** The sources whose rows reach a node. */
function sourcesOf(graph: Graph, id: string): Set<string> {
  const { stage, from } = graph.nodes.find(node => node.id === id)!
  return stage.kind === 'source' ? new Set([id]) : new Set(from.flatMap(({ node }) => [...sourcesOf(graph, node)]))
}
