/** What a run shows of itself, out of its manifest, its reports and what its passes noted: report.json. */
import type { AnyKind, Reason } from '../contract/define.ts'
import { effectOf, isTraining, type Node } from '../graph/types.ts'
import { byNone, rowsRead, type Manifest } from '../run/manifest.ts'
import type { Counts } from '../run/messages.ts'
import { emptyCounts, ERROR_ABOUT } from '../run/messages.ts'
import type { Reported } from '../run/reports.ts'
import { shownFeatures, shownLengths } from './features.ts'
import { KEPT } from './gather.ts'
import type { Noted } from './merge.ts'
import { pairsOf } from './pairs.ts'
import { partOf, shownParts } from './parts.ts'
import type { Picked } from './picks.ts'
import { familyOf, type Shown, type ShownClusters, type ShownReason, type ShownRow, type ShownRows } from './shape.ts'

export interface ShownInput {
  readonly manifest: Omit<Manifest, 'worries' | 'files'>
  readonly nodes: readonly Node[]
  readonly counts: Readonly<Record<string, Counts>>
  readonly reports: Readonly<Record<string, Reported>>
  readonly noted: Noted
  /** See `everyOf`. */
  readonly every: number
  /** The id of a row, by its file's label. */
  idOf(file: string, row: number): string | undefined
}

/** All but the worries, which follow from it. */
export function shownOf(given: ShownInput): Omit<Shown, 'worries'> {
  // of an input without rows nothing is counted
  const all = given.nodes.map(({ id }) => [id, given.counts[id] ?? emptyCounts()] as const),
    input = { ...given, counts: Object.fromEntries(all) }
  const { manifest, nodes, counts, reports, noted, every } = input,
    { name, seed } = manifest.graph,
    pairs = flowOf(manifest),
    reasons = nodes.flatMap(node => reasonsOf(node, counts[node.id])).sort((a, b) => b.count - a.count),
    parts = shownParts(noted.parts),
    named = namer(parts, given.idOf)
  return {
    graph: { name, seed },
    hash: manifest.hash,
    sluice: manifest.sluice,
    pairs,
    about: aboutOf(manifest),
    reasons,
    stages: nodes.flatMap(node =>
      node.stage.kind === 'sink' || node.stage.kind === 'audit' ? [] : [stageOf(node, counts[node.id])],
    ),
    parts,
    reports: nodes.flatMap(({ id, use, stage }) =>
      Object.hasOwn(reports, id) ? [reportOf(id, use, stage, reports[id])] : [],
    ),
    every,
    features: shownFeatures(noted.before, noted.after),
    ...(noted.before.pairs > 0 ? { lengths: shownLengths(noted.before, noted.after) } : {}),
    near: nodes.flatMap(node => (noted.alike[node.id] ? [nearOf(node.id, noted, named)] : [])),
    rows: rowsOf(noted, named, pairs.asRead),
    sinks: nodes.flatMap(node =>
      node.stage.kind === 'sink'
        ? [
            {
              id: node.id,
              use: node.use,
              rows: manifest.sinks[node.id].rows,
              isForReview: !isTraining(node),
              columns: manifest.sinks[node.id].columns,
            },
          ]
        : [],
    ),
    nodes: nodes.map((node, i) => nodeOf(node, manifest.graph.stages[i], counts[node.id])),
    inputs: manifest.inputs.map(({ path, rows, layout, sha256 }) => ({ path, rows, layout, sha256 })),
    notes: nodes.flatMap(node => notesOf(node, counts[node.id])).sort((a, b) => b.count - a.count),
    ...(manifest.decisions ? { decisions: manifest.decisions } : {}),
  }
}

function aboutOf(manifest: ShownInput['manifest']): string[] {
  const [read, none, elsewhere] = [rowsRead(manifest), byNone(manifest), manifest.kept_elsewhere]
  return [
    ...(read === '' ? [] : [`Rows read: ${read}.`]),
    ...(none === '' ? [] : [`No stage dropped ${none}.`]),
    ...(elsewhere > 0
      ? [`${elsewhere} that a stage dropped are kept all the same, by another of their pairs or another way.`]
      : []),
  ]
}

type GraphStage = Manifest['graph']['stages'][number]
/** `from` of an audit is by the names of its inputs. */
function nodeOf(node: Node, said: GraphStage, { in: taken, out, derived }: Counts): Shown['nodes'][number] {
  const from = Object.values(said.from).flat() as string[]
  return {
    id: node.id,
    use: node.use,
    kind: node.stage.kind,
    from,
    options: said.with,
    in: taken,
    out: effectOf(node) === 'derive' ? derived : out,
  }
}

