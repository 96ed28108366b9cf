/**
 * What groups came to, brought back to the partitions: closes clusters over all edges, and puts what ranges of buckets
 * found of a partition's rows in the rows' order.
 */
import { contentOf } from '../run/content.ts'
import { loadValue, saveValue } from '../run/files.ts'
import {
  DROPPED,
  ERRORED,
  SIDE,
  type CloseTask,
  type FileOf,
  type Paired,
  type RelateTask,
  type Section,
} from '../run/messages.ts'
import { originReader } from './records.ts'
import { loadSection, saveSections, type Clustered, type Found, type FoundEdges } from './found.ts'

/** Clusters that people are shown, and rows of each. */
const SHOWN_CLUSTERS = 5
const SHOWN_ROWS = 3

/**
 * What a group stage says of the rows that one partition gathered, by their place there, ascending. Related rows are -1
 * where there are none.
 */
export interface Related {
  readonly row: Uint32Array
  readonly kind: Uint8Array
  readonly reason: Uint16Array
  readonly value: Float64Array
  readonly relatedFile: Int32Array
  readonly relatedRow: Float64Array
  /** The labels that `relatedFile` numbers, in order of their first use. */
  readonly files: readonly string[]
  readonly messages: Readonly<Record<number, string>>
  readonly notes: readonly (readonly [row: number, note: string])[]
  /** Of a stage that writes columns, those of each row, as bytes. */
  readonly written?: { readonly ends: Float64Array; readonly bytes: Uint8Array }
  readonly paired?: Paired
  /** Of a stage that clusters rows, those of the largest clusters. */
  readonly clustered?: Clustered
}
/** The partition that a row, numbered over all, lies in. */
function partitionOf(bases: readonly number[], row: number): number {
  let low = 0,
    high = bases.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (bases[middle] <= row) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Closes clusters: of rows that hang together the first stays, the others are dropped for the stage's one reason, each
 * with the largest value of its edges. Memory is that of the rows that have edges.
 */
export function closeClusters({ edges: files, bases, file }: CloseTask): Section[] {
  const all = files.map(path => loadValue<FoundEdges>(path)),
    errors = new Map<number, string>(all.flatMap(({ errors }) => errors).map(([row, message]) => [row, message]))
  const n = all.reduce((sum, { a }) => sum + a.length, 0),
    ends = new Float64Array(2 * n)
  let at = 0
  for (const { a, b } of all) {
    ends.set(a, at)
    ends.set(b, at + a.length)
    at += 2 * a.length
  }
  ends.sort()
  let count = 0
  for (let i = 0; i < ends.length; i++) if (i === 0 || ends[i] !== ends[i - 1]) ends[count++] = ends[i]
  const rows = ends.subarray(0, count)
  const placeOf = (row: number): number => {
    let low = 0,
      high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (rows[middle] < row) low = middle + 1
      else high = middle
    }
    return low
  }
  const parent = Uint32Array.from({ length: count }, (_, i) => i),
    best = new Float64Array(count).fill(NaN)
  const find = (row: number): number => {
    while (parent[row] !== row) row = parent[row] = parent[parent[row]]
    return row
  }
  for (const { a, b, value } of all) {
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [placeOf(a[i]), placeOf(b[i])],
        [p, q] = [find(x), find(y)]
      if (p < q) parent[q] = p
      else parent[p] = q
      for (const row of [x, y]) if (!(best[row] >= value[i])) best[row] = value[i]
    }
  }
  interface Drop {
    row: number
    value: number
    survivor: number
    message?: string
  }
  const drops = new Map<number, Drop[]>()
  const say = (row: number, drop: Omit<Drop, 'row'>) => {
    const partition = partitionOf(bases, row)
    if (!drops.has(partition)) drops.set(partition, [])
    drops.get(partition)!.push({ row: row - bases[partition], ...drop })
  }
  // an error outranks a drop, and a row that is set aside survives nothing
  const first = new Map<number, number>(),
    sizes = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    if (errors.has(rows[i])) continue
    const root = find(i)
    sizes[root]++
    if (!first.has(root)) first.set(root, i)
    else say(rows[i], { value: best[i], survivor: rows[first.get(root)!] })
  }
  const largest = largestOf(sizes, first),
    shown = new Map<number, { row: number; cluster: number; place: number; size: number }[]>(),
    places = largest.map(() => 0)
  for (let i = 0; i < count; i++) {
    const cluster = largest.indexOf(find(i))
    if (cluster < 0 || errors.has(rows[i]) || places[cluster] === SHOWN_ROWS) continue
    const partition = partitionOf(bases, rows[i])
    if (!shown.has(partition)) shown.set(partition, [])
    shown
      .get(partition)!
      .push({ row: rows[i] - bases[partition], cluster, place: places[cluster]++, size: sizes[largest[cluster]] })
  }
  for (const [row, message] of errors) say(row, { value: NaN, survivor: -1, message })
  const said = [...new Set([...drops.keys(), ...shown.keys()])].map(
    partition => [partition, drops.get(partition) ?? [], shown.get(partition) ?? []] as const,
  )
  return saveSections(
    file,
    said.map(([partition, some, clustered]): [number, Found] => [
      partition,
      {
        row: Uint32Array.from(some, ({ row }) => row),
        kind: Uint8Array.from(some, ({ message }) => (message === undefined ? DROPPED : ERRORED)),
        reason: new Uint16Array(some.length),
        value: Float64Array.from(some, ({ value }) => value),
        survivor: Float64Array.from(some, ({ survivor }) => survivor),
        messages: new Map(some.flatMap(({ message }, i) => (message === undefined ? [] : [[i, message] as const]))),
        notes: [],
        ...(clustered.length > 0
          ? {
              clustered: {
                row: Uint32Array.from(clustered, ({ row }) => row),
                cluster: Uint8Array.from(clustered, ({ cluster }) => cluster),
                place: Uint8Array.from(clustered, ({ place }) => place),
                size: Uint32Array.from(clustered, ({ size }) => size),
              },
            }
          : {}),
      },
    ]),
  )
}

