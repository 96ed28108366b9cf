/**
 * What a partition sends to its groups: of each row the columns that travel, as bytes, and a hash for each of its keys,
 * cut into buckets by hash. A reader takes a range of buckets, whatever else there is.
 */
import { Field, type DataType } from 'apache-arrow'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Batch, isMade, type Flow } from '../arrow/flow.ts'
import { listColumn, nullTest, textColumn } from '../arrow/columns.ts'
import { hash64, mix32 } from '../arrow/hash.ts'
import { Bytes, packer } from '../arrow/rows.ts'
import { effectOf, groupedBy, readsOf } from '../graph/types.ts'
import type { AnyStage, ColumnValues, Context } from '../contract/define.ts'
import { fieldOf, partnerFields, writtenField } from '../graph/columns.ts'
import { prefixed } from '../errors.ts'
import { readAll } from '../io.ts'
import { checksumIn, openSealed } from '../sealed.ts'
import { contentOf } from '../run/content.ts'
import { loadValue, saveValue } from '../run/files.ts'
import type { Sent } from '../run/messages.ts'
import { ofPartner } from '../run/pairs.ts'
import { columnOf, halfIn, StageMistake } from '../run/given.ts'
import type { WorkerNode } from '../run/world.ts'

/** Buckets that keys are cut into, however many there are: what lies on the disk does not depend on the other rows. */
export const BUCKETS = 256
/** Bytes that are sorted at once, where one bucket has no more. */
const BUCKET_BYTES = 32 << 20
/** Bytes of rows that a partition holds before it sorts and writes them. */
const RUN_BYTES = 8 << 20
/** Bytes of a key's hash, and of the place of its row. */
const HASH_BYTES = 8,
  PLACE_BYTES = 4

/**
 * Ranges of buckets that are worked on at once: as many as bound the memory, and never fewer than a few, so that
 * workers share them.
 */
export function bucketRanges(bytes: number, most = BUCKET_BYTES): (readonly [from: number, to: number])[] {
  const parts = 2 ** Math.max(2, Math.min(8, Math.ceil(Math.log2(Math.max(1, bytes / most))))),
    each = BUCKETS / parts
  return Array.from({ length: parts }, (_, i) => [i * each, (i + 1) * each] as const)
}

/**
 * The columns that travel: first those that make the key, then the others that the stage sees. A cluster's key is in
 * its hashes alone, but where it is of texts.
 */
export interface Travel {
  readonly fields: readonly Field[]
  readonly keys: number
  /** Of a cluster: the list whose items are the keys. */
  readonly items?: Field
  /** Of pairs: which column of the rows travels under a name of its own, for whoever it is the partner of. */
  readonly partners?: ReadonlyMap<string, string>
}

/** What travels of the rows of a table: what groups are made by, and what is read of it. */
export function tableTravel(node: WorkerNode, table: string): Travel {
  const by = groupedBy(node)!,
    { fields } = node.tableSchemas.get(table)!
  return {
    fields: [...by.map(name => fieldOf({ fields }, name)), ...fields.filter(({ name }) => !by.includes(name))],
    keys: by.length,
  }
}

/** What the records of a stage's own rows, or of a table, are called. */
export const recordsName = (node: string, table?: string): string => (table === undefined ? node : `${node}@${table}`)

export function travelOf(node: WorkerNode): Travel {
  const stage = node.stage as AnyStage,
    by = groupedBy(node)!
  const carried = stage.carries,
    names = Object.keys(carried ?? readsOf(node))
  const typed = (name: string) =>
    carried && Object.hasOwn(carried, name) ? writtenField(name, carried[name]!) : fieldOf(node.input, name)
  const effect = effectOf(node)
  if (effect !== 'cluster') {
    const all = [...by, ...names.filter(name => !by.includes(name))]
    const partners = effect === 'pair' ? partnerFields(node.input) : []
    return {
      fields: [
        ...all.map(typed),
        ...partners.map(({ field: { name, type } }) => new Field(ofPartner(name), type, true)),
      ],
      keys: by.length,
      partners: new Map(partners.map(({ from, field }) => [ofPartner(field.name), from])),
    }
  }
  const items = typed(by[0]),
    isText = isTexts(items)
  return { fields: names.filter(name => isText || name !== by[0]).map(typed), keys: 0, items }
}

