/**
 * Runs one stage over one block and turns what it says into rows that go on, rows that are dropped, and events for the
 * ledger.
 */
import type { Data, Field, Schema } from 'apache-arrow'
import type { AnyKind, AnyStage, Context, Edges, Output, RowEffect, Verdict } from '../contract/define.ts'
import { makeText, nulls, runsOf, runsOfRows, textColumn } from '../arrow/columns.ts'
import {
  Batch,
  concatFlows,
  conform,
  DERIVED,
  emptyFlow,
  pickColumns,
  takeFlow,
  withColumns,
  type Flow,
} from '../arrow/flow.ts'
import { besides } from '../graph/columns.ts'
import { effectOf, fitRounds, type Node } from '../graph/types.ts'
import { DROPPED, ERRORED, SPARED, SIDE, type Partners } from './messages.ts'
import { columnOf, halfIn, StageMistake } from './given.ts'
import { joinPairs, pairsOf, type Pairs } from './pairs.ts'
import { swapped } from './swap.ts'

type Asks = (row: number) => boolean

/** What was said of the rows of one block: at most one verdict a row, the first. */
export class Said implements Verdict {
  /** 1 where the row goes on. */
  readonly kept: Uint8Array
  readonly kind: Uint8Array
  readonly reason: Uint16Array
  readonly value: Float64Array
  /** The row of the block that a dropped one yields to; -1 where there is none. */
  readonly survivor: Int32Array
  /** The same by its file and row, as the ledger has it. */
  readonly relatedFile: Int32Array
  readonly relatedRow: Float64Array
  readonly said: Uint8Array
  readonly messages = new Map<number, string>()
  readonly notes: { row: number; reason: string }[] = []
  /** Columns of one side that could not go along when the sides of so many pairs were swapped. */
  readonly left = new Map<string, number>()
  readonly #reasons: readonly string[]
  readonly #noted: Record<string, Uint8Array> = Object.create(null) as Record<string, Uint8Array>
  #isClosed = false
  readonly #stage: AnyStage
  readonly #effect: RowEffect
  readonly #spare: Asks | undefined
  readonly #decided: Asks | undefined

  /** `spare(row)`: the user asked never to drop this row. `decided(row)`: people decided on its label. */
  constructor({ stage, effect }: Pick<StageRun, 'stage' | 'effect'>, rows: number, spare?: Asks, decided?: Asks) {
    this.#stage = stage
    this.#effect = effect
    this.#reasons = Object.keys(stage.reasons)
    this.#spare = spare
    this.#decided = decided
    this.kept = new Uint8Array(rows).fill(1)
    this.kind = new Uint8Array(rows)
    this.reason = new Uint16Array(rows)
    this.value = new Float64Array(rows).fill(NaN)
    this.survivor = new Int32Array(rows).fill(-1)
    this.relatedFile = new Int32Array(rows).fill(-1)
    this.relatedRow = new Float64Array(rows).fill(-1)
    this.said = new Uint8Array(rows)
  }

  drop(row: number, reason: string, value = NaN, survivor = -1): void {
    this.#check(row)
    if (survivor !== -1) this.#check(survivor)
    if (this.said[row]) return
    if (this.#effect !== 'subset' && this.#effect !== 'pair') {
      throw new StageMistake(`${this.#stage.name}: ${dropsNone(this.#effect, reason)}`)
    }
    const index = this.#reasons.indexOf(reason)
    if (index < 0) {
      throw new StageMistake(
        `${this.#stage.name}: reason '${reason}' is not declared; declared are ${this.#reasons.join(', ') || 'none'}`,
      )
    }
    this.survivor[row] = survivor
    this.settle(row, index, value)
  }

  /** Drops a row for a reason by its number. */
  settle(row: number, reason: number, value: number): void {
    const { kind } = this.#stage.reasons[this.#reasons[reason]],
      spared = this.#spare !== undefined && kind !== 'broken' && this.#spare(row)
    this.said[row] = 1
    this.kept[row] = spared ? 1 : 0
    this.kind[row] = spared ? SPARED : DROPPED
    this.reason[row] = reason
    this.value[row] = value
  }

