// Measures inject_errors on real worked solutions and writes docs/benchmarks/injection.md, and 40 examples from the
// bundled sample to injection-examples.md.
//   npm run bench:injection [-- <folder of the data sets>]
// The folder is ../shared/data beside the checkout unless named; needs python3, no packages.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { graph, run } from '../index.mjs'
import { compare, KINDS } from './bench_injection_natural.mjs'
import { source } from './build.mjs'

const { createInjector, edits, EDIT_CLASSES, whyNot, EDIT_TYPES, OPERATORS, findEquations, Solution, STYLE_COLUMNS } =
  await source(
    'stages/synthesis/edits.ts',
    'stages/synthesis/operators/all.ts',
    'stages/synthesis/arithmetic.ts',
    'stages/synthesis/solution.ts',
    'models/style.ts',
  )

const home = fileURLToPath(new URL('..', import.meta.url))
const {
    positionals: [folder = join(home, '../shared/data')],
  } = parseArgs({ allowPositionals: true }),
  data = resolve(folder)
const temp = mkdtempSync(join(tmpdir(), 'sluice-injection-'))
const SAMPLE = 2000,
  COPIES = 20
const typesOf = proof => OPERATORS.filter(one => one.proof === proof).map(({ name }) => name)
const ARITHMETIC = typesOf('arithmetic')

const read = async (path, columns) =>
  parquetReadObjects({ file: await asyncBufferFromFile(join(data, path)), compressors, columns })
const unmark = text => text.replace(/<<[^>]*>>/g, '')
const gsm = (await read('gsm8k/train.parquet', ['id', 'prompt', 'solution'])).map(({ id, prompt, solution }) => ({
  id,
  prompt,
  chosen: solution,
}))
const mr = await read('mr-gsm8k/wrong-solutions.parquet')
const sets = [
  { name: 'gsm8k train, with marks', rows: gsm },
  { name: 'gsm8k train, marks taken out', rows: gsm.map(row => ({ ...row, chosen: unmark(row.chosen) })) },
  { name: 'mr-gsm8k references', rows: mr.map(({ id, prompt, chosen }) => ({ id, prompt, chosen })) },
]
// sets without sums, for the types that need none
const isChat = row => row.prompt?.length > 0 && typeof row.chosen === 'string' && row.chosen.trim() !== ''
const others = [
  ['ifbench-pairs', 'constraint', ['ifbench-pairs/test']],
  ['oasst-rm-zh', 'constraint', ['oasst-rm-zh/train']],
  ['llmbar, llamafactory', 'constraint', ['llmbar/test', 'llamafactory-dpo-demo/dpo_en_demo']],
  ['llmbar, llamafactory', 'code', ['llmbar/test', 'llamafactory-dpo-demo/dpo_en_demo']],
  ['truthfulqa', 'none', ['truthfulqa/test']],
  ['factor', 'none', ['factor/test']],
  ['hh-rlhf', 'none', ['hh-rlhf/helpful-base-test']],
]

const share = (part, whole) => `${((100 * part) / whole).toFixed(1)} %`
const interval = ({ value, low, high }) =>
  `${(100 * value).toFixed(1)} % [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`
