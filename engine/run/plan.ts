/**
 * Cuts a graph into levels. A level is a pass over all partitions in which no stage waits for rows of another
 * partition. A stage that must see everything first (fit rounds, groups) ends a level: its input is spooled, and its
 * verdicts come in a later one.
 */
import { writtenName } from '../graph/columns.ts'
import {
  effectOf,
  fitRounds,
  groupedBy,
  readsOf,
  sourcesAbove,
  tableRounds,
  talliesOf,
  writesOf,
  type Graph,
  type Node,
} from '../graph/types.ts'

/**
 * What is done with a node in one pass, in order. Ports are named `<node>` (its output), `<node>.dropped` or
 * `<node>.<reason>`.
 */
export type Op =
  | { readonly kind: 'source'; readonly node: string }
  /** Runs a stage over the merged inputs, or over its spool, and gives out its ports. */
  | { readonly kind: 'stage'; readonly node: string; readonly inputs: readonly string[] }
  /** Merges the inputs of a stage that waits, and spools them. */
  | { readonly kind: 'gather'; readonly node: string; readonly inputs: readonly string[] }
  /** Feeds the rows of a spool (just gathered, or loaded) to a fit round, or sends them to their groups. */
  | { readonly kind: 'collect'; readonly node: string; readonly round: number; readonly spool: string }
  | { readonly kind: 'sink'; readonly node: string; readonly inputs: readonly string[] }
  /** Tallies rows that appear in this level: of an input of an audit, or those that a stage leaves. */
  | { readonly kind: 'tally'; readonly node: string; readonly input: string; readonly inputs: readonly string[] }
  /** Brings back the rows of a spool, under the name of the port that was saved. */
  | { readonly kind: 'load'; readonly port: string }
  | { readonly kind: 'save'; readonly port: string }

export interface Plan {
  readonly graph: Graph
  /** Ops of each level, in order. */
  readonly levels: readonly (readonly Op[])[]
  /** For each node, the sources whose rows can reach it. */
  readonly reach: ReadonlyMap<string, ReadonlySet<string>>
}

/** The rounds that a node waits for: its fit rounds, and one more for a group. */
export const roundsOf = (node: Pick<Node, 'stage' | 'options'>): number =>
  fitRounds(node).length - tableRounds(node) + (groupedBy(node) ? 1 : 0)

/** The port that an input names. */
export const portOf = (input: Node['from'][number]): string => (input.port ? `${input.node}.${input.port}` : input.node)

/** The spool of what a waiting stage has gathered. No port has this name: '#' is not allowed in ids. */
export const gathered = (node: string): string => `${node}#in`

/** The rows that a stage leaves, dropped ones too, for its own tally. */
export const leftBy = (node: string): string => `${node}#all`

/**
 * Whether a stage hands on every row, with nothing that `reader` reads changed or added: what `reader` would learn of
 * its output, it can learn of its input.
 */
function isTransparent(node: Node, reader: Node): boolean {
  const read = readsOf(reader)
  if (node.stage.kind === 'stage' && node.stage.picks) return false
  return effectOf(node) === 'same' && Object.keys(writesOf(node)).every(name => !(writtenName(node.id, name) in read))
}

/** The node `last` and those before it, each the only input of the next, back to `first`. */
function chain(at: ReadonlyMap<string, Node>, last: string, first: string): Node[] {
  const node = at.get(last)!
  return last === first ? [node] : [...chain(at, node.from[0].node, first), node]
}

