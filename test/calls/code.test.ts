/** Whose answers are whose: those of a stage of one's own go with its code, those of the registry with `identity`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openCache } from '../../engine/calls/cache.ts'
import { openCalls } from '../../engine/calls/calls.ts'
import { servicesOf } from '../../engine/calls/graph.ts'
import { graph, resolveGraph } from '../../engine/graph/build.ts'
import { allStages, registry } from '../../stages/registry.ts'
import { folder } from '../engine/helpers.ts'
import { startSluice } from '../failures/helpers.ts'
import { input, outcomeOf, output, PAIRS } from './helpers.ts'
import { startServer } from './server.ts'

/** A stage that asks for the length of the chosen side, and what is read of the answer. */
const own = (read: string) => `
import { defineStage, Type } from 'sluice-data'
import { style } from './style.mjs'
const items = batch => Array.from({ length: batch.rows }, (_, row) => batch.messages('chosen').text(row))
const calls = ({ url }) => ({
  limits: { url, concurrent_requests: 4, timeout_secs: 10, retry_secs: 5 }, model: 'reward', identity: 'lengths',
  items_per_request: 10, items,
  request: texts => ({ path: '/lengths', body: { texts, style } }),
  read: answer => answer.lengths.map(length => ${read}),
  probe: { items: ['a'], check() {} },
})
export default defineStage({
  name: 'own', version: 1, summary: 'Ask for a length.', options: Type.Object({ url: Type.String() }),
  reads: { chosen: 'messages' }, writes: { n: 'float64' }, rows: 'same', examples: [], calls,
  open: (_, { ask }) => ({
    batch: async batch => ({ columns: { n: (await ask(items(batch))).map(({ value }) => value) } }),
  }),
})`
const lengths = () =>
  startServer(({ body: { texts, style } }, response) => {
    const lengths = (texts as string[]).map(({ length }) => (style === 'loud' ? 1000 : 0) + length)
    return response.end(JSON.stringify({ lengths })) && true
  })
const put = (at: string, read: string, style: string): string => {
  writeFileSync(join(at, 'style.mjs'), `export const style = '${style}'`)
  writeFileSync(join(at, 'own.mjs'), own(read))
  return join(at, 'own.mjs')
}
const graphOf = (url: string, ...files: string[]) => ({
  version: 1 as const,
  name: 'g',
  stages: [
    { id: 'pairs', use: 'read_jsonl', with: { path: input } },
    ...files.map((use, i) => ({ id: `own${i}`, use, with: { url } })),
    { id: 'dpo', use: 'write_arrow' },
  ],
})

it('a stage of one’s own whose `read`, or what its `request` imports, is edited asks again, and `check` says so', async () => {
  const { url, requests } = await lengths(),
    at = folder(),
    answers = join(folder(), 'answers')
  const asked = async (read: string, style: string) => {
    const before = requests.length,
      file = put(at, read, style),
      path = join(at, 'g.json')
    writeFileSync(path, JSON.stringify(graphOf(url, file)))
    // another language and time zone are no other code
    const { stdout } = await startSluice(['check', path, '--output', output(), '--answers', answers], {
      TZ: 'Asia/Tokyo',
      LANG: 'de_DE.UTF-8',
    }).ended
    const known = Number(/(\d+) % of the answers/.exec(stdout)?.[1] ?? 0)
    const { rows, error } = await outcomeOf(graphOf(url, file), { answers })
    expect(error).toBeUndefined()
    return { asked: requests.length - before, known, n: rows[0].own0_n as number }
  }
  // a probe, and ten rows a request
  const all = 1 + PAIRS / 10,
    first = await asked('length', 'calm')
  expect(first).toEqual({ asked: all, known: 0, n: first.n })
  expect(await asked('-length', 'calm')).toEqual({ asked: all, known: 0, n: -first.n })
  expect(await asked('-length', 'loud')).toEqual({ asked: all, known: 0, n: -1000 - first.n })
  // what is as it was costs nothing, wherever it lies
  const there = await asked('length', 'calm')
  expect(there).toEqual({ asked: 0, known: 100, n: first.n })
  const moved = put(folder(), 'length', 'calm'),
    before = requests.length
  expect((await outcomeOf(graphOf(url, moved), { answers })).rows[0].own0_n).toBe(first.n)
  expect(requests.length).toBe(before)
})

it('two stages of one’s own with one model and one `identity` are not given each other’s answers', async () => {
  const { url } = await lengths(),
    files = ['length', '2 * length'].map(read => put(folder(), read, 'calm'))
  const { rows } = await outcomeOf(graphOf(url, ...files))
  expect(rows).toHaveLength(PAIRS)
  for (const { own0_n, own1_n } of rows) expect(own1_n).toBe(2 * (own0_n as number))
})

it('answers of the registry’s stages are found by the keys of before: nobody pays again for an upgrade', async () => {
  const url = 'http://127.0.0.1:9',
    answers = join(folder(), 'answers')
  // of the item 'an item', from a server that says 'weights'
  const keys = {
    judge_pairs: 'answer!0fba25567e9dbe66ee016eecbb0025736c6ad2db8d7834f1ddc716ded77e2690',
    score_pairs: 'answer!a1414bbb052e36619c1dba6e615d58ba32c115dfb4bd15977bac77e549322bd9',
    self_edit: 'answer!e05a2748547ee3f9a0031f4b4c2106857530c87db45a46a1160d8f713a11e66f',
  }
  const uses = Object.keys(keys)
  const served = [...(await allStages())].filter(([, stage]) => stage.kind === 'stage' && stage.calls)
  expect(served.map(([use]) => use)).toEqual(uses)
  const cache = await openCache(answers)
  await cache.put(
    new Map<string, unknown>([[`served!${url}!m`, 'weights'], ...Object.values(keys).map(key => [key, 1] as const)]),
  )
  await cache.close()
  const resolved = await resolveGraph(
    graph({
      version: 1,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: input } },
        ...uses.map(use => ({ id: use, use, with: { url, model: 'm' } })),
        { id: 'dpo', use: 'write_arrow' },
      ],
    }),
    { registry },
  )
  const calls = openCalls(servicesOf(resolved).services, answers, () => '')
  for (const use of uses) expect([use, await calls.known(use, ['an item'])]).toEqual([use, 1])
  await calls.close()
})
