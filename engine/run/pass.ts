/**
 * One pass over one partition: block after block through the ops of a level, into spools, sinks, dropped rows, partials
 * and events. Runs in a worker.
 */
import { Field, Schema, Utf8, type Data } from 'apache-arrow'
import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AnySink, AnyStage } from '../contract/define.ts'
import type { SourceBatch } from '../source/input.ts'
import { CastError } from '../arrow/cast.ts'
import { makeText, runsOfRows, take, textColumn } from '../arrow/columns.ts'
import { Batch, emptyFlow, mergeFlows, takeFlow, toRecordBatch, withColumns, type Flow } from '../arrow/flow.ts'
import { IpcWriter, schemaBytes, streamOf } from '../arrow/ipc.ts'
import { openSealed } from '../sealed.ts'
import { HASH_COLUMN, reasonName } from '../graph/columns.ts'
import { effectOf, fitRounds, groupedBy, isTraining, makesRows, sinkOrder } from '../graph/types.ts'
import { prefixed } from '../errors.ts'
import { holdPackages } from '../graph/packages.ts'
import { openRecords } from '../shuffle/records.ts'
import type { Related } from '../shuffle/join.ts'
import { madeOf, relocate } from './finished.ts'
import { countedSinks, PassNotes } from '../report/gather.ts'
import type { Told } from '../report/picks.ts'
import { changedInput, loadValue, saveValue, syncFolder } from './files.ts'
import { EventLog } from './events.ts'
import { firstRows, markReach, noBits } from './first.ts'
import { holdLock } from './lock.ts'
import {
  emptyCounts,
  ERRORED,
  rowCount,
  SHOWN_FILE,
  SPARED,
  SIDE,
  type Counts,
  type Partition,
  type PassMeta,
  type PassTask,
} from './messages.ts'
import { contentOf } from './content.ts'
import { openDecided } from './decided.ts'
import { hashed, hashField, withHashes } from './row_hash.ts'
import { isFurther } from '../source/further_fields.ts'
import { Outputs } from './outputs.ts'
import { pairOrigins } from './partners.ts'
import { gathered, isGroupRound, leftBy, opsFor, opsOf, type Op } from './plan.ts'
import { SpoolReader, SpoolWriter } from './spool.ts'
import { copies, hasChanged, sourceBlocks } from './source_blocks.ts'
import { groupSaid } from './group_said.ts'
import { Tallies } from './tally.ts'
import { openNone, openRun, runStage, type Said, type StageRun } from './verdicts.ts'
import { withNewStages, type WorkerNode, type World } from './world.ts'

/** The reason by which a source drops what people decided to drop. */
const DECIDED = 'decided'

/** An error of a stage beside its rows: it stops the run, and says which stage it was. */
const inStage = ({ id, use }: WorkerNode, error: unknown): Error => prefixed(`${id} (${use})`, error)

/** Whether a stage judges labels: it leaves those be that people decided on. */
const isOfLabels = ({ stage }: WorkerNode): boolean => stage.category === 'find wrong labels'

/** All that one partition's pass holds open. */
class PartitionPass {
  readonly #world: World
  readonly #task: PassTask
  readonly #partition: Partition
  readonly #folder: string
  readonly #ops: readonly Op[]
  readonly #ports = new Map<string, Flow>()
  readonly #log = new EventLog()
  readonly #counts: Record<string, Counts> = {}
  readonly #runs = new Map<string, StageRun>()
  readonly #collectors = new Map<string, { batch(batch: Batch): void | Promise<void>; part(): unknown }>()
  readonly #records = new Map<string, ReturnType<typeof openRecords>>()
  readonly #spools = new Map<string, SpoolWriter>()
  readonly #outputs: Outputs
  readonly #notes: PassNotes
  readonly #reached: Record<string, Uint8Array> = {}
  readonly #parents: Record<string, Uint8Array> = {}
  readonly #origins = pairOrigins()
  readonly #tallies = new Tallies()
  readonly #first = new Map<string, ReturnType<typeof firstRows>>()
  readonly #kept = new Set<number>()
  /** Source rows whose id the user asked to keep. */
  readonly #spared: Set<number>
  /** Rows that people decided on. */
  readonly #decided: ReturnType<typeof openDecided>
  readonly #related = new Map<string, { related: Related; said: ReturnType<typeof groupSaid>; rows: number }>()
  readonly #loads = new Map<string, SpoolReader>()
  #ids: IpcWriter | undefined
  /** Columns of one side that stayed when decisions swapped the sides of so many pairs. */
  readonly #stayed: Record<string, number> = {}
  #block = 0

