/** Worker threads and the queue before them. */
import PQueue from 'p-queue'
import { Worker } from 'node:worker_threads'
import type { Setup, Task } from './messages.ts'

export interface Pool {
  /** Runs a task on the next free worker; rejects with the task's error, or when a worker dies or the pool is closed. */
  run<T>(task: Task): Promise<T>
  close(): Promise<void>
}

/** `progress` hears of rows as workers pass them. A worker that dies takes its task's promise with it; the others go on until the pool is closed. */
export function openPool(workers: number, setup: Setup | undefined, progress: (rows: number) => void): Pool {
  const queue = new PQueue({ concurrency: workers })
  const idle: Worker[] = []
  const all: Worker[] = []
  const spawn = () => {
    const worker = new Worker(new URL('../worker.js', import.meta.url), { workerData: setup })
    worker.setMaxListeners(0)
    all.push(worker)
    return worker
  }
  const once = <T>(worker: Worker, task: Task) => new Promise<T>((resolve, reject) => {
    const done = () => { worker.off('message', message); worker.off('error', fail); worker.off('exit', exit) }
    const message = (answer: { progress?: number, result?: T, error?: { message: string, stack?: string, code?: string } }) => {
      if (answer.progress !== undefined) return progress(answer.progress)
      done()
      if (answer.error) return reject(Object.assign(new Error(answer.error.message), { code: answer.error.code, stack: answer.error.stack }))
      resolve(answer.result as T)
    }
    const fail = (error: Error) => { done(); reject(new Error(`worker: ${error.message}`, { cause: error })) }
    const exit = (code: number) => { done(); reject(new Error(`worker: a worker thread ended with code ${code} while it worked on a ${task.kind} task`)) }
    worker.on('message', message).on('error', fail).on('exit', exit)
    worker.postMessage(task)
  })
  // what still waits when the pool closes is told so, or its caller would wait for ever
  let refuse: (error: Error) => void
  const closed = new Promise<never>((_, reject) => { refuse = reject })
  closed.catch(() => undefined)
  return {
    run: <T>(task: Task) => Promise.race([closed, queue.add(async () => {
      const worker = idle.pop() ?? spawn()
      return once<T>(worker, task).finally(() => idle.push(worker))
    }) as Promise<T>]),
    async close() {
      refuse(new Error('pool: closed'))
      queue.clear()
      await Promise.all(all.map(worker => worker.terminate()))
    },
  }
}
