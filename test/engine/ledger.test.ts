/** What the ledger, `why` and notes/ say of rows that went no further. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { main, run } from '../../index.mjs'
import { whyRows } from '../../app/answers/why.ts'
import { why } from '../../engine/run/inspect.ts'
import { summaryText } from '../../engine/run/summary.ts'
import { folder, pairs, rowsOf, writeJsonl } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

interface LedgerRow {
  id: string
  outcome: string
  stage: string | null
  reason: string | null
  detail: string | null
  sinks: string[]
}
const ledgerOf = (out: string) =>
  Object.fromEntries(
    (rowsOf(join(out, 'ledger')) as unknown as LedgerRow[]).map(({ id, outcome, stage, reason, detail, sinks }) => [
      id,
      [outcome, stage, reason, detail, sinks.join()],
    ]),
  )
const words = async (out: string, id: string) => (await whyRows(out, id)).rows[0].said

describe('a row that no stage dropped and no output took', () => {
  it('of one good answer: parent where pairs were made of it, unused where none was', async () => {
    const at = folder(),
      answer = (id: string, i: number, text: string) => ({ id, prompt: `How much is ${i} and 7?`, answer: text })
    const path = writeJsonl(join(at, 'in.jsonl'), [answer('sum', 3, '3 + 7 = 10.'), answer('plain', 4, 'Eleven.')])
    const stages = [
      { id: 'good', use: 'read_jsonl', with: { path, layout: 'answers' } },
      { id: 'hard', use: 'inject_errors' },
      { id: 'dpo', use: 'write_arrow' },
      { id: 'more', use: 'write_jsonl', from: 'hard' },
    ]
    const result = await run({ version: 1, name: 'g', stages }, { output: join(at, 'out'), workers: 1 }),
      { folder: out, manifest } = result
    expect(ledgerOf(out)).toEqual({
      sum: ['dropped', null, 'parent', 'dpo, more', ''],
      plain: ['dropped', null, 'unused', null, ''],
    })
    expect(manifest.rows).toMatchObject({ read: 2, kept: 0, dropped: 2, errored: 0, derived: 1 })
    expect(manifest.dropped_by_none).toEqual({ parent: 1, rejected_side: 0, unused: 1 })
    expect(summaryText(result)).toContain(
      'by no stage: 1 parents of pairs that were added, 1 that no output to train on took',
    )
    expect(await words(out, 'sum')).toMatch(/^in no output itself: it is the parent of pairs in dpo, more$/)
    expect(await words(out, 'plain')).toMatch(/^left out \(unused\): no output took it$/)
  })

  it('of a pair that pairs are made of: what a stage said comes first, but for what --keep-ids spared', async () => {
    const at = folder(),
      row = (id: string) => ({ id, prompt: 'How much is 3 and 7?', chosen: '3 + 7 = 10.', rejected: 'Much.' })
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), [row('sum'), row('again')]) } },
      { id: 'hard', use: 'inject_errors' },
      { id: 'unique', use: 'drop_duplicates', from: 'pairs' },
      { id: 'harder', use: 'inject_errors' },
      { id: 'dpo', use: 'write_arrow', from: ['hard', 'harder'] },
    ]
    const graph = { version: 1 as const, name: 'g', stages }
    expect(ledgerOf((await run(graph, { output: join(at, 'out'), workers: 1 })).folder)).toMatchObject({
      sum: ['dropped', null, 'parent', 'dpo', ''],
      again: ['dropped', 'unique', 'duplicate', expect.stringMatching(/:0$/), ''],
    })
    const spared = await run(graph, { output: join(at, 'spared'), keepIds: ['again'], workers: 1 })
    expect(ledgerOf(spared.folder).again).toEqual(['dropped', null, 'parent', 'dpo', ''])
    expect(spared.manifest.stages.unique).toMatchObject({ dropped: 0, spared: 1 })
  })

  it('of ids to keep those that no row has are told: read, refused, split or made rows are rows, before and behind a barrier', async () => {
    const at = folder(),
      rows = [
        { id: 'sum', prompt: 'How much is 3 and 7?', chosen: '3 + 7 = 10.', rejected: 'Much.' },
        { id: 'half', prompt: 'Well?', chosen: 'Yes.', rejected: null },
      ]
    const scored = [
      {
        id: 'split',
        prompt: 'Name a prime.',
        completions: [
          { text: 'Seven.', score: 2 },
          { text: 'Nine.', score: 1 },
        ],
      },
    ]
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
      { id: 'more', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'more.jsonl'), scored) } },
      { id: 'unique', use: 'drop_duplicates', from: ['pairs', 'more'] },
      { id: 'hard', use: 'inject_errors' },
      { id: 'dpo', use: 'write_arrow', from: ['unique', 'hard'] },
    ]
    const keeping = async (keepIds: readonly string[]) =>
      run({ version: 1, name: 'g', stages, partition_rows: 1 }, { output: join(at, 'out'), keepIds, workers: 1 })
    const all = await keeping(['sum', 'half', 'split', 'split-0', 'sum~hard'])
    expect([all.status, all.manifest.keep_ids]).toEqual(['published', { given: 5, absent: 0, first_absent: [] }])
    expect(summaryText(all)).not.toContain('--keep-ids')
    const some = await keeping(['splat', ...Array.from({ length: 6 }, (_, i) => `nobody${i}`), 'sum', 'sum'])
    expect([some.status, some.manifest.keep_ids]).toEqual([
      'published',
      { given: 8, absent: 7, first_absent: ['splat', 'nobody0', 'nobody1', 'nobody2', 'nobody3'] },
    ])
    expect(summaryText(some)).toContain(
      '\n  --keep-ids: 7 of 8 ids do not occur: splat, nobody0, nobody1, nobody2, nobody3, …\n',
    )
  })

  it('the id of a row keeps all pairs that it is read as, before and behind a barrier; the id of a pair that one', async () => {
    const at = folder(),
      completions = [
        { text: 'Seven.', score: 3 },
        { text: 'Nine, perhaps.', score: 2 },
        { text: 'I do not know any.', score: 1 },
      ]
    const path = writeJsonl(join(at, 'in.jsonl'), [
      { id: 'x', prompt: 'Name a prime.', completions },
      { id: 'y', prompt: 'Name a prime.', completions },
    ])
    const short = { min_words: 50, max_words: 90 }
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path, pairing: 'adjacent' } },
      { id: 'long', use: 'drop_length', with: short },
      { id: 'unique', use: 'drop_duplicates' },
      { id: 'longer', use: 'drop_length', with: short },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const kept = async (keepIds: readonly string[]) =>
      (
        rowsOf(
          join(
            (
              await run(
                { version: 1, name: 'g', partition_rows: 1, stages },
                { output: join(at, keepIds.join()), keepIds },
              )
            ).folder,
            'dpo',
          ),
        ) as unknown as { id: string }[]
      ).map(({ id }) => id)
    expect(await kept(['y'])).toEqual(['y-0', 'y-1'])
    expect(await kept(['y-1'])).toEqual(['y-1'])
  })

  it('of a row that its source refused: `why` says what was wrong, as the source does', async () => {
    const at = folder()
    const path = writeJsonl(join(at, 'in.jsonl'), [
      { id: 'a', prompt: '[{"role":"user","content":"q","weight":1e400}]', chosen: 'x', rejected: 'y' },
      { id: 'b', prompt: '[{"role":"user","content":"q"}]', chosen: 'x', rejected: 'y' },
    ])
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const { folder: out } = await run({ version: 1, name: 'g', stages }, { output: join(at, 'out'), workers: 1 })
    const [{ said, why: because }] = (await whyRows(out, 'a')).rows
    expect(said).toBe('left out by pairs: broken (pairs.unreadable_prompt)')
    expect(because).toContain("prompt: the number 1e400 of the key 'weight' is beyond what a float64 holds.")
  })

  it('of a row with a completion that has no score: it is noted, and lies in notes/ whole', async () => {
    const at = folder(),
      completions = [
        { response: 'Seven.', score: 2 },
        { response: 'Nine.', score: 1 },
      ],
      none = { response: 'Eleven.', score: null }
    const path = writeJsonl(join(at, 'in.jsonl'), [
      { id: 'a', prompt: 'Name a prime.', completions },
      { id: 'b', prompt: 'Another?', completions: [...completions, none] },
    ])
    const graphOf = (file: string, pairing: string) => ({
      version: 1 as const,
      name: 'g',
      stages: [
        { id: 'pairs', use: 'read_jsonl', with: { path: file, pairing } },
        { id: 'dpo', use: 'write_arrow' },
      ],
    })
    const result = await run(graphOf(path, 'adjacent'), { output: join(at, 'out'), workers: 1 })
    expect(result.manifest.stages.pairs.notes).toEqual({ unused_completion: 1 })
    expect(result.manifest.rows).toMatchObject({ read: 2, dropped: 0 })
    expect(rowsOf(join(result.folder, 'notes', 'pairs'))).toMatchObject([
      { id: 'b', completions: [{}, {}, none], noted_reason: 'unused_completion', source_row: 1 },
    ])
    expect(summaryText(result)).toMatch(/pairs: noted: unused_completion 1/)
    // a row may be noted for both
    const between = { response: 'Five.', score: 1.5 },
      both = [...completions, none, between]
    const more = writeJsonl(join(at, 'more.jsonl'), [{ id: 'c', prompt: 'A third?', completions: both }])
    const ends = await run(graphOf(more, 'best_worst'), { output: join(at, 'ends'), workers: 1 })
    expect(ends.manifest.stages.pairs.notes).toEqual({ left_out: 1, unused_completion: 1 })
    expect(rowsOf(join(ends.folder, 'notes', 'pairs'))).toMatchObject(
      ['unused_completion', 'left_out'].map(reason => ({ id: 'c', completions: both, noted_reason: reason })),
    )
    expect(summaryText(ends)).toMatch(/pairs: noted: .*left_out 1/)
  })

  it('of scored answers: the rejected side of a pair that goes nowhere is told with the row that is named; it lies in notes/ with all that it had', async () => {
    const at = folder(),
      reply = (id: string, score: number) => ({
        id,
        prompt: 'Name a prime.',
        response: `Maybe ${id}.`,
        score,
        by: `author of ${id}`,
      })
    const path = writeJsonl(join(at, 'in.jsonl'), [reply('low', 1), reply('high', 3), reply('middle', 2)])
    const graphOf = (pairing: string) => ({
      version: 1 as const,
      name: 'g',
      partition_rows: 2,
      stages: [
        { id: 'answers', use: 'read_jsonl', with: { path, pairing } },
        // the pair of the middle one goes nowhere
        { id: 'dpo', use: 'write_arrow', with: { order_by: 'score', descending: true, limit: 1 } },
      ],
    })
    const result = await run(graphOf('adjacent'), { output: join(at, 'out'), workers: 1 }),
      { folder: out, manifest } = result
    expect(ledgerOf(out)).toEqual({
      low: ['dropped', null, 'rejected_side', `${path}:2`, ''],
      high: ['kept', null, null, null, 'dpo'],
      middle: ['kept', null, null, null, 'dpo'],
    })
    expect([manifest.rows, manifest.dropped_by_kind.configured, manifest.stages.answers_pairs.notes]).toMatchObject([
      { read: 3, kept: 2, dropped: 1 },
      0,
      { rejected_side: 1 },
    ])
    expect(rowsOf(join(out, 'notes', 'answers_pairs'))).toMatchObject([
      {
        id: 'low',
        chosen: [{ role: 'assistant', content: 'Maybe low.' }],
        by: 'author of low',
        noted_by: 'answers_pairs',
        noted_reason: 'rejected_side',
        source_row: 0,
      },
    ])
    expect(rowsOf(join(out, 'dropped', 'answers_pairs'))).toEqual([])
    expect(await words(out, 'low')).toMatch(/^in no output as a row: it is the rejected side of a pair of .*:2$/)
    expect(summaryText(result)).toMatch(
      /by no stage: 1 rejected sides of other rows' pairs[^]*answers_pairs: .*noted: rejected_side 1/,
    )
    // and what `pairing` leaves out, it leaves out
    const ends = await run(graphOf('best_worst'), { output: join(at, 'ends'), workers: 1 })
    expect(ledgerOf(ends.folder)).toMatchObject({
      low: ['kept', null, null, null, 'dpo'],
      high: ['kept', null, null, null, 'dpo'],
      middle: ['dropped', 'answers_pairs', 'not_paired', null, ''],
    })
  })
})

it.each(['write_arrow', 'write_jsonl', 'write_parquet'])(
  'of a pair that was made of a row `why` tells by that row, and of one that was not nothing: %s',
  async use => {
    const at = folder(),
      row = (id: string, rejected: string) => ({ id, prompt: 'How much is 3 and 7?', chosen: '3 + 7 = 10.', rejected }),
      output = join(at, 'out')
    const rows = [row('sum', 'Much.'), row('again', 'Little.'), { ...row('plain', 'No.'), chosen: 'Ten.' }]
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
      { id: 'hard', use: 'inject_errors' },
      { id: 'dpo', use, from: 'hard' },
    ]
    const { folder: published } = await run({ version: 1, name: 'g', stages }, { output, workers: 1 })
    const log = vi.spyOn(console, 'log'),
      error = vi.spyOn(console, 'error')
    expect(await main(['why', 'sum~hard', '--output', output])).toBe(0)
    expect(log.mock.calls.join('\n')).toMatch(
      /^no row has the id 'sum~hard'; as a pair made of 'sum':\nsum  in no output itself[^]* made +sum~hard in dpo/,
    )
    for (const id of ['plain~hard', 'sum~hard-9', 'sum-1', 'sum~other', 'sum~har']) {
      expect(await main(['why', id, '--output', output]), id).toBe(66)
      expect(error.mock.lastCall?.[0], id).toMatch(
        `sluice why: no row '${id}' in the ledger of ${published}, and no pair of that id in its sinks or among what was set aside`,
      )
    }
    log.mockRestore()
    error.mockRestore()
  },
)

it('`why FILE:ROW` takes the end of a path from a slash on, and says where it fits several files', async () => {
  const at = folder(),
    output = join(at, 'out')
  for (const [i, name] of ['a.jsonl', 'more/a.jsonl', 'more/ba.jsonl'].entries()) {
    mkdirSync(join(at, 'in', name, '..'), { recursive: true })
    writeJsonl(
      join(at, 'in', name),
      pairs(2).map(row => ({ ...row, id: `${row.id as string}-of-${i}` })),
    )
  }
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path: join(at, 'in') } },
    { id: 'dpo', use: 'write_jsonl' },
  ]
  const { folder: out } = await run({ version: 1, name: 'g', stages }, { output, workers: 1 })
  const ids = async (what: string) => (await why(out, what)).map(({ id }) => id)
  expect(await ids('a.jsonl:1')).toEqual(['r1-of-0', 'r1-of-1'])
  expect(await ids('more/a.jsonl:1')).toEqual(['r1-of-1'])
  expect(await ids(`${join(at, 'in', 'a.jsonl')}:1`)).toEqual(['r1-of-0'])
  for (const what of ['jsonl:1', '.jsonl:1', 'e/ba.jsonl:1', 'a.jsonl:2']) expect(await ids(what), what).toEqual([])
  const log = vi.spyOn(console, 'log')
  expect(await main(['why', 'a.jsonl:1', '--output', output])).toBe(0)
  expect(log.mock.calls.join('\n')).toMatch(
    /^'a\.jsonl:1' fits 2 files; name more of the path to ask of one:\nr1-of-0  kept, in dpo[^]*\nr1-of-1  kept, in dpo/,
  )
  log.mockRestore()
})

it('columns of dropped rows that are named as those that say why keep their values under another name', async () => {
  const at = folder(),
    path = writeJsonl(
      join(at, 'in.jsonl'),
      [0, 1].map(i => ({
        id: `r${i}`,
        prompt: 'why?',
        chosen: 'yes',
        rejected: i ? 'no' : 'yes',
        source_file: `mine ${i}`,
        input_source_file: 'too',
        dropped_by: 'me',
      })),
    )
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path } },
    { id: 'checked', use: 'check_pairs' },
    { id: 'dpo', use: 'write_arrow' },
  ]
  const { folder: out } = await run({ version: 1, name: 'g', stages }, { output: join(at, 'out'), workers: 1 })
  expect(rowsOf(join(out, 'dropped', 'checked'))).toMatchObject([
    {
      id: 'r0',
      dropped_by: 'checked',
      input_dropped_by: 'me',
      source_file: path,
      input_source_file: 'too',
      input_input_source_file: 'mine 0',
    },
  ])
  expect(rowsOf(join(out, 'dpo'))).toMatchObject([{ id: 'r1', source_file: 'mine 1', dropped_by: 'me' }])
})

it('a row of several pairs is kept by another of them, and a pair may yield to another of its own row', async () => {
  const at = folder(),
    completions = ['The Po flows there.', 'A river.', 'bad'],
    row = { id: 'a', prompt: 'What flows through Turin?', completions, scores: [3, 2, 1] },
    again = { ...row, id: 'b', prompt: 'And there?', completions: ['Yes, it does.', 'No.', 'no.'], scores: [3, 1, 1] },
    path = writeJsonl(join(at, 'in.jsonl'), [row, again])
  const stages = [
    { id: 'pairs', use: 'read_jsonl', with: { path, pairing: 'all' } },
    { id: 'unique', use: 'drop_duplicates' },
    { id: 'some', use: 'drop_by_column', with: { where: 'rejected == "bad" && chosen == "A river."' } },
    { id: 'dpo', use: 'write_arrow' },
  ]
  const result = await run({ version: 1, name: 'g', stages }, { output: join(at, 'out'), workers: 1 })
  expect(result.manifest).toMatchObject({ rows: { read: 2, kept: 2, dropped: 0 }, kept_elsewhere: 2 })
  expect(summaryText(result)).toContain('2 of these are kept all the same, by another of their pairs or another way')
  expect(await words(result.folder, 'a')).toContain('another of its pairs, or it on another way, was left out')
  expect((await whyRows(result.folder, 'b')).rows[0].why.join()).toMatch(
    /2 times in the input\. .*another of its own pairs stays/i,
  )
})
