/** Runs that are stopped, killed or run twice at once: what stays, and how the next one goes on. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { fingerprint, folder, pairs, writeJsonl } from '../engine/helpers.ts'
import {
  inProcess,
  latestFiles,
  root,
  sluice,
  start,
  startSluice,
  stateOf,
  writeGraph,
  type Stage,
  type Started,
} from './helpers.ts'

/** Many runs: on a busy machine each takes seconds. */
const SLOW = 240_000
const rogue = join(root, 'test/failures/rogue.mjs')

/** Empty where there is none, as in the lock. */
const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** Rows with duplicates and sums, so that every kind of spool has something in it. */
function rowsOf(count: number) {
  const rows = pairs(count)
  for (let i = 10; i < count; i += 17) rows[i] = { ...rows[i - 3], id: `again${i}` }
  for (let i = 5; i < count; i += 23) {
    rows[i] = {
      id: `sum${i}`,
      prompt: `How much is ${i} lamps and 7 more?`,
      chosen: `We add ${i} + 7 = ${i + 7}. The answer is ${i + 7}.`,
      rejected: `It is ${i} lamps and no more than that.`,
    }
  }
  rows[Math.floor(count * 0.7)].prompt = 'tell me about the volcano'
  return rows
}
const stagesOf = (path: string, gate: string): Stage[] => [
  { id: 'pairs', use: 'read_jsonl', with: { path } },
  { id: 'checked', use: 'check_pairs' },
  { id: 'unique', use: 'drop_duplicates' },
  { id: 'own', use: rogue, with: { trick: 'wait', marker: 'volcano', gate } },
  // one reviewer: a fit is half of such a run, and what it leaves on the disk is of the same kinds
  { id: 'noise', use: 'detect_noise', with: { sample_rows: 100, reviewers: ['style'] } },
  { id: 'hard', use: 'inject_errors' },
  { id: 'dpo', use: 'write_arrow', from: ['noise', 'hard'] },
  { id: 'humans', use: 'write_jsonl', from: 'unique.duplicate' },
]

/**
 * A graph that waits in its second pass as long as `gate` is not there, and the bytes of a run that nothing interrupts.
 */
const at = folder(),
  input = join(at, 'in.jsonl'),
  gate = join(at, 'gate'),
  file = join(at, 'g.json')
let clean: Record<string, string>
beforeAll(async () => {
  writeJsonl(input, rowsOf(300))
  writeGraph(file, stagesOf(input, gate))
  writeFileSync(gate, '')
  clean = fingerprint((await run(file, { output: join(at, 'clean'), workers: 2 })).folder)
})

describe('a run that is stopped', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'by %s ends with %i, publishes nothing, gives the lock back, and the next one goes on',
    async (signal, code) => {
      const output = join(folder(), 'out')
      rmSync(gate, { force: true })
      const started = startSluice(['run', file, '--output', output, '--workers', '1'])
      await started.said('at the gate')
      expect(stateOf(output).locked).toBe(true)
      started.kill(signal)
      const ended = await started.ended
      expect(ended.code, ended.stderr).toBe(code)
      expect(ended.stderr).toContain('run the same command again to go on')
      expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
      writeFileSync(gate, '')
      const finished = finishedIn(output)
      expect(finished.size).toBeGreaterThan(8)
      const again = await inProcess('run', file, '--output', output)
      expect(again.code, again.stderr).toBe(0)
      expect(latestFiles(output)).toEqual(clean)
      // what was finished was not made again
      for (const [name, time] of finishedIn(output)) if (finished.has(name)) expect(time).toBe(finished.get(name))
    },
  )

  it('before its first pass ends like one in the midst', async () => {
    const output = join(folder(), 'out'),
      abort = new AbortController()
    abort.abort(143)
    await expect(run(file, { output, signal: abort.signal })).rejects.toMatchObject({ exit: 143 })
    expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
  })

  it('under zx ends with the same code, not with 13', async () => {
    const output = join(folder(), 'out')
    rmSync(gate, { force: true })
    const started = start([
      join(root, 'node_modules/zx/build/cli.js'),
      join(root, 'pipelines/clean.mjs'),
      '--graph',
      file,
      '--output',
      output,
      '--workers',
      '1',
    ])
    await started.said('at the gate')
    started.kill('SIGTERM')
    expect((await started.ended).code).toBe(143)
    expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
    writeFileSync(gate, '')
  })

  it(
    'by SIGKILL, again and again: no half run counts, the lock is taken over, the bytes are the same',
    async () => {
      const output = join(folder(), 'out')
      writeFileSync(gate, '')
      const began = performance.now()
      expect((await sluice('run', file, '--output', join(folder(), 'out'))).code).toBe(0)
      const whole = performance.now() - began
      let seed = 20261123,
        kills = 0
      for (let i = 0; i < 4; i++) {
        seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
        const started = startSluice(['run', file, '--output', output])
        const timer = setTimeout(
          () => {
            started.kill('SIGKILL')
          },
          whole * (0.2 + (0.7 * seed) / 2 ** 32),
        )
        const { signal, code, stderr } = await started.ended
        clearTimeout(timer)
        expect(signal === 'SIGKILL' || code === 0, stderr).toBe(true)
        if (signal === 'SIGKILL') kills++
        const { latest, files } = stateOf(output)
        if (latest !== undefined) expect(files).toEqual(clean)
      }
      expect(kills).toBeGreaterThan(0)
      const again = await inProcess('run', file, '--output', output)
      expect(again.code, again.stderr).toBe(0)
      expect(latestFiles(output)).toEqual(clean)
      expect(stateOf(output)).toMatchObject({ halves: [], locked: false })
      expect(readdirSync(output).sort()).toEqual(['.sluice', 'latest', 'runs'])
      expect(readdirSync(join(output, '.sluice', 'spools')).filter(name => name.endsWith('.tmp'))).toEqual([])
    },
    SLOW,
  )
})

