// Holds what sinks write for a trainer against the trainer's own loader, on the bundled sample.
//   npm run check:trainers [-- --venv FOLDER]     (python3 with venv; pip needs the network at first, some 1 GB)
// TRL's KTOTrainer unpairs pairs itself: rows of write_unpaired give the same tokens, labels and KL completions.
// Ends with `N passed, N failed`.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run } from '../index.mjs'
import { check, counts } from './checks.mjs'
import { pythonWith } from './venv.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  home = mkdtempSync(join(tmpdir(), 'sluice-trainers-')),
  { values } = parseArgs({ options: { venv: { type: 'string' } } }),
  packages = ['trl==1.16.0', 'transformers==5.24.0', 'datasets==5.2.0', 'torch'],
  python = pythonWith(packages, 'sluice-trainers-venv', values.venv)

const { folder } = await run(
  {
    version: 1,
    name: 'trainers',
    stages: [
      { id: 'pairs', use: 'read_parquet', with: { path: join(root, 'data/sample/*.parquet') } },
      { id: 'checked', use: 'check_pairs' },
      { id: 'once', use: 'sample_per_prompt', with: { rows: 1 } },
      { id: 'kto', use: 'write_unpaired', from: 'once' },
      { id: 'dpo', use: 'write_arrow', from: 'once', with: { format: 'conversational' } },
    ],
  },
  { output: join(home, 'out'), onWarning: () => {} },
)
const said = execFileSync(python, [join(root, 'scripts/trainers/kto.py'), folder, home], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }),
  { rows, tokens, checks } = JSON.parse(said.trim().split('\n').at(-1))
rmSync(home, { recursive: true, force: true })
console.log(`      TRL's KTOTrainer, ${rows} rows, ${tokens} tokens`)
for (const [name, isEqual] of Object.entries(checks)) await check(name, () => assert.ok(isEqual, 'it differs'))
process.exitCode = counts()
