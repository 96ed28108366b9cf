// Writes docs/stages/*.md and docs/layouts.md from the registry and the table of layouts, with every example executed,
// into docs/contract.md its signatures and examples, and into the README what its commands print. `--check` writes
// nothing and exits 1 on drift.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { source } from './build.mjs'
import { contractPage } from './contract_page.mjs'

// an option that is not known ends it here
const {
  values: { check },
} = parseArgs({ options: { check: { type: 'boolean' } } })
const {
  allStages,
  categories,
  layouts,
  mapSchema,
  presets,
  requiredOptions,
  validateOptions,
  runAuditExample,
  runExample,
  shortSide,
  inputsOf,
  tablesOf,
  loadUserStage,
} = await source(
  'stages/registry.ts',
  'engine/contract/define.ts',
  'engine/source/layout_table.ts',
  'engine/map/spec.ts',
  'engine/map/presets.ts',
  'engine/graph/schema.ts',
  'engine/graph/validate.ts',
  'engine/run/examples.ts',
  'engine/graph/types.ts',
  'engine/graph/user_stage.ts',
)
const registry = await allStages()

const root = new URL('../', import.meta.url)
const NOTE = '<!-- Written by `npm run docs`; edit the stage, not this page. -->'
const folderOf = new Map(
  readdirSync(new URL('stages/', root), { recursive: true })
    .map(String)
    .map(file => [basename(file, '.ts'), dirname(file)]),
)

// tables
const escape = text => text.replace(/\|/g, '\\|').replace(/\n/g, ' ')
const table = (head, rows) =>
  [
    `| ${head.join(' | ')} |`,
    `|${' --- |'.repeat(head.length)}`,
    ...rows.map(row => `| ${row.map(cell => escape(String(cell))).join(' | ')} |`),
  ].join('\n')
const code = text => {
  const fence = text.includes('`') ? '``' : '`'
  return text === '' ? '(empty)' : `${fence}${fence.length > 1 ? ` ${text} ` : text}${fence}`
}
const visible = text =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(/\\(["\\])/g, '$1')
    .replace(/[\u3000\u00a0\ufffd]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
const number = value => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))))

/** A value of an example as a cell. */
function cell(column, given) {
  const value = shortSide(column, given)
  if (value === undefined || value === null) return 'null'
  if (typeof value === 'number') return number(value)
  if (typeof value === 'string') return code(visible(value))
  if (Array.isArray(value) && value.every(message => message?.role)) {
    return value.length === 0
      ? '(no message)'
      : value.map(({ role, content }) => `${role}: ${code(visible(content))}`).join(' / ')
  }
  return code(JSON.stringify(value))
}

// options
const typeOf = schema =>
  schema.enum
    ? schema.enum.map(value => code(String(value))).join(', ')
    : schema.type === 'array'
      ? `list of ${schema.items.enum ? typeOf(schema.items) : schema.items.type}`
      : schema.anyOf
        ? schema.anyOf.map(typeOf).join(' or ')
        : schema.type
function limitsOf(schema) {
  const names = { minimum: '≥', exclusiveMinimum: '>', maximum: '≤', exclusiveMaximum: '<' }
  const many = [
    ['minItems', 'at least'],
    ['maxItems', 'at most'],
  ]
    .filter(([key]) => schema[key] !== undefined)
    .map(([key, words]) => `${words} ${schema[key]}`)
  const parts = [
    ...Object.entries(names)
      .filter(([key]) => schema[key] !== undefined)
      .map(([key, sign]) => `${sign} ${schema[key].toLocaleString('en-US')}`),
    ...many,
  ]
  return [...parts, ...(schema.minLength ? ['not empty'] : []), ...(schema.uniqueItems ? ['all different'] : [])].join(
    ', ',
  )
}
function optionsTable(stage) {
  const required = requiredOptions(stage)
  const rows = Object.entries(stage.options.properties).map(([name, schema]) => [
    code(name),
    typeOf(schema),
    schema.default !== undefined ? code(JSON.stringify(schema.default)) : required.includes(name) ? 'required' : 'none',
    limitsOf(schema),
    schema.description ?? '',
  ])
  return rows.length === 0 ? 'None.' : table(['option', 'type', 'default', 'limits', 'meaning'], rows)
}
function defaults(stage) {
  const options = {}
  validateOptions(stage, options, '')
  return options
}

