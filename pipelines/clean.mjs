#!/usr/bin/env zx
// The main job: pairs in, checked, de-duplicated, reviewed and error-injected Arrow shards out. `npx zx pipelines/clean.mjs --help` lists the flags.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from 'sluice'

const here = fileURLToPath(import.meta.url)
const flags = process.argv.slice(process.argv.findIndex(argument => here.endsWith(argument.replace(/^\.\//, ''))) + 1)
const says = pattern => flags.some(flag => pattern.test(flag))
const beside = path => relative(process.cwd(), fileURLToPath(new URL(path, import.meta.url)))

process.exitCode = await main([
  'run',
  ...says(/^--graph(=|$)/) ? [] : ['--graph', beside('clean.yaml')],
  // without inputs, the bundled sample, from whichever folder it is called
  ...says(/^--(graph|input)(=|$)|^(--set=)?pairs\.path=/) ? [] : ['--input', beside('../data/sample/*.parquet')],
  ...flags,
])
