/** The main job on the bundled sample, held against what was planted there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { graph, run } from '../../index.mjs'
import { folder, rowsOf } from '../engine/helpers.ts'
import { pipelines, sample } from './helpers.ts'

vi.setConfig({ hookTimeout: 300_000 })

interface Truth {
  id: string
  fault: string
  of?: string
  detail?: string
}
interface LedgerRow {
  id: string
  outcome: string
  stage: string | null
  reason: string | null
}
interface Interval {
  value: number
  low: number
  high: number
}
interface Power {
  rows: number
  may_drop: boolean
  noise_rate: Interval & { how: string }
  auroc: Interval
  expected: Record<'stack' | 'both' | 'either', { rows: number; precision: Interval }>
}

const truth = readFileSync(join(sample, 'truth.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line) as Truth)
const planted = (fault: string) => truth.filter(line => line.fault === fault)
const swapped = new Set(planted('swapped').map(({ id }) => id))

/** The broken layouts of truth.jsonl by what they say is broken, and the reason that names it. */
const layoutReasons: readonly (readonly [RegExp, string])[] = [
  [/side is null/, 'pairs.missing_rejected'],
  [/not valid JSON|empty list of messages/, 'pairs.unreadable_prompt'],
  [/unknown role/, 'checked.unknown_role'],
  [/user messages follow/, 'checked.repeated_role'],
  [/ends with an assistant/, 'checked.prompt_ends_with_assistant'],
]
const structural = ['pairs', 'checked', 'unique', 'distinct']

let of: Map<string, LedgerRow>
let power: Power
/** What the stage that judges says of itself. */
let said: readonly string[]
let reviewed: { id: string; probability: number; agreement: number; dropped: boolean }[]

beforeAll(async () => {
  const { folder: out, manifest } = await run(graph(new URL('clean.yaml', `file://${pipelines}`)), {
    output: join(folder(), 'out'),
    input: [sample],
  })
  of = new Map((rowsOf(join(out, 'ledger')) as unknown as LedgerRow[]).map(row => [row.id, row]))
  expect(of.size).toBe(447)
  power = manifest.stages.noise.report!.numbers as unknown as Power
  said = manifest.stages.noise.report!.lines
  const rows = (path: string) =>
    rowsOf(join(out, path)) as {
      id: string
      hard_parent?: string | null
      noise_probability: number
      noise_agreement: number
    }[]
  const asReviewed = (dropped: boolean) => (row: ReturnType<typeof rows>[number]) => ({
    id: row.id,
    probability: row.noise_probability,
    agreement: row.noise_agreement,
    dropped,
  })
  reviewed = [
    ...rows('dpo')
      .filter(row => (row.hard_parent ?? null) === null)
      .map(asReviewed(false)),
    ...rows('dropped/agreed').map(asReviewed(true)),
  ]
})

const fate = (id: string) => {
  const row = of.get(id)!
  return row.outcome === 'dropped' ? `${row.stage}.${row.reason}` : row.outcome
}
/** A pair that no structural stage dropped: what becomes of it later is a matter of labels and limits. */
const survives = (id: string) => !structural.includes(of.get(id)!.stage ?? '')

describe('the main job on the bundled sample: structure', () => {
  it.each([
    ['identical', 'checked.identical'],
    ['empty_side', 'checked.empty_side'],
  ])('drops every row planted as %s, as %s', (fault, reason) => {
    expect(planted(fault).map(({ id }) => fate(id))).toEqual(planted(fault).map(() => reason))
  })

  it('drops every broken layout for what is broken about it', () => {
    const expected = planted('broken_layout').map(
      ({ detail }) => layoutReasons.find(([said]) => said.test(detail!))?.[1],
    )
    expect(planted('broken_layout').map(({ id }) => fate(id))).toEqual(expected)
  })

  it.each([
    ['exact_duplicate', 'unique.duplicate'],
    ['near_duplicate', 'distinct.near_duplicate'],
  ])('keeps one of each %s and its original', (fault, reason) => {
    for (const { id, of: original } of planted(fault)) {
      const [kept, ...more] = [id, original!].filter(survives)
      expect(more, `${id} and ${original}`).toEqual([])
      expect(kept, `${id} and ${original}`).toBeDefined()
      expect(fate(kept === id ? original! : id)).toBe(reason)
    }
  })

  it('drops both of each contradictory pair', () => {
    for (const { id, of: original } of planted('contradictory')) {
      expect([fate(id), fate(original!)]).toEqual(['unique.contradictory', 'unique.contradictory'])
    }
  })

  it('drops no other row for its structure', () => {
    const faulty = new Set(
      truth.filter(({ fault }) => fault !== 'swapped').flatMap(({ id, of: original }) => [id, original]),
    )
    expect(
      [...of.values()].filter(({ id }) => !survives(id) && !faulty.has(id)).map(({ id }) => `${id} ${fate(id)}`),
    ).toEqual([])
  })
})