/** The roots of the largest clusters, of equal ones of those that begin first. */
function largestOf(sizes: Uint32Array, first: ReadonlyMap<number, number>): number[] {
  let some: number[] = []
  for (const root of first.keys()) {
    if (sizes[root] < 2 || (some.length === SHOWN_CLUSTERS && sizes[root] <= sizes[some[SHOWN_CLUSTERS - 1]])) continue
    some = [...some, root].sort((a, b) => sizes[b] - sizes[a] || first.get(a)! - first.get(b)!).slice(0, SHOWN_CLUSTERS)
  }
  return some
}

/** Puts together what was found of some partitions; gives what stands for the content of each. */
export function relate({ node, partitions, from, folders, labels, sources, bases }: RelateTask): string[] {
  const origins = originReader(folders, node),
    sections = new Map<number, { path: string; section: Section }[]>(partitions.map(({ index }) => [index, []]))
  for (const { file: path, sections: some } of from) {
    for (const section of some) sections.get(section.partition)!.push({ path, section })
  }
  try {
    return partitions.map(({ index, rows, file }) => {
      const found = sections.get(index)!.map(({ path, section }) => loadSection<Found>(path, section))
      const related = relatedOf(found, rows, { labels, sources, bases, originOf: origins.of })
      saveValue(file, related)
      return contentOf(related)
    })
  } finally {
    origins.close()
  }
}

function relatedOf(
  found: readonly Found[],
  rows: number,
  {
    labels,
    sources,
    bases,
    originOf,
  }: Pick<RelateTask, 'labels' | 'sources' | 'bases'> & { originOf: ReturnType<typeof originReader>['of'] },
): Related {
  const verdicts = found
    .flatMap(part =>
      Array.from(part.row, (row, i) => ({
        row,
        kind: part.kind[i],
        reason: part.reason[i],
        value: part.value[i],
        survivor: part.survivor[i],
        message: part.messages.get(i),
      })),
    )
    .concat(found.flatMap(({ sides }) => (sides ? rejectedSides(sides) : [])))
    .sort((a, b) => a.row - b.row)
  const files = new Map<string, number>(),
    relatedFile = new Int32Array(verdicts.length).fill(-1),
    relatedRow = new Float64Array(verdicts.length).fill(-1)
  /** Where a row lies that is numbered over all. */
  const placeOf = (row: number) => {
    const partition = partitionOf(bases, row),
      label = labels[partition]
    if (!files.has(label)) files.set(label, files.size)
    return {
      file: files.get(label)!,
      of: [sources[partition], label] as const,
      ...originOf(partition, row - bases[partition]),
    }
  }
  verdicts.forEach(({ survivor }, i) => {
    if (survivor < 0) return
    const { file, row } = placeOf(survivor)
    relatedFile[i] = file
    relatedRow[i] = row
  })
  const paired = pairedOf(found, placeOf),
    // one task closes all clusters
    clustered = found.find(({ clustered }) => clustered)?.clustered
  return {
    row: Uint32Array.from(verdicts, ({ row }) => row),
    kind: Uint8Array.from(verdicts, ({ kind }) => kind),
    reason: Uint16Array.from(verdicts, ({ reason }) => reason),
    value: Float64Array.from(verdicts, ({ value }) => value),
    relatedFile,
    relatedRow,
    files: [...files.keys()],
    messages: Object.fromEntries(
      verdicts.flatMap(({ message }, i) => (message === undefined ? [] : [[i, message] as const])),
    ),
    // each once: a row may be in several groups
    notes: found
      .flatMap(({ notes }) => notes)
      .sort(([a, x], [b, y]) => a - b || (x < y ? -1 : x > y ? 1 : 0))
      .filter(([row, note], i, all) => i === 0 || all[i - 1][0] !== row || all[i - 1][1] !== note),
    ...(found.some(({ written }) => written) ? { written: inOrder(found, rows) } : {}),
    ...(paired ? { paired } : {}),
    ...(clustered ? { clustered } : {}),
  }
}

