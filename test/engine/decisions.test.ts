/** Decisions of people in real runs: what they do to rows, what is told of them, and that no result is stale. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { whyRows } from '../../app/answers/why.ts'
import { verify } from '../../engine/run/inspect.ts'
import { summaryText } from '../../engine/run/summary.ts'
import { fingerprint, folder, pairs, rowsOf, writeJsonl, type Row } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

type Decisions = NonNullable<NonNullable<Parameters<typeof run>[1]>['decisions']>

const swap = (row: Row): Row => ({ ...row, chosen: row.rejected, rejected: row.chosen })
/** Pairs whose labels words tell at once, but for some that are the wrong way round. */
const WRONG = ['r7', 'r41', 'r99', 'r140', 'r222']
const labelled = (): Row[] => pairs(300).map(row => (WRONG.includes(row.id) ? swap(row) : row))

const source = (path: string, more: object = {}) => ({ id: 'pairs', use: 'read_jsonl', with: { path, ...more } })
const reviewed = (path: string, review: object = {}) => ({
  version: 1 as const,
  name: 'g',
  stages: [
    source(path),
    { id: 'noise', use: 'detect_noise' },
    { id: 'agreed', use: 'peer_review', with: { panel: 'noise', ...review } },
    { id: 'dpo', use: 'write_arrow', with: { format: 'text' } },
    { id: 'humans', use: 'write_arrow', from: 'noise.doubtful', with: { for: 'review', format: 'text' } },
  ],
})
const plain = (path: string, more: object = {}) => ({
  version: 1 as const,
  name: 'g',
  stages: [source(path, more), { id: 'dpo', use: 'write_arrow', with: { format: 'text' } }],
})
const ledgerOf = (out: string) =>
  Object.fromEntries(
    rowsOf(join(out, 'ledger')).map(({ id, outcome, stage, reason, detail, decision }) => [
      id,
      { outcome, stage, reason, detail, decision },
    ]),
  )
const none = { count: 0, first: [] }

