/** Votes in lists of each row, and what is learned of those who cast them. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { Field, Float64, Int64, List, Struct, Utf8, vectorFromArray, type DataType } from 'apache-arrow'
import { describe, expect, it, vi } from 'vitest'
import { graph, run } from '../../index.mjs'
import { runExample } from '../../engine/run/examples.ts'
import { Batch } from '../../engine/arrow/flow.ts'
import { Random } from '../../models/random.ts'
import type { ExampleRow, AnyStage } from '../../engine/contract/define.ts'
import detectNoise from '../../stages/noise/detect_noise.ts'
import { readVoteLists, type VoteListOptions } from '../../stages/noise/vote_lists.ts'
import { voteMerger } from '../../stages/noise/votes.ts'
import { table } from '../sources/helpers.ts'
import { folder, rowsOf } from '../engine/helpers.ts'

vi.setConfig({ testTimeout: 240_000 })

const list = (type: DataType) => new List(new Field('item', type))
const structs = (fields: Readonly<Record<string, DataType>>) =>
  list(new Struct(Object.entries(fields).map(([name, type]) => new Field(name, type))))
/** Votes of rows of which each is given by its columns; types as named, else as they are inferred. */
function votesOf(
  rows: readonly Record<string, unknown>[],
  options: Partial<VoteListOptions>,
  types: Readonly<Record<string, DataType>> = {},
  words = new Set<string>(),
) {
  const named = rows.map((row, i) => ({ id: `r${i}`, ...row })),
    bare = table(named.map(row => Object.fromEntries(Object.entries(row).filter(([name]) => !(name in types)))))
  const fields = [...bare.schema.fields, ...Object.entries(types).map(([name, type]) => new Field(name, type))]
  const columns = [
    ...bare.data.children,
    ...Object.entries(types).map(
      ([name, type]) =>
        vectorFromArray(
          named.map(row => (row as Record<string, unknown>)[name] ?? null),
          type,
        ).data[0],
    ),
  ]
  const flow = {
    schema: new (bare.schema.constructor as new (fields: Field[]) => typeof bare.schema)(fields),
    columns,
    rows: rows.length,
    row: Uint32Array.from(rows.keys()),
    copy: new Uint32Array(rows.length),
  }
  return readVoteLists(new Batch(flow), { votes: 'votes', ties: ['tie'], ...options }, words)
}

