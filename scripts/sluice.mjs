#!/usr/bin/env node
// The command `sluice`.
import { main } from '../index.mjs'

process.exitCode = await main(process.argv.slice(2))