const table = (head, rows) => [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
const count = list => list.reduce((all, one) => ({ ...all, [one]: (all[one] ?? 0) + 1 }), {})
const jsonLines = path =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

/**
 * Runs a graph of a source, inject_errors and write_jsonl; the manifest, the file that was published, its rows and the
 * seconds.
 */
async function inject(name, source, options) {
  const file = join(temp, `${name}.yaml`)
  writeFileSync(
    file,
    JSON.stringify({
      version: 1,
      name,
      stages: [
        { id: 'pairs', ...source },
        { id: 'hard', use: 'inject_errors', with: options },
        { id: 'out', use: 'write_jsonl', from: 'hard' },
      ],
    }),
  )
  const { folder, manifest, seconds } = await run(graph(new URL(`file://${file}`)), { output: join(temp, name) })
  const path = join(
    folder,
    'out',
    readdirSync(join(folder, 'out')).find(one => one.endsWith('.jsonl')),
  )
  return { manifest, path, seconds, rows: jsonLines(path) }
}

/** What the independent checker says of published pairs. */
function check(path) {
  try {
    return JSON.parse(execFileSync('python3', [join(home, 'scripts/check_proofs.py'), path], { encoding: 'utf8' }))
  } catch (error) {
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
  const all = await inject(`all${i}`, from, { types: ARITHMETIC, max_per_row: 3, tell_rows: 0 })
  const single = await inject(`steps${i}`, from, { pairs: 'steps' })
  const sample = set.rows.slice(0, SAMPLE)
  const yields = Object.fromEntries(ARITHMETIC.map(type => [type, 0]))
  for (const [n, { prompt, chosen }] of sample.entries()) {
    const solution = new Solution(chosen, prompt),
      injector = createInjector(solution, n)
    if (whyNot(solution, ARITHMETIC)) continue
    for (const type of ARITHMETIC) {
      if (EDIT_CLASSES.some((one, at) => one.type === type && typeof injector.make(at) !== 'string')) yields[type]++
    }
  }
  // the whole set, once to warm up
  const timed = () => {
    const started = process.cpuUsage()
    for (const [n, { prompt, chosen }] of set.rows.entries()) edits(chosen, n, { prompt })
    const { user, system } = process.cpuUsage(started)
    return (set.rows.length / (user + system)) * 1e6
  }
  timed()
  const rate = timed()
  const unclear = count(
    set.rows
      .map(({ chosen }) => findEquations(chosen))
      .filter(one => !one.equations.length && one.refusals.length)
      .map(one => one.refusals[0].reason),
  )
  results.push({
    ...set,
    usual,
    all,
    single,
    yields,
    sample: sample.length,
    rate,
    unclear,
    checks: [check(usual.path), check(all.path), check(single.path)],
  })
  console.error(`${set.name}: ${usual.rows.length} pairs`)
}

const more = []
for (const [i, [name, proof, paths]] of others.entries()) {
  const rows = (await Promise.all(paths.map(path => read(`${path}.parquet`, ['id', 'prompt', 'chosen']))))
    .flat()
    .filter(isChat)
  const source = join(temp, `other${i}.jsonl`)
  writeFileSync(
    source,
    rows
      .map(({ prompt, chosen }, n) =>
        JSON.stringify({
          id: `${n}`,
          prompt: typeof prompt === 'string' ? prompt : prompt.at(-1).content,
          chosen,
          rejected: 'none',
        }),
      )
      .join('\n') + '\n',
  )
  const made = await inject(
    `other${i}`,
    { use: 'read_jsonl', with: { path: source } },
    { types: typesOf(proof), tell_rows: 0 },
  )
  more.push({ name, proof, rows: rows.length, pairs: made.rows, check: check(made.path) })
  console.error(`${name}, ${proof}: ${made.rows.length} pairs`)
}

/** A graph as it stands, run with two workers. */
const runStages = (name, stages) => {
  const file = join(temp, `${name}.yaml`)
  writeFileSync(file, JSON.stringify({ version: 1, name, stages }))
  return run(graph(new URL(`file://${file}`)), { output: join(temp, name), workers: 2 })
}

// gsm8k many times over, each time with other prompts, as Arrow
const bulk = join(temp, 'bulk.jsonl')
for (let copy = 0; copy < COPIES; copy++) {
  writeFileSync(
    bulk,
    gsm
      .map(row =>
        JSON.stringify({
          id: `${copy}-${row.id}`,
          prompt: `${row.prompt} (${copy})`,
          chosen: row.chosen,
          rejected: 'none',
        }),
      )
      .join('\n') + '\n',
    { flag: 'a' },
  )
}
const { folder: arrow } = await runStages('bulk', [
  { id: 'pairs', use: 'read_jsonl', with: { path: bulk } },
  { id: 'out', use: 'write_arrow' },
])

/** Rows and pairs a second of a whole run, Arrow in and out. */
async function speed(options) {
  const started = process.cpuUsage()
  const { manifest, seconds } = await runStages(`speed-${options.tell_rows}`, [
    { id: 'pairs', use: 'read_arrow', with: { path: join(arrow, 'out') } },
    { id: 'hard', use: 'inject_errors', with: options },
    { id: 'out', use: 'write_arrow', from: 'hard' },
  ])
  const { user, system } = process.cpuUsage(started)
  return {
    rows: manifest.rows.read,
    pairs: manifest.rows.derived,
    seconds,
    rate: (manifest.rows.derived / (user + system)) * 1e6,
  }
}
const fast = { fitted: await speed({ tell_rows: 2500 }), plain: await speed({ tell_rows: 0 }) }

const textOf = side => (typeof side === 'string' ? side : side.at(-1).content)
const natural = compare(
  mr,
  results[0].usual.rows.map(row => ({ step: row.hard_step, rejected: textOf(row.rejected) })),
)

const sizes = (rows, column = 'hard_size') => {
  const list = rows.map(row => row[column]).sort((a, b) => a - b)
  return [0.1, 0.5, 0.9].map(q => list[Math.floor(q * (list.length - 1))].toFixed(3)).join(' / ')
}
const reportOf = ({ usual }) => usual.manifest.stages.hard.report.numbers
const names = results.map(one => one.name)
writeFileSync(
  join(home, 'docs/benchmarks/injection.md'),
  `# Injected errors, measured

<!-- Written by \`npm run bench:injection\`. -->

\`inject_errors\` on worked solutions that are known to be right. Usual types and options unless said otherwise; the same seed gives the same pairs. What each type does: [inject_errors](../stages/inject_errors.md).
Nothing of these sets is quoted; [40 examples](injection-examples.md) are from the bundled sample. The figures of speed are of ${cpus().length} cores that other work shares.

## Yield

${table(
  ['', ...names],
  [
    ['rows', ...results.map(one => one.rows.length)],
    ['rows that give a pair', ...results.map(one => `**${share(one.usual.rows.length, one.rows.length)}**`)],
    [
      'of them with a wrong final answer',
      ...results.map(one => share(one.usual.rows.filter(row => row.hard_answer_changed).length, one.usual.rows.length)),
    ],
    ['edit size, 10 / 50 / 90 % of pairs', ...results.map(one => sizes(one.usual.rows))],
    ['difficulty, 10 / 50 / 90 %', ...results.map(one => sizes(one.usual.rows, 'hard_difficulty'))],
    ['solutions read and edited a CPU second of one thread', ...results.map(one => one.rate.toFixed(0))],
  ],
)}

A whole run with two workers, Arrow in and out, on gsm8k ${COPIES} times over (${fast.fitted.rows} rows): ${fast.fitted.rate.toFixed(0)} pairs a CPU second, start-up, reading, ledger and writing included, with the mix fitted and tested on 2,500 pairs
(${fast.fitted.seconds.toFixed(1)} s, with whatever else the machine had to do); ${fast.plain.rate.toFixed(0)} without (\`tell_rows: 0\`, ${fast.plain.seconds.toFixed(1)} s).

Share of rows (the first ${SAMPLE}) that a type alone can be made of, and its share of the pairs of a run with the usual types:

${table(
  ['type', ...names],
  ARITHMETIC.map(type => [
    `\`${type}\``,
    ...results.map(
      one =>
        `${share(one.yields[type], one.sample)}, drawn ${share(one.usual.rows.filter(row => row.hard_type === type).length, one.usual.rows.length)}`,
    ),
  ]),
)}