describe('lists of votes', () => {
  it('say the same as structs, as two lists, as JSON text, and as numbers', () => {
    const by = [
      [
        ['Ann', 'chosen'],
        ['Bo', 'rejected'],
        ['Cy', 'tie'],
        ['Di', null],
      ],
      [],
      null,
      [
        ['Ann', 'rejected'],
        [null, 'chosen'],
      ],
    ] as const
    const expected = [
      [
        ['Ann', 1],
        ['Bo', -1],
      ],
      [],
      [],
      [['Ann', -1]],
    ]
    const each = (make: (vote: readonly [string | null, string | null]) => unknown) =>
      by.map(votes => votes?.map(make) ?? null)
    const sign = (said: string | null) => (said === null ? null : said === 'chosen' ? 2 : said === 'tie' ? 0 : -1)
    for (const [who, said] of [
      ['worker', 'vote'],
      ['annotator', 'label'],
      ['id', 'vote'],
    ] as const) {
      expect(
        votesOf(
          each(([name, vote]) => ({ [who]: name, [said]: vote })).map(votes => ({ votes })),
          {},
          { votes: structs({ [who]: new Utf8(), [said]: new Utf8() }) },
        ),
      ).toEqual(expected)
    }
    expect(
      votesOf(
        each(([name, vote]) => ({ worker: name, vote: sign(vote) })).map(votes => ({ votes })),
        {},
        { votes: structs({ worker: new Utf8(), vote: new Float64() }) },
      ),
    ).toEqual(expected)
    expect(
      votesOf(
        each(([worker, vote]) => ({ worker, vote })).map(votes => ({ votes: JSON.stringify(votes) })),
        {},
      ),
    ).toEqual(expected)
    const two = each(([name]) => name).map((names, i) => ({ names, votes: each(([, vote]) => vote)[i] }))
    expect(votesOf(two, { voters: 'names' }, { names: list(new Utf8()), votes: list(new Utf8()) })).toEqual(expected)
    // names may be numbers
    const words = new Set<string>(),
      rows = [
        {
          votes: [
            { id: 7n, vote: 'a' },
            { id: 8n, vote: 'b' },
          ],
          mine: 'b',
        },
        { votes: [{ id: 7n, vote: 'a' }], mine: null },
      ]
    expect(votesOf(rows, { chosen: 'mine' }, { votes: structs({ id: new Int64(), vote: new Utf8() }) }, words)).toEqual(
      [
        [
          ['7', -1],
          ['8', 1],
        ],
        [],
      ],
    )
    expect([...words].sort()).toEqual(['a', 'b'])
  })

  it('that are no votes stop the run, with the row and what is wrong', () => {
    const text = (votes: unknown, more = {}) => ({ votes: JSON.stringify(votes), ...more })
    expect(() => votesOf([text([]), text([{ worker: 'Ann', vote: 'maybe' }])], {})).toThrow(
      /^'votes' of row r1 holds "maybe", which is no vote: neither a number, nor chosen or rejected, nor one of ties \(tie\); where votes say something else/,
    )
    expect(() => votesOf([text([{ worker: 'Ann', vote: { a: 1 } }])], {})).toThrow(
      /r0 holds \{"a":1\}, which is no vote/,
    )
    expect(() => votesOf([text(['chosen'])], {})).toThrow(
      /the votes in 'votes' have no names: give the column of names as voters/,
    )
    expect(() => votesOf([{ votes: 'none' }], {})).toThrow(/'votes' of row r0 is "none", which is no JSON list/)
    expect(() => votesOf([text(['chosen', 'rejected'], { names: '["Ann"]' })], { voters: 'names' })).toThrow(
      /row r0 has 2 votes in 'votes' and 1 names in 'names'/,
    )
    expect(() =>
      votesOf([text(['a', 'b', 'c'], { names: '["x", "y", "z"]', mine: 'a' })], { voters: 'names', chosen: 'mine' }),
    ).toThrow(/the votes in 'votes' say 'a', 'b', 'c'; they must be two words/)
    expect(() =>
      votesOf(
        [{ votes: [{ rater: 'Ann', vote: 'chosen' }] }],
        {},
        { votes: structs({ rater: new Utf8(), vote: new Utf8() }) },
      ),
    ).toThrow(/the structs in 'votes' have rater, vote, and none of worker, annotator, name, id/)
  })

  it('words that differ between partitions are found too', () => {
    const merger = voteMerger({ vote_columns: [], vote_lists: { votes: 'votes', chosen: 'mine', ties: [] } }),
      none = { patterns: new Map<string, number>(), agree: 0, tie: 0, reverse: 0 }
    merger.add({ ...none, words: new Set(['a', 'b']) })
    expect(() => {
      merger.add({ ...none, words: new Set(['b', 'c']) })
    }).toThrow(/say 'a', 'b', 'c'/)
  })

  it('of more rows than memory should hold are learned from in part, the same whatever the order within partitions', () => {
    const rows = Array.from({ length: 250_000 }, (_, i): [string, number] => [`+w${i % 9}\0-v${i}`, 1 + (i % 2)]),
      half = rows.length / 2
    const fit = (turn: boolean) => {
      const merger = voteMerger({ vote_columns: [], vote_lists: { votes: 'votes', ties: [] } })
      for (const part of [rows.slice(0, half), rows.slice(half)]) {
        merger.add({
          patterns: new Map(turn ? [...part].reverse() : part),
          words: new Set(),
          agree: 0,
          tie: 0,
          reverse: 0,
        })
      }
      return merger.fitted()
    }
    const fitted = fit(false)
    expect(fitted.voted).toBe(375_000)
    expect([...fitted.accuracy.keys()].length).toBeLessThan(100_020)
    expect([...fitted.accuracy.keys()].length).toBeGreaterThan(25_000)
    expect(fit(true)).toEqual(fitted)
  })

  it('and votes in columns come to the same numbers', async () => {
    const random = new Random(4),
      judges = { good: 0.9, fair: 0.7, poor: 0.52 }
    const rows = Array.from({ length: 400 }, (_, i): ExampleRow => {
      const right = random.float() < 0.8,
        votes = Object.entries(judges).map(
          ([name, accuracy]) =>
            [name, random.float() < 0.2 ? null : random.float() < accuracy === right ? 1 : -1] as const,
        )
      return {
        prompt: `question ${i}`,
        chosen: 'Yes.',
        rejected: 'No.',
        ...Object.fromEntries(votes),
        votes: votes.map(([worker, vote]) => ({ worker, vote })),
      }
    })
    const ask = async (options: Record<string, unknown>) =>
      (
        await runExample(detectNoise as unknown as AnyStage, {
          title: 'x',
          rows,
          options: { reviewers: ['style'], ...options },
        })
      ).columns.votes
    const lists = await ask({ vote_lists: { votes: 'votes' } })
    expect(lists).toEqual(await ask({ vote_columns: ['fair', 'good', 'poor'] }))
    expect(lists.filter(vote => vote !== null).length).toBeGreaterThan(380)
  })
})