/** Passes that are finished, and when. */
function finishedIn(output: string): Map<string, number> {
  const spools = join(output, '.sluice', 'spools')
  return new Map(
    readdirSync(spools)
      .map(name => join(spools, name, 'meta.bin'))
      .filter(path => existsSync(path))
      .map(path => [path, statSync(path).mtimeMs]),
  )
}

describe('two runs at once', () => {
  it('in one folder, where a dead one left its lock: one goes on, the others end with 75', async () => {
    const output = join(folder(), 'out')
    rmSync(gate, { force: true })
    mkdirSync(join(output, '.sluice'), { recursive: true })
    writeFileSync(
      join(output, '.sluice', 'lock'),
      JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), boot: bootId() }),
    )
    const all = [0, 1, 2].map(() => startSluice(['run', file, '--output', output, '--workers', '1']))
    const ended = all.map(async (one, i) => {
      const end = await one.ended
      return { i, ...end }
    })
    const first = await Promise.race(ended)
    const second = await Promise.race(ended.filter((_, i) => i !== first.i))
    for (const { code, stderr } of [first, second]) {
      expect(code, stderr).toBe(75)
      expect(stderr).toMatch(/another run holds .*lock \(process \d+ on .*\); wait for it/)
    }
    const winner = [0, 1, 2].find(i => i !== first.i && i !== second.i)!
    await all[winner].said('at the gate')
    writeFileSync(gate, '')
    const { code, stderr } = await all[winner].ended
    expect(code, stderr).toBe(0)
    expect(latestFiles(output)).toEqual(clean)
    expect(stateOf(output).locked).toBe(false)
  })

  it('take over a lock whose process number is another process by now, and one that is torn', async () => {
    const output = join(folder(), 'out')
    mkdirSync(join(output, '.sluice'), { recursive: true })
    for (const lock of [
      '{"pid":',
      JSON.stringify({ pid: process.pid, began: '1', host: hostname(), boot: bootId() }),
    ]) {
      writeFileSync(join(output, '.sluice', 'lock'), lock)
      expect((await run(file, { output })).folder).toContain(output)
      expect(stateOf(output).locked).toBe(false)
    }
  })
})

