/** What a group stage said of a partition's rows, block by block, as if it had been asked about each block. */
import type { Data } from 'apache-arrow'
import { concat, runsOfRows, take } from '../arrow/columns.ts'
import { unpacker } from '../arrow/rows.ts'
import type { Flow } from '../arrow/flow.ts'
import { writtenName } from '../graph/columns.ts'
import { writesOf } from '../graph/types.ts'
import type { Related } from '../shuffle/join.ts'
import { writtenFields } from '../shuffle/found.ts'
import { ERRORED, REJECTED_SIDE, SIDE } from './messages.ts'
import { pairMaker } from './pairs.ts'
import { Said, settled, type StageRun, type Through } from './verdicts.ts'
import type { WorkerNode } from './world.ts'

/** Gives the next block with its verdicts and columns, in order of the rows that were sent. */
export function groupSaid(node: WorkerNode, related: Related): (run: StageRun, flow: Flow) => Through {
  const fields = writtenFields(node),
    types = fields.map(({ type }) => type),
    names = Object.keys(writesOf(node)),
    makePairs = pairMaker(related)
  let base = 0,
    verdict = 0,
    note = 0,
    pair = 0
  return (run, flow) => {
    // an answer is nothing without another to set it against, whoever wants to keep it
    const said = new Said(run, flow.rows, run.effect === 'pair' ? undefined : run.spare?.(flow)),
      end = base + flow.rows
    for (; verdict < related.row.length && related.row[verdict] < end; verdict++) {
      const row = related.row[verdict] - base
      if (related.kind[verdict] === SIDE) said.within(row)
      else if (related.kind[verdict] === ERRORED) said.error(row, related.messages[verdict])
      else said.settle(row, related.reason[verdict], related.value[verdict])
      said.relatedFile[row] = related.relatedFile[verdict]
      said.relatedRow[row] = related.relatedRow[verdict]
    }
    for (; note < related.notes.length && related.notes[note][0] < end; note++) {
      said.note(related.notes[note][0] - base, related.notes[note][1])
    }
    if (run.effect === 'pair') {
      const parents: number[] = [],
        from = pair,
        taken = unpacker(types),
        { parent, ends, bytes } = related.paired ?? { parent: [], ends: [], bytes: new Uint8Array(0) }
      for (; pair < parent.length && parent[pair] < end; pair++) {
        parents.push(parent[pair] - base)
        taken.row(bytes, pair === 0 ? 0 : ends[pair - 1], ends[pair])
      }
      base = end
      const added = new Map(taken.columns().map((column, c) => [fields[c].name, column]))
      const { out, partners } = makePairs(run.output, flow, parents, from, added),
        chosen = new Set(parents),
        rejected = [...said.kind.keys()].filter(row => said.kind[row] === SIDE && !chosen.has(row))
      // what such a row has beside its answer would be nowhere else
      for (const row of rejected) said.notes.push({ row, reason: REJECTED_SIDE })
      return { out, all: flow, said, made: { partners, sides: chosen.size + rejected.length } }
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
        const before = failed.includes(1)
          ? flow.schema.fields.findIndex(({ name }) => name === writtenName(node.id, names[c]))
          : -1
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
