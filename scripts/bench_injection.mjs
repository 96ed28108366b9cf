// Measures inject_errors on real worked solutions and writes docs/benchmarks/injection.md, and 40 examples from the bundled sample to injection-examples.md.
//   npm run bench:injection [-- <folder of the data sets>]      (default ../shared/data beside the checkout; needs python3, no packages)
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { graph, run } from '../index.mjs'

const { createInjector, edits, EDIT_CLASSES } = await import('../dist/stages/synthesis/edits.js')
const { EDIT_TYPES } = await import('../dist/stages/synthesis/operators/all.js')
const { findEquations } = await import('../dist/stages/synthesis/arithmetic.js')
const { Solution } = await import('../dist/stages/synthesis/solution.js')

const home = fileURLToPath(new URL('..', import.meta.url))
const data = resolve(process.argv[2] ?? join(home, '../shared/data'))
const temp = mkdtempSync(join(tmpdir(), 'sluice-injection-'))
const SAMPLE = 2000

const read = async (path, columns) => parquetReadObjects({ file: await asyncBufferFromFile(join(data, path)), compressors, columns })
const unmark = text => text.replace(/<<[^>]*>>/g, '')
const gsm = (await read('gsm8k/train.parquet', ['id', 'prompt', 'solution'])).map(({ id, prompt, solution }) => ({ id, prompt, chosen: solution }))
const mr = await read('mr-gsm8k/wrong-solutions.parquet', ['id', 'prompt', 'chosen'])
const sets = [
  { name: 'gsm8k train, with marks', rows: gsm },
  { name: 'gsm8k train, marks taken out', rows: gsm.map(row => ({ ...row, chosen: unmark(row.chosen) })) },
  { name: 'mr-gsm8k references', rows: mr },
]

const share = (part, whole) => `${(100 * part / whole).toFixed(1)} %`
const interval = ({ value, low, high }) => `${(100 * value).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
const count = list => list.reduce((all, one) => ({ ...all, [one]: (all[one] ?? 0) + 1 }), {})
const jsonLines = path => readFileSync(path, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line))

/** Runs a graph of a source, inject_errors and write_jsonl; the manifest, the file that was published, its rows and the seconds. */
async function inject(name, source, options) {
  const file = join(temp, `${name}.yaml`)
  writeFileSync(file, JSON.stringify({ version: 1, name, stages: [{ id: 'pairs', ...source }, { id: 'hard', use: 'inject_errors', with: options }, { id: 'out', use: 'write_jsonl', from: 'hard' }] }))
  const { folder, manifest, seconds } = await run(graph(new URL(`file://${file}`)), { output: join(temp, name) })
  const path = join(folder, 'out', readdirSync(join(folder, 'out')).find(one => one.endsWith('.jsonl')))
  return { manifest, path, seconds, rows: jsonLines(path) }
}

/** What the independent checker says of published pairs. */
function check(path) {
  try { return JSON.parse(execFileSync('python3', [join(home, 'scripts/check_proofs.py'), path], { encoding: 'utf8' })) } catch (error) {
    if (!error.stdout) throw error
    return JSON.parse(error.stdout)
  }
}

