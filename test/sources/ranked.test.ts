/** Scored answers, one a row: what the source gives of them, and the pairs that a graph goes on with by itself. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Int64, Table, tableToIPC } from 'apache-arrow'
import type * as Wasm from 'parquet-wasm/node'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { main, run } from '../../index.mjs'
import { fingerprint, rowsOf } from '../engine/helpers.ts'
import readParquetFiles from '../../stages/sources/read_parquet.ts'
import { readAll } from './files.ts'
import { read, table, type Row } from './helpers.ts'

const { Table: Written, writeParquet } = createRequire(import.meta.url)('parquet-wasm/node') as typeof Wasm
const folder = mkdtempSync(join(tmpdir(), 'sluice-ranked-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

const replies = (prompt: string, ...scores: readonly (number | string | null)[]): Row[] =>
  scores.map((score, i) => ({ id: `${prompt}${i}`, prompt, response: `${prompt} says ${i}`, score, tree: prompt }))

let files = 0
const lines = (rows: readonly object[], end = 'jsonl') => {
  const path = join(folder, `${files++}.${end}`)
  writeFileSync(path, rows.map(row => `${JSON.stringify(row)}\n`).join(''))
  return path
}

interface How {
  readonly with?: object
  readonly use?: string
  readonly stages?: readonly object[]
  readonly set?: readonly string[]
  readonly [option: string]: unknown
}
/** A run over a file of replies: what is published, the ledger by id, and what was told. */
async function pairsOf(path: string, { with: options = {}, use = 'read_jsonl', stages, ...how }: How = {}) {
  const warnings: string[] = [],
    { partition_rows = 1000, ...more } = how
  const graph = {
    version: 1,
    name: 'g',
    partition_rows,
    stages: [{ id: 'replies', use, with: { path, ...options } }, ...(stages ?? [{ id: 'dpo', use: 'write_arrow' }])],
  }
  const ran = await run(graph as never, {
    output: mkdtempSync(join(folder, 'out-')),
    workers: 1,
    onWarning: (text: string) => warnings.push(text),
    ...more,
  })
  const ledger = new Map(
    rowsOf(join(ran.folder, 'ledger')).map(({ id, outcome, stage, reason }) => [
      id,
      outcome === 'kept' ? 'kept' : `${String(stage)} ${String(reason)}`,
    ]),
  )
  const dpo = rowsOf(join(ran.folder, 'dpo'))
  return { ...ran, ledger: Object.fromEntries(ledger) as Record<string, string>, dpo, warnings }
}
const said = (pairs: readonly Record<string, unknown>[]) =>
  pairs.map(row => [
    row.id,
    row.replies_pairs_rejected_id,
    row.replies_pairs_chosen_score,
    row.replies_pairs_rejected_score,
  ])

describe('scored answers, one a row', () => {
  it('are read as they lie, without a rejected side, and with their score', () => {
    const got = read(table(replies('a', 1, 3)))
    expect(got.layout).toBe('ranked')
    expect(got.rows).toEqual([0, 1])
    expect(got.pairs[0]).toMatchObject({ id: 'a0', chosen: [{ role: 'assistant', content: 'a says 0' }], score: 1 })
    expect(got.pairs[0]).not.toHaveProperty('response')
    expect(read(table(replies('a', 1, 2).map(row => ({ ...row, chosen: 'x', rejected: 'y' })))).layout).toBe('text')
  })

  it('of prompts that never come again are something else, unless they are named so', () => {
    const apart = [...replies('a', 1), ...replies('b', 2)]
    expect(() => read(table(apart))).toThrow(/it is unpaired: one answer a row/)
    expect(read(table(apart), { layout: 'ranked' }).layout).toBe('ranked')
    expect(read(table([...apart, ...replies('a', 3)])).layout).toBe('ranked')
  })

  it('have the ids of their rows; a row without one has the hash of what it says', async () => {
    const bare = replies('a', 1, 2, 3).map(({ id: _id, tree: _tree, ...row }) => row)
    const { dpo } = await pairsOf(lines(bare)),
      more = await pairsOf(lines(bare.map(row => ({ ...row, more: 1 }))))
    expect(dpo.map(({ id }) => id)).toHaveLength(2)
    expect(more.dpo.map(({ id }) => id)).toEqual(dpo.map(({ id }) => id))
  })
})

