/** Voices on real labels: tables that were published, both orders of six judges, and what each rule would act on. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readParquet, run } from '../../index.mjs'
import { graphOf } from '../audit/helpers.ts'
import { folder, writeJsonl } from '../engine/helpers.ts'
import { expectOf, isThere, shared } from './golden.ts'

const data = (name: string) => `${shared}data/${name}.parquet`
async function rowsIn<T>(name: string): Promise<T[]> {
  const rows: T[] = []
  for await (const batch of readParquet(data(name))) rows.push(...(batch.toArray() as unknown as T[]))
  return rows
}
interface Told {
  readonly lines: string[]
  readonly numbers: {
    rows: number
    voices: Record<string, Record<'for' | 'tie' | 'against' | 'missing', number>>
    acts: number
    acts_if_flipped: number
    agreement: { rows: number; same: number; decided: number; reversed: number; table: number[][] }[]
    orders: Record<string, { rows: number; same: number; won: number; lost: number }>
  }
}
/** What vote_pairs reports of rows, by rule. */
async function reportOn(source: string | readonly object[], voices: readonly object[], rules = ['majority_against']) {
  const at = folder()
  const { manifest } = await run(
    graphOf(
      1000,
      typeof source === 'string'
        ? { id: 'pairs', use: 'read_parquet', with: { path: source } }
        : { id: 'pairs', use: 'read_jsonl', with: { path: writeJsonl(join(at, 'rows.jsonl'), source) } },
      ...rules.map(rule => ({ id: rule, use: 'vote_pairs', with: { voices, rule } })),
      { id: 'out', use: 'write_arrow' },
    ),
    { output: join(at, 'out'), workers: 2 },
  )
  return Object.fromEntries(rules.map(rule => [rule, manifest.stages[rule].report! as unknown as Told]))
}
/** Rows that each rule acts on as they are, and with their label flipped. */
const actsIn = (told: Readonly<Record<string, Told>>) =>
  Object.fromEntries(Object.entries(told).map(([rule, { numbers }]) => [rule, [numbers.acts, numbers.acts_if_flipped]]))
const VOTES = ['majority_against', 'all_against', 'half_agree', 'none_agrees']

describe.runIf(isThere && existsSync(data('sparse-feedback/rankings')))('Peering Through Preferences', () => {
  interface Ranking {
    readonly prompt: string
    readonly response_a: string
    readonly response_b: string
    readonly verdict: string
    readonly subset: string
  }
  interface Rating {
    readonly prompt: string
    readonly response: string
    readonly rating: string
    readonly subset: string
  }
  /** Of two ratings of one answer the first counts, as in the authors' script. */
  async function joined(isOf: (subset: string) => boolean) {
    const ratings = new Map<string, number>()
    for (const { prompt, response, rating, subset } of await rowsIn<Rating>('sparse-feedback/ratings')) {
      const key = JSON.stringify([prompt, response])
      if (isOf(subset) && !ratings.has(key)) ratings.set(key, Number(rating))
    }
    const rows = (await rowsIn<Ranking>('sparse-feedback/rankings')).filter(({ subset }) => isOf(subset))
    return rows.map(({ prompt, response_a, response_b, verdict }) => ({
      prompt,
      chosen: response_a,
      rejected: response_b,
      rating_a: ratings.get(JSON.stringify([prompt, response_a])) ?? null,
      rating_b: ratings.get(JSON.stringify([prompt, response_b])) ?? null,
      verdict,
      first: 'a',
    }))
  }
  const voices = [
    { name: 'rating', scores: { chosen: 'rating_a', rejected: 'rating_b' } },
    { name: 'ranking', verdict: 'verdict', chosen: 'first' },
  ]
  it('its sample: 56.41 %, and the table', async () => {
    const rows_ = await joined(subset => subset.endsWith('sample_generation')),
      { numbers, lines } = (await reportOn(rows_, voices)).majority_against,
      [{ rows, same, table }] = numbers.agreement,
      want = expectOf<{ printed: string[]; table: Record<string, Record<string, number>> }>('sparse.sample')
    expect([numbers.rows, rows, (100 * same) / rows]).toEqual([118, 117, Number(want.printed[2].split(' ')[1])])
    expect(table).toEqual(
      ['respA', 'equal', 'respB'].map(one => ['(a)', 'equal', '(b)'].map(other => want.table[one][other])),
    )
    expect(lines).toContain(
      'rating and ranking say the same of 56.4 % of 117 rows, of 73.8 % of 61 where both decide; 13.7 % are reversed (for, tie, against of ranking where rating is for 19 8 10, tie 11 21 7, against 6 9 26)',
    )
  })
  it('all rows: 79 of 152, and a quarter of those that both decide are reversed', async () => {
    const { numbers } = (await reportOn(await joined(() => true), voices)).majority_against,
      [{ rows, same, decided, reversed }] = numbers.agreement
    expect([numbers.rows, rows, same, decided, reversed]).toEqual([164, 152, 79, 75, 19])
    expect(expectOf('sparse.shared_data')).toMatchObject({ consistent: 79, 'decisive in both': 75, reverse: 19 })
  })
})