export const isTexts = ({ type }: Field): boolean => String((type as DataType).children[0].type) === 'Utf8'

/** A part of a partition's rows, where it lies: its hashes by bucket, the rows' numbers and ends, their bytes. */
interface Run {
  readonly at: number
  readonly rows: number
  /** Hashes in each bucket. */
  readonly buckets: Uint32Array
}
interface Index {
  readonly rows: number
  readonly runs: readonly Run[]
}

const recordsIn = (folder: string, node: string) => join(folder, `records-${node}.bin`)
const indexIn = (folder: string, node: string) => join(folder, `records-${node}-index.bin`)
/** The source rows of a partition's rows, in order, and their copies: four bytes each. */
const originsIn = (folder: string, node: string) => join(folder, `records-${node}-origins.bin`)

const asBytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)

/** The hashes of a row's keys, two words each. */
type Hashes = (row: number, put: (low: number, high: number) => void) => void

/** One for each item of the list; the same number never hashes to two. */
function hashesOfItems(data: Parameters<typeof listColumn>[0], isText: boolean): Hashes {
  const isNull = nullTest(data)
  if (isText) {
    const offsets = data.valueOffsets as Int32Array,
      { bytes, offsets: ends } = textColumn(data.children[0]),
      isItemNull = nullTest(data.children[0])
    return (row, put) => {
      for (let i = isNull(row) ? offsets[row + 1] : offsets[row]; i < offsets[row + 1]; i++) {
        if (!isItemNull(i)) put(...hashOfText(bytes.subarray(ends[i], ends[i + 1])))
      }
    }
  }
  const { values, start, end } = listColumn(data)
  return (row, put) => {
    for (let i = start(row); i < end(row); i++) put(mix32(values[i]), mix32(values[i] ^ 0x2c1b3c6d))
  }
}

export function hashOfText(text: Uint8Array): [low: number, high: number] {
  const state = new Uint32Array(2)
  hash64(text, 0, text.length, state)
  return [state[0], state[1]]
}

/** What a stage does, and its name in what goes wrong. */
function inStage<T>({ id, use }: WorkerNode, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw prefixed(`${id} (${use})`, error)
  }
}

