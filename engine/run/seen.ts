/**
 * What is known of a user's stage from earlier runs: what it was seen to use that is in no key; or, where that is
 * nothing, the token that all its work is named by. Work whose token is gone is never used again.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { damageOf } from '../sealed.ts'
import { learn, seenOf } from '../graph/watch.ts'
import type { Node } from '../graph/types.ts'
import { loadValue, saveValue } from './files.ts'

interface Known {
  readonly token: string
  readonly seen: readonly (readonly [kind: string, line: string])[]
}
/** Where an output keeps what is known, and what it is called. */
export const seenFolder = (cache: string): string => join(cache, 'seen')
export const seenName = (key: string): string => key.slice(0, 32)

function knownIn(folder: string, key: string): { known?: Known; damage?: string } {
  const path = join(folder, seenName(key)),
    damage = existsSync(path) ? damageOf(path) : undefined
  return damage === undefined && existsSync(path) ? { known: loadValue<Known>(path) } : { damage }
}

/** A stage that may read what is in no key, or remembers rows: it works again in each run. */
export const isReader = ({ own }: Pick<Node, 'own'>): boolean =>
  own !== undefined && own.reads.length + own.keeps.length + seenOf(own.key).size > 0

/** Takes in what earlier runs into an output have seen of these stages. */
export function recall(folder: string, nodes: readonly Node[]): void {
  for (const { own } of nodes) if (own) learn(own.key, knownIn(folder, own.key).known?.seen ?? [])
}

/**
 * By the key of a bundle the token of its work; `isNew` where any of them was not there. `tell` hears of those that are
 * damaged: what was made under them is made anew.
 */
export function tokensOf(
  folder: string,
  nodes: readonly Node[],
  tell: (damage: string) => void,
): { tokens: Map<string, string>; isNew: boolean } {
  const tokens = new Map<string, string>()
  let isNew = false
  for (const node of nodes) {
    if (!node.own) continue
    const { key } = node.own
    if (isReader(node)) {
      if (seenOf(key).size > 0) keepSeen(folder, key)
      continue
    }
    const { known, damage } = knownIn(folder, key),
      token = known?.token ?? randomUUID(),
      path = join(folder, seenName(key))
    tokens.set(key, token)
    if (known) continue
    if (damage !== undefined) {
      tell(damage)
      rmSync(path, { recursive: true, force: true })
    }
    isNew = true
    saveValue(path, { token, seen: [] } satisfies Known)
  }
  return { tokens, isNew }
}

/** What is not on the disk yet, by path. */
const lacking = new Map<string, string>()
/** Keeps what was seen of a stage. Where the disk fails, `holdSeen` tries again: whoever asked may catch all errors. */
export function keepSeen(folder: string, key: string): void {
  lacking.set(join(folder, seenName(key)), key)
  try {
    holdSeen()
  } catch {
    /* told when something is to get its name */
  }
}
/** Throws where what was seen is not kept: before anything that came of it gets its name. */
export function holdSeen(): void {
  for (const [path, key] of lacking) {
    saveValue(path, { token: '', seen: [...seenOf(key)] } satisfies Known)
    lacking.delete(path)
  }
}
