/** What a finished pass left in its folder: whether it can be used again, and what it came to. */
import { join } from 'node:path'
import type { StreamAt } from '../arrow/ipc.ts'
import { damageOf } from '../sealed.ts'
import { loadValue } from './files.ts'
import type { PassMeta, PassResult, PassTask } from './messages.ts'
import type { Spool } from './spool.ts'

export const resultOf = ({ made, counts, grouped }: PassMeta): PassResult => ({
  made,
  counts,
  grouped: Object.fromEntries(Object.entries(grouped).map(([node, { rows }]) => [node, rows])),
})

/** The files of what a pass is given that is of all rows, in one order. */
export const givenOf = (states: PassTask['states'], drops: PassTask['drops'][number]): string[] =>
  [...Object.values(states).flat(), ...Object.values(drops)].sort()

/**
 * What a pass that an earlier run finished came to; `damage` when a file of it is missing or not what was written,
 * nothing when it lay in another folder then, or what it refers to, or was `given`, was made anew since.
 */
export function checkPass(folder: string, given: readonly string[]): { result?: PassResult; damage?: string } {
  const file = join(folder, 'meta.bin'),
    torn = damageOf(file)
  if (torn !== undefined) return { damage: torn }
  const meta = loadValue<PassMeta>(file)
  if (meta.folder !== folder || meta.given.join() !== given.join()) return {}
  for (const name of meta.files) {
    const damage = damageOf(join(folder, name))
    if (damage !== undefined) return { damage }
  }
  // earlier levels are checked, or made, before later ones
  return Object.entries(meta.needs).every(([other, made]) => loadValue<PassMeta>(join(other, 'meta.bin')).made === made)
    ? { result: resultOf(meta) }
    : {}
}

/** Paths in the meta are those that the folder has after its rename. */
export function relocate<M extends Omit<PassMeta, 'folder' | 'files'>>(meta: M, from: string, to: string): M {
  const move = <T extends { path: string }>(entries: Record<string, T>) =>
    Object.fromEntries(
      Object.entries(entries).map(([key, entry]) => [key, { ...entry, path: entry.path.replace(from, to) }]),
    )
  const spools = Object.fromEntries(
    Object.entries(meta.spools).map(([port, spool]) => [port, move(spool as Record<string, StreamAt>) as Spool]),
  )
  return {
    ...meta,
    spools,
    sinks: move(meta.sinks),
    dropped: move(meta.dropped),
    notes: move(meta.notes),
    ids: meta.ids && { ...meta.ids, path: meta.ids.path.replace(from, to) },
  }
}