/** Collects what a partition's rows send, or those of a table. */
export function openRecords(folder: string, node: WorkerNode, context: Context, table?: string) {
  const stage = node.stage as AnyStage,
    name = recordsName(node.id, table),
    travel = table === undefined ? travelOf(node) : tableTravel(node, table),
    isCluster = travel.items !== undefined,
    carry =
      table === undefined ? inStage(node, () => stage.carry?.(node.options, context as Context<undefined>)) : undefined
  const out = openSealed(recordsIn(folder, name)),
    origins = openSealed(originsIn(folder, name))
  const runs: Run[] = []
  let rows = new Bytes(),
    ends: number[] = [],
    words: number[] = [],
    places: number[] = []
  let total = 0,
    written = 0,
    keyCount = 0
  const state = new Uint32Array(2)

  const flush = () => {
    const n = ends.length,
      keys = places.length
    if (n === 0) return
    const buckets = new Uint32Array(BUCKETS),
      next = new Uint32Array(BUCKETS)
    for (let i = 0; i < keys; i++) buckets[words[2 * i + 1] % BUCKETS]++
    for (let b = 1; b < BUCKETS; b++) next[b] = next[b - 1] + buckets[b - 1]
    const hashes = new Uint32Array(2 * keys),
      order = new Uint32Array(keys)
    for (let i = 0; i < keys; i++) {
      const at = next[words[2 * i + 1] % BUCKETS]++
      hashes[2 * at] = words[2 * i]
      hashes[2 * at + 1] = words[2 * i + 1]
      order[at] = places[i]
    }
    // a cluster's rows lie in their own order, and each of its keys says where; others lie in that of their one key
    const sizes = new Uint32Array(n),
      numbers = new Uint32Array(n),
      pieces: Uint8Array[] = []
    const sorted = isCluster ? undefined : new Uint8Array(rows.length)
    for (let i = 0, end = 0; i < n; i++) {
      const row = isCluster ? i : order[i],
        from = row === 0 ? 0 : ends[row - 1]
      sorted?.set(rows.bytes.subarray(from, ends[row]), end)
      end += ends[row] - from
      sizes[i] = end
      numbers[i] = total - n + row
    }
    pieces.push(asBytes(hashes))
    if (isCluster) pieces.push(asBytes(order))
    pieces.push(asBytes(numbers), asBytes(sizes), sorted ?? rows.bytes.subarray(0, rows.length))
    out.write(...pieces)
    runs.push({ at: written, rows: n, buckets })
    written += pieces.reduce((sum, { length }) => sum + length, 0)
    keyCount += keys
    rows = new Bytes()
    ends = []
    words = []
    places = []
  }

  return {
    add(flow: Flow): void {
      const batch = new Batch(flow),
        carried = inStage(node, () => carry?.(batch)) as Record<string, unknown> | undefined
      const dataOf = (field: Field) => {
        const from = travel.partners?.get(field.name)
        if (from !== undefined) return batch.column(from)
        const values = carried?.[field.name]
        // a table has the columns that rows are made to carry
        if (values === undefined && table === undefined && Object.hasOwn(stage.carries ?? {}, field.name)) {
          throw new StageMistake(`${node.id}: carry() gives no column '${field.name}', which 'carries' declares`)
        }
        if (values === undefined) return batch.column(field.name)
        const what = `${node.id}: carried column '${field.name}'`,
          half = halfIn(values)
        if (half) throw new StageMistake(`${what} of row '${batch.text('id').text(half.at)}' has ${half.wrong}`)
        return columnOf(what, field.type, values as ColumnValues, flow.rows)
      }
      const pack = packer(travel.fields.map(dataOf), travel.keys),
        items = travel.items && hashesOfItems(dataOf(travel.items), isTexts(travel.items))
      const keys = new Uint32Array(2 * flow.rows)
      for (let row = 0; row < flow.rows; row++) {
        keys[2 * row] = flow.row[row]
        keys[2 * row + 1] = flow.copy[row]
      }
      origins.write(asBytes(keys))
      for (let row = 0; row < flow.rows; row++) {
        const start = rows.length,
          place = ends.length,
          end = pack(row, rows)
        ends.push(rows.length)
        total++
        const put = (low: number, high: number) => {
          words.push(low, high)
          places.push(place)
        }
        if (items) items(row, put)
        else {
          // a row without a key is alone, wherever it comes
          state.fill(end < 0 ? mix32(flow.row[row]) : 0)
          if (end >= 0) hash64(rows.bytes, start, end, state)
          put(state[0], state[1])
        }
        if (rows.length >= RUN_BYTES) flush()
      }
    },
    /** `content`: of all that is sent. */
    close(): Sent & { content: string } {
      flush()
      out.close()
      origins.close()
      const index: Index = { rows: total, runs }
      saveValue(indexIn(folder, name), index)
      const content = contentOf([index, ...[recordsIn, originsIn].map(of => checksumIn(of(folder, name)))])
      // of a cluster's rows few are read again
      return { rows: total, bytes: isCluster ? keyCount * (HASH_BYTES + PLACE_BYTES) : written, content }
    },
  }
}

/** Files that are held open at once. */
const MOST_OPEN = 256

