/**
 * Cuts a graph into levels. A level is a pass over all partitions in which no stage waits for rows of another partition. A stage that must see everything first (fit
 * rounds, groups) ends a level: its input is spooled, and its verdicts come in a later one.
 */
import type { Stage } from '../../stages/define.ts'
import type { Graph, Node } from '../graph/types.ts'

/** What is done with a node in one pass, in order. Ports are named `<node>` (its output), `<node>.dropped` or `<node>.<reason>`. */
export type Op =
  | { readonly kind: 'source', readonly node: string }
  /** Runs a stage over the merged inputs, or over its spool, and gives out its ports. */
  | { readonly kind: 'stage', readonly node: string, readonly inputs: readonly string[] }
  /** Merges the inputs of a stage that waits, and spools them. */
  | { readonly kind: 'gather', readonly node: string, readonly inputs: readonly string[] }
  /** Feeds the spooled rows (just gathered, or loaded) to a fit round, or collects the keys of a group. */
  | { readonly kind: 'collect', readonly node: string, readonly round: number }
  | { readonly kind: 'sink', readonly node: string, readonly inputs: readonly string[] }
  /** Brings back the rows of a spool, under the name of the port that was saved. */
  | { readonly kind: 'load', readonly port: string }
  | { readonly kind: 'save', readonly port: string }

export interface Plan {
  readonly graph: Graph
  /** Ops of each level, in order. */
  readonly levels: readonly (readonly Op[])[]
  /** For each node, the sources whose rows can reach it. */
  readonly reach: ReadonlyMap<string, ReadonlySet<string>>
}

/** The rounds that a node waits for: its fit rounds, and one more for a group. */
export const roundsOf = (node: Pick<Node, 'stage'>): number => node.stage.kind === 'stage' ? (node.stage.fit?.length ?? 0) + (node.stage.group ? 1 : 0) : 0

/** The port that an input names. */
export const portOf = (input: Node['from'][number]): string => input.port ? `${input.node}.${input.port}` : input.node

/** The spool of what a waiting stage has gathered. No port has this name: '#' is not allowed in ids. */
export const gathered = (node: string): string => `${node}#in`

export function makePlan(graph: Graph): Plan {
  const at = new Map(graph.nodes.map(node => [node.id, node]))
  const reach = new Map<string, Set<string>>()
  const inLevel = new Map<string, number>(), outLevel = new Map<string, number>()
  for (const node of graph.nodes) {
    reach.set(node.id, new Set(node.stage.kind === 'source' ? [node.id] : node.from.flatMap(input => [...reach.get(input.node)!])))
    const level = Math.max(0, ...node.from.map(input => outLevel.get(input.node)!))
    inLevel.set(node.id, level)
    outLevel.set(node.id, level + roundsOf(node))
  }
  const count = Math.max(...outLevel.values()) + 1
  const levels = Array.from({ length: count }, (_, level) => {
    const ops: Op[] = [], loaded = new Set<string>()
    const inputs = (node: Node) => node.from.map(input => {
      const port = portOf(input)
      if (outLevel.get(input.node)! < level && !loaded.has(port)) { loaded.add(port); ops.push({ kind: 'load', port }) }
      return port
    })
    for (const node of graph.nodes) {
      const first = inLevel.get(node.id)!, last = outLevel.get(node.id)!
      if (node.stage.kind === 'source') { if (level === 0) ops.push({ kind: 'source', node: node.id }) }
      else if (node.stage.kind === 'sink') { if (level === first) ops.push({ kind: 'sink', node: node.id, inputs: inputs(node) }) }
      else if (first === last) { if (level === first) ops.push({ kind: 'stage', node: node.id, inputs: inputs(node) }) }
      else if (level === first) ops.push({ kind: 'gather', node: node.id, inputs: inputs(node) }, { kind: 'collect', node: node.id, round: 0 })
      else if (level > first && level <= last) {
        ops.push({ kind: 'load', port: gathered(node.id) })
        ops.push(level === last ? { kind: 'stage', node: node.id, inputs: [gathered(node.id)] } : { kind: 'collect', node: node.id, round: level - first })
      }
    }
    // what later levels read of this one is spooled
    const saved = new Set(graph.nodes.flatMap(node => node.from
      .filter(input => outLevel.get(input.node) === level && inLevel.get(node.id)! > level).map(portOf)))
    for (const port of saved) ops.push({ kind: 'save', port })
    return ops
  })
  for (const ops of levels) for (const op of ops) if ('node' in op && !at.has(op.node)) throw new Error(`plan: no node '${op.node}'`)
  return { graph, levels, reach }
}

/** The group round of a node comes after its fit rounds. */
export const isGroupRound = (stage: Stage, round: number): boolean => stage.group !== undefined && round === (stage.fit?.length ?? 0)
