/** Folders whose files are not all rows of one data set: tables with a log of their own, and splits. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findFiles } from '../../engine/files/find.ts'
import { folder } from '../engine/helpers.ts'

function tree(...files: string[]): string {
  const at = folder()
  for (const file of files) {
    mkdirSync(dirname(join(at, file)), { recursive: true })
    writeFileSync(join(at, file), '')
  }
  return at
}
/** What is found, what is said, or what ends the search. */
async function find(at: string, ...paths: string[]) {
  const ends = ['.parquet', '.jsonl', '.jsonl.gz', '.jsonl.zst']
  const [path, ...more_paths] = paths,
    said: string[] = []
  const files = await findFiles('read', { path, more_paths }, at, ends, text => said.push(text)).catch(
    (error: Error & { exit?: number }) => {
      expect(error.exit).toBe(65)
      return error.message
    },
  )
  return typeof files === 'string'
    ? files.replaceAll(at, '.')
    : [files.map(file => relative(at, file)), ...said.map(text => text.replaceAll(at, '.'))]
}

describe('tables that keep what was deleted', () => {
  it.each([
    [
      'an Iceberg table',
      ['t/metadata/v1.metadata.json', 't/data/a.parquet', 't/data/day=1/b.parquet'],
      't',
      './t/data',
    ],
    ['a Hudi table', ['t/.hoodie/hoodie.properties', 't/a.parquet'], 't', './t'],
  ])('%s is refused by folder and by pattern, and read by the names of its files', async (what, files, named, at) => {
    const top = tree(...files),
      some = files.filter(file => file.endsWith('.parquet'))
    for (const path of [named, '.', '**/*.parquet', `${dirname(some.at(-1)!)}/*`]) {
      const said = await find(top, path)
      expect(said).toContain(`is of ${what} (${at}), whose files also hold rows that were deleted or changed since`)
      expect(said).toMatch(/; write the table out first, as by .*, or name each file to read it as it is$/)
    }
    expect(await find(top, ...some)).toEqual([some])
  })

  it('a folder data beside other metadata is none', async () => {
    const top = tree('t/metadata/about.json', 't/data/a.parquet')
    expect((await find(top, 't'))[0]).toEqual(['t/data/a.parquet'])
  })
})

it('packed files beside those that they unpack to are left unread, unless they are named', async () => {
  const top = tree('a.jsonl', 'a.jsonl.gz', 'b.jsonl.zst')
  for (const path of ['.', '*', '*.jsonl*']) {
    expect(await find(top, path)).toEqual([
      ['a.jsonl', 'b.jsonl.zst'],
      'read: 1 packed file is left unread, as it lies beside a file of its name that is not packed: ./a.jsonl.gz',
    ])
  }
  expect(await find(top, 'a.jsonl', 'a.jsonl.gz')).toEqual([['a.jsonl', 'a.jsonl.gz']])
})

describe('splits of a data set', () => {
  const warned = async (paths: string | string[], ...files: string[]) =>
    ((await find(tree(...files), ...[paths].flat())) as string[])[1]

  it('that are read as one are told', async () => {
    expect(
      await warned(
        '.',
        'data/train-00000-of-00002.parquet',
        'data/train-00001-of-00002.parquet',
        'data/test-00000.parquet',
      ),
    ).toBe(
      'read: reads test (./data/test-00000.parquet) and train (2 files, as ./data/train-00000-of-00002.parquet) as one: rows that are kept for testing become rows to train on; name the files of one split, as by a pattern, unless that is meant',
    )
    expect(await warned('.', 'train/0.parquet', 'validation/0.parquet')).toMatch(/reads train \(.*and validation \(/)
    expect(await warned('*.parquet', 'my_Train.parquet', 'my_dev.parquet')).toMatch(/train \(.*and validation \(/)
    expect(await warned(['a.train.parquet', 'a.eval.parquet'], 'a.train.parquet', 'a.eval.parquet')).toBeTruthy()
  })

  it('of one kind, and words that only look like one, are not', async () => {
    for (const files of [
      ['train/0.parquet', 'train/1.parquet'],
      ['train.parquet', 'strained.parquet', 'latest.parquet'],
      ['eval.parquet', 'test.parquet'],
      ['test/a.parquet', 'test/train.parquet'].slice(1),
      ['test/train/a.parquet', 'test/train/b.parquet'],
    ]) {
      expect(await warned('.', ...files), files.join()).toBeUndefined()
    }
  })
})
