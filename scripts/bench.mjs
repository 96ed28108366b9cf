// The benchmark of the engine: `npm run bench -- [--rows N] [--runs N] [--only a,b,c,d,e] [--big] [--cache FOLDER]
// [--data FOLDER] [--polars FILE] [--report FILE] [--night]`. Builds its input once (scripts/bench/build.py says how),
// runs scripts/bench/*.yaml and pipelines/clean.yaml on it as commands of their own, the hand-written polars script in
// between, and prints medians. --big: two files of 2 GB too (less with fewer --rows), with ordinary row groups and with
// a single one. Exits with 1 when graph b and polars do not keep the same rows with the same counts by reason. A full
// run writes docs/benchmarks/engine.md. --night: nothing but the second night of graphs b and c (or those of --only),
// N rows and then 5 % more in a second file, against a run over all of them from scratch; exits with 1 when the bytes
// differ, or when b takes more than half of the CPU seconds.
import { createHash } from 'node:crypto'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  here = join(root, 'scripts', 'bench'),
  FULL = 200_000,
  BIG = 2e9,
  ALL = 'a,b,c,d,e'
const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: String(FULL) },
    runs: { type: 'string', default: '3' },
    only: { type: 'string', default: ALL },
    cache: { type: 'string', default: join(root, 'out', 'bench') },
    data: { type: 'string', default: join(root, '..', 'shared', 'data') },
    polars: { type: 'string', default: join(root, '..', 'shared', 'bench', 'w1_polars.py') },
    report: { type: 'string' },
    big: { type: 'boolean' },
    night: { type: 'boolean' },
  },
})
const rows = flags.night ? Math.round(Number(flags.rows) * 1.05) : Number(flags.rows),
  runs = Number(flags.runs),
  cache = resolve(flags.cache),
  only = flags.only.split(','),
  bigBytes = Math.round((BIG * rows) / FULL)
if (!Number.isSafeInteger(rows) || rows < 100 || !Number.isSafeInteger(runs) || runs < 1) {
  fail(`bench: --rows ${flags.rows} must be at least 100 and --runs ${flags.runs} at least 1`)
}
if (!existsSync(flags.data)) fail(`bench: no real pairs in ${flags.data}; name their folder with --data`)
const report =
  flags.report ??
  (rows === FULL && runs >= 3 && only.length === 5 ? join(root, 'docs', 'benchmarks', 'engine.md') : undefined)

function fail(message) {
  console.error(message)
  process.exit(1)
}
const number = (value, digits = 0) =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
const median = values => [...values].sort((a, b) => a - b)[values.length >> 1]

/** A venv with what the builder and the compared script need, made once. */
function python() {
  const venv = join(cache, 'venv'),
    requirements = join(here, 'requirements.txt'),
    stamp = join(venv, 'requirements.txt')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== readFileSync(requirements, 'utf8')) {
    rmSync(venv, { recursive: true, force: true })
    execFileSync('python3', ['-m', 'venv', venv], { stdio: 'inherit' })
    execFileSync(join(venv, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      stdio: 'inherit',
    })
    writeFileSync(stamp, readFileSync(requirements))
  }
  return join(venv, 'bin', 'python')
}