/** `fixed`: stages whose fit is there already, as of another run: they wait for nothing but their groups. */
export function makePlan(graph: Graph, fixed: ReadonlySet<string> = new Set()): Plan {
  const isFixed = ({ id }: Node) => fixed.has(id),
    waitsFor = (node: Node) =>
      isFixed(node) ? roundsOf(node) + tableRounds(node) - fitRounds(node).length : roundsOf(node)
  const at = new Map(graph.nodes.map(node => [node.id, node]))
  // the level in which a node takes its input, that in which it gives its output, and the node whose spool it learns
  // from
  const inLevel = new Map<string, number>(),
    outLevel = new Map<string, number>(),
    learnsFrom = new Map<string, string>()
  for (const node of graph.nodes) {
    const { id, stage, from } = node
    // an audit looks on where rows appear: nothing is spooled for it, and no level made
    if (stage.kind === 'audit') continue
    const ready = Math.max(0, ...from.map(input => outLevel.get(input.node)!)),
      rounds = waitsFor(node)
    // a stage that is fitted behind one that only annotates is fitted beside it: one pass and one spool fewer, and both
    // at once
    const spool =
      from.length === 1 && from[0].port === undefined && stage.kind === 'stage' && !groupedBy(node) && rounds > 0
        ? learnsFrom.get(from[0].node)
        : undefined
    const beside = spool !== undefined && chain(at, from[0].node, spool).every(earlier => isTransparent(earlier, node))
    if (rounds > 0) learnsFrom.set(id, beside ? spool : id)
    inLevel.set(id, ready)
    outLevel.set(id, beside ? Math.max(ready, inLevel.get(spool)! + rounds) : ready + rounds)
    if (beside) inLevel.set(id, outLevel.get(id)!)
  }
  const count = Math.max(...outLevel.values()) + 1
  const levels = Array.from({ length: count }, (_, level) => {
    const ops: Op[] = [],
      loaded = new Set<string>()
    const load = (port: string) => {
      if (!loaded.has(port)) {
        loaded.add(port)
        ops.push({ kind: 'load', port })
      }
    }
    const inputs = (node: Node) =>
      node.from.map(input => {
        if (outLevel.get(input.node)! < level) load(portOf(input))
        return portOf(input)
      })
    for (const node of graph.nodes) {
      if (node.stage.kind === 'audit') {
        ops.push(...auditOps(node, outLevel, level))
        continue
      }
      const { id, stage } = node,
        first = inLevel.get(id)!,
        last = outLevel.get(id)!,
        teacher = learnsFrom.get(id),
        begins = teacher === undefined ? first : inLevel.get(teacher)!
      if (teacher === id && level === first) ops.push({ kind: 'gather', node: id, inputs: inputs(node) })
      const round = level - begins
      if (teacher !== undefined && round >= 0 && round < waitsFor(node)) {
        if (round > 0) load(gathered(teacher))
        // those that look at tables are done before
        const done = isFixed(node) ? fitRounds(node).length : tableRounds(node)
        ops.push({ kind: 'collect', node: id, round: done + round, spool: gathered(teacher) })
      }
      if (level !== last) continue
      if (stage.kind === 'source') ops.push({ kind: 'source', node: id })
      else if (stage.kind === 'sink') ops.push({ kind: 'sink', node: id, inputs: inputs(node) })
      else if (teacher === id) {
        load(gathered(id))
        ops.push({ kind: 'stage', node: id, inputs: [gathered(id)] })
      } else ops.push({ kind: 'stage', node: id, inputs: inputs(node) })
      for (const input of talliesOf(node)) ops.push({ kind: 'tally', node: id, input, inputs: [leftBy(id)] })
    }
    // what later levels read of this one is spooled
    const saved = new Set(
      graph.nodes.flatMap(node =>
        node.from
          .filter(input => outLevel.get(input.node) === level && (inLevel.get(node.id) ?? 0) > level)
          .map(portOf),
      ),
    )
    for (const port of saved) ops.push({ kind: 'save', port })
    return ops
  })
  for (const ops of levels) {
    for (const op of ops) if ('node' in op && !at.has(op.node)) throw new Error(`plan: no node '${op.node}'`)
  }
  return { graph, levels, reach: sourcesAbove(graph) }
}

/** What is done in a level with the rows of a source: with those of others there is nothing to do. */
export function opsOf({ levels, reach }: Pick<Plan, 'levels' | 'reach'>, level: number, source: string): Op[] {
  const reaches = (port: string) => reach.get(port.split(/[.#]/)[0])!.has(source)
  return levels[level].filter(op =>
    op.kind === 'tally' ? op.inputs.some(reaches) : reaches('node' in op ? op.node : op.port),
  )
}

const gives = (op: Op, port: string): boolean =>
  op.kind === 'load'
    ? port === op.port
    : op.kind === 'gather'
      ? port === gathered(op.node)
      : op.kind === 'source'
        ? port === op.node
        : op.kind === 'stage' && (port === op.node || port === leftBy(op.node) || port.startsWith(`${op.node}.`))

/** Of these ops those that some tallies need, and no others. */
export function opsFor(ops: readonly Op[], tallies: ReadonlySet<Op>): Op[] {
  const needed = new Set<string>(),
    kept: Op[] = []
  for (const op of ops.toReversed()) {
    const isNeeded = op.kind === 'tally' ? tallies.has(op) : [...needed].some(port => gives(op, port))
    if (!isNeeded) continue
    kept.unshift(op)
    if ('inputs' in op) for (const port of op.inputs) needed.add(port)
  }
  return kept
}

/** What a level does for an audit: of each of its inputs, those whose rows appear there. */
function auditOps(node: Node, outLevel: ReadonlyMap<string, number>, level: number): Op[] {
  return talliesOf(node).flatMap((input): Op[] => {
    const inputs = node.from.filter(from => from.input === input && outLevel.get(from.node) === level).map(portOf)
    return inputs.length > 0 ? [{ kind: 'tally', node: node.id, input, inputs }] : []
  })
}

/** The group round of a node comes after its fit rounds. */
export const isGroupRound = (node: Pick<Node, 'stage' | 'options'>, round: number): boolean =>
  groupedBy(node) !== undefined && round === fitRounds(node).length