const results = []
for (const [i, set] of sets.entries()) {
  const source = join(temp, `set${i}.jsonl`)
  writeFileSync(source, set.rows.map(row => JSON.stringify({ ...row, rejected: 'none' })).join('\n') + '\n')
  const from = { use: 'read_jsonl', with: { path: source } }
  const usual = await inject(`usual${i}`, from, {})
  const all = await inject(`all${i}`, from, { types: EDIT_TYPES, max_per_row: 3, tell_rows: 0 })
  const sample = set.rows.slice(0, SAMPLE)
  const yields = Object.fromEntries(EDIT_TYPES.map(type => [type, 0]))
  for (const [n, { prompt, chosen }] of sample.entries()) {
    const injector = createInjector(new Solution(chosen, prompt), n)
    if ('refused' in injector) continue
    for (const type of EDIT_TYPES) if (EDIT_CLASSES.some((one, at) => one.type === type && typeof injector.make(at) !== 'string')) yields[type]++
  }
  const started = performance.now()
  for (const [n, { prompt, chosen }] of sample.entries()) edits(chosen, n, { prompt })
  const rate = sample.length / (performance.now() - started) * 1000
  const unclear = count(set.rows.map(({ chosen }) => findEquations(chosen)).filter(one => !one.equations.length && one.refusals.length).map(one => one.refusals[0].reason))
  results.push({ ...set, usual, all, yields, sample: sample.length, rate, unclear, checks: [check(usual.path), check(all.path)] })
  console.error(`${set.name}: ${usual.rows.length} pairs`)
}

const sizes = rows => { const list = rows.map(row => row.hard_size).sort((a, b) => a - b); return [0.1, 0.5, 0.9].map(q => list[Math.floor(q * (list.length - 1))].toFixed(3)).join(' / ') }
const reportOf = ({ usual }) => usual.manifest.stages.hard.report.numbers
const names = results.map(one => one.name)
writeFileSync(join(home, 'docs/benchmarks/injection.md'), `# Injected errors, measured

<!-- Written by \`npm run bench:injection\`. -->

\`inject_errors\` on worked solutions that are known to be right. Usual types and options unless said otherwise; the same seed gives the same pairs. What each type does: [inject_errors](../stages/inject_errors.md).
Nothing of these sets is quoted; [40 examples](injection-examples.md) are from the bundled sample. The figures of speed are of ${cpus().length} cores that other work shares.

## Yield

${table(['', ...names], [
    ['rows', ...results.map(one => one.rows.length)],
    ['rows that give a pair', ...results.map(one => `**${share(one.usual.rows.length, one.rows.length)}**`)],
    ['of them with a wrong final answer', ...results.map(one => share(one.usual.rows.filter(row => row.hard_answer_changed).length, one.usual.rows.length))],
    ['edit size, 10 / 50 / 90 % of pairs', ...results.map(one => sizes(one.usual.rows))],
    ['solutions edited a second by one thread', ...results.map(one => one.rate.toFixed(0))],
    ['pairs a second of a whole run, with both fit rounds', ...results.map(one => (one.usual.rows.length / one.usual.seconds).toFixed(0))],
  ])}

Share of rows (the first ${SAMPLE}) that a type alone can be made of, and its share of the pairs of a run with the usual types:

${table(['type', ...names], EDIT_TYPES.map(type => [`\`${type}\``, ...results.map(one => `${share(one.yields[type], one.sample)}, drawn ${share(one.usual.rows.filter(row => row.hard_type === type).length, one.usual.rows.length)}`)]))}

## Proofs

Checked again by [check_proofs.py](../../scripts/check_proofs.py), which shares no code with Sluice: the arithmetic of every clause in Python's \`fractions\`, the span, and the answer. A clause is
\`48/2=24 is true\`, \`48/2=26 is false\`, \`1/3=0.33 is rounded\` or \`48+24=72 uses 24 before anything gives it\`. Located: every equation of the proof was also found in the texts by its simple reader.

${table(['', ...names], ['usual types', 'all types, three a row'].flatMap((which, i) => [
    [`${which}: pairs`, ...results.map(one => one.checks[i].rows)],
    ['proofs that hold', ...results.map(one => `**${one.checks[i].rows - one.checks[i].failed}**`)],
    ['located in both texts', ...results.map(one => share(one.checks[i].located, one.checks[i].rows))],
  ]))}

## Refused

${table(['reason', ...names], [...new Set(results.flatMap(one => Object.keys(one.usual.manifest.stages.hard.notes)))].sort().map(reason => [`\`${reason}\``, ...results.map(one => one.usual.manifest.stages.hard.notes[reason] ?? 0)]))}

