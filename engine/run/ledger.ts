/** The ledger: one row for every source row, with what became of it and why. */
import { Field, Float64, List, makeData, Schema, Struct, Utf8, Int64, type Data } from 'apache-arrow'
import { makeFloat64, makeInt64, makeRepeated, makeText, take } from '../arrow/columns.ts'
import { toRecordBatch } from '../arrow/flow.ts'
import { IpcFile, IpcWriter, schemaBytes, type StreamAt } from '../arrow/ipc.ts'
import { isMade } from '../arrow/flow.ts'
import { decidedWords } from './decided.ts'
import {
  DROPPED,
  ERRORED,
  PARENT,
  REJECTED_SIDE,
  rowCount,
  SHOWN_FILE,
  SPARED,
  UNUSED,
  SIDE,
  type LedgerTask,
  type PassMeta,
} from './messages.ts'
import { join } from 'node:path'
import { effectOf, isTraining } from '../graph/types.ts'
import type { PassShown } from '../report/gather.ts'
import { addPass, countAlike, noneNoted, type Noted } from '../report/merge.ts'
import { addParts, countParts } from '../report/parts.ts'
import { loadValue } from './files.ts'
import { markReach, noBits } from './first.ts'
import { reachedSides } from './partners.ts'
import type { World } from './world.ts'

const numberType = new Struct([
  new Field('name', new Utf8(), false),
  new Field('value', new Float64()),
  new Field('limit', new Float64()),
])
/**
 * `outcome`: kept, dropped or errored. `stage`, `reason`, `numbers` (the measured value and the limit it was held
 * against) and `detail` (an error's message, or the row that this one yields to, as `file:row`) say why. On a kept row
 * they say which stage dropped another of its pairs, or it on another way through the graph, or, where `detail` is
 * `spared`, would have dropped it but for --keep-ids or --decisions. Where no stage dropped a row that is in no sink,
 * `reason` is one of BY_NONE: `detail` are then the sinks of the pairs that were made of it, or the row whose pair it
 * is a side of. `sinks`: where it, or a pair of it, went; it is kept where one of them is for training, or none of the
 * graph is and nothing drops it. `decision`: what people decided of it, keep, drop or flip, and was applied; of a row
 * of several pairs what was decided of any.
 */
export const ledgerSchema = new Schema([
  new Field('id', new Utf8(), false),
  new Field('file', new Utf8(), false),
  new Field('row', new Int64(), false),
  new Field('outcome', new Utf8(), false),
  new Field('stage', new Utf8()),
  new Field('reason', new Utf8()),
  new Field('numbers', new List(new Field('item', numberType, false)), false),
  new Field('detail', new Utf8()),
  new Field('sinks', new List(new Field('item', new Utf8(), false)), false),
  new Field('decision', new Utf8()),
])
const headerBytes = schemaBytes(ledgerSchema).length

const OUTCOMES = ['kept', 'dropped', 'errored'],
  KEPT = 0,
  OUT = 1,
  LOST = 2

/** Reasons of rows that no stage dropped and no sink has. */
const BY_NONE = [PARENT, REJECTED_SIDE, UNUSED] as const

export interface LedgerPart extends StreamAt {
  readonly outcomes: { kept: number; dropped: number; errored: number }
  readonly byNone: Readonly<Record<(typeof BY_NONE)[number], number>>
  /** Rows that are kept, and of which a stage dropped another pair, or them on another way through the graph. */
  readonly elsewhere: number
  /** What the partition's passes noted for the page. */
  readonly noted: Noted
}

