/**
 * Runs one stage over one block and turns what it says into rows that go on, rows that are dropped, and events for the
 * ledger.
 */
import type { Data, DataType, Schema } from 'apache-arrow'
import type { AnyStage, ColumnValues, Context, Output, RowEffect, Verdict } from '../contract/define.ts'
import { makeBool, makeColumn, makeFloat64, makeInt32, makeText, nulls, runsOf, runsOfRows } from '../arrow/columns.ts'
import { Batch, concatFlows, conform, DERIVED, emptyFlow, takeFlow, withColumns, type Flow } from '../arrow/flow.ts'
import { besides } from '../graph/columns.ts'
import { effectOf, fitRounds, type Node } from '../graph/types.ts'
import { DROPPED, ERRORED, SPARED } from './messages.ts'
import { swapped } from './swap.ts'

/** What was said of the rows of one block: at most one verdict a row, the first. */
export class Said implements Verdict {
  /** 1 where the row goes on. */
  readonly kept: Uint8Array
  readonly kind: Uint8Array
  readonly reason: Uint16Array
  readonly value: Float64Array
  readonly relatedFile: Int32Array
  readonly relatedRow: Float64Array
  readonly said: Uint8Array
  readonly messages = new Map<number, string>()
  readonly notes: { row: number; reason: string }[] = []
  /** Columns of one side that could not go along when the sides of so many pairs were swapped. */
  readonly left = new Map<string, number>()
  readonly #reasons: readonly string[]
  #isClosed = false
  readonly #stage: AnyStage
  readonly #effect: RowEffect
  readonly #spare: ((row: number) => boolean) | undefined

  /** `spare(row)`: the user asked never to drop this row. */
  constructor({ stage, effect }: Pick<StageRun, 'stage' | 'effect'>, rows: number, spare?: (row: number) => boolean) {
    this.#stage = stage
    this.#effect = effect
    this.#reasons = Object.keys(stage.reasons)
    this.#spare = spare
    this.kept = new Uint8Array(rows).fill(1)
    this.kind = new Uint8Array(rows)
    this.reason = new Uint16Array(rows)
    this.value = new Float64Array(rows).fill(NaN)
    this.relatedFile = new Int32Array(rows).fill(-1)
    this.relatedRow = new Float64Array(rows).fill(-1)
    this.said = new Uint8Array(rows)
  }

  drop(row: number, reason: string, value = NaN, file = -1, related = -1): void {
    this.#check(row)
    if (this.said[row]) return
    if (this.#effect !== 'subset') {
      throw new StageMistake(
        this.#effect === 'derive'
          ? `${this.#stage.name}: a stage that derives rows drops none: declare '${reason}' in notes, and say it with verdict.note`
          : `${this.#stage.name}: the stage drops a row as '${reason}' and says rows: 'same'; say 'subset' where it may drop one`,
      )
    }
    const index = this.#reasons.indexOf(reason)
    if (index < 0) {
      throw new StageMistake(
        `${this.#stage.name}: reason '${reason}' is not declared; declared are ${this.#reasons.join(', ') || 'none'}`,
      )
    }
    const spared = this.#spare !== undefined && this.#stage.reasons[reason].kind !== 'broken' && this.#spare(row)
    this.said[row] = 1
    this.kept[row] = spared ? 1 : 0
    this.kind[row] = spared ? SPARED : DROPPED
    this.reason[row] = index
    this.value[row] = value
    this.relatedFile[row] = file
    this.relatedRow[row] = related
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
    this.notes.push({ row, reason })
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
    for (const name of ['kept', 'kind', 'reason', 'value', 'relatedFile', 'relatedRow', 'said'] as const) {
      ;(this[name] as Float64Array).set(part[name] as Float64Array, offset)
    }
    for (const [row, message] of part.messages) this.messages.set(row + offset, message)
    for (const [column, pairs] of part.left) this.leave(column, pairs)
    for (const note of part.notes) this.notes.push({ row: note.row + offset, reason: note.reason })
  }
}

/** A programming error in a stage: stops the run, unlike an exception about a row. */
export class StageMistake extends Error {}

export interface StageRun {
  readonly id: string
  readonly stage: AnyStage
  readonly effect: RowEffect
  readonly isFitted: boolean
  readonly instance?: { batch(batch: Batch, verdict: Verdict): Output | void | Promise<Output | void> }
  readonly output: Schema
  readonly spare?: (flow: Flow) => ((row: number) => boolean) | undefined
}

/** A stage as a node uses it, opened. */
export const openRun = (node: Pick<Node, 'id' | 'stage' | 'options'>, context: Context): Omit<StageRun, 'output'> => ({
  id: node.id,
  stage: node.stage as AnyStage,
  effect: effectOf(node)!,
  isFitted: fitRounds(node).length > 0,
  instance: (node.stage as AnyStage).open?.(node.options, context),
})

