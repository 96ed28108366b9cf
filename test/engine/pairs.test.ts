/** Stages that make pairs of answers, in whole runs, as users write them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { run } from '../../index.mjs'
import { fingerprint, folder, rowsOf, writeJsonl } from './helpers.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Of each prompt every answer against the next lower one; answers of score 0 are dropped, as are those alone. */
const pairStage = (body = '', give = 'parents, partners, columns: { gap, of }', more = '') =>
  `import { defineStage, Type } from 'sluice-data'
export default defineStage({
  name: 'ladder', version: 1, summary: 'x', options: Type.Object({}), examples: [],
  reads: { id: 'text', score: 'number' }, writes: { gap: 'float64', of: 'text' }, rows: 'pair', by: ['prompt'],
  reasons: { zero: { kind: 'quality', about: 'score' }, alone: { kind: 'quality', about: 'answers' } },
  notes: { best: 'the best of its prompt' },${more}
  open: () => ({
    batch(batch, verdict) {
      const score = batch.numbers('score').values, ids = batch.text('id')
      const parents = [], partners = [], gap = [], of = []
      for (let g = 0; g + 1 < batch.groups.length; g++) {
        const rows = [...score.keys()].slice(batch.groups[g], batch.groups[g + 1])
        const some = rows.filter(row => score[row] > 0).sort((a, b) => score[b] - score[a] || a - b)
        for (const row of rows) {
          if (score[row] === 13) throw new Error('thirteen')
          if (score[row] === 0) verdict.drop(row, 'zero', 0, rows[0])
          else if (some.length === 1) verdict.drop(row, 'alone', 1)
        }
        if (some.length > 1) verdict.note(some[0], 'best')
        for (let i = 1; i < some.length; i++) {
          parents.push(some[i - 1]); partners.push(some[i])
          gap.push(score[some[i - 1]] - score[some[i]]); of.push(ids.text(some[i]))
        }
      }
      ${body}
      return { ${give} }
    },
  }),
})\n`

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, k) => {
    const i = from + k
    return {
      id: `a${i}`,
      prompt: `question ${i % 11 === 10 ? `alone ${i}` : i % 6}?`,
      answer: [{ role: 'assistant', content: `answer ${i}`, ...(i % 4 === 0 ? { tool: `t${i}` } : {}) }],
      score: (i * 7) % 9,
      chosen_by: `someone ${i}`,
      note: i,
    }
  })

type Row = ReturnType<typeof rows>[number]

interface Made {
  readonly partition_rows?: number
  readonly sinks?: readonly object[]
}
function graphOf(data: readonly object[][], stage = pairStage(), { partition_rows = 7, sinks }: Made = {}) {
  const at = folder()
  writeFileSync(join(at, 'ladder.mjs'), stage)
  data.forEach((some, f) => writeJsonl(join(at, `${f}.jsonl`), some))
  const graph = {
    version: 1 as const,
    name: 'g',
    partition_rows,
    stages: [
      { id: 'answers', use: 'read_jsonl', with: { path: join(at, '*.jsonl'), layout: 'answers' } },
      { id: 'ladder', use: join(at, 'ladder.mjs') },
      ...(sinks ?? [
        { id: 'dpo', use: 'write_arrow', from: 'ladder' },
        { id: 'people', use: 'write_arrow', from: ['ladder.zero', 'ladder.best'], with: { for: 'review' } },
      ]),
    ],
  }
  return { at, graph: graph as never, output: join(at, 'out') }
}

/** The pairs that the stage makes, as (chosen, rejected) rows. */
function expected(all: readonly Row[]): [Row, Row][] {
  const prompts = [...new Set(all.map(({ prompt }) => prompt))]
  return prompts.flatMap(prompt => {
    const some = all
      .filter(row => row.prompt === prompt && row.score > 0)
      .sort((a, b) => b.score - a.score || all.indexOf(a) - all.indexOf(b))
    return some.slice(1).map((row, i): [Row, Row] => [some[i], row])
  })
}

