#!/usr/bin/env zx
// Stages chained in code, one of them one's own: a file of this folder, named by its path. `--input` and `--output` as in the main job.
import { fileURLToPath } from 'node:url'
import { graph, run } from 'sluice'
import { argv } from 'zx'

const path = String(argv.input ?? fileURLToPath(new URL('../data/sample', import.meta.url)))

const calm = graph('calm', { base: import.meta.url })
  .add({ id: 'pairs', use: 'read_parquet', with: { path } })
  .add({ id: 'checked', use: 'check_pairs' })
  .add({ id: 'calm', use: './stages/drop_shouting.mjs', with: { max_capitals: 0.2 } })
  .add({ id: 'dpo', use: 'write_arrow' })
  .add({ id: 'loud', use: 'write_jsonl', from: 'calm.shouting' }) // what it dropped, for eyes

const { folder, manifest } = await run(calm, { output: String(argv.output ?? 'out') })
console.log(`${manifest.stages.calm.dropped} of ${manifest.stages.calm.in} pairs shout; the others are in ${folder}/dpo`)
