/**
 * Every graph, script and command of the guides runs as it stands there. What commands of the README print is held
 * against them by docs.test.ts.
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runExample } from '../../engine/run/examples.ts'
import { EXIT } from '../../engine/errors.ts'
import type { AnyStage } from '../../engine/contract/define.ts'

// whole runs, in processes of their own, on machines that may be busy
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = (name: string) => readFileSync(join(root, name), 'utf8')
const guides = ['clean', 'reward-models', 'own-stage', 'nightly', 'maths'].map(name => `docs/${name}.md`)
const text = page('docs/own-stage.md')
/** Blocks of yaml and js; each names its file in its first line. */
const blocks = [...text.matchAll(/^```(yaml|js)\n((?:# |\/\/ )(\S+)\n[^`]*(?:`(?!``)[^`]*)*)```$/gm)].map(
  ([, language, code, file]) => ({ language, code, file }),
)
const stages = blocks.filter(({ code }) => code.includes('export default define'))
const graphs = blocks.filter(({ language }) => language === 'yaml'),
  scripts = blocks.filter(block => block.language === 'js' && !stages.includes(block))

describe('docs/own-stage.md', () => {
  const home = mkdtempSync(join(tmpdir(), 'sluice-readme-'))
  const node = (...args: string[]) => spawnSync(process.execPath, args, { cwd: home, encoding: 'utf8' })
  const manifest = (output: string) =>
    JSON.parse(readFileSync(join(home, output, 'latest', 'manifest.json'), 'utf8')) as {
      stages: Record<string, { dropped: number }>
      sinks: Record<string, { rows: number }>
      rows: Record<string, number>
    }
  beforeAll(() => {
    mkdirSync(join(home, 'node_modules'))
    symlinkSync(root, join(home, 'node_modules', 'sluice-data'))
    symlinkSync(join(root, 'data'), join(home, 'data'))
    for (const { file, code } of blocks) writeFileSync(join(home, file), code)
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  it('has every block of yaml and js under its name', () => {
    expect(blocks.length).toBe(text.match(/^```(yaml|js)$/gm)!.length)
    expect(blocks.map(({ file }) => file)).toEqual(['mine.yaml', 'drop_refusals.mjs', 'chain.mjs'])
  })

  it.each(stages)('$file: its examples are what it does', async ({ file }) => {
    const { default: stage } = (await import(/* @vite-ignore */ pathToFileURL(join(home, file)).href)) as {
      default: AnyStage
    }
    expect(stage.name).toBe(file.replace('.mjs', ''))
    for (const example of stage.examples) {
      expect(await runExample(stage, example)).toMatchObject({ kept: example.kept, dropped: example.dropped })
    }
  })

  it.each(graphs)('$file: is right, and runs', ({ file }) => {
    const sluice = join(root, 'scripts/sluice.mjs')
    const check = node(sluice, 'check', file)
    expect(check.status, check.stderr).toBe(EXIT.ok)
    const run = node(sluice, 'run', file)
    expect(run.status, run.stderr).toBe(EXIT.ok)
    const { rows, sinks } = manifest('out')
    expect(rows.read).toBe(447)
    expect(sinks.dpo.rows).toBeGreaterThan(300)
  })

  it.each(scripts)('$file: runs', ({ file }) => {
    const { status, stdout, stderr } = node(file)
    expect(status, stderr).toBe(EXIT.ok)
    const { sinks, stages } = manifest('chained')
    expect(stdout).toContain(`${sinks.dpo.rows} pairs in `)
    expect(stdout).toContain(`${stages.willing.dropped} refusals dropped`)
    expect(sinks.dpo.rows).toBeGreaterThan(0)
    expect(stages.willing.dropped).toBeGreaterThan(0)
  })
})

describe('the guides', () => {
  const programs: Record<string, string> = { zx: 'node_modules/zx/build/cli.js', sluice: 'scripts/sluice.mjs' }
  const folders: string[] = []
  afterAll(() => folders.forEach(folder => rmSync(folder, { recursive: true, force: true })))

  it.each(guides)('%s: its commands run, one after the other, over a folder of pairs', guide => {
    const home = mkdtempSync(join(tmpdir(), 'sluice-guide-'))
    folders.push(home)
    mkdirSync(join(home, 'node_modules'))
    symlinkSync(root, join(home, 'node_modules', 'sluice-data'))
    for (const name of ['pipelines', 'data']) symlinkSync(join(root, name), join(home, name))
    for (const { file, code } of blocks) writeFileSync(join(home, file), code)
    mkdirSync(join(home, 'my', 'pairs'), { recursive: true })
    for (const name of ['pairs-en.parquet', 'pairs-de.parquet']) {
      copyFileSync(join(root, 'data/sample', name), join(home, 'my/pairs', name))
    }
    const commands = [...page(guide).matchAll(/^ *```sh\n([^`]*)```/gm)].flatMap(([, lines]) =>
      lines.split('\n').filter(line => line.trim() !== ''),
    )
    expect(commands.length).toBeGreaterThan(1)
    for (const command of commands) {
      const [, program, words] = /^ *npx (\w+) (.*)$/.exec(command)!
      const line = `"${process.execPath}" "${join(root, programs[program])}" ${words}`
      const { status, stderr } = spawnSync('bash', ['-c', line], { cwd: home, encoding: 'utf8' })
      expect({ command, status, stderr }).toMatchObject({ status: 0 })
    }
  })

  it('name files that exist; the README is short, and one guide has every exit code', () => {
    const pages = ['README.md', ...guides, 'docs/contract.md', 'docs/decisions.md', 'docs/files.md', 'docs/formats.md']
    for (const file of [...pages, 'docs/layouts.md', 'docs/stages/README.md', 'docs/stages/check_pairs.md']) {
      for (const [, link] of page(file).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
        expect(existsSync(join(root, dirname(file), link)), `${file}: ${link}`).toBe(true)
      }
    }
    expect(page('README.md').split('\n').length).toBeLessThanOrEqual(120)
    const codes = [...page('docs/nightly.md').matchAll(/^\| ([\d, ]+) \| /gm)]
    expect(codes.flatMap(([, list]) => list.split(', ').map(Number))).toEqual(Object.values(EXIT))
  })
})