/** One block behind a stage. */
export interface Through {
  /** The rows that go on, or the new ones. */
  readonly out: Flow
  /** All rows that came in, with what the stage wrote of them; of a derive stage as they were. */
  readonly all: Flow
  readonly said: Said
}

/**
 * One block through one stage, and what was said of the rows that came in. `prepare` gives verdicts that stand before
 * the stage is asked (groups).
 */
export async function runStage(run: StageRun, flow: Flow, prepare?: (said: Said) => void): Promise<Through> {
  const said = new Said(run, flow.rows, run.spare?.(flow))
  prepare?.(said)
  let result: Output | void
  try {
    result = await run.instance?.batch(new Batch(flow), said)
    said.close()
  } catch (error) {
    if (error instanceof StageMistake) throw error
    if (flow.rows > 1) return inHalves(run, flow, prepare)
    // what the stage said of this row before it failed does not count
    const failed = new Said(run, 1)
    failed.error(0, `${run.id}: ${error instanceof Error ? error.message : String(error)}`)
    return { out: emptyFlow(run.output), all: run.effect === 'derive' ? flow : conform(flow, run.output), said: failed }
  }
  const whole = outputOf(run, flow, result, said)
  if (run.effect === 'derive') return { out: whole, all: flow, said }
  return { out: said.kept.includes(0) ? takeFlow(whole, runsOf(said.kept, 1)) : whole, all: whole, said }
}

/**
 * An exception somewhere in a block: find the row it belongs to, so that one row is lost to an error and not a batch.
 */
async function inHalves(run: StageRun, flow: Flow, prepare?: (said: Said) => void): Promise<Through> {
  const middle = flow.rows >> 1
  const before = new Said(run, flow.rows, run.spare?.(flow))
  prepare?.(before)
  const said = new Said(run, flow.rows)
  const outs: Flow[] = [],
    alls: Flow[] = []
  for (const [start, end] of [
    [0, middle],
    [middle, flow.rows],
  ]) {
    const part = await runStage(run, takeFlow(flow, [start, end]), piece => {
      for (let i = start; i < end; i++) {
        if (before.said[i] && before.kind[i] !== ERRORED) {
          piece.drop(
            i - start,
            Object.keys(run.stage.reasons)[before.reason[i]],
            before.value[i],
            before.relatedFile[i],
            before.relatedRow[i],
          )
        }
      }
    })
    said.include(part.said, start)
    outs.push(part.out)
    alls.push(part.all)
  }
  return { out: concatFlows(outs), all: concatFlows(alls), said }
}

/** The columns that a stage gave, under their full names, over the rows that came in or the new rows. */
function outputOf(run: StageRun, flow: Flow, result: Output | void, said: Said): Flow {
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
    const data = toData(`${run.id}: column '${name}'`, declared.type, values)
    if (String(data.type) !== String(declared.type)) {
      throw new StageMistake(`${run.id}: column '${name}' is ${data.type}, the stage declares ${declared.type}`)
    }
    if (data.length !== base.rows) {
      throw new Error(`${run.id}: column '${name}' has ${data.length} values for ${base.rows} rows`)
    }
    added.set(column, data)
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
  const bytes = column.values as Uint8Array,
    offsets = column.valueOffsets as Int32Array
  const decoder = new TextDecoder()
  const parents: string[] = [],
    names: string[] = []
  let n = 0
  for (let i = 0; i < base.rows; i++) {
    parents.push(decoder.decode(bytes.subarray(offsets[i], offsets[i + 1])))
    n = i > 0 && base.row[i] === base.row[i - 1] && parents[i] === parents[i - 1] ? n + 1 : 0
    names.push(n === 0 ? `${parents[i]}~${id}` : `${parents[i]}~${id}-${n + 1}`)
  }
  added.set('id', makeText(names))
  added.set(`${id}_parent`, makeText(parents))
}

function toData(what: string, type: DataType, values: ColumnValues): Data {
  if (values instanceof Float64Array) return makeFloat64(values)
  if (values instanceof Int32Array) return makeInt32(values)
  if (values instanceof Uint8Array) return makeBool(values)
  if (!Array.isArray(values)) return values as Data
  try {
    return makeColumn(type, values)
  } catch (error) {
    throw new StageMistake(`${what}: ${(error as Error).message}`)
  }
}

/** What the contract called things before: they would go by without a word. */
const renamed = (result: Output | void): string | undefined => {
  const { turned, swapped: now } = (result ?? {}) as { turned?: unknown; swapped?: { beside?: unknown } }
  if (turned !== undefined) return "'turned', which is called 'swapped' now"
  return now?.beside === undefined ? undefined : "'swapped.beside', which is called 'also' now"
}
