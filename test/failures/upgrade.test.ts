/** The package itself changes: while it is built, while a run is under way, between two runs of one process. */
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { latestFiles, root, start, writeGraph, type Ended } from './helpers.ts'

const parts = ['app', 'dist', 'engine', 'models', 'scripts', 'stages', 'index.mjs', 'package.json']

/** A copy of the package, whose dist/ is fresh. */
function copied(): string {
  const home = folder()
  for (const part of parts) cpSync(join(root, part), join(home, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'))
  return home
}
const stage = (home: string) => join(home, 'stages/check/drop_length_ratio.ts')
const build = async (home: string, ...how: string[]): Promise<Ended> =>
  start([...how, join(home, 'scripts/build.mjs')]).ended

/** Other sources: what drop_length_ratio dropped is kept. */
function upgrade(home: string): void {
  const text = readFileSync(stage(home), 'utf8'),
    other = text.replace('if (ratio > max_ratio)', 'if (ratio > 9 * max_ratio)')
  expect(other).not.toBe(text)
  writeFileSync(stage(home), other)
}

const at = folder(),
  graph = join(at, 'g.json')
beforeAll(() => {
  writeGraph(graph, [
    { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), pairs(60)) } },
    { id: 'len', use: 'drop_length_ratio', with: { max_ratio: 1.2, longer: 'either' } },
    { id: 'dpo', use: 'write_jsonl' },
  ])
})

describe('a build', () => {
  it.each(['.stamp', 'worker.js', 'LICENSES.txt'])(
    'that is killed before it writes %s leaves no dist/ that passes for that of the sources, rolled back or not',
    async name => {
      const home = copied(),
        dist = join(home, 'dist'),
        old = readFileSync(stage(home))
      expect((await build(home)).stderr).toBe('dist/ is fresh\n')
      upgrade(home)
      const kill = join(home, 'kill.mjs')
      writeFileSync(
        kill,
        `import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const { renameSync } = fs
fs.renameSync = (from, to) => {
  if (to.endsWith(${JSON.stringify(`/${name}`)})) process.kill(process.pid, 'SIGKILL')
  renameSync(from, to)
}
syncBuiltinESMExports()
`,
      )
      expect((await build(home, '--import', kill)).signal).toBe('SIGKILL')
      writeFileSync(stage(home), old)
      expect((await build(home)).stderr).toBe('built dist/\n')
      const code = readdirSync(dist).filter(file => file.endsWith('.js'))
      expect(code.filter(file => readFileSync(join(dist, file), 'utf8').includes('9 * max_ratio'))).toEqual([])
      const { key } = JSON.parse(readFileSync(join(root, 'dist', '.stamp'), 'utf8')) as { key: string }
      for (const entry of ['api.js', 'worker.js']) {
        expect(readFileSync(join(dist, entry), 'utf8').slice(3, 67)).toBe(key)
      }
    },
  )
})

it('dist/ that lacks a file, or has one that is another than was made, is built anew', async () => {
  const home = copied(),
    dist = join(home, 'dist')
  const chunk = () =>
    join(
      dist,
      readdirSync(dist).find(file => /^add_votes.*\.js$/.test(file))!,
    )
  for (const damage of [
    () => rmSync(chunk()),
    () => writeFileSync(chunk(), readFileSync(chunk(), 'utf8').replace('voter', 'toter')),
  ]) {
    damage()
    expect((await build(home)).stderr).toBe('built dist/\n')
    expect((await build(home)).stderr).toBe('dist/ is fresh\n')
  }
})

describe('another version', () => {
  /** Runs in one process, which may put other code in place of its own meanwhile. */
  const script = (home: string, text: string) => {
    writeFileSync(
      join(home, 'runs.mjs'),
      `import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { run } from './index.mjs'
const [graph, output] = process.argv.slice(2), path = ${JSON.stringify(stage(home))}
const upgrade = () => {
  writeFileSync(path, readFileSync(path, 'utf8').replace('ratio > max_ratio', 'ratio > 9 * max_ratio'))
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ${JSON.stringify(home)} })
}
const told = async (options = {}) => {
  try {
    const { status, manifest } = await run(graph, { output, workers: 1, ...options })
    console.log(status, manifest.stages.len.dropped)
  } catch (error) {
    console.log(error.exit, error.message)
  }
}
${text}
`,
    )
    return async (output: string) => (await start([join(home, 'runs.mjs'), graph, output]).ended).stdout
  }

  it('that comes while inputs are hashed is another key: what old code makes is never taken for its own', async () => {
    const home = copied(),
      output = join(home, 'out')
    const during = script(
      home,
      'await told({ onProgress: ({ phase, done, total }) => { if (phase === "fingerprint" && done === total) upgrade() } })',
    )
    const said = await during(output)
    // its worker had all its code by then
    expect(said).toBe('published 34\n')
    const again = await script(home, 'await told()')(output)
    expect(again).toBe('published 0\n')
    const fresh = join(home, 'fresh')
    await script(home, 'await told()')(fresh)
    expect(latestFiles(output)).toEqual(latestFiles(fresh))
  })

  it('that comes before a worker begins ends the run with 75, and so it does in a process that runs on', async () => {
    const home = copied(),
      output = join(home, 'out')
    const old = readFileSync(stage(home))
    const text = 'await told(); upgrade(); await told({ limit: 50 }); await told({ limit: 40 })'
    const [first, second, third] = (await script(home, text)(output)).split('\n')
    expect(first).toBe('published 34')
    expect(readFileSync(stage(home)).equals(old)).toBe(false)
    for (const line of [second, third]) {
      expect(line).toMatch(/^75 run: \S+\/dist was replaced while this process ran, .* start again/)
    }
    expect(await script(home, 'await told({ limit: 50 })')(output)).toBe('published 0\n')
  })
})