Step pairs (\`pairs: steps\`), one a row:

${table(
  ['', ...names],
  [
    ['rows that give a pair', ...results.map(one => share(one.single.rows.length, one.rows.length))],
    ['edit size, 10 / 50 / 90 % of pairs', ...results.map(one => sizes(one.single.rows))],
    [
      'told by style',
      ...results.map(one =>
        reportOf({ usual: one.single }).tell.rows ? interval(reportOf({ usual: one.single }).tell.style) : '–',
      ),
    ],
  ],
)}

## Without sums

What the types make that need no equation, one pair a row, on other sets. Each pair went through [check_proofs.py](../../scripts/check_proofs.py) as well; \`unproven\` says what it says.

${table(
  ['set', 'proof', 'rows', 'rows that give a pair', 'checked again', 'by type'],
  more.map(({ name, proof, rows, pairs, check }) => [
    name,
    proof === 'none' ? 'unproven' : proof,
    rows,
    share(pairs.length, rows),
    `${check.rows - check.failed} of ${check.rows}`,
    Object.entries(count(pairs.map(row => row.hard_type)))
      .sort((a, b) => b[1] - a[1])
      .map(([type, n]) => `\`${type}\` ${n}`)
      .join(', ') || '–',
  ]),
)}

## Proofs

Checked again by [check_proofs.py](../../scripts/check_proofs.py), which shares no code with Sluice: the arithmetic of every clause in Python's \`fractions\`, the span, and the answer. A clause is
\`48/2=24 is true\`, \`48/2=26 is false\`, \`1/3=0.33 is rounded\` or \`48+24=72 uses 24 before anything gives it\`. Located: every equation of the proof was also found in the texts by its simple reader.

${table(
  ['', ...names],
  ['usual types', 'all types with an arithmetic proof, three a row', 'step pairs'].flatMap((which, i) => [
    [`${which}: pairs`, ...results.map(one => one.checks[i].rows)],
    ['proofs that hold', ...results.map(one => `**${one.checks[i].rows - one.checks[i].failed}**`)],
    ['located in both texts', ...results.map(one => share(one.checks[i].located, one.checks[i].rows))],
  ]),
)}

## Refused

${table(
  ['reason', ...names],
  [...new Set(results.flatMap(one => Object.keys(one.usual.manifest.stages.hard.notes)))]
    .sort()
    .map(reason => [`\`${reason}\``, ...results.map(one => one.usual.manifest.stages.hard.notes[reason] ?? 0)]),
)}

