/** Outputs that cannot be written, and full disks. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openCache } from '../../engine/calls/cache.ts'
import { run } from '../../index.mjs'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { copyGraph, inProcess, latestFiles, leavesAlone, root, sluice, stateOf, writeGraph } from './helpers.ts'

describe('an output that cannot be written', () => {
  it('ends with 74, its name, and what to do', async () => {
    const at = folder(),
      graph = copyGraph(join(at, 'g.json'), writeJsonl(join(at, 'in.jsonl'), pairs(3)), 'read_jsonl')
    writeFileSync(join(at, 'file'), 'a file')
    mkdirSync(join(at, 'odd', '.sluice'), { recursive: true })
    writeFileSync(join(at, 'odd', 'runs'), '')
    for (const output of [
      join(at, 'file'),
      join(at, 'file', 'below'),
      join(at, 'odd'),
      ...(existsSync('/proc/self') ? ['/proc/self/out'] : []),
    ]) {
      const { code, stderr, stdout } = await sluice('run', graph, '--output', output, '--quiet')
      expect(code, stderr).toBe(74)
      expect(stderr).toContain(`run: the output folder ${output} cannot be written`)
      expect(stderr).toContain('choose another with --output')
      expect(stderr).not.toMatch(/^ +at /m)
      expect(stdout).toBe('')
    }
    expect(readFileSync(join(at, 'file'), 'utf8')).toBe('a file')
  })

  it("whose `latest` is a folder of somebody's is refused before a row is read", async () => {
    const at = folder(),
      output = join(at, 'out')
    mkdirSync(join(output, 'latest'), { recursive: true })
    writeFileSync(join(output, 'latest', 'mine.txt'), 'mine')
    const { code, stderr } = await inProcess(
      'run',
      copyGraph(join(at, 'g.json'), writeJsonl(join(at, 'in.jsonl'), pairs(3)), 'read_jsonl'),
      '--output',
      output,
      '--quiet',
    )
    expect(code).toBe(74)
    expect(stderr).toContain(`${join(output, 'latest')} is not a link to a run`)
    expect(readFileSync(join(output, 'latest', 'mine.txt'), 'utf8')).toBe('mine')
    expect(readdirSync(join(output, 'runs'))).toEqual([])
  })
})

it.runIf(existsSync('/dev/full'))('what should be printed and finds no room ends with 74', () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', 'sluice.mjs'), 'stages'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  closeSync(full)
  expect(status).toBe(74)
  expect(stderr).toContain('sluice: what should be printed could not be written (ENOSPC')
})

it.runIf(existsSync('/dev/full'))('warnings that find no room end with 74, and not as a bug', () => {
  const at = folder(),
    path = join(at, 'in.jsonl'),
    full = openSync('/dev/full', 'w')
  writeFileSync(path, `${JSON.stringify(pairs(1)[0])}\n{"id":"cut off`)
  const graph = writeGraph(join(at, 'g.json'), [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'dpo', use: 'write_jsonl' },
  ])
  const words = ['run', graph, '--output', join(at, 'out')]
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'sluice.mjs'), ...words], {
    stdio: ['ignore', 'ignore', full],
  })
  closeSync(full)
  expect(status).toBe(74)
})

it.runIf(process.platform === 'linux')('where too few files may be open to load Sluice it says so in a line', () => {
  const command = `ulimit -n 50; exec '${process.execPath}' '${join(root, 'scripts', 'sluice.mjs')}' stages`,
    { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  expect(status).toBe(74)
  expect(stderr).toMatch(/^sluice: its own files cannot be read \(EMFILE: .*; let a process open 1,024 files, .*\n$/)
})

it('an output whose path has what stands for something in a replacement is an output like others', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(12)),
    stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'dpo', use: 'write_jsonl' },
    ]
  for (const name of ['x$a', 'x$$a', "$&$'$`"]) {
    const output = join(at, name)
    expect((await run({ version: 1, name: 'g', stages }, { output, workers: 1 })).status).toBe('published')
    expect(readdirSync(join(output, '.sluice', 'spools')).length).toBeGreaterThan(0)
  }
})

it('answers are not kept where a run deletes what it does not know, nor in a published run', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(3)),
    output = join(at, 'out'),
    stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'scored', use: 'score_pairs', with: { url: 'http://127.0.0.1:9', model: 'm' } },
      { id: 'dpo', use: 'write_jsonl' },
    ]
  await run({ version: 1, name: 'g', stages: [stages[0], stages[2]] }, { output, workers: 1 })
  for (const [place, what] of [
    ['.sluice/spools/paid', 'use for themselves and delete'],
    ['latest/paid', 'is a published run'],
  ]) {
    const asked = run({ version: 1, name: 'g', stages }, { output, workers: 1, answers: join(output, place) })
    await expect(asked).rejects.toThrow(
      new RegExp(`^run: --answers \\S+ lies in \\S+, which .*${what}; choose another`),
    )
  }
})

describe('an output among the inputs', () => {
  it('is not read by the next run: it is refused, and what was published stays', async () => {
    const at = folder(),
      output = join(at, 'in', 'out'),
      graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path: join(at, 'in') } },
        { id: 'dpo', use: 'write_jsonl' },
      ])
    mkdirSync(join(at, 'in'))
    writeJsonl(join(at, 'in', 'a.jsonl'), pairs(3))
    expect((await inProcess('run', '--workers', '1', graph, '--output', output, '--quiet')).code).toBe(0)
    const { code, stderr } = await leavesAlone(output, () =>
      inProcess('run', '--workers', '1', graph, '--output', output, '--quiet'),
    )
    expect(code).toBe(64)
    expect(stderr).toContain(`lies in the output folder ${output}`)
    expect(stderr).toContain('choose an --output outside of the input')
    // published runs are known without their cache
    rmSync(join(output, '.sluice'), { recursive: true })
    const other = await inProcess('run', '--workers', '1', graph, '--output', join(at, 'other'), '--quiet')
    expect(other).toMatchObject({ code: 64, stderr: expect.stringContaining('lies in the output folder') as unknown })
  })

  it('through a link as well', async () => {
    const at = folder(),
      output = join(at, 'out'),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(3))
    const graphOf = (path: string) => ({
      version: 1 as const,
      name: 'test',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'dpo', use: 'write_jsonl' },
      ],
    })
    await run(graphOf(path), { output, workers: 1 })
    symlinkSync(output, join(at, 'link'))
    await expect(run(graphOf(join(at, 'link', 'latest', 'dpo')), { output })).rejects.toMatchObject({ exit: 64 })
  })
})

/** A file system of its own, of 32 MB; undefined where that is not allowed. */
function smallDisk(): string | undefined {
  const at = folder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', at], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return at
}
const disk = smallDisk()
afterAll(() => {
  if (disk) execFileSync('umount', ['-l', disk])
})
/** Takes all the room that is left. */
function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(64 << 20))
  } catch {
    /* it is full */
  }
  expect(statfsSync(join(path, '..')).bavail).toBe(0)
}

