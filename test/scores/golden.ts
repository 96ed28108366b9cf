/** Golden values of the scores' stages, and the real scores that their pages tell of. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readParquet } from '../../index.mjs'

export const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))

interface Golden {
  readonly id: string
  readonly given: unknown
  readonly expect: unknown
}
const file = JSON.parse(readFileSync(`${shared}golden/judges-rewards-groups.json`, 'utf8')) as {
  readonly entries: Golden[]
  readonly 'real data (measured here, small runs)': {
    readonly real: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
  }
}
/** What was measured on real data where the golden values were made. */
export const { real } = file['real data (measured here, small runs)']
const golden = new Map(file.entries.map(entry => [entry.id, entry]))

/** Ids of some families, sorted. */
export const idsOf = (...families: readonly string[]): string[] =>
  [...golden.keys()].filter(id => families.includes(id.split('.')[0])).sort()
/** What is expected, with the texts NaN and Infinity as numbers. */
export const expected = <T>(id: string): T =>
  JSON.parse(JSON.stringify(golden.get(id)!.expect), (_, value: unknown) =>
    typeof value === 'string' && /^(NaN|-?Infinity)$/.test(value) ? Number(value) : value,
  ) as T
export const given = <T>(id: string): T => golden.get(id)!.given as T

/** Scores of three models on 1,000 pairs of one source. */
export const MODELS = ['base_dpo', 'alpha005', 'alpha01'] as const
export async function rewards(source: 'hh' | 'shp') {
  const rows: Record<string, unknown>[] = []
  for await (const batch of readParquet(`${shared}data/dpo-reward-margins/${source}.parquet`)) {
    rows.push(...(batch.toArray() as Record<string, unknown>[]))
  }
  return MODELS.map(model => {
    const side = (name: string) => Float64Array.from(rows, row => row[`${model}_reward_${name}`] as number)
    return { chosen: side('chosen'), rejected: side('rejected') }
  })
}
export const marginsOf = ({ chosen, rejected }: { chosen: Float64Array; rejected: Float64Array }): Float64Array =>
  chosen.map((score, row) => score - rejected[row])
