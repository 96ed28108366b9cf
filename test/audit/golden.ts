/** Golden values of audits of text, and pairs of the shared sets. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

export const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
const path = `${shared}golden/text-weights-audits.json`
export const isThere = existsSync(path)
const golden = JSON.parse(isThere ? readFileSync(path, 'utf8').replace(/\bNaN\b/g, 'null') : '{}') as Readonly<
  Record<string, { readonly cases: readonly unknown[] }>
>

/** The cases of an entry. */
export const casesOf = <T>(id: string): readonly T[] => golden[id].cases as readonly T[]

/** Rows of a set of shared/data, as they lie. */
export async function rowsIn<T = Record<string, unknown>>(set: string, columns?: string[]): Promise<T[]> {
  const file = new Uint8Array(readFileSync(`${shared}data/${set}.parquet`)).buffer
  return (await parquetReadObjects({ file, compressors, ...(columns ? { columns } : {}) })) as T[]
}

export interface Pair {
  readonly prompt: unknown
  readonly chosen: string
  readonly rejected: string
}
/** The pairs of a set, without those that lack a side. */
export const pairsIn = async (set: string): Promise<Pair[]> =>
  (await rowsIn<Pair>(set, ['prompt', 'chosen', 'rejected'])).filter(({ chosen, rejected }) => chosen && rejected)
