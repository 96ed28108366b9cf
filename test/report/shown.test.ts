/** What a run shows of itself: counts that are known by hand, and the same bytes whatever the workers and the cuts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import type { Shown, Took } from '../../engine/report/shape.ts'
import { folder, pairs, rowsOf, writeJsonl } from '../engine/helpers.ts'

const shownIn = (path: string) => JSON.parse(readFileSync(join(path, 'report.json'), 'utf8')) as Shown
interface Stage {
  id: string
  use: string
  from?: string
  with?: Readonly<Record<string, unknown>>
}
const graphOf = (path: string, more: readonly Stage[] = [], partition_rows = 1000, last = 'unique') => ({
  version: 1 as const,
  name: 'shown',
  seed: 3,
  partition_rows,
  stages: [
    { id: 'pairs', use: 'read_jsonl', with: { path } } as Stage,
    { id: 'checked', use: 'check_pairs' },
    { id: 'unique', use: 'drop_duplicates' },
    ...more,
    { id: 'dpo', use: 'write_arrow', from: last },
  ],
})

describe('a small run, counted by hand', () => {
  const say = (id: string, chosen: string, rejected: string, source: string | null) => ({
    id,
    prompt: 'Name two primes.',
    chosen,
    rejected,
    source,
  })
  const rows = [
    say('a', '- two\n- three', 'Nine!', 'web'),
    say('b', '', 'Nine.', 'web'),
    say('c', '- two\n- three', 'Nine!', 'web'),
    say('d', 'Five and seven, of course.', 'Do you mean odd ones?', 'web'),
    say('e', 'Eleven, thirteen.', "I'm sorry, I cannot count.", 'book'),
    say('f', 'Same.', 'Same.', 'book'),
    say('g', '**17** and 19', 'One. 😀', 'book'),
    say('h', '23, 29', 'four', 'book'),
    say('i', '31, 37', 'six', null),
    say('j', '41, 43', 'eight', null),
    say('k', '47, 53', 'ten', 'book'),
    say('l', '59, 61', 'twelve', 'web'),
    say('m', '67, 71', 'fifteen', null),
    say('n', '73, 79', 'sixteen', null),
    say('o', '83, 89', 'eighteen', null),
  ]

  it('shows pairs, reasons, sources, features and rows to read', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), rows),
      { folder: out, seconds } = await run(graphOf(path), { output: join(at, 'out'), workers: 1 }),
      shown = shownIn(out)
    expect(shown.pairs).toEqual({ read: 15, out: 12, asRead: 12, made: 0, leftOut: 3, errored: 0 })
    expect(shown.reasons.map(({ stage, reason, family, count }) => [stage, reason, family, count])).toEqual([
      ['checked', 'empty_side', 'broken', 1],
      ['checked', 'identical', 'broken', 1],
      ['unique', 'duplicate', 'repeats', 1],
    ])
    expect(shown.stages.map(({ id, in: taken, dropped, out }) => [id, taken, dropped, out])).toEqual([
      ['pairs', 15, 0, 15],
      ['checked', 15, 2, 13],
      ['unique', 13, 1, 12],
    ])
    expect(shown.parts).toEqual([
      {
        column: 'source',
        values: [
          { value: '(none)', read: 5, kept: 5, doubted: 0, dropped: {} },
          { value: 'book', read: 5, kept: 4, doubted: 0, dropped: { 'checked.identical': 1 } },
          { value: 'web', read: 5, kept: 3, doubted: 0, dropped: { 'checked.empty_side': 1, 'unique.duplicate': 1 } },
        ],
      },
    ])
    const feature = (name: string) => shown.features.find(one => one.name === name)!
    expect(shown.every).toBe(1)
    expect(feature('list')).toMatchObject({
      before: { chosen: 2, rejected: 0 },
      after: { chosen: 1, rejected: 0 },
    })
    expect(feature('exclamation').before).toEqual({ chosen: 0, rejected: 2 })
    expect(feature('bold').before).toEqual({ chosen: 1, rejected: 0 })
    expect(feature('digit').before).toEqual({ chosen: 9, rejected: 0 })
    expect(feature('closing question').before).toEqual({ chosen: 0, rejected: 1 })
    expect(feature('refusal').before).toEqual({ chosen: 0, rejected: 1 })
    expect(feature('emoji').before).toEqual({ chosen: 0, rejected: 1 })
    // of a pair with an empty side there is no ratio
    expect(shown.lengths!.before.reduce((sum, n) => sum + n)).toBe(14)
    expect(shown.lengths!.after.reduce((sum, n) => sum + n)).toBe(12)
    // 'Same.' twice
    expect(shown.lengths!.before[16] - shown.lengths!.after[16]).toBe(1)
    const named = (name: string) => shown.rows.find(one => one.name === name)!
    expect(shown.rows.map(({ name, count }) => [name, count])).toEqual([
      ['checked.empty_side', 1],
      ['checked.identical', 1],
      ['kept', 12],
      ['unique.duplicate', 1],
    ])
    expect(named('unique.duplicate').rows).toEqual([
      expect.objectContaining({
        id: 'c',
        row: 2,
        part: 'web',
        prompt: 'Name two primes.',
        chosen: '- two\n- three',
        rejected: 'Nine!',
        partner: { id: 'a', similarity: null },
      }),
    ])
    expect(
      named('kept')
        .rows.map(({ id }) => id)
        .sort(),
    ).toEqual([...'adeghijklmno'])
    const took = JSON.parse(readFileSync(join(out, 'timings.json'), 'utf8')) as Took
    expect(took.spans.map(({ name }) => name)).toEqual([
      'start',
      'reading',
      'level 1',
      'groups of unique',
      'level 2',
      'reports',
      'publishing',
    ])
    expect(took.spans.reduce((sum, span) => sum + span.seconds, 0)).toBeCloseTo(took.wall, 6)
    expect(took.wall).toBeLessThanOrEqual(seconds + 0.001)
    expect(took.peakMemory).toBeGreaterThan(1e7)
  })
})

const source = (i: number) => `source ${i % 20}`
function many() {
  const rows = pairs(260).map((row, i) => ({ ...row, source: source(i), number: i % 60 }))
  // each tenth again, with a word more, and some that go for another reason
  const near = rows
    .filter((_, i) => i % 10 === 4)
    .flatMap((row, i) => {
      const copy = (n: number) => ({ ...row, id: `${row.id}-${n}`, chosen: `${row.chosen} ${'again '.repeat(n)}` })
      return i < 3 ? [copy(1), copy(2)] : [copy(1)]
    })
  const broken = rows.slice(0, 9).map((row, i) => ({ ...row, id: `broken ${i}`, rejected: '' }))
  return [...rows, ...near, ...broken]
}

describe('a run of many partitions', () => {
  const more = [
    { id: 'distinct', use: 'drop_near_duplicates', with: { similarity: 0.5 } },
    { id: 'words', use: 'drop_length', with: { min_words: 10 } },
  ]

  it('shows the same whatever the workers, the partitions and interruptions; all sums hold', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), many()),
      graph = (rows: number) => graphOf(path, more, rows, 'words')
    const one = await run(graph(40), { output: join(at, 'one'), workers: 1 }),
      three = await run(graph(40), { output: join(at, 'three'), workers: 3, blockRows: 7 })
    const bytes = (out: string) => readFileSync(join(out, 'report.json'), 'utf8')
    expect(bytes(three.folder)).toBe(bytes(one.folder))
    const abort = new AbortController(),
      output = join(at, 'stopped')
    const stopped = run(graph(40), {
      output,
      workers: 1,
      signal: abort.signal,
      onProgress: ({ phase, done }) => {
        if (phase.startsWith('pass 2') && done > 0) abort.abort(130)
      },
    })
    await expect(stopped).rejects.toMatchObject({ exit: 130 })
    const { folder: again } = await run(graph(40), { output, workers: 2 })
    expect(bytes(again)).toBe(bytes(one.folder))
    const whole = await run(graph(1000), { output: join(at, 'whole'), workers: 2 })
    // the size of partitions is in the hash of a run
    const { hash: _, ...shown } = shownIn(one.folder),
      { hash: __, ...other } = shownIn(whole.folder)
    expect(other).toEqual(shown)

    const { read, kept, dropped, errored } = one.manifest.rows
    for (const { values } of shown.parts) {
      const sum = (of: (value: (typeof values)[number]) => number) => values.reduce((n, value) => n + of(value), 0)
      for (const value of values) {
        expect(value.kept + Object.values(value.dropped).reduce((n, some) => n + some, 0)).toBe(value.read)
      }
      expect([sum(value => value.read), sum(value => value.kept)]).toEqual([read, kept])
    }
    expect(shown.pairs.asRead + shown.pairs.leftOut + shown.pairs.errored).toBe(read)
    expect(shown.reasons.reduce((n, { count }) => n + count, 0)).toBe(dropped + errored)
    // of 20 sources 13 are shown, and the others together
    expect(shown.parts[0].column).toBe('source')
    expect(shown.parts[0].values).toHaveLength(14)
    expect(shown.parts[0].values.at(-1)!.value).toBe('others')

    const named = new Set(shown.parts[0].values.map(({ value }) => value))
    for (const { rows } of shown.rows) for (const { part } of rows) expect(named).toContain(part)

    const near = shown.rows.find(({ name }) => name === 'distinct.near_duplicate')!,
      written = rowsOf(join(one.folder, 'dropped', 'distinct'))
    expect(near.count).toBe(written.length)
    expect(near.rows).toHaveLength(24)
    for (const { id, partner, numbers } of near.rows) {
      expect(partner!.id).toBe(id.split('-')[0])
      expect(numbers[0]).toEqual({ name: 'near_duplicate', value: partner!.similarity, limit: 0.5 })
    }
    const [{ histogram, clusters }] = shown.near
    expect(histogram.reduce((n, some) => n + some)).toBe(written.length)
    expect(clusters.map(({ size }) => size)).toEqual([3, 3, 3, 2, 2])
    expect(clusters[0].rows.map(({ id }) => id)).toEqual(['r4', 'r4-1', 'r4-2'])
  })
})

it('of a sink with a limit, rows to read and lengths are of those that it took', async () => {
  const at = folder(),
    path = writeJsonl(join(at, 'in.jsonl'), pairs(90))
  const runs = await Promise.all(
    [20, 1000].map(async (rows, i) => {
      const graph = graphOf(path, [], rows)
      const stages = graph.stages.map(stage =>
        stage.id === 'dpo' ? { ...stage, with: { order_by: 'number', limit: 30 } } : stage,
      )
      return run({ ...graph, stages }, { output: join(at, `out${i}`), workers: 1 })
    }),
  )
  const [{ hash: _, ...shown }, { hash: __, ...other }] = runs.map(({ folder: out }) => shownIn(out))
  expect(shown).toEqual(other)
  const taken = new Set(rowsOf(join(runs[0].folder, 'dpo')).map(({ id }) => id)),
    kept = shown.rows.find(({ name }) => name === 'kept')!
  expect([taken.size, kept.count, kept.rows.length]).toEqual([30, 30, 24])
  expect(kept.rows.every(({ id }) => taken.has(id))).toBe(true)
  expect(shown.lengths!.after.reduce((n, some) => n + some)).toBe(30)
  expect(shown.pairs).toMatchObject({ read: 90, out: 30, leftOut: 60 })
})