/** Looks up source rows of partitions' rows. */
export function originReader(folders: readonly string[], node: string) {
  const open = new Map<number, number>(),
    origin = new Uint32Array(2)
  const close = () => {
    for (const fd of open.values()) closeSync(fd)
    open.clear()
  }
  return {
    close,
    of(partition: number, row: number): { row: number; isDerived: boolean } {
      const path = originsIn(folders[partition], node)
      if (!open.has(partition)) {
        if (open.size >= MOST_OPEN) close()
        open.set(partition, openSync(path, 'r'))
      }
      readAll(open.get(partition)!, asBytes(origin), row * 8, path)
      return { row: origin[0], isDerived: isMade(origin[1]) }
    },
  }
}

/** Rows of one partition as they lie; `place` numbers those that were opened. */
export interface Rows {
  /** The number of a row in its partition. */
  number(place: number): number
  size(place: number): number
  /** Its bytes are `bytes[start .. end)`. */
  read(place: number): { readonly bytes: Buffer; readonly start: number; readonly end: number }
  close(): void
}

/** What one run has in a range of buckets: two words a hash, the place of each one's row, and the rows. */
export interface Opened {
  readonly hashes: Uint32Array
  readonly places: Uint32Array
  /** Opened when it is needed, as a cluster looks at few of its rows. */
  rows(): Rows
}

export function* openRange(
  folder: string,
  node: string,
  isCluster: boolean,
  from: number,
  to: number,
): Iterable<Opened> {
  const path = recordsIn(folder, node),
    { runs } = loadValue<Index>(indexIn(folder, node))
  const read = <T extends Uint32Array | Uint8Array>(into: T, position: number): T => {
    if (into.length === 0) return into
    const fd = openSync(path, 'r')
    try {
      readAll(fd, asBytes(into), position, path)
    } finally {
      closeSync(fd)
    }
    return into
  }
  for (const run of runs) {
    const countOf = (first: number, end: number) => run.buckets.subarray(first, end).reduce((sum, n) => sum + n, 0)
    const keys = countOf(0, BUCKETS),
      before = countOf(0, from),
      count = countOf(from, to)
    if (count === 0) continue
    const placesAt = run.at + keys * HASH_BYTES,
      numbersAt = placesAt + (isCluster ? keys * PLACE_BYTES : 0),
      endsAt = numbersAt + 4 * run.rows,
      bytesAt = endsAt + 4 * run.rows
    // of a cluster any row may be asked for; of others those of the range
    const first = isCluster ? 0 : before,
      rows = isCluster ? run.rows : count
    yield {
      hashes: read(new Uint32Array(2 * count), run.at + before * HASH_BYTES),
      places: isCluster
        ? read(new Uint32Array(count), placesAt + before * PLACE_BYTES)
        : Uint32Array.from({ length: count }, (_, i) => i),
      rows() {
        const numbers = read(new Uint32Array(rows), numbersAt + 4 * first),
          // with the end of the row before, where there is one
          ends = new Uint32Array(rows + 1)
        if (first > 0) read(ends, endsAt + 4 * (first - 1))
        else read(ends.subarray(1), endsAt)
        let all: Buffer | undefined, fd: number | undefined
        return {
          number: place => numbers[place],
          size: place => ends[place + 1] - ends[place],
          read(place) {
            const start = ends[place] - ends[0],
              end = ends[place + 1] - ends[0]
            if (isCluster) {
              const bytes = Buffer.allocUnsafe(end - start)
              readAll((fd ??= openSync(path, 'r')), bytes, bytesAt + ends[place], path)
              return { bytes, start: 0, end: bytes.length }
            }
            all ??= read(Buffer.allocUnsafeSlow(ends[rows] - ends[0]), bytesAt + ends[0])
            return { bytes: all, start, end }
          },
          close() {
            if (fd !== undefined) closeSync(fd)
          },
        }
      },
    }
  }
}