describe('a decision', () => {
  it('to flip swaps the sides and what belongs to them before the first stage sees them', async () => {
    const at = folder(),
      rows = pairs(6).map((row, i) => ({
        ...row,
        chosen_score: i + 0.5,
        rejected_score: -i - 0.25,
        meta_chosen: `c${i}`,
        meta_rejected: `r${i}`,
        scoreChosen: i,
        scoreRejected: -i - 1,
        chosen_only: 'stays',
        number: i,
      }))
    const path = writeJsonl(join(at, 'in.jsonl'), rows)
    const { folder: out, manifest } = await run(plain(path), {
      output: join(at, 'out'),
      workers: 1,
      decisions: [
        { id: 'r2', decision: 'flip' },
        { id: 'r2', decision: 'flip' },
      ],
    })
    const swapped = (row: (typeof rows)[number]) => ({
      ...swap(row),
      chosen_score: row.rejected_score,
      rejected_score: row.chosen_score,
      meta_chosen: row.meta_rejected,
      meta_rejected: row.meta_chosen,
      scoreChosen: row.scoreRejected,
      scoreRejected: row.scoreChosen,
    })
    const wanted = rows.map(row => (row.id === 'r2' ? swapped(row) : row))
    expect(rowsOf(join(out, 'dpo'))).toEqual(wanted)
    expect(ledgerOf(out).r2).toEqual({ outcome: 'kept', stage: null, reason: null, detail: null, decision: 'flip' })
    expect(ledgerOf(out).r3.decision).toBe(null)
    expect(manifest.decisions).toMatchObject({ given: 1, keep: 0, drop: 0, flip: 1 })
    expect(manifest.warnings.join()).toContain('--decisions: the sides of 1 pairs were swapped without chosen_only')
    expect((await whyRows(out, 'r2')).rows[0]).toMatchObject({
      said: 'kept, in dpo',
      why: ['Nothing spoke against it.', 'People decided: flip.'],
    })
    expect((await verify(out)).problems).toEqual([])
  })

  it('to drop drops with a reason of its own, counted with the others, and the row lies in dropped/ as it was', async () => {
    const at = folder(),
      rows = pairs(9)
    const result = await run(plain(writeJsonl(join(at, 'in.jsonl'), rows)), {
        output: join(at, 'out'),
        workers: 1,
        decisions: [
          { id: 'r1', decision: 'drop' },
          { id: 'r8', decision: 'drop' },
        ],
      }),
      { folder: out, manifest } = result
    expect(manifest.rows).toMatchObject({ read: 9, kept: 7, dropped: 2, errored: 0 })
    expect(manifest.dropped_by_kind).toEqual({ broken: 0, quality: 0, configured: 2 })
    expect(manifest.stages.pairs).toMatchObject({ in: 9, out: 7, dropped: 2, reasons: { decided: 2 } })
    expect(ledgerOf(out).r1).toEqual({
      outcome: 'dropped',
      stage: 'pairs',
      reason: 'decided',
      detail: null,
      decision: 'drop',
    })
    expect(rowsOf(join(out, 'dropped', 'pairs')).map(({ id, chosen, source_row: row }) => [id, chosen, row])).toEqual(
      [1, 8].map(i => [rows[i].id, rows[i].chosen, i]),
    )
    expect(summaryText(result)).toMatch(/configured +2 +pairs\.decided 2/)
    expect(summaryText(result)).toContain('--decisions: 2 of 2 applied: keep 0, drop 2, flip 0')
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('What people decided')
    expect((await whyRows(out, 'r1')).rows[0]).toMatchObject({
      said: 'left out by pairs: over a limit (pairs.decided)',
      back: { said: 'people decided so: take the line out of the file of --decisions' },
    })
  })

  it('to keep spares a row from every stage, as --keep-ids does', async () => {
    const at = folder(),
      rows = [
        ...pairs(4),
        { ...pairs(1)[0], id: 'again' },
        { ...pairs(1, 7)[0], id: 'same', chosen: 'x', rejected: 'x' },
      ]
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        source(writeJsonl(join(at, 'in.jsonl'), rows)),
        { id: 'checked', use: 'check_pairs' },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    const decided = ['again', 'same'].map(id => ({ id, decision: 'keep' as const }))
    const result = await run(graph, { output: join(at, 'a'), workers: 1, decisions: decided }),
      short = await run(graph, { output: join(at, 'b'), workers: 1, keepIds: ['again', 'same'] })
    expect(rowsOf(join(result.folder, 'dpo'))).toEqual(rowsOf(join(short.folder, 'dpo')))
    expect(result.manifest.stages.unique.spared).toBe(1)
    expect(ledgerOf(result.folder).again).toEqual({
      outcome: 'kept',
      stage: 'unique',
      reason: 'duplicate',
      detail: 'spared',
      decision: 'keep',
    })
    expect(summaryText(result)).toContain('unique: 1 spared by --decisions')
    expect((await whyRows(result.folder, 'again')).rows[0].said).toContain(
      'but for --decisions it would have been left out',
    )
    // no trainer could take this one
    expect(ledgerOf(result.folder).same).toMatchObject({ outcome: 'dropped', reason: 'identical', decision: 'keep' })
  })

  it('is of a pair, or of the row that several pairs are read of', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), [
        { id: 'x', prompt: 'Name a colour.', completions: ['Blue.', 'Stone.', 'Run.'], scores: [3, 2, 1] },
        { id: 'y', prompt: 'Name a river.', completions: ['Danube.', 'Moon.', 'Sun.'], scores: [3, 2, 1] },
      ])
    const { folder: out, manifest } = await run(plain(path, { pairing: 'all' }), {
      output: join(at, 'out'),
      workers: 1,
      decisions: [
        { id: 'x-1', decision: 'flip' },
        { id: 'x-2', decision: 'drop' },
        { id: 'y', decision: 'drop' },
        { id: 'y-1', decision: 'keep' },
      ],
    })
    const all = rowsOf(join(out, 'dpo'))
    expect(all.map(({ id }) => id)).toEqual(['x-0', 'x-1', 'y-1'])
    const flipped = all.find(({ id }) => id === 'x-1')!
    expect(flipped.source_chosen_score as number).toBeLessThan(flipped.source_rejected_score as number)
    expect(ledgerOf(out).x.decision).toBe('drop, flip')
    expect(ledgerOf(out).y.decision).toBe('keep, drop')
    expect(manifest.decisions).toMatchObject({ given: 4, keep: 1, drop: 2, flip: 1 })
  })

  it('with a hash is of one of several pairs that share an id, and is told where that pair changed', async () => {
    const at = folder(),
      rows = pairs(4).map((row, i) => ({ ...row, id: `r${i % 2}` })),
      path = writeJsonl(join(at, 'in.jsonl'), rows)
    const graph = {
      ...plain(path),
      stages: [...plain(path).stages, { id: 'list', use: 'write_arrow', from: 'pairs', with: { for: 'review' } }],
    }
    const listed = rowsOf(join((await run(graph, { output: join(at, 'out'), workers: 1 })).folder, 'list'))
    const [one, two] = listed.filter(({ id }) => id === 'r0').map(row => row.content_hash as string)
    const decisions: Decisions = [
      { id: 'r0', decision: 'drop', content_hash: one },
      { id: 'r0', decision: 'keep', content_hash: two },
    ]
    const both = await run(graph, { output: join(at, 'out'), workers: 1, decisions })
    expect(both.manifest.decisions).toMatchObject({ given: 2, keep: 1, drop: 1, listed: { decided: 2, wrong: 1 } })
    expect(rowsOf(join(both.folder, 'dpo')).map(({ prompt }) => prompt)).toEqual(
      rows.slice(1).map(({ prompt }) => prompt),
    )
    writeJsonl(
      path,
      rows.map((row, i) => (i === 2 ? { ...row, prompt: 'Another question?' } : row)),
    )
    const changed = await run(graph, { output: join(at, 'out'), workers: 1, decisions })
    expect(changed.manifest.decisions).toMatchObject({
      keep: 0,
      drop: 1,
      not_applied: { changed: { count: 1, first: ['r0'] }, contradicting: none },
    })
  })

  it('to drop a pair of a row that --keep-ids names contradicts it, and is told', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), [
        { id: 'c0', prompt: 'Well?', completions: [1, 2, 3].map(score => ({ response: `Answer ${score}.`, score })) },
      ])
    const { manifest, folder: out } = await run(plain(path, { pairing: 'all' }), {
      output: join(at, 'out'),
      workers: 1,
      keepIds: ['c0'],
      decisions: [{ id: 'c0-0', decision: 'drop' }],
    })
    expect(manifest.decisions).toMatchObject({ drop: 0, not_applied: { contradicting: { count: 1, first: ['c0-0'] } } })
    expect(rowsOf(join(out, 'dpo')).map(({ id }) => id)).toContain('c0-0')
  })

  it('to flip is told where votes of a table speak of the sides as they were', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(4)),
      votes = pairs(4).map(({ id }) => ({ id, vote: 'chosen', voter: 'Ann' }))
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        source(path),
        { id: 'people', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'votes.jsonl'), votes) } },
        { id: 'voted', use: 'add_votes', from: { rows: 'pairs', votes: 'people' } },
        { id: 'dpo', use: 'write_arrow', from: 'voted' },
      ],
    }
    const of = async (decision: 'flip' | 'keep') =>
      (await run(graph, { output: join(at, 'out'), workers: 1, decisions: [{ id: 'r1', decision }] })).manifest.warnings
    expect(await of('flip')).toEqual([expect.stringMatching(/^--decisions: 1 pairs? (was|were) flipped, and tables/)])
    expect(await of('keep')).toEqual([])
  })

  it('to flip is not possible of an answer, and is told', async () => {
    const at = folder(),
      rows = [0, 1].map(i => ({ id: `a${i}`, prompt: `How much is ${i} and 7?`, answer: `${i} + 7 = ${i + 7}.` }))
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        source(writeJsonl(join(at, 'in.jsonl'), rows), { layout: 'answers' }),
        { id: 'hard', use: 'inject_errors' },
        { id: 'dpo', use: 'write_arrow' },
      ],
    }
    const made = await run(graph, {
      output: join(at, 'out'),
      workers: 1,
      decisions: [
        { id: 'a0', decision: 'flip' },
        { id: 'a1', decision: 'drop' },
        { id: 'a0~hard', decision: 'keep' },
      ],
    })
    expect(made.manifest.decisions).toMatchObject({
      given: 3,
      keep: 1,
      drop: 1,
      flip: 0,
      not_applied: { no_pair: { count: 1, first: ['a0'] } },
    })
    expect(summaryText(made)).toContain('--decisions: 1 of 3 ids of what is no pair of two sides')
    expect(rowsOf(join(made.folder, 'dpo')).map(({ id }) => id)).toEqual(['a0~hard'])
  })

  it('to keep a pair that a stage made is held behind a barrier too, while its content is the same', async () => {
    const at = folder(),
      rows = [0, 1, 2].map(i => ({ id: `a${i}`, prompt: `How much is ${i} and 7?`, answer: `${i} + 7 = ${i + 7}.` }))
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        source(writeJsonl(join(at, 'in.jsonl'), rows), { layout: 'answers' }),
        { id: 'hard', use: 'inject_errors' },
        { id: 'unique', use: 'drop_duplicates' },
        { id: 'long', use: 'drop_length', with: { min_words: 500, max_words: 900 } },
        { id: 'dpo', use: 'write_arrow' },
        { id: 'eyes', use: 'write_arrow', from: 'hard', with: { for: 'review' } },
      ],
    }
    const first = await run(graph, { output: join(at, 'first'), workers: 1 })
    expect(first.status).toBe('empty')
    const hashes = rowsOf(join(first.folder, 'eyes')).map(({ content_hash: hash }) => hash as string)
    expect(new Set(hashes).size).toBe(3)
    const { folder: out, manifest } = await run(graph, {
      output: join(at, 'out'),
      workers: 1,
      decisions: [
        { id: 'a0~hard', decision: 'keep', content_hash: hashes[0] },
        { id: 'a1~hard', decision: 'keep', content_hash: hashes[0] },
        { id: 'a2~hard', decision: 'drop', content_hash: hashes[2] },
      ],
    })
    expect(rowsOf(join(out, 'dpo')).map(({ id }) => id)).toEqual(['a0~hard'])
    expect(manifest.decisions).toMatchObject({
      keep: 1,
      drop: 0,
      not_applied: { changed: { count: 1, first: ['a1~hard'] }, no_pair: { count: 1, first: ['a2~hard'] } },
    })
  })

  it('counts for a pair only while what its messages say beside their texts is the same', async () => {
    const at = folder(),
      said = (content: string, name: string) => [
        { role: 'assistant', content, tool_calls: [{ id: name, function: { name, arguments: '{}' } }] },
      ],
      row = (name: string) => ({
        id: 'a',
        prompt: [{ role: 'user', content: 'What is the weather?' }],
        chosen: said('I look.', name),
        rejected: said('I guess.', 'guess'),
      })
    const path = writeJsonl(join(at, 'in.jsonl'), [row('look')]),
      graph = {
        ...plain(path),
        stages: [
          source(path),
          { id: 'dpo', use: 'write_arrow' },
          { id: 'eyes', use: 'write_arrow', from: 'pairs', with: { for: 'review' } },
        ],
      }
    const first = await run(graph, { output: join(at, 'first'), workers: 1 }),
      [{ content_hash }] = rowsOf(join(first.folder, 'eyes')) as { content_hash: string }[],
      decisions: Decisions = [{ id: 'a', decision: 'flip', content_hash }]
    const flipped = await run(graph, { output: join(at, 'out'), workers: 1, decisions }),
      [pair] = rowsOf(join(flipped.folder, 'dpo'))
    expect(pair.source_chosen_fields).toContain('guess')
    expect(pair.source_rejected_fields).toContain('look')
    writeJsonl(path, [row('search')])
    const changed = await run(graph, { output: join(at, 'out'), workers: 1, decisions })
    expect(changed.manifest.decisions).toMatchObject({ flip: 0, not_applied: { changed: { count: 1, first: ['a'] } } })
  })
})

