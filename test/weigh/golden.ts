/** What the authors' code gave of weights, and the tables that each value is in. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
const path = `${shared}golden/text-weights-audits.json`
export const isThere = existsSync(path)
// Python wrote it: NaN is no JSON
const file = (
  isThere ? JSON.parse(readFileSync(path, 'utf8').replace(/\bNaN\b(?=[,\s\]}])/g, 'null')) : {}
) as Readonly<Record<string, { readonly cases: readonly unknown[] }>>

/** Ids `<family>.<number>` of the cases of these families, sorted. */
export const idsOf = (...families: readonly string[]): string[] =>
  families.flatMap(family => file[family].cases.map((_, i) => `${family}.${i}`)).sort()
/** A case, of the type that the test knows it to have. */
export function given<T>(id: string): T {
  const [family, i] = id.split('.')
  return file[family].cases[Number(i)] as T
}
