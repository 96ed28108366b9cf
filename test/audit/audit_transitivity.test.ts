/** Comparisons that contradict each other: golden values in three tables, brute force, and real votes. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readParquet, run } from '../../index.mjs'
import { runAuditExample } from '../../engine/run/examples.ts'
import audit from '../../stages/audit/audit_transitivity.ts'
import { addSubsets, noSubsets, wrongOfTriple, type Relation } from '../../stages/audit/transitivity.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { entries, expectOf, givenOf, isThere, shared } from '../noise/golden.ts'
import { graphOf } from './helpers.ts'

const SIGN = { '>': 1, '=': 0, '<': -1 } as const
type Sign = keyof typeof SIGN
const signs = (pattern: string) => [...pattern].map(sign => SIGN[sign as Sign]) as [1 | 0 | -1, 1 | 0 | -1, 1 | 0 | -1]
const said = { '>': 'chosen', '=': 'tie', '<': 'rejected' }
const numbersOf = async (relations: Readonly<Record<string, Sign>>, k: number) => {
  const rows = Object.entries(relations).map(([edge, sign]) => {
    const [chosen, rejected] = edge.split('-')
    return { prompt: 'Which?', chosen, rejected, said: said[sign] }
  })
  const { numbers } = await runAuditExample(audit, {
    title: 'x',
    options: { k, verdict: { verdict: 'said' } },
    inputs: { labels: rows },
  })
  return numbers as Record<string, number>
}

describe.runIf(isThere)('golden values', () => {
  interface Ntr {
    readonly total: number
    readonly non_transitive_count: number
    readonly non_transitive_proportion: number
    readonly error_type_counts: { readonly circle?: number; readonly equal?: number }
  }
  const wanted = [
    'one_cycle_among_4, k=3',
    'one_cycle_among_4, k=4',
    'tie_contradiction_among_4, k=3',
    'missing_edge, k=3',
  ].map(name => `trustjudge.ntr.${name}`)
  it.each(wanted)('theirs and wanted: %s', async id => {
    const { relations, k } = givenOf<{ relations: Record<string, Sign>; k: number }>(id),
      want = expectOf<Ntr>(id),
      { sets, wrong, circles, ties } = await numbersOf(relations, k)
    expect([sets, wrong, circles, ties]).toEqual([
      want.total,
      want.non_transitive_proportion,
      want.error_type_counts.circle ?? 0,
      want.error_type_counts.equal ?? 0,
    ])
  })
  it('theirs and refused: trustjudge.ntr.two_candidates, k=3, which fails there', async () => {
    const { relations, k } = givenOf<{ relations: Record<string, Sign>; k: number }>(
      'trustjudge.ntr.two_candidates, k=3',
    )
    expect(await numbersOf(relations, k)).toMatchObject({ sets: 0, left_out: 0, answers: 2 })
  })
  it('theirs and wanted: which of the 27 triples of trustjudge.triples are wrong', () => {
    const want = expectOf<Record<'good' | 'circle' | 'equal', string[]>>('trustjudge.triples')
    expect(want.good.concat(want.circle, want.equal)).toHaveLength(27)
    const wrong = (pattern: string) => wrongOfTriple(...signs(pattern))
    for (const pattern of want.good) expect(wrong(pattern), pattern).toBeUndefined()
    for (const pattern of want.equal) expect(wrong(pattern), pattern).toBe('tie')
    // theirs and refused: a triple with a tie is a circle or not there by how its answers are numbered
    const numbered = ['>=<', '=><', '=<>', '<=>']
    for (const pattern of want.circle) {
      expect(wrong(pattern), pattern).toBe(numbered.includes(pattern) ? 'tie' : 'circle')
    }
    expect(want.circle).toEqual(expect.arrayContaining(numbered))
  })
  it('are all in one of the tables', () => {
    const mine = entries.entries.filter(({ id }) => /^trustjudge\.(ntr|triples)/.test(id)).map(({ id }) => id)
    expect([...wanted, 'trustjudge.ntr.two_candidates, k=3', 'trustjudge.triples'].sort()).toEqual(mine.sort())
    expect(mine).toHaveLength(6)
  })
})

describe('sets of answers', () => {
  it('are counted as brute force counts them, and the same for any order of the answers', () => {
    const sign = fc.constantFrom<Relation>(1, 0, -1, undefined)
    const table = fc
      .integer({ min: 0, max: 7 })
      .chain(n =>
        fc.tuple(
          fc.constant(n),
          fc.array(sign, { minLength: n * n, maxLength: n * n }),
          fc.shuffledSubarray([...Array(n).keys()], { minLength: n, maxLength: n }),
        ),
      )
    fc.assert(
      fc.property(table, fc.integer({ min: 3, max: 5 }), ([n, signs, order], k) => {
        const of = (i: number, j: number): Relation => {
          if (i < j) return signs[i * n + j]
          const other = signs[j * n + i]
          return other === undefined ? undefined : ((0 - other) as Relation)
        }
        const found = noSubsets(),
          shuffled = noSubsets()
        addSubsets(found, n, k, of)
        addSubsets(shuffled, n, k, (i, j) => of(order[i], order[j]))
        expect(shuffled).toEqual(found)
        const all = Array.from({ length: 2 ** n }, (_, bits) => [...Array(n).keys()].filter(i => bits & (1 << i))),
          sets = all.filter(set => set.length === k),
          full = (set: readonly number[]) => set.every(i => set.every(j => i === j || of(i, j) !== undefined)),
          triples = all.filter(set => set.length === 3 && full(set)),
          wrong = ([a, b, c]: readonly number[]) => wrongOfTriple(of(a, b)!, of(b, c)!, of(a, c)!),
          complete = sets.filter(full)
        expect(found).toEqual({
          complete: complete.length,
          wrong: complete.filter(set => triples.some(three => three.every(i => set.includes(i)) && wrong(three)))
            .length,
          left_out: sets.length - complete.length,
          triples: triples.length,
          circles: triples.filter(three => wrong(three) === 'circle').length,
          ties: triples.filter(three => wrong(three) === 'tie').length,
        })
      }),
      { numRuns: 300 },
    )
  })

  it('says what is wrong with a verdict before a row is read', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'rows.jsonl'), [{ prompt: 'a', chosen: 'b', rejected: 'c' }])
    const graph = graphOf(
      10,
      { id: 'pairs', use: 'read_jsonl', with: { path } },
      { id: 'circles', use: 'audit_transitivity', with: { verdict: { tie: 1 } }, from: { labels: 'pairs' } },
      { id: 'dpo', use: 'write_arrow', from: 'pairs' },
    )
    await expect(run(graph, { output: join(at, 'out') })).rejects.toThrow(
      'verdict: it says nothing of a pair: give it one of scores, margin, probability, verdict or votes',
    )
  })

  const real = `${shared}data/ukpconvarg1/all.parquet`
  it.runIf(existsSync(real))('of real votes', { timeout: 120_000 }, async () => {
    interface Row {
      readonly prompt: string
      readonly response_a: string
      readonly response_b: string
      readonly votes: Iterable<string>
      readonly majority: string
      readonly stance: string
    }
    const at = folder(),
      rows: object[] = []
    for await (const batch of readParquet(real)) {
      for (const { prompt, stance, response_a, response_b, ...row } of batch.toArray() as unknown as Row[]) {
        const { majority, votes } = row
        rows.push({
          prompt: `${prompt} (${stance})`,
          chosen: response_a,
          rejected: response_b,
          majority,
          votes: [...votes],
          first: 'a',
        })
      }
    }
    const verdicts = {
      most: { verdict: 'majority', chosen: 'first', ties: ['tie', 'none'] },
      balance: { votes: 'votes', chosen: 'first' },
    }
    const audits = Object.entries(verdicts).map(([id, verdict]) => ({
      id,
      use: 'audit_transitivity',
      with: { verdict },
      from: { labels: 'pairs' },
    }))
    const { manifest } = await run(
      graphOf(
        5000,
        { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'rows.jsonl'), rows) } },
        ...audits,
        { id: 'dpo', use: 'write_arrow', from: 'pairs' },
      ),
      { output: join(at, 'out'), workers: 2 },
    )
    // the page has these
    expect(audits.map(({ id }) => manifest.stages[id].report!.lines)).toEqual([
      [
        'of 145,491 sets of 3 answers to one prompt 22.8 % contradict themselves',
        'of 145,491 triples 0.8 % go round in a circle, and in 22.0 % a tie contradicts the others',
      ],
      [
        'of 145,491 sets of 3 answers to one prompt 11.4 % contradict themselves',
        'of 145,491 triples 2.9 % go round in a circle, and in 8.6 % a tie contradicts the others',
      ],
    ])
  })
})
