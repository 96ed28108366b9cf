/** Inputs that are damaged, absent, no pairs, or changed midway: how each run ends, and with what words. */
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import parquet from 'parquetjs-lite'
import { open } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import { exitCode } from '../../engine/errors.ts'
import { run } from '../../index.mjs'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { copyGraph, inProcess, latestFiles, leavesAlone, sluice, stateOf, writeGraph } from './helpers.ts'

const dialects = fileURLToPath(new URL('../../../shared/data/parquet-dialects/', import.meta.url))
const damaged = join(dialects, 'damaged')
const good = join(dialects, 'a-codec-none.parquet')
/** It has no checksum: no reader can tell that it is damaged. */
const SILENT = 'flipped-byte-in-page.parquet'
const broken = readdirSync(damaged)
  .filter(name => name !== SILENT)
  .sort()

interface LedgerRow {
  id: string
  row: number
  outcome: string
  stage: string | null
  reason: string | null
  detail: string | null
}
const ledgerOf = (run: string) => rowsOf(join(run, 'ledger')) as unknown as LedgerRow[]
const graphOf = (path: string, use = 'read_jsonl') => ({
  version: 1 as const,
  name: 'test',
  partition_rows: 40,
  stages: [
    { id: 'pairs', use, with: { path } },
    { id: 'checked', use: 'check_pairs' },
    { id: 'dpo', use: 'write_arrow' },
  ],
})
const refused = (graph: Parameters<typeof run>[0], output: string): Promise<Error & { exit?: number }> =>
  run(graph, { output, workers: 1 }).then(
    () => {
      throw new Error('it was published')
    },
    (error: unknown) => error as Error & { exit?: number },
  )
const row = (more: object = {}) => ({ id: 'a', prompt: 'why?', chosen: 'yes it is', rejected: 'not at all', ...more })
/** Lines that are given as text go in as they are. */
function lines(rows: readonly (object | string)[]): string {
  const path = join(folder(), 'in.jsonl')
  writeFileSync(path, rows.map(one => `${typeof one === 'string' ? one : JSON.stringify(one)}\n`).join(''))
  return path
}

it('a disk that fails while an input is read ends the run with 74 and the file, whatever its format', async () => {
  const at = folder(),
    jsonl = lines([row()]),
    handle = await open(jsonl),
    fault = () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' }))
  const read = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'read')
  try {
    for (const [path, use] of [
      [good, 'read_parquet'],
      [jsonl, 'read_jsonl'],
    ] as const) {
      read.mockImplementation(fault)
      const error = await refused(graphOf(path, use), join(at, 'out'))
      expect(error.message).toContain(`${path}: cannot be read (EIO: i/o error, read)`)
      expect(exitCode(error)).toBe(74)
    }
  } finally {
    read.mockRestore()
    await handle.close()
  }
})

it('a file that is moved from one source to another that was searched before ends the run with 75', async () => {
  const at = folder(),
    [from, to] = ['later', 'before'].map(name => join(at, name)),
    handle = await open(good)
  for (const [place, ...names] of [
    [to, 'a'],
    [from, 'b', 'c'],
  ]) {
    mkdirSync(place)
    for (const name of names) writeFileSync(join(place, `${name}.jsonl`), `${JSON.stringify(row({ id: name }))}\n`)
  }
  const graph = graphOf(to)
  graph.stages.splice(1, 0, { id: 'others', use: 'read_jsonl', with: { path: from } })
  Object.assign(graph.stages[2], { from: ['pairs', 'others'] })
  const { read } = Object.getPrototypeOf(handle) as typeof handle
  const spy = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'read')
  spy.mockImplementationOnce(function (this: typeof handle, ...args) {
    // the first source is searched, the second is not
    renameSync(join(from, 'b.jsonl'), join(to, 'b.jsonl'))
    return (read as (...args: unknown[]) => Promise<never>).apply(this, args)
  })
  try {
    const error = await refused(graph, join(at, 'out'))
    expect(error.message).toMatch(/^read_jsonl: b\.jsonl came into \S*before while files were searched for/)
    expect(exitCode(error)).toBe(75)
  } finally {
    spy.mockRestore()
    await handle.close()
  }
  const { folder: published } = await run(graph, { output: join(at, 'out'), workers: 1 })
  expect(ledgerOf(published).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
})