/** Adds up what all passes said of one partition's rows, and writes its part of the ledger. */
export function writeLedger(world: World, task: LedgerTask): LedgerPart {
  const metas: PassMeta[] = task.folders.map(world.meta)
  const { start, end, rows: sampled } = task.partition,
    rows = end - start
  // the last verdict of a row that did not reach a sink: by place in the graph, then the first of several pairs
  const chosen = new Int32Array(rows).fill(-1),
    from = new Uint16Array(rows),
    rank = new Int32Array(rows).fill(-1)
  const decided = decidedWords(metas.map(meta => meta.decided))
  const placesOf = metas.map(meta => meta.nodes.map(id => world.indexOf(id)))
  const nodeOf = (m: number, event: number) => {
    const { kind, node } = metas[m].events
    return kind[event] === SIDE ? 0 : placesOf[m][node[event]]
  }
  metas.forEach(({ events }, m) => {
    for (let i = 0; i < events.row.length; i++) {
      if (isMade(events.copy[i])) continue
      const row = events.row[i] - start
      // an error outranks any drop; a spared row's would-be drop comes last
      const order = (events.kind[i] === ERRORED ? 2 : events.kind[i] === DROPPED ? 1 : 0) * 65536 + nodeOf(m, i)
      if (order <= rank[row]) continue
      rank[row] = order
      chosen[row] = i
      from[row] = m
    }
  })
  const marks = new Map<string, { reached: Uint8Array; parents: Uint8Array }>()
  const marksOf = (sink: string) => {
    if (!marks.has(sink)) marks.set(sink, { reached: noBits(task.partition), parents: noBits(task.partition) })
    return marks.get(sink)!
  }
  for (const meta of metas) {
    for (const [sink, reached] of Object.entries(meta.reached)) {
      marks.set(sink, { reached: reached.slice(), parents: meta.parents[sink].slice() })
    }
    for (const [sink, { row, copy }] of Object.entries(meta.first)) {
      const picked = Uint32Array.from(task.picks[sink]),
        { reached, parents } = marksOf(sink)
      markReach({ row: picked.map(at => row[at]), copy: picked.map(at => copy[at]) }, start, reached, parents)
    }
  }
  const sides = reachedSides(task)
  for (const sink of new Set(sides.flatMap(({ sinks }) => sinks).sort((a, b) => world.indexOf(a) - world.indexOf(b)))) {
    marksOf(sink)
  }
  for (const { sinks, sink, row, isMade } of sides) {
    row.forEach((of, i) => {
      const { reached, parents } = marksOf(sinks[sink[i]]),
        at = of - start
      ;(isMade[i] ? parents : reached)[at >> 3] |= 1 << (at & 7)
    })
  }
  const sinkNames = [...marks.keys()],
    reached = sinkNames.map(sink => marks.get(sink)!.reached),
    parents = sinkNames.map(sink => marks.get(sink)!.parents)
  const trains = sinkNames.map(sink => isTraining(world.nodes.get(sink)!)),
    keepsAll = ![...world.nodes.values()].some(isTraining)
  const nodes = [...world.nodes.values()],
    stages = nodes.map(({ id }) => id),
    reasons = nodes.map(({ stage }) => Object.keys(stage.reasons))
  // every reason that there is, those of node n from `firstReason[n]` on
  const reasonTexts = ['error', ...BY_NONE, ...reasons.flat()],
    firstReason = reasons.map((_, n) => 1 + BY_NONE.length + reasons.slice(0, n).flat().length)
  // what becomes of rows by their values of a column: kept, or by which of these names not
  const fateNames = [
      'kept',
      ...BY_NONE,
      ...stages.map(id => `${id}.error`),
      ...nodes.flatMap(({ id }, n) => reasons[n].map(reason => `${id}.${reason}`)),
    ],
    fates = new Uint16Array(rowCount(task.partition))
  const writer = new IpcWriter(task.file, ledgerSchema)
  const ids = metas[0].ids
  const idFile = ids && new IpcFile(ids.path, ids.header)
  const counts = new Int32Array(OUTCOMES.length),
    byNone = { parent: 0, rejected_side: 0, unused: 0 }
  let elsewhere = 0
  let at = 0
  for (const place of ids?.batches ?? []) {
    const idBatch = idFile!.batch(place).data.children[0]
    for (let done = 0; done < place.rows; done += 1000) {
      const n = Math.min(1000, place.rows - done)
      const places = sampled ? [...sampled.subarray(at, at + n)] : Array.from({ length: n }, (_, k) => start + at + k)
      const outcome = new Int32Array(n),
        stage = new Int32Array(n).fill(-1),
        reason = new Int32Array(n).fill(-1),
        detail = new Array<string | null>(n).fill(null),
        numbers = new Array<[string, number, number] | null>(n).fill(null)
      const sinkEnds = new Int32Array(n + 1),
        sinks: number[] = []
      for (let k = 0; k < n; k++) {
        const row = places[k] - start,
          e = chosen[row]
        let isKept = false
        for (let s = 0; s < reached.length; s++) {
          if (!isSet(reached[s], row)) continue
          sinks.push(s)
          isKept ||= trains[s]
        }
        sinkEnds[k + 1] = sinks.length
        const { events } = metas[from[row]],
          kind = e < 0 ? undefined : events.kind[e]
        const file = events.files[events.relatedFile[e]]
        const related = file !== undefined ? `${file}:${events.relatedRow[e]}` : null
        isKept ||= keepsAll && (kind === undefined || kind === SPARED || kind === SIDE)
        outcome[k] = isKept ? KEPT : kind === ERRORED ? LOST : OUT
        counts[outcome[k]]++
        if (isKept && kind === DROPPED) elsewhere++
        if (outcome[k] === OUT && kind !== DROPPED) {
          const made = sinkNames.filter((_, s) => isSet(parents[s], row)),
            why = made.length > 0 ? PARENT : kind === SIDE ? REJECTED_SIDE : UNUSED
          reason[k] = reasonTexts.indexOf(why)
          fates[at + k] = reason[k]
          detail[k] = made.length > 0 ? made.join(', ') : why === REJECTED_SIDE ? related : null
          byNone[why]++
        }
        if (e < 0 || reason[k] >= 0 || kind === SIDE) continue
        const node = nodeOf(from[row], e),
          {
            stage: { reasons: declared },
            options,
          } = nodes[node],
          name = reasons[node][events.reason[e]],
          limit = declared[name]?.limit
        stage[k] = node
        reason[k] = kind === ERRORED ? 0 : firstReason[node] + events.reason[e]
        if (outcome[k] !== KEPT) {
          fates[at + k] = kind === ERRORED ? 1 + BY_NONE.length + node : stages.length + reason[k]
        }
        numbers[k] =
          Number.isNaN(events.value[e]) || kind === ERRORED
            ? null
            : [name, events.value[e], limit ? Number(options[limit]) : NaN]
        detail[k] = kind === SPARED ? 'spared' : (events.messages[e] ?? related)
      }
      writer.write(
        toRecordBatch(
          ledgerSchema,
          [
            take(idBatch, [done, done + n]),
            makeRepeated([task.label], new Int32Array(n)),
            makeInt64(places),
            makeRepeated(OUTCOMES, outcome),
            makeRepeated(stages, stage),
            makeRepeated(reasonTexts, reason),
            makeNumbers(numbers),
            makeText(detail),
            makeLists(sinkEnds, makeRepeated(sinkNames, Int32Array.from(sinks))),
            makeText(places.map(place => decided.get(place) ?? null)),
          ],
          n,
        ),
      )
      at += n
    }
  }
  idFile?.close()
  writer.close()
  const planned = rowCount(task.partition)
  if (at !== planned) {
    throw new Error(
      `ledger: ${task.label} rows ${start} to ${end}: ${at} rows were read, ${planned} were planned; the file changed while it was read`,
    )
  }
  return {
    path: task.file,
    header: headerBytes,
    rows: at,
    batches: writer.batches,
    outcomes: { kept: counts[KEPT], dropped: counts[OUT], errored: counts[LOST] },
    byNone,
    elsewhere,
    noted: notedOf(world, task, metas, fates, fateNames),
  }
}

