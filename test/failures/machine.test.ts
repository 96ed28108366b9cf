/** What lies outside graph and data: the time zone of the machine, and the version of what Node computes by. */
import { existsSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { latestFiles, startSluice, writeGraph } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

it('every zone makes the same of times in expressions and in the code of answers', async () => {
  const at = folder(),
    graph = join(at, 'g.json')
  const rows = Array.from({ length: 24 }, (_, i) => ({
    id: `r${i}`,
    prompt: `Write a function f${i}.`,
    chosen: `\`\`\`js\nfunction f${i}(x) {\n  if (x < 10) {\n    return x + ${i};\n  }\n  return x - 1;\n}\n\`\`\``,
    rejected: `no ${i}`,
    tests: `if (new Date(2020, 0, 1, 1).getHours() !== 1 || +new Date(2020, 0, 1) % 864e5 || new Date().toString() !== 'Thu Jan 01 1970 00:00:00 GMT+0000' || Date.parse('Jan 1, 1970') !== 0) throw new Error('zone'); if (f${i}(1) !== ${i + 1} || f${i}(10) !== 9) throw new Error('wrong')`,
    made: `2024-07-${String(i + 1).padStart(2, '0')}T03:30:00${i % 3 === 0 ? '' : 'Z'}`,
    day: 182 + i,
  }))
  // in New York it is still the day before
  const where =
    'timestamp(made).getDayOfYear() != day || (timestamp(made).getDayOfYear("America/New_York") == day) || timestamp(made).getHours("America/New_York") != 23'
  writeGraph(graph, [
    { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
    { id: 'on_time', use: 'drop_by_column', with: { where } },
    { id: 'hard', use: 'inject_errors', with: { types: ['code_comparison'], tests_column: 'tests', tell_rows: 0 } },
    { id: 'dpo', use: 'write_jsonl', from: ['on_time', 'hard'] },
  ])
  const inZone = async (TZ: string, output: string) => {
    const { code, stdout } = await startSluice(['run', '--verbose', graph, '--output', join(at, output)], { TZ }).ended
    expect(code).toBe(0)
    return { stdout, files: latestFiles(join(at, output)) }
  }
  const utc = await inZone('UTC', 'utc')
  expect(utc.stdout).toContain('kept 24, dropped 0, errored 0; added 24')
  expect(utc.stdout).toContain('on_time: noted: cannot_tell 8')
  expect((await inZone('Asia/Tokyo', 'tokyo')).files).toEqual(utc.files)
  const again = await inZone('America/Los_Angeles', 'utc')
  expect(again.stdout).toContain('nothing new')
})

it.each(['v8', 'icu', 'unicode', 'tz'])('another version of %s makes all anew', async name => {
  const at = folder(),
    given = { value: process.versions, enumerable: true, configurable: true }
  const graph = {
    name: 'g',
    version: 1 as const,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), [{ id: 'a', prompt: 'Q?', chosen: 'A', rejected: 'B' }]) } }, // prettier-ignore
      { id: 'dpo', use: 'write_jsonl' },
    ],
  }
  const isNew = async () => {
    const before = existsSync(join(at, 'out/latest')) && readlinkSync(join(at, 'out/latest'))
    await run(graph, { output: join(at, 'out') })
    return readlinkSync(join(at, 'out/latest')) !== before
  }
  expect([await isNew(), await isNew()]).toEqual([true, false])
  Object.defineProperty(process, 'versions', { ...given, value: { ...process.versions, [name]: 'another' } })
  try {
    expect([await isNew(), await isNew()]).toEqual([true, false])
  } finally {
    Object.defineProperty(process, 'versions', given)
  }
})
