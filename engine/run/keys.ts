/** Names of what a run leaves between its passes: of content and plan alone, so that the next run finds it. */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { schemaBytes } from '../arrow/ipc.ts'
import { seenOptions, type Node } from '../graph/types.ts'
import { keyText } from '../key_text.ts'
import { packageRoot } from '../root.ts'
import { labelOf } from './manifest.ts'
import type { Partition } from './messages.ts'
import type { Plan } from './plan.ts'
import type { Prepared } from './prepare.ts'
import type { RunOptions } from './options.ts'

/** Raised when what lies in spools changes its form. */
const FORMAT = 5

export const sha = (value: unknown): string =>
  createHash('sha256')
    .update(typeof value === 'string' ? value : keyText(value))
    .digest('hex')
    .slice(0, 32)

/** What every cache key begins with: a change of Sluice's own code, or of Node, makes everything anew. */
const codeKey = (): string => {
  const stamp = join(packageRoot, 'dist', '.stamp')
  return sha([FORMAT, process.versions.node.split('.')[0], existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''])
}

/**
 * Names of everything that a run leaves between passes, known before it begins, since they follow from content and plan
 * alone.
 */
export interface Keys {
  readonly partitions: string[][]
  readonly states: Map<string, string>
  readonly run: string
}

/**
 * A stage that may read what is in no key, or remembers rows: what it made, and what was made of that, is made again by
 * each run.
 */
export const isReader = ({ own }: Node): boolean => own !== undefined && own.reads.length + own.keeps.length > 0

export function makeKeys(
  prepared: Prepared,
  plan: Plan,
  partitions: readonly Partition[],
  hashes: readonly string[],
  served: Readonly<Record<string, unknown>>,
  expectedRows: number,
  options: RunOptions,
): Keys {
  const { graph, files, schemas } = prepared
  const base = sha([codeKey(), graph.seed, options.keepIds ?? []])
  const nodeKeys = new Map(
    graph.nodes.map(node => [
      node.id,
      sha([
        node.id,
        node.use,
        node.stage.version,
        seenOptions(node),
        served[node.id] ?? '',
        node.own?.key ?? '',
        node.from,
        Buffer.from(schemaBytes(schemas.get(node.id)!.input)).toString('base64'),
        Buffer.from(schemaBytes(schemas.get(node.id)!.output)).toString('base64'),
      ]),
    ]),
  )
  const states = new Map<string, string>()
  const owned = new Set(graph.nodes.filter(({ own }) => own).map(({ id }) => id))
  // the name too: dropped rows tell it, and files of equal content are not one; a user's source may take more of it
  const inputs = partitions.map(({ file, start, end, rows }) =>
    sha([
      base,
      labelOf(files[file].path),
      hashes[file],
      owned.has(files[file].source) ? files[file].path : (files[file].fromPath ?? {}),
      files[file].layout,
      files[file].source,
      start,
      end,
      rows ? Buffer.from(rows.buffer).toString('base64') : '',
    ]),
  )
  const keys: string[][] = [],
    once = randomUUID()
  let previous = inputs
  plan.levels.forEach((ops, level) => {
    const used = ops.flatMap(op => {
      if (!('node' in op)) return [op.port]
      const node = graph.nodes.find(({ id }) => id === op.node)!
      // our own sources' path says where rows were found, not what they are; a user's may say anything
      const key =
        node.stage.kind === 'source'
          ? sha([
              node.use,
              node.stage.version,
              node.own?.key ?? '',
              node.own ? node.options : { ...node.options, path: null, more_paths: null },
              Buffer.from(schemaBytes(schemas.get(node.id)!.output)).toString('base64'),
            ])
          : nodeKeys.get(op.node)!
      const waits =
        op.kind === 'stage' || op.kind === 'collect'
          ? [...states].filter(([name]) => name.startsWith(`${op.node}#`)).map(([, state]) => state)
          : []
      return [
        op.kind,
        op.kind === 'collect' ? op.round : '',
        key,
        isReader(node) ? once : '',
        ...waits,
        // sizes of work too, as keys of a group are sorted by them; a stage of one's own may ask for the rows anywhere
        op.kind === 'collect' || node.own ? [expectedRows, options.bucketBytes ?? ''] : '',
      ]
    })
    const now = previous.map(key => sha([key, level, used]))
    keys.push(now)
    for (const op of ops) if (op.kind === 'collect') states.set(`${op.node}#${op.round}`, sha([op.node, op.round, now]))
    previous = now
  })
  const labels = files.map(({ path }) => path)
  return {
    partitions: partitions.map((_, p) => keys.map(level => level[p])),
    states,
    run: sha([
      base,
      inputs,
      options.sample ?? '',
      labels,
      graph.name,
      graph.nodes.map(node => [node.id, nodeKeys.get(node.id)]),
    ]),
  }
}
