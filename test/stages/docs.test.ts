/**
 * The generated pages are those of the code; what is begun by new_stage works; the dependencies are those that are
 * accounted for.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { main } from '../../index.mjs'
import { ledgerSchema } from '../../engine/run/ledger.ts'
import { rowsOf } from '../engine/helpers.ts'

// whole runs, in processes of their own, on machines that may be busy
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const root = fileURLToPath(new URL('../../', import.meta.url))
const node = (folder: string, ...args: string[]) => spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
const read = (...path: string[]) => readFileSync(join(...path), 'utf8')

describe('docs/', () => {
  it('is what `npm run docs` writes', () => {
    const { status, stderr } = node(root, 'scripts/docs.mjs', '--check')
    expect(stderr).not.toContain('out of date')
    expect(status).toBe(0)
  })
})

describe('docs/formats.md', () => {
  const text = read(root, 'docs/formats.md')
  const keys = (heading: string) =>
    [
      ...text
        .split(`## ${heading}\n`)[1]
        .split('\n## ')[0]
        .matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm),
    ].flatMap(([, names]) => names.replaceAll('`', '').split(', '))
  const output = mkdtempSync(join(tmpdir(), 'sluice-formats-'))
  afterAll(() => rmSync(output, { recursive: true, force: true }))

  it('names the columns of the ledger, the keys of the manifest and those of the rows that are set aside', async () => {
    expect(keys('`ledger/`')).toEqual(ledgerSchema.names)
    const file = join(output, 'ids')
    writeFileSync(file, 'none\n')
    expect(
      await main([
        'run',
        join(root, 'pipelines/clean.yaml'),
        '--input',
        join(root, 'data/sample/pairs-en.parquet'),
        '--output',
        join(output, 'out'),
        '--quiet',
        '--limit',
        '300',
        '--keep-ids',
        file,
      ]),
    ).toBe(0)
    const latest = join(output, 'out', 'latest')
    // a run has one of `limit` and `sample`
    expect(keys('`manifest.json`').filter(key => key !== 'sample')).toEqual(
      Object.keys(JSON.parse(read(latest, 'manifest.json')) as object),
    )
    expect(keys('`manifest.json`')).toContain('sample')
    for (const [folder, columns] of [
      ['dropped/checked', ['dropped_by', 'dropped_reason', 'source_file', 'source_row']],
      ['notes/hard', ['noted_by', 'noted_reason', 'source_file', 'source_row']],
    ] as const) {
      expect(Object.keys(rowsOf(join(latest, folder))[0]).slice(-4)).toEqual(columns)
      for (const column of columns) expect(text).toContain(`\`${column}\``)
    }
  })
})

describe('docs/decisions.md', () => {
  const { dependencies, devDependencies } = JSON.parse(read(root, 'package.json')) as Record<
    string,
    Record<string, string>
  >
  const text = read(root, 'docs/decisions.md')
  const named = (heading: string) =>
    [
      ...text
        .split(`## ${heading}\n`)[1]
        .split('\n## ')[0]
        .matchAll(/^\| `([^`]+)` \|/gm),
    ].map(([, name]) => name)

  it('gives a reason for every dependency, and names no other', () => {
    expect(named('Dependencies')).toEqual(Object.keys(dependencies))
    expect(named('Development')).toEqual(Object.keys(devDependencies))
  })
  it('is of exact versions', () => {
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
    }
  })
})

describe('scripts/new_stage.mjs', () => {
  const copy = mkdtempSync(join(tmpdir(), 'sluice-new-stage-'))
  afterAll(() => rmSync(copy, { recursive: true, force: true }))
  beforeAll(() => {
    for (const name of [
      'package.json',
      'index.mjs',
      'tsconfig.json',
      'scripts',
      'stages',
      'app',
      'engine',
      'models',
      'docs',
      'schemas',
      'data',
      'pipelines',
      'README.md',
      'test/stages',
    ]) {
      cpSync(join(root, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  })

  it('writes stages that run their examples and have a page, in a registry that stays in order', () => {
    for (const [name, folder] of [
      ['drop_zebras', 'check'],
      ['count_letters', 'measure'],
    ]) {
      const { status, stderr } = node(copy, 'scripts/new_stage.mjs', name, '--folder', folder)
      expect(stderr).toBe('')
      expect(status).toBe(0)
    }
    const registry = read(copy, 'stages/registry.ts')
    expect(registry).toContain(
      "  check_pairs: () => import('./check/check_pairs.ts'),\n  count_letters: () => import('./measure/count_letters.ts'),\n",
    )
    expect(registry.split('\n').length).toBe(read(root, 'stages/registry.ts').split('\n').length + 2)
    const docs = node(copy, 'scripts/docs.mjs')
    expect(docs.status, docs.stderr).toBe(0)
    expect(read(copy, 'docs/stages/drop_zebras.md')).toContain(
      '| 1 | `Name a prime.` | `Seven is prime.` | `Nine.` | **too_long** (15) |',
    )
    expect(read(copy, 'docs/stages/count_letters.md')).toContain('| `<id>_chars` | outcome |')
    const check = node(
      copy,
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      'test/stages/examples.test.ts',
      '--root',
      copy,
      '-t',
      'drop_zebras|count_letters|the registry',
    )
    expect(check.stdout + check.stderr).not.toContain('FAIL')
    expect(check.status, check.stdout).toBe(0)
  })

  it('refuses what it must not write', () => {
    const before = read(copy, 'stages/registry.ts')
    for (const args of [['check_pairs'], ['DropThis'], [], ['a', 'b'], ['drop_x', '--folder', '../x']]) {
      const { status, stderr } = node(copy, 'scripts/new_stage.mjs', ...args)
      expect(status, args.join(' ')).toBe(64)
      expect(stderr).toMatch(/^new_stage: /)
    }
    expect(read(copy, 'stages/registry.ts')).toBe(before)
  })

  it('is told of drift by --check', () => {
    writeFileSync(join(copy, 'docs/layouts.md'), 'old')
    const { status, stderr } = node(copy, 'scripts/docs.mjs', '--check')
    expect(status).toBe(1)
    expect(stderr).toContain('docs/layouts.md')
    expect(read(copy, 'docs/layouts.md')).toBe('old')
  })
})
