// Reads what the well-known writers of Parquet, Arrow, JSON Lines and CSV write, and holds each value against the file.
//   npm run check:files [-- --venv FOLDER] [-- --only TEXT]     (python3 with venv; pip needs the network at first)
// files/write.py writes 60 pairs by each writer in each way that it has (files/features.json), with what pyarrow or
// Python read of them; each file goes through `run` to write_jsonl; files/compare.py compares id, prompt, chosen,
// rejected and all columns beside. What is read as something else than it is, or ends otherwise than with 65, is a
// failure. Writes docs/files.md, unless only some cases are tried. Ends with `N passed, N failed`.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { tableFromIPC } from 'apache-arrow'
import { run } from '../index.mjs'
import { pythonWith } from './venv.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  script = name => join(root, 'scripts', 'files', name),
  home = mkdtempSync(join(tmpdir(), 'sluice-files-')),
  { values } = parseArgs({ options: { venv: { type: 'string' }, only: { type: 'string' } } }),
  features = JSON.parse(readFileSync(script('features.json'), 'utf8')),
  REFUSED = 65,
  AT_ONCE = 4

const packages = [
  'pyarrow==22.0.0',
  'pandas==3.1.1',
  'polars==2.1.0',
  'duckdb==2.0.1',
  'fastparquet==2026.9.0',
  'datasets==5.0.1',
  'arro3-core==0.9.1',
  'arro3-io==0.9.1',
  'orjson==3.13.0',
  'zstandard==0.25.0',
]
const ask = (command, args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 })

const python = pythonWith(packages, 'sluice-files-venv', values.venv)
ask(python, ['-B', script('write.py'), home])
const list = join(home, 'cases.json'),
  { versions, cases } = JSON.parse(readFileSync(list, 'utf8')),
  nameOf = ({ format, feature, writer }) => `${format}: ${feature}, by ${writer}`,
  isAsked = one => values.only === undefined || nameOf(one).includes(values.only)

/** Unless it is named, the source is found by the ending, as for who names a file on the command line. */
const graphOf = (path, use = 'read_parquet') => ({
  version: 1,
  name: 'files',
  stages: [
    { id: 'pairs', use, with: { path } },
    { id: 'out', use: 'write_jsonl' },
  ],
})
/** Says of a case what `refused` it, how many rows it `dropped`, or how it `failed`. */
async function read(one, n) {
  const { use, ...options } = one.with,
    set = Object.entries(options).map(([option, value]) => `pairs.${option}=${value}`),
    input = use ? {} : { input: [one.path] },
    output = join(home, 'out', String(n))
  try {
    const { folder, manifest } = await run(graphOf(one.path, use), {
      ...input,
      output,
      workers: 1,
      set,
      onWarning: () => {},
    })
    copyFileSync(join(folder, 'out', 'data.jsonl'), join(home, `${n}.read.jsonl`))
    const { dropped } = manifest.rows
    if (dropped === 0) return
    one.dropped = dropped
    one.isPart = dropped < manifest.rows.read
    const ledger = tableFromIPC(readFileSync(join(folder, 'ledger', 'data-00000-of-00001.arrow'))).toArray(),
      { reason, detail } = ledger.find(row => row.outcome === 'dropped')
    one.refused = `${dropped} of ${manifest.rows.read} rows are dropped as ${reason}: ${detail}`
  } catch (error) {
    const words = error.message.replaceAll(one.path, 'FILE').replace(/^read_\w+: (FILE: )?/, '')
    if (error.exit === REFUSED) one.refused = words
    else one.failed = `ended with ${error.exit ?? 1}: ${words}`
  }
  rmSync(output, { recursive: true, force: true })
}
const waiting = [...cases.entries()].filter(([, one]) => !one.failed && isAsked(one))
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await read(next[1], next[0])
  }),
)
writeFileSync(list, JSON.stringify({ cases }))
for (const [n, difference] of JSON.parse(ask(python, ['-B', script('compare.py'), home])).entries()) {
  if (difference !== null) cases[n].failed = difference
}

let passed = 0,
  failed = 0
for (const one of cases.filter(isAsked)) {
  if (one.failed) failed++
  else passed++
  if (one.failed) console.log(`FAIL  ${nameOf(one)}\n      ${one.failed}`)
  else console.log(`ok    ${nameOf(one)}${one.refused ? `: refused, ${one.refused.slice(0, 100)}` : ''}`)
}
for (const { format, feature } of cases) {
  if (features[format].includes(feature)) continue
  failed++
  console.log(`FAIL  ${format}: ${feature} is not in scripts/files/features.json`)
}

/** A table of a format, and under it what was refused, in its words. */
function section(format) {
  const ours = cases.filter(one => one.format === format),
    writers = [...new Set(ours.map(({ writer }) => writer))],
    words = []
  const cell = one => {
    if (!one) return '–'
    if (one.failed) return '**WRONG**'
    if (!one.refused) return 'read'
    const said = one.refused.replaceAll('`', "'").replace(/\s+/g, ' '),
      line = said.length > 300 ? `${said.slice(0, 140)} … ${said.slice(-150)}` : said
    if (!words.includes(line)) words.push(line)
    return `${one.isPart ? 'in part' : 'refused'} ${words.indexOf(line) + 1}`
  }
  const rows = features[format].map(feature => {
    const cells = writers.map(writer => cell(ours.find(one => one.feature === feature && one.writer === writer)))
    return `| ${[feature, ...cells].join(' | ')} |`
  })
  return [
    `## ${format}`,
    '',
    `| ${['', ...writers].join(' | ')} |`,
    `| ${['', ...writers].map(() => '---').join(' | ')} |`,
    ...rows,
    ...(words.length > 0 ? ['', 'Refused:', '', ...words.map((line, i) => `${i + 1}. \`${line}\``)] : []),
  ].join('\n')
}
const refused = cases.filter(one => one.refused && !one.failed).length,
  wrong = cases.filter(one => one.failed).length
const page = `# Files of other writers

<!-- Written by \`npm run check:files\`; edit scripts/check_files.mjs, not this page. -->

Which files are read, by who wrote them and how. Each cell is one file of 60 pairs, of awkward texts, read by \`run\` and written by \`write_jsonl\`; \`npm run check:files\` makes the files, runs them and compares every id, prompt, chosen, rejected and column beside with what pyarrow, or Python, reads of the file.

- read: all values are equal, in the form that [write_jsonl](stages/write_jsonl.md) says.
- refused: the run ends with 65 and says why and what to do, in the words under the table.
- in part: the run drops the rows that it cannot read, with a reason, and all others are equal.
- –: not tried, or the writer has no such form.

${cases.length} files: ${cases.length - refused - wrong} read, ${refused} refused, ${wrong} wrong. Writers: ${Object.entries(
  versions,
)
  .map(([name, version]) => `${name} ${version}`)
  .join(', ')}; arrow-rs is what arro3-io writes by, json and csv are of Python.

${Object.keys(features).map(section).join('\n\n')}
`
if (values.only === undefined) writeFileSync(join(root, 'docs', 'files.md'), page)
rmSync(home, { recursive: true, force: true, maxRetries: 5 })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