/** Each row that is a rejected side, once, with the first of those that it is set against. */
function rejectedSides({ row, of }: NonNullable<Found['sides']>) {
  const first = new Map<number, number>()
  row.forEach((side, i) => first.set(side, Math.min(first.get(side) ?? Infinity, of[i])))
  return [...first].map(([row, survivor]) => ({
    row,
    kind: SIDE,
    reason: 0,
    value: NaN,
    survivor,
    message: undefined,
  }))
}

/** The pairs of a partition, by their parents; those of one parent in the order in which they were given. */
function pairedOf(
  found: readonly Found[],
  placeOf: (row: number) => { of: FileOf; row: number; isDerived: boolean },
): Paired | undefined {
  const all = found
    .flatMap(({ pairs }) => (pairs ? Array.from(pairs.row, (row, i) => ({ row, i, pairs })) : []))
    .sort((a, b) => a.row - b.row)
  if (all.length === 0) return undefined
  const n = all.length,
    paired = {
      parent: Uint32Array.from(all, ({ row }) => row),
      file: new Int32Array(n),
      row: new Float64Array(n),
      isDerived: new Uint8Array(n),
      ends: new Float64Array(n),
    }
  const pieces = all.map(({ pairs: { ends, bytes }, i }) => bytes.subarray(i === 0 ? 0 : ends[i - 1], ends[i]))
  const files = new Map<string, { at: number; of: FileOf }>()
  let end = 0
  all.forEach(({ pairs: { partner }, i }, p) => {
    const { of, row, isDerived } = placeOf(partner[i]),
      name = of.join(' ')
    if (!files.has(name)) files.set(name, { at: files.size, of })
    paired.file[p] = files.get(name)!.at
    paired.row[p] = row
    paired.isDerived[p] = isDerived ? 1 : 0
    paired.ends[p] = end += pieces[p].length
  })
  const bytes = new Uint8Array(end)
  pieces.forEach((piece, p) => bytes.set(piece, paired.ends[p] - piece.length))
  return { ...paired, files: [...files.values()].map(({ of }) => of), bytes }
}

/** The bytes of all rows in order. */
function inOrder(found: readonly Found[], rows: number): NonNullable<Related['written']> {
  const part = new Int32Array(rows).fill(-1),
    place = new Uint32Array(rows)
  found.forEach(({ written }, p) =>
    written?.row.forEach((row, i) => {
      part[row] = p
      place[row] = i
    }),
  )
  const ends = new Float64Array(rows)
  const rangeOf = (row: number) => {
    const { ends } = found[part[row]].written!
    return [place[row] === 0 ? 0 : ends[place[row] - 1], ends[place[row]]] as const
  }
  for (let row = 0, end = 0; row < rows; row++) {
    if (part[row] < 0) throw new Error(`a group came to nothing for row ${row} of ${rows}`)
    const [from, to] = rangeOf(row)
    ends[row] = end += to - from
  }
  const bytes = new Uint8Array(rows === 0 ? 0 : ends[rows - 1])
  for (let row = 0; row < rows; row++) {
    const [from, to] = rangeOf(row)
    bytes.set(found[part[row]].written!.bytes.subarray(from, to), ends[row] - (to - from))
  }
  return { ends, bytes }
}
