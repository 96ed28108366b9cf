/** `sluice check --plan`: what a run of a graph does, pass by pass, with what it costs; and the graph as a picture. */
import {
  fitRounds,
  groupedBy,
  groupTables,
  isTraining,
  readsOf,
  tableRounds,
  tablesOf,
  writesOf,
} from '../../engine/graph/types.ts'
import type { Graph, Node } from '../../engine/graph/types.ts'
import { writtenName } from '../../engine/graph/columns.ts'
import { makePlan, type Op } from '../../engine/run/plan.ts'
import type { Prepared } from '../../engine/run/prepare.ts'
import { rowsSaid } from './say.ts'
import { labelled, paint, table, type Screen } from './screen.ts'

export interface PlanSaid {
  readonly graph: string
  /** Rows of the inputs; null where they were not opened. */
  readonly rows: number | null
  readonly passes: readonly {
    readonly runs: readonly string[]
    /** Stages that learn in this pass, or whose groups are gathered. */
    readonly learns: readonly string[]
    readonly groups: readonly string[]
    /** What is written for later passes, and read of earlier ones. */
    readonly saves: readonly string[]
    readonly loads: readonly string[]
  }[]
  readonly stages: readonly {
    readonly id: string
    readonly use: string
    /** The pass in which it gives its rows, from 1; null of an audit. */
    readonly pass: number | null
    readonly rounds: number
    readonly groupedBy: readonly string[]
    readonly tables: readonly string[]
    readonly reads: readonly string[]
    readonly writes: readonly string[]
    /** Of the last run of this output. */
    readonly seconds: number | null
  }[]
  /** What servers will be asked, a line a stage. */
  readonly calls: readonly string[]
}

export function planSaid(
  graph: Graph,
  {
    files,
    calls,
    seconds,
  }: { files?: Prepared['files']; calls: readonly string[]; seconds: Readonly<Record<string, number>> },
): PlanSaid {
  const { levels } = makePlan(graph)
  const named = <K extends Op['kind']>(ops: readonly Op[], kind: K, of: (op: Extract<Op, { kind: K }>) => string) => [
    ...new Set(ops.filter((op): op is Extract<Op, { kind: K }> => op.kind === kind).map(of)),
  ]
  const isGroup = (id: string, round: number) => round >= fitRounds(graph.nodes.find(one => one.id === id)!).length
  const collects = (ops: readonly Op[], group: boolean) => [
    ...new Set(ops.flatMap(op => (op.kind === 'collect' && isGroup(op.node, op.round) === group ? [op.node] : []))),
  ]
  const passOf = (id: string) =>
    levels.findIndex(ops =>
      ops.some(op => ['source', 'stage', 'sink'].includes(op.kind) && 'node' in op && op.node === id),
    )
  return {
    graph: graph.name,
    rows: files ? files.reduce((n, { rows }) => n + rows, 0) : null,
    passes: levels.map(ops => ({
      runs: ops.flatMap(op => (['source', 'stage', 'sink'].includes(op.kind) && 'node' in op ? [op.node] : [])),
      learns: collects(ops, false),
      groups: collects(ops, true),
      saves: [...named(ops, 'gather', op => `${op.node}#in`), ...named(ops, 'save', op => op.port)],
      loads: named(ops, 'load', op => op.port),
    })),
    stages: graph.nodes.map(node => {
      const { id, use } = node,
        pass = passOf(id)
      return {
        id,
        use,
        pass: pass < 0 ? null : pass + 1,
        rounds: fitRounds(node).length,
        groupedBy: groupedBy(node) ?? [],
        tables: tablesIn(node),
        reads: Object.keys(readsOf(node)),
        writes: Object.keys(writesOf(node)).map(name => writtenName(id, name)),
        seconds: seconds[id] ?? null,
      }
    }),
    calls,
  }
}

const tablesIn = (node: Node): string[] => [
  ...new Set([
    ...Object.keys(tablesOf(node)),
    ...groupTables(node),
    ...(tableRounds(node) > 0 ? Object.keys(node.tables ?? {}) : []),
  ]),
]

