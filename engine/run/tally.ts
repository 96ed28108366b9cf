/** Tallies: what one pass adds to them, each in a file of its own, and how such parts become one. */
import type { Schema } from 'apache-arrow'
import { Batch, mergeFlows, type Flow } from '../arrow/flow.ts'
import { prefixed } from '../errors.ts'
import { OWN_ROWS, tallyRounds } from '../graph/types.ts'
import { loadValue, saveValue } from './files.ts'
import { holdLock } from './lock.ts'
import type { Tallied, TallyFile, TallyTask } from './messages.ts'
import type { WorkerNode, World } from './world.ts'

interface Open {
  readonly node: WorkerNode
  readonly schema: Schema
  readonly collector: { batch(batch: Batch): void | Promise<void>; part(): unknown }
  rows: number
}

/** An error of a tally beside its rows: it stops the run, and says whose it was. */
const inTally = ({ id, use }: WorkerNode, input: string, error: unknown): Error =>
  prefixed(`${id} (${use}), in its tally${input === OWN_ROWS ? '' : ` of '${input}'`}`, error)

const nameOf = ({ node, input }: Pick<TallyFile, 'node' | 'input'>): string => `${node} ${input}`

/** The tallies that one pass has open. */
export class Tallies {
  readonly #open = new Map<string, Open>()

  open(node: WorkerNode, input: string, world: World): void {
    const schema = node.tallied.get(input)!
    try {
      const collector = tallyRounds(node, input)[0].collect(world.context(node))
      this.#open.set(nameOf({ node: node.id, input }), { node, schema, collector, rows: 0 })
    } catch (error) {
      throw inTally(node, input, error)
    }
  }

  /** Rows in order of the input; a tally sees the columns that were declared, and no others. */
  async add(node: string, input: string, flows: readonly Flow[]): Promise<void> {
    const open = this.#open.get(nameOf({ node, input }))!
    try {
      const flow = mergeFlows(flows, open.schema)
      if (flow.rows === 0) return
      open.rows += flow.rows
      await open.collector.batch(new Batch(flow))
    } catch (error) {
      throw inTally(open.node, input, error)
    }
  }

  save(files: readonly TallyFile[]): void {
    for (const { node, input, file } of files) {
      const { collector, rows } = this.#open.get(nameOf({ node, input }))!
      saveValue(file, { rows, value: collector.part() } satisfies Tallied)
    }
  }
}

/** Merges the parts of a tally into one file. */
export async function mergeTally(world: World, { node: id, input, parts, file }: TallyTask): Promise<void> {
  const node = world.nodes.get(id)!
  const each = function* () {
    for (const part of parts) yield loadValue<Tallied>(part)
  }
  let rows = 0
  for (const part of each()) rows += part.rows
  const values = {
    *[Symbol.iterator]() {
      for (const { value } of each()) yield value
    },
  }
  try {
    const value = await tallyRounds(node, input)[0].merge(values, world.context(node))
    holdLock(world.setup.lock)
    saveValue(file, { rows, value } satisfies Tallied)
  } catch (error) {
    throw inTally(node, input, error)
  }
}