describe('label stages', () => {
  it('drop no row that was decided, fit on its decided label, and ask of it no more', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), labelled()),
      right = writeJsonl(join(at, 'right.jsonl'), pairs(300))
    const first = await run(reviewed(path), { output: join(at, 'first'), workers: 1 })
    expect(first.manifest.stages.agreed.dropped).toBe(WRONG.length)
    const list = rowsOf(join(first.folder, 'humans'))
    expect(list.map(({ id }) => id)).toEqual(expect.arrayContaining(WRONG))
    const kept = await run(reviewed(path), {
      output: join(at, 'kept'),
      workers: 1,
      decisions: WRONG.slice(1).map(id => ({ id, decision: 'keep' as const })),
    })
    expect(kept.manifest.stages.agreed).toMatchObject({ dropped: 1, spared: WRONG.length - 1 })
    expect(kept.manifest.sinks.humans.rows).toBe(list.length - WRONG.length + 1)
    // what is learnt is what is learnt of data that were right from the start
    const flips = WRONG.map(id => ({ id, decision: 'flip' as const })),
      flipped = await run(reviewed(path), { output: join(at, 'flipped'), workers: 1, decisions: flips }),
      clean = await run(reviewed(right), { output: join(at, 'clean'), workers: 1 })
    expect(rowsOf(join(flipped.folder, 'dpo'))).toEqual(rowsOf(join(clean.folder, 'dpo')))
    expect(flipped.manifest.stages.agreed.dropped).toBe(0)
  })

  it('turn round no label that was decided, and trust it wholly', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), labelled())
    const decisions: Decisions = [{ id: 'r41', decision: 'keep' }]
    const flip = await run(reviewed(path, { action: 'flip' }), { output: join(at, 'flip'), workers: 1, decisions })
    const out = new Map(rowsOf(join(flip.folder, 'dpo')).map(row => [row.id, row]))
    expect(out.get('r41')).toMatchObject({ agreed_flipped: false, chosen: labelled()[41].chosen })
    expect(out.get('r7')).toMatchObject({ agreed_flipped: true, chosen: labelled()[7].rejected })
    const weight = await run(reviewed(path, { action: 'weight' }), { output: join(at, 'w'), workers: 1, decisions })
    const soft = new Map(rowsOf(join(weight.folder, 'dpo')).map(row => [row.id, row.agreed_soft_label as number]))
    expect(soft.get('r41')).toBe(1)
    expect(soft.get('r7')).toBeLessThan(0.5)
  })
})

