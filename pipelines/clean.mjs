#!/usr/bin/env zx
// The main job: pairs in, checked, de-duplicated, reviewed and error-injected Arrow shards out. `npx zx
// pipelines/clean.mjs --help` lists the options.
import { pipeline } from 'sluice-data'

await pipeline(import.meta.url, {
  about: 'The main job: pairs in, checked, de-duplicated, reviewed and error-injected Arrow shards out.',
  graph: 'clean.yaml',
  sample: '../data/sample/*.parquet',
})
