/** Rejected sides of pairs: which rows they are, which sinks their pairs reach, and where the ledger finds that. */
import { DERIVED, PAIRED, type Flow } from '../arrow/flow.ts'
import { loadSection, saveSections } from '../shuffle/found.ts'
import type { LedgerTask, Partners, PartnersTask, PassMeta, Section } from './messages.ts'
import type { World } from './world.ts'

type Keys = Pick<Flow, 'row' | 'copy'>

const joined = (parts: readonly Uint32Array[]): Uint32Array => {
  const all = new Uint32Array(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Collects a partition's pairs as stages make them, and as they reach sinks. */
export function pairOrigins() {
  const made = new Map<string, { parts: Partners[]; files: readonly string[] }>(),
    reached = new Map<string, Keys[]>()
  return {
    /** `files`: the labels that the partners' files are numbered by, the same for all of a stage. */
    made(stage: string, partners: Partners, files: readonly string[]): void {
      if (!made.has(stage)) made.set(stage, { parts: [], files })
      made.get(stage)!.parts.push(partners)
    },
    reached(sink: string, { row, copy }: Keys): void {
      const some = [...copy.keys()].filter(i => copy[i] & PAIRED)
      if (some.length === 0) return
      if (!reached.has(sink)) reached.set(sink, [])
      reached.get(sink)!.push({ row: Uint32Array.from(some, i => row[i]), copy: Uint32Array.from(some, i => copy[i]) })
    },
    end: (): Pick<PassMeta, 'partners' | 'paired'> => ({
      partners: Object.fromEntries(
        [...made].map(([stage, { parts, files }]) => [
          stage,
          {
            row: joined(parts.map(({ row }) => row)),
            copy: joined(parts.map(({ copy }) => copy)),
            file: Int32Array.from(parts.flatMap(({ file }) => [...file])),
            of: Float64Array.from(parts.flatMap(({ of }) => [...of])),
            isDerived: Uint8Array.from(parts.flatMap(({ isDerived }) => [...isDerived])),
            files,
          },
        ]),
      ),
      paired: Object.fromEntries(
        [...reached].map(([sink, parts]) => [
          sink,
          { row: joined(parts.map(({ row }) => row)), copy: joined(parts.map(({ copy }) => copy)) },
        ]),
      ),
    }),
  }
}

/** Rows of one partition whose pairs reached sinks; `isMade` where a stage made what is there of the pair. */
export interface ReachedSides {
  readonly sinks: readonly string[]
  readonly sink: Uint16Array
  readonly row: Float64Array
  readonly isMade: Uint8Array
}

/** Finds the rejected sides of a partition's pairs that reached sinks; a section for each partition that has some. */
export function findPartners(world: World, { folders, picks, labels, files, starts, file }: PartnersTask): Section[] {
  const metas = folders.map(world.meta),
    reached: [string, Keys][] = metas.flatMap(({ paired, first }) => [
      ...Object.entries(paired),
      ...Object.entries(first).map(([sink, { row, copy }]): [string, Keys] => [
        sink,
        { row: Uint32Array.from(picks[sink], at => row[at]), copy: Uint32Array.from(picks[sink], at => copy[at]) },
      ]),
    ])
  const sinks = [...new Set(reached.map(([sink]) => sink))],
    partitionsOf = partitionFinder(labels, files, starts)
  // by the chosen side's row
  const pairs = new Map<number, { copy: number; file: string; of: number; isDerived: boolean }[]>()
  for (const { row, copy, file, of, isDerived, files } of metas.flatMap(({ partners }) => Object.values(partners))) {
    row.forEach((at, i) => {
      if (!pairs.has(at)) pairs.set(at, [])
      pairs.get(at)!.push({ copy: copy[i], file: files[file[i]], of: of[i], isDerived: isDerived[i] === 1 })
    })
  }
  const found = new Map<number, { sink: number[]; row: number[]; isMade: number[] }>()
  for (const [sink, { row, copy }] of reached) {
    row.forEach((at, i) => {
      if (!(copy[i] & PAIRED)) return
      for (const pair of pairs.get(at) ?? []) {
        if (pair.copy % DERIVED !== copy[i] % DERIVED) continue
        for (const partition of partitionsOf(pair.file, pair.of)) {
          if (!found.has(partition)) found.set(partition, { sink: [], row: [], isMade: [] })
          const part = found.get(partition)!
          part.sink.push(sinks.indexOf(sink))
          part.row.push(pair.of)
          part.isMade.push(pair.isDerived || copy[i] >= DERIVED ? 1 : 0)
        }
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

/** The partitions that a row of a file lies in; more than one where several sources read the file. */
function partitionFinder(labels: readonly string[], files: Int32Array, starts: Float64Array) {
  const byFile = labels.map((): number[] => [])
  files.forEach((file, partition) => byFile[file].push(partition))
  const byLabel = new Map<string, number[][]>()
  labels.forEach((label, file) => byLabel.set(label, [...(byLabel.get(label) ?? []), byFile[file]]))
  return (label: string, row: number): number[] =>
    (byLabel.get(label) ?? []).flatMap(partitions => {
      let low = 0,
        high = partitions.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (starts[partitions[middle]] <= row) low = middle
        else high = middle - 1
      }
      return partitions.slice(low, low + 1)
    })
}

/** What was found of a partition's rows. */
export const reachedSides = ({ partners }: LedgerTask): ReachedSides[] =>
  partners.map(({ file, at, bytes }) => loadSection<ReachedSides>(file, { at, bytes }))
