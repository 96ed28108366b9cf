import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { graph, run } from '../../index.mjs'
import { folder } from '../engine/helpers.ts'

const pairs = fileURLToPath(new URL('../../../shared/data/hh-rlhf-raw/helpful-base-test.parquet', import.meta.url))

it('drops nothing where dropping makes learning by heart easier and a well-regularised head worse', { timeout: 120_000 }, async () => {
  // people's choices: what reviewers see of them is mostly that longer answers are liked
  const built = graph({ version: 1, name: 'real', stages: [{ id: 'pairs', use: 'read_parquet', with: { path: pairs } }, { id: 'checked', use: 'check_pairs' }, { id: 'agreed', use: 'peer_review' }, { id: 'dpo', use: 'write_arrow' }] }, { base: import.meta.url })
  const { manifest: { stages: { agreed } } } = await run(built, { output: join(folder(), 'out'), workers: 2 })
  const { able, evidence } = agreed.report!.numbers as { able: boolean, evidence: { helps: boolean, trials: { memorising: { low: number }, tuned: { high: number } }[] } }
  expect(able).toBe(true)
  expect(evidence.trials.some(({ memorising, tuned }) => memorising.low > 0 && tuned.high < 0)).toBe(true)
  expect({ dropped: agreed.dropped, helps: evidence.helps }).toEqual({ dropped: 0, helps: false })
})
