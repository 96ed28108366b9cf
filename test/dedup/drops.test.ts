/** The stages that relate pairs, against brute force over strings. */
import fc from 'fast-check'
import type { Data } from 'apache-arrow'
import { describe, expect, it } from 'vitest'
import { listColumn } from '../../engine/arrow/columns.ts'
import { mix32 } from '../../engine/arrow/hash.ts'
import dropDuplicates from '../../stages/dedup/drop_duplicates.ts'
import dropNearDuplicates from '../../stages/dedup/drop_near_duplicates.ts'
import type { AnyStage } from '../../engine/contract/define.ts'
import { batchOf, dropped, reasonsOf, type Drop } from './helpers.ts'

const exact = dropDuplicates as unknown as AnyStage,
  near = dropNearDuplicates as unknown as AnyStage
interface Pair {
  readonly [side: string]: string | string[]
  readonly prompt: string | string[]
  readonly chosen: string
  readonly rejected: string
}
const pair = (prompt: string | string[], chosen: string, rejected: string): Pair => ({ prompt, chosen, rejected })

describe.each([exact, near])('$name', stage => {
  it.each(stage.examples)('$title', async ({ rows, options, kept, dropped: wanted = {} }) => {
    const reasons = reasonsOf(await dropped(stage, rows, options))
    expect(reasons).toEqual(wanted)
    expect(rows.map((_, i) => i).filter(i => !(i in reasons))).toEqual(kept)
  })
})

describe('drop_duplicates', () => {
  const text = fc.constantFrom('a', 'A ', ' a', 'b', 'B', 'ab', '', 'a b', 'a  b', 'Σ', 'σ')
  const row = fc.tuple(fc.oneof(text, fc.array(text, { maxLength: 3 })), text, text).map(texts => pair(...texts))

  /** Majority of equal pairs by their strings. */
  function slow(rows: readonly Pair[]): Record<number, string> {
    const fold = (value: string) => value.toLowerCase().trim().replace(/\s+/g, ' ')
    const turns = (value: string | string[]) => JSON.stringify([value].flat().map(fold))
    const reasons: Record<number, string> = {},
      groups = new Map<string, number[]>()
    rows.forEach(({ prompt, chosen, rejected }, i) => {
      const key = JSON.stringify([turns(prompt), ...[fold(chosen), fold(rejected)].sort()])
      groups.set(key, [...(groups.get(key) ?? []), i])
    })
    for (const group of groups.values()) {
      const votes = (i: number) => group.filter(j => fold(rows[i].chosen) === fold(rows[j].chosen))
      for (const i of group) {
        const against = group.length - votes(i).length
        if (against > 0 && votes(i).length <= against) reasons[i] = 'contradictory'
        else if (votes(i)[0] !== i) reasons[i] = 'duplicate'
      }
    }
    return reasons
  }

  it('drops what strings say is equal or contradictory, in any batches', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 7 }),
        async (rows, size) => {
          const drops = await dropped(exact, rows, {}, size)
          expect(reasonsOf(drops)).toEqual(slow(rows))
          for (const { survivor } of drops.values()) if (survivor !== undefined) expect(drops.has(survivor)).toBe(false)
          const left = rows.filter((_, i) => !drops.has(i))
          expect((await dropped(exact, left)).size).toBe(0)
        },
      ),
      { numRuns: 400 },
    ))

  it('keeps turns of the prompt and of the answers apart', async () => {
    const told = [
      { prompt: ['q', 'a', 'r'], chosen: ['x'], rejected: ['y'] },
      { prompt: ['q'], chosen: ['a', 'r', 'x'], rejected: ['a', 'r', 'y'] },
    ]
    expect((await dropped(exact, told)).size).toBe(0)
  })

  it('keeps turns, roles and sides apart', async () => {
    const rows = [
      pair(['a', 'b'], 'c', 'd'),
      pair(['ab'], 'c', 'd'),
      pair(['a b'], 'c', 'd'),
      pair(['a', 'b', ''], 'c', 'd'),
      pair(['', 'a', 'b'], 'c', 'd'),
      pair('c', 'a', 'd'),
    ]
    expect((await dropped(exact, rows)).size).toBe(0)
  })
})