/** What all passes noted of the partition for the page; `fates` are places in `names`, in order of the rows. */
function notedOf(
  world: World,
  { folders, partition, label, picks }: LedgerTask,
  metas: readonly PassMeta[],
  fates: Uint16Array,
  names: readonly string[],
): Noted {
  const noted = noneNoted(),
    passes = folders.map(folder => loadValue<PassShown>(join(folder, SHOWN_FILE))),
    doubted = new Uint8Array(fates.length)
  for (const pass of passes) addPass(noted, pass, picks)
  for (const pass of passes) {
    if (!pass.doubted.some(bits => bits !== 0)) continue
    for (let k = 0; k < fates.length; k++) {
      if (isSet(pass.doubted, partition.rows ? partition.rows[k] - partition.start : k)) doubted[k] = 1
    }
  }
  addParts(noted.parts, countParts(passes[0].parts, label, fates, names, doubted))
  for (const { nodes, events } of metas) {
    // what is kept of another graph may name stages that this one has not
    const isCluster = nodes.map(id => {
      const node = world.nodes.get(id)
      return node !== undefined && effectOf(node) === 'cluster'
    })
    events.kind.forEach((kind, i) => {
      const id = nodes[events.node[i]]
      if (kind === DROPPED && isCluster[events.node[i]]) countAlike(noted, id, events.value[i])
    })
  }
  return noted
}

const isSet = (bits: Uint8Array, row: number): boolean => (bits[row >> 3] & (1 << (row & 7))) !== 0

function makeNumbers(rows: readonly ([string, number, number] | null)[]) {
  const some = rows.filter(row => row !== null),
    ends = new Int32Array(rows.length + 1)
  rows.forEach((row, i) => {
    ends[i + 1] = ends[i] + (row ? 1 : 0)
  })
  const children = [
    makeText(some.map(row => row[0])),
    makeFloat64(Float64Array.from(some, row => row[1])),
    makeFloat64(Float64Array.from(some, row => row[2])),
  ]
  const child = makeData({ type: numberType, length: some.length, nullCount: 0, children })
  return makeData({
    type: ledgerSchema.fields[6].type as List,
    length: rows.length,
    nullCount: 0,
    valueOffsets: ends,
    child,
  } as never)
}

const makeLists = (ends: Int32Array, child: Data) =>
  makeData({
    type: ledgerSchema.fields[8].type as List,
    length: ends.length - 1,
    nullCount: 0,
    valueOffsets: ends,
    child,
  } as never)
