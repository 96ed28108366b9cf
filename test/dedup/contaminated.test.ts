/** Items of benchmarks in pairs: golden texts, real benchmarks, random texts against brute force. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { finderOf, gramsOf, itemOf, wordsIn, type Item } from '../../stages/dedup/grams.ts'
import { Random } from '../../models/random.ts'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 120_000 })
const shared = new URL('../../../shared/', import.meta.url).pathname

it('flags what Tülu’s rule flags of one text changed in ten ways', () => {
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
  const seen = Object.entries(rows).filter(([, { text }]) => text.length > 40)
  expect(seen.length).toBeGreaterThan(8)
  for (const [name, { text, tulu3_coverage: theirs, tulu3_flag: isFlagged }] of seen) {
    expect([name, share(text) > 0.5]).toEqual([name, isFlagged])
    expect(Math.abs(share(text) - theirs), name).toBeLessThan(0.1)
  }
  for (const name of ['exact', 'upper_no_punct', 'dashes']) expect(share(rows[name].text), name).toBe(1)
  expect(Object.fromEntries(seen.map(([name, { text }]) => [name, share(text).toFixed(2)]))).toEqual({
    ...{ exact: '1.00', upper_no_punct: '1.00', newlines: '1.00', dashes: '1.00' },
    ...{ numbers_changed: '0.68', one_word_in_ten: '0.71', eight_words: '0.00' },
    ...{ shares_12_words: '0.32', shares_11_words: '0.29' },
  })
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

it('finds exact copies that other rules do not: seven words, and Chinese', () => {
  interface Short {
    reference: string
    exact: { lm_eval_python_hits: number; open_r1_8gram: number; tulu3_flag: boolean }
  }
  const golden = JSON.parse(
    readFileSync(join(shared, 'golden/text-weights-audits.json'), 'utf8').replace(/\bNaN\b/g, 'null'),
  ) as { decontamination: { cases: [unknown, Record<'short_reference' | 'long_words' | 'chinese', Short>] } }
  const [, { short_reference, long_words, chinese }] = golden.decontamination.cases
  for (const { reference } of [short_reference, long_words, chinese]) {
    const { find } = finderOf([itemOf('q', reference, 8, false)!], new Set())
    expect(find(wordsIn(reference, false))?.share, reference).toBe(1)
  }
  expect(chinese.exact).toMatchObject({ lm_eval_python_hits: 0, open_r1_8gram: 0, tulu3_flag: false })
  expect(short_reference.exact).toMatchObject({ lm_eval_python_hits: 0, open_r1_8gram: 0, tulu3_flag: true })
})

it('planted copies: all of those with words around, and none of the pairs without an item', () => {
  const random = new Random(7),
    // a few words are in most texts, as in language
    text = (words: number) =>
      Array.from({ length: words }, () => `w${Math.floor(3000 * random.float() ** 3)}`).join(' '),
    texts = Array.from({ length: 400 }, () => text(12 + random.below(40))),
    finders = new Map(
      [4, 8].map(n => [
        n,
        finderOf(
          texts.map((one, i) => itemOf(String(i), one, n, false)!),
          new Set(),
        ),
      ]),
    ),
    share = (one: string, n: number) => finders.get(n)!.find(wordsIn(one, false))?.share ?? 0
  /** Every so many words is another one. */
  const changed = (one: string, step: number) =>
    one
      .split(' ')
      .map((word, i) => (i % step === step - 1 ? 'other' : word))
      .join(' ')
  const flagged = (make: (one: string) => string, n = 8) => texts.filter(one => share(make(one), n) > 0.5).length
  expect({
    copies: flagged(one => `${text(9)} ${one} ${text(5)}`),
    shouted: flagged(one => one.toUpperCase().replaceAll(' ', ', ')),
    'one word in 12': flagged(one => changed(one, 12)),
    'one word in 8': flagged(one => changed(one, 8)),
    'one word in 8, n of 4': flagged(one => changed(one, 8), 4),
    others: flagged(() => text(60)),
  }).toEqual({
    copies: 400,
    shouted: 400,
    'one word in 12': 400,
    'one word in 8': 0,
    'one word in 8, n of 4': 400,
    others: 0,
  })
})

it('holds pairs against several benchmarks at once, and names the item of a row that is dropped', async () => {
  const home = folder(),
    question = (i: number) => `Item number ${i} asks how many small boats cross the wide river at night`
  const graph = {
    version: 1 as const,
    name: 'g',
    stages: [
      ...['one', 'two'].map((id, k) => ({
        id,
        use: 'read_jsonl',
        with: { path: writeJsonl(join(home, `${id}.jsonl`), [{ id: `${id}/0`, text: question(k + 1) }]) },
      })),
      {
        id: 'pairs',
        use: 'read_jsonl',
        with: {
          path: writeJsonl(
            join(home, 'pairs.jsonl'),
            [question(2), 'What is a boat?', `Please: ${question(1)}?`].map((prompt, i) => ({
              ...{ id: `p${i}`, prompt, chosen: 'Seven of them.', rejected: 'Nine of them.' },
            })),
          ),
        },
      },
      { id: 'clean', use: 'drop_contaminated', from: { rows: 'pairs', items: ['one', 'two'] } },
      { id: 'out', use: 'write_jsonl' },
    ],
  }
  const { folder: out } = await run(graph as never, { output: join(home, 'out') })
  const dropped = rowsOf(join(out, 'dropped/clean')) as { id: string; clean_item: string }[]
  expect(dropped.map(({ id, clean_item }) => [id, clean_item])).toEqual([
    ['p0', 'two/0'],
    ['p2', 'one/0'],
  ])
})

it('takes what many pairs have for a phrase, and not an item that many pairs hold', () => {
  const item = itemOf(
      'q',
      'Explain in simple words how the following thing works for a child: a bicycle pump and a chain',
      8,
      false,
    )!,
    { passing } = finderOf([item], new Set())
  const phrase = passing(wordsIn('Explain in simple words how the following thing works for a king.', false), 0.5)
  // of 18 words 11 are covered, which is the item; of the next text 8 are
  expect(phrase).toEqual([])
  expect(passing(wordsIn('Explain in simple words how the following thing, a car, is made', false), 0.5)).toHaveLength(
    1,
  )
  expect(
    passing(
      wordsIn(
        `Please: explain in simple words how the following thing works for a child: a bicycle pump and a chain`,
        false,
      ),
      0.5,
    ),
  ).toEqual([])
  const short = finderOf([itemOf('s', 'What is the capital?', 8, false)!], new Set())
  expect(short.passing(wordsIn('What is the capital?', false), 0.5)).toHaveLength(1)
})