const ledgerOf = (at: string) => new Map(rowsOf(join(at, 'ledger')).map(row => [String(row.id), row]))

describe('pairs of answers', () => {
  const all = rows(0, 60)

  it('have the row of the chosen side, the answer of the other, and what belongs to it', async () => {
    const { graph, output } = graphOf([all.slice(0, 25), all.slice(25)])
    const { folder: at, manifest } = await run(graph, { output, workers: 1 })
    const pairs = rowsOf(join(at, 'dpo')),
      want = expected(all)
    const textOf = (messages: unknown) => (messages as { content: string }[])[0].content
    const said = (list: [string, string][]) => list.sort(([a, b], [c, d]) => (a + b < c + d ? -1 : 1))
    expect(said(pairs.map(({ chosen, rejected }) => [textOf(chosen), textOf(rejected)]))).toEqual(
      said(want.map(([a, b]) => [a.answer[0].content, b.answer[0].content])),
    )
    for (const pair of pairs) {
      const [parent, partner] = want.find(([a]) => a.id === pair.id)!
      expect(pair).toMatchObject({
        ladder_gap: parent.score - partner.score,
        ladder_of: partner.id,
        score: parent.score,
        note: parent.note,
        chosen_by: parent.chosen_by,
        rejected_by: partner.chosen_by,
        source_chosen_fields: parent.answer[0].tool === undefined ? null : `[{"tool":"${parent.answer[0].tool}"}]`,
        source_rejected_fields: partner.answer[0].tool === undefined ? null : `[{"tool":"${partner.answer[0].tool}"}]`,
      })
    }
    // in the order of the source
    const places = pairs.map(({ note }) => Number(note))
    expect(places).toEqual([...places].sort((a, b) => a - b))

    const sides = new Set(want.flat().map(({ id }) => id)),
      ledger = ledgerOf(at)
    for (const { id, score } of all) {
      const { outcome, reason, sinks } = ledger.get(id)!
      expect([id, outcome, reason]).toEqual(
        sides.has(id) ? [id, 'kept', null] : [id, 'dropped', score === 0 ? 'zero' : 'alone'],
      )
      if (sides.has(id)) expect([...(sinks as Iterable<string>)]).toContain('dpo')
    }
    expect(manifest.rows).toMatchObject({ read: all.length, kept: sides.size, dropped: all.length - sides.size })
    expect(manifest.stages.ladder).toMatchObject({ in: all.length, out: want.length, sides: sides.size })
    const people = rowsOf(join(at, 'people'))
    expect(people.filter(row => row.ladder_reason === 'zero')).toHaveLength(all.filter(row => row.score === 0).length)
  })

  it('are the same however rows are cut, and whoever works', async () => {
    const { at, graph } = graphOf([all.slice(0, 25), all.slice(25)])
    const runOf = async (partition_rows: number, how: object) => {
      const { folder: ran } = await run({ ...(graph as object), partition_rows } as never, {
        output: join(at, `out-${partition_rows}`),
        ...how,
      })
      return [rowsOf(join(ran, 'dpo')), rowsOf(join(ran, 'people')), rowsOf(join(ran, 'ledger'))]
    }
    const made = [await runOf(3, { workers: 2, blockRows: 2, bucketBytes: 100 }), await runOf(1000, { workers: 1 })]
    expect(made[1]).toEqual(made[0])
  })

  it('a second run of more files makes what one from scratch makes', async () => {
    const { at, graph, output } = graphOf([all.slice(0, 25), all.slice(25, 40)])
    await run(graph, { output, workers: 1 })
    writeJsonl(join(at, '2.jsonl'), all.slice(40))
    const grown = await run(graph, { output, workers: 1 })
    const scratch = await run(graph, { output: join(at, 'other'), workers: 1 })
    expect(fingerprint(grown.folder)).toEqual(fingerprint(scratch.folder))
  })

  it('a side whose pair is dropped, or goes nowhere, is not kept, and the ledger says whose it is', async () => {
    const stage = `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'close', version: 1, summary: 'x', options: Type.Object({}), examples: [],
  reads: { ladder_gap: 'number' }, writes: {}, rows: 'subset', reasons: { close: { kind: 'quality', about: 'gap' } },
  open: () => ({ batch(batch, verdict) {
    batch.numbers('ladder_gap').values.forEach((gap, row) => { if (gap < 2) verdict.drop(row, 'close', gap) })
  } }) })\n`
    const { at, graph, output } = graphOf([all], pairStage(), {
      sinks: [
        { id: 'wide', use: './close.mjs', from: 'ladder' },
        { id: 'dpo', use: 'write_arrow', from: 'wide' },
      ],
    })
    writeFileSync(join(at, 'close.mjs'), stage)
    const { folder: ran, manifest } = await run(
      { ...(graph as object), stages: withPath(graph, join(at, 'close.mjs')) } as never,
      { output, workers: 1 },
    )
    const want = expected(all),
      wide = want.filter(([a, b]) => a.score - b.score >= 2),
      kept = new Set(wide.flat().map(({ id }) => id)),
      ledger = ledgerOf(ran)
    for (const [parent, partner] of want) {
      const [of, side] = [ledger.get(parent.id)!, ledger.get(partner.id)!]
      expect([parent.id, of.outcome]).toEqual([parent.id, kept.has(parent.id) ? 'kept' : 'dropped'])
      if (!kept.has(parent.id)) expect([of.stage, of.reason]).toEqual(['wide', 'close'])
      if (kept.has(partner.id) || want.some(([a]) => a.id === partner.id)) continue
      expect([side.reason, side.detail]).toEqual(['rejected_side', `${join(at, '0.jsonl')}:${parent.note}`])
    }
    expect(manifest.dropped_by_none.rejected_side).toBeGreaterThan(0)
    expect(manifest.rows.kept).toBe(kept.size)
  })

  it('first rows of a sink with a limit make their sides kept, and no others', async () => {
    const { graph, output } = graphOf([all], pairStage(), {
      sinks: [{ id: 'dpo', use: 'write_arrow', from: 'ladder', with: { order_by: 'ladder_gap', limit: 3 } }],
    })
    const { folder: at, manifest } = await run(graph, { output, workers: 1 })
    const written = rowsOf(join(at, 'dpo')),
      kept = new Set(written.flatMap(({ id, ladder_of }) => [id, ladder_of]))
    expect(written).toHaveLength(3)
    expect(manifest.rows.kept).toBe(kept.size)
    for (const [id, { outcome }] of ledgerOf(at)) expect([id, outcome]).toEqual([id, kept.has(id) ? 'kept' : 'dropped'])
  })

  it('what an answer has of one that was rejected before is that of its partner, or null; NaN stays NaN', async () => {
    const old = rows(0, 12).map(row => ({
      ...row,
      prompt: 'one',
      score: row.note + 1,
      chosen_mark: row.note,
      rejected_mark: -1 - row.note,
      rejected_by: 'old',
      more_rejected: 'old',
    }))
    const { graph, output } = graphOf([old])
    const { folder: at } = await run(graph, { output, workers: 1 })
    for (const pair of rowsOf(join(at, 'dpo'))) {
      const partner = old.find(({ id }) => id === pair.ladder_of)!
      expect(pair).toMatchObject({
        chosen_mark: pair.note,
        rejected_mark: partner.note,
        rejected_by: partner.chosen_by,
      })
      expect(pair.more_rejected).toBe(null)
    }
  })

  it('of a stage that gives the rejected side itself are refused', async () => {
    const give =
      'parents, partners, columns: { gap, of, rejected: parents.map(() => [{ role: "assistant", content: "x" }]) }'
    const { graph, output } = graphOf([all], pairStage('', give))
    await expect(run(graph, { output, workers: 1 })).rejects.toThrow(/'rejected' is not among/)
  })

  it('of one file that two sources read are each source’s own', async () => {
    const { at, graph } = graphOf([rows(0, 2).map(row => ({ ...row, prompt: 'one', score: row.note + 1 }))])
    const [answers, ladder] = (graph as { stages: { id: string }[] }).stages
    const stages = [
      answers,
      { ...answers, id: 'again' },
      { ...ladder, from: 'answers' },
      { ...ladder, id: 'other', from: 'again' },
      { id: 'none', use: 'drop_length', with: { min_words: 1000 }, from: 'other' },
      { id: 'dpo', use: 'write_arrow', from: ['ladder', 'none'] },
    ]
    const { folder: ran, manifest } = await run({ ...(graph as object), stages } as never, {
      output: join(at, 'out'),
      workers: 1,
    })
    expect(manifest.rows).toMatchObject({ read: 4, kept: 2, dropped: 2 })
    expect(rowsOf(join(ran, 'ledger')).map(({ outcome }) => outcome)).toEqual(['kept', 'kept', 'dropped', 'dropped'])
    expect(manifest.kept_elsewhere).toBe(0)
  })

  it('keep both sides where a stage made the chosen one; what a stage makes of a pair keeps neither', async () => {
    const edit = `import { defineStage, Type } from 'sluice-data'
export default defineStage({ name: 'edit', version: 1, summary: 'x', options: Type.Object({}), examples: [],
  reads: { chosen: 'messages', score: 'number' }, writes: { chosen: 'messages', better: 'float64' }, rows: 'derive',
  open: () => ({ batch(batch) {
    const rows = Array.from({ length: batch.rows }, (_, row) => row), chosen = batch.messages('chosen')
    return { parents: rows, columns: {
      chosen: rows.map(row => [{ role: 'assistant', content: chosen.text(row) + ' edited' }]),
      better: rows.map(row => batch.numbers('score').values[row] + 100) } }
  } }) })\n`
    const few = [{ ...all[1], prompt: 'one', score: 1, answer: [{ role: 'assistant', content: '2 + 2 = 4' }] }]
    const { at, graph } = graphOf([few])
    writeFileSync(join(at, 'edit.mjs'), edit)
    const [answers, ladder] = (graph as { stages: { id: string }[] }).stages
    const ledgerFor = async (name: string, stages: readonly object[]) => {
      const ran = await run({ ...(graph as object), stages: [answers, ...stages] } as never, {
        output: join(at, name),
        workers: 1,
      })
      return rowsOf(join(ran.folder, 'ledger')).map(({ outcome, reason }) => [outcome, reason])
    }
    const pairs = [
      { id: 'edit', use: join(at, 'edit.mjs') },
      {
        id: 'best',
        use: 'pair_candidates',
        from: ['answers', 'edit'],
        with: { score: ['edit_better', 'score'], pairing: 'best_worst' },
      },
    ]
    expect(await ledgerFor('a', [...pairs, { id: 'dpo', use: 'write_arrow' }])).toEqual([['kept', null]])

    writeJsonl(join(at, '0.jsonl'), [...few, { ...few[0], id: 'low', score: 0.5 }])
    const made = [ladder, { id: 'hard', use: 'inject_errors' }, { id: 'dpo', use: 'write_arrow' }]
    expect(await ledgerFor('b', made)).toEqual([
      ['dropped', 'parent'],
      ['dropped', 'rejected_side'],
    ])
  })

  it('are found by their ids where these are to be kept', async () => {
    const { graph, output } = graphOf([all])
    const [{ id }] = rowsOf(join((await run(graph, { output, workers: 1 })).folder, 'dpo'))
    const { manifest } = await run(graph, { output, workers: 1, keepIds: [String(id)] })
    expect(manifest.keep_ids).toMatchObject({ given: 1, absent: 0 })
  })

  it('where all groups of a block fail, their rows alone are errored', async () => {
    const bad = rows(0, 4).map(row => ({ ...row, prompt: 'one', score: 13 }))
    const good = rows(4, 8).map(row => ({ ...row, prompt: 'two', score: row.note }))
    const { graph, output } = graphOf([[...bad, ...good]])
    const { manifest } = await run(graph, { output, workers: 1, blockRows: 1 } as never)
    expect(manifest.rows).toMatchObject({ errored: 4, kept: 4 })
  })

  it('a group that fails is errored, and no other', async () => {
    const bad = all.map(row => (row.id === 'a13' ? { ...row, score: 13 } : row))
    const { graph, output } = graphOf([bad])
    const { folder: at, manifest } = await run(graph, { output, workers: 1 })
    const errored = bad.filter(({ prompt }) => prompt === bad[13].prompt)
    expect(manifest.rows.errored).toBe(errored.length)
    expect(rowsOf(join(at, 'dpo'))).toHaveLength(expected(bad.filter(row => !errored.includes(row))).length)
  })

  it('a stage that errs is told what it did', async () => {
    for (const [stage, why] of [
      [pairStage('parents.pop()'), /parents and .* partners; a pair is one of each/],
      [pairStage('partners[0] = parents[0]'), /a pair is two rows of one group/],
      [pairStage('partners[0] = batch.rows'), /a pair is two rows of one group/],
      [pairStage('parents.push(parents[0]); partners.push(partners[0]); gap.push(1); of.push("")'), /as one before it/],
      [pairStage('parents.pop(); partners.pop(); gap.pop(); of.pop()'), /in no pair, and nothing is said of it/],
      [pairStage('verdict.drop(parents[0], "zero")'), /a side of a pair, and dropped/],
      [pairStage('', 'parents, partners, columns: { gap }'), /declares ladder_of but did not write it/],
      [pairStage('', 'parents, partners, columns: { gap, of, more: gap }'), /'ladder_more' is not among/],
    ] as const) {
      const { graph, output } = graphOf([all], stage, { partition_rows: 1000 })
      await expect(run(graph, { output, workers: 1 }), String(why)).rejects.toThrow(why)
    }
  })

  it('of pairs is refused, and a stage that takes pairs refuses answers, before a row is read', async () => {
    const { at, graph, output } = graphOf([all])
    const stages = (graph as { stages: object[] }).stages
    const only = { id: 'dpo', use: 'write_arrow', from: 'answers' }
    await expect(run({ ...(graph as object), stages: [stages[0], only] } as never, { output })).rejects.toThrow(
      /'dpo' takes pairs, and its rows have no rejected side/,
    )
    const lengths = { id: 'lengths', use: 'audit_lengths', from: { kept: 'answers' } }
    await expect(
      run({ ...(graph as object), stages: [...stages.slice(0, 3), lengths] } as never, { output }),
    ).rejects.toThrow(/'lengths' takes pairs, and its rows have no rejected side/)
    const both = { id: 'dpo', use: 'write_arrow', from: ['ladder', 'answers'] }
    await expect(
      run({ ...(graph as object), stages: [...stages.slice(0, 2), both] } as never, { output }),
    ).rejects.toThrow(/'dpo' takes pairs, and the rows of 'answers' have no rejected side/)
    writeJsonl(join(at, '0.jsonl'), [{ prompt: 'a', chosen: 'b', rejected: 'c', score: 1 }])
    const pairs = { id: 'answers', use: 'read_jsonl', with: { path: join(at, '0.jsonl') } }
    await expect(
      run({ ...(graph as object), stages: [pairs, ...stages.slice(1)] } as never, { output }),
    ).rejects.toThrow(/'ladder' makes pairs of answers, and its rows have a rejected side already/)
  })

  it('--keep-ids cannot spare an answer, and says so', async () => {
    const { graph, output } = graphOf([all])
    const { folder: at, manifest } = await run(graph, { output, workers: 1, keepIds: ['a0'] })
    expect(ledgerOf(at).get('a0')).toMatchObject({ outcome: 'dropped', reason: 'zero' })
    expect(manifest.warnings.join()).toMatch(/ladder: --keep-ids keeps no answer/)
    expect(readFileSync(join(at, 'manifest.json'), 'utf8')).toContain('--keep-ids keeps no answer')
  })
})

const withPath = (graph: unknown, path: string) =>
  (graph as { stages: { id: string; use: string }[] }).stages.map(stage =>
    stage.id === 'wide' ? { ...stage, use: path } : stage,
  )
