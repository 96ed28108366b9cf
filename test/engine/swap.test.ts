/** Pairs whose sides change places, and what goes along with a side or goes away with it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { graph, run } from '../../index.mjs'
import { folder, rowsOf, writeJsonl } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

const graphOf = (path: string, ids: readonly string[]) =>
  graph(
    {
      version: 1,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        ...ids.map(id => ({ id, use: id === 'unique' ? 'drop_duplicates' : './swaps.mjs' })),
        { id: 'out', use: 'write_arrow', with: { format: 'text' } },
      ],
    },
    { base: import.meta.url },
  )

describe('a pair whose sides a stage swaps', () => {
  it('takes along what belongs to its sides: columns named so, and those that the stage names; before a barrier and behind it', async () => {
    const at = folder(),
      sides = ['chosen', 'rejected'] as const
    const own = (i: number, side: string) => ({
      text: `${side} ${i}`,
      score: i % 3 === 0 ? null : i + (side === 'chosen' ? 0.5 : 0.25),
      by: JSON.stringify([i, side]),
    })
    const rows = Array.from({ length: 40 }, (_, i) => {
      const [ours, theirs] = sides.map(side => own(i, side))
      return {
        id: `r${i}`,
        prompt: `question ${i}?`,
        chosen: ours.text,
        rejected: theirs.text,
        swap: i % 7 === 0 || i > 30 ? 1 : 0,
        chosen_score: ours.score,
        rejected_score: theirs.score,
        by_chosen: ours.by,
        by_rejected: theirs.by,
        good: `g${i}`,
        bad: i === 5 ? null : `b${i}`,
        chosen_alone: i,
        chosen_kind: 'text',
        rejected_kind: i,
      }
    })
    const path = writeJsonl(join(at, 'in.jsonl'), rows),
      made: unknown[] = []
    for (const stages of [['swaps'], ['unique', 'swaps'], ['swaps', 'unique'], ['swaps', 'unique', 'back']]) {
      const { folder: out, manifest } = await run(graphOf(path, stages), {
        output: join(at, stages.join('-')),
        blockRows: 9,
      })
      made.push(rowsOf(join(out, 'out')))
      // what has no counterpart of its type stays, and is told
      expect(manifest.warnings).toEqual(
        ['swaps', ...(stages.includes('back') ? ['back'] : [])].map(
          id =>
            `${id}: the sides of 14 pairs were swapped without chosen_alone, chosen_kind, rejected_kind, which no column of the other side and of the same type can change places with`,
        ),
      )
    }
    const swapped = rows.map(row =>
      row.swap === 0
        ? row
        : {
            ...row,
            chosen: row.rejected,
            rejected: row.chosen,
            chosen_score: row.rejected_score,
            rejected_score: row.chosen_score,
            by_chosen: row.by_rejected,
            by_rejected: row.by_chosen,
            good: row.bad,
            bad: row.good,
          },
    )
    expect(made).toEqual([swapped, swapped, swapped, rows])
  })

  it('takes along what the messages of one side have beside their text', async () => {
    const at = folder(),
      said = (content: string, more = {}) => [{ role: 'assistant', content, ...more }]
    const path = writeJsonl(
      join(at, 'in.jsonl'),
      [1, 0].map(swap => ({
        prompt: [{ role: 'user', content: `Well ${swap}?` }],
        chosen: said('Yes.', { name: 'Ann' }),
        rejected: said('No.'),
        swap,
      })),
    )
    const { folder: out, manifest } = await run(graphOf(path, ['swaps']), { output: join(at, 'out'), workers: 1 })
    expect(
      rowsOf(join(out, 'out')).map(row => [row.chosen, row.source_chosen_fields, row.source_rejected_fields]),
    ).toEqual([
      ['No.', null, '[{"name":"Ann"}]'],
      ['Yes.', '[{"name":"Ann"}]', null],
    ])
    expect(manifest.warnings).toEqual([
      expect.stringMatching(
        /^pairs: .*as JSON in source_chosen_fields of 2 pairs; for trainers write them by write_arrow with format: whole$/,
      ),
    ])
  })

  it('stops where its scores cannot go along', async () => {
    const at = folder(),
      row = { prompt: 'a?', chosen: 'b', rejected: 'c', swap: 0 }
    await expect(
      run(graphOf(writeJsonl(join(at, 'a.jsonl'), [{ ...row, chosen_score: 1.5, rejected_score: 1 }]), ['swaps']), {
        output: join(at, 'a'),
      }),
    ).rejects.toMatchObject({
      message: expect.stringMatching(
        /^swaps: 'chosen_score' is Float64 and 'rejected_score' is Int64: they belong to the sides and cannot change places/,
      ) as string,
      exit: 65,
    })
  })
})

describe('a side that a derived row has anew', () => {
  const rows = [
    { rank: 0, response: 'There are 2 + 2 = 4 socks.', n: 1 },
    { rank: 1, response: 'Five or so.', n: 2 },
  ].map(row => ({
    id: `r${row.rank}`,
    prompt: 'How many socks are in two pairs?',
    ...row,
    rejected_by: 'Ann',
    chosen_by: 'Bob',
  }))
  const columns = [
    'id',
    'n',
    'pairs_pairs_rejected_id',
    'pairs_pairs_rejected_score',
    'pairs_pairs_chosen_score',
    'rejected_by',
  ]
  const values = async (at: string, use: string, options = {}) => {
    const path = writeJsonl(join(at, 'in.jsonl'), rows)
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'new', use, with: options },
      { id: 'out', use: 'write_arrow', from: ['pairs', 'new'], with: { format: 'text' } },
    ]
    const { folder: out } = await run(
      graph({ version: 1, name: 'g', stages }, { base: pathToFileURL(`${at}/`).href }),
      {
        output: join(at, 'out'),
      },
    )
    return rowsOf(join(out, 'out')).map(row => [...columns, 'chosen_by', 'new_chosen_kind'].map(name => row[name]))
  }

  it('has nothing of what belonged to the side before', async () => {
    expect(await values(folder(), 'inject_errors', { types: ['operator'] })).toEqual([
      // who wrote the other answer, and not whom that one was set against before
      ['r0', 1, 'r1', 1, 0, 'Bob', 'Bob', undefined],
      ['r0~new', 1, null, null, 0, null, 'Bob', undefined],
    ])
    const steps = await values(folder(), 'inject_errors', { types: ['operator'], pairs: 'steps' })
    expect(steps[1]).toEqual(['r0~new', 1, null, null, null, null, null, undefined])
  })

  it('is so in stages of a user, whose own columns stay', async () => {
    const at = folder()
    writeFileSync(
      join(at, 'stage.mjs'),
      `import { defineStage, Type } from 'sluice-data'
      export default defineStage({
        name: 'stage', version: 1, summary: 'Derive.', options: Type.Object({}), reasons: {}, examples: [],
        reads: { chosen: 'messages', rejected: 'messages' },
        writes: { chosen_kind: 'text' },
        rows: 'derive',
        open: () => ({
          batch: batch => ({
            parents: [0],
            columns: { chosen: batch.column('rejected'), chosen_kind: ['was rejected'] },
          }),
        }),
      })`,
    )
    expect(await values(at, './stage.mjs')).toEqual([
      ['r0', 1, 'r1', 1, 0, 'Bob', 'Bob', null],
      ['r0~new', 1, 'r1', 1, null, 'Bob', null, 'was rejected'],
    ])
  })
})
