/** What the package exports. */
import type { GraphInput, RunOptions } from '../engine/run/options.ts'
import { runGraph, type RunResult } from '../engine/run/run.ts'
import { registry } from '../stages/registry.ts'

export {
  choice,
  defineAudit,
  defineSink,
  defineSource,
  defineStage,
  optional,
  round,
  Type,
} from '../engine/contract/define.ts'
export type { Batch, Chart, Output, RawFile, Report, Verdict, Worry } from '../engine/contract/define.ts'
export { ChangedInputError, DataError, IoError, NoInputError, SluiceError } from '../engine/errors.ts'
export { chatRequest, readChat } from '../engine/calls/chat.ts'
export { main } from './cli.ts'
export { pipeline } from './pipeline.ts'
export { readChunks } from '../engine/files/chunks.ts'
export { rowsRead } from '../engine/run/manifest.ts'
export { oldRuns } from '../engine/run/old_runs.ts'
export { graph } from '../engine/graph/build.ts'
export * as columns from '../engine/arrow/columns.ts'
export { readParquet, writeArrow, type WriteArrowOptions } from '../engine/dataset.ts'

/**
 * Runs a graph. Throws an Error with an exit code as its `exit`; nothing is published then, and the next run goes on
 * from where this one was.
 */
export const run = (input: GraphInput, options: RunOptions = {}): Promise<RunResult> =>
  runGraph(input, options, registry)
