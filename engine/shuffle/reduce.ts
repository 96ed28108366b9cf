/**
 * Groups of a range of buckets, over all partitions: sorts hashes, cuts groups by value, hands blocks of them to the
 * stage, and keeps what it says of each row by partition.
 */
import { Field, Schema } from 'apache-arrow'
import { serialize } from 'node:v8'
import type { Flow } from '../arrow/flow.ts'
import { Bytes, keyEnd, packer, unpacker } from '../arrow/rows.ts'
import { addedFields } from '../graph/columns.ts'
import { EXIT, SluiceError } from '../errors.ts'
import { openSealed } from '../sealed.ts'
import { inLine } from '../terminal.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { saveValue } from '../run/files.ts'
import { ERRORED, type BucketTask, type Section } from '../run/messages.ts'
import { openRun, runStage, type StageRun, type Through } from '../run/verdicts.ts'
import type { WorkerNode, World } from '../run/world.ts'
import {
  hashOfText,
  isTexts,
  openRange,
  recordsName,
  tableTravel,
  travelOf,
  type Rows,
  type Travel,
} from './records.ts'

/** Bytes of a group's rows at most. */
const GROUP_BYTES = 256 << 20
/** Of a cluster: runs whose rows are held open at once. */
const OPEN_RUNS = 256

/** What a range of buckets says of one partition's rows, by their numbers there; survivors are numbered over all. */
export interface Found {
  readonly row: Uint32Array
  readonly kind: Uint8Array
  readonly reason: Uint16Array
  readonly value: Float64Array
  readonly survivor: Float64Array
  /** Messages of errors, by entry. */
  readonly messages: ReadonlyMap<number, string>
  readonly notes: readonly (readonly [row: number, note: string])[]
  /** Of a stage that writes columns, those of each of its rows, as bytes. */
  readonly written?: { readonly row: Uint32Array; readonly ends: Uint32Array; readonly bytes: Uint8Array }
}
/** Edges between rows, numbered over all partitions, and rows whose group failed. */
export interface FoundEdges {
  readonly a: Float64Array
  readonly b: Float64Array
  readonly value: Float64Array
  readonly errors: readonly (readonly [row: number, message: string])[]
}

/** The columns that a stage writes, as the graph names them. */
export const writtenFields = (node: WorkerNode): readonly Field[] =>
  addedFields({ ...node, from: [], index: 0 }).map(({ name, type }) => new Field(name, type, true))

/** All keys of a range, over all runs of all partitions. */
interface Keys {
  readonly words: Uint32Array
  /** The run of each, and the place of its row there. */
  readonly run: Uint32Array
  readonly place: Uint32Array
  readonly runs: readonly Run[]
}
/** One run of a partition of the stage's rows, or of one of its tables. */
interface Run {
  readonly partition: number
  readonly table?: string
  readonly travel: Travel
  open(): Rows
}

function keysOf(task: BucketTask, node: WorkerNode, travel: Travel): Keys {
  const runs: Run[] = [],
    parts: { hashes: Uint32Array; places: Uint32Array }[] = []
  const add = (folder: string, of: Omit<Run, 'open'>) => {
    const name = recordsName(node.id, of.table)
    for (const { hashes, places, rows } of openRange(folder, name, travel.items !== undefined, task.from, task.to)) {
      runs.push({ ...of, open: rows })
      parts.push({ hashes, places })
    }
  }
  task.folders.forEach((folder, partition) => add(folder, { partition, travel }))
  for (const { name: table, folders } of task.tables) {
    for (const folder of folders) add(folder, { partition: -1, table, travel: tableTravel(node, table) })
  }
  const n = parts.reduce((sum, { places }) => sum + places.length, 0)
  const words = new Uint32Array(2 * n),
    run = new Uint32Array(n),
    place = new Uint32Array(n)
  let at = 0
  parts.forEach(({ hashes, places }, r) => {
    words.set(hashes, 2 * at)
    run.fill(r, at, at + places.length)
    place.set(places, at)
    at += places.length
  })
  return { words, run, place, runs }
}

/** Sorts entry numbers by hash (two 32-bit words), keeping the order of rows within one. */
function sortByHash(words: Uint32Array): Uint32Array {
  const n = words.length / 2
  let from: Uint32Array<ArrayBuffer> = Uint32Array.from({ length: n }, (_, i) => i),
    to = new Uint32Array(n)
  const counts = new Uint32Array(65537)
  for (let pass = 0; pass < 4; pass++) {
    const word = pass >> 1,
      shift = (pass & 1) * 16
    counts.fill(0)
    for (let i = 0; i < n; i++) counts[((words[2 * i + word] >>> shift) & 0xffff) + 1]++
    for (let i = 1; i < counts.length; i++) counts[i] += counts[i - 1]
    for (let i = 0; i < n; i++) to[counts[(words[2 * from[i] + word] >>> shift) & 0xffff]++] = from[i]
    ;[from, to] = [to, from]
  }
  return from
}

