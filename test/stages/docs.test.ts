/** The generated pages are those of the code; the dependencies are those that are accounted for. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
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
    const decisions = join(output, 'decisions.csv')
    writeFileSync(decisions, 'id,decision\nnobody,drop\n')
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
        '--decisions',
        decisions,
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
