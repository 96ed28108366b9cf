/** Pairs of Parquet files in many dialects, and how paths are found. */
import { mkdtempSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { SourceOptions } from '../../engine/source/options.ts'
import { openInputs } from '../../engine/source/open.ts'
import readParquet from '../../stages/sources/read_parquet.ts'
import { optionsOf, readAll as readFiles } from './files.ts'
import { assistant, user } from './helpers.ts'

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url))
const readAll = (path: string, more: Partial<SourceOptions> = {}, step?: number) =>
  readFiles(readParquet, data, path, more, step)

const lines = (name: string): Record<string, unknown>[] =>
  readFileSync(join(data, 'parquet-dialects', name), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Record<string, unknown>)

/** What a line of a sample says as a pair, with its other columns. */
function expected(line: Record<string, unknown>): Record<string, unknown> {
  const said = (value: unknown, role: 'user' | 'assistant') =>
    typeof value === 'string' ? [role === 'user' ? user(value) : assistant(value)] : value
  return {
    ...line,
    prompt: said(line.prompt, 'user'),
    chosen: said(line.chosen, 'assistant'),
    rejected: said(line.rejected, 'assistant'),
  }
}

interface Entry {
  readonly file: string
  readonly rows: number
  readonly expected: string
}
const manifest = JSON.parse(readFileSync(join(data, 'parquet-dialects/manifest.json'), 'utf8')) as Entry[]

describe('Parquet dialects', () => {
  for (const { file, rows, expected: wanted } of manifest.filter(
    entry => entry.expected?.startsWith('sample-') && !entry.expected.startsWith('sample-raw'),
  )) {
    it(file, async () => {
      const { pairs, refused } = await readAll(`parquet-dialects/${file}`, {}, 100)
      const all = lines(wanted.split(' ')[0]).slice(0, rows)
      const whole = all.filter(line => line.chosen !== null && line.rejected !== null)
      const byId = new Map(whole.map(line => [line.id, expected(line)]))
      expect(pairs.length).toBe(whole.length)
      expect(new Set(pairs.map(pair => pair.id)).size).toBe(whole.length)
      for (const pair of pairs) {
        const want = byId.get(pair.id)!
        for (const [name, value] of Object.entries(want)) {
          if (name in pair) expect(pair[name], `${pair.id} ${name}`).toEqual(value)
        }
        expect(pair).toMatchObject({ prompt: want.prompt, chosen: want.chosen, rejected: want.rejected })
      }
      for (const line of all) if (!whole.includes(line)) expect(refused.get(line.id as string)).toBe('tied_vote')
      expect(refused.size).toBe(all.length - whole.length)
    })
  }

  it('a file without rows', async () => {
    const {
      files: [file],
      rows,
    } = await readAll('parquet-dialects/a-empty.parquet')
    expect([file.rows, rows, file.layout, file.starts]).toEqual([0, 0, 'mixed', [0]])
  })

  it('carries 206 columns beside the pair, or those that are named', async () => {
    const {
      files: [file],
    } = await readAll('parquet-dialects/a-many-columns.parquet')
    expect(file.schema.fields.length).toBe(210)
    const { pairs } = await readAll('parquet-dialects/a-many-columns.parquet', { columns: ['meta_7', 'n_turns'] })
    expect(Object.keys(pairs[0])).toEqual(['id', 'prompt', 'chosen', 'rejected', 'n_turns', 'meta_7'])
  })

  it('says what it found', async () => {
    const [file] = await openInputs(readParquet, optionsOf('parquet-dialects/a-rowgroups-100.parquet'), data)
    expect(file).toMatchObject({
      rows: 240,
      starts: [0, 100, 200],
      layout: 'mixed',
      isText: false,
      facts: { row_groups: 3, codecs: 'SNAPPY', checksums: 'none' },
    })
    const [text] = await openInputs(readParquet, optionsOf('parquet-dialects/b-nullable-zstd.parquet'), data)
    expect(text).toMatchObject({ layout: 'text', isText: true })
  })
})

