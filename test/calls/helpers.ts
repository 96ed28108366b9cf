/** Graphs with a served stage, and what became of a run of one. */
import { join } from 'node:path'
import { run } from '../../index.mjs'
import type { RunResult } from '../../engine/run/run.ts'
import type { GraphInput, RunOptions } from '../../engine/run/options.ts'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import type { Server } from './server.ts'

export const PAIRS = 60
export const input = writeJsonl(join(folder(), 'in.jsonl'), pairs(PAIRS))
export const output = (): string => join(folder(), 'out')

export const graphOf = (url: string, more: Record<string, unknown> = {}, use = 'score_pairs') => ({
  version: 1 as const,
  name: 'served',
  partition_rows: 20,
  stages: [
    { id: 'pairs', use: 'read_jsonl', with: { path: input } },
    { id: 'scored', use, with: { url, model: 'reward', retry_secs: 5, ...more } },
    { id: 'dpo', use: 'write_arrow' },
  ],
})

export interface Outcome {
  readonly result?: RunResult
  readonly error?: Error & { exit?: number }
  readonly rows: Record<string, unknown>[]
  readonly ledger: Record<string, unknown>[]
}

/** A run, and its rows, or its error. */
export async function outcomeOf(graph: GraphInput, options: RunOptions = {}): Promise<Outcome> {
  try {
    const result = await run(graph, { workers: 1, output: output(), ...options })
    return { result, rows: rowsOf(join(result.folder, 'dpo')), ledger: rowsOf(join(result.folder, 'ledger')) }
  } catch (error) {
    return { error: error as Error & { exit?: number }, rows: [], ledger: [] }
  }
}

export const scored = (
  server: Server,
  more: Record<string, unknown> = {},
  options: RunOptions = {},
): Promise<Outcome> => outcomeOf(graphOf(server.url, more), options)