  /** The row goes on as the side of another one's pair. */
  within(row: number): void {
    this.said[row] = 1
    this.kind[row] = SIDE
  }

  error(row: number, message: string): void {
    this.#check(row)
    if (this.said[row]) return
    this.said[row] = 1
    this.kept[row] = 0
    this.kind[row] = ERRORED
    this.messages.set(row, message)
  }

  note(row: number, reason: string): void {
    this.#check(row)
    if (!Object.hasOwn(this.#stage.notes, reason)) {
      throw new StageMistake(
        `${this.#stage.name}: note '${reason}' is not declared; declared are ${Object.keys(this.#stage.notes).join(', ') || 'none'}`,
      )
    }
    // a row has a note or not, however often a stage says it
    const noted = (this.#noted[reason] ??= new Uint8Array(this.kept.length))
    if (noted[row]) return
    noted[row] = 1
    this.notes.push({ row, reason })
  }

  decided(row: number): boolean {
    this.#check(row)
    return this.#decided?.(row) === true
  }

  /** Names survivors as the ledger does, where all are of one file, the first that it numbers. */
  relate({ row }: Pick<Flow, 'row'>): void {
    this.survivor.forEach((survivor, i) => {
      if (survivor < 0) return
      this.relatedFile[i] = 0
      this.relatedRow[i] = row[survivor]
    })
  }

  leave(column: string, pairs: number): void {
    this.left.set(column, (this.left.get(column) ?? 0) + pairs)
  }

  /** No verdict counts from now on: the rows have gone on. */
  close(): void {
    this.#isClosed = true
  }

  #check(row: number): void {
    if (this.#isClosed) {
      throw new StageMistake(
        `${this.#stage.name}: a verdict on row ${row} came after its batch was done; await what the verdict waits for`,
      )
    }
    if (!(Number.isInteger(row) && row >= 0 && row < this.kept.length)) {
      throw new StageMistake(`${this.#stage.name}: a verdict names row ${row} of a batch of ${this.kept.length} rows`)
    }
  }

  /** Takes over what was said of a part of the block that begins at `offset`. */
  include(part: Said, offset: number): void {
    for (const name of ['kept', 'kind', 'reason', 'value', 'said'] as const) {
      ;(this[name] as Float64Array).set(part[name] as Float64Array, offset)
    }
    part.survivor.forEach((survivor, row) => (this.survivor[row + offset] = survivor < 0 ? -1 : survivor + offset))
    for (const [row, message] of part.messages) this.messages.set(row + offset, message)
    for (const [column, pairs] of part.left) this.leave(column, pairs)
    for (const note of part.notes) this.notes.push({ row: note.row + offset, reason: note.reason })
  }
}

const dropsNone = (effect: RowEffect, reason: string): string =>
  effect === 'derive'
    ? `a stage that derives rows drops none: declare '${reason}' in notes, and say it with verdict.note`
    : effect === 'cluster'
      ? 'a stage that clusters rows gives edges, and the engine drops all of a cluster but the first: drop none by itself'
      : `the stage drops a row as '${reason}' and says rows: 'same'; say 'subset' where it may drop one`

export interface StageRun {
  readonly id: string
  readonly stage: AnyStage
  readonly effect: RowEffect
  readonly isFitted: boolean
  /** Of a stage that makes pairs, their columns that are not those of the chosen side's row. */
  readonly ofPairs?: readonly Field[]
  /** Hands a block to the opened stage. */
  batch?(
    batch: Batch,
    verdict: Verdict,
    tables: Readonly<Record<string, Batch>>,
  ): Output | void | Promise<Output | void>
  /** Makes and opens the stage anew: after an error it has seen rows that it is to be given again. */
  renew?(): Promise<void>
  /** Of a stage that picks columns, which. */
  picks?(names: readonly string[]): readonly (readonly [string, string])[]
  readonly output: Schema
  readonly spare?: (flow: Flow) => Asks | undefined
  readonly decided?: (flow: Flow) => Asks | undefined
}

/** A stage as a node uses it, and not opened. */
export const openNone = (node: Pick<Node, 'id' | 'stage' | 'options'>): Omit<StageRun, 'output'> => ({
  id: node.id,
  stage: node.stage as AnyStage,
  effect: effectOf(node)!,
  isFitted: fitRounds(node).length > 0,
  picks: (node.stage as AnyStage).picks && (names => (node.stage as AnyStage).picks!(node.options, names)),
})
/** The same, opened. */
export function openRun(
  node: Pick<Node, 'id' | 'stage' | 'options'> & { readonly make?: () => Promise<AnyKind> },
  contextOf: () => Context,
): Omit<StageRun, 'output'> {
  const open = (stage: AnyKind) => (stage as AnyStage).open?.(node.options, contextOf())
  let instance = open(node.stage)
  return {
    ...openNone(node),
    batch: (batch, verdict, tables) => instance?.batch(batch, verdict, tables),
    async renew() {
      instance = open((await node.make?.()) ?? node.stage)
    },
  }
}

/** One block behind a stage. */
export interface Through {
  /** The rows that go on, or the new ones. */
  readonly out: Flow
  /** All rows that came in, with what the stage wrote of them; of a stage that makes rows as they were. */
  readonly all: Flow
  readonly said: Said
  /** Of a stage that clusters rows, and was asked. */
  readonly edges?: Edges
  /** Of a stage that makes pairs, and was asked. */
  readonly pairs?: Pairs
  /** Where its pairs are made: their rejected sides, and how many rows of the block are a side. */
  readonly made?: { readonly partners: Partners; readonly sides: number }
}

/** One block through one stage, and what was said of the rows that came in. */
export async function runStage(run: StageRun, flow: Flow): Promise<Through> {
  const said = new Said(run, flow.rows, run.spare?.(flow), run.decided?.(flow))
  let result: Output | void
  try {
    result = await run.batch?.(new Batch(flow), said, batchesOf(flow.tables))
    said.close()
    // here, as it is an error of the row and not of the stage
    for (const [name, values] of Object.entries(result?.columns ?? {})) {
      const half = halfIn(values)
      if (half) throw new Error(`column '${name}' has ${half.wrong}`)
    }
  } catch (error) {
    if (error instanceof StageMistake) throw error
    await run.renew?.()
    const halves = halvesOf(flow)
    if (halves.length > 0) return inHalves(run, flow.rows, halves)
    // what the stage said of these rows before it failed does not count
    const failed = new Said(run, flow.rows),
      message = `${run.id}: ${error instanceof Error ? error.message : String(error)}`
    for (let row = 0; row < flow.rows; row++) failed.error(row, message)
    const all = run.effect === 'derive' || run.effect === 'pair' ? flow : conform(flow, run.output)
    return { out: emptyFlow(run.output), all, said: failed }
  }
  if (result?.swapped && flow.groups) {
    throw new StageMistake(
      `${run.id}: a stage with 'by' swaps no sides; write a column, and swap them by a stage after it`,
    )
  }
  if (run.ofPairs) {
    return { out: emptyFlow(run.output), all: flow, said, pairs: pairsOf(run.id, flow, result, said.said, run.ofPairs) }
  }
  const edges = run.effect === 'cluster' ? edgesOf(run, flow, result) : undefined
  return { ...settled(run, flow, result, said), edges }
}

/** One block with what a stage gave for it. */
export function settled(run: StageRun, flow: Flow, result: Output | void, said: Said): Through {
  const whole = outputOf(run, flow, result, said)
  if (run.effect === 'derive') return { out: whole, all: flow, said }
  return { out: said.kept.includes(0) ? takeFlow(whole, runsOf(said.kept, 1)) : whole, all: whole, said }
}

const batchesOf = (tables: Flow['tables'] = {}): Record<string, Batch> =>
  Object.fromEntries(Object.entries(tables).map(([name, flow]) => [name, new Batch(flow)]))

/** The groups of a block from `first` to before `last`, and the rows of tables that belong to them. */
function takeGroups(flow: Flow, first: number, last: number): Flow {
  const groups = flow.groups!,
    tables = flow.tables && Object.entries(flow.tables).map(([name, of]) => [name, takeGroups(of, first, last)])
  return {
    ...takeFlow(flow, [groups[first], groups[last]]),
    groups: groups.slice(first, last + 1).map(at => at - groups[first]),
    ...(tables ? { tables: Object.fromEntries(tables) as Record<string, Flow> } : {}),
  }
}

/** A block that fails in two parts; none where it is one row, or one group. */
function halvesOf(flow: Flow): Flow[] {
  const count = flow.groups ? flow.groups.length - 1 : flow.rows,
    middle = count >> 1
  if (count < 2) return []
  return [
    [0, middle],
    [middle, count],
  ].map(([first, last]) => (flow.groups ? takeGroups(flow, first, last) : takeFlow(flow, [first, last])))
}

/** An exception somewhere in a block: find the row, or the group, that it belongs to, so that no other is lost. */
async function inHalves(run: StageRun, rows: number, halves: readonly Flow[]): Promise<Through> {
  const said = new Said(run, rows)
  const outs: Flow[] = [],
    alls: Flow[] = [],
    pairs: (Pairs | undefined)[] = [],
    starts: number[] = [],
    a: number[] = [],
    b: number[] = [],
    value: number[] = []
  let start = 0
  for (const half of halves) {
    const part = await runStage(run, half)
    said.include(part.said, start)
    outs.push(part.out)
    alls.push(part.all)
    pairs.push(part.pairs)
    starts.push(start)
    for (let i = 0; part.edges && i < part.edges.a.length; i++) {
      a.push(part.edges.a[i] + start)
      b.push(part.edges.b[i] + start)
      value.push(part.edges.value[i])
    }
    start += half.rows
  }
  return {
    out: concatFlows(outs),
    all: concatFlows(alls),
    said,
    edges: { a, b, value },
    pairs: joinPairs(pairs, starts),
  }
}

/** The edges that a stage gave: rows of the block, two of one group each. */
function edgesOf(run: StageRun, { rows, groups }: Flow, result: Output | void): Edges {
  const { a, b, value } = result ?? {}
  if (!a || !b || !value || a.length !== b.length || a.length !== value.length) {
    throw new StageMistake(`${run.id}: a stage that clusters rows gives back { a, b, value }, lists of one length`)
  }
  const groupOf = new Int32Array(rows)
  for (let g = 1; groups && g + 1 < groups.length; g++) groupOf.fill(g, groups[g], groups[g + 1])
  for (let i = 0; i < a.length; i++) {
    if (groupOf[a[i]] === undefined || groupOf[a[i]] !== groupOf[b[i]]) {
      throw new StageMistake(
        `${run.id}: edge ${i} is between rows ${a[i]} and ${b[i]} of a block of ${rows}; an edge is between two rows of one group`,
      )
    }
  }
  return { a, b, value }
}

/** The columns that a stage gave, under their full names, over the rows that came in or the new rows. */
function outputOf(run: StageRun, flow: Flow, result: Output | void, said: Said): Flow {
  if (run.picks) {
    const names = flow.schema.fields.map(({ name }) => name)
    return pickColumns(flow, run.output, run.picks(names))
  }
  let base = flow
  const old = renamed(result)
  if (result?.swapped && run.effect === 'same' && run.isFitted) {
    throw new StageMistake(`${run.id}: the stage swaps sides and is fitted: it must say rows: 'subset', not 'same'`)
  }
  if (old) throw new StageMistake(`${run.id}: the stage gives back ${old}`)
  const { columns: added, left } = result?.swapped
    ? swapped(run.id, flow, result.swapped)
    : { columns: new Map<string, Data>(), left: [] }
  for (const column of left) {
    said.leave(
      column,
      result!.swapped!.rows.reduce((sum, swap) => sum + swap, 0),
    )
  }
  if (run.effect === 'derive') {
    const parents = result?.parents ?? []
    for (let i = 0; i < parents.length; i++) {
      if (!(parents[i] >= (i > 0 ? parents[i - 1] : 0) && parents[i] < flow.rows && Number.isInteger(parents[i]))) {
        throw new StageMistake(
          `${run.id}: parents[${i}] is ${parents[i]}; parents are rows of the batch (0 to ${flow.rows - 1}), ascending`,
        )
      }
    }
    base = takeFlow(flow, runsOfRows(parents))
    addParents(run.id, base, added)
    base = { ...base, copy: base.copy.map(copy => (copy | DERIVED) >>> 0) }
  }
  for (const [name, values] of Object.entries(result?.columns ?? {})) {
    if (values === undefined) continue
    const isOfPair = ['id', 'prompt', 'chosen', 'rejected'].includes(name),
      column = isOfPair ? name : `${run.id}_${name}`
    // the plan fits later stages on what went into this one
    if (isOfPair && run.effect === 'same' && run.isFitted) {
      throw new StageMistake(
        `${run.id}: the stage changes '${name}' and is fitted: it must say rows: 'subset', not 'same'`,
      )
    }
    const declared = run.output.fields.find(field => field.name === column)
    if (!declared) {
      throw new StageMistake(`${run.id}: column '${name}' is not among the columns that the stage says it writes`)
    }
    added.set(column, columnOf(`${run.id}: column '${name}'`, declared.type, values, base.rows))
  }
  if (run.effect === 'derive') {
    // copied from the parent, they would speak of a text that is no longer there
    const sides = ['chosen', 'rejected'].filter(side => added.has(side))
    for (const { name, type } of besides(base.schema.fields, sides)) {
      if (!added.has(name)) added.set(name, nulls(type, base.rows))
    }
  }
  const missing = run.output.fields.filter(
    field => !added.has(field.name) && !base.schema.fields.some(existing => existing.name === field.name),
  )
  if (missing.length > 0 && base.rows > 0) {
    throw new Error(`${run.id}: the stage declares ${missing.map(field => field.name).join(', ')} but did not write it`)
  }
  if (missing.length > 0) return emptyFlow(run.output)
  return added.size === 0 && run.output.fields.length === base.schema.fields.length
    ? { ...base, schema: run.output }
    : withColumns(base, run.output, added)
}

/** New rows are named after their parent: `<parent>~<stage>`, with a number from the second one on. */
function addParents(id: string, base: Flow, added: Map<string, Data>): void {
  const column = base.columns[base.schema.fields.findIndex(field => field.name === 'id')]
  const ids = textColumn(column)
  const parents: string[] = [],
    names: string[] = []
  let n = 0
  for (let i = 0; i < base.rows; i++) {
    parents.push(ids.text(i))
    n = i > 0 && base.row[i] === base.row[i - 1] && parents[i] === parents[i - 1] ? n + 1 : 0
    names.push(n === 0 ? `${parents[i]}~${id}` : `${parents[i]}~${id}-${n + 1}`)
  }
  added.set('id', makeText(names))
  added.set(`${id}_parent`, makeText(parents))
}

/** What the contract called things before: they would go by without a word. */
const renamed = (result: Output | void): string | undefined => {
  const { turned, swapped: now } = (result ?? {}) as { turned?: unknown; swapped?: { beside?: unknown } }
  if (turned !== undefined) return "'turned', which is called 'swapped' now"
  return now?.beside === undefined ? undefined : "'swapped.beside', which is called 'also' now"
}
