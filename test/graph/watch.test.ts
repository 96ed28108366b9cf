/** What packages of a stage of one's own use at run time makes its results no longer usable, and is named. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { sluice } from '../failures/helpers.ts'

/** A graph whose stages drop what `words` of a package says; each package is made by the test. */
function made(packages: Readonly<Record<string, string>>) {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(40)),
    output = join(at, 'out'),
    said: string[] = []
  for (const [name, text] of Object.entries(packages)) {
    mkdirSync(join(at, 'node_modules', name), { recursive: true })
    const main = text.includes('export ') ? 'index.mjs' : 'index.js'
    writeFileSync(join(at, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0', main }))
    writeFileSync(join(at, 'node_modules', name, main), text)
    writeFileSync(
      join(at, `${name}.mjs`),
      `import { defineStage, Type } from 'sluice-data'
import phrase from '${name}'
export default defineStage({
  name: 'mine', version: 1, summary: '', options: Type.Object({}), reads: {}, writes: { said: 'text' }, rows: 'same',
  examples: [], open: () => ({ batch: ({ rows }) => ({ columns: { said: Array(rows).fill(String(phrase())) } }) }),
})
`,
    )
  }
  const graph = {
    version: 1 as const,
    name: 'watched',
    partition_rows: 20,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      ...Object.keys(packages).map(name => ({ id: name, use: join(at, `${name}.mjs`) })),
      { id: 'dpo', use: 'write_jsonl' },
    ] as { id: string; use: string; from?: string }[],
  }
  const go = async (options = {}) => {
    said.length = 0
    const { status, manifest } = await run(graph, {
      output,
      workers: 1,
      onWarning: text => void said.push(...text.split('\n')),
      ...options,
    })
    return { status, files: Object.entries(manifest.files!).filter(([name]) => name.startsWith('dpo/')) }
  }
  const spools = () => readdirSync(join(output, '.sluice', 'spools'))
  return { at, graph, output, said, go, spools }
}

const config = "const { join } = require('path'), at = join(__dirname, '..', '..', 'config.txt')\n"
it.each<[what: string, said: string, text: string]>([
  ['a file', 'reads', `${config}module.exports = () => require('fs').readFileSync(at, 'utf8')`],
  [
    'a file, by promises, once',
    'reads',
    `${config}let text\nconst read = require('fs/promises').readFile(at, 'utf8').then(all => (text = all))\nread.catch(() => 0)
module.exports = () => text ?? require('fs').readFileSync(at, 'utf8')`,
  ],
  ['a module by a name of run time', 'loads', "module.exports = () => require(['..', '..', 'config.js'].join('/'))"],
  ['the environment', 'asks the environment (SLUICE_WATCH)', 'module.exports = () => process.env.SLUICE_WATCH'],
  ['the clock as it is loaded', 'asks the clock (Date.now)', 'const at = Date.now()\nmodule.exports = () => at'],
  ['the clock by a way round', 'asks the clock (Date.now)', 'module.exports = () => new Date(0).constructor.now()'],
  ['chance', 'asks chance (Math.random)', 'module.exports = () => [0].map(Math.random)'],
  ['a process', 'starts a process', "module.exports = () => require('child_process').execFileSync('date', ['+%N'])"],
])('%s: the stage works again in the next run, and both runs say so', async (_, line, text) => {
  const { at, said, go } = made({ words: text })
  const set = (value: string) => {
    writeFileSync(join(at, 'config.txt'), value)
    writeFileSync(join(at, 'config.js'), `module.exports = '${value}'`)
    process.env.SLUICE_WATCH = value
  }
  try {
    set('one')
    const first = await go()
    expect(said.filter(text => text.includes(`package words ${line}`))).toHaveLength(1)
    set('two')
    const second = await go()
    expect(second.status).toBe('published')
    expect(second.files).not.toEqual(first.files)
    expect(said.filter(text => text.includes(`package words ${line}`))).toHaveLength(1)
  } finally {
    delete process.env.SLUICE_WATCH
  }
})

it('a file that another package has loaded before lies in a cache, and is not read again: both are named', async () => {
  const load = "module.exports = () => require(require('path').join(__dirname, '..', '..', 'config.json')).said",
    { at, graph, said, go } = made({ one: load, two: load })
  // another pass, which does not come after the first stage
  const [pairs, one, two, dpo] = graph.stages
  graph.stages.splice(0, 4, pairs, one, { ...dpo, from: 'one' })
  graph.stages.push(
    { id: 'unique', use: 'drop_duplicates', from: 'pairs' },
    { ...two, from: 'unique' },
    { id: 'others', use: 'write_jsonl', from: 'two' },
  )
  writeFileSync(join(at, 'config.json'), '{ "said": "one" }')
  await go()
  for (const name of ['one', 'two']) {
    expect(said.filter(text => text.includes(`package ${name} loads`) && text.includes('config.json'))).toHaveLength(1)
  }
})

it('what nothing is seen of is not named, and what it made is used again', async () => {
  const { at, graph, output, said, go, spools } = made({
    pure: `const fs = require('fs'), own = fs.readFileSync(__dirname + '/package.json', 'utf8')
module.exports = () => own.length + new Date(5).getTime() + (fs.existsSync(__dirname + '/none') ? 1 : 0)`,
    data: "import list from './list.json' with { type: 'json' }\nexport default () => list[0]",
  })
  writeFileSync(join(at, 'node_modules', 'data', 'list.json'), '["a"]')
  await go()
  expect(said).toEqual([])
  const before = spools()
  expect((await go()).status).toBe('nothing_new')
  // another name is another run of the same work
  await run({ ...graph, name: 'other' }, { output, workers: 2 })
  expect(spools()).toEqual(before)
  // its record is what says so: without it, or with one that is damaged, all is worked out anew
  for (const spoil of [rmSync, (path: string) => writeFileSync(path, 'x')]) {
    for (const name of readdirSync(join(output, '.sluice', 'seen'))) spoil(join(output, '.sluice', 'seen', name))
    expect((await go()).status).toBe('published')
    expect(spools().some(name => before.includes(name))).toBe(false)
  }
})

it('a run that is killed after its first partition has kept what was seen, and `check` says it', async () => {
  const { at, output, graph } = made({
    words: "let n = 0\nmodule.exports = () => (++n > 1 ? process.kill(process.pid, 'SIGKILL') : Math.random())",
  })
  const file = join(at, 'g.json')
  writeFileSync(file, JSON.stringify(graph))
  const killed = await sluice('run', file, '--output', output, '--workers', '1')
  expect(killed.code).not.toBe(0)
  const { code, stderr } = await sluice('check', file, '--output', output)
  expect([code, stderr.includes('package words asks chance (Math.random)')]).toEqual([0, true])
})
