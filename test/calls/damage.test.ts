/** A flipped byte anywhere in the folder of answers: never a wrong answer, never the end of the process. */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { beforeAll, expect, it, vi } from 'vitest'
import '../../index.mjs'
import { openCache } from '../../engine/calls/cache.ts'
import { Random } from '../../models/random.ts'
import { folder, pairs as pairsOf, writeJsonl } from '../engine/helpers.ts'
import { graphOf, outcomeOf, output, PAIRS } from './helpers.ts'
import { startServer } from './server.ts'

vi.setConfig({ testTimeout: 300_000 })

const root = fileURLToPath(new URL('../../', import.meta.url))
const ANSWERS = 3000,
  valueOf = (i: number) => ({ text: `answer ${i}: ${String(i * 7919).repeat(1 + (i % 40))}`, score: i })
const flip = (path: string, at: number, bit: number) => {
  const bytes = readFileSync(path)
  bytes[at] ^= 1 << bit
  writeFileSync(path, bytes)
}
const tablesIn = (answers: string) =>
  readdirSync(answers)
    .filter(name => name.endsWith('.ldb'))
    .map(name => join(answers, name))

/** The answers in a folder, read in a process of its own, which may end as it likes. */
const reader = `
import { openCache } from './engine/calls/cache.ts'
const warnings = [], cache = await openCache(process.argv[2], text => warnings.push(text))
const values = await cache.get(Array.from({ length: ${ANSWERS} }, (_, i) => 'key' + i))
await cache.put(new Map([['new', 1]]))
await cache.close()
console.log(JSON.stringify({ warnings, values }))`

const home = folder(),
  script = join(home, 'read.mjs')
// bundled once: it took longer than all that each of the processes does
beforeAll(async () => {
  await build({
    stdin: { contents: reader, resolveDir: root },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    outfile: script,
    logLevel: 'silent',
  })
  symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'))
})

/** What that process says of a folder; it must end well, and give no value but the right one. */
function readAll(answers: string, label: string): { warnings: string[]; there: number } {
  const { status, stdout, stderr, signal } = spawnSync(process.execPath, [script, answers], { encoding: 'utf8' })
  expect({ status, signal, stderr }, label).toEqual({ status: 0, signal: null, stderr: '' })
  const { warnings, values } = JSON.parse(stdout) as { warnings: string[]; values: unknown[] }
  const there = values.map((value, i) => [i, value] as const).filter(([, value]) => value !== null)
  for (const [i, value] of there) expect(value, label).toEqual(valueOf(i))
  return { warnings, there: there.length }
}

/** A folder with all answers, half of them in a table, the others in a log. */
async function logged(): Promise<string> {
  const answers = join(folder(), 'answers')
  for (const half of [0, 1]) {
    const cache = await openCache(answers)
    await cache.put(
      new Map(
        Array.from({ length: ANSWERS / 2 }, (_, i) => {
          const at = (half * ANSWERS) / 2 + i
          return [`key${at}`, valueOf(at)]
        }),
      ),
    )
    await cache.close()
  }
  return answers
}
const logIn = (at: string) =>
  readdirSync(at).find(name => name.endsWith('.log') && readFileSync(join(at, name)).length > 0)

it('costs the answers that it was in, and they are told of', async () => {
  const random = new Random(11),
    withLog = await logged(),
    answers = join(folder(), 'answers')
  // what was in the log goes to a table when it is opened again
  cpSync(withLog, answers, { recursive: true })
  await (
    await openCache(answers, text => {
      throw new Error(text)
    })
  ).close()
  const files = readdirSync(answers).filter(name => name !== 'LOCK' && readFileSync(join(answers, name)).length > 0)
  expect([tablesIn(answers).length > 0, logIn(answers), logIn(withLog)]).toEqual([true, undefined, expect.any(String)])
  let damaged = 0,
    copies = 0
  for (const [from, name] of [...files.map(name => [answers, name] as const), [withLog, logIn(withLog)!] as const]) {
    const { length } = readFileSync(join(from, name)),
      isTable = name.endsWith('.ldb')
    // of a table also its filter, its index and what says where they are, which are its end
    const places = [
      ...Array.from({ length: isTable ? 8 : 2 }, () => random.uint32() % length),
      ...(isTable ? [1, 30, 40, 48, 60, 100, 300, 1500].map(back => length - back) : [length - 1]),
    ]
    for (const at of places) {
      const copy = join(home, `copy-${copies++}`)
      cpSync(from, copy, { recursive: true })
      flip(join(copy, name), at, random.uint32() % 8)
      const { warnings, there } = readAll(copy, `${name} at ${at} of ${length}`)
      if (there < ANSWERS) expect(warnings, `${name} at ${at}`).toHaveLength(1)
      if (warnings.length > 0) {
        expect(warnings.join()).toMatch(
          /^calls: of the answers in .* [\d,]+ bytes are damaged on the disk(, or were cut off as they were written,)? and will be asked for again; the files are in .*lost$/,
        )
      }
      if (warnings.length > 0) {
        damaged++
        expect(existsSync(join(copy, 'lost', name))).toBe(true)
      }
      // and once it was told of, it is over
      if (warnings.length > 0 && damaged < 4) {
        expect(readAll(copy, name).warnings).toEqual([])
      }
    }
  }
  expect(damaged).toBeGreaterThan(8)
})

