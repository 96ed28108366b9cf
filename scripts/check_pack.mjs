// Packs the package, installs that file in an empty folder as a user does, and runs there the main job, a graph with a
// stage of one's own and a script. Ends with `N passed, N failed` alone on the last line. Dependencies come from the
// registry or npm's cache.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check, counts } from './checks.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const home = mkdtempSync(join(tmpdir(), 'sluice-pack-')),
  user = join(home, 'user'),
  installed = join(user, 'node_modules', name)
const sample = `node_modules/${name}/data/sample/*.parquet`
/** Stdout of a command that must end with 0. */
function run(command, args, cwd = user) {
  // npm that runs this script tells its children that they work in this folder
  const env = { ...process.env, npm_config_local_prefix: undefined, INIT_CWD: undefined }
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 100_000 })
  if (status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')} ended with ${status ?? error?.message ?? 'a signal'}: ${stderr}${stdout}`,
    )
  }
  return stdout
}

const npx = (...words) => run('npx', ['--no', ...words])
const manifestOf = output => JSON.parse(readFileSync(join(user, output, 'latest', 'manifest.json'), 'utf8'))

function same(what, is, expected) {
  const [a, b] = [is, expected].map(value => JSON.stringify(value))
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`)
}

/** Files below a folder with their sizes and times. */
const filesOf = folder =>
  readdirSync(folder, { recursive: true })
    .map(file => [file, statSync(join(folder, file))])
    .filter(([, stat]) => stat.isFile())
    .map(([file, { size, mtimeMs }]) => `${file} ${size} ${mtimeMs}`)
    .sort()

const files = {
  'drop_long.ts': `import { defineStage, Type, type Batch } from '${name}'
import { charsOf } from './chars.mjs'

export default defineStage({
  name: 'drop_long',
  version: 1,
  summary: 'Drop pairs whose chosen side is longer than a limit.',
  options: Type.Object({ max_chars: Type.Integer({ default: 100, description: 'characters of the chosen side' }) }),
  reads: { chosen: 'messages' },
  writes: { chars: 'int32' },
  rows: 'subset',
  reasons: { too_long: { kind: 'configured', limit: 'max_chars', about: 'characters of the chosen side' } },
  examples: [],
  open: ({ max_chars }) => ({
    batch(batch: Batch, verdict) {
      const chars = Int32Array.from({ length: batch.rows }, (_, row) => charsOf(batch.messages('chosen').text(row)))
      chars.forEach((count, row) => count > max_chars && verdict.drop(row, 'too_long', count))
      return { columns: { chars } }
    },
  }),
})
`,
  'chars.mjs': 'export const charsOf = text => [...text].length\n',
  'mine.yaml': `version: 1
name: mine
stages:
  - { id: pairs, use: read_parquet, with: { path: '${sample}' } }
  - { id: checked, use: check_pairs }
  - { id: short, use: ./drop_long.ts }
  - { id: dpo, use: write_arrow }
  - { id: long, use: write_jsonl, from: short.too_long }
`,
  'chain.mjs': `import { graph, readParquet, run } from '${name}'

const { manifest } = await run(graph('mine.yaml'), { output: 'chained', set: ['short.max_chars=50'] })
let rows = 0
for await (const batch of readParquet('node_modules/${name}/data/sample/pairs-en.parquet')) rows += batch.numRows
console.log(JSON.stringify([rows, manifest.sinks.dpo.rows + manifest.sinks.long.rows, manifest.stages.checked.out]))
`,
}

try {
  mkdirSync(user)
  let file = ''
  await check('npm pack', () => {
    run('npm', ['pack', '--pack-destination', home], root)
    file = readdirSync(home).find(entry => entry.endsWith('.tgz'))
  })
  await check('npm install of the packed file in an empty folder', () =>
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(home, file)]),
  )
  await check('the package has what it needs, and no tests', () => {
    const all = readdirSync(installed, { recursive: true }).map(String)
    const needed = [
      'LICENSE',
      'README.md',
      'dist/LICENSES.txt',
      'dist/.stamp',
      'dist/worker.js',
      'schemas/graph.schema.json',
    ]
    same(
      'absent',
      needed.filter(one => !all.includes(one)),
      [],
    )
    same(
      'too much',
      all.filter(one => /(^|\/)(test|node_modules|\.scripts|\.ci)(\/|$)|\.test\.ts$|\.tgz$/.test(one)),
      [],
    )
  })
  const before = filesOf(installed)
  await check('npx sluice run: the main job keeps as many rows of the sample as the README says', () => {
    npx('sluice', 'run', `node_modules/${name}/pipelines/clean.yaml`, sample, '--quiet')
    const said = /(\d+) as they came, (\d+) made.*\n +left out +(\d+)/.exec(
      readFileSync(join(installed, 'README.md'), 'utf8'),
    )
    const { kept, dropped, derived } = manifestOf('out').rows
    same('kept, made, left out', [kept, derived, dropped], said.slice(1).map(Number))
  })
  await check('npx sluice verify: what it published is whole', () => npx('sluice', 'verify'))
  await check('npx zx: a script of the package runs its stage on the sample', () => {
    if (!/shout/.test(npx('zx', `node_modules/${name}/pipelines/own_stage.mjs`))) throw new Error('it says nothing')
  })
  for (const [path, text] of Object.entries(files)) writeFileSync(join(user, path), text)
  await check("tsc: the types that a user's stage is written against", () => {
    const flags = '--noEmit --strict --allowJs --module nodenext --target es2023 --types node'.split(' ')
    const types = ['--typeRoots', join(root, 'node_modules', '@types')]
    run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, ...types, 'drop_long.ts'])
  })
  await check("npx sluice run: a graph with a user's stage in TypeScript", () => {
    npx('sluice', 'run', 'mine.yaml', '--output', 'mine', '--quiet')
    npx('sluice', 'verify', '--output', 'mine')
    const { stages, sinks } = manifestOf('mine')
    same('rows of dpo and long', sinks.dpo.rows + sinks.long.rows, stages.checked.out)
    if (!(sinks.dpo.rows > 0 && sinks.long.rows > 0)) throw new Error(`rows of dpo: ${sinks.dpo.rows}`)
  })
  await check("node: a user's script by the API", () => {
    const [rows, written, checked] = JSON.parse(run(process.execPath, ['chain.mjs']).trim().split('\n').pop())
    same('rows read, written', [rows, written], [336, checked])
  })
  await check('nothing was compiled or changed in the installed package', () =>
    same('files', filesOf(installed), before),
  )
} finally {
  rmSync(home, { recursive: true, force: true })
}
process.exitCode = counts()