What stands at the first equals sign of the unclear ones:

${table(
  ['reason', ...names],
  [...new Set(results.flatMap(one => Object.keys(one.unclear)))]
    .sort()
    .map(reason => [`\`${reason}\``, ...results.map(one => one.unclear[reason] ?? 0)]),
)}

## Tell

How often a linear reader names the injected side of pairs that neither it nor the mix was fitted on; 50 % is chance, and the upper end of the 95 % interval is to be at most ${(100 * reportOf(results[0]).limit).toFixed(0)} %.
The reader of style sees ${STYLE_COLUMNS.length} measures of length, signs, layout and words. Neither computes; a reader of other things, such as how usual a number is, is not among them.

${table(
  ['', ...names],
  [
    ['pairs set apart', ...results.map(one => reportOf(one).tell.rows)],
    ['style', ...results.map(one => (reportOf(one).tell.rows ? interval(reportOf(one).tell.style) : '–'))],
    ['length alone', ...results.map(one => (reportOf(one).tell.rows ? interval(reportOf(one).tell.length) : '–'))],
    [
      'style before the mix was chosen, on the pairs that it was chosen on',
      ...results.map(one => (reportOf(one).chosen_on.before ? interval(reportOf(one).chosen_on.before) : '–')),
    ],
  ],
)}