/** Rows of runs by entry; those of a cluster are opened as they are asked for, and closed when there are many. */
function rowsOf(keys: Keys, isCluster: boolean) {
  const open = new Map<number, Rows>()
  const close = () => {
    for (const rows of open.values()) rows.close()
    open.clear()
  }
  const of = (entry: number): Rows => {
    const run = keys.run[entry]
    let rows = open.get(run)
    if (!rows) {
      if (isCluster && open.size >= OPEN_RUNS) close()
      open.set(run, (rows = keys.runs[run].open()))
    }
    return rows
  }
  return {
    close,
    size: (entry: number) => of(entry).size(keys.place[entry]),
    read: (entry: number) => of(entry).read(keys.place[entry]),
    number: (entry: number) => of(entry).number(keys.place[entry]),
    partition: (entry: number) => keys.runs[keys.run[entry]].partition,
    of: (entry: number) => keys.runs[keys.run[entry]],
  }
}
type Entries = ReturnType<typeof rowsOf>

type Row = ReturnType<Rows['read']>

/** The entries of one hash as groups of equal values, each in order; the groups in order of their first. */
function byValue(entries: readonly number[], rows: Entries): number[][] {
  // no key's bytes begin those of another
  const isSame = (key: Row, { bytes, start, end }: Row) =>
    start + key.end - key.start <= end &&
    key.bytes.compare(bytes, start, start + key.end - key.start, key.start, key.end) === 0
  const groups: { key?: Row; members: number[] }[] = []
  for (const entry of entries) {
    const row = rows.read(entry),
      isAlone = !hasKey(row, rows.of(entry).travel)
    const same = isAlone ? undefined : groups.find(({ key }) => key && isSame(key, row))
    if (same) same.members.push(entry)
    else if (isAlone) groups.push({ members: [entry] })
    else {
      const { fields, keys } = rows.of(entry).travel,
        endOf = keyEnd(fields.slice(0, keys).map(({ type }) => type))
      groups.push({ key: { ...row, end: endOf(row.bytes, row.start) }, members: [entry] })
    }
  }
  return groups.map(({ members }) => members)
}

/** Whether none of the columns that make its key is null. */
function hasKey({ bytes, end }: Row, { fields, keys }: Travel): boolean {
  const bitmap = (fields.length + 7) >> 3
  for (let c = 0; c < keys; c++) if (bytes[end - bitmap + (c >> 3)] & (1 << (c & 7))) return false
  return true
}

/** The same for keys that are texts of a list: the text of an entry is that of its row's items with its hash. */
function byItem(entries: readonly number[], rows: Entries, keys: Keys, travel: Travel): number[][] {
  const at = travel.fields.findIndex(({ name }) => name === travel.items!.name),
    groups = new Map<string, number[]>()
  for (const entry of entries) {
    const { bytes, start, end } = rows.read(entry),
      taken = unpacker(travel.fields.map(({ type }) => type))
    taken.row(bytes, start, end)
    const [item] = taken.columns()[at].children,
      { valueOffsets: offsets, values } = item as unknown as { valueOffsets: Int32Array; values: Uint8Array }
    for (let i = 0; i < item.length; i++) {
      const text = values.subarray(offsets[i], offsets[i + 1]),
        [low, high] = hashOfText(text)
      if (low !== keys.words[2 * entry] || high !== keys.words[2 * entry + 1]) continue
      const name = Buffer.from(text).toString('latin1')
      groups.set(name, [...(groups.get(name) ?? []), entry])
      break
    }
  }
  return [...groups.values()]
}

/** The groups of a range, in order of hash; of a cluster those of two rows or more. */
function* groupsOf(keys: Keys, travel: Travel, rows: Entries, limit: number, what: string): Iterable<number[]> {
  const { words } = keys,
    order = sortByHash(words)
  for (let start = 0, end = 0; start < order.length; start = end) {
    const same: number[] = []
    for (; end < order.length; end++) {
      const [a, b] = [order[start], order[end]]
      if (words[2 * a] !== words[2 * b] || words[2 * a + 1] !== words[2 * b + 1]) break
      const last = same.at(-1)
      // an item that a row has twice
      if (last === undefined || keys.run[last] !== keys.run[b] || keys.place[last] !== keys.place[b]) same.push(b)
    }
    if (travel.items) {
      if (same.length > 1) yield* isTexts(travel.items) ? byItem(same, rows, keys, travel).filter(more) : [same]
      continue
    }
    let bytes = 0
    for (const entry of same) bytes += rows.size(entry)
    if (bytes > limit) throw tooLarge(what, travel, rows, same, bytes, limit)
    yield* same.length === 1 ? [same] : byValue(same, rows)
  }
}
const more = (group: readonly number[]): boolean => group.length > 1

