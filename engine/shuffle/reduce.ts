/** Hands blocks of the groups of a range of buckets to the stage, and keeps what it says of each row. */
import { Schema } from 'apache-arrow'
import type { Flow } from '../arrow/flow.ts'
import { saveValue } from '../run/files.ts'
import type { BucketTask, Section } from '../run/messages.ts'
import { openRun, runStage, type StageRun } from '../run/verdicts.ts'
import type { World } from '../run/world.ts'
import { effectOf } from '../graph/types.ts'
import { blocksOf, flowOf, groupsOf, inParts, keysOf, rowsOf, withRows } from './cut.ts'
import { FoundRows, saveSections, writtenFields, type FoundEdges } from './found.ts'
import { tableTravel, travelOf } from './records.ts'

/** Bytes of a group's rows at most. */
const GROUP_BYTES = 256 << 20

/** What the groups of a range come to: a section for each partition that is spoken of, in `task.file`. */
export async function reduceRange(world: World, task: BucketTask): Promise<readonly Section[]> {
  const node = world.nodes.get(task.node)!,
    travel = travelOf(node),
    isCluster = travel.items !== undefined,
    limit = world.setup.groupBytes ?? GROUP_BYTES
  const written = writtenFields(node),
    tables = task.tables.map(({ name }) => ({ name, travel: tableTravel(node, name) }))
  const run: StageRun = {
    ...openRun(node, () => world.context(node, task.states)),
    ...(effectOf(node) === 'pair' ? { ofPairs: written } : {}),
    output: new Schema([
      ...travel.fields.filter(({ name }) => !written.some(field => field.name === name)),
      ...written,
    ]),
  }
  const keys = keysOf(task, node, travel),
    rows = rowsOf(keys, isCluster),
    found = new FoundRows(written, run.ofPairs !== undefined)
  const edges = { a: [] as number[], b: [] as number[], value: [] as number[], errors: [] as [number, string][] }
  const numbered = (entry: number) => task.bases[rows.partition(entry)] + rows.number(entry)
  try {
    const groups = groupsOf(keys, travel, rows, limit, `${node.id} (${node.use})`)
    const parts = isCluster ? inParts(groups, rows, limit) : groups
    for (const block of blocksOf(withRows(parts, rows), world.setup.blockRows)) {
      const ownRows = block.map(({ own }) => own),
        entries = ownRows.flat()
      const flow: Flow = {
        ...flowOf(ownRows, travel, rows),
        ...(tables.length > 0
          ? {
              tables: Object.fromEntries(
                tables.map(({ name, travel }) => [
                  name,
                  flowOf(
                    block.map(({ tables }) => tables.get(name) ?? []),
                    travel,
                    rows,
                  ),
                ]),
              ),
            }
          : {}),
      }
      const through = await runStage(run, flow)
      if (isCluster) {
        const { a, b, value } = through.edges ?? { a: [], b: [], value: [] }
        for (let i = 0; i < a.length; i++) {
          edges.a.push(numbered(entries[a[i]]))
          edges.b.push(numbered(entries[b[i]]))
          edges.value.push(value[i])
        }
        for (const [row, message] of through.said.messages) edges.errors.push([numbered(entries[row]), message])
        for (const { row, reason } of through.said.notes) {
          found.of(rows.partition(entries[row])).notes.push([rows.number(entries[row]), reason])
        }
      } else found.take(through, entries, rows, numbered)
    }
  } finally {
    rows.close()
  }
  if (isCluster) {
    const [a, b, value] = [edges.a, edges.b, edges.value].map(list => Float64Array.from(list))
    saveValue(`${task.file}.edges`, { a, b, value, errors: edges.errors } satisfies FoundEdges)
  }
  return saveSections(task.file, found.sections())
}