describe('the list for people', () => {
  it('has the content of each row, by which a decision counts only while that is the same; its precision is measured', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), labelled()),
      output = join(at, 'out')
    const first = await run(reviewed(path), { output, workers: 1 }),
      list = rowsOf(join(first.folder, 'humans')) as { id: string; content_hash: string }[],
      notes = rowsOf(join(first.folder, 'notes', 'noise')) as { id: string; content_hash: string }[]
    expect(list[0].content_hash).toMatch(/^[0-9a-f]{32}$/)
    expect(notes.map(({ id, content_hash: hash }) => [id, hash])).toEqual(
      list.map(({ id, content_hash: hash }) => [id, hash]),
    )
    const decisions: Decisions = list.map(({ id, content_hash }) => ({
      id,
      content_hash,
      decision: id === 'r7' ? 'keep' : 'flip',
    }))
    const same = await run(reviewed(path), { output, workers: 1, decisions }),
      { listed } = same.manifest.decisions!
    expect(listed).toMatchObject({ decided: list.length, wrong: list.length - 1, share: 1 - 1 / list.length })
    expect(listed!.low).toBeLessThan(listed!.share)
    expect(listed!.high).toBeGreaterThan(listed!.share)
    expect(summaryText(same)).toMatch(/of \d+ decided rows of the list \d+ were wrong \(drop or flip\): \d/)
    // one of them says something else now
    const rows = labelled().map(row => (row.id === 'r41' ? { ...row, prompt: `${row.prompt} Say why.` } : row))
    writeJsonl(path, rows)
    const changed = await run(reviewed(path), { output, workers: 1, decisions })
    expect(changed.manifest.decisions).toMatchObject({
      flip: list.length - 2,
      not_applied: { absent: none, changed: { count: 1, first: ['r41'] } },
      listed: { decided: list.length - 1, wrong: list.length - 2 },
    })
    expect(ledgerOf(changed.folder).r41.decision).toBe(null)
    expect(summaryText(changed)).toContain('ids whose row is no longer what it was when it was listed')
  })

  it('has hashes of its own where the data has such a column', async () => {
    const at = folder(),
      path = writeJsonl(
        join(at, 'in.jsonl'),
        pairs(3).map((row, i) => ({ ...row, content_hash: i })),
      )
    const graph = {
      version: 1 as const,
      name: 'g',
      stages: [
        source(path),
        { id: 'dpo', use: 'write_arrow' },
        { id: 'eyes', use: 'write_jsonl', from: 'pairs', with: { for: 'review' } },
      ],
    }
    const { folder: out } = await run(graph, { output: join(at, 'out'), workers: 1 })
    expect(rowsOf(join(out, 'dpo')).map(({ content_hash: hash }) => Number(hash))).toEqual([0, 1, 2])
    const [line] = readFileSync(join(out, 'eyes', 'data.jsonl'), 'utf8').split('\n')
    expect((JSON.parse(line) as { content_hash: unknown }).content_hash).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('decisions', () => {
  it('that contradict each other or --keep-ids, and ids that no row has, are told and not applied', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), pairs(5))
    const result = await run(plain(path), {
      output: join(at, 'out'),
      workers: 1,
      keepIds: ['r1', 'r4'],
      decisions: [
        { id: 'r0', decision: 'drop' },
        { id: 'r0', decision: 'flip' },
        { id: 'r1', decision: 'drop' },
        { id: 'r2', decision: 'drop' },
        { id: 'gone', decision: 'drop' },
        { id: 'r4', decision: 'keep' },
      ],
    })
    expect(result.manifest.decisions).toEqual({
      given: 5,
      keep: 1,
      drop: 1,
      flip: 0,
      not_applied: {
        contradicting: { count: 2, first: ['r0', 'r1'] },
        absent: { count: 1, first: ['gone'] },
        changed: none,
        no_pair: none,
      },
    })
    expect(result.manifest.keep_ids).toEqual({ given: 1, absent: 0, first_absent: [] })
    expect(rowsOf(join(result.folder, 'dpo')).map(({ id }) => id)).toEqual(['r0', 'r1', 'r3', 'r4'])
    expect(summaryText(result)).toContain(
      '--decisions: 2 of 5 ids with decisions that contradict each other, so that none is applied; leave one of them: r0, r1\n',
    )
    expect(summaryText(result)).toContain('--decisions: 1 of 5 ids that do not occur: gone\n')
  })

  it('are in the keys: nothing is new where they are the same in another order, and nothing is stale where they are not', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), labelled()),
      output = join(at, 'out')
    const one: Decisions = [
      { id: 'r7', decision: 'flip' },
      { id: 'r8', decision: 'drop' },
    ]
    const go = (decisions?: Decisions) => run(reviewed(path), { output, workers: 1, decisions })
    expect((await go()).status).toBe('published')
    const first = await go(one)
    expect(first.status).toBe('published')
    expect((await go([...one].reverse())).status).toBe('nothing_new')
    expect((await go([...one, one[0]])).status).toBe('nothing_new')
    const other = await go([one[0], { id: 'r8', decision: 'keep' }])
    expect(other.status).toBe('published')
    expect(rowsOf(join(other.folder, 'dpo')).some(({ id }) => id === 'r8')).toBe(true)
    const fresh = await run(reviewed(path), { output: join(at, 'fresh'), workers: 1, decisions: one }),
      again = await go(one)
    expect(fingerprint(again.folder)).toEqual(fingerprint(fresh.folder))
    const without = await go()
    expect(ledgerOf(without.folder).r8).toMatchObject({ outcome: 'kept', decision: null })
  })

  it('give the same bytes for any number of workers and any sizes of partitions and blocks', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), labelled())
    const decisions: Decisions = labelled().flatMap(({ id }, i): Decisions =>
      i % 7 === 3 ? [{ id, decision: (['keep', 'drop', 'flip'] as const)[i % 3] }] : [],
    )
    const results = [],
      prints: object[] = []
    for (const [name, workers, partition_rows, blockRows] of [
      ['a', 1, 100_000, undefined],
      ['b', 3, 100_000, 7],
      ['c', 3, 31, undefined],
      ['d', 1, 64, 9],
    ] as const) {
      const { folder: out, manifest } = await run(
        { ...reviewed(path), partition_rows },
        { output: join(at, name), workers, blockRows, decisions },
      )
      prints.push(fingerprint(out))
      const { dpo, humans, ledger } = Object.fromEntries(
        ['dpo', 'humans', 'ledger'].map(part => [part, rowsOf(join(out, part))]),
      )
      results.push({ dpo, humans, ledger, decisions: manifest.decisions, rows: manifest.rows })
    }
    for (const result of results.slice(1)) expect(result).toEqual(results[0])
    expect(prints[1]).toEqual(prints[0])
    expect(results[0].rows.dropped).toBeGreaterThan(10)
  })

  it('to flip end the run with 65 where numbers of the sides cannot take each other’s place', async () => {
    const at = folder(),
      rows = pairs(3).map((row, i) => ({ ...row, chosen_score: i + 0.5, rejected_score: i }))
    const path = writeJsonl(join(at, 'in.jsonl'), rows),
      decided = run(plain(path), { output: join(at, 'out'), workers: 1, decisions: [{ id: 'r1', decision: 'flip' }] })
    await expect(decided).rejects.toMatchObject({
      exit: 65,
      message: expect.stringMatching(
        /^pairs \(flip of --decisions\): 'chosen_score' is Float64 and 'rejected_score' is Int64: .*give both one type/,
      ) as unknown,
    })
  })

  it('that are none are refused before anything is read', async () => {
    await expect(run(plain('none.jsonl'), { decisions: [{ id: 'a', decision: 'Keep' }] as never })).rejects.toThrow(
      /option 'decisions' is .* not a list of \{ id, decision: 'keep' \| 'drop' \| 'flip', content_hash\? \}/,
    )
  })
})
