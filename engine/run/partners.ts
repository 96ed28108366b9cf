/** Rejected sides of pairs: which rows they are, which sinks their pairs reach, and where the ledger finds that. */
import { endToEnd } from '../arrow/end_to_end.ts'
import { DERIVED, PAIRED, type Flow } from '../arrow/flow.ts'
import { loadSection, saveSections } from '../shuffle/found.ts'
import type { LedgerTask, Partners, PartnersTask, PassMeta, Section } from './messages.ts'
import type { World } from './world.ts'

type Keys = Pick<Flow, 'row' | 'copy'>

/** Collects a partition's pairs as stages make them, and as they reach sinks. */
export function pairOrigins() {
  const made = new Map<string, Partners[]>(),
    reached = new Map<string, Keys[]>()
  return {
    /** Files are numbered alike in all of a stage. */
    made(stage: string, partners: Partners): void {
      if (!made.has(stage)) made.set(stage, [])
      made.get(stage)!.push(partners)
    },
    reached(sink: string, { row, copy }: Keys): void {
      if (!copy.some(one => one & PAIRED)) return
      const some = [...copy.keys()].filter(i => copy[i] & PAIRED)
      if (!reached.has(sink)) reached.set(sink, [])
      reached.get(sink)!.push({ row: Uint32Array.from(some, i => row[i]), copy: Uint32Array.from(some, i => copy[i]) })
    },
    end: (): Pick<PassMeta, 'partners' | 'paired'> => ({
      partners: Object.fromEntries(
        [...made].map(([stage, parts]) => [
          stage,
          {
            row: endToEnd(
              Uint32Array,
              parts.map(({ row }) => row),
            ),
            copy: endToEnd(
              Uint32Array,
              parts.map(({ copy }) => copy),
            ),
            file: endToEnd(
              Int32Array,
              parts.map(({ file }) => file),
            ),
            of: endToEnd(
              Float64Array,
              parts.map(({ of }) => of),
            ),
            isDerived: endToEnd(
              Uint8Array,
              parts.map(({ isDerived }) => isDerived),
            ),
            files: parts[0].files,
          },
        ]),
      ),
      paired: Object.fromEntries(
        [...reached].map(([sink, parts]) => [
          sink,
          {
            row: endToEnd(
              Uint32Array,
              parts.map(({ row }) => row),
            ),
            copy: endToEnd(
              Uint32Array,
              parts.map(({ copy }) => copy),
            ),
          },
        ]),
      ),
    }),
  }
}

/** Rows of one partition whose pairs reached sinks; `isMade` where a stage made the answer of the row. */
export interface ReachedSides {
  readonly sinks: readonly string[]
  readonly sink: Uint16Array
  readonly row: Float64Array
  readonly isMade: Uint8Array
}

/** Finds the rejected sides of a partition's pairs that reached sinks; a section for each partition that has some. */
export function findPartners(world: World, { folders, picks, files, starts, file }: PartnersTask): Section[] {
  const metas = folders.map(world.meta),
    reached: [string, Keys][] = metas.flatMap(({ paired, first }) => [
      ...Object.entries(paired),
      ...Object.entries(first).map(([sink, { row, copy }]): [string, Keys] => [
        sink,
        { row: Uint32Array.from(picks[sink], at => row[at]), copy: Uint32Array.from(picks[sink], at => copy[at]) },
      ]),
    ])
  const sinks = [...new Set(reached.map(([sink]) => sink))],
    fileOf = new Map(world.setup.files.map(({ source, label }, file) => [`${source} ${label}`, file])),
    partitionOf = partitionFinder(files, starts)
  // by the chosen side's row
  const pairs = new Map<number, { copy: number; file: number; of: number; isDerived: boolean }[]>()
  for (const { row, copy, file, of, isDerived, files } of metas.flatMap(({ partners }) => Object.values(partners))) {
    row.forEach((at, i) => {
      if (!pairs.has(at)) pairs.set(at, [])
      const [source, label] = files[file[i]]
      pairs
        .get(at)!
        .push({ copy: copy[i], file: fileOf.get(`${source} ${label}`)!, of: of[i], isDerived: isDerived[i] === 1 })
    })
  }
  const found = new Map<number, { sink: number[]; row: number[]; isMade: number[] }>()
  for (const [sink, { row, copy }] of reached) {
    row.forEach((at, i) => {
      // what a stage made of a pair saves neither of its rows
      if (!(copy[i] & PAIRED) || copy[i] >= DERIVED) return
      for (const pair of pairs.get(at) ?? []) {
        if (pair.copy !== copy[i]) continue
        const partition = partitionOf(pair.file, pair.of)
        if (!found.has(partition)) found.set(partition, { sink: [], row: [], isMade: [] })
        const part = found.get(partition)!
        part.sink.push(sinks.indexOf(sink))
        part.row.push(pair.of)
        part.isMade.push(pair.isDerived ? 1 : 0)
      }
    })
  }
  return saveSections(
    file,
    [...found].map(([partition, { sink, row, isMade }]): [number, ReachedSides] => [
      partition,
      { sinks, sink: Uint16Array.from(sink), row: Float64Array.from(row), isMade: Uint8Array.from(isMade) },
    ]),
  )
}

/** The partition that a row of a file lies in. */
function partitionFinder(files: Int32Array, starts: Float64Array) {
  const byFile = new Map<number, number[]>()
  files.forEach((file, partition) => {
    if (!byFile.has(file)) byFile.set(file, [])
    byFile.get(file)!.push(partition)
  })
  return (file: number, row: number): number => {
    const partitions = byFile.get(file)!
    let low = 0,
      high = partitions.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[partitions[middle]] <= row) low = middle
      else high = middle - 1
    }
    return partitions[low]
  }
}

/** What was found of a partition's rows. */
export const reachedSides = ({ partners }: LedgerTask): ReachedSides[] =>
  partners.map(({ file, at, bytes }) => loadSection<ReachedSides>(file, { at, bytes }))
