#!/usr/bin/env zx
// The client checks: runs pipelines on the bundled sample, on generated inputs and (if it lies beside the checkout) on
// some of ../shared/data, and reads what they publish with pyarrow, datasets and DuckDB, as users do. Usage: npx zx
// test/clients/clients.mjs [--venv FOLDER] [--keep FOLDER]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import PQueue from 'p-queue'
import { argv, $ } from 'zx'

const here = fileURLToPath(new URL('.', import.meta.url)),
  root = fileURLToPath(new URL('../../', import.meta.url)),
  data = fileURLToPath(new URL('../../../shared/data/', import.meta.url))
const work = argv.keep ?? mkdtempSync(join(tmpdir(), 'sluice-clients-'))
const venv = argv.venv ?? join(tmpdir(), 'sluice-clients-venv')
mkdirSync(work, { recursive: true })
$.cwd = root
$.verbose = false
$.nothrow = true
$.env = { ...process.env, PYTHONUTF8: '1' }

/** A venv with requirements.txt, made anew when that file has changed. */
async function interpreter() {
  const wanted = readFileSync(join(here, 'requirements.txt'), 'utf8'),
    stamp = join(venv, 'requirements.txt')
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(venv, { recursive: true, force: true })
    const made =
      await $`python3 -m venv ${venv} && ${join(venv, 'bin/pip')} install --quiet --disable-pip-version-check -r ${join(here, 'requirements.txt')}`
    if (made.exitCode !== 0) {
      console.error(
        `clients: no venv in ${venv} (python3 with venv is needed, as apt's python3-venv):\n${made.stderr.slice(-2000)}`,
      )
      process.exit(1)
    }
    writeFileSync(stamp, wanted)
  }
  return join(venv, 'bin/python')
}

let passed = 0,
  failed = 0
function count(name, { exitCode, stdout, stderr }) {
  const sums = /(\d+) passed, (\d+) failed\s*$/.exec(stdout)
  if (sums) {
    passed += Number(sums[1])
    failed += Number(sums[2])
  } else failed++
  if (!sums || exitCode !== 0) console.log(`FAIL ${name} (exit ${exitCode})\n${stdout}${stderr.slice(-3000)}`)
  else console.log(`ok   ${name}: ${sums[1]} checks`)
}
function expect(name, ok, detail) {
  if (ok) passed++
  else failed++
  console.log(ok ? `ok   ${name}` : `FAIL ${name}: ${detail}`)
}

const py = await interpreter()
const inputs = join(work, 'inputs')
const generated = await $`${py} ${join(here, 'make_inputs.py')} ${inputs}`
expect('generated inputs', generated.exitCode === 0, generated.stderr)

/** One process of Python that has imported the clients, and forks for each script: see server.py. */
function startServer() {
  const child = spawn(py, [join(here, 'server.py')], { cwd: root, env: $.env, stdio: ['pipe', 'pipe', 'inherit'] }),
    lines = createInterface({ input: child.stdout })
  const gone = once(child, 'exit').then(([code]) => ({ exitCode: code ?? 1, stdout: '', stderr: 'server.py ended' }))
  child.stdin.on('error', () => undefined)
  return {
    ask(argv) {
      child.stdin.write(`${JSON.stringify(argv)}\n`)
      return Promise.race([once(lines, 'line').then(([line]) => JSON.parse(line)), gone])
    },
    end: () => child.stdin.end(),
  }
}
const AT_ONCE = 2
const servers = Array.from({ length: AT_ONCE }, startServer),
  idle = [...servers],
  scripts = new PQueue({ concurrency: AT_ONCE })
/** A script of this folder to its end, as `$` gives it. */
const python = (script, ...args) =>
  scripts.add(async () => {
    const server = idle.pop()
    const ended = await server.ask([join(here, script), ...args])
    idle.push(server)
    return ended
  })

/** The main job on some files, then every check of readback.py. */
async function clean(name, files, flags = []) {
  const output = join(work, `clean-${name}`)
  const run =
    await $`node node_modules/zx/build/cli.js pipelines/clean.mjs --quiet --output ${output} ${files.flatMap(file => ['--input', file])} ${flags}`
  if (run.exitCode !== 0) return expect(`clean ${name}`, false, `exit ${run.exitCode}: ${run.stderr.slice(-3000)}`)
  count(`clean ${name}`, await python('readback.py', output, '--base', root))
}

/** Every sink on one file, held against the ledger and the file itself. */
async function sinks(name, file) {
  const output = join(work, `sinks-${name}`),
    latest = join(output, 'latest')
  const run =
    await $`node scripts/sluice.mjs run ${join(here, 'sinks.yaml')} --quiet --output ${output} --input ${file}`
  if (run.exitCode !== 0) return expect(`sinks ${name}`, false, `exit ${run.exitCode}: ${run.stderr.slice(-3000)}`)
  count(`sinks ${name}`, await python('readback.py', output, '--base', root))
  // write_arrow renames the column `label`: readback.py alone looks there
  count(
    `sinks ${name}, value by value`,
    await python('same_rows.py', file, ...['lines', 'people', 'gzipped'].map(sink => join(latest, sink))),
  )
}

