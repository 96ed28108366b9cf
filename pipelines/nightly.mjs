#!/usr/bin/env zx
// For cron: the main job over a folder that grows. Silent unless something was published or went wrong; verifies what it published; keeps the last runs.
//   PATH=/usr/local/bin:/usr/bin:/bin
//   15 2 * * *  /srv/sluice/node_modules/.bin/zx /srv/sluice/pipelines/nightly.mjs --input /srv/prefs/in --output /srv/prefs/out --keep 7
// The whole folder is one run: new rows are held against old ones, and what was worked out about old files is used again.
// Move files into the folder by a rename, so that a half-copied one is never read.
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main } from 'sluice'
import { argv } from 'zx'

const { keep = 7 } = argv
if (!Number.isInteger(keep) || keep < 1) { console.error(`nightly: --keep ${keep} is not a whole number of at least 1`); process.exit(64) }
const inputs = [argv.input ?? fileURLToPath(new URL('../data/sample', import.meta.url))].flat().map(path => resolve(String(path)))
const output = resolve(String(argv.output ?? 'out'))
const graph = fileURLToPath(new URL('clean.yaml', import.meta.url))
const latest = () => existsSync(join(output, 'latest')) ? basename(readlinkSync(join(output, 'latest'))) : undefined

const before = latest()
// takes the lock of the output folder; the exit codes are those of `sluice --help`
process.exitCode = await main(['run', graph, '--output', output, '--quiet', ...inputs.flatMap(path => ['--input', path])])
const now = latest()
if (process.exitCode === 0 && now !== before) {
  process.exitCode = await main(['verify', '--output', output, '--quiet'])
  const { rows } = JSON.parse(readFileSync(join(output, 'latest', 'manifest.json'), 'utf8'))
  console.log(`${join(output, 'runs', now)}: kept ${rows.kept} of ${rows.read} rows, made ${rows.derived} new ones`)
}
if (process.exitCode === 0) {
  // names begin with the time; while a run does not verify, nothing older goes
  const old = readdirSync(join(output, 'runs')).filter(name => !name.startsWith('.') && name !== now).sort().reverse()
  for (const name of old.slice(keep - 1)) rmSync(join(output, 'runs', name), { recursive: true })
}
