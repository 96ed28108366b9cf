// How well wrong labels are found, how steady that is, and what dropping them is worth, on the sets of bench_data.mjs
// and the bundled sample. Writes docs/benchmarks/labels.md (or the file --out names).
//   node scripts/bench_labels.mjs [--quick] [--sets a,b] [--rates 0,0.2] [--seeds 5] [--first-seed 1] [--rows 5000]
//     [--jobs 2] [--python <python with cleanlab>] [--out file]
// Beside Sluice runs cleanlab (scripts/bench_labels.py) on the same features, folds and labels, its regularisation
// chosen by out-of-fold likelihood; without --python it is left out.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tableFromIPC } from 'apache-arrow'
import PQueue from 'p-queue'
import { measure } from './bench_cells.mjs'
import { hasData, sets } from './bench_data.mjs'
import { page } from './bench_page.mjs'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    sets: { type: 'string' },
    rates: { type: 'string' },
    seeds: { type: 'string' },
    'first-seed': { type: 'string' },
    rows: { type: 'string' },
    python: { type: 'string' },
    out: { type: 'string' },
    jobs: { type: 'string' },
    results: { type: 'string' },
  },
})
const names = options.sets?.split(',') ?? (options.quick ? ['ukpconvarg1', 'dpo-reward-margins'] : Object.keys(sets)),
  rates = (options.rates ?? (options.quick ? '0,0.2' : '0,0.1,0.2,0.3')).split(',').map(Number),
  firstSeed = Number(options['first-seed'] ?? 1),
  seeds = Array.from({ length: Number(options.seeds ?? (options.quick ? 1 : 5)) }, (_, i) => i + firstSeed)
const unknown = names.find(name => !sets[name])
if (unknown) throw new Error(`bench_labels: no set '${unknown}'; there are ${Object.keys(sets).join(', ')}`)
if (!hasData) throw new Error('bench_labels: there is no ../shared/data beside the checkout')

const here = path => fileURLToPath(new URL(path, import.meta.url))

if (options.results) {
  const [name] = names,
    rows = Number(options.rows ?? (options.quick ? 2500 : 5000))
  writeFileSync(options.results, JSON.stringify(await measure(name, { rates, seeds, rows, python: options.python })))
  process.exit()
}

const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
/** What a process of its own finds in a set. */
async function measured(name) {
  const file = join(home, `${name}.json`),
    args = [...process.argv.slice(2), '--sets', name, '--results', file],
    child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`bench_labels: ${name} failed`)
  return JSON.parse(readFileSync(file, 'utf8'), (_, value) => (value === null ? NaN : value))
}

/** What the main job drops of the bundled sample as wrongly labelled, at each of its seeds; `swapped`: how many are. */
function sampleRuns() {
  const lines = readFileSync(here('../data/sample/truth.jsonl'), 'utf8').trim().split('\n'),
    swapped = new Set(lines.map(line => JSON.parse(line)).flatMap(({ id, fault }) => (fault === 'swapped' ? [id] : [])))
  const runs = seeds.map(seed => {
    const output = join(home, `sample-${seed}`),
      graph = here('../pipelines/clean.yaml'),
      args = ['run', graph, '--input', here('../data/sample'), '--seed', String(seed - 1), '--output', output]
    const { status, stderr } = spawnSync(process.execPath, [here('sluice.mjs'), ...args, '--quiet'], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`bench_labels: the sample failed: ${stderr}`)
    const file = join(output, 'latest', 'dropped', 'agreed', 'data-00000-of-00001.arrow'),
      ids = [...tableFromIPC(readFileSync(file)).getChild('id')]
    return { ids, found: ids.filter(id => swapped.has(id)).length }
  })
  return { runs, swapped: swapped.size }
}

const queue = new PQueue({ concurrency: Number(options.jobs ?? 2) })
const cells = (await queue.addAll(names.map(name => () => measured(name)))).flat(),
  sample = sampleRuns()
rmSync(home, { recursive: true })
const out = options.out ?? here('../docs/benchmarks/labels.md')
mkdirSync(dirname(out), { recursive: true })
const hidden = { '--python': '<python>', '--out': '<file>' },
  args = process.argv.slice(2).map((arg, i, all) => hidden[all[i - 1]] ?? arg),
  command = ['npm run bench:labels', ...(args.length > 0 ? ['--', ...args] : [])].join(' ')
writeFileSync(out, page(cells, { command, sets, sample, quick: options.quick === true }))
console.error(`wrote ${out}`)
