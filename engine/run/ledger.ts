/** The ledger: one row for every source row, with what became of it and why. */
import { Field, Float64, List, makeData, Schema, Struct, Utf8, Int64 } from 'apache-arrow'
import { makeFloat64, makeInt64, makeText, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { IpcFile, IpcWriter, schemaBytes, type StreamAt } from '../arrow/ipc.ts'
import { DERIVED } from '../arrow/flow.ts'
import { DROPPED, ERRORED, SPARED, type LedgerTask, type PassMeta } from './messages.ts'
import type { WorkerNode, World } from './world.ts'

const numberType = new Struct([new Field('name', new Utf8(), false), new Field('value', new Float64()), new Field('limit', new Float64())])
/**
 * `outcome`: kept, dropped or errored. `stage`, `reason`, `numbers` (the measured value and the limit it was held against) and `detail` (an error's message, or the row that
 * this one yields to, as `file:row`) say why. On a kept row they say which stage dropped it on another way through the graph or, where `detail` is `spared`, would have dropped it but for
 * --keep-ids. `sinks`: where it, or a pair of it, went.
 */
export const ledgerSchema = new Schema([
  new Field('id', new Utf8(), false), new Field('file', new Utf8(), false), new Field('row', new Int64(), false),
  new Field('outcome', new Utf8(), false), new Field('stage', new Utf8()), new Field('reason', new Utf8()),
  new Field('numbers', new List(new Field('item', numberType, false)), false), new Field('detail', new Utf8()),
  new Field('sinks', new List(new Field('item', new Utf8(), false)), false),
])
const headerBytes = schemaBytes(ledgerSchema).length

export interface LedgerPart extends StreamAt { readonly outcomes: { kept: number, dropped: number, errored: number } }

/** Adds up what all passes said of one partition's rows, and writes its part of the ledger. */
export function writeLedger(world: World, task: LedgerTask): LedgerPart {
  const metas: PassMeta[] = task.folders.map(world.meta)
  const { start, end } = task.partition, rows = end - start
  // the last verdict of a row that did not reach a sink: by place in the graph, then the first of several pairs
  const chosen = new Int32Array(rows).fill(-1), from = new Uint16Array(rows), rank = new Int32Array(rows).fill(-1)
  metas.forEach(({ events }, m) => {
    for (let i = 0; i < events.row.length; i++) {
      if (events.copy[i] >= DERIVED) continue
      const row = events.row[i] - start
      // an error outranks any drop; a spared row's would-be drop comes last
      const order = (events.kind[i] === ERRORED ? 2 : events.kind[i] === DROPPED ? 1 : 0) * 65536 + events.node[i]
      if (order <= rank[row]) continue
      rank[row] = order
      chosen[row] = i
      from[row] = m
    }
  })
  const sinkNames: string[] = [], reached: Uint8Array[] = []
  for (const meta of metas) for (const [sink, bits] of Object.entries(meta.reached)) { sinkNames.push(sink); reached.push(bits) }
  const names = [...world.nodes.values()]
  const writer = new IpcWriter(task.file, ledgerSchema)
  const ids = metas[0].ids
  const idFile = ids && new IpcFile(ids.path, ids.header)
  const outcomes = { kept: 0, dropped: 0, errored: 0 }
  let at = 0
  for (const place of ids?.batches ?? []) {
    const idBatch = idFile!.batch(place).data.children[0]
    for (let done = 0; done < place.rows; done += 1000) {
      const n = Math.min(1000, place.rows - done)
      const outcome: string[] = [], stage: (string | null)[] = [], reason: (string | null)[] = [], detail: (string | null)[] = [], numbers: ([string, number, number] | null)[] = [], sinks: string[][] = []
      for (let k = 0; k < n; k++) {
        const row = at + k
        sinks.push(sinkNames.filter((_, s) => reached[s][row >> 3] & (1 << (row & 7))))
        const e = chosen[row], events = metas[from[row]].events
        const kept = sinks[k].length > 0
        const how = kept ? 'kept' : e >= 0 && events.kind[e] === ERRORED ? 'errored' : 'dropped'
        outcomes[how]++
        outcome.push(how)
        if (e < 0) {
          stage.push(null); reason.push(how === 'dropped' ? 'unused' : null); detail.push(null); numbers.push(null)
          continue
        }
        const node: WorkerNode = names[events.node[e]], name = Object.keys(node.stage.reasons)[events.reason[e]]
        const limit = node.stage.reasons[name]?.limit
        stage.push(node.id)
        reason.push(events.kind[e] === ERRORED ? 'error' : name)
        numbers.push(Number.isNaN(events.value[e]) || events.kind[e] === ERRORED ? null : [name, events.value[e], limit ? Number(node.options[limit]) : NaN])
        detail.push(events.kind[e] === SPARED ? 'spared' : events.messages[e] ?? (events.relatedFile[e] >= 0 ? `${task.labels[events.relatedFile[e]]}:${events.relatedRow[e]}` : null))
      }
      writer.write(toRecordBatch(ledgerSchema, [
        take(idBatch, [done, done + n]), makeText(outcome.map(() => task.label)), makeInt64(Array.from({ length: n }, (_, k) => start + at + k)),
        makeText(outcome), makeText(stage), makeText(reason), makeNumbers(numbers), makeText(detail), makeTexts(sinks),
      ], n))
      at += n
    }
  }
  idFile?.close()
  writer.close()
  if (at !== rows) throw new Error(`ledger: ${task.label} rows ${start} to ${end}: ${at} rows were read, ${rows} were planned; the file changed while it was read`)
  return { path: task.file, header: headerBytes, rows, batches: writer.batches, outcomes }
}

const offsetsOf = (lengths: readonly number[]) => {
  const offsets = new Int32Array(lengths.length + 1)
  lengths.forEach((n, i) => { offsets[i + 1] = offsets[i] + n })
  return offsets
}

function makeNumbers(rows: readonly ([string, number, number] | null)[]) {
  const some = rows.filter(row => row !== null)
  const children = [makeText(some.map(row => row[0])), makeFloat64(Float64Array.from(some, row => row[1])), makeFloat64(Float64Array.from(some, row => row[2]))]
  const child = makeData({ type: numberType, length: some.length, nullCount: 0, children })
  return makeData({ type: ledgerSchema.fields[6].type as List, length: rows.length, nullCount: 0, valueOffsets: offsetsOf(rows.map(row => row ? 1 : 0)), child } as never)
}

function makeTexts(rows: readonly (readonly string[])[]) {
  return makeData({ type: ledgerSchema.fields[8].type as List, length: rows.length, nullCount: 0, valueOffsets: offsetsOf(rows.map(row => row.length)), child: makeText(rows.flat()) } as never)
}

