/** Items of benchmarks in pairs: golden texts, real benchmarks, random texts against brute force. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { finderOf, gramsOf, itemOf, wordsIn, type Item } from '../../stages/dedup/grams.ts'
import { folder, rowsOf } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })
const shared = new URL('../../../shared/', import.meta.url).pathname

it('flags what Tülu’s rule flags of one text changed in ten ways, but where punctuation or dashes stand alone', () => {
  interface Case {
    reference: string
    rows: Record<string, { text: string; tulu3_coverage: number; tulu3_flag: boolean }>
  }
  const golden = JSON.parse(
    readFileSync(join(shared, 'golden/text-weights-audits.json'), 'utf8').replace(/\bNaN\b/g, 'null'),
  ) as {
    decontamination: { cases: Case[] }
  }
  const [{ reference, rows }] = golden.decontamination.cases,
    { find } = finderOf([itemOf('q', reference, 8, false)!], new Set())
  const share = (text: string) => find(wordsIn(text, false))?.share ?? 0
  // words keep their punctuation here: what differs in it alone is another word, as in none of theirs
  const others = new Set(['upper_no_punct', 'dashes'])
  const seen = Object.entries(rows).filter(([name, { text }]) => text.length > 40 && !others.has(name))
  expect(seen.length).toBeGreaterThan(6)
  for (const [name, { text, tulu3_coverage: theirs, tulu3_flag: isFlagged }] of seen) {
    expect([name, share(text) > 0.5]).toEqual([name, isFlagged])
    expect(Math.abs(share(text) - theirs), name).toBeLessThan(0.1)
  }
  expect(share(rows.exact.text)).toBe(1)
  expect(share(rows.newlines.text)).toBe(1)
})

it('finds in gsm8k’s test prompts the one that holds two prompts of its training set, as measured', async () => {
  const graph = {
    version: 1 as const,
    name: 'g',
    stages: [
      { id: 'pairs', use: 'read_parquet', with: { path: join(shared, 'data/gsm8k/correct-vs-wrong-pairs.parquet') } },
      {
        id: 'train',
        use: 'read_parquet',
        with: { path: join(shared, 'data/gsm8k/train.parquet'), rename: { text: 'prompt' } },
      },
      { id: 'clean', use: 'drop_contaminated', from: { rows: 'pairs', items: 'train' } },
      { id: 'dpo', use: 'write_arrow' },
    ],
  }
  const { folder: out, manifest } = await run(graph as never, { output: join(folder(), 'out') })
  const prompts = new Set(rowsOf(join(out, 'dropped/clean')).map(({ prompt }) => JSON.stringify(prompt)))
  expect(prompts.size).toBeLessThanOrEqual(2)
  expect(manifest.stages.clean.dropped).toBe(rowsOf(join(out, 'dropped/clean')).length)
  expect(manifest.stages.clean.dropped).toBeGreaterThan(0)
})

it('covers of random items what brute force covers', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 4, maxLength: 14 })
  fc.assert(
    fc.property(
      fc.array(words, { minLength: 1, maxLength: 4 }),
      words,
      fc.integer({ min: 4, max: 6 }),
      (texts, pair, n) => {
        const items = texts.map((text, i) => itemOf(String(i), text.join(' '), n, false)) as Item[]
        const covered = texts.map(text => {
          const run = Math.min(n, text.length),
            is = text.map(() => false)
          for (let at = 0; at + run <= text.length; at++) {
            const part = text.slice(at, at + run).join(' ')
            if (` ${pair.join(' ')} `.includes(` ${part} `)) is.fill(true, at, at + run)
          }
          return is.filter(Boolean).length / text.length
        })
        const most = Math.max(...covered)
        const found = finderOf(items, new Set()).find(wordsIn(pair.join(' '), false))
        expect(found?.share ?? 0).toBeCloseTo(most, 12)
        if (found) expect(found.item).toBe(covered.findIndex(share => Math.abs(share - most) < 1e-12))
      },
    ),
    { numRuns: 300, seed: 5 },
  )
})

it('takes characters of scripts without spaces for words, and no item of a few of them', () => {
  const text = '六只蜘蛛一共有多少条腿在箱子里'
  const { find } = finderOf([itemOf('q', text, 8, false)!], new Set())
  expect(find(wordsIn(`请问：${text}？`, false))?.share).toBe(1)
  expect(itemOf('q', '多少条腿', 8, false)).toBeUndefined()
  expect(itemOf('q', 'how many legs', 8, false)).toBeUndefined()
  expect(gramsOf(wordsIn('one two three', false), 4).length).toBe(0)
})
