/** sample_per_prompt and sample_mix: what they promise, whatever the rows, the order of files and the workers. */
import fc from 'fast-check'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { runExample } from '../../engine/run/examples.ts'
import { shares } from '../../stages/sample/sample_mix.ts'
import samplePerPrompt from '../../stages/sample/sample_per_prompt.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const at = folder()
const through = async (use: string, options: Record<string, unknown>, paths: readonly string[], workers = 2) => {
  const graph = {
    version: 1 as const,
    name: 'g',
    partition_rows: 20,
    stages: [
      { id: 'pairs', use: 'read_jsonl', with: { path: paths[0], more_paths: paths.slice(1) } },
      { id: 'some', use, with: options },
      { id: 'dpo', use: 'write_arrow' },
    ],
  }
  const output = join(at, `${use} ${JSON.stringify(options)} ${paths.join().length} ${workers}`.replace(/\W+/g, '_'))
  const { folder: made, manifest } = await run(graph, { output, workers })
  return { rows: rowsOf(join(made, 'dpo')), folder: made, manifest }
}

it('of each prompt the best are kept, at most so many', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.option(fc.integer({ min: 0, max: 4 }))), {
        minLength: 1,
        maxLength: 15,
      }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (all, rows, descending) => {
        const of = all.map(([p, score], i) => ({ id: `r${i}`, prompt: `q ${p}`, chosen: 'a', rejected: 'b', score }))
        // a column that is null throughout has no type to read
        const found = await runExample(samplePerPrompt, {
          title: 'x',
          options: { rows, order_by: 'score', descending },
          rows: [...of, { id: 'z', prompt: 'alone', chosen: 'a', rejected: 'b', score: 1 }],
        })
        for (const prompt of new Set(of.map(row => row.prompt))) {
          const own = of.flatMap((row, i) => (row.prompt === prompt ? [i] : [])),
            kept = own.filter(i => found.kept.includes(i)),
            rank = (i: number) => (of[i].score === null ? Infinity : of[i].score * (descending ? -1 : 1))
          expect(kept).toHaveLength(Math.min(rows, own.length))
          const left = own.filter(i => !kept.includes(i)).map(rank)
          if (left.length > 0) expect(Math.max(...kept.map(rank))).toBeLessThanOrEqual(Math.min(...left))
        }
      },
    ),
    { numRuns: 15 },
  ))

it('the pairs of a prompt meet from all files, and the same are kept in any order of them', async () => {
  const rows = pairs(60).map((row, i) => ({ ...row, prompt: `question ${i % 12}` })),
    first = writeJsonl(join(at, 'a.jsonl'), rows.slice(0, 35)),
    second = writeJsonl(join(at, 'b.jsonl'), rows.slice(35))
  const [one, two] = [
    await through('sample_per_prompt', { rows: 2 }, [first, second], 1),
    await through('sample_per_prompt', { rows: 2 }, [first, second], 3),
  ]
  expect(one.rows).toHaveLength(24)
  expect(one.manifest.warnings ?? []).toEqual([])
  expect(fingerprint(one.folder)).toEqual(fingerprint(two.folder))
  const turned = await through('sample_per_prompt', { rows: 2 }, [second, first])
  expect(turned.rows.map(({ id }) => id).sort()).toEqual(one.rows.map(({ id }) => id).sort())
})

it('a mixture is as large as the scarcest of it allows', () =>
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(10_000)), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(1, 0.1, 0.01, 1 / 3),
      (all, unit) => {
        const [weights, counts] = [all.map(([weight]) => weight * unit), all.map(([, count]) => count)],
          taken = shares(weights, counts)
        taken.forEach((rows, i) => expect(rows).toBeLessThanOrEqual(counts[i]))
        expect(taken.some((rows, i) => rows === counts[i])).toBe(true)
        const whole = taken.map((rows, i) => rows / weights[i])
        taken.forEach((_, i) =>
          expect(Math.abs(whole[i] - Math.max(...whole)) * weights[i]).toBeLessThanOrEqual(
            1.01 + weights[i] / Math.min(...weights),
          ),
        )
      },
    ),
  ))

it('shares of a column are as their weights say, and a value that is nowhere is no mixture', async () => {
  const rows = pairs(90).map((row, i) => ({ ...row, source: i % 3 === 0 ? 'maths' : i % 10 === 1 ? null : 'chat' })),
    path = writeJsonl(join(at, 'mix.jsonl'), rows)
  const options = { by: 'source', weights: { maths: 0.6, chat: 0.2 } },
    [one, two] = [await through('sample_mix', options, [path], 1), await through('sample_mix', options, [path], 3)]
  const count = (source: string) => one.rows.filter(row => row.source === source).length
  expect([count('maths'), count('chat'), one.rows.length]).toEqual([30, 10, 40])
  expect(fingerprint(one.folder)).toEqual(fingerprint(two.folder))
  await expect(through('sample_mix', { by: 'source', weights: { maths: 1, chatt: 1 } }, [path])).rejects.toThrow(
    /not published.*no pair has the value 'chatt' in the column 'source'/s,
  )
})