  constructor(world: World, task: PassTask, which: number, folder: string) {
    this.#world = world
    this.#task = task
    this.#partition = task.partitions[which].partition
    this.#folder = folder
    const source = world.setup.files[this.#partition.file].source
    const { label } = world.setup.files[this.#partition.file]
    this.#outputs = new Outputs(folder, label)
    this.#notes = new PassNotes(
      { ...world.setup, nodes: world.nodes, counted: countedSinks(world.setup.levels, world.nodes) },
      { ...this.#partition, read: task.level === 0 ? rowCount(this.#partition) : 0 },
      label,
    )
    const ops = opsOf({ levels: world.setup.levels, reach: world.reach }, task.level, source),
      { earlier, tallies, done } = task.partitions[which]
    const isWanted = (op: Op) =>
      op.kind === 'tally' && tallies.some(({ node, input }) => node === op.node && input === op.input)
    this.#ops = done
      ? opsFor(ops, new Set(ops.filter(isWanted)))
      : ops.filter(op => op.kind !== 'tally' || isWanted(op))
    const asks = world.keep.size + world.decisions.size > 0,
      metas = asks ? earlier.map(world.meta) : []
    this.#spared = new Set(metas[0]?.spared)
    this.#decided = openDecided(
      world.decisions,
      world.keep,
      metas.map(({ decided }) => decided),
    )
    for (const op of this.#ops) {
      if (op.kind === 'load') this.#reader(op.port, earlier)
      // a spool exists even when nothing goes into it
      if (op.kind === 'save') this.#spools.set(op.port, new SpoolWriter(folder, op.port))
      if (op.kind === 'gather') this.#spools.set(gathered(op.node), new SpoolWriter(folder, gathered(op.node)))
      if (op.kind === 'stage' || op.kind === 'collect') this.#open(op, task, which)
      if (op.kind === 'tally') this.#tallies.open(this.#node(op.node), op.input, world)
      // what a tally is told is in no pass: with another audit a pass is the same
      else if ('node' in op) this.#counts[op.node] ??= emptyCounts()
    }
  }

  #node(id: string): WorkerNode {
    return this.#world.nodes.get(id)!
  }

  #open(op: Op & { kind: 'stage' | 'collect' }, task: PassTask, which: number): void {
    const node = this.#node(op.node)
    if (op.kind === 'collect' && isGroupRound(node, op.round)) {
      const records = openRecords(this.#folder, node, this.#world.context(node, task.states[node.id]))
      return void this.#records.set(node.id, records)
    }
    try {
      this.#openStage(op, node, task, which)
    } catch (error) {
      throw inStage(node, error)
    }
  }

