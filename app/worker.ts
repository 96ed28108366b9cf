/** A worker thread: takes one task at a time and answers with its result, or with what went wrong. */
import { parentPort, workerData } from 'node:worker_threads'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { AnySink, Written } from '../engine/contract/define.ts'
import { schemaFromBytes } from '../engine/arrow/ipc.ts'
import { holdWhole } from '../engine/files/blocks.ts'
import { readingOnly } from '../engine/files/chunks.ts'
import { isReadFault, readFault } from '../engine/parquet/source.ts'
import { contentOf } from '../engine/run/content.ts'
import { changedInput, filesBelow, loadValue, saveValue } from '../engine/run/files.ts'
import { closeClusters, relate } from '../engine/shuffle/join.ts'
import { reduceRange } from '../engine/shuffle/reduce.ts'
import { writeLedger } from '../engine/run/ledger.ts'
import { findPartners } from '../engine/run/partners.ts'
import { holdLock } from '../engine/run/lock.ts'
import type {
  CheckTask,
  CloseTask,
  HashTask,
  MergeTask,
  RelateTask,
  Setup,
  SinkResult,
  SinkTask,
  Task,
  Told,
} from '../engine/run/messages.ts'
import { checkPass, resultOf } from '../engine/run/finished.ts'
import { runPass } from '../engine/run/pass.ts'
import { holdSeen, keepSeen } from '../engine/run/seen.ts'
import { readTable } from '../engine/run/table.ts'
import { registry } from '../stages/registry.ts'
import { withRows } from '../engine/run/sink_rows.ts'
import { mergeTally } from '../engine/run/tally.ts'
import { openWorld, withNewStages, type World } from '../engine/run/world.ts'
import { fitRounds } from '../engine/graph/types.ts'
import { give, onSeen, seenOf } from '../engine/graph/watch.ts'
import { pack } from '../engine/errors.ts'
import { codeStamp, isReplaced, replacedCode } from '../engine/stamp.ts'

const port = parentPort!
const asked = new Map<number, (answers: Told['answers']) => void>()
let questions = 0
const ask: World['ask'] = (node, items) =>
  new Promise(resolve => {
    asked.set(++questions, resolve)
    port.postMessage({ question: { number: questions, node, items } })
  })
const setup = workerData as Setup | null
// kept here, before what follows from it can be; told there, for people
if (setup) {
  onSeen(key => {
    keepSeen(setup.seenFolder, key)
    port.postMessage({ seen: { key, lines: [...seenOf(key)] } })
  })
}
const opened = setup ? openWhole(setup) : undefined
opened?.catch(() => undefined)

/** The world, where all that was loaded for it is of the code of this worker. */
async function openWhole(setup: Setup): Promise<World> {
  try {
    const world = await openWorld(setup, ask, registry)
    if (!isReplaced()) return world
  } catch (error) {
    if (!isReplaced()) throw error
  }
  throw replacedCode()
}

async function run(task: Task): Promise<unknown> {
  if (setup && setup.code !== codeStamp) throw replacedCode()
  if (task.kind === 'hash') return hashFile(task.path)
  if (task.kind === 'check') return checkPass(task.folder)
  if (task.kind === 'close') return closeClusters(task)
  if (task.kind === 'relate') return relate(task)
  const world = await opened!
  const result = await readingOnly(inputOf(task, world.setup), async () => runIn(await withNewStages(world), task))
  holdSeen()
  return result
}

/** The file that a task reads rows of; null where it reads none. */
function inputOf(task: Task, { files, tables }: Setup): string | null {
  if (task.kind === 'table') return tables[task.file].path
  return task.kind === 'pass' && task.level === 0 ? files[task.partitions[0].partition.file].path : null
}

type OwnTask = Exclude<Task, HashTask | CheckTask | CloseTask | RelateTask>

/** Tasks that the stages have a part in. */
async function runIn(world: World, task: OwnTask): Promise<unknown> {
  if (task.kind === 'pass') {
    await runPass(world, task, rows => port.postMessage({ progress: rows }))
    return task.partitions.map(({ folder }) => resultOf(world.meta(folder)))
  }
  if (task.kind === 'partners') return findPartners(world, task)
  if (task.kind === 'ledger') return writeLedger(world, task)
  if (task.kind === 'sink') return publishSink(world, task)
  if (task.kind === 'tally') return mergeTally(world, task)
  if (task.kind === 'table') return readTable(world, task)
  return task.kind === 'merge' ? mergeRound(world, task) : reduceRange(world, task)
}

/** sha256 of a file, as hex. */
async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256'),
    whole = holdWhole(path)
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) {
      hash.update(chunk as Buffer)
      whole.take(chunk as Buffer)
    }
    whole.end()
  } catch (error) {
    throw (error as { code?: string }).code === 'ENOENT'
      ? changedInput(path)
      : isReadFault(error)
        ? readFault(path, error as Error)
        : error
  }
  return hash.digest('hex')
}

/** Merges the parts of a round; gives the content of the state. */
async function mergeRound(world: World, task: MergeTask): Promise<string> {
  const node = world.nodes.get(task.node)!
  const parts = {
    *[Symbol.iterator]() {
      for (const folder of task.partials) yield loadValue(join(folder, `fit-${task.node}.bin`))
    },
  }
  let said = 0
  const progress = (share: number) => {
    // a fit may say it of each step
    if (performance.now() - said < 200) return
    said = performance.now()
    port.postMessage({ learnt: share })
  }
  const state = await fitRounds(node)[task.round].merge(parts, { ...world.context(node, task.states), progress })
  holdLock(world.setup.lock)
  saveValue(task.file, state)
  return contentOf(state)
}

/** Has a sink write its files; gives the rows that it wrote, which are all or an error, and the files. */
async function publishSink(world: World, task: SinkTask): Promise<SinkResult> {
  const node = world.nodes.get(task.node)!,
    sink = node.stage as AnySink
  give(world.setup.nodes.find(({ id }) => id === node.id)?.own?.key, [task.folder])
  const [said, rows] = await withRows<[number | Written, number]>(task, async input => [
    await sink.publish(node.options as never, task.folder, schemaFromBytes(task.schema), input),
    input.rows,
  ])
  const written = typeof said === 'object' ? said : undefined,
    count: unknown = written?.rows ?? said
  if (count !== rows) {
    throw new Error(
      `${node.id} (${node.use}): ${rows} rows were to be written, publish() says that it wrote ${String(count)}; nothing is published`,
    )
  }
  return { rows, ...(written ? { written } : {}), files: filesBelow(task.folder) }
}

port.on('message', (task: Task | { told: Told }) => {
  if ('told' in task) {
    asked.get(task.told.number)!(task.told.answers)
    return void asked.delete(task.told.number)
  }
  run(task).then(
    result => port.postMessage({ result }),
    (thrown: unknown) => {
      port.postMessage({ error: pack(thrown) })
    },
  )
})
