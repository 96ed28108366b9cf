/** What a finished pass left in its folder: whether it can be used again, and what it came to. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StreamAt } from '../arrow/ipc.ts'
import { checksumIn, damageOf } from '../sealed.ts'
import { loadValue } from './files.ts'
import { contentOf } from './content.ts'
import type { PassMeta, PassResult } from './messages.ts'
import type { Spool } from './spool.ts'

export const resultOf = ({ made, counts, sent, parts }: PassMeta): PassResult => ({ made, counts, sent, parts })

/**
 * What stands for all that later passes read in a folder, wherever it lies: the checksums of its spools, the numbers of
 * their blocks, by which the rows of one are found in another, which other that is, and the rows that are spared or
 * decided.
 */
export const madeOf = (
  folder: string,
  { spools, spared, decided }: Pick<PassMeta, 'spools' | 'spared' | 'decided'>,
): string =>
  contentOf([
    readdirSync(folder)
      .filter(name => name.startsWith('spool-'))
      .sort()
      .map(name => [name, checksumIn(join(folder, name))]),
    Object.entries(spools)
      .map(([port, { whole, later }]) => [port, whole?.blocks ?? [], later?.blocks ?? [], later?.root ?? ''])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    spared,
    decided,
  ])

/**
 * What a pass that an earlier run finished came to; `damage` when a file of it is missing or not what was written,
 * nothing when it lay in another folder then.
 */
export function checkPass(folder: string): { result?: PassResult; damage?: string } {
  const file = join(folder, 'meta.bin'),
    torn = damageOf(file)
  if (torn !== undefined) return { damage: torn }
  const meta = loadValue<PassMeta>(file)
  if (meta.folder !== folder) return {}
  for (const name of meta.files) {
    const damage = damageOf(join(folder, name))
    if (damage !== undefined) return { damage }
  }
  return { result: resultOf(meta) }
}

/** Paths in the meta are those that the folder has after its rename. */
export function relocate<M extends Omit<PassMeta, 'folder' | 'files'>>(meta: M, from: string, to: string): M {
  const moved = (path: string) => {
    if (!path.startsWith(from)) throw new Error(`${path} is no file of the pass in ${from}`)
    return to + path.slice(from.length)
  }
  const move = <T extends { path: string }>(entries: Record<string, T>) =>
    Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, { ...entry, path: moved(entry.path) }]))
  const spools = Object.fromEntries(
    Object.entries(meta.spools).map(([port, spool]) => [port, move(spool as Record<string, StreamAt>) as Spool]),
  )
  return {
    ...meta,
    spools,
    sinks: move(meta.sinks),
    dropped: move(meta.dropped),
    notes: move(meta.notes),
    ids: meta.ids && { ...meta.ids, path: moved(meta.ids.path) },
  }
}
