/** What a group stage said of a partition's rows, block by block, as if it had been asked about each block. */
import type { Data } from 'apache-arrow'
import { concat, runsOfRows, take } from '../arrow/columns.ts'
import { unpacker } from '../arrow/rows.ts'
import type { Flow } from '../arrow/flow.ts'
import { writesOf } from '../graph/types.ts'
import type { Related } from '../shuffle/join.ts'
import { writtenFields } from '../shuffle/found.ts'
import { ERRORED } from './messages.ts'
import { Said, settled, type StageRun, type Through } from './verdicts.ts'
import type { WorkerNode } from './world.ts'

/** Gives the next block with its verdicts and columns, in order of the rows that were sent. */
export function groupSaid(node: WorkerNode, related: Related): (run: StageRun, flow: Flow) => Through {
  const types = writtenFields(node).map(({ type }) => type),
    names = Object.keys(writesOf(node))
  let base = 0,
    verdict = 0,
    note = 0
  return (run, flow) => {
    const said = new Said(run, flow.rows, run.spare?.(flow)),
      end = base + flow.rows
    for (; verdict < related.row.length && related.row[verdict] < end; verdict++) {
      const row = related.row[verdict] - base
      if (related.kind[verdict] === ERRORED) said.error(row, related.messages[verdict])
      else said.settle(row, related.reason[verdict], related.value[verdict])
      said.relatedFile[row] = related.relatedFile[verdict]
      said.relatedRow[row] = related.relatedRow[verdict]
    }
    for (; note < related.notes.length && related.notes[note][0] < end; note++) {
      said.note(related.notes[note][0] - base, related.notes[note][1])
    }
    const columns: Record<string, Data> = {}
    if (related.written) {
      const { ends, bytes } = related.written,
        taken = unpacker(types)
      for (let row = base; row < end; row++) taken.row(bytes, row === 0 ? 0 : ends[row - 1], ends[row])
      const failed = Uint32Array.from({ length: flow.rows }, (_, row) =>
        said.kind[row] === ERRORED && said.said[row] ? 1 : 0,
      )
      taken.columns().forEach((column, c) => {
        // rows that are set aside stay as they were
        const before = failed.includes(1) ? flow.schema.fields.findIndex(({ name }) => name === names[c]) : -1
        columns[names[c]] =
          before < 0
            ? column
            : take(concat([column, flow.columns[before]]), runsOfRows(failed.map((was, row) => was * flow.rows + row)))
      })
    }
    base = end
    return settled(run, flow, { columns }, said)
  }
}
