#!/usr/bin/env zx
// For cron: the main job over a folder that grows. Silent unless something was published, is to be warned of or went
// wrong; verifies what it published; keeps the last runs.
//   PATH=/usr/local/bin:/usr/bin:/bin
//   15 2 * * *  cd /srv/sluice && npx zx pipelines/nightly.mjs --input /srv/in --output /srv/out --keep 7
// The whole folder is one run: new rows are held against old ones, and what was worked out about old files is used
// again. A file whose pairs lie otherwise than those of the run before is refused until --accept-layout is given.
// Move files into the folder by a rename, so that a half-copied one is never read.
import { existsSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { main, oldRuns, pipeline, rowsRead } from 'sluice-data'

await pipeline(
  import.meta.url,
  {
    about: 'The main job for cron: one line where something was published; verifies it, and deletes old runs.',
    graph: 'clean.yaml',
    sample: '../data/sample/*.parquet',
    flags: {
      keep: {
        type: 'string',
        least: 1,
        default: 7,
        about: 'N   how many runs of its graph stay, and first looks by --limit or --sample (default: 7)',
      },
    },
  },
  async ({ values: { output, keep }, run }) => {
    const latest = join(output, 'latest'),
      before = existsSync(latest) ? realpathSync(latest) : undefined
    const {
      code,
      result: { status, manifest },
    } = await run({
      quiet: true,
      summary: ({ status, folder, manifest }) => {
        if (status !== 'published') return ''
        const { kept, read, derived } = manifest.rows,
          part = rowsRead(manifest)
        return `${folder}: kept ${kept} of ${read} rows${part && ` (${part})`}, made ${derived} new ones`
      },
    })
    // by name: another graph may have published since
    const onWarning = text => console.error(`nightly: ${text}`)
    const old = oldRuns(output, keep, { graph: manifest.graph.name, before, onWarning })
    if (code !== 0 || (status !== 'published' && old.length === 0)) return code
    // while the latest run does not verify, nothing older goes
    const sound = await main(['verify', '--output', output, '--quiet'])
    if (sound === 0) for (const folder of old) rmSync(folder, { recursive: true })
    return sound
  },
)
