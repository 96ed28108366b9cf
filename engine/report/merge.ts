/** What the passes of partitions noted for the page, put together: the same however the rows were cut. */
import { addWritten, countPair, noneWritten, type Written } from './features.ts'
import type { Clusters, PassShown } from './gather.ts'
import { addParts, type PartCounts } from './parts.ts'
import { addPicks, type PickedRows } from './picks.ts'

/** Bins of how alike near-duplicates are, from 0 to 1. */
const ALIKE_BINS = 20

export interface Noted {
  readonly picks: Map<string, PickedRows>
  readonly clusters: Clusters[]
  readonly before: Written
  readonly after: Written
  readonly parts: PartCounts
  /** By stage that clusters rows, how alike those that it dropped are to others. */
  readonly alike: Record<string, number[]>
}
export const noneNoted = (): Noted => ({
  picks: new Map(),
  clusters: [],
  before: noneWritten(),
  after: noneWritten(),
  parts: new Map(),
  alike: {},
})

/** Adds what another partition came to. */
export function addNoted(to: Noted, from: Noted): void {
  addPicks(to.picks, from.picks)
  to.clusters.push(...from.clusters)
  addWritten(to.before, from.before)
  addWritten(to.after, from.after)
  addParts(to.parts, from.parts)
  for (const [stage, bins] of Object.entries(from.alike)) {
    const sum = (to.alike[stage] ??= bins.map(() => 0))
    bins.forEach((n, bin) => (sum[bin] += n))
  }
}

/**
 * Adds what a pass noted; of sinks with a limit the rows that are among the first of all, by `taken` their places in
 * what the pass has of them.
 */
export function addPass(to: Noted, pass: PassShown, taken: Readonly<Record<string, readonly number[]>>): void {
  const places = new Map(Object.entries(taken).map(([sink, some]) => [sink, new Set(some)]))
  const picks = [...pass.picks].map(([name, some]): [string, PickedRows] => {
    const [sink, own] = name.split(' ')
    if (own === undefined) return [name, some]
    const rows = some.rows.filter(({ at }) => places.get(sink)!.has(at!))
    return [own, { count: rows.length, rows }]
  })
  for (const one of picks) addPicks(to.picks, new Map([one]))
  to.clusters.push(...pass.clusters)
  addWritten(to.before, pass.before)
  addWritten(to.after, pass.after)
  for (const [sink, held] of Object.entries(pass.held)) {
    held.places.forEach((place, i) => {
      if (places.get(sink)!.has(place)) countPair(to.after, held.features[i])
    })
  }
}

export function countAlike(to: Noted, stage: string, value: number): void {
  const bins = (to.alike[stage] ??= new Array<number>(ALIKE_BINS).fill(0))
  bins[Math.max(0, Math.min(ALIKE_BINS - 1, Math.floor(value * ALIKE_BINS)))]++
}
