/** split_by_prompt: no prompt, nor one near it, is in both parts, for any order of files and number of workers. */
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const at = folder(),
  word = (i: number) => `w${(i * 7919) % 1009}`,
  prompt = (i: number) => Array.from({ length: 30 }, (_, w) => word(i * 31 + w * w)).join(' ')
/** Forty prompts of two pairs each; every third has a twin of which the last word is another, in the other file. */
const all = pairs(80).map((row, i) => ({
    ...row,
    prompt: i % 2 === 0 ? prompt(i >> 1) : prompt(i >> 1).toUpperCase(),
  })),
  twins = pairs(13, 80).map((row, i) => ({ ...row, prompt: prompt(3 * i).replace(/\S+$/, 'changed') }))
const first = writeJsonl(join(at, 'a.jsonl'), all),
  second = writeJsonl(join(at, 'b.jsonl'), twins)

async function split(paths: readonly string[], workers: number, prompts = 20) {
  const graph = {
    version: 1 as const,
    name: 'g',
    partition_rows: 25,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: paths[0], more_paths: paths.slice(1) } },
      { id: 'parts', use: 'split_by_prompt', with: { prompts } },
      { id: 'train', use: 'write_arrow' },
      { id: 'eval', use: 'write_arrow', from: 'parts.eval' },
    ],
  }
  const output = join(at, [workers, prompts, ...paths.map(path => path.slice(-7))].join('-'))
  const { folder: made, manifest } = await run(graph, { output, workers })
  const promptsOf = (sink: string) => rowsOf(join(made, sink)) as { prompt: string; id: string }[]
  return { train: promptsOf('train'), test: promptsOf('eval'), made, manifest }
}

it('a prompt and those near it are in one part or in none, and what is set aside is kept', async () => {
  const { train, test, made, manifest } = await split([first, second], 2),
    plain = (text: string) => text.toLowerCase().split(' ').slice(0, -1).join(' ')
  const aside = new Set(test.map(row => row.prompt.toLowerCase()))
  expect(aside.size).toBe(20)
  // all pairs of a prompt come along
  for (const row of [...all, ...twins]) {
    if (aside.has(row.prompt.toLowerCase())) expect(test.map(({ id }) => id)).toContain(row.id)
  }
  const near = new Set(test.map(row => plain(row.prompt)))
  expect(train.filter(row => near.has(plain(row.prompt)))).toEqual([])
  const { near_eval } = manifest.stages.parts.reasons
  expect(near_eval).toBeGreaterThan(0)
  expect(train.length + test.length + near_eval).toBe(93)
  expect(manifest.rows).toMatchObject({ read: 93, kept: train.length + test.length, dropped: near_eval, errored: 0 })

  expect(fingerprint((await split([first, second], 1)).made)).toEqual(fingerprint(made))
  const turned = await split([second, first], 2)
  expect(turned.test.map(({ id }) => id).sort()).toEqual(test.map(({ id }) => id).sort())
})

it('says so where there are no more prompts than are set aside', async () => {
  const { train, manifest } = await split([first], 1, 100)
  expect(train).toEqual([])
  expect(manifest.stages.parts.report?.lines).toEqual([
    'warning: there are 40 prompts, of which 100 were to be set aside: all are',
  ])
})