// columns and reasons
const declared = (stage, what) => (typeof stage[what] === 'function' ? stage[what](defaults(stage)) : stage[what])
const columnList = (columns, prefix) =>
  Object.entries(columns ?? {})
    .filter(([, type]) => type !== undefined)
    .map(
      ([name, type]) =>
        `${code(prefix && !['id', 'prompt', 'chosen', 'rejected'].includes(name) ? `<id>_${name}` : name)} (${type})`,
    )
    .join(', ')
const rowsText = {
  same: 'No row is dropped.',
  subset: 'Rows are dropped; those that stay are as they were.',
  pair: 'Rows are answers without a rejected side (layout `answers`); two of them become a pair, with the id and the columns of its chosen one. Each is a side of a pair, or dropped.',
  cluster: 'Of rows that belong together the first stays, as it was; the others are dropped.',
  derive:
    'Gives out new rows only, each with `<id>_parent`, the id of the row that it was made of; its own id is `<parent>~<id>`. Other columns are those of that row, but for what speaks of a side that is new: columns with `chosen` or `rejected` in their names (as `source_rejected_score`) are null then.',
}
/** What makes a group, and the tables that a stage reads beside its rows. */
function groupsText(stage) {
  const by = declared(stage, 'by'),
    tables = Object.entries(tablesOf({ stage, options: defaults(stage) })).map(([name, { columns, isOptional }]) => [
      code(name),
      isOptional ? 'may be left out' : 'needed',
      columnList(columns),
    ])
  const what = declared(stage, 'rows') === 'cluster' ? 'an item in common in' : 'equal values in'
  return [
    ...(by
      ? [
          `Rows with ${what} ${by.map(code).join(', ')}${stage.carries?.[by[0]] ? ', made of each row,' : ''} are looked at together, wherever they lie in the input.`,
        ]
      : []),
    ...(tables.length > 0
      ? [
          `Tables, named in \`from\`: sources that are read as they lie, without a layout.${by ? ` Their rows come to the groups by the same columns.` : ''}`,
          table(['table', '', 'columns'], tables),
        ]
      : []),
  ]
}
/** Columns that audits see of each of their inputs. */
function inputsText(stage) {
  const inputs = Object.entries(inputsOf({ stage, options: defaults(stage) })).map(
    ([name, { columns, isOptional }]) => [code(name), isOptional ? 'may be left out' : 'needed', columnList(columns)],
  )
  return [
    'Named in `from`; each is the output of a stage, a named one too, or several. It hands on no row.',
    table(['input', '', 'columns'], inputs),
  ].join('\n\n')
}
function columnsText(stage) {
  if (stage.kind === 'source') {
    return 'Gives `id` (text), `prompt`, `chosen` and `rejected` (messages; of layout `answers` no `rejected`), then the other columns of the files.'
  }
  const columns = columnList(declared(stage, 'reads')),
    none =
      typeof stage.reads === 'function' ? 'Reads the columns that its options name.' : 'Reads no column of the rows.',
    reads = columns ? `Reads ${columns}.` : none
  if (stage.kind === 'sink' && stage.for) {
    return `${reads} Of other columns \`content_hash\`, what says why a label is doubted, and what stands beside the messages.`
  }
  if (stage.kind === 'sink') return `${reads} All other columns are written too.`
  const writes = columnList(declared(stage, 'writes'), true)
  const more = typeof stage.writes === 'function' ? ' (with the default options)' : ''
  return `${reads} ${writes ? `Writes ${writes}${more}.` : 'Writes no column.'} ${rowsText[declared(stage, 'rows')]}${typeof stage.rows === 'function' ? ' The options decide; this is so with the default ones.' : ''}`
}
function reasonsText(stage) {
  const entries = Object.entries(stage.reasons)
  if (entries.length === 0) return 'None: no row is dropped here.'
  return table(
    ['reason', 'kind', 'limit', 'what, and the number in the ledger'],
    entries.map(([name, { kind, limit, about }]) => [code(name), kind, limit ? code(limit) : '', about]),
  )
}

