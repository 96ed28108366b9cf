/** Wrong options of `run` in code, each refused with what it should be. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { folder, pairs, writeJsonl } from './helpers.ts'

it.each<[Record<string, unknown>, string]>([
  [{ ouput: 'x' }, "no option 'ouput'; did you mean 'output'?"],
  [{ keepids: ['a'] }, "did you mean 'keepIds'?"],
  [{ input: [] }, "option 'input' is [], not a list of at least one text"],
  [{ input: 'a.jsonl' }, 'not a list of at least one text'],
  [{ keepIds: 'abc' }, 'not a list of texts'],
  [{ limit: 0 }, "option 'limit' is 0, not a whole number of at least 1"],
  [{ limit: 2.5 }, 'not a whole number of at least 1'],
  [{ seed: 'x' }, 'not a whole number of at least 0'],
  [{ workers: NaN }, 'not a whole number of at least 1'],
  [{ onWarning: true }, 'not a function'],
  [{ limit: 3, sample: 3 }, 'give one of them'],
  [{ toString: 'x' }, "no option 'toString'"],
])('a run with %j is refused before anything is read', async (options, message) => {
  const at = folder(),
    graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'a.jsonl'), pairs(5)) } },
        { id: 'out', use: 'write_jsonl' },
      ],
    }
  await expect(run(graph, { output: join(at, 'out'), ...options } as never)).rejects.toMatchObject({
    exit: 64,
    message: expect.stringContaining(message) as unknown,
  })
})
