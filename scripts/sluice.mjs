#!/usr/bin/env node
// The command `sluice`.
import { main } from '../index.mjs'

const code = await main(process.argv.slice(2))
process.exitCode = code
// a stage that is still at work may end the process with another one
process.on('exit', () => {
  process.exitCode = code
})