/** Sources declare what they note among their reasons. */
const notesOf = ({ id, stage }: Node, { notes }: Counts): Shown['notes'] =>
  Object.entries(notes).map(([note, count]) => {
    const about = (stage.kind === 'stage' ? stage.notes[note] : undefined) ?? stage.reasons[note]?.about ?? ''
    return { stage: id, note, about, count }
  })

/** Pairs by what became of them, counted as the summary does; rows where they are no pairs. */
function flowOf(manifest: ShownInput['manifest']): Shown['pairs'] {
  const { rows, pairs: read = rows, out, asRead, made } = pairsOf(manifest),
    { dropped, errored } = manifest.rows
  return { read, out, asRead, made, leftOut: read === rows ? dropped : Math.max(0, read - asRead - errored), errored }
}

function reasonsOf({ id, stage, options }: Node, { reasons, errored }: Counts): ShownReason[] {
  const declaredOnes = Object.entries(stage.reasons as Readonly<Record<string, Reason>>)
  const some = declaredOnes.flatMap(([reason, declared]): ShownReason[] => {
    const { kind, about, limit } = declared,
      count = reasons[reason] ?? 0
    if (count === 0) return []
    const held = limit === undefined ? {} : { limit: { option: limit, value: options[limit] ?? null } }
    return [{ stage: id, reason, family: familyOf(declared), kind, about, count, ...held }]
  })
  return errored === 0
    ? some
    : [...some, { stage: id, reason: 'error', family: 'error', kind: 'error', about: ERROR_ABOUT, count: errored }]
}

function stageOf(node: Node, { in: taken, out, dropped, errored, derived }: Counts): Shown['stages'][number] {
  const isMaker = effectOf(node) === 'derive'
  return { id: node.id, use: node.use, in: taken, dropped, errored, made: derived, out: isMaker ? derived : out }
}

const reportOf = (id: string, use: string, { kind }: AnyKind, { report }: Reported): Shown['reports'][number] => ({
  id,
  use,
  isAudit: kind === 'audit',
  lines: report.lines,
  ...(report.tables ? { tables: report.tables } : {}),
  ...(report.charts ? { charts: report.charts } : {}),
})

/** Bytes of all rows to read, and how many of each name there are before any name has more. */
const MOST_BYTES = 3e6
const FIRST = 3

/** Rows of all names, while there is room: some of each first. */
function rowsOf({ picks }: Noted, named: (picked: Picked) => ShownRow, kept: number): ShownRows[] {
  const names = [...picks].sort(([a], [b]) => (a < b ? -1 : 1)),
    rows = names.map((): ShownRow[] => [])
  let bytes = 0
  const take = (from: number, to: number) => {
    names.forEach(([, some], i) => {
      for (const picked of some.rows.slice(from, to)) {
        const row = named(picked),
          size = Buffer.byteLength(JSON.stringify(row))
        if (bytes + size > MOST_BYTES) return
        bytes += size
        rows[i].push(row)
      }
    })
  }
  take(0, FIRST)
  take(FIRST, Infinity)
  return names.map(([name, { count }], i) => ({ name, count: name === KEPT ? kept : count, rows: rows[i] }))
}

/** Picked rows with what is known when all are: the id that one yields to, and which part of the data it is of. */
const namer =
  ([first]: Shown['parts'], idOf: ShownInput['idOf']) =>
  (picked: Picked): ShownRow => {
    const { row, numbers, made, yields } = picked,
      partner = yields && idOf(yields.file, yields.row),
      part = first.values.length > 1 ? partOf(first, picked.parts, row.file) : undefined
    return {
      ...row,
      ...(part === undefined ? {} : { part }),
      numbers,
      ...(partner === undefined ? {} : { partner: { id: partner, similarity: yields!.similarity } }),
      ...(made ? { made } : {}),
    }
  }

function nearOf(stage: string, noted: Noted, named: (picked: Picked) => ShownRow): ShownClusters {
  const clusters: { size: number; rows: ShownRow[] }[] = []
  const some = noted.clusters.filter(one => one.stage === stage)
  for (const { cluster, size, row } of some.sort((a, b) => a.cluster - b.cluster || a.place - b.place)) {
    clusters[cluster] ??= { size, rows: [] }
    clusters[cluster].rows.push(named(row))
  }
  return { stage, histogram: noted.alike[stage], clusters: clusters.filter(Boolean) }
}