it('in a log is never taken for an answer, where the lists of files are gone and LevelDB repairs', async () => {
  const from = await logged(),
    log = logIn(from)!,
    { length } = readFileSync(join(from, log)),
    random = new Random(12)
  for (const gone of ['CURRENT', 'MANIFEST', 'CURRENT|MANIFEST']) {
    for (let i = 0; i < 4; i++) {
      const copy = join(folder(), 'answers'),
        at = random.uint32() % length
      cpSync(from, copy, { recursive: true })
      flip(join(copy, log), at, random.uint32() % 8)
      for (const name of readdirSync(copy)) if (new RegExp(`^(${gone})`).test(name)) rmSync(join(copy, name))
      const { warnings, there } = readAll(copy, `${log} at ${at} of ${length} without ${gone}`)
      expect(there).toBeLessThan(ANSWERS)
      expect(warnings.join()).toMatch(/bytes are damaged on the disk.* and will be asked for again/)
      expect(readAll(copy, 'once more')).toEqual({ warnings: [], there })
    }
  }
})

it.each<[string, (log: Buffer, answers: string) => void, isTold: boolean]>([
  ['as a whole', (log, answers) => appendFileSync(join(answers, logIn(answers)!), log), false],
  ['cut off', (log, answers) => appendFileSync(join(answers, logIn(answers)!), log.subarray(0, -9)), true],
  ['in a file of its own', (log, answers) => writeFileSync(join(answers, '000099.log'), log), false],
])('a log that holds its records twice, %s, costs nothing', async (_, repeat, isTold) => {
  const answers = join(folder(), 'answers'),
    cache = await openCache(answers)
  for (let i = 0; i < 20; i++) await cache.put(new Map([[`key${i}`, valueOf(i)]]))
  await cache.close()
  repeat(readFileSync(join(answers, logIn(answers)!)), answers)
  const { warnings, there } = readAll(answers, 'first')
  expect([there, warnings.length]).toEqual([20, isTold ? 1 : 0])
  expect(readAll(answers, 'again')).toEqual({ warnings: [], there })
})

it('is told of by a run, which asks again for what is lost alone', async () => {
  const answers = join(folder(), 'answers'),
    server = await startServer()
  await outcomeOf(graphOf(server.url), { answers })
  await (await openCache(answers)).close()
  const [table] = tablesIn(answers),
    asked = server.requests.length,
    warnings: string[] = []
  flip(table, 50, 3)
  const { rows } = await outcomeOf(graphOf(server.url), {
    answers,
    output: output(),
    onWarning: text => warnings.push(text),
  })
  expect(rows).toHaveLength(PAIRS)
  expect(server.requests.length).toBeGreaterThan(asked)
  expect(warnings.join()).toMatch(/bytes are damaged on the disk/)
})

it('never brings back answers of older weights, where the files with the newer ones are gone', async () => {
  const answers = join(folder(), 'answers'),
    server = await startServer(),
    graph = graphOf(server.url),
    [pairs, ...others] = graph.stages
  const path = writeJsonl(join(folder(), 'more.jsonl'), pairsOf(PAIRS + 1)),
    more = { ...graph, stages: [{ ...pairs, with: { path } }, ...others] }
  const warnings: string[] = [],
    outcome = (of: typeof graph) => outcomeOf(of, { answers, output: output(), onWarning: text => warnings.push(text) })
  // what is in the log goes to a table when it is opened again
  const settled = async () => {
    await (await openCache(answers)).close()
    return new Set(tablesIn(answers))
  }
  expect((await outcome(graph)).rows).toHaveLength(PAIRS)
  const old = await settled()
  server.root = '/other'
  expect((await outcome(more)).error?.message).toMatch(/has other weights of reward now/)
  expect((await outcome(more)).rows).toHaveLength(PAIRS + 1)
  for (const table of await settled()) if (!old.has(table)) rmSync(table)
  expect(warnings).toEqual([])
  const before = server.requests.length
  expect((await outcome(graph)).rows).toHaveLength(PAIRS)
  expect(server.requests.length - before).toBeGreaterThanOrEqual(PAIRS)
  expect(warnings.join()).toMatch(/lack files that were there: .* servers are asked anew which weights they have/)
})
