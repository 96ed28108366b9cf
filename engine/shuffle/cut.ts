/** Groups of a range of buckets, over all partitions: sorts hashes, cuts groups by value, packs them into blocks. */
import { Schema } from 'apache-arrow'
import type { Flow } from '../arrow/flow.ts'
import { jsonValueOf } from '../arrow/plain.ts'
import { keyEnd, unpacker } from '../arrow/rows.ts'
import { EXIT, SluiceError } from '../errors.ts'
import { inLine } from '../terminal.ts'
import type { BucketTask } from '../run/messages.ts'
import type { WorkerNode } from '../run/world.ts'
import { hashOfText, isTexts, openRange, recordsName, tableTravel, type Rows, type Travel } from './records.ts'

/** Of a cluster: runs whose rows are held open at once. */
const OPEN_RUNS = 256

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

export function keysOf(task: BucketTask, node: WorkerNode, travel: Travel): Keys {
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
export function rowsOf(keys: Keys, isCluster: boolean) {
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
export type Entries = ReturnType<typeof rowsOf>

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
      if (groups.has(name)) groups.get(name)!.push(entry)
      else groups.set(name, [entry])
      break
    }
  }
  return [...groups.values()]
}

/** The groups of a range, in order of hash; of a cluster those of two rows or more. */
export function* groupsOf(keys: Keys, travel: Travel, rows: Entries, limit: number, what: string): Iterable<number[]> {
  const { words } = keys,
    order = sortByHash(words)
  const isLike = (a: number, b: number) => words[2 * a] === words[2 * b] && words[2 * a + 1] === words[2 * b + 1]
  for (let start = 0, end = 0; start < order.length; start = end) {
    // most keys of a cluster are one row's alone
    if (travel.items && (start + 1 === order.length || !isLike(order[start], order[start + 1]))) {
      end = start + 1
      continue
    }
    const same: number[] = []
    for (; end < order.length; end++) {
      const b = order[end]
      if (!isLike(order[start], b)) break
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
export function* withRows(groups: Iterable<number[]>, rows: Entries): Iterable<Members> {
  for (const group of groups) {
    const own: number[] = [],
      tables = new Map<string, number[]>()
    for (const entry of group) {
      const { table } = rows.of(entry)
      if (table === undefined) own.push(entry)
      else if (tables.has(table)) tables.get(table)!.push(entry)
      else tables.set(table, [entry])
    }
    if (own.length > 0) yield { own, tables }
  }
}

/** Groups as blocks of about `most` rows; a group that is larger is a block of its own. */
export function* blocksOf(groups: Iterable<Members>, most: number): Iterable<Members[]> {
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
export function* inParts(groups: Iterable<number[]>, rows: Entries, limit: number): Iterable<number[]> {
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
export function flowOf(groups: readonly (readonly number[])[], { fields }: Travel, rows: Entries): Flow {
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
