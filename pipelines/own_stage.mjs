#!/usr/bin/env zx
// Stages chained in code, one of them one's own: a file of this folder, named by its path. The options are those of the
// main job, but for --graph.
import { graph, pipeline } from 'sluice-data'

const calm = graph('calm', { base: import.meta.url })
  .add({ id: 'pairs', use: 'read_parquet', with: { path: 'named on the command line' } })
  .add({ id: 'checked', use: 'check_pairs' })
  .add({ id: 'calm', use: './stages/drop_shouting.mjs', with: { max_capitals: 0.2 } })
  .add({ id: 'dpo', use: 'write_arrow' })
  .add({ id: 'loud', use: 'write_jsonl', from: 'calm.shouting', with: { for: 'review' } }) // what it dropped, for eyes

await pipeline(
  import.meta.url,
  {
    about: "Stages chained in code, one of them one's own.",
    graph: calm,
    sample: '../data/sample/*.parquet',
  },
  async ({ run }) => {
    const { code } = await run({
      summary: ({
        folder,
        manifest: {
          stages: { calm },
        },
      }) => `${calm.dropped} of ${calm.in} pairs shout; the others are in ${folder}/dpo`,
    })
    return code
  },
)