/** Tool calls, which `datasets` must give to a trainer as they were, with no key that is null. */
async function calls() {
  const file = join(work, 'calls.jsonl'),
    output = join(work, 'calls')
  const rows = Array.from({ length: 30 }, (_, i) => {
    const tool_calls = [{ type: 'function', function: { name: 'look', arguments: { [`at${i % 3}`]: i } } }]
    const chosen = [{ role: 'assistant', content: 'I look.', tool_calls }]
    return {
      id: `r${i}`,
      prompt: [{ role: 'user', content: `Where is ${i}?` }],
      chosen,
      rejected: [{ role: 'assistant', content: 'No.' }],
    }
  })
  writeFileSync(file, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  const run =
    await $`node scripts/sluice.mjs run ${join(here, 'calls.yaml')} --quiet --output ${output} --input ${file}`
  if (run.exitCode !== 0) return expect('calls', false, `exit ${run.exitCode}: ${run.stderr.slice(-3000)}`)
  count('calls', await python('same_lines.py', file, ...['arrow', 'lines'].map(sink => join(output, 'latest', sink))))
}

// two runs at a time of one worker each: what more workers write is the same, and is held by the sample and the sinks
const queue = new PQueue({ concurrency: AT_ONCE })
const whole = (name, files, flags = []) => void queue.add(() => clean(name, files, ['--workers', '1', ...flags]))
// to fit on all rows takes most of a run, and on 100 the same columns are written, of all rows. Of the files that are
// run so the whole fit drops nothing either: what it drops is held by those that are run whole
const small = ['noise', 'agreed'].flatMap(id => ['--set', `${id}.sample_rows=100`])
const later = (name, files, flags = []) => whole(name, files, [...small, ...flags])
const sample = [join(root, 'data/sample/*.parquet')]
void queue.add(() => clean('sample', sample))
whole('sample-one-worker', sample)
for (const codec of ['none', 'snappy', 'zstd', 'gzip', 'brotli', 'lz4']) {
  for (const layout of ['text', 'messages']) later(`${layout}-${codec}`, [join(inputs, `${layout}-${codec}.parquet`)])
}
later('implicit', [join(inputs, 'implicit.parquet')])
later('mixed-without-id', [join(inputs, 'mixed-without-id.parquet')])
later('text-and-messages', [join(inputs, 'text-zstd.parquet'), join(inputs, 'messages-snappy.parquet')])
later('limited', [join(inputs, 'text-snappy.parquet')], ['--limit', '1100'])
if (existsSync(data)) {
  const first = folder =>
    readdirSync(join(data, folder))
      .filter(file => file.endsWith('.parquet'))
      .sort()
      .slice(0, 1)
      .map(file => join(data, folder, file))
  for (const folder of [
    'hh-rlhf',
    'hh-rlhf-raw',
    'ifbench-pairs',
    'llamafactory-dpo-demo',
    'jade-zh',
    'hhh-alignment',
  ]) {
    later(folder, first(folder))
  }
  whole('oasst-100', first('oasst-100'))
  for (const file of [
    'a-codec-mixed',
    'a-string-view',
    'a-prompt-json-string',
    'b-nullable-page-v2',
    'a-rowgroups-1',
  ]) {
    later(file, [join(data, 'parquet-dialects', `${file}.parquet`)])
  }
} else console.log(`no ${data}: the checks on public data are left out`)
for (const layout of ['text', 'messages']) void queue.add(() => sinks(layout, join(inputs, `${layout}-zstd.parquet`)))
void queue.add(calls)
await queue.onIdle()

const bytes = folder =>
  ['lines/data.jsonl', 'people/data.parquet', 'arrow/state.json']
    .map(file => readFileSync(join(work, folder, 'latest', file)).toString('latin1'))
    .join('\n')
const again =
  await $`node scripts/sluice.mjs run ${join(here, 'sinks.yaml')} --quiet --workers 1 --output ${join(work, 'sinks-again')} --input ${join(inputs, 'text-zstd.parquet')}`
expect(
  'sinks write the same bytes with one worker',
  again.exitCode === 0 && bytes('sinks-again') === bytes('sinks-text'),
  again.stderr,
)

const hard = join(inputs, 'hard-types.parquet'),
  refused =
    await $`node scripts/sluice.mjs run ${join(here, 'sinks.yaml')} --quiet --output ${join(work, 'hard')} --input ${hard}`
expect(
  'write_parquet refuses what it cannot hold, by name',
  refused.exitCode !== 0 && /write_parquet.*price/.test(refused.stderr) && /json_strings/.test(refused.stderr),
  `exit ${refused.exitCode}: ${refused.stderr.slice(-2000)}`,
)
const held =
  await $`node scripts/sluice.mjs run ${join(here, 'sinks.yaml')} --quiet --output ${join(work, 'hard')} --input ${hard} --set people.json_strings=true --set gzipped.json_strings=true`
const script =
  "import sys, pyarrow.parquet as pq; t = pq.read_table(sys.argv[1]); print(t['big'].to_pylist(), t['price'].to_pylist())"
const read = await $`${py} -c ${script} ${join(work, 'hard/latest/people/data.parquet')}`
expect(
  'write_parquet writes it as JSON text when told to',
  held.exitCode === 0 && read.stdout.trim() === `['9007199254740993', None] ['"12.50"', '"-0.01"']`,
  held.stderr + read.stdout + read.stderr,
)

const { readParquet, writeArrow } = await import('../../index.mjs')
for (const name of ['text-zstd', 'messages-brotli', 'implicit', 'empty', 'hard-types']) {
  const file = join(inputs, `${name}.parquet`),
    folder = join(work, `api-${name}`)
  await writeArrow(folder, readParquet(file), { shardMegabytes: 0.2 })
  count(`writeArrow(readParquet(${name}))`, await python('same_rows.py', file, folder))
}

for (const server of servers) server.end()
if (!argv.keep) rmSync(work, { recursive: true, force: true })
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
