/** Sends rows to their groups and back, by way of the files, without a run around it. */
import { Schema } from 'apache-arrow'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AnyStage, Context } from '../../engine/contract/define.ts'
import { takeFlow, type Flow } from '../../engine/arrow/flow.ts'
import { loadValue } from '../../engine/run/files.ts'
import { groupSaid } from '../../engine/run/group_said.ts'
import type { RelateTask, Sent } from '../../engine/run/messages.ts'
import { openNone, type Through } from '../../engine/run/verdicts.ts'
import type { WorkerNode, World } from '../../engine/run/world.ts'
import { addedFields } from '../../engine/graph/columns.ts'
import { closeClusters, relate, type Related } from '../../engine/shuffle/join.ts'
import { openRecords } from '../../engine/shuffle/records.ts'
import { reduceRange } from '../../engine/shuffle/reduce.ts'
import { folder } from './helpers.ts'

export interface Part {
  readonly file: string
  readonly flow: Flow
}
export interface Sizes {
  /** Ranges of buckets, rows of a block that is sent, rows of a block of groups, bytes of a group. */
  readonly ranges?: number
  readonly sentRows?: number
  readonly blockRows?: number
  readonly groupBytes?: number
}

const context: Context = {
  id: 'it',
  seed: 1,
  state: undefined,
  file: () => new Uint8Array(),
  ask: () => Promise.resolve([]),
}

export function nodeOf(stage: AnyStage, schema: Schema, options: Record<string, unknown> = {}): WorkerNode {
  const node = { id: 'it', use: stage.name, stage, options },
    added = addedFields({ ...node, from: [], index: 0 })
  const output = new Schema([
    ...schema.fields.filter(({ name }) => !added.some(field => field.name === name)),
    ...added,
  ])
  return {
    ...node,
    input: schema,
    output,
    aside: output,
    tallied: new Map(),
    tableSchemas: new Map(),
    file: context.file,
  }
}

/** What a stage says of the rows of each part, and the folder in which all of it lies. */
export async function grouped(
  stage: AnyStage,
  parts: readonly Part[],
  { ranges = 4, sentRows = 1000, blockRows = 1000, groupBytes }: Sizes = {},
  options: Record<string, unknown> = {},
): Promise<{ at: string; related: Related[]; through: Through[] }> {
  // of one name each time, as seals are of it too
  const at = join(folder(), 'groups'),
    node = nodeOf(stage, parts[0].flow.schema, options)
  const world = {
    setup: { blockRows, groupBytes },
    nodes: new Map([['it', node]]),
    context: () => context,
  } as unknown as World
  mkdirSync(at)
  const sent: Sent[] = [],
    folders = parts.map((_, p) => join(at, `part-${p}`)),
    bases: number[] = []
  parts.forEach(({ flow }, p) => {
    mkdirSync(folders[p])
    const records = openRecords(folders[p], node, context)
    for (let row = 0; row < flow.rows; row += sentRows) {
      records.add(takeFlow(flow, [row, Math.min(flow.rows, row + sentRows)]))
    }
    bases.push(sent.reduce((n, { rows }) => n + rows, 0))
    sent.push(records.close())
  })
  const found: RelateTask['from'][number][] = [],
    edges: string[] = []
  for (let i = 0; i < ranges; i++) {
    const [from, to] = [i, i + 1].map(end => Math.floor((256 * end) / ranges)),
      file = join(at, `bucket-${i}.bin`)
    const sections = await reduceRange(world, {
      kind: 'bucket',
      node: 'it',
      from,
      to,
      folders,
      bases,
      states: [],
      tables: [],
      file,
    })
    found.push({ file, sections })
    edges.push(`${file}.edges`)
  }
  if (stage.rows === 'cluster') {
    const file = join(at, 'clusters.bin')
    found.push({ file, sections: closeClusters({ kind: 'close', edges, bases, file }) })
  }
  const partitions = parts.map(({ flow }, p) => ({ index: p, rows: flow.rows, file: join(at, `related-${p}.bin`) }))
  const labels = parts.map(({ file }) => file)
  relate({ kind: 'relate', node: 'it', partitions, from: found, folders, labels, sources: labels, bases })
  const related = partitions.map(({ file }) => loadValue<Related>(file))
  const through = related.map((of, p) => groupSaid(node, of)({ ...openNone(node), output: node.output }, parts[p].flow))
  return { at, related, through }
}