describe('a damaged Parquet file', () => {
  it.each(broken)('%s alone is refused with its name and what to do', async name => {
    const at = folder(),
      output = join(at, 'out')
    const error = await refused(copyGraph(join(at, 'g.json'), join(damaged, name)), output)
    expect(error).toMatchObject({ exit: 65 })
    expect(error.message).toContain(`read_parquet: ${join(damaged, name)}: `)
    expect(error.message).toMatch(/fetch or write it again|give a Parquet file/)
    expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
  })

  it('among good ones is named with all others that are, and the latest run stays', async () => {
    const at = folder(),
      output = join(at, 'out'),
      graph = copyGraph(join(at, 'g.json'), good)
    expect((await inProcess('run', graph, '--output', output, '--quiet', '--workers', '1')).code).toBe(0)
    const { code, stderr, stdout } = await leavesAlone(output, () =>
      sluice('run', graph, '--output', output, '--input', good, '--input', join(damaged, '*.parquet')),
    )
    expect(code).toBe(65)
    expect(stdout).toBe('')
    for (const name of broken) expect(stderr).toContain(`${join(damaged, name)}: `)
    expect(stderr).toContain(`${broken.length} of ${broken.length + 2} files cannot be read`)
    expect(stderr).not.toContain(basename(good))
    // a message, not a trace
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('that no reader can tell as damaged does not crash', async () => {
    const { code, stderr } = await sluice(
      'run',
      copyGraph(join(folder(), 'g.json'), join(damaged, SILENT)),
      '--output',
      join(folder(), 'out'),
    )
    expect([0, 65]).toContain(code)
    expect(stderr).not.toMatch(/^ +at /m)
  })

  it('whose pages are damaged is refused with row group and column while it is read', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = join(at, 'pages.parquet')
    const source = join(dialects, 'a-page-index-checksum.parquet'),
      bytes = Buffer.from(readFileSync(source))
    bytes[Math.floor(bytes.length * 0.4)] ^= 0x55
    writeFileSync(path, bytes)
    const { code, stderr } = await leavesAlone(output, () =>
      inProcess('run', '--workers', '1', copyGraph(join(at, 'g.json'), path), '--output', output, '--quiet'),
    )
    expect(code).toBe(65)
    expect(stderr).toMatch(/pages\.parquet: row group \d+, column \w+/)
    expect(stderr).not.toMatch(/^ +at /m)
  })
})

describe('rows that are no pairs', () => {
  it.each([
    ['a missing column', [{ prompt: 'a', chosen: 'b' }], 'prompt Utf8, chosen Utf8'],
    ['a column of another name', [{ prompt: 'a', chosen: 'b', rejectd: 'c' }], 'rejectd Utf8'],
    ['numbers for a side', [{ prompt: 'a', chosen: 3, rejected: 'c' }], 'chosen is Int64, neither text nor messages;'],
    ['lists that are all empty', [{ prompt: [], chosen: [], rejected: [] }], 'prompt List<Utf8>'],
    ['another layout altogether', [{ question: 'a', answer: 'b' }], 'question Utf8, answer Utf8'],
  ])('%s: refused with the columns there are, and what says where pairs are', async (_, rows, columns) => {
    const output = join(folder(), 'out'),
      path = lines(rows)
    const error = await refused(graphOf(path), output)
    expect(error).toMatchObject({ exit: 65 })
    expect(error.message.split('\n')[0]).toContain(`${path}: `)
    for (const part of [columns, "'map' or 'rename' of the source"]) {
      expect(error.message).toContain(part)
    }
    expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
  })

  it('a side of int64 in Parquet ends with 65', async () => {
    const at = folder(),
      path = join(at, 'int.parquet'),
      output = join(at, 'out')
    const writer = await parquet.ParquetWriter.openFile(
      new parquet.ParquetSchema({ prompt: { type: 'UTF8' }, chosen: { type: 'INT64' }, rejected: { type: 'UTF8' } }),
      path,
      {},
    )
    await writer.appendRow({ prompt: 'a', chosen: 3, rejected: 'b' })
    await writer.close()
    const { code, stderr } = await leavesAlone(output, () =>
      inProcess('run', '--workers', '1', copyGraph(join(at, 'g.json'), path), '--output', output, '--quiet'),
    )
    expect(code).toBe(65)
    expect(stderr).toContain(`${path}: chosen is Int64, neither text nor messages; `)
  })

  it('are each accounted for, with a reason', async () => {
    const long = 'lamp river '.repeat(2e6)
    const path = lines([
      row(),
      row({ id: 'tie', chosen: null, rejected: null }),
      row({ id: 'nothing', prompt: null }),
      row({ id: 'half', rejected: undefined }),
      row({ id: 'blank', prompt: '' }),
      row({ id: 'long', chosen: long }),
      '{"id":"lone","prompt":"a \\ud800 b","chosen":"x \\udc00","rejected":"z"}',
      row({ id: 'lost', chosen: 'bad \ufffd sign' }),
      '{broken',
      '[]',
      row({ id: 'last', prompt: 'who?' }),
    ])
    const { manifest, folder: out } = await run(graphOf(path), { output: join(folder(), 'out'), workers: 1 })
    expect(manifest.rows).toEqual({ read: 11, kept: 2, dropped: 9, errored: 0, derived: 0 })
    const reasons = ledgerOf(out).map(({ reason }) => reason)
    expect(reasons).toEqual([
      null,
      'tied_vote',
      'missing_prompt',
      'missing_rejected',
      'empty_prompt',
      'too_long',
      'unreadable_line',
      'replacement_characters',
      'unreadable_line',
      'unreadable_line',
      null,
    ])
    // what was dropped is there in full
    const dropped = rowsOf(join(out, 'dropped', 'checked')) as { id: string; chosen: unknown }[]
    expect(JSON.stringify(dropped.find(({ id }) => id === 'long'))).toContain(long)
  })

  it('and nothing else: all are dropped, nothing is published, and the exit code says so', async () => {
    const at = folder(),
      output = join(at, 'out'),
      graph = copyGraph(join(at, 'g.json'), lines([row()]), 'read_jsonl')
    expect((await inProcess('run', '--workers', '1', graph, '--output', output, '--quiet')).code).toBe(0)
    const before = stateOf(output)
    const { code, stderr } = await inProcess(
      'run',
      '--workers',
      '1',
      graph,
      '--output',
      output,
      '--quiet',
      '--input',
      lines([row({ chosen: null, rejected: null })]),
    )
    expect(code).toBe(65)
    expect(stderr).toContain('pairs.tied_vote 1')
    expect(stderr).toContain('nothing was kept')
    expect(stateOf(output)).toMatchObject({ latest: before.latest, files: before.files, locked: false })
  })

  it('no rows: nothing is published', async () => {
    const output = join(folder(), 'out')
    expect((await run(graphOf(join(dialects, 'a-empty.parquet'), 'read_parquet'), { output, workers: 1 })).status).toBe(
      'empty',
    )
    expect(stateOf(output).latest).toBeUndefined()
    expect(await refused(graphOf(lines([])), output)).toMatchObject({
      exit: 65,
      message: expect.stringContaining('in.jsonl: has no line') as unknown,
    })
  })

  it('one row, and 210 columns, are nothing special', async () => {
    expect((await run(graphOf(lines([row()])), { output: join(folder(), 'out'), workers: 1 })).manifest.rows.kept).toBe(
      1,
    )
    const { manifest } = await run(graphOf(join(dialects, 'a-many-columns.parquet'), 'read_parquet'), {
      output: join(folder(), 'out'),
      workers: 1,
    })
    expect(manifest.rows.read).toBe(240)
    expect(manifest.sinks.dpo.columns.length).toBe(210)
  })
})

describe('a JSONL file that ends within a line', () => {
  it.each([
    ['cut in a text', pairs(5), -30, 5],
    ['cut before its last bracket', pairs(20_001), -2, 20_001],
    ['cut in a letter', [...pairs(2), row({ chosen: '灯' }), row({ rejected: '灯' })], -4, 4],
  ])('%s is told on stderr, with the line', async (_, rows, end, last) => {
    const path = lines(rows)
    writeFileSync(path, readFileSync(path).subarray(0, end))
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const graph = writeGraph(`${path}.json`, stages, 50_000)
    const ended = await inProcess('run', '--workers', '1', graph, '--output', `${path}.out`, '--quiet')
    expect(ended).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: expect.stringContaining(
        `input: 1 of 1 files end within a line that is no JSON, and may have been cut off: ${path} (line ${last.toLocaleString('en-US')})\n`,
      ) as unknown,
    })
    expect(ledgerOf(join(`${path}.out`, 'latest')).filter(({ reason }) => reason !== null)).toMatchObject([
      { row: last - 1, reason: 'unreadable_line' },
    ])
  })

  it.each([
    ['is whole', (text: string) => text.slice(0, -1)],
    ['is blank', (text: string) => `${text}  `],
    ['is no JSON but has an end', (text: string) => `${text}{\n`],
  ])('is not told where its last line %s', async (_, change) => {
    const path = lines(pairs(5)),
      told: string[] = []
    writeFileSync(path, change(readFileSync(path, 'utf8')))
    await run(graphOf(path), { output: `${path}.out`, workers: 1, onWarning: text => told.push(text) })
    expect(told.filter(text => text.includes('cut off'))).toEqual([])
  })
})

