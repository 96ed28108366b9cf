/** A flipped byte anywhere in the folder of answers: never a wrong answer, never the end of the process. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, it, vi } from 'vitest'
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

it('costs the answers that it was in, and they are told of', async () => {
  const home = folder(),
    answers = join(home, 'answers'),
    random = new Random(11),
    script = join(home, 'read.mjs')
  // bundled once: it took longer than all that each of the processes does
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
  // what was in the log goes to a table when it is opened again
  const logged = join(home, 'logged'),
    logIn = (at: string) =>
      readdirSync(at).find(name => name.endsWith('.log') && readFileSync(join(at, name)).length > 0)
  cpSync(answers, logged, { recursive: true })
  await (
    await openCache(answers, text => {
      throw new Error(text)
    })
  ).close()
  const files = readdirSync(answers).filter(name => name !== 'LOCK' && readFileSync(join(answers, name)).length > 0)
  expect([tablesIn(answers).length > 0, logIn(answers), logIn(logged)]).toEqual([true, undefined, expect.any(String)])
  let damaged = 0,
    copies = 0
  for (const [from, name] of [...files.map(name => [answers, name] as const), [logged, logIn(logged)!] as const]) {
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
      const { status, stdout, stderr, signal } = spawnSync(process.execPath, [script, copy], { encoding: 'utf8' })
      expect({ status, signal, stderr }, `${name} at ${at} of ${length}`).toEqual({
        status: 0,
        signal: null,
        stderr: '',
      })
      const { warnings, values } = JSON.parse(stdout) as { warnings: string[]; values: unknown[] }
      const there = values.map((value, i) => [i, value] as const).filter(([, value]) => value !== null)
      for (const [i, value] of there) expect(value, `${name} at ${at}`).toEqual(valueOf(i))
      if (there.length < ANSWERS) expect(warnings, `${name} at ${at}`).toHaveLength(1)
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
        expect(
          (
            JSON.parse(spawnSync(process.execPath, [script, copy], { encoding: 'utf8' }).stdout) as {
              warnings: string[]
            }
          ).warnings,
        ).toEqual([])
      }
    }
  }
  expect(damaged).toBeGreaterThan(8)
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