const notesText = ({ notes = {}, rows }) =>
  Object.keys(notes).length === 0
    ? []
    : [
        '## Notes',
        `${rows === 'derive' ? 'Rows of which nothing is made' : 'Rows of which this is said'} are listed in \`notes/<id>\`:`,
        table(
          ['note', 'what'],
          Object.entries(notes).map(([name, about]) => [code(name), about]),
        ),
      ]

// examples
async function exampleText(stage, example) {
  const result = await runExample(stage, example)
  const names = ['prompt', 'chosen', 'rejected', ...new Set(example.rows.flatMap(Object.keys))].filter(
    (name, i, all) => all.indexOf(name) === i && example.rows.some(row => name in row),
  )
  const written = Object.keys(result.columns)
  const outcome = i =>
    result.dropped[i] !== undefined
      ? `**${result.dropped[i]}**${result.values[i] === undefined ? '' : ` (${number(result.values[i])})`}`
      : (result.errored[i] ??
        (result.noted[i] !== undefined
          ? `note: **${result.noted[i]}**`
          : stage.rows === 'derive'
            ? 'see below'
            : stage.rows === 'pair'
              ? 'a side of a pair'
              : 'kept'))
  const columns = i => {
    const at = result.kept.indexOf(i)
    return written.map(name => (at < 0 ? '' : cell(name, result.columns[name][at])))
  }
  const options = example.options ? ` with ${code(JSON.stringify(example.options))}` : ''
  const tables = Object.entries(example.tables ?? {}).flatMap(([name, rows]) => {
    const columns = [...new Set(rows.flatMap(Object.keys))]
    return [
      `Table ${code(name)}:`,
      table(
        columns,
        rows.map(row => columns.map(column => cell(column, row[column]))),
      ),
    ]
  })
  const files = Object.entries(example.files ?? {}).flatMap(([path, text]) => [
    `File ${code(path)}:`,
    `\`\`\`text\n${text.trimEnd()}\n\`\`\``,
  ])
  const fresh = [...new Set((example.made ?? []).flatMap(Object.keys))]
  return [
    `**${capital(example.title)}**${options}`,
    ...tables,
    ...files,
    table(
      ['', ...names, ...written.map(name => `\`<id>_${name}\``), 'outcome'],
      example.rows.map((row, i) => [i, ...names.map(name => cell(name, row[name])), ...columns(i), outcome(i)]),
    ),
    ...(result.made.length > 0
      ? [
          'New rows:',
          table(
            fresh,
            result.made.map(row => fresh.map(name => cell(name, row[name]))),
          ),
        ]
      : []),
  ].join('\n\n')
}

/** An example of an audit: the rows of each input, and what it reports of them. */
async function auditExampleText(audit, example) {
  const { lines, numbers, tables = {}, refuse = [] } = await runAuditExample(audit, example)
  const given = [
    ...(example.options ? [`with ${code(JSON.stringify(example.options))}`] : []),
    ...(example.previous ? [`the run before having said ${code(JSON.stringify(example.previous))}`] : []),
  ].join(', ')
  const rows = Object.entries(example.inputs).flatMap(([input, some]) => some.map(row => [input, row])),
    names = [...new Set(rows.flatMap(([, row]) => Object.keys(row)))]
  return [
    `**${capital(example.title)}**${given && `, ${given}`}`,
    table(
      ['input', ...names],
      rows.map(([input, row]) => [input, ...names.map(name => cell(name, row[name]))]),
    ),
    `Numbers: ${code(JSON.stringify(numbers))}`,
    ['```text', ...lines, ...refuse.map(sentence => `refused: ${sentence}`), '```'].join('\n'),
    ...Object.entries(tables).flatMap(([name, some]) => {
      const columns = [...new Set(some.flatMap(Object.keys))]
      return some.length === 0
        ? []
        : [
            `Table ${code(name)}:`,
            table(
              columns,
              some.map(row => columns.map(column => cell(column, row[column]))),
            ),
          ]
    }),
  ].join('\n\n')
}