describe.skipIf(disk === undefined)('a full disk', () => {
  it('keeps the answers that were paid for: opened without room they are left as they are', async () => {
    const answers = join(disk!, 'answers'),
      filler = join(disk!, 'filler'),
      keys = Array.from({ length: 2000 }, (_, i) => `key${i}`)
    for (const half of [keys.slice(0, 1000), keys.slice(1000)]) {
      const cache = await openCache(answers)
      await cache.put(new Map(half.map(key => [key, `${key}: ${key.repeat(60)}`])))
      await cache.close()
    }
    const before = readdirSync(answers)
      .filter(name => /\.(ldb|log)$/.test(name))
      .sort()
    fill(filler)
    await expect(openCache(answers)).rejects.toMatchObject({
      exit: 74,
      message: expect.stringContaining(answers) as unknown,
    })
    expect(readdirSync(answers)).toEqual(expect.arrayContaining(before))
    rmSync(filler)
    const warnings: string[] = [],
      cache = await openCache(answers, text => warnings.push(text))
    expect(await cache.get(keys)).toEqual(keys.map(key => `${key}: ${key.repeat(60)}`))
    expect(warnings).toEqual([])
    await cache.close()
    rmSync(answers, { recursive: true })
  })

  it('in the midst of a pass ends with 74, says where and what to do; with room again the run goes on', async () => {
    const at = folder(),
      output = join(disk!, 'pass', 'out'),
      gate = join(at, 'gate'),
      filler = join(disk!, 'filler'),
      rows = pairs(300)
    rows[250].prompt = 'tell me about the volcano'
    const graph = writeGraph(join(at, 'g.json'), [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
      { id: 'unique', use: 'drop_duplicates' },
      {
        id: 'own',
        use: join(root, 'test/failures/rogue.mjs'),
        with: { trick: 'fill', marker: 'volcano', gate, fill: filler },
      },
      { id: 'dpo', use: 'write_arrow' },
    ])
    const { code, stderr } = await leavesAlone(output, () =>
      sluice('run', graph, '--output', output, '--workers', '1', '--quiet'),
    )
    expect(code, stderr).toBe(74)
    for (const part of ['ENOSPC', output, 'free some', 'run the same command again']) expect(stderr).toContain(part)
    expect(stderr).not.toMatch(/^ +at /m)
    expect(stateOf(output).halves).toEqual([])
    // still full: the lock cannot be written either, or the estimate says so
    fill(filler)
    const full = await leavesAlone(output, () =>
      inProcess('run', graph, '--output', output, '--workers', '1', '--quiet'),
    )
    expect(full.code, full.stderr).toBe(74)
    expect(full.stderr).toMatch(/ENOSPC|are free/)
    rmSync(filler)
    writeFileSync(gate, '')
    const spools = join(output, '.sluice', 'spools')
    const finished = new Map(
      readdirSync(spools)
        .map(name => join(spools, name, 'meta.bin'))
        .filter(path => existsSync(path))
        .map(path => [path, statSync(path).mtimeMs]),
    )
    expect(finished.size).toBeGreaterThan(8)
    expect((await inProcess('run', graph, '--output', output, '--quiet', '--workers', '1')).code).toBe(0)
    // the stage reads a file by itself: what comes before it is used again, and no more
    const before = [...finished].filter(([path]) => existsSync(path))
    expect(before.length).toBe(Math.ceil(rows.length / 40))
    for (const [path, time] of before) expect(statSync(path).mtimeMs).toBe(time)
    const clean = await run(graph, { output: join(at, 'clean'), workers: 1 })
    expect(latestFiles(output)).toEqual(fingerprint(clean.folder))
  })

  it.each(['write_arrow', 'write_parquet', 'write_jsonl'])(
    'while %s publishes: the latest run stays, and the half one is removed',
    async use => {
      const at = folder(),
        output = join(disk!, use),
        filler = join(disk!, 'filler'),
        path = writeJsonl(join(at, 'in.jsonl'), pairs(50))
      const graph = writeGraph(join(at, 'g.json'), [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'dpo', use },
      ])
      await run(graph, { output, workers: 1 })
      const before = stateOf(output)
      writeJsonl(path, pairs(3000))
      await expect(
        run(graph, {
          output,
          workers: 1,
          onProgress: ({ phase }) => {
            if (phase === 'publish' && !existsSync(filler)) fill(filler)
          },
        }),
      ).rejects.toMatchObject({ exit: 74, message: expect.stringMatching(/^run: no space left \(ENOSPC/) as unknown })
      expect(stateOf(output)).toEqual(before)
      rmSync(filler)
      const { folder: out } = await run(graph, { output, workers: 1 })
      expect(rowsOf(join(out, 'ledger')).length).toBe(3000)
      expect(latestFiles(output)).toEqual(
        fingerprint((await run(graph, { output: join(at, 'clean'), workers: 1 })).folder),
      )
    },
  )
})