describe.runIf(process.platform === 'linux')('a run that was suspended, and lost its lock to another', () => {
  const suspend = join(root, 'test/failures/suspend.mjs'),
    script = join(root, 'scripts/sluice.mjs'),
    small = join(at, 'small.json'),
    lock = (output: string) => join(output, '.sluice', 'lock')
  let own: Record<string, string>
  beforeAll(async () => {
    writeGraph(small, [
      { id: 'pairs', use: 'read_jsonl', with: { path: input } },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'dpo', use: 'write_arrow' },
    ])
    own = fingerprint((await run(small, { output: join(at, 'small'), workers: 2 })).folder)
  })
  const startAt = (AT: string, output: string, graph = small) =>
    start(['--import', suspend, script, 'run', graph, '--output', output, '--workers', '1', '--quiet'], { AT })

  /** What it says comes before it is suspended, so that one signal may come too early. */
  const goOn = (started: Started): void => {
    const timer = setInterval(() => {
      started.kill('SIGCONT')
    }, 50)
    void started.ended.then(() => {
      clearInterval(timer)
    })
  }

  it.each([
    ['before its folder is made', String.raw`make .*/runs/\.tmp-[^/]*$`],
    ['before its ledger is written', String.raw`\.tmp-.*/ledger$`],
    ['before its shards are written', String.raw`\.tmp-.*/dpo$`],
    ['before its dropped rows are written', String.raw`\.tmp-.*/dropped`],
    ['before the result has its name', String.raw`name .*/runs/\.tmp-[^/]*$`],
    ['before `latest` moves', String.raw`/\.latest-[^/]*$`],
  ])(
    '%s, publishes nothing and leaves alone what the other is at work on',
    async (_, at) => {
      const output = join(folder(), 'out')
      const first = startAt(at, output)
      await first.said('suspended')
      rmSync(lock(output))
      const second = startAt(String.raw`\.tmp-.*/dpo$`, output)
      await second.said('suspended')
      goOn(first)
      const lost = await first.ended
      expect(lost.code, lost.stderr).toBe(75)
      expect(lost.stderr).toContain(`${lock(output)} is no longer the lock of this run`)
      expect(lost.stderr).toContain('nothing is published, run the same command again')
      expect(stateOf(output)).toMatchObject({ locked: true, halves: [expect.stringMatching(/^\.tmp-/)] })
      goOn(second)
      const ended = await second.ended
      expect(ended.code, ended.stderr).toBe(0)
      expect(latestFiles(output)).toEqual(own)
      expect(stateOf(output)).toMatchObject({ runs: [expect.any(String)], halves: [], locked: false })
      expect((await inProcess('verify', '--output', output)).code).toBe(0)
    },
    SLOW,
  )

  it('within a pass, keeps what it had finished by then and puts nothing among the files of the other', async () => {
    const output = join(folder(), 'out')
    rmSync(gate, { force: true })
    const first = startSluice(['run', file, '--output', output, '--workers', '1', '--quiet'])
    await first.said('at the gate')
    first.kill('SIGSTOP')
    rmSync(lock(output))
    writeFileSync(gate, '')
    const second = startAt(String.raw`\.tmp-.*/dpo$`, output, file)
    await second.said('suspended')
    const before = finishedIn(output)
    goOn(first)
    const lost = await first.ended
    expect([lost.code, lost.stderr]).toEqual([75, expect.stringContaining('is no longer the lock of this run')])
    expect(finishedIn(output)).toEqual(before)
    goOn(second)
    expect((await second.ended).code).toBe(0)
    expect(latestFiles(output)).toEqual(clean)
  })

  it('or to nobody, as where the file was removed, does the same', async () => {
    const output = join(folder(), 'out'),
      only = startAt(String.raw`\.tmp-.*/dpo$`, output)
    await only.said('suspended')
    rmSync(lock(output))
    goOn(only)
    expect((await only.ended).code).toBe(75)
    expect(stateOf(output).runs).toEqual([])
    expect((await inProcess('run', small, '--output', output, '--quiet', '--workers', '1')).code).toBe(0)
    expect(latestFiles(output)).toEqual(own)
    expect(stateOf(output)).toMatchObject({ halves: [], locked: false })
  })

  it('with its lock and without its folder, which was removed, publishes nothing either', async () => {
    const output = join(folder(), 'out'),
      only = startAt(String.raw`/runs/\.tmp-[^/]*/manifest\.json\..*\.tmp$`, output)
    await only.said('suspended')
    const [half] = stateOf(output).halves
    rmSync(join(output, 'runs', half, 'ledger'), { recursive: true })
    goOn(only)
    const { code, stderr } = await only.ended
    expect([code, stderr]).toEqual([
      74,
      expect.stringMatching(/is not as it was written \(ledger\/data-00000-of-00001.arrow is gone\), so that nothing/),
    ])
    expect(stateOf(output)).toEqual({ runs: [], halves: [], locked: false })
  })
})

