/** What a worker knows of the run: the graph's stages loaded again by name, schemas, fitted states. */
import type { Schema } from 'apache-arrow'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import type { AnyKind, Context, Registry } from '../contract/define.ts'
import { asideSchema } from '../graph/columns.ts'
import { holdPackages } from '../graph/packages.ts'
import { frozen } from '../graph/types.ts'
import { makerOf } from '../graph/user_stage.ts'
import { give, learn, watch } from '../graph/watch.ts'
import { conform, type Flow } from '../arrow/flow.ts'
import { schemaFromBytes } from '../arrow/ipc.ts'
import type { Answer } from '../calls/service.ts'
import { holdInput } from '../files/blocks.ts'
import { unseal } from '../sealed.ts'
import type { DecisionAt, DecisionsById } from './decided.ts'
import { loadValue } from './files.ts'
import type { PassMeta, Setup } from './messages.ts'
import { fileOf } from './stage_files.ts'

export interface WorkerNode {
  readonly id: string
  readonly use: string
  readonly stage: AnyKind
  /** Of a stage of the user's own: makes it anew. */
  readonly make?: () => Promise<AnyKind>
  readonly options: Record<string, unknown>
  readonly input: Schema
  readonly output: Schema
  /** Of its named outputs. */
  readonly aside: Schema
  /** By input of its tallies, the columns that they see. */
  readonly tallied: ReadonlyMap<string, Schema>
  /** By table, what is read of it. */
  readonly tableSchemas: ReadonlyMap<string, Schema>
  /** What is in a file that it names. */
  readonly file: Context['file']
}

export interface World {
  readonly setup: Setup
  readonly nodes: ReadonlyMap<string, WorkerNode>
  readonly reach: ReadonlyMap<string, ReadonlySet<string>>
  readonly usedPorts: ReadonlySet<string>
  indexOf(node: string): number
  /** What a stage is told, with the last of these files of fitted states. */
  context(node: WorkerNode, states?: readonly string[]): Context
  meta(folder: string): PassMeta
  /** Asks the server of a node, by way of the main thread. */
  ask(node: string, items: readonly unknown[]): Promise<readonly Answer[]>
  /** Ids that the user asked never to drop, by their place among them. */
  readonly keep: ReadonlyMap<string, number>
  /** What was decided of ids, with the place of each decision. */
  readonly decisions: DecisionsById
  /** Rows of one file as rows of the source's common schema. */
  conformSource(node: WorkerNode, flow: Flow): Flow
}

/** Loads the stages that the setup names. */
export async function openWorld(setup: Setup, ask: World['ask'], registry: Registry): Promise<World> {
  for (const { path, blocks } of [...setup.files, ...setup.tables]) if (blocks) holdInput(path, blocks)
  const nodes = new Map<string, WorkerNode>()
  for (const { use, own, seen, given } of setup.nodes) {
    if (!own || !seen) continue
    await watch({ ...own, use })
    give(own.key, given)
    learn(own.key, seen)
  }
  for (const { id, use, own, options, input, output, tallied, tables, files } of setup.nodes) {
    const make = own && (await makerOf(own.module)),
      stage = await (make ?? registry.get(use))?.()
    if (!stage) throw new Error(`worker: no stage '${use}'`)
    holdPackages([{ id, use, own }])
    const schemas = { input: schemaFromBytes(input), output: schemaFromBytes(output) }
    nodes.set(id, {
      id,
      use,
      stage,
      ...(make ? { make } : {}),
      options: frozen(options),
      ...schemas,
      aside: asideSchema({ id, stage, options }, schemas),
      tallied: new Map(tallied.map(([input, schema]) => [input, schemaFromBytes(schema)])),
      tableSchemas: new Map(tables.map(([name, schema]) => [name, schemaFromBytes(schema)])),
      file: fileOf({ id, use }, files),
    })
  }
  const order = new Map(setup.nodes.map(({ id }, i) => [id, i]))
  /** As bytes: each partition gets a copy, so that none can tell another anything. */
  const states = new Map<string, Uint8Array>()
  const keep = new Map(setup.keepIds.map((id, i) => [id, i]))
  return {
    setup,
    nodes,
    ask,
    keep,
    decisions: byId(setup.decisions),
    reach: new Map(setup.reach.map(([id, sources]) => [id, new Set(sources)])),
    usedPorts: new Set(
      setup.levels.flat().flatMap(op => ('inputs' in op ? [...op.inputs] : op.kind === 'save' ? [op.port] : [])),
    ),
    indexOf: id => order.get(id)!,
    context: ({ id, file }, files) => {
      const last = files?.at(-1)
      if (last !== undefined && !states.has(last)) states.set(last, unseal(last, readFileSync(last)))
      return {
        id,
        seed: setup.seed,
        state: last && (deserialize(states.get(last)!) as unknown),
        file,
        ask: items => ask(id, items),
      }
    },
    meta: folder => loadValue<PassMeta>(join(folder, 'meta.bin')),
    conformSource: (node, flow) => conform(flow, node.output),
  }
}

/**
 * The same world with the user's own stages made anew: what one keeps at the top of its files goes from no task to
 * another, so that no result follows from what a worker did before.
 */
export async function withNewStages(world: World): Promise<World> {
  const nodes = new Map(world.nodes)
  for (const [id, node] of world.nodes) if (node.make) nodes.set(id, { ...node, stage: await node.make() })
  return { ...world, nodes }
}

/** By id, each with its place among all. */
function byId(decisions: Setup['decisions']): DecisionsById {
  const all = new Map<string, DecisionAt[]>()
  decisions.forEach((decision, at) => {
    const some = all.get(decision.id) ?? []
    all.set(decision.id, some)
    some.push({ ...decision, at })
  })
  return all
}
