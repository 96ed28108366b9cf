/** How far length alone tells the sides apart: counted before and after, and warned of. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run } from '../../index.mjs'
import { leansMore, longerText, longerWins } from '../../engine/run/lengths.ts'
import { summaryText } from '../../engine/run/summary.ts'
import { folder, writeJsonl } from './helpers.ts'

/** Pairs whose chosen side has so many characters more than the rejected one. */
const pairs = (name: string, differences: readonly number[]) =>
  differences.map((more, i) => ({
    id: `${name}${i}`,
    prompt: `${name} ${i}?`,
    chosen: 'x'.repeat(20 + Math.max(0, more)) + i,
    rejected: 'y'.repeat(20 + Math.max(0, -more)) + i,
  }))

describe('length bias', () => {
  it('is counted of what was read and of what goes out, by file; empty sides say nothing', async () => {
    const at = folder(),
      biased = writeJsonl(join(at, 'biased.jsonl'), pairs('a', [5, 1, 90, 7])),
      even = writeJsonl(join(at, 'even.jsonl'), [
        ...pairs('b', [3, -3, 0]),
        { id: 'b9', prompt: 'b', chosen: '', rejected: 'y' },
      ])
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: biased, more_paths: [even] } },
      { id: 'short', use: 'check_pairs', with: { max_chars: 60 } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const result = await run(
      { version: 1, name: 'g', partition_rows: 2, stages },
      { output: join(at, 'out'), workers: 2 },
    )
    const { manifest } = result
    expect(manifest.lengths.pairs).toEqual({
      chosen_longer: 5,
      equal: 1,
      rejected_longer: 1,
      files: {
        [biased]: { chosen_longer: 4, equal: 0, rejected_longer: 0 },
        [even]: { chosen_longer: 1, equal: 1, rejected_longer: 1 },
      },
    })
    expect(manifest.lengths.dpo).toMatchObject({
      chosen_longer: 4,
      files: { [biased]: { chosen_longer: 3, equal: 0, rejected_longer: 0 } },
    })
    expect(longerText(manifest.lengths.pairs.files[biased])).toBe('100.0 % [51.0, 100.0]')
    expect(summaryText(result)).toContain(
      `length: the longer side is the chosen one in ${longerText(manifest.lengths.pairs)} of the pairs read, ${longerText(manifest.lengths.dpo)} of dpo`,
    )
    const page = readFileSync(join(result.folder, 'report.html'), 'utf8')
    for (const part of ['as read (pairs)', 'in dpo', '100.0 % [51.0, 100.0]', 'short.too_long', 'configured']) {
      expect(page).toContain(part)
    }
  })

  it('is the AUROC of "pick the longer one", and is mirrored where labels are flipped', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(-1, 0, 1), { minLength: 1, maxLength: 40 }), signs => {
        const count = (sign: number) => signs.filter(one => one === sign).length
        const of = (a: number, b: number) =>
          longerWins({ chosen_longer: count(a), equal: count(0), rejected_longer: count(b) })
        const scores = signs.map(sign => (sign + 1) / 2),
          mean = scores.reduce((sum, score) => sum + score, 0) / signs.length
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

  it('is warned of where what goes out leans on it more, either way', () => {
    const lengths = (chosen_longer: number, rejected_longer: number) => ({ chosen_longer, equal: 0, rejected_longer })
    expect([leansMore(lengths(600, 400), lengths(700, 200)), leansMore(lengths(400, 600), lengths(200, 700))]).toEqual([
      true,
      true,
    ])
    // by chance, the other way, from a few rows, from none
    for (const after of [lengths(610, 390), lengths(200, 700), lengths(3, 1), lengths(0, 0)]) {
      expect(leansMore(lengths(600, 400), after)).toBe(false)
    }
  })

  it('is a warning in the summary', async () => {
    const at = folder(),
      rows = [
        ...pairs(
          'a',
          Array.from({ length: 300 }, () => 9),
        ),
        ...pairs(
          'b',
          Array.from({ length: 250 }, () => -60),
        ),
      ]
    const stages = [
      { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'in.jsonl'), rows) } },
      { id: 'short', use: 'check_pairs', with: { max_chars: 60 } },
      { id: 'dpo', use: 'write_arrow' },
    ]
    const result = await run({ version: 1, name: 'g', stages }, { output: join(at, 'out'), workers: 1 })
    expect(summaryText(result)).toContain(
      '\n  warning: dpo leans on length more than what was read: a trainer learns more from it to write long answers\n',
    )
  })
})
