/** `sluice verify`: any change of a published run is found, and nothing else is. */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { RecordBatchReader } from 'apache-arrow'
import { beforeAll, describe, expect, it } from 'vitest'
import { main, run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from '../engine/helpers.ts'
import { inProcess, sluice } from './helpers.ts'

describe('sluice verify', () => {
  const at = folder(),
    first = join(at, 'first')
  const graph = {
    version: 1 as const,
    name: 'test',
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: join(at, 'in.jsonl') } },
      { id: 'dpo', use: 'write_arrow' },
    ],
  }
  const shard = join('dpo', 'data-00000-of-00001.arrow'),
    ledger = join('ledger', 'data-00000-of-00001.arrow')
  beforeAll(async () => {
    writeJsonl(join(at, 'in.jsonl'), pairs(2500))
    await run(graph, { output: first })
  })

  /**
   * Bytes up to the end of the second of three record batches, without an end of stream: the first place of a message's
   * marker before which 2,000 rows can be read.
   */
  function twoBatches(bytes: Buffer): Buffer {
    let at = 0
    const marker = Buffer.from([0xff, 0xff, 0xff, 0xff]),
      starts: number[] = []
    for (let i = bytes.indexOf(marker); i >= 0; i = bytes.indexOf(marker, i + 8)) if (i % 8 === 0) starts.push(i)
    for (const start of starts) {
      try {
        if ([...RecordBatchReader.from(bytes.subarray(0, start))].reduce((n, batch) => n + batch.numRows, 0) === 2000) {
          at = start
        }
      } catch {
        /* not an end of a message */
      }
      if (at > 0) break
    }
    return bytes.subarray(0, at)
  }

  it('is no need where nothing is new: what was damaged since is published anew, and told', async () => {
    const output = join(at, 'damaged'),
      options = { output, workers: 1, onWarning: (text: string) => told.push(text) },
      told: string[] = []
    const before = await run(graph, options),
      path = join(before.folder, shard),
      bytes = readFileSync(path),
      damaged = Buffer.from(bytes)
    damaged[damaged.length >> 1] ^= 1
    writeFileSync(path, damaged)
    const again = await run(graph, options)
    expect(again.status).toBe('published')
    expect(told).toEqual([
      expect.stringMatching(
        /^run: \S+\/dpo\/data-00000-of-00001.arrow is not what was published, so all is published anew$/,
      ),
    ])
    expect(readFileSync(join(again.folder, shard)).equals(bytes)).toBe(true)
    expect((await run(graph, options)).status).toBe('nothing_new')
  })

  /** Changes what a manifest says, as an editor would. */
  const edit = (folder: string, from: RegExp | string, to: string) => {
    const path = join(folder, 'manifest.json'),
      text = readFileSync(path, 'utf8'),
      edited = text.replace(from, to)
    expect(edited).not.toBe(text)
    writeFileSync(path, edited)
  }

  it.each([
    ['a count', (folder: string) => edit(folder, /"kept": \d+/, '"kept": 7')],
    ['the rows of an input', (folder: string) => edit(folder, /"rows": 2500/, '"rows": 2501')],
    ['the hash of the run', (folder: string) => edit(folder, /"hash": "../, '"hash": "zz')],
    ['the checksum', (folder: string) => edit(folder, /"sha256": "..(?=[^"]*"\n}\n$)/, '"sha256": "zz')],
    ['the name of the checksum', (folder: string) => edit(folder, /"sha256"(?=[^"]*"[^"]*"\n}\n$)/, '"rha256"')],
    ['the checksum, gone,', (folder: string) => edit(folder, /,\n {2}"sha256": "\w+"\n\}\n$/, '\n}\n')],
    ['the word that there is a checksum', (folder: string) => edit(folder, '"sealed"', '"seaked"')],
    ['blanks', (folder: string) => edit(folder, '\n}\n', '\n}')],
    [
      'the files, and a shard is empty',
      (folder: string) => {
        edit(folder, /\n {2}"files": \{.*?\n {2}\}/s, '\n  "files": {}')
        writeFileSync(join(folder, shard), '')
      },
    ],
    [
      'all of it',
      (folder: string) => {
        writeFileSync(join(folder, 'manifest.json'), '{"sha256":1}')
      },
    ],
  ])('holds the manifest against its own checksum: %s changed in it', async (_, damage) => {
    const output = join(folder(), 'out'),
      told: string[] = []
    cpSync(first, output, { recursive: true, verbatimSymlinks: true })
    const before = readFileSync(join(output, 'latest', 'manifest.json'), 'utf8')
    damage(join(output, 'latest'))
    const ended = await inProcess('verify', '--output', output)
    expect(ended).toMatchObject({ code: 65, stdout: '' })
    expect(ended.stderr).toContain('manifest.json is not what was published (its sha256 differs)')
    const again = await run(graph, { output, workers: 1, onWarning: text => told.push(text) })
    expect(again.status).toBe('published')
    expect(told).toEqual([
      `run: ${join(output, 'latest', 'manifest.json')} is not what was published, so all is published anew`,
    ])
    expect(readFileSync(join(output, 'latest', 'manifest.json'), 'utf8')).toBe(before)
    expect(JSON.parse(before)).toEqual(again.manifest)
    expect((await run(graph, { output, workers: 1 })).status).toBe('nothing_new')
  })

  it.each([
    [
      'ids changed places',
      'ledger/data-00000-of-00001.arrow is not what was published (its sha256 differs)',
      (folder: string) => {
        const text = readFileSync(join(folder, ledger), 'latin1')
        writeFileSync(join(folder, ledger), text.replace('r3r4', 'r4r3'), 'latin1')
      },
    ],
    [
      'it was cut off',
      'ledger/data-00000-of-00001.arrow has 1000 bytes',
      (folder: string) => {
        writeFileSync(join(folder, ledger), readFileSync(join(folder, ledger)).subarray(0, 1000))
      },
    ],
    [
      'it is gone',
      'ledger/data-00000-of-00001.arrow is missing',
      (folder: string) => {
        rmSync(join(folder, ledger))
      },
    ],
    [
      'the manifest was edited',
      'manifest.json is not what was published (its sha256 differs)',
      (folder: string) => edit(folder, /"kept": \d+/, '"kept": 7'),
    ],
  ])('holds for `why` too: a ledger of which %s answers nothing', async (_, message, damage) => {
    const output = join(folder(), 'out')
    cpSync(first, output, { recursive: true, verbatimSymlinks: true })
    expect((await inProcess('why', 'r3', '--output', output)).stdout).toMatch(/^r3  kept, in dpo/)
    damage(join(output, 'latest'))
    const ended = await inProcess('why', 'r3', '--output', output)
    expect(ended).toMatchObject({ code: 65, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).toContain('publish again by running the same graph')
  })

  it.each<[string, string, boolean?]>([
    ['write_arrow', 'data-00001-of-00002.arrow'],
    ['write_arrow', 'more/b.parquet'],
    ['write_jsonl', 'b.JSONL'],
    ...['b.jsonl.gz', 'b.jsonl.zst', 'b.pq', 'b.ipc', 'b.jsonlines', 'b.orc'].map((name): [string, string] => [
      'write_jsonl',
      name,
    ]),
    ['write_arrow', 'linked.parquet', true],
    ['write_jsonl', 'linked-folder', true],
    ['write_jsonl', 'b.json'],
    ['write_arrow', 'b.CSV'],
    ['write_arrow', '../ledger/b.arrow'],
    ['write_arrow', '../dropped/pairs/b.jsonl'],
  ])(
    'tells of data beside what %s published: %s, and a run that has nothing new does too',
    async (use, name, isLink = false) => {
      const output = join(folder(), 'out'),
        other = { ...graph, stages: [graph.stages[0], { id: 'dpo', use }] }
      await run(other, { output, workers: 1 })
      const dpo = join(output, 'latest', 'dpo'),
        told: string[] = []
      const stray = join('dpo', name)
      for (const path of [join(dpo, 'more'), join(dpo, '..', 'dropped', 'pairs')]) mkdirSync(path, { recursive: true })
      // what `datasets` makes, and what is no data
      for (const harmless of ['cache-12ab34.arrow', 'cache-12_00000_of_00002.arrow', 'notes.txt']) {
        writeFileSync(join(dpo, harmless), 'x')
      }
      const before = await inProcess('verify', '--output', output)
      expect([before.code, before.stderr]).toEqual([0, expect.stringContaining('3 files in ')])
      expect((await run(other, { output, workers: 1, onWarning: text => told.push(text) })).status).toBe('nothing_new')
      expect(told).toEqual([])
      if (isLink) symlinkSync(join(dpo, name === 'linked-folder' ? 'more' : 'notes.txt'), join(dpo, name))
      else writeFileSync(join(dpo, name), 'x')
      const ended = await inProcess('verify', '--output', output)
      expect(ended.code).toBe(65)
      expect(ended.stderr).toContain(`\n  ${stray} was not published by this run`)
      expect((await run(other, { output, workers: 1, onWarning: text => told.push(text) })).status).toBe('nothing_new')
      expect(told).toEqual([
        `run: 1 file in ${join(output, 'latest')} that no run published there: ${stray}; what reads the whole folder reads that too, so move it away`,
      ])
    },
  )

  it.each(['verify', 'why'])(
    '%s too follows `latest` where it is an absolute link, or one to a link',
    async command => {
      const output = join(folder(), 'out'),
        link = join(output, 'latest'),
        words = [command, ...(command === 'why' ? ['r3'] : []), '--output', output]
      cpSync(first, output, { recursive: true, verbatimSymlinks: true })
      for (const target of [realpathSync(link), 'current']) {
        symlinkSync(realpathSync(link), join(output, 'current'))
        rmSync(link)
        symlinkSync(target, link)
        expect(await sluice(...words), target).toMatchObject({ code: 0, stderr: '' })
        if (target !== 'current') rmSync(join(output, 'current'))
      }
    },
  )

  it.each(['verify', 'why'])('says, by %s too, where latest is a folder and no link', async command => {
    const output = join(folder(), 'out')
    cpSync(first, output, { recursive: true })
    rmSync(join(output, 'latest'))
    cpSync(join(first, 'latest'), join(output, 'latest'), { recursive: true, dereference: true })
    const ended = await sluice(command, ...(command === 'why' ? ['r3'] : []), '--output', output)
    expect(ended).toMatchObject({ code: 74, stdout: '' })
    expect(ended.stderr).toContain(`sluice: ${join(output, 'latest')} is not a link to a run`)
    expect(ended.stderr).not.toMatch(/^ +at /m)
  })

  it('sees that two runs have the names of each other', async () => {
    const at = folder(),
      output = join(at, 'out'),
      runs = join(output, 'runs'),
      path = join(at, 'in.jsonl'),
      stages = [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'dpo', use: 'write_jsonl' },
      ]
    for (const rows of [5, 3]) {
      writeJsonl(path, pairs(rows))
      await run({ version: 1, name: 'g', stages }, { output, workers: 1 })
    }
    const [first, second] = readdirSync(runs)
    renameSync(join(runs, first), join(runs, 'x'))
    renameSync(join(runs, second), join(runs, first))
    renameSync(join(runs, 'x'), join(runs, second))
    const ended = await inProcess('verify', '--output', output)
    expect(ended.code).toBe(65)
    expect(ended.stderr).toMatch(/the folder \S+ holds the run [0-9a-f]{8}, by its manifest: it was put in the place/)
  })

  it('names the folder of a sink that is missing, also where its manifest names no file of it', async () => {
    const output = join(folder(), 'out')
    cpSync(first, output, { recursive: true, verbatimSymlinks: true })
    rmSync(join(output, 'latest', 'dpo'), { recursive: true })
    const path = join(output, 'latest', 'manifest.json'),
      { sha256: _, sealed: __, ...manifest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>
    const files = Object.entries(manifest.files).filter(([file]) => !file.startsWith('dpo/'))
    writeFileSync(path, JSON.stringify({ ...manifest, files: Object.fromEntries(files) }))
    const ended = await sluice('verify', '--output', output)
    expect(ended).toMatchObject({ code: 65, stdout: '' })
    expect(ended.stderr).toContain('dpo is missing, the folder of the 2500 rows that it was given')
  })

  it('takes a manifest of before there was a checksum as it is', async () => {
    const output = join(folder(), 'out')
    cpSync(first, output, { recursive: true, verbatimSymlinks: true })
    edit(join(output, 'latest'), /,\n {2}"sha256": "\w+"\n\}\n$/, '\n}\n')
    edit(join(output, 'latest'), '  "sealed": true,\n', '')
    expect((await sluice('verify', '--output', output, '--quiet')).code).toBe(0)
    expect((await run(graph, { output, workers: 1 })).status).toBe('nothing_new')
  })

  it.each([
    [
      'a shard is removed',
      65,
      'dpo/data-00000-of-00001.arrow is missing',
      (folder: string) => {
        rmSync(join(folder, shard))
      },
    ],
    [
      'a shard ends after a batch',
      65,
      'dpo has 2000 rows, published were 2500',
      (folder: string) => {
        writeFileSync(join(folder, shard), twoBatches(readFileSync(join(folder, shard))))
      },
    ],
    [
      'a byte of the ledger differs',
      65,
      'ledger/data-00000-of-00001.arrow is not what was published',
      (folder: string) => {
        const bytes = readFileSync(join(folder, ledger))
        bytes[bytes.indexOf('kept')] ^= 1
        writeFileSync(join(folder, ledger), bytes)
      },
    ],
    [
      'the ledger is removed',
      65,
      'ledger/data-00000-of-00001.arrow is missing',
      (folder: string) => {
        rmSync(join(folder, 'ledger'), { recursive: true })
      },
    ],
    [
      'the manifest is removed',
      66,
      'no manifest.json in',
      (folder: string) => {
        rmSync(join(folder, 'manifest.json'))
      },
    ],
    [
      'the manifest is cut',
      65,
      'manifest.json is damaged',
      (folder: string) => {
        writeFileSync(join(folder, 'manifest.json'), readFileSync(join(folder, 'manifest.json')).subarray(0, 300))
      },
    ],
  ])('tells that %s, and the next run publishes again', async (_, code, message, damage) => {
    const output = join(folder(), 'out')
    cpSync(first, output, { recursive: true, verbatimSymlinks: true })
    expect(await main(['verify', '--output', output, '--quiet'])).toBe(0)
    damage(join(output, 'latest'))
    const ended = await inProcess('verify', '--output', output)
    expect(ended.code).toBe(code)
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).not.toMatch(/^ +at /m)
    const again = await run(graph, { output, workers: 1 })
    expect(again.status).toBe('published')
    expect(await main(['verify', '--output', output, '--quiet'])).toBe(0)
  })
})