describe('names of input', () => {
  it('a glob that matches nothing, a file that is not there and a folder without data end with 66, all named at once', async () => {
    const at = folder(),
      output = join(at, 'out')
    mkdirSync(join(at, 'bare'))
    const { code, stderr } = await leavesAlone(output, () =>
      inProcess(
        'run',
        '--workers',
        '1',
        copyGraph(join(at, 'g.json'), good),
        '--output',
        output,
        '--input',
        join(at, 'no-*.parquet'),
        '--input',
        join(at, 'none.parquet'),
        '--input',
        join(at, 'bare'),
      ),
    )
    expect(code).toBe(66)
    for (const part of [
      `'${join(at, 'no-*.parquet')}' matches no file`,
      `'${join(at, 'none.parquet')}' does not exist`,
      `'${join(at, 'bare')}' is a folder without a file *.parquet`,
    ]) {
      expect(stderr).toContain(part)
    }
  })

  it('may have spaces, colons, brackets and any letters, may be links, and count once', async () => {
    const at = folder(),
      output = join(at, 'out'),
      names = ['a b.jsonl', 'c:1.jsonl', '灯 [2].jsonl', 'é*?.jsonl']
    mkdirSync(join(at, 'real folder'))
    names.forEach((name, i) => writeJsonl(join(at, 'real folder', name), pairs(3, 3 * i)))
    symlinkSync(join(at, 'real folder'), join(at, 'link'))
    const paths = names.map(name => join(at, 'link', name))
    const graph = writeGraph(join(at, 'g.json'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: 'nothing' } },
      { id: 'dpo', use: 'write_arrow' },
    ])
    const { code, stdout, stderr } = await inProcess(
      'run',
      '--workers',
      '1',
      graph,
      '--output',
      output,
      '--json',
      ...[...paths, paths[0], join(at, 'link', '.', names[1])].flatMap(path => ['--input', path]),
    )
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ rows: { read: 12, kept: 12 } })
    for (const path of paths) {
      const { code, stdout } = await inProcess('why', `${path}:2`, '--output', output)
      expect(code).toBe(0)
      expect(stdout.replaceAll('\n', ' ')).toMatch(/kept, in \w+/)
      expect(stdout.replaceAll('\n', '')).toContain(`${path} row 2`)
    }
  })
})

