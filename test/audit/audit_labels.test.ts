/** What labels given more than once say: by the formulas, on simulated labels, on real votes, however rows are cut. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readParquet, run } from '../../index.mjs'
import { runAuditExample } from '../../engine/run/examples.ts'
import { circlesIn, disagreement, wrongShare } from '../../models/repeats.ts'
import { Random } from '../../models/random.ts'
import audit from '../../stages/audit/audit_labels.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { graphOf } from './helpers.ts'

const exact = (value: number) => ({ value, low: value, high: value })
const report = (rows: readonly Record<string, unknown>[], options = {}) =>
  runAuditExample(audit, { title: 'x', options, inputs: { labels: rows } })

describe('labels that were given more than once', () => {
  it('disagree as often as two drawn of them do, by brute force', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 12 }), labels => {
        let differ = 0,
          draws = 0
        labels.forEach((one, i) => {
          for (const other of labels.slice(i + 1)) {
            draws++
            if (one !== other) differ++
          }
        })
        const ones = labels.filter(Boolean).length
        expect(disagreement(ones, labels.length - ones)).toBeCloseTo(differ / draws, 12)
      }),
    )
  })

  it.each([0, 0.01, 0.1, 0.25, 0.5])('say which share of labels is wrong: %d', wrong => {
    expect(wrongShare(exact(2 * wrong * (1 - wrong)), 2).value).toBeCloseTo(wrong, 9)
    expect(wrongShare(exact(wrong * (1 - wrong)), 4).value).toBeCloseTo(wrong, 9)
    expect(wrongShare(exact(0.9), 2).value).toBe(0.5)
  })

  it('go round in a circle as brute force over all orders of three says', () => {
    const answers = ['a', 'b', 'c', 'd', 'e']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(-1, 0, 1), { minLength: 10, maxLength: 10 }), signs => {
        const beats = new Set<string>(),
          edges: [string, string][] = []
        let at = 0
        for (const [i, a] of answers.entries()) {
          for (const b of answers.slice(i + 1)) {
            const sign = signs[at++]
            if (sign === 0) continue
            const [winner, loser] = sign > 0 ? [a, b] : [b, a]
            edges.push([winner, loser])
            beats.add(winner + loser)
          }
        }
        let circles = 0,
          triples = 0
        for (const a of answers) {
          for (const b of answers) {
            for (const c of answers) {
              if (a < b && b < c) {
                const met = (x: string, y: string) => beats.has(x + y) || beats.has(y + x)
                if (met(a, b) && met(b, c) && met(a, c)) triples++
              }
              if (beats.has(a + b) && beats.has(b + c) && beats.has(c + a)) circles++
            }
          }
        }
        expect(circlesIn(edges)).toMatchObject({ triples, circles: circles / 3 })
      }),
    )
  })

  it('cover the share that was flipped, by pairs and by circles', async () => {
    const random = new Random(7)
    let covered = 0
    for (let trial = 0; trial < 20; trial++) {
      const rows = Array.from({ length: 120 }, (_, p) =>
        [0, 1, 2, 3].flatMap(a =>
          [0, 1, 2, 3].flatMap(b =>
            a >= b
              ? []
              : [0, 1].map(() => {
                  const sides = [`answer ${a}`, `answer ${b}`]
                  if (random.float() < 0.1) sides.reverse()
                  return { prompt: `prompt ${p}`, chosen: sides[0], rejected: sides[1] }
                }),
          ),
        ),
      ).flat()
      const { numbers } = await report(rows)
      const { repeated, wrong, wrong_low, wrong_high } = numbers as Record<string, number>
      expect(repeated).toBe(720)
      expect(Math.abs(wrong - 0.1)).toBeLessThan(0.03)
      if (wrong_low <= 0.1 && 0.1 <= wrong_high) covered++
    }
    expect(covered).toBeGreaterThanOrEqual(17)
  })

  it('say nothing where each is alone, and no shares that nobody measured', async () => {
    const { lines, numbers } = await report([
      { prompt: 'a', chosen: 'x', rejected: 'y' },
      { prompt: 'b', chosen: 'x', rejected: 'y' },
      { prompt: 'c', chosen: 'same', rejected: 'Same' },
    ])
    expect(lines).toEqual([
      'no pair has two labels, and no three answers are all compared: nothing here says how many are wrong',
    ])
    expect(numbers).toEqual({ labels: 2, pairs: 2, repeated: 0 })
  })

  it('are of other pairs where a column tells equal texts apart', async () => {
    const rows = [
      { prompt: 'a dog?', chosen: 'yes', rejected: 'no', picture: '1' },
      { prompt: 'a dog?', chosen: 'no', rejected: 'yes', picture: '2' },
    ]
    expect((await report(rows)).numbers).toMatchObject({ repeated: 1, disagree: 1 })
    expect((await report(rows, { apart: ['picture'] })).numbers).toEqual({ labels: 2, pairs: 2, repeated: 0 })
  })

  it('name who contradicts the others', async () => {
    const rows = Array.from({ length: 60 }, (_, p) =>
      ['ann', 'bo', 'cy', 'dee'].map(who => {
        const sides = who === 'dee' && p % 2 === 0 ? ['bad', 'good'] : ['good', 'bad']
        return { prompt: `prompt ${p}`, chosen: sides[0], rejected: sides[1], who }
      }),
    ).flat()
    const { lines, charts } = await report(rows, { by: 'who' })
    expect(lines.at(-1)).toMatch(/^warning: dee agrees with others in 50\.0 % \[.*\] of 180 comparisons, all together/)
    expect(lines.filter(line => line.startsWith('warning'))).toHaveLength(1)
    expect(charts![0]).toMatchObject({ table: 'by_name', mark: 'bar' })
  })

  it('are counted alike however rows are cut, and before duplicates go', { timeout: 60_000 }, async () => {
    const at = folder(),
      random = new Random(3)
    const rows = Array.from({ length: 900 }, (_, i) => {
      const sides = [`answer ${i % 3}`, `answer ${(i + 1) % 3}`]
      if (random.float() < 0.2) sides.reverse()
      return { id: `r${i}`, prompt: `prompt ${i % 40}`, chosen: sides[0], rejected: sides[1], who: `w${i % 7}` }
    })
    const path = writeJsonl(join(at, 'in.jsonl'), rows)
    const numbersOf = async (partition: number, workers: number) => {
      const { manifest } = await run(
        graphOf(
          partition,
          { id: 'pairs', use: 'read_jsonl', with: { path } },
          { id: 'labels', use: 'audit_labels', with: { by: 'who' }, from: { labels: 'pairs' } },
          { id: 'unique', use: 'drop_duplicates', from: 'pairs' },
          { id: 'dpo', use: 'write_arrow' },
        ),
        { output: join(at, `out-${partition}`), workers },
      )
      return manifest.stages.labels.report!.numbers
    }
    const wanted = await numbersOf(10_000, 1)
    expect(wanted.repeated).toBeGreaterThan(30)
    expect(await numbersOf(50, 2)).toEqual(wanted)
  })

  const real = fileURLToPath(new URL('../../../shared/data/ukpconvarg1/all.parquet', import.meta.url))
  it.runIf(existsSync(real))('of real votes are what plain counts say', { timeout: 120_000 }, async () => {
    interface Row {
      readonly prompt: string
      readonly response_a: string
      readonly response_b: string
      readonly votes: Iterable<string>
    }
    const at = folder(),
      all: Record<string, unknown>[] = [],
      first: Record<string, unknown>[] = [],
      sides = new Map<string, [number, number]>()
    for await (const batch of readParquet(real)) {
      for (const { prompt, response_a: a, response_b: b, votes } of batch.toArray() as unknown as Row[]) {
        if (a === b) continue
        const labels = [...votes].filter(vote => vote === 'a' || vote === 'b'),
          isLow = a < b,
          name = JSON.stringify([prompt, ...(isLow ? [a, b] : [b, a])])
        if (!sides.has(name)) sides.set(name, [0, 0])
        for (const vote of labels) sides.get(name)![(vote === 'a') === isLow ? 0 : 1]++
        const rows = labels.map(vote => ({ prompt, chosen: vote === 'a' ? a : b, rejected: vote === 'a' ? b : a }))
        all.push(...rows)
        first.push(...rows.slice(0, 1))
      }
    }
    const numbersOf = async (name: string, rows: readonly Record<string, unknown>[]) => {
      const { manifest } = await run(
        graphOf(
          20_000,
          { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, `${name}.jsonl`), rows) } },
          { id: 'labels', use: 'audit_labels', from: { labels: 'pairs' } },
          { id: 'dpo', use: 'write_arrow', from: 'pairs' },
        ),
        { output: join(at, name), workers: 2 },
      )
      return manifest.stages.labels.report!.numbers as Record<string, number>
    }
    const counts = await numbersOf('all', all),
      shares = [...sides.values()].filter(([one, other]) => one + other > 1).map(two => disagreement(...two))
    expect(counts.labels).toBe(all.length)
    // a few texts differ in case or white space alone
    expect(Math.abs(counts.repeated - shares.length)).toBeLessThan(20)
    expect(counts.disagree).toBeCloseTo(shares.reduce((sum, one) => sum + one, 0) / shares.length, 2)
    // of one vote a pair 11.6 % of all 170,062 triples go round in a circle, and 11.5 % are not the majority's
    const one = await numbersOf('first', first)
    expect(one.triples).toBeGreaterThan(5000)
    expect(one.circles_low < 0.116 && 0.116 < one.circles_high).toBe(true)
    expect(one.wrong_by_circles_low < 0.115 && 0.115 < one.wrong_by_circles_high).toBe(true)
  })
})