/** P(a right label scores higher than a wrong one), ties half, and its standard error (Hanley and McNeil 1982). */
function aurocOf(wrong: readonly number[], right: readonly number[]): { value: number; error: number } {
  let wins = 0
  for (const w of wrong) for (const r of right) wins += r > w ? 1 : r === w ? 0.5 : 0
  const value = wins / (wrong.length * right.length),
    q1 = value / (2 - value),
    q2 = (2 * value * value) / (1 + value)
  return {
    value,
    error: Math.sqrt(
      (value * (1 - value) + (wrong.length - 1) * (q1 - value * value) + (right.length - 1) * (q2 - value * value)) /
        (wrong.length * right.length),
    ),
  }
}

const SIGMAS = 3
const errorOfInterval = ({ low, high }: Interval) => (high - low) / (2 * 1.96)
const apart = (a: number, errorA: number, b: number, errorB: number) => Math.abs(a - b) / Math.hypot(errorA, errorB)

describe('the main job on the bundled sample: labels', () => {
  const wrong = () => reviewed.filter(({ id }) => swapped.has(id)),
    right = () => reviewed.filter(({ id }) => !swapped.has(id)),
    dropped = () => reviewed.filter(it => it.dropped)

  it('reviews every row that is left, once', () => {
    expect(new Set(reviewed.map(({ id }) => id)).size).toBe(reviewed.length)
    expect(reviewed.length).toBe(
      [...of.keys()].filter(id => fate(id) === 'kept' || of.get(id)!.stage === 'agreed').length,
    )
    expect(power.rows).toBe(reviewed.length)
    expect(wrong().length).toBeGreaterThan(20)
  })

  it('drops what it says that it drops, and each of it is more likely wrong than right by its own column', () => {
    expect(power.may_drop).toBe(true)
    expect(dropped().length).toBe(power.expected.stack.rows)
    expect(said.some(line => line.startsWith(`rule stack would drop ${dropped().length} pairs `))).toBe(true)
    for (const { probability, agreement } of dropped()) {
      expect(probability).toBeLessThanOrEqual(0.5)
      expect(agreement).toBeLessThanOrEqual(0.4)
    }
  })

  it('finds most of the swapped labels, in a drop of about one pair in ten', () => {
    expect(dropped().length).toBeGreaterThanOrEqual(36)
    expect(dropped().length).toBeLessThanOrEqual(56)
    expect(wrong().filter(it => it.dropped).length).toBeGreaterThanOrEqual(16)
  })

  it('tells the truly swapped labels as well as it says that it tells any one that is turned round', () => {
    const actual = aurocOf(
        wrong().map(({ probability }) => probability),
        right().map(({ probability }) => probability),
      ),
      { auroc } = power
    expect(
      apart(actual.value, actual.error, auroc.value, errorOfInterval(auroc)),
      `${actual.value} against ${auroc.value}`,
    ).toBeLessThan(SIGMAS)
  })

  it('claims no share of wrong labels that the truth contradicts, and none at least', () => {
    const { value, low, high, how } = power.noise_rate,
      share = wrong().length / reviewed.length
    expect([how, low]).toEqual(['bounded', 0])
    expect(high).toBeGreaterThan(share)
    expect(Math.abs(value - share)).toBeLessThan(0.08)
  })

  it('says of its drop a range in which the truth lies', () => {
    const hits = dropped().filter(({ id }) => swapped.has(id)).length,
      { low, high } = power.expected.stack.precision,
      share = hits / dropped().length
    // labels of the sample that are wrong though nobody swapped them count as right here
    expect(share).toBeGreaterThan(low - 0.05)
    expect(share).toBeLessThan(high)
  })
})
