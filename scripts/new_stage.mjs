// Begins a stage: `node scripts/new_stage.mjs drop_something --folder check` writes stages/check/drop_something.ts,
// which works, and its line in the registry. A name that begins with drop_ gives a stage that drops rows, any other one
// that adds a column.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const root = new URL('../', import.meta.url)

const fail = message => {
  console.error(`new_stage: ${message}`)
  process.exit(64)
}

const dropping = name => `/** Drops pairs whose chosen side is longer than a limit. */
import { countCodePoints } from '../../engine/arrow/text.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'

export default defineStage({
  name: '${name}',
  version: 1,
  category: 'check and deduplicate',
  summary: 'Drop pairs whose chosen side is longer than a limit.',
  options: Type.Object({
    max_chars: Type.Integer({ minimum: 1, default: 10_000, description: 'characters of the chosen side' }),
  }),
  reads: { chosen: 'messages' },
  writes: {},
  rows: 'subset',
  reasons: { too_long: { kind: 'configured', limit: 'max_chars', about: 'characters of the chosen side' } },
  examples: [
    {
      title: 'ten characters are allowed, fifteen are not',
      options: { max_chars: 10 },
      rows: [
        { prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' },
        { prompt: 'Name a prime.', chosen: 'Seven is prime.', rejected: 'Nine.' },
      ],
      kept: [0],
      dropped: { 1: 'too_long' },
    },
  ],
  open: ({ max_chars }) => ({
    batch(batch, verdict) {
      const chosen = batch.messages('chosen')
      for (let row = 0; row < batch.rows; row++) {
        const chars = countCodePoints(chosen.bytes, chosen.start(row), chosen.end(row))
        if (chars > max_chars) verdict.drop(row, 'too_long', chars)
      }
    },
  }),
})
`

const annotating = name => `/** Says of every pair how many characters its chosen side has. */
import { countCodePoints } from '../../engine/arrow/text.ts'
import { defineStage, Type } from '../../engine/contract/define.ts'

export default defineStage({
  name: '${name}',
  version: 1,
  category: 'check and deduplicate',
  summary: 'Say of every pair how many characters its chosen side has.',
  options: Type.Object({}),
  reads: { chosen: 'messages' },
  writes: { chars: 'int32' },
  rows: 'same',
  examples: [
    {
      title: 'letters and a full stop',
      rows: [{ prompt: 'Name a prime.', chosen: 'Seven.', rejected: 'Nine.' }],
      kept: [0],
      columns: { chars: [6] },
    },
  ],
  open: () => ({
    batch(batch) {
      const chosen = batch.messages('chosen'),
        chars = new Int32Array(batch.rows)
      for (let row = 0; row < batch.rows; row++) {
        chars[row] = countCodePoints(chosen.bytes, chosen.start(row), chosen.end(row))
      }
      return { columns: { chars } }
    },
  }),
})
`

/** The registry with one more stage, in order of name. */
const register = (text, name, folder) =>
  text.replace(/(?:^ {2}\w+: \(\) => import\(.*\n)+/m, block => {
    const lines = [...block.trimEnd().split('\n'), `  ${name}: () => import('./${folder}/${name}.ts'),`]
    return `${lines.sort().join('\n')}\n`
  })

let read
try {
  read = parseArgs({ allowPositionals: true, options: { folder: { type: 'string', default: 'check' } } })
} catch (error) {
  fail(error.message)
}
const {
  values: { folder },
  positionals: [name, ...more],
} = read
if (!name || more.length > 0) fail('name one stage, as in `node scripts/new_stage.mjs drop_something --folder check`')
if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) fail(`'${name}' is not snake_case`)
if (!/^[a-z][a-z0-9_]*$/.test(folder)) fail(`the folder '${folder}' is not snake_case`)
const registry = new URL('stages/registry.ts', root),
  text = readFileSync(registry, 'utf8')
const file = new URL(`stages/${folder}/${name}.ts`, root)
if (existsSync(file) || text.includes(`/${name}.ts'`)) fail(`there is a stage '${name}' already`)

mkdirSync(new URL('.', file), { recursive: true })
writeFileSync(file, (name.startsWith('drop_') ? dropping : annotating)(name))
writeFileSync(registry, register(text, name, folder))
console.log(`stages/${folder}/${name}.ts works and is registered. Make it yours, then:
  npx vitest run test/stages     its examples run and match
  node scripts/schema.mjs        schemas/graph.schema.json
  npm run docs                   docs/stages/${name}.md`)
