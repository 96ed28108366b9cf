/** What the package exports. */
export { defineSink, defineSource, defineStage, choice, Type } from '../stages/define.ts'
export { chatRequest, readChat } from './calls/chat.ts'
export { main } from './cli.ts'
export { graph } from './graph/build.ts'
export { run } from './run/run.ts'
export * as columns from './arrow/columns.ts'
export { readParquet, writeArrow, type WriteArrowOptions } from './dataset.ts'
