/** Names of what a run leaves between its passes: of content and plan alone, so that the next run finds it. */
import { createHash, randomUUID } from 'node:crypto'
import { schemaBytes } from '../arrow/ipc.ts'
import { seenOptions, type Node } from '../graph/types.ts'
import { keyText } from '../key_text.ts'
import { codeStamp } from '../stamp.ts'
import type { Wanted } from './decisions.ts'
import { inputsSaid, labelOf } from './manifest.ts'
import type { Partition } from './messages.ts'
import { opsOf, type Op, type Plan } from './plan.ts'
import type { Prepared } from './prepare.ts'
import type { RunOptions } from './options.ts'
import { filesSaid, keyedOptions, type HeldFiles } from './stage_files.ts'

/** Raised when what lies in spools changes its form. */
const FORMAT = 7

export const sha = (value: unknown): string =>
  createHash('sha256')
    .update(typeof value === 'string' ? value : keyText(value))
    .digest('hex')
    .slice(0, 32)

/** What every cache key begins with: a change of Sluice's own code, or of what Node computes by, makes all anew. */
const codeKey = (): string => {
  const { v8, icu, unicode, tz } = process.versions
  return sha([FORMAT, v8, icu, unicode, tz, codeStamp])
}

/** Names of what a run leaves between passes: each follows from the content of all that it is made of. */
export interface Keys {
  /**
   * The pass of a partition at a level. `earlier`: the content of the spools that its passes before have left; `given`:
   * that of the states and verdicts that it reads.
   */
  pass(partition: number, level: number, earlier: readonly string[], given: unknown): string
  /** What a pass of this name adds to a tally: a file of its own, so that no pass is another for an audit more. */
  tally(node: string, input: string, pass: string): string
  /** What a round of a node comes to: `from` is the content of what it is merged of. */
  round(node: string, round: number, from: unknown): string
  /** A part of a table, for a stage's round, or for its groups where that is undefined; `states`: what it is told. */
  table(part: TablePart, node: string, table: string, round: number | undefined, states: unknown): string
  /** Of inputs and graph alone: known before anything is read. */
  readonly run: string
}

/** A range of rows of a file of a table, by the file's place among all of them. */
export type TablePart = Pick<Partition, 'file' | 'start' | 'end'>

/** A stage that may read what is in no key, or remembers rows: it works again in each run. */
export const isReader = ({ own }: Node): boolean => own !== undefined && own.reads.length + own.keeps.length > 0

/** Whether an op has a part in what a pass leaves for later ones. */
const isOfPass = ({ kind }: Op): boolean => kind !== 'tally'

export function makeKeys(
  prepared: Prepared,
  plan: Plan,
  partitions: readonly Partition[],
  hashes: readonly string[],
  served: Readonly<Record<string, unknown>>,
  options: RunOptions,
  wanted: Wanted,
  held: HeldFiles,
  every: number,
): Keys {
  const { graph, files, tables, schemas } = prepared
  const base = sha([codeKey(), graph.seed, wanted, options.groupBytes ?? ''])
  const nodeKeys = new Map(
    graph.nodes.map(node => [
      node.id,
      sha([
        node.id,
        node.use,
        node.stage.version,
        keyedOptions(node, held.get(node.id)),
        // by what lies there: a path says nothing of it
        (held.get(node.id) ?? []).map(({ sha256 }) => sha256),
        served[node.id] ?? '',
        node.own?.key ?? '',
        node.from,
        Buffer.from(schemaBytes(schemas.get(node.id)!.input)).toString('base64'),
        Buffer.from(schemaBytes(schemas.get(node.id)!.output)).toString('base64'),
        ...[schemas.get(node.id)!.tallied, schemas.get(node.id)!.tables].map(of =>
          [...(of ?? [])].map(([name, schema]) => [name, Buffer.from(schemaBytes(schema)).toString('base64')]),
        ),
        node.tables ?? {},
      ]),
    ]),
  )
  /** What is read of a table's file, and how. */
  const tableKeys = tables.map(({ source, path, fromPath, plan: { raw } }, i) => {
    const node = graph.tables.find(({ id }) => id === source)!
    return sha([
      base,
      hashes[files.length + i],
      node.use,
      node.stage.version,
      node.own?.key ?? '',
      // where it lies is no matter; a user's source may take more of it
      { ...node.options, path: node.own ? path : null, more_paths: null },
      fromPath ?? {},
      [...raw.renamed],
    ])
  })
  const owned = new Set(graph.nodes.filter(({ own }) => own).map(({ id }) => id))
  // the name too: dropped rows tell it, and files of equal content are not one; a user's source may take more of it
  const inputs = partitions.map(({ file, start, end, rows }) =>
    sha([
      base,
      labelOf(files[file].path),
      hashes[file],
      owned.has(files[file].source) ? files[file].path : (files[file].fromPath ?? {}),
      files[file].layout,
      files[file].plan.map ?? '',
      files[file].source,
      start,
      end,
      rows ? Buffer.from(rows.buffer).toString('base64') : '',
      every,
    ]),
  )
  const nodes = new Map(graph.nodes.map(node => [node.id, node])),
    once = randomUUID()
  const keyOf = (node: Node): string =>
    // our own sources' path says where rows were found, not what they are; a user's may say anything
    node.stage.kind === 'source'
      ? sha([
          node.use,
          node.stage.version,
          node.own?.key ?? '',
          node.own ? node.options : { ...node.options, path: null, more_paths: null },
          Buffer.from(schemaBytes(schemas.get(node.id)!.output)).toString('base64'),
        ])
      : nodeKeys.get(node.id)!
  const workOf = (op: Op): unknown => {
    if (!('node' in op)) return [op.kind, op.port]
    const node = nodes.get(op.node)!
    return [op.kind, op.kind === 'collect' ? op.round : '', keyOf(node), isReader(node) ? once : '']
  }
  const work = new Map<string, unknown>()
  /** What is done in a level with the rows of a source. */
  const workOn = (source: string, level: number): unknown => {
    const name = `${level} ${source}`
    if (!work.has(name)) work.set(name, opsOf(plan, level, source).filter(isOfPass).map(workOf))
    return work.get(name)
  }
  const labels = files.map(({ path }) => path)
  return {
    pass: (p, level, earlier, given) =>
      sha([inputs[p], level, workOn(files[partitions[p].file].source, level), earlier, given]),
    tally(id, input, pass) {
      const node = nodes.get(id)!
      return sha([pass, 'tally', keyOf(node), input, isReader(node) ? once : ''])
    },
    round(id, round, from) {
      const node = nodes.get(id)!
      return sha([base, round, keyOf(node), isReader(node) ? once : '', from])
    },
    table({ file, start, end }, id, table, round, states) {
      const node = nodes.get(id)!,
        source = graph.tables.find(({ id }) => id === tables[file].source)!
      const anew = isReader(node) || isReader(source) ? once : ''
      return sha([tableKeys[file], start, end, keyOf(node), table, round ?? 'groups', states, anew])
    },
    run: sha([
      base,
      inputs,
      tableKeys,
      options.sample ?? '',
      options.limit ?? '',
      labels,
      // of files, too, that no row is read of: the manifest and the report tell of all
      inputsSaid(prepared, hashes),
      graph.name,
      // the manifest tells it, whatever comes of it
      graph.partitionRows,
      graph.nodes.map(node => [
        node.id,
        nodeKeys.get(node.id),
        // the manifest tells their paths
        held.has(node.id) ? [seenOptions(node), filesSaid(held.get(node.id))] : '',
      ]),
    ]),
  }
}
