/** Delta Lake tables: the files of the latest version, and what is refused by name. */
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { findFiles } from '../../engine/files/find.ts'
import { folder } from '../engine/helpers.ts'
import { jsonLines } from '../sinks/helpers.ts'

const made = 'test/sources/foreign/delta/table'
const find = (at: string, path: string) =>
  findFiles('read', { path, more_paths: [] }, at, ['.parquet']).then(
    files => files.map(file => relative(at, file)),
    (error: Error) => error.message.replaceAll(at, '.'),
  )

it('rows are those of the latest version, with their partitions, as deltalake reads them', async () => {
  const { folder: at } = await run(
    {
      version: 1,
      name: 'delta',
      stages: [
        { id: 'pairs', use: 'read_parquet', with: { path: made } },
        { id: 'out', use: 'write_jsonl', with: { order_by: 'id' } },
      ],
    },
    { output: join(folder(), 'out'), workers: 1 },
  )
  // r0 and r1 were deleted, r4 was changed
  const langs = { 2: 'en', 3: 'd e', 4: 'd e', 5: 'd e', 6: null, 7: null }
  expect(jsonLines(join(at, 'out'))).toEqual(
    Object.entries(langs).map(([i, lang]) => ({
      ...{ id: `r${i}`, prompt: `Question ${i}?`, rejected: `Bad ${i}.`, lang },
      chosen: i === '4' ? 'Better 4.' : `Good ${i}.`,
    })),
  )
})

it('its files by a pattern, or below a folder, are still refused; one by its name is read', async () => {
  for (const path of [`${made}/*/*.parquet`, dirname(made)]) {
    expect(await find('.', path)).toContain('name its folder alone, which is read by its log, or name each file')
  }
  const file = join(made, 'lang=en', readdirSync(join(made, 'lang=en'))[0])
  expect(await find('.', file)).toEqual([file])
})

/** A table of these commits, of which each is some actions; `files` are there. */
function table(commits: Readonly<Record<number, readonly (object | string)[]>>, ...files: string[]): string {
  const at = folder()
  mkdirSync(join(at, 't/_delta_log'), { recursive: true })
  for (const [version, actions] of Object.entries(commits)) {
    const text = actions.map(one => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')
    writeFileSync(join(at, 't/_delta_log', `${version.padStart(20, '0')}.json`), text)
  }
  for (const file of files) {
    mkdirSync(dirname(join(at, 't', file)), { recursive: true })
    writeFileSync(join(at, 't', file), '')
  }
  return at
}
const add = (path: string, more: object = {}) => ({ add: { path, partitionValues: {}, ...more } })

it('commits are applied in their order, names of files are URLs', async () => {
  const commits = { 0: [add('a.parquet'), add('k=x%2520y/b.parquet', { partitionValues: { k: 'x y' } })], 1: [{ remove: { path: 'a.parquet' } }, add('c.parquet')] } // prettier-ignore
  const at = table(commits, 'a.parquet', 'k=x%20y/b.parquet', 'c.parquet', 'z.parquet')
  expect(await find(at, 't')).toEqual(['t/c.parquet', 't/k=x%20y/b.parquet'])
})

it.each<[string, Readonly<Record<number, readonly (object | string)[]>>, string]>([
  ['deletion vectors', { 0: [add('a.parquet', { deletionVector: { storageType: 'u' } })] }, 'with deletion vectors: rows of 1 of its 1 files are deleted, as of a.parquet'],
  ['mapped columns', { 0: [{ metaData: { configuration: { 'delta.columnMapping.mode': 'name' } } }, add('a.parquet')] }, 'whose columns have other names in its files (column mapping by name)'],
  ['a feature that nobody knows', { 0: [{ protocol: { minReaderVersion: 3, readerFeatures: ['timestampNtz', 'typeWidening'] } }] }, 'that asks of readers what is not known here (typeWidening)'],
  ['a file elsewhere', { 0: [add('s3://bucket/a.parquet')] }, 'with a file elsewhere, s3://bucket/a.parquet'],
  ['a file that is gone', { 0: [add('b.parquet')] }, 'that names 1 files which are not there, as ./t/b.parquet'],
  ['a partition that is not in the path', { 0: [add('a.parquet', { partitionValues: { day: '1' } })] }, 'whose partition day (1) does not stand in the path of its file a.parquet'],
  ['a log with a gap', { 0: [add('a.parquet')], 2: [] }, 'whose log lacks version 1: there is 00000000000000000002.json'],
  ['a log without its beginning', { 4: [add('a.parquet')] }, 'whose log lacks version 0'],
  ['a damaged log', { 0: ['{"add"'] }, 'whose log is damaged: 00000000000000000000.json holds a line that is no JSON'],
])('%s: refused by name', async (_, commits, why) => {
  expect(await find(table(commits, 'a.parquet'), 't')).toContain(`./t is a Delta Lake table ${why}`)
}) // prettier-ignore

it('a log whose checkpoint is gone is not whole', async () => {
  const at = folder()
  cpSync(made, join(at, 't'), { recursive: true })
  rmSync(join(at, 't/_delta_log/00000000000000000003.checkpoint.parquet'))
  expect(await find(at, 't')).toContain('whose log lacks version 0: there is 00000000000000000003.json')
})