describe('a graph that goes on with pairs', () => {
  it('has pair_candidates behind the source by itself, wherever the answers to a prompt lie', async () => {
    const rows = [...replies('a', 1, 3), ...replies('b', 2, 2), ...replies('c', 1), { ...replies('a', 0, 0, 2)[2] }],
      { dpo, ledger, manifest } = await pairsOf(lines(rows))
    expect(said(dpo)).toEqual([
      ['a1', 'a2', 3, 2],
      ['a2', 'a0', 2, 1],
    ])
    expect(dpo[0]).toMatchObject({ tree: 'a', score: 3, replies_pairs_candidates: 3 })
    expect(ledger).toEqual({
      a0: 'kept',
      a1: 'kept',
      a2: 'kept',
      b0: 'replies_pairs tied_scores',
      b1: 'replies_pairs tied_scores',
      c0: 'replies_pairs too_few_candidates',
    })
    expect(manifest.rows).toMatchObject({ read: 6, kept: 3, dropped: 3 })
    expect(manifest.graph.stages.map(({ id, use }) => [id, use])).toEqual([
      ['replies', 'read_jsonl'],
      ['replies_pairs', 'pair_candidates'],
      ['dpo', 'write_arrow'],
    ])
  })

  it('is told of it by `check`', async () => {
    const path = lines(replies('a', 1, 0).map(({ score, ...row }) => ({ ...row, rank: score }))),
      graph = join(folder, 'graph.json'),
      said: string[] = []
    const stages = [
      { id: 'replies', use: 'read_jsonl', with: { path } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    writeFileSync(graph, JSON.stringify({ version: 1, name: 'g', stages }))
    const log = vi.spyOn(console, 'log').mockImplementation(line => void said.push(String(line)))
    expect(await main(['check', graph])).toBe(0)
    log.mockRestore()
    expect(said[1]).toBe(
      "replies gives one scored answer a row; replies_pairs (pair_candidates) makes pairs of them, by 'rank', the lowest first (set it by --set replies_pairs.…)",
    )
  })

  it('takes ranks from the least, and the options of the source, or of --set', async () => {
    const ranked = lines(replies('a', 1, 0, 2).map(({ score, ...row }) => ({ ...row, rank: score })))
    expect(said((await pairsOf(ranked)).dpo)).toEqual([
      ['a0', 'a2', 1, 2],
      ['a1', 'a0', 0, 1],
    ])
    const best = await pairsOf(ranked, { with: { pairing: 'best_worst' } })
    expect([said(best.dpo), best.ledger.a0]).toEqual([[['a1', 'a2', 0, 2]], 'replies_pairs not_paired'])
    const set = await pairsOf(ranked, { set: ['replies_pairs.pairing=best_second'] })
    expect(said(set.dpo)).toEqual([['a1', 'a0', 0, 1]])
    const wrong = (text: string) => pairsOf(ranked, { set: [text] })
    await expect(wrong('replies_pairs.pairin=all')).rejects.toThrow(/pairin/)
    await expect(wrong('other_pairs.pairing=all')).rejects.toThrow(/other_pairs/)
    const pairs = lines([{ prompt: 'a', chosen: 'b', rejected: 'c' }])
    await expect(pairsOf(pairs, { set: ['replies_pairs.pairing=all'] })).rejects.toThrow(/replies_pairs/)
  })

  it('keeps named outputs of the source, named inputs, and the stage that is written below it', async () => {
    const rows = [...replies('a', 1, 3), { ...replies('x', 1)[0], prompt: null }],
      { dpo, folder: at } = await pairsOf(lines(rows), {
        stages: [
          { id: 'checked', use: 'check_pairs' },
          { id: 'dpo', use: 'write_arrow' },
          { id: 'lengths', use: 'audit_lengths', from: { before: 'replies', kept: ['checked'] } },
        ],
      })
    expect(said(dpo)).toEqual([['a1', 'a0', 3, 1]])
    expect(existsSync(join(at, 'dropped', 'replies'))).toBe(true)
  })

  it('that makes pairs itself gets the answers, and nothing stands between', async () => {
    const { dpo, manifest } = await pairsOf(lines(replies('a', 1, 3)), {
      stages: [
        { id: 'mine', use: 'pair_candidates', with: { pairing: 'best_worst' } },
        { id: 'dpo', use: 'write_arrow' },
      ],
    })
    expect(dpo.map(({ id, mine_rejected_id }) => [id, mine_rejected_id])).toEqual([['a1', 'a0']])
    expect(manifest.graph.stages.map(({ id }) => id)).toEqual(['replies', 'mine', 'dpo'])
  })

  it('is warned where pairs of the same answers come by two ways, and names who makes them by itself', async () => {
    const path = lines(replies('a', 1, 3)),
      mine = { id: 'mine', use: 'pair_candidates' },
      told = async (...stages: readonly object[]) =>
        (await pairsOf(path, { stages })).warnings.filter(text => text.includes('twice'))
    const itself =
      "twice: 'replies' gives scored answers, behind which 'replies_pairs' makes pairs by itself, and 'mine' makes pairs of them too"
    const sink = (...from: readonly string[]) => ({ id: 'dpo', use: 'write_arrow', from })
    expect(await told(mine, sink('mine', 'replies'))).toEqual([
      expect.stringContaining(`a pair that both 'mine' and 'replies_pairs' hand on reaches 'dpo' ${itself}`),
    ])
    const checked = { id: 'checked', use: 'check_pairs', from: 'replies' },
      short = { id: 'short', use: 'drop_length', from: 'mine' }
    expect(await told(mine, checked, short, sink('short', 'checked'))).toEqual([expect.stringContaining(itself)])
    // by hand, and alike
    const other = (options: object) => ({ id: 'other', use: 'pair_candidates', from: 'replies', with: options })
    expect(await told(mine, other({}), sink('mine', 'other'))).toEqual([
      expect.stringContaining("reaches 'dpo' twice: 'mine' and 'other' make the same pairs"),
    ])
    expect(await told(mine, other({ order: 'low_first' }), sink('mine', 'other'))).toEqual([])
    // what is dropped is no pair, and what is looked at apart comes once
    const look = { id: 'look', use: 'audit_lengths', from: { before: 'replies', kept: 'mine' } }
    expect(await told(mine, sink('mine'), look)).toEqual([])
  })

  it('refuses options that say how pairs are made where the source makes none, with who makes them', async () => {
    const ranked = lines(replies('a', 1, 3)),
      mine = [
        { id: 'mine', use: 'pair_candidates' },
        { id: 'dpo', use: 'write_arrow' },
      ]
    const idle = { pairing: 'all', min_score: 100, min_gap: 1, length_penalty: 0.5, max_pairs: 3 }
    for (const [name, value] of Object.entries(idle)) {
      const byMine = `${name}  counts for nothing: pairs of what 'replies' gives are made by 'mine': set it there`
      await expect(pairsOf(ranked, { stages: mine, with: { [name]: value } })).rejects.toThrow(byMine)
      const set = [`replies.${name}=${value}`]
      await expect(pairsOf(ranked, { stages: mine, set })).rejects.toThrow(`--set replies.${name}=${value}  `)
      const answers = { layout: 'answers', answer: 'response', [name]: value }
      await expect(pairsOf(ranked, { stages: mine, with: answers })).rejects.toThrow(byMine)
      const pairs = lines([{ prompt: 'a', chosen: 'b', rejected: 'c' }])
      await expect(pairsOf(pairs, { with: { [name]: value } })).rejects.toThrow(
        `${name}  counts for nothing: 'replies' gives no scored answers to make pairs of (layout text)`,
      )
      const table = { id: 'votes', use: 'read_jsonl', with: { path: pairs, [name]: value } },
        voted = { id: 'voted', use: 'add_votes', from: { rows: 'replies', votes: 'votes' } }
      await expect(pairsOf(pairs, { stages: [table, voted, mine[1]] })).rejects.toThrow(
        `${name}  counts for nothing: 'votes' is read as a table, as it lies`,
      )
      // a stage of that name that somebody wrote is theirs
      const named = [{ id: 'replies_pairs', use: 'pair_candidates' }, mine[1]]
      await expect(pairsOf(ranked, { stages: named, with: { [name]: value } })).rejects.toThrow("by 'replies_pairs'")
    }
    // by itself, and by a stage
    const most =
      /max_pairs {2}counts for nothing: it is for `pairing: all`, and '(?:replies|mine)' has `pairing: adjacent`/
    await expect(pairsOf(ranked, { with: { max_pairs: 3 } })).rejects.toThrow(most)
    const capped = [{ ...mine[0], with: { max_pairs: 3 } }, mine[1]]
    await expect(pairsOf(ranked, { stages: capped })).rejects.toThrow(most)
    await expect(pairsOf(ranked, { with: { max_pairs: 3, pairing: 'all' } })).resolves.toBeDefined()
    const answer = 'answer  counts for nothing: it names a column of layout answers alone'
    await expect(pairsOf(ranked, { with: { answer: 'text' } })).rejects.toThrow(answer)
    await expect(pairsOf(ranked, { stages: mine, set: ['replies.answer=text'] })).rejects.toThrow(
      /--set replies.answer=text  counts.*layout answers/,
    )
    // what is as it usually is says nothing
    const usual = { pairing: 'adjacent', min_gap: 0, answer: 'answer' }
    expect((await pairsOf(ranked, { stages: mine, with: usual })).dpo).toHaveLength(1)
  })

  it('refuses files that are scored by different columns, and answers beside pairs, with what to do', async () => {
    const at = mkdtempSync(join(folder, 'mixed-')),
      put = (name: string, rows: readonly object[]) =>
        writeFileSync(join(at, name), rows.map(row => `${JSON.stringify(row)}\n`).join(''))
    put('a.jsonl', replies('a', 1, 2))
    put(
      'b.jsonl',
      replies('b', 1, 2).map(({ score, ...row }) => ({ ...row, rank: score })),
    )
    await expect(pairsOf(join(at, '*.jsonl'))).rejects.toThrow(/scored by 'score'.*scored by 'rank'.*source of its own/)
    put('b.jsonl', [{ prompt: 'a', chosen: 'b', rejected: 'c' }])
    await expect(pairsOf(join(at, '*.jsonl'))).rejects.toThrow(/layout ranked, scored by 'score'.*layout text/)
  })

  it('keeps the score where `columns` names others, and reads few of a large file', async () => {
    const path = lines([...replies('a', 1, 3), ...replies('b', 1, 2)])
    const some = await pairsOf(path, { with: { columns: ['tree'] } })
    expect(said(some.dpo)).toEqual([
      ['a1', 'a0', 3, 1],
      ['b1', 'b0', 2, 1],
    ])
    expect(said((await pairsOf(path, { limit: 2 })).dpo)).toEqual([['a1', 'a0', 3, 1]])
    expect((await pairsOf(path, { sample: 4 })).dpo).toHaveLength(2)
  })

  it('a score that float64 would round drops the answers to its prompt, and no others', async () => {
    const big = 2n ** 53n,
      scores = [big, big + 1n, 3n, 4n]
    const raw = table(
      [...replies('a', 0, 1), ...replies('b', 3, 4)].map((row, i) => ({ ...row, score: scores[i] })),
      { score: new Int64() },
    )
    const path = join(folder, 'big.arrow')
    writeFileSync(path, tableToIPC(new Table([raw]), 'stream'))
    const { dpo, ledger } = await pairsOf(path, { use: 'read_arrow' })
    expect(said(dpo)).toEqual([['b1', 'b0', 4, 3]])
    expect([ledger.a0, ledger.a1]).toEqual(Array(2).fill('replies_pairs inexact_score'))
  })

  it('is the same for any kind of file, partitions and workers; a bad record is told, and parts nothing', async () => {
    const rows = Array.from({ length: 60 }, (_, i) =>
      replies(`p${i}`, ...Array.from({ length: 1 + (i % 7) }, (_, k) => (k * 5 + i) % 4)),
    ).flat()
    const stream = tableToIPC(new Table([table(rows)]), 'stream'),
      arrow = join(folder, 'all.arrow'),
      parquet = join(folder, 'all.parquet')
    writeFileSync(arrow, stream)
    writeFileSync(parquet, writeParquet(Written.fromIPCStream(stream)))
    const made = []
    for (const [use, path] of [
      ['read_jsonl', lines(rows)],
      ['read_arrow', arrow],
      ['read_parquet', parquet],
    ] as const) {
      made.push(await pairsOf(path, { use }), await pairsOf(path, { use, partition_rows: 7, workers: 2 }))
    }
    for (const { dpo, ledger } of made) {
      expect(said(dpo)).toEqual(said(made[0].dpo))
      expect(ledger).toEqual(made[0].ledger)
    }
    expect(fingerprint(made[1].folder)).toEqual(
      fingerprint((await pairsOf(String(made[1].manifest.inputs[0].path), { partition_rows: 7 })).folder),
    )
    const path = lines(replies('a', 1, 2))
    writeFileSync(
      path,
      `${JSON.stringify(replies('a', 3)[0])}\n{"prompt": "a", \n${JSON.stringify({ ...replies('a', 0, 9)[1] })}\n`,
    )
    const { dpo, manifest } = await pairsOf(path, { with: { layout: 'ranked' } })
    expect(said(dpo)).toEqual([['a1', 'a0', 9, 3]])
    expect(manifest.stages.replies.reasons).toEqual({ unreadable_line: 1 })
  })
})

interface Reply {
  readonly id: string
  readonly prompt: readonly { readonly role: string; readonly content: string }[]
  readonly chosen: readonly { readonly content: string }[]
  readonly rank: number
}

const data = fileURLToPath(new URL('../../../shared/data/oasst-100/', import.meta.url))
describe.runIf(existsSync(data))('real ranked replies', () => {
  it('give the pairs that were made of them by hand', async () => {
    const { dpo, manifest } = await pairsOf(join(data, 'ranked-replies.parquet'), { use: 'read_parquet' })
    const byHand = (await readAll(readParquetFiles, data, 'pairs.parquet')).pairs
    const textOf = (messages: unknown) => JSON.stringify(messages)
    const bare = (pair: Record<string, unknown>, id: unknown) =>
      [String(id), textOf(pair.prompt), textOf(pair.chosen), textOf(pair.rejected)].join('\n')
    expect(
      dpo
        .map(pair => bare(pair, `${String(pair.id).replace(/-\d$/, '')}-${String(pair.replies_pairs_rejected_id)}`))
        .sort(),
    ).toEqual(byHand.map(pair => bare(pair as never, pair.id)).sort())
    expect(manifest.rows.kept).toBe(manifest.stages.replies_pairs.sides)
  })

  it('give the same pairs as the messages of trees that they come from, in any order and part of the file', async () => {
    const given = (await readAll(readParquetFiles, data, 'ranked-replies.parquet')).pairs as unknown as Reply[],
      messages = new Map<string, object>()
    for (const { id, prompt, chosen, rank } of given) {
      let parent: string | null = null
      for (const { role, content } of prompt) {
        const above: string = createHash('sha256').update(`${parent} ${role} ${content}`).digest('hex')
        messages.set(above, { message_id: above, parent_id: parent, role: role.replace('user', 'prompter'), text: content, rank: null }) // prettier-ignore
        parent = above
      }
      messages.set(id, { message_id: id, parent_id: parent, role: 'assistant', text: chosen[0].content, rank })
    }
    const map = {
      tree: { id: 'message_id', parent: 'parent_id', role: 'role' },
      ...{ prompt: 'text', answer: 'text', score: { rank: -1 } },
    }
    const { dpo } = await pairsOf(lines([...messages.values()].reverse()), { with: { map }, partition_rows: 100 }),
      byHand = (await readAll(readParquetFiles, data, 'pairs.parquet')).pairs
    const bare = ({ prompt, chosen, rejected }: Record<string, unknown>) => JSON.stringify([prompt, chosen, rejected])
    expect(dpo.map(bare).sort()).toEqual(byHand.map(pair => bare(pair as never)).sort())
  })
})