const data = fileURLToPath(new URL('../../../shared/data/ukpconvarg1/all.parquet', import.meta.url))
describe.runIf(existsSync(data))('real votes of 3,815 people', () => {
  it('tell clear pairs from doubtful ones, and people much as another model of them does', async () => {
    const bytes = readFileSync(data),
      rows = (await parquetReadObjects({
        file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
        columns: ['id', 'annotators', 'competence', 'strict_gold', 'votes', 'majority'],
        compressors,
      })) as {
        id: string
        annotators: string[]
        competence: number[]
        strict_gold: string | null
        votes: string[]
        majority: string
      }[]
    const vote_lists = { votes: 'votes', voters: 'annotators', chosen: 'majority' }
    const built = (more: object) =>
      graph(
        {
          version: 1,
          name: 'real',
          stages: [
            { id: 'pairs', use: 'read_parquet', with: { path: data } },
            {
              id: 'noise',
              use: 'detect_noise',
              with: { reviewers: ['style'], sample_rows: 2000, vote_lists: { ...vote_lists, ...more } },
            },
            { id: 'out', use: 'write_arrow' },
          ],
        },
        { base: import.meta.url },
      )
    const at = folder(),
      { folder: out, manifest } = await run(built({}), { output: join(at, 'out'), workers: 2 })
    const p = new Map(rowsOf(join(out, 'out')).map(row => [row.id as string, row.noise_votes as number])),
      gold = new Map(rows.map(row => [row.id, row.strict_gold]))
    const mean = (some: readonly number[]) => some.reduce((sum, value) => sum + value, 0) / some.length
    const clear = [...p].filter(([id]) => gold.get(id) !== null),
      unclear = [...p].filter(([id]) => gold.get(id) === null)
    expect(p.size).toBe(12_069)
    expect([
      mean(clear.map(([, value]) => value)) > 0.97,
      mean(unclear.map(([, value]) => value)) < mean(clear.map(([, value]) => value)),
    ]).toEqual([true, true])
    expect(clear.filter(([, value]) => value > 0.5).length / clear.length).toBeGreaterThan(0.99)
    const { voters, voted, doubtful } = manifest.stages.noise.report!.numbers.votes as {
      voters: number
      voted: number
      doubtful: string[]
    }
    expect([voters > 3000, voted]).toEqual([true, 12_069])
    const competence = rows.flatMap(({ annotators, competence }) =>
      annotators.map((name, i): [string, number] => [name, competence[i]]),
    )
    // MACE's competence of people, which comes with the data, has the same opinion of those who are found wanting
    expect(doubtful.length).toBeGreaterThan(0)
    expect(mean(competence.filter(([name]) => doubtful.includes(name)).map(([, value]) => value))).toBeLessThan(
      mean(competence.map(([, value]) => value)) / 2,
    )
    expect(manifest.stages.noise.report!.lines.join()).toMatch(
      /12,069 pairs have votes; right as often as the others make likely: half of 3,\d\d\d voters at least \d\d %; below 50 % of those with 20 votes or more: 1, \w+ \d\d %/,
    )
    // and what is no word of a vote is told
    await expect(run(built({ ties: [] }), { output: join(at, 'bad'), workers: 2 })).rejects.toMatchObject({
      message: expect.stringMatching(/^noise \(detect_noise\): the votes in 'votes' say 'a', 'b', 'tie'/) as string,
      exit: 65,
    })
  })
})