describe('paths', () => {
  it('a hive folder gives its keys as text columns, in order of the paths', async () => {
    const { pairs, files } = await readAll('parquet-dialects/hive')
    expect(files.map(file => file.path)).toEqual([...files.map(file => file.path)].sort())
    const byId = new Map(lines('sample-a.jsonl').map(line => [line.id, line.subset]))
    expect(pairs.length).toBe(240)
    for (const pair of pairs) expect(pair.subset).toBe(byId.get(pair.id))
  })

  it('a folder, a glob and a list of files are the same input, each file once', async () => {
    const shards = await readAll('parquet-dialects/shards')
    const glob = await readAll('parquet-dialects/shards/train-*.parquet', {
      more_paths: ['parquet-dialects/shards/train-00000-of-00004.parquet'],
    })
    expect(shards.pairs.map(pair => pair.id)).toEqual(lines('sample-a.jsonl').map(line => line.id))
    expect(glob.pairs).toEqual(shards.pairs)
  })

  it('nothing found ends with 66, naming every path', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'sluice-'))
    const failure = openInputs(
      readParquet,
      optionsOf('nowhere.parquet', { more_paths: ['none-*.parquet', '.'] }),
      empty,
    )
    await expect(failure).rejects.toMatchObject({ exit: 66 })
    await expect(failure).rejects.toThrow(
      /'nowhere\.parquet' does not exist; 'none-\*\.parquet' matches no file; '\.' is a folder without/,
    )
  })

  it('a name with brackets is that file; other files and hidden ones in a folder are left alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
    mkdirSync(join(folder, '_delta_log'))
    for (const name of ['a[1].parquet', 'notes.txt', '.b.parquet', '_delta_log/c.parquet']) {
      copyFileSync(join(data, 'parquet-dialects/a-empty.parquet'), join(folder, name))
    }
    for (const path of ['a[1].parquet', '.']) {
      const files = await openInputs(readParquet, optionsOf(path), folder)
      expect(files.map(file => file.path)).toEqual([join(folder, 'a[1].parquet')])
    }
  })

  it('names all files that cannot be read in one error', async () => {
    const failure = openInputs(readParquet, optionsOf('parquet-dialects/damaged'), data)
    for (const name of [
      'truncated-half',
      'no-footer-magic',
      'bad-magic',
      'footer-length-huge',
      'empty-file',
      'four-bytes',
      'jsonl-named-parquet',
    ]) {
      await expect(failure).rejects.toThrow(`${name}.parquet: `)
    }
    await expect(failure).rejects.toThrow(/7 of 8 files/)
  })

  it('refuses columns that are no pairs with the table of layouts', async () => {
    const failure = openInputs(
      readParquet,
      optionsOf('gsm8k/train.parquet', { more_paths: ['llmbar-judges/votes.parquet'] }),
      data,
    )
    await expect(failure).rejects.toThrow(/2 of 2 files[\s\S]*it is unpaired[\s\S]*no column of it is a prompt/)
    await expect(
      openInputs(readParquet, optionsOf('llmbar/test.parquet', { columns: ['labell'] }), data),
    ).rejects.toThrow(/names labell, which is not there/)
    await expect(
      openInputs(readParquet, optionsOf('llmbar/test.parquet', { layout: 'implicit' }), data),
    ).rejects.toThrow(/layout 'implicit'/)
  })
})

describe('real sets', () => {
  it('transcripts come out as the published parse has them, and 29 rows are refused', async () => {
    const raw = await readAll('hh-rlhf-raw'),
      parsed = await readAll('hh-rlhf')
    expect([raw.rows, raw.refused.size, parsed.pairs.length, parsed.refused.size]).toEqual([8552, 29, 8523, 0])
    expect(raw.files.every(file => file.layout === 'transcripts')).toBe(true)
    const byId = new Map(parsed.pairs.map(pair => [pair.id, pair]))
    for (const { id, prompt, chosen, rejected } of raw.pairs) {
      const want = byId.get(id)!
      expect({ id, prompt, chosen, rejected }).toEqual({
        id,
        prompt: want.prompt,
        chosen: want.chosen,
        rejected: want.rejected,
      })
    }
    expect(new Set(raw.pairs.map(pair => pair.id)).size).toBe(8523)
  })

  it('votes that tied are refused', async () => {
    const {
      pairs,
      refused,
      rows,
      files: [file],
    } = await readAll('ukpconvarg1')
    expect([rows, file.layout]).toEqual([16927, 'text'])
    expect(new Set(refused.values())).toEqual(new Set(['tied_vote']))
    expect(pairs.length + refused.size).toBe(rows)
    expect(refused.size).toBeGreaterThan(0)
  })

  for (const [path, layout] of [
    ['dpo-reward-margins', 'text'],
    ['factor', 'text'],
    ['gsm8k/correct-vs-wrong-pairs.parquet', 'text'],
    ['jade-zh', 'text'],
    ['llamafactory-dpo-demo', 'mixed'],
    ['oasst-100/pairs.parquet', 'mixed'],
    ['oasst-rm-zh', 'mixed'],
    ['sparse-feedback/rankings.parquet', 'text'],
    ['truthfulqa', 'text'],
    ['mr-gsm8k', 'text'],
    ['ifbench-pairs', 'mixed'],
    ['hhh-alignment', 'text'],
  ] as const) {
    it(path, async () => {
      const { files, pairs, refused, rows } = await readAll(path)
      expect(new Set(files.map(file => file.layout))).toEqual(new Set([layout]))
      expect(pairs.length + refused.size).toBe(rows)
    })
  }
})