function tooLarge(what: string, travel: Travel, rows: Entries, group: number[], bytes: number, limit: number): Error {
  const { bytes: at, start, end } = rows.read(group[0]),
    taken = unpacker(travel.fields.map(({ type }) => type))
  taken.row(at, start, end)
  const columns = taken.columns()
  const key = travel.fields.slice(0, travel.keys).map(({ name }, c) => {
    const text = JSON.stringify(jsonValueOf(columns[c], 0), (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    return `${name} ${inLine(text.length > 200 ? `${text.slice(0, 200)}…` : text)}`
  })
  const size = (n: number) => `${n.toLocaleString('en-US')} bytes`
  return new SluiceError(
    `${what}: the group of ${key.join(', ')} has ${group.length} rows, and ${size(bytes)} of them travel; a group may have ${size(limit)}: let the stage carry less of a row (carries), or drop duplicates before it`,
    EXIT.data,
  )
}

/** The members of a group that are rows of the stage, and those of each table; of a cluster all are its rows. */
interface Members {
  readonly own: number[]
  readonly tables: ReadonlyMap<string, number[]>
}
function* withRows(groups: Iterable<number[]>, rows: Entries): Iterable<Members> {
  for (const group of groups) {
    const own: number[] = [],
      tables = new Map<string, number[]>()
    for (const entry of group) {
      const { table } = rows.of(entry)
      if (table === undefined) own.push(entry)
      else tables.set(table, [...(tables.get(table) ?? []), entry])
    }
    if (own.length > 0) yield { own, tables }
  }
}

/** Groups as blocks of about `most` rows; a group that is larger is a block of its own. */
function* blocksOf(groups: Iterable<Members>, most: number): Iterable<Members[]> {
  let block: Members[] = [],
    rows = 0
  for (const group of groups) {
    if (rows > 0 && rows + group.own.length > most) {
      yield block
      block = []
      rows = 0
    }
    block.push(group)
    rows += group.own.length
  }
  if (rows > 0) yield block
}

/** Of a cluster: groups whose rows are too much for the memory in parts, each beginning with the group's first row. */
function* inParts(groups: Iterable<number[]>, rows: Entries, limit: number): Iterable<number[]> {
  for (const group of groups) {
    let part = [group[0]],
      bytes = rows.size(group[0])
    for (const entry of group.slice(1)) {
      const size = rows.size(entry)
      if (part.length > 1 && bytes + size > limit) {
        yield part
        part = [group[0]]
        bytes = rows.size(group[0])
      }
      part.push(entry)
      bytes += size
    }
    yield part
  }
}

/** Rows of groups, one group after the other. */
function flowOf(groups: readonly (readonly number[])[], { fields }: Travel, rows: Entries): Flow {
  const taken = unpacker(fields.map(({ type }) => type)),
    starts = new Int32Array(groups.length + 1)
  groups.forEach((group, g) => {
    starts[g + 1] = starts[g] + group.length
    for (const entry of group) {
      const { bytes, start, end } = rows.read(entry)
      taken.row(bytes, start, end)
    }
  })
  const count = starts[groups.length]
  return {
    schema: new Schema([...fields]),
    columns: taken.columns(),
    rows: count,
    row: Uint32Array.from({ length: count }, (_, row) => row),
    copy: new Uint32Array(count),
    groups: starts,
  }
}

/** What the groups of a range come to: a section for each partition that is spoken of, in `task.file`. */
export async function reduceRange(world: World, task: BucketTask): Promise<readonly Section[]> {
  const node = world.nodes.get(task.node)!,
    travel = travelOf(node),
    isCluster = travel.items !== undefined,
    limit = world.setup.groupBytes ?? GROUP_BYTES
  const written = writtenFields(node),
    tables = task.tables.map(({ name }) => ({ name, travel: tableTravel(node, name) }))
  const run: StageRun = {
    ...openRun(node, () => world.context(node, task.states)),
    output: new Schema([
      ...travel.fields.filter(({ name }) => !written.some(field => field.name === name)),
      ...written,
    ]),
  }
  const keys = keysOf(task, node, travel),
    rows = rowsOf(keys, isCluster),
    found = new FoundRows(written)
  const edges = { a: [] as number[], b: [] as number[], value: [] as number[], errors: [] as [number, string][] }
  const numbered = (entry: number) => task.bases[rows.partition(entry)] + rows.number(entry)
  try {
    const groups = groupsOf(keys, travel, rows, limit, `${node.id} (${node.use})`)
    const parts = isCluster ? inParts(groups, rows, limit) : groups
    for (const block of blocksOf(withRows(parts, rows), world.setup.blockRows)) {
      const ownRows = block.map(({ own }) => own),
        entries = ownRows.flat()
      const flow: Flow = {
        ...flowOf(ownRows, travel, rows),
        ...(tables.length > 0
          ? {
              tables: Object.fromEntries(
                tables.map(({ name, travel }) => [
                  name,
                  flowOf(
                    block.map(({ tables }) => tables.get(name) ?? []),
                    travel,
                    rows,
                  ),
                ]),
              ),
            }
          : {}),
      }
      const through = await runStage(run, flow)
      if (isCluster) {
        const { a, b, value } = through.edges ?? { a: [], b: [], value: [] }
        for (let i = 0; i < a.length; i++) {
          edges.a.push(numbered(entries[a[i]]))
          edges.b.push(numbered(entries[b[i]]))
          edges.value.push(value[i])
        }
        for (const [row, message] of through.said.messages) edges.errors.push([numbered(entries[row]), message])
        for (const { row, reason } of through.said.notes) {
          found.of(rows.partition(entries[row])).notes.push([rows.number(entries[row]), reason])
        }
      } else found.take(through, entries, rows, numbered)
    }
  } finally {
    rows.close()
  }
  if (isCluster) {
    const [a, b, value] = [edges.a, edges.b, edges.value].map(list => Float64Array.from(list))
    saveValue(`${task.file}.edges`, { a, b, value, errors: edges.errors } satisfies FoundEdges)
  }
  return saveSections(task.file, found.sections())
}

/** Writes sections one after the other; gives where each lies. */
export function saveSections(path: string, sections: Iterable<readonly [partition: number, found: Found]>): Section[] {
  const out = openSealed(path)
  let at = 0
  const places: Section[] = []
  for (const [partition, found] of sections) {
    const bytes = serialize(found)
    out.write(bytes)
    places.push({ partition, at, bytes: bytes.length })
    at += bytes.length
  }
  out.close()
  return places
}

/** What is said of rows, by partition, as it grows. */
class FoundRows {
  readonly #fields: readonly Field[]
  readonly #parts = new Map<number, Growing>()
  constructor(fields: readonly Field[]) {
    this.#fields = fields
  }

  of(partition: number): Growing {
    const known = this.#parts.get(partition)
    if (known) return known
    const made: Growing = {
      row: [],
      kind: [],
      reason: [],
      value: [],
      survivor: [],
      messages: new Map(),
      notes: [],
      written: { row: [], ends: [], bytes: new Bytes() },
    }
    this.#parts.set(partition, made)
    return made
  }

  /** All that a stage said of a block. */
  take({ all, said }: Through, entries: readonly number[], rows: Entries, numbered: (entry: number) => number): void {
    const at = this.#fields.map(({ name }) => all.schema.fields.findIndex(field => field.name === name)),
      pack = packer(
        at.map(column => all.columns[column]),
        0,
      )
    entries.forEach((entry, i) => {
      const part = this.of(rows.partition(entry)),
        row = rows.number(entry)
      if (said.said[i]) {
        if (said.kind[i] === ERRORED) part.messages.set(part.row.length, said.messages.get(i)!)
        part.row.push(row)
        part.kind.push(said.kind[i])
        part.reason.push(said.reason[i])
        part.value.push(said.value[i])
        part.survivor.push(said.survivor[i] < 0 ? -1 : numbered(entries[said.survivor[i]]))
      }
      if (this.#fields.length > 0) {
        pack(i, part.written.bytes)
        part.written.row.push(row)
        part.written.ends.push(part.written.bytes.length)
      }
    })
    for (const { row, reason } of said.notes) {
      this.of(rows.partition(entries[row])).notes.push([rows.number(entries[row]), reason])
    }
  }

  *sections(): Iterable<readonly [number, Found]> {
    for (const [partition, part] of [...this.#parts].sort(([a], [b]) => a - b)) {
      const { row, ends, bytes } = part.written
      yield [
        partition,
        {
          row: Uint32Array.from(part.row),
          kind: Uint8Array.from(part.kind),
          reason: Uint16Array.from(part.reason),
          value: Float64Array.from(part.value),
          survivor: Float64Array.from(part.survivor),
          messages: part.messages,
          notes: part.notes,
          ...(this.#fields.length > 0
            ? {
                written: {
                  row: Uint32Array.from(row),
                  ends: Uint32Array.from(ends),
                  bytes: bytes.bytes.slice(0, bytes.length),
                },
              }
            : {}),
        },
      ]
    }
  }
}
interface Growing {
  readonly row: number[]
  readonly kind: number[]
  readonly reason: number[]
  readonly value: number[]
  readonly survivor: number[]
  readonly messages: Map<number, string>
  readonly notes: [number, string][]
  readonly written: { readonly row: number[]; readonly ends: number[]; readonly bytes: Bytes }
}
