/** Worker threads and the queue before them. */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import PQueue from 'p-queue'
import type { Calls } from '../calls/calls.ts'
import { EXIT, prefixed, SluiceError, unpack, type Packed } from '../errors.ts'
import { learn } from '../graph/watch.ts'
import { packageRoot } from '../root.ts'
import type { SeenBy, ServiceQuestion, Setup, Task, Told } from './messages.ts'

export interface Pool {
  /**
   * Runs a task on the next free worker; rejects with the task's error, or when a worker dies or the pool is closed.
   * `learnt` hears what share of a fit is done.
   */
  run<T>(task: Task, learnt?: (share: number) => void): Promise<T>
  close(): Promise<void>
}

const placeOf = (task: Task, setup: Setup | undefined): string => {
  if (task.kind !== 'pass') return `a ${task.kind} task`
  const { file, start } = task.partitions[0].partition
  return `${setup?.files[file].path}, rows ${start} to ${task.partitions[task.partitions.length - 1].partition.end}`
}

/** What a worker is at, in words. */
function workOf(task: Task, setup: Setup | undefined, [, index, row]: Int32Array): string {
  if (task.kind === 'hash') return `${task.path} is being hashed`
  const nodeOf = (id: string) => {
    const use = setup?.nodes.find(node => node.id === id)?.use
    return `${id} (${use})`
  }
  if (task.kind === 'pass') {
    return `${nodeOf(setup!.nodes[index].id)} is at work on ${placeOf(task, setup)}, in the block from row ${row} on`
  }
  if (task.kind === 'check') return `what an earlier run left in ${task.folder} is being checked`
  if (task.kind === 'ledger' || task.kind === 'partners') return 'the ledger is being written'
  if (task.kind === 'close') return 'clusters of rows are being closed'
  return `${nodeOf(task.node)} ${{ merge: 'is being fitted', tally: 'is being tallied', table: 'reads a table', bucket: 'looks at groups', relate: 'brings groups back to their rows', sink: 'writes its files' }[task.kind]}`
}

function deadWorker(what: string, task: Task | undefined, setup: Setup | undefined): SluiceError {
  return new SluiceError(
    `worker: ${what}${task ? ` while it worked on ${placeOf(task, setup)}` : ''}; nothing is published, what is finished is kept`,
    EXIT.unexpected,
  )
}

function failure(error: unknown, task: Task | undefined, setup: Setup | undefined): Error {
  const code = (error as { code?: string } | null)?.code
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return deadWorker(
      'a worker thread ran out of memory (fewer --workers, or NODE_OPTIONS=--max-old-space-size=<MB>, leave more to each)',
      task,
      setup,
    )
  }
  return prefixed('worker', error)
}

/**
 * `progress` hears of rows as workers pass them, `calls` is asked what they ask; when it fails, so does all that runs.
 * `quiet` hears of a worker that has shown no sign of life for `quietSecs`, and again after as many. A worker that dies
 * takes its task's promise with it; the others go on until the pool is closed.
 */
export function openPool(
  workers: number,
  setup: Setup | undefined,
  progress: (rows: number) => void,
  calls?: Calls,
  quiet: (text: string) => void = () => undefined,
  quietSecs = 60,
): Pool {
  const queue = new PQueue({ concurrency: workers })
  const idle: Worker[] = []
  const all: Worker[] = []
  const busy = new Map<Worker, Task>()
  // what still waits when the pool closes, or when a worker dies, is told so: its caller would wait for ever
  let refuse: (error: Error) => void
  const closed = new Promise<never>((_, reject) => {
    refuse = reject
  })
  closed.catch(() => undefined)
  calls?.failed.catch((error: Error) => {
    refuse(error)
  })
  const signs = new Map<Worker, { watch: Int32Array; seen: number; since: number }>()
  const isAlive = (worker: Worker) => {
    const sign = signs.get(worker)!
    sign.seen = sign.watch[0]
    sign.since = Date.now()
  }
  // a stage that never returns cannot be asked: its thread says what it is at in memory that both see
  const timer = setInterval(() => {
    for (const [worker, task] of busy) {
      const { watch, seen, since } = signs.get(worker)!,
        secs = Math.round((Date.now() - since) / 1000)
      if (watch[0] !== seen) isAlive(worker)
      else if (secs >= quietSecs) {
        quiet(
          `worker: no progress for ${secs} s: ${workOf(task, setup, watch)}; Ctrl-C ends the run, and what is finished is kept`,
        )
      }
    }
  }, quietSecs * 1000)
  timer.unref()
  const spawn = () => {
    const watch = new Int32Array(new SharedArrayBuffer(12))
    const worker = new Worker(join(packageRoot, 'dist', 'worker.js'), { workerData: setup && { ...setup, watch } })
    signs.set(worker, { watch, seen: 0, since: 0 })
    worker.setMaxListeners(0)
    worker.on('message', ({ question, seen }: { question?: ServiceQuestion; seen?: SeenBy }) => {
      if (seen) learn(seen.key, seen.lines)
      if (question) {
        void calls!.ask(question.node, question.items).then(answers => {
          worker.postMessage({ told: { number: question.number, answers } satisfies Told })
        })
      }
    })
    // also while it has no task: a stage may have left something behind that fails later
    worker.on('error', (error: unknown) => refuse(failure(error, busy.get(worker), setup)))
    worker.on('exit', code =>
      refuse(deadWorker(`a worker thread ended by itself with code ${code}`, busy.get(worker), setup)),
    )
    all.push(worker)
    return worker
  }
  const once = <T>(worker: Worker, task: Task, learnt?: (share: number) => void) =>
    new Promise<T>((resolve, reject) => {
      const message = (answer: {
        progress?: number
        learnt?: number
        question?: ServiceQuestion
        seen?: SeenBy
        result?: T
        error?: Packed
      }) => {
        isAlive(worker)
        if (answer.question !== undefined || answer.seen !== undefined) return
        if (answer.learnt !== undefined) return learnt?.(answer.learnt)
        if (answer.progress !== undefined) return progress(answer.progress)
        worker.off('message', message)
        busy.delete(worker)
        idle.push(worker)
        if (answer.error) {
          return reject(unpack(answer.error))
        }
        resolve(answer.result as T)
      }
      busy.set(worker, task)
      isAlive(worker)
      worker.on('message', message)
      worker.postMessage(task)
    })
  return {
    run: <T>(task: Task, learnt?: (share: number) => void) =>
      Promise.race([
        closed,
        queue.add(async () => {
          return once<T>(idle.pop() ?? spawn(), task, learnt)
        }) as Promise<T>,
      ]),
    async close() {
      clearInterval(timer)
      refuse(new Error('pool: closed'))
      queue.clear()
      await Promise.all(all.map(worker => worker.terminate()))
    },
  }
}
