/** How far length alone tells the sides apart: before, of what is kept and dropped, and warned of. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { runAuditExample } from '../../engine/run/examples.ts'
import { summaryText } from '../../engine/run/summary.ts'
import audit, { leansMore, longerWins } from '../../stages/audit/audit_lengths.ts'
import { addByName, byName, cut, valueOf, type Rule } from '../../stages/kit/by_name.ts'
import { folder, rowsOf, writeJsonl } from '../engine/helpers.ts'
import { graphOf } from './helpers.ts'

/** Pairs whose chosen side has so many characters more than the rejected one. */
const pairs = (name: string, differences: readonly number[]) =>
  differences.map((more, i) => ({
    id: `${name}${i}`,
    prompt: `${name} ${i}?`,
    chosen: 'x'.repeat(20 + Math.max(0, more)) + i,
    rejected: 'y'.repeat(20 + Math.max(0, -more)) + i,
    source: name,
  }))
const wins = (chosen: number, rejected: number, equal = 0) => longerWins({ chosen, equal, rejected })

describe('length bias', () => {
  it('is counted of each input, and by a column; empty sides say nothing', async () => {
    const rows = [...pairs('a', [5, 1, 90, 7]), ...pairs('b', [3, -3, 0]), { ...pairs('b', [0])[0], chosen: '' }]
    const { numbers, tables, lines } = await runAuditExample(audit, {
      title: 'x',
      options: { by: 'source' },
      inputs: { before: rows, kept: rows.slice(4), dropped: [] },
    })
    expect(numbers).toEqual({
      before: 5.5 / 7,
      kept: 0.5,
      by_name: { a: { before: 1 }, b: { before: 0.5, kept: 0.5 } },
    })
    expect(tables!.by_name.map(({ name, input, pairs }) => [name, input, pairs])).toEqual([
      ['b', 'before', 3],
      ['b', 'kept', 3],
      ['a', 'before', 4],
    ])
    expect(lines).toEqual([
      'the longer side is the chosen one in 78.6 % [42.0, 94.9] of before, 50.0 % [12.5, 87.5] of kept',
    ])
    const none = await runAuditExample(audit, { title: 'x', inputs: { kept: rows.slice(7) } })
    expect(none).toMatchObject({
      lines: ['no pair has text on both sides, so nothing can be said of lengths'],
      numbers: {},
    })
  })

  it('is the AUROC of "pick the longer one", and is mirrored where labels are flipped', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(-1, 0, 1), { minLength: 1, maxLength: 40 }), signs => {
        const count = (sign: number) => signs.filter(one => one === sign).length
        const of = (a: number, b: number) => wins(count(a), count(b), count(0))
        const mean = signs.map(sign => (sign + 1) / 2).reduce((sum, score) => sum + score, 0) / signs.length
        expect(of(1, -1).value).toBeCloseTo(mean, 12)
        // the bounds are the shares from which this one is just 1.96 standard errors away
        const { value, low, high } = of(1, -1)
        for (const bound of [low, high]) {
          expect((value - bound) ** 2).toBeCloseTo((1.959963984540054 ** 2 * bound * (1 - bound)) / signs.length, 9)
        }
        expect(low <= value && value <= high).toBe(true)
        expect(of(-1, 1).value).toBeCloseTo(1 - mean, 12)
      }),
    )
  })

  it('is warned of where what is kept leans on it more, either way', () => {
    expect([leansMore(wins(600, 400), wins(700, 200)), leansMore(wins(400, 600), wins(200, 700))]).toEqual([true, true])
    // by chance, the other way, from a few rows
    for (const after of [wins(610, 390), wins(200, 700), wins(3, 1)]) {
      expect(leansMore(wins(600, 400), after)).toBe(false)
    }
  })

  it('is a warning in the summary, and a run can be refused for it', async () => {
    const at = folder(),
      path = writeJsonl(join(at, 'in.jsonl'), [
        ...pairs('a', Array<number>(300).fill(9)),
        ...pairs('b', Array<number>(250).fill(-60)),
      ])
    const graph = (max_share: number) =>
      graphOf(
        100,
        { id: 'pairs', use: 'read_jsonl', with: { path } },
        { id: 'short', use: 'check_pairs', with: { max_chars: 60 } },
        { id: 'lengths', use: 'audit_lengths', with: { max_share }, from: { before: 'pairs', kept: 'short' } },
        { id: 'dpo', use: 'write_arrow' },
      )
    const result = await run(graph(1), { output: join(at, 'out'), workers: 1 })
    expect(summaryText(result)).toContain(
      '\n  warning: lengths: what is kept leans on length more than what was there before: a trainer learns more from it to write long answers\n',
    )
    await expect(run(graph(0.9), { output: join(at, 'out'), workers: 1 })).rejects.toThrow(
      'lengths: the chosen side is longer in 100.0 % of the kept pairs, and max_share allows 90.0 %',
    )
  })

  it('of more names than are counted is that of the same ones, however they come', () => {
    interface Count {
      n: number
    }
    const rule: Rule<Count> = { most: 1000, none: () => ({ n: 0 }) },
      names = Array.from({ length: 2500 }, (_, i) => `name ${i}`)
    const count = (some: readonly string[], parts: number) => {
      const all = Array.from({ length: parts }, () => byName<Count>()),
        sum = byName<Count>()
      some.forEach((name, i) => {
        const value = valueOf(all[Math.floor((i * parts) / some.length)], name, rule)
        if (value) value.n++
      })
      for (const part of all) {
        cut(part, rule)
        addByName(sum, part, rule, (to, { n }) => {
          to.n += n
        })
      }
      return [...sum.values].map(([name, { n }]) => `${name} ${n}`).sort()
    }
    const twice = [...names, ...names],
      wanted = count(twice, 1)
    expect(wanted).toHaveLength(1000)
    expect(wanted.every(text => text.endsWith(' 2'))).toBe(true)
    for (const parts of [1, 2, 7, 40]) {
      expect(count(twice, parts)).toEqual(wanted)
      expect(count(twice.toReversed(), parts)).toEqual(wanted)
    }
  })

  const real = fileURLToPath(new URL('../../../shared/data/hh-rlhf-raw/helpful-base-test.parquet', import.meta.url))
  it.runIf(existsSync(real))(
    "of people's choices is what their answers say, row by row",
    { timeout: 120_000 },
    async () => {
      const at = folder()
      const result = await run(
        graphOf(
          500,
          { id: 'pairs', use: 'read_parquet', with: { path: real } },
          { id: 'checked', use: 'check_pairs' },
          {
            id: 'lengths',
            use: 'audit_lengths',
            from: { before: 'pairs', kept: 'checked', dropped: 'checked.dropped' },
          },
          { id: 'dpo', use: 'write_arrow' },
        ),
        { output: join(at, 'out'), workers: 2 },
      )
      const bytes = (side: unknown) =>
        (side as { content: string }[]).reduce((n, { content }) => n + Buffer.byteLength(content), 0)
      const kept = rowsOf(join(result.folder, 'dpo')).map(row => Math.sign(bytes(row.chosen) - bytes(row.rejected))),
        { numbers } = result.manifest.stages.lengths.report!
      expect(kept.length).toBeGreaterThan(2000)
      expect(numbers.kept).toBeCloseTo(kept.reduce((sum, sign) => sum + (sign + 1) / 2, 0) / kept.length, 12)
      expect(numbers.before).toBeGreaterThan(0.5)
      const page = readFileSync(join(result.folder, 'report.html'), 'utf8')
      expect(page.match(/<rect /g)!.length).toBeGreaterThanOrEqual(2)
    },
  )
})