const anyExampleText = (stage, example) => (stage.kind === 'audit' ? auditExampleText : exampleText)(stage, example)
const ranExample = (stage, example) => (stage.kind === 'audit' ? runAuditExample : runExample)(stage, example)
const loadOwn = async (file, folder) => (await loadUserStage(file, { folder: join(folder, 'built') })).stage

const paperText = ({ title, arxiv, url, form }) =>
  `${form === 'as in' ? 'As in' : 'After'} [${title}](${arxiv ? `https://arxiv.org/abs/${arxiv}` : url})${arxiv ? ` (arXiv ${arxiv})` : ''}.`

const capital = text => `${text[0].toUpperCase()}${text.slice(1)}`
/** With a link where a page shows the measurement; `up` leads to docs/ from the page. */
const statusText = ({ is, shown }, up) =>
  shown === undefined
    ? is
    : `${is}: ${shown.startsWith('docs/') ? `[${shown.slice(5)}](${up}${shown.slice(5)})` : code(shown)}`

const fromText = stage =>
  stage.kind === 'audit'
    ? `, from: { ${Object.keys(inputsOf({ stage, options: defaults(stage) }))
        .map(name => `${name}: …`)
        .join(', ')} }`
    : Object.keys(tablesOf({ stage, options: defaults(stage) })).length > 0
      ? `, from: { rows: …, ${Object.keys(tablesOf({ stage, options: defaults(stage) }))
          .map(name => `${name}: …`)
          .join(', ')} }`
      : ''

