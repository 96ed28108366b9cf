/** Values that papers' own code gave, or that follow from a definition, by the id of the case. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const shared = fileURLToPath(new URL('../../../shared/', import.meta.url))
export interface Golden {
  readonly id: string
  readonly stage: string
  readonly given: unknown
  readonly expect: unknown
}
const path = `${shared}golden/judges-rewards-groups.json`
export const isThere = existsSync(path)
export const entries = (isThere ? JSON.parse(readFileSync(path, 'utf8')) : { entries: [] }) as { entries: Golden[] }
export const golden = new Map(entries.entries.map(entry => [entry.id, entry]))

/** What is given, and what came of it, of the type that the test knows it to have. */
export const givenOf = <T>(id: string): T => golden.get(id)!.given as T
export const expectOf = <T>(id: string): T => golden.get(id)!.expect as T
