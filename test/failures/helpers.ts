/** Runs of the real command line, and what must hold of an output folder after one that failed. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, vi } from 'vitest'
import { main } from '../../index.mjs'
import { fingerprint } from '../engine/helpers.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
const script = join(root, 'scripts', 'sluice.mjs')
const children = new Set<ChildProcessByStdio<null, Readable, Readable>>()
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}
export interface Started {
  kill(signal: NodeJS.Signals): void
  /** Settles when stderr has said this. Rejects when the process ends before. */
  said(text: string): Promise<void>
  readonly ended: Promise<Ended>
}

/** Starts Node with these arguments; rejections that nobody handles end it. */
export function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = root): Started {
  const child = spawn(process.execPath, ['--unhandled-rejections=strict', ...argv], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  let stdout = '',
    stderr = ''
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    for (const look of waiting) look()
  })
  const ended = new Promise<Ended>(resolve =>
    child.on('close', (code, signal) => {
      children.delete(child)
      resolve({ code, signal, stdout, stderr })
    }),
  )
  return {
    kill: signal => {
      child.kill(signal)
    },
    said: text =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (stderr.includes(text)) {
            waiting.delete(look)
            resolve()
          }
        }
        waiting.add(look)
        look()
        void ended.then(({ code, signal }) => {
          reject(new Error(`ended with ${code ?? signal} before it said '${text}': ${stderr}`))
        })
      }),
    ended,
  }
}

export const startSluice = (argv: readonly string[], env?: Readonly<Record<string, string>>, cwd?: string): Started =>
  start([script, ...argv], env, cwd)
/** The command line to its end. */
export const sluice = (...argv: readonly string[]): Promise<Ended> => startSluice(argv).ended

/** The same in this process, where what is held is what it says and its code, and not how a process ends. */
export async function inProcess(...argv: readonly string[]): Promise<Ended> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined),
    error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const text = ({ mock }: typeof log) => mock.calls.map(([line]) => `${String(line)}\n`).join('')
  try {
    const code = await main(argv)
    return { code, signal: null, stdout: text(log), stderr: text(error) }
  } finally {
    log.mockRestore()
    error.mockRestore()
  }
}

export interface Stage {
  readonly id: string
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly from?: string | readonly string[]
}

/** A graph as a file. */
export function writeGraph(path: string, stages: readonly Stage[], partition_rows = 40): string {
  writeFileSync(path, JSON.stringify({ version: 1, name: 'test', partition_rows, stages }))
  return path
}

/** From Parquet (or another source) straight to shards. */
export const copyGraph = (path: string, input: string, use = 'read_parquet'): string =>
  writeGraph(path, [
    { id: 'pairs', use, with: { path: input } },
    { id: 'dpo', use: 'write_arrow' },
  ])

/** Published runs, half-published ones, the bytes of the latest, and the lock of an output folder. */
export function stateOf(output: string): {
  runs: string[]
  halves: string[]
  latest?: string
  files?: Record<string, string>
  locked: boolean
} {
  const names = existsSync(join(output, 'runs')) ? readdirSync(join(output, 'runs')).sort() : []
  const latest = existsSync(join(output, 'latest')) ? readlinkSync(join(output, 'latest')) : undefined
  return {
    runs: names.filter(name => !name.startsWith('.')),
    halves: names.filter(name => name.startsWith('.')),
    ...(latest === undefined ? {} : { latest, files: fingerprint(join(output, latest)) }),
    locked: existsSync(join(output, '.sluice', 'lock')),
  }
}

/**
 * What a run that failed must leave as it was: the runs that are published, the latest of them to the byte, no half
 * one, and no lock.
 */
export async function leavesAlone(output: string, work: () => Promise<Ended>): Promise<Ended> {
  const before = stateOf(output)
  const ended = await work()
  expect(stateOf(output), ended.stderr).toEqual({ ...before, halves: [] })
  return ended
}

/** Bytes of what is the latest. */
export const latestFiles = (output: string): Record<string, string> =>
  fingerprint(join(output, readlinkSync(join(output, 'latest'))))