async function page(stage) {
  const required = requiredOptions(stage)
    .map(name => `${name}: ${name === 'path' ? `data/sample/*${stage.extensions[0]}` : '…'}`)
    .join(', ')
  const examples = []
  for (const example of stage.examples ?? []) examples.push(await anyExampleText(stage, example))
  return (
    [
      `# ${stage.name}`,
      NOTE,
      stage.summary,
      ...(stage.paper ? [paperText(stage.paper)] : []),
      ...(stage.status ? [`${capital(statusText(stage.status, '../'))}.`] : []),
      `\`\`\`yaml\n- { id: ${stage.name}, use: ${stage.name}${required ? `, with: { ${required} }` : ''}${fromText(stage)} }\n\`\`\``,
      ...(stage.details ? [stage.details] : []),
      '## Options',
      optionsTable(stage),
      ...(stage.kind === 'audit'
        ? ['## Inputs', inputsText(stage)]
        : ['## Columns', columnsText(stage), ...(stage.kind === 'stage' ? groupsText(stage) : [])]),
      ...(stage.kind === 'audit' || stage.kind === 'sink' || stage.rows === 'derive'
        ? []
        : ['## Reasons', reasonsText(stage)]),
      ...notesText(stage),
      ...(examples.length > 0
        ? [
            '## Examples',
            `Executed when this page was written${stage.kind === 'audit' ? ', with the rows as they are and cut up' : ''}. ${stage.kind === 'audit' ? '' : 'Numbers in brackets are those of the ledger.'}`.trim(),
            ...examples,
          ]
        : []),
      `[Source](../../stages/${folderOf.get(stage.name)}/${stage.name}.ts), version ${stage.version}. [All stages](README.md).`,
    ].join('\n\n') + '\n'
  )
}

function index() {
  const rows = title =>
    [...registry.values()]
      .filter(({ category }) => category === title)
      .map(stage => [
        `[${stage.name}](${stage.name}.md)`,
        stage.summary,
        stage.kind === 'stage' ? declared(stage, 'rows') : stage.kind,
        stage.status ? statusText(stage.status, '../') : '',
      ])
  return (
    [
      '# Stages',
      NOTE,
      'By what they are for, as `npx sluice stages` lists them; `npx sluice stages audit` shows one category, and `--paper` those that follow a paper, by its arXiv number or words of its title.',
      ...categories
        .filter(title => rows(title).length > 0)
        .map(title => `## ${capital(title)}\n\n${table(['stage', 'what it does', 'rows', 'status'], rows(title))}`),
      'Rows: `same` drops none, `subset` drops, `derive` gives out new ones, `cluster` keeps the first of rows that belong together; an `audit` reports on its inputs and hands on nothing.',
      'Status: *proven here*, what it promises was measured on real data, and the link shows it; *as published*, it follows a paper whose figures were not tried again; *worth nothing here*, measured, and no better than without. Readers, writers and plain checks have none.',
    ].join('\n\n') + '\n'
  )
}

function layoutsPage() {
  return (
    [
      '# Layouts',
      NOTE,
      "How preference pairs may lie in a file. Each file's layout is found on its first 1,000 rows, in the order of this table, and stated in the summary and the manifest. To " +
        "name it yourself: `--set pairs.layout=text`, where `pairs` is the id of the source. Where its columns only have other names, `rename` gives them these: `--set 'pairs.rename={prompt: asked}'`. A file that fits none may be one of the [public sets](#public-sets) below; all others are yours to [map](#map): `sluice look FILE` says how a file would be read, or what is to be said of it.",
      table(
        ['', 'layout', 'rule'],
        layouts.map(({ name, rule }, i) => [i + 1, `[${name}](#${name})`, rule]),
      ),
      'Whatever the layout, a pair becomes `prompt`, `chosen` and `rejected`, each a list of `{role, content}`; the two sides begin where the prompt ends. A column `id` of text or numbers ' +
        'names the rows; rows without one are named by a hash of their content. All other columns are carried along.',
      'Some columns belong to the prompt in every layout. `system` (or `system_prompt`, `system_message`, `system_instruction`) begins it, unless its messages begin with one of their own. Where the prompt is text and the sides ' +
        'are answers alone, `history`, a list of [question, answer] or of messages, comes before it, `context` stands above it with a blank line between, and `input` (or `initial_reason_steps`, the steps before the one that is answered) on the next line. ' +
        'What already stands in the prompt, on lines of its own, is not said twice. A column of such a name that is no part of the prompt stays beside the pair, and the run warns of it.',
      ...layouts.map(
        ({ name, rule, example }) =>
          `## ${name}\n\n${rule[0].toUpperCase()}${rule.slice(1)}.\n\n\`\`\`json\n${example}\n\`\`\``,
      ),
      '## map',
      'The option `map` of a source, or `--map FILE`, says where the pairs are, in place of a layout; `sluice look` writes one to begin with. A path names a column, a field of an object by ' +
        'dots (`info.post`), and the items of a list by brackets (`completions[].response`), one of them by its place (`output[0]`), all also within JSON text. The text that a path leads to is read in the form it has: text; messages, objects of the lists of their roles and texts, JSON text of them; lists of texts as turns that alternate, native or as JSON text; one text of an object; whole conversations, also with the marks of templates (Human:, <|im_start|>, [INST] and those of the layout transcripts). Each form lies in each shape: `npx vitest run test/map/cells.test.ts` reads made rows of all.',
      table(
        ['key', 'what it says'],
        Object.entries(mapSchema.properties).map(([name, { description }]) => [`\`${name}\``, description]),
      ),
      `Two answers and a label; ties make no pair, and a label that is not named makes the row unreadable, which is told:\n\n\`\`\`yaml\nmap:\n  prompt: [system, { turns: history }, question]\n  answers: [response_a, response_b]\n  prefer: { by: winner, first: model_a, second: model_b, tie: [tie, both_bad] }\n  by_side: { model: [model_a, model_b] }\n\`\`\``,
      `Messages of trees, a row each in any order: of each parent the answers are ranked, and the prompt is all that is said above them. All messages of a file are held in memory; those of other files are not seen:\n\n\`\`\`yaml\nmap:\n  tree: { id: message_id, parent: parent_id, role: role }\n  prompt: text\n  answer: text\n  score: { rank: -1 }\n\`\`\``,
      `Columns of answers with scores, and lists of which each good answer meets each bad one:\n\n\`\`\`yaml\nmap: { prompt: question, list: [answer_1, answer_2, answer_3], score: 'scores[]' }\n\`\`\`\n\n\`\`\`yaml\nmap: { prompt: question, chosen: 'right[]', rejected: 'wrong[].text' }\n\`\`\``,
      `A list of answers with scores, and one answer a row:\n\n\`\`\`yaml\nmap: { prompt: instruction, list: 'completions[].response', score: 'completions[].overall_score' }\n\`\`\`\n\n\`\`\`yaml\nmap: { prompt: question, answer: reply, score: { help: 1, length: -0.001 } }\n\`\`\``,
      'The columns of one side that `by_side` names become `source_chosen_…` and `source_rejected_…`. A label stays a column beside the pair. Which answer is the better one is never guessed: unasked a run takes ' +
        'sides that are called chosen and rejected, a public set that it knows, or a label with which the scores of both sides agree in 99 of 100 rows.',
      '## Public sets',
      'Known by their columns, and read as their authors say; `map: NAME` names one. Their rows are not in the package.',
      table(
        ['name', 'set', 'to know'],
        presets().map(({ name, about, notes }) => [`\`${name}\``, about, notes]),
      ),
    ].join('\n\n') + '\n'
  )
}

/**
 * The README with the output of every `<!-- run: COMMAND -->` in the block below it; all of them share an output
 * folder. Times and names of runs are left out.
 */
function readme() {
  const home = fileURLToPath(root),
    place = mkdtempSync(join(tmpdir(), 'sluice-docs-'))
  // paths are short there, as where the package is at home
  for (const name of ['data', 'pipelines']) symlinkSync(join(home, name), join(place, name))
  const programs = { 'npx zx': 'node_modules/zx/build/cli.js', 'npx sluice': 'scripts/sluice.mjs' }
  try {
    return readFileSync(new URL('README.md', root), 'utf8').replace(
      /(<!-- run: (npx \w+) (.*) -->\n```text\n)[^`]*```/g,
      (_, head, program, rest) => {
        const { status, stdout, stderr } = spawnSync(
          process.execPath,
          [
            join(home, programs[program]),
            ...rest.split(' '),
            ...(rest.endsWith('clean.mjs') ? ['data/sample/*.parquet'] : []),
          ],
          { cwd: place, encoding: 'utf8' },
        )
        if (status !== 0) throw new Error(`docs: ${program} ${rest} ended with ${status}: ${stderr}`)
        return `${head}${stdout
          .replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, '<run>')
          .replace(/^(.+?) {3,}clean, [\d.:]+ (?:s|min)$/m, (_, said) => said.padEnd(90) + 'clean, … s')}\`\`\``
      },
    )
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

const pages = new Map([
  ['../README.md', readme()],
  ['stages/README.md', index()],
  ['layouts.md', layoutsPage()],
  ['contract.md', await contractPage(root, { load: loadOwn, run: ranExample, text: anyExampleText })],
])
for (const stage of registry.values()) pages.set(`stages/${stage.name}.md`, await page(stage))

const docs = new URL('docs/', root)
const read = file => {
  try {
    return readFileSync(new URL(file, docs), 'utf8')
  } catch {
    return undefined
  }
}
mkdirSync(new URL('stages/', docs), { recursive: true })
const stale = readdirSync(new URL('stages/', docs))
  .map(name => `stages/${name}`)
  .filter(file => !pages.has(file))
const shown = file => (file.startsWith('../') ? file.slice(3) : `docs/${file}`)
const drift = [...[...pages].filter(([file, text]) => read(file) !== text).map(([file]) => file), ...stale]
if (check) {
  if (drift.length > 0) console.error(`docs: out of date, run \`npm run docs\`: ${drift.map(shown).join(', ')}`)
  process.exitCode = drift.length > 0 ? 1 : 0
} else {
  for (const file of stale) rmSync(new URL(file, docs))
  for (const [file, text] of pages) writeFileSync(new URL(file, docs), text)
  console.error(drift.length > 0 ? `wrote ${drift.map(shown).join(', ')}` : 'docs are up to date')
}