describe('drop_near_duplicates', () => {
  const words = (seed: number, n: number) => Array.from({ length: n }, (_, i) => `w${mix32(seed * 7919 + i) % 5000}`)
  const shingleSet = (text: string): Set<string> => {
    const all = text.split(' ').filter(word => word !== '')
    return all.length < 5
      ? new Set(all.length > 0 ? [all.join(' ')] : [])
      : new Set(all.slice(4).map((_, i) => all.slice(i, i + 5).join(' ')))
  }
  const jaccard = (a: Set<string>, b: Set<string>) => {
    const shared = [...a].filter(value => b.has(value)).length
    return a.size + b.size === 0 ? 1 : shared / (a.size + b.size - shared)
  }
  const setsOf = (row: Pair) => ['prompt', 'chosen', 'rejected'].map(side => shingleSet(row[side] as string))
  const tagged = (sets: readonly Set<string>[], from: number) =>
    new Set(sets.flatMap((set, part) => (part < from ? [] : [...set].map(shingle => `${part} ${shingle}`))))
  const without = (all: Set<string>, other: Set<string>) => new Set([...all].filter(shingle => !other.has(shingle)))
  /** The lesser of that of whole pairs and of the answers; 0 where what tells the answers apart is another thing. */
  const similarity = (a: readonly Set<string>[], b: readonly Set<string>[]) => {
    const telling = [
      [1, 2],
      [2, 1],
    ].map(([one, other]) => jaccard(without(a[one], a[other]), without(b[one], b[other])))
    return Math.min(...telling) < 0.5
      ? 0
      : Math.min(jaccard(tagged(a, 0), tagged(b, 0)), jaccard(tagged(a, 1), tagged(b, 1)))
  }

  /** 40 families of pairs, each row with a few changed words; every fifth row is an exact copy of another. */
  const rows: Pair[] = Array.from({ length: 400 }, (_, i) => {
    const copy = i % 5 === 4 ? i - 4 : i,
      family = copy % 40
    const [prompt, chosen, rejected] = [30, 80, 60].map((n, side) => {
      const all = words(3 * family + side, n),
        edits = mix32(copy * 3 + side) % 3
      for (let edit = 0; edit < edits; edit++) all[mix32(copy * 31 + side * 7 + edit) % n] = `e${copy}`
      return all.join(' ')
    })
    return pair(prompt, chosen, rejected)
  })

  /** The least row of each row's cluster, from all pairs at or above the limit. */
  function slowClusters(limit: number): number[] {
    const cluster = rows.map((_, i) => i),
      sets = rows.map(setsOf)
    for (let j = 1; j < rows.length; j++) {
      for (let i = 0; i < j; i++) {
        if (cluster[i] === cluster[j] || similarity(sets[i], sets[j]) < limit) continue
        const [low, high] = [Math.min(cluster[i], cluster[j]), Math.max(cluster[i], cluster[j])]
        cluster.forEach((label, k) => {
          if (label === high) cluster[k] = low
        })
      }
    }
    return cluster
  }

  it.each([0.6, 0.8])('finds the clusters that comparing all with all finds, at %d', async limit => {
    const drops = await dropped(near, rows, { similarity: limit }, 64),
      cluster = slowClusters(limit)
    const truth = cluster.flatMap((label, i) => (label === i ? [] : [i]))
    const missed = truth.filter(row => !drops.has(row)),
      wrong = [...drops.keys()].filter(row => cluster[row] === row)
    expect(truth.length).toBeGreaterThan(80)
    expect(truth.length).toBeLessThan(380)
    expect(wrong).toEqual([])
    expect(missed.length).toBeLessThanOrEqual(0.05 * truth.length)
    for (const [row, { survivor, value }] of drops) {
      expect(cluster[survivor!]).toBe(cluster[row])
      expect(value).toBeGreaterThanOrEqual(limit)
    }
    for (let row = 4; row < rows.length; row += 5) expect(drops.has(row)).toBe(true)
  })

  it('does not depend on how rows are cut into batches', async () => {
    expect(await dropped(near, rows.slice(0, 120), {}, 7)).toEqual(await dropped(near, rows.slice(0, 120)))
  })

  it('never takes short answers, or other answers to one prompt, for duplicates', async () => {
    const prompt = words(1, 300).join(' ')
    const short = [...'abcdefghij'].map(letter => pair('Pick one.', letter, `not ${letter}`))
    const answers = Array.from({ length: 30 }, (_, i) =>
      pair(prompt, words(100 + i, 25).join(' '), words(200 + i, 25).join(' ')),
    )
    expect((await dropped(near, [...short, ...answers, pair('', '', ''), pair(' ', '\n', '')])).size).toBe(0)
  })

  it('closes chains: each near the next, the ends unlike', async () => {
    const text = words(5, 400)
    const chain = Array.from({ length: 12 }, (_, i) =>
      pair('Go on.', text.slice(12 * i, 200 + 12 * i).join(' '), 'No.'),
    )
    expect(similarity(setsOf(chain[0]), setsOf(chain[11]))).toBeLessThan(0.5)
    const drops: Map<number, Drop> = await dropped(near, [...chain].reverse())
    expect([...drops.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect([...drops.values()].every(({ survivor }) => survivor === 0)).toBe(true)
  })

  it('stands thousands of equal pairs', async () => {
    const drops = await dropped(
      near,
      Array.from({ length: 3000 }, () => pair('Why?', words(1, 40).join(' '), words(2, 40).join(' '))),
    )
    expect(drops.size).toBe(2999)
  })
})

it('rows that share a long prompt, or short answers, do not all meet in one group', () => {
  const text = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `w${((from + i) * 7919) % 1009}`).join(' ')
  const carry = dropNearDuplicates.carry!({ similarity: 0.8 }, undefined as never)
  for (const row of [
    (i: number) => pair(text(0, 900), text(i * 31, 40), text(i * 17 + 500, 40)),
    (i: number) => pair(text(i * 31, 60), 'Yes.', 'No.'),
  ]) {
    const { values } = listColumn(carry(batchOf(Array.from({ length: 200 }, (_, i) => row(i)))).bands as Data),
      counts = new Map<number, number>()
    for (const key of values) counts.set(key, (counts.get(key) ?? 0) + 1)
    expect(Math.max(...counts.values())).toBeLessThan(20)
  }
})
