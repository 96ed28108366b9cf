/**
 * Graphs and options that hold too much, or lie: the answer comes within seconds, is short, and the exit code is 78.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import '../../index.mjs'
import { graph, resolveGraph as resolveWith, type GraphBuilder } from '../../engine/graph/build.ts'
import { exitCode } from '../../engine/errors.ts'
import { fromObject, parseGraph, type ParseOptions } from '../../engine/graph/parse.ts'
import { registry } from '../../stages/registry.ts'
import { folder } from '../engine/helpers.ts'

const resolveGraph = (builder: GraphBuilder, options: Partial<ParseOptions> = {}) =>
  resolveWith(builder, { registry, ...options })

const stages = (more: object = {}) => [
  { id: 'pairs', use: 'read_jsonl', with: { path: 'x.jsonl', ...more } },
  { id: 'dpo', use: 'write_arrow' },
]
const object = (more: object = {}) => ({ version: 1 as const, name: 'g', stages: stages(more) })

/** What is wrong, by code, in a time and in a length. */
async function wrong(work: Promise<unknown>, message: RegExp, seconds = 15): Promise<void> {
  const began = Date.now(),
    error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
  expect(Date.now() - began).toBeLessThan(seconds * 1000)
  expect(error?.message).toMatch(message)
  expect(exitCode(error)).toBe(78)
  expect(error!.message.length).toBeLessThan(50_000)
}
const ofText = (text: string) => {
  const path = join(folder(), 'g.yaml')
  writeFileSync(path, text)
  return resolveGraph(graph(path))
}
const set = (...overrides: string[]) => resolveGraph(graph(object()), { overrides })

it('options of a million items', async () => {
  const million = Array.from({ length: 1e6 }, (_, i) => `path ${i}`)
  await wrong(set(`pairs.more_paths=${JSON.stringify(million)}`), /more than 200,000 values/)
  await wrong(resolveGraph(graph(object({ more_paths: million }))), /more than 200,000 values/)
  // as many as a run may be given, and no YAML in between
  expect(
    (await set(`pairs.more_paths=${JSON.stringify(million.slice(0, 100_000))}`)).nodes[0].options.more_paths,
  ).toHaveLength(100_000)
  // wrong in each place: the first are told
  await wrong(set(`pairs.more_paths=${JSON.stringify(million.slice(0, 100_000).map((_, i) => i))}`), /and \d+ more$/)
  await wrong(set(`pairs.more_paths=[${'a,'.repeat(1e6)}]`), /characters, and 1,048,576 are the most/)
}, 60_000)

it('graphs of many megabytes, or that are no files', async () => {
  await wrong(ofText(`name: ${'x'.repeat(50 << 20)}`), /has 52,428,806 bytes, and 1,048,576 are the most/)
  const pipe = join(folder(), 'pipe.yaml')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, folder()]) {
    await wrong(resolveGraph(graph(path.endsWith('.yaml') ? path : `${path}.d.yaml`)), /is no file|no such file/)
  }
  await wrong(resolveGraph(graph(object({ layout: 'x'.repeat(1e6) }))), /not a choice/)
}, 60_000)

it('aliases, nesting, keys and errors without end', async () => {
  const laughs = `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join()}]`).join('\n')}\n`
  await wrong(ofText(laughs), /alias/)
  // few enough for the library, and still too many
  await wrong(ofText(`x: &x [${'a,'.repeat(9000)}]\nlist: [${'*x,'.repeat(60)}]\n`), /more than 200,000 values/)
  const merges = `a0: &a0 {k: 1}\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} {<<: [*a${i}, *a${i}, {x: *a${i}}]}`).join('\n')}\n`
  await wrong(ofText(merges), /more than 200,000 values/)
  await wrong(ofText('['.repeat(100_000)), /nested too deeply|not YAML/)
  await wrong(ofText('{a: '.repeat(50_000)), /nested too deeply|not YAML/)
  await wrong(set(`pairs.columns=${'['.repeat(100_000)}`), /nested too deeply|not a YAML value/)
  await wrong(ofText(Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n')), /unknown key/)
  await wrong(ofText('a: [}\n'.repeat(20_000)), /not YAML/)
  let deep: unknown = 1
  for (let i = 0; i < 50_000; i++) deep = [deep]
  await wrong(resolveGraph(graph(object({ columns: deep }))), /nested without end/)
}, 120_000)

it('keys that are there twice are told with their place, however they are written', async () => {
  const { problems } = await parseGraph('version: 1\nname: a\nstages: []\n"name": b\n', 'g.yaml', { registry })
  expect(problems).toMatchObject([{ code: 'duplicate_key', line: 4, column: 1 }])
  expect(
    (await fromObject(object(), '.', { overrides: ['pairs.columns={a: 1, a: 2}'], registry })).problems[0],
  ).toMatchObject({
    code: 'bad_override',
    message: expect.stringMatching(/there twice/) as string,
  })
})

it('ten thousand stages', async () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({ id: `s${i}`, use: 'check_pairs' }))
  await wrong(
    resolveGraph(graph({ ...object(), stages: [stages()[0], ...many, stages()[1]] })),
    /expected at most 1000 items/,
  )
  // as many as there may be, one behind the other
  expect(
    (await resolveGraph(graph({ ...object(), stages: [stages()[0], ...many.slice(0, 998), stages()[1]] }))).nodes,
  ).toHaveLength(1000)
}, 60_000)

it('options that no graph can write', async () => {
  const at = folder()
  writeFileSync(
    join(at, 'any.mjs'),
    `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'any', version: 1, summary: 'Any.', options: Type.Object({ rule: Type.Any() }),
  reads: {}, writes: {}, rows: 'same', reasons: {}, examples: [], open: () => ({ batch: () => {} }) })
`,
  )
  const of = (rule: unknown) =>
    graph({
      version: 1,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: 'x.jsonl' } },
        { id: 'any', use: join(at, 'any.mjs'), with: { rule } },
        { id: 'dpo', use: 'write_arrow' },
      ],
    })
  for (const [rule, kind] of [
    [/a/, 'RegExp'],
    [[new Set([1])], 'Set'],
    [{ x: new Map() }, 'Map'],
    [() => 1, 'function'],
    [1n, 'bigint'],
  ] as const) {
    await wrong(
      resolveGraph(of(rule), { userFolder: at }),
      new RegExp(`a ${kind} is no data; options are text, numbers`),
    )
  }
  await wrong(resolveGraph(of(NaN), { userFolder: at }), /is no number/)
  const { nodes } = await resolveGraph(of([{ x: [null, true, 1, 'a'] }]), { userFolder: at })
  expect(nodes[1].options).toEqual({ rule: [{ x: [null, true, 1, 'a'] }] })
})