export function planLines(screen: Screen, said: PlanSaid): string[] {
  const { passes, stages, rows, calls } = said,
    hasSeconds = stages.some(({ seconds }) => seconds !== null),
    isWide = screen.columns >= 80,
    some = (names: readonly string[]) =>
      names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  const head = `${said.graph}: ${rowsSaid(passes.length, 'pass').replace('passs', 'passes')}${rows === null ? '' : ` over ${rowsSaid(rows)}`}`
  const lines = [paint(screen, 'bold', head), '']
  passes.forEach(({ runs, learns, groups, saves }, i) => {
    const waits = [
      ...(learns.length > 0 ? [`${learns.join(', ')} ${learns.length > 1 ? 'learn' : 'learns'}`] : []),
      ...(groups.length > 0 ? [`groups of ${groups.join(', ')}`] : []),
      ...(saves.length > 0 ? [`keeps ${rowsSaid(saves.length, 'spool')}`] : []),
    ]
    lines.push(...labelled(screen, `pass ${i + 1}`, [runs.join(' > ') || '(nothing new)', ...waits].join('; ')))
  })
  const columns = [
    { head: 'stage' },
    { head: 'use' },
    ...(isWide ? [{ head: 'reads' }, { head: 'writes' }, { head: 'table' }] : []),
    ...(hasSeconds ? [{ head: 's', isRight: true }] : []),
  ]
  lines.push(
    '',
    ...table(
      screen,
      columns,
      stages.map(({ id, use, reads, writes, tables, seconds }) => [
        id,
        use,
        ...(isWide ? [some(reads), some(writes), tables.join(', ')] : []),
        ...(hasSeconds ? [seconds === null ? '' : seconds.toFixed(1)] : []),
      ]),
    ),
    '',
  )
  if (hasSeconds) lines.push(...labelled(screen, 's', 'seconds in the last run of this output, over all its threads'))
  if (calls.length === 0) lines.push(...labelled(screen, 'calls', 'none: nothing is asked of a server'))
  calls.forEach((call, i) => lines.push(...labelled(screen, i === 0 ? 'calls' : '', call)))
  return lines
}

const label = (text: string): string => `"${text.replaceAll('"', '#quot;').replaceAll('<', '#lt;')}"`

/** Words that Mermaid takes for its own. */
const named = (id: string): string =>
  /^(end|graph|subgraph|flowchart|class|click|style|default)$/.test(id) ? `${id}_` : id

/** The graph as text of Mermaid: sources and sinks as drums, audits dashed, edges with the name of what they carry. */
export function mermaid({ nodes, tables }: Pick<Graph, 'nodes' | 'tables'>): string {
  const shape = ({ id, use, stage }: Node) => {
    const said = `${label(id).slice(0, -1)}<br>${label(use).slice(1)}`
    if (stage.kind === 'source' || stage.kind === 'sink') return `${named(id)}[(${said})]`
    return stage.kind === 'audit' ? `${named(id)}{{${said}}}` : `${named(id)}[${said}]`
  }
  const edges = nodes.flatMap(node => [
    ...node.from.map(({ node: of, port, input }) => {
      const words = [...new Set([port, input])].filter(one => one !== undefined).join(', '),
        arrow = node.stage.kind === 'audit' ? '-.->' : '-->'
      return `  ${named(of)} ${arrow}${words === '' ? '' : `|${label(words)}|`} ${named(node.id)}`
    }),
    ...Object.entries(node.tables ?? {}).flatMap(([name, sources]) =>
      sources.map(source => `  ${named(source)} -.->|${label(name)}| ${named(node.id)}`),
    ),
  ])
  const review = nodes.filter(node => node.stage.kind === 'sink' && !isTraining(node)).map(({ id }) => named(id))
  return [
    'flowchart TD',
    ...[...tables, ...nodes].map(node => `  ${shape(node)}`),
    ...edges,
    ...(review.length > 0 ? ['  classDef people stroke-dasharray: 4 3', `  class ${review.join(',')} people`] : []),
  ].join('\n')
}