The price is variety: errors that follow through (\`wrong_carry\`) hide best, and the mix leans on them. \`tell_rows: 0\` keeps the usual mix.

## Against natural errors

The first wrong steps of ${natural.rows} solutions by models (mr-gsm8k), as people marked them, told apart by recalculating the step and comparing it with the reference solution; and the types that make errors of such a kind.

${table(
  ['kind of the first wrong step', 'share', 'types that make it'],
  natural.kinds.map(([kind, part]) => [kind, share(part, 1), KINDS[kind]]),
)}

Where they stand, by quarters of the steps (mr-gsm8k against the pairs of gsm8k train; the distributions are ${(100 * natural.apart).toFixed(0)} % apart in total variation):

${table(
  ['', 'first', 'second', 'third', 'last'],
  [
    ['natural', ...natural.natural.map(part => share(part, 1))],
    ['injected', ...natural.injected.map(part => share(part, 1))],
  ],
)}

Of the natural ones ${share(natural.follows, 1)} go on from the error without a further false equation, and ${share(natural.changed, 1)} end in a wrong answer; of the injected ones ${share(results[0].usual.rows.filter(row => row.hard_type === 'wrong_carry').length, results[0].usual.rows.length)} follow through
(\`wrong_carry\`), and ${share(results[0].usual.rows.filter(row => row.hard_answer_changed).length, results[0].usual.rows.length)} end in a wrong answer. Types with a proof make errors of the kinds of ${share(
    natural.kinds.slice(0, 7).reduce((sum, [, part]) => sum + part, 0),
    1,
  )} of the natural ones, with one difference: of a
natural wrong operand or operator the result is mostly recalculated, so that the equation is true and only the question refutes it; the injected result stays, so that arithmetic does.
`,
)

// examples: two of each type, from texts of this project
const shown = await inject(
  'examples',
  { use: 'read_parquet', with: { path: join(home, 'data/sample/pairs-en.parquet') } },
  { types: EDIT_TYPES, max_per_row: 16, tell_rows: 0 },
)
const code = text =>
  text
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')
const used = new Set()
const picked = EDIT_TYPES.flatMap(type => {
  const own = shown.rows.filter(row => row.hard_type === type)
  const fresh = own.filter(row => !used.has(row.hard_parent) && used.add(row.hard_parent))
  return [...fresh, ...own.filter(row => !fresh.includes(row))].slice(0, 2)
})
// few texts have a term to drop
picked.push(
  ...shown.rows.filter(row => row.hard_type === 'wrong_carry' && !picked.includes(row)).slice(0, 40 - picked.length),
)
writeFileSync(
  join(home, 'docs/benchmarks/injection-examples.md'),
  `# Forty injected errors

<!-- Written by \`npm run bench:injection\`, from the bundled sample only. -->

The first two of each type that there are, and more of \`wrong_carry\`, good and bad, as the seed drew them: none was chosen. The error stands between ⟦ and ⟧, which are not part of the text. The weakest are \`step_removed\` and \`steps_swapped\`
(nothing false is said), those marked unproven, and errors that a glance finds, such as a product a tenth as large as its factors.

${picked
  .map((row, i) => {
    const points = [...textOf(row.rejected)]
    const marked = [
      ...points.slice(0, row.hard_start),
      '⟦',
      ...points.slice(row.hard_start, row.hard_end),
      '⟧',
      ...points.slice(row.hard_end),
    ].join('')
    return (
      `## ${i + 1}. ${row.hard_type}\n\n${textOf(row.prompt)}\n\nChosen:\n\n${code(textOf(row.chosen))}\n\nRejected:\n\n${code(marked)}\n\n` +
      `Proof: \`${row.hard_proof}\`; step ${row.hard_step}, size ${row.hard_size.toFixed(3)}, the final answer ${row.hard_answer_changed ? 'is another one' : 'stays'}.\n`
    )
  })
  .join('\n')}`,
)
rmSync(temp, { recursive: true })
const failed =
  results.reduce((sum, one) => sum + one.checks.reduce((all, { failed }) => all + failed, 0), 0) +
  more.reduce((sum, { check }) => sum + check.failed, 0)
console.log(
  `wrote docs/benchmarks/injection.md and injection-examples.md (${picked.length}); proofs that failed: ${failed}`,
)
process.exitCode = failed ? 1 : 0