/** The input, built anew when the builder or the number of rows has changed. */
function input(py) {
  const key = createHash('sha256')
    .update(readFileSync(join(here, 'build.py')))
    .update(String(rows))
    .digest('hex')
    .slice(0, 12)
  const folder = join(cache, `data-${key}`),
    facts = join(folder, 'facts.json')
  if (!existsSync(facts)) {
    console.error(`bench: building ${number(rows)} rows in ${folder}`)
    writeFileSync(
      (mkdirSync(folder, { recursive: true }), facts),
      execFileSync(py, [join(here, 'build.py'), flags.data, folder, String(rows)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
  }
  const big = join(folder, 'big.json')
  if (flags.big && !existsSync(big)) {
    console.error(`bench: building two files of ${number(bigBytes / 1e9, 2)} GB`)
    writeFileSync(
      big,
      execFileSync(py, [join(here, 'build.py'), flags.data, folder, String(rows), String(bigBytes)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    )
  }
  return {
    folder,
    facts: JSON.parse(readFileSync(facts, 'utf8')),
    big: flags.big ? JSON.parse(readFileSync(big, 'utf8')) : undefined,
  }
}

/** Runs a command under measure.py. */
function measured(py, command) {
  const stats = join(cache, 'measured.json')
  const { status, stdout, stderr } = spawnSync(py, [join(here, 'measure.py'), stats, ...command], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) fail(`bench: ${command.join(' ')} ended with ${status}\n${stderr.slice(-4000)}`)
  return { ...JSON.parse(readFileSync(stats, 'utf8')), stdout }
}

/** One run of a graph, in a fresh output folder unless it is to go on. The folder stays until the next. */
function runGraph(py, graph, file, workers, goesOn = false) {
  const output = join(cache, 'run')
  if (!goesOn) rmSync(output, { recursive: true, force: true })
  const result = measured(py, [
    process.execPath,
    'scripts/sluice.mjs',
    'run',
    graph,
    '--input',
    file,
    '--output',
    output,
    '--workers',
    String(workers),
    '--json',
  ])
  return {
    ...result,
    summary: JSON.parse(result.stdout),
    stageSeconds: JSON.parse(readFileSync(join(output, 'latest', 'timings.json'), 'utf8')).stages,
    latest: join(output, 'latest'),
  }
}

/** Counts of graph b under the names of the compared script; every other count that is not 0 keeps its own. */
const names = {
  'checked.empty_side': 'empty',
  'checked.identical': 'identical',
  'words.too_short': 'words',
  'words.too_long': 'words',
  'ratio.length_ratio': 'ratio',
  'repetition.special': 'special',
  'repetition.repetition': 'repetition',
  'unique.duplicate': 'duplicate',
}
function countsOf({ rows: { read, kept, errored }, stages }) {
  const counts = {
    rows: read,
    empty: 0,
    identical: 0,
    words: 0,
    ratio: 0,
    special: 0,
    repetition: 0,
    duplicate: 0,
    kept,
  }
  if (errored > 0) counts.errored = errored
  for (const [stage, { reasons }] of Object.entries(stages)) {
    for (const [reason, n] of Object.entries(reasons)) {
      if (n > 0) {
        counts[names[`${stage}.${reason}`] ?? `${stage}.${reason}`] = (counts[names[`${stage}.${reason}`]] ?? 0) + n
      }
    }
  }
  return counts
}

await build()
mkdirSync(cache, { recursive: true })
const py = python(),
  { folder, facts, big } = input(py)
const graphs = {
  a: join(here, 'a.yaml'),
  b: join(here, 'b.yaml'),
  c: join(here, 'c.yaml'),
  d: join(root, 'pipelines', 'clean.yaml'),
  e: join(here, 'e.yaml'),
}
if (flags.night) {
  night()
  process.exit()
}

/** The second night of each graph, as a share of a run from scratch: medians. */
function night() {
  const cut = join(folder, 'night-more.parquet'),
    inputs = join(cache, 'night')
  if (!existsSync(cut)) execFileSync(py, [join(here, 'build.py'), flags.data, folder, String(rows), 'night'])
  const take = name => cpSync(join(folder, `night-${name}.parquet`), join(inputs, `${name}.parquet`))
  const filesOf = ({ latest }) => JSON.stringify(JSON.parse(readFileSync(join(latest, 'manifest.json'), 'utf8')).files)
  console.log('| graph | CPU seconds, first | second | from scratch | share of CPU | share of seconds |')
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
  for (const name of only.filter(name => flags.only !== ALL || 'bc'.includes(name))) {
    const found = Array.from({ length: runs }, () => {
      rmSync(inputs, { recursive: true, force: true })
      mkdirSync(inputs, { recursive: true })
      take('first')
      const first = runGraph(py, graphs[name], inputs, 2)
      take('more')
      const second = runGraph(py, graphs[name], inputs, 2, true),
        files = filesOf(second),
        whole = runGraph(py, graphs[name], inputs, 2)
      if (filesOf(whole) !== files) fail(`bench: the second night of ${name} is not what a run from scratch is`)
      return [first.cpu_seconds, second.cpu_seconds, whole.cpu_seconds, second.seconds / whole.seconds]
    })
    const [first, second, whole, seconds] = [0, 1, 2, 3].map(i => median(found.map(run => run[i]))),
      share = median(found.map(run => run[1] / run[2]))
    console.log(
      `| ${name} | ${[first, second, whole].map(n => number(n, 1)).join(' | ')} | ${number(share, 2)} | ${number(seconds, 2)} |`,
    )
    if (name === 'b' && share > 0.5) fail(`bench: the second night of b takes ${number(share, 2)} of a whole run`)
  }
  rmSync(inputs, { recursive: true, force: true })
}

const about = {
  a: 'read and write',
  b: 'checks, length, repetition, exact duplicates',
  c: 'b and near-duplicates',
  d: 'clean.yaml',
  e: 'peer_review by words and style',
}
const cells = new Map(),
  problems = [],
  stageSeconds = {}
let compared
const add = (key, { seconds, cpu_seconds, peak_mib }) =>
  cells.set(key, [...(cells.get(key) ?? []), { seconds, cpu: cpu_seconds, peak: peak_mib }])

for (let run = 0; run < runs; run++) {
  for (const codec of ['snappy', 'zstd']) {
    const file = join(folder, `pairs-${codec}.parquet`)
    for (const name of only) {
      for (const workers of [1, 2]) {
        const result = runGraph(py, graphs[name], file, workers)
        add(`${name} ${codec} ${workers}`, result)
        if (workers === 2 && codec === 'snappy') stageSeconds[name] = result.stageSeconds
        if (name !== 'b' || workers !== 2 || !existsSync(flags.polars)) continue
        const arrow = join(cache, 'polars.arrow'),
          polars = measured(py, [py, flags.polars, file, arrow])
        add(`polars ${codec} 2`, polars)
        const ours = countsOf(result.summary),
          theirs = JSON.parse(polars.stdout)
        for (const reason of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
          if (ours[reason] !== theirs[reason]) {
            problems.push(`${codec}: ${reason} ${ours[reason]} here, ${theirs[reason]} in polars`)
          }
        }
        const same = spawnSync(py, [join(here, 'same_rows.py'), join(result.latest, 'dpo'), arrow], {
          encoding: 'utf8',
        })
        if (same.status !== 0) problems.push(`${codec}: ${same.stdout.trim() || same.stderr.slice(-2000)}`)
        compared = { ours, same: same.stdout.trim() }
      }
    }
  }
  console.error(`bench: run ${run + 1} of ${runs}`)
}

const line = (key, label, workers) => {
  const all = cells.get(key),
    seconds = median(all.map(cell => cell.seconds))
  return {
    seconds,
    text: `| ${label} | ${key.split(' ')[1]} | ${workers} | ${number(facts.rows / seconds)} | ${number(seconds, 1)} | ${number(median(all.map(cell => cell.cpu)), 1)} | ${number(median(all.map(cell => cell.peak)))} |`,
  }
}
const table = [
  '| work | codec | workers | rows/s | seconds | CPU seconds | peak MiB |',
  '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
]
const ratios = []
for (const name of only) {
  for (const codec of ['snappy', 'zstd']) {
    for (const workers of [1, 2]) {
      table.push(line(`${name} ${codec} ${workers}`, `(${name}) ${about[name]}`, workers).text)
    }
    if (name === 'b' && cells.has(`polars ${codec} 2`)) {
      const polars = line(`polars ${codec} 2`, '(b) by hand in polars, 2 threads', '')
      table.push(polars.text)
      ratios.push(`${number(polars.seconds / line(`b ${codec} 2`, '', 2).seconds, 1)} times polars with ${codec}`)
    }
  }
}
const sections = [['The table', table.join('\n')]]
if (compared) {
  sections.push([
    'Graph b against polars',
    [
      ...(problems.length > 0
        ? [`NOT EQUAL: ${[...new Set(problems)].join('; ')}`]
        : [
            `${compared.same}; counts by reason are equal: ${Object.entries(compared.ours)
              .map(([name, n]) => `${name} ${number(n)}`)
              .join(', ')}.`,
          ]),
      `With 2 workers: ${ratios.join(', ')}.`,
    ].join('\n'),
  ])
}
sections.push([
  'Where the time goes',
  [
    'Seconds inside stages, summed over two workers (snappy, last run); the rest is spooling, grouping, hashing of files, the ledger and starting up.',
    '',
    ...only.map(
      name =>
        `- (${name}) ${Object.entries(stageSeconds[name])
          .filter(([, seconds]) => seconds >= 0.005)
          .map(([stage, seconds]) => `${stage} ${number(seconds, 2)}`)
          .join(', ')}`,
    ),
  ].join('\n'),
])
if (big) {
  const lines = ['| file | rows | GB | rows/s | CPU seconds | peak MiB |', '| --- | ---: | ---: | ---: | ---: | ---: |']
  for (const kind of ['ordinary', 'one-group']) {
    const file = join(folder, `big-${kind}.parquet`),
      result = runGraph(py, graphs.a, file, 2)
    lines.push(
      `| ${kind === 'ordinary' ? 'row groups of 20,000' : 'a single row group'} | ${number(big.rows)} | ${number(statSync(file).size / 1e9, 2)} | ${number(big.rows / result.seconds)} | ${number(result.cpu_seconds, 1)} | ${number(result.peak_mib)} |`,
    )
  }
  sections.push([`${number(bigBytes / 1e9, 2)} GB, read and written with 2 workers`, lines.join('\n')])
}
rmSync(join(cache, 'run'), { recursive: true, force: true })
rmSync(join(cache, 'polars.arrow'), { force: true })

const left = Object.entries(facts.left_out)
  .filter(([, n]) => n > 0)
  .map(([why, n]) => `${why} ${number(n)}`)
  .join(', ')
const command = [
  'npm run bench --',
  ...(rows === FULL ? [] : [`--rows ${rows}`]),
  ...(runs === 3 ? [] : [`--runs ${runs}`]),
  ...(only.length === 5 ? [] : [`--only ${flags.only}`]),
  ...(flags.big ? ['--big'] : []),
]
  .join(' ')
  .replace(/ --$/, '')
const text = `# The engine's speed and memory

<!-- Written by the command below. -->
\`${command}\`, ${new Date().toISOString().slice(0, 10)}; ${cpus().length} cores, ${number(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node.split('.')[0]}. Whole
commands, start-up included, from outside: medians of ${runs} ${runs === 1 ? 'run' : 'runs'} each, the variants taking turns.

The input: ${number(facts.rows)} rows (${number(facts.text_bytes / 1e6)} MB of text) from ${number(facts.real)} real pairs, gone through ${facts.rounds} ${facts.rounds === 1 ? 'time' : 'times'} with every fifth word exchanged after the first, and ${number(facts.exact)} exact and ${number(facts.near)} near-duplicates planted;
left out: ${left}. \`scripts/bench/build.py\` says how. Row groups of 20,000.
${sections.map(([title, body]) => `\n## ${title}\n\n${body}\n`).join('')}`
console.log(text)
if (report) {
  mkdirSync(dirname(report), { recursive: true })
  writeFileSync(report, text)
  console.error(`bench: written to ${relative(process.cwd(), report)}`)
}
if (problems.length > 0) fail(`bench: graph b and polars differ:\n  ${[...new Set(problems)].join('\n  ')}`)
