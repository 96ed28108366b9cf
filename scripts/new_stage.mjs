// Begins a stage: `node scripts/new_stage.mjs drop_something --kind row` writes stages/check/drop_something.ts, which
// works, and its line in the registry; with --own FILE.mjs a stage beside Sluice, and a graph that runs it. It says
// what to do next. A name that begins with drop_, sample_ or balance_ gives a stage that drops rows.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { format, resolveConfig } from 'prettier'
import { answers, blocks, graphText, kinds, stageText, testText } from './new_stage/templates.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const fail = message => {
  console.error(`new_stage: ${message}`)
  process.exit(64)
}
const EXAMPLE = '`node scripts/new_stage.mjs drop_something --kind row --folder check`'
const layout = await resolveConfig(join(root, 'package.json'))
const kindList = Object.entries(kinds)
  .map(([kind, about]) => `  ${kind.padEnd(8)}${about}`)
  .join('\n')

/** Folders of stages/ that kinds are written to unless another one is named. */
const folders = { audit: 'audit', pair: 'pairs', source: 'sources', sink: 'sinks' }
/** What names promise: who writes the first word must write that kind, and the other way round. */
const prefixes = { audit: 'audit_', pair: 'pair_', source: 'read_', sink: 'write_' }

function readWords() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { folder: { type: 'string' }, own: { type: 'string' }, kind: { type: 'string' } },
    })
    return { ...values, positionals }
  } catch (error) {
    return fail(error.message)
  }
}

const aKind = kind => `${kind === 'audit' ? 'an' : 'a'} ${kind}`

/** The kind that was said, or is said now where somebody can. */
async function kindOf(said) {
  if (said === undefined && !(process.stdin.isTTY && process.stdout.isTTY)) {
    fail(`the kind of the stage is missing; say it by --kind, as in ${EXAMPLE}. Kinds are\n${kindList}`)
  }
  if (said === undefined) {
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    said = (await terminal.question(`${kindList}\nWhich kind? `)).trim()
    terminal.close()
  }
  if (!Object.hasOwn(kinds, said)) fail(`there is no kind '${said}' (--kind); kinds are\n${kindList}`)
  return said
}

/** The registry with one more stage, in order of name. */
const register = (text, name, folder) =>
  text.replace(/(?:^ {2}\w+: \(\) => import\(.*\n)+/m, block => {
    const lines = [...block.trimEnd().split('\n'), `  ${name}: () => import('./${folder}/${name}.ts'),`]
    return `${lines.sort().join('\n')}\n`
  })

/** Writes files that are not there yet, laid out as the others are, however long the name is. */
async function writeNew(files) {
  const there = files.find(([path]) => existsSync(path))
  if (there) fail(`${there[0]} is there already; name the stage otherwise, or remove that file`)
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, /\.m?[jt]s$/.test(path) ? await format(text, { ...layout, filepath: path }) : text)
  }
}

async function writeInside(kind, name, folder) {
  const registry = join(root, 'stages/registry.ts'),
    text = readFileSync(registry, 'utf8'),
    test = testText(kind, name)
  if (text.includes(`/${name}.ts'`)) {
    fail(`there is a stage '${name}' already, in stages/registry.ts; name it otherwise`)
  }
  const files = [
    [`stages/${folder}/${name}.ts`, stageText(kind, name, false)],
    ...(test ? [[`test/${test.folder}/${name}.test.ts`, test.text]] : []),
  ]
  await writeNew(files.map(([path, text]) => [join(root, path), text]))
  writeFileSync(registry, register(text, name, folder))
  const checks = `test/stages/examples.test.ts${['fit', 'audit'].includes(kind) ? ' test/stages/fits.test.ts' : ''}`
  const next = [
    ['node scripts/schema.mjs', 'schemas/graph.schema.json'],
    ['node scripts/docs.mjs', `docs/stages/${name}.md`],
    ['npx tsc --noEmit', 'its types'],
    [`npx vitest run ${checks} -t ${name}`, test ? 'what every stage owes its readers' : 'its examples'],
    ...(test ? [[`npx vitest run test/${test.folder}/${name}.test.ts`, 'a graph with it']] : []),
  ]
  return { files: files.map(([path]) => path), next }
}

async function writeOwn(kind, name, path) {
  const folder = dirname(path),
    graph = join(folder, `${name}.yaml`),
    // of kinds that read no pairs
    made = { source: blocks, pair: answers }[kind],
    input = join(folder, `${name}.${kind === 'pair' ? 'jsonl' : name.slice('read_'.length)}`)
  const pairs = made === undefined ? relative(process.cwd(), join(root, 'data/sample/*.parquet')) : input
  const files = [
    [path, stageText(kind, name, true)],
    [graph, graphText(kind, name, `./${basename(path)}`, pairs)],
    ...(made === undefined ? [] : [[input, made]]),
  ]
  await writeNew(files)
  const next = [
    [`npx sluice check ${graph}`, 'nothing is wrong with it'],
    [`npx sluice run ${graph}`, 'out/latest'],
  ]
  return { files: files.map(([path]) => path), next }
}

const { folder, own, kind: said, positionals } = readWords()
if (own !== undefined && folder !== undefined) {
  fail(`--own ${own} is beside Sluice and --folder ${folder} in it; name one of them`)
}
if (own !== undefined && !own.endsWith('.mjs')) fail(`--own ${own} does not end in .mjs; name such a file`)
const [name = own && basename(own, '.mjs'), ...more] = positionals
if (!name || more.length > 0) fail(`${positionals.length} names were given; name one stage, as in ${EXAMPLE}`)
if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) {
  fail(`the name '${name}' is not snake_case; write it in small letters, digits and single _, as in drop_something`)
}
if (folder !== undefined && !/^[a-z][a-z0-9_]*$/.test(folder)) {
  fail(`the folder '${folder}' is not snake_case; name one within stages/, as in --folder check`)
}
const kind = await kindOf(said)
const [promised] = Object.entries(prefixes).find(([, prefix]) => name.startsWith(prefix)) ?? []
if (kind in prefixes && (promised !== kind || name === prefixes[kind])) {
  fail(
    `the name '${name}' is not that of ${aKind(kind)}; begin it with ${prefixes[kind]}, as in ${prefixes[kind]}things`,
  )
}
if (promised !== undefined && promised !== kind) {
  fail(
    `the name '${name}' promises ${aKind(promised)}, and --kind is ${kind}; name it otherwise, or say --kind ${promised}`,
  )
}

const { files, next } = await (own === undefined
  ? writeInside(kind, name, folder ?? folders[kind] ?? 'check')
  : writeOwn(kind, name, own))
const width = Math.max(...next.map(([command]) => command.length))
console.log(`${files.join(' and ')}: works${own === undefined ? ', and is registered' : ''}. Make it yours, then:
${next.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`).join('\n')}`)