describe('a cache that is torn', () => {
  /** The cache of a run that was stopped when all but the last pass was done. */
  async function stopped(): Promise<string> {
    const output = join(folder(), 'out'),
      abort = new AbortController()
    writeFileSync(gate, '')
    await expect(
      run(graph(file), {
        output,
        workers: 1,
        signal: abort.signal,
        onProgress: ({ phase }) => {
          if (phase === 'publish') abort.abort(130)
        },
      }),
    ).rejects.toMatchObject({ exit: 130 })
    return output
  }
  const filesIn = (output: string) =>
    readdirSync(join(output, '.sluice', 'spools'), { recursive: true })
      .map(String)
      .filter(name => statSync(join(output, '.sluice', 'spools', name)).isFile())
      .sort()
  const kindOf = (name: string) => name.replace(/^[0-9a-f]+\/?/, '').replace(/\d+/g, '#')

  it(
    'is made anew where it is torn, and that is told: every kind of file cut, emptied, removed and changed by a bit',
    async () => {
      const hurts = [
        (path: string) => {
          truncateSync(path, Math.floor(statSync(path).size / 2))
        },
        (path: string) => {
          truncateSync(path, 0)
        },
        (path: string) => {
          rmSync(path)
        },
        (path: string) => {
          truncateSync(path, Math.max(0, statSync(path).size - 8))
        },
        (path: string) => {
          const bytes = readFileSync(path)
          bytes[bytes.length >> 1] ^= 4
          writeFileSync(path, bytes)
        },
        (path: string) => {
          rmSync(path)
          mkdirSync(path)
        },
      ]
      for (const [h, hurt] of hurts.entries()) {
        const output = await stopped(),
          kinds = new Map<string, string[]>()
        for (const name of filesIn(output)) kinds.set(kindOf(name), [...(kinds.get(kindOf(name)) ?? []), name])
        expect(kinds.size).toBeGreaterThan(8)
        // one file of each kind, each of another partition, so that they do not hide one another
        ;[...kinds.values()].forEach((names, k) => {
          hurt(join(output, '.sluice', 'spools', names[k % names.length]))
        })
        const told: string[] = []
        await run(file, {
          output,
          workers: 2,
          onWarning: text => {
            if (text.startsWith('run: ')) told.push(text)
          },
        })
        expect(told.length).toBeGreaterThan(0)
        for (const line of told) {
          expect(line).toMatch(
            /^run: \S+ (is damaged|was cut off|is missing|is not the file that was written); what it held is worked out anew$/,
          )
        }
        expect(latestFiles(output), `hurt ${h}`).toEqual(clean)
      }
    },
    SLOW,
  )

  it(
    'and where a file lies in the place of a folder',
    async () => {
      const output = await stopped(),
        spools = join(output, '.sluice', 'spools')
      for (const entry of readdirSync(spools, { withFileTypes: true })) {
        if (!entry.isDirectory()) continue
        rmSync(join(spools, entry.name), { recursive: true })
        writeFileSync(join(spools, entry.name), 'x')
      }
      await run(file, { output, workers: 2 })
      expect(latestFiles(output)).toEqual(clean)
    },
    SLOW,
  )

  it(
    'and where one file lies in the place of another of its kind',
    async () => {
      const output = await stopped(),
        of = new Map<string, string[]>()
      for (const name of filesIn(output)) {
        of.set(kindOf(name), [...(of.get(kindOf(name)) ?? []), join(output, '.sluice', 'spools', name)])
      }
      for (const [a, b] of of.values()) {
        if (b === undefined) continue
        renameSync(a, `${a}.aside`)
        renameSync(b, a)
        renameSync(`${a}.aside`, b)
      }
      await run(file, { output, workers: 1 })
      expect(latestFiles(output)).toEqual(clean)
    },
    SLOW,
  )

  it('or moved with its folder is not read from where it was', async () => {
    const output = await stopped(),
      moved = join(folder(), 'moved')
    renameSync(output, moved)
    await run(file, { output: moved, workers: 1 })
    expect(latestFiles(moved)).toEqual(clean)
  })
})

describe('options', () => {
  it(
    'workers have no influence; a limit beyond the rows keeps all; another seed changes only what is drawn',
    async () => {
      writeFileSync(gate, '')
      const shards = (files: Record<string, string>, ...folders: string[]) =>
        Object.fromEntries(Object.entries(files).filter(([name]) => folders.some(folder => name.startsWith(folder))))
      for (const workers of [1, 8]) {
        expect(fingerprint((await run(file, { output: join(folder(), 'out'), workers })).folder)).toEqual(clean)
      }
      const limited = await run(file, { output: join(folder(), 'out'), limit: 1e9 })
      expect(limited.manifest.rows).toMatchObject({ read: 300 })
      expect(shards(fingerprint(limited.folder), 'dpo', 'ledger', 'dropped', 'humans')).toEqual(
        shards(clean, 'dpo', 'ledger', 'dropped', 'humans'),
      )
      const seeded = await run(file, { output: join(folder(), 'out'), seed: 12345 })
      expect(seeded.manifest.graph.seed).toBe(12345)
      expect(shards(fingerprint(seeded.folder), 'dropped', 'humans', 'ledger')).toEqual(
        shards(clean, 'dropped', 'humans', 'ledger'),
      )
      expect(shards(fingerprint(seeded.folder), 'dpo')).not.toEqual(shards(clean, 'dpo'))
    },
    SLOW,
  )
})