What stands at the first equals sign of the unclear ones:

${table(['reason', ...names], [...new Set(results.flatMap(one => Object.keys(one.unclear)))].sort().map(reason => [`\`${reason}\``, ...results.map(one => one.unclear[reason] ?? 0)]))}

## Tell

How often a linear reader names the injected side of pairs that neither it nor the mix was fitted on; 50 % is chance, and the upper end of the 95 % interval is to be at most ${(100 * reportOf(results[0]).limit).toFixed(0)} %.
The reader of style sees ${(await import('../dist/models/style.js')).STYLE_COLUMNS.length} measures of length, signs, layout and words. Neither computes; a reader of other things, such as how usual a number is, is not among them.

${table(['', ...names], [
    ['pairs set apart', ...results.map(one => reportOf(one).tell.rows)],
    ['style', ...results.map(one => reportOf(one).tell.rows ? interval(reportOf(one).tell.style) : '–')],
    ['length alone', ...results.map(one => reportOf(one).tell.rows ? interval(reportOf(one).tell.length) : '–')],
    ['style before the mix was chosen, on the pairs that it was chosen on', ...results.map(one => reportOf(one).chosen_on.before ? interval(reportOf(one).chosen_on.before) : '–')],
  ])}

The price is variety: errors that follow through (\`wrong_carry\`) hide best, and the mix leans on them. \`tell_rows: 0\` keeps the usual mix.
`)

// examples: four of each type, from texts of this project
const shown = await inject('examples', { use: 'read_parquet', with: { path: join(home, 'data/sample/pairs-en.parquet') } }, { types: EDIT_TYPES, max_per_row: 12, tell_rows: 0 })
const textOf = side => typeof side === 'string' ? side : side.at(-1).content
const code = text => text.split('\n').map(line => `    ${line}`).join('\n')
const used = new Set()
const picked = EDIT_TYPES.flatMap(type => {
  const own = shown.rows.filter(row => row.hard_type === type)
  const fresh = own.filter(row => !used.has(row.hard_parent) && used.add(row.hard_parent))
  return [...fresh, ...own.filter(row => !fresh.includes(row))].slice(0, 4)
})
// few texts have a term to drop
picked.push(...shown.rows.filter(row => row.hard_type === 'wrong_carry' && !picked.includes(row)).slice(0, 40 - picked.length))
writeFileSync(join(home, 'docs/benchmarks/injection-examples.md'), `# Forty injected errors

<!-- Written by \`npm run bench:injection\`, from the bundled sample only. -->

The first four of each type that there are, and more of \`wrong_carry\`, good and bad, as the seed drew them: none was chosen. The error stands between ⟦ and ⟧, which are not part of the text. The weakest are \`step_removed\` and \`steps_swapped\`
(nothing false is said), and errors that a glance finds, such as a product a tenth as large as its factors.

${picked.map((row, i) => {
    const points = [...textOf(row.rejected)]
    const marked = [...points.slice(0, row.hard_start), '⟦', ...points.slice(row.hard_start, row.hard_end), '⟧', ...points.slice(row.hard_end)].join('')
    return `## ${i + 1}. ${row.hard_type}\n\n${textOf(row.prompt)}\n\nChosen:\n\n${code(textOf(row.chosen))}\n\nRejected:\n\n${code(marked)}\n\n`
      + `Proof: \`${row.hard_proof}\`; step ${row.hard_step}, size ${row.hard_size.toFixed(3)}, the final answer ${row.hard_answer_changed ? 'is another one' : 'stays'}.\n`
  }).join('\n')}`)
rmSync(temp, { recursive: true })
const failed = results.reduce((sum, one) => sum + one.checks[0].failed + one.checks[1].failed, 0)
console.log(`wrote docs/benchmarks/injection.md and injection-examples.md (${picked.length}); proofs that failed: ${failed}`)
process.exitCode = failed ? 1 : 0
