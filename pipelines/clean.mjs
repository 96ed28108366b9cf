#!/usr/bin/env zx
// The main job: pairs in, checked, de-duplicated, reviewed and error-injected Arrow shards out. `npx zx pipelines/clean.mjs --help` lists the flags.
import { fileURLToPath } from 'node:url'
import { main } from 'sluice'

const here = fileURLToPath(import.meta.url)
const flags = process.argv.slice(process.argv.findIndex(argument => here.endsWith(argument.replace(/^\.\//, ''))) + 1)
const graph = flags.some(flag => /^--graph(=|$)/.test(flag)) ? [] : ['--graph', fileURLToPath(new URL('clean.yaml', import.meta.url))]

process.exitCode = await main(['run', ...graph, ...flags])