  #openStage(op: Op & { kind: 'stage' | 'collect' }, node: WorkerNode, task: PassTask, which: number): void {
    const contextOf = () => this.#world.context(node, task.states[node.id])
    if (op.kind === 'stage') {
      const by = groupedBy(node)
      // its groups have been looked at
      const opened = by ? openNone(node) : openRun(node, contextOf)
      this.#runs.set(node.id, {
        ...opened,
        output: node.output,
        spare: flow => this.#spare(flow, isOfLabels(node)),
        decided: flow => this.#spare(flow, true),
      })
      if (by) {
        const related = loadValue<Related>(task.related[which][node.id])
        this.#related.set(node.id, { related, said: groupSaid(node, related), rows: 0 })
      }
    } else {
      this.#collectors.set(node.id, fitRounds(node)[op.round].collect(contextOf()))
    }
  }

  /** The reader of a port's spool, and of those that it refers to. */
  #reader(port: string, earlier: readonly string[]): SpoolReader {
    const known = this.#loads.get(port)
    if (known) return known
    for (const folder of earlier) {
      const {
        spools: { [port]: spool },
      } = this.#world.meta(folder)
      if (!spool) continue
      const reader = new SpoolReader(port, spool, this.#schemaOf(port), root => this.#reader(root, earlier))
      this.#loads.set(port, reader)
      return reader
    }
    throw new Error(
      `no spool of '${port}' for partition ${this.#partition.index}; remove the .sluice folder and run again`,
    )
  }

  #schemaOf(port: string): Schema {
    const node = this.#node(port.split(/[.#]/)[0])
    return port === node.id ? node.output : port === gathered(node.id) ? node.input : node.aside
  }

  /** A block of source rows (level 0). */
  async source(batch: SourceBatch, node: WorkerNode): Promise<void> {
    const { setup } = this.#world
    this.#ids ??= new IpcWriter(join(this.#folder, 'ids.arrow'), idSchema, openSealed)
    this.#ids.write(toRecordBatch(idSchema, [batch.ids], batch.ids.length))
    const counts = this.#counts[node.id],
      reasons = Object.keys(node.stage.reasons),
      index = this.#world.indexOf(node.id)
    counts.in += batch.raw.numRows
    for (const { row, reason, value, error } of batch.refused) {
      const at = reasons.indexOf(reason)
      if (at < 0) throw new Error(`${node.use}: reason '${reason}' is not declared`)
      counts.dropped++
      counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1
      this.#log.refuse(row, index, at, value ?? NaN, error)
    }
    const notes = batch.noted ?? []
    for (const { reason } of notes) {
      if (!reasons.includes(reason)) {
        throw new Error(`${node.use}: reason '${reason}' is not declared`)
      }
      counts.notes[reason] = (counts.notes[reason] ?? 0) + 1
    }
    this.#look(batch.ids, batch.rows)
    if (batch.refused.length + notes.length > 0) {
      const some = (of: readonly { row: number }[]) =>
        rawOf(
          batch,
          of.map(({ row }) => row),
        )
      // of a noted row what it has beside its text would be nowhere else
      for (const [kind, of] of [
        ['dropped', batch.refused],
        ['notes', notes],
      ] as const) {
        if (of.length === 0) continue
        const flow = some(of),
          reasons = of.map(({ reason }) => reason)
        this.#outputs.aside(kind, node.id, flow, reasons)
        this.#notes.refused(node.id, flow, idsOfRows(batch, flow.row), reasons)
      }
    }
    const read: Flow = castOf(`${node.use}: ${setup.files[this.#partition.file].path}`, () =>
      this.#world.conformSource(node, {
        schema: batch.pairs.schema,
        columns: batch.pairs.data.children,
        rows: batch.row.length,
        row: batch.row,
        copy: copies(batch.row),
      }),
    )
    this.#notes.read({ schema: batch.raw.schema, columns: batch.raw.data.children, rows: batch.raw.numRows }, read)
    const flow = this.#decide(batch, read, node)
    flow.schema.fields.forEach(({ name }, c) => {
      const some = isFurther(name) ? flow.rows - flow.columns[c].nullCount : 0
      if (some > 0) counts.left[name] = (counts.left[name] ?? 0) + some
    })
    this.#look(idsOf(flow))
    for (let at = 0; at < Math.max(1, flow.rows); at += setup.blockRows) {
      const block = takeFlow(flow, [at, Math.min(flow.rows, at + setup.blockRows)])
      counts.out += block.rows
      this.#ports.set(node.id, block)
      await this.#run()
    }
  }

  /** What is left of a source's rows once decisions are applied: dropped ones are set aside as the source's own. */
  #decide(batch: SourceBatch, read: Flow, node: WorkerNode): Flow {
    const { flow, dropped, kept, left, flipped } = this.#decided.read(node.id, read, batch.ids, batch.rows)
    for (const row of kept) this.#spared.add(row)
    for (const column of left) this.#stayed[column] = (this.#stayed[column] ?? 0) + flipped
    if (dropped.length === 0) return flow
    const counts = this.#counts[node.id],
      at = Object.keys(node.stage.reasons).indexOf(DECIDED)
    for (const row of dropped) this.#log.refuse(row, this.#world.indexOf(node.id), at, NaN)
    counts.dropped += dropped.length
    counts.reasons[DECIDED] = (counts.reasons[DECIDED] ?? 0) + dropped.length
    const raw = rawOf(batch, dropped),
      reasons = dropped.map(() => DECIDED)
    this.#outputs.aside('dropped', node.id, raw, reasons)
    this.#notes.refused(node.id, raw, idsOfRows(batch, raw.row), reasons)
    return flow
  }

  /** Looks for ids that the user asked to keep. `rows`: of the ids of source rows, which these are. */
  #look(ids: Data, rows?: Uint32Array): void {
    const { keep } = this.#world
    if (keep.size === 0) return
    const texts = textColumn(ids)
    for (let i = 0; i < texts.rows; i++) {
      const at = keep.get(texts.text(i))
      if (at === undefined) continue
      this.#kept.add(at)
      if (rows) this.#spared.add(rows[i])
    }
  }

  /**
   * Which rows of a block the user asked never to drop, by their own id or that of the source row that they come from,
   * and `ofLabels` those whose label was decided; undefined when nobody asked.
   */
  #spare(flow: Flow, ofLabels: boolean): ((row: number) => boolean) | undefined {
    const { keep, decisions } = this.#world
    if (keep.size + decisions.size === 0) return undefined
    const ids = textColumn(idsOf(flow)),
      isDecided = ofLabels ? this.#decided.isDecided : this.#decided.isKept
    return row => this.#spared.has(flow.row[row]) || keep.has(ids.text(row)) || isDecided(flow.row[row], flow.copy[row])
  }

  /** All blocks of the spools of this level, in order. */
  async spooled(): Promise<void> {
    const blocks = [...new Set([...this.#loads.values()].flatMap(load => load.blocks))].sort((a, b) => a - b)
    for (const block of blocks) {
      this.#block = block
      await this.#run()
    }
  }

  async #run(): Promise<void> {
    const { watch } = this.#world.setup
    for (const op of this.#ops) {
      const started = performance.now()
      if (watch && 'node' in op) {
        watch[0]++
        watch[1] = this.#world.indexOf(op.node)
      }
      if (op.kind === 'load') this.#ports.set(op.port, this.#loads.get(op.port)!.read(this.#block))
      else if (op.kind === 'stage') await this.#stage(op.node, op.inputs)
      else if (op.kind === 'gather') this.#gather(op.node, op.inputs)
      else if (op.kind === 'collect') await this.#collect(op.node, op.spool)
      else if (op.kind === 'sink') this.#sink(op.node, op.inputs)
      else if (op.kind === 'save') this.#save(op.port)
      else if (op.kind === 'tally') await this.#tallies.add(op.node, op.input, this.#flows(op.inputs))
      if ('node' in op && op.kind !== 'tally') this.#counts[op.node].millis += performance.now() - started
    }
    this.#ports.clear()
    if (this.#task.level === 0) this.#block++
  }

  #save(port: string): void {
    const flow = this.#ports.get(port)
    if (flow && flow.rows > 0) this.#ports.set(port, this.#spools.get(port)!.save(flow, this.#block))
  }

  #flows(ports: readonly string[]): Flow[] {
    return ports.map(port => this.#ports.get(port)).filter(flow => flow !== undefined)
  }

  #inputs(node: string, inputs: readonly string[], schema = this.#node(node).input): Flow {
    const flows = this.#flows(inputs)
    return castOf(`the inputs of '${node}'`, () => mergeFlows(flows, schema))
  }

  #gather(id: string, inputs: readonly string[]): void {
    const flow = this.#inputs(id, inputs)
    this.#ports.set(gathered(id), flow)
    this.#save(gathered(id))
  }

  async #collect(id: string, spool: string): Promise<void> {
    const flow = this.#ports.get(spool)!
    if (flow.rows === 0) return
    const records = this.#records.get(id)
    if (records) return records.add(flow)
    try {
      await this.#collectors.get(id)!.batch(new Batch(flow))
    } catch (error) {
      throw inStage(this.#node(id), error)
    }
  }

  async #stage(id: string, inputs: readonly string[]): Promise<void> {
    const node = this.#node(id),
      stage = node.stage as AnyStage,
      run = this.#runs.get(id)!
    const flow = this.#inputs(id, inputs)
    if (flow.rows === 0) return void this.#ports.set(id, emptyFlow(node.output))
    const { watch } = this.#world.setup
    if (watch) watch[2] = flow.row[0]
    const group = this.#related.get(id)
    const { out, all, said, made } = group ? group.said(run, flow) : await runStage(run, flow)
    if (group?.related.clustered) this.#notes.clustered(id, group.related.clustered, flow, group.rows)
    if (group) group.rows += flow.rows
    this.#ports.set(id, out)
    if (made) {
      this.#look(idsOf(out))
      this.#decided.made(out)
      this.#origins.made(id, made.partners)
      this.#counts[id].sides += made.sides
    }
    if (node.tallied.size > 0) this.#ports.set(leftBy(id), makesRows(node) ? out : all)
    this.#account(node, stage, flow, out, said)
    this.#aside(node, all, said)
  }

  #account(node: WorkerNode, stage: AnyStage, flow: Flow, out: Flow, said: Said): void {
    const counts = this.#counts[node.id],
      reasons = Object.keys(stage.reasons)
    counts.in += flow.rows
    if (effectOf(node) === 'derive') {
      this.#look(idsOf(out))
      this.#decided.made(out)
      counts.derived += out.rows
    } else counts.out += out.rows
    for (let i = 0; i < said.said.length; i++) {
      if (!said.said[i]) continue
      if (said.kind[i] === ERRORED) {
        counts.errored++
        continue
      }
      if (said.kind[i] === SIDE) continue
      if (said.kind[i] === SPARED) {
        counts.spared++
        continue
      }
      counts.dropped++
      const reason = reasons[said.reason[i]]
      counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1
    }
    for (const { reason } of said.notes) counts.notes[reason] = (counts.notes[reason] ?? 0) + 1
    for (const [column, pairs] of said.left) counts.left[column] = (counts.left[column] ?? 0) + pairs
    const group = this.#related.get(node.id)
    if (!group) said.relate(flow)
    this.#log.add(flow, said, this.#world.indexOf(node.id), this.#filesOf(node.id))
  }

  /** What numbers the files of rows that others yield to. */
  #filesOf(node: string): readonly string[] {
    return this.#related.get(node)?.related.files ?? [this.#world.setup.files[this.#partition.file].label]
  }

  /** Rows beside the output, with what the stage wrote of them and why: into dropped/, notes/ and named outputs. */
  #aside(node: WorkerNode, all: Flow, said: Said): void {
    const reasons = Object.keys(node.stage.reasons),
      why = (row: number) => (said.kind[row] === ERRORED ? 'error' : reasons[said.reason[row]])
    const port = (name: string, rows: readonly number[]) => {
      if (rows.length === 0 || !this.#world.usedPorts.has(`${node.id}.${name}`)) return
      const some = takeFlow(all, runsOfRows(rows)),
        reason = makeText(rows.map(row => (said.kept[row] ? null : why(row))))
      this.#ports.set(`${node.id}.${name}`, withColumns(some, node.aside, new Map([[reasonName(node.id), reason]])))
    }
    const dropped = [...said.kept.keys()].filter(row => !said.kept[row])
    if (dropped.length > 0) {
      for (const reason of reasons) {
        port(
          reason,
          dropped.filter(row => why(row) === reason),
        )
      }
      port('dropped', dropped)
      const whys = dropped.map(why)
      this.#outputs.aside('dropped', node.id, takeFlow(all, runsOfRows(dropped)), whys)
      this.#notes.aside(node, 'dropped', all, dropped, whys, (row, reason) => this.#told(node, said, row, reason))
    }
    if (said.notes.length === 0) return
    for (const note of new Set(said.notes.map(({ reason }) => reason))) {
      const rows = said.notes.flatMap(({ row, reason }) => (reason === note ? [row] : []))
      port(
        note,
        [...new Set(rows)].sort((a, b) => a - b),
      )
    }
    const noted = takeFlow(all, runsOfRows(said.notes.map(({ row }) => row)))
    this.#outputs.aside(
      'notes',
      node.id,
      // of answers that make no pair of their own all is there
      effectOf(node) === 'pair' ? noted : namesIn(noted, isOfLabels(node)),
      said.notes.map(({ reason }) => reason),
    )
    this.#notes.aside(
      node,
      'notes',
      all,
      said.notes.map(({ row }) => row),
      said.notes.map(({ reason }) => reason),
      () => ({}),
    )
  }

  /** What decided that a row is dropped: the number, and the row that it yields to. */
  #told(node: WorkerNode, said: Said, row: number, reason: string): Partial<Told> {
    const value = said.value[row],
      limit = node.stage.reasons[reason]?.limit,
      isAlike = effectOf(node) === 'cluster',
      file = said.relatedFile[row] < 0 ? undefined : this.#filesOf(node.id)[said.relatedFile[row]]
    return {
      numbers: Number.isNaN(value)
        ? []
        : [{ name: reason, value, limit: limit === undefined ? null : Number(node.options[limit]) }],
      ...(file === undefined
        ? {}
        : { yields: { file, row: said.relatedRow[row], similarity: isAlike ? value : null } }),
    }
  }

  /** Rows of a list for people, with what tells later whether a row is still the one that they saw. */
  #listed({ id, input }: WorkerNode, inputs: readonly string[]): Flow {
    const rows = new Schema(input.fields.filter(({ name }) => name !== HASH_COLUMN))
    return withHashes(this.#inputs(id, inputs, rows), input)
  }

  #sink(id: string, inputs: readonly string[]): void {
    const node = this.#node(id),
      flow = isTraining(node) ? this.#inputs(id, inputs) : this.#listed(node, inputs),
      counts = this.#counts[id]
    counts.in += flow.rows
    if (sinkOrder(node).limit === undefined) return this.#write(node, flow)
    if (flow.rows === 0) return
    if (!this.#first.has(id)) this.#first.set(id, firstRows(node))
    this.#first.get(id)!.push(flow)
  }

  #write(node: WorkerNode, flow: Flow): void {
    const { id, options } = node,
      sink = node.stage as AnySink
    this.#counts[id].out += flow.rows
    const reached = (this.#reached[id] ??= noBits(this.#partition)),
      parents = (this.#parents[id] ??= noBits(this.#partition))
    this.#counts[id].derived += markReach(flow, this.#partition.start, reached, parents)
    this.#origins.reached(id, flow)
    if (isTraining(node)) this.#notes.written(id, flow)
    this.#outputs.push('sinks', id, flow, node.output, batch => sink.convert(options, batch, node.output))
  }

  /** Writes what the pass adds to tallies that lack it. */
  saveTallies(which: number): void {
    this.#tallies.save(this.#task.partitions[which].tallies)
  }

  /** Closes everything and writes what the next levels, the ledger and the publisher need to know. */
  finish(): Omit<PassMeta, 'folder' | 'files'> {
    const first: PassMeta['first'] = {}
    for (const [id, rows] of this.#first) {
      const found = rows.end(),
        node = this.#node(id),
        sink = node.stage as AnySink
      if (!found) continue
      first[id] = found.first
      if (isTraining(node)) this.#notes.held(id, found.flow, sinkOrder(node).limit!)
      this.#outputs.push('sinks', id, found.flow, node.output, batch => sink.convert(node.options, batch, node.output))
    }
    const outputs = this.#outputs.close()
    for (const reader of this.#loads.values()) reader.close()
    const spools: PassMeta['spools'] = {},
      spared = Uint32Array.from(this.#spared).sort(),
      { decided, found } = this.#decided.end()
    for (const [port, spool] of this.#spools) spools[port] = spool.close()
    const parts: Record<string, string> = {}
    for (const [node, collector] of this.#collectors) {
      const part = collector.part()
      saveValue(join(this.#folder, `fit-${node}.bin`), part)
      parts[node] = contentOf(part)
    }
    const sent: PassMeta['sent'] = {}
    for (const [node, records] of this.#records) {
      const { content, ...size } = records.close()
      sent[node] = size
      parts[node] = content
    }
    this.#ids?.close()
    saveValue(join(this.#folder, SHOWN_FILE), this.#notes.end())
    return {
      rows: rowCount(this.#partition),
      level: this.#task.level,
      made: madeOf(this.#folder, { spools, spared, decided }),
      parts,
      nodes: [...this.#world.nodes.keys()],
      spools,
      ...outputs,
      ids: this.#ids && streamOf(this.#ids, idHeader),
      events: this.#log.events(),
      first,
      reached: this.#reached,
      parents: this.#parents,
      ...this.#origins.end(),
      kept: Uint32Array.from(this.#kept),
      spared,
      decided,
      found,
      stayed: this.#stayed,
      counts: this.#counts,
      sent,
    }
  }
}

/** The ids of rows of a batch. */
const idsOfRows = ({ ids, rows }: SourceBatch, some: Uint32Array): Data =>
  take(ids, runsOfRows(Array.from(some, row => rows.indexOf(row))))

/** Rows of a batch as they were read. */
function rawOf({ raw: { schema, data, numRows }, rows }: SourceBatch, some: readonly number[]): Flow {
  const raw: Flow = { schema, columns: data.children, rows: numRows, row: rows, copy: new Uint32Array(numRows) }
  return takeFlow(raw, runsOfRows(some.map(row => rows.indexOf(row))))
}

/** What `make` gives; a value that does not fit the type that all inputs have is told with where it is. */
function castOf(where: string, make: () => Flow): Flow {
  try {
    return make()
  } catch (error) {
    throw error instanceof CastError ? new CastError(`${where}: ${error.message}`) : error
  }
}

const idsOf = ({ schema, columns }: Flow): Data => columns[schema.fields.findIndex(({ name }) => name === 'id')]
/** What notes/ say of a row: its id, and of a label what it is the label of. */
function namesIn(flow: Flow, hasHash: boolean): Flow {
  const id = flow.schema.fields.find(({ name }) => name === 'id')!,
    whole = hasHash ? hashed(flow) : undefined
  return {
    ...flow,
    schema: new Schema([id, ...(whole ? [hashField] : [])]),
    columns: [idsOf(flow), ...(whole ? [whole] : [])],
  }
}
const idSchema = new Schema([new Field('id', new Utf8(), false)])
const idHeader = schemaBytes(idSchema).length

/**
 * Runs a pass over its partitions (several where one read serves them), skipping those that are done already; one of
 * which only tallies are wanted leaves nothing else. `progress` hears of rows as they pass.
 */
export async function runPass(world: World, task: PassTask, progress: (rows: number) => void): Promise<void> {
  const partitions = task.partitions.map(({ partition }) => partition)
  const begin = async (which: number) => {
    // a name that no other process has: in another container there may be one of the same number
    const folder = `${task.partitions[which].folder}.${randomUUID()}.tmp`
    mkdirSync(folder, { recursive: true })
    return { pass: new PartitionPass(await withNewStages(world), task, which, folder), folder }
  }
  const end = (which: number, { pass, folder }: { pass: PartitionPass; folder: string }) => {
    const meta = relocate(pass.finish(), folder, task.partitions[which].folder)
    // a spool's name promises the content that was hashed
    const file = world.setup.files[partitions[which].file]
    if (task.level === 0 && hasChanged(file)) throw changedInput(file.path)
    holdPackages(world.setup.nodes)
    holdLock(world.setup.lock)
    pass.saveTallies(which)
    if (task.partitions[which].done) return rmSync(folder, { recursive: true, force: true })
    saveValue(join(folder, 'meta.bin'), {
      ...meta,
      folder: task.partitions[which].folder,
      files: readdirSync(folder).sort(),
    } satisfies PassMeta)
    syncFolder(folder)
    holdLock(world.setup.lock)
    rmSync(task.partitions[which].folder, { recursive: true, force: true })
    renameSync(folder, task.partitions[which].folder)
  }
  const isNeeded = (which: number) => !task.partitions[which].done || task.partitions[which].tallies.length > 0
  if (task.level > 0) {
    const current = await begin(0)
    await current.pass.spooled()
    end(0, current)
    return progress(rowCount(partitions[0]))
  }
  const node = world.nodes.get(world.setup.files[partitions[0].file].source)!
  let which = 0,
    current = isNeeded(0) ? await begin(0) : undefined
  const advance = async () => {
    if (current) end(which, current)
    which++
    current = which < partitions.length && isNeeded(which) ? await begin(which) : undefined
  }
  for await (const { partition, batch } of sourceBlocks(world, node, partitions)) {
    while (partitions[which] !== partition) await advance()
    if (!current) continue
    await current.pass.source(batch, node)
    progress(batch.raw.numRows)
  }
  while (which < partitions.length) await advance()
}