interface Verdict {
  readonly item_id: string
  readonly judge: string
  readonly strategy: string
  readonly swapped: boolean
  readonly run: bigint
  readonly winner: string | null
  readonly gold: bigint
}
const JUDGES = ['ChatGPT', 'ChatGPT-0301', 'Falcon', 'GPT-4', 'LLaMA2', 'PaLM2']
/** A row for each item and strategy, with a column for each judge in each order; what was not read is `unread`. */
async function judged(isOf: (verdict: Verdict) => boolean) {
  const rows = new Map<string, Record<string, unknown>>()
  for (const verdict of await rowsIn<Verdict>('llmbar-judges/votes')) {
    const { item_id, judge, strategy, swapped, run, winner, gold } = verdict
    if (run !== 0n || !isOf(verdict)) continue
    const key = `${item_id} ${strategy}`,
      isFirst = gold === 1n
    const row = rows.get(key) ?? {
      prompt: key,
      chosen: isFirst ? 'one' : 'two',
      rejected: isFirst ? 'two' : 'one',
      gold: Number(gold),
      other: 3 - Number(gold),
      is_first: isFirst,
      ...Object.fromEntries(JUDGES.flatMap(name => [`${name} 1`, `${name} 2`].map(column => [column, null]))),
    }
    row[`${judge} ${swapped ? 2 : 1}`] = winner ?? 'unread'
    rows.set(key, row)
  }
  return [...rows.values()]
}
const judges = JUDGES.map(name => ({
  name,
  verdict: `${name} 1`,
  swapped: `${name} 2`,
  chosen: 'gold',
  rejected: 'other',
  chosen_first: 'is_first',
}))

describe.runIf(existsSync(data('llmbar-judges/votes')))('six judges of LLMBar', () => {
  it('agree with themselves in 30 to 87 % of cases; most go by the order', async () => {
    const { numbers } = (await reportOn(await judged(() => true), judges)).majority_against
    const shares = Object.fromEntries(
      Object.entries(numbers.orders).map(([name, { rows, same, won, lost }]) => [
        name,
        [rows, Math.round((1000 * same) / rows), Math.round((1000 * won) / (won + lost))],
      ]),
    )
    // docs/stages/vote_pairs.md has these
    const right = Object.entries(numbers.voices).map(([name, of]) => [
      name,
      Math.round((1000 * of.for) / (of.for + of.against)),
    ])
    expect(Object.fromEntries(right)).toMatchObject({ 'GPT-4': 846, ChatGPT: 462, Falcon: 606 })
    expect(shares).toEqual({
      ChatGPT: [7535 - 29, 575, 818],
      'ChatGPT-0301': [5765 - 9, 530, 940],
      Falcon: [5765 - 19, 299, 992],
      'GPT-4': [8792 - 18, 870, 395],
      LLaMA2: [6697 - 32, 639, 683],
      PaLM2: [5859 - 114, 649, 783],
    })
  })
  it('of 734 items with the plain prompt, one that was not read as a tie', async () => {
    const rows = (await judged(({ strategy }) => strategy === 'Vanilla')).filter(row =>
      JUDGES.every(name => row[`${name} 1`] !== null),
    )
    const voices = judges.map(voice => ({ ...voice, ties: ['unread'] }))
    expect([rows.length, actsIn(await reportOn(rows, voices, VOTES))]).toEqual([
      734,
      { majority_against: [276, 351], all_against: [18, 89], half_agree: [464, 525], none_agrees: [172, 299] },
    ])
  })
})

describe.runIf(existsSync(data('dpo-reward-margins/hh')))('implicit rewards of three models', () => {
  const voices = ['base_dpo', 'alpha005', 'alpha01'].map(name => ({
    name,
    scores: { chosen: `${name}_reward_chosen`, rejected: `${name}_reward_rejected` },
  }))
  it.each([
    [
      'hh',
      {
        majority_against: [345, 653],
        all_against: [200, 500],
        half_agree: [347, 655],
        none_agrees: [202, 502],
        mean_gap: [200, 484],
      },
    ],
    [
      'shp',
      {
        majority_against: [295, 705],
        all_against: [201, 549],
        half_agree: [295, 705],
        none_agrees: [201, 549],
        mean_gap: [200, 570],
      },
    ],
  ])('%s', async (name, want) => {
    expect(actsIn(await reportOn(data(`dpo-reward-margins/${name}`), voices, [...VOTES, 'mean_gap']))).toEqual(want)
  })
})

interface Argument {
  readonly id: string
  readonly votes: Iterable<string>
  readonly annotators: Iterable<string>
  readonly majority: string | null
}
describe.runIf(existsSync(data('ukpconvarg1/all')))('votes of workers on arguments', () => {
  it('are the voice that their counts say', async () => {
    const plain = { for: 0, tie: 0, against: 0, missing: 0 },
      rows = (await rowsIn<Argument>('ukpconvarg1/all')).map(({ id, votes, annotators, majority }) => ({
        id,
        prompt: id,
        chosen: 'one',
        rejected: 'two',
        votes: [...votes],
        annotators: [...annotators],
        first: 'a',
        majority,
      }))
    for (const { votes } of rows) {
      const [a, b] = ['a', 'b'].map(side => votes.filter(vote => vote === side).length)
      plain[a > b ? 'for' : a < b ? 'against' : 'tie']++
    }
    const { numbers } = (
      await reportOn(rows, [{ name: 'workers', votes: 'votes', voters: 'annotators', chosen: 'first' }])
    ).majority_against
    expect(numbers).toMatchObject({ rows: 16_927, voices: { workers: plain } })
  })
})
