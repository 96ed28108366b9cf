// The only file that knows how TypeScript is loaded: makes dist/ match the sources, then re-exports the API.
import { build } from './scripts/build.mjs'

await build()
process.setSourceMapsEnabled(true)
export const {
  ChangedInputError,
  DataError,
  IoError,
  NoInputError,
  SluiceError,
  Type,
  chatRequest,
  choice,
  columns,
  defineAudit,
  defineSink,
  defineSource,
  defineStage,
  graph,
  main,
  oldRuns,
  optional,
  pipeline,
  readChat,
  readChunks,
  readParquet,
  round,
  rowsRead,
  run,
  writeArrow,
} = await import('./dist/api.js')