describe('an input that changes', () => {
  const stages = (path: string) => ({
    version: 1 as const,
    name: 'test',
    partition_rows: 40,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'dpo', use: 'write_arrow' },
    ],
  })

  it('is gone once it was found: nothing is published, and that is no bug', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(100))
    const failed = await run(stages(path), {
      output,
      workers: 1,
      onProgress: ({ phase }) => {
        if (phase === 'fingerprint') rmSync(path, { force: true })
      },
    }).catch((error: unknown) => error)
    expect(failed).toMatchObject({
      exit: 75,
      message: expect.stringContaining(`${path} changed while it was read`) as unknown,
    })
  })

  it('by one of its size while others are looked at is told, too', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(100)),
      other = writeJsonl(join(at, 'other.jsonl'), pairs(100).reverse()),
      source = join(at, 'mine.mjs')
    writeFileSync(
      source,
      `import { renameSync } from 'node:fs'
import base from ${JSON.stringify(new URL('../../stages/sources/read_jsonl.ts', import.meta.url).href)}
const open = async (...all) => {
  const file = await base.open(...all)
  renameSync(${JSON.stringify(other)}, ${JSON.stringify(path)})
  return file
}
export default { ...base, name: 'mine', open }
`,
    )
    const [first, ...rest] = graphOf(path).stages
    const graph = { ...graphOf(path), stages: [{ ...first, use: source }, ...rest] }
    expect(await refused(graph, join(at, 'out'))).toMatchObject({
      exit: 75,
      message: expect.stringContaining(`${path} changed while it was read`) as unknown,
    })
  })

  it.each([
    [
      'is written anew',
      (path: string) => {
        writeJsonl(path, pairs(100, 500))
      },
    ],
    [
      'grows',
      (path: string) => {
        appendFileSync(path, `${JSON.stringify(pairs(1, 900)[0])}\n`)
      },
    ],
    [
      'is cut',
      (path: string) => {
        writeJsonl(path, pairs(3))
      },
    ],
  ])('after it was hashed and %s: nothing of it is kept, and the next run reads what is there', async (_, change) => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(100))
    let changed = false
    const failed = await run(stages(path), {
      output,
      workers: 1,
      onProgress: ({ phase }) => {
        if (phase === 'pass 1 of 2' && !changed) {
          changed = true
          change(path)
        }
      },
    }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failed).toMatchObject({
      exit: 75,
      message: expect.stringContaining(`${path} changed while it was read`) as unknown,
    })
    expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
    await run(stages(path), { output, workers: 1 })
    await run(stages(path), { output: join(at, 'clean'), workers: 1 })
    expect(latestFiles(output)).toEqual(latestFiles(join(at, 'clean')))
    // and what was there at first is not taken for what was read instead of it
    writeJsonl(path, pairs(100))
    await run(stages(path), { output, workers: 1 })
    expect(rowsOf(join(output, 'latest', 'dpo')).map(({ id }) => id)).toEqual(pairs(100).map(({ id }) => id))
  })
})
