/** Reads parts of tables: rows as they lie, for a round that looks at them or for the groups that they belong to. */
import type { AnySource } from '../contract/define.ts'
import { Batch, conform, type Flow } from '../arrow/flow.ts'
import { DataError, prefixed, SluiceError } from '../errors.ts'
import { fitRounds } from '../graph/types.ts'
import { isReadFault, readFault } from '../parquet/source.ts'
import { openRecords } from '../shuffle/records.ts'
import { rawRows } from '../source/raw.ts'
import { contentOf } from './content.ts'
import { changedInput, saveValue } from './files.ts'
import { holdLock } from './lock.ts'
import type { TableTask } from './messages.ts'
import { hasChanged } from './source_blocks.ts'
import { TABLE_FILES } from './table_files.ts'
import type { World } from './world.ts'

export async function readTable(world: World, task: TableTask): Promise<string> {
  const node = world.nodes.get(task.node)!,
    context = world.context(node, task.states)
  const open = () => {
    try {
      return task.round === undefined
        ? openRecords(task.folder, node, context, task.table)
        : fitRounds(node)[task.round].collect(context)
    } catch (error) {
      throw prefixed(`${node.id} (${node.use})`, error)
    }
  }
  const opened = open()
  for await (const flow of flowsOf(world, task)) {
    if ('add' in opened) opened.add(flow)
    else {
      try {
        await opened.batch(new Batch(flow))
      } catch (error) {
        throw prefixed(`${node.id} (${node.use}), in its round over '${task.table}'`, error)
      }
    }
  }
  holdLock(world.setup.lock)
  if ('close' in opened) return opened.close().content
  const part = opened.part()
  saveValue(`${task.folder}/${TABLE_FILES.round(node.id)[0]}`, part)
  return contentOf(part)
}

/** Blocks of a table's rows, with the columns that the stage reads. */
async function* flowsOf(world: World, { node, table, file: at, start, end }: TableTask): AsyncGenerator<Flow> {
  const schema = world.nodes.get(node)!.tableSchemas.get(table)!,
    file = world.setup.tables[at],
    source = world.nodes.get(file.source)!,
    names = schema.names.map(String),
    faults = new Map<number, string>()
  let row = start
  try {
    for await (const batch of rawRows(source.stage as AnySource, source.options, file, { start, end }, names, faults)) {
      for (const [line, why] of faults) {
        throw new DataError(`${source.use}: row ${line} of the table ${file.path} cannot be read: ${why}`)
      }
      const { numRows, schema: theirs, data } = batch
      const flow: Flow = {
        schema: theirs,
        columns: data.children,
        rows: numRows,
        row: Uint32Array.from({ length: numRows }, (_, i) => row + i),
        copy: new Uint32Array(numRows),
      }
      row += numRows
      yield conform(flow, schema)
    }
  } catch (error) {
    if (hasChanged(file)) throw changedInput(file.path)
    if (isReadFault(error)) throw readFault(file.path, error as Error)
    throw error instanceof Error && !(error instanceof SluiceError) && !('code' in error)
      ? new DataError(
          error.message.includes(file.path) ? error.message : `${source.use}: ${file.path}: ${error.message}`,
          {
            cause: error,
          },
        )
      : error
  }
  if (hasChanged(file)) throw changedInput(file.path)
}
