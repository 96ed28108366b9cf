/** Where rows of the ledger are among what a run wrote: their texts, what was noted of them, the pairs made of them. */
import { why, type LedgerRow } from '../../engine/run/inspect.ts'
import type { Manifest } from '../../engine/run/manifest.ts'
import { blocksIn, foldersOf, sinksOf, wholeRow, type Row } from './rows.ts'

export interface Found {
  /** All its columns, where it is in a file of the run. */
  readonly row?: Row
  /** Rows that it may be, where ids repeat and the order of the input is gone. */
  readonly isOneOf: number
  readonly notes: readonly { readonly stage: string; readonly note: string }[]
  /** New pairs of it, by stages and by its source. */
  readonly pairs: readonly {
    readonly id: string
    readonly sink: string
    readonly stage: string
    readonly proof: string
  }[]
}
interface Open {
  row?: Row
  isOneOf: number
  notes: Found['notes'][number][]
  pairs: Map<string, Found['pairs'][number]>
}

const placeOf = (file: unknown, row: unknown): string => `${String(file)}:${String(row)}`

/** All of them, in the same order. Reads each file of the run once, but for the ledger. */
export async function findRows(run: string, manifest: Manifest, rows: readonly LedgerRow[]): Promise<readonly Found[]> {
  if (rows.length === 0) return []
  const found = rows.map((): Open => ({ isOneOf: 0, notes: [], pairs: new Map() })),
    byPlace = new Map(rows.map(({ file, row }, i) => [placeOf(file, row), found[i]]))
  for (const kind of ['dropped', 'notes'] as const) {
    const by = kind === 'dropped' ? 'dropped_by' : 'noted_by',
      reason = by.replace('_by', '_reason')
    for (const folder of Object.keys(manifest.stages).flatMap(id => foldersOf(manifest, kind, id))) {
      for await (const block of blocksIn(run, manifest, folder)) {
        for (let i = 0; i < block.rows; i++) {
          const one = byPlace.get(placeOf(block.value('source_file', i), block.value('source_row', i)))
          if (!one) continue
          if (kind === 'notes') {
            one.notes.push({ stage: String(block.value(by, i)), note: String(block.value(reason, i)) })
          } else if (String(block.value('id', i)) === rows[found.indexOf(one)].id || one.row === undefined) {
            one.row = wholeRow(block, i)
            one.isOneOf = 1
          }
          // answers that make no pair are whole in their notes
          if (kind === 'notes' && one.row === undefined && block.columns.includes('chosen')) {
            one.row = wholeRow(block, i)
            one.isOneOf = 1
          }
        }
      }
    }
  }
  await inSinks(run, manifest, rows, found)
  return found.map(({ pairs, ...one }) => ({ ...one, pairs: [...pairs.values()] }))
}

async function inSinks(run: string, manifest: Manifest, rows: readonly LedgerRow[], found: Open[]): Promise<void> {
  const sinks = [...sinksOf(manifest, true), ...sinksOf(manifest, false)],
    ids = new Map<string, Open[]>()
  rows.forEach(({ id }, i) => ids.set(id, [...(ids.get(id) ?? []), found[i]]))
  // rows of one id are in an output in order of the input: the nth there is the nth of the ledger that went there
  const ofId = new Map<string, LedgerRow[]>()
  for (const id of ids.keys()) {
    const all = await why(run, id)
    ofId.set(
      id,
      all.filter(row => row.id === id),
    )
  }
  for (const sink of sinks) {
    const isOrdered = manifest.sinks[sink].facts.order === undefined,
      seen = new Map<string, number>(),
      there = new Map([...ofId].map(([id, all]) => [id, all.filter(row => row.sinks.includes(sink))]))
    for await (const block of blocksIn(run, manifest, sink)) {
      const parents = block.columns.filter(name => name.endsWith('_parent'))
      for (let i = 0; i < block.rows; i++) {
        const id = String(block.value('id', i)),
          whose = parents.map(name => [name, block.value(name, i)] as const).find(([, of]) => typeof of === 'string')
        if (whose) {
          const [name, parent] = whose,
            stage = name.slice(0, -'_parent'.length),
            proof = block.value(`${stage}_proof`, i)
          for (const one of ids.get(parent as string) ?? []) {
            one.pairs.set(id, { id, sink, stage, proof: typeof proof === 'string' ? proof : '' })
          }
          continue
        }
        const split = ids.has(id) ? undefined : /^([^]*)-\d+$/.exec(id)?.[1]
        for (const one of (split !== undefined && ids.get(split)) || []) {
          one.pairs.set(id, { id, sink, stage: '', proof: '' })
          one.row ??= wholeRow(block, i)
          one.isOneOf ||= 1
        }
        if (!ids.has(id)) continue
        const nth = seen.get(id) ?? 0,
          all = there.get(id)!
        seen.set(id, nth + 1)
        ids.get(id)!.forEach(one => {
          const { file, row } = rows[found.indexOf(one)],
            at = all.findIndex(other => other.file === file && other.row === row)
          if (one.row !== undefined || at < 0 || (isOrdered && at !== nth)) return
          one.row = wholeRow(block, i)
          one.isOneOf = isOrdered ? 1 : all.length
        })
      }
    }
  }
}
